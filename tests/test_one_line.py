"""Whatever is wrong is one line and the right exit code, never a traceback: odd studies, names, homes, streams, and the unforeseen."""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import yaml
from test_cli import ROOT, call, study  # noqa: F401

from hgdx_eval import cli
from hgdx_eval.base.errors import InputError, RunFailed
from hgdx_eval.design.design import study_design
from hgdx_eval.estimation.estimate import estimate
from hgdx_eval.panel.load import load_panel
from hgdx_eval.run.receipt import inputs_key
from hgdx_eval.study.load import read_study
from hgdx_eval.study.study import PATH_KEYS, Study

NASTY = ["", [], {}, [""], None, True, -1, float("nan"), 10**30, "year", "value", "unit", ["unit", "unit"], {"a": ""}, "x" * 300, "a\0b",
         "\ud800", "a\nb", "["]  # fmt: skip
COUNTS = """study: mine
data: counts.csv
unit: unit
period: year
frequency: Y
numerator: online
denominator: received
treated_from: {a: 2021}
cluster: unit
estimator: two_way_fixed_effects
"""


def end_of(arguments, capsys):
    """(exit code, lines of standard error) of a command in this process."""
    with pytest.raises(SystemExit) as left:
        cli.main(arguments)
    return left.value.code, capsys.readouterr().err.splitlines()


@pytest.mark.parametrize("key", Study.model_fields)
def test_every_key_of_a_study_given_something_odd_is_taken_or_refused_in_one_line(study, key):  # noqa: F811
    told = yaml.safe_load((study / "mine.yaml").read_text(encoding="utf-8"))
    for value in NASTY:
        (study / "odd.yaml").write_text(yaml.safe_dump({**told, "estimators": [], key: value}), encoding="utf-8")
        try:
            p = read_study(study / "odd.yaml", {})
            if p.data is None:
                continue  # simulated: not drawn here
            inputs_key(p, ["vi"])
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                estimate(study_design(load_panel(p), p), p.estimator)
        except InputError as error:
            assert str(error), (key, value)
        except OSError as error:
            assert error.strerror == "File name too long" and key in PATH_KEYS, (key, value)  # exit code 2, see below


@pytest.mark.parametrize(("key", "value", "says"), [
    ("unit", "[]", "found []; allowed: a column"), ("weights", "year", "weights: column 'year' stands there and under period"),
    ("numerator", "unit", "numerator: column 'unit' stands there and under unit"),
    ("place", "Hau Gian", "counts.yaml: place: 'Hau Gian' is no province of params/facts/provinces.yaml (did you mean 'Tỉnh Hậu Giang', "),
    ("place", "Nơi Khác", "allowed: one of the 63 names there"), ("study", "x" * 101, "at most 100"),
])  # fmt: skip
def test_odd_keys_end_the_command_with_exit_code_2(study, capsys, monkeypatch, key, value, says):  # noqa: F811
    monkeypatch.chdir(study)
    rows = (study / "data.csv").read_text(encoding="utf-8").splitlines()[1:]
    (study / "counts.csv").write_text("unit,year,value,online,received\n" + "\n".join(f"{row},3,9" for row in rows), encoding="utf-8")
    (study / "counts.yaml").write_text(COUNTS, encoding="utf-8")
    code, lines = end_of(["run", "counts.yaml", "--out", "out", "-p", f"{key}={value}"], capsys)
    assert code == 2 and len(lines) == 1 and says in lines[0] and not (study / "out").exists()


@pytest.mark.parametrize("words", [["run", "x" * 300], ["run", "x" * 300 + ".yaml"], ["check", "x" * 300 + ".csv"], ["run", "mine.yaml", "-p", "data=" + "x" * 300],
                                   ["panel", "data.csv", "-o", "x" * 300 + ".parquet"], ["simulate", "x" * 300 + ".csv", "--dossiers", "2000"], ["verify", "x" * 300],
                                   ["replicate", "x" * 300, "-o", "x.zip"],
                                   ["run", "mine.yaml", "--out", "x" * 300], ["check", "\udcff.csv"], ["run", "mine.yaml", "-p", "data=\udcff.csv"],
                                   ["run", "\udcff.yaml"], ["simulate", "\udcff.csv"]])  # fmt: skip
def test_a_name_that_cannot_be_is_bad_input(study, capsys, monkeypatch, words):  # noqa: F811
    monkeypatch.chdir(study)
    before = set(os.listdir())
    code, lines = end_of(words, capsys)
    assert code == 2 and len(lines) == 1 and set(os.listdir()) == before, lines


