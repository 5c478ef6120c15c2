"""How far may trends differ before the conclusion falls? Honest intervals of Rambachan & Roth (2023, Review of Economic Studies).

delta is the difference in trends that an event study shows beside the effect. Two limits on it: `relative_magnitudes`, its
steps after the policy are at most Mbar times the largest step before (their Delta^RM), and `smoothness`, its slope changes by
at most M a period (their Delta^SD). Neighbouring coefficients count as one period apart, also across periods that a study
sets aside.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module

import numpy as np
from scipy.optimize import brentq, minimize_scalar
from scipy.special import log_ndtr, ndtr, ndtri, stdtrit

from ..base.errors import Refusal
from ..design.design import Design
from ..estimation.event_path import Bins, EventPath, Layout
from ..estimation.fixed_effects import cells_of, linear_estimate, usable
from ..estimation.inference import FEW_CLUSTERS, LEVEL, degrees_of_freedom, effective_clusters
from ..estimation.results import Estimate
from ..study.vocabulary import REGRESSION
from .information import sides_of

WIDTHS = {"D": (1, 7, 14, 28, 91, 182, 364), "W": (1, 2, 4, 13, 26, 52), "M": (1, 2, 3, 6, 12), "Q": (1, 2, 4),
          "Y": (1, 2)}  # periods in one coefficient  # fmt: skip
PER_CLUSTER = 0.5  # coefficients a cluster, at most
RELATIVE = (0.0, 0.5, 1.0, 1.5, 2.0)  # Mbar
SMOOTH = (0.0, 0.5, 1.0, 2.0)  # M, in largest changes of slope seen before the policy
LIMIT = 5.0  # of a breakdown value, in the same units
ALPHA = 1 - LEVEL
FIRST_STAGE = ALPHA / 10  # size of the least favourable test
SECOND_STAGE = (ALPHA - FIRST_STAGE) / (1 - FIRST_STAGE)
GRID = 128  # points at which an interval's end is looked for, each time 1/GRID as far apart
FAR = 9.0  # standard deviations beyond which nothing is left of a normal variable
NODES, SHARES = np.polynomial.legendre.leggauss(160)
ROUNDING = 1e-9  # of a correlation matrix: a smaller eigenvalue is 0


@dataclass(frozen=True)
class Headlined:
    """The average effect that the method tells, beside its coefficients before the policy."""

    estimate: float
    variance: float
    shared: np.ndarray  # (before,) covariance with each coefficient before
    dof: float
    dof_before: np.ndarray  # (before,) of each coefficient before
    dof_joint: float  # of the covariance of all of them
    drift: float  # what a difference between the groups that grows by one a period adds to the average
    drift_before: np.ndarray  # (before,) and to each coefficient before


@dataclass(frozen=True)
class EventStudy:
    """An event study's coefficients by event time without the reference (0 by definition): `before`, then `after` ones.

    `beta`: (before + after,), the outcome's unit or percentage points; `covariance`: (before + after) squared.
    """

    beta: np.ndarray
    covariance: np.ndarray
    before: int
    after: int
    dossiers: tuple[float, ...] = ()  # treated dossiers (weight where none are counted) of each coefficient after the policy
    spans: tuple[tuple[int, int], ...] = ()  # its first and last event time
    dof: float = np.inf  # degrees of freedom of the clustered error; infinite: the covariance is taken as known
    headlined: Headlined | None = None

    @property
    def average_told(self) -> Headlined:
        """Raises ValueError for a study of coefficients alone."""
        if self.headlined is None:
            raise ValueError("an event study without the average that its method tells")
        return self.headlined


# --- design -> event study ----------------------------------------------------------------------------------------------
def event_study(design: Design, width: int | None = None, estimator: str = REGRESSION) -> EventStudy:
    """A linear method's event study with one base before and after the policy (`event_path` of the method), clustered covariance.

    `width` seen periods share a coefficient, counted from the policy outwards, the last `width` before it being the
    reference; an unfinished one at the far end before the policy is estimated and left out, one after it is kept. Where not
    given: `chosen_width`. Raises Refusal: a method that has none, fewer than two coefficients before the policy, event times that the
    fixed effects absorb, fewer clusters than coefficients (a singular covariance), what the method refuses.
    """
    return event_study_of(design, path_of(design, estimator)(design, lambda events, clusters: binned(design, events, clusters, width)))


def used(bins: Bins) -> np.ndarray:
    """Which coefficients of a path are the event study's: all but an unfinished one at the far end before the policy."""
    return bins.others >= -1 - bins.before


