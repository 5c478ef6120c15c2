"""What is looked at together in a folder of outputs: every published run, also those taken away, and released panels."""

import os
from dataclasses import replace

import duckdb
import pandas as pd
import pytest
from attacker import small_export

from hgdx_eval.base.errors import InputError
from hgdx_eval.design.design import study_design
from hgdx_eval.panel.disclosure import released
from hgdx_eval.panel.told import FILE, write_told
from hgdx_eval.release.release import NUMBER, Earlier, release_of
from hgdx_eval.run import told_before
from hgdx_eval.run.prune import prune
from hgdx_eval.run.receipt import shown_study
from hgdx_eval.run.run_folders import write_json
from hgdx_eval.run.told_before import (
    KEPT,
    PANELS,
    decide,
    keep_panel,
    others_told,
    own_told,
    panels_told,
    release_panel,
    reports_told,
    runs_told,
)

K = 5


def publish(out, p, told, name, sha256="0" * 64, inputs="other"):
    """A run as it lies in a folder of outputs."""
    run = out / p.study / name
    run.mkdir(parents=True)
    write_told(told, run / FILE)
    write_json(run / "receipt.json", {"run": name, "study": shown_study(p), "inputs": [{"sha256": sha256}], "inputs_key": inputs,
                                      "state": "complete"})  # fmt: skip
    latest = out / p.study / "latest"
    latest.unlink(missing_ok=True)
    os.symlink(name, latest)
    return run


def written(path):
    return duckdb.sql(f"SELECT * EXCLUDE simulated FROM '{path}'").df()


def names(count):
    return [f"20240{k + 1}01T000000Z-0000000{k}" for k in range(count)]


@pytest.fixture
def export():
    return small_export(1, sizes=(25, 60))


def fresh(panel):
    """The panel without what counts of it; what a test changes is its own."""
    return replace(panel, cells=panel.cells.copy())


def one_more(panel, month="2023-10"):
    now = fresh(panel)
    at = now.cells.index[
        (now.cells["period"].astype(str) == month) & (now.cells["fee_group"] == "provincial") & (now.cells["received"] > 0)
    ][0]
    now.cells.loc[at, ["received", "online", "remote"]] += 1
    return now


def test_what_an_older_run_told_and_the_last_did_not_is_not_told_one_dossier_later(export):
    panel, p = export
    first = release_of(panel, p, study_design(panel, p))
    last = replace(first, table=first.table[first.table["family"] != "side"])  # another design of the study told no sides
    now = one_more(panel)
    design = study_design(now, p)
    runs = tuple(Earlier(name, told, p, design, True) for name, told in zip(names(2), (first, last), strict=True))
    told = release_of(now, p, design, runs).table
    both = told.merge(first.table, on=NUMBER, suffixes=("", "_then"))
    assert len(both) == len(first.table) and (both["count"].fillna(-1) == both["count_then"].fillna(-1)).all()
    alone = release_of(now, p, design, runs[1:]).table.merge(first.table, on=NUMBER, suffixes=("", "_then"))
    assert (alone["count"] - alone["count_then"] == 1).any()  # what the last run alone would leave open


def test_what_another_study_told_before_a_dossier_came_late_is_not_told_either(export):
    panel, p = export
    first = release_of(panel, p, study_design(panel, p))
    now, other = one_more(panel), p.model_copy(update={"study": "other"})
    design = study_design(now, other)
    month = {"family": "month", "part": "online", "period": "2023-10"}

    def told(*earlier):
        table = release_of(now, other, design, earlier).table
        return float(table.loc[(table[list(month)] == pd.Series(month)).all(axis=1), "count"].iloc[0])

    exact = told()
    assert told(Earlier("theirs", first, p, study_design(now, p))) != exact
    assert exact - float(first.table.loc[(first.table[list(month)] == pd.Series(month)).all(axis=1), "count"].iloc[0]) == 1


def test_every_published_run_is_known_also_those_that_were_taken_away(tmp_path, export):
    panel, p = export
    design = study_design(panel, p)
    told = release_of(panel, p, design)
    for name in names(4):
        publish(tmp_path, p, told, name)
    known = list(own_told(tmp_path / p.study, panel, p, design))
    assert [one.run for one in known] == names(4) and all(one.own for one in known)
    prune(tmp_path, p.study, 1, None, False, print)
    assert sorted(path.name for path in (tmp_path / p.study / KEPT).iterdir()) == names(3)
    assert not any((tmp_path / p.study / name).exists() for name in names(3))
    again = list(own_told(tmp_path / p.study, panel, p, design))
    assert [one.run for one in again] == names(4)
    assert all(one.release.table.drop(columns="as_of").equals(two.release.table.drop(columns="as_of"))
               for one, two in zip(known, again, strict=True))  # fmt: skip
    assert all({path.name for path in run.iterdir()} == {FILE, "receipt.json"} for run in (tmp_path / p.study / KEPT).iterdir())
    q = p.model_copy(update={"study": "other"})
    assert [one.run for one in others_told(tmp_path / "other", panel, q)] == names(4)
    other = replace(panel, origin=replace(panel.origin, sha256="1" * 64))
    assert list(others_told(tmp_path / "other", other, q)) == []


