"""For whom, and what else moved: known differences are found, families of intervals keep their word, what is missing is said."""

import html
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from coverage_worlds import ORIGIN
from monte_carlo import at_least, draws, rate, unbiased
from small_run import LEAN

from hgdx_eval.base.errors import InputError
from hgdx_eval.design.design import study_design
from hgdx_eval.estimation.results import check_table, result_table
from hgdx_eval.infer.multiplicity import adjusted
from hgdx_eval.panel.panel import NOTES, Panel
from hgdx_eval.report.record import record
from hgdx_eval.run.receipt import input_files
from hgdx_eval.study.load import read_study, study_file, study_words
from hgdx_eval.vietnam.dossier_panel import commune_type
from hgdx_eval.vietnam.facts import load_facts
from hgdx_eval.vietnam.made_up_procedures import CUT
from hgdx_eval.vietnam.made_up_world import fee_schedule, simulate_cells
from hgdx_eval.vietnam.questions.charts_gaps import plot_gaps, plot_outcomes
from hgdx_eval.vietnam.questions.gaps import OUTCOMES, Gap, moved, outcome_effect, slope_gap, who_of
from hgdx_eval.vietnam.questions.places import MEASURES, Places, read_places
from hgdx_eval.vietnam.questions.show_gaps import show_gap_notes, show_gaps, show_outcomes, show_volume, show_who_truth, state_of

ROOT = Path(__file__).parent.parent.parent
BLOCKS = (show_gaps, show_gap_notes, show_volume, show_outcomes)
HEADER = "place,measure,value,date,source\n"


def made(seed, **change):
    """(panel, study) of one draw, with days and appointments that the cut does not touch."""
    cells, truth = simulate_cells(seed)
    rng = np.random.default_rng([seed, 9])
    n = cells["received"].to_numpy()
    cells = cells.assign(done=n, timed=n, on_time=rng.binomial(n, 0.94), days=5 * n + rng.poisson(n))
    kinds = {unit.name: commune_type(unit) for unit in load_facts().units}
    fields = fee_schedule().set_index("procedure")["field"]
    cells = cells.assign(field=cells["procedure"].map(fields), commune_type=cells["agency"].map(kinds).fillna(""))
    nothing = pd.DataFrame(columns=NOTES)
    p = read_study(study_file("demo"), {"by": [], "dose": None, **change})
    return Panel(cells, ORIGIN, nothing, nothing, int(n.sum()), truth), p


def found_in(panel, p):
    return who_of(panel, p, study_design(panel, p))


def touched(panel):
    return ((panel.cells["fee_group"] == "provincial") & (panel.cells["period"] >= CUT)).to_numpy()


def with_more_online(panel, share):
    """`share`: what is added to the share online, by row; of treated cells alone. Estimates are linear in it, so that it comes out exactly."""
    more = np.where(touched(panel), share, 0.0) * panel.cells["received"]
    return replace(panel, cells=panel.cells.assign(online=panel.cells["online"] + more))


def gap_of(found, name):
    return next(gap for gap in found.gaps if gap.name == name)


def text(block):
    return html.unescape(re.sub(r"<[^>]+>", " ", re.sub(r'href="[^"]*"', "", block.html)))


@pytest.fixture(scope="module")
def plain():
    panel, p = made(1)
    return panel, p, found_in(panel, p)


# --- known differences are found -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "column", "values"), [("commune_type", "commune_type", ["commune"]), ("level", "level", ["commune"])])
def test_a_known_difference_between_groups_is_found(plain, name, column, values):
    """The same draw with five points more in one group: the estimate moves by five points."""
    panel, p, before = plain
    after = found_in(with_more_online(panel, np.where(panel.cells[column].isin(values), 0.05, 0.0)), p)
    difference = gap_of(after, name).row["estimate"] - gap_of(before, name).row["estimate"]
    assert difference == pytest.approx(5.0)
    assert gap_of(after, name).before == gap_of(before, name).before  # what was before knows nothing of it


