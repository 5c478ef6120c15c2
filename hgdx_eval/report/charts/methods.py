"""Charts that set estimates side by side: methods, groups, and a treated series against its synthetic one. Each title states
a finding by a rule written at its function; `words` gives every text."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MplFigure

from ...base.origin import Origin
from ...estimation.inference import FEW_CLUSTERS
from ...estimation.results import Estimate
from ...study.words import Words, capital
from ..blocks import csv_text
from ..figure import ACCENT, BAND, COMPARISON, GROUND, INK, MUTED, RULE, TREATED, Figure, canvas, drawn, source_line
from .groups import end_labels, estimate_size, simulated_note, tag, tick_digits, time_axis, value_axis, wrapped

EDGE = 12  # units left free at either side of a phone's chart
THIN, LETTER, WIDE = 4.0, 7.0, 9.5  # units that a letter takes at most, in the widest font of the page
LINE = 14  # units between lines of text
NAME = 240  # units that names may take on a desktop
REACH = 1.0  # intervals are cut this many spans of points and main interval beyond them


@dataclass(frozen=True)
class Row:
    """One line of an interval chart. `low` and `high` NaN: no interval; `aside`: a second, faint point, or NaN."""

    label: str
    value: str  # printed at the right
    estimate: float
    low: float
    high: float
    kind: str  # main, plain or change
    remark: str = ""  # printed under the label
    aside: float = np.nan


@dataclass(frozen=True)
class Place:
    """Where a row stands, in units from the top of the plotting area."""

    texts: tuple[tuple[str, float], ...]  # line of the label, baseline
    remark: float
    value: float
    y: float  # of the interval
    top: float
    bottom: float


# --- methods -------------------------------------------------------------------------------------------------------
def plot_methods(estimates: list[Estimate], main: str, words: Words) -> Figure:
    """One row per method that gives an estimate on the main method's scale; the others are not drawn.

    Title: how many other methods have the sign of the main one, and how many have their estimate inside its interval
    (not said where it has none). A row `change`, the mere change of a single series, is drawn below a rule and not counted,
    unless the main method gives no more than that itself.
    """
    chosen = method_rows(estimates, main)
    own = chosen[chosen["estimator"] == main]
    own = own.iloc[0] if len(own) else None
    effects = chosen[(chosen["estimator"] != main) & ((chosen["term"] != "change") | (own is not None and own["term"] == "change"))]
    said = finding_of_methods(own, effects, words)
    alt = alt_of_methods(said, own, effects, len(chosen), words) + simulated_note(estimates[0].origin, words)
    rows = [method_row(row, main, words) for _, row in chosen.iterrows()]
    narrow, wide = drawn("methods", lambda width, small: draw_rows(rows, None, words, width, small), alt)
    signed = next((found for found in estimates if found.overall()["estimator"] == main), estimates[0])
    data = chosen[["estimator", "term", "inference", "parameter", "estimate", "ci_low", "ci_high"]]
    return Figure(
        "methods_compared", said, words(f"charts.methods_subtitle_{unit_of(chosen)}"), narrow, wide, (),
        source_line(signed.origin, estimate_size(signed, words), words, notes_of(rows, words)), alt, csv_text(data, words),
        tag(signed.origin, words), words("charts.download"),
    )  # fmt: skip


def method_rows(estimates: list[Estimate], main: str) -> pd.DataFrame:
    """One row per method, in the order drawn: the main one, the others from high to low, changes of a single series last.

    Of a method's rows the first with an interval; without any, the one with a rank; without that, the first. An interval
    from clustered errors does not count with fewer than `FEW_CLUSTERS` treated clusters or where the method has a rank.
    """
    found = []
    for part in estimates:
        table = part.table[part.table["term"].isin(["overall", "change"]) & (part.table["status"] == "ok")]
        table = table[table["inference"] != "two_stage"]
        ranks = table["parameter"].str.fullmatch(r"\d+/\d+")
        weak = (table["inference"] == "cluster") & ((table["n_treated_clusters"] < FEW_CLUSTERS) | ranks.any())
        table = table.assign(ci_low=table["ci_low"].mask(weak), ci_high=table["ci_high"].mask(weak))
        for kept in (table[table["ci_low"].notna()], table[ranks], table):
            if len(kept):
                found.append(kept.head(1))
                break
    rows = pd.concat(found, ignore_index=True)
    scales = rows.loc[rows["estimator"] == main, "scale"]
    rows = rows[rows["scale"] == (scales.iloc[0] if len(scales) else rows["scale"].iloc[0])]
    order = sorted(rows.index, key=lambda i: (rows.at[i, "estimator"] != main, rows.at[i, "term"] == "change", -rows.at[i, "estimate"]))
    return rows.loc[order].reset_index(drop=True)


def finding_of_methods(own: pd.Series | None, others: pd.DataFrame, words: Words) -> str:
    if own is None:
        return words("charts.methods_no_main", above=words.number((others["estimate"] > 0).sum()), number=words.number(len(others)))
    if others.empty:
        return words("charts.methods_alone", value=words.effect(own["estimate"], own["scale"]))
    same = int((np.sign(others["estimate"]) == np.sign(own["estimate"])).sum())
    inside = int(others["estimate"].between(own["ci_low"], own["ci_high"]).sum())
    number = len(others)
    if number == 1:
        return words("charts.methods_one_same" if same else "charts.methods_one_other")
    said = {"same": words.number(same), "inside": words.number(inside), "number": words.number(number)}
    if pd.isna(own["ci_low"]):
        return words("charts.methods_sign_all" if same == number else "charts.methods_sign", **said)
    return words("charts.methods_" + ("some" if same < number else "all_inside" if inside == number else "all"), **said)


def alt_of_methods(title: str, own: pd.Series | None, others: pd.DataFrame, number: int, words: Words) -> str:
    said = {"title": title, "drawn": words.number(number)}
    if own is None or others.empty:
        return words("charts.methods_alt_alone", **said)
    low, high = (words.effect(value, own["scale"]) for value in (others["estimate"].min(), others["estimate"].max()))
    key = "charts.methods_alt" if len(others) > 1 else "charts.methods_alt_two"
    return words(key, value=value_text(own, words), low=low, high=high, **said)


def method_row(row: pd.Series, main: str, words: Words) -> Row:
    kind = "main" if row["estimator"] == main else "change" if row["term"] == "change" else "plain"
    remark = words("charts.methods_change") if row["term"] == "change" else ""
    return Row(words(f"tables.estimator_{row['estimator']}"), value_text(row, words), row["estimate"], row["ci_low"], row["ci_high"],
               kind, remark)  # fmt: skip


def value_text(row: pd.Series, words: Words) -> str:
    """+4,2 [3,7; 4,8], or +4,2 with its rank where it has one, or +4,2."""
    scale = row["scale"]
    value = words.effect(row["estimate"], scale)
    if pd.notna(row["ci_low"]):
        return value + " " + words.effect_interval(row["ci_low"], row["ci_high"], scale)
    rank, slash, number = row["parameter"].partition("/")
    return words("charts.methods_rank", value=value, rank=rank, number=number) if slash and rank.isdigit() else value


def notes_of(rows: list[Row], words: Words) -> str:
    """What the band and each mark drawn mean."""
    changes = any(row.remark for row in rows)
    hollow = any(np.isnan(row.low) and not row.remark for row in rows)
    band = any(row.kind == "main" and not np.isnan(row.low) for row in rows) and len(rows) > 1
    left_out = any(row.kind == "change" for row in rows) and not any(row.kind == "main" and row.remark for row in rows)
    low, high = reach_of(rows, None)
    cut = any(row.low < low or row.high > high for row in rows)
    said = {"methods_band": band, "methods_hollow": hollow, "methods_diamond": changes, "methods_not_counted": left_out, "methods_cut": cut}
    return " ".join(words(f"charts.{key}") for key, holds in said.items() if holds)


def unit_of(rows: pd.DataFrame) -> str:
    return "pp" if rows["scale"].iloc[0] == "pp" else "level"


# --- groups --------------------------------------------------------------------------------------------------------
def plot_groups(rows: pd.DataFrame, words: Words, origin: Origin, title_name: str, size: str = "") -> Figure:
    """Effects by the values of one trait (`title_name`): on their own hollow and faint, partially pooled full with interval.

    `rows`: columns of results; term `group`, group "trait=label", parameter "raw" or "pooled"; where no group is pooled, the
    raw ones are drawn full. A row with group "" is the overall effect; without it the mean of the groups by n_obs.
    Title: "even" where every interval holds the overall effect; else the highest group whose interval lies above it; if
    none does, the lowest below. `size`: how many dossiers, for the source line.
    """
    overall, known = overall_effect(rows)
    table = group_table(rows)
    scale = table["scale"].iloc[0]
    title = finding_of_groups(table, overall, title_name, words)
    best, worst = table.iloc[0], table.iloc[-1]
    alt = words("charts.groups_alt", number=words.number(len(table)), title=title, high_name=shortened(best["label"]),
                low_name=shortened(worst["label"]), high=words.effect(best["shown"], scale), low=words.effect(worst["shown"], scale),
                overall=words.effect(overall, scale), simulated=simulated_note(origin, words))  # fmt: skip
    label = words("charts.groups_overall" if known else "charts.groups_mean", value=words.effect(overall, scale))
    drawn_rows = [group_row(row, scale, words) for _, row in table.iterrows()]
    narrow, wide = drawn("groups", lambda width, small: draw_rows(drawn_rows, (overall, label), words, width, small), alt)
    pooled = table["pooled"].notna().any()
    note = words("charts.groups_note" if pooled else "charts.groups_note_raw")
    note += "" if pooled or table["low"].notna().all() else " " + words("charts.groups_note_hollow")
    low, high = reach_of(drawn_rows, overall)
    note += " " + words("charts.methods_cut") if (table["low"] < low).any() or (table["high"] > high).any() else ""
    trait = table["trait"].iloc[0]
    return Figure(
        f"effects_{trait}", title, words(f"charts.groups_subtitle_{unit_of(table)}"), narrow, wide, (),
        source_line(origin, size, words, note), alt, csv_text(table[["label", "raw", "pooled", "low", "high", "n_obs"]], words),
        tag(origin, words), words("charts.download"),
    )  # fmt: skip


def shortened(label: str, most: int = 40) -> str:
    return label if len(label) <= most else label[: most - 1].rstrip() + "…"


def overall_effect(rows: pd.DataFrame) -> tuple[float, bool]:
    """(effect, whether a row says it): the row with group "", else the mean of the groups' own by n_obs."""
    told = rows[rows["group"] == ""]
    if len(told):
        return float(told["estimate"].iloc[0]), True
    raw = rows[rows["parameter"] == "raw"]
    return float(np.average(raw["estimate"], weights=raw["n_obs"] if raw["n_obs"].notna().all() else None)), False


