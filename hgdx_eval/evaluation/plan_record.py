"""A plan as a file: what is written down beforehand, and how a study is held to it later.

The file holds the study's keys that decide the answer, what the plan expects, and hashes of what it was made of. Nobody is to edit it: a
changed key is a deviation, of which the report tells what was planned, what was done, and what either gives.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from ..base.errors import InputError, Refusal
from ..base.periods import written
from ..base.telling import told_text
from ..base.yaml_strict import load_yaml
from ..design.design import study_design
from ..estimation.estimate import estimate
from ..panel.panel import Panel
from ..study.study import Study
from .plan import Plan

FREE = frozenset({
    "data", "layout", "fees", "world", "effect", "dossiers", "words", "scorecard", "places", "made_by", "contact", "licence", "plan",
    "fresh_within", "min_count", "round_to", "cost", "payment", "decimal_mark", "time_zone", "place", "study",
})  # keys that do not decide the main answer  # fmt: skip
KEYS = ("plan", "study", "written", "policy_from", "before", "after", "sizes", "headline", "smallest_found", "by_periods", "lacking",
        "keys", "hashes")  # fmt: skip
FORM = 1  # of the file


def deciding(p: Study) -> dict:
    """The study's keys that decide its main answer, as plain values."""
    return {name: value for name, value in p.model_dump(mode="json").items() if name not in FREE}


def plan_text(plan: Plan, day: date, hashes: dict[str, str]) -> str:
    """The file of a plan. `hashes`: of code and facts."""
    told = {
        "plan": FORM, "study": plan.p.study, "written": f"{day}", "policy_from": written(plan.start),
        "before": {"first": written(plan.first), "periods": plan.before}, "after": plan.after, "sizes": plan.sizes,
        "headline": plan.headline, "smallest_found": number(plan.rehearsal.smallest),
        "by_periods": {int(row.after): number(row.smallest) for row in plan.months.itertuples()}, "lacking": list(plan.lacking),
        "keys": deciding(plan.p), "hashes": {"data_before": plan.data, **hashes},
    }  # fmt: skip
    head = "# A plan written by `hgdx-eval plan` from the periods before the policy. Not to be edited: reports are held to it.\n"
    return head + yaml.safe_dump(told, allow_unicode=True, sort_keys=False, width=120)


def number(value: float) -> float | None:
    return None if np.isnan(value) else float(f"{value:.4g}")


@dataclass(frozen=True)
class Written:
    """A plan as it was read: its own day, and the keys that it wrote down."""

    day: date
    study: str
    keys: dict
    hashes: dict[str, str]
    start: str


def read_plan(file: Path) -> Written:
    """Raises InputError for a file that is no plan, lacks a part or has one too many."""
    value = load_yaml(file).value
    if not isinstance(value, dict) or "plan" not in value:
        raise InputError(f"{file.name}: is no plan; write one: hgdx-eval plan STUDY")
    if value["plan"] != FORM:
        raise InputError(f"{file.name}: plan: {told_text(str(value['plan']))}; allowed: {FORM}, the form that this version writes")
    if wrong := [name for name in value if name not in KEYS] or [name for name in KEYS if name not in value]:
        what = "is missing" if wrong[0] in KEYS else "is no part of a plan"
        raise InputError(f"{file.name}: {told_text(str(wrong[0]))}: {what}; a plan is not edited: write it again with hgdx-eval plan")
    try:
        day = date.fromisoformat(str(value["written"]))
    except ValueError:
        raise InputError(f"{file.name}: written: found {told_text(str(value['written']))!r}; allowed: a day, YYYY-MM-DD") from None
    if not isinstance(value["keys"], dict) or not isinstance(value["hashes"], dict):
        raise InputError(f"{file.name}: keys, hashes: allowed: maps; a plan is not edited: write it again with hgdx-eval plan")
    if unknown := [name for name in value["keys"] if name not in Study.model_fields]:
        raise InputError(f"{file.name}: keys: {told_text(str(unknown[0]))}: no such key of a study")
    return Written(day, str(value["study"]), value["keys"], value["hashes"], str(value["policy_from"]))


@dataclass(frozen=True)
class Deviation:
    """A key that was done otherwise than planned, and the main estimate with only that key as planned (NaN: it cannot be had)."""

    key: str
    planned: str
    done: str
    estimate: float


def deviations(plan: Written, panel: Panel, p: Study) -> list[Deviation]:
    """Every key that differs, each re-estimated as planned while the others stay as done."""
    done, found = deciding(p), []
    for key, value in plan.keys.items():
        if done.get(key) == value:
            continue
        found.append(Deviation(key, shown(value), shown(done.get(key)), as_planned(panel, p, key, value)))
    return found


def as_planned(panel: Panel, p: Study, key: str, value: object) -> float:
    """The main estimate with one key as planned; NaN where that cannot be had."""
    try:
        other = Study.model_validate({**p.model_dump(mode="json"), key: value}, strict=False)
        return float(estimate(study_design(panel, other), other.estimator).overall()["estimate"])
    except (Refusal, InputError, ValueError):
        return float("nan")


def shown(value: object) -> str:
    """A key's value on a line."""
    if value is None:
        return "–"
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 80 else text[:79] + "…"


def planned_late(plan: Written, panel: Panel) -> bool:
    """Whether the plan is dated after outcomes of the policy's time could be seen: the newest period of the data had ended by then."""
    newest: pd.Period = panel.cells["period"].max()
    return plan.day > newest.end_time.date()
