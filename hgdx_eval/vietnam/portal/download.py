"""Downloads a province's monthly statistics from the national public-service portal: politely, resumably, with every answer kept.

This has not been tried against the live service. It speaks the portal's two JSON services as public code that reads them
describes them, and is tested against a stub server only (tests/stub_portal.py). What comes in another shape is refused
in one line, never guessed at.

What is asked, always by POST, one request at a time:

* `older`, /jsp/rest.jsp: form field `params`, a JSON text; the answer is a JSON list of objects whose values are text.
  `province` is the portal's own number of the province (digits, "0" for all), not H30 and not the code of the statistics office.
* `newer`, /api/v1/reporting/evaluation/<report>: a JSON body; the answer is `{"code": "OK", "data": {...}}`, status 200 or 201.
  `province` is the portal's `rootDepartmentId`.

What is kept, in one folder: `answers/`, one file per answer with its bytes as they came (HTTP's own compression undone), named by
month, report and hash, so an answer is never overwritten; and `index.jsonl`, one line per month and report and day of asking:
request, time (UTC), HTTP status, SHA-256. An entry stands in the index only once all its pages lie in the folder. Thus a killed
download goes on where it stopped, a series can be rebuilt as of any date, and a later change shows as a revision.

Numbers (`number`): the portal's saved answers write a decimal point and no thousands separator ("19.05", "10"). So a count is digits
only, and "1.234" or "1,234" in a count is refused: it could be either. A share or score takes a decimal point, never a comma.
null and "" say nothing and become NaN; 0 stays 0. Fields keep their raw names: `X_TOTAL` is a count and `X` its percentage.
"""

import email.utils
import hashlib
import json
import math
import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from urllib.parse import urlencode, urljoin, urlsplit

import pandas as pd
import urllib3

from ...base.aside import write_bytes
from ...base.deadline import within
from ...base.errors import InputError
from .archive import ANSWERS, Answer, Revision, clock, intact, latest, locked, now, read_index, revision, write_index
from .reports import REPORTS, USUAL, Ask, ChangedShape, Page, Unreadable, plain, read_page, request_parameters

PORTAL = "https://dichvucong.gov.vn"
LOCAL = ("localhost", "127.0.0.1", "::1")
PAUSE, LEAST_PAUSE, MOST_PAUSE = 2.0, 0.5, 3600.0  # seconds between requests; the least holds for any host but this machine
TRIES = 5
BACK_OFF, MOST_BACK_OFF, MOST_RETRY_AFTER = 2.0, 120.0, 600.0  # seconds
CONNECT_SECONDS, READ_SECONDS, ANSWER_SECONDS = 10.0, 60.0, 300.0  # to connect, between two pieces, for a whole answer
MOST_BYTES = 50_000_000
MOST_MONTHS, MOST_PAGES = 240, 100

TRANSIENT = (429, 500, 502, 503, 504)


class FetchFailed(Exception):
    """The service did not give a usable answer after all tries. What came before is kept. Exit code 1."""


class Transient(Exception):
    """A failure that may pass. `after`: seconds that the service asked to wait."""

    def __init__(self, message: str, after: float = 0.0) -> None:
        super().__init__(message)
        self.after = after


@dataclass(frozen=True)
class Fetched:
    """What a download did. Months are YYYY-MM, one entry per month and report."""

    folder: Path
    requests: int  # sent in this run, further tries counted
    new: tuple[str, ...]  # "month report" asked in this run
    kept: tuple[str, ...]  # those that were there already
    empty: tuple[str, ...]  # those without a row: asked again by the next run
    revisions: tuple[Revision, ...]
    unknown: tuple[str, ...]  # fields that came and are not known here: in the raw answers, not in the table


# --- asking --------------------------------------------------------------------------------------------------------
def silent(line: str) -> None:
    """No progress lines."""


