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
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from urllib.parse import urlencode, urljoin, urlsplit

import filelock
import pandas as pd
import urllib3

from ...base.aside import sweep, write_bytes
from ...base.deadline import within
from ...base.errors import InputError
from ...base.safe_text import harmless

PORTAL = "https://dichvucong.gov.vn"
LOCAL = ("localhost", "127.0.0.1", "::1")
PAUSE, LEAST_PAUSE, MOST_PAUSE = 2.0, 0.5, 3600.0  # seconds between requests; the least holds for any host but this machine
TRIES = 5
BACK_OFF, MOST_BACK_OFF, MOST_RETRY_AFTER = 2.0, 120.0, 600.0  # seconds
CONNECT_SECONDS, READ_SECONDS, ANSWER_SECONDS = 10.0, 60.0, 300.0  # to connect, between two pieces, for a whole answer
MOST_BYTES = 50_000_000
MOST_MONTHS, MOST_PAGES = 240, 100
LOCK_SECONDS = 5.0
TRANSIENT = (429, 500, 502, 503, 504)
INDEX, ANSWERS, TABLE = "index.jsonl", "answers", "months.csv"
IDENTITY = ["service", "report", "period", "province", "part", "unit_id", "unit_code", "unit_name"]


class FetchFailed(Exception):
    """The service did not give a usable answer after all tries. What came before is kept. Exit code 1."""


class FolderBusy(Exception):
    """Another download writes into the same folder. Exit code 3."""


class Unreadable(Exception):
    """An answer that is no JSON: a web page, or text that breaks off. Worth another try."""


class ChangedShape(Exception):
    """JSON, but not the JSON that this report is known to give. Another try would give the same."""


class Transient(Exception):
    """A failure that may pass. `after`: seconds that the service asked to wait."""

    def __init__(self, message: str, after: float = 0.0) -> None:
        super().__init__(message)
        self.after = after


@dataclass(frozen=True)
class Report:
    """What one report of one service is known to give. Field names are the portal's."""

    service: str
    counts: tuple[str, ...]
    rates: tuple[str, ...]  # percentages, scores and means
    required: tuple[str, ...]  # of every row (older), of the whole (newer), of every unit where there is no whole
    units: str = ""  # newer: key of the list of units
    whole: str = ""  # newer: key of the province's own row
    page_size: int = 0  # 0: not paginated
    single: bool = False  # one row, the province itself
    known: tuple[str, ...] = ()  # fields that are expected and not taken
    extra: tuple[tuple[str, object], ...] = ()  # parameters of the older service besides year, month and province
    definition: str = ""  # what it measures: one of readers.DEFINITIONS


NEWER_KNOWN = ("stt", "departmentType", "departmentLevel", "agencyLevel", "level", "childGroup")
NEWER_RATES = ("ratio", "score", "maxScore", "totalScore", "totalMaxScore", "scoreDelta")
SCORES = ("CKMB", "TDGQ", "TTTT", "CLGQ", "MDHL", "MDSH")
DATA_KNOWN = {"pagination", "monthlyChart", "source", "overview", "growthPercent", "radar"}
MONTH_KEYS, YEAR_KEYS = ("THANG", "MONTH"), ("NAM", "YEAR")

