"""Plans: nothing from the policy on is read, a study is held to what was written down, blind ones stay so."""

import shutil
import subprocess
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from foreign import grid, periods, treated

import hgdx_eval as hg
from hgdx_eval.base.errors import InputError
from hgdx_eval.evaluation import evaluation, rehearsal
from hgdx_eval.evaluation.plan import plan_of
from hgdx_eval.evaluation.plan_record import check_plan, deciding, deviation_rows, held_to_plan, lift, plan_text, read_plan
from hgdx_eval.panel.load import load_panel
from hgdx_eval.report.show_plan import plan_sentence, show_plan, show_plan_check, show_power
from hgdx_eval.study.load import study_files, study_words
from hgdx_eval.vietnam.made_up_world import simulate

DAY = date(2014, 2, 1)  # in the first month of the policy: no outcome of its time is known yet
KEYS = {"study": "towns", "unit": "town", "period": "when", "frequency": "M", "cluster": "town", "outcome": "value", "treated_from": "start",
        "estimator": "two_way_fixed_effects", "estimators": ["two_way_fixed_effects", "imputation"], "smallest_effect": 0.5}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def few_worlds():
    """Rates are not asked for here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluation, "false_alarms", partial(evaluation.false_alarms, worlds=200))
        patch.setattr(rehearsal, "ROWS", 1)
        patch.setattr(rehearsal, "LEAST", 150)
        yield


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    names = periods("2012-07", 30, "M")
    found = treated(grid(20, names, 8), dict.fromkeys(range(10), 19), 1.0, names)
    return found.drop(columns=["i"])


def study(folder: Path, table: pd.DataFrame, **keys: object):
    table.drop(columns=["t"]).to_csv(folder / "data.csv", index=False)
    (folder / "towns.yaml").write_text(yaml.safe_dump({**KEYS, "data": "data.csv", **keys}), encoding="utf-8")
    return hg.load_study(folder / "towns.yaml", "en")[0]


@pytest.fixture(scope="module")
def plan(table, tmp_path_factory):
    return plan_of(study(tmp_path_factory.mktemp("plan"), table))


def poisoned(table: pd.DataFrame, what: str) -> pd.DataFrame:
    """What nobody may see before the policy is over: other numbers, no numbers, other units."""
    late = table["t"] >= 19
    if what == "numbers":
        return table.assign(value=table["value"].where(~late, 1e9))
    if what == "texts":
        return table.assign(value=table["value"].astype(object).where(~late, "POISON"))
    return pd.concat([table[~late], table[late].assign(town="Poison " + table["town"])], ignore_index=True)


@pytest.mark.parametrize("what", ["numbers", "texts", "units", "absent"])
def test_nothing_from_the_policy_on_reaches_a_plan(tmp_path, table, plan, what):
    given = table[table["t"] < 19] if what == "absent" else poisoned(table, what)
    panel = load_panel(study(tmp_path, given), early=True)
    assert panel.cells["period"].max() == pd.Period("2014-01", freq="M")
    assert "oison" not in panel.cells.astype(str).to_csv().replace("OISON", "oison") and panel.cells["outcome"].max() < 100
    if what == "numbers":
        other = plan_of(study(tmp_path, given))
        assert plan_text(other, DAY).replace("\n", "") == plan_text(plan, DAY).replace("\n", "")


def test_dossiers_from_the_policy_on_are_left_out_before_any_is_counted(tmp_path):
    simulate(tmp_path / "list.csv", seed=3, dossiers=4000)
    p, _ = hg.load_study("demo", "vi", {"data": str(tmp_path / "list.csv")})
    whole, early = load_panel(p), load_panel(p, early=True)
    start = pd.Period("2023-08", freq="M")
    assert early.cells["period"].max() == start - 1 and whole.cells["period"].max() > start
    lines = (tmp_path / "list.csv").read_text(encoding="utf-8-sig").splitlines()
    frame = pd.read_csv(tmp_path / "list.csv", dtype=str)
    received = pd.to_datetime(
        frame.iloc[:, [i for i, name in enumerate(frame.columns) if "nhận" in name.lower()][0]], dayfirst=True, errors="coerce"
    )
    kept = [lines[0], *(line for line, day in zip(lines[1:], received, strict=True) if not day >= pd.Timestamp("2023-08-01"))]
    for file in tmp_path.glob("list.csv.*"):
        shutil.copy(file, tmp_path / file.name.replace("list", "cut"))
    (tmp_path / "cut.csv").write_text("\n".join(kept) + "\n", encoding="utf-8")
    cut = load_panel(p.model_copy(update={"data": str(tmp_path / "cut.csv")}), early=True)
    pd.testing.assert_frame_equal(cut.cells, early.cells)


def test_a_study_whose_own_rows_alone_say_when_it_began_is_refused(tmp_path, table):
    p = study(tmp_path, table.assign(on=(table["t"] >= 19) & (table["start"] != "")).astype({"on": int}), treated_from=None, treated="on")
    with pytest.raises(InputError, match="treated_from"):
        plan_of(p)


def test_a_plan_tells_what_more_periods_would_find(plan):
    assert plan.before == 19 and plan.after == 19 and f"{plan.start}" == "2014-02"
    assert plan.months["after"].tolist() == [5, 10, 19, 38]
    assert plan.months["smallest"].iloc[0] > plan.months["smallest"].iloc[-1] > 0
    assert plan.needed in plan.months["after"].tolist()
    for lang in ("vi", "en"):
        words = study_words(plan.p, lang)
        assert "<dl" in show_plan(plan, words).html and show_power(plan, words).frame.shape == (4, 2)


@pytest.fixture
def written(tmp_path, table, plan) -> Path:
    study(tmp_path, table)
    (tmp_path / "towns.plan.yaml").write_text(plan_text(plan, DAY), encoding="utf-8")
    return tmp_path


def test_a_plan_beside_the_study_is_found_and_a_study_that_keeps_to_it_says_so(written):
    p, words = hg.load_study(written / "towns.yaml", "en")
    assert p.plan == str(written / "towns.plan.yaml")
    held = held_to_plan(load_panel(p), p)
    assert held.kept and held.seen == "nothing" and held.committed is None
    (written / "studies").mkdir()
    for name in ("towns.yaml", "towns.plan.yaml"):
        shutil.copy(written / name, written / "studies" / name)
    assert [file.name for file in study_files(written)] == ["towns.yaml"]
    assert plan_sentence(held, words).startswith("As planned on") and "nobody else confirms" in show_plan_check(held, words).html


def test_what_is_done_otherwise_is_told_with_the_answer_as_planned(written):
    p, words = hg.load_study(written / "towns.yaml", "en", {"weights": None, "exclude": ["Town 1"], "smallest_effect": 0.4})
    panel = load_panel(p)
    held = held_to_plan(panel, p)
    assert {row.key for row in held.deviations} == {"exclude", "smallest_effect"} and not held.kept
    planned = next(row for row in held.deviations if row.key == "exclude")
    own = hg.estimate(hg.study_design(panel, p.model_copy(update={"exclude": []})), p.estimator).overall()["estimate"]
    assert planned.estimate == pytest.approx(own) and planned.estimate != pytest.approx(held.estimate)
    rows = deviation_rows(held, hg.estimate(hg.study_design(panel, p), p.estimator))[0].table.set_index("group")
    assert rows.loc["exclude", "estimate"] == pytest.approx(held.estimate - own) and set(rows["term"]) == {"deviation"}
    assert "in 2 points" in plan_sentence(held, words) and "Town 1" in show_plan_check(held, words).html


def test_data_of_the_time_before_that_were_revised_since_are_told(written, table):
    revised = table.assign(value=table["value"].where(table["t"] != 3, table["value"] + 0.1))
    revised.drop(columns=["t"]).to_csv(written / "data.csv", index=False)
    p, _ = hg.load_study(written / "towns.yaml", "en")
    panel = load_panel(p)
    held = held_to_plan(panel, p)
    assert [row.key for row in held.deviations] == ["data_before"]
    (rows,) = deviation_rows(held, hg.estimate(hg.study_design(panel, p), p.estimator))
    assert rows.table[["status", "reason"]].to_numpy().tolist() == [["refused", "not_estimated_anew"]]


@pytest.mark.parametrize(("day", "seen"), [("2014-02-28", "nothing"), ("2014-06-01", "part"), ("2015-06-01", "all")])
def test_a_plan_is_called_what_it_is(written, day, seen):
    file = written / "towns.plan.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace(f"{DAY}", day), encoding="utf-8")
    p, words = hg.load_study(written / "towns.yaml", "en")
    held = held_to_plan(load_panel(p), p)
    assert held.seen == seen and held.kept == (seen == "nothing")
    assert ("no plan but a description" in plan_sentence(held, words)) == (seen == "all")


def test_a_plan_in_a_repository_is_confirmed_until_it_is_changed(written):
    for words in (["init", "-q"], ["add", "."], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "plan"]):
        subprocess.run(["git", *words], cwd=written, check=True)
    p, _ = hg.load_study(written / "towns.yaml", "en")
    assert held_to_plan(load_panel(p), p).committed is not None
    with (written / "towns.plan.yaml").open("a", encoding="utf-8") as file:
        file.write("# later\n")
    assert held_to_plan(load_panel(p), p).committed is None


def test_nothing_that_a_repository_s_settings_name_is_run(written):
    """A study's folder may come from anybody."""
    for words in (["init", "-q"], ["add", "."], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "plan"]):
        subprocess.run(["git", *words], cwd=written, check=True)
    ran, script = written / "ran", written / "run.sh"
    script.write_text(f"#!/bin/sh\ntouch {ran}\ncat\n", encoding="utf-8")
    script.chmod(0o755)
    for key in ("core.fsmonitor", "filter.x.clean", "filter.x.smudge", "gpg.program", "diff.external", "core.pager"):
        subprocess.run(["git", "config", key, str(script)], cwd=written, check=True)
    subprocess.run(["git", "config", "log.showSignature", "true"], cwd=written, check=True)
    (written / ".gitattributes").write_text("* filter=x diff=x\n", encoding="utf-8")
    (written / "towns.plan.yaml").touch()
    p, _ = hg.load_study(written / "towns.yaml", "en")
    assert held_to_plan(load_panel(p), p).committed is not None and not ran.exists()