def group_table(rows: pd.DataFrame) -> pd.DataFrame:
    """trait, label, raw, pooled, shown (pooled, else raw), low, high (of what is shown full), n_obs, scale; highest first."""
    keys = ["group", "estimate", "ci_low", "ci_high"]
    raw = rows[(rows["parameter"] == "raw") & (rows["group"] != "")]
    pooled = rows.loc[(rows["parameter"] == "pooled") & (rows["group"] != ""), keys]
    table = raw.merge(pooled, on="group", how="left", suffixes=("", "_pooled"))
    any_pooled = len(pooled) > 0
    parts = table["group"].str.partition("=")
    table = table.assign(
        trait=parts[0], label=parts[2], raw=table["estimate"], pooled=table["estimate_pooled"],
        shown=table["estimate_pooled"].fillna(table["estimate"]),
        low=table["ci_low_pooled" if any_pooled else "ci_low"], high=table["ci_high_pooled" if any_pooled else "ci_high"],
    )  # fmt: skip
    return table.sort_values("shown", ascending=False, kind="stable", ignore_index=True)


def finding_of_groups(table: pd.DataFrame, overall: float, title_name: str, words: Words) -> str:
    above, below = table[table["low"] > overall], table[table["high"] < overall]
    if above.empty and below.empty:
        return words("charts.groups_even", trait=title_name)
    row = above.iloc[0] if len(above) else below.iloc[-1]
    return words("charts.groups_high" if len(above) else "charts.groups_low", trait=title_name, group=row["label"],
                 value=words.effect(row["shown"], row["scale"]))  # fmt: skip


