"""`index.html` of an outputs folder: every run of every study, in Vietnamese and English, made of receipts and estimates.csv alone."""

import os
from collections.abc import Callable
from datetime import datetime
from functools import cache
from importlib import resources
from pathlib import Path

import filelock
import jinja2
import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.figure import Figure as MplFigure

from . import ledger
from .charts import time_axis, value_axis
from .charts_robustness import signed_axis
from .errors import FAILURES
from .figures import ACCENT, GROUND, INK, TREATED, Figure, canvas, csv_text, drawn
from .ledger import Run
from .printed import plain_line
from .report import css_text, sanitised, style
from .results import Estimate
from .robustness import history as looks_table
from .words import LANGUAGES, Words

PAGES = {"vi": "index.html", "en": "index.en.html"}
OPEN_RUNS = 12  # runs shown before the rest folds
LOCK_SECONDS = 10.0
LONGEST_DETAIL = 200  # letters of an error's own text


def refresh(out: Path, say: Callable[[str], None]) -> None:
    """Write the history anew, each page at once. Never fails a run: what went wrong is said."""
    try:
        with filelock.FileLock(out / ".index.lock", timeout=LOCK_SECONDS):
            runs = {study: ledger.runs_of(out / study) for study in ledger.studies(out)}
            for lang, name in PAGES.items():
                replaced(out / name, page(runs, lang))
    except (OSError, filelock.Timeout) as error:
        say(f"the history page could not be written: {getattr(error, 'strerror', None) or 'another run is writing it'}")
    except Exception as error:  # a receipt that somebody changed by hand must not fail a run that is already published
        say(f"the history page could not be written: {type(error).__name__}")


def replaced(path: Path, text: str) -> None:
    """A file whose readers see the old text or the new one, never a part."""
    fresh = path.with_name(f".{path.name}.new")
    with fresh.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)


def page(runs: dict[str, list[Run]], lang: str) -> str:
    """One page: a section per study, newest run first; `runs`: study -> its runs, oldest first."""
    words = Words(lang)
    other = next(name for name in LANGUAGES if name != lang)
    return template().render(
        words=words, lang=lang, other=other, other_page=PAGES[other], style=Markup(style()), running=css_text(words("history.title")),
        studies=[section(study, found, words) for study, found in runs.items()], open_runs=OPEN_RUNS,
    )  # fmt: skip


def section(study: str, runs: list[Run], words: Words) -> dict:
    """What the page says of one study."""
    good = [run for run in runs if run.complete]
    last = good[-1] if good else None
    titles = (last.result.get("titles") or {}).get(words.lang) or {} if last else {}
    chart = chart_of(study, good, words)
    return {
        "name": study, "title": titles.get("title") or study, "place": titles.get("place", ""),
        "simulated": bool(last and last.receipt.get("simulated")), "entries": entries(study, runs, words),
        "chart": sanitised(chart._repr_html_()) if chart else "", "warning": warning(last, words) if last else "",
        "last": estimate_text(last, words) if last else "", "verdict": verdict_text(last, words) if last else "",
    }  # fmt: skip


def entries(study: str, runs: list[Run], words: Words) -> list[dict]:
    """One per run, newest first: when, data, estimate, verdict, what changed since the last good run before it."""
    found, before = [], None
    for run in runs:
        found.append(entry(study, run, before, words))
        before = run if run.complete else before
    return found[::-1]


def entry(study: str, run: Run, before: Run | None, words: Words) -> dict:
    when = {"name": run.name, "date": started(run, words), "complete": run.complete}
    if not run.complete:
        return {**when, "reason": failure_text(run.receipt, words)}
    result = run.result
    files = ", ".join(str(item.get("file")) for item in run.receipt.get("inputs", [])[:1])
    last = words.date(result["last_period"]) if result.get("last_period") and "Q" not in result["last_period"] else \
        words.period(pd.Period(result["last_period"])) if result.get("last_period") else words.number(None)  # fmt: skip
    return {
        **when, "report": f"{study}/{run.name}/report.{page_language(run, words)}.html",
        "data": words("history.data_text", file=files, last=last, rows=words.number(result.get("rows"))),
        "estimate": estimate_text(run, words), "verdict": verdict_text(run, words),
        "changes": changes_text(before, run, words) if before else [words("history.first")],
    }  # fmt: skip


def failure_text(receipt: dict, words: Words) -> str:
    """Why a run failed, in a sentence of its kind; what is told besides is one short line, whatever stands in the receipt."""
    told = receipt.get("failure")
    if not isinstance(told, dict) or str(told.get("kind")) not in FAILURES:  # of an earlier version
        told = {"kind": "killed"} if receipt.get("state") == "killed" else {"kind": "other", "detail": receipt.get("reason")}
    if not all(told.get(name) for name in FAILURES[told["kind"]]):
        return words("history.no_reason")
    values = {name: plain_line(str(told[name]))[:LONGEST_DETAIL] for name in FAILURES[told["kind"]]}
    return words(f"history.failure_{told['kind']}", **values)


def page_language(run: Run, words: Words) -> str:
    """The page's language, or the one that the run was made in."""
    made = run.receipt.get("languages") or [words.lang]
    return words.lang if words.lang in made else made[0]


def started(run: Run, words: Words) -> str:
    """When a run began (its name is in UTC)."""
    moment = datetime.strptime(run.name[:15], "%Y%m%dT%H%M%S")
    return words("history.moment", date=words.date(moment.date()), time=f"{moment:%H:%M}")


