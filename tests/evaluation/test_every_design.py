"""Every small design with every method and order of inference: the pages run, or the study is refused with a reason.

The cells are the notebooks' own, run as they stand, so that what a page shows is what is tested.
"""

import ast
import importlib
import itertools
import json
import pkgutil
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from monte_carlo import MANY
from test_show_methods import made

import hgdx_eval as hg
from hgdx_eval.base.errors import InputError, Refusal
from hgdx_eval.estimators.sun_abraham import own_rows
from hgdx_eval.evaluation import evaluation
from hgdx_eval.evaluation.evaluation import evaluated
from hgdx_eval.infer.false_alarms import linear_of
from hgdx_eval.report import charts
from hgdx_eval.study.load import study_words
from hgdx_eval.study.vocabulary import KINDS, REGRESSION, estimator_names

ROOT = Path(__file__).parent.parent.parent
PAGES = ("effect", "robustness", "comparison", "brief")
ORDERS = [order for size in range(1, len(KINDS) + 1) for order in itertools.permutations(KINDS, size)]
SHAPES = ("one unit", "two units", "mixed", "mixed and pure", "staggered", "everybody", "short", "no noise", "not compared", "blocks")
KEYS = {"not compared": "comparison: not_yet\n", "everybody": "comparison: not_yet\n", "blocks": "period_by: block\ngroup: group\n"}


def table_of(treated: int, comparison: int, shape: str) -> pd.DataFrame:
    """One row per unit x month. Clusters: so many treated, so many not; `mixed` ones hold units of both sides."""
    rng = np.random.default_rng([treated, comparison, SHAPES.index(shape)])
    units = [(f"t{c}", f"t{c}", 9) for c in range(treated)] + [(f"n{c}", f"n{c}", None) for c in range(comparison)]
    if shape in ("two units", "blocks"):
        units = [(f"{unit}{half}", cluster, start) for unit, cluster, start in units for half in "ab"]
    if shape in ("mixed", "mixed and pure"):
        units += [(f"m{name}", cluster, None if start else 9) for name, cluster, start in (units if shape == "mixed" else units[:1])]
    if shape in ("staggered", "not compared", "everybody"):
        units = [(name, cluster, start and 7 + 3 * (number % 3)) for number, (name, cluster, start) in enumerate(units)]
    if shape == "everybody":
        units = [(name, cluster, start or 12) for name, cluster, start in units]
    first, rows = pd.Period("2021-01", freq="M").ordinal, []
    common = rng.normal(0, 0.02, 16)
    for name, cluster, start in units:
        level = rng.uniform(0.3, 0.6)
        for t in range(6 if shape == "short" else 0, 16):
            share = level if shape == "no noise" else level + common[t] + rng.normal(0, 0.03)
            share += 0.05 * (start is not None and t >= start)
            rows.append((name, cluster, first + t, 1000, 1000 * share, np.nan if start is None else first + start,
                         cluster[1:], "fee" if start else "free"))  # fmt: skip
    return pd.DataFrame(rows, columns=["unit", "cluster", "time", "denominator", "numerator", "treated_from", "block", "group"])


@cache
def cells_of(page: str) -> list:
    """The page's cells as code and, where there is one, the expression that it shows."""
    found = json.loads((ROOT / "notebooks" / f"{page}.ipynb").read_text(encoding="utf-8"))["cells"]
    trees = [ast.parse("".join(cell["source"])) for cell in found if cell["cell_type"] == "code"][2:]  # after parameters and the study
    parts = []
    for tree in trees:
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        shown = last and compile(ast.Expression(last.value), page, "eval")
        parts.append((compile(tree, page, "exec"), shown))
    return parts


def shown(value: object) -> None:
    """What a notebook asks of a value that it shows."""
    for ask in ("_repr_html_", "_repr_mimebundle_", "__repr__"):
        if value is not None and hasattr(value, ask):
            getattr(value, ask)()


def pages(p, panel, design, found, lang: str, names=PAGES) -> None:
    kit = SimpleNamespace(**{name: getattr(hg, name) for name in hg.__all__} | {"evaluate": lambda design, p: found})
    for page in names:
        names = {"hg": kit, "p": p, "words": study_words(p, lang), "panel": panel, "design": design, "display": shown}
        for code, value in cells_of(page):
            exec(code, names)
            shown(eval(value, names) if value else None)


def few_worlds(monkeypatch) -> None:
    """Rates are not asked for here: few worlds, and no chart is written."""
    monkeypatch.setattr(evaluation, "false_alarms", partial(evaluation.false_alarms, worlds=40))

    def only_drawn(name: str, draw, alt: str) -> tuple[str, SimpleNamespace]:
        plt.close(draw(360, True))
        return "<svg/>", SimpleNamespace(png=lambda: b"")

    for part in pkgutil.iter_modules(charts.__path__):
        module = importlib.import_module(f"hgdx_eval.report.charts.{part.name}")
        if hasattr(module, "drawn"):
            monkeypatch.setattr(module, "drawn", only_drawn)


