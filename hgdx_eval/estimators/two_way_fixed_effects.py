"""Weighted two-way fixed effects: unit effects, and period effects common to all or separate inside each block.

`overall` is the coefficient of being treated (Cameron & Miller 2015 for its clustered error); `event` the path by event
time against the period before, t(G-1) or the effective number of clusters. Units are profiled out and the period
effects solved exactly, so cells of counts give the same numbers as one row a dossier (Wooldridge 2021 on the method).
"""

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.linalg import qr
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu

from ..designs import Design, thin_event_times
from ..errors import Refusal
from ..inference import LEVEL, cluster_covariance, degrees_of_freedom, effective_clusters, t_interval
from ..results import Estimate, result_table

TINY = 1e-9  # of a regressor's own length: what is left of it is rounding


def fit(design: Design) -> Estimate:
    """Raises Refusal: one cluster, or treatment that the fixed effects absorb."""
    table = design.table
    clusters, _ = pd.factorize(table["cluster"])
    if clusters.max() == 0:
        raise Refusal("one_cluster", f"{design.study}: all units stand in one cluster: no error can be computed")
    points = 100.0 if design.scale == "pp" else 1.0
    y = table["y"].to_numpy() * points
    overall = regress(design, y, table["treated"].to_numpy(float)[:, None], clusters)
    if overall is None:
        raise Refusal("collinear", f"{design.study}: treatment does not vary inside the fixed effects")
    rows = [{"term": "overall", **overall[0], "n_obs": observations(table)}]
    if design.path:
        rows += event_rows(design, y, clusters) + apart_rows(design, y, clusters)
    common = dict(
        study=design.study, outcome=design.outcome, estimator="two_way_fixed_effects", inference="cluster", level=LEVEL,
        n_units=table["unit"].nunique(), n_clusters=int(clusters.max()) + 1,
        n_treated_clusters=len(design.clusters(treated=True)), scale=design.scale, simulated=design.origin.simulated,
    )  # fmt: skip
    span, counted = (table["period"].min(), table["period"].max()), bool(table["received"].notna().all())
    return Estimate(result_table(rows, **common), design.origin, design.frequency, thin_event_times(design), span, counted)


def observations(table: pd.DataFrame) -> float:
    """Dossiers where they are counted, else rows: N of the small-sample factor."""
    return float(table["received"].sum()) if table["received"].notna().all() else float(len(table))


def regress(design: Design, y: np.ndarray, regressors: np.ndarray, clusters: np.ndarray) -> list[dict | None] | None:
    """One dict (estimate, error, interval) per regressor, None for one that the fixed effects absorb."""
    table = design.table
    weight = table["weight"].to_numpy(float)
    units, _ = pd.factorize(table["unit"])
    times, _ = pd.factorize(pd.MultiIndex.from_frame(table[["block", "time"]]))
    columns = residuals(np.column_stack([y, regressors]), weight, units, times)
    y, x = columns[:, 0], columns[:, 1:]
    length = np.sqrt(weight @ regressors**2)
    root = np.sqrt(weight)[:, None]
    _, upper, pivots = qr(root * x, mode="economic", pivoting=True)
    rank = int((np.abs(np.diag(upper)) > TINY * length[pivots].clip(min=TINY)).sum())
    if rank == 0:
        return None
    kept = np.sort(pivots[:rank])
    x = x[:, kept]
    bread = np.linalg.inv(x.T @ (weight[:, None] * x))
    beta = bread @ (x.T @ (weight * y))
    errors = y - x @ beta
    k = rank + absorbed(units, times, clusters)
    covariance = cluster_covariance(weight[:, None] * x * errors[:, None], clusters, bread, observations(table), k)
    influence = (weight[:, None] * x) @ bread
    results: list[dict | None] = [None] * regressors.shape[1]
    for j, column in enumerate(kept):
        std_error = float(np.sqrt(max(covariance[j, j], 0.0)))
        effective = effective_clusters(influence[:, j] ** 2 / weight, clusters)
        low, high, p = t_interval(beta[j], std_error, degrees_of_freedom(int(clusters.max()) + 1, effective))
        results[column] = {"estimate": float(beta[j]), "std_error": std_error, "ci_low": low, "ci_high": high, "p_value": p}
    return results


