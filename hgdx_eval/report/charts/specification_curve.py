"""Charts of how far a result can be trusted: under other calculations, other inference, other trends, and looked at early. Each
title states a finding by a rule written at its function; `words` gives every text."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MplFigure

from ...base.origin import Origin
from ...estimation.inference import FEW_CLUSTERS, LEVEL
from ...estimation.results import Estimate
from ...infer.false_alarms import MOST
from ...infer.specification_curve import OWN, CurveSummary, curve_choices, curve_summary
from ...study.words import Words, texts
from ..blocks import csv_text
from ..figure import BAND, EVENT, GROUND, INK, MUTED, RULE, TREATED, Figure, canvas, drawn, source_line
from .groups import simulated_note, sized, tag, tick_digits, time_axis, value_axis
from .methods import EDGE, LINE, length, lines_of, put, unit_of, upright

SPACED = 60  # specifications up to this number have marks that stand apart
PHONE_DIMENSIONS = 4  # dimensions shown on a phone
REACH = 1.0  # intervals of a curve are cut this many spans of its points beyond them
NOMINAL, LIMIT = 1 - LEVEL, MOST  # false-alarm rate asked for, and the highest that is accepted
KEEP = {"headline", "passes", "conservative"}  # states that keep the rate


# --- specification curve -------------------------------------------------------------------------------------------
def plot_curve(curve: Estimate, words: Words) -> Figure:
    """Every specification from low to high with its interval, the study's own marked, and below what each does otherwise.

    Title: how many have the sign of the study's own, of all that could be estimated (the study's own counted), and how many
    intervals leave out 0. Intervals are neither drawn nor counted with fewer than `FEW_CLUSTERS` treated clusters. A phone shows
    the dimensions that explain most of the spread.
    """
    summary, table = curve_summary(curve), sorted_curve(curve)
    few = bool(table.loc[table["own"], "n_treated_clusters"].iloc[0] < FEW_CLUSTERS)
    if few:
        table = table.assign(ci_low=np.nan, ci_high=np.nan)
    title, scale = finding_of_curve(summary, few, words), table["scale"].iloc[0]
    said = {name: words.effect(getattr(summary, name), scale) for name in ("median", "own")}
    alt = words("robustness.curve_alt", number=words.number(summary.number), title=title, low=words.effect(summary.lowest, scale),
                high=words.effect(summary.highest, scale), **said, simulated=simulated_note(curve.origin, words))  # fmt: skip
    choices = curve_choices(curve).loc[table["row"]].reset_index(drop=True)
    default = curve_choices(curve).loc[curve.table["cohort"] == OWN].iloc[0]
    order = [name for name, _ in summary.explained]
    narrow, wide = drawn("curve", lambda width, small: draw_curve(table, choices, default, order, words, width, small), alt)
    low, high = reach_of_curve(table)
    cut = bool((table["ci_low"] < low).any() or (table["ci_high"] > high).any())
    notes = {"curve_note": len(choices.columns) > 0, "curve_few": few, "curve_cut": cut, "curve_refused": summary.refused > 0}
    note = " ".join(words(f"robustness.{key}", refused=words.number(summary.refused)) for key, holds in notes.items() if holds)
    subtitle = words(f"robustness.curve_subtitle_{'bare_' if few else ''}{unit_of(table)}")
    size = sized(float(table.loc[table["own"], "n_obs"].iloc[0]), curve.span, curve.dossiers, words) if curve.span else ""
    data = table[["parameter", "estimator", "estimate", "ci_low", "ci_high"]]
    return Figure("curve", title, subtitle, narrow, wide, (), source_line(curve.origin, size, words, note), alt, csv_text(data, words),
                  tag(curve.origin, words), words("charts.download"))  # fmt: skip


def sorted_curve(curve: Estimate) -> pd.DataFrame:
    """What could be estimated, from low to high; `row`: its place in the curve's table; `own`: the study's own."""
    table = curve.table.assign(row=curve.table.index, own=curve.table["cohort"] == OWN)
    return table[table["status"] == "ok"].sort_values(["estimate", "parameter"], kind="stable", ignore_index=True)


def finding_of_curve(summary: CurveSummary, few: bool, words: Words) -> str:
    if summary.number == 1:
        return words("robustness.curve_one")
    said = {"number": words.number(summary.number), "same": words.number(summary.same)}
    finding = words("robustness.curve_" + ("all" if summary.same == summary.number else "same"), **said)
    return finding if few else words("robustness.curve_clear", finding=finding, clear=words.number(summary.clear))


def reach_of_curve(table: pd.DataFrame) -> tuple[float, float]:
    """Ends of the axis: 0, every point and the study's own interval; other intervals as far as `REACH` spans beyond."""
    own = table.loc[table["own"]].iloc[0]
    points = np.array([0.0, *table["estimate"], own["ci_low"], own["ci_high"]])
    low, high = np.nanmin(points), np.nanmax(points)
    further = REACH * (high - low)
    low, high = max(np.nanmin([low, *table["ci_low"]]), low - further), min(np.nanmax([high, *table["ci_high"]]), high + further)
    pad = (high - low) * 0.04 or 1.0
    return float(low - pad), float(high + pad)