@pytest.mark.parametrize(("name", "column"), [("start_place", "cluster"), ("start_field", "field")])
def test_a_known_difference_between_low_and_high_starts_is_found(plain, name, column):
    panel, p, before = plain
    own = panel.cells[(panel.cells["fee_group"] == "provincial") & (panel.cells["period"] < pd.Period("2022-10", "M"))]
    sums = own.groupby(column)[["online", "received"]].sum()
    sums = sums[sums["received"] > 0].assign(share=lambda s: s["online"] / s["received"]).sort_values("share")
    low = sums.index[(sums["received"].cumsum() - sums["received"] / 2) / sums["received"].sum() < 0.5]
    after = found_in(with_more_online(panel, np.where(panel.cells[column].isin(low), 0.05, 0.0)), p)
    assert gap_of(after, name).row["estimate"] - gap_of(before, name).row["estimate"] == pytest.approx(5.0)
    assert gap_of(before, name).before < -3


def test_the_slope_on_a_users_numbers_is_found(plain, tmp_path):
    """Two points more per 10 km, in the same draw: the estimate moves by as much per standard deviation."""
    panel, p, _ = plain
    places, far = written(tmp_path)
    p = p.model_copy(update={"places": str(places)})
    before, after = (gap_of(found_in(one, p), "distance_km") for one in
                     (panel, with_more_online(panel, 0.002 * panel.cells["agency"].map(far).fillna(0).to_numpy())))  # fmt: skip
    assert after.row["estimate"] - before.row["estimate"] == pytest.approx(0.2 * after.step)
    assert after.step == before.step and after.sources == ("Báo cáo mẫu (2023)",)


def test_too_few_places_or_one_value_everywhere_is_said(plain):
    panel, p, _ = plain
    names, design = sorted(panel.cells["cluster"].unique()), study_design(panel, p)

    def reason(known):
        return slope_gap(panel, p, design, "distance_km", Places({"distance_km": known}, {"distance_km": ("x (2023)",)})).reason

    assert reason({names[0]: 1.0}) == "few_places"
    assert reason(dict.fromkeys(names, 2.0)) == "same_everywhere"
    assert slope_gap(panel, p, design, "distance_km", Places({}, {})).reason == "no_places"


def written(folder):
    """A file of distances (km) of communes: (path, what it holds by official name)."""
    rng = np.random.default_rng(3)
    units = [unit for unit in load_facts().units if unit.level == "commune"]
    far = {unit.name: round(float(rng.uniform(0, 20)), 1) for unit in units}
    rows = [f"{unit.code},distance_km,{far[unit.name]},2023,Báo cáo mẫu" for unit in units]
    path = folder / "places.csv"
    path.write_text(HEADER + "\n".join(rows) + "\n", encoding="utf-8")
    return path, far


def test_the_effect_on_the_number_of_dossiers_is_found(plain):
    """One treated dossier in ten never comes: -10% against the same draw."""
    panel, p, before = plain
    cells, rng = panel.cells.copy(), np.random.default_rng(6)
    cells["received"] = np.where(touched(panel), rng.binomial(cells["received"], 0.9), cells["received"])
    cells["online"] = np.minimum(cells["online"], cells["received"])
    after = found_in(replace(panel, cells=cells), p)
    assert np.expm1(after.volume["estimate"] - before.volume["estimate"]) == pytest.approx(-0.1, abs=0.01)
    assert after.volume["ci_high"] < 0 and "thấp hơn" in text(show_volume(after, study_words(p, "vi")))


def test_effects_on_other_outcomes_are_found(plain):
    panel, p, before = plain
    cells, rng = panel.cells.copy(), np.random.default_rng(7)
    on = touched(panel)
    cells["on_time"] = np.where(on, rng.binomial(cells["timed"], 0.97), cells["on_time"])
    cells["days"] = cells["days"] - on * cells["done"]
    after = found_in(replace(panel, cells=cells), p)
    moves = {name: after.outcomes[name]["estimate"] - before.outcomes[name]["estimate"] for name in ("on_time", "days", "remote", "staff")}
    assert moves == {"on_time": pytest.approx(3.0, abs=0.3), "days": pytest.approx(-1.0, abs=1e-6), "remote": 0.0, "staff": 0.0}
    assert after.outcomes["days"]["scale"] == "level" and after.outcomes["on_time"]["scale"] == "pp"


def test_the_shares_of_remote_and_staff_add_up_to_the_main_effect(plain):
    panel, p, found = plain
    from hgdx_eval.estimation.estimate import estimate

    main = estimate(study_design(panel, p), p.estimator).overall()["estimate"]
    assert found.outcomes["remote"]["estimate"] + found.outcomes["staff"]["estimate"] == pytest.approx(main)
    overall = panel.truth.iloc[-1]
    assert overall["remote_pp"] + overall["staff_pp"] == pytest.approx(overall["truth_pp"])


