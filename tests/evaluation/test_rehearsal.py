"""The rehearsal: its fast path is the slow one, its rates are what they are called, and what it cannot do it says."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from critic_worlds import WORLDS
from rehearse import compared, effects_of, studied

from hgdx_eval.estimation.fixed_effects import usable
from hgdx_eval.estimation.results import check_table
from hgdx_eval.evaluation import rehearsal
from hgdx_eval.evaluation.evaluation import evaluated
from hgdx_eval.evaluation.rehearsal import COLUMNS, ladder_of, paths_of, rates, rehearsed, smallest_found
from hgdx_eval.evaluation.robustness import rehearsal_rows

SHORT = [("both_sides", 3)]
WHOLE = ["staggered", "national_shock", "not_yet", "two_treated", "season_balanced"]


@pytest.mark.parametrize(("name", "worlds"), [*SHORT, *(pytest.param(name, 3, marks=pytest.mark.long) for name in WHOLE)])
def test_every_verdict_is_what_estimating_anew_says(name, worlds):
    """Of all that is judged: interval or rank, every check, every warning. The gate is the study's."""
    found, p = studied(name)
    told = compared(found, p, effects_of(found)[::2], worlds)
    assert told["fast"].tolist() == told["slow"].tolist()


@pytest.mark.parametrize(
    "name", [pytest.param("good", marks=pytest.mark.long), pytest.param("both_sides", marks=pytest.mark.long), "heteroskedastic"]
)
def test_a_verdict_of_no_meaningful_effect_is_what_estimating_anew_says(name):
    """By randomisation, the wild bootstrap and the clustered error: two one-sided tests, and what else has to stay small."""
    drawn = WORLDS[name].drawn(1, False)
    error = evaluated(drawn.design, drawn.study).main.rows("overall")["std_error"].dropna().iloc[0]
    seen = []
    for times in (3.0, 5.0):
        p = drawn.study.model_copy(update={"smallest_effect": times * float(error)})
        found = evaluated(drawn.design, p)
        told = compared(found, p, [0.0, times * float(error)], 3)
        assert told["fast"].tolist() == told["slow"].tolist()
        seen += told["fast"].tolist()
    assert 4 in seen and set(seen) != {4}


@pytest.fixture(scope="module")
def good():
    drawn = WORLDS["good"].drawn(2, False)
    found = evaluated(drawn.design, drawn.study)
    return found, drawn.study, rehearsed(found, drawn.study)


def test_without_an_effect_it_cries_wolf_as_its_gate_says_and_with_more_it_finds_more(good):
    found, _, rehearsal = good
    own = rehearsal.table[rehearsal.table["shape"] == "constant"]
    gate = found.gate[found.gate["kind"] == found.headline].iloc[0]
    assert list(rehearsal.table.columns) == COLUMNS
    assert own["found"].is_monotonic_increasing and own["found"].iloc[-1] > 0.99
    assert abs(own["found"].iloc[0] - gate["rate"]) < 0.025  # other worlds than the gate's, so not the same number
    assert np.allclose(rehearsal.table[[f"level_{n}" for n in range(1, 6)]].sum(axis=1), 1)
    assert 0.9 < own["covered"].iloc[0] < 0.99
    assert (own["exaggeration"].dropna() >= 0.99).all() and own["exaggeration"].iloc[1] > own["exaggeration"].iloc[-1]
    assert own["effect"].iloc[1] < rehearsal.smallest < own["effect"].iloc[-1]


def test_its_rates_stand_in_the_published_table(good):
    found, _, rehearsal = good
    rows = rehearsal_rows(found.main, rehearsal).rows("rehearsal")
    check_table(rows)
    none = rows[rows["parameter"] == "0"].set_index("group")["estimate"]
    assert none["found"] == rehearsal.at(0.0)["found"] and none[[f"verdict_{n}" for n in range(1, 6)]].sum() == pytest.approx(1)
    assert "wrong_sign" not in none and "exaggeration" not in none
    last = rows[rows["parameter"] == f"{rehearsal.table['effect'].max():g}"].set_index("group")
    assert {"wrong_sign", "exaggeration", "covered"} <= set(last.index)
    smallest = rows[rows["group"] == "smallest_effect"].iloc[0]
    assert (smallest["estimate"], smallest["scale"]) == (rehearsal.smallest, found.design.scale)


def test_the_smallest_effect_stands_on_the_ladder_and_the_ladder_goes_past_it(good):
    found, p, rehearsal = good
    limit = 3.0 * rehearsal.smallest
    named = rehearsed(found, p.model_copy(update={"smallest_effect": limit}))
    assert named.at(limit)["found"] > 0.99 and named.table["effect"].max() >= 1.5 * limit
    assert named.smallest == pytest.approx(rehearsal.smallest, rel=0.15)


