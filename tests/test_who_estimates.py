"""For whom and what else moved: every estimate finds a truth that was put in, and nothing is claimed where there is none."""

from dataclasses import replace

import numpy as np
import pytest
from cost_worlds import drawn

from hgdx_eval.designs import study_design
from hgdx_eval.places import Places
from hgdx_eval.who import group_gap, outcome_effect, slope_gap, volume_effect, who_of


def processed(panel, seed, days=0.0, late=0.0):
    """The panel with dates of completion; a treated dossier takes `days` longer and is late with a probability `late` higher."""
    rng, cells = np.random.default_rng([seed, 9]), panel.cells
    n, treated = cells["received"].to_numpy(), is_treated(cells)
    sums = np.rint(rng.normal(9.6 * n, 5.2 * np.sqrt(n))).clip(n) + np.rint(days * n * treated)
    return replace(panel, cells=cells.assign(done=n, timed=n, days=sums, on_time=rng.binomial(n, 0.94 - late * treated)))


def is_treated(cells):
    return ((cells["fee_group"] == "provincial") & (cells["period"] >= "2023-08")).to_numpy()


def held(row, truth):
    return row["ci_low"] <= truth <= row["ci_high"]


def test_other_outcomes_find_what_was_put_in():
    panel, p, _ = drawn(5)
    panel = processed(panel, 5, days=2.0, late=0.05)
    days, on_time = outcome_effect(panel, p, "days"), outcome_effect(panel, p, "on_time")
    assert days["estimate"] == pytest.approx(2.0, abs=0.2) and days["scale"] == "level"
    assert on_time["estimate"] == pytest.approx(-5.0, abs=0.8) and on_time["scale"] == "pp"
    remote = outcome_effect(panel, p, "remote")  # 18 of 100 dossiers filed online are entered by staff, whatever the cut
    assert remote["estimate"] == pytest.approx(0.82 * panel.truth["truth_pp"].iloc[-1], abs=1.0)


def test_a_column_that_is_not_there_is_none_and_never_0():
    panel, p, design = drawn(5, dossiers=60_000)
    found = who_of(panel, p, design)
    assert found.outcomes["on_time"] is None and found.outcomes["days"] is None and found.outcomes["post"] is None
    assert not {"other_on_time", "other_days", "other_post"} & set(found.recorded[0].table["group"])


def test_an_outcome_that_no_dossier_has_is_refused_with_a_reason():
    panel, p, _ = drawn(5, dossiers=60_000)
    empty = replace(panel, cells=panel.cells.assign(timed=0, on_time=0))
    row = outcome_effect(empty, p, "on_time")
    assert row["status"] == "refused" and row["reason"] and np.isnan(row["estimate"])


def test_lost_dossiers_are_found_in_per_cent():
    panel, p, _ = drawn(7)
    treated = is_treated(panel.cells)
    rng = np.random.default_rng(7)
    fewer = rng.binomial(panel.cells["received"], np.where(treated, 0.8, 1.0))
    lost = replace(panel, cells=panel.cells.assign(received=fewer, online=np.minimum(panel.cells["online"], fewer)))
    row, reason = volume_effect(study_design(lost, p), p)
    assert reason == "" and row["scale"] == "log"
    assert 100 * np.expm1(row["estimate"]) == pytest.approx(-20.0, abs=3.0)


def test_a_slope_over_places_finds_what_was_put_in():
    panel, p, _ = drawn(11, effect=0.0)
    names = sorted(panel.cells["cluster"].unique())
    known = {name: float(i) for i, name in enumerate(names)}
    score = panel.cells["cluster"].map(known).to_numpy()
    cells = panel.cells
    more = np.random.default_rng(11).binomial(cells["received"], 0.004 * score * is_treated(cells))
    moved = replace(panel, cells=cells.assign(online=np.minimum(cells["online"] + more, cells["received"])))
    found = slope_gap(moved, p, study_design(moved, p), "distance_km", Places({"distance_km": known}, {"distance_km": ("made up (2023)",)}))
    assert found.row["estimate"] == pytest.approx(0.4 * found.step, rel=0.2) and found.sources


def test_too_few_places_or_one_value_everywhere_is_said():
    panel, p, design = drawn(11, dossiers=60_000)
    names = sorted(panel.cells["cluster"].unique())

    def reason(known):
        return slope_gap(panel, p, design, "distance_km", Places({"distance_km": known}, {"distance_km": ("x (2023)",)})).reason

    assert reason({names[0]: 1.0}) == "few_places"
    assert reason(dict.fromkeys(names, 2.0)) == "same_everywhere"
    assert slope_gap(panel, p, design, "distance_km", Places({}, {})).reason == "no_places"


def test_communes_that_gain_more_are_found():
    panel, p, _ = drawn(13, effect=0.0)
    cells = panel.cells
    more = np.random.default_rng(13).binomial(cells["received"], 0.06 * (is_treated(cells) & (cells["level"] == "commune")))
    moved = replace(panel, cells=cells.assign(online=np.minimum(cells["online"] + more, cells["received"])))
    found = group_gap(moved, p, study_design(moved, p), "level")
    assert found.row["estimate"] == pytest.approx(6.0, abs=2.0) and not held(found.row, 0.0)