def group_row(row: pd.Series, scale: str, words: Words) -> Row:
    value = words.effect(row["shown"], scale)
    if pd.notna(row["low"]):
        value += " " + words.effect_interval(row["low"], row["high"], scale)
        return Row(row["label"], value, row["shown"], row["low"], row["high"], "group", aside=row["raw"])
    value = words("charts.groups_raw_only", value=value)
    return Row(row["label"], value, row["shown"], np.nan, np.nan, "group")


# --- an interval chart ---------------------------------------------------------------------------------------------
def draw_rows(rows: list[Row], overall: tuple[float, str] | None, words: Words, width: int, small: bool) -> MplFigure:
    """Points and intervals under each other: names at the left and values at the right, or above the interval on a phone."""
    places = phone_places(rows, width) if small else desk_places(rows)
    total = places[-1].bottom
    top, bottom, left, right = 24 if overall else 6, 28, EDGE, EDGE
    if not small:
        left = int(max(length(line, row.kind == "main") for row, place in zip(rows, places, strict=True) for line, _ in place.texts)) + 16
        right = int(max(length(row.value, row.kind == "main") for row in rows)) + 16
    figure, axes = canvas(width, int(np.ceil(total)) + top + bottom, left, right, top, bottom)
    low, high = reach_of(rows, overall[0] if overall else None)
    axes.set_xlim(low, high)
    axes.set_ylim(total, 0)
    axes.set_yticks([])
    axes.grid(False)
    axes.locator_params(axis="x", nbins=4 if small else 6)
    ticks = [t for t in axes.get_xticks() if low <= t <= high]
    axes.set_xticks(ticks, [words.number(t, tick_digits(ticks), sign=True) for t in ticks])
    stretches = [(place.y - 10, place.y + 9) for place in places] if small else [(0, total)]
    for tick in ticks:
        upright(axes, tick, stretches, color=RULE, lw=0.7, zorder=0.5)
    upright(axes, 0.0, stretches, color=INK, lw=1.1, zorder=1)
    if overall:
        overall_line(axes, overall, stretches, low, high)
    main = next((row for row in rows if row.kind == "main" and not np.isnan(row.low)), None)
    if main and len(rows) > 1:
        axes.axvspan(max(main.low, low), min(main.high, high), color=BAND, lw=0, zorder=0)
    for row, place in zip(rows, places, strict=True):
        draw_interval(axes, row, place.y, low, high)
        draw_texts(axes, row, place, left, right, width)
    first = next((i for i, row in enumerate(rows) if row.kind == "change"), 0)
    if first and not rows[first - 1].remark:
        y = places[first].top + (4 if small else 0)
        axes.plot([-left / (width - left - right), 1 + right / (width - left - right)], [y, y], transform=axes.get_yaxis_transform(),
                  color=RULE, lw=1, clip_on=False, zorder=1)  # fmt: skip
    return figure


