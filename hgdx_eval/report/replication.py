"""What a statistician gets who checks an estimate without this kit: cells, expected numbers, scripts for four programs, a page on them."""

import io
import zipfile
from dataclasses import dataclass
from importlib import resources

import jinja2
import pandas as pd

from ..base.periods import written_all
from ..base.safe_text import harmless
from ..base.telling import in_brief
from ..design.design import Design
from ..study.domains import domain_of
from ..study.study import Study, weight_column
from ..study.words import Words
from .colophon import about

SCRIPTS = ("replicate.py", "replicate_base.R", "replicate_fixest.R", "replicate.do")
TEXTS = ("unit", "unit_effect", "period", "block", "group", "cluster", "interaction")
THEN = (1980, 1, 1, 0, 0, 0)  # of every file in the archive, so that the same run gives the same bytes
CELLS, PUBLISHED = "cells.csv", "published"


@dataclass(frozen=True)
class Regression:
    """A coefficient with its clustered error, in points or the outcome's own unit. `n`: cases where they are counted, else rows; `k`:
    coefficients of the small-sample factor. `std_error` is NaN where the kit gives none."""

    estimate: float
    std_error: float
    n: float
    k: int
    clusters: int

    def __repr__(self) -> str:
        return in_brief(self, f"{self.estimate:.7f} ({self.std_error:.7f})", f"{self.clusters} clusters")


@dataclass(frozen=True)
class Replication:
    """`published`: as estimates.csv has it; `found`: of the cells that may leave. `design`: of these; where the method is one of dummies of
    cohort and event time its table says in `interaction` which of them each row has. `hidden`: whether some cells were
    kept back. `headline`: the study's main method; `inference`: the kind of interval that its report tells, "" for none."""

    study: Study
    design: Design
    method: str
    published: Regression
    found: Regression
    hidden: bool
    headline: str
    inference: str
    simulated: bool

    def __repr__(self) -> str:
        return in_brief(self, f"{self.study.study}: {self.method}", repr(self.found), "some cells hidden" if self.hidden else "")

    def in_short(self) -> list[str]:
        """Lines for whoever made it."""
        what = "" if self.method == self.headline else f" (not the headline, which is by {self.headline})"
        published = f"{self.published.estimate:.7f} ({self.published.std_error:.7f})"
        if not self.hidden:
            return [f"{self.method}{what}: {published}; all of its cells are in the package"]
        return [f"{self.method}{what}: published {published}; of the cells that may leave {self.found.estimate:.7f} "
                f"({self.found.std_error:.7f}): the package tells both"]  # fmt: skip

    @property
    def counted(self) -> bool:
        return self.study.numerator is not None

    @property
    def interacted(self) -> bool:
        return "interaction" in self.design.table

    @property
    def effects(self) -> dict[str, list[str]]:
        """Fixed effect -> the columns of cells.csv whose values it is of."""
        found = {"unit_id": ["unit_effect" if self.study.unit_effects else "unit"],
                 "period_id": ["block", "period"] if self.study.period_by else ["period"]}  # fmt: skip
        return found | ({"group_id": ["group", "period"]} if self.method == "triple_difference" else {})


def cells_table(made: Replication) -> pd.DataFrame:
    """cells.csv: one row per unit x period, outcome in points or its own unit. A text that a spreadsheet would take for a formula has an
    apostrophe before it, and stays another one than every other."""
    table, p = made.design.table, made.study
    found = pd.DataFrame({"unit": harmless_names(table["unit"])})
    if p.unit_effects:
        found["unit_effect"] = harmless_names(table["effect"])
    found["period"] = written_all(table["period"])
    if p.period_by:
        found["block"] = harmless_names(table["block"])
    if p.group:
        found["group"] = harmless_names(table["group"])
    found["cluster"] = harmless_names(table["cluster"])
    found["outcome"] = table["y"] * (100.0 if made.design.scale == "pp" else 1.0)
    found["weight"] = table["weight"].astype(float)
    if made.counted:
        found["cases_with_outcome"], found["cases"] = table["numerator"].astype(float), table["denominator"].astype(float)
    found["treated"] = table["treated"].astype(int)
    found["event_time"] = table["event_time"].astype("Int64")
    if made.interacted:
        found["interaction"] = table["interaction"]
    return found.assign(simulated=1) if made.simulated else found


def harmless_names(names: pd.Series) -> pd.Series:
    """Names as a CSV may hold them, different ones still different."""
    known = [str(name) for name in names.unique()]
    told = {name: name for name in known if harmless(name) == name}
    taken = set(told)
    for name in sorted(set(known) - taken):
        safe = str(harmless(name))
        while safe in taken:
            safe = "'" + safe
        told[name] = safe
        taken.add(safe)
    return names.astype(str).map(told)


def expected_table(made: Replication) -> pd.DataFrame:
    """expected.csv: the numbers of cells.csv, which the scripts compare with, and those of the report."""
    rows = [{"cells": name, "method": made.method, "main_method": "yes" if made.method == made.headline else "no", "estimate": one.estimate,
             "std_error": one.std_error, "n": one.n, "k": one.k, "clusters": one.clusters}
            for name, one in ((CELLS, made.found), (PUBLISHED, made.published))]  # fmt: skip
    return pd.DataFrame(rows)


