"""What a sceptic would have done otherwise: the main regression under every combination of defensible choices.

A specification curve (Simonsohn, Simmons & Nelson 2020, Nature Human Behaviour 4, 1208-1214) of two-way fixed effects: which
window, weights, comparison group, period effects, units, scale, date and cluster left out. Rows `specification`, group `curve`.
And Holm's (1979) correction for several groups or outcomes told at once.
"""

import hashlib
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..base.errors import Refusal
from ..base.memo import remembered
from ..base.periods import PER_YEAR
from ..design.design import Design
from ..estimation.fixed_effects import Cells, cluster_scores, coefficients, points, regress, usable
from ..estimation.inference import LEVEL
from ..estimation.results import Estimate, result_table
from ..estimators import grouped_logit
from ..panel.disclosure import told_whole
from ..study.vocabulary import REGRESSION

CURVE = "curve"  # the `group` of the rows
OWN, ONE, CROSSED = "as_studied", "one_change", "crossed"  # their `cohort`: how far a row is from the study
DIMENSIONS = ("window", "weights", "comparison", "periods", "units", "scale", "date", "left_out")
MOST = 400  # specifications of one curve
EXACT = 60  # clusters up to this number are each left out in turn; of more, only the most influential
TRANSITION = {"D": 28, "W": 4, "M": 2, "Q": 2, "Y": 2}  # periods on either side of the start that a window leaves out
SHIFT = {"D": 7, "W": 1, "M": 1, "Q": 1, "Y": 1}  # periods by which another date differs: of days a week, so that weekdays stay
SHIFTS = {"one_later": 1, "one_earlier": -1}  # in steps of SHIFT
ESCAPES = {"%": "%25", ";": "%3B", "=": "%3D"}

Choices = dict[str, str]  # dimension -> choice; a dimension that is not named is as in the study


@dataclass(frozen=True)
class Arrays:
    """A design's table coded once: one entry per row. `y` in points; codes from 0; `since` NaN = never treated."""

    design: Design
    y: np.ndarray
    weight: np.ndarray
    mean_weight: np.ndarray  # the unit's mean weight over the whole table
    counts: np.ndarray  # what n_obs adds up: dossiers where they are counted, else 1
    numerator: np.ndarray  # NaN where dossiers are not counted
    unit: np.ndarray
    effect: np.ndarray  # whose fixed effect a row has
    time: np.ndarray  # period from 0
    block_time: np.ndarray  # block x period
    cluster: np.ndarray
    since: np.ndarray  # period from 0 of the first treated one
    start: int  # of the study's policy
    group: np.ndarray  # text
    clusters: np.ndarray  # names by code
    counted: bool


@dataclass(frozen=True)
class Specified:
    """One specification's data: which rows, with which weights, period codes and treatment, by which estimator."""

    rows: np.ndarray  # positions
    weight: np.ndarray  # of the rows
    times: np.ndarray
    since: np.ndarray
    treated: np.ndarray
    logit: bool


@dataclass(frozen=True)
class CurveSummary:
    """What a curve says. `lowest` to `own` in the curve's scale; `explained`: dimension and the part of the estimates'
    variance (0-1) that is lost when its dummies are left out of a regression on all choices, largest first."""

    number: int  # estimated
    refused: int
    same: int  # with the sign of the study's own
    clear: int  # interval without 0, on whichever side
    lowest: float
    median: float
    highest: float
    own: float
    explained: tuple[tuple[str, float], ...]

    @property
    def driver(self) -> str:
        """The dimension that explains most of the spread, "" where none does."""
        return self.explained[0][0] if self.explained and self.explained[0][1] > 0 else ""


# --- the curve -----------------------------------------------------------------------------------------------------
def specification_curve(design: Design, most: int = MOST) -> Estimate:
    """Rows `specification`, group `curve`: the main regression under combinations of choices.

    `parameter`: the choices. The first row is the study's own and names all of them ("window=all;weights=dossiers;..."); each
    other row only what it takes otherwise ("window=first_year;weights=equal"). `cohort`: as_studied, one_change, crossed.
    At most `most` rows, by this rule: the study's own; every single change; then the other combinations in an order drawn by
    the study's seed until the number is reached. Two specifications on the same rows, weights, period effects, treatment and
    scale are one (log odds know no weights). A choice that is refused by itself is told once and crossed with nothing.
    Choices act in this order: date, comparison group, cluster left out, window (about the shifted date), complete units (in
    the periods left); mean weights are those over the whole table. Raises Refusal where the study's own is refused.
    """
    return remembered(lambda: curve_of(design, most), "specification_curve", most, design)


