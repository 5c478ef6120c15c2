"""Inside one run, what was computed for one notebook or language is there for the others."""

import hashlib
import os
import pickle
import tempfile
from collections.abc import Callable
from dataclasses import is_dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
from filelock import FileLock
from pydantic import BaseModel

Value = TypeVar("Value")


def remembered(compute: Callable[[], Value], *given: object) -> Value:
    """`compute()`, kept in the run's private folder (HGDX_WORK) under all that it depends on (texts, numbers, studies, tables,
    records with tables); outside a run simply computed."""
    work = os.environ.get("HGDX_WORK")
    if not work:
        return compute()
    path = Path(work) / f"{hashlib.sha256(repr([key_of(one) for one in given]).encode()).hexdigest()[:32]}.pickle"
    with FileLock(path.with_suffix(".lock")):  # another notebook that needs it at the same time waits instead of computing it too
        if path.is_file():
            return pickle.loads(path.read_bytes())
        value = compute()
        with tempfile.NamedTemporaryFile(dir=work, delete=False) as file:
            file.write(pickle.dumps(value))
        os.replace(file.name, path)
    return value


def key_of(value: object) -> object:
    """What stands for a value in a key: of a table its columns and all of its cells, of a record or study all that it holds (its repr
    tells less), of several values each."""
    if isinstance(value, pd.DataFrame):
        return [*map(str, value.columns), key_of(value.index.to_series()), *(key_of(value[name]) for name in value.columns)]
    if isinstance(value, pd.Series):
        return [str(value.dtype), content(value.array)]
    if is_dataclass(value):
        return [key_of(part) for part in vars(value).values()]
    if isinstance(value, BaseModel):
        return [type(value).__name__, key_of(value.model_dump())]
    if isinstance(value, dict):
        return [type(value).__name__, *([key_of(key), key_of(part)] for key, part in value.items())]
    if isinstance(value, (list, tuple)):
        return [type(value).__name__, *map(key_of, value)]
    return repr(value)


def content(values: pd.api.extensions.ExtensionArray) -> str:
    """What stands for the values of a column: of numbers, periods and categories (by far most of a design) their bytes."""
    if isinstance(values, pd.Categorical):
        return content(values.codes) + content(values.categories.array)
    if isinstance(values, pd.arrays.PeriodArray):
        values = values.asi8
    plain = np.asarray(values)
    if plain.dtype.kind in "biuf":
        return hashlib.sha256(np.ascontiguousarray(plain)).hexdigest()
    return hashlib.sha256(pd.util.hash_array(plain.astype(object)).tobytes()).hexdigest()
