"""One way to write: the linter's rules and the formatter's lines (pyproject.toml), as before a commit."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("words", [["check"], ["format", "--check"]], ids=["rules", "format"])
def test_ruff_has_nothing_to_say(words):
    done = subprocess.run([sys.executable, "-m", "ruff", *words, "."], cwd=Path(__file__).parent.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
