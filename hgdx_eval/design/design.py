"""Panel -> design: who is treated, since when, against whom. And designs of designs: placebos, a unit less."""

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from ..base.errors import InputError, Refusal
from ..base.origin import Origin
from ..base.periods import first_whole_period, is_never, parse_period, told_span, written
from ..base.telling import did_you_mean, in_brief, told_name, told_names, told_text
from ..panel.panel import Panel
from ..panel.tidy import joined_text, label, tellable_names
from ..panel.told import Release, held_release, inside_run
from ..study.domains import domain_of
from ..study.events import Event
from ..study.study import Study, study_digest, weight_column
from ..study.vocabulary import SINGLE_SERIES

MOST_LOST = 0.05  # of the cells of a side, by which the share without an outcome may change with the policy more than the other side's
CHANCE = 0.05  # of sound tables, in which as much would be missing on one side after the date, at most
COLUMNS = ["unit", "cluster", "effect", "block", "group", "period", "time", "y", "weight", "denominator", "numerator", "dose",
           "treated_from", "treated", "event_time"]  # fmt: skip
NAMES = ["unit", "cluster", "effect", "block", "group"]  # columns of few different texts: coded once, and their codes go with every row
NEAR = {"D": 91, "W": 13, "M": 3, "Q": 1, "Y": 0}  # periods between the policy and another event that can hardly be told apart
THIN = 0.5  # an event time is thin where its dossiers are fewer than this part of the median


@dataclass(frozen=True, kw_only=True)
class Design:
    """What an estimator needs.

    `table`: one row per unit x period, sorted, unique, names as categories: unit, cluster, effect (whose fixed effect it has:
    the unit's own, or a coarser one), block (of separate period effects, "" where common), group (what kind of dossier, "" where the
    study names none), period, time (ordinal), y (share 0-1, or the outcome's own unit), weight (> 0), denominator,
    numerator (NaN where the study counts no dossiers), dose (of the treated: per cent of the cut, or VND saved; NaN where unknown),
    treated_from (ordinal, NaN = never), treated, event_time (NaN = never). `set_aside`: one row per reason: reason, units,
    rows. `scale`: `pp` where y is a share, else `level`. `ended`: rows like the table's of units whose treatment was
    switched off again. `lost`: rows like the table's, of its units and periods, whose outcome is missing. `traits`: one row per
    unit: unit, and by_NAME for each column by which the study wants effects.
    """

    table: pd.DataFrame
    study: str
    outcome: str
    frequency: str
    scale: str
    estimand: str  # effect, or difference where comparison units may have been treated too
    start: pd.Period  # first treated period of the study's policy
    apart: tuple[pd.Period, ...]
    set_aside: pd.DataFrame
    events: tuple[Event, ...]
    origin: Origin
    seed: int
    comparison: str = "never"  # or not_yet: units treated later count as comparison before they are
    ended: pd.DataFrame = field(default_factory=pd.DataFrame)
    lost: pd.DataFrame = field(default_factory=pd.DataFrame)
    traits: pd.DataFrame = field(default_factory=pd.DataFrame)
    signed: int | None = None  # period in which the policy was passed: from then on people may wait for it
    contaminated: int = 0  # how many of the unknown comparison units may have been treated, as far as is known
    unknown_units: int = 0  # comparison units of which nobody knows whether they were treated
    assumed: bool = False  # the start is a working assumption: nobody has read it in the policy's text
    min_count: int = 5  # smaller counts of dossiers are told to nobody
    calendar: pd.DataFrame = field(default_factory=pd.DataFrame)  # what the domain's calendar does to an outcome, a row per time
    path: bool = True  # False: only `overall` is wanted, as in placebos
    whole: float = np.nan  # dossiers of the study's own design; NaN: none are counted; inf: not a study that the run publishes
    release: Release | None = None  # what the run under way tells of them; None outside a run, and in another study's design

    def __repr__(self) -> str:
        units = f"{len(self.treated_units)} treated and {len(self.comparison_units)} comparison units"
        what = f"{self.estimand} on {told_text(self.outcome)}, {'percentage points' if self.scale == 'pp' else 'its own unit'}"
        return in_brief(self, f"{self.study}: {what}", f"{units} in {self.table['cluster'].nunique()} clusters",
                        told_span(self.table["period"]), f"policy from {written(self.start)}")  # fmt: skip

    @property
    def treated_units(self) -> list[str]:
        return sorted(self.table.loc[self.table["treated_from"].notna(), "unit"].unique())

    @property
    def comparison_units(self) -> list[str]:
        return sorted(self.table.loc[self.table["treated_from"].isna(), "unit"].unique())

    @property
    def late(self) -> pd.Series:
        """Whether each row lies at or after its unit's own start; of units that are never treated, after the first start."""
        return self.table["time"] >= self.table["treated_from"].fillna(self.start.ordinal)

    @property
    def starts(self) -> tuple[pd.Period, ...]:
        """The first treated periods, in order: several where adoption is staggered."""
        found = np.sort(self.table["treated_from"].dropna().unique()).astype(int)
        return tuple(pd.Period(ordinal=start, freq=self.frequency) for start in found)

    @property
    def told(self) -> float:
        """The dossiers of the design as they may be told: in a run those of the study's own design alone, unless they are hidden."""
        total = float(self.table["denominator"].sum())
        if self.release is not None:
            return self.release.one("design", "received") if total == self.whole else np.nan
        return np.nan if np.isinf(self.whole) else total

    def clusters(self, treated: bool) -> list[str]:
        """Clusters that hold treated units (True) or comparison units (False); one may hold both."""
        side = self.table["treated_from"].notna() == treated
        return sorted(self.table.loc[side, "cluster"].unique())


