"""From checks to one of five fixed verdicts, by rules that the study wrote down beforehand (docs/decisions/0004-verdict.md).

First match first:
 5 cannot be judged    no kind of interval or rank can be relied on, or the main method gives only a change of one series
 4 no meaningful one   the study names `smallest_effect`, the 90% interval of the headlined kind lies inside plus and minus that (two
                       one-sided tests: Schuirmann 1987), so do the estimates with a cluster left out and those of the other methods;
                       the checks of the time before pass, no warning fires, and the design tells an effect
 3 unclear             the headlined interval holds 0; or the placebo rank is above `rank`
 2 suggestive          it does not, but a check fails or could not be made, a warning fires, or the conclusion rests on a rank or on a
                       mere difference
 1 clear               none of these
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from ..design.design import Design
from ..estimation.inference import LEVEL, interval_at, placebo_rank
from ..estimation.results import Estimate, ratio_rank
from ..infer.false_alarms import linear_of
from ..infer.multiplicity import holm
from ..infer.pre_trends import PreTrends
from ..infer.randomization import randomization
from ..infer.wild import wild
from ..study.study import Study, VerdictRules
from ..study.vocabulary import NO_INTERVAL
from .warning_signs import Sign

CLEAR, SUGGESTIVE, UNCLEAR, NEGLIGIBLE, CANNOT = 1, 2, 3, 4, 5
EQUIVALENCE = 0.90  # two one-sided tests of 5 %
ROUNDING = 1e-9  # a tenth of ten is one
CHANCE = 0.9  # of studies without a divergence that may not fail by single event times alone
TIME_BEFORE = ("placebo_time", "pre_period")  # checks that speak of the design, whatever the effect


@dataclass(frozen=True)
class Small:
    """Whether the effect is smaller than what the study calls meaningful. Points, or the outcome's own unit."""

    limit: float
    low: float  # of the 90 % interval of the headlined kind
    high: float
    largest: float  # |estimate| with a cluster left out, or of another method, whichever is largest

    @property
    def inside(self) -> bool:
        return -self.limit < self.low and self.high < self.limit and self.largest < self.limit


def judge_checks(
    main: Estimate,
    time: Estimate | None,
    left_out: Estimate | None,
    others: tuple[Estimate, ...],
    honest: Estimate | None,
    rules: VerdictRules,
    parted: PreTrends | None = None,
) -> dict[str, str]:
    """pass, fail or none (could not be made) of each check; a check that the rules do not ask for (0) is left out.

    placebo_time: the interval at a pretended earlier date holds 0, and no cohort alone differs there by its p after Holm.
    leave_one_out: same sign whichever cluster is left out. pre_period: `before_state`. methods: this share of the other methods has
    the main one's sign. breakdown: the headlined average stays apart from 0 while the groups stand apart by this many times the farthest
    that they stood apart before.
    """
    value = main.overall()["estimate"]
    checks = {"placebo_time": "none", "leave_one_out": "none", "pre_period": "none"}
    if time is not None:
        checks["placebo_time"] = at_pretended_date(time.table)
    if left_out is not None:
        checks["leave_one_out"] = state((np.sign(left_out.table["estimate"]) == np.sign(value)).all())
    checks["pre_period"] = before_state(*misses(main), parted, rules)
    if rules.sign_agreement > 0:
        told = estimates_of(others)
        checks["methods"] = state((np.sign(told) == np.sign(value)).mean() >= rules.sign_agreement) if len(told) else "none"
    if rules.breakdown > 0:
        checks["breakdown"] = "none" if honest is None else state(breakdown_of(honest) >= rules.breakdown)
    return checks


def misses(main: Estimate) -> tuple[int, int]:
    """(event times before the policy whose interval misses 0, all that have one)."""
    before = main.rows("event").query("event_time < 0 and ci_low == ci_low")
    return int(((before["ci_low"] > 0) | (before["ci_high"] < 0)).sum()), len(before)


def before_state(missed: int, number: int, parted: PreTrends | None, rules: VerdictRules) -> str:
    """fail: more event times miss 0 than `allowed`, or the joint test rejects at 5%. pass: neither, and
    the test would have found a steady drift that would matter more often than not. none: there is no test, or it would not."""
    if missed > allowed(number, rules.pre_trends) or (parted is not None and parted.rejects):
        return "fail"
    return "pass" if parted is not None and parted.enough else "none"