@pytest.mark.skipif(sys.platform != "linux", reason="names there are text")
def test_a_folder_with_a_name_that_is_no_text_is_refused_and_so_is_such_a_current_folder(tmp_path, capsys, monkeypatch):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "\udcff.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    code, lines = end_of(["check", str(tmp_path / "data")], capsys)
    assert code == 2 and len(lines) == 1 and "not UTF-8" in lines[0]
    (tmp_path / "\udcfe").mkdir()
    monkeypatch.chdir(tmp_path / "\udcfe")
    code, lines = end_of(["check", "x.csv"], capsys)
    assert code == 2 and len(lines) == 1 and "the current folder" in lines[0]


NO_HOME = """
import os, pwd, sys
def nobody(uid):
    raise KeyError(uid)
pwd.getpwuid = nobody
sys.argv = ["hgdx-eval", *sys.argv[1:]]
from hgdx_eval.cli import program
program()
"""


@pytest.mark.skipif(os.name == "nt", reason="a password file of POSIX")
@pytest.mark.parametrize("home", [None, "relative"])
def test_without_a_home_it_is_said_in_one_line_and_nothing_is_made(tmp_path, home):
    (tmp_path / "list.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    env = {name: value for name, value in os.environ.items() if name not in ("HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME")}
    env |= {"PYTHONPATH": str(ROOT), **({"HOME": home} if home else {})}
    done = subprocess.run([sys.executable, "-c", NO_HOME, "check", "list.csv"], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "HOME" in done.stderr, done.stderr
    assert os.listdir(tmp_path) == ["list.csv"]


SECRET = "Nguyễn Thị Bí Mật"


@pytest.mark.parametrize("error", [ValueError(SECRET), KeyError(SECRET), RecursionError(SECRET), AssertionError(SECRET), UnicodeError(SECRET),
                                   ExceptionGroup(SECRET, [ValueError(SECRET)]), NotImplementedError()])  # fmt: skip
def test_the_unforeseen_is_one_line_that_quotes_nothing(tmp_path, capsys, monkeypatch, error):
    def fails(*_):
        raise error

    monkeypatch.setattr("hgdx_eval.vietnam.check_export.check_file", fails)
    code, lines = end_of(["check", "x.csv"], capsys)
    assert code == 1 and len(lines) == 1 and type(error).__name__ in lines[0] and "HGDX_DEBUG=1" in lines[0]
    assert SECRET not in lines[0] and "cli.py, line" in lines[0]
    monkeypatch.setenv("HGDX_DEBUG", "1")
    code, lines = end_of(["check", "x.csv"], capsys)
    assert code == 1 and len(lines) > 3 and any("Traceback" in line for line in lines) and lines[-1].startswith("hgdx-eval: ")


def test_the_unforeseen_after_a_run_began_has_its_cause_in_the_traceback(capsys, monkeypatch):
    def fails(*_):
        try:
            raise ZeroDivisionError
        except ZeroDivisionError as error:
            raise RunFailed("mine: out of luck") from error

    monkeypatch.setattr("hgdx_eval.vietnam.check_export.check_file", fails)
    monkeypatch.setenv("HGDX_DEBUG", "1")
    code, lines = end_of(["check", "x.csv"], capsys)
    assert code == 1 and any("ZeroDivisionError" in line for line in lines) and lines[-1] == "hgdx-eval: mine: out of luck"


NO_ROOM = "hgdx-eval: no space is left on the disk of outputs, the user's cache or the temporary folder: make room there\n"


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full")
@pytest.mark.parametrize("closed", [True, False])
def test_a_reader_that_has_gone_is_quiet_and_a_full_disk_is_one_line(closed):
    words = [sys.executable, "-m", "hgdx_eval", "run", "--help"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") if closed else open("/dev/full", "wb") as out:
        done = subprocess.run(words, stdout=out, stderr=subprocess.PIPE, text=True, env=env)
        assert done.returncode == 1 and done.stderr == ("" if closed else NO_ROOM)
    if not closed:
        os.close(write)


NO_ROOM = "hgdx-eval: no space is left on the disk of outputs, the user's cache or the temporary folder: make room there\n"


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full")
def test_a_refusal_for_a_machine_that_has_gone_is_one_line_and_its_exit_code():
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    read, write = os.pipe()
    os.close(read)
    for place in (write, "/dev/full"):
        with open(place, "wb") as out:
            done = subprocess.run(
                [sys.executable, "-m", "hgdx_eval", "run", "no/such.yaml", "--json"], stdout=out, stderr=subprocess.PIPE, text=True, env=env
            )
        assert (done.returncode, done.stderr) == (2, "hgdx-eval: such.yaml: there is no such study file\n")


def test_a_left_over_part_breaks_no_command(tmp_path):
    (tmp_path / "a.csv.part").mkdir()
    (tmp_path / "a.csv.truth.csv.part").symlink_to(Path("/etc/hostname"))
    done = call("simulate", "a.csv", "--dossiers", "2000", cwd=tmp_path)
    assert done.returncode == 0 and done.stderr == ""