def study_design(panel: Panel, p: Study) -> Design:
    """Who is treated, since when, against whom: the study's design, with whatever its choices set aside.

    Returns a Design. Raises Refusal (exit 2) where nothing can be estimated, and says what is missing; InputError where the study names a
    unit or column that the data do not have.
    """
    if p.layout != "table":
        domain_of(p).check_columns(p, panel)
    frame = base_table(panel, p)
    aside: list[tuple[str, int, int]] = []
    frame, first, start = assign(frame, panel.cells, p, aside)
    if p.window:
        low, high = (parse_period(end, p.frequency, f"{p.study}: window").ordinal for end in p.window)
        frame = put_aside(frame, (frame["time"] < low) | (frame["time"] > high), "outside_window", aside)
    if p.exclude:
        known = set(frame["unit"]) | set(frame["cluster"])
        for name in p.exclude:
            if name not in known:
                near = did_you_mean(name, known & tellable_in(frame, p))
                raise InputError(f"{p.study}: exclude: no unit {name!r} in the data{near}")
        frame = put_aside(frame, frame["unit"].isin(p.exclude) | frame["cluster"].isin(p.exclude), "excluded", aside)
    frame = put_aside(frame, frame["weight"] <= 0, "zero_weight", aside)
    if not p.complete_units:
        check_lost(frame, panel.origin.file, p)
    missing = frame["y"].isna()
    lost, frame = frame[missing], put_aside(frame, missing, "no_value", aside)
    if p.complete_units:
        periods = frame["time"].nunique()
        frame = put_aside(frame, frame.groupby("unit")["time"].transform("size") < periods, "incomplete", aside)
    frame, unknown = other_adopters(frame, p, aside)
    over = frame["time"] > frame["treated_until"]
    ended, frame = frame[over], put_aside(frame, over, "after_end", aside)
    if not frame.empty:
        always = frame["treated_from"] <= frame.groupby("effect")["time"].transform("min")
        if not (always | frame["treated_from"].isna()).all():
            frame = put_aside(frame, always, "always_treated", aside)
    if p.estimator not in SINGLE_SERIES:
        frame = put_aside(frame, singletons(frame), "singleton", aside)
    lost = lost[lost["unit"].isin(frame["unit"]) & lost["time"].isin(frame["time"]) & ~(lost["time"] > lost["treated_until"])]
    if start is None:  # of who is left: some may have been treated since before the panel, or are excluded
        left = frame["treated_from"].min()
        start = first if np.isnan(left) else pd.Period(ordinal=int(left), freq=p.frequency)
    design = make_design(frame, ended, panel, p, start, aside, unknown)
    design = replace(design, lost=in_columns(lost))
    check_design(design, p.estimator in SINGLE_SERIES)
    counted = design.table["denominator"].notna().all()
    whole, release = float(design.table["denominator"].sum()) if counted else np.nan, held_release(study_digest(p))
    return replace(design, whole=np.inf if counted and release is None and inside_run() else whole, release=release)


