"""Worlds that a hostile critic would build: small studies with a known truth, each made to fool one safeguard or all of them.

Every draw goes the way of a user's table: counts of a `Panel`, a `Study`, and the design that `study_design` makes of them, so that what is
set aside, where the policy starts and who is compared is the kit's own. Each world can be drawn without an effect and with one; what else
goes wrong in it goes wrong either way. Shares 0-1 inside, effects in points (or the outcome's own unit). `tests/critics.py` measures what
the verdict says in each.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from zlib import crc32

import numpy as np
import pandas as pd
from scipy import special

from hgdx_eval.base.origin import Origin
from hgdx_eval.design.design import Design, study_design
from hgdx_eval.panel.panel import NOTES, Panel
from hgdx_eval.study.study import Study

FIRST = pd.Period("2021-01", freq="M").ordinal
BEFORE, AFTER = 24, 12  # months before and from the policy, where a world says nothing else
ORIGIN = Origin("drawn", "0" * 64, 0, "table", True)
NOTHING = pd.DataFrame(columns=NOTES)
REGRESSION, ROBUST, OTHER = "two_way_fixed_effects", "callaway_santanna", "imputation"
LEAST_SIZE = 5  # dossiers of a cell
QUIET = {"own": 0.01, "alone": 0.01, "sizes": (150, 400)}  # where each unit is compared with its own month before, larger units
COUNTS = {"numerator": "online", "denominator": "received"}


@dataclass(frozen=True)
class Drawn:
    """One draw of a world: what a user would have, and what nobody knows. `truth`: the dossier-weighted mean effect over the design's
    treated rows, points or the outcome's own unit."""

    panel: Panel
    study: Study
    design: Design
    truth: float


@dataclass(frozen=True)
class World:
    """`build(generator, effect in the outcome's unit)`: a row per unit x month with unit, cluster, time (from 0), start (NaN: never),
    received and online (or days), and the true `effect` of each row, share or the outcome's unit.

    `valid`: its assumptions hold, so that what is headlined must hold the truth. `informative`: clusters that carry information, on the
    side that has fewer (shocks that clusters share make them one). `impossible`: why nobody could tell from the design alone that the
    answer is wrong, else "". `bias`: how far the estimate is led astray on average, about.
    """

    name: str
    about: str
    build: Callable[[np.random.Generator, float], pd.DataFrame]
    valid: bool = True
    informative: int = 8
    impossible: str = ""
    bias: float = 0.0
    effect: float = 6.0
    keys: dict[str, object] = field(default_factory=dict)  # of the study, where they differ

    def drawn(self, seed: int, real: bool) -> Drawn:
        """One draw, with the world's effect or without any. Raises what `study_design` raises: a world may be one to refuse."""
        cells = self.build(np.random.default_rng([seed, crc32(self.name.encode())]), self.effect if real else 0.0)
        p = study(self.name, self.keys)
        panel = panel_of(cells, p)
        design = study_design(panel, p)
        return Drawn(panel, p, design, truth_of(cells, design))


def study(name: str, keys: dict[str, object]) -> Study:
    own = {} if "outcome" in keys else COUNTS
    methods = {"estimator": REGRESSION, "estimators": [REGRESSION, OTHER]}
    return Study(
        study=name, unit="unit", period="month", frequency="M", treated_from="start", cluster="cluster", **{**methods, **own, **keys}
    )


def panel_of(cells: pd.DataFrame, p: Study) -> Panel:
    """The cells under the keys that a tidy table's bear."""
    months = pd.PeriodIndex.from_ordinals(cells["time"] + FIRST, freq="M")
    since = pd.PeriodIndex.from_ordinals(cells["start"].fillna(0).astype(int) + FIRST, freq="M").astype(str)
    own = {"outcome": cells["days"]} if p.outcome else {"numerator": cells["online"], "denominator": cells["received"],
                                                        "weights": cells["received"]}  # fmt: skip
    frame = pd.DataFrame({"unit": cells["unit"], "period": months, "cluster": cells["cluster"],
                          "treated_from": np.where(cells["start"].notna(), since, ""), **own})  # fmt: skip
    if p.period_by:
        frame["period_by"] = cells[p.period_by]
    frame = frame.sort_values(["unit", "period"], ignore_index=True)
    return Panel(frame, ORIGIN, NOTHING, NOTHING, len(frame), definition="")