def draw_curve(table: pd.DataFrame, choices: pd.DataFrame, default: pd.Series, order: list[str], words: Words, width: int,
               small: bool) -> MplFigure:  # fmt: skip
    """The curve above, one row a choice below."""
    lines = choice_lines(choices, default, order, words, small)
    upper, row, gap, head = (170, 14, 5, 30) if small else (220, 15, 6, 34)
    places, y = [], 0.0
    for i, (name, _, _) in enumerate(lines):
        y += gap if i and lines[i - 1][0] != name else 0
        places.append(y + row / 2)
        y += row
    left = left_of(lines, words, small)
    figure, axes = canvas(width, int(upper + (head + y + 6 if lines else 10)), left, 8, 26, int(head + y + 6) if lines else 10)
    draw_estimates(axes, table, words, width - left - 8)
    if not lines:
        return figure
    total = figure.get_size_inches()[1] * 72
    lower = figure.add_axes((left / width, 6 / total, (width - left - 8) / width, y / total))
    lower.set_xlim(*axes.get_xlim())
    lower.set_ylim(y, 0)
    lower.set_axis_off()
    draw_choices(lower, lines, places, int(np.flatnonzero(table["own"])[0]), left, small, words)
    heading = words("robustness.curve_changes" + ("_most" if small and len(order) > PHONE_DIMENSIONS else ""))
    put(lower, 0, -9, heading, left, color=INK, weight="bold", fontsize=11)
    return figure


def left_of(lines: list[tuple], words: Words, small: bool) -> int:
    """Units at the left for the names of choices, and on a desktop of dimensions before them."""
    if not lines:
        return 34
    names = max(0 if small else size_of(words(f"robustness.dimension_{name}")) + 14 for name, _, _ in lines)
    return int(np.clip(max(size_of(text) for _, text, _ in lines) + 14, 46, 128 if small else 190) + names)


def size_of(text: str) -> float:
    """Units that a text takes in the small type of choices."""
    return 0.88 * length(text)


def choice_lines(choices: pd.DataFrame, default: pd.Series, order: list[str], words: Words, small: bool) -> list[tuple]:
    """(dimension, text, which specifications) of every choice that differs from the study's, in the dimensions' order."""
    shown = set(order[:PHONE_DIMENSIONS]) if small else set(order)
    found = []
    for name in choices.columns:
        for choice in sorted(set(choices[name]) - {default[name]}):
            if name in shown:
                found.append((name, choice_text(name, choice, words, small), (choices[name] == choice).to_numpy()))
    return found


