"""Each fault three times at random moments, and twenty runs in a row: `tests/faults.py` does it twenty and two hundred times."""

import subprocess
import sys

import faults
import pytest
from seeds import FIXED


@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="signals and limits of POSIX")
def test_every_fault_leaves_the_last_good_run_and_an_honest_word():
    halves = [faults.FAULTS[::2], faults.FAULTS[1::2]]  # side by side: most of a fault is waiting
    started = [subprocess.Popen([sys.executable, faults.__file__, "--times", "3", "--every", "3", "--seed", str(FIXED),
                                 *(word for fault in half for word in ("--only", fault))], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True) for half in halves]  # fmt: skip
    told = [process.communicate() for process in started]
    assert [process.returncode for process in started] == [0, 0], told
    rows = [line.split("|")[1:-1] for out, _ in told for line in out.splitlines() if line.startswith("| ") and "fault" not in line]
    assert sorted(row[0].strip() for row in rows) == sorted(faults.FAULTS) and {row[1].strip() for row in rows} == {"3"}
    assert sum(int(row[3].replace(",", "")) for row in rows) > 10_000  # files read by the readers beside them, none torn


@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="signals and limits of POSIX")
def test_runs_in_a_row_leave_nothing_behind():
    done = subprocess.run([sys.executable, faults.__file__, "--runs", "20"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-1000:]