def truth_of(cells: pd.DataFrame, design: Design) -> float:
    treated = design.table.loc[design.table["treated"], ["unit", "time", "weight"]]
    known = cells.assign(time=cells["time"] + FIRST)[["unit", "time", "effect"]]
    rows = treated.astype({"unit": object}).merge(known, on=["unit", "time"], validate="one_to_one")
    return (100 if design.scale == "pp" else 1) * float(np.average(rows["effect"], weights=rows["weight"]))


# --- who is there --------------------------------------------------------------------------------------------------
Places = list[tuple[str, float]]  # (cluster, month from which it is treated, NaN = never), one per unit


def sides(treated: int = 8, compared: int = 8, units: int = 2, before: float = BEFORE) -> Places:
    """Whole clusters treated at one date, and others never."""
    return [(f"{name}{c:02}", start) for name, number, start in (("t", treated, before), ("c", compared, np.nan))
            for c in range(number) for _ in range(units)]  # fmt: skip


def cohorts(*starts: float, each: int = 8) -> Places:
    """Clusters of one unit, as many in each cohort."""
    return [(f"s{start:02.0f}{c:02}" if start == start else f"n{c:02}", start) for start in starts for c in range(each)]


def inside(clusters: int = 12, before: float = BEFORE) -> Places:
    """Two treated and two other units in every cluster."""
    return [(f"m{c:02}", start) for c in range(clusters) for start in (before, before, np.nan, np.nan)]


def path(rng: np.random.Generator, rows: int, months: int, sd: float | np.ndarray, memory: float) -> np.ndarray:
    """Autoregressive shocks, rows x months, of a stationary standard deviation; memory 1: random walks with such steps."""
    steps = rng.normal(0, 1, (rows, months))
    if memory < 1:
        steps[:, 1:] *= np.sqrt(1 - memory**2)
    for t in range(1, months):
        steps[:, t] += memory * steps[:, t - 1]
    return np.asarray(sd).reshape(-1, 1) * steps


def cells(rng: np.random.Generator, places: Places, months: int = BEFORE + AFTER, own: float | np.ndarray = 0.015, memory: float = 0.5,
          alone: float = 0.02, common: float = 0.02, low: float = 0.35, high: float = 0.55,
          sizes: tuple[float, float] = (40, 300)) -> pd.DataFrame:  # fmt: skip
    """Units x months without an effect: `share` = a level, and shocks of months, clusters (`own`, `memory`) and units (`alone`);
    `received` about a unit's size, a quarter more or less."""
    names = pd.factorize(np.array([cluster for cluster, _ in places]))[0]
    unit, time = np.repeat(np.arange(len(places)), months), np.tile(np.arange(months), len(places))
    size = np.exp(rng.uniform(*np.log(sizes), len(places)))
    level = rng.uniform(low, high, len(places))
    shocks = path(rng, names.max() + 1, months, own, memory)[names[unit], time] + path(rng, len(places), months, alone, 0.3)[unit, time]
    received = size[unit] * rng.lognormal(0, 0.25, len(unit))
    return pd.DataFrame({
        "unit": [f"{places[u][0]}u{u:03}" for u in unit], "cluster": [places[u][0] for u in unit], "time": time,
        "start": np.array([start for _, start in places])[unit], "level": level[unit],
        "share": level[unit] + rng.normal(0, common, months)[time] + shocks, "received": received,
    })  # fmt: skip


