"""For whom, at what dose, and what is left when it ends: effects by group, by dose, and after a treatment was switched off.

Group effects come from one regression in which being treated has a coefficient for each group. They are told twice: as they
are (`raw`), and drawn towards their mean as far as their errors say that they differ by chance (`pooled`; Morris 1983,
equations 4.1-4.2, spread by Paule & Mandel 1982).
"""

import numpy as np
import pandas as pd
from scipy import optimize, stats

from ..base.errors import Refusal
from ..base.memo import remembered
from ..base.periods import written
from ..design.design import Design, of_names, traits_of
from ..panel.disclosure import hidden_beside_total
from ..study.vocabulary import REGRESSION
from .fixed_effects import Cells, Fit, cells_of, coefficients, linear, linear_estimate, outcome_weights, regress, usable
from .inference import LEVEL, Linear, few_parts, t_interval
from .results import Estimate

BANDS = 3  # of a number with more than SEVERAL values
SEVERAL = 6
MOST = 40  # groups of one kind, at most


# --- groups --------------------------------------------------------------------------------------------------------
def effects_by_group(design: Design) -> Estimate | None:
    """Effects for the values of every trait that the study names (`by`): rows `group`, one raw and, of four groups or more, one partially
    pooled, and a row `heterogeneity` per trait (estimate: standard deviation of the true effects; p of Cochran's Q).

    `group` is trait=value. A group whose treated units stand in fewer than 5 clusters has its errors clustered by blocks, if there are
    enough, else none.
    Returns an Estimate; None where the study names no trait. Raises Refusal as two-way fixed effects do.
    """
    traits = traits_of(design)
    return remembered(lambda: rows_by_group(design, traits), "groups", design) if traits else None


def rows_by_group(design: Design, traits: dict[str, pd.Series]) -> Estimate:
    table = usable(design)
    cells = cells_of(design, table)
    rows = []
    for trait, own in traits.items():
        values = of_names(table["unit"], labels(own, table))
        rows += trait_rows(design, table, cells, trait, values)
    return linear_estimate(design, table, cells, REGRESSION, rows)


def labels(values: pd.Series, table: pd.DataFrame) -> pd.Series:
    """Text of each unit's value; numbers of many values in bands of about as many treated dossiers; "" = in no group."""
    if not pd.api.types.is_numeric_dtype(values):
        return values.fillna("").astype(str)
    treated = table[table["treated"]]
    weight = treated.groupby("unit")["weight"].sum()
    known = values[values > 0].reindex(weight.index).dropna().sort_values()
    if known.nunique() <= SEVERAL:
        return values.map(lambda value: f"{value:g}" if value > 0 else "")
    part = weight.reindex(known.index).cumsum() / weight.reindex(known.index).sum()
    cuts = sorted({float(known[part >= k / BANDS].iloc[0]) for k in range(1, BANDS)} | {float(known.max())})
    lows = [float(known.min()), *(float(known[known > cut].min()) for cut in cuts[:-1])]
    names = [f"{low:.0f}..{high:.0f}" if low < high else f"{low:.0f}" for low, high in zip(lows, cuts, strict=True)]
    return values.map(lambda value: names[int(np.searchsorted(cuts, value))] if 0 < value <= cuts[-1] else "")


def trait_rows(design: Design, table: pd.DataFrame, cells: Cells, trait: str, values: pd.Series) -> list[dict]:
    found, known, dummies, counts = group_regression(design, table, cells, values)
    told = group_sizes(design, table, "size", trait, counts)
    rows = []
    for place, j in enumerate(found.kept[found.kept < len(known)] if found else []):
        rows.append({"term": "group", "group": f"{trait}={known[j]}", "parameter": "raw", "n_obs": told[known[j]],
                     **own_error(found, place, dummies[:, j] > 0, table)})  # fmt: skip
    return rows + pooled_rows(rows, trait)


def group_sizes(design: Design, table: pd.DataFrame, family: str, trait: str, counts: pd.Series) -> pd.Series:
    """Treated dossiers (or rows) by value as they may be told: as the run does, outside one without what would tell of few."""
    if not table["denominator"].notna().all():
        return counts
    if design.release is not None:
        return pd.Series([design.release.one(family, "received", f"{trait}={value}") for value in counts.index], counts.index)
    return counts.where(~hidden_beside_total(counts.to_numpy(dtype=float, na_value=0.0)[:, None], design.min_count))