def estimate_text(run: Run, words: Words) -> str:
    """+4,2 điểm phần trăm [3,6; 4,8]; the interval left out where the method has none."""
    main = run.result.get("main")
    if not main:
        return words.number(None)
    value = words(f"history.unit_{'pp' if main['scale'] == 'pp' else 'other'}", value=words.effect(main["estimate"], main["scale"]))
    if main.get("ci_low") is None or main.get("ci_high") is None:
        return value
    return f"{value} {words.effect_interval(main['ci_low'], main['ci_high'], main['scale'])}"


def verdict_text(run: Run, words: Words) -> str:
    verdict = run.result.get("verdict")
    return words(f"tables.verdict_{verdict}") if verdict in (1, 2, 3, 4, 5) else words.number(None)


def changes_text(before: Run, run: Run, words: Words) -> list[str]:
    """Sentences: what was put in that differs, months added and revised, verdict, numbers that moved."""
    found = [words(f"history.change_{code}") for code in ledger.changes(before, run) if code != "revised"]
    for key, periods in (("added", ledger.added(before, run)), ("revised", ledger.revised(before, run))):
        if periods:
            found.append(words(f"history.change_{key}", periods=spans(periods, words)))
    if before.result.get("verdict") != run.result.get("verdict"):
        found.append(words("history.change_verdict", before=verdict_text(before, words), after=verdict_text(run, words)))
    tables = [ledger.estimates(one) for one in (before, run)]
    for row in ledger.moved(*tables).itertuples() if all(table is not None for table in tables) else ():
        old, new = (words.effect(value, row.scale) for value in (row.old, row.new))
        if old != new:  # a move below the last digit shown would read as none
            found.append(words("history.change_number", method=words(f"tables.estimator_{row.estimator}"), old=old, new=new))
    return found or [words("history.change_none")]


def spans(periods: list[str], words: Words, most: int = 6) -> str:
    """1/2024–3/2024, 7/2024: neighbours joined, the first few named."""
    parsed = sorted(pd.Period(period) for period in periods)
    runs: list[list[pd.Period]] = []
    for period in parsed:
        if runs and period.ordinal == runs[-1][-1].ordinal + 1:
            runs[-1].append(period)
        else:
            runs.append([period])
    said = ["–".join(words.period(end, short=True) for end in dict.fromkeys((part[0], part[-1]))) for part in runs[:most]]
    return ", ".join(said) + (" …" if len(runs) > most else "")


# --- how the estimate moved ----------------------------------------------------------------------------------------


def chart_of(study: str, runs: list[Run], words: Words) -> Figure | None:
    """What each run said at the time, over what today's data say of each period; None before there is anything to draw."""
    points = points_of(runs)
    if points.empty:
        return None
    last, scale = runs[-1], points["scale"].iloc[-1]
    points = points[points["scale"] == scale]
    looks = looks_of(last)
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
            revised = bool(before and any(p <= before.result.get("last_period", "") for p in ledger.revised(before, run)))
            rows.append({"run": run.name, "period": period, "scale": main["scale"], "revised": revised,
                         **{name: main.get(name) for name in ("estimate", "ci_low", "ci_high")}})  # fmt: skip
    frame = pd.DataFrame(rows, columns=["run", "period", "scale", "revised", "estimate", "ci_low", "ci_high"])
    return frame.astype({"estimate": float, "ci_low": float, "ci_high": float, "revised": bool})


def looks_of(run: Run) -> pd.DataFrame | None:
    """The last run's own looks back: one row per period with both kinds of interval; None where there were fewer than two."""
    table = ledger.estimates(run)
    if table is None or not run.result.get("main"):
        return None
    rows = table[(table["term"] == "specification") & (table["group"] == "as_of")]
    if rows["period"].nunique() < 2:
        return None
    return looks_table(Estimate(rows, None, "")).assign(time=lambda t: [pd.Period(p).ordinal for p in t["period"]])


def draw(points: pd.DataFrame, looks: pd.DataFrame | None, scale: str, words: Words, width: int, small: bool) -> MplFigure:
    """Bands of the last run's looks behind, the runs' estimates with their intervals before."""
    figure, axes = canvas(width, 240 if small else 280, 38 if small else 46, 16, 14, 26)
    periods = [pd.Period(period) for period in points["period"]]
    x = np.array([float(period.ordinal) for period in periods])
    repeated = points.groupby("period").cumcount().to_numpy()  # runs on the same last period stand beside each other
    x = x + np.minimum(repeated * 0.12, 0.36)
    ends = [*x, *(looks["time"] if looks is not None else [])]
    times = np.arange(int(min(ends)), int(max(ends)) + 1)
    axes.set_xlim(times[0] - 0.6, times[-1] + 0.6)
    if looks is not None:
        lines = looks.set_index("time").reindex(times)
        axes.fill_between(times, lines["seq_low"], lines["seq_high"], color=TREATED, alpha=0.13, lw=0, zorder=1)
        axes.fill_between(times, lines["ci_low"], lines["ci_high"], color=TREATED, alpha=0.28, lw=0, zorder=2)
        axes.plot(times, lines["estimate"], color=TREATED, lw=1.5, zorder=3)
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


def warning(run: Run, words: Words) -> str:
    """Why a small p-value at one look is no reason to stop looking, and what the interval for repeated looks says now."""
    looks = looks_of(run)
    if looks is None:
        return words("history.peeking")
    now = looks.iloc[-1]
    usual, always = (now[low] > 0 or now[high] < 0 for low, high in (("ci_low", "ci_high"), ("seq_low", "seq_high")))
    state = "both" if usual and always else "only_usual" if usual else "neither"
    return f"{words('history.peeking')} {words(f'history.peeking_{state}')}"


@cache
def template() -> jinja2.Template:
    text = resources.files("hgdx_eval").joinpath("template", "history.html.j2").read_text(encoding="utf-8")
    return jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined).from_string(text)