def curve_of(design: Design, most: int) -> Estimate:
    arrays = coded(design)
    own = estimated(specified(arrays, {}), arrays)
    choices = options(arrays)
    default = {name: found[0] for name, found in choices.items()}
    rows = [{"cohort": OWN, "parameter": text_of(default), **own}]
    seen, open_choices = {fingerprint(specified(arrays, {}))}, {name: [found[0]] for name, found in choices.items()}
    for name, found in choices.items():
        for choice in found[1:]:
            row = attempted({name: choice}, arrays, seen)
            if row is not None:
                rows.append({"cohort": ONE, **row})
            if row is None or row.get("status") != "refused":
                open_choices[name].append(choice)
    for chosen in in_drawn_order(open_choices, design.seed):
        if len(rows) >= most:
            break
        row = attempted(chosen, arrays, seen)
        if row is not None:
            rows.append({"cohort": CROSSED, **row})
    return estimate_of(arrays, rows)


def attempted(chosen: Choices, arrays: Arrays, seen: set[bytes]) -> dict | None:
    """A row of the curve; None where the same data stand there already."""
    named = {"parameter": text_of(chosen)}
    try:
        what = specified(arrays, chosen)
        mark = fingerprint(what)
        if mark in seen:
            return None
        seen.add(mark)
        return {**named, **estimated(what, arrays)}
    except Refusal as refusal:
        estimator = "grouped_logit" if "scale" in chosen else REGRESSION
        return {**named, "estimator": estimator, "status": "refused", "reason": refusal.reason, "inference": "none"}


def in_drawn_order(choices: dict[str, list[str]], seed: int) -> Iterator[Choices]:
    """Combinations of two or more changes, in an order drawn by the seed; weights are not changed where they do nothing."""
    combinations = list(itertools.product(*choices.values()))
    for i in np.random.default_rng(seed).permutation(len(combinations)):
        changed = {name: choice for name, choice in zip(choices, combinations[i]) if choice != choices[name][0]}
        if len(changed) > 1 and not {"scale", "weights"} <= set(changed):
            yield changed


def estimate_of(arrays: Arrays, rows: list[dict]) -> Estimate:
    design = arrays.design
    common = dict(study=design.study, outcome=design.outcome, term="specification", group=CURVE, scale=design.scale, level=LEVEL,
                  simulated=design.origin.simulated)  # fmt: skip
    table = told_whole(result_table(rows, **common), arrays.counted, design.whole, design.told)
    table["level"] = table["level"].where(table["status"] == "ok")
    span = design.table["period"].min(), design.table["period"].max()
    return Estimate(table, design.origin, design.frequency, span=span, dossiers=arrays.counted)


# --- choices -------------------------------------------------------------------------------------------------------
def coded(design: Design) -> Arrays:
    """Raises Refusal where a number is not finite."""
    table = usable(design)
    first = int(table["time"].min())
    time = table["time"].to_numpy(np.int64) - first
    unit, block = pd.factorize(table["unit"])[0], pd.factorize(table["block"])[0].astype(np.int64)
    cluster, clusters = pd.factorize(table["cluster"], sort=True)
    weight = table["weight"].to_numpy(float)
    counted = bool(table["denominator"].notna().all())
    return Arrays(
        design, table["y"].to_numpy(float) * points(design), weight, (np.bincount(unit, weight) / np.bincount(unit))[unit],
        table["denominator"].to_numpy(float) if counted else np.ones(len(table)), table["numerator"].to_numpy(float), unit,
        pd.factorize(table["effect"])[0], time, packed(block * (time.max() + 1) + time), cluster,
        table["treated_from"].to_numpy(float) - first, design.start.ordinal - first, table["group"].to_numpy(), np.asarray(clusters),
        counted,
    )  # fmt: skip


def options(arrays: Arrays) -> dict[str, tuple[str, ...]]:
    """Dimension -> choices, the study's own first; only dimensions with something to choose."""
    never = np.isnan(arrays.since)
    groups = sorted(set(arrays.group[never]) - {""})
    dossiers = arrays.counted and np.array_equal(arrays.weight, arrays.counts)
    several_blocks = arrays.block_time.max() > arrays.time.max() and len(np.unique(arrays.design.table["block"])) > 1
    counts = arrays.counted and arrays.design.scale == "pp" and np.isfinite(arrays.numerator).all()
    found = {
        "window": ("all", "first_year", "shorter_before", "no_transition"),
        "weights": ("dossiers" if dossiers else "own", *(("equal", "mean") if np.ptp(arrays.weight) > 0 else ())),
        "comparison": ("all", *(groups if len(groups) > 1 else ())),
        "periods": ("by_block", *(("common",) if several_blocks else ())),
        "units": ("all", *(("complete",) if len(np.unique(np.bincount(arrays.unit))) > 1 else ())),
        "scale": ("points", *(("log_odds",) if counts else ())),
        "date": ("as_studied", *SHIFTS),
        "left_out": ("none", *extreme_clusters(arrays)),
    }
    return {name: chosen for name, chosen in found.items() if len(chosen) > 1}