def residuals(columns: np.ndarray, weight: np.ndarray, units: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Columns less their weighted projection on unit and period dummies, by the normal equations of the periods."""
    n_units, n_times = int(units.max()) + 1, int(times.max()) + 1
    by_unit = sparse.csr_matrix((weight, (units, np.arange(len(units)))), shape=(n_units, len(units)))
    by_time = sparse.csr_matrix((weight, (times, np.arange(len(times)))), shape=(n_times, len(times)))
    cross = sparse.csr_matrix((weight, (times, units)), shape=(n_times, n_units))
    unit_weight = np.bincount(units, weight, n_units)
    scaled = cross @ sparse.diags(1 / unit_weight)
    schur = (sparse.diags(np.bincount(times, weight, n_times)) - scaled @ cross.T).tocsc()
    right = by_time @ columns - scaled @ (by_unit @ columns)
    _, labels = connected_components(cross @ cross.T, directed=False)
    free = np.ones(n_times, bool)
    free[np.unique(labels, return_index=True)[1]] = False  # one period effect of each component is set to 0
    effects = np.zeros((n_times, columns.shape[1]))
    if free.any():
        effects[free] = splu(schur[free][:, free].tocsc()).solve(right[free])
    left = columns - effects[times]
    return left - ((by_unit @ left) / unit_weight[:, None])[units]


def absorbed(units: np.ndarray, times: np.ndarray, clusters: np.ndarray) -> int:
    """Fixed effects that count as coefficients: those not nested in clusters (units are, where each has one cluster)."""

    def nested(codes: np.ndarray) -> bool:
        return len(np.unique(np.stack([codes, clusters]), axis=1).T) == len(np.unique(codes))

    count = 0 if nested(units) else int(units.max())
    return count + (0 if nested(times) else int(times.max()) + 1)


def event_rows(design: Design, y: np.ndarray, clusters: np.ndarray) -> list[dict]:
    """One row per event time, the period before the start being 0 by definition."""
    table = design.table
    event = table["event_time"]
    known = np.sort(event.dropna().unique().astype(int))
    earlier = known[known < 0]
    if len(earlier) == 0:
        return []
    reference = earlier.max()
    others = known[known != reference]
    dummies = (event.to_numpy()[:, None] == others[None, :]).astype(float)
    found = regress(design, y, dummies, clusters) or [None] * len(others)
    counts = table.assign(n=table["received"].fillna(1.0)).groupby("event_time")["n"].sum()
    if table["received"].notna().all():
        counts = counts.where(counts >= design.min_count)
    rows = [{"term": "event", "event_time": reference, "estimate": 0.0, "inference": "none", "n_obs": counts[reference]}]
    rows += [{"term": "event", "event_time": k, **row, "n_obs": counts[k]}
             for k, row in zip(others, found, strict=True) if row]  # fmt: skip
    return sorted(rows, key=lambda row: row["event_time"])


def apart_rows(design: Design, y: np.ndarray, clusters: np.ndarray) -> list[dict]:
    """The effect in the periods that the study shows apart, and in the later ones, against all periods before."""
    if not design.apart:
        return []
    table = design.table
    treated, time = table["treated"].to_numpy(), table["time"].to_numpy()
    first = np.isin(time, [period.ordinal for period in design.apart]) & treated
    later = treated & ~first
    if not first.any() or not later.any():
        return []
    found = regress(design, y, np.column_stack([first, later]).astype(float), clusters)
    names = [" ".join(str(period) for period in design.apart), f"{table.loc[later, 'period'].min()}.."]
    counts = table["received"].fillna(1.0)
    return [{"term": "group", "group": "apart", "period": name, **row, "n_obs": float(counts[mask].sum())}
            for name, row, mask in zip(names, found or [None, None], (first, later), strict=True) if row]  # fmt: skip
