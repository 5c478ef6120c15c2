"""`index.html` of an outputs folder: every run of every study, in Vietnamese and English, made of receipts and estimates.csv alone."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import filelock
import jinja2
import pandas as pd
from markupsafe import Markup

from ...base.aside import sweep, write_text
from ...base.errors import FAILURES
from ...base.periods import period_of
from ...base.safe_text import plain_line
from ...base.zones import in_zone, is_zone
from ...locale import LANGUAGES
from ...report.page import css_text, sanitised, style
from ...study.words import Words
from .. import run_records
from ..run_records import Run

if TYPE_CHECKING:
    from ...report.figure import Figure

PAGES = {"vi": "index.html", "en": "index.en.html"}
OPEN_RUNS = 12  # runs shown before the rest folds
LOCK_SECONDS = 10.0
LONGEST_DETAIL = 200  # letters of an error's own text


def refresh(out: Path, say: Callable[[str], None]) -> None:
    """Write the history anew, each page at once. Never fails a run: what went wrong is said."""
    try:
        with filelock.FileLock(out / ".index.lock", timeout=LOCK_SECONDS):
            sweep(out)
            runs = {study: run_records.runs_of(out / study) for study in run_records.studies(out)}
            pooled = {name: run_records.runs_of(out / name) for name in run_records.portfolios(out)}
            for lang, name in PAGES.items():
                write_text(out / name, page(runs, lang, pooled))
    except (OSError, filelock.Timeout) as error:
        say(f"the history page could not be written: {getattr(error, 'strerror', None) or 'another run is writing it'}")
    except Exception as error:  # a receipt that somebody changed by hand must not fail a run that is already published
        say(f"the history page could not be written: {type(error).__name__}")


def page(runs: dict[str, list[Run]], lang: str, pooled: dict[str, list[Run]] | None = None) -> str:
    """One page: a section per study, newest run first; `runs`: study -> its runs, oldest first; `pooled`: portfolio -> its runs."""
    words = Words(lang)
    other = next(name for name in LANGUAGES if name != lang)
    return template().render(
        words=words, lang=lang, other=other, other_page=PAGES[other], style=Markup(style()), running=css_text(words("history.title")),
        studies=[section(study, found, words) for study, found in runs.items()], open_runs=OPEN_RUNS,
        portfolios=[listed for name, found in (pooled or {}).items() for listed in pooled_pages(name, found, words)],
    )  # fmt: skip


def pooled_pages(portfolio: str, runs: list[Run], words: Words) -> list[dict]:
    """The newest page of a portfolio, with the number of its studies; none where it published nothing."""
    last = next((run for run in runs[::-1] if run.complete), None)
    if last is None:
        return []
    members, titles = last.receipt.get("members") or [], last.receipt.get("title") or {}
    told = words("history.portfolio", n=words.number(sum(one.get("state") == "counts" for one in members)), of=words.number(len(members)),
                 date=words.date(datetime.strptime(last.name[:8], "%Y%m%d").date()))  # fmt: skip
    return [{"link": f"{portfolio}/{last.name}/pooled.{words.lang}.html", "title": str(titles.get(words.lang) or portfolio), "told": told,
             "simulated": bool(last.receipt.get("simulated"))}]  # fmt: skip


def section(study: str, runs: list[Run], words: Words) -> dict:
    """What the page says of one study."""
    good = [run for run in runs if run.complete]
    last = good[-1] if good else None
    titles = (last.result.get("titles") or {}).get(words.lang) or {} if last else {}
    chart, looks = moves(study, good, words)
    return {
        "name": study, "title": titles.get("title") or study, "place": titles.get("place", ""),
        "simulated": bool(last and last.receipt.get("simulated")), "entries": entries(study, runs, words),
        "chart": drawn_with_data(chart) if chart else "", "warning": warning(looks, words) if last else "",
        "last": estimate_text(last, words) if last else "", "verdict": verdict_text(last, words) if last else "",
    }  # fmt: skip


def moves(study: str, good: list[Run], words: Words) -> tuple["Figure | None", pd.DataFrame | None]:
    """How the estimate moved: (chart, the last run's looks). What draws is loaded only where a run has an estimate to be drawn."""
    if not any(run.result.get("main") for run in good):
        return None, None
    from .chart import chart_of, looks_of

    looks = looks_of(good[-1])
    return chart_of(study, good, looks, words), looks


def drawn_with_data(chart: "Figure") -> Markup:
    """The chart with its data behind a link: no workbook lies beside this page."""
    from ...report.blocks import csv_link

    data = csv_link(chart.csv, chart.name, chart.download)
    return sanitised(Markup('{}<p class="src">{}</p>').format(Markup(chart._repr_html_()), data))


def entries(study: str, runs: list[Run], words: Words) -> list[dict]:
    """One per run, newest first: when, data, estimate, verdict, what changed since the last good run before it."""
    found, before, zone = [], None, zone_of(runs)
    for run in runs:
        found.append(entry(study, run, before, words, zone))
        before = run if run.complete else before
    return found[::-1]


def zone_of(runs: list[Run]) -> str:
    """The time zone of a study, as its newest receipt that says has it; UTC in those of earlier versions."""
    named = [str(run.receipt.get("time_zone") or (run.receipt.get("study") or {}).get("time_zone") or "") for run in runs[::-1]]
    return next(filter(is_zone, named), "UTC")


def entry(study: str, run: Run, before: Run | None, words: Words, zone: str) -> dict:
    when = {"name": run.name, "date": started(run, words, zone), "complete": run.complete}
    if not run.complete:
        return {**when, "reason": failure_text(run.receipt, words)}
    result = run.result
    files = ", ".join(str(item.get("file")) for item in run.receipt.get("inputs", [])[:1])
    last = words.date(result["last_period"]) if result.get("last_period") else words.number(None)
    return {
        **when, "report": f"{study}/{run.name}/report.{page_language(run, words)}.html",
        "data": words("history.data_text", file=files, last=last, rows=words.number(result.get("rows"))),
        "estimate": estimate_text(run, words), "verdict": verdict_text(run, words),
        "changes": [*(changes_text(before, run, words) if before else [words("history.first")]), *lifted_text(before, run, words)],
    }  # fmt: skip


def lifted_text(before: Run | None, run: Run, words: Words) -> list[str]:
    """That a blind study was estimated from here on."""
    told = run.receipt.get("blind_lifted")
    if not told or (before is not None and before.receipt.get("blind_lifted")):
        return []
    return [words("history.blind_lifted", date=plain_line(str(told))[:LONGEST_DETAIL])]


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


def started(run: Run, words: Words, zone: str) -> str:
    """When a run began (its name is in UTC), as clocks of the study's zone showed it."""
    moment = in_zone(datetime.strptime(run.name[:15], "%Y%m%dT%H%M%S").replace(tzinfo=UTC), zone)
    return words("history.moment", date=words.date(moment.date()), time=f"{moment:%H:%M}", zone=words.zone(zone))


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
    found = [words(f"history.change_{code}") for code in run_records.changes(before, run) if code != "revised"]
    for key, periods in (("added", run_records.added(before, run)), ("revised", run_records.revised(before, run))):
        if periods:
            found.append(words(f"history.change_{key}", periods=spans(periods, words)))
    if before.result.get("verdict") != run.result.get("verdict"):
        found.append(words("history.change_verdict", before=verdict_text(before, words), after=verdict_text(run, words)))
    tables = [run_records.estimates(one) for one in (before, run)]
    for row in run_records.moved(*tables).itertuples() if all(table is not None for table in tables) else ():
        old, new = (words.effect(value, row.scale) for value in (row.old, row.new))
        if old != new:  # a move below the last digit shown would read as none
            found.append(words("history.change_number", method=words(f"tables.estimator_{row.estimator}"), old=old, new=new))
    return found or [words("history.change_none")]


def spans(periods: list[str], words: Words, most: int = 6) -> str:
    """1/2024–3/2024, 7/2024: neighbours joined, the first few named."""
    parsed = sorted(map(period_of, periods))
    runs: list[list[pd.Period]] = []
    for period in parsed:
        if runs and period.ordinal == runs[-1][-1].ordinal + 1:
            runs[-1].append(period)
        else:
            runs.append([period])
    said = ["–".join(words.period(end, short=True) for end in dict.fromkeys((part[0], part[-1]))) for part in runs[:most]]
    return ", ".join(said) + (" …" if len(runs) > most else "")


def warning(looks: pd.DataFrame | None, words: Words) -> str:
    """Why a small p-value at one look is no reason to stop looking, and what the interval for repeated looks says now."""
    if looks is None:
        return words("history.peeking")
    now = looks.iloc[-1]
    usual, always = (now[low] > 0 or now[high] < 0 for low, high in (("ci_low", "ci_high"), ("seq_low", "seq_high")))
    state = "both" if usual and always else "only_usual" if usual else "neither"
    return f"{words('history.peeking')} {words(f'history.peeking_{state}')}"


@cache
def template() -> jinja2.Template:
    text = resources.files("hgdx_eval.report").joinpath("template", "history.html.j2").read_text(encoding="utf-8")
    return jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined).from_string(text)