REPORTS = {
    "report_by_month_sum_service": Report(
        "older", definition="online_share",
        counts=("HS_TOTAL", "DB_TOTAL", "TNTK_TOTAL", "TNKTCS_TOTAL", "HTN_TRUCTUYEN_TOTAL", "HTN_TRUCTUYEN_KHONGCHUAN_TOTAL",
                "HTN_TRUCTIEP_TOTAL", "HTN_BUUCHINH_TOTAL", "HTDH_TOTAL", "HTQH_TOTAL", "DXLTH_TOTAL", "DXLQH_TOTAL", "GDTT_TOTAL",
                "GDTTQG_TOTAL", "NTTQG_TOTAL", "NTTDXLTH_TOTAL", "NTTDXLQH_TOTAL"),
        rates=("HTN_TRUCTUYEN", "HTN_TRUCTUYEN_KHONGCHUAN", "HTN_TRUCTIEP", "HTN_BUUCHINH", "HTDH", "HTQH", "DXLTH", "DXLQH", "GDTT",
               "GDTTDP", "GDTTQG", "NTTDXLTH", "NTTDXLQH", "TILE", "TILE_DB"),
        required=("HS_TOTAL", "HTN_TRUCTUYEN_TOTAL", "HTN_TRUCTUYEN_KHONGCHUAN_TOTAL", "HTN_TRUCTIEP_TOTAL", "HTN_BUUCHINH_TOTAL",
                  "DXLTH_TOTAL", "DXLQH_TOTAL", "GDTT_TOTAL", "GDTTQG_TOTAL"),
        single=True, extra=(("p_huyen_id", ""), ("p_linhvuc", 0)),
    ),
    "report_tinh_766_service": Report(
        "older", definition="index_766", counts=(), rates=(*SCORES, "TONG_SCORE"),
        required=("ID", "TEN", "MA_COQUAN", *SCORES, "TONG_SCORE"), page_size=1000,
        known=("TEN_COQUAN", "LOAI_COQUAN", "CAPDONVIID", "ID_COQUAN", "ROW_STT"),
        extra=(("p_6thang", 0), ("p_quy", 0), ("p_loaidonvi", 1), ("loaichitieu", 0)),
    ),
    "provide-online-tree": Report(
        "newer", definition="online_share",
        counts=("channelOnlineSum", "channelDirectSum", "channelPostalSum", "channelTotalSum", "authorityCount", "partialCount",
                "fullCount", "onlineDossierCount", "onlineServiceTotal", "onlineOnTimeSum", "onlineOverdueSum"),
        rates=NEWER_RATES, required=("channelOnlineSum", "channelDirectSum", "channelPostalSum", "channelTotalSum"),
        units="children", whole="parent", page_size=200, known=NEWER_KNOWN,
    ),
    "formality-online-payment-tree": Report(
        "newer", definition="online_payment",
        counts=("totalDossierOnlinePaymentSuccess", "totalDossierFinancialObligation", "totalDossierOnlineFormalityPaymentSuccess",
                "totalFeeDossierFormalityDistinct", "totalFeeDossierFormality", "totalFeeFormality"),
        rates=NEWER_RATES, required=("totalDossierOnlinePaymentSuccess", "totalDossierFinancialObligation"),
        units="children", whole="parent", page_size=100, known=NEWER_KNOWN,
    ),
    "dvc-progress-tree": Report(
        "newer", counts=("totalReceived", "totalOnTime", "totalOverdue", "totalCompleted"), rates=("avgProcessingDays", *NEWER_RATES),
        required=("totalReceived", "totalOnTime"), units="children", whole="parent", page_size=100, known=NEWER_KNOWN,
    ),
    "service-results": Report(
        "newer", counts=(), rates=(*SCORES, *NEWER_RATES), required=("totalScore", "groupScores"),
        units="evaluation", page_size=200, known=(*NEWER_KNOWN, "groupScores"),
    ),
}  # fmt: skip
USUAL = {"older": ("report_by_month_sum_service",), "newer": ("provide-online-tree", "formality-online-payment-tree")}


@dataclass(frozen=True)
class Ask:
    """One report of one province in one month; its pages are asked one after the other."""

    base: str
    report: str
    province: str
    month: str  # YYYY-MM

    @property
    def name(self) -> str:
        return f"{self.month} {self.report}"

    @property
    def url(self) -> str:
        older = REPORTS[self.report].service == "older"
        return self.base + ("/jsp/rest.jsp" if older else f"/api/v1/reporting/evaluation/{self.report}")


@dataclass(frozen=True)
class Page:
    """One answer, read. `rows`: a row per unit; `pages`, `units`: how many the service says there are, None where it says nothing."""

    rows: tuple[dict, ...]
    pages: int | None = None
    units: int | None = None
    unknown: frozenset[str] = frozenset()


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


def request_parameters(ask: Ask, number: int) -> dict[str, object]:
    """The JSON object that asks for one page."""
    report = REPORTS[ask.report]
    year, month = ask.month.split("-")
    if report.service == "newer":
        return {"timeType": "month", "year": int(year), "month": int(month), "rootDepartmentId": ask.province, "currentPage": number,
                "pageSize": report.page_size}  # fmt: skip
    page = {"pageIndex": number, "pageSize": report.page_size} if report.page_size else {}
    asked = {"type": "ref", "service": ask.report, "p_nam": year, "p_thang": int(month), "p_tinh_id": ask.province}
    return {**asked, **dict(report.extra), **page}


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


# --- reading an answer ---------------------------------------------------------------------------------------------
def read_page(ask: Ask, number: int, body: bytes) -> Page:
    """One answer as rows. Raises Unreadable (no JSON) or ChangedShape, neither with more of its content than a field's name."""
    document = read_json(body)
    if REPORTS[ask.report].service == "older":
        return read_older(ask, document)
    return read_newer(ask, number, document)


