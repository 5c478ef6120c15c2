"""What a judgement reads of outcomes before it judges: estimates and scores, each linear in the outcomes, so that those of a world with an
effect are those of the world and so many times those of the effect.

What depends on the design alone is found once: the rows that each estimate stands on, its degrees of freedom, its factor.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module

import numpy as np
import pandas as pd
from scipy import sparse

from ..base.errors import Refusal
from ..base.periods import HALF_YEAR, written
from ..design.design import Design
from ..design.placebos import cohort_before, placebo_before, without_cluster
from ..estimation.event_path import EventPath
from ..estimation.fixed_effects import Fit, cells_of, outcome_weights, regression_dof, usable
from ..estimation.inference import MANY, Linear, by_cluster, dof_told
from ..estimation.many_outcomes import Many, Told, of_fit, of_linear
from ..estimation.results import Estimate
from ..estimation.two_way import TwoWay, residuals
from ..estimators import imputation, two_way_fixed_effects
from ..infer.false_alarms import linear_of, pretended
from ..infer.randomization import Permuted, permuted, sums_by_start, under_all
from ..infer.sensitivity import judged_path, used
from ..study.study import Study
from ..study.vocabulary import REGRESSION
from .evaluation import Evaluation
from .verdict import estimates_of
from .warning_signs import campaign_fits, cells_or_none, season_fits, trend_fits

Sums = dict[str, np.ndarray]  # by name; the last axis: outcomes
MOST_WEIGHTS = 2e7  # numbers of a matrix of weights, at most


@dataclass(frozen=True)
class Outcomes:
    """Outcomes of the usable rows, in points: rows x outcomes; `left`: after the study's fixed effects."""

    y: np.ndarray
    left: np.ndarray


@dataclass(frozen=True)
class Test:
    """A clustered t test: its estimate stands under its name, its scores under `NAME scores`."""

    name: str
    factor: float
    dof: float


@dataclass(frozen=True)
class Reader:
    """Some tests and how they are read of outcomes."""

    tests: tuple[Test, ...]
    of: Callable[[Outcomes], Told]


@dataclass(frozen=True)
class Read:
    """All that a judgement reads. `tests` by name; `values`: estimates without an error, by name; `missing`: what it cannot follow."""

    fe: TwoWay
    readers: tuple[Reader, ...]
    values: dict[str, sparse.csr_matrix]  # estimates x rows: weights
    path: EventPath | None
    linear: Linear | None
    assigned: Permuted | None  # other adoptions, where the headline is their rank
    placebos: Permuted | None
    cohorts: tuple[str, ...]  # tests of single cohorts' pretended dates
    season_moves: Test | None  # of the estimate with the treated side's own season less that without
    missing: tuple[str, ...]

    @property
    def tests(self) -> dict[str, Test]:
        return {test.name: test for reader in self.readers for test in reader.tests}

    @property
    def used(self) -> np.ndarray:
        """Which coefficients of the path are the event study's."""
        return np.zeros(0, bool) if self.path is None else used(self.path.bins)

    def sums(self, y: np.ndarray) -> Sums:
        """Everything that is linear in outcomes (rows x outcomes), by name."""
        given, found = Outcomes(y, residuals(self.fe, y)), {}
        for reader in self.readers:
            estimates, scores = reader.of(given)
            for k, test in enumerate(reader.tests):
                found[test.name], found[f"{test.name} scores"] = estimates[k], scores[:, k]
        found |= {name: weights @ y for name, weights in self.values.items()}
        if self.path is not None:
            clean = self.path.of_clean
            found["path"], found["path scores"] = self.path.of(y) if clean is None else clean(given.left)
        if self.linear is not None:
            found |= wild_sums(self.linear, y)
        for name, other in (("assigned", self.assigned), ("placebos", self.placebos)):
            if other is not None:
                found[name] = under_all(other, sums_by_start(other, residuals(other.fe, y[other.kept])))
        return found


def wild_sums(linear: Linear, y: np.ndarray) -> Sums:
    """What the wild bootstrap needs besides: sums of weights x residuals (clusters x outcomes), and of influences (clusters x clusters x
    outcomes)."""
    rest, influence = linear.rest(y), linear.influence()
    rows = [np.flatnonzero(linear.clusters == g) for g in range(int(linear.clusters.max()) + 1)]
    b0 = np.stack([influence[own].T @ rest[own] for own in rows], axis=1)
    return {"s0": by_cluster(linear.clusters, linear.weights[:, None] * rest), "b0": b0}


