"""A simulated export whose communes bear the new names from a day on: refused as it is, and its effect found on constant units."""

from datetime import date

import pandas as pd
import pytest

from hgdx_eval.base.errors import InputError
from hgdx_eval.design.design import study_design
from hgdx_eval.estimation.estimate import estimate
from hgdx_eval.panel.load import load_panel
from hgdx_eval.study.load import load_study
from hgdx_eval.vietnam import merger
from hgdx_eval.vietnam.facts import load_facts
from hgdx_eval.vietnam.layouts import opencps_dossiers
from hgdx_eval.vietnam.made_up_world import simulate

DAY = date(2025, 1, 1)  # as if the merger had been then


@pytest.mark.long
def test_the_effect_is_found_across_the_day(tmp_path, monkeypatch):
    file = tmp_path / "export.csv"
    simulate(file, effect=6.0, seed=5, dossiers=120_000)
    head = merger.read_head().model_copy(update={"valid_from": DAY})
    monkeypatch.setattr(merger, "read_head", lambda: head)
    merger.read_merger.cache_clear()
    rows = pd.read_csv(file, dtype=str, keep_default_na=False)
    agency, received = (next(c for c in rows if c in opencps_dossiers.HEADERS[key]) for key in ("agency", "received"))
    found = merger.load_merger()
    names = {f"UBND {u.name}": f"UBND {found.new[found.pairs[u.code][0]][0]}" for u in load_facts().units if u.level == "commune"}
    late = pd.to_datetime(rows[received], dayfirst=True, format="mixed", errors="coerce") >= pd.Timestamp(DAY)
    assert late.any() and rows.loc[late, agency].isin(names.keys()).any()
    rows.loc[late, agency] = rows.loc[late, agency].replace(names)
    rows.to_csv(file, index=False)
    asked = {"data": str(file), "fees": f"{file}.fees.csv"}
    with pytest.raises(InputError, match="it crosses 2025-01-01.*constant_units: true"):
        load_panel(load_study("nq04_2023", "en", asked)[0])
    p = load_study("nq04_2023", "en", {**asked, "constant_units": True})[0]
    panel = load_panel(p)
    merger.read_merger.cache_clear()
    communes = panel.cells[panel.cells["level"] == "commune"]
    assert communes["agency"].nunique() == 28
    assert panel.rejected.set_index("reason").loc["no_old_unit", "rows"] > 0
    table = estimate(study_design(panel, p), p.estimator).table
    row = table[(table["term"] == "overall") & (table["inference"] == "cluster")].iloc[0]
    assert abs(row["estimate"] - 6.0) < 3 * row["std_error"]
