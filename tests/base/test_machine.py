"""Faults of the machine are exit code 1 with their cause, what a user can mend in the input is exit code 2; `tests/limits.py` does it for real."""

import errno
import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import duckdb
import limits
import pandas as pd
import pytest
from opened import opened_table

import hgdx_eval as hg
from hgdx_eval.base import machine
from hgdx_eval.base.errors import InputError, RunFailed
from hgdx_eval.base.machine import fault_of, told_of
from hgdx_eval.base.private_folder import MARK, base
from hgdx_eval.cli import main
from hgdx_eval.read import database
from hgdx_eval.read.database import literal
from hgdx_eval.read.sources import study_data
from hgdx_eval.read.tidy import read_columns
from hgdx_eval.vietnam.made_up_world import simulate

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
ROWS = 20_000
JSON_ERRNO = '{"exception_type":"IO","exception_message":"Could not write file \\"/cache/a.parquet\\": File too large","errno":"27"}'


@pytest.mark.parametrize(
    ("error", "told"),
    [(MemoryError(), "not enough memory"), (OSError(errno.ENOSPC, "x"), "no space is left"), (OSError(errno.EDQUOT, "x"), "no space is left"),
     (OSError(errno.EFBIG, "x"), "larger than allowed"), (OSError(errno.EMFILE, "x"), "more open files"), (OSError(errno.ENFILE, "x"), "more open files"),
     (OSError(errno.ENOMEM, "x"), "not enough memory"), (OSError(errno.EIO, "x"), "Input/output error"), (OSError("Too many open files (os error 24)"), "more open files"),
     (duckdb.OutOfMemoryException("failed to offload: limit was set by the 'max_temp_directory_size' setting"), "no space is left"),
     (duckdb.OutOfMemoryException("Failed to allocate block of 1 bytes (bad allocation)"), "not enough memory"),
     (duckdb.OutOfMemoryException("could not allocate block of size 1 (381.4 MiB/381.4 MiB used)"), "more memory than the database"),
     (duckdb.IOException(JSON_ERRNO), "larger than allowed"), (duckdb.IOException('Cannot open file "/a/b.csv": Too many open files'), "more open files"),
     (duckdb.FatalException("original error: No space left on device"), "no space is left"), (duckdb.InternalException("std::bad_alloc"), "not enough memory"),
     (RuntimeError("can't start new thread"), "no further process or thread"), (ImportError("libx.so: failed to map: Cannot allocate memory"), "not enough memory")],
)  # fmt: skip
def test_a_fault_of_the_machine_is_told_with_its_cause(error, told):
    fault = fault_of(error)
    assert (
        isinstance(fault, RunFailed) and told in str(fault) and "\n" not in str(fault) and "/" not in str(fault).replace("Input/output", "")
    )


@pytest.mark.parametrize(
    "error",
    [OSError(errno.EACCES, "x"), OSError(errno.EISDIR, "x"), OSError(errno.ENOENT, "x"), OSError(errno.EINVAL, "x"), OSError("not a workbook"), ValueError("No space left on device"),
     duckdb.InvalidInputException("cell: No space left on device"), duckdb.IOException('Cannot open file "a.csv": Permission denied'), duckdb.IOException("no magic bytes")],
)  # fmt: skip
def test_what_is_no_fault_of_the_machine_is_told_by_whoever_reads(error):
    assert fault_of(error) is None


def test_a_full_disk_is_told_by_whose_place_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "is_full", lambda place: place == tmp_path / "outputs")
    monkeypatch.setattr(machine.tempfile, "gettempdir", lambda: str(tmp_path / "temporary"))
    with pytest.raises(RunFailed, match="disk of outputs: make room there"), told_of(tmp_path / "outputs"):
        raise OSError(errno.ENOSPC, "x")
    with pytest.raises(OSError), told_of(tmp_path):  # the disk of another place
        raise OSError(errno.ENOSPC, "x")
    with pytest.raises(RunFailed, match="user's cache"), told_of(tmp_path):
        raise duckdb.IOException(f'Could not write file "{base()}/w1/a.parquet": No space left on device')


def made(path: Path, rows: int = ROWS) -> Path:
    """A tidy table of texts that do not repeat, as a file of any kind."""
    frame = pd.DataFrame({"unit": [f"đơn vị {i * 7919 % rows:040}" for i in range(rows)], "year": "2023", "value": range(rows)})
    if path.suffix == ".parquet":
        duckdb.sql(f"COPY (FROM frame) TO {literal(str(path))} (FORMAT parquet)")
    elif path.suffix == ".xlsx":
        frame.to_excel(path, index=False)
    elif path.suffix == ".json":
        frame.to_json(path, orient="records")
    else:
        path.write_bytes(frame.to_csv(index=False).replace("ị", "i\u0323").encode("cp1258" if "1258" in path.name else "utf-8"))
    return path


KINDS = ["a.csv", "a.1258.csv", "a.json", "a.xlsx", "a.parquet"]


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize(("number", "code"), [(errno.EACCES, 2), (errno.EMFILE, 1), (errno.EIO, 1), (errno.ENOMEM, 1)])
@pytest.mark.parametrize("words", [["check", "--layout", "table"], ["check"], ["panel", "-o", "x.parquet"]])
def test_a_file_that_cannot_be_opened_is_told_by_who_can_mend_it(tmp_path, monkeypatch, capsys, name, number, code, words):
    path, real = made(tmp_path / name, 5), Path.open
    monkeypatch.setattr(
        Path,
        "open",
        lambda self, *a, **k: (
            (_ for _ in ()).throw(OSError(number, os.strerror(number), str(self))) if self == path else real(self, *a, **k)
        ),
    )
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as left:
        main([*words, str(path)])
    told = capsys.readouterr().err
    assert (left.value.code, told.count("\n")) == (code, 1) and "readable as" not in told
    assert os.listdir(base()) == [MARK] and not (tmp_path / "x.parquet").exists()