def read_of(design: Design, found: Evaluation, p: Study) -> Read | None:
    """What is read of a study's worlds; None where its main estimate is no weighted sum of outcomes."""
    numbered = replace(design, table=design.table.assign(row=np.arange(len(design.table))))
    table = usable(numbered)
    numbered = replace(numbered, table=table.assign(row=np.arange(len(table))))
    main, linear = main_reader(numbered, found, p)
    if main is None:
        return None
    cells = cells_of(numbered, table)
    regression = two_way_fixed_effects.regression(numbered, table, cells)
    time, early = time_readers(numbered, found, p)
    events = event_readers(numbered, found, p)
    values = {"left out": weights_without_each(numbered, found, p), "others": weights_of_others(numbered, found)}
    path = path_or_none(numbered, p) if found.sensitivity is not None else None
    asked = {
        "placebo_time": found.checks["placebo_time"] != "none" and time is None,
        "leave_one_out": found.leave_one_out is not None and values["left out"] is None,
        "methods": found.checks.get("methods", "none") != "none" and values["others"] is None,
        "other_methods": values["others"] is not None and values["others"].shape[0] < len(estimates_of(found.others)),
        "event_times": events is None,
        "ceiling": any(sign.name == "ceiling" for sign in found.signs),
    }
    signs, season_moves = sign_readers(numbered, table, found)
    readers = [main, *(time or []), *(events or []), *signs]
    kind = found.headline
    return Read(
        regression.fe,
        tuple(readers),
        {name: weights for name, weights in values.items() if weights is not None},
        path,
        linear if kind == "wild" else None,
        permuted(numbered)[0] if kind == "randomization" else None,
        pretended(numbered) if kind == "placebo" else None,
        tuple(early),
        season_moves,
        tuple(name for name, lacks in asked.items() if lacks),
    )  # fmt: skip


def main_reader(design: Design, found: Evaluation, p: Study) -> tuple[Reader | None, Linear | None]:
    """(the headlined estimate, itself as a weighted sum where clusters are few)."""
    linear, row = linear_of(design, p.estimator), cluster_row(found.main)
    if linear is not None and p.estimator != REGRESSION:
        many = of_linear(linear)
        return one_reader(many, "main", dof_told(row)), linear
    if p.estimator != REGRESSION:
        return None, None
    table = usable(design)
    return fit_reader(two_way_fixed_effects.regression(design, table, cells_of(design, table)), {"main": (0, dof_told(row))}), linear


def cluster_row(main: Estimate) -> pd.Series:
    """The row of the clustered error; without one the first."""
    rows = main.rows("overall")
    own = rows[(rows["inference"] == "cluster") & rows["std_error"].notna()]
    return (own if len(own) else rows).iloc[0]


def fit_reader(fit: Fit, asked: dict[str, tuple[int, float] | np.ndarray]) -> Reader:
    """Coefficients of a regression on the study's own rows by name: (column, degrees of freedom), or weights of a sum of its regressors,
    whose degrees of freedom are `regression_dof`."""
    many, tests, mix = of_fit(fit, clean=True), [], []
    for name, what in asked.items():
        if isinstance(what, tuple):
            mix.append(np.eye(len(fit.inverse))[what[0]])
            tests.append(Test(name, many.factor, what[1]))
        else:
            wide = np.zeros(len(fit.inverse))
            wide[: len(what)] = what
            mix.append(wide)
            tests.append(Test(name, many.factor, regression_dof(fit, outcome_weights(fit, wide[fit.kept]))))
    sums = np.column_stack(mix)

    def of(given: Outcomes) -> Told:
        beta, scores = many.of(given.left)
        return sums.T @ beta, np.einsum("gkw,ks->gsw", scores, sums)

    return Reader(tuple(tests), of)


def sign_readers(design: Design, table: pd.DataFrame, found: Evaluation) -> tuple[list[Reader], Test | None]:
    """(the regressions of the warnings that are tests, where clusters are not few; `Read.season_moves`)."""
    cells = None if found.sides is not None and found.sides.few else cells_or_none(design, table)
    readers, trend, seasons = [], trend_fits(design, table, cells), season_fits(design, table, cells)
    if trend is not None:
        _, one, two = trend
        readers += [fit_reader(one, {"slope": np.array([0.0, 1.0])}),
                    fit_reader(two, {"before": np.array([0.0, 1.0, 0.0]), "bend": np.array([0.0, 1.0, -1.0])})]  # fmt: skip
    moved = None
    usual, seasonal = seasons or (None, None)
    if usual is not None and seasonal is not None:
        less, more = (outcome_weights(each, np.ones(1)) for each in (usual, seasonal))
        with_it = fit_reader(seasonal, {"season": np.array([1.0])})
        readers += [fit_reader(usual, {"without season": np.array([1.0])}), with_it]
        moved = Test("season moves", with_it.tests[0].factor, regression_dof(seasonal, more - less))
    campaigns = campaign_fits(design, table, cells)
    return readers + [fit_reader(fit, {f"campaign {j}": np.array([0.0, 1.0])}) for j, (fit, _) in enumerate(campaigns)], moved


