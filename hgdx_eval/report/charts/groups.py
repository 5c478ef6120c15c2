"""The charts: the two groups over time, the path by event time, placebos, who is in the panel. Each title states a finding
by a rule written at its function; `words` gives every text."""

from dataclasses import dataclass
from textwrap import wrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MplFigure

from ...design.design import Design, thin_event_times
from ...estimation.results import Estimate
from ...panel.disclosure import as_told, hidden_beside_total, parts_of
from ...study.words import Words, capital
from ...vietnam.facts import Event
from ..blocks import csv_text
from ..figure import ACCENT, BAND, COMPARISON, EVENT, GROUND, INK, MUTED, RULE, TREATED, Figure, canvas, drawn, source_line

EVENTS_SHOWN = 5  # the nearest in time to the policy; more labels than that cannot be read
LABEL_LINE = 13  # units between the lines of a label at a line's end
SIDES = {True: "treated", False: "comparison"}
MANY = 80  # comparison units up to this number are drawn as faint lines
MOST_TICKS = {False: 12, True: 5}  # names of years that stand apart on a chart, and on a narrow one


@dataclass(frozen=True)
class Mark:
    """Something dated on the time axis: position(s) in periods, text, whether it is the policy."""

    x: float
    until: float | None
    text: str
    policy: bool


# --- two groups over time ------------------------------------------------------------------------------------------
def plot_shares(design: Design, words: Words, min_count: int = 5) -> Figure:
    """Treated and comparison by period, with the policy and concurrent events.

    Title: "apart" where the gap between the groups moved by more than twice its own standard deviation before the policy;
    "together" where it did not; neither with fewer than 6 periods before.
    """
    series = group_series(design, min_count)
    marks = time_marks(design, words)
    unit = "%" if design.scale == "pp" else ""
    alt = words("charts.shares_alt", first=words.period(design.table["period"].min(), True),
                last=words.period(design.table["period"].max(), True), gap_before=gap_text(design, series, words, False),
                gap_after=gap_text(design, series, words, True), simulated=simulated_note(design.origin, words))  # fmt: skip
    narrow, wide = drawn("shares", lambda width, small: draw_shares(design, series, marks, words, width, small), alt)
    note = " ".join(filter(None, (words("charts.thin") if thin_event_times(design) else "", outside_note(design, series, words))))
    table = series.pivot(index="period", columns="side", values="y").reset_index()
    table = table.assign(period=table["period"].astype(str)).rename(columns={True: "treated", False: "comparison"})
    return Figure(
        "shares", words("charts.shares_" + finding_of_gap(design, series), start=words.period(design.start, short=True)),
        capital(words("charts.shares_subtitle_pp" if unit else "charts.shares_subtitle_level")), narrow, wide,
        tuple((m.text, m.policy) for m in marks), source_line(design.origin, size_text(design, words), words, note), alt,
        csv_text(table, words), tag(design.origin, words),
        words("charts.download"),
    )  # fmt: skip


def group_series(design: Design, min_count: int) -> pd.DataFrame:
    """side (True treated), time, period, y (per cent, or the outcome's unit), thin; small counts left out."""
    table = design.table.assign(side=design.table["treated_from"].notna(), wy=design.table["weight"] * design.table["y"])
    sums = table.groupby(["side", "time"])[["wy", "weight", "received", "online"]].sum(min_count=1).reset_index()
    sums["period"] = pd.PeriodIndex.from_ordinals(sums["time"], freq=design.frequency)
    sums["y"] = sums["wy"] / sums["weight"]
    if table["received"].notna().all():
        beside = [sums["side"], sums["time"] >= design.start.ordinal]  # the sums of each side before and after are told too
        sums = told_series(sums, design, "side", "", beside, min_count)
    sums["y"] *= 100 if design.scale == "pp" else 1
    sums["thin"] = sums["time"].isin([design.start.ordinal + k for k in thin_event_times(design)])
    return sums[["side", "time", "period", "y", "thin"]]


