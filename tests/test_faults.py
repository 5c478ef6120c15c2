"""Each fault three times at random moments, and twenty runs in a row: `tests/faults.py` does it twenty and two hundred times."""

import random
import subprocess
import sys

import faults
import pytest


@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="signals and limits of POSIX")
def test_every_fault_leaves_the_last_good_run_and_an_honest_word():
    seed = random.randrange(10**6)
    with faults.prepared() as (folder, typical):
        found = [faults.check(fault, 3, seed, folder, typical, every=3) for fault in faults.FAULTS]
    wrong = {one["fault"]: one["wrong"] + one["torn"][:3] for one in found if one["wrong"] or one["torn"]}
    assert not wrong, f"seed {seed}: {wrong}"
    assert sum(one["reads"] for one in found) > 10_000


@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="signals and limits of POSIX")
def test_runs_in_a_row_leave_nothing_behind():
    done = subprocess.run([sys.executable, faults.__file__, "--runs", "20"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-1000:]
