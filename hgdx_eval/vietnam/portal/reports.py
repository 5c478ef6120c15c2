"""What the national portal answers: its reports, and how an answer is read and checked."""

import json
import math
import re
import unicodedata
from dataclasses import dataclass


class Unreadable(Exception):
    """An answer that is no JSON: a web page, or text that breaks off. Worth another try."""


class ChangedShape(Exception):
    """JSON, but not the JSON that this report is known to give. Another try would give the same."""


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
