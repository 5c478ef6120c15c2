"""A long notebook shows that it lives: to whoever looks at a terminal, and to machines; a log is not filled."""

import io
import json
import os
import pty
import subprocess
import sys

import pytest
from faults import environment, make

from hgdx_eval.base.progress import Progress
from hgdx_eval.run import notebooks
from hgdx_eval.run.notebook_files import Job
from hgdx_eval.study.load import read_study


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def small(tmp_path):
    make(tmp_path)
    return read_study(tmp_path / "small.yaml", {})


CELLS = {Job("effect", "vi"): (12, 30, 0.0), Job("who", "en"): (5, 20, 2.0)}


def test_a_terminal_sees_cells_done_of_all_and_seconds_within_its_width(small, monkeypatch):
    monkeypatch.setattr(notebooks.time, "monotonic", lambda: 10.0)
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setattr(Progress, "open_line", False)
    monkeypatch.setenv("COLUMNS", "200")
    notebooks.tell_cells(small, CELLS, {}, 3, 9)
    assert sys.stderr.getvalue() == "\r\x1b[Ksmall: [3/9] effect · vi 12/30 cells, 10 s; who · en 5/20 cells, 8 s"
    monkeypatch.setenv("COLUMNS", "30")
    notebooks.tell_cells(small, CELLS, {}, 3, 9)
    assert len(sys.stderr.getvalue().split("\r\x1b[K")[-1]) == 29


def test_a_log_is_told_nothing_of_cells(small, monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    monkeypatch.setattr(Progress, "begun", True)
    notebooks.tell_cells(small, CELLS, {}, 3, 9)
    assert sys.stderr.getvalue() == ""


def test_machines_are_told_once_of_each_step(small, monkeypatch, capsys):
    monkeypatch.setattr(notebooks.time, "monotonic", lambda: 10.0)
    monkeypatch.setattr(Progress, "machine", True)
    told = notebooks.tell_cells(small, CELLS, {}, 3, 9)
    told = notebooks.tell_cells(small, {**CELLS, Job("who", "en"): (6, 20, 2.0)}, told, 3, 9)
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["event"], row["notebook"], row["lang"], row["done"], row["of"]) for row in events] == [
        ("cells", "effect", "vi", 12, 30), ("cells", "who", "en", 5, 20), ("cells", "who", "en", 6, 20)]  # fmt: skip
    assert events[1]["seconds"] == 8.0


@pytest.mark.long
def test_a_run_on_a_terminal_counts_every_cell(tmp_path):
    make(tmp_path)
    parent, terminal = pty.openpty()
    words = [sys.executable, "-m", "hgdx_eval", "run", "small.yaml", "--out", "out", "--lang", "vi"]
    env = {**environment(tmp_path), "HGDX_NOTEBOOKS": str(tmp_path / "notebooks"), "COLUMNS": "160"}
    process = subprocess.Popen(words, cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=terminal)
    os.close(terminal)
    seen = b""
    try:
        while part := os.read(parent, 4096):
            seen += part
    except OSError:  # the other end is closed
        pass
    assert process.wait() == 0
    process.stdout.close()
    assert " cells, " in seen.decode() and "first · vi 0/" in seen.decode()
