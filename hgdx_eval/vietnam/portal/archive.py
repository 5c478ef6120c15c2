"""Answers as they were given, kept with the day: nothing that was fetched is ever overwritten."""

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import filelock
import pandas as pd

from ...base.aside import sweep, write_bytes
from ...base.errors import InputError
from ...base.safe_text import harmless
from .reports import REPORTS, Ask, ChangedShape, Unreadable, plain, read_page, request_parameters

LOCK_SECONDS = 5.0

INDEX, ANSWERS, TABLE = "index.jsonl", "answers", "months.csv"
IDENTITY = ["service", "report", "period", "province", "part", "unit_id", "unit_code", "unit_name"]


class FolderBusy(Exception):
    """Another download writes into the same folder. Exit code 3."""


@dataclass(frozen=True)
class Answer:
    """An entry of the index: all pages of one `Ask` at one time."""

    ask: Ask
    fetched: str  # UTC, YYYY-MM-DDTHH:MM:SSZ
    rows: int
    pages: tuple[tuple[str, str, int, int], ...]  # file, SHA-256, HTTP status, bytes

    @property
    def digest(self) -> str:
        """SHA-256 of the answer; of the pages' hashes, a line each, where there are several pages."""
        hashes = [page[1] for page in self.pages]
        return hashes[0] if len(hashes) == 1 else hashlib.sha256("\n".join(hashes).encode()).hexdigest()


@dataclass(frozen=True)
class Revision:
    """The service answers for a past month otherwise than it did. `fields`: what moved; empty where only the bytes differ."""

    month: str
    report: str
    province: str
    old: str  # SHA-256
    new: str
    fetched: str  # when the new answer came, UTC
    fields: tuple[str, ...] = ()


# --- the folder ----------------------------------------------------------------------------------------------------
@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """The folder's lock; waits briefly. A dead process's lock is free again by itself."""
    try:
        with filelock.FileLock(folder / ".lock", timeout=LOCK_SECONDS):
            for place in (folder, folder / ANSWERS):
                sweep(place)
            yield
    except filelock.Timeout:
        raise FolderBusy(f"{folder.name}: another download into this folder is under way") from None


def clock() -> datetime:
    return datetime.now(UTC)


def now() -> str:
    return f"{clock():%Y-%m-%dT%H:%M:%SZ}"


def write_index(folder: Path, index: list[Answer]) -> None:
    lines = []
    for answer in index:
        ask = answer.ask
        pages = [{"file": file, "sha256": digest, "status": status, "bytes": size, "params": request_parameters(ask, i)}
                 for i, (file, digest, status, size) in enumerate(answer.pages, start=1)]  # fmt: skip
        lines.append({"month": ask.month, "service": REPORTS[ask.report].service, "report": ask.report, "province": ask.province,
                      "base": ask.base, "url": ask.url, "fetched": answer.fetched, "rows": answer.rows, "pages": pages})  # fmt: skip
    write_bytes(folder / INDEX, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode())


def read_index(folder: Path) -> list[Answer]:
    """The index in the order of asking; empty where there is none. Raises InputError for a line that is no entry."""
    try:
        text = (folder / INDEX).read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    except UnicodeDecodeError:
        raise InputError(f"{folder.name}/{INDEX}: not an index of this kit") from None
    found = []
    for i, line in enumerate(text.splitlines(), start=1):
        try:
            raw = json.loads(line)
            ask = Ask(raw["base"], raw["report"], raw["province"], raw["month"])
            pages = tuple((page["file"], page["sha256"], page["status"], page["bytes"]) for page in raw["pages"])
            whole = ask.report in REPORTS and pages and isinstance(raw["rows"], int) and datetime.fromisoformat(raw["fetched"])
            safe = all(re.fullmatch(r"[0-9A-Za-z_-]{1,200}\.json", file) for file, *_ in pages)
        except (ValueError, KeyError, TypeError, RecursionError):
            whole = safe = None
        if not whole or not safe:
            raise InputError(f"{folder.name}/{INDEX}: line {i} is not an entry of this kit's index")
        found.append(Answer(ask, raw["fetched"], raw["rows"], pages))
    return found


def latest(index: list[Answer], ask: Ask) -> Answer | None:
    return next((answer for answer in reversed(index) if answer.ask == ask), None)


def intact(folder: Path, answer: Answer) -> bool:
    """True where every page lies there with the hash of the index."""
    return all(content_of(folder, file, digest) is not None for file, digest, *_ in answer.pages)


def content_of(folder: Path, file: str, digest: str) -> bytes | None:
    try:
        body = (folder / ANSWERS / file).read_bytes()
    except FileNotFoundError:
        return None
    return body if hashlib.sha256(body).hexdigest() == digest else None