def test_a_prune_that_was_killed_forgets_nothing_that_was_told(tmp_path, export):
    panel, p = export
    told = release_of(panel, p, study_design(panel, p))
    for name in names(3):
        (publish(tmp_path, p, told, name) / "notebooks").mkdir()
    folder = tmp_path / p.study
    os.rename(folder / names(3)[0], folder / f".pruning-{names(3)[0]}")
    prune(tmp_path, p.study, 1, None, False, print)
    assert [name for name, _, _ in runs_told(folder)] == names(3) and not list(folder.glob(".pruning-*"))
    os.rename(folder / KEPT, tmp_path / "elsewhere")
    os.symlink(tmp_path / "elsewhere", folder / KEPT)
    with pytest.raises(InputError, match="is a link"):
        prune(tmp_path, p.study, 0, None, False, print)


def test_a_run_by_other_keys_of_the_same_study_divides_the_cells_its_own_way(tmp_path, export):
    panel, p = export
    then = p.model_copy(update={"window": ["2022-10", "2023-12"]})
    publish(tmp_path, p, release_of(panel, then, study_design(panel, then)), names(1)[0])
    receipt = tmp_path / p.study / names(1)[0] / "receipt.json"
    receipt.write_text(receipt.read_text(encoding="utf-8").replace('"2025-06"', '"2023-12"'), encoding="utf-8")
    (known,) = own_told(tmp_path / p.study, panel, p, study_design(panel, p))
    assert known.own and known.study.window[1] != p.window[1] and len(known.design.table) < len(study_design(panel, p).table)


def test_a_released_panel_is_known_to_the_runs_after_it_and_the_other_way(tmp_path, export, monkeypatch):
    panel, p = export
    design = study_design(panel, p)
    seen = []
    monkeypatch.setattr(told_before, "release_of", lambda panel, p, design, earlier, files: seen.append((list(earlier), files)))
    left_out = release_panel(panel, tmp_path / "r.parquet", tmp_path / "out", K, p.date)
    (kept,) = (tmp_path / "out" / PANELS).iterdir()
    rows = written(tmp_path / "r.parquet")
    known = panels_told(tmp_path / "out", panel.origin.sha256, p.date)[K]
    pd.testing.assert_frame_equal(known, rows, check_dtype=False)
    decide(panel, p, design, tmp_path / "out" / p.study, "key", None)
    ((earlier, files),) = seen
    assert earlier == [] and len(files) == 1 and left_out == 0
    assert panels_told(tmp_path / "out", "1" * 64, p.date) == {} == panels_told(tmp_path / "out", panel.origin.sha256, "submitted")
    release_panel(panel, tmp_path / "again.parquet", tmp_path / "out", K, p.date)
    assert written(tmp_path / "again.parquet").equals(rows)
    assert list((tmp_path / "out" / PANELS).iterdir()) == [kept]
    monkeypatch.undo()
    publish(tmp_path / "out", p, release_of(panel, p, design), names(1)[0])
    assert [one.run for one in reports_told(tmp_path / "out", panel, p.date)] == names(1)
    assert list(reports_told(tmp_path / "out", panel, "submitted")) == []


@pytest.mark.parametrize("spoil", [lambda text: text.replace(b"received", b"x", 1), lambda text: b"\xff\xfe" + text,
                                   lambda text: text.replace(b",2023-0", b",2023-0\n,", 1)])  # fmt: skip
def test_what_a_released_panel_told_is_never_passed_over(tmp_path, export, spoil):
    panel, p = export
    path = keep_panel(tmp_path, released(panel.cells.assign(period=panel.cells["period"].astype(str), simulated=True), K)[0],
                      panel.origin.sha256, p.date, K)[0]  # fmt: skip
    assert panels_told(tmp_path, panel.origin.sha256, p.date)[K]["received"].sum() > 0
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(InputError, match="cannot be read"):
        panels_told(tmp_path, panel.origin.sha256, p.date)


def test_a_panel_that_could_not_be_written_leaves_no_word_of_it(tmp_path, export):
    panel, p = export
    with pytest.raises(OSError):
        release_panel(panel, tmp_path / "missing" / "r.parquet", tmp_path / "out", K, p.date)
    assert list((tmp_path / "out" / PANELS).iterdir()) == []
    (tmp_path / "victim").mkdir()
    (tmp_path / "linked").mkdir()
    os.symlink(tmp_path / "victim", tmp_path / "linked" / PANELS)
    with pytest.raises(InputError, match="is a link"):
        release_panel(panel, tmp_path / "r.parquet", tmp_path / "linked", K, p.date)
    assert not (tmp_path / "r.parquet").exists() and list((tmp_path / "victim").iterdir()) == []
    few = fresh(panel)
    few.cells[["received", "online", "assisted", "remote"]] = [1, 0, 0, 0]
    few = replace(few, cells=few.cells.head(3))
    assert released(few.cells.assign(simulated=True), K)[0].empty
    with pytest.raises(InputError, match="nothing is left"):
        release_panel(few, tmp_path / "r.parquet", tmp_path / "out", K, p.date)
    assert list((tmp_path / "out" / PANELS).iterdir()) == []