def told_series(sums: pd.DataFrame, design: Design, family: str, group: object, beside: list, min_count: int) -> pd.DataFrame:
    """Sums by side (True treated) and period that may be told: as the run tells them; outside one without those that the sums of
    `beside` would tell. A mean by other weights than dossiers is left out where what is told is not what is there."""
    sums = sums.reset_index(drop=True)
    if design.release is None:
        hide = np.zeros(len(sums), bool)
        for part in sums.groupby(beside).groups.values():
            hide[part] = hidden_beside_total(parts_of(sums.loc[part]), min_count)
        return sums[~hide]
    told = as_told(design.release, family, sums["side"].map(SIDES), group, sums["period"].astype(str))
    by_dossiers = np.isclose(sums["y"], sums["online"] / sums["received"])
    exact = (told["received"] == sums["received"]) & (told["online"] == sums["online"])
    sums["y"] = np.where(by_dossiers, told["online"] / told["received"], sums["y"].where(exact))
    return sums[told["received"].notna() & sums["y"].notna()]


def gaps(design: Design, series: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Treated less comparison, by time: before and after."""
    wide = series.pivot(index="time", columns="side", values="y").dropna()
    gap = wide[True] - wide[False] if {True, False} <= set(wide.columns) else pd.Series(dtype=float)
    return gap[gap.index < design.start.ordinal], gap[gap.index >= design.start.ordinal]


def finding_of_gap(design: Design, series: pd.DataFrame) -> str:
    before, after = gaps(design, series)
    if len(before) < 6 or after.empty:
        return "plain"
    return "apart" if abs(after.mean() - before.mean()) > 2 * before.std() else "together"


def gap_text(design: Design, series: pd.DataFrame, words: Words, after: bool) -> str:
    gap = gaps(design, series)[after]
    return words.effect(gap.mean(), design.scale) if len(gap) else words.number(None)


def time_marks(design: Design, words: Words) -> list[Mark]:
    """The policy and the concurrent events nearest to it, in order of time."""
    start = design.start.ordinal
    label = words("charts.assumed" if design.assumed else "charts.in_force", start=words.period(design.start, True))
    policy = Mark(start, None, label, True)

    def place(day: object) -> float:
        period = pd.Period(pd.Timestamp(day), freq=design.frequency)
        days = (period.end_time - period.start_time).days + 1
        return period.ordinal + (pd.Timestamp(day) - period.start_time).days / days

    def mark(event: Event) -> Mark:
        inside = event.until and pd.Timestamp(event.until) <= design.table["period"].max().end_time
        until = place(event.until) if inside else None  # a period that outlasts the data is drawn as its beginning
        days = [event.date, event.until] if inside else [event.date]
        span = "–".join(words.date(day if design.frequency == "M" else str(day)[:7]).removeprefix("tháng ") for day in days)
        return Mark(place(event.date), until, f"{span}: {event.label(words.lang)}", False)

    near = sorted(design.events, key=lambda event: abs(place(event.date) - start))[:EVENTS_SHOWN]
    return sorted([policy, *map(mark, near)], key=lambda m: m.x)


def draw_shares(design: Design, series: pd.DataFrame, marks: list[Mark], words: Words, width: int, small: bool) -> MplFigure:
    lanes = 58 if small else 17 * len(marks) + 22
    figure, axes = canvas(width, (250 if small else 290) + lanes, 34 if small else 44, 100 if small else 130, lanes + 6, 26)
    times = np.arange(design.table["time"].min(), design.table["time"].max() + 1)
    axes.set_xlim(times[0] - 0.5, times[-1] + 0.5)
    if shows_units(design):
        faint_units(axes, design, times)
    axes.set_ylim(*frame(series))
    draw_marks(axes, marks, small, lanes)
    for side, colour in ((False, COMPARISON), (True, TREATED)):
        line = series[series["side"] == side].set_index("time")["y"].reindex(times)
        axes.plot(times, line, color=colour, lw=2.5 if side else 1.9, dashes=(None, None) if side else (5, 2), zorder=3 + side)
        thin = series[(series["side"] == side) & series["thin"]]
        axes.plot(thin["time"], thin["y"], ls="none", marker="o", ms=5, mfc=GROUND, mec=colour, mew=1.3, zorder=5)
    ends = {side: part.sort_values("time").iloc[-1]["y"] for side, part in series.groupby("side")}
    end_labels(axes, ends, {side: words("study.treated" if side else "study.comparison") for side in ends}, design.scale, words, small)
    time_axis(axes, times, design.frequency, words, small)
    value_axis(axes, design.scale, words)
    return figure


def frame(series: pd.DataFrame) -> tuple[float, float]:
    """Ends of the axis: what the two groups reach, and a little more."""
    low, high = series["y"].min(), series["y"].max()
    margin = (high - low) * 0.08 or abs(high) * 0.1 or 1.0
    return low - margin, high + margin


def shows_units(design: Design) -> bool:
    """Comparison units are drawn one by one where they are few."""
    return design.scale == "level" and len(design.comparison_units) <= MANY


def outside_note(design: Design, series: pd.DataFrame, words: Words) -> str:
    """How many of the faint lines leave the frame, which follows the two groups."""
    if not shows_units(design):
        return ""
    units = design.table[design.table["treated_from"].isna()]
    low, high = frame(series)
    outside = units.loc[(units["y"] < low) | (units["y"] > high), "unit"].nunique()
    return words("charts.shares_outside", n=words.number(outside), of=words.number(units["unit"].nunique())) if outside else ""


def faint_units(axes: Axes, design: Design, times: np.ndarray) -> None:
    """Every comparison unit as a faint line, in one path."""
    xs, ys = [], []
    for _, part in design.table[design.table["treated_from"].isna()].groupby("unit"):
        xs += [*times, np.nan]
        ys += [*part.set_index("time")["y"].reindex(times), np.nan]
    axes.plot(xs, ys, color=RULE, lw=0.7, zorder=1)


def draw_marks(axes: Axes, marks: list[Mark], small: bool, lanes: int) -> None:
    """Lines and bands of events; labels in lanes above the plot, or numbered discs on a phone."""
    low, high = axes.get_ylim()
    height = axes.get_position().height * axes.figure.get_size_inches()[1] * 72
    unit = (high - low) / height
    first, last = axes.get_xlim()
    across = axes.get_position().width * axes.figure.get_size_inches()[0] * 72 / (last - first)
    disc_lanes = lanes_for([max(mark.x - 0.5, first) * across for mark in marks], 17)
    for number, mark in enumerate(marks, start=1):
        colour = ACCENT if mark.policy else EVENT
        x = max(mark.x - 0.5, first)  # the boundary before the first period concerned
        top = high + (lanes - 17 * number) * unit if not small else high + (10 + 17 * disc_lanes[number - 1]) * unit
        if mark.until is not None:
            axes.axvspan(x, min(mark.until - 0.5, last), color=BAND, lw=0, zorder=0)
        axes.plot([x, x], [low, top], color=colour, lw=1.8 if mark.policy else 1, zorder=2, clip_on=False,
                  solid_capstyle="butt", **({} if mark.policy else {"dashes": (1.5, 2.5)}))  # fmt: skip
        if small:
            axes.plot(x, top, marker="o", ms=15, color=colour, clip_on=False, zorder=6)
            axes.text(x, top - 4 * unit, str(number), color=GROUND, fontsize=11, weight="bold", ha="center", va="baseline", zorder=7)
        else:
            right = (last - x) * across + 120 > 6.2 * len(mark.text)
            axes.annotate(mark.text, (x, top), xytext=(5 if right else -5, -9), textcoords="offset points", color=colour,
                          ha="left" if right else "right", va="baseline", weight="bold" if mark.policy else "normal",
                          fontsize=11, annotation_clip=False)  # fmt: skip
    axes.set_ylim(low, high)


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
        value = words.number(ends[side], 1) + "%" if scale == "pp" else words.effect(ends[side], "level", False)
        lines = [(value, "normal"), *((part, "bold") for part in names[side])]
        for i, (text, weight) in enumerate(lines):
            above = LABEL_LINE * (len(lines) / 2 - 1 - i) + 3
            axes.annotate(text, (axes.get_xlim()[1], y), xytext=(7, above), textcoords="offset points",
                          color=colour, weight=weight, fontsize=11.5, annotation_clip=False, va="baseline")  # fmt: skip


def wrapped(text: str, width: int) -> list[str]:
    """Lines of at most `width` letters, as few as can be and then as even as can be; the first letter a capital."""
    text = capital(text)
    lines = wrap(text, width) or [""]
    even = (wrap(text, narrower) for narrower in range(max(1, len(text) // len(lines)), width))
    return next((found for found in even if len(found) == len(lines)), lines)


def time_axis(axes: Axes, times: np.ndarray, frequency: str, words: Words, small: bool) -> None:
    """Years for months and quarters (each at its first period), periods for years; of many every second, third, ... one."""
    periods = [pd.Period(ordinal=int(t), freq=frequency) for t in times]
    ticks = [t for t, p in zip(times, periods) if frequency == "Y" or p.start_time.month == 1]
    if len(ticks) < 2:
        ticks = list(times[:: max(1, len(times) // 4)])
    ticks = ticks[:: -(-len(ticks) // MOST_TICKS[small])]
    names = [str(p.year) if frequency == "Y" or p.start_time.month == 1 else words.period(p, True)
             for p in (pd.Period(ordinal=int(t), freq=frequency) for t in ticks)]  # fmt: skip
    axes.set_xticks(ticks, names)
    axes.tick_params(axis="x", length=3)


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


# --- event-time path -----------------------------------------------------------------------------------------------
def plot_event(estimate: Estimate, words: Words) -> Figure:
    """The difference by event time with its 95% band.

    Title: about the periods after the policy, "above" ("below") where more than half of their intervals lie above (below)
    0, else "around"; preceded by whether before it at most one interval in ten (rounded up) misses 0.
    """
    rows = estimate.rows("event").sort_values("event_time", ignore_index=True)
    before, after = rows[rows["event_time"] < -1], rows[rows["event_time"] >= 0]
    missed = ((before["ci_low"] > 0) | (before["ci_high"] < 0)).sum()
    flat = "flat" if missed <= int(np.ceil(len(before) / 10)) else "uneven"
    side = "above" if (after["ci_low"] > 0).mean() > 0.5 else "below" if (after["ci_high"] < 0).mean() > 0.5 else "around"
    scale = rows["scale"].iloc[0] if len(rows) else "pp"
    title = words(f"charts.event_{flat}_{side}")
    alt = words("charts.event_alt", title=title, before=words.effect(before["estimate"].mean(), scale),
                after=words.effect(after["estimate"].mean(), scale), simulated=simulated_note(estimate.origin, words))  # fmt: skip
    narrow, wide = drawn("event", lambda width, small: draw_event(rows, estimate, words, width, small), alt)
    note = words("charts.reference") + (" " + words("charts.thin") if estimate.thin else "")
    data = csv_text(rows[["event_time", "estimate", "ci_low", "ci_high"]], words)
    return Figure("event", title, words(f"charts.event_subtitle_{'pp' if scale == 'pp' else 'level'}"), narrow, wide, (),
                  source_line(estimate.origin, estimate_size(estimate, words), words, note), alt, data, tag(estimate.origin, words),
                  words("charts.download"))  # fmt: skip


def draw_event(rows: pd.DataFrame, estimate: Estimate, words: Words, width: int, small: bool) -> MplFigure:
    figure, axes = canvas(width, 250 if small else 300, 34 if small else 44, 12, 24, 42)
    x, y = rows["event_time"].to_numpy(), rows["estimate"].to_numpy()
    thin = np.isin(x, estimate.thin)
    if len(rows) > 8:
        axes.fill_between(x, rows["ci_low"].fillna(0), rows["ci_high"].fillna(0), color=TREATED, alpha=0.18, lw=0)
        axes.plot(x, y, color=TREATED, lw=1.6)
    else:
        axes.vlines(x, rows["ci_low"], rows["ci_high"], color=TREATED, lw=1.6)
    axes.plot(x[~thin & (x != -1)], y[~thin & (x != -1)], ls="none", marker="o", ms=4.5, color=TREATED)
    axes.plot(x[thin], y[thin], ls="none", marker="o", ms=4.5, mfc=GROUND, mec=TREATED, mew=1.2, alpha=0.7)
    axes.plot(x[x == -1], y[x == -1], ls="none", marker="s", ms=6, color=INK)
    axes.axhline(0, color=INK, lw=1.1, zorder=1)
    axes.set_xlim(x.min() - 0.7, x.max() + 0.7)
    axes.axvline(-0.5, color=ACCENT, lw=1.8, zorder=1)
    axes.annotate(words("study.policy_label"), (-0.5, 1), xycoords=("data", "axes fraction"), xytext=(5, 8),
                  textcoords="offset points", color=ACCENT, weight="bold", annotation_clip=False)  # fmt: skip
    axes.set_xlabel(words(f"charts.event_axis_{estimate.frequency}"))
    step = 12 if len(rows) > 24 else 6 if len(rows) > 12 else 1
    ticks = [t for t in range(int(x.min()), int(x.max()) + 1) if t % step == 0]
    axes.set_xticks(ticks, [words.number(t, 0, sign=True) for t in ticks])
    value_axis(axes, "level", words)
    return figure


# --- placebos and leave-one-out ------------------------------------------------------------------------------------
def plot_placebos(estimate: Estimate, placebos: Estimate, words: Words) -> Figure:
    """Each comparison unit pretending to be treated, and the treated one among them. Title: its rank by |estimate|."""
    values = placebos.table["estimate"].to_numpy()
    own = float(estimate.overall()["estimate"])
    scale = estimate.overall()["scale"]
    rank = 1 + int((np.abs(values) >= abs(own) * (1 - 1e-12)).sum())
    said = {"rank": words.number(rank), "number": words.number(len(values) + 1), "value": words.effect(own, scale)}
    alt = words("charts.placebo_alt", **said, simulated=simulated_note(estimate.origin, words))
    label = words("charts.placebo_label", **said)
    narrow, wide = drawn("placebos", lambda w, s: draw_strip(values, own, label, COMPARISON, scale, words, w, s), alt)
    data = csv_text(placebos.table[["group", "estimate"]], words)
    return Figure("placebos", words("charts.placebo_title", **said), words("charts.placebo_subtitle"), narrow, wide, (),
                  source_line(estimate.origin, estimate_size(estimate, words), words, words("charts.placebo_note")), alt, data,
                  tag(estimate.origin, words), words("charts.download"))  # fmt: skip


def plot_leave_one_out(estimate: Estimate, left_out: Estimate, words: Words) -> Figure:
    """The main estimate without each cluster in turn. Title: the range, and whether the sign ever changes."""
    table = left_out.table.sort_values("estimate", ignore_index=True)
    own, scale = float(estimate.overall()["estimate"]), estimate.overall()["scale"]
    low, high = table.iloc[0], table.iloc[-1]
    same = (np.sign(table["estimate"]) == np.sign(own)).all()
    said = {"low": words.effect(low["estimate"], scale), "high": words.effect(high["estimate"], scale),
            "low_name": low["group"], "high_name": high["group"], "number": words.number(len(table)),
            "value": words.effect(own, scale)}  # fmt: skip
    title = words("charts.left_out_same" if same else "charts.left_out_changes", **said)
    alt = words("charts.left_out_alt", **said, simulated=simulated_note(estimate.origin, words))
    label = words("charts.left_out_label", **said)
    narrow, wide = drawn("leave_one_out", lambda w, s: draw_strip(table["estimate"].to_numpy(), own, label, TREATED, scale,
                                                                  words, w, s), alt)  # fmt: skip
    data = csv_text(table[["group", "estimate", "ci_low", "ci_high"]], words)
    return Figure("leave_one_out", title, words("charts.left_out_subtitle"), narrow, wide, (),
                  source_line(estimate.origin, estimate_size(estimate, words), words, words("charts.left_out_note", **said)), alt, data,
                  tag(estimate.origin, words), words("charts.download"))  # fmt: skip


def draw_strip(values: np.ndarray, own: float, label: str, colour: str, scale: str, words: Words, width: int, small: bool) -> MplFigure:
    """Dots on one axis, stacked where they meet; the main estimate filled, with its label."""
    reach = np.concatenate([values, [own, 0.0]])
    low, high = reach.min(), reach.max()
    pad = (high - low) * 0.06 or 1.0
    inner = width - 24
    bins = np.round((values - low + pad) / (high - low + 2 * pad) * inner / 9).astype(int)
    level = pd.Series(bins).groupby(bins).cumcount().to_numpy()
    tall = max(4, int(level.max()) + 1)
    figure, axes = canvas(width, 66 + 10 * tall, 12, 12, 34, 30)
    axes.set_xlim(low - pad, high + pad)
    axes.set_ylim(-0.8, tall + 0.2)
    axes.axvline(0, color=INK, lw=1.1, zorder=1)
    axes.plot(values, level, ls="none", marker="o", ms=6.5, mfc=GROUND, mec=colour, mew=1.3, zorder=3)
    axes.plot([own, own], [-0.8, tall + 0.4], color=TREATED, lw=1.6, clip_on=False, zorder=2)
    axes.plot(own, -0.1, marker="o", ms=9, color=TREATED, zorder=4)
    share = (own - low + pad) / (high - low + 2 * pad)
    align = "left" if share < 0.3 else "right" if share > 0.7 else "center"
    axes.annotate(label, (own, tall + 0.4), xytext=(0, 6), textcoords="offset points", color=TREATED, weight="bold",
                  ha=align, annotation_clip=False)  # fmt: skip
    axes.grid(False)
    axes.set_yticks([])
    axes.locator_params(axis="x", nbins=4 if small else 7)
    ticks = [t for t in axes.get_xticks() if low - pad <= t <= high + pad]
    axes.set_xticks(ticks, [words.number(t, tick_digits(ticks), sign=True) for t in ticks])
    return figure


# --- who is in the panel -------------------------------------------------------------------------------------------
def plot_coverage(design: Design, words: Words) -> Figure:
    """Since when each cluster has data. Title: how many clusters are whole, and how many have gaps."""
    table = design.table
    seen = table.groupby(["cluster", "time"]).size().unstack()
    times = np.arange(table["time"].min(), table["time"].max() + 1)
    seen = seen.reindex(columns=times).notna()
    whole = int(seen.all(axis=1).sum())
    touched = set(design.clusters(True))
    order = sorted(seen.index, key=lambda name: (name not in touched, -int(seen.loc[name].sum()), name))
    said = {"whole": words.number(whole), "number": words.number(len(seen))}
    title = words("charts.coverage_whole" if whole == len(seen) else "charts.coverage_gaps", **said)
    alt = words("charts.coverage_alt", **said, simulated=simulated_note(design.origin, words))
    narrow, wide = drawn("coverage", lambda w, s: draw_coverage(seen.loc[order], touched, design, words, w, s), alt)
    data = csv_text(seen.loc[order].sum(axis=1).rename("periods").reset_index(), words)
    return Figure("coverage", title, words("charts.coverage_subtitle"), narrow, wide, (),
                  source_line(design.origin, size_text(design, words), words), alt, data, tag(design.origin, words),
                  words("charts.download"))  # fmt: skip


def draw_coverage(seen: pd.DataFrame, touched: set, design: Design, words: Words, width: int, small: bool) -> MplFigure:
    row = 15 if len(seen) <= 40 else 12
    left, limit = (138, 22) if small else (236, 40)
    figure, axes = canvas(width, row * len(seen) + 52, left, 10, 22, 28)
    times = seen.columns.to_numpy()
    xs: dict[bool, list] = {True: [], False: []}
    ys: dict[bool, list] = {True: [], False: []}
    for i, name in enumerate(seen.index):
        side = name in touched
        for t in times[seen.loc[name].to_numpy()]:
            xs[side] += [t - 0.42, t + 0.42, np.nan]
            ys[side] += [i, i, np.nan]
    for side, colour in ((True, TREATED), (False, COMPARISON)):
        axes.plot(xs[side], ys[side], color=colour, lw=5 if row == 15 else 4, solid_capstyle="butt")
    axes.axvline(design.start.ordinal - 0.5, color=ACCENT, lw=1.8)
    axes.annotate(words("study.policy_label"), (design.start.ordinal - 0.5, 1), xycoords=("data", "axes fraction"),
                  xytext=(0, 6), textcoords="offset points", ha="center", color=ACCENT, weight="bold", annotation_clip=False)  # fmt: skip
    names = [name if len(name) <= limit else name[: limit - 1].rstrip() + "…" for name in map(str, seen.index)]
    axes.set_yticks(range(len(seen)), names, color=MUTED, fontsize=11 if row == 15 else 10.5)
    axes.set_ylim(len(seen) - 0.4, -0.6)
    axes.set_xlim(times[0] - 0.6, times[-1] + 0.6)
    axes.grid(False)
    time_axis(axes, times, design.frequency, words, small)
    return figure


# --- signing -------------------------------------------------------------------------------------------------------
def size_text(design: Design, words: Words) -> str:
    """How many dossiers (or observations), from when to when."""
    table = design.table
    counted = bool(table["received"].notna().all())
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