def event_study_of(design: Design, path: EventPath) -> EventStudy:
    """The study of a path. Raises Refusal where its covariance is singular."""
    bins, clusters = path.bins, len(path.scores)
    use = used(bins)
    covariance = path.scores.T @ path.scores
    if not regular(covariance[np.ix_(use, use)]):
        raise Refusal("few_clusters", f"{design.study}: {clusters} clusters are too few for {len(use)} event times")
    dossiers = path.size[bins.others >= 0]
    contrasts = np.zeros((2, len(use)))
    contrasts[0, bins.others == 0], contrasts[1, bins.others >= 0] = 1.0, dossiers / dossiers.sum()
    early = np.eye(len(use))[use & (bins.others < 0)]
    gram = path.gram(np.vstack([contrasts, early]).T)
    freedom = [degrees_of_freedom(clusters, effective_clusters(each, np.arange(clusters))) for each in np.einsum("hii->ih", gram)]
    joint = joint_dof(gram[:, 2:, 2:]) - usable(design)["treated_from"].nunique(dropna=False)
    whole = path.overall
    headlined = Headlined(whole.estimate, float(whole.scores @ whole.scores), early @ (path.scores.T @ whole.scores), whole.dof,
                          np.array(freedom[2:]), joint, whole.drift, early @ path.drift)  # fmt: skip
    return EventStudy(path.beta[use], covariance[np.ix_(use, use)], bins.before, bins.after, tuple(dossiers), bins.spans,
                      min(freedom[:2]), headlined)  # fmt: skip


def path_of(design: Design, estimator: str) -> Callable[[Design, Layout], EventPath]:
    """A method's `event_path`. Raises Refusal for one that has none."""
    module = import_module(f"hgdx_eval.estimators.{estimator}")
    if not hasattr(module, "event_path"):
        raise Refusal("other_method", f"{design.study}: {estimator} has no event study that is a weighted sum of outcomes")
    return module.event_path


def joint_dof(parts: np.ndarray) -> float:
    """Degrees of freedom of a covariance that is summed over clusters (Zhang 2012; Pustejovsky & Tipton 2018, Journal of Business &
    Economic Statistics 36, eq. 15): k (k + 1) over the sum of tr(O^2) + tr(O)^2, O each cluster's part in it, the whole being the
    identity. With alike clusters their number.

    `parts`: clusters x k x k. Means that were estimated, a path for each date of adoption and one for the untreated, are not yet
    taken off.
    """
    root = np.linalg.inv(np.linalg.cholesky(parts.sum(axis=0)))
    parts = root @ parts @ root.T
    k = parts.shape[1]
    return float(k * (k + 1) / ((parts**2).sum() + (np.einsum("hii->h", parts) ** 2).sum()))


