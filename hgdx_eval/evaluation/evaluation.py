"""What is asked of a main estimate before anyone believes it. The verdict follows by the rules of `verdict.py`."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ..base.errors import Refusal
from ..base.memo import remembered
from ..base.origin import Origin
from ..base.periods import HALF_YEAR, written
from ..base.telling import in_brief
from ..design.design import Design
from ..design.placebos import cohort_before, placebo_before, placebos_in_space, without_cluster
from ..estimation.estimate import estimate
from ..estimation.fixed_effects import cells_of, told, usable
from ..estimation.inference import LEVEL, placebo_rank
from ..estimation.leave_out import left_out
from ..estimation.results import Estimate, result_table, told_row
from ..infer.false_alarms import TOO_FEW, chosen, false_alarms, intervals
from ..infer.information import Sides, sides_of
from ..infer.pre_trends import PreTrends, pre_trends
from ..infer.sensitivity import judged_study, sensitivity_of
from ..panel.disclosure import told_whole
from ..study.study import Study, VerdictRules
from ..study.vocabulary import NO_INTERVAL, REGRESSION
from .verdict import Small, judge, judge_checks, judging_rank, smallness, state
from .volume import Volume, volume_of
from .warning_signs import Sign, warning_signs

NEVER = ("none", "hac")  # no interval; or one measured to cry wolf far too often (docs/coverage.md)


@dataclass(frozen=True)
class Evaluation:
    """A main estimate with everything that speaks for and against it. Wordless."""

    design: Design
    main: Estimate  # with a second `overall` row, inference `placebo`, where placebos in space were taken
    placebo_time: Estimate | None
    leave_one_out: Estimate | None
    placebo_space: Estimate | None
    others: tuple[Estimate, ...]  # further methods, refused ones as rows
    gate: pd.DataFrame  # one row per kind of inference, in the study's order: the columns of `false_alarms`, conservative, state
    headline: str  # the kind of inference that the verdict rests on, or none
    sensitivity: Estimate | None  # honest intervals while trends may diverge
    unsure: str  # why there is none (a reason code)
    checks: dict[str, str]  # check -> pass, fail or none (could not be made)
    signs: tuple[Sign, ...]  # warnings that fire
    small: Small | None  # against the study's smallest meaningful effect, where it names one
    rules: VerdictRules  # as the study wrote them down
    verdict: int  # 1 to 5
    pre_trends: PreTrends | None = None  # whether the groups parted before the policy, and what would have been seen of it
    volume: Volume | None = None  # the jump in the number of cases, where they are counted
    sides: Sides | None = None  # what each cluster carries of the estimate

    def __repr__(self) -> str:
        row = self.main.overall()
        states = list(self.checks.values())
        checks = f"checks: {states.count('pass')} pass, {states.count('fail')} fail, {states.count('none')} not possible"
        return in_brief(self, f"{self.design.study}: {row['estimator']}", told_row(row), f"verdict {self.verdict} of 5 by {self.headline}",
                        checks, f"warnings: {', '.join(sign.name for sign in self.signs) or 'none'}")  # fmt: skip

    @property
    def rank(self) -> tuple[int, int] | None:
        """(rank, number) among placebos in space that the verdict asks for: `judging_rank`."""
        return None if self.placebo_space is None else judging_rank(self.main, self.placebo_space)

    @property
    def size_rank(self) -> tuple[int, int] | None:
        """(rank, number) of |estimate| among placebos in space."""
        if self.placebo_space is None:
            return None
        return placebo_rank(self.main.overall()["estimate"], self.placebo_space.table["estimate"])

    @property
    def told(self) -> Estimate:
        """The main estimate as every surface tells it: `told_main`."""
        return told_main(self.main, self.headline)

    @property
    def all(self) -> list[Estimate]:
        """Every estimate, for the published table."""
        kept = [self.main, self.placebo_time, self.leave_one_out, self.placebo_space, *self.others]
        return [found for found in kept if found is not None]


def evaluate(design: Design, p: Study) -> Evaluation:
    """The study's main estimate with everything that speaks for and against it: placebos, other methods, false alarms, sensitivity,
    warnings, verdict. Computed once in a run.

    Returns an Evaluation. Raises Refusal where the main method cannot be applied; other methods that cannot are rows that say why.
    """
    return remembered(lambda: evaluated(design, p), "evaluation", p, design)


def evaluated(design: Design, p: Study) -> Evaluation:
    main, own = own_checks(estimate(design, p.estimator))
    time = own.get("placebo_time") or placebo_time(design, p)
    left_out = own.get("leave_one_out") or leave_one_out(design, p)
    sides = sides_of(design, p.estimator)
    few = sides.few
    space = own.get("placebo_space") or (placebo_space(design, p) if few else None)
    if space is not None and "placebo_space" not in own:
        main = with_placebo_row(main, space)
    main = with_rows(main, intervals(design, p.estimator, tuple(p.inference_order)))
    gate = gated(design, main, sides, p)
    headline = judged_by(main, gate, few, space)
    main = headed(main, headline)
    others = tuple(method_or_refusal(design, name, p) for name in p.estimators if name != p.estimator)
    honest, unsure, parted = relaxed(design, p)
    parted = None if headline in NO_INTERVAL else parted  # a test by errors that are worth nothing here
    checks = judge_checks(told_main(main, headline), time, left_out, others, honest, p.verdict, parted)
    volume = volume_of(design, main)
    if design.scale == "pp" and design.table["denominator"].notna().all():
        checks["volume"] = "none" if volume is None else state(not volume.explains)
    signs = tuple(warning_signs(design, sides, volume))
    small = smallness(design, main, headline, left_out, others, p)
    verdict = judge(design, main, headline, checks, space, signs, small, p.verdict)
    return Evaluation(design, main, time, left_out, space, others, gate, headline, honest, unsure, checks, signs, small, p.verdict,
                      verdict, parted, volume, sides)  # fmt: skip


def relaxed(design: Design, p: Study) -> tuple[Estimate | None, str, PreTrends | None]:
    """(honest intervals, "", the test of the time before), all from one event study of the main method; (None, why not, None) where it
    has none."""
    try:
        study = judged_study(design, p.estimator)
    except Refusal as refusal:
        return None, refusal.reason, None
    try:
        parted = pre_trends(study, design.frequency, p.smallest_effect or 0.0)
    except Refusal:
        parted = None
    return sensitivity_of(design, study, p.estimator), "", parted


def gated(design: Design, main: Estimate, sides: Sides, p: Study) -> pd.DataFrame:
    """The gate's table in the study's order of inference; without rates where it cannot be had."""
    order = tuple(p.inference_order)
    rates = false_alarms(design, p.estimator, order)
    rows = main.rows("overall")
    told = set(rows.loc[rows["ci_low"].notna() | (rows["inference"] == "placebo"), "inference"])
    if sides.least <= TOO_FEW:
        told -= {"cluster", "wild"}  # one or two clusters' own residuals say nothing of how clusters differ
    return chosen(rates, order, told, p.verdict.gate)


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


def told_main(main: Estimate, headline: str) -> Estimate:
    """The main estimate with the interval that the verdict rests on, and no other; where that is a rank, or nothing, without any interval,
    of single periods and cohorts neither: they are worth no more than that of the average. All kinds stand in the gate's table and in
    estimates.csv."""
    table, row = main.table, main.overall()
    if row["term"] == "change":
        return main
    if headline in NO_INTERVAL:
        kept = ~((table["term"] == "overall") & ~table["inference"].isin([row["inference"], "placebo"]))
        return replace(main, table=table[kept].assign(ci_low=np.nan, ci_high=np.nan, std_error=np.nan, p_value=np.nan))
    return replace(main, table=table[(table["term"] != "overall") | (table["inference"] == headline)])


def headed(main: Estimate, kind: str) -> Estimate:
    """The main table with the `overall` row of one kind of inference first (a rank stays second to the estimate's own row)."""
    row = main.table[(main.table["term"] == "overall") & (main.table["inference"] == kind)].head(1)
    if kind in NO_INTERVAL or row.empty:
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
    """The same estimate at a pretended earlier date, on the periods before the real one; None where they do not suffice. With several
    dates of adoption also a row for each cohort (`group`: its real start): what one of them did early is small in the average of all."""
    periods = p.verdict.placebo_periods or HALF_YEAR[design.frequency]
    cohorts = sorted(design.table["treated_from"].dropna().unique())
    pooled = pretended(lambda: placebo_before(design, periods), p.estimator)
    if pooled is None or len(cohorts) < 2:
        return pooled
    own = [pretended(lambda start=int(start): cohort_before(design, periods, start), p.estimator,
                     written(pd.Period(ordinal=int(start), freq=design.frequency))) for start in cohorts]  # fmt: skip
    return stacked([pooled, *(part for part in own if part is not None)])


def pretended(earlier: Callable[[], Design], estimator: str, group: str = "") -> Estimate | None:
    """The row of one pretended date, without an error where one treated cluster is all there is; None where it cannot be had."""
    try:
        design = earlier()
        found = relabelled(estimate(design, estimator), "placebo_time", group=group, period=written(design.start))
    except Refusal:
        return None
    if group and len(design.clusters(treated=True)) < 2:
        found.table[["std_error", "ci_low", "ci_high", "p_value"]] = np.nan
    return found


def leave_one_out(design: Design, p: Study) -> Estimate | None:
    """One row per cluster left out: the main estimate without it; None where no cluster can be spared."""
    known, others = without_each(design) if p.estimator == REGRESSION else (None, design.table["cluster"].unique())
    parts = []
    for cluster in sorted(others):
        try:
            parts.append(relabelled(estimate(without_cluster(design, cluster), p.estimator), "leave_one_out", group=cluster))
        except Refusal:
            continue
    found = stacked(parts if known is None else [known, *parts])
    return found and replace(found, table=found.table.sort_values("group", ignore_index=True))


def without_each(design: Design) -> tuple[Estimate | None, list[str]]:
    """(two-way fixed effects without each cluster, a row each, by sums; clusters for which these do not tell: to be estimated anew).
    Clusters without which nothing can be estimated are in neither."""
    table = design.table
    names, counted = table["cluster"].unique(), table["denominator"].notna()
    if counted.any() != counted.all() or (table["weight"] == 0).any():
        return None, list(names)
    try:
        cells = cells_of(design, usable(design))
    except Refusal:
        return None, list(names)
    n = cells.n - np.bincount(cells.clusters, table["denominator"].fillna(1.0))
    found = left_out(cells, table["treated"].to_numpy(float), n)
    if found is None:
        return None, list(names)
    sizes, own = spared(design).loc[names], set(design.clusters(True))
    rows = [{"group": name, "n_obs": n[j], "n_units": sizes.at[name, "units"], "n_treated_clusters": len(own - {name}),
             **told(found.estimate[j], found.variance[j], found.dof[j])}
            for j, name in enumerate(names) if found.sure[j] and sizes.at[name, "enough"]]  # fmt: skip
    common = dict(term="leave_one_out", study=design.study, outcome=design.outcome, estimator=REGRESSION, inference="cluster",
                  level=LEVEL, n_clusters=len(names) - 1, scale=design.scale, simulated=design.origin.simulated)  # fmt: skip
    whole = replace(design, table=pd.DataFrame({"denominator": [design.whole]}))  # one that leaves no dossier out is told as it is
    known = told_whole(result_table(rows, **common), bool(counted.all()), design.whole, whole.told)
    return Estimate(known, design.origin, design.frequency), list(names[~found.sure & sizes["enough"].to_numpy()])


def spared(design: Design) -> pd.DataFrame:
    """Per cluster: `units` that are left without it, and whether these are `enough` for `check_design`."""
    table = design.table
    since = table["treated_from"]
    by_cluster = table.assign(before=table["time"] < since, after=table["time"] >= since).groupby("cluster")[["before", "after"]].sum()
    units = table.drop_duplicates("unit").assign(treated=lambda t: t["treated_from"].notna())
    own = units.groupby("cluster")["treated"].agg(["size", "sum"])
    dates = units.groupby(["treated_from", "cluster"]).size().groupby("treated_from").agg(["size"])["size"]
    only = units[units["treated_from"].isin(dates.index[dates == 1])].groupby("cluster")["treated_from"].nunique()
    left = own.sum() - own
    left_dates = len(dates) - only.reindex(own.index, fill_value=0)
    compared = (left["size"] > left["sum"]) | (left_dates != 1)
    times = ((by_cluster.sum() - by_cluster) > 0).all(axis=1)
    return pd.DataFrame({"units": left["size"], "enough": (left["size"] > 1) & (left["sum"] > 0) & compared & times})


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