def fetch(
    base_url: str,
    service: str,
    province: str,
    first: str,
    last: str,
    folder: Path,
    *,
    reports: tuple[str, ...] = (),
    refresh: bool = False,
    pause: float = PAUSE,
    tries: int = TRIES,
    most_bytes: int = MOST_BYTES,
    say: Callable[[str], None] = silent,
) -> Fetched:
    """Ask for the months `first` to `last` (YYYY-MM, both included) that `folder` does not hold yet; with `refresh` for all.

    `service`: older or newer; `reports`: names in REPORTS, the usual ones where none is given; `pause`: seconds.
    Raises InputError (an option is wrong), FolderBusy, FetchFailed (what came before it is kept; run again to go on).
    """
    base = checked_base(base_url)
    pause = checked_pause(pause, base)
    names = checked_reports(service, reports)
    if tries < 1 or most_bytes < 1:
        raise InputError("tries and most_bytes: at least 1")
    asks = [Ask(base, name, checked_province(service, province), month) for month in months_between(first, last) for name in names]
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder.name}: not a folder")
    if (folder / ANSWERS).is_symlink():
        raise InputError(f"{folder.name}/{ANSWERS} is a link; allowed: a real folder, so that answers go nowhere else: take the link away")
    (folder / ANSWERS).mkdir(parents=True, exist_ok=True)
    new, kept, empty, found, unknown = [], [], [], [], set()
    with locked(folder), urllib3.PoolManager(num_pools=1, maxsize=1, cert_reqs="CERT_REQUIRED") as pool:
        index = read_index(folder)
        if index and index[0].ask.base != base:
            raise InputError(f"{folder.name}: holds answers of {index[0].ask.base}; take another folder for {base}")
        line = Line(pool, pause, tries, most_bytes, say)
        for i, ask in enumerate(asks, start=1):
            before = latest(index, ask)
            if before and before.rows and not refresh and intact(folder, before):
                kept.append(ask.name)
                continue
            try:
                answer, extra = ask_all_pages(line, ask, folder)
            except FetchFailed as error:
                raise FetchFailed(f"{error}; stopped at {i} of {len(asks)}, what came before is kept in {folder.name}: run again") from None
            index = [*index, answer]
            write_index(folder, index)
            new.append(ask.name)
            unknown |= extra
            empty += [] if answer.rows else [ask.name]
            changed = before is not None and bool(before.rows) and before.digest != answer.digest
            found += [revision(folder, before, answer)] if changed else []
            say(f"{ask.name}: rows: {answer.rows}{', changed' if changed else ''}; {i} of {len(asks)}")
    return Fetched(folder, line.sent, tuple(new), tuple(kept), tuple(empty), tuple(found), tuple(sorted(unknown)))


def fetched_lines(done: Fetched) -> list[str]:
    """What a download did, for standard error: counts, months without a row, revisions, unknown fields."""
    lines = [f"answers: {len(done.new)} new, {len(done.kept)} there already; requests sent: {done.requests}"]
    lines += [f"{name}: answered without a row; asked again next time" for name in done.empty]
    for found in done.revisions:
        moved = ", ".join(found.fields[:6]) + (" and more" if len(found.fields) > 6 else "") or "no number, only the bytes"
        lines.append(f"{found.month} {found.report}: revised, {found.old[:12]} then, {found.new[:12]} now; moved: {moved}")
    return lines + ([f"fields not known here, kept in the raw answers only: {', '.join(done.unknown)}"] if done.unknown else [])


@dataclass
class Line:
    """The one connection of a run, and how fast it may be used."""

    pool: urllib3.PoolManager
    pause: float
    tries: int
    most_bytes: int
    say: Callable[[str], None]
    sent: int = field(default=0)


def ask_all_pages(line: Line, ask: Ask, folder: Path) -> tuple[Answer, frozenset[str]]:
    """All pages of one report and month, each written as it came; and the fields that are not known here.

    A service that says how many pages there are is believed and held to it; otherwise a full page asks for the next one,
    and a next page that only repeats the units means that this report is not paginated.
    """
    report, pages, seen, unknown = REPORTS[ask.report], [], set(), set()
    rows, fetched = 0, now()
    for number in range(1, MOST_PAGES + 1):
        body, status, page = ask_page(line, ask, number)
        units = {row["unit_id"] for row in page.rows if row["part"] == "unit"}
        if number > 1 and units <= seen and page.pages is None:
            break
        if units & seen:
            raise FetchFailed(f"{ask.name}: page {number} repeats units of the pages before it")
        digest = hashlib.sha256(body).hexdigest()
        file = f"{ask.month}-{ask.report}-{ask.province}-{number}-{digest[:16]}.json"
        write_bytes(folder / ANSWERS / file, body)
        pages.append((file, digest, status, len(body)))
        rows += len(page.rows) if number == 1 else len(units)
        seen, unknown = seen | units, unknown | page.unknown
        full = report.page_size > 0 and len(units) == report.page_size
        if not (full if page.pages is None else number < page.pages):
            break
    else:
        raise FetchFailed(f"{ask.name}: more than {MOST_PAGES} pages")
    if page.units is not None and page.units != len(seen):
        raise FetchFailed(f"{ask.name}: {len(seen)} units came of the {page.units} that the service announced")
    return Answer(ask, fetched, rows, tuple(pages)), frozenset(unknown)


