"""The command line inside this process: seconds cheaper than a process, where nothing of the process itself is asked."""

import contextlib
import io
import os
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import pytest

from hgdx_eval import cli


def command(*words: object, cwd: Path, env: dict[str, str] | None = None) -> SimpleNamespace:
    """returncode, stdout and stderr of one command in a folder, like those of a finished process. `env`: variables besides this one's own."""
    out, err = io.StringIO(), io.StringIO()
    with (mock.patch.dict(os.environ, env or {}), contextlib.chdir(cwd), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err),
          pytest.raises(SystemExit) as leave):  # fmt: skip
        cli.main([str(word) for word in words])
    return SimpleNamespace(returncode=leave.value.code, stdout=out.getvalue(), stderr=err.getvalue())
