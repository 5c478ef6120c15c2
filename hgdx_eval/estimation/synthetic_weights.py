"""The kernel of the synthetic methods: a comparison made of weighted units, exactly, and every placebo in space.

Weights minimise a sum of squares over the simplex. Non-negative least squares with one more row that asks for the sum 1 has
the same direction as the constrained optimum (the objective grows with the square of the sum), so that its solution, scaled,
is exact; equality on the active donors then polishes it. With a ridge and more donors than periods the same optimum comes from the
dual, whose unknowns are the periods, so that a fit costs no cube of the donors. Where several sets of weights fit equally well,
the one with the smallest sum of squares is taken, and a note says so: the answer depends on no order of rows.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from itertools import compress

import numpy as np
import pandas as pd
from scipy.optimize import nnls

from ..base.errors import Refusal
from ..design.design import Design, thin_event_times
from ..design.placebos import placebo_sets
from ..panel.disclosure import as_told, hidden_beside_total, parts_of
from ..study.vocabulary import IN_PART
from .fixed_effects import observations, points, usable
from .inference import LEVEL, ROUNDING, beyond_rounding, placebo_rank
from .results import RATIO, Estimate, result_table

DIFFERS = ("equal_weights", "complete_units")  # what these methods take otherwise than two-way fixed effects
TIE = 1e-8  # weight of the tie-break, of the donors' own sum of squares
ACTIVE = 1e-7  # weights below this are none
POOR, EXTREME = 2.0, 0.9
NEWTON, FEW_STEPS = 25, 8  # steps of the dual: more than it needed where donors in use outnumber periods; else parts are faster
MANY = 300  # donors; with fewer, non-negative least squares costs no more than to try for an exact fit
CLOSED = 1e-11  # gaps below this, of the distances' own size, are none
LEFT_OUT = 50  # donors left out in turn: no more than these can hold a fiftieth of the weight each


@dataclass(frozen=True)
class Matrix:
    """Outcomes in points: `treated` the mean series of the treated units, `donors` units x periods, complete."""

    treated: np.ndarray
    donors: np.ndarray
    names: tuple[str, ...]
    before: int  # periods before the policy
    size: int  # treated units in the mean
    event_time: np.ndarray


@dataclass(frozen=True)
class Synthetic:
    """One fit: `gap` treated less synthetic in every period (what its own period weights say is taken out)."""

    estimate: float
    gap: np.ndarray
    weights: np.ndarray
    periods: np.ndarray  # weights of the periods before, 0 where the level counts
    ridge: float = 0.0
    unique: bool = True


Solver = Callable[[Matrix], Synthetic]


def matrix(design: Design) -> Matrix:
    """The matrix of a design. Units count alike; donors with a gap are left out.

    Raises Refusal: staggered starts, blocks, clusters that hold both sides, gaps in the treated series, too few donors or
    periods, numbers that are not finite.
    """
    table = usable(design)
    treated = table["treated_from"].notna()
    if table.loc[treated, "treated_from"].nunique() != 1:
        raise Refusal("staggered", f"{design.study}: treated units start at different times, or none is treated")
    if table["block"].nunique() > 1:
        raise Refusal("blocks", f"{design.study}: periods are compared inside blocks, which no synthetic unit can do")
    if set(table.loc[treated, "cluster"]) & set(table.loc[~treated, "cluster"]):
        raise Refusal("mixed_clusters", f"{design.study}: clusters hold treated and comparison units")
    sums = table.assign(wy=table["weight"] * table["y"]).groupby(["unit", "time"], observed=True)[["wy", "weight"]].sum()
    wide = (points(design) * sums["wy"] / sums["weight"]).unstack("time").sort_index().sort_index(axis=1)
    side = wide.index.isin(table.loc[treated, "unit"].unique())
    start = float(table.loc[treated, "treated_from"].iloc[0])
    before = int((wide.columns < start).sum())
    if wide[side].isna().any(axis=None):
        raise Refusal("gaps", f"{design.study}: a treated unit is not seen in every period")
    donors = wide[~side].dropna()
    if len(donors) < 2:
        raise Refusal("too_few_donors", f"{design.study}: {len(donors)} comparison units are seen in every period; at least 2 are needed")
    if before < 2 or before == wide.shape[1]:
        raise Refusal("too_few_periods", f"{design.study}: {before} periods before and {wide.shape[1] - before} after; "
                                         "at least 2 and 1 are needed")  # fmt: skip
    return Matrix(wide[side].to_numpy().mean(axis=0), donors.to_numpy(), tuple(map(str, donors.index)), before, int(side.sum()),
                  (wide.columns.to_numpy() - start).astype(int))  # fmt: skip


def simplex(distance: np.ndarray, ridge: float = 0.0) -> tuple[np.ndarray, bool]:
    """(weights, whether they are the only ones) that minimise |weights @ distance|^2 + ridge |weights|^2 over the simplex.

    `distance`: donors x periods, each donor less the treated.
    """
    scale = np.sqrt((distance**2).mean()) or 1.0
    distance, ridge = distance / scale, ridge / scale**2
    if ridge > 0:
        return least_squares(distance, ridge), True
    if len(distance) > max(MANY, 2 * distance.shape[1]):  # so many often fit exactly: seen at once from the tie-break
        weights = exact_fit(distance, tie_break(distance))
        if weights is not None:
            return weights, False
    weights = least_squares(distance, 0.0)
    return (weights, True) if only_solution(distance, weights) else (least_squares(distance, tie_break(distance)), False)


def tie_break(distance: np.ndarray) -> float:
    return float(TIE * (distance**2).sum(axis=1).mean())


def least_squares(distance: np.ndarray, ridge: float) -> np.ndarray:
    """The optimum by what costs least: more donors than periods and a ridge by the dual, else non-negative least squares."""
    number, periods = distance.shape
    if ridge > 0 and number > periods:
        weights = dual(distance, ridge)
        if weights is not None and not len(entering(distance, weights, ridge)):
            return weights
        return by_parts(distance, ridge)
    if ridge <= 0 and number > max(MANY, 20 * periods):  # with fewer, what it passes over is no more than it adds
        return by_parts(distance, ridge)
    if periods > 4 * number:  # only the products of donors count: a triangle has them all
        distance = np.linalg.qr(distance.T, mode="r").T
    return polished(distance, non_negative(distance, ridge), ridge)


def non_negative(distance: np.ndarray, ridge: float) -> np.ndarray:
    """Non-negative least squares with a row for the sum 1 and, with a ridge, a row for each donor: cubic in donors then."""
    number = len(distance)
    rows = [distance.T, np.ones((1, number)), *([np.sqrt(ridge) * np.eye(number)] if ridge else [])]
    system = np.vstack(rows)
    target = np.zeros(len(system))
    target[distance.shape[1]] = 1.0
    weights, _ = nnls(system, target, maxiter=30 * number + 100)
    return weights / weights.sum()


def dual(distance: np.ndarray, ridge: float, steps: int = NEWTON, least: int = 0) -> np.ndarray | None:
    """Weights of the ridge problem by as many unknowns as periods and one more; None where `steps` do not end, or a step leaves
    no more than `least` donors in use.

    The optimum is weights = max(0, -[distance, -1] @ prices): prices of each period's gap and of the sum 1, which minimise
    ridge |of the gaps|^2 / 2 + |weights|^2 / 2 - the last. That is quadratic by pieces, so that semismooth Newton steps with halving
    (Qi & Sun 1993) end at the exact optimum as soon as a full step keeps the donors in use.
    """
    number, periods = distance.shape
    system = np.column_stack([distance, -np.ones(number)])
    penalty, prices = np.r_[np.full(periods, ridge), 0.0], np.r_[np.zeros(periods), 1 / number]

    def value(at: np.ndarray, weights: np.ndarray) -> float:
        return float(penalty @ at**2 + weights @ weights) / 2 - at[-1]

    raw = np.full(number, 1 / number)
    reached = value(prices, raw)
    for _ in range(steps):
        active = raw > 0
        if active.sum() <= least:
            return None
        inside = system if active.all() else system[active]
        slope = penalty * prices - inside.T @ raw[active]
        slope[-1] -= 1.0
        curvature = inside.T @ inside
        curvature[np.diag_indices(periods + 1)] += penalty
        try:
            step = -np.linalg.solve(curvature, slope)
        except np.linalg.LinAlgError:
            return None
        along, down, length = -system @ step, float(slope @ step), 1.0
        while (now := value(prices + length * step, np.maximum(raw + length * along, 0.0))) > reached + 1e-4 * length * down:
            length /= 2
            if length < 1e-6:
                return None
        prices, raw, reached = prices + length * step, raw + length * along, now
        if length == 1.0 and ((raw > 0) == active).all():
            weights = np.maximum(raw, 0.0)
            if not abs(weights.sum() - 1.0) < 1e-6:
                return None
            weights /= weights.sum()
            solved = active.sum() > periods + 1 and not ((weights > 0) & (weights <= ACTIVE)).any()  # by the very equations of `level`
            return weights if solved else polished(distance, weights, ridge)
    return None


def exact_fit(distance: np.ndarray, tie: float) -> np.ndarray | None:
    """The tie-break's weights where some weights leave no gap at all, so that with more donors than periods others do too.

    Shown, not guessed: the smallest change that closes the tie-break's own gap must keep every weight positive. Else None.
    """
    weights = dual(distance, tie, FEW_STEPS, least=distance.shape[1])
    if weights is None:
        return None
    inside = weights > ACTIVE
    system = np.column_stack([distance[inside], np.ones(inside.sum())])
    if len(entering(distance, weights, tie)):
        return None
    try:
        prices = np.linalg.solve(system.T @ system, np.r_[-(weights @ distance), 0.0])
    except np.linalg.LinAlgError:
        return None
    closed = weights.copy()
    closed[inside] += system @ prices
    return weights if closed.min() >= 0 and np.abs(closed @ distance).max() < CLOSED else None


def by_parts(distance: np.ndarray, ridge: float) -> np.ndarray:
    """Non-negative least squares among some donors, with those that would lower the objective most added until there are none.

    The first are the closest ones; with a ridge, those of the optimum without.
    """
    step = 2 * (distance.shape[1] + 1)  # twice as many as can be in use without a ridge
    among = np.argsort((distance**2).sum(axis=1), kind="stable")[:step] if ridge <= 0 else np.flatnonzero(least_squares(distance, 0.0) > 0)
    while True:
        weights = np.zeros(len(distance))
        weights[among] = polished(distance[among], non_negative(distance[among], ridge), ridge)
        new = np.setdiff1d(entering(distance, weights, ridge), among)
        if not len(new):
            return weights
        if len(new) > step:
            new = new[np.argsort((distance[new] @ (weights @ distance)), kind="stable")[:step]]
        among = np.union1d(among, new)


def entering(distance: np.ndarray, weights: np.ndarray, ridge: float) -> np.ndarray:
    """Donors whose weight would lower the objective if it grew (the conditions of Karush, Kuhn & Tucker), beyond rounding."""
    slope = distance @ (weights @ distance) + ridge * weights
    size = np.abs(distance)
    rounding = 8 * np.finfo(float).eps * (size @ (weights @ size))
    return np.flatnonzero(slope < weights @ slope - rounding - 1e-9 * ridge * weights.max())


def polished(distance: np.ndarray, weights: np.ndarray, ridge: float) -> np.ndarray:
    """The optimum on the active donors solved as equations; as it was where that is no solution."""
    active = np.flatnonzero(weights > ACTIVE)
    try:
        own = level(distance[active], ridge)
    except np.linalg.LinAlgError:
        return weights
    own /= own.sum()
    if not np.isfinite(own).all() or own.min() < 0:
        return weights
    better = np.zeros_like(weights)
    better[active] = own
    return better if objective(distance, better, ridge) <= objective(distance, weights, ridge) else weights


def level(inside: np.ndarray, ridge: float) -> np.ndarray:
    """Weights, up to their sum, at which every donor's slope is the same: by donors or by periods, whichever are fewer."""
    number, periods = inside.shape
    if ridge <= 0 or number <= periods + 1:
        return np.linalg.solve(inside @ inside.T + ridge * np.eye(number), np.ones(number))
    system = np.column_stack([inside, -np.ones(number)])
    target = np.r_[np.zeros(periods), 1.0]
    return -system @ np.linalg.solve(system.T @ system + np.diag(np.r_[np.full(periods, ridge), 0.0]), target)


