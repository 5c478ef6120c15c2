"""Many studies, one answer: a random-effects meta-analysis of what each study headlines.

Effects differ between places, so that two things are asked: the mean effect, and what a new place may expect. The variance between places
is Paule & Mandel's (1982, Journal of Research of the National Bureau of Standards 87), the interval of the mean that of Hartung & Knapp
(2001, Statistics in Medicine 20), never narrower than with the variance as estimated (Röver, Knapp & Friede 2015, BMC Medical Research
Methodology 15), with as many degrees of freedom as the weights leave studies (Kish 1965, Survey Sampling), less one: where a few studies
carry the mean, only these speak of its error. The arithmetic is statsmodels' (`combine_effects`).

The prediction interval draws the variance between places from what Cochran's Q says of it (Nagashima, Noma & Furukawa 2019, Statistical
Methods in Medical Research 28), and the variance of each study from its degrees of freedom: with a dozen places both are hardly known, and
an interval that takes them for known is too narrow (docs/pooled.md measures both).

A study brings the interval that it headlines: its half-width over the normal quantile stands for its standard error.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy import optimize, stats
from statsmodels.stats.meta_analysis import combine_effects

from ..base.telling import in_brief
from ..estimation.inference import LEVEL, dof_told
from ..estimation.results import check_table, result_table
from ..study.vocabulary import POOLED
from .sites import Site

MANY = 10  # studies, from which on the look of small studies and a regression on what they differ by are made
LEAST_PREDICTED = 3  # studies of a prediction interval
DRAWS, HALVINGS = 4000, 40  # of the prediction interval
ASKED = ("dose", "start_level")  # what a regression is made on


@dataclass(frozen=True)
class Answer:
    """The mean effect of so many studies, in their scale. `low`, `high`: its 95% interval; `new_low`, `new_high`: what a new place may
    expect (NaN below three studies); `tau`: standard deviation of effects between places; `i2`: share of the variance that is between
    them; `q`, `q_p`: the test of none; `widened`: whether the interval would have been narrower by Hartung & Knapp alone."""

    k: int
    estimate: float
    low: float
    high: float
    error: float
    p_value: float
    new_low: float = np.nan
    new_high: float = np.nan
    tau: float = np.nan
    i2: float = np.nan
    q: float = np.nan
    q_p: float = np.nan
    widened: bool = False


@dataclass(frozen=True)
class Pooled:
    """`sites`: every study, those that count first, by the policy's start and name; `answer`: None where none counts; `without`: one row
    per study left out (study, estimate, ci_low, ci_high); `by_date`: one row per start (start, k, estimate, ci_low, ci_high) of the
    studies so far; `small`: slope on the standard error, its p-value (Egger and others 1997), None below ten; `differ`: one row per
    trait (trait, slope, ci_low, ci_high, p_value, k), empty below ten."""

    sites: tuple[Site, ...]
    answer: Answer | None
    without: pd.DataFrame
    by_date: pd.DataFrame
    small: tuple[float, float] | None
    differ: pd.DataFrame

    @property
    def counted(self) -> tuple[Site, ...]:
        return tuple(site for site in self.sites if site.state == "counts")

    @property
    def simulated(self) -> bool:
        return any(site.simulated for site in self.sites)

    @property
    def scale(self) -> str:
        return self.counted[0].scale if self.counted else ""

    def __repr__(self) -> str:
        found = self.answer
        return in_brief(self, f"{len(self.counted)} of {len(self.sites)} studies",
                        f"{found.estimate:.3g} [{found.low:.3g}, {found.high:.3g}]" if found else "nothing to pool")  # fmt: skip


def pool(sites: list[Site]) -> Pooled:
    """The studies of a portfolio as one answer: those that count. The order in which they come plays no part.

    Returns a Pooled. Raises ValueError where a study that counts has no interval, or two do not measure the same.
    """
    known = sorted(sites, key=lambda site: (site.start, site.study))
    counted = [site for site in known if site.state == "counts"]
    check_same(counted)
    whole = [np.isfinite([site.estimate, site.ci_low, site.ci_high, site.level]).all() and error_of(site) > 0 for site in counted]
    if not all(whole):
        raise ValueError(f"{counted[whole.index(False)].study}: counts without an interval")
    others = [bare(site) for site in known if site.state != "counts"]
    return Pooled((*counted, *others), answer_of(counted, True) if counted else None, left_out(counted), so_far(counted),
                  small_studies(counted), differences(counted))  # fmt: skip


def bare(site: Site) -> Site:
    """A study that does not count, without a number of its own: blind until it does."""
    nothing = np.nan
    bare = replace(site, estimate=nothing, std_error=nothing, ci_low=nothing, ci_high=nothing, level=nothing, inference="none")
    return replace(bare, n_obs=nothing, n_units=nothing, n_clusters=nothing, n_treated_clusters=nothing, dose=nothing, start_level=nothing)


def check_same(counted: list[Site]) -> None:
    """Raises ValueError where two studies measure different things: the portfolio sets those aside before."""
    for site in counted[1:]:
        if (site.scale, site.definition) != (counted[0].scale, counted[0].definition):
            raise ValueError(f"{counted[0].study} and {site.study} do not measure the same")


def error_of(site: Site) -> float:
    """The half-width of the headlined interval over the normal quantile."""
    return (site.ci_high - site.ci_low) / 2 / stats.norm.ppf(0.5 + site.level / 2)


def numbers(sites: list[Site]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([site.estimate for site in sites]), np.array([error_of(site) for site in sites])


def answer_of(sites: list[Site], predicted: bool = False) -> Answer:
    """The pooled answer; of one study that study's own number and interval. `predicted`: also what a new place may expect."""
    if len(sites) == 1:
        only = sites[0]
        return Answer(1, only.estimate, only.ci_low, only.ci_high, error_of(only), np.nan)
    effects, errors = numbers(sites)
    with np.errstate(divide="ignore", invalid="ignore"):  # its own measures of spread, which are not used, where all effects are one
        found = combine_effects(effects, errors**2, method_re="iterated", use_t=True)
    tau2, k = max(float(found.tau2), 0.0), len(sites)
    weights, scale = 1 / (errors**2 + tau2), float(found.scale_hksj_re)
    free = max(weights.sum() ** 2 / (weights**2).sum() - 1, 1.0)
    error, mean = float(found.sd_eff_w_re) * np.sqrt(max(1.0, scale)), float(found.mean_effect_re)
    reach = stats.t.ppf(0.5 + LEVEL / 2, free) * error
    low, high = ahead(sites) if predicted and k >= LEAST_PREDICTED else (np.nan, np.nan)
    low, high = np.fmin(low, mean - reach) + 0 * low, np.fmax(high, mean + reach) + 0 * high  # NaN stays; one place is no surer than all
    q = max(float(found.q), 0.0)
    return Answer(k, mean, mean - reach, mean + reach, error, float(2 * stats.t.sf(abs(mean) / error, free)), low, high, np.sqrt(tau2),
                  max(0.0, 1 - (k - 1) / q) if q > 0 else 0.0, q, float(stats.chi2.sf(q, k - 1)), scale < 1)  # fmt: skip