def on(frame: pd.DataFrame) -> np.ndarray:
    """Treated rows."""
    return (frame["time"] >= frame["start"]).to_numpy()


def side(frame: pd.DataFrame) -> np.ndarray:
    """Rows of units that are treated at some time."""
    return frame["start"].notna().to_numpy()


def late(frame: pd.DataFrame, before: int = BEFORE) -> np.ndarray:
    return (frame["time"] >= before).to_numpy()


def near(frame: pd.DataFrame, first: int, last: int) -> np.ndarray:
    """Rows of treated units from one event time to another."""
    return (frame["time"] - frame["start"]).between(first, last).to_numpy()


def added(frame: pd.DataFrame, rows: np.ndarray, shares: float | np.ndarray) -> pd.DataFrame:
    return frame.assign(share=frame["share"] + np.where(rows, shares, 0.0))


def larger(frame: pd.DataFrame, rows: np.ndarray, times: float | np.ndarray) -> pd.DataFrame:
    return frame.assign(received=frame["received"] * np.where(rows, times, 1.0))


def counted(rng: np.random.Generator, frame: pd.DataFrame, effect: float | np.ndarray) -> pd.DataFrame:
    """Counts of dossiers, drawn one by one; `effect`: points of treated rows."""
    received = np.maximum(frame["received"].round().astype(int), LEAST_SIZE)
    without = np.clip(frame["share"], 0.01, 0.99)
    share = np.clip(without + on(frame) * effect / 100, 0.01, 0.99)
    return frame.assign(received=received, online=rng.binomial(received, share), effect=share - without)


# --- worlds in which the assumptions hold ----------------------------------------------------------------------------
def plain(rng: np.random.Generator, effect: float, places: Places, **kinds: object) -> pd.DataFrame:
    return counted(rng, cells(rng, places, **kinds), effect)


def growing(rng: np.random.Generator, effect: float, places: Places, **kinds: object) -> pd.DataFrame:
    """An effect that grows from half of what is named to more than that, and is larger in later cohorts."""
    frame = cells(rng, places, **kinds)
    event = (frame["time"] - frame["start"]).fillna(0).to_numpy()
    return counted(rng, frame, effect * (0.5 + 0.05 * event + 0.01 * frame["start"].fillna(0).to_numpy()))


def giant(rng: np.random.Generator, effect: float, whose: str) -> pd.DataFrame:
    """Clusters alike but for one: what moves them weighs more than chance in so many dossiers, and the giant's is nearly its side's own."""
    frame = cells(rng, sides(4, 4, units=4, before=12), 24, own=0.03, sizes=(60, 60))
    return counted(rng, larger(frame, (frame["cluster"] == whose).to_numpy(), 20), effect)


def heteroskedastic(rng: np.random.Generator, effect: float) -> pd.DataFrame:
    """Treated clusters are moved six times as much as others, one of them twelve times."""
    return plain(rng, effect, sides(6, 6), own=np.r_[0.06, np.full(5, 0.03), np.full(6, 0.005)])


def treated_before(rng: np.random.Generator, effect: float) -> pd.DataFrame:
    return plain(rng, effect, [*sides(), *((f"a{c:02}", -6.0) for c in range(3) for _ in range(2))])


def informationless(rng: np.random.Generator, effect: float) -> pd.DataFrame:
    """One treated unit, and five that are seen once."""
    frame = cells(rng, sides(6, 8, units=1))
    once = side(frame) & (frame["cluster"] != "t00").to_numpy()
    return counted(rng, frame[~once | (frame["time"] == BEFORE + 2)], effect)


def by_size(rng: np.random.Generator, effect: float) -> pd.DataFrame:
    """Small clusters gain and large ones lose, by points, around the mean over dossiers."""
    frame = cells(rng, sides(10, 10)).assign(received=lambda t: t["received"].round())
    treated = frame[on(frame)]
    size = np.log(treated.groupby("cluster")["received"].sum())
    apart = frame["cluster"].map(size).fillna(0.0).to_numpy()
    apart = 3 * (apart - np.average(apart[on(frame)], weights=treated["received"]))
    return counted(rng, frame, effect - apart)


