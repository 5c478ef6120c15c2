"""One estimand, many engines: every method's answer in points and in dossiers, and why they differ.

The reason is computed, not guessed: from the main design one thing after another is changed to what the other method takes,
in a fixed order, and two-way fixed effects are estimated anew after each. What is left at the end is the method's own.
"""

from dataclasses import replace
from importlib import import_module

import numpy as np
import pandas as pd

from ..base.errors import Refusal
from ..base.periods import PER_YEAR
from ..design.design import Design
from ..design.variants import (
    with_common_periods,
    with_comparison_group,
    with_complete_units,
    with_equal_weights,
    with_mean_weights,
    with_periods,
)
from ..estimation.estimate import estimate
from ..estimation.fixed_effects import points, usable
from ..estimation.results import Estimate, result_table
from ..study.vocabulary import REGRESSION

STEPS = {
    "equal_weights": with_equal_weights, "mean_weights": with_mean_weights, "common_periods": with_common_periods,
    "complete_units": with_complete_units,
}  # fmt: skip


def differs(estimator: str) -> tuple[str, ...]:
    """What a method takes otherwise than two-way fixed effects do on the same design, in the order of the steps."""
    return getattr(import_module(f"hgdx_eval.estimators.{estimator}"), "DIFFERS", ())


def extra_cases(design: Design, found: Estimate) -> Estimate:
    """An average effect in cases: the effect of `found` times the treated cases after the start.

    Returns an Estimate of one `specification` row, group extra_dossiers (a count); empty where cases are not counted or too few to be told,
    or where the method gives no effect.
    """
    row = found.overall()
    treated, rows = treated_dossiers(design), []
    if row["status"] == "ok" and row["scale"] == "pp" and not np.isnan(treated):
        size = treated / 100
        scaled = {name: row[name] * size for name in ("estimate", "std_error", "ci_low", "ci_high")}
        rows.append({**row, **scaled, "term": "specification", "group": "extra_dossiers", "scale": "count", "n_obs": treated})
    return replace(found, table=result_table(rows))


def treated_dossiers(design: Design) -> float:
    """Dossiers of the treated after the start, as a run tells them; NaN where none are counted, or where they are hidden."""
    if design.release is not None:
        return design.release.one("treated", "received")
    return float(design.table.loc[design.table["treated"], "denominator"].sum(skipna=False))


def one_change(design: Design) -> Estimate:
    """The main regression with one thing changed at a time: weights, periods, units, comparison group.

    Returns an Estimate of `specification` rows (`group` = what was changed, `parameter` = to which); a change that cannot be made is a
    refused row.
    """
    rows = [{"group": "unchanged", **row_or_reason(lambda: design)}]
    for name, step in STEPS.items():
        if name == "common_periods" and design.table["block"].nunique() == 1:
            continue
        rows.append({"group": name, **row_or_reason(lambda step=step: step(design))})
    event = design.table["time"] - design.start.ordinal
    rows.append({"group": "first_year", **row_or_reason(lambda: with_periods(design, event < PER_YEAR[design.frequency]))})
    groups = sorted(set(design.table.loc[design.table["treated_from"].isna(), "group"]) - {""})
    for group in groups if len(groups) > 1 else []:
        rows.append({"group": "comparison_group", "parameter": group,
                     **row_or_reason(lambda group=group: with_comparison_group(design, group))})  # fmt: skip
    return table_of(design, rows)


def reconcile(design: Design, found: list[Estimate]) -> Estimate:
    """Why methods differ: for every method with a number the steps from the main regression to its own. `found`: estimates of other
    methods.

    Returns an Estimate of `specification` rows: `cohort` names the method, `group` the step (start, each change, rest), `estimate` what
    that step adds, so that the rows of one method add up to its estimate; empty where no method has a number that can be reached so.
    """
    rows = []
    for other in found:
        last = other.overall()
        if last["status"] != "ok" or last["estimator"] == REGRESSION or last["scale"] != design.scale:
            continue
        steps = path(design, last["estimator"])
        if steps is None:
            continue
        values = [value for _, value in steps]
        rows.append({"cohort": last["estimator"], "group": "start", "estimate": values[0]})
        rows += [{"cohort": last["estimator"], "group": name, "estimate": value - before}
                 for (name, value), before in zip(steps[1:], values, strict=False)]  # fmt: skip
        rows.append({"cohort": last["estimator"], "group": "rest", "estimate": last["estimate"] - values[-1]})
    return table_of(design, [{**row, "inference": "none"} for row in rows])


def path(design: Design, estimator: str) -> list[tuple[str, float]] | None:
    """(step, estimate after it) of the main regression on its way to a method's own data; None where a step cannot be made."""
    try:
        found, now = [("start", row_of(design)["estimate"])], design
        for name in differs(estimator):
            if name == "no_comparison":
                found.append((name, before_after(now)))
                continue
            now = STEPS[name](now)
            found.append((name, row_of(now)["estimate"]))
    except Refusal:
        return None
    return found


def before_after(design: Design) -> float:
    """Mean after less mean before of the treated units, each against itself: no comparison group, no period effects."""
    table = usable(design)
    table = table[table["treated_from"].notna()]
    y, weight, treated = table["y"].to_numpy() * points(design), table["weight"].to_numpy(), table["treated"].to_numpy(float)
    codes, _ = pd.factorize(table["unit"])
    total = np.bincount(codes, weight)
    inside = treated - (np.bincount(codes, weight * treated) / total)[codes]
    if not (weight * inside**2).sum() > 0:
        raise Refusal("no_pre_period", f"{design.study}: no unit is seen before and after")
    return float((weight * inside * y).sum() / (weight * inside**2).sum())


def row_of(design: Design) -> dict:
    found = estimate(replace(design, path=False), REGRESSION).overall()
    keys = ("estimate", "std_error", "ci_low", "ci_high", "p_value", "inference", "level", "n_obs", "n_units", "n_clusters",
            "n_treated_clusters")  # fmt: skip
    return {name: found[name] for name in keys}


def row_or_reason(change: object) -> dict:
    try:
        return row_of(change())
    except Refusal as refusal:
        return {"status": "refused", "reason": refusal.reason, "inference": "none"}


def table_of(design: Design, rows: list[dict]) -> Estimate:
    common = dict(study=design.study, outcome=design.outcome, estimator=REGRESSION, term="specification", scale=design.scale,
                  simulated=design.origin.simulated)  # fmt: skip
    return Estimate(result_table(rows, **common), design.origin, design.frequency)
