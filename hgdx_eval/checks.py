"""What is asked of a main estimate before anyone believes it, and the verdict, by rules fixed beforehand.

The rules (docs/decisions/0004-verdict.md), first match first:
 5 cannot be judged   the main method gives only a change of one series, or clusters are few and placebos cannot be had
 3 unclear            the headline interval holds 0; or, with few clusters, the placebo rank is above 5%
 2 suggestive         it does not, but a check fails or is missing, an event of the same place begins within 3 months
                      (1 quarter, the same year) of the policy, another warning fires, or the conclusion rests on a
                      placebo rank, or on a mere difference
 1 clear              it does not, and every check passes
(4, no meaningful effect, needs a threshold that a study names beforehand.)
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from .designs import Design, placebo_before, placebos_in_space, without_cluster
from .disclose import told_counts, told_totals
from .errors import Refusal
from .estimators import design_key, estimate
from .gate import LEAST_CLUSTERS, chosen, false_alarms, intervals
from .inference import LEVEL, few_clusters, placebo_rank
from .memo import remembered
from .origin import Origin
from .params import Study
from .results import Estimate, result_table
from .warning_signs import Sign, warning_signs

PLACEBO_PERIODS = {"M": 6, "Q": 2, "Y": 1}
NEVER = ("none", "hac")  # no interval; or one measured to cry wolf far too often (docs/coverage.md)
CLEAR, SUGGESTIVE, UNCLEAR, CANNOT = 1, 2, 3, 5


@dataclass(frozen=True)
class Evaluation:
    """A main estimate with everything that speaks for and against it. Wordless."""

    design: Design
    main: Estimate  # with a second `overall` row, inference `placebo`, where placebos in space were taken
    placebo_time: Estimate | None
    leave_one_out: Estimate | None
    placebo_space: Estimate | None
    others: tuple[Estimate, ...]  # further methods, refused ones as rows
    gate: pd.DataFrame  # one row per kind of inference, in the study's order: kind, worlds, rate, low, high, state, conservative
    headline: str  # the kind of inference that the verdict rests on, or none
    checks: dict[str, str]  # check -> pass, fail or none (could not be made)
    signs: tuple[Sign, ...]  # warnings that fire
    verdict: int  # 1 to 5

    @property
    def rank(self) -> tuple[int, int] | None:
        """(rank, number) of |estimate| among placebos in space."""
        if self.placebo_space is None:
            return None
        return placebo_rank(self.main.overall()["estimate"], self.placebo_space.table["estimate"])

    @property
    def all(self) -> list[Estimate]:
        """Every estimate, for the published table."""
        kept = [self.main, self.placebo_time, self.leave_one_out, self.placebo_space, *self.others]
        return [found for found in kept if found is not None]


def evaluate(design: Design, p: Study) -> Evaluation:
    """The study's main estimate and its checks. Raises Refusal where the main method cannot be applied."""
    main, own = own_checks(estimate(design, p.estimator))
    time = own.get("placebo_time") or placebo_time(design, p)
    left_out = own.get("leave_one_out") or leave_one_out(design, p)
    few = few_clusters(len(design.clusters(True)), len(design.clusters(False)))
    space = own.get("placebo_space") or (placebo_space(design, p) if few else None)
    if space is not None and "placebo_space" not in own:
        main = with_placebo_row(main, space)
    main = with_rows(main, remembered(lambda: f"intervals {p.estimator} {p.inference_order} {design_key(design)}",
                                      lambda: intervals(design, p.estimator, tuple(p.inference_order))))  # fmt: skip
    gate = gated(design, main, p)
    headline = judged_by(main, gate, few, space)
    main = headed(main, headline)
    others = sizes_told(design, main, [method_or_refusal(design, name, p) for name in p.estimators if name != p.estimator])
    checks = judge_checks(main, time, left_out)
    signs = tuple(warning_signs(design))
    verdict = judge(design, main, headline, checks, space, signs)
    return Evaluation(design, main, time, left_out, space, others, gate, headline, checks, signs, verdict)