@pytest.mark.parametrize(
    ("before", "estimate", "low", "high", "state"),
    [(-5, 2, 1, 3, "narrowed"), (-5, -2, -3, -1, "widened"), (5, -2, -3, -1, "narrowed"), (5, -11, -12, -10, "widened"),
     (-5, 2, -1, 5, "unclear"), (0.1, 2, 1, 3, "opened"), (np.nan, 2, 1, 3, "opened"), (-5, 2, np.nan, np.nan, "unclear")],
)  # fmt: skip
def test_what_became_of_a_gap(before, estimate, low, high, state):
    assert moved(Gap("level", pd.Series({"estimate": float(estimate)}), before), low, high) == state


# --- families ------------------------------------------------------------------------------------------------------


def rows_of(estimates, errors, dof=20):
    from hgdx_eval.estimation.inference import t_interval

    told = [(e, s, *t_interval(e, s, dof)) for e, s in zip(estimates, errors, strict=True)]
    return result_table([{"term": "specification", "group": f"g{i}", "estimate": e, "std_error": s, "ci_low": low, "ci_high": high, "p_value": p,
                          "inference": "cluster", "scale": "pp"} for i, (e, s, low, high, p) in enumerate(told)])  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize("alike", [0.0, 0.6])
def test_a_family_without_effects_is_seldom_told_to_have_one(alike):
    """250 families of five t-distributed estimates: one interval in any of them leaves out 0 in at most 5%, Monte Carlo error 1.4 points;
    without the adjustment it is some 20%."""
    rng, families, plain = np.random.default_rng(20230714), [], []
    for _ in range(250):
        z = np.sqrt(alike) * rng.normal() + np.sqrt(1 - alike) * rng.normal(size=5)
        errors = np.sqrt(rng.chisquare(20, 5) / 20)
        rows = rows_of(z, errors)
        found = adjusted(rows)
        families.append(bool(((found["ci_low"] > 0) | (found["ci_high"] < 0)).any()))
        plain.append(bool(((rows["ci_low"] > 0) | (rows["ci_high"] < 0)).any()))
    assert np.mean(families) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 250)
    assert np.mean(plain) > 0.12


def test_conclusions_are_drawn_from_the_joint_intervals(plain):
    _, p, found = plain
    assert list(found.apart["group"]) == [f"gap_{gap.name}" for gap in found.gaps if gap.row is not None]
    assert list(found.together["group"]) == ["other_on_time", "other_days", "other_remote", "other_staff", "other_volume"]
    for gap in found.gaps[:4]:
        own = found.apart.set_index("group").loc[f"gap_{gap.name}"]
        assert own["ci_low"] < gap.row["ci_low"] and own["ci_high"] > gap.row["ci_high"]
    assert not re.search(r"\bp\s*[=<]|p-value|giá trị p|\*", " ".join(text(show(found, study_words(p, "vi"))) for show in BLOCKS))


# --- what is missing is said ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_a_column_that_is_not_there_is_said_to_be_missing_and_never_0(plain, lang):
    panel, p, _ = plain
    words = study_words(p, lang)
    bare = replace(
        panel, cells=panel.cells.drop(columns=["on_time", "timed", "done", "days", "assisted", "remote", "commune_type", "field"])
    )
    found = found_in(bare, p)
    assert all(row is None for row in found.outcomes.values())
    said = text(show_outcomes(found, words))
    assert said.count("không có trong tệp" if lang == "vi" else "not in the file") == len(OUTCOMES) and not re.search(r"\d", said)
    assert [gap_of(found, name).reason for name in ("commune_type", "start_field", *MEASURES)] == ["not_told"] * 2 + ["no_places"] * 4
    assert text(show_gap_notes(found, words)).count("Chưa có số liệu" if lang == "vi" else "No data yet") == 4


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_a_study_without_dossiers_says_so(lang):
    p = read_study(study_file("papi_2019_2024"), {})
    empty = pd.DataFrame({"unit": []})
    found = who_of(Panel(empty, ORIGIN, empty, empty, 0), p, None)
    words = study_words(p, lang)
    assert found.reason == "no_dossiers"
    assert text(show_gaps(found, words)).strip().startswith("Chưa nói được gì" if lang == "vi" else "Nothing can be said")
    assert [show(found, words) for show in BLOCKS[1:]] == [None] * 3
    assert plot_gaps(found, None, words) is plot_outcomes(found, None, words) is None
    assert len(record(found.recorded, "who", words).table) == 0