def base_table(panel: Panel, p: Study) -> pd.DataFrame:
    """Unit, cluster, block, period, outcome and weight of every cell, before any choice."""
    cells = panel.cells
    unit = cells["unit"] if "unit" in cells else joined_text(cells, p.unit_columns)
    frame = pd.DataFrame({"unit": unit, "cluster": cells[label(p, "cluster")].astype(str), "period": cells["period"]})
    frame["effect"] = cells[label(p, "unit_effects")].astype(str) if p.unit_effects else frame["unit"]
    frame["block"] = cells[label(p, "period_by")].astype(str) if p.period_by else ""
    frame["group"] = cells[label(p, "group")].astype(str) if p.group else ""
    frame["dose"] = doses(frame, cells, p)
    frame["treated_until"] = np.nan
    for name in p.by:
        frame["by_" + name] = cells[label(p, "by", name)]
    frame["time"] = pd.PeriodIndex(cells["period"]).asi8
    counted = p.numerator is not None
    frame["denominator"] = cells[label(p, "denominator")].astype(float) if counted else np.nan
    frame["numerator"] = cells[label(p, "numerator")].astype(float) if counted else np.nan
    safe = frame["denominator"].where(frame["denominator"] > 0)
    frame["y"] = frame["numerator"] / safe if counted else cells[label(p, "outcome")]
    weight = weight_column(p)
    frame["weight"] = cells[label(p, "weights", weight)].astype(float) if weight else 1.0
    if counted:  # a cell without dossiers has no share: kept apart, not counted as 0
        frame.loc[frame["denominator"] == 0, "weight"] = 0.0
    wandering = frame.groupby("unit")["cluster"].nunique() > 1
    if wandering.any():
        unit = told_name(wandering.idxmax(), tellable_in(frame, p))
        raise InputError(f"{panel.origin.file}: cluster: unit {unit} stands in more than one cluster, as {wandering.sum()} of "
                         f"{len(wandering)} units do; allowed: one for each")  # fmt: skip
    return frame


def tellable_in(frame: pd.DataFrame, p: Study) -> frozenset[str]:
    """Names of a table's units and clusters that a message may quote."""
    return tellable_names(frame["unit"], frame["period"], p) | tellable_names(frame["cluster"], frame["period"], p)


def doses(frame: pd.DataFrame, cells: pd.DataFrame, p: Study) -> pd.Series | float:
    """Each row's dose: a column, or a number per unit; with a policy the fee that is cut, in VND saved a dossier."""
    if p.dose is None:
        return np.nan
    if isinstance(p.dose, dict):
        known = set(frame["unit"])
        for name in p.dose:
            if name not in known:
                near = did_you_mean(name, known & tellable_in(frame, p))
                raise InputError(f"{p.study}: dose: no unit {name!r} in the data{near}")
        return frame["unit"].map(p.dose).astype(float)
    dose = pd.to_numeric(cells[label(p, "dose")], errors="coerce")
    policy = domain_of(p).policy(p)
    return dose if policy is None else dose * policy.cut


def check_lost(frame: pd.DataFrame, file: str, p: Study) -> None:
    """Raises InputError where the outcome is missing in a share of cells that changes with the policy on one side alone, by more than
    `MOST_LOST` and than chance makes: what is lost then is part of what happened, and what is left is no fair picture. Cells in which
    nothing could be counted (a denominator of 0) are not lost."""
    touched, empty = frame["treated_from"].notna(), frame["y"].isna()
    late = frame["time"] >= frame["treated_from"].where(touched, frame["treated_from"].min())
    groups = {(side, after): (touched == side) & (late == after) for side in (True, False) for after in (False, True)}
    if not all(rows.any() for rows in groups.values()):
        return
    lost = {key: float(empty[rows].mean()) for key, rows in groups.items()}
    jump = lost[True, True] - lost[True, False] - lost[False, True] + lost[False, False]
    if abs(jump) <= MOST_LOST or min(by_chance(empty, groups[side, True]) for side in (True, False)) >= CHANCE / 2:
        return
    told = ", ".join(f"{100 * lost[side, after]:.0f}% of the cells of {'treated' if side else 'comparison'} units "
                     f"{'after' if after else 'before'}" for side in (True, False) for after in (False, True))  # fmt: skip
    raise InputError(f"{file}: {p.outcome or p.numerator}: the outcome is missing in {told}: its loss moves with the policy, and would "
                     f"move the answer; fill it in, take out the units that it is missing of (exclude, complete_units: true), or "
                     f"shorten the window")  # fmt: skip