def rows_of(folder: Path, answer: Answer) -> tuple[list[dict], frozenset[str]]:
    """An answer's rows from its files, and the fields not known here. Raises InputError: a file lost or changed, another shape."""
    rows, unknown = [], frozenset()
    for i, (file, digest, *_) in enumerate(answer.pages, start=1):
        body = content_of(folder, file, digest)
        if body is None:
            raise InputError(f"{folder.name}/{ANSWERS}/{file}: lost or changed since it came; fetch it again")
        try:
            page = read_page(answer.ask, i, body)
        except (Unreadable, ChangedShape) as error:
            raise InputError(f"{answer.ask.name} ({file}): {error}") from None
        rows += [row for row in page.rows if i == 1 or row["part"] == "unit"]
        unknown |= page.unknown
    return rows, unknown


def revision(folder: Path, before: Answer, after: Answer) -> Revision:
    """What changed between two answers to one `Ask`; every field where the later one has no row."""
    report = REPORTS[after.ask.report]
    columns = ["part", "unit_id", "unit_code", "unit_name", *report.counts, *report.rates]
    try:
        old, new = (pd.DataFrame(rows_of(folder, a)[0], columns=columns).set_index(columns[:2]) for a in (before, after))
        units = old.index.union(new.index)
        old, new = old.reindex(units), new.reindex(units)
        moved = tuple(key for key in new if ((old[key] != new[key]) & (old[key].notna() | new[key].notna())).any())
    except InputError:  # the older answer is lost: that it differed is known all the same
        moved = ()
    ask = after.ask
    return Revision(ask.month, ask.report, ask.province, before.digest, after.digest, after.fetched, moved)


def revisions(folder: Path) -> list[Revision]:
    """Every change of an answer that the folder has seen, in the order in which it was noticed."""
    last: dict[Ask, Answer] = {}
    found = []
    for answer in read_index(folder):
        before = last.get(answer.ask)
        if before and before.rows and before.digest != answer.digest:
            found.append(revision(folder, before, answer))
        last[answer.ask] = answer
    return found


def read_cache(folder: Path, as_of: date | str | None = None, report: str | None = None) -> pd.DataFrame:
    """The folder's answers as one table, or as they stood at the end of the day `as_of` (UTC).

    Columns: service, report, period (YYYY-MM), province (as asked), part (`whole`: the province itself, `unit`: one of its agencies;
    adding both counts twice), unit_id, unit_code, unit_name, then the numbers under the portal's names (float; NaN: null, or not in
    that report). Counts are dossiers or procedures, rates percentages or points. A row per report, month, part and unit.
    `attrs["unknown"]`: fields that came and are not taken; `attrs["empty"]`: "month report" that was answered without a row.
    Raises InputError: no answers, a file lost or changed, an answer of another shape.
    """
    day = parse_day(as_of)
    index = [a for a in read_index(folder) if (day is None or a.fetched[:10] <= day) and report in (None, a.ask.report)]
    if not index:
        raise InputError(f"{folder.name}: no answers{f' up to {day}' if day else ''}{f' of {plain(report)}' if report else ''}")
    if len({answer.ask.base for answer in index}) > 1:
        raise InputError(f"{folder.name}/{INDEX}: answers of more than one host")
    rows, unknown, empty = [], set(), []
    newest = {answer.ask: answer for answer in index}
    for ask, answer in sorted(newest.items(), key=lambda item: (item[0].report, item[0].province, item[0].month)):
        found, extra = rows_of(folder, answer)
        head = {"service": REPORTS[ask.report].service, "report": ask.report, "period": ask.month, "province": ask.province}
        rows += [head | row for row in found]
        unknown |= extra
        empty += [] if found else [ask.name]
    used = {answer.ask.report for answer in index}
    columns = [key for name, known in REPORTS.items() if name in used for key in (*known.counts, *known.rates)]
    columns = [*IDENTITY, *dict.fromkeys(columns)]
    table = pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(columns[len(IDENTITY) :], "float64"))
    table.attrs.update(unknown=sorted(unknown), empty=empty)
    return table


def parse_day(as_of: date | str | None) -> str | None:
    if as_of is None:
        return None
    try:
        return (as_of if isinstance(as_of, date) else date.fromisoformat(as_of)).isoformat()[:10]
    except (TypeError, ValueError):
        raise InputError(f"as of {plain(str(as_of))}: write a day as YYYY-MM-DD") from None


def write_table(folder: Path, as_of: date | str | None = None) -> Path:
    """Write `read_cache` as a tidy CSV (UTF-8) into the folder and return its path; counts without a decimal point.

    `definition` says what a report measures (readers.DEFINITIONS). A number that is not known is an empty cell. A code or name that a
    spreadsheet would take for a formula gets an apostrophe before it.
    """
    table = read_cache(folder, as_of)
    counts = {key for report in REPORTS.values() for key in report.counts} & set(table.columns)
    table = table.astype(dict.fromkeys(counts, "Int64"))
    table.insert(table.columns.get_loc("report") + 1, "definition", [REPORTS[name].definition for name in table["report"]])
    for key in ("unit_id", "unit_code", "unit_name"):
        table[key] = table[key].map(harmless)
    path = folder / TABLE
    write_bytes(path, table.to_csv(index=False, lineterminator="\n").encode())
    return path
