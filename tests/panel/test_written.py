"""A panel in each kind of file: what is written is read back by a study of a table, and gives the same estimate."""

import os
import stat
from functools import partial

import duckdb
import openpyxl
import pandas as pd
import pytest
import yaml
from in_process import command

import hgdx_eval as hg
from hgdx_eval.base.origin import Origin
from hgdx_eval.panel.panel import Panel, export_panel
from hgdx_eval.panel.written import WRITERS
from hgdx_eval.vietnam.made_up_world import simulate

KEYS = {"unit": "agency", "period": "period", "frequency": "M", "numerator": "online", "denominator": "received", "cluster": "cluster",
        "treated_from": {"Thành phố Vị Thanh": "2023-08", "Huyện Phụng Hiệp": "2023-08"}, "weights": "received",
        "estimator": "two_way_fixed_effects"}  # fmt: skip


@pytest.fixture(scope="module")
def sums(tmp_path_factory):
    """A folder of printed summaries, and the estimate from them."""
    folder = tmp_path_factory.mktemp("sums")
    simulate(folder / "sums", seed=5, dossiers=20_000, layout="opencps_summary")
    return folder, estimate_of(folder, "sums", "opencps_summary")


def estimate_of(folder, data, layout):
    own = {"study": "mine", "data": str(folder / data), "layout": layout, **KEYS}
    (folder / "mine.yaml").write_text(yaml.safe_dump(own, allow_unicode=True), encoding="utf-8")
    p, _ = hg.load_study(str(folder / "mine.yaml"), "en")
    panel = hg.load_panel(p)
    assert panel.origin.simulated
    return hg.estimate(hg.study_design(panel, p), p.estimator).overall()


READ = {
    ".parquet": lambda path: duckdb.read_parquet(str(path)).df(),
    ".csv": pd.read_csv,
    ".xlsx": partial(pd.read_excel, engine="openpyxl"),
    ".dta": pd.read_stata,
}


@pytest.mark.parametrize("ending", WRITERS)
def test_a_panel_goes_out_and_comes_back_to_the_same_estimate(sums, tmp_path, ending):
    folder, expected = sums
    out = tmp_path / f"panel{ending.upper()}"
    done = command("panel", str(folder / "sums"), "-o", str(out), cwd=folder)
    assert done.returncode == 0 and done.stdout.strip() == str(out), done.stderr
    assert stat.S_IMODE(out.stat().st_mode) == 0o600 or os.name == "nt"
    found = estimate_of(folder, out, "table")
    assert expected["std_error"] > 0
    assert found[["estimate", "std_error", "n_obs"]].tolist() == pytest.approx(
        expected[["estimate", "std_error", "n_obs"]].tolist(), rel=1e-12
    )
    rows = READ[ending](out)
    assert rows["received"].sum() == expected["n_obs"] and rows["simulated"].astype(bool).all() and set(rows["period"].str.len()) == {7}


def test_no_text_becomes_a_formula_and_a_missing_number_stays_missing(tmp_path):
    cells = pd.DataFrame({"agency": ['=HYPERLINK("x")', "b"], "period": pd.PeriodIndex(["2023-01", "2023-02"], freq="M"), "received": [3, 40],
                          "assisted": pd.array([1, None], "Int64")})  # fmt: skip
    panel = Panel(cells, Origin("a.csv", "0", 2, "opencps_summary", False), pd.DataFrame(), pd.DataFrame(), 2)
    for ending in WRITERS:
        export_panel(panel, tmp_path / f"p{ending}", 5, False)
        rows = READ[ending](tmp_path / f"p{ending}")
        assert rows["assisted"].isna().tolist() == [False, True] and rows["received"].tolist() == [3, 40], ending
    assert "\n'=HYPERLINK" in (tmp_path / "p.csv").read_text(encoding="utf-8").replace('"', "")
    cell = openpyxl.load_workbook(tmp_path / "p.xlsx")["panel"]["A2"]
    assert cell.data_type == "s" and cell.quotePrefix
    assert "status: internal; min_count: 5" in openpyxl.load_workbook(tmp_path / "p.xlsx").properties.description
    with pd.read_stata(tmp_path / "p.dta", iterator=True) as reader:
        assert reader.data_label == "status: internal; min_count: 5"


def test_another_ending_is_refused_before_anything_is_read(tmp_path):
    done = command("panel", "nothing.csv", "-o", "panel.rds", cwd=tmp_path)
    assert done.returncode == 2 and "panel.rds" in done.stderr and "allowed: .parquet, .csv, .xlsx, .dta" in done.stderr
    assert "found none" in command("panel", "nothing.csv", "-o", "panel", cwd=tmp_path).stderr
