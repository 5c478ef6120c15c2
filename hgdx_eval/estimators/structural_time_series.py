"""Structural time series: the treated group's series before the policy, continued after it from the comparison series.

Local level plus regression (Harvey 1989; Brodersen, Gallusser, Koehler, Remy & Scott 2015, the CausalImpact model). The
variances of level and noise are estimated by maximum likelihood, not held to a tight prior as in R CausalImpact, whose
intervals are narrower. The draws carry the uncertainty of the level and of the coefficients at the policy's date (the
state), the level's later steps, the noise, and both variances: their size, and the level's share in them, of which the
likelihood knows little from few periods; every standard deviation of the level relative to the whole is as likely
beforehand as any other. With the share held at its estimate, nominal 95 % intervals from 24 months before hold the
truth in about 85 % of made-up worlds whose level wanders. The model has no trend of its own: without a
comparison series, a series that was growing anyway is told as an effect.

Comparison series: each comparison unit's own where there are few units without a missing period, else their weighted mean;
for shares of dossiers by month also working days and Tết, for days the days of the week. A period without the treated or the
comparison series is a missing one: the filter passes over it, and after the policy it has no effect. `cumulative` is the plain
sum of the effects of the periods after, in the outcome's unit times periods.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.linalg import eigh, qr
from scipy.optimize import brentq
from statsmodels.tsa.statespace.structural import UnobservedComponents

from ..base.errors import Refusal
from ..base.periods import written
from ..design.design import Design, thin_event_times
from ..estimation.fixed_effects import observations, points, usable
from ..estimation.inference import LEVEL
from ..estimation.results import Estimate, result_table
from ..panel.disclosure import told_sizes
from .interrupted_time_series import MIN_AFTER, earlier_start, enough, mean_series, one_start, weekdays

DIFFERS = ("common_periods",)  # what it takes otherwise than two-way fixed effects on the same design
OWN_SERIES = 5  # comparison units up to this number enter each with a series of its own
PER_SERIES = 4  # and only with as many periods before for each coefficient
CALENDAR_FROM = 24  # months before, from which working days and Tết can be told from the rest
DRAWS = 4000
NO_NOISE = 1e-9  # a standard deviation below this part of the series is rounding
SAME = 1e-7  # of a regressor's length: what is left of it beside the others is rounding
SHARES = 40  # values of the level's share among which the draws choose
RATIOS = np.logspace(-8, 8, 65)  # of the variances of level and noise: where the likelihood is looked at


@dataclass(frozen=True)
class Effects:
    """Observed less counterfactual in the periods after: means, simulated draws (draws x periods), treated weights."""

    times: np.ndarray
    mean: np.ndarray
    draws: np.ndarray
    weight: np.ndarray
    compared: bool  # whether a comparison series explains anything


def fit(design: Design) -> Estimate:
    """Raises Refusal: several dates, too few periods, a series that does not vary, numbers that are not finite."""
    table = usable(design)
    start = one_start(design, table)
    effects = effects_from(design, table, start)
    n = observations(table)
    share = effects.weight / effects.weight.sum()
    term = "change" if design.events and not effects.compared else "overall"
    rows = [{"term": term, **told(effects, share), "n_obs": n}]
    if design.path:
        rows += event_rows(design, table, effects, start)
        rows += [{"term": "specification", "group": "cumulative", **told(effects, np.ones(len(share))), "n_obs": n}]
        rows += placebo_rows(design, table, start)
    common = dict(
        study=design.study, outcome=design.outcome, estimator="structural_time_series", inference="model", level=LEVEL,
        n_units=table["unit"].nunique(), n_clusters=table["cluster"].nunique(),
        n_treated_clusters=len(design.clusters(treated=True)), scale=design.scale, simulated=design.origin.simulated,
    )  # fmt: skip
    span, counted = (table["period"].min(), table["period"].max()), bool(table["denominator"].notna().all())
    notes = () if effects.compared else ("no_comparison_series",)
    return Estimate(result_table(rows, **common), design.origin, design.frequency, thin_event_times(design), span, counted, notes)


def told(effects: Effects, share: np.ndarray) -> dict:
    """estimate, std_error, ci_low, ci_high, p_value of a weighted sum of the effects, from the draws."""
    draws = effects.draws @ share
    low, high = np.quantile(draws, [0.5 - LEVEL / 2, 0.5 + LEVEL / 2])
    tail = (1 + min((draws <= 0).sum(), (draws >= 0).sum())) / (1 + len(draws))
    return {"estimate": float(effects.mean @ share), "std_error": float(draws.std(ddof=1)), "ci_low": float(low),
            "ci_high": float(high), "p_value": float(min(2 * tail, 1.0))}  # fmt: skip


def event_rows(design: Design, table: pd.DataFrame, effects: Effects, start: int) -> list[dict]:
    """One row per period after, each with its own interval."""
    treated = table[table["treated_from"].notna()]
    counts = treated["denominator"].fillna(1.0).groupby(treated["time"]).sum()
    counts = told_sizes(counts, bool(table["denominator"].notna().all()))
    return [{"term": "event", "event_time": int(time) - start, **told(effects, one), "n_obs": counts[time]}
            for time, one in zip(effects.times, np.eye(len(effects.times)), strict=True)]  # fmt: skip


def placebo_rows(design: Design, table: pd.DataFrame, start: int) -> list[dict]:
    """The same model on the periods before alone, at a pretended earlier date; none where these do not suffice."""
    before = table[table["time"] < start]
    times = before.loc[before["treated_from"].notna(), "time"]
    pretended = earlier_start(design, pd.Index(times), start)
    try:
        effects = effects_from(design, before, pretended, min_after=1)
    except Refusal:
        return []
    period = written(pd.Period(ordinal=pretended, freq=design.frequency))
    share = effects.weight / effects.weight.sum()
    return [{"term": "placebo_time", "period": period, **told(effects, share), "n_obs": observations(before)}]


# --- the series ----------------------------------------------------------------------------------------------------
def effects_from(design: Design, table: pd.DataFrame, start: int, min_after: int = MIN_AFTER) -> Effects:
    """The effects of a policy from `start` on. Raises Refusal where the series do not suffice."""
    treated = mean_series(table[table["treated_from"].notna()], points(design))
    x = explaining(design, table, treated, start)
    seen = treated.index[x.notna().all(axis=1)]
    enough(design, seen, start, min_after)
    grid = pd.RangeIndex(int(seen.min()), int(seen.max()) + 1)
    y, x = treated["y"].loc[seen].reindex(grid), x.loc[seen].reindex(grid)
    mean, draws = forecast(design, y, x, start)
    after = seen[seen >= start]
    place = np.asarray(after) - start
    effect = y[after].to_numpy()
    compared = any(name not in design.calendar and not name.startswith("weekday ") for name in x)
    return Effects(after.to_numpy(), effect - mean[place], effect - draws[:, place], treated["weight"][after].to_numpy(), compared)


def explaining(design: Design, table: pd.DataFrame, treated: pd.DataFrame, start: int) -> pd.DataFrame:
    """The regressors in the treated series' periods, standardised on the periods before; dependent ones left out."""
    times, parts = treated.index, []
    before = times < start
    counted = table["denominator"].notna().all()  # a number of another kind need not follow the days that offices are open
    if len(design.calendar.columns) and counted and before.sum() >= CALENDAR_FROM:
        parts.append(design.calendar.loc[times])
    parts.append(weekdays(times, design.frequency))
    parts.append(comparison_series(table[table["treated_from"].isna()], times, before.sum(), sum(part.shape[1] for part in parts)))
    x = pd.concat(parts[::-1], axis=1)
    known = before & x.notna().all(axis=1).to_numpy()
    centred = x - x[known].mean()
    deviation = centred[known].std()
    varies = deviation > NO_NOISE * x[known].abs().max()
    scaled = centred.loc[:, varies] / deviation[varies]
    return scaled.iloc[:, apart(scaled[known].to_numpy())]