def group_regression(
    design: Design, table: pd.DataFrame, cells: Cells, values: pd.Series
) -> tuple[Fit | None, list, np.ndarray, pd.Series]:
    """(regression in which being treated has a coefficient for each value, the values, their dummies, treated dossiers by value);
    without a regression where fewer than two values can be told."""
    treated = table["treated"].to_numpy()
    counts = table["denominator"].fillna(1.0).where(table["treated"], 0.0).groupby(values).sum()
    known = [value for value in sorted(counts.index) if value and counts[value] >= design.min_count][:MOST]
    dummies = np.column_stack([(treated & (values == value).to_numpy()) for value in known] or [treated]).astype(float)
    if len(known) < 2:
        return None, known, dummies, counts
    rest = treated & ~dummies.any(axis=1)
    found = regress(cells, np.column_stack([dummies, rest.astype(float)]) if rest.any() else dummies)
    return found, known, dummies, counts


def group_linears(design: Design) -> dict[str, Linear]:
    """Group effects as weighted sums of outcomes, by trait=value; and the contrast of the two of a trait that has two
    (trait: second less first). A group whose treated rows stand in one cluster is left out: its own shock is all there is, and whether
    draws of signs tie with it is decided by rounding."""
    table = usable(design)
    cells, parts = cells_of(design, table), {}
    for trait, of_units in traits_of(design).items():
        values = of_names(table["unit"], labels(of_units, table))
        found, known, dummies, _ = group_regression(design, table, cells, values)
        if found is None:
            continue
        own = np.eye(len(found.kept))
        held = [len(np.unique(cells.clusters[column > 0])) for column in dummies.T]
        kept = [place for place, j in enumerate(found.kept) if j < len(known) and held[j] > 1]
        parts |= {f"{trait}={known[found.kept[place]]}": linear(found, own[place]) for place in kept}
        if len(kept) == 2:
            parts[f"{trait}: {known[found.kept[kept[1]]]} - {known[found.kept[kept[0]]]}"] = linear(found, own[kept[1]] - own[kept[0]])
    return parts


def own_error(found: Fit, place: int, inside: np.ndarray, table: pd.DataFrame) -> dict:
    """A group's coefficient with the error of the finest honest clustering: clusters, else blocks, else none."""
    estimate = float(found.beta[place])
    for column in ("cluster", "block"):
        if few_parts(table["weight"][inside].groupby(table[column][inside], observed=True).sum()):
            continue
        codes, _ = pd.factorize(table[column])
        by_cluster = np.bincount(codes, outcome_weights(found, np.eye(len(found.kept))[place]) * found.errors)
        groups = int(table.loc[inside, column].nunique())
        variance = by_cluster @ by_cluster * groups / (groups - 1) * (found.cells.n - 1) / (found.cells.n - found.k)
        std_error = float(np.sqrt(variance))
        low, high, p = t_interval(estimate, std_error, groups - 1)
        return {"estimate": estimate, "std_error": std_error, "ci_low": low, "ci_high": high, "p_value": p,
                "n_clusters": groups, "n_treated_clusters": groups}  # fmt: skip
    return {"estimate": estimate, "inference": "none"}


def pooled_rows(rows: list[dict], trait: str) -> list[dict]:
    """The groups with an error, drawn towards their mean; nothing with fewer than four of them."""
    known = [row for row in rows if row.get("std_error", 0) > 0]
    if len(known) < 4:
        return []
    y = np.array([row["estimate"] for row in known])
    variance = np.array([row["std_error"] for row in known]) ** 2
    spread, mean = between(y, variance)
    k, reach = len(y), stats.norm.ppf(0.5 + LEVEL / 2)
    shrink = (k - 3) / (k - 1) * variance / (variance + spread)
    pooled = (1 - shrink) * y + shrink * mean
    scale = (variance.mean() + spread) / (variance + spread)
    error = np.sqrt(variance * (1 - (k - 1) / k * shrink) + 2 / (k - 3) * shrink**2 * (y - mean) ** 2 * scale)
    q = float(((y - (y / variance).sum() / (1 / variance).sum()) ** 2 / variance).sum())
    told = [{**row, "parameter": "pooled", "estimate": float(e), "std_error": float(s), "ci_low": float(e - reach * s),
             "ci_high": float(e + reach * s), "p_value": np.nan, "inference": "model"}
            for row, e, s in zip(known, pooled, error, strict=True)]  # fmt: skip
    return [*told, {"term": "group", "group": trait, "parameter": "heterogeneity", "estimate": float(np.sqrt(spread)),
                    "p_value": float(stats.chi2.sf(q, k - 1)), "inference": "model"}]  # fmt: skip