def scripts(made: Replication, columns: list[str]) -> dict[str, str]:
    """The scripts by name. `columns`: of cells.csv, in order."""
    numbers = [name for name in columns if name in ("outcome", "weight", "treated", "cases")]
    error = f"{made.found.std_error:.10f}" if made.found.std_error == made.found.std_error else "no number (see README)"
    said = {"effects": made.effects, "interacted": made.interacted, "regressor": "average" if made.interacted else "treated",
            "z": " z*" if made.interacted else "", "counted": made.counted, "simulated": made.simulated, "k": made.found.k,
            "k_is": counted_in(made), "numbers": ", ".join(f'"{name}"' for name in numbers),
            "estimate": f"{made.found.estimate:.10f}", "std_error": error,
            "text_columns": [i + 1 for i, name in enumerate(columns) if name in TEXTS]}  # fmt: skip
    surroundings = jinja2.Environment(trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, undefined=jinja2.StrictUndefined)
    folder = resources.files("hgdx_eval.report").joinpath("template")
    return {name: surroundings.from_string(folder.joinpath(f"{name}.j2").read_text(encoding="utf-8")).render(said) for name in SCRIPTS}


def counted_in(made: Replication) -> str:
    """What k counts, for a comment in a script."""
    if made.interacted:
        return "the dummies, and the fixed effects that do not lie inside one cluster each"
    if made.found.k == 1:
        return "being treated; each fixed effect lies inside one cluster and does not count"
    return "being treated, and the fixed effects that do not lie inside one cluster each"


def readme(made: Replication, receipt: dict, facts_left: list[str], words: Words) -> str:
    """The page that says what this is and how to use it, in one language."""

    def number(value: float) -> str:
        return f"{value:.7f}" if value == value else words("replicate.no_error")

    found, published, first = made.found, made.published, made.method == made.headline
    outcome = words("replicate.points" if made.design.scale == "pp" else "replicate.own_unit")
    said = {"run": receipt["run"], "title": words("study.title"), "method": words(f"tables.estimator_{made.method}"), "outcome": outcome,
            "headline": words(f"tables.estimator_{made.headline}"), "estimate": number(found.estimate), "error": number(found.std_error),
            "then": number(published.estimate), "then_error": number(published.std_error), "k": found.k, "clusters": found.clusters,
            "n_found": f"{found.n:.0f}", "n_then": f"{published.n:.0f}" if published.n == published.n else words("replicate.untold"),
            "clusters_then": published.clusters, "rows": len(made.design.table), "least": made.study.min_count,
            "difference": f"{found.estimate - published.estimate:+.7f}"}  # fmt: skip
    assumed = domain_of(made.study).assumption(made.study, words)
    own = "\n".join([words("replicate.about"), *(f"  {what}: {text}" for what, text in about(receipt, words))])
    parts = [words("replicate.title", **said), words("report.mark", place=words("study.place")) if made.simulated else "",
             words("replicate.what" if first else "replicate.what_other", **said), words("replicate.how"),
             words("replicate.numbers_hidden" if made.hidden else "replicate.numbers", **said),
             words("replicate.no_error_why") if found.std_error != found.std_error else "",
             rests_on(made.inference, words) if first else "",
             regression_told(made, said, words),
             words("replicate.assumption", text=assumed) if assumed else "", words("replicate.files"),
             words("replicate.facts_left", names=", ".join(facts_left)) if facts_left else "", own]  # fmt: skip
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def rests_on(inference: str, words: Words) -> str:
    """What the report's interval is, where it is not made of the clustered error."""
    if inference == "cluster":
        return ""
    return words("replicate.rests", kind=words(f"tables.inference_{inference}")) if inference else words("replicate.rests_on_none")


def regression_told(made: Replication, said: dict, words: Words) -> str:
    """What is regressed on what, in words. `said`: what the page says of the numbers."""
    effects = "; ".join(" × ".join(columns) for columns in made.effects.values())
    on = words("replicate.on_dummies" if made.interacted else "replicate.on_treated")
    n = words("replicate.n_cases" if made.counted else "replicate.n_rows")
    return words("replicate.regression", on=on, effects=effects, weight=weights_told(made, words), n=n, **said)


def weights_told(made: Replication, words: Words) -> str:
    if (made.design.table["weight"] == 1).all():
        return words("replicate.same_weight")
    return words("replicate.cases_weigh" if made.counted and weight_column(made.study) == made.study.denominator else "replicate.weighted")


def archive(files: dict[str, bytes]) -> bytes:
    """A zip of these files: in order of their names and without a time, so that the same files give the same bytes."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, THEN)
            entry.compress_type, entry.create_system, entry.external_attr = zipfile.ZIP_DEFLATED, 3, 0o100644 << 16
            made.writestr(entry, files[name])
    return target.getvalue()
