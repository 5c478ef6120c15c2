"""Units that change inside a window: the smallest that old and new ones have in common, and refusals of a crosswalk that cannot be used."""

import pytest
import yaml

from hgdx_eval.base.errors import InputError
from hgdx_eval.design.design import study_design
from hgdx_eval.estimation.estimate import estimate
from hgdx_eval.panel.load import load_panel
from hgdx_eval.read.readings import Reading
from hgdx_eval.study.load import load_study

PLACES = ("North", "South", "East", "West", "Hill", "Lake")
NEW = {"North": "Top", "South": "Top", "East": "East", "West": "Sunset", "Hill": "Hill", "Lake": "Lake"}
STARTS = {"North": "2023-04", "South": "2023-04", "East": "2023-04"}
WALK = "old,new,valid_from,share\n" + "".join(f"{old},{new},2023-07-01,1\n" for old, new in NEW.items())


def study(folder, last: int, walk: str | None = WALK, start=STARTS, new=NEW, old_after=(), **keys):
    """A table of 3 treated and 3 other places with an effect of exactly 10 points, renamed and joined from July."""
    cells: dict[tuple, list] = {}
    for i, place in enumerate(PLACES):
        for month in range(1, last + 1):
            late = month >= 7 and place not in old_after
            unit, size = new[place] if late else place, 1000
            yes = 300 + 20 * i + 5 * month + 100 * (place in STARTS and month >= 4)
            cell = cells.setdefault((unit, month), [0, 0, start.get(place, "")])
            cell[0] += yes
            cell[1] += size
    body = "".join(f"{u},2023-{m:02},{y},{n},{s}\n" for (u, m), (y, n, s) in cells.items())
    (folder / "a.csv").write_text("place,month,yes,all,start\n" + body, encoding="utf-8")
    asked = {"study": "s", "layout": "table", "unit": "place", "period": "month", "frequency": "M", "numerator": "yes", "denominator": "all",
             "cluster": "place", "estimator": "two_way_fixed_effects", "inference_order": ["placebo"], "treated_from": "start", "data": "a.csv",
             **keys}  # fmt: skip
    if walk is not None:
        (folder / "w.csv").write_text(walk, encoding="utf-8")
        asked["crosswalk"] = "w.csv"
    (folder / "s.yaml").write_text(yaml.safe_dump(asked), encoding="utf-8")
    return load_study(folder / "s.yaml", "en")[0]


def effect_of(p) -> float:
    rows = estimate(study_design(load_panel(p), p), p.estimator).table
    return rows.loc[rows["term"] == "overall", "estimate"].iloc[0]


def test_a_known_effect_is_recovered_across_the_change(tmp_path):
    p = study(tmp_path, last=10)
    panel = load_panel(p)
    assert set(panel.cells["unit"]) == {"North + South", "East", "West", "Hill", "Lake"}
    assert panel.cells.groupby("unit").size().eq(10).all()
    said = panel.readings[-1]  # the last: nothing was lost
    assert said.kind == "units_constant" and said.said["joined"] == 1 and said.said["units"] == 5
    assert effect_of(p) == pytest.approx(10, abs=1e-6)


def test_rows_that_still_name_an_old_unit_are_its_part(tmp_path):
    panel = load_panel(study(tmp_path, last=10, old_after=("North",)))
    assert panel.cells.groupby("unit")["denominator"].sum()["North + South"] == 20_000
    assert panel.readings[-1] == Reading("units_rebuilt", {"n": 1})


def test_before_the_change_nothing_moves_by_the_crosswalk_alone(tmp_path):
    same = {place: f"New {place}" for place in PLACES}
    walk = "old,new,valid_from,share\n" + "".join(f"{old},{new},2023-07-01,\n" for old, new in same.items())
    plain, walked = load_panel(study(tmp_path, 6, None)).cells, load_panel(study(tmp_path, 6, walk)).cells
    assert plain.equals(walked[list(plain.columns)])
    assert effect_of(study(tmp_path, 6, None)) == effect_of(study(tmp_path, 6, walk))


def test_parts_treated_at_different_times_are_left_out_and_told(tmp_path):
    panel = load_panel(study(tmp_path, last=6, start={"North": "2023-04", "East": "2023-04"}))
    assert "North + South" not in set(panel.cells["unit"]) and Reading("units_mixed", {"n": 1}) in panel.readings


@pytest.mark.parametrize(
    ("walk", "found"),
    [
        (WALK.replace("Lake,Lake,2023-07-01,1\n", ""), r"w.csv: 1 unit of a.csv in none of its rows"),
        (WALK.replace("West,Sunset,2023-07-01,1", "West,Sunset,2023-07-01,1.2"), r"w.csv: row 5: share: allowed"),
        (WALK.replace("West,Sunset,2023-07-01,1", "West,Sunset,2023-07-01,0.4"), r"w.csv: row 5: shares of 1 old unit do not add up"),
        (WALK + "Lake,Lake,2023-07-01,1\n", r"w.csv: row 8: the same pair"),
        (WALK.replace("2023-07-01", "2199-07-01"), r"w.csv: valid_from: .*still to come"),
        (WALK.replace("Hill,Hill,2023-07-01", "Hill,Hill,2023-08-01"), r"w.csv: valid_from: 2 days"),
        (WALK.replace("Hill,Hill", "Hill,"), r"w.csv: row 6: old or new is empty"),
        ("old,new,valid_from,share\n", r"w.csv"),
    ],
)
def test_a_crosswalk_that_cannot_be_used_is_refused_in_one_line(tmp_path, walk, found):
    with pytest.raises(InputError, match=found) as refused:
        load_panel(study(tmp_path, 10, walk))
    assert "\n" not in str(refused.value)


def test_an_outcome_is_not_added_up(tmp_path):
    with pytest.raises(InputError, match="cannot be added up"):
        load_panel(study(tmp_path, 6, numerator=None, denominator=None, outcome="yes", weights="all"))


def test_the_key_is_of_tables_with_one_column_of_units(tmp_path):
    with pytest.raises(InputError, match="crosswalk: needs a unit of one column"):
        study(tmp_path, 6, unit=["place", "start"])
    with pytest.raises(InputError, match="constant_units: is of an export"):
        study(tmp_path, 6, None, constant_units=True)


def test_a_place_of_the_facts_whose_units_change_inside_the_window_needs_a_crosswalk(tmp_path):
    p = study(tmp_path, 6, None, place="Hậu Giang")
    assert len(load_panel(p).cells) == 36
    file = tmp_path / "a.csv"
    file.write_text(file.read_text(encoding="utf-8").replace("2023-", "2025-"), encoding="utf-8")
    assert len(load_panel(p).cells) == 36
    file.write_text(file.read_text(encoding="utf-8") + "North,2025-07,1,2,2023-04\n", encoding="utf-8")
    with pytest.raises(InputError, match="it crosses 2025-07-01, when units were merged and split"):
        load_panel(p)