def by_chance(empty: pd.Series, inside: pd.Series) -> float:
    """Fisher's exact p-value of cells being missing as often inside as elsewhere."""
    from scipy import stats

    counts = [[int((empty & rows).sum()), int((~empty & rows).sum())] for rows in (inside, ~inside)]
    return float(stats.fisher_exact(counts).pvalue)


def put_aside(frame: pd.DataFrame, rows: pd.Series, reason: str, aside: list[tuple[str, int, int]]) -> pd.DataFrame:
    """The table without some rows, which are counted under a reason."""
    rows = rows.fillna(False).astype(bool)
    if rows.any():
        aside.append((reason, int(frame.loc[rows, "unit"].nunique()), int(rows.sum())))
    return frame[~rows]


def singletons(frame: pd.DataFrame) -> pd.Series:
    """Rows alone in their fixed effect of a unit, or of a block and period, also once other such rows are gone: they are fitted
    exactly, tell nothing, and would count as observations (Correia 2015, "Singletons, cluster-robust standard errors and fixed
    effects"). True for each, by the table's index."""
    alone = pd.Series(False, index=frame.index)
    while True:
        left = frame[~alone]
        more = (left.groupby("effect")["time"].transform("size") == 1) | (left.groupby(["block", "time"])["unit"].transform("size") == 1)
        if not more.any():
            return alone
        alone |= more.reindex(alone.index, fill_value=False)


def assign(frame: pd.DataFrame, cells: pd.DataFrame, p: Study, aside: list) -> tuple[pd.DataFrame, pd.Period, pd.Period | None]:
    """Adds `treated_from`. Returns the table, the first treated period in it, and the policy's own where one is named."""
    if p.policy:
        return assign_policy(frame, cells, p, aside)
    if p.treated_from:
        treated_from = dated(frame, cells, p, "treated_from")
    until = frame["treated_until"] if p.treated_until is None else ends(frame, cells, p)
    if p.treated:
        treated_from, until = switch_starts(frame, cells[label(p, "treated")].astype(float), p)
    frame = frame.assign(treated_from=treated_from.astype(float), treated_until=until.astype(float))
    inside = frame["treated_from"].dropna()
    if inside.empty:
        raise Refusal("no_treated", f"{p.study}: no unit is ever treated: nothing to estimate")
    return frame, pd.Period(ordinal=int(inside.min()), freq=p.frequency), None


def dated(frame: pd.DataFrame, cells: pd.DataFrame, p: Study, key: str) -> pd.Series:
    """Periods of a key that is a column or a map unit: period, as ordinals, one per unit; empty, 0 or inf = never."""
    given = getattr(p, key)
    if isinstance(given, dict):
        known = set(frame["unit"])
        for name in given:
            if name not in known:
                near = did_you_mean(name, known & tellable_in(frame, p))
                raise InputError(f"{p.study}: {key}: no unit {name!r} in the data{near}")
        return frame["unit"].map({name: ordinal(text, p, f"{p.study}: {key}: {name}") for name, text in given.items()})
    text = cells[label(p, key)].astype(str)
    starts = text.map({value: ordinal(value, p, f"{p.study}: column {given!r}", True) for value in text.unique()})
    several = starts.groupby(frame["unit"]).nunique(dropna=False) > 1
    if several.any():
        what = "first treated" if key == "treated_from" else "last treated"
        raise InputError(f"{p.study}: {key}: unit {told_name(several.idxmax(), tellable_in(frame, p))} has more than one {what} period")
    return starts


def ordinal(text: object, p: Study, place: str, cell: bool = False) -> float:
    return np.nan if is_never(text) else float(parse_period(text, p.frequency, place, cell).ordinal)


def ends(frame: pd.DataFrame, cells: pd.DataFrame, p: Study) -> pd.Series:
    """Last treated periods of units whose treatment was switched off again."""
    until = dated(frame, cells, p, "treated_until")
    early = until < dated(frame, cells, p, "treated_from")
    if early.any():
        unit = told_name(frame.loc[early.idxmax(), "unit"], tellable_in(frame, p))
        raise InputError(f"{p.study}: treated_until: unit {unit} ends before it starts")
    return until