def apart(columns: np.ndarray) -> np.ndarray:
    """Positions of independent columns (of the same length): of two that say the same, one."""
    if columns.shape[1] == 0:
        return np.zeros(0, int)
    _, upper, order = qr(columns, mode="economic", pivoting=True)
    return np.sort(order[: (np.abs(np.diag(upper)) > SAME * np.abs(upper[0, 0])).sum()])


def comparison_series(rows: pd.DataFrame, times: pd.Index, before: int, others: int) -> pd.DataFrame:
    """Each comparison unit's series, or their weighted mean (no column where there is no comparison unit)."""
    if rows.empty:
        return pd.DataFrame(index=times)
    units = rows["unit"].unique()
    if len(units) <= OWN_SERIES and PER_SERIES * (len(units) + others) <= before:
        own = {f"unit {unit}": mean_series(part, 1.0)["y"].reindex(times) for unit, part in rows.groupby("unit")}
        if all(series.notna().all() for series in own.values()):
            return pd.DataFrame(own)
    return pd.DataFrame({"comparison": mean_series(rows, 1.0)["y"].reindex(times)})


# --- the model -----------------------------------------------------------------------------------------------------
def forecast(design: Design, y: pd.Series, x: pd.DataFrame, start: int) -> tuple[np.ndarray, np.ndarray]:
    """Counterfactual means and draws for every period from `start` to the last, from the periods before it.

    The draws are moved so that their mean is the maximum-likelihood counterfactual.
    """
    past = y[y.index < start]
    centre, spread, largest = past.mean(), past.std(), past.abs().max()
    if not spread > NO_NOISE * largest:
        raise Refusal("no_variation", f"{design.study}: the treated series does not vary before the policy")
    grid = pd.RangeIndex(y.index[0], start)
    past, before = ((past - centre) / spread).reindex(grid), x.reindex(grid)
    seen = past.notna().to_numpy()
    ratio = Ratio.of(past[seen].to_numpy(), before[seen].to_numpy(), grid[seen].to_numpy())
    best = most_likely(design, ratio)
    exog = before.fillna(0.0).to_numpy() if x.shape[1] else None
    model = UnobservedComponents(past.to_numpy(), level="local level", exog=exog, mle_regression=False, use_exact_diffuse=True)
    later = x[x.index >= start].fillna(0.0).to_numpy()
    loadings = np.column_stack([np.ones(len(later)), later])
    mean = loadings @ state_at_start(design, model, best, ratio)[0]
    rng = np.random.default_rng(design.seed)
    draws = np.vstack([simulated(design, model, share, ratio, loadings, number, rng) for share, number in drawn_shares(ratio, rng)])
    return centre + spread * mean, centre + spread * (draws - draws.mean(axis=0) + mean)