def extreme_clusters(arrays: Arrays) -> list[str]:
    """The cluster without which the main estimate is highest, and the one without which it is lowest.

    With more than `EXACT` clusters only the five are tried on either side whose scores weigh most in the coefficient.
    """
    candidates = range(len(arrays.clusters))
    if len(arrays.clusters) > EXACT:
        what = specified(arrays, {})
        cells = cells_for(what, arrays)
        fit = regress(cells, what.treated[:, None])
        part = (cluster_scores(cells, fit.errors, fit.columns, fit.unit, fit.period) @ fit.mix)[:, 0]
        order = np.argsort(part, kind="stable")
        candidates = [int(i) for i in (*order[:5], *order[-5:])]
    found = {}
    for code in candidates:
        name = arrays.clusters[code]
        try:
            what = specified(arrays, {"left_out": name})
            fit = regress(cells_for(what, arrays), what.treated[:, None])
        except Refusal:
            continue
        if fit is not None:
            found[name] = float(fit.beta[0])
    return [max(found, key=found.get), min(found, key=found.get)] if len(found) > 1 else []


def specified(arrays: Arrays, chosen: Choices) -> Specified:
    """The data of a combination. Raises Refusal where nothing is left to compare."""
    shift = SHIFTS.get(chosen.get("date", ""), 0) * SHIFT[arrays.design.frequency]
    since = arrays.since + shift
    never = np.isnan(since)
    keep = np.ones(len(since), bool)
    if "comparison" in chosen:
        keep &= ~never | (arrays.group == chosen["comparison"])
    if "left_out" in chosen:
        keep &= arrays.cluster != np.searchsorted(arrays.clusters, chosen["left_out"])
    if "window" in chosen:
        keep &= in_window(arrays, chosen["window"], shift)
    if "units" in chosen:
        seen = np.bincount(arrays.unit[keep], minlength=arrays.unit.max() + 1)
        keep &= (seen == len(np.unique(arrays.time[keep])))[arrays.unit]
    rows = np.flatnonzero(keep)
    weight = {"equal": np.ones(len(since)), "mean": arrays.mean_weight}.get(chosen.get("weights", ""), arrays.weight)
    times = arrays.time if "periods" in chosen else arrays.block_time
    treated = (arrays.time >= since)[rows]
    refuse_empty(arrays, rows, since[rows], treated)
    return Specified(rows, weight[rows], times[rows], since[rows], treated.astype(float), "scale" in chosen)


def in_window(arrays: Arrays, window: str, shift: int) -> np.ndarray:
    """Rows of a window. The year is counted from the policy's start and from the first period of the data; the transition by a
    unit's own start where units start at different times, else by the common one (comparison units too)."""
    since = np.unique(arrays.since[~np.isnan(arrays.since)])
    year = PER_YEAR[arrays.design.frequency]
    if window == "first_year":
        return arrays.time - (arrays.start + shift) < year
    if window == "shorter_before":
        return arrays.time >= year
    own = since[0] if len(since) == 1 else arrays.since
    half = TRANSITION[arrays.design.frequency]
    return ~np.isin(arrays.time - own - shift, np.arange(-half, half))


def refuse_empty(arrays: Arrays, rows: np.ndarray, since: np.ndarray, treated: np.ndarray) -> None:
    """The refusals of `designs.check_design`, on arrays."""
    name, touched = arrays.design.study, ~np.isnan(since)
    if len(rows) == 0 or (arrays.unit[rows] == arrays.unit[rows[0]]).all():
        raise Refusal("one_unit", f"{name}: no two units are left")
    if not touched.any():
        raise Refusal("no_treated", f"{name}: no treated unit is left")
    if touched.all() and (since == since[0]).all():
        raise Refusal("no_comparison", f"{name}: every unit is treated at the same time")
    if treated[touched].all():
        raise Refusal("no_pre_period", f"{name}: no period before the start")
    if not treated.any():
        raise Refusal("no_post_period", f"{name}: no period from the start on")


def fingerprint(what: Specified) -> bytes:
    """Equal where two specifications estimate the same. Weights count up to a factor, and for log odds not at all."""
    mark = hashlib.blake2b(digest_size=16)
    mark.update(bytes([what.logit]))
    for part in (what.rows, packed(what.times), what.treated.astype(bool)):
        mark.update(np.ascontiguousarray(part).tobytes())
    if not what.logit:
        mark.update((what.weight / what.weight.max()).tobytes())
    return mark.digest()


def packed(codes: np.ndarray) -> np.ndarray:
    """Codes from 0 without gaps, in their order."""
    there = np.bincount(codes) > 0
    return (np.cumsum(there) - 1)[codes]