def ask_page(line: Line, ask: Ask, number: int) -> tuple[bytes, int, Page]:
    """One page, with up to `line.tries` tries. Raises FetchFailed, naming month, report and what was found."""
    place = f"{ask.name}{f', page {number}' if number > 1 else ''}"
    after = 0.0
    for attempt in range(1, line.tries + 1):
        if line.sent:
            wait(max(line.pause, after, back_off(attempt) if attempt > 1 else 0.0))
        line.sent += 1
        try:
            body, status = post(line, ask, number)
            return body, status, read_page(ask, number, body)
        except (Transient, Unreadable) as error:
            reason, after = str(error), getattr(error, "after", 0.0)
        except (ChangedShape, FetchFailed) as error:
            raise FetchFailed(f"{place}: {error}") from None
        if after > MOST_RETRY_AFTER:
            raise FetchFailed(f"{place}: {reason}; the service asks to come back in {math.ceil(after)} seconds")
        if attempt < line.tries:
            line.say(f"{place}: {reason}; try {attempt} of {line.tries}")
    raise FetchFailed(f"{place}: {reason}, after {line.tries} {'try' if line.tries == 1 else 'tries'}")


def wait(seconds: float) -> None:
    time.sleep(seconds)


def back_off(attempt: int) -> float:
    """Seconds before try number `attempt` (2, 3, ...): doubling, with jitter, capped."""
    return min(MOST_BACK_OFF, BACK_OFF * 2.0 ** (attempt - 1)) * random.uniform(0.5, 1.0)


def post(line: Line, ask: Ask, number: int) -> tuple[bytes, int]:
    """Send one request: (body, status). Raises Transient where another try may help, FetchFailed where not."""
    report, parameters = REPORTS[ask.report], request_parameters(ask, number)
    text = json.dumps(parameters, ensure_ascii=False, separators=(",", ":"))
    if report.service == "older":
        kind, body = "application/x-www-form-urlencoded; charset=UTF-8", urlencode({"params": text}).encode()
    else:
        kind, body = "application/json; charset=UTF-8", text.encode()
    headers = {"User-Agent": user_agent(), "Accept": "application/json", "Accept-Encoding": "identity", "Content-Type": kind}
    try:
        return within(ANSWER_SECONDS, lambda: answered(line, ask, body, headers))
    except TimeoutError:  # the connection that still answers, byte by byte, ends with this command: none is opened beside it
        raise FetchFailed("no whole answer in time") from None
    except urllib3.exceptions.SSLError:
        raise FetchFailed("the server's certificate could not be verified") from None
    except urllib3.exceptions.NewConnectionError:  # before the time-outs: it is one of them by name only
        raise Transient("no connection") from None
    except urllib3.exceptions.TimeoutError:
        raise Transient("no answer in time") from None
    except urllib3.exceptions.HTTPError as error:
        broken = isinstance(error, (urllib3.exceptions.ProtocolError, urllib3.exceptions.DecodeError))
        raise Transient("the answer broke off" if broken else "the connection failed") from None


def answered(line: Line, ask: Ask, body: bytes, headers: dict[str, str]) -> tuple[bytes, int]:
    """The answer's body and status."""
    response = line.pool.request(
        "POST", ask.url, body=body, headers=headers, redirect=False, retries=False, preload_content=False,
        timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
    )  # fmt: skip
    try:
        check_status(response, ask)
        return read_body(response, line.most_bytes), response.status
    finally:
        response.close()  # what was not read to its end must not become the next answer's beginning


def check_status(response: urllib3.BaseHTTPResponse, ask: Ask) -> None:
    """Raises Transient or FetchFailed for any status but 200 and 201."""
    status = response.status
    if status in TRANSIENT:
        raise Transient(f"HTTP status {status}", retry_after(response.headers.get("Retry-After")))
    if 300 <= status < 400:
        target = urlsplit(urljoin(ask.url, response.headers.get("Location", "")))
        if f"{target.scheme}://{target.netloc}" != ask.base:
            raise FetchFailed(f"redirected to another host ({plain(f'{target.scheme}://{target.hostname}')}), which is refused")
        raise FetchFailed(f"redirected to another page of the host (HTTP status {status}), which is refused")
    if status not in (200, 201):
        raise FetchFailed(f"HTTP status {status}")