def objective(distance: np.ndarray, weights: np.ndarray, ridge: float) -> float:
    return float(((weights @ distance) ** 2).sum() + ridge * (weights**2).sum())


def only_solution(distance: np.ndarray, weights: np.ndarray) -> bool:
    """No other weights fit as well: donors that could enter without loss are independent."""
    slope = distance @ (weights @ distance)
    level = slope[weights > ACTIVE].mean()
    free = np.flatnonzero(slope <= level + 1e-7 * max(1.0, np.abs(slope).max()))
    if len(free) > distance.shape[1] + 1:
        return False
    system = np.column_stack([distance[free], np.ones(len(free))])
    return bool(np.linalg.matrix_rank(system, tol=1e-7 * max(1.0, np.abs(system).max()) * len(free)) == len(free))


# --- placebos and what the three methods share -----------------------------------------------------------------------
def pretended(m: Matrix, chosen: list[int]) -> Matrix:
    """The matrix with some donors as the treated units; the really treated ones are gone."""
    rest = np.ones(len(m.names), bool)
    rest[chosen] = False
    names = tuple(compress(m.names, rest))
    return Matrix(m.donors[chosen].mean(axis=0), m.donors[rest], names, m.before, len(chosen), m.event_time)


def placebos(m: Matrix, solver: Solver, seed: int) -> list[tuple[str, Synthetic]]:
    """One fit per comparison unit (or set of as many as are treated, all of them or a fixed number drawn)."""
    place = {name: i for i, name in enumerate(m.names)}
    if len(m.names) - m.size < 2:
        return []
    sets = [(name,) for name in m.names] if m.size == 1 else placebo_sets(list(m.names), m.size, seed)
    return [(" + ".join(names), solver(pretended(m, [place[name] for name in names]))) for names in sets]