def allowed(number: int, share: float) -> int:
    """How many of so many event times may miss 0: the rule's share rounded down, and no fewer than chance alone makes of 5% misses in nine
    of ten studies (none of two, one of three to ten). A share of 0 allows none."""
    return max(int(number * share + ROUNDING), int(stats.binom.ppf(CHANCE, number, 1 - LEVEL))) if share > 0 else 0


def state(passes: bool) -> str:
    return "pass" if passes else "fail"


def at_pretended_date(table: pd.DataFrame) -> str:
    """The check of `placebo_time` rows: the first of all cohorts together, the others one cohort each."""
    if pd.isna(table["ci_low"].iloc[0]):
        return "none"
    pooled = table["ci_low"].iloc[0] <= 0 <= table["ci_high"].iloc[0]
    return state(pooled and not early_cohorts(table).any())


def early_cohorts(table: pd.DataFrame) -> pd.Series:
    """Per row of `placebo_time` whether it is a cohort that differs at its pretended date, corrected for their number (Holm 1979)."""
    return pd.Series(holm(table["p_value"].where(table["group"] != "").to_numpy()) < 1 - LEVEL, index=table.index)


def estimates_of(others: tuple[Estimate, ...]) -> pd.Series:
    """The average effects of the other methods, by name; refused ones and changes of one series are none."""
    rows = pd.concat([other.rows("overall").head(1) for other in others]) if others else pd.DataFrame(columns=["status"])
    rows = rows[rows["status"] == "ok"]
    return pd.Series(rows["estimate"].to_numpy(float), index=rows["estimator"].to_numpy()) if len(rows) else pd.Series(dtype=float)


def breakdown_of(honest: Estimate) -> float:
    """How many times as far as ever before the groups may stand apart until the headlined average's interval holds 0."""
    return breakdown_row(honest, "overall")["estimate"]


def breakdown_row(honest: Estimate, group: str) -> pd.Series:
    """The row that tells a breakdown value: of the average in levels (`overall`), of the first period or the average in steps (`first`,
    `average`)."""
    rows = honest.rows("sensitivity_level" if group == "overall" else "sensitivity_relative")
    return rows[rows["group"] == f"{group} breakdown"].iloc[0]


def smallness(
    design: Design, main: Estimate, headline: str, left_out: Estimate | None, others: tuple[Estimate, ...], p: Study
) -> Small | None:
    """The two one-sided tests; None without a threshold, or where the headlined kind has no interval."""
    if p.smallest_effect is None or headline in NO_INTERVAL:
        return None
    low, high = narrower(design, main, headline, p.estimator)
    parts = [estimates_of(others)] + ([left_out.table["estimate"]] if left_out is not None else [])
    values = np.concatenate([np.asarray(part, float) for part in parts])
    return Small(p.smallest_effect, low, high, float(np.abs(values).max()) if len(values) else float("nan"))


def narrower(design: Design, main: Estimate, kind: str, estimator: str) -> tuple[float, float]:
    """The 90 % interval of a kind of inference: (low, high), nan where it has an open end."""
    if kind == "wild":
        found = wild(linear_of(design, estimator), design.seed, level=EQUIVALENCE)
    elif kind == "randomization":
        found = randomization(design, level=EQUIVALENCE)
    else:
        return interval_at(main.overall(), EQUIVALENCE)
    return found["ci_low"], found["ci_high"]


def judging_rank(main: Estimate, space: Estimate) -> tuple[int, int]:
    """(rank, number) that a verdict rests on: of a synthetic method that of its ratio of errors after and before, else by size. What is
    large in a large unit may be small beside its own errors (decision 7)."""
    return ratio_rank(main) or placebo_rank(main.overall()["estimate"], space.table["estimate"])


def judge(
    design: Design,
    main: Estimate,
    headline: str,
    checks: dict[str, str],
    space: Estimate | None,
    signs: tuple[Sign, ...],
    small: Small | None,
    rules: VerdictRules,
) -> int:
    """The verdict, 1 to 5, by the rules at the head of this file."""  # fmt: skip
    row, effect = main.overall(), design.estimand == "effect"
    if headline == "none":
        return CANNOT
    if headline == "placebo":
        rank, number = judging_rank(main, space)
        return SUGGESTIVE if rank / number <= rules.rank else UNCLEAR
    if small is not None and small.inside and effect and not signs and all(checks[name] == "pass" for name in TIME_BEFORE):
        return NEGLIGIBLE
    if not (row["ci_low"] > 0 or row["ci_high"] < 0):
        return UNCLEAR
    return CLEAR if effect and not signs and all(result == "pass" for result in checks.values()) else SUGGESTIVE