def switch_starts(frame: pd.DataFrame, treated: pd.Series, p: Study) -> tuple[pd.Series, pd.Series]:
    """(first, last treated periods) from a 0/1 column; the last is NaN for units that stay treated.

    Raises InputError for a unit that is treated twice.
    """
    ordered = frame.assign(on=treated).sort_values(["unit", "time"])
    step = ordered.groupby("unit")["on"].diff()
    began = (step > 0).groupby(ordered["unit"]).sum() + (ordered.groupby("unit")["on"].first() == 1)
    if (began > 1).any():
        unit = told_name((began > 1).idxmax(), tellable_in(frame, p))
        raise InputError(f"{p.study}: treated: unit {unit} is treated twice; allowed: 0, then 1, then 0 at most")
    on = ordered[ordered["on"] == 1].groupby("unit")["time"]
    stopped = ordered.groupby("unit")["on"].last() == 0
    until = on.max().where(stopped)
    return frame["unit"].map(on.min()), frame["unit"].map(until)


def assign_policy(frame: pd.DataFrame, cells: pd.DataFrame, p: Study, aside: list):
    """The policy's own date for the groups it touches; part months, and the gap where asked, are set aside."""
    policy = domain_of(p).policy(p)
    start = first_whole_period(policy.effective, p.frequency)
    group = cells[label(p, "group")].astype(str)
    tellable = tellable_names(group, frame["time"], p)
    if not set(p.treated_groups) & set(group.unique()):
        found = told_names(sorted(group.dropna().unique()), tellable)
        raise Refusal("no_treated", f"{p.study}: treated_groups: none of {', '.join(p.treated_groups)} in the data; found: {found}")
    touched, compared = group.isin(p.treated_groups), group.isin(p.comparison_groups)
    frame = frame.assign(treated_from=np.where(touched, float(start.ordinal), np.nan))
    others = set(group[~touched & ~compared].unique())
    for name in sorted(others & tellable):
        frame = put_aside(frame, frame["group"] == name, f"group_{name}", aside)
    frame = put_aside(frame, frame["group"].isin(others - tellable), "group_other", aside)
    begun = pd.Period(pd.Timestamp(policy.effective), freq=p.frequency).ordinal
    frame = put_aside(frame, (frame["time"] >= begun) & (frame["time"] < start.ordinal), "part_month", aside)
    if p.gap:
        signed = pd.Period(pd.Timestamp(policy.signed), freq=p.frequency).ordinal
        frame = put_aside(frame, (frame["time"] >= signed) & (frame["time"] < start.ordinal), "gap", aside)
    return frame, start, start


def other_adopters(frame: pd.DataFrame, p: Study, aside: list) -> tuple[pd.DataFrame, int]:
    """Units known to have had such a policy themselves are set aside or kept; how many of the rest are unknown."""
    if p.other_adopters is None:
        return frame, 0
    never = frame.loc[frame["treated_from"].isna(), "unit"].unique()
    last = frame["period"].max().end_time.date()
    adopters = domain_of(p).other_adopters(never, last)
    if p.other_adopters == "set_aside":
        frame = put_aside(frame, frame["unit"].isin(adopters), "other_adopter", aside)
    return frame, len(never) - len(adopters)


def make_design(frame: pd.DataFrame, ended: pd.DataFrame, panel: Panel, p: Study, start: pd.Period, aside: list, unknown: int) -> Design:
    traits = unit_traits(frame, p)
    frame, ended = in_columns(frame), in_columns(ended)
    domain, times, events = domain_of(p), pd.Index(sorted(frame["time"].unique())), ()
    if len(frame):
        events = domain.events(p, frame["period"].min().start_time.date(), frame["period"].max().end_time.date())
    policy = domain.policy(p)
    return Design(
        table=frame, ended=ended, traits=traits, study=p.study, outcome=p.outcome_name, frequency=p.frequency,
        scale="pp" if p.numerator or p.scale == "share" else "level", estimand="difference" if p.other_adopters else "effect", start=start,
        apart=tuple(parse_period(text, p.frequency, f"{p.study}: apart") for text in p.apart),
        set_aside=pd.DataFrame(aside, columns=["reason", "units", "rows"]), events=events, origin=panel.origin, seed=p.seed,
        comparison=p.comparison, signed=pd.Period(pd.Timestamp(policy.signed), freq=p.frequency).ordinal if policy else None,
        contaminated=min(unknown, domain.most_adopters()), unknown_units=unknown, assumed=policy is not None and policy.assumed,
        min_count=p.min_count, calendar=domain.calendar(p.frequency, times),
    )  # fmt: skip