def desk_places(rows: list[Row]) -> list[Place]:
    places, top = [], 0.0
    for row in rows:
        lines = lines_of(row.label, NAME, row.kind == "main")
        tall = max(LINE * (len(lines) + bool(row.remark)) + 12, 26 if row.kind == "group" else 32)
        y = top + tall / 2
        first = y + 4 - LINE * (len(lines) + bool(row.remark) - 1) / 2
        texts = tuple((line, first + LINE * i) for i, line in enumerate(lines))
        places.append(Place(texts, first + LINE * len(lines), y + 4, y, top, top + tall))
        top += tall
    return places


def phone_places(rows: list[Row], width: int) -> list[Place]:
    """The value stands beside the last line of the name where both fit, else under it."""
    places, top = [], 0.0
    for row in rows:
        bold = row.kind == "main"
        lines = lines_of(row.label, width, bold)
        texts = tuple((line, top + 21 + LINE * i) for i, line in enumerate(lines))
        last = texts[-1][1]
        value = last + LINE * bool(row.remark)
        if length(row.remark or lines[-1], bold) + length(row.value, bold) + 8 > width:
            value += LINE
        y = value + 15
        places.append(Place(texts, last + LINE, value, y, top, y + 9))
        top = y + 9
    return places


def draw_texts(axes: Axes, row: Row, place: Place, left: int, right: int, width: int) -> None:
    """Name, remark and value: beside the plotting area, or on a phone (where it has no margins) above the interval."""
    beside = right > EDGE
    style = {"color": TREATED, "weight": "bold"} if row.kind == "main" else {"color": INK}
    x, align = (left - 12, "right") if beside else (0, "left")
    for line, y in place.texts:
        put(axes, x, y, line, left, ha=align, **style)
    if row.remark:
        put(axes, x, place.remark, row.remark, left, ha=align, color=MUTED, fontsize=11)
    put(axes, width - right + 14 if beside else width, place.value, row.value, left, ha="left" if beside else "right", **style)