@pytest.mark.parametrize(("old", "new", "said"), [
    ("study: towns", "study: cities", "another study"),
    (f"'{DAY}'", "soon", "a day, YYYY-MM-DD"),
    (f"'{DAY}'", "'2999-01-01'", "lies in the future"),
    ("headline:", "header:", "no part of a plan"),
    ("plan: 1", "plan: 7", "allowed: 1"),
    ("plan: 1", "plain: 1", "is no plan"),
    ("  frequency: M", "  fréquence: M", "no such key"),
    ("keys:", "keys: []\nwas:", "no part of a plan"),
])  # fmt: skip
def test_a_file_that_is_no_plan_of_this_study_is_one_line(written, old, new, said):
    file = written / "towns.plan.yaml"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    p, _ = hg.load_study(written / "towns.yaml", "en")
    with pytest.raises(InputError, match=said) as refused:
        check_plan(p)
    assert "\n" not in str(refused.value)


def test_a_blind_study_is_estimated_only_as_planned_and_once_its_gate_passes(written):
    blind, _ = hg.load_study(written / "towns.yaml", "en", {"blind": True})
    with pytest.raises(InputError, match="blind differ"):  # the plan was not written for a blind study: said too
        lift(blind)
    file = written / "towns.plan.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("blind: false", "blind: true"), encoding="utf-8")
    lift(blind)
    with pytest.raises(InputError, match="no plan is there"):
        lift(blind.model_copy(update={"plan": None}))
    with pytest.raises(InputError, match="exclude differ"):
        lift(blind.model_copy(update={"exclude": ["Town 1"]}))
    none = blind.model_copy(update={"verdict": blind.verdict.model_copy(update={"gate": 0.0})})
    file.write_text(file.read_text(encoding="utf-8").replace("gate: 0.07", "gate: 0.0"), encoding="utf-8")
    with pytest.raises(InputError, match="passes the gate"):
        lift(none)


def test_every_key_that_decides_is_written_down(plan, tmp_path):
    keys = read_plan_text(plan_text(plan, DAY), tmp_path)
    assert keys == deciding(plan.p) and keys["estimator"] == "two_way_fixed_effects" and "data" not in keys
    assert np.isfinite(plan.rehearsal.smallest)


def read_plan_text(text: str, folder: Path) -> dict:
    (folder / "a.yaml").write_text(text, encoding="utf-8")
    return read_plan(folder / "a.yaml").keys