def placebo_gaps(design: Design, estimator: str) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """(gaps before the policy, gaps after it: placebos x periods, event times after it) of every unit that pretends to be treated; None for
    a method that is not synthetic, or without placebos."""
    solver = getattr(import_module(f"hgdx_eval.estimators.{estimator}"), "SOLVER", None)
    if solver is None:
        return None
    m = matrix(design)
    gaps = np.array([other.gap for _, other in placebos(m, solver, design.seed)])
    return (gaps[:, : m.before], gaps[:, m.before :], m.event_time[m.before :].astype(float)) if len(gaps) else None


def rmspe(m: Matrix, gap: np.ndarray, after: bool) -> float:
    part = gap[m.before :] if after else gap[: m.before]
    return float(np.sqrt((part**2).mean()))


def synthetic_estimate(design: Design, name: str, solver: Solver, spread: bool) -> Estimate:
    """The rows that the three methods share.

    `overall`: the mean gap after the policy, first without an interval (or, with `spread`, with the standard deviation of all
    placebos for its error), then judged by its rank among them, then by the rank of its post/pre ratio; `event`: the gap by
    period; `pre_trend`: the fit before; `placebo_space` and `leave_one_out`: every other unit in its place, every donor left out that
    can matter.
    """
    m = matrix(design)
    found = solver(m)
    if not np.isfinite(found.gap).all():
        raise Refusal("not_finite", f"{design.study}: no finite weights")
    n = observations(usable(design))
    rows, notes, others = [], [], placebos(m, solver, design.seed) if design.path or spread else []
    rows.append({"term": "overall", "estimate": found.estimate, "n_obs": n, **spread_of(m, found.estimate, others, spread)})
    if design.path:
        rows += rank_rows(m, found, others, n) + event_rows(m, found)
        rows.append({"term": "pre_trend", "parameter": "rmspe", "estimate": rmspe(m, found.gap, False)})
        rows += [{"term": "placebo_space", "group": group, "estimate": other.estimate} for group, other in others]
        without, cut = leave_one_out(m, found, solver)
        rows += without
        notes = warnings(m, found, others) + ([IN_PART] if cut else [])
    common = dict(
        study=design.study, outcome=design.outcome, estimator=name, inference="none", level=LEVEL, n_units=len(m.names) + m.size,
        n_clusters=design.table["cluster"].nunique(), n_treated_clusters=len(design.clusters(treated=True)), scale=design.scale,
        simulated=design.origin.simulated,
    )  # fmt: skip
    table = result_table([{**common, **row} for row in rows])
    span, counted = (design.table["period"].min(), design.table["period"].max()), bool(design.table["denominator"].notna().all())
    order = np.argsort(-found.weights, kind="stable")
    donors = tuple((m.names[i], float(found.weights[i])) for i in order if abs(found.weights[i]) > ACTIVE)
    return Estimate(table, design.origin, design.frequency, thin_event_times(design), span, counted, tuple(notes), donors)


