"""How far the groups may have diverged before the finding breaks."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MplFigure

from ...base.telling import check_name
from ...estimation.results import Estimate
from ...study.words import Words
from ..blocks import csv_text
from ..figure import BAND, EVENT, INK, MUTED, TREATED, Figure, canvas, drawn, source_line
from .axes import simulated_note, tag, tick_digits
from .intervals import EDGE, unit_of
from .specification_curve import signed_axis, upright_lines

PARTS = ("first", "average", "overall")  # effects of which it is told; the verdict asks of the last one
DRAWN = ("sensitivity_relative", "sensitivity_level")


def plot_sensitivity(rows: Estimate, words: Words, breakdown: dict[str, float] | None = None) -> Figure:
    """Honest intervals against the bound on departures from parallel trends: of the headlined average in levels (Manski & Pepper 2018), of
    the first period in steps (Rambachan & Roth 2023, relative magnitudes); without the former, of the first period and the average.

    `rows`: the `sensitivity` of what `robust` gives: terms sensitivity_level (group overall) and sensitivity_relative (group first or
    average), parameter = the bound. `breakdown`: group -> bound from which on the interval holds 0 (inf: none); without it the row
    "<group> breakdown", and without that the lowest bound of the rows whose interval does. Title: that bound of `overall` (else
    `average`, else `first`); or that every bound tried leaves out 0; or that none does.
    Returns a Figure. Raises InputError for a breakdown of another group.
    """
    for name in breakdown or {}:
        check_name("group of a breakdown", name, PARTS)
    told = rows.table[rows.table["term"].isin(DRAWN) & (rows.table["status"] == "ok")]
    breakdown = {**breakdowns(told), **(breakdown or {})}
    table = told[told["group"].isin(PARTS)]
    table = table.assign(bound=table["parameter"].astype(float)).sort_values(["group", "bound"], kind="stable", ignore_index=True)
    panels = ("overall", "first") if (table["group"] == "overall").any() else PARTS  # steps that add up would squeeze all others
    parts = {name: table[table["group"] == name] for name in panels if (table["group"] == name).any()}
    marks = {name: breaking_point(part, breakdown.get(name)) for name, part in parts.items()}
    asked = next(name for name in PARTS[::-1] if name in parts)
    title = finding_of_sensitivity(parts[asked], marks[asked], words, "_overall" if asked == "overall" else "")
    said = "; ".join(words("robustness.sensitivity_part", name=words(f"robustness.sensitivity_{name}"),
                           at=mark_text(parts[name], marks[name], words)) for name in parts)  # fmt: skip
    alt = words("robustness.sensitivity_alt", title=title, parts=said, simulated=simulated_note(rows.origin, words))
    note = words("robustness.sensitivity_note")
    note += " " + words("robustness.sensitivity_note_overall") if "overall" in parts else ""
    end = reach_of_bounds(table["bound"], list(marks.values()))[1]
    note += " " + words("robustness.sensitivity_band") if any(mark <= end for mark in marks.values()) else ""
    narrow, wide = drawn("sensitivity", lambda width, small: draw_sensitivity(parts, marks, words, width, small), alt)
    return Figure(
        "sensitivity", title, words(f"robustness.sensitivity_subtitle_{unit_of(table)}"), narrow, wide, (),
        source_line(rows.origin, "", words, note), alt,
        csv_text(table[["group", "bound", "estimate", "ci_low", "ci_high"]], words), tag(rows.origin, words), words("charts.download"),
    )  # fmt: skip


def breakdowns(told: pd.DataFrame) -> dict[str, float]:
    """Group -> bound of the rows "<group> breakdown"; inf where it is beyond the largest looked at (parameter ">5")."""
    rows = told[told["group"].str.endswith(" breakdown")]
    return {row["group"].removesuffix(" breakdown"): np.inf if row["parameter"].startswith(">") else row["estimate"]
            for _, row in rows.iterrows()}  # fmt: skip


def breaking_point(part: pd.DataFrame, given: float | None) -> float:
    """The bound from which on the interval holds 0; NaN where it never does."""
    if given is not None and not np.isnan(given):
        return float(given) if np.isfinite(given) else np.nan
    holds = part[(part["ci_low"] <= 0) & (part["ci_high"] >= 0)]
    return float(holds["bound"].min()) if len(holds) else np.nan


def finding_of_sensitivity(part: pd.DataFrame, mark: float, words: Words, kind: str = "") -> str:
    if np.isnan(mark):
        return words(f"robustness.sensitivity_beyond{kind}", bound=bound_text(part["bound"].max(), words))
    return words(f"robustness.sensitivity_until{kind}" if mark > 0 else "robustness.sensitivity_never", bound=bound_text(mark, words))


def mark_text(part: pd.DataFrame, mark: float, words: Words) -> str:
    key = "at_none" if np.isnan(mark) else "at" if mark > 0 else "at_start"
    return words(f"robustness.sensitivity_{key}", bound=bound_text(mark, words))


def bound_text(bound: float, words: Words) -> str:
    """At most two decimals, as few as tell it."""
    return words.number(bound, min(2, tick_digits([round(bound, 2)]))) if np.isfinite(bound) else words.number(None)


def draw_sensitivity(parts: dict[str, pd.DataFrame], marks: dict[str, float], words: Words, width: int, small: bool) -> MplFigure:
    """One panel a group, on one scale: beside each other, or under each other on a phone."""
    number, left, gap = len(parts), 40, 48
    tall, head, foot = 150 if small else 190, 44, 26
    across = width - left - EDGE if small else (width - left - EDGE - gap * (number - 1)) / number
    height = (head + tall + foot) * (number if small else 1) + 20
    every = pd.concat(parts.values())
    low, high = min(0.0, every["ci_low"].min()), max(0.0, every["ci_high"].max())
    pad = (high - low) * 0.06 or 1.0
    figure, first = canvas(width, height, left, int(width - left - across), head, height - head - tall)
    for i, (name, part) in enumerate(parts.items()):
        x, y = (left, height - (head + tall) - i * (head + tall + foot)) if small else (left + i * (across + gap), height - head - tall)
        axes = first if i == 0 else figure.add_axes((x / width, y / height, across / width, tall / height))
        axes.set_ylim(low - pad, high + pad)
        axes.set_xlim(*reach_of_bounds(every["bound"], list(marks.values())))
        draw_bounds(axes, part, marks[name], words)
        axes.annotate(words(f"robustness.sensitivity_{name}"), (0, 1), xycoords="axes fraction", xytext=(-left + 2, 28),
                      textcoords="offset points", weight="bold", color=INK, annotation_clip=False)  # fmt: skip
    figure.text(0.5 if not small else left / width, 5 / height, words("robustness.sensitivity_axis"), color=MUTED, fontsize=11,
                ha="left" if small else "center", va="bottom")  # fmt: skip
    return figure


def reach_of_bounds(bounds: pd.Series, marks: list[float]) -> tuple[float, float]:
    """Ends of the axis: the bounds drawn, and breaking points at most half as far again."""
    low, high = float(bounds.min()), float(bounds.max())
    span = high - low or 1.0
    high = max([high, *(mark for mark in marks if mark <= high + span / 2)])
    return low - 0.07 * span, high + 0.07 * span


def draw_bounds(axes: Axes, part: pd.DataFrame, mark: float, words: Words) -> None:
    """Intervals by bound: whole where they leave out 0, grey and dashed where they hold it; a band from where they do."""
    x, holds = part["bound"].to_numpy(), ((part["ci_low"] <= 0) & (part["ci_high"] >= 0)).to_numpy()
    for side, colour in ((False, TREATED), (True, EVENT)):
        chosen = part[holds == side]
        axes.plot(*upright_lines(chosen["bound"].to_numpy(), chosen["ci_low"].to_numpy(), chosen["ci_high"].to_numpy()), color=colour,
                  lw=2.5 if not side else 1.9, solid_capstyle="butt", dashes=(None, None) if not side else (3, 1.5), zorder=3)  # fmt: skip
    axes.plot(x, part["estimate"], ls="none", marker="o", ms=4.5, color=TREATED, zorder=4)
    axes.axhline(0, color=INK, lw=1.1, zorder=2)
    low, high = axes.get_xlim()
    label, place = words("robustness.sensitivity_held"), high
    if mark > 0:
        label, place = words("robustness.sensitivity_mark", bound=bound_text(mark, words)) + (" ▸" if mark > high else ""), min(mark, high)
    elif mark == 0:
        label, place = words("robustness.sensitivity_always"), low
    if mark <= high:
        axes.axvspan(mark if mark > 0 else low, high, color=BAND, lw=0, zorder=0)
    share = (place - low) / (high - low)
    axes.annotate(label, (place, 1), xycoords=("data", "axes fraction"), xytext=(0, 8), textcoords="offset points", color=INK,
                  ha="left" if share < 0.3 else "right" if share > 0.7 else "center", annotation_clip=False)  # fmt: skip
    axes.locator_params(axis="x", nbins=5)
    ticks = [t for t in axes.get_xticks() if low <= t <= high and t >= 0]
    axes.set_xticks(ticks, [words.number(t, tick_digits(ticks)) for t in ticks])
    signed_axis(axes, words)
