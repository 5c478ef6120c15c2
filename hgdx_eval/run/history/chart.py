"""The chart of the history page: how the estimate moved from run to run, over what today's data say of each month."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as MplFigure

from ...base.periods import period_of
from ...estimation.results import Estimate
from ...evaluation.robustness import history as looks_table
from ...report.blocks import csv_text
from ...report.charts.axes import time_axis, value_axis
from ...report.charts.looks import as_looked
from ...report.charts.specification_curve import signed_axis
from ...report.figure import ACCENT, GROUND, INK, TREATED, Figure, canvas, drawn
from ...study.words import Words
from .. import run_records
from ..run_records import Run


def chart_of(study: str, runs: list[Run], looks: pd.DataFrame | None, words: Words) -> Figure | None:
    """What each run said at the time, over what today's data say of each period; None before there is anything to draw."""
    points = points_of(runs)
    if points.empty:
        return None
    last, scale = runs[-1], points["scale"].iloc[-1]
    points = points[points["scale"] == scale]
    first = points.iloc[0]
    said = {"n": words.number(len(points)), "first": words.effect(first["estimate"], scale),
            "last": words.effect(points["estimate"].iloc[-1], scale), "revised": words.number(int(points["revised"].sum()))}  # fmt: skip
    title = words("history.chart_title" if len(points) > 1 else "history.chart_title_one", **said)
    simulated = words("charts.simulated") if last.receipt.get("simulated") else ""
    alt = words("history.chart_alt", title=title, **said) + (f" {simulated}." if simulated else "")
    narrow, wide = drawn(f"history-{study}", lambda width, small: draw(points, looks, scale, words, width, small), alt)
    data = points[["run", "period", "estimate", "ci_low", "ci_high", "revised"]]
    note = words("history.chart_note") + (" " + words("history.chart_bands") if looks is not None else "")
    return Figure(f"history-{study}", title, words(f"history.chart_subtitle_{'pp' if scale == 'pp' else 'other'}"), narrow, wide, (),
                  note, alt, csv_text(data, words), simulated, words("charts.download"))  # fmt: skip


def points_of(runs: list[Run]) -> pd.DataFrame:
    """One row per good run with an estimate: run, period, estimate, ci_low, ci_high, scale, revised (of an earlier period)."""
    rows = []
    for before, run in zip([None, *runs], runs):
        main, period = run.result.get("main"), run.result.get("last_period")
        if main and period:
            revised = bool(before and any(p <= before.result.get("last_period", "") for p in run_records.revised(before, run)))
            rows.append({"run": run.name, "period": period, "scale": main["scale"], "revised": revised,
                         **{name: main.get(name) for name in ("estimate", "ci_low", "ci_high")}})  # fmt: skip
    frame = pd.DataFrame(rows, columns=["run", "period", "scale", "revised", "estimate", "ci_low", "ci_high"])
    return frame.astype({"estimate": float, "ci_low": float, "ci_high": float, "revised": bool})


def looks_of(run: Run) -> pd.DataFrame | None:
    """The last run's own looks back: one row per period with both kinds of interval; None where there were fewer than two."""
    table = run_records.estimates(run)
    if table is None or not run.result.get("main"):
        return None
    rows = table[(table["term"] == "specification") & (table["group"] == "as_of")]
    if rows["period"].nunique() < 2:
        return None
    return looks_table(Estimate(rows, None, "")).assign(time=lambda t: [period_of(p).ordinal for p in t["period"]])


def draw(points: pd.DataFrame, looks: pd.DataFrame | None, scale: str, words: Words, width: int, small: bool) -> MplFigure:
    """Bands of the last run's looks behind, the runs' estimates with their intervals before."""
    figure, axes = canvas(width, 240 if small else 280, 38 if small else 46, 16, 14, 26)
    periods = [period_of(period) for period in points["period"]]
    x = np.array([float(period.ordinal) for period in periods])
    repeated = points.groupby("period").cumcount().to_numpy()  # runs on the same last period stand beside each other
    x = x + np.minimum(repeated * 0.12, 0.36)
    ends = [*x, *(looks["time"] if looks is not None else [])]
    times = np.arange(int(min(ends)), int(max(ends)) + 1)
    axes.set_xlim(times[0] - 0.6, times[-1] + 0.6)
    if looks is not None:
        lines = as_looked(looks)
        axes.fill_between(lines.index, lines["seq_low"], lines["seq_high"], color=TREATED, alpha=0.13, lw=0, zorder=1)
        axes.fill_between(lines.index, lines["ci_low"], lines["ci_high"], color=TREATED, alpha=0.28, lw=0, zorder=2)
        axes.plot(lines.index, lines["estimate"], color=TREATED, lw=1.5, zorder=3)
    axes.axhline(0, color=INK, lw=1.1, zorder=3)
    axes.vlines(x, points["ci_low"], points["ci_high"], color=INK, lw=1.2, zorder=4)
    revised = points["revised"].to_numpy()
    axes.plot(x[~revised], points["estimate"][~revised], "o", ms=5.5, color=INK, zorder=5, clip_on=False)
    axes.plot(x[revised], points["estimate"][revised], "D", ms=6.5, mfc=GROUND, mec=ACCENT, mew=2, zorder=6, clip_on=False)
    axes.set_ylim(*reach(points, looks))
    time_axis(axes, times, periods[0].freqstr[0], words, small)
    value_axis(axes, "level", words)
    signed_axis(axes, words)
    return figure


def reach(points: pd.DataFrame, looks: pd.DataFrame | None) -> tuple[float, float]:
    """Ends of the axis: 0, the runs' intervals, and the looks' intervals as far as twice that."""
    own = np.array([0.0, *points[["estimate", "ci_low", "ci_high"]].to_numpy().ravel()])
    low, high = np.nanmin(own), np.nanmax(own)
    if looks is not None:
        span = high - low
        low = max(min(low, looks["seq_low"].min()), low - span)
        high = min(max(high, looks["seq_high"].max()), high + span)
    pad = 0.06 * (high - low) or 1.0
    return float(low - pad), float(high + pad)