def spread_of(m: Matrix, estimate: float, others: list[tuple[str, Synthetic]], wanted: bool) -> dict:
    """Error and interval from the standard deviation of all placebos (Arkhangelsky et al. 2021, algorithm 4, with every unit
    in place of random ones); none where they differ by rounding alone."""
    if not wanted or len(others) < 2:
        return {}
    from scipy import stats

    values = np.array([other.estimate for _, other in others])
    error = float(np.sqrt(beyond_rounding(values.var(), values, m.treated)))
    if np.isnan(error):
        return {}
    reach = stats.norm.ppf(0.5 + LEVEL / 2) * error
    p = 2 * stats.norm.sf(abs(estimate) / error)
    return {"std_error": error, "ci_low": estimate - reach, "ci_high": estimate + reach, "p_value": p, "inference": "placebo"}


def rank_rows(m: Matrix, found: Synthetic, others: list[tuple[str, Synthetic]], n: float) -> list[dict]:
    """Rank of the estimate, and of its ratio of root mean square gaps after and before, among all placebos and itself. No ratio where
    the treated series is fitted exactly before: anything after would be the largest."""
    if not others:
        return []
    exact = ROUNDING * float(np.abs(m.treated).max())

    def ratio(fit: Synthetic) -> float:
        before = rmspe(m, fit.gap, False)
        return rmspe(m, fit.gap, True) / before if before > exact else 1e300

    ranks = {"": placebo_rank(found.estimate, pd.Series([other.estimate for _, other in others]))}
    if rmspe(m, found.gap, False) > exact:
        ranks[RATIO] = placebo_rank(ratio(found), pd.Series([ratio(other) for _, other in others]))
    return [{"term": "overall", "estimate": found.estimate, "inference": "placebo", "p_value": rank / number, "n_obs": n,
             "parameter": f"{text}{rank}/{number}"} for text, (rank, number) in ranks.items()]  # fmt: skip


