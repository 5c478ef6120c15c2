"""Links, files and folders that somebody else put into a folder of outputs: nothing behind them is read, written or removed."""

import os
import stat

import pandas as pd
import pytest
from made_runs import made_run
from test_cli import STUDY

from hgdx_eval import cli
from hgdx_eval.base.origin import Origin
from hgdx_eval.panel.panel import Panel, export_panel
from hgdx_eval.panel.written import WRITERS as PANELS
from hgdx_eval.run.history.page import refresh
from hgdx_eval.run.prune import prune
from hgdx_eval.run.run_folders import latest_run, read_receipt, recover
from hgdx_eval.run.run_records import last_good
from hgdx_eval.vietnam.made_up_export import copy_csv, copy_xlsx, write_made_up

RUN, OTHER = "20240205T020000Z-00000001", "20240305T020000Z-00000002"


@pytest.fixture
def victim(tmp_path):
    """Somebody's folder; `untouched(victim)` says whether it is as it was."""
    folder = tmp_path / "victim"
    folder.mkdir()
    (folder / "file").write_text("of its user", encoding="utf-8")
    (folder / "notebooks").mkdir()
    return folder


def untouched(victim):
    return sorted(os.listdir(victim)) == ["file", "notebooks"] and (victim / "file").read_text(encoding="utf-8") == "of its user"


@pytest.mark.parametrize("name", ["index.html", "index.en.html", ".index.html.new", ".index.lock"])
def test_the_history_page_overwrites_nothing_through_a_link(tmp_path, victim, name):
    out = tmp_path / "out"
    made_run(out, RUN)
    (out / name).symlink_to(victim / "file")
    refresh(out, lambda line: None)
    assert untouched(victim)
    assert (out / "index.html").is_file() != (name == ".index.lock")


@pytest.mark.parametrize("name", ["mine", "mine/.lock", "mine/failed"])
@pytest.mark.parametrize("command", ["run", "prune"])
def test_a_link_that_leads_a_run_elsewhere_is_refused_in_one_line(tmp_path, victim, capsys, monkeypatch, name, command):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data.csv").write_text("unit,year,value\na,2020,1\n", encoding="utf-8")
    (tmp_path / "mine.yaml").write_text(STUDY, encoding="utf-8")
    made_run(tmp_path / "out", RUN) if name != "mine" else (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).symlink_to(victim)
    words = ["run", "mine.yaml"] if command == "run" else ["prune", "mine", "--keep", "0"]
    with pytest.raises(SystemExit) as left:
        cli.main([*words, "--out", "out"])
    error = capsys.readouterr().err
    assert left.value.code == 2 and error.count("\n") == 1, error
    assert ("no such folder" if (command, name) == ("prune", "mine") else "is a link") in error and untouched(victim)


def test_what_only_looks_like_a_runs_leftover_stays(tmp_path, victim):
    folder = tmp_path / "mine"
    made_run(tmp_path, RUN)
    (folder / ".building-notes").mkdir()
    (folder / f".building-{OTHER}").symlink_to(victim)
    (folder / ".pruning-notes").mkdir()
    (folder / f".pruning-{OTHER}").symlink_to(victim)
    (folder / ".latest-notes").write_text("x", encoding="utf-8")
    (folder / f".latest-{RUN}").symlink_to(victim)
    (folder / f".latest-{OTHER}").mkdir()
    before = set(os.listdir(folder))
    recover(folder)
    prune(tmp_path, "mine", 5, None, False, lambda line: None)
    assert set(os.listdir(folder)) - {".lock"} == before and untouched(victim)


def test_of_a_killed_run_its_receipt_is_kept_and_its_folder_goes(tmp_path):
    made_run(tmp_path, RUN)
    building = tmp_path / "mine" / f".building-{OTHER}"
    building.mkdir()
    (tmp_path / "mine" / f".latest-{RUN}").symlink_to(RUN)
    recover(tmp_path / "mine")
    assert read_receipt(tmp_path / "mine" / "failed" / OTHER)["state"] == "killed" and not building.exists()
    assert os.readlink(tmp_path / "mine" / "latest") == RUN


@pytest.mark.parametrize("target", ["victim", "mine/../victim", "", "nowhere", "failed", f"failed/{RUN}"])
def test_latest_names_a_run_beside_it_or_nothing(tmp_path, victim, target):
    run = made_run(tmp_path, RUN)
    made_run(tmp_path, RUN, state="failed")
    (tmp_path / "mine" / "latest").symlink_to(tmp_path / target if "failed" not in target else target)
    assert latest_run(tmp_path / "mine") is None and last_good(tmp_path / "mine") == RUN
    (tmp_path / "mine" / "latest").unlink()
    (tmp_path / "mine" / "latest").symlink_to(RUN)
    assert latest_run(tmp_path / "mine") == run.resolve()


def small_panel():
    cells = pd.DataFrame(
        {
            "agency": ["a", "b"],
            "level": "district",
            "cluster": ["a", "b"],
            "period": pd.PeriodIndex(["2023-01", "2023-02"], freq="M"),
            "received": [3, 40],
            "online": [1, 20],
        }
    )
    return Panel(cells, Origin("a.csv", "0", 2, "opencps_summary", True), pd.DataFrame(), pd.DataFrame(), 2)


FRAME = pd.DataFrame({"row": [1], "cell": [0]})
WRITERS = {
    **{f"panel{ending}": lambda path: export_panel(small_panel(), path, 5, False) for ending in PANELS},
    "list.csv": lambda path: copy_csv("SELECT * FROM drawn JOIN cells USING (cell)", FRAME, {"cells": pd.DataFrame({"cell": [0]})}, path),
    "list.xlsx": lambda path: copy_xlsx("SELECT * FROM drawn JOIN cells USING (cell)", FRAME, {"cells": pd.DataFrame({"cell": [0]})}, path),
    "sums.csv": lambda path: write_made_up(path, [["a"], [1]]),
    "sums.xlsx": lambda path: write_made_up(path, [["a"], [1]], ((0, 0, 0, 1),)),
    "sums.json": lambda path: write_made_up(path, [["a"], [1]]),
}  # fmt: skip


@pytest.mark.parametrize("way", ["file", "folder", "link"])
@pytest.mark.parametrize("name", WRITERS)
def test_a_left_over_part_neither_breaks_nor_redirects_what_is_written(tmp_path, victim, name, way):
    out = tmp_path / "out"
    out.mkdir()
    for part in (f"{name}.part", f"{name}.part.body", f"{name}.body", f".{name}.new"):
        path = out / part
        path.mkdir() if way == "folder" else path.symlink_to(victim / "file") if way == "link" else path.write_text(
            "half", encoding="utf-8"
        )
    before = set(os.listdir(out))
    (out / name).symlink_to(victim / "file")
    WRITERS[name](out / name)
    assert set(os.listdir(out)) == before | {name} and untouched(victim)
    assert (out / name).stat().st_size and not (out / name).is_symlink()


def test_an_internal_panel_is_of_its_user_alone(tmp_path):
    before = os.umask(0o022)
    try:
        for name, release in (("internal.parquet", False), ("released.parquet", True)):
            export_panel(small_panel(), tmp_path / name, 1, release)
    finally:
        os.umask(before)
    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("internal.parquet", "released.parquet")] == [0o600, 0o644]
