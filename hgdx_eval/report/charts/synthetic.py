"""The treated unit beside its synthetic control."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as MplFigure

from ...base.periods import written_all
from ...estimation.results import Estimate
from ...study.words import Words, capital
from ..blocks import csv_text
from ..figure import ACCENT, COMPARISON, TREATED, Figure, canvas, drawn, source_line
from .axes import end_labels, estimate_size, line_width, simulated_note, tag, time_axis, value_axis


def plot_synthetic(estimate: Estimate, treated: pd.DataFrame, words: Words, start: pd.Period | None = None) -> Figure:
    """The treated series against its synthetic one. `estimate`: what `synthetic_part` gives; `treated`: what `synthetic_series` gives:
    time, period, treated, synthetic (shares 0-1 on scale pp); `start`: first period of the policy; without it, from the last event time of
    the estimate.

    Title: "poor" where the estimate's notes say that the two did not fit before; "above" or "below" where the mean difference after is more
    than twice the root mean square of the difference before; else "near".
    Returns a Figure.
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
    data = series.assign(period=written_all(series["period"]))[["period", "treated", "synthetic"]]
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
    axes.plot(times, lines["synthetic"], color=COMPARISON, lw=line_width(1.9, len(times)), dashes=(5, 2), zorder=3)
    axes.plot(times, lines["treated"], color=TREATED, lw=line_width(2.5, len(times)), zorder=4)
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
