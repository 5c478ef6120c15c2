"""Importing the kit keeps linear algebra to one thread, unless its user has chosen otherwise or numpy is there already."""

import os
import subprocess
import sys

import pytest
from small_run import LEAN

from hgdx_eval.base.threads import ONE_THREAD


@pytest.mark.parametrize(("code", "chosen", "found"), [
    ("import hgdx_eval", {}, "1"),
    ("import hgdx_eval", dict.fromkeys(ONE_THREAD, "2"), "2"),
    ("import numpy, hgdx_eval", {}, "None"),
])  # fmt: skip
def test_threads_of_a_process_that_imports_the_kit(code, chosen, found):
    environment = {name: value for name, value in os.environ.items() if name not in ONE_THREAD}
    told = f"{code}; import os; print([os.environ.get(name) for name in {list(ONE_THREAD)}])"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, env={**environment, "PYTHONPATH": LEAN, **chosen})
    assert done.stdout.strip() == str([None if found == "None" else found] * len(ONE_THREAD))