def between(y: np.ndarray, variance: np.ndarray) -> tuple[float, float]:
    """(variance of the true effects, their mean): the spread at which the weighted squares equal their expectation."""

    def excess(spread: float) -> float:
        weight = 1 / (variance + spread)
        mean = (weight * y).sum() / weight.sum()
        return float((weight * (y - mean) ** 2).sum() - (len(y) - 1))

    spread = 0.0
    if excess(0.0) > 0:
        high = float(np.var(y)) + float(variance.max())
        while excess(high) > 0:
            high *= 2
        spread = float(optimize.brentq(excess, 0.0, high))
    weight = 1 / (variance + spread)
    return spread, float((weight * y).sum() / weight.sum())


# --- dose ----------------------------------------------------------------------------------------------------------
def dose_response(design: Design) -> Estimate | None:
    """Effects by dose: a row `dose` for each level (`group` = the dose or band, `parameter` = its mean dose, in per cent of the cut or VND
    saved), and `slope`, what one step more (10 points, or 10,000 VND; `group` = the step) goes with among the treated.

    Levels are effects under the same assumption as the main estimate. The slope compares groups that chose or were given other doses: it is
    an effect of dose only if their effects would have been alike at equal dose (Callaway, Goodman-Bacon & Sant'Anna 2024).
    Returns an Estimate; None where the study names no dose. Raises Refusal where no treated observation has a dose above 0; one dose alone
    is no refusal, it only has no slope.
    """
    table = usable(design)
    dose = table["dose"].where(table["treated"])
    if table["dose"].isna().all():
        return None
    if not (dose > 0).any():
        raise Refusal("no_dose", f"{design.study}: no treated observation has a dose above 0")
    cells = cells_of(design, table)
    mean = table[table["treated"]].groupby("unit")["dose"].mean()
    values = of_names(table["unit"], labels(mean.reindex(table["unit"].unique()), table)).where(table["treated"], "")
    known = sorted({value for value in values if value}, key=lambda value: float(value.split("..")[0]))
    dummies = np.column_stack([(values == value).to_numpy() for value in known]).astype(float)
    rest = table["treated"].to_numpy() & ~dummies.any(axis=1)
    found = regress(cells, np.column_stack([dummies, rest.astype(float)]))
    counts = table["denominator"].fillna(1.0).where(table["treated"], 0.0).groupby(values).sum()
    sizes = group_sizes(design, table, "dose", "dose", counts)
    rows = []
    for value, column, row in zip(known, dummies.T, coefficients(found, len(known) + 1) if found else [], strict=False):
        if row:
            inside = column > 0
            rows.append({"term": "dose", "group": value, "parameter": f"{np.average(dose[inside], weights=cells.weight[inside]):g}",
                         **row, "n_obs": sizes[value]})  # fmt: skip
    return linear_estimate(design, table, cells, REGRESSION, rows + slope_row(table, cells, dose))


def slope_row(table: pd.DataFrame, cells: Cells, dose: pd.Series) -> list[dict]:
    inside = (table["treated"] & (dose > 0)).to_numpy()
    step = 10.0 if dose.max() <= 100 else 10_000.0
    centred = np.where(inside, (dose.fillna(0) - np.average(dose[inside], weights=cells.weight[inside])) / step, 0.0)
    found = regress(cells, np.column_stack([inside, table["treated"].to_numpy() & ~inside, centred]).astype(float))
    row = coefficients(found, 3)[2] if found else None
    return [{"term": "dose", "group": f"{step:g}", "parameter": "slope", **row}] if row else []


# --- reversal ------------------------------------------------------------------------------------------------------
def reversal(design: Design) -> Estimate | None:
    """What was left of the effect after the policy was switched off again.

    Returns an Estimate of two rows `group` named reversal: `on`, the effect while the policy was on, and `off`, what was left of it (0: it
    all went); None where no unit's treatment ended, or where neither can be estimated. Raises Refusal where all units stand in one cluster.
    """
    if design.ended.empty:
        return None
    ended = set(design.ended["unit"])
    units = design.table["unit"].isin(ended) | design.table["treated_from"].isna()
    table = pd.concat([design.table[units], design.ended], ignore_index=True).sort_values(["unit", "time"], ignore_index=True)
    off = pd.MultiIndex.from_frame(table[["unit", "time"]]).isin(pd.MultiIndex.from_frame(design.ended[["unit", "time"]]))
    cells = cells_of(design, table)
    on = table["treated"].to_numpy() & ~off
    found = regress(cells, np.column_stack([on, off]).astype(float))
    rows = [{"term": "group", "group": "reversal", "parameter": name, "period": span(table, mask), **row}
            for name, mask, row in zip(("on", "off"), (on, off), coefficients(found, 2) if found else [], strict=False) if row]  # fmt: skip
    return linear_estimate(design, table, cells, REGRESSION, rows) if rows else None


def span(table: pd.DataFrame, mask: np.ndarray) -> str:
    periods = table.loc[mask, "period"]
    return f"{written(periods.min())}..{written(periods.max())}"
