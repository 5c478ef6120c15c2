"""For whom, and what else moved: gaps between places, the number of dossiers, and outcomes other than the study's own.

Every estimate is made by the study's own design. Gaps are differences of effects, from the regression of
`heterogeneity.effects_by_group` with regressors of its own; what is compared is chosen beforehand (rural communes against wards
and townships, communes against districts, low against high initial shares, a slope per standard deviation), never by looking
for the largest. Intervals of each of the two families, gaps and other outcomes, hold all at once (Bonferroni, `specification.adjusted`).
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from ...base.errors import Refusal
from ...base.memo import remembered
from ...base.periods import PER_YEAR
from ...base.telling import in_brief
from ...design.design import Design, of_names, study_design
from ...design.variants import with_periods
from ...estimation.estimate import estimate
from ...estimation.fixed_effects import cells_of, combination, linear_estimate, regress, usable
from ...estimation.inference import few_parts
from ...estimation.results import Estimate, joined, result_table
from ...evaluation.volume import volume_effect
from ...infer.multiplicity import adjusted
from ...panel.panel import Panel
from ...panel.tidy import joined_text
from ...study.study import Study
from ...study.vocabulary import REGRESSION
from .places import MEASURES, Places, read_places

# numerator, denominator, scale. No export tells post apart today: it is named so that a reader sees that it is missing.
OUTCOMES = {"on_time": ("on_time", "timed", "pp"), "days": ("days", "done", "level"), "remote": ("remote", "received", "pp"),
            "staff": ("assisted", "received", "pp"), "post": ("by_post", "received", "pp")}  # fmt: skip
GAPS = {"commune_type": (("commune",), ("ward", "township")), "level": (("commune",), ("district",))}
STARTS = {"start_place": "cluster", "start_field": "field"}  # low against high initial share of these
KINDS, EARLY = 4, 3  # places or fields, and periods of their initial share, at least
SMALL_GAP = 0.5  # a gap of fewer points before is none that could narrow


@dataclass(frozen=True)
class Gap:
    """One difference of effects. `row`: a result in points (first less second, or per standard deviation), None where `reason`
    says why not; `before`: the same difference of the outcome in the year before the start, points, of treated units."""

    name: str
    row: pd.Series | None
    before: float = np.nan
    reason: str = ""
    sources: tuple[str, ...] = ()
    step: float = np.nan  # one standard deviation, in the measure's own unit


@dataclass(frozen=True)
class Who:
    """`gaps`: those of GAPS, of STARTS, then of the user's measures. `volume`: the effect on log dossiers, None where `volume_reason`
    says why not. `outcomes`: per name of OUTCOMES its overall row, a refusal's, or None where the data do not hold it. `apart`,
    `together`: what `specification.adjusted` makes of the gaps, and of the other outcomes with the number of dossiers.
    `reason`: why there is nothing at all."""

    reason: str = ""
    gaps: tuple[Gap, ...] = ()
    volume: pd.Series | None = None
    volume_reason: str = ""
    outcomes: dict[str, pd.Series | None] = field(default_factory=dict)
    apart: pd.DataFrame = field(default_factory=pd.DataFrame)
    together: pd.DataFrame = field(default_factory=pd.DataFrame)
    recorded: list[Estimate] = field(default_factory=list)

    def __repr__(self) -> str:
        told = [gap.name for gap in self.gaps if gap.row is not None]
        return in_brief(self, self.reason or f"gaps: {', '.join(told) or 'none'}", "" if self.reason else f"{len(self.together)} outcomes")


def who_of(panel: Panel, p: Study, design: Design) -> Who:
    """For whom, and what else moved: gaps between places, the number of dossiers, other outcomes; computed once in a run.

    Returns a Who; where dossiers are not counted its `reason` is a code, and every show_* of it copes. Raises InputError where the file of
    places cannot be understood.
    """
    places = read_places(Path(p.places), p.place) if p.places else Places({}, {})
    return remembered(lambda: compared_and_counted(panel, p, design, places), "who", p, panel.cells, design, places)


def compared_and_counted(panel: Panel, p: Study, design: Design, places: Places) -> Who:
    if p.layout == "table" or p.numerator is None:
        return Who("no_dossiers")
    gaps = (*(group_gap(panel, p, design, trait) for trait in GAPS), *(start_gap(panel, p, design, name) for name in STARTS),
            *(slope_gap(panel, p, design, name, places) for name in MEASURES))  # fmt: skip
    volume, reason = volume_effect(design, p.estimator)
    outcomes = {name: outcome_effect(panel, p, name) for name in OUTCOMES}
    told = {f"other_{name}": row for name, row in {**outcomes, "volume": volume}.items() if row is not None}
    families = [family({f"gap_{gap.name}": gap.row for gap in gaps if gap.row is not None}), family(told)]
    empty = Estimate(result_table([]), design.origin, design.frequency)
    recorded = [replace(empty, table=joined([replace(empty, table=table) for table in families]))]
    return Who("", gaps, volume, reason, outcomes, *map(adjusted, families), recorded)


def family(rows: dict[str, pd.Series]) -> pd.DataFrame:
    return result_table([{**row, "term": "specification", "group": group} for group, row in rows.items()])


def moved(gap: Gap, low: float, high: float) -> str:
    """What became of a gap whose simultaneous interval is low to high: unclear, narrowed, widened, or opened where there was none."""
    if np.isnan(low) or low <= 0 <= high:
        return "unclear"
    if np.isnan(gap.before) or abs(gap.before) < SMALL_GAP:
        return "opened"
    return "narrowed" if abs(gap.before + gap.row["estimate"]) < abs(gap.before) else "widened"


# --- gaps between places -------------------------------------------------------------------------------------------
def of_units(panel: Panel, p: Study, column: str) -> pd.Series | None:
    """A column of the cells by unit; None where there is none or where it changes inside a unit."""
    cells = panel.cells
    if column not in cells:
        return None
    unit = cells["unit"] if "unit" in cells else joined_text(cells, p.unit_columns)
    pairs = pd.DataFrame({"unit": unit.to_numpy(), "value": cells[column].astype(str).to_numpy()}).drop_duplicates()
    return None if pairs["unit"].duplicated().any() else pairs.set_index("unit")["value"]


def group_gap(panel: Panel, p: Study, design: Design, trait: str) -> Gap:
    """The effect in the first groups of GAPS less that in the second."""
    values = of_units(panel, p, trait)
    if values is None:
        return Gap(trait, None, reason="not_told")
    return two_groups(design, trait, lambda table: [of_names(table["unit"], values).isin(names).to_numpy() for names in GAPS[trait]])


def start_gap(panel: Panel, p: Study, design: Design, name: str) -> Gap:
    """The effect where the initial share was low less that where it was high.

    The initial share is that of the first half of the periods before the start, of treated units; these periods are left out of
    the estimate, else a share that was low by chance would rise by itself. Low: the lowest kinds that hold half of these dossiers.
    """
    values = of_units(panel, p, STARTS[name])
    if values is None:
        return Gap(name, None, reason="not_told")
    table = usable(design)
    before = np.unique(table.loc[table["time"] < table.loc[table["treated"], "time"].min(), "time"])
    early = table["time"].isin(before[: len(before) // 2])
    first = table[early & table["treated_from"].notna()]
    kind = of_names(first["unit"], values)
    sums = pd.DataFrame({"y": (first["y"] * first["weight"]).groupby(kind).sum(), "weight": first["weight"].groupby(kind).sum()})
    sums = sums[(sums.index != "") & (sums["weight"] > 0)]
    if len(before) // 2 < EARLY or len(sums) < KINDS:
        return Gap(name, None, reason="few_kinds")
    sums = sums.assign(share=sums["y"] / sums["weight"]).sort_values("share", kind="stable")
    part = (sums["weight"].cumsum() - sums["weight"] / 2) / sums["weight"].sum()
    low, high = set(part.index[part < 0.5]), set(part.index[part >= 0.5])
    later = with_periods(design, ~design.table["time"].isin(before[: len(before) // 2]))
    return two_groups(later, name, lambda table: [of_names(table["unit"], values).isin(names).to_numpy() for names in (low, high)])


def two_groups(design: Design, name: str, sides_of: Callable[[pd.DataFrame], list[np.ndarray]]) -> Gap:
    """The effect on the first side less that on the second; sides are masks of rows."""
    table = usable(design)
    first, second = sides_of(table)
    treated = table["treated"].to_numpy()
    sides = [first & treated, second & treated]
    if any(few_parts(table["weight"][side].groupby(table["cluster"][side]).sum()) for side in sides):
        return Gap(name, None, reason="few_places")
    row = contrast(design, table, [*sides, treated & ~first & ~second], np.array([1.0, -1.0]), name)
    levels = [level_before(design, table, side) for side in (first, second)]
    return Gap(name, row, levels[0] - levels[1], "" if row is not None else "collinear")


def slope_gap(panel: Panel, p: Study, design: Design, measure: str, places: Places) -> Gap:
    """How much the effect differs between places one standard deviation apart (over treated dossiers)."""
    if measure not in places.values:
        return Gap(measure, None, reason="no_places")
    table, known = usable(design), places.values[measure]
    agencies = of_units(panel, p, "agency")
    own = pd.Series(np.nan, table.index) if agencies is None else of_names(table["unit"], agencies).map(known)
    value = own.fillna(of_names(table["cluster"], known)).to_numpy(float)  # a commune without a number of its own has its district's
    treated = table["treated"].to_numpy()
    inside = treated & ~np.isnan(value)
    if few_parts(table["weight"][inside].groupby(table["cluster"][inside]).sum()):
        return Gap(measure, None, reason="few_places", sources=places.sources[measure])
    weight = table["weight"].to_numpy()[inside]
    mean = np.average(value[inside], weights=weight)
    step = float(np.sqrt(np.average((value[inside] - mean) ** 2, weights=weight)))
    if step < 1e-12:
        return Gap(measure, None, reason="same_everywhere", sources=places.sources[measure])
    score = np.where(np.isnan(value), 0.0, (value - mean) / step)
    row = contrast(design, table, [np.where(inside, score, 0.0), inside, treated & ~inside], np.array([1.0]), measure)
    side = table["treated_from"].notna().to_numpy() & ~np.isnan(value)
    before = slope_before(design, table, side, score)
    return Gap(measure, row, before, "" if row is not None else "collinear", places.sources[measure], step)


def contrast(design: Design, table: pd.DataFrame, columns: list[np.ndarray], shares: np.ndarray, name: str) -> pd.Series | None:
    """A weighted sum of the first coefficients with its clustered error; None where the fixed effects absorb one of them."""
    columns = [column.astype(float) for column in columns if np.any(column)]
    found = regress(cells := cells_of(design, table), np.column_stack(columns))
    if found is None or not set(range(len(shares))) <= set(found.kept):
        return None
    whole = np.zeros(len(found.kept))
    whole[[int(np.flatnonzero(found.kept == j)[0]) for j in range(len(shares))]] = shares
    rows = [{"term": "group", "group": name, "parameter": "gap", **combination(found, whole)}]
    return linear_estimate(design, table, cells, REGRESSION, rows).table.iloc[0]


def year_before(design: Design, table: pd.DataFrame) -> np.ndarray:
    time = table["time"]
    length = PER_YEAR[design.frequency]
    return ((time < design.start.ordinal) & (time >= design.start.ordinal - length) & table["treated_from"].notna()).to_numpy()


def level_before(design: Design, table: pd.DataFrame, side: np.ndarray) -> float:
    keep = year_before(design, table) & side
    scale = 100 if design.scale == "pp" else 1
    return scale * float(np.average(table.loc[keep, "y"], weights=table.loc[keep, "weight"])) if keep.any() else np.nan


def slope_before(design: Design, table: pd.DataFrame, side: np.ndarray, score: np.ndarray) -> float:
    """Weighted slope of the outcome on the score in the year before the start."""
    keep = year_before(design, table) & side
    if not keep.any() or np.ptp(score[keep]) == 0:
        return np.nan
    x, y, w = score[keep], table["y"].to_numpy(float)[keep], table["weight"].to_numpy(float)[keep]
    x = x - np.average(x, weights=w)
    return float((100 if design.scale == "pp" else 1) * (w * x * y).sum() / (w * x * x).sum())


# --- other outcomes ------------------------------------------------------------------------------------------------
def outcome_effect(panel: Panel, p: Study, name: str) -> pd.Series | None:
    """The overall row of the study's own method for another outcome; a row `refused`; None where the data do not hold it."""
    numerator, denominator, scale = OUTCOMES[name]
    if not {numerator, denominator} <= set(panel.cells):
        return None
    own = p.model_copy(update={"numerator": numerator, "denominator": denominator, "weights": None, "by": [], "dose": None, "apart": []})
    try:
        return estimate(replace(study_design(panel, own), scale=scale, path=False), p.estimator).overall()
    except Refusal as refusal:
        row = {"study": p.study, "outcome": own.outcome_name, "estimator": p.estimator, "status": "refused", "reason": refusal.reason,
               "inference": "none", "scale": scale, "term": "overall", "simulated": panel.origin.simulated}  # fmt: skip
        return result_table([row]).iloc[0]