def ahead(sites: list[Site]) -> tuple[float, float]:
    """The prediction interval: what the effect in a new place would be, over draws of the studies' variances, of the variance between
    places and of the mean. Drawn as evenly spaced quantiles in orders that a fixed seed gives, studies by what they found: the same
    numbers give the same interval, whatever studies are called."""
    sites = sorted(sites, key=lambda site: (site.estimate, error_of(site)))
    order, k, effects = np.random.default_rng(DRAWS), len(sites), np.array([site.estimate for site in sites])

    def even(law: Any) -> np.ndarray:
        return law.ppf((order.permutation(DRAWS) + 0.5) / DRAWS)

    def within(site: Site) -> np.ndarray:
        free = freedom(site)
        return site.std_error**2 * free / even(stats.chi2(free)) if np.isfinite(free) else np.full(DRAWS, error_of(site) ** 2)

    drawn = np.array([within(site) for site in sites]).T
    between = solved(effects, drawn, even(stats.chi2(k - 1)))
    mean, error, q = weighted(effects, drawn, between)
    error *= np.sqrt(np.maximum(q / (k - 1), 1))
    low, high = np.quantile(mean + error * even(stats.t(k - 1)) + np.sqrt(between) * even(stats.norm()), [0.5 - LEVEL / 2, 0.5 + LEVEL / 2])
    return float(low), float(high)


