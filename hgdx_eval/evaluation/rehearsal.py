"""A dress rehearsal on the study's own months before the policy: how often would this page be wrong, and what would it find?

Effects of known size are put into placebo worlds (`infer.false_alarms`), and in each the whole judgement is made: the headlined interval or
rank, the checks, the warnings, the verdict, by the rules of `verdict.py`. DeclareDesign (Blair, Cooper, Coppock & Humphreys 2019, American
Political Science Review 113) calls such rates diagnosands; exaggeration and wrong signs are those of Gelman & Carlin (2014, Perspectives on
Psychological Science 9).

What is linear in the outcomes is not estimated anew (`rehearsal_sums`). Held at what the study itself has: the kind of inference that its
gate chose, the number of cases and so their jump, warnings of the design alone, and whatever `missing` names. A method that is no weighted
sum is rehearsed by its own placebos: effects are added to the periods after the policy of each unit that pretends to be treated.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats
from scipy.optimize import brentq

from ..base.memo import remembered
from ..base.telling import in_brief
from ..design.design import Design
from ..estimation.fixed_effects import usable
from ..estimation.inference import LEVEL
from ..estimation.results import ratio_rank
from ..estimation.synthetic_weights import placebo_gaps
from ..infer.false_alarms import WORLDS, wild_test, worlds_of
from ..infer.pre_trends import ENOUGH, power_of
from ..infer.randomization import share_as_extreme
from ..infer.sensitivity import LIMIT, EventStudy, event_study_of
from ..infer.world_sums import Sums as WildSums
from ..infer.world_sums import draws_of, outcomes
from ..study.study import Study, VerdictRules
from .evaluation import Evaluation
from .rehearsal_sums import Read, Sums, read_of
from .verdict import CLEAR, EQUIVALENCE, NEGLIGIBLE, SUGGESTIVE, UNCLEAR, allowed
from .warning_signs import BEFORE, CAMPAIGN, SEASON, STEADY

MOST, LEAST = 500, 200  # worlds
ROWS = 5e7  # rows of all worlds together
AT_ONCE = 8e6  # rows of worlds at once
STEPS = 9  # of the ladder of effects
PAST = 1.5  # times the smallest meaningful effect, or what is surely found: as far as the ladder goes
SURE = 4.0  # standard deviations of the estimate
POWER = 0.8
SHAPES = ("constant", "growing", "fading")
FOLLOWED_SIGNS = ("differential_trend", "uneven_campaign", "season", "volume_change")
COLUMNS = ["shape", "effect", "worlds", "found", "covered", "wrong_sign", "exaggeration", *(f"level_{level}" for level in range(1, 6))]


@dataclass(frozen=True)
class Rehearsal:
    """How often a study like this one finds an effect that is put into it. Wordless.

    `table`: one row per shape and size of effect: shape (constant, growing, fading over the time since the start), effect (its average, in
    points or the outcome's own unit), worlds, found (share 0-1: the headlined interval leaves out 0, or the rank is as the rules ask),
    covered (share of intervals that hold the average; NaN of ranks), wrong_sign (share of those found), exaggeration (mean of |estimate|
    over the effect, of those found), level_1 to level_5 (share of each verdict).
    """

    table: pd.DataFrame
    by: str  # worlds or placebos
    smallest: float  # constant effect that is found 8 times in 10; NaN: none on the ladder
    before: int  # periods that the worlds are drawn from
    limit: float | None  # the study's smallest meaningful effect
    scale: str
    missing: tuple[str, ...]  # checks held at what the study has
    reason: str = ""  # why there is none

    def __repr__(self) -> str:
        if self.table.empty:
            return in_brief(self, f"none: {self.reason}")
        none = self.table.iloc[0]
        return in_brief(self, f"{int(none['worlds'])} {self.by}", f"without effect: {none['found']:.3f} found",
                        f"{self.smallest:.3g} found 8 times in 10")  # fmt: skip

    def at(self, effect: float, shape: str = "constant") -> pd.Series:
        """The row of an effect."""
        rows = self.table[(self.table["shape"] == shape) & np.isclose(self.table["effect"], effect)]
        return rows.iloc[0]


def rehearse(found: Evaluation, p: Study) -> Rehearsal:
    """How often this study would find effects of known sizes, and what its verdict would say where there is none. `found`: what `evaluate`
    gives. Computed once in a run.

    Returns a Rehearsal; its table is empty, with a `reason`, where the time before the policy cannot tell.
    """
    return remembered(lambda: rehearsed(found, p), "rehearsal", p, found.design)


def rehearsed(found: Evaluation, p: Study, further: tuple[float, ...] = (), most: int = MOST) -> Rehearsal:
    """The same, computed anew. `further`: effects that are tried, too; `most`: worlds."""
    design = found.design
    if found.headline == "none":
        return without(found, p, "no_headline")
    read = read_of(design, found, p)
    if read is None:
        return by_placebos(found, p)
    source = worlds_of(design)
    if source is None:
        return by_placebos(found, p) if found.headline == "placebo" else without(found, p, "too_few_periods")
    judge = judge_of(found, read, p)
    paths = paths_of(design)
    table = usable(design)
    number = int(np.clip(ROWS // len(table), LEAST, most))
    chunk = max(1, int(AT_ONCE // len(table)))
    moved = {shape: read.sums(path[:, None]) for shape, path in paths.items()}
    kept: dict[tuple[str, float], list[pd.DataFrame]] = {}
    ladder: list[tuple[str, float]] = []
    for at in range(0, number, chunk):
        draws = draws_of(source, WORLDS + at, min(chunk, number - at), worst_common(found))
        plain = read.sums(outcomes(source, draws))
        ladder = ladder or ladder_of(float(plain["main"].std()), p.smallest_effect, list(paths))
        for shape, effect in dict.fromkeys([*ladder, *(("constant", size) for size in further)]):
            kept.setdefault((shape, effect), []).append(judge.of(plain, moved[shape], effect))
    rows = [{"shape": shape, "effect": effect, **rates(pd.concat(parts), effect)} for (shape, effect), parts in kept.items()]
    rows = pd.DataFrame(rows, columns=COLUMNS)
    return Rehearsal(rows, "worlds", smallest_found(rows), source.before, p.smallest_effect, design.scale, read.missing)


def by_placebos(found: Evaluation, p: Study) -> Rehearsal:
    """Of a method that is judged by a rank: each unit that pretends to be treated, with the effect added to its gaps after the start."""
    design = found.design
    gaps = None
    if found.headline == "placebo" and found.placebo_space is not None:
        only = found.placebo_space.table["estimate"].to_numpy()[:, None]
        gaps = placebo_gaps(design, p.estimator) or (np.ones_like(only), only, np.zeros(1))
    if gaps is None:
        return without(found, p, "other_method")
    before, after, event = gaps
    fit = np.sqrt((before**2).mean(axis=1))
    by_ratio = ratio_rank(found.main) is not None
    shapes = {"constant": np.ones(len(event)), "growing": event + 1.0, "fading": event.max() - event + 1.0}
    shapes = {shape: height / height.mean() for shape, height in shapes.items() if shape == "constant" or len(event) > 1}
    plain = size_of(after, fit, by_ratio)
    rows = []
    for shape, effect in ladder_of(float(after.mean(axis=1).std()), p.smallest_effect, list(shapes)):
        moved = after + effect * shapes[shape]
        own = size_of(moved, fit, by_ratio)
        larger = (plain[None, :] >= own[:, None] * (1 - 1e-12)).sum(axis=1) - (plain >= own * (1 - 1e-12))
        hit = (1 + larger) / len(plain) <= p.verdict.rank
        judged = pd.DataFrame({"level": np.where(hit, SUGGESTIVE, UNCLEAR), "found": hit, "covered": np.nan,
                               "estimate": moved.mean(axis=1)})  # fmt: skip
        rows.append({"shape": shape, "effect": effect, **rates(judged, effect)})
    table = pd.DataFrame(rows, columns=COLUMNS)
    return Rehearsal(table, "placebos", smallest_found(table), periods_before(design), p.smallest_effect, design.scale, ())


def size_of(after: np.ndarray, fit: np.ndarray, by_ratio: bool) -> np.ndarray:
    """What a rank compares: the root mean square gap after the start over that before, or the mean gap."""
    return np.sqrt((after**2).mean(axis=1)) / np.maximum(fit, 1e-300) if by_ratio else np.abs(after.mean(axis=1))


def without(found: Evaluation, p: Study, reason: str) -> Rehearsal:
    design = found.design
    return Rehearsal(pd.DataFrame(columns=COLUMNS), "", np.nan, periods_before(design), p.smallest_effect, design.scale, (), reason)


def periods_before(design: Design) -> int:
    return int(design.table.loc[design.table["time"] < design.start.ordinal, "time"].nunique())


def worst_common(found: Evaluation) -> bool:
    """Whether worlds in which all clusters draw the same months decide, as in the gate."""
    row = found.gate[found.gate["kind"] == found.headline]
    return bool(len(row)) and bool(row["rate"].iloc[0] > row["own"].iloc[0])


def paths_of(design: Design) -> dict[str, np.ndarray]:
    """Shape -> outcomes of the usable rows, in points, of an effect whose average over the treated rows by weight is one."""
    table = usable(design)
    treated, since = table["treated"].to_numpy(bool), table["event_time"].fillna(0).to_numpy(float)
    last = since[treated].max()
    found = {}
    for shape, height in (("constant", np.ones(len(table))), ("growing", since + 1), ("fading", last - since + 1)):
        own = np.where(treated, height, 0.0)
        found[shape] = own / np.average(own[treated], weights=table["weight"].to_numpy()[treated])
    return found if last > 0 else {"constant": found["constant"]}


def ladder_of(sd: float, limit: float | None, shapes: list[str]) -> list[tuple[str, float]]:
    """Effects from 0 to what is surely found in round steps, and to past the smallest meaningful one; growing and fading ones of every
    other size."""
    step = rounded(SURE * sd / STEPS)
    sizes = (step * np.arange(STEPS + 1)).tolist()
    for further in (limit, PAST * limit) if limit else ():
        if all(abs(size - further) > 1e-9 * step for size in sizes) and (further == limit or further > sizes[-1]):
            sizes = sorted([*sizes, further])
    return [("constant", size) for size in sizes] + [(shape, size) for shape in shapes if shape != "constant" for size in sizes[2::2]]


def rounded(step: float) -> float:
    """The next 1, 2, 2.5 or 5 times a power of ten."""
    power = 10.0 ** np.floor(np.log10(step)) if step > 0 else 1.0
    return next(float(f"{nice * power:.6g}") for nice in (1, 2, 2.5, 5, 10) if nice * power >= step * (1 - 1e-9))


def rates(judged: pd.DataFrame, effect: float) -> dict[str, float]:
    """Of single worlds (level, found, covered, estimate) the shares."""
    hits = judged[judged["found"]]
    told = {"worlds": len(judged), "found": judged["found"].mean(), "covered": judged["covered"].mean(),
            "wrong_sign": (hits["estimate"] < 0).mean() if effect > 0 and len(hits) else np.nan,
            "exaggeration": (hits["estimate"].abs() / effect).mean() if effect > 0 and len(hits) else np.nan}  # fmt: skip
    return told | {f"level_{level}": (judged["level"] == level).mean() for level in range(1, 6)}


def smallest_found(table: pd.DataFrame) -> float:
    """The constant effect from which on it is found 8 times in 10, between two steps of the ladder along a line; NaN where none is."""
    own = table[table["shape"] == "constant"]
    effects, found = own["effect"].to_numpy(), own["found"].to_numpy()
    below = np.flatnonzero(found < POWER)
    last = below.max() if len(below) else -1
    if last == len(found) - 1:
        return np.nan
    if last < 0:
        return float(effects[0])
    share = (POWER - found[last]) / (found[last + 1] - found[last])
    return float(effects[last] + share * (effects[last + 1] - effects[last]))


# --- one judgement for many worlds ------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class T:
    """A clustered t of each world."""

    estimate: np.ndarray
    std_error: np.ndarray
    dof: float

    def reach(self, level: float = LEVEL) -> np.ndarray:
        return stats.t.ppf(0.5 + level / 2, self.dof) * self.std_error

    @property
    def misses(self) -> np.ndarray:
        """Whether the 95% interval leaves out 0."""
        return np.abs(self.estimate) > self.reach()

    @property
    def p_value(self) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):
            return 2 * stats.t.sf(np.abs(self.estimate) / self.std_error, self.dof)


@dataclass(frozen=True)
class Judge:
    """The study's rules, asked of many worlds at once: `of`. Each of its checks has the name that it has in `Evaluation.checks`."""

    found: Evaluation
    read: Read
    p: Study
    study: EventStudy | None  # of the time before, where the main method has one
    wild: Callable[[None, WildSums], np.ndarray] | None  # p of each world, where the headline is the wild bootstrap
    unit: Sums  # of outcomes that move the estimate by one, where the headline asks for them

    @property
    def rules(self) -> VerdictRules:
        return self.p.verdict

    @property
    def held_signs(self) -> bool:
        """Whether a warning stands that is held at what the study has."""
        signs = self.found.signs
        return any(sign.name not in FOLLOWED_SIGNS or (sign.name == "season" and "without" not in sign.numbers) for sign in signs)

    def of(self, plain: Sums, moved: Sums, effect: float) -> pd.DataFrame:
        """One row per world with the effect in it: level, found, covered, estimate."""
        sums = added(plain, moved, effect)
        main = self.t(sums, "main")
        found, covered = self.headline(sums, effect, main)
        checks, signs = self.checks(sums, main), self.warnings(sums, main)
        level = self.level(sums, main, found, checks, signs)
        return pd.DataFrame({"level": level, "found": found, "covered": covered, "estimate": main.estimate})

    def t(self, sums: Sums, name: str) -> T:
        test, scores = self.read.tests[name], sums[f"{name} scores"]
        return T(sums[name], np.sqrt(test.factor * (scores**2).sum(axis=0)), test.dof)

    def headline(self, sums: Sums, effect: float, main: T) -> tuple[np.ndarray, np.ndarray]:
        """(whether 0 is left out, or the rank is as the rules ask; whether the average effect is held)."""
        kind = self.found.headline
        if kind == "placebo":
            own, others = np.abs(main.estimate), np.abs(sums["placebos"])
            rank = 1 + (others >= own * (1 - 1e-12)).sum(axis=0)
            return rank / (1 + len(others)) <= self.rules.rank, np.full(len(own), np.nan)
        if self.unit:
            return self.p_value(sums) <= 1 - LEVEL + 1e-12, self.p_value(added(sums, self.unit, -effect)) > 1 - LEVEL + 1e-12
        return main.misses, np.abs(main.estimate - effect) <= main.reach()

    def p_value(self, sums: Sums) -> np.ndarray:
        """Of no effect, in each world, where the headline is the wild bootstrap or randomisation."""
        if self.wild is None:
            return share_as_extreme(sums["assigned"])
        worlds = WildSums(sums["main"], sums["main scores"], sums["s0"], np.ascontiguousarray(np.moveaxis(sums["b0"], 2, 0)))
        return self.wild(None, worlds)

    def checks(self, sums: Sums, main: T) -> dict[str, np.ndarray | None]:
        """Whether each check passes in each world; None where it could not be made in the study."""
        own, found = self.found.checks, {}
        for name, state in own.items():
            followed = name not in self.read.missing and state != "none"
            found[name] = None if state == "none" else np.full(len(main.estimate), state == "pass")
            if followed and hasattr(self, name):
                found[name] = getattr(self, name)(sums, main)
        if self.study is not None or any(name.startswith("event ") for name in self.read.tests):
            found["pre_period"] = self.pre_period(sums, main)
        return found

    def placebo_time(self, sums: Sums, main: T) -> np.ndarray:
        parts = {name: self.t(sums, name) for name in self.read.tests if name.startswith("pretended ")}
        fails = parts["pretended 0"].misses.copy()
        early = np.array([parts[name].p_value for name in self.read.cohorts])
        if len(early):
            fails |= holm_least(early) < 1 - LEVEL
        return ~fails

    def leave_one_out(self, sums: Sums, main: T) -> np.ndarray:
        return (np.sign(sums["left out"]) == np.sign(main.estimate)).all(axis=0)

    def methods(self, sums: Sums, main: T) -> np.ndarray:
        return (np.sign(sums["others"]) == np.sign(main.estimate)).mean(axis=0) >= self.rules.sign_agreement

    def volume(self, sums: Sums, main: T) -> np.ndarray:
        """The jump in the number of cases is the study's own; whether it could be all of the effect is asked in each world."""
        volume, row = self.found.volume, self.found.main.overall()
        if volume is None or not volume.seen:
            return np.ones(len(main.estimate), bool)
        low, high = (end if np.isfinite(end) else row["estimate"] for end in (row["ci_low"], row["ci_high"]))
        reach = main.reach() if np.isfinite(row["ci_low"]) else 0.0
        return ~((main.estimate - reach + volume.low - low <= 0) & (main.estimate + reach + volume.high - high >= 0))

    def breakdown(self, sums: Sums, main: T) -> np.ndarray:
        """Whether 0 is left out at every bound up to the rule's, as `largest` looks for it."""
        study = self.study
        if study is None:
            return np.full(len(main.estimate), self.found.checks["breakdown"] == "pass")
        own, scores = study.average_told, sums["path scores"][:, self.read.used]
        scaled = np.sqrt(self.read.tests["main"].factor) * sums["main scores"]
        early = sums["path"][self.read.used][: study.before]
        shared = np.einsum("gkw,gw->kw", scores[:, : study.before], scaled)
        spread, variance = (scores[:, : study.before] ** 2).sum(axis=0), main.std_error**2
        bounds = [0.0, *(bound for bound in LIMIT * np.arange(1, 11) / 10 if bound < self.rules.breakdown), self.rules.breakdown]
        good = np.ones(len(main.estimate), bool)
        for bound in bounds:
            ends = []
            for sign in (1.0, -1.0):
                move = sign * bound
                dof = np.minimum(own.dof, own.dof_before) if bound > 0 else np.full(study.before, own.dof)
                reach = stats.t.ppf(0.5 + LEVEL / 2, dof)[:, None] * np.sqrt(np.maximum(variance - 2 * move * shared + move**2 * spread, 0))
                ends.append((main.estimate - move * early - reach, main.estimate - move * early + reach))
            low, high = np.minimum(ends[0][0], ends[1][0]).min(axis=0), np.maximum(ends[0][1], ends[1][1]).max(axis=0)
            good &= (low > 0) | (high < 0)
        return good

    def pre_period(self, sums: Sums, main: T) -> np.ndarray | None:
        """`before_state` in each world; None where no world could pass or fail."""
        events = [self.t(sums, name).misses for name in self.read.tests if name.startswith("event ")]
        missed = np.sum(events, axis=0) if events else np.zeros(len(main.estimate), int)
        fails = missed > allowed(len(events), self.rules.pre_trends)
        if self.study is None or self.found.pre_trends is None:
            return None if not fails.any() else np.zeros(len(fails), bool)
        rejects, enough = self.joint(self.study, sums, main)
        return ~(fails | rejects) & enough

    def joint(self, study: EventStudy, sums: Sums, main: T) -> tuple[np.ndarray, np.ndarray]:
        """Hotelling's test of `pre_trends` in each world: (rejects, power enough)."""
        own, k = study.average_told, study.before
        nu = own.dof_joint
        left = nu - k + 1
        scores, beta = sums["path scores"][:, self.read.used][:, :k], sums["path"][self.read.used][:k]
        inverse = np.linalg.pinv(np.einsum("gkw,glw->wkl", scores, scores), hermitian=True)
        squared = np.einsum("kw,wkl,lw->w", beta, inverse, beta)
        strength = np.einsum("k,wkl,l->w", own.drift_before, inverse, own.drift_before)
        rejects = squared * left / (nu * k) > stats.f.ppf(LEVEL, k, left)
        needed = brentq(lambda root: power_of(root**2, k, left) - ENOUGH, 0.0, 1e3) ** 2
        matters = np.maximum(np.abs(main.estimate), self.p.smallest_effect or 0.0)
        return rejects, (matters / own.drift) ** 2 * strength >= needed

    def warnings(self, sums: Sums, main: T) -> np.ndarray:
        """Whether any warning fires in each world."""
        fires = np.full(len(main.estimate), self.held_signs)
        fires |= ~self.volume(sums, main)
        if "slope" in self.read.tests:
            slope, before, bend = (self.t(sums, name).p_value for name in ("slope", "before", "bend"))
            fires |= ((slope < STEADY) & (bend >= 1 - LEVEL)) | (before < BEFORE)
        if (moved := self.read.season_moves) is not None:
            with_it, usual = self.t(sums, "season"), self.t(sums, "without season")
            step = sums["season scores"] - sums["without season scores"]
            error = np.sqrt(moved.factor * (step**2).sum(axis=0))
            fires |= (T(with_it.estimate - usual.estimate, error, moved.dof).p_value < SEASON) | (~with_it.misses & usual.misses)
        campaigns = [self.t(sums, name).p_value for name in self.read.tests if name.startswith("campaign ")]
        if campaigns:
            fires |= np.min(campaigns, axis=0) * len(campaigns) < CAMPAIGN
        return fires

    def level(self, sums: Sums, main: T, found: np.ndarray, checks: dict[str, np.ndarray | None], signs: np.ndarray) -> np.ndarray:
        """`judge` in each world."""
        if self.found.headline == "placebo":
            return np.where(found, SUGGESTIVE, UNCLEAR)
        effect = self.found.design.estimand == "effect"
        passed = np.ones(len(found), bool)
        for state in checks.values():
            passed &= False if state is None else state
        level = np.where(found, np.where(passed & ~signs & effect, CLEAR, SUGGESTIVE), UNCLEAR)
        time = [checks[name] for name in ("placebo_time", "pre_period")]
        if self.p.smallest_effect is None or not effect or any(state is None for state in time):
            return level
        return np.where(self.small(sums, main) & ~signs & time[0] & time[1], NEGLIGIBLE, level)

    def small(self, sums: Sums, main: T) -> np.ndarray:
        """`Small.inside` in each world."""
        limit = self.p.smallest_effect or 0.0
        sizes = [np.abs(sums[name]).max(axis=0) for name in ("left out", "others") if name in sums]
        most = np.max(sizes, axis=0) if sizes else np.full(len(main.estimate), np.nan)
        if self.unit:
            ends = [self.p_value(added(sums, self.unit, side * limit)) for side in (-1.0, 1.0)]
            return (np.abs(main.estimate) < limit) & (np.max(ends, axis=0) <= 1 - EQUIVALENCE + 1e-12) & (most < limit)
        return (np.abs(main.estimate) + main.reach(EQUIVALENCE) < limit) & (most < limit)


def judge_of(found: Evaluation, read: Read, p: Study) -> Judge:
    design, linear, unit = found.design, read.linear, {}
    study = None if read.path is None else event_study_of(design, read.path)
    if linear is not None:
        unit = read.sums(linear.direction[:, None])
    elif read.assigned is not None:
        unit = read.sums(usable(design)["treated"].to_numpy(float)[:, None])
    return Judge(found, read, p, study, None if linear is None else wild_test(design, linear), unit)


def added(plain: Sums, moved: Sums, times: float) -> Sums:
    """The sums of outcomes with so many times another one added."""
    return plain if times == 0 else {name: values + times * moved[name] for name, values in plain.items()}


def holm_least(p: np.ndarray) -> np.ndarray:
    """The least of Holm's corrected p-values: tests x worlds -> worlds."""
    return np.nanmin(p, axis=0) * (~np.isnan(p)).sum(axis=0)
