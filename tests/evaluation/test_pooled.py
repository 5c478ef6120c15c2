"""Many studies as one answer: published values, what may not move it, and that no number of a study that does not count is ever shown."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hgdx_eval.evaluation import pooled
from hgdx_eval.evaluation.pooled import answer, error_of, freedom, pool, table
from hgdx_eval.evaluation.sites import Site
from hgdx_eval.study.vocabulary import COLUMNS, NOT_COUNTED

# Colditz and others (1994, Journal of the American Medical Association 271), the BCG vaccine, as `dat.bcg` of R's metafor has it:
# tuberculosis and none of the vaccinated, then of the others, and the latitude
BCG = [(4, 119, 11, 128, 44), (6, 300, 29, 274, 55), (3, 228, 11, 209, 42), (62, 13536, 248, 12619, 52), (33, 5036, 47, 5761, 13),
       (180, 1361, 372, 1079, 44), (8, 2537, 10, 619, 19), (505, 87886, 499, 87892, 13), (29, 7470, 45, 7232, 27), (17, 1699, 65, 1600, 42),
       (186, 50448, 141, 27197, 18), (5, 2493, 3, 2338, 33), (27, 16886, 29, 17825, 33)]  # fmt: skip
Z = stats.norm.ppf(0.975)


def site(name: str, estimate: float, error: float, **more) -> Site:
    told = {"level": 0.95, "scale": "pp", "start": "2023-01", "last_period": "2025-06", "inference": "cluster", "outcome": "y",
            "estimator": "two_way_fixed_effects", "definition": {"scale": "pp"}, "ci_low": estimate - Z * error,
            "ci_high": estimate + Z * error}  # fmt: skip
    return Site(name, "counts", estimate=estimate, std_error=error, **{**told, **more})


@pytest.fixture(scope="module")
def bcg() -> list[Site]:
    found = []
    for i, (a, b, c, d, latitude) in enumerate(BCG):
        risk, variance = np.log(a / (a + b)) - np.log(c / (c + d)), 1 / a - 1 / (a + b) + 1 / c - 1 / (c + d)
        found.append(site(f"t{i:02}", risk, variance**0.5, scale="log", dose=float(latitude), start=str(1933 + i)))
    return found


def test_the_vaccine_trials_give_what_metafor_publishes(bcg):
    """metafor's documentation of rma() for dat.bcg: Q(12) = 152.2330; method "PM": tau2 0.3181; the mean -0.71 (risk ratio 0.49), an
    estimate by REML of -0.7145 (0.1798)."""
    found = pool(bcg).answer
    assert found.q == pytest.approx(152.2330, abs=5e-5) and found.q_p < 1e-4
    assert found.tau**2 == pytest.approx(0.3181, abs=2e-4)
    assert found.estimate == pytest.approx(-0.7145, abs=2e-3) and found.error == pytest.approx(0.1798, abs=5e-3)
    assert found.i2 == pytest.approx(1 - 12 / 152.2330, abs=1e-6)
    assert found.high < 0 < found.new_high  # on average it protects; in a new place it need not


def test_the_formulas_by_hand(bcg):
    """The interval of the mean, written out."""
    found = pool(bcg).answer
    y, v = np.array([s.estimate for s in bcg]), np.array([error_of(s) ** 2 for s in bcg])
    w = 1 / (v + found.tau**2)
    mean = (w * y).sum() / w.sum()
    assert (w * (y - mean) ** 2).sum() == pytest.approx(12, abs=1e-4)  # what Paule & Mandel solve
    error = np.sqrt(max((w * (y - mean) ** 2).sum() / 12, 1) / w.sum())
    assert found.estimate == pytest.approx(mean) and found.error == pytest.approx(error)
    assert found.high - found.low == pytest.approx(2 * stats.t.ppf(0.975, w.sum() ** 2 / (w**2).sum() - 1) * error)


def test_the_prediction_interval_is_the_usual_one_where_all_is_known():
    """With very many places of equal exactness: mean and 1.96 standard deviations of the effects. With few it is wider than
    if the variance between places were known."""
    rng = np.random.default_rng(7)
    many = pool(
        [site(f"s{i:03}", 4 + 2 * z, 0.01) for i, z in enumerate(rng.permutation(stats.norm.ppf((np.arange(120) + 0.5) / 120)))]
    ).answer
    assert (many.new_low, many.new_high) == (pytest.approx(4 - 1.96 * 2, abs=0.2), pytest.approx(4 + 1.96 * 2, abs=0.2))
    same = pool([site(name, 2.0 + 0.001 * i, 1) for i, name in enumerate("abcde")]).answer
    assert same.new_low <= same.low < same.high <= same.new_high  # one place is no surer than the mean of all
    few = pool([site(name, effect, 1) for name, effect in zip("abcde", (1, 2, 3, 4, 6), strict=True)]).answer
    assert few.new_high - few.new_low > 2 * stats.norm.ppf(0.975) * np.sqrt(few.tau**2 + few.error**2)


def test_latitude_goes_with_the_effect_as_published(bcg):
    """metafor, mixed-effects model of latitude (REML): slope -0.0291 (0.0072); the absolute latitude explains much of the variance."""
    row = pool(bcg).differ.set_index("trait").loc["dose"]
    assert row["slope"] == pytest.approx(-0.0291, abs=2e-3) and row["ci_high"] < 0 and row["k"] == 13
    assert pool(bcg[:9]).differ.empty and pool(bcg[:9]).small is None and pool(bcg).small is not None


def test_one_study_alone_is_that_study_to_the_digit_and_none_is_nothing():
    only = site("a", 4.2345678901234, 1.1, ci_low=3.3, ci_high=5.9)
    found = pool([only, replace(site("b", 1, 1), state="blind")])
    assert (found.answer.estimate, found.answer.low, found.answer.high, found.answer.k) == (4.2345678901234, 3.3, 5.9, 1)
    row = table(found, "p").set_index("term").loc["pooled"]
    assert row[["estimate", "ci_low", "ci_high", "inference"]].tolist() == [4.2345678901234, 3.3, 5.9, "cluster"]
    nothing = pool([replace(only, state="blind")])
    assert nothing.answer is None and answer(nothing) == {"k": 0}
    assert table(nothing, "p").iloc[0][["term", "status", "reason"]].tolist() == ["pooled", "refused", "no_study_counts"]


def test_two_studies_have_no_prediction_and_agreeing_ones_are_not_made_surer():
    two = pool([site("a", 1, 1), site("b", 3, 1)]).answer
    assert np.isnan(two.new_low) and two.high - two.low == pytest.approx(2 * stats.t.ppf(0.975, 1) * two.error)
    same = pool([site(name, 2.0 + 0.001 * i, 1) for i, name in enumerate("abcd")]).answer
    assert same.widened and same.error == pytest.approx(0.5, abs=1e-6) and same.tau == pytest.approx(0, abs=1e-6)


@given(st.lists(st.tuples(st.floats(-50, 50), st.floats(0.1, 5)), min_size=3, max_size=12), st.randoms(use_true_random=False),
       st.floats(-20, 20), st.floats(0.1, 10))  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_order_does_not_matter_and_units_go_through(drawn, rng, shift, times):
    sites = [site(f"s{i:02}", *one) for i, one in enumerate(drawn)]
    mixed = sites[:]
    rng.shuffle(mixed)
    first, again = pool(sites), pool(mixed)
    assert first.answer == again.answer and first.sites == again.sites
    moved = pool([site(one.study, shift + times * one.estimate, times * one.std_error) for one in sites]).answer
    size = max(abs(first.answer.estimate), first.answer.error, 1)
    for name in ("estimate", "low", "high", "new_low", "new_high"):
        assert getattr(moved, name) == pytest.approx(shift + times * getattr(first.answer, name), abs=1e-4 * times * size)
    assert first.answer.low <= first.answer.estimate <= first.answer.high


def test_numbers_of_a_study_that_does_not_count_are_nowhere():
    canary = 77.123456
    hidden = dict.fromkeys(("n_obs", "n_units", "n_clusters", "n_treated_clusters", "dose", "start_level"), canary)
    for state in NOT_COUNTED:
        counted = [site(name, number, 1) for name, number in (("a", 1), ("b", 2), ("d", 2.5))]
        found = pool([*counted, replace(site("c", canary, canary / 7, **hidden), state=state)])
        assert found.answer == pool(counted).answer
        told = table(found, "p")
        assert list(told.columns) == COLUMNS and "77.1" not in told.to_csv() + repr(found.sites) + repr(answer(found))
        row = told[(told["term"] == "study") & (told["group"] == "c")].iloc[0]
        assert (row["status"], row["reason"]) == ("refused", state)


@pytest.mark.parametrize("other", [{"definition": {"scale": "level"}}, {"scale": "log"}])
def test_studies_that_do_not_measure_the_same_are_not_pooled(other):
    with pytest.raises(ValueError, match="a and c do not measure the same"):
        pool([site("a", 1, 1), site("b", 2, 1), site("c", 3, 1, **other)])


def test_a_study_that_counts_without_an_interval_is_a_fault():
    for wrong in ({"ci_low": float("nan")}, {"level": float("nan")}, {"ci_low": 1.0, "ci_high": 1.0}):
        with pytest.raises(ValueError, match="a: counts without an interval"):
            pool([replace(site("a", 1, 1), **wrong)])


def test_names_of_studies_move_nothing_and_few_clusters_are_known_by_their_interval():
    told = [(1.0, 0.5), (2.0, 1.0), (4.0, 0.7), (6.0, 0.9)]
    plain = pool([site(f"s{i}", *one) for i, one in enumerate(told)]).answer
    again = pool([site(f"t{9 - i}", *one) for i, one in enumerate(told)]).answer
    assert np.allclose(
        [again.low, again.high, again.new_low, again.new_high], [plain.low, plain.high, plain.new_low, plain.new_high], rtol=1e-9
    )
    reach = stats.t.ppf(0.975, 3) * 1.0
    few = site("s1", 2.0, 1.0, ci_low=2.0 - reach, ci_high=2.0 + reach)
    assert (
        freedom(few) == pytest.approx(3)
        and np.isinf(freedom(replace(few, inference="wild")))
        and np.isinf(freedom(replace(few, level=0.9)))
    )


def test_leaving_out_and_dates():
    sites = [site(name, effect, 0.5, start=start) for name, effect, start in
             (("a", 1, "2022-01"), ("b", 2, "2022-01"), ("c", 3, "2023-05"), ("d", 10, "2024-01"))]  # fmt: skip
    found = pool(sites)
    for row in found.without.itertuples():
        assert row.estimate == pool([one for one in sites if one.study != row.study]).answer.estimate
    assert found.by_date[["start", "k"]].to_numpy().tolist() == [["2022-01", 2], ["2023-05", 3], ["2024-01", 4]]
    assert found.by_date["estimate"].iloc[-1] == found.answer.estimate
    assert {row.term for row in table(found, "p").itertuples()} == {"pooled", "prediction", "study", "leave_one_out"}
    assert pooled.answer(found)["k"] == 4