def state_at_start(design: Design, model: UnobservedComponents, share: float, ratio: "Ratio") -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of the level and the coefficients in the last period before the policy."""
    variance = ratio.variance(share)
    state = model.filter([variance * (1 - share), variance * share])
    mean, covariance = state.filtered_state[:, -1], state.filtered_state_cov[:, :, -1]
    if not np.isfinite(mean).all() or not np.isfinite(covariance).all():
        raise Refusal("not_converged", f"{design.study}: the filter gave no finite state at the policy's date")
    return mean, covariance


def simulated(design: Design, model: UnobservedComponents, share: float, ratio: "Ratio", loadings: np.ndarray, number: int,
              rng: np.random.Generator) -> np.ndarray:  # fmt: skip
    """Draws of the periods after, given the level's share: state, the level's steps, noise, and the size of the variances."""
    mean, covariance = state_at_start(design, model, share, ratio)
    off = rng.multivariate_normal(np.zeros(len(covariance)), covariance, number, method="eigh") @ loadings.T
    step, noise = np.sqrt(ratio.variance(share) * np.array([share, 1 - share]))
    off += step * rng.normal(size=off.shape).cumsum(axis=1) + noise * rng.normal(size=off.shape)
    return loadings @ mean + off * np.sqrt(ratio.dof / rng.chisquare(ratio.dof, size=(number, 1)))


@dataclass(frozen=True)
class Ratio:
    """The likelihood of `share`, the level's share of the two variances, given the first period.

    Between two observed periods the level takes as many steps as periods lie between. The differences are turned so that
    they are uncorrelated whatever the share: each has the variance (1 - share) x value + share.
    """

    values: np.ndarray
    y: np.ndarray
    x: np.ndarray

    @classmethod
    def of(cls, y: np.ndarray, x: np.ndarray, times: np.ndarray) -> "Ratio":
        difference = np.diff(np.eye(len(y)), axis=0)
        values, vectors = eigh(difference @ difference.T, np.diag(np.diff(times).astype(float)))
        return cls(values, vectors.T @ difference @ y, vectors.T @ difference @ x)

    @property
    def dof(self) -> int:
        return len(self.y) - self.x.shape[1]

    def parts(self, share: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(variances, regressors, residuals) by least squares with these variances."""
        size = (1 - share) * self.values + share
        root = np.sqrt(size)
        x = self.x / root[:, None]
        return size, x, self.y - self.x @ np.linalg.lstsq(x, self.y / root, rcond=None)[0]

    def squares(self, share: float) -> float:
        size, _, errors = self.parts(share)
        return float((errors**2 / size).sum())

    def variance(self, share: float) -> float:
        """The sum of both variances: squares over degrees of freedom."""
        return self.squares(share) / self.dof

    def likelihood(self, share: float) -> float:
        """Twice the logarithm, maximised over the coefficients and the size of the variances."""
        return -len(self.y) * np.log(self.squares(share)) - np.log(self.parts(share)[0]).sum()

    def score(self, share: float) -> float:
        size, _, errors = self.parts(share)
        slope = 1 - self.values
        return len(self.y) * (errors**2 * slope / size**2).sum() / self.squares(share) - (slope / size).sum()

    def integrated(self, share: float) -> float:
        """The logarithm, integrated over the coefficients and the size of the variances instead."""
        size, x, _ = self.parts(share)
        return -0.5 * (self.dof * np.log(self.squares(share)) + np.log(size).sum() + np.linalg.slogdet(x.T @ x)[1])


