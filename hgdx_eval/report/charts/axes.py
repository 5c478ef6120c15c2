"""Axes, ticks, labels and sizes that charts share."""

from textwrap import wrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ...base.periods import year_of
from ...design.design import Design
from ...estimation.results import Estimate
from ...study.words import Words, capital
from ..figure import COMPARISON, TREATED

LABEL_LINE = 13  # units between the lines of a label at a line's end

MANY = 80  # comparison units up to this number are drawn as faint lines
FEW_TICKS = {False: 6, True: 3}  # names of months that do
EDGE = 0.02  # of the axis: a name so near to its end would be cut
MANY_PERIODS = 250  # from so many on lines are drawn thinner, so that what moves from day to day is seen
FEW_PERIODS = {False: 4, True: 2}  # names of weeks and days that do
MOST_TICKS = {False: 12, True: 5}  # names of years that stand apart on a chart, and on a narrow one


def lanes_for(places: list[float], width: float) -> list[int]:
    """For discs at these places, the lowest lane in which each has room."""
    ends: list[float] = []
    lanes = []
    for place in places:
        lane = next((i for i, end in enumerate(ends) if place - end >= width), len(ends))
        ends[lane : lane + 1] = [place]
        lanes.append(lane)
    return lanes


def end_labels(axes: Axes, ends: dict[bool, float], names: dict[bool, str], scale: str, words: Words, small: bool) -> None:
    """Name and last value of each line (True: the treated) at the right edge, pushed apart."""
    height = axes.get_position().height * axes.figure.get_size_inches()[1] * 72
    low, high = axes.get_ylim()
    unit = (high - low) / height
    names = {side: wrapped(name, 15 if small else 19) for side, name in names.items()}
    gap = (LABEL_LINE * (1 + max(map(len, names.values()))) + 8) * unit
    places = dict(ends)
    if len(ends) == 2 and abs(ends[True] - ends[False]) < gap:
        middle, upper = sum(ends.values()) / 2, ends[True] >= ends[False]
        for side in ends:
            places[side] = middle + gap / 2 * (1 if side == upper else -1)
    for side, y in places.items():
        colour = TREATED if side else COMPARISON
        lines = [(value_text(ends[side], scale, words), "normal"), *((part, "bold") for part in names[side])]
        for i, (text, weight) in enumerate(lines):
            above = LABEL_LINE * (len(lines) / 2 - 1 - i) + 3
            axes.annotate(text, (axes.get_xlim()[1], y), xytext=(7, above), textcoords="offset points",
                          color=colour, weight=weight, fontsize=11.5, annotation_clip=False, va="baseline")  # fmt: skip


def value_text(value: float, scale: str, words: Words) -> str:
    """A level as it stands at a line: 84,5% or in the outcome's own unit."""
    return words.number(value, 1) + "%" if scale == "pp" else words.effect(value, "level", False)


