"""The main estimate with one threat taken out of the data: what could be wrong, in numbers. Design -> Design, the estimator stays."""

from contextlib import suppress
from dataclasses import replace

import pandas as pd

from ..base.errors import Refusal
from ..base.periods import PER_YEAR, written
from ..design.design import Design, nearby_events, study_design
from ..design.variants import with_periods, with_season
from ..estimation.estimate import estimate
from ..estimation.results import Estimate
from ..panel.panel import Panel
from ..study.events import Event
from ..study.study import Study
from .evaluation import Evaluation, relabelled

LATE_DIGITISATION = 12  # months before the policy in which compulsory digitisation can still be felt


def taken_out(found: Evaluation, panel: Panel, p: Study) -> dict[str, Estimate]:
    """The main estimate with one threat taken out of the data at a time. `found`: what `evaluate` gives.

    Returns a dict of Estimates, one `specification` row each (`group` the key, `period` the periods left out): `without_<event>` for each
    event with an end that began near the policy, `without_<digitisation>` for the months from the last compulsory step to the policy,
    `remote` without dossiers that staff filed, `season` with an effect of each unit in each calendar month. What cannot be estimated is
    left out.
    """
    design, made = found.design, {}
    for event in [*nearby_events(design), *last_digitisation(design)]:
        rows = touched(design, event)
        if rows.any():
            with suppress(Refusal):
                made[f"without_{event.name}"] = named(with_periods(design, ~rows), p, f"without_{event.name}", spans(design, rows))
    if design.scale == "pp" and p.numerator == "online" and panel.cells.get("assisted", pd.Series([0])).sum() > 0:
        alone = replace(panel, cells=panel.cells.assign(online=panel.cells["online"] - panel.cells["assisted"]))
        with suppress(Refusal):
            made["remote"] = named(study_design(alone, p), p, "remote", "")
    if design.table["time"].nunique() >= 2 * PER_YEAR[design.frequency] > 2:  # each calendar month twice, if not more often
        with suppress(Refusal):
            made["season"] = named(with_season(design), p, "season", "")
    return made


def named(design: Design, p: Study, name: str, periods: str) -> Estimate:
    return relabelled(estimate(replace(design, path=False), p.estimator), "specification", group=name, period=periods)


def last_digitisation(design: Design) -> list[Event]:
    """The last step of compulsory digitisation in the year before the policy, if any."""
    start = design.start.start_time.date()
    steps = [event for event in design.events if event.name.startswith("digitisation_")
             and 0 < (start - event.date).days <= 31 * LATE_DIGITISATION]  # fmt: skip
    return sorted(steps, key=lambda event: event.date)[-1:]


def touched(design: Design, event: Event) -> pd.Series:
    """Rows in the periods of an event with an end; of digitisation, which has none, those from its date to the policy."""
    first = pd.Period(pd.Timestamp(event.date), freq=design.frequency).ordinal
    if event.name.startswith("digitisation_"):
        last = design.start.ordinal - 1
    elif event.until is not None:
        last = pd.Period(pd.Timestamp(event.until), freq=design.frequency).ordinal
    else:
        return pd.Series(False, index=design.table.index)
    return design.table["time"].between(first, last)


def spans(design: Design, rows: pd.Series) -> str:
    """The periods left out, the first and the last."""
    left_out = design.table.loc[rows, "period"]
    return " ".join(dict.fromkeys([written(left_out.min()), written(left_out.max())]))
