"""Inside one run, what was computed for one notebook or language is there for the others."""

import hashlib
import os
import pickle
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from filelock import FileLock

Value = TypeVar("Value")


def remembered(key: Callable[[], str], compute: Callable[[], Value]) -> Value:
    """`compute()`, kept under `key()` in the run's private folder (HGDX_WORK); outside a run simply computed."""
    work = os.environ.get("HGDX_WORK")
    if not work:
        return compute()
    path = Path(work) / f"{hashlib.sha256(key().encode()).hexdigest()[:32]}.pickle"
    with FileLock(path.with_suffix(".lock")):  # another notebook that needs it at the same time waits instead of computing it too
        if path.is_file():
            return pickle.loads(path.read_bytes())
        value = compute()
        with tempfile.NamedTemporaryFile(dir=work, delete=False) as file:
            file.write(pickle.dumps(value))
        os.replace(file.name, path)
    return value
