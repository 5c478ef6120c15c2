"""Published results, each to its digit, through the same study files that a researcher writes; and frozen values from
independent libraries on a small made-up panel, so that no machine tests nothing (tests/reference/freeze.py made them)."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from made_up import design_of, staggered_table, triple_table

from hgdx_eval.design.design import study_design
from hgdx_eval.estimation.estimate import estimate
from hgdx_eval.panel.load import load_panel
from hgdx_eval.study.load import read_study

HERE = Path(__file__).parent.parent / "reference"
FROZEN = yaml.safe_load((HERE / "frozen.yaml").read_text(encoding="utf-8"))
SEED = 11


def published(name):
    return yaml.safe_load((HERE / f"{name}.yaml").read_text(encoding="utf-8"))


def from_study(folder, **keys):
    """The estimate of a study written as a researcher writes it."""
    file = folder / "s.yaml"
    file.write_text(yaml.safe_dump({"study": "s", **keys}), encoding="utf-8")
    p = read_study(file, {})
    return estimate(study_design(load_panel(p), p), p.estimator)


def mpdta(tmp_path, shared_reference, **keys):
    return from_study(tmp_path, data=str(shared_reference / "mpdta.csv"), unit="countyreal", period="year", frequency="Y",
                      outcome="lemp", treated_from="first.treat", cluster="countyreal", estimator="callaway_santanna", **keys)  # fmt: skip


def test_mpdta_every_group_time_effect(tmp_path, shared_reference, capsys):
    found = mpdta(tmp_path, shared_reference)
    tolerance = published("callaway_santanna")["mpdta"]["tolerance"]
    theirs = pd.read_csv(shared_reference / "mpdta_ref_attgt.csv").query("scenario == 'mpdta_nev_dr'")
    ours = found.rows("cohort_period").assign(group=lambda t: t["cohort"].astype(int), t=lambda t: t["period"].astype(int))
    both = ours.merge(theirs, on=["group", "t"])
    assert len(both) == len(theirs) == 12
    np.testing.assert_allclose(both["estimate"], both["att"], atol=tolerance["estimate"])
    np.testing.assert_allclose(both["std_error"], both["se"], atol=tolerance["std_error"])


def test_mpdta_every_aggregate(tmp_path, shared_reference):
    found = mpdta(tmp_path, shared_reference)
    tolerance = published("callaway_santanna")["mpdta"]["tolerance"]
    theirs = pd.read_csv(shared_reference / "mpdta_ref_aggte.csv").query("scenario == 'mpdta_nev_dr'")
    aggregates = found.rows("aggregate")
    rows = {"simple": found.overall(), "dynamic": aggregates.query("parameter == 'dynamic'").iloc[0],
            "group": aggregates.query("parameter == 'group' and cohort == ''").iloc[0]}  # fmt: skip
    for kind, row in rows.items():
        expected = theirs[theirs["type"] == kind].iloc[0]
        assert row["estimate"] == pytest.approx(expected["overall_att"], abs=tolerance["estimate"])
        assert row["std_error"] == pytest.approx(expected["overall_se"], abs=tolerance["std_error"])
    events = found.rows("event").merge(theirs[theirs["type"] == "dynamic"], left_on="event_time", right_on="egt")
    groups = (
        aggregates.query("cohort != ''").assign(egt=lambda t: t["cohort"].astype(int)).merge(theirs[theirs["type"] == "group"], on="egt")
    )
    assert (len(events), len(groups)) == (7, 3)
    for both in (events, groups):
        np.testing.assert_allclose(both["estimate"], both["att_egt"], atol=tolerance["estimate"])
        np.testing.assert_allclose(both["std_error"], both["se_egt"], atol=tolerance["std_error"])


def test_mpdta_not_yet_treated(tmp_path, shared_reference):
    theirs = pd.read_csv(shared_reference / "mpdta_ref_attgt.csv").query("scenario == 'mpdta_nyt_dr'")
    ours = mpdta(tmp_path, shared_reference, comparison="not_yet").rows("cohort_period")
    both = ours.assign(group=ours["cohort"].astype(int), t=ours["period"].astype(int)).merge(theirs, on=["group", "t"])
    assert len(both) == len(theirs)
    np.testing.assert_allclose(both["estimate"], both["att"], atol=1e-8)
    np.testing.assert_allclose(both["std_error"], both["se"], atol=1e-6)


def test_two_stage_by_states(tmp_path, shared_reference):
    found = from_study(tmp_path, data=str(shared_reference / "did2s_df_het.csv"), unit="unit", period="year", frequency="Y",
                       outcome="dep_var", treated_from="g", cluster="state", unit_effects="state", estimator="imputation")  # fmt: skip
    row, expected = found.overall("two_stage"), published("imputation")["did2s"]["values"]
    for name, value in expected.items():
        assert row[name] == pytest.approx(value["expected"], abs=value["tolerance"])


def test_card_krueger_two_by_two(tmp_path, shared_reference):
    """Card & Krueger (1994), table 3: 2.76 for all stores (2.7536 unrounded), 2.75 (1.34) for those seen twice."""
    stores = pd.read_csv(shared_reference / "card_krueger.csv")
    stores = stores.assign(wave=1992 + stores["d"], since=np.where(stores["nj"] == 1, 1993, 0), state=stores["nj"])
    stores[["id", "wave", "since", "state", "fte"]].to_csv(tmp_path / "stores.csv", index=False)
    keys = dict(data=str(tmp_path / "stores.csv"), unit="id", period="wave", frequency="Y", outcome="fte", treated_from="since",
                cluster="id", estimator="two_way_fixed_effects")  # fmt: skip
    both = from_study(tmp_path, complete_units=True, **keys).overall()
    assert both["estimate"] == pytest.approx(2.75, abs=0.005)
    assert both["std_error"] == pytest.approx(1.34, abs=0.005)
    everyone = from_study(tmp_path, unit_effects="state", **keys).overall()
    assert everyone["estimate"] == pytest.approx(2.7536, abs=0.0001)


@pytest.mark.parametrize("control", ["never_treated", "not_yet_treated"])
def test_frozen_group_time_average(control):
    design = design_of(staggered_table(SEED), weight=1.0, comparison="never" if control == "never_treated" else "not_yet")
    expect(estimate(design, "callaway_santanna").overall(), FROZEN["callaway_santanna"][control], std_error=1e-9)


def test_frozen_imputation_both_errors():
    found = estimate(design_of(staggered_table(SEED), weight=1.0), "imputation")
    expect(found.overall("two_stage"), FROZEN["imputation"]["two_stage"], std_error=1e-6)
    assert found.overall("cluster")["estimate"] == pytest.approx(FROZEN["imputation"]["conservative"]["estimate"], abs=1e-7)


def test_frozen_sun_abraham_path():
    found = estimate(design_of(staggered_table(SEED), weight=1.0), "sun_abraham").rows("event").set_index("event_time")["estimate"]
    for name, value in FROZEN["sun_abraham"]["unweighted"].items():
        if name != "library":
            assert found[int(name.removeprefix("event_"))] == pytest.approx(value, abs=1e-7)


def test_frozen_triple_difference():
    expect(estimate(design_of(triple_table(SEED)), "triple_difference").overall(), FROZEN["triple_difference"]["weighted"])


def test_frozen_grouped_logit():
    table = staggered_table(SEED)
    found = estimate(design_of(table.assign(numerator=table["numerator"].round())), "grouped_logit")
    odds = found.table[found.table["group"] == "log_odds"].iloc[0]
    assert odds["estimate"] == pytest.approx(FROZEN["grouped_logit"]["dummies"]["log_odds"], abs=1e-8)
    expect(found.overall(), FROZEN["grouped_logit"]["dummies"])


def expect(row, frozen, **tolerance):
    for name in frozen.keys() - {"library", "log_odds"}:
        assert row[name] == pytest.approx(frozen[name], abs=tolerance.get(name, 1e-7)), (name, frozen["library"])