# --- estimates -----------------------------------------------------------------------------------------------------
def cells_for(what: Specified, arrays: Arrays) -> Cells:
    rows = what.rows
    clusters = packed(arrays.cluster[rows])
    if clusters.max() == 0:
        raise Refusal("one_cluster", f"{arrays.design.study}: all units stand in one cluster: no error can be computed")
    return Cells(arrays.y[rows], what.weight, packed(arrays.effect[rows]), packed(what.times), clusters, float(arrays.counts[rows].sum()))


def estimated(what: Specified, arrays: Arrays) -> dict:
    """Estimate, interval and sizes, the same as the estimator's own on a design with this table. Raises Refusal."""
    cells = cells_for(what, arrays)
    row = log_odds(what, arrays, cells) if what.logit else coefficients_of(what, arrays, cells)
    touched = ~np.isnan(what.since)
    return {
        **row, "estimator": "grouped_logit" if what.logit else REGRESSION, "inference": "cluster", "n_obs": cells.n,
        "n_units": len(np.unique(arrays.unit[what.rows])), "n_clusters": int(cells.clusters.max()) + 1,
        "n_treated_clusters": len(np.unique(cells.clusters[touched])),
    }  # fmt: skip


def coefficients_of(what: Specified, arrays: Arrays, cells: Cells) -> dict:
    fit = regress(cells, what.treated[:, None])
    if fit is None:
        raise Refusal("collinear", f"{arrays.design.study}: treatment does not vary inside the fixed effects")
    return coefficients(fit, 1)[0]


def log_odds(what: Specified, arrays: Arrays, cells: Cells) -> dict:
    """The logit's effect on the share scale."""
    rows = what.rows
    return grouped_logit.effect(arrays.design.study, cells, arrays.counts[rows], arrays.numerator[rows], what.treated)[2]


# --- reading a curve -----------------------------------------------------------------------------------------------
def text_of(chosen: Choices) -> str:
    """dimension=choice;... in the order of the dimensions; %, ; and = of names are escaped."""
    return ";".join(f"{name}={escaped(chosen[name])}" for name in DIMENSIONS if name in chosen)


def escaped(text: str) -> str:
    return "".join(ESCAPES.get(letter, letter) for letter in text)


def choices_of(parameter: str) -> Choices:
    """The inverse of `text_of`."""
    found = {}
    for part in filter(None, parameter.split(";")):
        name, _, choice = part.partition("=")
        for letter in ("=", ";", "%"):
            choice = choice.replace(ESCAPES[letter], letter)
        found[name] = choice
    return found


def curve_choices(curve: Estimate) -> pd.DataFrame:
    """One row per specification (the index of the curve's table), one text column per dimension, all choices filled in."""
    table = curve.table
    own = choices_of(table.loc[table["cohort"] == OWN, "parameter"].iloc[0])
    return pd.DataFrame([{**own, **choices_of(text)} for text in table["parameter"]], index=table.index, columns=list(own))


def curve_summary(curve: Estimate) -> CurveSummary:
    """Counts, spread and what drives it (drop-one R2), of the specifications that could be estimated."""
    told = curve.table[curve.table["status"] == "ok"]
    own = float(told.loc[told["cohort"] == OWN, "estimate"].iloc[0])
    values = told["estimate"].to_numpy()
    clear = (told["ci_low"] > 0) | (told["ci_high"] < 0)
    return CurveSummary(
        len(told), len(curve.table) - len(told), int((np.sign(values) == np.sign(own)).sum()), int(clear.sum()), float(values.min()),
        float(np.median(values)), float(values.max()), own, explained(values, curve_choices(curve).loc[told.index]),
    )  # fmt: skip


def explained(values: np.ndarray, choices: pd.DataFrame) -> tuple[tuple[str, float], ...]:
    """(dimension, R2 of all dummies less R2 without its own), largest first."""
    total = ((values - values.mean()) ** 2).sum()
    if total <= 1e-18 * max((values**2).sum(), 1e-300):
        return tuple((name, 0.0) for name in choices)
    dummies = {name: pd.get_dummies(choices[name]).to_numpy(float)[:, 1:] for name in choices}

    def left(names: Iterable[str]) -> float:
        x = np.column_stack([np.ones(len(values)), *(dummies[name] for name in names)])
        rest = values - x @ np.linalg.lstsq(x, values, rcond=None)[0]
        return float(rest @ rest)

    whole = left(dummies)
    lost = {name: float(max(0.0, (left(other for other in dummies if other != name) - whole) / total)) for name in dummies}
    return tuple(sorted(lost.items(), key=lambda item: (-round(item[1], 12), DIMENSIONS.index(item[0]))))