def binned(design: Design, known: np.ndarray, clusters: int, width: int | None) -> Bins:
    """Event times joined from the policy outwards. Raises Refusal where fewer than two coefficients are left before, or none after."""
    earlier, later = known[known < 0], known[known >= 0]
    width = width or chosen_width(design.frequency, len(earlier), len(later), clusters)
    place = dict(zip(earlier[::-1], -1 - np.arange(len(earlier)) // width)) | dict(zip(later, np.arange(len(later)) // width))
    before, after = len(earlier) // width - 1, -(-len(later) // width)
    if before < 2 or after < 1:
        raise Refusal("too_few_periods", f"{design.study}: {len(earlier)} periods before and {len(later)} after: too few "
                                         f"for sensitivity to trends (at least 3 and 1)")  # fmt: skip
    spans = [later[k * width : (k + 1) * width] for k in range(after)]
    return Bins({int(event): int(bin) for event, bin in place.items()}, before, after,
                tuple((int(span[0]), int(span[-1])) for span in spans))  # fmt: skip


def chosen_width(frequency: str, before: int, after: int, clusters: int) -> int:
    """Periods in one coefficient: the fewest of `WIDTHS` with which coefficients are at most half as many as clusters, for
    the covariance is only as good as it has clusters for each; where none suffices, the most with which two are left before."""
    allowed = [width for width in WIDTHS[frequency] if before // width >= 3] or [1]
    fits = [width for width in allowed if before // width - 1 - (-after // width) <= PER_CLUSTER * clusters]
    return fits[0] if fits else allowed[-1]


def regular(covariance: np.ndarray) -> bool:
    """Whether a covariance is finite and positive definite."""
    scale = np.sqrt(covariance.diagonal())
    if not np.isfinite(covariance).all() or not (scale > 0).all():
        return False
    return bool(np.linalg.eigvalsh(covariance / np.outer(scale, scale))[0] > ROUNDING)


def checked(study: EventStudy, bound: float, contrast: np.ndarray) -> np.ndarray:
    """The contrast as an array. Raises ValueError where sizes do not agree, or a bound below 0."""
    contrast = np.asarray(contrast, float)
    if contrast.shape != (study.after,) or not np.isfinite(contrast).all() or not contrast.any():
        raise ValueError(f"contrast: {contrast}; allowed: {study.after} numbers, not all 0")
    if len(study.beta) != study.before + study.after or study.covariance.shape != (len(study.beta), len(study.beta)):
        raise ValueError(f"an event study of {study.before} + {study.after} coefficients with {len(study.beta)}")
    if not 0 <= bound < np.inf:
        raise ValueError(f"bound {bound}; allowed: 0 and more")
    return contrast


def first(study: EventStudy) -> np.ndarray:
    """Weights of the first coefficient after the policy."""
    return np.eye(study.after)[0]


def average(study: EventStudy) -> np.ndarray:
    """Weights of the average after the policy, by treated dossiers where known, else equal."""
    size = np.array(study.dossiers) if study.dossiers else np.ones(study.after)
    return size / size.sum()


# --- smoothness: the shortest interval of fixed length -------------------------------------------------------------------
@dataclass(frozen=True)
class Frontier:
    """Affine estimators with the least variance for their worst bias, from the least bias to the least variance.

    Between two neighbours the estimators on the line are the best ones, too.
    """

    weights: np.ndarray  # corners x coefficients
    bias: np.ndarray  # worst bias at M = 1 of each
    free: np.ndarray  # corners x weights of second differences before the policy that were free to be chosen: which are not 0


def smoothness(study: EventStudy, bound: float, contrast: np.ndarray) -> tuple[float, float]:
    """95% interval of fixed length (low, high) of contrast' effects where the slope of delta changes by at most `bound` a
    period (Delta^SD(M)): the half-length is the least of all affine estimators (their optimal fixed-length interval).

    `bound`: M >= 0, in the unit of `beta` a period squared; `contrast`: (after,). Weights after the policy are the contrast;
    those before have their variance least given the worst bias, on a path that is exact (`frontier`). The half-length is
    convex along it. Raises ValueError where sizes do not agree.
    """
    contrast = checked(study, bound, contrast)
    return shortest(study, frontier(study, contrast), bound)


def frontier(study: EventStudy, contrast: np.ndarray) -> Frontier:
    """All best trades of variance for worst bias over second differences.

    delta is a line through 0 and its second differences. An estimator v has a finite worst bias if the line cancels; then it
    is M times the sum of |c|, c the weights that v gives to second differences. c at the reference is fixed by the line, those
    later by the contrast, those earlier are as free as v: least variance at each sum of |c| is a lasso.
    """
    before, after = study.before, study.after
    steps = np.arange(1, before + 1)
    tents = np.maximum(steps - np.arange(before)[:, None], 0.0)  # weights by distance from the reference -> c
    back = np.linalg.inv(tents)
    own = np.maximum(np.arange(1, after + 1) - np.arange(1, after)[:, None], 0.0) @ contrast
    at_reference = contrast @ np.arange(1, after + 1)
    pre = np.arange(before)[::-1]
    quadratic = back.T @ study.covariance[np.ix_(pre, pre)] @ back
    linear = back.T @ study.covariance[pre, before:] @ contrast + quadratic[:, 0] * at_reference
    path = lasso_path(quadratic[1:, 1:], linear[1:])
    c = np.column_stack([np.full(len(path), at_reference), path])
    weights = np.column_stack([(c @ back.T)[:, ::-1], np.tile(contrast, (len(c), 1))])
    return Frontier(weights, np.abs(c).sum(axis=1) + np.abs(own).sum(), path != 0)


def lasso_path(quadratic: np.ndarray, linear: np.ndarray) -> np.ndarray:
    """Corners (steps x k) of the path of c that minimises c'Qc/2 + q'c + p|c|, from p so large that c = 0 down to p = 0.

    Piecewise straight (Osborne, Presnell & Turlach 2000): from corner to corner with the set of entries that are not 0.
    """
    k = len(linear)
    corners, active, sign = [np.zeros(k)], [], np.zeros(k)
    if k == 0 or not linear.any():
        return np.array(corners)
    scale = 1 / np.sqrt(quadratic.diagonal())
    penalty, changed = np.abs(linear).max(), int(np.abs(linear).argmax())
    active, sign[changed] = [changed], -np.sign(linear[changed])
    for _ in range(50 * k):
        root = np.linalg.solve(quadratic[np.ix_(active, active)] * scale[active] * scale[active][:, None],
                               scale[active][:, None] * np.column_stack([linear[active], sign[active]]))  # fmt: skip
        constant, slope = -scale[active] * root[:, 0], -scale[active] * root[:, 1]  # c = constant + slope x penalty
        events = [(penalty_at(-a, b), j, 0) for a, b, j in zip(constant, slope, active) if j != changed]
        for j in set(range(k)) - set(active):
            p, q = linear[j] + quadratic[j, active] @ constant, quadratic[j, active] @ slope
            if j != changed:
                events += [(penalty_at(p, 1 - q), j, -1), (penalty_at(-p, 1 + q), j, 1)]
            else:  # just left: it may come back with the other sign only
                events += [(penalty_at(-p, 1 + q), j, 1) if sign[j] < 0 else (penalty_at(p, 1 - q), j, -1)]
        events = [event for event in events if 0 < event[0] <= penalty * (1 + 1e-12)]
        penalty, changed, now = max(events, default=(0.0, -1, 0))
        corner = np.zeros(k)
        corner[active] = constant + slope * penalty
        corners.append(corner)
        if changed < 0:
            break
        active = [j for j in active if j != changed] if now == 0 else [*active, changed]
        sign[changed] = now or sign[changed]
    return np.array(corners)


def penalty_at(p: float, q: float) -> float:
    return p / q if q else -1.0


def shortest(study: EventStudy, best: Frontier, bound: float) -> tuple[float, float]:
    """The shortest interval of a frontier at one bound."""

    def at(place: float) -> tuple[float, np.ndarray]:
        k, part = int(place), place % 1
        parts = {k: 1 - part, k + 1: part} if part else {k: 1.0}
        weights = sum(share * best.weights[corner] for corner, share in parts.items())
        bias = sum(share * best.bias[corner] for corner, share in parts.items())
        wider = widening(study.dof, int(best.free[list(parts)].any(axis=0).sum()))
        return half_length(wider * np.sqrt(weights @ study.covariance @ weights), bound * bias), weights

    last = len(best.bias) - 1
    lengths = [at(float(k))[0] for k in range(last + 1)]
    k = int(np.argmin(lengths))
    places = [(lengths[k], float(k))]
    for low in {max(k - 1, 0), min(k, last - 1)} if last else ():
        found = minimize_scalar(lambda place: at(place)[0], bounds=(low, low + 1), method="bounded", options={"xatol": 1e-7})
        places.append((float(found.fun), float(found.x)))
    length, weights = at(min(places)[1])
    center = float(weights @ study.beta)
    return center - float(length), center + float(length)


def widening(dof: float, free: int = 0) -> float:
    """The factor of a standard error for what few clusters cost: t instead of normal, and `free` weights chosen by the same
    covariance that tells the error.

    The chosen combination is a regression on `free` others (Rao 1967, least squares with an estimated dispersion matrix): of
    `dof` degrees of freedom so many are used up, and their coefficients have errors, on average free / (dof - free - 1) of the
    variance. Infinite where nothing is left.
    """
    if np.isinf(dof):
        return 1.0
    left = dof - free
    if free and left <= 2:
        return np.inf
    cost = dof / left * (1 + free / (left - 1)) if free else 1.0
    return float(np.sqrt(cost) * stdtrit(left, 0.5 + LEVEL / 2) / ndtri(0.5 + LEVEL / 2))


def half_length(sd: float, bias: float) -> float:
    """sd x the 95% quantile of |N(bias / sd, 1)|."""
    if sd <= 0 or not np.isfinite(sd):
        return bias + sd
    t = bias / sd
    return sd * brentq(lambda x: ndtr(x - t) - ndtr(-x - t) - LEVEL, t + 1.6, t + 1.97, xtol=1e-12)


# --- relative magnitudes: conditional and least favourable tests inverted -------------------------------------------------
@dataclass(frozen=True)
class Shape:
    """One polyhedron of the restriction: a pre-period step V (with a sign) bounds every later step.

    The least violation eta of its moments, in standard deviations, has a closed form: the greatest of a few statistics, each
    `level` - theta x `move`, their covariance `spread` (the vertices of the dual programme; Andrews, Roth & Pakes 2023).
    """

    level: np.ndarray
    move: np.ndarray
    spread: np.ndarray
    critical: float  # least favourable critical value of the first stage


def relative_magnitudes(study: EventStudy, bound: float, contrast: np.ndarray) -> tuple[float, float]:
    """95% interval (low, high) of contrast' effects where delta's steps after the policy are at most `bound` times its
    largest step before (Delta^RM(Mbar)): their conditional-least favourable hybrid test, first stage of size alpha / 10.

    `bound`: Mbar >= 0; `contrast`: (after,). The restriction is a union of polyhedra, one for each step before the policy and
    sign; the interval reaches from the lowest to the highest effect that the test of any of them accepts. Only moments of the
    periods after the policy are tested, as in R's HonestDiD. Nothing is simulated. Raises ValueError where sizes do not agree.
    """
    contrast = checked(study, bound, contrast)
    study = replace(study, covariance=study.covariance * widening(study.dof) ** 2)
    shapes = [shape for vector in pre_steps(study) for shape in [shaped(study, bound, contrast, vector)] if shape]
    low = high = float(contrast @ study.beta[study.before :])  # never rejected: a step of the right sign allows it
    reaches = [(*found, k) for k, shape in enumerate(shapes) for found in [ends(shape)] if found]
    for start, stop, k in sorted(reaches):
        if start < low:
            low = min([low, *farthest(shapes[k], start, stop)])
    for start, stop, k in sorted(reaches, key=lambda reach: -reach[1]):
        if stop > high:
            high = max([high, *farthest(shapes[k], stop, start)])
    return low, high


def pre_steps(study: EventStudy) -> list[np.ndarray]:
    """Each step between neighbours before the policy, the reference being the last, with either sign: weights of beta."""
    size = study.before + study.after
    padded = np.vstack([np.eye(size)[: study.before], np.zeros(size)])
    return [sign * step for step in np.diff(padded, axis=0) for sign in (1.0, -1.0)]


def shaped(study: EventStudy, bound: float, contrast: np.ndarray, pre: np.ndarray) -> Shape | None:
    """The test's statistics for one step before the policy; None where nothing varies.

    With kappa_t the step of the effect at t, D_t that of beta and w_t the sum of the contrast from t on, eta is the least number
    with D_t - kappa_t <= Mbar V + eta s_t+ and kappa_t - D_t <= Mbar V + eta s_t- at every t and sum of w_t kappa_t = theta.
    Each kappa_t has an interval. They are not empty if eta >= -2 Mbar V / (s_t+ + s_t-); theta is in their sum if it is between
    its ends. eta is the greatest of these bounds.
    """
    size = study.before + study.after
    step = np.diff(np.vstack([np.zeros(size), np.eye(size)[study.before :]]), axis=0)
    later = np.cumsum(contrast[::-1])[::-1]
    later = np.where(np.abs(later) < 1e-14 * np.abs(later).max(), 0.0, later)
    over, under = (np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", rows, study.covariance, rows), 0.0))
                   for rows in (step - bound * pre, -step - bound * pre))  # fmt: skip
    weight, reach = np.abs(later), bound * np.abs(later).sum()
    above = weight @ np.where(later >= 0, over, under)
    below = weight @ np.where(later >= 0, under, over)
    if above <= 0 or below <= 0:
        return None
    target = later @ step
    rows = [(target - reach * pre) / above, (-target - reach * pre) / below]
    slack = 1 / (over + under)
    if bound > 0:
        rows += [-2 * bound * k * pre for k in sorted({slack.min(), slack.max()}, reverse=True)]
    rows = np.array(rows)
    move = np.r_[1 / above, -1 / below, np.zeros(len(rows) - 2)]
    pair = np.array([target, pre])
    critical = least_favourable(pair @ study.covariance @ pair.T, above, below, reach, 2 * bound * slack.max())
    return Shape(rows @ study.beta, move, rows @ study.covariance @ rows.T, critical)


def least_favourable(spread: np.ndarray, above: float, below: float, reach: float, narrow: float) -> float:
    """The 1 - alpha/10 quantile of eta where all moments have mean 0: a region of the plane of (target, V), integrated.

    `spread`: covariance of the two; `above`, `below`: scales of the target's two statistics; `reach`: weight of V in them;
    `narrow`: the greatest weight of -V in the others.
    """
    sd, v = np.sqrt(spread[0, 0]), np.sqrt(max(spread[1, 1], 0.0))
    if reach == 0 or v == 0:
        return brentq(lambda q: ndtr(q * above / sd) - ndtr(-q * below / sd) - 1 + FIRST_STAGE, 0, 10 * sd / min(above, below))
    slope = spread[0, 1] / v
    rest = max(np.sqrt(max(spread[0, 0] - slope**2, 0.0)), 1e-6 * sd)

    def inside(q: float) -> float:
        start = max(-q / (narrow * v), -FAR)
        x = start + (FAR - start) * (NODES + 1) / 2
        top, bottom = (q * above + (reach * v - slope) * x) / rest, (-q * below - (reach * v + slope) * x) / rest
        density = np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
        return float((FAR - start) / 2 * (SHARES * density) @ np.maximum(ndtr(top) - ndtr(bottom), 0.0))

    return brentq(lambda q: inside(q) - 1 + FIRST_STAGE, 0.0, 10.0, xtol=1e-10)


def ends(shape: Shape) -> tuple[float, float] | None:
    """What the first stage leaves of theta, None where nothing."""
    if (shape.level[2:] > shape.critical).any():
        return None
    low, high = (shape.level[:2] - shape.critical) / shape.move[:2]
    return (float(low), float(high)) if low < high else None


def accepted(shape: Shape, theta: np.ndarray) -> np.ndarray:
    """Whether the hybrid test accepts each theta: eta against a normal truncated to where the same vertex stays the greatest
    and the first stage accepts; below 0 it is always accepted."""
    values = shape.level[:, None] - shape.move[:, None] * theta
    best = values.argmax(axis=0)
    eta = values[best, np.arange(len(theta))]
    found = eta <= 0
    for j in np.unique(best[~found]):
        mine = ~found & (best == j)
        variance = shape.spread[j, j]
        part = shape.spread[:, j] / variance
        rest = values[:, mine] - part[:, None] * eta[mine]
        lower, upper = part < 1 - ROUNDING, part > 1 + ROUNDING
        low = (rest[lower] / (1 - part[lower])[:, None]).max(axis=0, initial=-np.inf)
        high = np.minimum((rest[upper] / (1 - part[upper])[:, None]).min(axis=0, initial=np.inf), shape.critical)
        found[mine] = (tail(eta[mine], low, high, np.sqrt(variance)) >= SECOND_STAGE) & (eta[mine] <= shape.critical)
    return found


def tail(value: np.ndarray, low: np.ndarray, high: np.ndarray, sd: float) -> np.ndarray:
    """P(X > value) of N(0, sd^2) truncated to (low, high), right far out in the tail, too."""
    at, base, top = log_ndtr(-value / sd), log_ndtr(-np.minimum(low, value) / sd), log_ndtr(-np.maximum(high, value) / sd)
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.expm1(top - at) / np.expm1(top - base) * np.exp(at - base)
    return np.where(np.isfinite(part), part, 0.0)


def farthest(shape: Shape, start: float, stop: float) -> list[float]:
    """The accepted theta nearest to `start`, looked for on a grid towards `stop` and then on finer ones; empty where none."""
    found = []
    for _ in range(3):
        grid = np.linspace(start, stop, GRID)
        good = np.flatnonzero(accepted(shape, grid))
        if len(good) == 0:
            break
        found = [float(grid[good[0]])]
        if good[0] == 0:
            break
        start, stop = grid[good[0] - 1], grid[good[0]]
    return found


# --- breakdown, and the table ---------------------------------------------------------------------------------------------
def slope_change(study: EventStudy) -> float:
    """The largest change of slope between neighbours before the policy, the reference included; 0 where there is none."""
    path = np.append(study.beta[: study.before], 0.0)
    return float(np.abs(np.diff(path, 2)).max(initial=0.0))


def breakdown(study: EventStudy, contrast: np.ndarray, kind: str) -> float:
    """The bound up to which the interval excludes zero: 0 where it never does, infinite where it does up to the limit.

    `kind`: `relative` (Mbar, up to 5, right to 0.005) or `smooth` (M, up to 5 times the largest change of slope seen before
    the policy or, where none was seen, 5 standard errors of the contrast; right to a thousandth of that). Every smaller bound
    excludes zero, too: where an interval of a larger bound happens to exclude it again, that does not count. Raises
    ValueError for another kind.
    """
    if kind not in ("relative", "smooth"):
        raise ValueError(f"kind {kind!r}; allowed: relative, smooth")
    contrast = checked(study, 0.0, contrast)
    limit = breakdown_limit(study, contrast, kind)
    best = frontier(study, contrast) if kind == "smooth" else None

    def excludes(bound: float) -> bool:
        low, high = shortest(study, best, bound) if best else relative_magnitudes(study, bound, contrast)
        return low > 0 or high < 0

    return largest(excludes, limit)


def largest(excludes: Callable[[float], bool], limit: float) -> float:
    """The bound up to which zero is excluded, right to a thousandth of the limit: 0 where it never is, infinite beyond the limit."""
    if not excludes(0.0):
        return 0.0
    good, bad = 0.0, None
    for bound in limit * np.arange(1, 11) / 10:
        if not excludes(bound):
            bad = bound
            break
        good = bound
    if bad is None:
        return np.inf
    while bad - good > limit / 1000:
        middle = (good + bad) / 2
        good, bad = (middle, bad) if excludes(middle) else (good, middle)
    return float(good)


def breakdown_limit(study: EventStudy, contrast: np.ndarray, kind: str) -> float:
    """The largest bound at which a breakdown is looked for."""
    if kind == "relative":
        return LIMIT
    after = study.covariance[study.before :, study.before :]
    return LIMIT * (slope_change(study) or float(np.sqrt(contrast @ after @ contrast)))


# --- levels: the headlined average while the groups stand apart ----------------------------------------------------------
def level_interval(study: EventStudy, bound: float) -> tuple[float, float]:
    """95% interval (low, high) of the headlined average where the groups stand apart after the policy, on average over what is
    averaged, by at most `bound` times the farthest that they stood apart before (bounded variation in levels, not in steps:
    Manski & Pepper 2018, Review of Economics and Statistics 100, 232-244).

    `bound`: Mbar >= 0. With delta_e the coefficients before, the farthest one |delta_e| = s delta_e, the effect lies between
    theta - Mbar s delta_e and theta + Mbar s delta_e. Each end has its own clustered error (t); the union over all e and s holds the
    effect at least as often as that of the one that is farthest in truth. With Mbar = 0 it is the usual interval.
    """
    if not 0 <= bound < np.inf:
        raise ValueError(f"bound {bound}; allowed: 0 and more")
    own, before = study.average_told, study.before
    move = bound * np.array([[1.0], [-1.0]])
    center = own.estimate - move * study.beta[:before]
    variance = own.variance - 2 * move * own.shared + move**2 * study.covariance.diagonal()[:before]
    dof = np.minimum(own.dof, own.dof_before) if bound > 0 else own.dof
    reach = stdtrit(dof, 0.5 + LEVEL / 2) * np.sqrt(np.maximum(variance, 0.0))
    return float((center - reach).min()), float((center + reach).max())


def level_breakdown(study: EventStudy) -> float:
    """The bound up to which `level_interval` excludes zero, as `breakdown` tells it."""

    def excludes(bound: float) -> bool:
        low, high = level_interval(study, bound)
        return low > 0 or high < 0

    return largest(excludes, LIMIT)


def sensitivity(design: Design, estimator: str = REGRESSION) -> Estimate:
    """Rows `sensitivity_relative` (Mbar 0 to 2) and `sensitivity_smooth` (M 0, 0.5, 1 and 2 times the largest change of slope
    seen before the policy) for the first coefficient after the policy (`group` first) and the average over all, weighted by
    their size (average); `parameter` the bound, `period` the event times, `ci_low`, `ci_high` the honest interval. Rows
    `sensitivity_level` (Mbar 0 to 2, `group` overall): `level_interval` of the headlined average.

    `estimate` is the coefficient; in smooth rows the interval's middle, in which trends before the policy are already made up
    for. `first breakdown`, `average breakdown` and `overall breakdown`: `breakdown` of each kind (scale level); beyond the limit
    `estimate` is the limit and `parameter` says so (>5). Coefficients of `event_study`; with t for normal as in all other tables,
    Mbar = 0 is the usual interval (`widening`). Raises Refusal as `event_study` does, and where either side has too few
    clusters for any clustered error.
    """
    return sensitivity_of(design, judged_study(design, estimator), estimator)


def judged_study(design: Design, estimator: str) -> EventStudy:
    """The event study of a design with enough clusters on either side for its clustered error. Raises Refusal where there are not."""
    return event_study_of(design, judged_path(design, estimator))


def judged_path(design: Design, estimator: str) -> EventPath:
    """The path of that study. Raises Refusal as `judged_study` does."""
    made = path_of(design, estimator)
    sides = sides_of(design, estimator)
    if sides.few:
        raise Refusal("few_clusters", f"{design.study}: treated and comparison clusters tell as much as {sides.effective(True):.1f} and "
                                      f"{sides.effective(False):.1f} equal ones; at least {FEW_CLUSTERS}")  # fmt: skip
    return made(design, lambda events, clusters: binned(design, events, clusters, None))


def sensitivity_of(design: Design, study: EventStudy, estimator: str) -> Estimate:
    """All rows of `sensitivity`."""
    rows, begin = [], study.spans[0][0]
    for group, contrast, last in (("first", first(study), study.spans[0]), ("average", average(study), study.spans[-1])):
        rows += contrast_rows(study, contrast, group, span_text(begin, last[1]))
    rows += level_rows(study, span_text(begin, study.spans[-1][1]))
    table = usable(design)
    return linear_estimate(design, table, cells_of(design, table), estimator, rows)


def span_text(begin: int, end: int) -> str:
    return f"{begin}..{end}" if end > begin else str(begin)


def level_rows(study: EventStudy, period: str) -> list[dict]:
    """Rows of the headlined average."""
    rows = [{"group": "overall", "parameter": f"{bound:g}", "estimate": study.average_told.estimate, "ci_low": low, "ci_high": high,
             "inference": "honest"} for bound in RELATIVE for low, high in [level_interval(study, bound)]]  # fmt: skip
    rows.append({"group": "overall breakdown", **breakdown_numbers(level_breakdown(study), LIMIT)})
    return [{**row, "term": "sensitivity_level", "period": period} for row in rows]


def breakdown_numbers(value: float, limit: float) -> dict:
    """A breakdown value as numbers of a row."""
    return {"scale": "level", "parameter": f">{limit:.4g}" if np.isinf(value) else "", "estimate": min(value, limit),
            "inference": "none", "level": np.nan}  # fmt: skip


def contrast_rows(study: EventStudy, contrast: np.ndarray, group: str, period: str) -> list[dict]:
    """All rows of one contrast."""
    point, best, largest = float(contrast @ study.beta[study.before :]), frontier(study, contrast), slope_change(study)
    rows = []
    for bound in RELATIVE:
        low, high = relative_magnitudes(study, bound, contrast)
        rows.append({"term": "sensitivity_relative", "parameter": f"{bound:g}", "estimate": point, "ci_low": low, "ci_high": high})
    for bound in sorted({times * largest for times in SMOOTH}):
        low, high = shortest(study, best, bound)
        rows.append({"term": "sensitivity_smooth", "parameter": f"{bound:.4g}", "estimate": (low + high) / 2,
                     "ci_low": low, "ci_high": high})  # fmt: skip
    rows = [{**row, "group": group, "period": period, "inference": "honest"} for row in rows]
    for kind in ("relative", "smooth"):
        value, limit = breakdown(study, contrast, kind), breakdown_limit(study, contrast, kind)
        rows.append({"term": f"sensitivity_{kind}", "group": f"{group} breakdown", "period": period, **breakdown_numbers(value, limit)})
    return rows