def put(axes: Axes, x: float, y: float, text: str, left: float, **style: object) -> None:
    """Text at x units from the chart's left edge."""
    inner = axes.get_position().width * axes.figure.get_size_inches()[0] * 72
    axes.text((x - left) / inner, y, text, transform=axes.get_yaxis_transform(), va="baseline", clip_on=False, **style)


def draw_interval(axes: Axes, row: Row, y: float, low: float, high: float) -> None:
    """Interval, cut with an arrow where it leaves the frame; point (hollow without an interval, ◇ a change); faint point."""
    colour = {"main": TREATED, "group": TREATED, "change": COMPARISON, "plain": INK}[row.kind]
    bold = row.kind == "main"
    if not np.isnan(row.aside):
        axes.plot(row.aside, y, marker="o", ms=6, mfc=GROUND, mec=colour, mew=1.1, alpha=0.55, zorder=4, clip_on=False)
    if not np.isnan(row.low):
        axes.plot([max(row.low, low), min(row.high, high)], [y, y], color=colour, lw=3 if bold else 1.9, zorder=3, solid_capstyle="butt")
        for cut, edge, mark in ((row.low < low, low, "<"), (row.high > high, high, ">")):
            if cut:
                axes.plot(edge, y, marker=mark, ms=6, color=colour, lw=0, mew=0, zorder=4, clip_on=False)
    hollow = np.isnan(row.low) or bool(row.remark)
    axes.plot(row.estimate, y, marker="D" if row.remark else "o", ms=9 if bold else 6.5, mfc=GROUND if hollow else colour,
              mec=colour, mew=1.4 if hollow else 0, zorder=5, clip_on=False)  # fmt: skip


def upright(axes: Axes, x: float, stretches: list[tuple[float, float]], **style: object) -> None:
    """A vertical line over these stretches, in one path."""
    ys = [y for start, end in stretches for y in (start, end, np.nan)]
    axes.plot([x] * len(ys), ys, solid_capstyle="butt", **style)


def overall_line(axes: Axes, overall: tuple[float, str], stretches: list[tuple[float, float]], low: float, high: float) -> None:
    value, label = overall
    upright(axes, value, stretches, color=TREATED, lw=1.2, dashes=(3, 2.5), zorder=1.5)
    share = (value - low) / (high - low)
    align = "left" if share < 0.3 else "right" if share > 0.7 else "center"
    axes.annotate(label, (value, 0), xytext=(0, 8), textcoords="offset points", color=TREATED, weight="bold", ha=align,
                  annotation_clip=False)  # fmt: skip


def reach_of(rows: list[Row], overall: float | None) -> tuple[float, float]:
    """Ends of the axis: 0, every point and the main interval; other intervals as far as `REACH` spans of these beyond."""
    points = [0.0, *([] if overall is None else [overall])]
    for row in rows:
        points += [row.estimate, row.aside, *([row.low, row.high] if row.kind == "main" else [])]
    low, high = np.nanmin(points), np.nanmax(points)
    lows, highs = [row.low for row in rows], [row.high for row in rows]
    usual = np.nanmedian(np.subtract(highs, lows)) if np.isfinite(lows).any() else 0.0
    further = REACH * max(high - low, usual)
    low = max(np.nanmin([low, *lows]), low - further)
    high = min(np.nanmax([high, *highs]), high + further)
    pad = (high - low) * 0.04 or abs(high) * 0.1 or 1.0
    return float(low - pad), float(high + pad)


def length(text: str, bold: bool = False) -> float:
    """Units that a text takes at most."""
    letters = sum(THIN if letter in " .,;:()[]'’ijlt" else WIDE if letter in "mMwW" or letter.isupper() else LETTER for letter in text)
    return letters * (1.1 if bold else 1)


def lines_of(text: str, room: float, bold: bool) -> list[str]:
    """The text in lines that fit into so many units."""
    return wrapped(text, max(8, int(room * len(text) / max(length(text, bold), 1))))


