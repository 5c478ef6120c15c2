import json
import os
from datetime import UTC, datetime, timedelta

import filelock
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from in_process import command
from made_runs import made_run
from test_cli import call

from hgdx_eval.base.errors import InputError
from hgdx_eval.run.prune import doomed, prune
from hgdx_eval.run.run_records import last_good, runs_of

NOW = datetime(2024, 6, 1, tzinfo=UTC)


def name_of(age_days, number=0):
    return f"{NOW - timedelta(days=age_days):%Y%m%dT%H%M%SZ}-{number:08x}"


def a_study(out, ages=(100, 70, 40, 10), failed=(90, 5), study="mine"):
    for number, age in enumerate(ages):
        made_run(out, name_of(age, number), study)
    for number, age in enumerate(failed):
        made_run(out, name_of(age, number + 100), study, state="failed", reason="x")
    os.symlink(name_of(ages[-1], len(ages) - 1), out / study / "latest", target_is_directory=True)
    return out / study


@pytest.mark.parametrize(("keep", "days", "left"), [(2, None, (40, 10, 90, 5)), (None, 60, (40, 10, 5)), (0, 0, (10,)), (3, 60, (70, 40, 10, 90, 5)),
                                                   (1, 80, (70, 40, 10, 5)), (99, 0, (100, 70, 40, 10, 90, 5))])  # fmt: skip
def test_both_limits_must_let_a_run_go_and_the_last_good_one_stays(tmp_path, keep, days, left):
    folder = a_study(tmp_path)
    planned = prune(tmp_path, "mine", keep, days, True, print, NOW)
    assert len(runs_of(folder)) == 6 and not (tmp_path / "index.html").exists()
    gone = prune(tmp_path, "mine", keep, days, False, print, NOW)
    assert gone == planned and len(gone) == 6 - len(left)
    ages = {(NOW - datetime.strptime(run.name[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)).days for run in runs_of(folder)}
    assert ages == set(left)
    assert (folder / "latest").resolve().is_dir() and not list(folder.glob(".pruning-*"))
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert page.count("/report.vi.html") == sum(age not in (90, 5) for age in left)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 400), st.booleans()), min_size=1, max_size=8, unique_by=lambda run: run[0]), st.integers(0, 5),
       st.none() | st.integers(0, 400))  # fmt: skip
def test_the_last_good_run_is_never_taken(tmp_path_factory, runs, keep, days):
    out = tmp_path_factory.mktemp("out")
    for age, good in runs:
        made_run(out, name_of(age), state="complete" if good else "failed")
    good = last_good(out / "mine")
    assert good == (name_of(min(age for age, fine in runs if fine)) if any(fine for _, fine in runs) else None)
    taken = doomed(out / "mine", keep, days, NOW)
    assert good not in [run.name for run in taken]
    assert all(days is None or run.name < name_of(days) for run in taken)


def test_latest_that_points_at_an_older_run_keeps_that_one(tmp_path):
    folder = a_study(tmp_path)
    (folder / "latest").unlink()
    (folder / "latest.txt").write_text(name_of(100, 0) + "\n", encoding="utf-8")
    prune(tmp_path, None, 0, None, False, print, NOW)
    assert [run.name for run in runs_of(folder)] == [name_of(100, 0)]


def test_links_lead_nowhere_and_what_is_not_a_run_stays(tmp_path):
    outside, out = tmp_path / "outside", tmp_path / "out"
    target = made_run(outside, name_of(300, 7), "other")
    folder = a_study(out)
    (folder / name_of(300, 7)).symlink_to(target)
    os.symlink(outside / "other", out / "linked")
    (folder / name_of(100, 0) / "away").symlink_to(outside)
    (folder / "my notes").mkdir()
    (folder / name_of(350, 8)).mkdir()  # no receipt
    foreign = made_run(out, name_of(360, 9))
    receipt = json.loads((foreign / "receipt.json").read_text(encoding="utf-8"))
    (foreign / "receipt.json").write_text(json.dumps({**receipt, "run": "another"}), encoding="utf-8")
    prune(out, None, 0, None, False, print, NOW)
    assert target.is_dir() and (target / "estimates.csv").is_file()
    assert {path.name for path in folder.iterdir() if not path.name.startswith(".")} == {
        "latest", "failed", "my notes", name_of(350, 8), name_of(360, 9), name_of(300, 7), name_of(10, 3)}  # fmt: skip
    for study in ("linked", "../outside", "nothing", "a/b", ".."):
        with pytest.raises(InputError):
            prune(out, study, 0, None, False, print, NOW)
    (out / "notes").mkdir()
    (out / "notes" / "letter.txt").write_text("x", encoding="utf-8")
    with pytest.raises(InputError, match="no run with a receipt"):
        prune(out, "notes", 0, None, False, print, NOW)


@pytest.mark.long
def test_a_busy_study_is_left_alone_and_the_others_done(tmp_path):
    a_study(tmp_path, study="busy")
    a_study(tmp_path, study="free")
    with filelock.FileLock(tmp_path / "busy" / ".lock"):
        done = command("prune", "--keep", "1", "--out", tmp_path, cwd=tmp_path)
    assert done.returncode == 3 and "another run" in done.stderr.splitlines()[-1]
    assert len(runs_of(tmp_path / "busy")) == 6 and len(runs_of(tmp_path / "free")) == 2


@pytest.mark.long
def test_the_command_line(tmp_path):
    a_study(tmp_path)
    told = call("prune", "mine", "--keep", "1", "--out", tmp_path, "--dry-run", cwd=tmp_path)
    assert told.returncode == 0 and len(told.stdout.splitlines()) == 4 and len(runs_of(tmp_path / "mine")) == 6
    done = command("prune", "mine", "--keep", "1", "--out", tmp_path, cwd=tmp_path)
    assert done.stdout == told.stdout and len(runs_of(tmp_path / "mine")) == 2
    for words, says in ((["prune"], "--keep"), (["prune", "--keep", "-1"], "keep"), (["prune", "no_such", "--keep", "1"], "no such")):
        refused = command(*words, "--out", tmp_path, cwd=tmp_path)
        assert refused.returncode == 2 and says in refused.stderr and len(refused.stderr.strip().splitlines()) == 1


def test_what_a_killed_prune_left_is_swept(tmp_path):
    folder = a_study(tmp_path)
    os.rename(folder / name_of(100, 0), folder / f".pruning-{name_of(100, 0)}")
    prune(tmp_path, "mine", 99, None, False, print, NOW)
    assert not list(folder.glob(".pruning-*"))
