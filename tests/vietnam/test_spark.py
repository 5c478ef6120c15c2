"""Dossier lists on Spark: the cells of one machine, to the last count, reason and example row; refusals of one line.

What needs pyspark runs by `make test-spark` in an environment of its own and is skipped elsewhere.
"""

import importlib.util
import os
import shutil
import socket

import pandas as pd
import pytest
from spoilt_lists import READ, REFUSED, SET_ASIDE, UNREAD, drawn, write

from hgdx_eval.base.errors import InputError, RunFailed
from hgdx_eval.cli import main
from hgdx_eval.read import spark
from hgdx_eval.vietnam.count_dossiers import count_dossiers
from hgdx_eval.vietnam.made_up_world import simulate

needs_spark = pytest.mark.skipif(
    importlib.util.find_spec("pyspark") is None or shutil.which("java") is None, reason="pyspark or Java is not there: make test-spark"
)
SPOILT = {**READ, **REFUSED, **SET_ASIDE, **UNREAD}
CANARY = "Nguyễn Thị Hoàng Yến"


def on_spark(paths, details=(), master="local[2]"):
    from hgdx_eval.vietnam.count_on_spark import count_on_spark

    return count_on_spark(master, paths, details=details)


def told(count, *arguments):
    """What a way of counting yields, or its refusal."""
    try:
        found = count(*arguments)
    except InputError as error:
        return str(error)
    return found


def same(left, right):
    if isinstance(left, str) or isinstance(right, str):
        assert left == right
        return
    pd.testing.assert_frame_equal(left.cells, right.cells, check_dtype=False)
    pd.testing.assert_frame_equal(left.unread, right.unread, check_dtype=False)
    for name in ("payments", "payments_left_out", "date_forms", "noted", "readings"):
        assert getattr(left, name) == getattr(right, name)


@pytest.fixture(scope="module")
def lists(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lists")
    simulate(folder / "all.csv", seed=3, dossiers=3000)
    header, *rows = (folder / "all.csv").read_text(encoding="utf-8").splitlines()
    for number in range(4):
        (folder / f"t{number}.csv").write_text("\n".join([header, *rows[number * 600 : number * 600 + 900]]) + "\n", encoding="utf-8")
    return [folder / f"t{number}.csv" for number in range(4)], [folder / "all.csv.payments.csv"]


def refusal(capsys, *arguments):
    with pytest.raises(SystemExit) as left:
        main([str(word) for word in arguments])
    error = capsys.readouterr().err.strip().splitlines()
    return left.value.code, error[-1]


def test_a_master_without_its_engine_is_refused(capsys, tmp_path):
    code, line = refusal(capsys, "panel", "x.csv", "-o", tmp_path / "p.csv", "--master", "local[2]")
    assert code == 2 and "--master: belongs to --engine spark" in line


def test_without_pyspark_the_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyspark", None)
    with pytest.raises(InputError, match=r"pip install 'hgdx_eval\[spark\]'"):
        spark.check_installed()


def test_without_java_the_line_says_what_to_install(monkeypatch, tmp_path):
    import sys
    import types

    for name in ("pyspark", "pyarrow"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(InputError, match="openjdk-17"):
        spark.check_installed()


def test_an_address_that_is_none_is_refused():
    with pytest.raises(InputError, match="no address of a Spark master"):
        spark.check_master("spark:/host")


def test_a_master_that_does_not_answer_is_a_run_that_failed():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        with pytest.raises(RunFailed, match="nobody answers"):
            spark.check_master(f"spark://127.0.0.1:{taken.getsockname()[1]}")


def test_the_text_of_a_tasks_exception_is_not_told():
    with pytest.raises(spark.TaskFault) as fault, spark.silent():
        raise ValueError(CANARY)
    assert str(fault.value) == "ValueError" and CANARY not in spark.reason_of(fault.value)


@needs_spark
def test_overlapping_files_with_payments(lists):
    same(on_spark(*lists), count_dossiers(lists[0], details=lists[1]))


@needs_spark
@pytest.mark.parametrize("kind", SPOILT)
def test_spoilt_exports(kind, tmp_path, tmp_path_factory):
    folder = tmp_path_factory.getbasetemp()
    table = drawn(folder)
    spoil = SPOILT[kind] if callable(SPOILT[kind]) else SPOILT[kind][0]
    path = write(spoil(table), tmp_path / "ds.csv", folder / "sound.csv.fees.csv")
    same(told(on_spark, [path]), told(count_dossiers, [path]))


@needs_spark
def test_half_of_the_files_unreadable_names_them_and_publishes_nothing(lists, tmp_path, capsys):
    for number in range(4):
        (tmp_path / f"bad{number}.csv").write_text(f"so,khong\n{CANARY},2\n", encoding="utf-8")
    code, line = refusal(capsys, "panel", *lists[0], *tmp_path.glob("bad*.csv"), "-o", tmp_path / "p.csv", "--engine", "spark",
                         "--master", "local[2]", "--fees", f"{lists[0][0].parent / 'all.csv.fees.csv'}")  # fmt: skip
    assert code == 2 and "4 of 8 files" in line and all(f"bad{number}.csv" in line for number in range(4))
    assert not (tmp_path / "p.csv").exists() and str(tmp_path) not in line and CANARY not in line


@needs_spark
def test_a_worker_that_is_lost_is_replaced_and_changes_nothing(lists, tmp_path, monkeypatch, capfd):
    """The first reading of one file ends its whole executor; the file of the mark says that it did."""
    from hgdx_eval.vietnam import count_on_spark

    mark, read_part = tmp_path / "killed", count_on_spark.read_part

    def killed(path, number, order):
        if number == 2 and not mark.exists():
            mark.touch()
            os.kill(executor_of(os.getpid()), 9)
        yield from read_part(path, number, order)

    killed.__module__ = "__main__"  # so that it travels with the task
    monkeypatch.setattr(count_on_spark, "read_part", killed)
    same(on_spark(*lists, master="local-cluster[2,1,1024]"), count_dossiers(lists[0], details=lists[1]))
    assert mark.exists() and "Ngu" not in capfd.readouterr().err


def executor_of(process):
    """The Java process above a Python worker."""
    import psutil

    return next(parent.pid for parent in psutil.Process(process).parents() if "java" in parent.name())


executor_of.__module__ = "__main__"
