"""The verbs of the notebooks: each says what it gives, editors and type checkers know it, and a wrong name is answered with the right ones."""

import ast
import importlib.util
import inspect
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from made_up import design_of, made_up_table

import hgdx_eval as hg
from docs.make_stub import STUB, stub
from hgdx_eval.base.errors import InputError
from hgdx_eval.base.telling import check_name, did_you_mean
from hgdx_eval.estimation.results import Estimate, result_table
from hgdx_eval.study.load import study_words
from hgdx_eval.vietnam.questions.cost import Cost

ROOT = Path(__file__).parent.parent
FUNCTIONS = [verb for verb in hg.__all__ if inspect.isfunction(getattr(hg, verb))]
COMMON = {"panel", "p", "design", "words"}  # told once, in the package's own docstring
CALLED = {"DataFrame": "table", "str": "text", "list": "list", "dict": "dict"}  # what a type is called in a sentence
WHEN = r"None (where|with|without|of|for|outside)\b"


# --- docstrings ----------------------------------------------------------------------------------------------------
def annotation(verb):
    """(the outermost types that a verb gives, whether None is one of them)."""
    told = inspect.signature(getattr(hg, verb)).return_annotation
    tree = ast.parse(told if isinstance(told, str) else inspect.formatannotation(told), mode="eval").body
    parts = [tree]
    while isinstance(parts[-1], ast.BinOp):
        parts[-1:] = [parts[-1].right, parts[-1].left]
    kinds = [part for part in parts if not (isinstance(part, ast.Constant) and part.value is None)]
    return [name for kind in kinds for name in outer(kind)], len(kinds) < len(parts)


def outer(kind):
    """Design of hgdx_eval.design.Design, list of list[...], all parts of tuple[...]."""
    if isinstance(kind, ast.Subscript):
        inner = kind.slice.elts if isinstance(kind.slice, ast.Tuple) else [kind.slice]
        return [name for part in inner for name in outer(part)] if kind.value.id == "tuple" else [kind.value.id]
    return [kind.attr if isinstance(kind, ast.Attribute) else kind.id]


@pytest.mark.parametrize("verb", FUNCTIONS)
def test_every_verb_says_what_it_takes_and_gives(verb):
    said = inspect.getdoc(getattr(hg, verb)) or ""
    _, begun, given = said.partition("Returns ")
    assert begun, "no sentence 'Returns ...'"
    kinds, nothing = annotation(verb)
    for kind in kinds:
        assert CALLED.get(kind, kind) in given, f"does not say that it returns a {kind}"
    assert bool(re.search(WHEN, given)) == nothing or "whose parts" in given, (
        "does not say when it returns None, or says so of what never is"
    )
    for name in set(inspect.signature(getattr(hg, verb)).parameters) - COMMON:
        assert f"`{name}`" in said, f"does not say what {name} is"


@pytest.mark.parametrize("verb", FUNCTIONS)
def test_every_verb_that_raises_says_so(verb):
    tree = ast.parse(inspect.getsource(getattr(hg, verb)))
    raised = {node.exc.func.id for node in ast.walk(tree) if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)}
    raised |= {"InputError" for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "check_name"}
    _, _, told = (inspect.getdoc(getattr(hg, verb)) or "").partition("Raises ")
    assert all(name in told for name in raised)


def test_examples_are_calls_of_verbs_that_exist():
    for verb in FUNCTIONS:
        for example in re.findall(r"Example: `(.+)`", inspect.getdoc(getattr(hg, verb))):
            called = [node.func for node in ast.walk(ast.parse(example)) if isinstance(node, ast.Call)]
            verbs = {func.attr for func in called if isinstance(func.value, ast.Name) and func.value.id == "hg"}
            assert verb in verbs and verbs <= set(hg.__all__)
            call = next(
                node for node in ast.walk(ast.parse(example)) if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == verb
            )
            inspect.signature(getattr(hg, verb)).bind(*call.args, **{word.arg: word.value for word in call.keywords})


# --- stub ----------------------------------------------------------------------------------------------------------
def test_the_stub_is_what_its_script_makes():
    assert STUB.read_text(encoding="utf-8") == stub(), "run python docs/make_stub.py"


def test_the_stub_has_every_verb_with_its_arguments():
    functions = {node.name: node for node in ast.parse(STUB.read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef)}
    assert set(functions) == set(FUNCTIONS)
    for verb, node in functions.items():
        taken = [*node.args.args, *([node.args.kwarg] if node.args.kwarg else [])]
        assert [argument.arg for argument in taken] == list(inspect.signature(getattr(hg, verb)).parameters)
        assert ast.get_docstring(node) == inspect.getdoc(getattr(hg, verb))