def choice_text(dimension: str, choice: str, words: Words, small: bool) -> str:
    """A choice in the reader's language; groups by the name that comparisons give them, clusters by their own."""
    head = "robustness.short_" if small else "robustness.choice_"
    if dimension == "comparison":
        return words(head + dimension, name=texts(words.lang).get(f"compare.group_{choice}", choice))
    if dimension == "left_out":
        return words(head + dimension, name=choice)
    return words(f"{head}{dimension}_{choice}")


def draw_estimates(axes: Axes, table: pd.DataFrame, words: Words, room: float) -> None:
    """Intervals in one path, points in another (many points need few letters), the study's own on top with its label."""
    number, own = len(table), int(np.flatnonzero(table["own"])[0])
    axes.set_xlim(-0.5 - 0.01 * number, number - 0.5 + 0.01 * number)
    axes.set_ylim(*reach_of_curve(table))
    x, y = np.arange(number), table["estimate"].to_numpy()
    step = room / number
    axes.plot(*upright_lines(x, table["ci_low"].to_numpy(), table["ci_high"].to_numpy()), color=EVENT, alpha=0.45,
              lw=float(np.clip(step * 0.45, 0.5, 3)), solid_capstyle="butt", zorder=2)  # fmt: skip
    if number > 2 * SPACED:
        axes.plot(x, y, color=INK, lw=2.2, zorder=3)
    else:
        axes.plot(*level_lines(x, y, 0.15 / step), color=INK, lw=float(np.clip(step * 0.7, 2.5, 5.5)), solid_capstyle="round", zorder=3)
    axes.axhline(0, color=INK, lw=1.1, zorder=1)
    row = table.iloc[own]
    axes.plot([own, own], [row["ci_low"], row["ci_high"]], color=TREATED, lw=3, solid_capstyle="butt", zorder=4)
    axes.plot(own, row["estimate"], marker="o", ms=8, color=TREATED, mec=GROUND, mew=1, zorder=5, clip_on=False)
    axes.plot([own, own], [0, 1], transform=axes.get_xaxis_transform(), color=TREATED, lw=0.9, dashes=(2, 2), zorder=1.5)
    label = words("robustness.curve_own", value=words.effect(row["estimate"], row["scale"]))
    margin = axes.get_position().x0 * axes.figure.get_size_inches()[0] * 72
    middle = (own + 0.5) / number * room
    half = length(label, True) / 2
    place = float(np.clip(middle, half - margin + 2, room - half))
    axes.annotate(label, (place / room, 1), xycoords="axes fraction", xytext=(0, 9), textcoords="offset points", color=TREATED,
                  weight="bold", ha="center", annotation_clip=False)  # fmt: skip
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    signed_axis(axes, words)


