"""One file, one estimator: a citation and `fit(design) -> Estimate`. A new file here is listed, called and tested."""

from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

import pandas as pd

from ..memo import remembered

if TYPE_CHECKING:
    from ..designs import Design
    from ..results import Estimate


def estimator_names() -> list[str]:
    """The names of the files beside this one."""
    return sorted(module.name for module in iter_modules(__path__))


def estimate(design: "Design", estimator: str) -> "Estimate":
    """The estimate of one method, computed once in a run. Raises Refusal where the method cannot identify the effect."""
    module = import_module(f".{estimator}", __name__)
    return remembered(lambda: f"{estimator} {design_key(design)}", lambda: module.fit(design))


def design_key(design: "Design") -> str:
    """What an estimate depends on: the tables and every other field of the design."""
    tables = [value for value in vars(design).values() if isinstance(value, pd.DataFrame)]
    fields = [repr(value) for value in vars(design).values() if not isinstance(value, pd.DataFrame)]
    hashes = [pd.util.hash_pandas_object(table).to_numpy().tobytes().hex() for table in tables]
    return f"{fields} {hashes}"
