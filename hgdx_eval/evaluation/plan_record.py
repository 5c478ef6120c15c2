"""A plan as a file: what is written down beforehand, and how a study is held to it later.

The file holds the study's keys that decide the answer, what the plan expects, and hashes of what it was made of. Nobody is to edit it: a
changed key is a deviation, of which the report tells what was planned, what was done, and what either gives.
"""

import os
import subprocess
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import yaml

from ..base import periods
from ..base.errors import InputError, Refusal
from ..base.hashes import digest
from ..base.memo import remembered
from ..base.periods import written
from ..base.telling import told_text
from ..base.yaml_strict import load_yaml
from ..design.design import Design, study_design
from ..estimation.estimate import estimate
from ..estimation.results import Estimate, result_table
from ..panel.load import load_panel
from ..panel.panel import Panel
from ..read.sources import code_hash
from ..study.domains import domain_of
from ..study.study import Study
from .plan import Plan, digest_of, gate_before

FREE = frozenset({
    "data", "layout", "fees", "world", "effect", "dossiers", "words", "scorecard", "places", "made_by", "contact", "licence", "plan",
    "fresh_within", "min_count", "round_to", "cost", "payment", "decimal_mark", "time_zone", "place", "study", "engine",
})  # keys that do not decide the main answer  # fmt: skip
KEYS = ("plan", "study", "written", "policy_from", "before", "after", "sizes", "headline", "smallest_found", "by_periods", "lacking",
        "keys", "hashes")  # fmt: skip
FORM = 1  # of the file


def deciding(p: Study) -> dict:
    """The study's keys that decide its main answer, as plain values."""
    return {name: value for name, value in p.model_dump(mode="json").items() if name not in FREE}


