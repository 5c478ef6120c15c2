"""Against published values and against plain dummies."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import yaml
from made_up import design_of, made_up_table
from scipy.linalg import qr

from hgdx_eval.base.errors import Refusal
from hgdx_eval.design.design import study_design
from hgdx_eval.estimators.two_way_fixed_effects import fit
from hgdx_eval.panel.load import load_panel
from hgdx_eval.study.load import parse_change, read_study, study_file

REFERENCE = yaml.safe_load((Path(__file__).parent.parent / "reference" / "two_way_fixed_effects.yaml").read_text(encoding="utf-8"))


def test_organ_donation_as_published(shared_reference):
    p = read_study(study_file("organ_donation"), parse_change({"data": str(shared_reference / "organ_donations.csv")}))
    row = fit(study_design(load_panel(p), p)).overall("cluster")
    for column, value in REFERENCE["organ_donation"]["values"].items():
        assert row[column] == pytest.approx(value["expected"], abs=value["tolerance"]), column


def test_prop99_difference_in_differences(shared_reference, tmp_path):
    study = tmp_path / "prop99.yaml"
    study.write_text(
        f"""
study: prop99
data: {shared_reference / "california_prop99.csv"}
unit: State
period: Year
frequency: Y
outcome: PacksPerCapita
treated: treated
weights: none
cluster: State
estimator: two_way_fixed_effects
""",
        encoding="utf-8",
    )
    p = read_study(study, {})
    row = fit(study_design(load_panel(p), p)).overall()
    value = REFERENCE["prop99"]["values"]["estimate"]
    assert row["estimate"] == pytest.approx(value["expected"], abs=value["tolerance"])


def dummies(design, regressors):
    """Weighted least squares with a dummy for every unit and every block x period, clustered (statsmodels)."""
    table = design.table
    x = pd.concat([
        pd.DataFrame(regressors), pd.get_dummies(table["unit"], dtype=float),
        pd.get_dummies(table["block"] + table["time"].astype(str), dtype=float, drop_first=True),
    ], axis=1)  # fmt: skip
    x = x.loc[:, (x != 0).any()]
    _, upper, order = qr(np.sqrt(table["weight"].to_numpy())[:, None] * x.to_numpy(), mode="economic", pivoting=True)
    rank = int((np.abs(np.diag(upper)) > 1e-9 * np.abs(upper[0, 0])).sum())
    keep = x.iloc[:, np.sort(order[:rank])]  # full rank: statsmodels' least squares is not exact without
    points = 100 if design.scale == "pp" else 1
    return sm.WLS(points * table["y"].to_numpy(), keep.to_numpy(), weights=table["weight"].to_numpy()).fit(
        cov_type="cluster", cov_kwds={"groups": pd.factorize(table["cluster"])[0], "use_correction": False}
    )


@pytest.mark.parametrize("blocks", [False, True])
def test_equal_to_plain_dummies_on_an_unbalanced_weighted_panel(blocks):
    design = design_of(made_up_table(seed=3, drop=0.15), blocks=blocks)
    row = fit(design).overall()
    plain = dummies(design, design.table[["treated"]].astype(float).to_numpy())
    assert row["estimate"] == pytest.approx(plain.params[0], abs=1e-9)
    table, groups = design.table, design.table["cluster"].nunique()
    n = table["denominator"].sum()
    periods = 0 if blocks else table["time"].nunique()
    factor = np.sqrt(groups / (groups - 1) * (n - 1) / (n - 1 - periods))
    assert row["std_error"] == pytest.approx(plain.bse[0] * factor, rel=1e-6)


def test_event_path_equal_to_plain_dummies():
    design = design_of(made_up_table(seed=4), blocks=True)
    path = fit(design).rows("event").set_index("event_time")["estimate"]
    assert path[-1] == 0
    others = [k for k in path.index if k != -1]
    event = design.table["event_time"].to_numpy()
    plain = dummies(design, (event[:, None] == np.array(others)[None, :]).astype(float))
    np.testing.assert_allclose(path[others], plain.params[: len(others)], atol=1e-8)


@pytest.mark.parametrize("blocks", [False, True])
def test_equal_to_pyfixest(blocks):
    """Coefficients; and errors less the small-sample factor, which that library lets depend on the order of effects."""
    pyfixest = pytest.importorskip("pyfixest", reason="an independent library, in the extra `oracles`")
    design = design_of(made_up_table(seed=8, drop=0.1), blocks=blocks)
    table = design.table.assign(
        treated=design.table["treated"].astype(float), when=design.table["block"] + design.table["time"].astype(str)
    )
    theirs = pyfixest.feols("y ~ treated | unit + when", data=table, weights="weight", vcov={"CRV1": "cluster"},
                            ssc=pyfixest.ssc(k_adj=False, G_adj=False))  # fmt: skip
    row = fit(design).overall()
    assert row["estimate"] == pytest.approx(100 * theirs.coef()["treated"], abs=1e-9)
    groups, n = table["cluster"].nunique(), table["denominator"].sum()
    k = 1 + (0 if blocks else table["time"].nunique())
    factor = np.sqrt(groups / (groups - 1) * (n - 1) / (n - k))
    assert row["std_error"] == pytest.approx(100 * theirs.se()["treated"] * factor, rel=1e-6)


def test_event_path_averages_and_the_first_month_stands_apart():
    design = design_of(made_up_table(seed=5, effect=0.1), blocks=True)
    found = fit(replace(design, apart=(design.start,)))
    rows = found.rows("group")
    assert list(rows["period"]) == [str(design.start), f"{design.start + 1}.."]
    low, high = sorted(rows["estimate"])
    assert low <= found.overall()["estimate"] <= high


def test_sizes_of_event_times_are_told_where_they_count_no_dossiers():
    design = design_of(made_up_table(seed=5))
    assert fit(design).rows("event")["n_obs"].isna().all()
    rows = replace(design, table=design.table.assign(denominator=np.nan, numerator=np.nan))
    assert fit(rows).rows("event")["n_obs"].notna().all()


def test_one_cluster_is_refused():
    design = design_of(made_up_table(seed=6))
    with pytest.raises(Refusal) as refusal:
        fit(replace(design, table=design.table.assign(cluster="one")))
    assert refusal.value.reason == "one_cluster"


def test_treatment_that_the_block_periods_absorb_is_refused():
    table = made_up_table(seed=7)
    table["treated_from"] = np.where(table["cluster"].isin(["c0", "c1"]), table["time"].median(), np.nan)
    with pytest.raises(Refusal) as refusal:
        fit(design_of(table, blocks=True))
    assert refusal.value.reason == "collinear"


def test_cells_give_what_one_row_a_dossier_gives():
    """Coefficient, clustered error, N and the small-sample factor of an independent library on 0/1 rows; the cells are a hundredth of them."""
    pyfixest = pytest.importorskip("pyfixest", reason="an independent library, in the extra `oracles`")
    rng = np.random.default_rng(5)
    table = made_up_table(seed=4)
    table["denominator"] = rng.integers(20, 200, len(table))
    table["numerator"] = rng.binomial(table["denominator"], 0.3 + 0.2 * rng.random(len(table)))
    cells = design_of(table).table
    rows = cells.loc[cells.index.repeat(cells["denominator"].astype(int))].reset_index(drop=True)
    rank = rows.groupby(["unit", "time"]).cumcount()
    rows = rows.assign(filed=(rank < rows["numerator"]).astype(float), treated=rows["treated"].astype(float))
    theirs = pyfixest.feols("filed ~ treated | unit + time", rows, vcov={"CRV1": "cluster"}, demeaner=pyfixest.MapDemeaner(fixef_tol=1e-12))
    row = fit(design_of(table)).overall()
    assert row["n_obs"] == len(rows) == theirs._N
    assert row["estimate"] == pytest.approx(100 * theirs.coef()["treated"], abs=1e-9)
    assert row["std_error"] == pytest.approx(100 * theirs.se()["treated"], rel=1e-9)