def in_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """Sorted, with event time, in the design's columns; names as categories in their order."""
    frame = frame.assign(treated=frame["time"] >= frame["treated_from"], event_time=frame["time"] - frame["treated_from"])
    return with_codes(frame).sort_values(["unit", "time"], ignore_index=True)[COLUMNS]


def with_codes(frame: pd.DataFrame) -> pd.DataFrame:
    """A design's table with its names as categories in their order: coded once, for all that is estimated of it."""
    return frame.assign(**{name: as_codes(frame[name]) for name in NAMES})


def of_names(names: pd.Series, values: pd.Series | dict) -> pd.Series:
    """What `values` (one per name) says of each row of a column of a design's names; missing where it says nothing."""
    codes, known = pd.factorize(names)  # Series.map of categories would give categories
    return pd.Series(pd.Series(known).astype(object).map(values).array.take(codes), index=names.index)


def as_codes(names: pd.Series) -> pd.Series:
    codes, known = pd.factorize(names, sort=True)
    return pd.Series(pd.Categorical.from_codes(codes, pd.Index(known, dtype=object)), index=names.index)


def unit_traits(frame: pd.DataFrame, p: Study) -> pd.DataFrame:
    """One row per unit: unit, and what the study wants effects by. Raises InputError where it changes inside a unit."""
    columns = ["by_" + name for name in p.by]
    traits = frame[["unit", *columns]].drop_duplicates()
    twice = traits["unit"].duplicated()
    if twice.any():
        unit = told_name(traits.loc[twice.idxmax(), "unit"], tellable_in(frame, p))
        raise InputError(f"{p.study}: by: unit {unit} has more than one value of {', '.join(p.by)}")
    return traits.reset_index(drop=True)


def traits_of(design: Design) -> dict[str, pd.Series]:
    """What the study wants effects by, each a series by unit; = in a name, which parts it from a value in results, is written ＝."""
    own = design.traits.set_index("unit") if len(design.traits.columns) else design.traits
    return {column.removeprefix("by_").replace("=", "＝"): own[column] for column in own}


def check_design(design: Design, alone: bool = False) -> None:
    """Raise Refusal where no method could estimate anything, saying what is missing. `alone`: the treated series by itself will do."""
    table, name = design.table, design.study
    if table.empty:
        raise Refusal("one_unit", f"{name}: no rows are left after the study's choices "
                                  f"({', '.join(design.set_aside['reason'])})")  # fmt: skip
    if table["unit"].nunique() == 1 and not alone:
        raise Refusal("one_unit", f"{name}: only one unit is left; at least one more is needed")
    if not design.treated_units:
        raise Refusal("no_treated", f"{name}: no treated unit is left; nothing to estimate")
    if not design.comparison_units and not alone and table["treated_from"].nunique() == 1:
        raise Refusal("no_comparison", f"{name}: every unit is treated at the same time; a comparison group is needed")
    since = table.loc[table["treated_from"].notna(), ["time", "treated_from"]]
    if not (since["time"] < since["treated_from"]).any():
        raise Refusal("no_pre_period", f"{name}: no period before {written(design.start)}: at least one is needed")
    if not (since["time"] >= since["treated_from"]).any():
        raise Refusal("no_post_period", f"{name}: no period from {written(design.start)} on: at least one is needed")


def thin_event_times(design: Design) -> tuple[int, ...]:
    """Event times in which the treated or the comparison dossiers are fewer than half of their median."""
    table = design.table
    if table["denominator"].isna().all() or table["treated_from"].nunique() != 1:
        return ()
    start = int(table["treated_from"].dropna().iloc[0])
    thin: set[int] = set()
    for _, side in table.groupby(table["treated_from"].notna()):
        sums = side.groupby("time")["denominator"].sum()
        thin |= {int(time) - start for time in sums.index[sums < THIN * sums.median()]}
    return tuple(sorted(thin))


def nearby_events(design: Design) -> tuple:
    """Events of the place itself that begin within 3 months (13 weeks, 91 days), 1 quarter or the year of the policy: hard to part."""
    start = design.start.ordinal
    return tuple(event for event in design.events if event.scope != "national"
                 and abs(pd.Period(pd.Timestamp(event.date), freq=design.frequency).ordinal - start)
                 <= NEAR[design.frequency])  # fmt: skip
