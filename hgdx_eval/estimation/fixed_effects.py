"""The kernel of the linear methods: unit effects profiled out, period effects solved exactly, clustered errors.

Cells of counts give the same numbers as one row a dossier. Every coefficient is a weighted sum of outcomes; `Fit.weights`
keeps those weights, so that whoever draws inference needs no second estimation.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.linalg import lapack

from ..base.errors import Refusal
from ..design.design import Design, thin_event_times
from ..panel.disclosure import told_sizes
from .inference import (
    LEVEL,
    MANY,
    SMALL,
    Linear,
    Parts,
    beyond_rounding,
    degrees_of_freedom,
    effective_clusters,
    effective_number,
    satterthwaite,
    small_sample,
    sums_by_code,
    t_interval,
)
from .results import Estimate, result_table
from .two_way import TwoWay, residuals, solve, two_way

FEW = 3  # columns that are kept dense
ALONE, FEW_BEHIND, FEWER = 1.5, 2.5, 0.8  # effective treated clusters behind a part of the estimate: below the first it has no interval;
# below the second, and this part of those behind the average, a note says why its interval is so wide
UNKNOWN = dict.fromkeys(("std_error", "ci_low", "ci_high", "p_value"), np.nan)
TINY = 1e-7  # of a regressor's own length: what is left of it is rounding (normal equations: the root of 1e-14)


@dataclass(frozen=True)
class Cells:
    """A design as arrays: one entry per row of its table. `y` in points (percentage points, or the outcome's own unit)."""

    y: np.ndarray
    weight: np.ndarray
    units: np.ndarray  # codes of unit effects, from 0
    times: np.ndarray  # codes of block x period
    clusters: np.ndarray
    n: float  # dossiers where they are counted, else rows: N of the small-sample factor


@dataclass(frozen=True)
class Fit:
    """A weighted regression after fixed effects. Regressors that these absorb are not in `kept`.

    Each coefficient is a weighted sum of outcomes: `outcome_weights`.
    """

    kept: np.ndarray  # positions of the regressors that were kept
    beta: np.ndarray
    covariance: np.ndarray
    errors: np.ndarray  # residual of each row
    k: int  # of the small-sample factor
    cells: Cells
    fe: TwoWay
    columns: sparse.csr_matrix | np.ndarray  # rows x (regressors and further dummies)
    unit: np.ndarray  # effects of units and periods in each column
    period: np.ndarray
    inverse: np.ndarray  # of the columns' weighted cross product after the effects; 0 where a column is not kept

    @property
    def mix(self) -> np.ndarray:
        """Columns -> coefficients."""
        return self.inverse[:, self.kept]


def usable(design: Design) -> pd.DataFrame:
    """The design's table for estimation: rows with weight. Raises Refusal where a number is not finite."""
    table = design.table
    numbers = table[["y", "weight"]].to_numpy(float)
    if not np.isfinite(numbers).all() or (table["weight"] < 0).any():
        raise Refusal("not_finite", f"{design.study}: an outcome or weight that is no finite number")
    return table[table["weight"] > 0] if (table["weight"] == 0).any() else table


def cells_of(design: Design, table: pd.DataFrame) -> Cells:
    """The arrays of a table. Raises Refusal where all units stand in one cluster."""
    clusters, _ = pd.factorize(table["cluster"])
    if len(clusters) == 0 or clusters.max() == 0:
        raise Refusal("one_cluster", f"{design.study}: all units stand in one cluster: no error can be computed")
    units, _ = pd.factorize(table["effect"])
    return Cells(
        table["y"].to_numpy(float) * points(design), table["weight"].to_numpy(float), units, time_codes(table), clusters,
        observations(table),
    )  # fmt: skip


def points(design: Design) -> float:
    """100 where the outcome is a share: results are in percentage points."""
    return 100.0 if design.scale == "pp" else 1.0


def time_codes(table: pd.DataFrame) -> np.ndarray:
    """Codes of block x period."""
    blocks, _ = pd.factorize(table["block"])
    times, known = pd.factorize(table["time"])
    return pd.factorize(blocks * np.int64(max(len(known), 1)) + times)[0]


def observations(table: pd.DataFrame) -> float:
    """Dossiers where they are counted, else rows."""
    return float(table["denominator"].sum()) if table["denominator"].notna().all() else float(len(table))


def nested(codes: np.ndarray, clusters: np.ndarray) -> bool:
    """Whether each code stands in one cluster."""
    last = np.empty(int(codes.max()) + 1, clusters.dtype)
    last[codes] = clusters
    return bool((last[codes] == clusters).all())


def absorbed(units: np.ndarray, times: np.ndarray, clusters: np.ndarray) -> int:
    """Fixed effects that count as coefficients: those not nested in clusters (units are, where each has one cluster)."""
    count = 0 if nested(units, clusters) else int(units.max())
    return count + (0 if nested(times, clusters) else int(times.max()) + 1)


def indicators(values: np.ndarray, known: np.ndarray) -> sparse.csr_matrix:
    """Dummies: rows x known (sorted, unique), 1 where the row has that value. Rows with another value, or NaN, have none."""
    place = np.clip(np.searchsorted(known, values), 0, max(len(known) - 1, 0))
    rows = np.flatnonzero(known[place] == values) if len(known) else np.zeros(0, int)
    return sparse.csr_matrix((np.ones(len(rows)), (rows, place[rows])), shape=(len(values), len(known)))


def regress(cells: Cells, regressors: np.ndarray | sparse.csr_matrix, further: sparse.csr_matrix | None = None) -> Fit | None:
    """y on regressors (rows x k) after unit and period effects, and after `further` dummies (rows x j) where given.

    None where the fixed effects absorb every regressor. Errors: CRV1, k counts regressors and fixed effects not nested in
    clusters (Cameron & Miller 2015, eq. 12). Columns stay sparse and only their cross products are made dense: dummies of
    event time cost as little as their ones.
    """
    fe, width = two_way(cells.weight, cells.units, cells.times), regressors.shape[1]
    few = further is None and not sparse.issparse(regressors) and width <= FEW  # making sparse matrices of these takes longer
    columns = regressors if few else sparse.csr_matrix(regressors)
    columns = columns if further is None else sparse.hstack([columns, further]).tocsr()
    weighted = columns.T * cells.weight if few else columns.T.multiply(cells.weight).tocsr()
    of_units = sums_by_code(cells.units, len(fe.unit_weight), columns, cells.weight)
    of_times = sums_by_code(cells.times, len(fe.free), columns, cells.weight)
    unit, period = solve(fe, of_units, of_times)
    whole = weighted @ columns if few else (weighted @ columns).toarray()
    gram = whole - of_units.T @ unit - of_times.T @ period
    y = residuals(fe, cells.y[:, None])[:, 0]
    right = weighted @ y
    kept, more, inverse = eliminated(gram, whole.diagonal(), width)
    if len(kept) == 0:
        return None
    c = inverse @ right
    errors = y - (columns @ c - (unit @ c)[cells.units] - (period @ c)[cells.times])
    k = len(kept) + more + absorbed(cells.units, cells.times, cells.clusters)
    scores = cluster_scores(cells, errors, columns, unit, period) @ inverse[:, kept]
    covariance = scores.T @ scores * small_sample(len(scores), cells.n, k)
    return Fit(kept, c[kept], covariance, errors, k, cells, fe, columns, unit, period, inverse)


def eliminated(gram: np.ndarray, length: np.ndarray, width: int) -> tuple[np.ndarray, int, np.ndarray]:
    """(kept regressors, further columns that count, inverse of the cross product with 0 where a column is not kept)."""
    more, inner = independent(gram[width:, width:], length[width:])
    further = width + more
    across = inner @ gram[np.ix_(further, np.arange(width))]
    kept, bread = independent(gram[:width, :width] - gram[np.ix_(np.arange(width), further)] @ across, length[:width])
    inverse, between = np.zeros_like(gram), -across[:, kept] @ bread
    inverse[np.ix_(kept, kept)] = bread
    inverse[np.ix_(further, kept)], inverse[np.ix_(kept, further)] = between, between.T
    inverse[np.ix_(further, further)] = inner - between @ across[:, kept].T
    return kept, len(more), inverse


def cluster_scores(cells: Cells, errors: np.ndarray, columns: sparse.csr_matrix | np.ndarray, unit: np.ndarray,
                   period: np.ndarray) -> np.ndarray:  # fmt: skip
    """Sums over clusters of weighted residuals times columns less their projection: clusters x columns."""
    groups, score = int(cells.clusters.max()) + 1, cells.weight * errors
    if not sparse.issparse(columns) and columns.shape[1] <= FEW:
        return sums_by_code(cells.clusters, groups, columns - unit[cells.units] - period[cells.times], score)
    of_units = sparse.csr_matrix((score, (cells.clusters, cells.units)), shape=(groups, len(unit)))
    of_times = sparse.csr_matrix((score, (cells.clusters, cells.times)), shape=(groups, len(period)))
    return sums_by_code(cells.clusters, groups, columns, score) - of_units @ unit - of_times @ period


def independent(gram: np.ndarray, length: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(positions of columns that are independent after the fixed effects, inverse of their weighted cross product).

    `gram`: the cross product after the fixed effects; `length`: the squared weighted length of each column before them.
    """
    scale = 1 / np.sqrt(np.where(length > 0, length, 1.0))
    scaled = gram * scale[:, None] * scale
    if scaled.size == 0 or scaled.diagonal().max() <= TINY**2:
        return np.zeros(0, int), np.zeros((0, 0))
    _, pivots, rank, _ = lapack.dpstrf(scaled, tol=TINY**2)  # pivoted: of two columns that say the same one is kept
    kept = np.sort(pivots[:rank] - 1)
    return kept, np.linalg.inv(gram[np.ix_(kept, kept)])


def outcome_weights(fit: Fit, shares: np.ndarray) -> np.ndarray:
    """The weight of each row's outcome in a weighted sum of the kept coefficients."""
    c = fit.mix @ shares
    return fit.cells.weight * (fit.columns @ c - (fit.unit @ c)[fit.cells.units] - (fit.period @ c)[fit.cells.times])


def unexplained(fit: Fit, columns: np.ndarray) -> np.ndarray:
    """Columns (rows x columns) less their weighted projection on everything in the regression."""
    fe, cells = fit.fe, fit.cells
    of_units = sums_by_code(cells.units, len(fe.unit_weight), columns, cells.weight)
    of_times = sums_by_code(cells.times, len(fe.free), columns, cells.weight)
    unit, period = solve(fe, of_units, of_times)
    own = fit.columns.T @ (cells.weight[:, None] * columns) - fit.unit.T @ of_units - fit.period.T @ of_times
    c = fit.inverse @ own
    return columns - fit.columns @ c - (unit - fit.unit @ c)[cells.units] - (period - fit.period @ c)[cells.times]


def told(estimate: float, variance: float, dof: float) -> dict:
    """estimate, std_error, ci_low, ci_high, p_value; all but the first NaN where the variance is."""
    std_error = float(np.sqrt(max(variance, 0.0)))
    low, high, p = t_interval(estimate, std_error, dof)
    return {"estimate": float(estimate), "std_error": std_error, "ci_low": low, "ci_high": high, "p_value": p}


def told_by_leverage(estimate: float, variance: float, leverage: np.ndarray, clusters: np.ndarray) -> dict:
    """The same with G - 1 degrees of freedom, or fewer effective clusters. `leverage`: squared weight of each outcome over its
    row's weight, in the rows of `clusters`."""
    return told(estimate, variance, degrees_of_freedom(int(clusters.max()) + 1, effective_clusters(leverage, clusters)))


def regression_dof(fit: Fit, weights: np.ndarray) -> float:
    """Degrees of freedom of an estimate with these outcome weights: `satterthwaite` of the matrix whose entry (h, g) is what a
    shock to cluster g in the estimate's own direction adds to the score of cluster h. With many clusters G - 1."""
    cells, groups = fit.cells, int(fit.cells.clusters.max()) + 1
    if groups > MANY:
        return groups - 1.0
    own = np.bincount(cells.clusters, weights**2 / cells.weight, groups)
    return satterthwaite(np.diag(own) - cluster_effects(fit, weights)[3])


def behind(row: dict, weight: np.ndarray) -> dict:
    """The row of a part of the estimate (a cohort, a period) with the effective number of treated clusters that it rests on in `behind`,
    and without an error where that is one: the cluster's own residuals are 0 then, and the error would be the comparison side's alone.

    `weight`: of the treated rows of the part, per cluster. `behind` is no column of results: `linear_estimate` makes a note of it.
    """
    number = effective_number(weight)
    return {**row, "behind": number, **(UNKNOWN if number < ALONE else {})}


def one_a_side(design: Design) -> bool:
    """Whether one cluster is compared with one other. Its score is 0 then but for what uneven weights leave of it, which is no sign of
    how clusters differ."""
    treated, comparison = design.clusters(True), design.clusters(False)
    return len(treated) == len(comparison) == 1 and treated != comparison


def coefficients(fit: Fit, number: int) -> list[dict | None]:
    """One dict per regressor of `number`, None for one that the fixed effects absorb."""
    found: list[dict | None] = [None] * number
    for j, column in enumerate(fit.kept):
        found[column] = combination(fit, np.eye(len(fit.kept))[j])
    return found


def combination(fit: Fit, shares: np.ndarray) -> dict:
    """A weighted sum of coefficients; `shares`: one entry per kept regressor."""
    weights = outcome_weights(fit, shares)
    variance = beyond_rounding(shares @ fit.covariance @ shares, weights * fit.errors, weights * fit.cells.y)
    return told(float(shares @ fit.beta), variance, regression_dof(fit, weights))


def linear(fit: Fit, shares: np.ndarray) -> Linear:
    """A weighted sum of coefficients as a weighted sum of outcomes; `shares`: one entry per kept regressor.

    Cluster h's part in the error, its own shock less what the regression explains of it, is known by its effects of units,
    periods and columns: sums of it over a cluster's rows are products of these with sums by unit, period and column.
    """
    weights, cells = outcome_weights(fit, shares), fit.cells
    groups, own = int(cells.clusters.max()) + 1, weights / cells.weight
    unit, period, column, explained = cluster_effects(fit, weights)
    whole = weights @ own
    of_step = (np.diag(np.bincount(cells.clusters, weights * own, groups)) - explained) / whole
    units, times, columns = sums_of_clusters(fit, cells.weight * fit.errors)
    fitted = (units @ unit + times @ period).T + column.T @ columns
    of_errors = np.diag(np.bincount(cells.clusters, weights * fit.errors, groups)) - fitted

    def influence() -> np.ndarray:
        unit, period, column, _ = cluster_effects(fit, weights)
        found = -cells.weight[:, None] * (unit[cells.units] + period[cells.times] + fit.columns @ column)
        found[np.arange(len(weights)), cells.clusters] += weights
        return found

    return Linear(cells.y, fit.errors, weights, own / whole, of_errors.sum(axis=1), of_errors, of_step, influence,
                  lambda z: unexplained(fit, z), cells.clusters, small_sample(groups, cells.n, fit.k),
                  lambda: Parts(fit, *cluster_effects(fit, weights)[:3]))  # fmt: skip


def sums_of_clusters(fit: Fit, values: np.ndarray) -> tuple:
    """Sums of values over the rows of each cluster: clusters x units, clusters x periods (sparse where they are large), columns x
    clusters."""
    cells, groups = fit.cells, int(fit.cells.clusters.max()) + 1
    found = []
    for codes, number in ((cells.units, len(fit.fe.unit_weight)), (cells.times, len(fit.fe.free))):
        if number * groups <= SMALL:  # making a sparse matrix takes longer than the sums
            found.append(np.bincount(cells.clusters * number + codes, values, groups * number).reshape(groups, number))
        else:
            found.append(sparse.csr_matrix((values, (cells.clusters, codes)), shape=(groups, number)))
    return found[0], found[1], sums_by_code(cells.clusters, groups, fit.columns, values).T


def cluster_effects(fit: Fit, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(effects of units, of periods, of columns: each x clusters; clusters x clusters of what they explain) of a shock to each
    cluster's rows in the direction of `weights`."""
    units, times, columns = sums_of_clusters(fit, weights)
    of_units, of_times = (found.toarray().T if sparse.issparse(found) else found.T for found in (units, times))
    unit, period = solve(fit.fe, of_units, of_times)
    of_columns = columns - fit.unit.T @ of_units - fit.period.T @ of_times
    column = fit.inverse @ of_columns
    explained = units @ unit + times @ period + of_columns.T @ column
    return unit - fit.unit @ column, period - fit.period @ column, column, explained


def rows_only(cells: Cells, keep: np.ndarray) -> Cells:
    """The same cells without some rows; codes are made anew."""
    return replace(cells, y=cells.y[keep], weight=cells.weight[keep], units=recode(cells.units[keep]),
                   times=recode(cells.times[keep]), clusters=cells.clusters[keep])  # fmt: skip


def recode(codes: np.ndarray) -> np.ndarray:
    return np.unique(codes, return_inverse=True)[1]


# --- results -------------------------------------------------------------------------------------------------------
def linear_estimate(design: Design, table: pd.DataFrame, cells: Cells, name: str, rows: list[dict], notes: tuple = ()) -> Estimate:
    """Rows of a linear method with what they share: clustered unless a row says otherwise, sizes, scale. No errors with one cluster a
    side."""
    common = dict(
        study=design.study, outcome=design.outcome, estimator=name, inference="cluster", level=LEVEL,
        n_units=table["unit"].nunique(), n_clusters=int(cells.clusters.max()) + 1,
        n_treated_clusters=len(design.clusters(treated=True)), scale=design.scale, simulated=design.origin.simulated,
    )  # fmt: skip
    if one_a_side(design):
        rows = [{**row, **UNKNOWN} for row in rows]
    rows = [{"inference": "none", **row} if np.isnan(row.get("std_error", 0.0)) else row for row in rows]
    span, counted = (table["period"].min(), table["period"].max()), bool(table["denominator"].notna().all())
    thin = thin_event_times(design)
    treated = table[table["treated"]].groupby("cluster", observed=True)["weight"].sum().to_numpy()
    whole = effective_number(treated)
    few = any(b < ALONE or b < min(FEW_BEHIND, FEWER * whole) for b in (row["behind"] for row in rows if "behind" in row))
    notes = (*notes, *(("few_behind_parts",) if few else ()))
    return Estimate(result_table(rows, **common), design.origin, design.frequency, thin, span, counted, notes)


def event_table(design: Design, table: pd.DataFrame, reference: int, found: dict[int, dict | None]) -> list[dict]:
    """Event rows in order of time with the treated observations of each, where these are no dossiers."""
    counts = table.assign(n=table["denominator"].fillna(1.0)).groupby("event_time")["n"].sum()
    counts = told_sizes(counts, bool(table["denominator"].notna().all()))
    rows = [{"term": "event", "event_time": reference, "estimate": 0.0, "inference": "none", "n_obs": counts[reference]}]
    rows += [{"term": "event", "event_time": k, **row, "n_obs": counts[k]} for k, row in with_few(design, table, found).items() if row]
    return sorted(rows, key=lambda row: row["event_time"])


def with_few(design: Design, table: pd.DataFrame, found: dict[int, dict | None]) -> dict[int, dict | None]:
    """Rows by event time with how many clusters are behind each; unchanged where the average, too, rests on one treated cluster."""
    if len(design.clusters(treated=True)) < 2:
        return found
    own = table.groupby(["event_time", "cluster"], observed=True)["weight"].sum()
    return {k: row and behind(row, own[k].to_numpy()) for k, row in found.items()}