def studied(folder, treated: int, comparison: int, shape: str):
    """(study, panel, design) of a made-up study file; None where it is refused."""
    folder.mkdir()
    try:
        p, design = made(folder, table_of(treated, comparison, shape), "treated_from: start\n" + KEYS.get(shape, ""))
    except (Refusal, InputError):
        return None
    return p, hg.load_panel(p), design


def ends(study, estimator: str, order: tuple[str, ...], lang: str, names, others: tuple[str, ...] = ()) -> bool:
    """Whether the pages ran to their end; False where the method is refused. Anything else raises."""
    p, panel, design = study
    p = p.model_copy(update={"estimator": estimator, "inference_order": list(order), "estimators": list(others)})
    try:
        found = evaluated(design, p)
    except Refusal:
        return False
    pages(p, panel, design, found, lang, names)
    return True


@pytest.mark.parametrize("part", [0, *(pytest.param(part, marks=pytest.mark.long) for part in (1, 2))])
def test_every_order_of_one_and_two_kinds_with_some_method_and_size(tmp_path, monkeypatch, part):
    """Every kind alone and every pair in both orders; every method, size and shape comes up. A third of them at every run of the tests,
    each kind in it."""
    few_worlds(monkeypatch)
    methods, ran = estimator_names(), []
    orders = [(number, order) for number, order in enumerate(order for order in ORDERS if len(order) < 3) if number % 3 == part]
    assert {kind for _, order in orders for kind in order} == set(KINDS)
    for number, order in orders:
        treated, comparison = 1 + number % 4, 1 + (number // 4 + number) % 4
        study = studied(tmp_path / str(number), treated, comparison, SHAPES[number % len(SHAPES)])
        ran.append(study is not None and ends(study, methods[(3 * number) % len(methods)], order, ("vi", "en")[number % 2],
                                              ("effect", "robustness")))  # fmt: skip
    assert sum(ran) >= len(ran) / 2  # the others are refused, by their reasons


@pytest.mark.parametrize("order", [("randomization", "placebo"), ("placebo",), ("randomization",)])
def test_two_clusters_with_orders_of_which_no_kind_has_a_rate(tmp_path, monkeypatch, order):
    few_worlds(monkeypatch)
    study = studied(tmp_path / "two", 1, 1, "two units")
    assert ends(study, REGRESSION, order, "vi", ("effect", "robustness", "brief"))
    assert ends(study, "callaway_santanna", order, "en", ("effect", "robustness"))  # whose estimate no such kind is tried on


def test_a_method_that_leaves_out_rows_stays_on_those_of_the_table(tmp_path, monkeypatch):
    """Sun & Abraham without units never treated: periods from the last start on are left out, and the worlds of the gate have them all."""
    few_worlds(monkeypatch)
    study = studied(tmp_path / "everybody", 4, 1, "everybody")
    assert ends(study, "sun_abraham", ("placebo", "cluster", "randomization"), "vi", ("effect", "robustness"))
    _, _, design = study
    linear = linear_of(design, "sun_abraham")
    assert len(own_rows(design, design.table)) < len(linear.y) == len(design.table) and (linear.weights == 0).any()


@pytest.mark.long
@pytest.mark.draws
@pytest.mark.parametrize("shape", SHAPES)
def test_every_method_with_every_number_of_clusters(tmp_path, monkeypatch, shape):
    """Orders go round, so that each meets each method in some size and shape; numbers of clusters too, but with many draws."""
    few_worlds(monkeypatch)
    place = SHAPES.index(shape)
    sizes = list(itertools.product((1, 2, 3, 4), repeat=2)) if MANY else [(1 + place % 4, 1 + place // 4)]
    for treated, comparison in sizes:
        number = 16 * place + 4 * treated + comparison
        study = studied(tmp_path / f"{treated}-{comparison}", treated, comparison, shape)
        for at, estimator in enumerate(estimator_names() if study else []):
            order = ORDERS[(7 * number + 13 * at) % len(ORDERS)]
            names, others = (PAGES, estimator_names()) if at == number % 11 else (("effect", "robustness"), ())
            ends(study, estimator, order, ("vi", "en")[at % 2], names, others)


@pytest.mark.long
@pytest.mark.draws
@pytest.mark.parametrize("estimator", estimator_names())
def test_every_order_with_every_method(tmp_path, monkeypatch, estimator):
    few_worlds(monkeypatch)
    shape = "blocks" if estimator == "triple_difference" else "one unit"
    study = studied(tmp_path / "two", 2, 3, shape)
    for order in ORDERS[:: 1 if MANY else 8]:
        ends(study, estimator, order, "vi", ("effect", "robustness"))