def event_rows(m: Matrix, found: Synthetic) -> list[dict]:
    return [{"term": "event", "event_time": int(e), "estimate": float(gap)} for e, gap in zip(m.event_time, found.gap, strict=True)]


def reach(distance: np.ndarray, weights: np.ndarray, ridge: float = 0.0) -> np.ndarray:
    """By donor, how far the fit can move without it: its weight, of what the others hold, times its distance from the synthetic unit.

    What the others' weights, scaled up, lose in the objective is the square of this, as the donors in use have equal slopes at the
    optimum. The best fit without the donor loses no more, and lies no further from today's, in the norm of the objective, than
    this; so does any outcome that follows from the weights, up to one factor that is the same for every donor.
    """
    share = np.abs(weights)
    others = np.maximum(1.0 - share, 1e-9)
    apart = ((distance - weights @ distance) ** 2).sum(axis=1) + ridge * ((weights**2).sum() - 2 * weights + 1.0)
    return share / others * np.sqrt(np.maximum(apart, 0.0))


def leave_one_out(m: Matrix, found: Synthetic, solver: Solver) -> tuple[list[dict], bool]:
    """(the estimate without each donor that has a weight of a thousandth or more, whether some of these were not left out).

    Where weights are spread over hundreds of donors, none of them moves the estimate much: the `LEFT_OUT` of the largest `reach` are
    fitted anew, and of the others each whose weight, shared out among the rest in proportion, would turn the sign, the largest
    turn first and until one does. So no sign that hangs on one donor in this sense is passed over, and what is not tried is told.
    """
    heavy = np.flatnonzero(np.abs(found.weights) >= 1e-3)
    if len(m.names) < 3 or not len(heavy):
        return [], False
    apart = (m.donors - m.treated)[:, : m.before]
    if found.periods.any():
        apart = apart - apart.mean(axis=1, keepdims=True)
    order = heavy[np.argsort(-reach(apart, found.weights, found.ridge)[heavy], kind="stable")]
    tried = {int(i): left_out(m, int(i), solver) for i in order[:LEFT_OUT]}
    shared = in_proportion(m, found)
    sign = np.sign(found.estimate)
    for i in sorted(map(int, order[LEFT_OUT:]), key=lambda i: sign * shared[i]):
        if sign * shared[i] > 0 or any(np.sign(value) != sign for value in tried.values()):
            break
        tried[i] = left_out(m, i, solver)
    rows = [{"term": "leave_one_out", "group": m.names[i], "estimate": tried[i]} for i in sorted(tried)]
    return rows, len(tried) < len(heavy)