def read_body(response: urllib3.BaseHTTPResponse, most_bytes: int) -> bytes:
    """The whole body, given up as soon as it is too large."""
    parts, size = [], 0
    announced = response.headers.get("Content-Length", "")
    if announced.isascii() and announced.isdigit() and int(announced[:18]) > most_bytes:
        raise FetchFailed(f"an answer of more than {most_bytes:,} bytes, which is refused")
    for part in response.stream(1 << 16, decode_content=True):
        parts.append(part)
        size += len(part)
        if size > most_bytes:
            raise FetchFailed(f"an answer of more than {most_bytes:,} bytes, which is refused")
    return b"".join(parts)


def retry_after(text: str | None) -> float:
    """Seconds from a Retry-After header: a number, or an HTTP date; 0 where there is none or it is neither."""
    text = (text or "").strip()
    if re.fullmatch(r"[0-9]{1,9}", text):
        return float(text)
    try:
        when = email.utils.parsedate_to_datetime(text)
        return max(0.0, (when.replace(tzinfo=when.tzinfo or UTC) - clock()).total_seconds())
    except (TypeError, ValueError, OverflowError):
        return 0.0


def user_agent() -> str:
    try:
        return f"hgdx_eval/{version('hgdx_eval')} (policy evaluation kit; monthly statistics, one request at a time)"
    except PackageNotFoundError:
        return "hgdx_eval (policy evaluation kit; monthly statistics, one request at a time)"


# --- what may be asked ---------------------------------------------------------------------------------------------
def checked_base(url: str) -> str:
    """scheme://host[:port] in lower case. Raises InputError: not https (but for this machine), a path, a name or password in it."""
    try:
        parts = urlsplit(url.strip())
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise InputError(f"--url {plain(url)}: not an address") from None
    if not host or parts.scheme.lower() not in ("http", "https"):
        raise InputError(f"--url {plain(url)}: write https://HOST")
    if parts.username is not None or parts.password is not None:
        raise InputError("--url: no user name or password in the address")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise InputError(f"--url {plain(url)}: only scheme, host and port; the path is known")
    if parts.scheme.lower() == "http" and host not in LOCAL:
        raise InputError(f"--url {plain(url)}: only https (http is for this machine alone)")
    return f"{parts.scheme.lower()}://{f'[{host}]' if ':' in host else host}{f':{port}' if port else ''}"


def checked_pause(pause: float, base: str) -> float:
    least = 0.0 if urlsplit(base).hostname in LOCAL else LEAST_PAUSE
    if not least <= pause <= MOST_PAUSE:
        raise InputError(f"--pause {pause:g}: {least:g} to {MOST_PAUSE:g} seconds")
    return float(pause)


def checked_reports(service: str, reports: tuple[str, ...]) -> tuple[str, ...]:
    if service not in USUAL:
        raise InputError(f"--service {plain(service)}: allowed: {', '.join(USUAL)}")
    allowed = [name for name, report in REPORTS.items() if report.service == service]
    for name in reports:
        if name not in allowed:
            raise InputError(f"--report {plain(name)}: the {service} service gives {', '.join(allowed)}")
    return tuple(dict.fromkeys(reports)) or USUAL[service]


def checked_province(service: str, province: str) -> str:
    if service == "older" and not re.fullmatch(r"[0-9]{1,9}", province):
        raise InputError(f"--province {plain(province)}: the older service takes the portal's own number, such as 398126; 0 is all of them")
    if not re.fullmatch(r"[0-9A-Za-z][0-9A-Za-z-]{0,63}", province):
        raise InputError(f"--province {plain(province)}: the newer service takes a rootDepartmentId: letters, digits and hyphens")
    return province


def months_between(first: str, last: str) -> list[str]:
    """YYYY-MM from first to last. Raises InputError: no months, the wrong order, a month that is not over, too many."""
    for option, text in (("--from", first), ("--to", last)):
        if not re.fullmatch(r"[12][0-9]{3}-(0[1-9]|1[0-2])", text):
            raise InputError(f"{option} {plain(text)}: write a month as YYYY-MM")
    months = [str(month) for month in pd.period_range(first, last, freq="M")]
    if not months:
        raise InputError(f"--from {first} is after --to {last}")
    if len(months) > MOST_MONTHS:
        raise InputError(f"--from {first} --to {last}: {len(months)} months; at most {MOST_MONTHS}")
    if last >= f"{clock() + timedelta(hours=7):%Y-%m}":  # the portal's clock: UTC+7, no summer time
        raise InputError(f"--to {last}: that month is not over yet, its numbers would still grow")
    return months
