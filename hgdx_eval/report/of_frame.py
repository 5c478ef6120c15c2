"""A panel from a table in memory: no file and no YAML."""

import pandas as pd

from ..base.errors import InputError
from ..base.private_folder import private_folder
from ..panel.panel import Panel
from ..panel.tidy import table_panel
from ..study.load import check_study, study_words
from ..study.study import Study
from ..study.words import Words

DEFAULTS = {"study": "mine", "layout": "table", "weights": "none", "estimator": "two_way_fixed_effects"}


def panel_of(frame: pd.DataFrame, lang: str = "vi", **keys: object) -> tuple[Study, Words, Panel]:
    """A study and its panel of a pandas table, checked as a file would be. `frame`: one row per unit and period; `lang`: vi or en;
    `keys`: those of a study: unit, period, frequency, outcome (or numerator and denominator), treated_from or treated; by default cluster
    is the unit.

    Returns (Study, Words, Panel), as `load_study` and `load_panel` give them. Raises InputError for whatever is wrong.
    Example: `hg.panel_of(frame, "en", unit="state", period="year", frequency="Y", outcome="rate", treated_from="start")`
    """
    unit = keys.get("unit")
    given = {**DEFAULTS, "cluster": unit if isinstance(unit, str) else None, **keys}
    known = set(Study.model_fields)
    if wrong := sorted(set(given) - known):
        raise InputError(f"panel_of: {', '.join(wrong)}: no such key of a study; allowed: {', '.join(sorted(known))}")
    if missing := [key for key in ("unit", "period", "frequency") if not given.get(key)]:
        raise InputError(f"panel_of: {', '.join(missing)}: needed")
    with private_folder() as folder:
        file = folder / "frame.csv"
        written = frame.assign(**{name: frame[name].astype(str) for name in frame.columns if isinstance(frame[name].dtype, pd.PeriodDtype)})
        written.to_csv(file, index=False)
        p = Study.model_validate({**given, "data": str(file)})
        check_study(p, "panel_of")
        return p.model_copy(update={"data": None}), study_words(p, lang), table_panel(file, p)