def left_out(m: Matrix, donor: int, solver: Solver) -> float:
    kept = np.delete(np.arange(len(m.names)), donor)
    return solver(replace(m, donors=m.donors[kept], names=tuple(m.names[j] for j in kept))).estimate


def in_proportion(m: Matrix, found: Synthetic) -> np.ndarray:
    """By donor, the estimate without it where the other weights are scaled up to the sum 1: no fit anew.

    Every gap is `treated - weights @ donors` less what its period weights say of it; the same is done to each donor's own gap.
    """
    apart = m.donors - found.weights @ m.donors
    moved = apart[:, m.before :].mean(axis=1) - apart[:, : m.before] @ found.periods
    others = 1.0 - found.weights
    return found.estimate + found.weights / np.where(np.abs(others) < 1e-9, 1e-9, others) * moved


def warnings(m: Matrix, found: Synthetic, others: list[tuple[str, Synthetic]]) -> list[str]:
    """weights_not_unique; poor_fit (the root mean square gap before is above twice the placebos' median);
    regression_to_mean (in the last quarter of the periods before, the treated series is further from its own mean, in its own
    standard deviations, than nine donors in ten)."""
    notes = [] if found.unique else ["weights_not_unique"]
    if others and rmspe(m, found.gap, False) > POOR * np.median([rmspe(m, other.gap, False) for _, other in others]) + 1e-9:
        notes.append("poor_fit")
    last = max(1, m.before // 4)
    series = np.vstack([m.treated, m.donors])[:, : m.before]
    spread = series.std(axis=1)
    away = np.abs(series[:, -last:].mean(axis=1) - series.mean(axis=1)) / np.where(spread > 0, spread, 1.0)
    if (away[1:] < away[0]).mean() > EXTREME:
        notes.append("regression_to_mean")
    return notes


def synthetic_series(design: Design, found: Estimate) -> pd.DataFrame:
    """The mean treated series and its synthetic one. `found`: what `synthetic_part` gives.

    Returns a table: time, period, treated, synthetic (shares 0-1 on scale pp, else the outcome's own unit). The synthetic one is the
    treated less the gaps told as `event` rows. Both are empty in periods whose treated dossiers are hidden: with the gap either would tell
    the share. Raises Refusal where no synthetic unit can be made of the design.
    """
    m = matrix(design)
    gap = found.rows("event").set_index("event_time")["estimate"].loc[m.event_time].to_numpy()
    time = m.event_time + int(design.table["treated_from"].dropna().iloc[0])
    period = pd.PeriodIndex.from_ordinals(time, freq=design.frequency)
    series = pd.DataFrame({"time": time, "period": period, "treated": m.treated, "synthetic": m.treated - gap})
    series[["treated", "synthetic"]] /= points(design)
    mine = design.table[design.table["treated_from"].notna()]
    if design.release is not None:
        told = as_told(design.release, "side", "treated", "", period.astype(str))
        there = mine.groupby("time")[["denominator", "numerator"]].sum().reindex(time, fill_value=0.0)
        series.loc[(told[["denominator", "numerator"]].to_numpy() != there.to_numpy()).any(axis=1), ["treated", "synthetic"]] = np.nan
    elif mine["denominator"].notna().all():
        sums = mine.groupby("time")[["denominator", "numerator"]].sum().reindex(time, fill_value=0.0)
        parts = parts_of(sums["numerator"], sums["denominator"])
        for inside in (m.event_time < 0, m.event_time >= 0):  # beside the sums of before and after
            series.loc[np.flatnonzero(inside)[hidden_beside_total(parts[inside], design.min_count)], ["treated", "synthetic"]] = np.nan
    return series