def test_effects_of_every_shape_are_one_on_average():
    design = WORLDS["staggered"].drawn(1, False).design
    table = usable(design)
    for shape, path in paths_of(design).items():
        assert np.average(path[table["treated"]], weights=table["weight"][table["treated"]]) == pytest.approx(1), shape
        assert not path[~table["treated"]].any()


def test_a_rehearsed_effect_is_the_one_that_was_put_in(good):
    """The whole estimate moves by it, whatever its shape."""
    found, p, _ = good
    path = paths_of(found.design)["growing"]
    moved = replace(found.design, table=usable(found.design).assign(y=usable(found.design)["y"] + 0.01 * path))
    from hgdx_eval.estimation.estimate import estimate

    assert estimate(moved, p.estimator).overall()["estimate"] - found.main.overall()["estimate"] == pytest.approx(1.0, abs=0.05)


def test_rates_of_single_worlds():
    judged = pd.DataFrame({"level": [1, 2, 3, 3], "found": [True, True, False, False], "covered": [True, False, True, True],
                           "estimate": [4.0, -2.0, 1.0, 0.5]})  # fmt: skip
    told = rates(judged, 2.0)
    assert told["worlds"] == 4 and told["found"] == 0.5 and told["covered"] == 0.75 and told["level_3"] == 0.5
    assert told["wrong_sign"] == 0.5 and told["exaggeration"] == 1.5
    assert np.isnan(rates(judged, 0.0)["exaggeration"])


@pytest.mark.parametrize(("found", "smallest"), [([0.05, 0.4, 0.9], 1.8), ([0.05, 0.2, 0.7], np.nan), ([0.9, 0.95, 1.0], 0.0),
                                                 ([0.05, 0.9, 0.7], np.nan)])  # fmt: skip
def test_the_least_effect_found_eight_times_in_ten(found, smallest):
    table = pd.DataFrame({"shape": "constant", "effect": [0.0, 1.0, 2.0], "found": found})
    assert smallest_found(table) == pytest.approx(smallest, nan_ok=True)


def test_the_ladder_is_round_and_past_what_is_sure():
    sizes = [size for shape, size in ladder_of(0.37, None, ["constant"]) if shape == "constant"]
    assert sizes[:3] == [0.0, 0.2, 0.4] and sizes[-1] >= 4 * 0.37
    assert 7.7 in [size for _, size in ladder_of(0.37, 7.7, ["constant"])]


def test_a_study_without_a_time_before_or_without_a_headline_says_why(good):
    found, p, _ = good
    assert rehearsed(replace(found, headline="none"), p).reason == "no_headline"
    early = found.design.start.ordinal - 3
    short = replace(found.design, table=found.design.table[found.design.table["time"] >= early].reset_index(drop=True))
    told = rehearsed(evaluated(short, p), p)
    assert told.table.empty and told.reason == "too_few_periods" and told.before == 3


def test_a_synthetic_control_is_rehearsed_by_its_placebos():
    drawn = WORLDS["one_treated"].drawn(1, False)
    p = drawn.study.model_copy(update={"estimator": "synthetic_control", "estimators": []})
    found = evaluated(drawn.design, p)
    told = rehearsed(found, p)
    own = told.table[told.table["shape"] == "constant"]
    assert told.by == "placebos" and own["worlds"].iloc[0] == len(drawn.design.comparison_units)
    assert own["found"].is_monotonic_increasing and own["found"].iloc[0] <= p.verdict.rank + 0.05 and own["found"].iloc[-1] > 0.9
    assert not own["level_1"].any()


def test_every_check_and_warning_is_followed_or_named_as_held(good):
    """A new one that reads outcomes is followed in `Judge`, or named in `missing`; one of the design alone is listed here."""
    found, _, _ = good
    source = (Path(rehearsal.__file__).parent / "warning_signs.py").read_text(encoding="utf-8")
    of_design = {
        "few_clusters",
        "dominant_cluster",
        "two_treated_agencies",
        "event_in_window",
        "thin_months",
        "composition_change",
        "ceiling",
    }
    assert set(re.findall(r'Sign\("([a-z_]+)"', source)) == of_design | set(rehearsal.FOLLOWED_SIGNS)
    assert {*found.checks, "volume", "breakdown", "methods"} == {
        name for name in found.checks | {"volume": ""} if hasattr(rehearsal.Judge, name)
    }
