"""Inside one run, what was computed for one notebook or language is there for the others."""

import hashlib
import os
import pickle
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Value = TypeVar("Value")


def remembered(key: Callable[[], str], compute: Callable[[], Value]) -> Value:
    """`compute()`, kept under `key()` in the run's private folder (HGDX_WORK); outside a run simply computed."""
    work = os.environ.get("HGDX_WORK")
    if not work:
        return compute()
    path = Path(work) / f"{hashlib.sha256(key().encode()).hexdigest()[:32]}.pickle"
    if path.is_file():
        return pickle.loads(path.read_bytes())
    value = compute()
    with tempfile.NamedTemporaryFile(dir=work, delete=False) as file:
        file.write(pickle.dumps(value))
    os.replace(file.name, path)
    return value