def event_readers(design: Design, found: Evaluation, p: Study) -> list[Reader] | None:
    """Event times before the policy that have an interval on the page; None where they cannot be followed."""
    rows = found.main.rows("event").query("event_time < 0 and ci_low == ci_low")
    asked = {int(row["event_time"]): dof_told(row) for _, row in rows.iterrows()}
    if not asked:
        return []
    table = usable(design)
    cells, treated = cells_of(design, table), table["treated"].to_numpy(bool)
    if p.estimator == REGRESSION:
        _, others, fit = two_way_fixed_effects.event_regression(table, cells)
        place = {int(event): column for column, event in enumerate(others)}
        if fit is None or fit.inverse.shape[0] * len(table) > MOST_WEIGHTS:
            return None
        return [fit_reader(fit, {f"event {event}": (place[event], dof) for event, dof in asked.items()})]
    if p.estimator == "imputation":
        leads, fit = imputation.leads_regression(design, table, cells, treated)
        if fit is None:
            return None
        many, columns = of_fit(fit), [int(np.flatnonzero(leads == event)[0]) for event in asked]

        def of(given: Outcomes) -> Told:
            beta, scores = many.of(given.y[~treated])
            return beta[columns], scores[:, columns]

        return [Reader(tuple(Test(f"event {event}", many.factor, dof) for event, dof in asked.items()), of)]
    if len(asked) * len(table) * (int(cells.clusters.max()) + 1) > MOST_WEIGHTS or int(cells.clusters.max()) >= MANY:
        return None
    module = import_module(f"hgdx_eval.estimators.{p.estimator}")
    parts = module.linears(replace(design, path=True), of_linear)
    if set(asked) - set(parts):
        return None
    return [one_reader(parts[event], f"event {event}", dof) for event, dof in asked.items()]


def one_reader(many: Many, name: str, dof: float) -> Reader:
    return Reader((Test(name, many.factor, dof),), lambda given: many.of(given.y))


def time_readers(design: Design, found: Evaluation, p: Study) -> tuple[list[Reader] | None, list[str]]:
    """(the estimates at pretended earlier dates, names of those of one cohort); None where they cannot be followed."""
    if found.placebo_time is None:
        return [], []
    periods = p.verdict.placebo_periods or HALF_YEAR[design.frequency]
    starts = {written(pd.Period(ordinal=int(start), freq=design.frequency)): int(start)
              for start in design.table["treated_from"].dropna().unique()}  # fmt: skip
    readers, early = [], []
    for j, (_, row) in enumerate(found.placebo_time.table.iterrows()):
        dof = dof_told(row)
        if np.isnan(dof):
            if j == 0:
                return [], []
            continue
        name = f"pretended {j}"
        earlier = cohort_before(design, periods, starts[row["group"]]) if row["group"] else placebo_before(design, periods)
        reader = other_reader(earlier, p.estimator, name, dof)
        if reader is None:
            return None, []
        readers.append(reader)
        early += [name] if row["group"] else []
    return readers, early


def other_reader(design: Design, estimator: str, name: str, dof: float) -> Reader | None:
    """The estimate of a design on some of the study's rows, whose numbers are in its column `row`; None for a method that is none."""
    table = usable(design)
    rows = table["row"].to_numpy()
    if estimator == REGRESSION:
        many = of_fit(two_way_fixed_effects.regression(design, table, cells_of(design, table)))
    else:
        linear = linear_of(design, estimator)
        if linear is None:
            return None
        many = of_linear(linear)
    return Reader((Test(name, many.factor, dof),), lambda given: many.of(given.y[rows]))


def weights_without_each(design: Design, found: Evaluation, p: Study) -> sparse.csr_matrix | None:
    """The weight of each row in the estimate without each cluster: clusters x rows."""
    if found.leave_one_out is None:
        return None
    names = found.leave_one_out.table["group"]
    if len(names) * len(design.table) > MOST_WEIGHTS:
        return None
    return stacked_weights(design, [(without_cluster(design, name), p.estimator) for name in names])


def weights_of_others(design: Design, found: Evaluation) -> sparse.csr_matrix | None:
    """The weight of each row in the other methods' estimates: methods x rows; of those that are weighted sums."""
    names = [
        other.overall()["estimator"] for other in found.others if other.overall()["status"] == "ok" and other.overall()["term"] == "overall"
    ]
    parts = []
    for name in names:
        if hasattr(import_module(f"hgdx_eval.estimators.{name}"), "linears"):
            part = stacked_weights(design, [(design, name)])
            parts += [part] if part is not None else []
    return sparse.vstack(parts).tocsr() if parts else None


def stacked_weights(whole: Design, parts: list[tuple[Design, str]]) -> sparse.csr_matrix | None:
    """Weights of estimates on some of the rows, as rows of a matrix over all of them; None where one has none."""
    found = []
    for design, estimator in parts:
        table = usable(design)
        if estimator == REGRESSION:
            weights = outcome_weights(two_way_fixed_effects.regression(design, table, cells_of(design, table)), np.ones(1))
        elif (linear := linear_of(design, estimator)) is not None:
            weights = linear.weights
        else:
            return None
        place = np.zeros(len(weights), int), table["row"].to_numpy()
        found.append(sparse.csr_matrix((weights, place), shape=(1, len(whole.table))))
    return sparse.vstack(found).tocsr()


def path_or_none(design: Design, p: Study) -> EventPath | None:
    try:
        return judged_path(design, p.estimator)
    except Refusal:
        return None