def most_likely(design: Design, ratio: Ratio) -> float:
    """The share of maximum likelihood, as an exact root of its score: statsmodels' own maximiser stops at about 1e-5, and the
    estimate would hang on the unit of the outcome."""
    shares = np.concatenate([[0.0], RATIOS / (1 + RATIOS), [1.0]])
    if not min(ratio.squares(share) for share in shares) > NO_NOISE**2 * len(ratio.y):
        raise Refusal("no_variation", f"{design.study}: the comparison series explain the treated series without a rest")
    scores = np.array([ratio.score(share) for share in shares])
    if not np.isfinite(scores).all():
        raise Refusal("not_converged", f"{design.study}: the likelihood of the variances has no finite maximum")
    tops = (scores[:-1] > 0) & (scores[1:] <= 0)  # the likelihood rises, then falls
    found = [brentq(ratio.score, low, high, xtol=1e-15) for low, high in zip(shares[:-1][tops], shares[1:][tops], strict=True)]
    return max([*found, 0.0, 1.0], key=ratio.likelihood)


def drawn_shares(ratio: Ratio, rng: np.random.Generator) -> list[tuple[float, int]]:
    """(share, how many draws). Evenly spaced roots: beforehand a level that hardly moves is likelier than one that runs."""
    shares = ((np.arange(SHARES) + 0.5) / SHARES) ** 2
    log = np.array([ratio.integrated(share) for share in shares])
    weight = np.exp(log - log.max())
    return [(share, number) for share, number in zip(shares, rng.multinomial(DRAWS, weight / weight.sum()), strict=True) if number]
