"""Each fault once at a random moment, and twelve runs in a row: `tests/faults.py` does it twenty and two hundred times."""

import subprocess
import sys

import faults
import pytest
from seeds import FIXED


@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="signals and limits of POSIX")
def test_every_fault_leaves_the_last_good_run_and_an_honest_word():
    """A good run follows half of the faults here (`faults.SHARED_END` says which not), each of them in `tests/faults.py`."""
    words = [sys.executable, faults.__file__, "--times", "1", "--seed", str(FIXED), "--covering"]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line.split("|")[1:-1] for line in done.stdout.splitlines() if line.startswith("| ") and "| fault |" not in line]
    assert [row[0].strip() for row in rows] == faults.FAULTS and {row[1].strip() for row in rows} == {"1"}
    assert all(int(row[3].replace(",", "")) > 0 for row in rows)  # files read by the reader beside each fault, none torn


@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="signals and limits of POSIX")
def test_runs_in_a_row_leave_nothing_behind():
    """Four runs warm up; what grows by 15% in the eight after them, or by a file, child or thread, is seen. Slower growth: `--runs 200`."""
    done = subprocess.run([sys.executable, faults.__file__, "--runs", "12"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-1000:]