def upright_lines(x: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Upright segments as one path with gaps."""
    nothing = np.full(len(x), np.nan)
    return np.column_stack([x, x, nothing]).ravel(), np.column_stack([low, high, nothing]).ravel()


def level_lines(x: np.ndarray, y: np.ndarray, half: float) -> tuple[np.ndarray, np.ndarray]:
    """Level segments as one path with gaps; short ones with round ends are dots."""
    nothing = np.full(len(x), np.nan)
    return np.column_stack([x - half, x + half, nothing]).ravel(), np.column_stack([y, y, nothing]).ravel()


def draw_choices(axes: Axes, lines: list[tuple], places: list[float], own: int, left: int, small: bool, words: Words) -> None:
    """A mark where a specification takes a choice; neighbours that both take it are one mark where they are many."""
    number = len(lines[0][2])
    last = None
    for (name, text, taken), y in zip(lines, places, strict=True):
        axes.plot([-0.5, number - 0.5], [y, y], color=RULE, lw=0.7, zorder=1)
        axes.plot(*runs(taken, number <= SPACED, y), color=INK, lw=8, solid_capstyle="butt", zorder=2)
        room = left - 12 - (0 if small else max(size_of(words(f"robustness.dimension_{line[0]}")) + 14 for line in lines))
        put(axes, left - 10, y + 4, shortened(text, room), left, ha="right", color=INK, fontsize=11)
        if name != last and not small:
            put(axes, 0, y + 4, words(f"robustness.dimension_{name}"), left, color=MUTED, fontsize=11)
        last = name
    axes.axvline(own, color=TREATED, lw=0.9, dashes=(2, 2), zorder=1.5)


def runs(taken: np.ndarray, apart: bool, y: float) -> tuple[list[float], list[float]]:
    """Horizontal segments over the places where `taken`, with gaps between."""
    if apart:
        spans = [(i - 0.3, i + 0.3) for i in np.flatnonzero(taken)]
    else:
        edges = np.flatnonzero(np.diff(np.r_[False, taken, False].astype(int)))
        spans = [(start - 0.5, end - 0.5) for start, end in edges.reshape(-1, 2)]
    return [x for span in spans for x in (*span, np.nan)], [y, y, np.nan] * len(spans)


def shortened(text: str, room: float) -> str:
    """The text, cut with … where it does not fit into so many units."""
    if size_of(text) <= room:
        return text
    while text and size_of(text) + 8 > room:
        text = text[:-1]
    return text.rstrip() + "…"


def signed_axis(axes: Axes, words: Words) -> None:
    """Three to six ticks with their signs."""
    axes.locator_params(axis="y", nbins=5)
    low, high = axes.get_ylim()
    ticks = [t for t in axes.get_yticks() if low <= t <= high]
    axes.set_yticks(ticks, [words.number(t, tick_digits(ticks), sign=True) for t in ticks])
    axes.set_ylim(low, high)


# --- which interval may be used ------------------------------------------------------------------------------------
def plot_gate(gate: pd.DataFrame, words: Words, origin: Origin) -> Figure:
    """How often each kind of interval cries wolf, in the study's order of preference.

    `gate`: kind (cluster, wild, randomization, placebo), rate (0-1), low, high (99% Monte Carlo interval), state (headline,
    passes, conservative, fails, unavailable); with a column `conservative` (true or false) the one used is told to be too cautious
    where it is. Title: the one used and its rate; without it, how many pass,
    that none does, or that no rate is known.
    """
    gate = gate.reset_index(drop=True)
    title = finding_of_gate(gate, words)
    rates = "; ".join(rate_text(row, words, True) for _, row in gate.iterrows())
    alt = words("robustness.gate_alt", number=words.number(len(gate)), title=title, rates=rates, simulated=simulated_note(origin, words))
    narrow, wide = drawn("gate", lambda width, small: draw_gate(gate, words, width, small), alt)
    note = words("robustness.gate_note", limit=words.percent(LIMIT, 0))
    return Figure("gate", title, words("robustness.gate_subtitle"), narrow, wide, (), source_line(origin, "", words, note), alt,
                  csv_text(gate[["kind", "rate", "low", "high", "state"]], words), tag(origin, words),
                  words("charts.download"))  # fmt: skip


def finding_of_gate(gate: pd.DataFrame, words: Words) -> str:
    used, passed = gate[gate["state"] == "headline"], int(gate["state"].isin(KEEP).sum())
    if len(used):
        return words("robustness.gate_used", kind=words(f"robustness.kind_{used['kind'].iloc[0]}"),
                     rate=words.percent(used["rate"].iloc[0]))  # fmt: skip
    if gate["rate"].isna().all():
        return words("robustness.gate_unknown")
    said = {"passed": words.number(passed), "number": words.number(len(gate)), "limit": words.percent(LIMIT, 0)}
    return words("robustness.gate_unused" if passed else "robustness.gate_none", **said)


def rate_text(row: pd.Series, words: Words, named: bool) -> str:
    """With its kind: "Sai số theo cụm 12,0%, không đạt"; else "12,0% · không đạt"."""
    cautious = row["state"] == "headline" and bool(row.get("conservative", False))
    kind, state = words(f"robustness.kind_{row['kind']}"), words(f"robustness.state_{row['state']}{'_cautious' if cautious else ''}")
    if pd.isna(row["rate"]):
        return words("robustness.gate_missing", kind=kind, state=state) if named else state
    rate = words.percent(row["rate"])
    return words("robustness.gate_rate", kind=kind, rate=rate, state=state) if named else f"{rate} · {state}"


def draw_gate(gate: pd.DataFrame, words: Words, width: int, small: bool) -> MplFigure:
    """Point and interval a row; names at the left and values at the right, or both above on a phone."""
    names = [words(f"robustness.kind_{kind}") for kind in gate["kind"]]
    values = [rate_text(row, words, False) for _, row in gate.iterrows()]
    used = (gate["state"] == "headline").to_numpy()
    row, left, right = (44, EDGE, 20) if small else (32, 0, 0)
    if not small:
        left = int(max(length(name, bold) for name, bold in zip(names, used))) + 16
        right = int(max(length(value, bold) for value, bold in zip(values, used))) + 16
    total = row * len(gate)
    figure, axes = canvas(width, total + 24 + 28, left, right, 24, 28)
    top = max(0.1, float(np.nanmax([0.0, *gate["rate"], *gate["high"]])) * 1.05)
    axes.set_xlim(0, min(top, 1.0))
    axes.set_ylim(total, 0)
    axes.set_yticks([])
    axes.grid(False)
    axes.axvspan(0, LIMIT, color=BAND, lw=0, zorder=0)
    places = [i * row + (row - 12 if small else row / 2) for i in range(len(gate))]
    stretches = [(y - 9, y + 9) for y in places] if small else [(0, total)]
    upright(axes, NOMINAL, stretches, color=INK, lw=1.1, dashes=(3, 2.5), zorder=1)
    axes.annotate(words("robustness.gate_nominal", rate=words.percent(NOMINAL, 0)), (NOMINAL, 0), xytext=(0, 8),
                  textcoords="offset points", color=INK, ha="left" if top > 5 * NOMINAL else "center", annotation_clip=False)  # fmt: skip
    axes.locator_params(axis="x", nbins=4 if small else 6)
    ticks = [t for t in axes.get_xticks() if 0 <= t <= axes.get_xlim()[1]]
    axes.set_xticks(ticks, [words.percent(t, tick_digits([100 * other for other in ticks])) for t in ticks])
    for i, (_, found) in enumerate(gate.iterrows()):
        y = places[i]
        style = {"color": TREATED, "weight": "bold"} if used[i] else {"color": INK if found["state"] in KEEP else MUTED}
        text = i * row + 20 if small else y + 4
        put(axes, 0 if small else left - 12, text, names[i], left, ha="left" if small else "right", **style)
        put(axes, width if small else width - right + 14, text, values[i], left, ha="right" if small else "left", **style)
        draw_rate(axes, found, y, used[i])
    return figure


def draw_rate(axes: Axes, row: pd.Series, y: float, used: bool) -> None:
    """Full where the rate is kept, hollow where not."""
    if pd.isna(row["rate"]):
        return
    colour, kept = TREATED if used else INK, row["state"] in KEEP
    axes.plot([row["low"], row["high"]], [y, y], color=colour, lw=3 if used else 1.9, solid_capstyle="butt", zorder=3)
    axes.plot(row["rate"], y, marker="o", ms=9 if used else 6.5, mfc=colour if kept else GROUND, mec=colour, mew=0 if kept else 1.4,
              zorder=4, clip_on=False)  # fmt: skip


# --- other trends --------------------------------------------------------------------------------------------------
def plot_sensitivity(rows: Estimate, words: Words, breakdown: dict[str, float] | None = None) -> Figure:
    """Honest intervals against the bound on departures from parallel trends (Rambachan & Roth 2023, relative magnitudes).

    `rows`: term sensitivity_relative, group first or average, parameter = the bound. `breakdown`: group -> bound from which on
    the interval holds 0 (inf: none); without it the row "<group> breakdown", and without that the lowest bound of the rows
    whose interval does. Title: that bound of `average` (`first` where there is none); or that every bound tried leaves out 0; or
    that none does.
    """
    told = rows.table[(rows.table["term"] == "sensitivity_relative") & (rows.table["status"] == "ok")]
    breakdown = {**breakdowns(told), **(breakdown or {})}
    table = told[told["group"].isin(["first", "average"])]
    table = table.assign(bound=table["parameter"].astype(float)).sort_values(["group", "bound"], kind="stable", ignore_index=True)
    parts = {name: table[table["group"] == name] for name in ("first", "average") if (table["group"] == name).any()}
    marks = {name: breaking_point(part, breakdown.get(name)) for name, part in parts.items()}
    headline = "average" if "average" in parts else "first"
    title = finding_of_sensitivity(parts[headline], marks[headline], words)
    said = "; ".join(words("robustness.sensitivity_part", name=words(f"robustness.sensitivity_{name}"),
                           at=mark_text(parts[name], marks[name], words)) for name in parts)  # fmt: skip
    alt = words("robustness.sensitivity_alt", title=title, parts=said, simulated=simulated_note(rows.origin, words))
    note = words("robustness.sensitivity_note")
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


def finding_of_sensitivity(part: pd.DataFrame, mark: float, words: Words) -> str:
    if np.isnan(mark):
        return words("robustness.sensitivity_beyond", bound=bound_text(part["bound"].max(), words))
    return words("robustness.sensitivity_until" if mark > 0 else "robustness.sensitivity_never", bound=bound_text(mark, words))


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


# --- looked at early -----------------------------------------------------------------------------------------------
def plot_peeking(history: pd.DataFrame, words: Words, origin: Origin, scale: str) -> Figure:
    """How the estimate moved as periods were added, with the usual interval and the one that holds however often one looks.

    `history`: period, estimate, ci_low, ci_high (usual), seq_low, seq_high (anytime-valid), in `scale`. Title, about the last
    period: since when every sequential interval leaves out 0; or that only the usual one does; or that the sequential one once
    did; or neither.
    """
    periods = [pd.Period(str(period)) if not isinstance(period, pd.Period) else period for period in history["period"]]
    table = history.assign(period=periods, time=[period.ordinal for period in periods]).sort_values("time", ignore_index=True)
    title = finding_of_peeking(table, words)
    first, last = table.iloc[0], table.iloc[-1]
    span = [words.period(row["period"], short=True) for row in (first, last)]
    alt = words("robustness.peeking_alt", first=span[0], last=span[1], title=title,
                start=words.effect(first["estimate"], scale), value=words.effect(last["estimate"], scale),
                interval=words.effect_interval(last["seq_low"], last["seq_high"], scale),
                simulated=simulated_note(origin, words))  # fmt: skip
    narrow, wide = drawn("peeking", lambda width, small: draw_peeking(table, scale, words, width, small), alt)
    low, high = reach_of_history(table)
    cut = bool((table["seq_low"] < low).any() or (table["seq_high"] > high).any())
    note = words("robustness.peeking_note") + (" " + words("robustness.curve_cut") if cut else "")
    data = table.assign(period=table["period"].astype(str))[["period", "estimate", "ci_low", "ci_high", "seq_low", "seq_high"]]
    return Figure("peeking", title, words(f"robustness.peeking_subtitle_{'pp' if scale == 'pp' else 'level'}"), narrow, wide, (),
                  source_line(origin, "", words, note), alt, csv_text(data, words), tag(origin, words),
                  words("charts.download"))  # fmt: skip


def finding_of_peeking(table: pd.DataFrame, words: Words) -> str:
    usual = ((table["ci_low"] > 0) | (table["ci_high"] < 0)).to_numpy()
    sequential = ((table["seq_low"] > 0) | (table["seq_high"] < 0)).to_numpy()
    last = words.period(table["period"].iloc[-1])
    if sequential[-1]:
        held = np.flatnonzero(~sequential)
        since = table["period"].iloc[held[-1] + 1 if len(held) else 0]
        return words("robustness.peeking_since", period=words.period(since))
    key = "lost" if sequential.any() else "only_usual" if usual[-1] else "neither"
    return words(f"robustness.peeking_{key}", period=last)


def draw_peeking(table: pd.DataFrame, scale: str, words: Words, width: int, small: bool) -> MplFigure:
    figure, axes = canvas(width, 250 if small else 290, 38 if small else 46, 96 if small else 138, 14, 26)
    x = table["time"].to_numpy()
    times = np.arange(x[0], x[-1] + 1)
    axes.set_xlim(times[0] - 0.5, times[-1] + 0.5)
    axes.set_ylim(*reach_of_history(table))
    lines = table.set_index("time")[["estimate", "ci_low", "ci_high", "seq_low", "seq_high"]].reindex(times)
    axes.fill_between(times, lines["seq_low"], lines["seq_high"], color=TREATED, alpha=0.13, lw=0, zorder=1)
    axes.fill_between(times, lines["ci_low"], lines["ci_high"], color=TREATED, alpha=0.28, lw=0, zorder=2)
    axes.plot(times, lines["estimate"], color=TREATED, lw=2.5, zorder=4)
    axes.axhline(0, color=INK, lw=1.1, zorder=3)
    last = table.iloc[-1]
    axes.plot(last["time"], last["estimate"], marker="o", ms=6.5, color=TREATED, zorder=5, clip_on=False)
    right_labels(axes, last, scale, words, small)
    time_axis(axes, times, table["period"].iloc[0].freqstr[0], words, small)
    value_axis(axes, "level", words)
    signed_axis(axes, words)
    return figure


def reach_of_history(table: pd.DataFrame) -> tuple[float, float]:
    """Ends of the axis: 0, the estimates and the last intervals; earlier intervals as far as `REACH` spans beyond."""
    columns = ["ci_low", "ci_high", "seq_low", "seq_high"]
    points = np.array([0.0, *table["estimate"], *table[columns].iloc[-1]])
    low, high = np.nanmin(points), np.nanmax(points)
    further, whole = REACH * (high - low), table[columns].to_numpy()
    low, high = max(np.nanmin([low, np.nanmin(whole)]), low - further), min(np.nanmax([high, np.nanmax(whole)]), high + further)
    pad = (high - low) * 0.05 or 1.0
    return float(low - pad), float(high + pad)


def right_labels(axes: Axes, last: pd.Series, scale: str, words: Words, small: bool) -> None:
    """The last estimate, and the names of the two bands beside their upper ends, pushed apart."""
    low, high = axes.get_ylim()
    unit = (high - low) / (axes.get_position().height * axes.figure.get_size_inches()[1] * 72)
    room = 88 if small else 130
    wanted = [(last["seq_high"], lines_of(words("robustness.peeking_sequential"), room, False), {"color": MUTED}),
              (last["ci_high"], lines_of(words("robustness.peeking_usual"), room, False), {"color": INK}),
              (last["estimate"], [words.effect(last["estimate"], scale)], {"color": TREATED, "weight": "bold"})]  # fmt: skip
    top = high
    for value, lines, style in wanted:
        top = min(top, value + LINE / 2 * len(lines) * unit)
        for text in lines:
            axes.annotate(text, (axes.get_xlim()[1], top), xytext=(7, -11), textcoords="offset points", annotation_clip=False, fontsize=11,
                          va="baseline", **style)  # fmt: skip
            top -= LINE * unit
        top -= 3 * unit