@pytest.mark.parametrize("name", KINDS)
def test_a_tidy_table_of_any_kind_spills_what_does_not_fit_into_memory(tmp_path, monkeypatch, name):
    path = made(tmp_path / name)
    monkeypatch.setattr(database, "MEMORY", "12MB")
    raw, rows = opened_table(path, {"unit": ("unit",), "value": ("value",)}, "SELECT row, value FROM raw ORDER BY unit DESC, row")
    assert raw.rows == len(rows) == ROWS and {int(float(value)) + 2 - row for row, value in rows} <= {0, 1}
    assert os.listdir(base()) == [MARK]


def test_the_private_folder_of_a_tidy_table_is_gone_where_it_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text("unit,value\na,1\nb,2,3\n")
    for columns, message in ((["unit", "other"], "column 'other' is missing"), (["unit"], "row 3 has more cells")):
        with pytest.raises(InputError, match=message):
            read_columns(tmp_path / "a.csv", {name: name for name in columns}, {})
        assert os.listdir(base()) == [MARK]


@pytest.fixture(scope="module")
def listed(tmp_path_factory):
    """A folder with a dossier list, as `limits.command` wants it."""
    folder = tmp_path_factory.mktemp("listed")
    for name in ("home", "tmp", "out"):
        (folder / name).mkdir()
    simulate(folder / "list.csv", dossiers=5_000)
    return folder


@pytest.mark.parametrize("fault", ["file size", "little memory"])
@pytest.mark.parametrize("name", ["check", "panel"])
def test_a_limit_of_the_process_is_exit_code_1_with_its_cause(listed, fault, name):
    done = limits.command(listed, limits.COMMANDS[name], limits.LIMITS[fault])
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert re.search(limits.CAUSES[fault.removeprefix("little ")], done.stderr)
    left = [path for place in ("out", "tmp", "home/cache/hgdx_eval/work") for path in (listed / place).glob("*")]
    assert not [path for path in left if path.name != MARK]


def test_a_full_disk_of_the_cache_is_exit_code_1_with_its_cause(listed):
    if not limits.disks_can_be_mounted():
        pytest.skip("only the superuser can mount a small disk")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(listed / "home")], check=True)
    try:
        with limits.caused("full cache", listed) as under:
            done = under(limits.COMMANDS["check"])
        assert done.returncode == 1 and "disk of the user's cache (XDG_CACHE_HOME" in done.stderr and done.stderr.count("\n") == 1
    finally:
        subprocess.run(["umount", str(listed / "home")], check=True)


def test_a_simulated_export_that_a_full_disk_cut_short_is_drawn_again(tmp_path):
    p, _ = hg.load_study("demo", "vi", {"dossiers": "2000"})
    path = study_data(p.model_copy(update={"data": None}))
    Path(f"{path}.fees.csv").unlink()
    path.write_text("a beginning")
    assert study_data(p.model_copy(update={"data": None})).stat().st_size > 1_000 and Path(f"{path}.fees.csv").is_file()


def test_half_a_pdf_is_none_and_a_limit_is_told_as_its_cause(tmp_path):
    (tmp_path / "browser").write_text(limits.BROWSER)
    (tmp_path / "browser").chmod(0o755)
    (tmp_path / "page.html").write_text("<p>a</p>")
    for name in ("home", "tmp"):
        (tmp_path / name).mkdir()
    done = limits.command(tmp_path, "pdf page.html", (resource.RLIMIT_FSIZE, 300))
    assert done.returncode == 1 and "(ulimit -f)" in done.stderr and not (tmp_path / "page.pdf").exists()
    assert limits.command(tmp_path, "pdf page.html").returncode == 0 and (tmp_path / "page.pdf").stat().st_size > 300_000


def test_the_pairs_of_ci_hold_every_fault_and_every_command_that_can_fail_under_it():
    """Of those that must fail none is left out but `verify` where `run` is in, `check` or `panel` where the other is, and what is tried above."""
    assert list(limits.COVERING) == limits.FAULTS and {name for names in limits.COVERING.values() for name in names} == set(limits.COMMANDS)
    for fault, names in limits.COVERING.items():
        assert limits.MUST[fault] - set(names) <= {"verify", "check", "panel", *(["pdf"] if fault == "file size" else [])}, fault


@pytest.mark.long
def test_every_command_and_every_fault_tells_the_cause_and_leaves_nothing():
    """29 of 63 pairs, chosen to cover (`limits.COVERING`); `python tests/limits.py` tries all, with docs/faults.md for its table."""
    done = subprocess.run([sys.executable, limits.__file__, "--covering"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    told = {tuple(cell.strip() for cell in line.split("|")[1:3]) for line in done.stdout.splitlines()[2:]}
    tried = {(fault, name) for fault, names in limits.COVERING.items() for name in names}
    full = {(fault, name) for fault, name in tried if fault.startswith("full")}
    assert told == tried if limits.disks_can_be_mounted() else told >= tried - full