def sizes_told(design: Design, main: Estimate, others: list[Estimate]) -> tuple[Estimate, ...]:
    """The other methods without the sizes that differ by few dossiers from one told before: the dossiers that one method leaves out."""
    sizes = [float(found.overall()["n_obs"]) for found in (main, *others)]
    told = told_totals(sizes, bool(design.table["received"].notna().all()), design.min_count)
    return tuple(replace(found, table=found.table.assign(n_obs=found.table["n_obs"].mask(found.table["n_obs"] == size)))
                 if np.isnan(own) and not np.isnan(size) else found
                 for found, size, own in zip(others, sizes[1:], told[1:], strict=True))  # fmt: skip


def gated(design: Design, main: Estimate, p: Study) -> pd.DataFrame:
    """The gate's table in the study's order of inference; without rates where it cannot be had."""
    order = tuple(p.inference_order)
    rates = remembered(lambda: f"gate {p.estimator} {order} {design_key(design)}", lambda: false_alarms(design, p.estimator, order))
    rows = main.rows("overall")
    told = set(rows.loc[rows["ci_low"].notna() | (rows["inference"] == "placebo"), "inference"])
    if min(len(design.clusters(True)), len(design.clusters(False))) < LEAST_CLUSTERS:
        told -= {"cluster", "wild"}  # one or two clusters' own residuals say nothing of how clusters differ
    return chosen(rates, order, told)


def judged_by(main: Estimate, gate: pd.DataFrame, few: bool, space: Estimate | None) -> str:
    """The kind of inference that the verdict rests on, or none: the gate's choice; where no rate could be measured, the exact
    rank if clusters are few, else the method's own."""
    kind = main.overall()["inference"]
    if main.overall()["term"] == "change":
        return "none"
    if gate["rate"].notna().any():
        picked = gate.loc[gate["state"] == "headline", "kind"]
        return picked.iloc[0] if len(picked) else "none"
    if space is not None and (few or kind in NEVER):
        return "placebo"
    return "none" if few or kind in NEVER else kind


def headed(main: Estimate, kind: str) -> Estimate:
    """The main table with the `overall` row of one kind of inference first (a rank stays second to the estimate's own row)."""
    row = main.table[(main.table["term"] == "overall") & (main.table["inference"] == kind)].head(1)
    if kind in ("none", "placebo") or row.empty:
        return main
    return replace(main, table=pd.concat([row, main.table.drop(row.index)], ignore_index=True))


def with_rows(main: Estimate, rows: list[dict]) -> Estimate:
    """The main table with further `overall` rows of other kinds of inference after the first."""
    first = main.table.iloc[:1]
    more = [first.assign(parameter="").assign(**row) for row in rows]
    table = pd.concat([first, *more, main.table.iloc[1:]], ignore_index=True)
    return replace(main, table=table.astype(main.table.dtypes.to_dict()))


def own_checks(main: Estimate) -> tuple[Estimate, dict[str, Estimate]]:
    """The main table without the checks that a method makes itself, and these by their term."""
    terms = [term for term in ("placebo_time", "leave_one_out", "placebo_space") if len(main.rows(term))]
    rest = main.table[~main.table["term"].isin(terms)].reset_index(drop=True)
    return replace(main, table=rest), {term: replace(main, table=main.rows(term).reset_index(drop=True)) for term in terms}


def placebo_time(design: Design, p: Study) -> Estimate | None:
    """The same estimate at a pretended earlier date, on the periods before the real one; None where they do not suffice."""
    try:
        earlier = placebo_before(design, PLACEBO_PERIODS[design.frequency])
        found = estimate(earlier, p.estimator)
    except Refusal:
        return None
    return relabelled(found, "placebo_time", period=str(earlier.start))


def leave_one_out(design: Design, p: Study) -> Estimate | None:
    """One row per cluster left out: the main estimate without it; None where no cluster can be spared."""
    parts = []
    for cluster in sorted(design.table["cluster"].unique()):
        try:
            parts.append(relabelled(estimate(without_cluster(design, cluster), p.estimator), "leave_one_out", group=cluster))
        except Refusal:
            continue
    found = stacked(parts)
    if found is None:
        return None
    whole = design.table["received"].fillna(1.0).sum()
    without = told_counts(whole - found.table["n_obs"], bool(design.table["received"].notna().all()), design.min_count)
    return replace(found, table=found.table.assign(n_obs=whole - without))