def read_json(body: bytes) -> object:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable(f"found {len(body):,} bytes that are no UTF-8 text instead of JSON") from None
    if not text.strip():
        raise Unreadable("found an empty answer instead of JSON")
    if text.lstrip().startswith("<"):
        raise Unreadable(f"found a web page of {len(body):,} bytes instead of JSON")
    try:
        return json.loads(text, parse_constant=refuse_constant, object_pairs_hook=unique_keys)
    except RecursionError:
        raise ChangedShape("found JSON nested too deep") from None
    except ValueError:
        raise Unreadable(f"found {len(body):,} bytes that are no JSON or break off in the middle") from None


def refuse_constant(text: str) -> float:
    raise ChangedShape(f"found {text}, which is no number of JSON")


def unique_keys(items: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(items)
    if len(found) != len(items):
        raise ChangedShape("found an object that names a field twice")
    return found


def read_older(ask: Ask, document: object) -> Page:
    """A list of objects, a unit each; for a `single` report one object, the province itself."""
    report = REPORTS[ask.report]
    if not isinstance(document, list) or not all(isinstance(row, dict) for row in document):
        raise ChangedShape(f"found {kind_of(document)} instead of a list of objects")
    if report.single and len(document) > 1:
        raise ChangedShape(f"found {len(document)} rows where one was expected")
    known = {*report.counts, *report.rates, *report.known, "ID", "TEN", "MA_COQUAN", *MONTH_KEYS, *YEAR_KEYS}
    rows, unknown = [], set()
    for i, raw in enumerate(document, start=1):
        place = f"row {i}"
        for keys, asked in ((YEAR_KEYS, ask.month[:4]), (MONTH_KEYS, ask.month[5:])):
            for key in keys:
                if raw.get(key) not in (None, "") and str(raw[key]).strip().lstrip("0") != asked.lstrip("0"):
                    raise ChangedShape(f"{place} is of another period ({key})")
        rows.append(
            {
                "part": "whole" if report.single else "unit",
                "unit_id": identity(raw, "ID", place) if "ID" in raw else ask.province,
                "unit_code": words_of(raw, "MA_COQUAN", place),
                "unit_name": words_of(raw, "TEN", place),
                **fields_of(report, raw, report.required, place),
            }
        )
        unknown |= raw.keys() - known
    return Page(distinct(rows), unknown=frozenset(map(plain, unknown)))


def read_newer(ask: Ask, number: int, document: object) -> Page:
    """`data` with the province's own row and a list of units (keys of the report), `pagination` where it comes."""
    report = REPORTS[ask.report]
    if not isinstance(document, dict) or "code" not in document:
        raise ChangedShape(f"found {kind_of(document)} without 'code' and 'data'")
    if document["code"] != "OK":
        raise ChangedShape(f"the service answers with code {plain(str(document['code']))!r}")
    data = document.get("data")
    if not isinstance(data, dict):
        raise ChangedShape(f"found {kind_of(data)} as 'data' instead of an object")
    missing = [key for key in (report.whole, report.units) if key and key not in data]
    if missing:
        raise ChangedShape(f"'data' lacks {missing[0]!r}; it has {names_of(data)}")
    units, whole = data[report.units], data[report.whole] if report.whole else None
    if not isinstance(units, list) or not all(isinstance(row, dict) for row in units):
        raise ChangedShape(f"found {kind_of(units)} as {report.units!r} instead of a list of objects")
    if whole is None and report.whole and units:
        raise ChangedShape(f"found units but null as {report.whole!r}")
    if whole is not None and not isinstance(whole, dict):
        raise ChangedShape(f"found {kind_of(whole)} as {report.whole!r} instead of an object")
    rows, unknown = [], set(data) - DATA_KNOWN - {report.units, report.whole}
    if whole is not None:
        rows.append(newer_row(report, whole, "whole", report.whole))
        if ask.province not in (rows[0]["unit_id"], rows[0]["unit_code"]):
            raise ChangedShape("the answer is about another unit than the one asked for")
    rows += [newer_row(report, raw, "unit", f"{report.units} {i}") for i, raw in enumerate(units, start=1)]
    known = {*report.counts, *report.rates, *report.known, "departmentId", "departmentCode", "departmentName"}
    unknown |= {key for raw in [*units, *([whole] if whole is not None else [])] for key in raw.keys() - known}
    pages, total = pagination(data.get("pagination"), number)
    return Page(distinct(rows), pages, total, frozenset(map(plain, unknown)))


def newer_row(report: Report, raw: dict, part: str, place: str) -> dict:
    required = report.required if part == "whole" or not report.whole else ()
    groups = raw.get("groupScores") if "groupScores" in report.known else None
    if groups is not None and not isinstance(groups, dict):
        raise ChangedShape(f"{place}: found {kind_of(groups)} as 'groupScores' instead of an object")
    return {
        "part": part,
        "unit_id": identity(raw, "departmentId", place),
        "unit_code": words_of(raw, "departmentCode", place),
        "unit_name": words_of(raw, "departmentName", place),
        **fields_of(report, {**raw, **(groups or {})}, required, place),
    }


def pagination(raw: object, number: int) -> tuple[int | None, int | None]:
    """(pages, units) that the service announces; None where it does not."""
    if raw is None:
        return None, None
    wanted = ("currentPage", "totalPages", "total")
    if not isinstance(raw, dict) or any(type(raw.get(key)) is not int for key in wanted):
        raise ChangedShape("'pagination' lacks whole numbers for currentPage, totalPages and total")
    if raw["currentPage"] != number:
        raise ChangedShape(f"page {number} was asked for and page {raw['currentPage']} came")
    return raw["totalPages"], raw["total"]


def fields_of(report: Report, raw: dict, required: tuple[str, ...], place: str) -> dict[str, float]:
    """The report's numbers; NaN for what is null or, where a field may lack, absent."""
    missing = [key for key in required if key not in raw]
    if missing:
        raise ChangedShape(f"{place} lacks {missing[0]!r}; it has {names_of(raw)}")
    counts = {key: number(raw.get(key), True, f"{place}: {key}") for key in report.counts}
    return counts | {key: number(raw.get(key), False, f"{place}: {key}") for key in report.rates}


def number(raw: object, count: bool, place: str) -> float:
    """A count (whole, not negative) or a share, score or mean (decimal point) from JSON; NaN for null and "".

    Raises ChangedShape for text that could be read in two ways or in none: "1.234" and "1,234" as a count, "12,5", "12%".
    """
    if raw is None or (isinstance(raw, str) and not raw.strip()):
        return math.nan
    if isinstance(raw, str):
        pattern = r"[0-9]{1,15}(?:\.0)?" if count else r"-?(?:[0-9]{1,9}(?:\.[0-9]{1,16})?|\.[0-9]{1,16})"
        text = raw.strip()
        if not re.fullmatch(pattern, text):
            wanted = "digits only" if count else "digits with a decimal point"
            raise ChangedShape(f"{place} is {plain(text)!r}, which is no number as the portal writes them ({wanted})")
        raw = float(text)
    if isinstance(raw, bool) or not isinstance(raw, (int, float)):
        raise ChangedShape(f"{place} is {kind_of(raw)} instead of a number")
    if abs(raw) > 1e15 or (count and (raw < 0 or raw != int(raw))) or (not count and raw < 0 and not place.endswith("scoreDelta")):
        raise ChangedShape(f"{place} is {plain(str(raw))}, which is out of range")
    return float(raw)


def identity(raw: dict, key: str, place: str) -> str:
    text = str(raw[key]) if type(raw.get(key)) is int else words_of(raw, key, place)
    if not text:
        raise ChangedShape(f"{place} has no {key!r}")
    return text


def words_of(raw: dict, key: str, place: str) -> str:
    """A code or name: NFC, single spaces; "" where it lacks or is null."""
    text = raw.get(key)
    if text is None:
        return ""
    if not isinstance(text, str) or len(text) > 500:
        raise ChangedShape(f"{place}: {key} is {kind_of(text)}, not a short text")
    printable = "".join(c if c.isprintable() else " " for c in unicodedata.normalize("NFC", text))
    return " ".join(printable.split())


def distinct(rows: list[dict]) -> tuple[dict, ...]:
    seen = {(row["part"], row["unit_id"]) for row in rows}
    if len(seen) != len(rows):
        raise ChangedShape("found a unit twice in one answer")
    return tuple(rows)


def kind_of(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", int: "a number", float: "a number"}
    return "null" if value is None else names.get(type(value), "something else")


def names_of(raw: dict) -> str:
    shown = [repr(plain(key)) for key in list(raw)[:6]]
    return ", ".join(shown) + (f" and {len(raw) - 6} more" if len(raw) > 6 else "") if raw else "no field"


def plain(text: str) -> str:
    """At most 40 printable characters of what somebody else wrote, for a line of an error."""
    shown = "".join(c if c.isprintable() else "?" for c in text[:41])
    return shown[:40] + "…" if len(shown) > 40 else shown


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