def test_the_stub_imports_what_is_there():
    for node in ast.parse(STUB.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            module = importlib.import_module("." * node.level + node.module, "hgdx_eval" if node.level else None)
            assert all(hasattr(module, alias.name) or importlib.util.find_spec(f"{module.__name__}.{alias.name}") for alias in node.names)


CELLS = """import hgdx_eval as hg

p, words = hg.load_study("demo", "vi", {"window": ["2022-01", "2024-12"]})
panel = hg.load_panel(p)
design = hg.study_design(panel, p)
result = hg.evaluate(design, p)
figure = hg.plot_event(result.main, words)
groups = hg.effects_by_group(design)
for trait in hg.traits(groups):
    hg.trait_name(trait, words)
hg.record([*result.all, *hg.taken_out(result, panel, p).values()], "effect", words, result.verdict)
try:
    hg.estimate(design, "callaway_santanna")
except hg.Refusal as refusal:
    print(refusal.reason)
"""
WRONG = """hg.plot_evnt(result.main, words)
hg.estimate(design)
hg.evaluate(panel, p)
figure.title
design.tabel
hg.estimate(design, estimator=3)
"""


def mypy():
    """The command of a type checker at hand."""
    if importlib.util.find_spec("mypy"):
        return [sys.executable, "-m", "mypy"]
    return [shutil.which("mypy")] if shutil.which("mypy") else None


@pytest.mark.long
def test_a_type_checker_takes_a_notebook_and_finds_what_is_wrong_in_it(tmp_path):
    if mypy() is None:
        pytest.skip("no mypy here: pip install mypy anywhere on the PATH")
    (tmp_path / "cells.py").write_text(CELLS + WRONG, encoding="utf-8")
    options = [
        "--follow-imports=silent",
        "--ignore-missing-imports",
        "--no-error-summary",
        "--hide-error-context",
        f"--cache-dir={tmp_path}/cache",
    ]
    env = {**os.environ, "MYPYPATH": str(ROOT)}
    done = subprocess.run([*mypy(), *options, "cells.py"], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=500)
    found = {int(line): code for line, code in re.findall(r"^cells\.py:(\d+): error: .*\[([a-z-]+)\]$", done.stdout, re.M)}
    first = CELLS.count("\n") + 1
    assert [found.pop(line, "") for line in range(first, first + WRONG.count("\n"))] == [
        "attr-defined", "call-arg", "arg-type", "union-attr", "attr-defined", "arg-type"], done.stdout + done.stderr  # fmt: skip
    assert not found, done.stdout


# --- names ---------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def design():
    return design_of(made_up_table(1))


@pytest.fixture(scope="module")
def words():
    return study_words(hg.load_study("organ_donation")[0], "en")


def refused(call):
    with pytest.raises(InputError) as found:
        call()
    said = str(found.value)
    assert "\n" not in said and ("known: " in said or "allowed: " in said)
    return said


@pytest.mark.parametrize(("name", "meant"), [("twfe", "two_way_fixed_effects"), ("calaway_santanna", "callaway_santanna"), ("..base.errors", None),
                                             ("__init__", None), ("", None), ("x\ny", None), (None, None), (["imputation"], None)])  # fmt: skip
def test_an_unknown_estimator_is_answered_with_those_that_are_known(design, name, meant):
    for call in (lambda: hg.estimate(design, name), lambda: hg.effect_bounds(design, name)):
        said = refused(call)
        assert "unknown estimator" in said and said.endswith("triple_difference, two_way_fixed_effects")
        assert (f"did you mean {meant!r}?" in said) if meant else "did you mean" not in said


def test_unknown_names_of_traits_parts_scales_and_terms(design, words):
    groups = Estimate(result_table([{"term": "group", "group": "level=a"}, {"term": "group", "group": "field=b"}]), design.origin, "M")
    for verb in (hg.show_groups_of, hg.group_effects):
        assert "unknown trait 'levle' (did you mean 'level'?); known: level, field" in refused(
            lambda verb=verb: verb(groups, "levle", words)
        )
    p = hg.load_study("demo")[0]
    assert "unknown by 'yeer' (did you mean 'year'?)" in refused(lambda: hg.show_forgone(Cost("none_fees"), None, p, "yeer", words))
    assert hg.show_forgone(Cost("none_fees"), None, p, "year", words) is None
    main = hg.estimate(design, "two_way_fixed_effects")
    assert "unknown main method 'twfe'" in refused(lambda: hg.plot_methods([main], "twfe", words))
    assert "unknown term 'evnt' (did you mean 'event'?)" in refused(lambda: main.rows("evnt"))
    assert "unknown kind of inference 'clustr'" in refused(lambda: main.overall("clustr"))
    assert "unknown scale 'points'" in refused(lambda: hg.plot_peeking(pd.DataFrame(), words, design.origin, "points"))
    assert "unknown scale 'points'" in refused(lambda: hg.show_together(pd.DataFrame(), "points", words))
    assert "known: first, average" in refused(lambda: hg.plot_sensitivity(main, words, {"frist": 1.0}))


def test_an_unknown_cluster_is_answered_with_those_that_may_be_told(design):
    assert "unknown cluster 'c9'" in refused(lambda: hg.without_cluster(design, "c9")) and "known: c0, c1" in refused(
        lambda: hg.without_cluster(design, "c9")
    )
    few = design.table.assign(cluster=design.table["cluster"].where(design.table["cluster"] != "c1", "Nguyễn Văn A"))
    said = refused(lambda: hg.without_cluster(replace(design, table=few), "c1"))
    assert "Nguyễn" not in said and "1 that is not told" in said


def test_unknown_studies_languages_keys_and_verbs():
    assert "did you mean 'demo'?" in refused(lambda: hg.load_study("dema"))
    assert "did you mean 'en'?" in refused(lambda: hg.load_study("demo", "eng"))
    assert "did you mean 'estimator'?" in refused(lambda: hg.load_study("demo", "vi", {"estimater": "x"}))
    assert "did you mean 'two_way_fixed_effects'?" in refused(lambda: hg.load_study("demo", "vi", {"estimator": "twfe"}))
    with pytest.raises(AttributeError, match=r"no attribute 'plot_evnt' \(did you mean 'plot_event'\?\)$"):
        hg.plot_evnt  # noqa: B018
    with pytest.raises(AttributeError, match="no attribute '__wrapped__'$"):
        hg.__wrapped__  # noqa: B018


def test_initials_are_understood_of_long_names_alone():
    assert did_you_mean("STS", ["structural_time_series", "sun_abraham"]) == " (did you mean 'structural_time_series'?)"
    assert did_you_mean("sa", ["structural_time_series", "sun_abraham"]) == ""
    check_name("estimator", "a", ["a"])