def freedom(site: Site) -> float:
    """The degrees of freedom of a study's variance, as a clustered interval tells them; infinite where another kind is headlined, whose
    half-width is all that is known."""
    if site.inference != "cluster" or site.level != LEVEL:
        return np.inf
    free = dof_told(pd.Series({"std_error": site.std_error, "ci_low": site.ci_low, "ci_high": site.ci_high}))
    return free if free > 0 else np.inf


def weighted(effects: np.ndarray, within: np.ndarray, between: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(mean, its standard error, weighted sum of squares around it) in each draw (row of `within`)."""
    weights = 1 / (within + between[:, None])
    mean = (weights * effects).sum(axis=1) / weights.sum(axis=1)
    return mean, weights.sum(axis=1) ** -0.5, (weights * (effects - mean[:, None]) ** 2).sum(axis=1)


def solved(effects: np.ndarray, within: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The variance between places at which the weighted sum of squares is as wanted in each draw; 0 where it is less without any."""
    low, high = np.zeros(len(wanted)), np.full(len(wanted), 1e3 * (effects.var() + within.max()))
    none = weighted(effects, within, low)[2] <= wanted
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        above = weighted(effects, within, middle)[2] > wanted
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return np.where(none, 0.0, (low + high) / 2)


def row_of(found: Answer) -> dict[str, float]:
    return {"estimate": found.estimate, "ci_low": found.low, "ci_high": found.high}


def left_out(sites: list[Site]) -> pd.DataFrame:
    """The answer without each study, where two others are left."""
    known = sites if len(sites) >= LEAST_PREDICTED else []
    rows = [{"study": site.study, **row_of(answer_of([other for other in sites if other is not site]))} for site in known]
    return pd.DataFrame(rows, columns=["study", "estimate", "ci_low", "ci_high"])


def so_far(sites: list[Site]) -> pd.DataFrame:
    """The answer of the studies whose policy had begun by each start, from two on."""
    starts = sorted({site.start for site in sites})
    parts = [(start, [site for site in sites if site.start <= start]) for start in starts] if len(starts) > 1 else []
    rows = [{"start": start, "k": len(part), **row_of(answer_of(part))} for start, part in parts if len(part) > 1]
    return pd.DataFrame(rows, columns=["start", "k", "estimate", "ci_low", "ci_high"])


def small_studies(sites: list[Site]) -> tuple[float, float] | None:
    """(slope of the effect on the standard error, its p-value): whether less exact studies tell larger effects."""
    effects, errors = numbers(sites)
    if len(sites) < MANY or np.ptp(errors) < 1e-9 * errors.max():
        return None
    fit = sm.WLS(effects, sm.add_constant(errors), weights=errors**-2.0).fit(use_t=True)
    return float(fit.params[1]), float(fit.pvalues[1])


def differences(sites: list[Site]) -> pd.DataFrame:
    """Regressions of the effects on what the studies differ by (size of the cut, level before), one at a time, where ten know it."""
    rows = []
    for trait in ASKED:
        known = [site for site in sites if np.isfinite(getattr(site, trait))]
        values = np.array([getattr(site, trait) for site in known])
        if len(known) >= MANY and np.ptp(values) > 0:
            rows.append({"trait": trait, **regression(*numbers(known), values), "k": len(known)})
    return pd.DataFrame(rows, columns=["trait", "slope", "ci_low", "ci_high", "p_value", "k"])


def regression(effects: np.ndarray, errors: np.ndarray, trait: np.ndarray) -> dict[str, float]:
    """A meta-regression: variance between places by Paule & Mandel, errors by Knapp & Hartung (2003, Statistics in Medicine 22)."""
    x, free = sm.add_constant(trait), len(effects) - 2

    def fit(tau2: float) -> Any:
        return sm.WLS(effects, x, weights=1 / (errors**2 + tau2)).fit()

    def excess(tau2: float) -> float:
        return float((fit(tau2).resid ** 2 / (errors**2 + tau2)).sum()) - free

    most = 10 * float(effects.var() + errors.max() ** 2)
    tau2 = optimize.brentq(excess, 0.0, most) if excess(0.0) > 0 > excess(most) else 0.0
    found = fit(tau2)
    scale = max(1.0, found.scale)
    error = float(found.bse[1]) * np.sqrt(scale / found.scale)
    slope, reach = float(found.params[1]), stats.t.ppf(0.5 + LEVEL / 2, free) * error
    return {"slope": slope, "ci_low": slope - reach, "ci_high": slope + reach, "p_value": float(2 * stats.t.sf(abs(slope) / error, free))}


# --- what is published ---------------------------------------------------------------------------------------------------
def answer(found: Pooled) -> dict[str, object]:
    """The pooled answer for the receipt: estimate, ci_low, ci_high, k, last_period, scale; k alone, 0, where nothing is pooled."""
    if found.answer is None:
        return {"k": 0}
    last = max(site.last_period for site in found.counted)
    return {**row_of(found.answer), "k": found.answer.k, "last_period": last, "scale": found.scale}


def table(found: Pooled, name: str) -> pd.DataFrame:
    """What `pooled.csv` holds, in the columns of estimates.csv: `pooled` (and how far effects differ: parameter tau, i2, q),
    `prediction`, one `study` row per study (group: its name; refused with its state where it does not count), `leave_one_out`,
    `meta_regression`."""
    rows: list[dict] = []
    common = {"study": name, "notebook": "pooled", "estimator": POOLED, "level": LEVEL, "scale": found.scale or "level",
              "simulated": found.simulated, "outcome": found.counted[0].outcome if found.counted else ""}  # fmt: skip
    if (one := found.answer) is not None:
        sizes = {name: sum(getattr(site, name) for site in found.counted) for name in ("n_units", "n_clusters", "n_treated_clusters")}
        kind = "hartung_knapp" if one.k > 1 else found.counted[0].inference
        rows.append({"term": "pooled", **row_of(one), "std_error": one.error, "p_value": one.p_value, "inference": kind, **sizes})
        if np.isfinite(one.new_low):
            rows.append({"term": "prediction", "estimate": one.estimate, "ci_low": one.new_low, "ci_high": one.new_high,
                         "inference": "confidence_distribution"})  # fmt: skip
        spread = [("tau", one.tau, common["scale"]), ("i2", one.i2, "share"), ("q", one.q, "level")]
        rows += [{"term": "pooled", "parameter": key, "estimate": number, "scale": scale, "level": np.nan, "inference": "none"}
                 for key, number, scale in spread if np.isfinite(number)]  # fmt: skip
    else:
        rows.append({"term": "pooled", "status": "refused", "reason": "no_study_counts", "inference": "none", "level": np.nan})
    rows += [study_row(site) for site in found.sites]
    rows += [{"term": "leave_one_out", "group": row.study, "estimate": row.estimate, "ci_low": row.ci_low, "ci_high": row.ci_high,
              "inference": "hartung_knapp"} for row in found.without.itertuples()]  # fmt: skip
    rows += [{"term": "meta_regression", "parameter": row.trait, "estimate": row.slope, "ci_low": row.ci_low, "ci_high": row.ci_high,
              "p_value": row.p_value, "inference": "hartung_knapp"} for row in found.differ.itertuples()]  # fmt: skip
    made = result_table([{**common, **row} for row in rows])
    check_table(made)
    return made


def study_row(site: Site) -> dict:
    told = {"term": "study", "group": site.study, "estimator": site.estimator, "simulated": site.simulated, "outcome": site.outcome}
    if site.state != "counts":
        return {**told, "status": "refused", "reason": site.state, "inference": "none", "level": np.nan}
    names = (
        "estimate",
        "std_error",
        "ci_low",
        "ci_high",
        "level",
        "inference",
        "n_obs",
        "n_units",
        "n_clusters",
        "n_treated_clusters",
        "scale",
    )
    return {**told, **{name: getattr(site, name) for name in names}, "period": site.start}