# --- treated against synthetic -------------------------------------------------------------------------------------
def plot_synthetic(estimate: Estimate, treated: pd.DataFrame, words: Words, start: pd.Period | None = None) -> Figure:
    """The treated series against its synthetic one; `treated`: time, period, treated, synthetic (shares 0-1 on scale pp).

    `start`: first period of the policy; without it, from the last event time of the estimate. Title: "poor" where the
    estimate's notes say that the two did not fit before; "above" or "below" where the mean difference after is more than
    twice the root mean square of the difference before; else "near".
    """
    scale = estimate.overall()["scale"]
    factor = 100 if scale == "pp" else 1
    series = treated.sort_values("time", ignore_index=True)
    series = series.assign(treated=series["treated"] * factor, synthetic=series["synthetic"] * factor)
    first = start.ordinal if start is not None else int(series["time"].max() - estimate.rows("event")["event_time"].max())
    gap = series["treated"] - series["synthetic"]
    before, after = gap[series["time"] < first], gap[series["time"] >= first]
    title = finding_of_gap(estimate, before, after, pd.Period(ordinal=first, freq=estimate.frequency), words)
    span = [words.period(period, short=True) for period in series["period"].iloc[[0, -1]]]
    alt = words("charts.synthetic_alt", first=span[0], last=span[1], title=title, before=words.effect(before.mean(), scale),
                after=words.effect(after.mean(), scale), simulated=simulated_note(estimate.origin, words))  # fmt: skip
    narrow, wide = drawn("synthetic", lambda width, small: draw_synthetic(series, first, estimate, words, width, small), alt)
    data = series.assign(period=series["period"].astype(str))[["period", "treated", "synthetic"]]
    subtitle = words("charts.shares_subtitle_pp" if scale == "pp" else "charts.synthetic_subtitle_level")
    return Figure(
        "synthetic", title, capital(subtitle), narrow, wide, (),
        source_line(estimate.origin, estimate_size(estimate, words), words, words("charts.synthetic_note")), alt, csv_text(data, words),
        tag(estimate.origin, words), words("charts.download"),
    )  # fmt: skip


def finding_of_gap(estimate: Estimate, before: pd.Series, after: pd.Series, start: pd.Period, words: Words) -> str:
    scale, said = estimate.overall()["scale"], {"start": words.period(start, short=True)}
    if "poor_fit" in estimate.notes:
        return words("charts.synthetic_poor", **said)
    if after.empty or before.empty or not abs(after.mean()) > 2 * np.sqrt((before**2).mean()):
        return words("charts.synthetic_near", **said)
    side = "above" if after.mean() > 0 else "below"
    return words(f"charts.synthetic_{side}_{'pp' if scale == 'pp' else 'level'}", gap=words.effect(abs(after.mean()), scale, False), **said)


def draw_synthetic(series: pd.DataFrame, start: int, estimate: Estimate, words: Words, width: int, small: bool) -> MplFigure:
    figure, axes = canvas(width, 250 if small else 300, 34 if small else 44, 100 if small else 130, 28, 26)
    times = np.arange(series["time"].min(), series["time"].max() + 1)
    lines = series.set_index("time")[["treated", "synthetic"]].reindex(times)
    axes.set_xlim(times[0] - 0.5, times[-1] + 0.5)
    low, high = np.nanmin(lines.to_numpy()), np.nanmax(lines.to_numpy())
    margin = (high - low) * 0.08 or abs(high) * 0.1 or 1.0
    axes.set_ylim(low - margin, high + margin)
    axes.fill_between(times, lines["treated"], lines["synthetic"], where=times >= start, color=TREATED, alpha=0.14, lw=0, zorder=1)
    axes.plot(times, lines["synthetic"], color=COMPARISON, lw=1.9, dashes=(5, 2), zorder=3)
    axes.plot(times, lines["treated"], color=TREATED, lw=2.5, zorder=4)
    axes.axvline(start - 0.5, color=ACCENT, lw=1.8, zorder=2)
    share = (start - times[0]) / len(times)
    axes.annotate(words("study.policy_label"), (start - 0.5, 1), xycoords=("data", "axes fraction"), xytext=(5 if share < 0.5 else -5, 8),
                  textcoords="offset points", color=ACCENT, weight="bold", ha="left" if share < 0.5 else "right",
                  annotation_clip=False)  # fmt: skip
    ends = {side: lines[name].dropna().iloc[-1] for side, name in ((True, "treated"), (False, "synthetic"))}
    end_labels(axes, ends, {True: words("study.treated"), False: words("charts.synthetic_name")}, estimate.overall()["scale"], words, small)
    time_axis(axes, times, estimate.frequency, words, small)
    value_axis(axes, estimate.overall()["scale"], words)
    return figure
