"""What cannot be identified is bounded: unknown adopters among the comparison units, anticipation, spill-over, missing outcomes.

Rows `bound`. They are no intervals of chance: `contamination` and `lost` give the lowest and highest estimate that is possible, the
others the estimate under a stated supposition, with that estimate's own interval.
"""

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module

import numpy as np
import pandas as pd

from ..base.errors import Refusal
from ..design.design import Design, of_names, with_codes
from ..design.variants import with_periods
from ..estimation.estimate import estimate
from ..estimation.results import Estimate, result_table

# periods before the start in which people may have waited for it
AHEAD = {"D": (7, 28, 91), "W": (1, 4, 13), "M": (1, 2, 3), "Q": (1, 2), "Y": (1,)}
SPILL = (-0.25, 0.25, 0.5)  # parts of the effect that comparison dossiers may have had too (below 0: lost to the treated)


def effect_bounds(design: Design, estimator: str) -> Estimate:
    """What the effect would be if what cannot be known were otherwise: unknown adopters among the comparison units, people who waited for
    the policy, spill-over, outcomes that are missing. `estimator`: the name of a file in estimators/.

    Returns an Estimate of `bound` rows, empty where the design asks for none. Raises Refusal where the method itself refuses, InputError
    for an unknown method.
    """
    main = estimate(design, estimator)
    rows = contamination(design, estimator) + anticipation(design, estimator) + spillover(design, main) + lost(design, estimator)
    common = dict(study=design.study, outcome=design.outcome, estimator=estimator, term="bound", scale=design.scale,
                  simulated=design.origin.simulated)  # fmt: skip
    return Estimate(result_table(rows, **common), design.origin, design.frequency)


def contamination(design: Design, estimator: str) -> list[dict]:
    """One row per number of comparison units that may have been treated too: what the estimate would be at least and at most
    had just those been left out whose own change is lowest, or highest."""
    if not design.contaminated or design.table["treated_from"].nunique() != 1:
        return []
    start = float(design.table["treated_from"].dropna().iloc[0])
    pool = design.table[design.table["treated_from"].isna()]
    after = pool["time"] >= start
    change = pool[after].groupby("unit")["y"].mean() - pool[~after].groupby("unit")["y"].mean()
    order = change.dropna().sort_values(kind="stable").index.tolist()
    point = overall(design, estimator)["estimate"]
    rows = []
    for k in range(min(design.contaminated, len(order) - 2) + 1):
        found = [point, *(without_units(design, estimator, chosen) for chosen in (order[:k], order[len(order) - k :]) if k)]
        rows.append({"group": "contamination", "parameter": str(k), "estimate": point, "ci_low": min(found), "ci_high": max(found),
                     "inference": "none", "n_units": design.table["unit"].nunique() - k})  # fmt: skip
    return rows


def without_units(design: Design, estimator: str, units: list[str]) -> float:
    return overall(with_periods(design, ~design.table["unit"].isin(units)), estimator)["estimate"]


def overall(design: Design, estimator: str) -> pd.Series:
    return estimate(replace(design, path=False), estimator).overall()


def anticipation(design: Design, estimator: str) -> list[dict]:
    """The estimate without the last periods before the start, in which people may have waited for lower fees: one row per
    number of periods, and one from the day on which the policy was passed."""
    event = design.table["time"] - design.start.ordinal
    windows: dict[str, Callable[[], pd.Series]] = {
        str(k): (lambda k=k: (event >= 0) | (event < -k)) for k in AHEAD[design.frequency]
    }  # fmt: skip
    if design.signed is not None and design.signed < design.start.ordinal:
        windows["signed"] = lambda: (event >= 0) | (design.table["time"] < design.signed)
    rows = []
    if design.table["treated_from"].nunique() != 1:
        return rows
    for name, keep in windows.items():
        try:
            found = overall(with_periods(design, keep()), estimator)
        except Refusal:
            continue
        rows.append({"group": "anticipation", "parameter": name, **numbers(found)})
    return rows


def spillover(design: Design, main: Estimate) -> list[dict]:
    """Where treated and comparison dossiers meet at one counter (cluster): the effect if the comparison dossiers had a part
    of it too. estimate / (1 - part)."""
    shared = set(design.clusters(True)) & set(design.clusters(False))
    found = main.overall()
    if not shared or found["term"] != "overall":
        return []
    return [{"group": "spillover", "parameter": f"{part:g}", **numbers(found, 1 / (1 - part))} for part in SPILL]


def lost(design: Design, estimator: str) -> list[dict]:
    """The lowest and the highest estimate that the missing outcomes could make: each the lowest or the highest possible (of a share 0 and
    1, of a level those that the data hold), whichever moves the estimate more (Horowitz & Manski 2000; in a weighted sum of outcomes the
    sign of its weight decides, which no outcome moves; else the side and time it stands in)."""
    if design.lost.empty:
        return []
    try:
        point, (whole, up) = overall(design, estimator)["estimate"], filled(design, estimator)
        least, most = (0.0, 1.0) if design.scale == "pp" else (design.table["y"].min(), design.table["y"].max())
        found = [point]
        for high in (up, ~up):
            y = whole.table["y"].where(whole.table["y"].notna(), np.where(high, most, least))
            found.append(
                overall(replace(whole, table=whole.table.assign(y=y, numerator=y * whole.table["denominator"])), estimator)["estimate"]
            )
    except Refusal:
        return []
    return [{"group": "lost", "parameter": str(len(design.lost)), "estimate": point, "ci_low": min(found), "ci_high": max(found),
             "inference": "none"}]  # fmt: skip


def filled(design: Design, estimator: str) -> tuple[Design, np.ndarray]:
    """(the design with the rows whose outcome is missing, still missing; per row whether a higher outcome raises the estimate)."""
    own = design.table.groupby("unit", observed=True)[["weight", "denominator"]].mean()
    rows = design.lost.assign(**{name: design.lost[name].where(design.lost[name] > 0, of_names(design.lost["unit"], own[name]))
                                 for name in own})  # fmt: skip
    table = with_codes(pd.concat([design.table, rows]).sort_values(["unit", "time"], ignore_index=True))
    whole = replace(design, table=table, lost=pd.DataFrame(), path=False)
    module = import_module(f"hgdx_eval.estimators.{estimator}")
    if hasattr(module, "linears"):
        middle = table.assign(y=table["y"].fillna(design.table["y"].mean()))
        return whole, module.linears(replace(whole, table=middle))[None].weights > 0
    touched, late = table["treated_from"].notna(), table["time"] >= table["treated_from"].fillna(table["treated_from"].min())
    return whole, (touched == late).to_numpy()


def numbers(found: pd.Series, factor: float = 1.0) -> dict:
    """Estimate and interval of a row, times a factor."""
    columns = ["estimate", "std_error", "ci_low", "ci_high"]
    scaled = {name: found[name] * factor if np.isfinite(found[name]) else np.nan for name in columns}
    return {**scaled, **{name: found[name] for name in ("p_value", "inference", "level", "n_obs", "n_units", "n_clusters",
                                                        "n_treated_clusters")}}  # fmt: skip