def wrapped(text: str, width: int) -> list[str]:
    """Lines of at most `width` letters, as few as can be and then as even as can be; the first letter a capital."""
    text = capital(text)
    lines = wrap(text, width) or [""]
    even = (wrap(text, narrower, break_long_words=False) for narrower in range(max(1, len(text) // len(lines)), width))
    return next((found for found in even if len(found) == len(lines)), lines)


def time_axis(axes: Axes, times: np.ndarray, frequency: str, words: Words, small: bool) -> None:
    """Years for months and quarters (each at its first period) where there are three, else half years, quarters or months; periods for
    years; of many every second, third, ... one."""
    if frequency in ("D", "W"):
        axes.set_xticks(*fine_ticks(times, frequency, words, small))
        axes.tick_params(axis="x", length=3)
        return
    periods = {int(t): pd.Period(ordinal=int(t), freq=frequency) for t in times}
    ticks = [t for t, p in periods.items() if frequency == "Y" or p.start_time.month == 1]
    years = frequency == "Y" or len(ticks) >= 3
    if not years:  # half years, quarters or months, of which there are three
        halves = ([t for t, p in periods.items() if (p.start_time.month - 1) % step == 0] for step in (6, 3, 1))
        ticks = next((found for found in halves if len(found) >= 3), list(periods))
    ticks = ticks[:: -(-len(ticks) // (MOST_TICKS if years else FEW_TICKS)[small])]
    names = [str(periods[t].year) if years else words.period(periods[t], True) for t in ticks]
    axes.set_xticks(ticks, names)
    axes.tick_params(axis="x", length=3)


def fine_ticks(times: np.ndarray, frequency: str, words: Words, small: bool) -> tuple[list[int], list[str]]:
    """Of days and weeks: first periods of years where there are three, else of half years, quarters, months, else a few of all."""
    days = {int(t): counted_day(int(t), frequency) for t in times}
    opening = [t for t, day in days.items() if day.day <= (7 if frequency == "W" else 1) and times[-1] - t >= EDGE * len(times)]
    for step in (12, 6, 3, 1):
        ticks = [t for t in opening if (days[t].month - 1) % step == 0]
        if len(ticks) >= 3:
            kept = ticks[:: -(-len(ticks) // (MOST_TICKS if step == 12 else FEW_TICKS)[small])]
            return kept, [str(days[t].year) if step == 12 else words.period(days[t].to_period("M"), True) for t in kept]
    kept = list(days)[:: -(-len(days) // FEW_PERIODS[small])]
    return kept, [words.period(pd.Period(ordinal=t, freq=frequency), True) for t in kept]


def opens_year(time: int, frequency: str) -> bool:
    """Whether a period is the first one of its year."""
    now, before = (year_of(pd.Period(ordinal=t, freq=frequency)) for t in (time, time - 1))
    return now != before


def line_width(width: float, number: int) -> float:
    """The width of a line through so many periods."""
    return width if number < MANY_PERIODS else width * 0.4


def counted_day(time: int, frequency: str) -> pd.Timestamp:
    """The day by which a day or week has its month and year: itself, or the Thursday (ISO 8601)."""
    return pd.Period(ordinal=time, freq=frequency).start_time + pd.Timedelta(days=3 * (frequency == "W"))


def value_axis(axes: Axes, scale: str, words: Words) -> None:
    """Three to six ticks; the unit on the top one."""
    axes.locator_params(axis="y", nbins=5)
    low, high = axes.get_ylim()
    ticks = [t for t in axes.get_yticks() if low - 1e-12 <= t <= high + 1e-12]
    names = [words.number(t, tick_digits(ticks)) for t in ticks]
    if scale == "pp" and names:
        names[-1] += "%"
    axes.set_yticks(ticks, names)
    axes.set_ylim(low, high)


def tick_digits(ticks: list[float]) -> int:
    """The fewest decimals that tell every tick exactly."""
    return next((d for d in range(6) if all(abs(round(t, d) - t) < 1e-9 for t in ticks)), 6)


# --- signing -------------------------------------------------------------------------------------------------------
def sample_text(design: Design, words: Words) -> str:
    """How many dossiers (or observations), from when to when."""
    table = design.table
    counted = bool(table["denominator"].notna().all())
    size = design.told if counted else len(table)
    return sized(size, (table["period"].min(), table["period"].max()), counted, words)


def estimate_size(estimate: Estimate, words: Words) -> str:
    """The same of an estimate, which holds no panel."""
    if estimate.span is None:
        return ""
    return sized(estimate.overall()["n_obs"], estimate.span, estimate.dossiers, words)


def sized(size: float, span: tuple[pd.Period, pd.Period], dossiers: bool, words: Words) -> str:
    first, last = (words.period(period, short=True) for period in span)
    return words("charts.size_dossiers" if dossiers else "charts.size_rows", n=words.number(size), span=f"{first}–{last}")


def tag(origin: object, words: Words) -> str:
    return words("charts.simulated") if origin.simulated else ""


def simulated_note(origin: object, words: Words) -> str:
    return " " + words("charts.simulated") + "." if origin.simulated else ""