def plan_text(plan: Plan, day: date) -> str:
    """The file of a plan."""
    told = {
        "plan": FORM, "study": plan.p.study, "written": f"{day}", "policy_from": written(plan.start),
        "before": {"first": written(plan.first), "periods": plan.before}, "after": plan.after, "sizes": plan.sizes,
        "headline": plan.headline, "smallest_found": number(plan.rehearsal.smallest),
        "by_periods": {int(row.after): number(row.smallest) for row in plan.months.itertuples()}, "lacking": list(plan.lacking),
        "keys": deciding(plan.p), "hashes": {"data_before": plan.data, "code": code_hash(), "facts": digest(domain_of(plan.p).facts())},
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
    if isinstance(value, bool):
        return str(value).lower()
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 80 else text[:79] + "…"


@dataclass(frozen=True)
class PlanCheck:
    """A study held to its plan. `seen`: how much of the outcomes could be seen on the plan's day (nothing, part or all); `committed`: the
    day on which a repository of git took the file as it is, None where none did."""

    written: Written | None  # None: no plan
    seen: str = ""
    committed: date | None = None
    deviations: tuple[Deviation, ...] = ()
    estimate: float = np.nan  # the main one, as done
    scale: str = ""

    @property
    def kept(self) -> bool:
        """Whether all is as planned, beforehand."""
        return self.written is not None and not self.deviations and self.seen == "nothing"


def deviation_rows(found: PlanCheck, main: Estimate) -> list[Estimate]:
    """What deviations from the plan moved, for `record`. `found`: what `held_to_plan` gives; `main`: the main estimate.

    Returns a list with one Estimate of `deviation` rows: `group` the key, `estimate` how far the main estimate is from the one with that
    key as planned, in its own unit; refused (not_estimated_anew) where that cannot be had. An empty list without deviations.
    """
    row, rows = main.overall(), []
    for one in found.deviations:
        moved = found.estimate - one.estimate
        known = {"estimate": moved} if np.isfinite(moved) else {"status": "refused", "reason": "not_estimated_anew"}
        rows.append({"group": one.key, **known})
    common = dict(study=row["study"], outcome=row["outcome"], estimator=row["estimator"], term="deviation", inference="none",
                  scale=row["scale"], simulated=row["simulated"])  # fmt: skip
    return [Estimate(result_table(rows, **common), main.origin, main.frequency)] if rows else []


def check_plan(p: Study) -> Written | None:
    """The plan that a study is held to; None without one. Raises InputError for one that cannot be its plan."""
    if p.plan is None:
        return None
    file = Path(p.plan)
    if not file.is_file():
        raise InputError(f"{p.study}: plan: there is no file {file.name}")
    plan = read_plan(file)
    if plan.study != p.study:
        raise InputError(f"{file.name}: is the plan of another study ({told_text(plan.study)})")
    if plan.day > periods.today():
        raise InputError(f"{file.name}: written: {plan.day} lies in the future")
    return plan


def held_to_plan(panel: Panel, p: Study) -> PlanCheck:
    """The study held to its plan, where it has one: what was done otherwise, and what that moves. Computed once in a run.

    Returns a PlanCheck. Raises InputError for a file that is no plan of this study.
    """
    return remembered(lambda: checked_plan(panel, p), "plan_check", p, panel.cells)


def checked_plan(panel: Panel, p: Study) -> PlanCheck:
    plan = check_plan(p)
    if plan is None or p.plan is None:
        return PlanCheck(None)
    design = study_design(panel, p)
    hashes = {"code": code_hash(), "facts": digest(domain_of(p).facts()), "data_before": digest_of(load_panel(p, early=True))}
    moved = [Deviation(name, plan.hashes.get(name, "–")[:12], value[:12], np.nan) for name, value in hashes.items()
             if plan.hashes.get(name) != value]  # fmt: skip
    own = float(estimate(design, p.estimator).overall()["estimate"])
    return PlanCheck(plan, seen_by(plan.day, design), committed(Path(p.plan)), (*deviations(plan, panel, p), *moved), own, design.scale)


def seen_by(day: date, design: Design) -> str:
    """How much of the treated periods was over on a day: nothing, part or all."""
    late = design.table.loc[design.table["treated"], "period"]
    ends = [period.end_time.date() for period in (late.min(), late.max())]
    return "nothing" if day <= ends[0] else "all" if day > ends[1] else "part"


def committed(file: Path) -> date | None:
    """The day of the last commit that touched a file, where git holds its very bytes. Nothing that a repository's own settings name is
    run (hooks, filters, monitors, signature programs): the folder may be anybody's."""
    try:
        held = git(file, "rev-parse", "--verify", "--quiet", f"HEAD:./{file.name}")
        day = git(file, "log", "-1", "--format=%cs", "--", file.name)
        same = held == git(file, "hash-object", "--no-filters", "--", file.name)
    except (OSError, subprocess.SubprocessError):
        return None
    return date.fromisoformat(day) if day and same else None


def git(file: Path, *words: str) -> str:
    quiet = ("-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}", "-c", "log.showSignature=false", "--no-pager")
    return subprocess.run(["git", *quiet, *words], cwd=file.parent, capture_output=True, text=True, check=True, timeout=20).stdout.strip()


def lift(p: Study) -> None:
    """Lets a blind study be estimated: its plan is there and says what is done, and the gate passes on the periods before the policy, which
    alone are read here. Raises InputError for one that must stay blind."""
    plan = check_plan(p)
    if plan is None:
        raise InputError(f"{p.study}: blind: no plan is there, so nothing is estimated; write one: hgdx-eval plan {p.study}")
    if other := [key for key, value in plan.keys.items() if deciding(p).get(key) != value]:
        raise InputError(f"{p.study}: blind: {', '.join(other)} differ from the plan of {plan.day}; as planned, or blind: false, "
                         f"which the report then tells")  # fmt: skip
    if gate_before(p) == "none":
        raise InputError(f"{p.study}: blind: no way to judge certainty passes the gate on the periods before the policy, so nothing is "
                         f"estimated; hgdx-eval plan {p.study} shows the rates")  # fmt: skip