def test_an_outcome_that_cannot_be_estimated_is_refused_in_words(plain):
    panel, p, found = plain
    late = panel.cells["period"] >= CUT
    bare = replace(panel, cells=panel.cells.assign(timed=panel.cells["timed"] * late, on_time=panel.cells["on_time"] * late))
    row = outcome_effect(bare, p, "on_time")
    assert row["status"] == "refused" and row["reason"] == "no_pre_period"
    told = replace(found, outcomes={**found.outcomes, "on_time": row}, together=found.together[found.together["group"] != "other_on_time"])
    assert "không ước tính được" in text(show_outcomes(told, study_words(p, "vi")))
    none = outcome_effect(replace(panel, cells=panel.cells.assign(timed=0, on_time=0)), p, "on_time")  # of a column that nobody filled
    assert none["status"] == "refused" and none["reason"] and np.isnan(none["estimate"])


# --- a user's file -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "says"),
    [("31318,eldery_share,10%,2023,x", r"row 2: measure: 'eldery_share' \(did you mean 'elderly_share'\?\); allowed: ethnic"),
     ("31318,elderly_share,110%,2023,x", r"row 2: value: '110%' is above 100%"),
     ("31318,elderly_share,nhiều,2023,x", r"row 2: value: text of 5 characters is not a number"),
     ("31318,distance_km,-3,2023,x", r"row 2: value: '-3' is negative"),
     ("31318,distance_km,3,2023,", r"row 2: source is empty"),
     ("31318,distance_km,3,,x", r"row 2: "),
     ("31318,distance_km,3,2999,x", r"row 2: .*2999"),
     ("Xã Không Có,distance_km,3,2023,x", r"row 2: place: text of 11 characters is no unit"),
     ("31318,distance_km,3,2023,x\n31318,distance_km,4,2023,x", r"row 3: a second distance_km of"),
     ("31318,distance_km,3,2023", r"row 2: 4 cells, but the header has 5"),
     ('31318,distance_km,3,2023,"x', r"a quote is not closed")],
)  # fmt: skip
def test_numbers_of_places_that_cannot_be_are_refused_in_one_line(tmp_path, row, says):
    path = tmp_path / "places.csv"
    path.write_text(HEADER + row + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=says) as error:
        read_places(path)
    assert "\n" not in str(error.value) and str(error.value).startswith("places.csv")


def test_a_file_of_places_is_read_in_any_csv_and_is_an_input(tmp_path):
    path = tmp_path / "places.csv"
    path.write_text("\ufeff" + (HEADER + "31318,elderly_share,12,5%,2023,a").replace("12,5%", "12.5%").replace(",", ";"), encoding="utf-8")
    found = read_places(path)
    assert list(found.values["elderly_share"].values()) == [0.125] and found.sources["elderly_share"] == ("a (2023)",)
    data = tmp_path / "d.csv"
    data.write_text("x\n", encoding="utf-8")
    p = read_study(study_file("demo"), {"places": str(path), "data": str(data)})
    assert path in input_files(p)
    with pytest.raises(InputError, match="there is no such file of places"):
        read_places(tmp_path / "none.csv")
    path.write_text("place,value\n", encoding="utf-8")
    with pytest.raises(InputError, match="row 1: columns 'place', 'value'; needed: place, measure, value, date, source"):
        read_places(path)


# --- what is told and recorded -------------------------------------------------------------------------------------


def test_what_is_recorded_keeps_the_contract(plain):
    _, p, found = plain
    table = record(found.recorded, "who", study_words(p, "vi")).table
    check_table(table)
    assert set(table["group"]) == {*found.apart["group"], *found.together["group"]} and set(table["term"]) == {"specification"}
    assert table["simulated"].all() and table.loc[table["group"] == "other_volume", "scale"].tolist() == ["log"]