def national_shock(rng: np.random.Generator, effect: float) -> pd.DataFrame:
    """From the policy's date on everybody files less online, and half as much again."""
    frame = cells(rng, sides())
    return counted(rng, larger(added(frame, late(frame), -0.08), late(frame), 1.5), effect)


def season(rng: np.random.Generator, effect: float, before: int, after: int) -> pd.DataFrame:
    """The treated side goes up and down by 2 points with the months of the year, as no other does."""
    frame = cells(rng, sides(before=before), before + after)
    wave = 0.02 * np.sin(2 * np.pi * (frame["time"].to_numpy() / 12 + rng.uniform()))
    return counted(rng, added(frame, side(frame), wave), effect)


def missing_at_random(rng: np.random.Generator, effect: float) -> pd.DataFrame:
    """One outcome in ten is missing."""
    frame = plain(rng, effect, sides())
    return frame.assign(online=frame["online"].where(rng.uniform(size=len(frame)) >= 0.1))


def moved_between_units(rng: np.random.Generator, effect: float) -> pd.DataFrame:
    """From the date on the treated side's dossiers go from one unit of a cluster to the other, whose level is another."""
    frame = cells(rng, sides(), alone=0.015)
    first = frame["unit"].str[-1].astype(int) % 2 == 0
    frame = added(frame, first.to_numpy(), 0.25)
    return counted(rng, larger(frame, on(frame), np.where(first, 1.6, 0.5)), effect)


def both_sides(rng: np.random.Generator, effect: float) -> pd.DataFrame:
    """Treated and other units at every place, which has shocks of its own and others for its treated units."""
    frame = cells(rng, inside())
    pair, time = pd.factorize(frame["cluster"] + frame["start"].isna().astype(str))[0], frame["time"].to_numpy()
    return counted(rng, added(frame, np.ones(len(frame), bool), path(rng, 24, BEFORE + AFTER, 0.012, 0.5)[pair, time]), effect)


def days(rng: np.random.Generator, effect: float) -> pd.DataFrame:
    """Days until a result, of heavy tails."""
    frame = cells(rng, sides(10, 10))
    own = effect * on(frame)
    return frame.assign(days=12 + 30 * (frame["share"] - 0.45) + 0.6 * rng.standard_t(3, len(frame)) + own, effect=own)


# --- worlds in which shocks are shared, or the treated were chosen --------------------------------------------------------
def shared_shock(rng: np.random.Generator, effect: float, sd: float = 0.008, memory: float = 0.7) -> pd.DataFrame:
    frame = cells(rng, sides())
    return counted(rng, added(frame, side(frame), path(rng, 1, BEFORE + AFTER, sd, memory)[0, frame["time"]]), effect)


