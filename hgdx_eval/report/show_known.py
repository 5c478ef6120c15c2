"""What the kit offers, for whoever sits at a notebook."""

import pandas as pd

from ..study.vocabulary import estimator_names
from ..study.words import Words
from .formulas import METHODS


def methods(lang: str = "en") -> pd.DataFrame:
    """The methods of estimation. `lang`: vi or en.

    Returns a table with one row per method: estimator (its name in a study), name, meaning (of the formula's letters), formula
    (TeX), source.
    Example: `hg.methods("vi")`
    """
    words = Words(lang)
    rows = []
    for name in estimator_names():
        formula, source = METHODS[name]
        said = {"name": words(f"tables.estimator_{name}"), "meaning": words(f"formulas.{name}")}
        rows.append({"estimator": name, **said, "formula": formula, "source": source})
    return pd.DataFrame(rows)
