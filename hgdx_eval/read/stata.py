"""Stata's .dta as rows of text: labels in place of the numbers that they stand for, dates in ISO form."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from ..base.errors import InputError
from ..base.machine import blame
from .database import TYPED
from .headers import COLUMNS

BYTES = 350 << 20
ROWS = 10_000  # at a time


def stata_rows(path: Path) -> Iterator[list[str]]:
    """The names of the variables, then the rows of text, numbers with `TYPED` behind them. Raises InputError: not readable, too large."""
    if path.stat().st_size > BYTES:
        raise InputError(f"{path.name}: larger than {BYTES >> 20} MB; save it as .csv or .parquet")
    with scanned(path), pd.read_stata(path, chunksize=ROWS) as reader:
        names = list(quiet(reader.variable_labels))
        if len(names) > COLUMNS:
            raise InputError(f"{path.name}: {len(names):,} columns; allowed: {COLUMNS:,}")
        yield names
        while (frame := quiet(partial(next, reader, None))) is not None:
            yield from map(list, zip(*(texts(frame[name]) for name in names), strict=True))


def quiet(read: Callable[[], object]) -> object:
    """What is read, without the library's advice to programmers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", UnicodeWarning)  # other letters in place of what cannot be read
        return read()


@contextmanager
def scanned(path: Path) -> Iterator[None]:
    """Whatever the library of Stata files raises as one InputError; a fault of the machine stays."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # a spoilt file ends it in every kind of error
        raise blame(error, InputError(f"{path.name}: not a readable Stata file; save it as .csv")) from None


def texts(column: pd.Series) -> list[str]:
    """The cells of a column as text, "" where missing."""
    empty = column.isna()
    if pd.api.types.is_datetime64_any_dtype(column):
        cells = [str(time)[:10] if time == time.normalize() else str(time) for time in column.where(~empty, pd.Timestamp(0))]
    elif pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        short = np.float32 if column.dtype == np.float32 else np.float64  # in Stata most numbers are of 32 bits: 0.1 and not 0.10000000149
        cells = [plain_number(number) + TYPED for number in column.to_numpy(short, na_value=0)]
    else:
        cells = [str(cell) for cell in column]
    return ["" if none else cell for cell, none in zip(cells, empty, strict=True)]


def plain_number(number: float | np.number) -> str:
    return str(int(number)) if float(number).is_integer() else str(number)