def regions(rng: np.random.Generator, effect: float) -> pd.DataFrame:
    """Sixteen clusters in four regions, of which two are treated; what moves them moves a whole region."""
    frame = cells(rng, sides(), own=0.006)
    region = pd.factorize(frame["cluster"].str[0] + (frame["cluster"].str[1:].astype(int) // 4).astype(str))[0]
    return counted(rng, added(frame, np.ones(len(frame), bool), path(rng, 4, BEFORE + AFTER, 0.015, 0.6)[region, frame["time"]]), effect)


def chosen_low(rng: np.random.Generator, effect: float) -> pd.DataFrame:
    """The policy comes where the share has just been low: half of the clusters, by the three months before."""
    frame = cells(rng, sides(0, 16), 24, own=0.03, memory=0.85)
    known = frame[frame["time"].between(9, 11)]
    low = (known["share"] - known["level"]).groupby(known["cluster"]).mean().nsmallest(8).index
    return counted(rng, frame.assign(start=np.where(frame["cluster"].isin(low), 12.0, np.nan)), effect)


def diverging(rng: np.random.Generator, effect: float) -> pd.DataFrame:
    """The treated side gains 0.15 points a month on the other, before and after."""
    frame = cells(rng, sides())
    return counted(rng, added(frame, side(frame), 0.0015 * frame["time"].to_numpy()), effect)


def contaminated(rng: np.random.Generator, effect: float) -> pd.DataFrame:
    """Three of eight comparison clusters do something of their own at the same date: 4 points."""
    frame = cells(rng, sides())
    return counted(rng, added(frame, frame["cluster"].isin(["c00", "c01", "c02"]).to_numpy() & late(frame), 0.04), effect)


def anticipated(rng: np.random.Generator, effect: float) -> pd.DataFrame:
    """In the three months before the date those who would file online wait: the treated side's share is 4 points lower."""
    frame = cells(rng, sides(before=12), 24)
    return counted(rng, added(frame, near(frame, -3, -1), -0.04), effect)


def later_cohort_anticipates(rng: np.random.Generator, effect: float) -> pd.DataFrame:
    """The same in the four months before the date of the later of two cohorts, the first being treated since long."""
    frame = cells(rng, cohorts(10, 20, np.nan), 30, **QUIET)
    return counted(rng, added(frame, near(frame, -4, -1) & (frame["start"] == 20).to_numpy(), -0.04), effect)


def at_the_ceiling(rng: np.random.Generator, effect: float) -> pd.DataFrame:
    """Log odds move alike; the treated side begins near 95 %, the other near 70 %, and all rise."""
    frame = cells(rng, sides(), low=-0.1, high=0.1, own=0.06, alone=0.1, common=0.05)
    odds = np.where(side(frame), special.logit(0.94), special.logit(0.70)) + frame["share"] + 0.03 * frame["time"]
    return counted(rng, frame.assign(share=special.expit(odds)), effect)


# --- worlds in which what is counted changes at the date --------------------------------------------------------------------
def under_recorded(rng: np.random.Generator, effect: float, kept: float = 0.6) -> pd.DataFrame:
    """From the date on a part of the dossiers at the counter of treated cells is not recorded any more."""
    frame = plain(rng, effect, sides())
    counter = rng.binomial(frame["received"] - frame["online"], np.where(on(frame), kept, 1.0))
    return frame.assign(received=frame["online"] + counter)


def under_recorded_elsewhere(rng: np.random.Generator, effect: float) -> pd.DataFrame:
    """From the date on two in five online dossiers of comparison cells are not recorded any more."""
    frame = plain(rng, effect, sides())
    online = rng.binomial(frame["online"], np.where(~side(frame) & late(frame), 0.6, 1.0))
    return frame.assign(received=frame["received"] - frame["online"] + online, online=online)


def easy_kind(rng: np.random.Generator, effect: float) -> pd.DataFrame:
    """A new kind of dossier, filed online in two of three cases, doubles what treated cells receive."""
    frame = plain(rng, effect, sides())
    more = rng.poisson(frame["received"]) * on(frame)
    return frame.assign(received=frame["received"] + more, online=frame["online"] + rng.binomial(more, 0.65))


def other_people(rng: np.random.Generator, effect: float) -> pd.DataFrame:
    """Inside treated cells as many dossiers come from others: of those who file online in four of five cases 30 % instead of 18 %."""
    frame = cells(rng, sides())
    return counted(rng, added(frame, on(frame), (0.30 - 0.18) * (0.8 - 0.35)), effect)


def counted_otherwise(rng: np.random.Generator, effect: float) -> pd.DataFrame:
    """One in ten dossiers at the counter of treated cells, which staff type in, is called online."""
    frame = plain(rng, effect, sides())
    return frame.assign(online=frame["online"] + rng.binomial(frame["received"] - frame["online"], np.where(on(frame), 0.1, 0.0)))


def postponed(rng: np.random.Generator, effect: float) -> pd.DataFrame:
    """Of the two months before the date two in five online dossiers of treated cells, and one in ten others, wait until after it."""
    frame = plain(rng, effect, sides())
    counter, waits = frame["received"] - frame["online"], near(frame, -2, -1)
    online, other = rng.binomial(frame["online"], 0.4 * waits), rng.binomial(counter, 0.1 * waits)
    later = pd.DataFrame({"unit": frame["unit"], "time": frame["time"] + 2, "more": online, "others": other})[waits]
    both = frame.merge(later, on=["unit", "time"], how="left").fillna({"more": 0, "others": 0})
    told = (both["online"] - online + both["more"]).astype(int)
    return frame.assign(online=told, received=told + (counter - other + both["others"]).astype(int))


def recoded(rng: np.random.Generator, effect: float) -> pd.DataFrame:
    """At the date the treated side's two codes of a cluster become one, the second's; the first, filed online more often, ends."""
    frame = cells(rng, sides())
    first = frame["unit"].str[-1].astype(int) % 2 == 0
    frame = counted(rng, added(frame, first.to_numpy() & side(frame), 0.15), effect)
    gone = frame[first & on(frame)].assign(
        unit=lambda t: t["cluster"] + "u" + (t["unit"].str[-3:].astype(int) + 1).astype(str).str.zfill(3)
    )
    both = frame[~(first & on(frame))].merge(
        gone[["unit", "time", "online", "received"]], on=["unit", "time"], how="left", suffixes=("", "_")
    )
    return both.assign(online=both["online"] + both["online_"].fillna(0), received=both["received"] + both["received_"].fillna(0))


def lost_where_low(rng: np.random.Generator, effect: float, told: bool) -> pd.DataFrame:
    """After the date the treated cells whose share is lowest for their unit, a seventh of them, are missing: told, as empty outcomes, or
    simply not there."""
    frame = plain(rng, effect, sides(), alone=0.05)
    share = frame["online"] / frame["received"] - frame["level"]
    lost = on(frame) & (share < share[on(frame)].quantile(0.15))
    return frame.assign(online=frame["online"].where(~lost)) if told else frame[~lost]


# --- all of them -----------------------------------------------------------------------------------------------------
ROBUST_FIRST = {"estimator": ROBUST, "estimators": [ROBUST, OTHER]}
NOT_YET = {"comparison": "not_yet"}
STATES = partial(plain, places=cohorts(8, 12, 16, 20, 24, each=6), months=28, **QUIET)
TWO_COHORTS = cohorts(10, 18, np.nan)
WORLDS: dict[str, World] = {world.name: world for world in [
    World("good", "8 + 8 clusters, 24 + 12 months", partial(plain, places=sides())),
    World("both_sides", "12 clusters that hold both sides, months of their own", both_sides, informative=12,
          keys={"period_by": "cluster"}),
    World("national_shock", "a shock to both sides at the date", national_shock),
    World("season_balanced", "a season of the treated side alone, ±2 points, 24 + 12 months", partial(season, before=24, after=12)),
    World("random_walk", "clusters wander", partial(plain, places=sides(), own=0.006, memory=1.0)),
    World("memory_9", "clusters' shocks last: AR 0.9", partial(plain, places=sides(), own=0.025, memory=0.9)),
    World("five_before", "5 + 10 months", partial(plain, places=sides(before=5), months=15)),
    World("heteroskedastic", "6 + 6 clusters, the treated moved six to twelve times as much", heteroskedastic, informative=6),
    World("by_size", "effects that differ by size, of a known mean", by_size, informative=10),
    World("missing_at_random", "one outcome in ten missing", missing_at_random),
    World("moved_between_units", "treated dossiers move to a unit of another level", moved_between_units),
    World("treated_before", "three more clusters treated since before the panel", treated_before),
    World("days", "days in place of shares, of heavy tails", days, informative=10, effect=-1.5,
          keys={"outcome": "days", "weights": "none"}),
    World("staggered", "two cohorts and never treated, growing effects", partial(growing, places=TWO_COHORTS, months=30, **QUIET),
          keys=ROBUST_FIRST),
    World("staggered_regression", "the same with one constant effect, by the regression",
          partial(plain, places=TWO_COHORTS, months=30, **QUIET)),
    World("not_yet", "30 states, all treated in the end", STATES, informative=24, keys={**NOT_YET, **ROBUST_FIRST}),
    World("not_yet_regression", "the same, by the regression", STATES, informative=24, keys=NOT_YET),
    World("giant", "4 + 4 clusters, a treated one with 20 times the dossiers", partial(giant, whose="t00"), informative=1),
    World("giant_compared", "4 + 4 clusters, a comparison one with 20 times the dossiers", partial(giant, whose="c00"), informative=1),
    World("one_treated", "1 + 20 clusters", partial(plain, places=sides(1, 20, units=1)), informative=1),
    World("two_treated", "2 + 8 clusters", partial(plain, places=sides(2, 8)), informative=2),
    World("three_treated", "3 + 7 clusters", partial(plain, places=sides(3, 7)), informative=3),
    World("informationless", "one treated unit, and five that are seen once", informationless, informative=1),
    World("shared_shock", "one AR(0.7) shock to the whole treated side", shared_shock, valid=False, informative=1),
    World("regions", "16 clusters that are four regions", regions, valid=False, informative=2),
    World("season_unbalanced", "a season of the treated side alone, ±2 points, 8 + 6 months", partial(season, before=8, after=6),
          valid=False, informative=1),
    World("chosen_low", "treated where the share had just been low", chosen_low, valid=False, bias=1.0),
    World("diverging", "the treated side gains 0.15 points a month", diverging, valid=False, bias=2.7),
    World("contaminated", "3 of 8 comparison clusters gain 4 points of their own", contaminated, valid=False, bias=-1.5),
    World("anticipated", "4 points less in the three months before", anticipated, valid=False, bias=1.0),
    World("cohort_anticipates", "the later cohort has 4 points less before its date", later_cohort_anticipates, valid=False, bias=1.3,
          keys=ROBUST_FIRST),
    World("cohort_anticipates_regression", "the same, by the regression", later_cohort_anticipates, valid=False, bias=0.6),
    World("ceiling", "the treated side near 95 %", at_the_ceiling, valid=False, bias=-6.6, effect=2.0),
    World("under_recorded", "40 % of treated dossiers at the counter unrecorded", under_recorded, valid=False, bias=12.0),
    World("under_recorded_little", "10 % of treated dossiers at the counter unrecorded",
          partial(under_recorded, kept=0.9), valid=False, bias=2.5),
    World("under_recorded_elsewhere", "40 % of online dossiers of the comparison side unrecorded",
          under_recorded_elsewhere, valid=False, bias=12.0),
    World("easy_kind", "a new easy kind doubles treated cells", easy_kind, valid=False, bias=10.0),
    World("postponed", "people wait for the date", postponed, valid=False, bias=1.4),
    World("recoded", "two codes of the treated side become one", recoded, valid=False, bias=7.0),
    World("lost_told", "the lowest treated outcomes are empty", partial(lost_where_low, told=True), valid=False),
    World("lost_untold", "the lowest treated cells are not there", partial(lost_where_low, told=False), valid=False, bias=1.5),
    World("other_people", "another mix of people inside treated cells", other_people, valid=False, bias=5.4,
          impossible="the mix inside a cell is not recorded, and volumes do not move"),
    World("counted_otherwise", "from the date on more is called online on one side", counted_otherwise, valid=False, bias=5.5,
          impossible="the counts are as many, and nothing in them says that another rule made them"),
]}  # fmt: skip
