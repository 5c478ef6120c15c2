import hashlib

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hgdx_eval.base.errors import InputError
from hgdx_eval.vietnam.facts import load_facts
from hgdx_eval.vietnam.made_up_export import COLUMNS
from hgdx_eval.vietnam.made_up_procedures import CUT, procedures
from hgdx_eval.vietnam.made_up_world import WORLDS, fee_schedule, probabilities, simulate, simulate_cells, skeleton


def world(name, seed=1, effect=4.0):
    frame = skeleton(load_facts().sha256)
    p0, p1, treated = probabilities(frame, np.random.default_rng(seed), effect, name)
    return frame, p0, p1, treated


def group_gap(name, seeds=40):
    """months: mean of fee-bearing less free untreated shares inside an agency, over seeds and agencies."""
    gaps = []
    for seed in range(seeds):
        frame, p0, _, _ = world(name, seed)
        number = frame.units["number"].to_numpy()
        fee = (frame.units["fee_group"] == "provincial").to_numpy()
        free = frame.units["fee_group"].isin(["free", "already_free"]).to_numpy()
        both = sorted(set(number[fee]) & set(number[free]))
        gaps.append(np.mean([p0[fee & (number == a)].mean(0) - p0[free & (number == a)].mean(0) for a in both], axis=0))
    return np.mean(gaps, axis=0)


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    digests = set()
    for name in ("a", "b"):
        simulate(tmp_path / f"{name}.csv", seed=3, dossiers=5000)
        digests.add(hashlib.sha256((tmp_path / f"{name}.csv").read_bytes()).hexdigest())
    assert len(digests) == 1
    simulate(tmp_path / "c.csv", seed=4, dossiers=5000)
    assert hashlib.sha256((tmp_path / "c.csv").read_bytes()).hexdigest() not in digests


@settings(max_examples=15)
@given(st.integers(0, 10**6), st.floats(-30, 30))
def test_the_overall_truth_is_the_mean_over_treated_dossiers(seed, effect):
    _, truth = simulate_cells(seed, effect, 5000)
    months, overall = truth.iloc[:-1].dropna(), truth.iloc[-1]
    assert overall["period"] == "overall"
    assert overall["treated_received"] == months["treated_received"].sum()
    assert overall["truth_pp"] == pytest.approx((months["truth_pp"] * months["treated_received"]).sum() / overall["treated_received"])


@pytest.mark.parametrize("name", WORLDS)
def test_no_effect_is_exactly_zero_in_every_world(name):
    assert (simulate_cells(7, 0.0, 20_000, name)[1]["truth_pp"].dropna() == 0).all()


def test_untreated_shares_of_both_groups_move_in_parallel_inside_an_agency():
    gap = group_gap("default")
    assert np.ptp(gap) < 0.01


def test_each_world_breaks_its_one_thing():
    trend = group_gap("differential_trend")
    assert trend[-6:].mean() - trend[:6].mean() > 0.01
    uneven = group_gap("campaign_uneven")
    assert uneven[20:24].mean() - uneven[:19].mean() > 0.03
    assert abs(uneven[24:].mean() - uneven[:19].mean()) < 0.01
    _, p0, p1, treated = world("ceiling")
    assert (p1 - p0)[treated].mean() < 0.03
    cells, _ = simulate_cells(1, world="two_treated_agencies")
    assert cells[(cells["fee_group"] == "provincial") & (cells["received"] > 0)]["cluster"].nunique() == 2


def test_the_world_has_what_it_says():
    cells, _ = simulate_cells(1)
    assert cells["cluster"].nunique() == 27
    assert cells[cells["level"] == "commune"]["agency"].nunique() == 75
    assert 55 <= len(procedures()) <= 70
    assert set(cells["fee_group"]) == {"provincial", "central", "already_free", "free"}
    assert (str(cells["period"].min()), str(cells["period"].max())) == ("2022-01", "2025-06")
    months = cells[cells["level"] == "commune"].groupby(["agency", "period"])["received"].sum()
    assert 1 <= (months == 0).sum() <= 40
    assert set(cells["procedure"]) <= set(fee_schedule()["procedure"])


def test_untreated_shares_end_near_their_ceiling_and_the_effect_is_not_clipped():
    frame, p0, p1, treated = world("default")
    assert 0.75 < p0[:, -6:].mean() < 0.88
    assert np.allclose((p1 - p0)[treated], 0.04)
    assert frame.months[treated.any(axis=0)][0] == CUT


def test_all_columns_in_their_order_and_personal_ones_are_nonsense(tmp_path):
    simulate(tmp_path / "a.csv", seed=3, dossiers=2000)
    frame = pd.read_csv(tmp_path / "a.csv", dtype=str)
    assert tuple(frame.columns) == COLUMNS
    assert frame["Chủ hồ sơ"].str.startswith("NGƯỜI MÔ PHỎNG").all()
    assert (frame["Chi tiết nội dung"] == "SỐ LIỆU MÔ PHỎNG").all()
    assert (frame["Số điện thoại"] == "0000000000").all()
    assert frame["Mã hồ sơ"].duplicated().sum() == pytest.approx(0.002 * len(frame), abs=3)


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [("a.csv", {"world": "wrld"}, "world"), ("a.csv", {"dossiers": 0}, "dossiers"), ("a.csv", {"effect": 120}, "effect"),
     ("a.csv", {"layout": "pdf"}, "layout"), ("a.doc", {}, r"\.csv or \.xlsx"), ("no/a.csv", {}, "folder")],
)  # fmt: skip
def test_what_cannot_be_simulated_is_refused_and_writes_nothing(tmp_path, name, options, says):
    with pytest.raises(InputError, match=says):
        simulate(tmp_path / name, **{"dossiers": 100, **options})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long
def test_the_differential_trend_biases_the_main_design_by_about_three_standard_errors():
    from coverage_worlds import demo_design

    from hgdx_eval.estimators.two_way_fixed_effects import fit

    found = [(fit(design).overall(), truth) for design, truth in (demo_design(seed, world="differential_trend") for seed in range(1, 21))]
    bias = np.mean([row["estimate"] - truth for row, truth in found])
    assert 2 < bias / np.mean([row["std_error"] for row, _ in found]) < 4