def test_both_languages_tell_the_same_numbers(plain, tmp_path):
    panel, p, _ = plain
    found = found_in(panel, p.model_copy(update={"places": str(written(tmp_path)[0])}))
    told = {}
    for lang in ("vi", "en"):
        words = study_words(p, lang)
        said = " ".join(map(text, [*(show(found, words) for show in BLOCKS), show_who_truth(found, panel, words)]))
        assert not re.search(r"\bnan\b|None|\{", said)
        numbers = re.findall(r"\d[\d.,/]*\d|\d", said)
        told[lang] = sorted(n.translate(str.maketrans(".,", ",.")) if lang == "vi" else n for n in numbers)
    assert told["vi"] == told["en"] and len(told["vi"]) > 40


def test_the_charts_say_their_finding_and_are_small(plain):
    panel, p, found = plain
    design = study_design(panel, p)
    for lang in ("vi", "en"):
        words = study_words(p, lang)
        for figure in (plot_gaps(found, design, words), plot_outcomes(found, design, words)):
            assert max(len(figure.narrow), len(figure.wide)) < 60_000 and len(figure.alt) <= 400 and figure.simulated
    assert "Tỷ lệ nộp từ xa thay đổi rõ nhất" in plot_outcomes(found, design, study_words(p, "vi")).title
    assert {state_of(gap, found) for gap in found.gaps if gap.row is not None} == {"unclear"}
    assert "Chưa thấy khoảng cách nào" in plot_gaps(found, design, study_words(p, "vi")).title


def test_the_notebook_has_both_languages_and_no_number_in_prose():
    cells = json.loads((ROOT / "notebooks/who.ipynb").read_text(encoding="utf-8"))["cells"]
    prose = {lang: [c for c in cells if c["cell_type"] == "markdown" and lang in c["metadata"]["tags"]] for lang in ("vi", "en")}
    assert len(prose["vi"]) == len(prose["en"]) == 4
    assert not any(re.search(r"\d", "".join(c["source"])) for part in prose.values() for c in part)


@pytest.mark.long
def test_the_notebook_alone_under_plain_papermill(tmp_path):
    done = subprocess.run([sys.executable, "-m", "papermill", str(ROOT / "notebooks" / "who.ipynb"), str(tmp_path / "out.ipynb"),
                           "-p", "study", "demo", "-p", "lang", "en", "-p", "change", "dossiers=30000"],
                          capture_output=True, text=True, cwd=tmp_path, env={**os.environ, "PYTHONPATH": LEAN})  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    cells = nbformat.read(tmp_path / "out.ipynb", 4).cells
    assert all(cell.execution_count for cell in cells if cell.cell_type == "code")


# --- the truth, over many draws ------------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.draws
def test_the_intervals_hold_the_truth_as_often_as_they_say(tell):
    """Seeds from 101 on, fixed beforehand, as were the bars. Gaps, days, appointments and numbers of dossiers: nothing; remote and staff: what the draw says."""
    errors, held, families = {}, {}, {"apart": [], "together": []}
    for seed in range(101, 101 + draws(20, 400)):
        panel, p = made(seed)
        found, overall = found_in(panel, p), panel.truth.iloc[-1]
        truths = {"other_remote": overall["remote_pp"], "other_staff": overall["staff_pp"]}
        rows = {f"gap_{gap.name}": gap.row for gap in found.gaps if gap.row is not None}
        rows |= {f"other_{name}": row for name, row in found.outcomes.items() if row is not None} | {"other_volume": found.volume}
        for name, row in rows.items():
            truth = truths.get(name, 0.0)
            errors.setdefault(name, []).append((row["estimate"] - truth) / row["std_error"])
            held.setdefault(name, []).append(row["ci_low"] <= truth <= row["ci_high"])
        for name in families:
            joint = getattr(found, name)
            known = joint["group"].map(truths).fillna(0.0)
            families[name].append(bool(((joint["ci_low"] <= known) & (known <= joint["ci_high"])).all()))
    for name in held:
        z = np.array(errors[name])
        tell(f"{name}: coverage {rate(sum(held[name]), len(held[name]))}; error in standard errors: mean {z.mean():+.2f}, sd {z.std():.2f}")
    for name, values in families.items():
        tell(f"{name}: all held {rate(sum(values), len(values))}")
    assert all(at_least(sum(values), len(values), 0.92) for values in (*held.values(), *families.values()))
    assert all(unbiased(np.array(values), 0.165) for values in errors.values())