def placebo_space(design: Design, p: Study) -> Estimate | None:
    """One row per comparison cluster (or set of clusters) pretending to be treated; None where they cannot be had."""
    try:
        return stacked([relabelled(estimate(placebo, p.estimator), "placebo_space", group=name)
                        for name, placebo in placebos_in_space(design)])  # fmt: skip
    except Refusal:
        return None


def relabelled(found: Estimate, term: str, group: str = "", period: str = "") -> Estimate:
    """The overall row alone, under another term."""
    rows = found.rows("overall").head(1).assign(term=term, group=group, period=period)
    return Estimate(rows, found.origin, found.frequency)


def stacked(parts: list[Estimate]) -> Estimate | None:
    """Single-row estimates as one table, or None."""
    parts = [part for part in parts if len(part.table)]
    if not parts:
        return None
    return Estimate(pd.concat([part.table for part in parts], ignore_index=True), parts[0].origin, parts[0].frequency)


def with_placebo_row(main: Estimate, space: Estimate) -> Estimate:
    """The main table with a second `overall` row: the same estimate, judged by its rank, p = rank / N >= 1 / N."""
    first = main.overall()
    rank, number = placebo_rank(first["estimate"], space.table["estimate"])
    row = first.copy()
    row[["std_error", "ci_low", "ci_high"]] = np.nan
    row["p_value"], row["inference"], row["parameter"] = rank / number, "placebo", f"{rank}/{number}"
    table = pd.concat([main.table.iloc[:1], row.to_frame().T, main.table.iloc[1:]], ignore_index=True)
    return replace(main, table=table.astype(main.table.dtypes.to_dict()))


def method_or_refusal(design: Design, name: str, p: Study) -> Estimate:
    """A further method's estimate, or one row that says why it cannot be applied."""
    try:
        return estimate(design, name)
    except Refusal as refusal:
        return refused(design, name, refusal.reason, design.origin)


def refused(design: Design, name: str, reason: str, origin: Origin) -> Estimate:
    row = {"term": "overall", "status": "refused", "reason": reason, "inference": "none"}
    table = result_table([row], study=design.study, outcome=design.outcome, estimator=name, scale=design.scale,
                         level=LEVEL, simulated=origin.simulated)  # fmt: skip
    return Estimate(table, origin, design.frequency)


def judge_checks(main: Estimate, time: Estimate | None, left_out: Estimate | None) -> dict[str, str]:
    """pass, fail or none for: placebo date (interval holds 0), leave-one-out (same sign), path before (at most one
    event time in ten, rounded up, whose interval misses 0)."""
    value = main.overall()["estimate"]
    checks = {"placebo_time": "none", "leave_one_out": "none", "pre_period": "none"}
    if time is not None:
        row = time.table.iloc[0]
        checks["placebo_time"] = "pass" if row["ci_low"] <= 0 <= row["ci_high"] else "fail"
    if left_out is not None:
        checks["leave_one_out"] = "pass" if (np.sign(left_out.table["estimate"]) == np.sign(value)).all() else "fail"
    before = main.rows("event").query("event_time < 0 and ci_low == ci_low")
    if len(before) >= 2:
        missed = int(((before["ci_low"] > 0) | (before["ci_high"] < 0)).sum())
        checks["pre_period"] = "pass" if missed <= int(np.ceil(len(before) / 10)) else "fail"
    return checks


def judge(
    design: Design, main: Estimate, headline: str, checks: dict[str, str], space: Estimate | None, signs: tuple[Sign, ...]
) -> int:
    """The verdict, 1 to 5, by the rules at the head of this file."""
    row = main.overall()
    if headline == "none":
        return CANNOT
    if headline == "placebo":
        rank, number = placebo_rank(row["estimate"], space.table["estimate"])
        return SUGGESTIVE if rank / number <= 1 - LEVEL else UNCLEAR
    if row["ci_low"] <= 0 <= row["ci_high"]:
        return UNCLEAR
    clean = all(state == "pass" for state in checks.values()) and not signs
    return CLEAR if clean and design.estimand == "effect" else SUGGESTIVE
