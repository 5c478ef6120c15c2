"""Names to codes: which unit an export's text means, how that was seen, and in which months the name was in force."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache

import pandas as pd

from ..base.errors import InputError
from ..base.telling import SHARED_PERIODS, SHARED_ROWS, person_like, shape_of
from ..panel.panel import NAMES
from .facts import Facts, Unit, cluster_of

HOW = ("exact", "orthography", "abbreviation", "alias", "without_kind", "portal_code", "former_name", "unknown", "ambiguous")
SHORT = {"tp": "thành phố", "tx": "thị xã", "tt": "thị trấn", "p": "phường", "x": "xã", "h": "huyện", "t": "tỉnh"}
KIND = re.compile(r"^(Thành phố|Thị xã|Huyện|Tỉnh) ")
ANY_KIND = re.compile(r"^(thành phố|thị xã|thị trấn|huyện|tỉnh|phường|xã) ", re.IGNORECASE)
TONES = "\u0300\u0301\u0303\u0309\u0323"
COUNCIL = re.compile("^(ubnd|(uỷ|ủy|uy\u0309) ban nhân dân) ", re.IGNORECASE)
AGENCY_WORDS = (
    "bảo hiểm", "ban chỉ đạo", "ban chỉ huy", "ban dân tộc", "ban quản lý", "ban tiếp công dân", "ban tôn giáo", "bộ", "bql", "bưu điện",
    "chi cục", "chi nhánh", "công an", "cục", "điện lực", "hạt kiểm lâm", "hđnd", "kho bạc", "phòng", "sở", "thanh tra",
    "tòa án", "trạm", "trung tâm", "ubnd", "ủy ban", "văn phòng", "viện",
)  # fmt: skip
KINDS = "thành phố|thị xã|thị trấn|huyện|tỉnh|phường|xã|quận|đặc khu"
PLACE = re.compile(rf"({KINDS})( [^\W\d]+('[^\W\d]*)?){{1,4}}( \d{{1,2}})?|(phường|xã|quận) \d{{1,2}}", re.IGNORECASE)
NEXT_KIND = re.compile(rf"(?<!\bthị) (?=(?:{KINDS}) )", re.IGNORECASE)  # in "xã ... huyện ... tỉnh ...", without commas
ADDRESS = re.compile(r"\b(ấp|hẻm|khóm|khu|nhà|ông|bà|sđt|số nhà|thôn|tổ|đường)\b|\d{4}|\d[/.-]\d|@")
OWNED = re.compile(  # of offices that bear their owner's name
    r"\b(luật sư|bác s[ĩỹ]|lương y|công chứng|thừa phát lại|đấu giá|phòng khám|phòng mạch|nha khoa|(nhà|quầy|hiệu) thuốc|tư nhân|công ty|"
    r"tnhh|hộ kinh doanh|cửa hàng)\b"
)
UNOWNED = re.compile(  # what else stands in the name of such an office that bears nobody's
    r"\b(văn phòng|phòng|trung tâm|trạm|chi nhánh|đoàn|số|đa khoa|nhà nước|nhân dân|khu vực|y tế|tài sản|dịch vụ|hỗ trợ|và|\d{1,2}|"
    r"(tỉnh|thành phố|thị xã|huyện|quận)( [^\W\d]+){1,3})\b"
)
# places are called after people
AFTER_KIND = re.compile(r"\b(thành phố|thị xã|thị trấn|huyện|tỉnh|phường|xã|quận|đặc khu) [^\W\d]+", re.IGNORECASE)
FAR_FROM = re.compile(r"\b(đặc khu|khu vực|khu công nghiệp|khu kinh tế|nhà nước|nhà ở)\b")  # only look like an address


@dataclass(frozen=True)
class Match:
    """What a text means. `unit`: None where unknown or ambiguous; `candidates`: the units it may mean; `how`: one of HOW;
    `outside`: "" in force in that month, "ended" or "not_begun" where it was not.
    """

    unit: Unit | None
    how: str
    candidates: tuple[Unit, ...] = ()
    outside: str = ""


@dataclass(frozen=True)
class Entry:
    """One way to write a unit's name, with the days between which it was in force."""

    unit: Unit
    how: str
    text: str
    valid_from: date | None
    valid_to: date | None


def plain_name(text: str) -> str:
    """A name as compared: NFC, lower case, no punctuation, kinds of unit written out, "Thuỷ" and "Thủy" alike."""
    spelled = " ".join(SHORT.get(word, word) for word in unpunctuated(text).casefold().split())
    return COUNCIL.sub("", " ".join(toned_last(word) for word in spelled.split()))


def unpunctuated(text: str) -> str:
    """NFC, single spaces, no punctuation."""
    return " ".join(re.sub(r"[\s.,;:()/–-]+", " ", unicodedata.normalize("NFC", text)).split())


def toned_last(word: str) -> str:
    """The vowels, then the tone: where the tone mark stands tells no two words apart. ă, â, ê, ô, ơ, ư stay."""
    marks = unicodedata.normalize("NFD", word)
    vowels = "".join(mark for mark in marks if mark not in TONES)
    return unicodedata.normalize("NFC", vowels) + "".join(mark for mark in marks if mark in TONES)


@cache
def spellings(facts: Facts) -> dict[str, tuple[Entry, ...]]:
    """Plain name or portal code -> every way in which it is some unit's."""
    by_code = {unit.code: unit for unit in facts.units}
    index: dict[str, list[Entry]] = {}
    for unit in [*facts.units, *facts.former_units]:
        end = min(filter(None, (unit.valid_to, facts.units_end)))
        dated = [("exact", unit.name, unit.valid_from, end)]
        dated += [("alias", alias, unit.valid_from, end) for alias in unit.aliases]
        dated += [("former_name", old.name, old.valid_from, old.valid_to) for old in unit.former_names]
        for place in names_above(unit, by_code):
            dated += [(how, f"{text} {tail}", *days) for how, text, *days in dated for tail in (place, KIND.sub("", place))]
        if unit.portal:
            dated.append(("portal_code", unit.portal, unit.valid_from, end))
        for how, text, *days in dated:
            index.setdefault(plain_name(text), []).append(Entry(unit, how, text, *days))
    return {key: tuple(entries) for key, entries in index.items()}


def names_above(unit: Unit, by_code: dict[str, Unit]) -> list[str]:
    """The names of the units that a unit belongs to, the nearest first: of a commune its district, then its province."""
    names = []
    while unit.parent in by_code:
        unit = by_code[unit.parent]
        names.append(unit.name)
    return names


@cache
def kindless(facts: Facts) -> dict[str, tuple[Unit, ...]]:
    """Plain name without its kind ("long mỹ") -> the units that are called so, or so with a letter after it ("châu thành")."""
    index: dict[str, list[Unit]] = {}
    for unit in facts.units:
        if unit.level != "department":
            plain = plain_name(ANY_KIND.sub("", unit.name))
            for key in {plain, plain.removesuffix(" a")}:
                index.setdefault(key, []).append(unit)
    return {key: tuple(units) for key, units in index.items()}


@lru_cache(maxsize=10_000)  # a list has few names, each in many months, and is read more than once
def match_unit(facts: Facts, text: str, month: pd.Period | None = None) -> Match:
    """The unit of a name as an export writes it, or of its portal code, as of a month (None: whenever).

    The kind belongs to the name: "Long Mỹ" alone is a district or a town, so ambiguous. The district or the province may
    follow ("Xã Vị Thanh, huyện Vị Thủy"); a district that does not fit makes it unknown. A unit that ended is its
    successor, where the facts name one.
    """
    entries = spellings(facts).get(plain_name(text), ())
    if not entries:
        units = kindless(facts).get(plain_name(text), ())
        if len(units) == 1 and plain_name(text) == plain_name(ANY_KIND.sub("", units[0].name)):
            return Match(units[0], "without_kind", units, outside_of(None, facts.units_end, month))
        return Match(None, "ambiguous" if len(units) > 1 else "unknown", units)
    inside = [entry for entry in entries if not outside_of(entry.valid_from, entry.valid_to, month)] or list(entries)
    units = tuple(dict.fromkeys(entry.unit.code for entry in inside))
    entry = min(inside, key=lambda entry: HOW.index(entry.how))
    if len(units) > 1:
        return Match(None, "ambiguous", tuple(next(e.unit for e in inside if e.unit.code == code) for code in units))
    how = how_written(text, entry.text) if entry.how == "exact" else entry.how
    outside = outside_of(entry.valid_from, entry.valid_to, month)
    unit = successor_of(facts, entry.unit, month)
    return Match(unit, how if unit is entry.unit else "former_name", (unit,), outside)


def outside_of(first: date | None, last: date | None, month: pd.Period | None) -> str:
    """Whether a month lies wholly before the first day (not_begun) or after the last (ended); "" inside, or without a month."""
    if month is None:
        return ""
    if first and month.end_time.date() < first:
        return "not_begun"
    return "ended" if last and month.start_time.date() > last else ""


def successor_of(facts: Facts, unit: Unit, month: pd.Period | None) -> Unit:
    """The unit itself, or after its end the one that has its dossiers since."""
    while month is not None and unit.successor and outside_of(None, unit.valid_to, month):
        unit = next(other for other in [*facts.units, *facts.former_units] if other.code == unit.successor)
    return unit


def how_written(text: str, official: str) -> str:
    """exact, orthography (case, place of the tone mark) or abbreviation; the people's committee of a unit is the unit."""
    text, official = (COUNCIL.sub("", unpunctuated(name)) for name in (text, official))
    if text == official:
        return "exact"
    same = [" ".join(toned_last(word) for word in name.casefold().split()) for name in (text, official)]
    return "orthography" if same[0] == same[1] else "abbreviation"


def find_unit(facts: Facts, text: str, month: pd.Period | None = None) -> Unit | None:
    """The unit that `match_unit` finds; None where unknown or ambiguous."""
    return match_unit(facts, text, month).unit


# --- what may be said of a text ------------------------------------------------------------------------------------
def looks_like_agency(text: str) -> bool:
    """True where a text begins with a word of agencies, or is places with their kinds alone, and holds nothing of an address or a person:
    an office that may bear its owner's name is none."""
    whole = unicodedata.normalize("NFC", text).casefold()
    parts = [plain_long(part) for part in re.split(r",| [–-] ", whole)]
    plain = COUNCIL.sub("", parts[0])
    if len(text) > 120 or ADDRESS.search(FAR_FROM.sub("", whole)) or bears_a_name(text):
        return False
    if PLACE.match(plain) or plain != parts[0]:
        return all(PLACE.fullmatch(place) for part in [plain, *parts[1:]] for place in NEXT_KIND.split(part))
    toned = " ".join(toned_last(word) for word in plain.split()) + " "
    return any(toned.startswith(" ".join(toned_last(word) for word in words.split()) + " ") for words in AGENCY_WORDS)


def bears_a_name(text: str) -> bool:
    """Whether an agency's text holds what may be a person's name: one of a known form that is not a place's, or any word more than the
    kind, number and place of an office that may bear its owner's."""
    plain = plain_long(text)
    left = UNOWNED.sub(" ", OWNED.sub(" ", plain.casefold())) if OWNED.search(plain.casefold()) else ""
    return person_like(AFTER_KIND.sub(" · ", plain)) or bool(left.strip())


def plain_long(text: str) -> str:
    """No punctuation, kinds of unit written out where two letters or more stand for them: one letter may be a person's initial."""
    return " ".join(SHORT.get(word.casefold(), word) if len(word) > 1 else word for word in unpunctuated(text).split())


def shown_text(text: str, known: bool) -> str:
    """A text as it may be told: itself where it is known to be no person's, else its shape."""
    return " ".join(text.split()) if known else f"({shape_of(text)})"


def told_agency(text: str) -> str:
    """A summary's agency as a message may quote it: itself where it looks like one, else its shape."""
    return shown_text(text, looks_like_agency(text))


def shown_code(text: str) -> str:
    """A procedure's code as it may be told: itself where it has a code's form, else its shape."""
    return text if re.fullmatch(r"\d\.\d{6}(\.[\w.]{1,20})?", text, re.ASCII) else f"({shape_of(text)})"


UNKNOWN = "Chưa rõ cơ quan"  # the agency of rows whose text is no agency's name, and may be a person's


def named_agencies(texts: pd.Series, months: pd.Series, rows: pd.Series, facts: Facts, personal: bool = True) -> pd.DataFrame:
    """One row per row: agency, level, cluster, and of its text what may be told (text, means, how, outside, candidates, rows).

    `personal`: the file holds personal data, so that a text which may be no agency's name is told by its shape alone.
    """
    pairs = pd.MultiIndex.from_arrays([texts, months])
    sums, at = rows.groupby(texts).sum(), months.groupby(texts).nunique()
    often = set(sums.index[(sums >= SHARED_ROWS) & (at >= SHARED_PERIODS)])
    told = {}
    for text, month in pairs.unique():
        found = match_unit(facts, text, pd.Period(month, freq="M"))
        known = not personal or bool(found.candidates) or (text in often and looks_like_agency(text))
        own = found.unit.name if found.unit else " ".join(text.split()) if known else UNKNOWN
        told[text, month] = (own, level_of(found.unit), cluster_of(facts, found.unit).name if found.unit else own, shown_text(text, known),
                             found.unit.name if found.unit else "", found.how, found.outside, found.candidates)  # fmt: skip
    columns = ["agency", "level", "cluster", "text", "means", "how", "outside", "candidates"]
    frame = pd.DataFrame([told[pair] for pair in pairs], columns=columns, index=texts.index)
    return frame.assign(rows=rows.astype("int64"))


def matched_table(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """One row per text and way in which it was understood, most doubtful first; see `Panel.names_matched`."""
    both = pd.concat([part[NAMES] for part in parts], ignore_index=True)
    sums = both.groupby(NAMES[:-1], as_index=False, sort=True)["rows"].sum()
    doubt = sums["how"].isin(["ambiguous", "unknown", "unlisted"]).astype(int) + sums["outside"].ne("")
    return sums.assign(doubt=-doubt).sort_values(["kind", "doubt", "how", "text"], ignore_index=True).drop(columns="doubt")


def refuse_ambiguous(agencies: pd.DataFrame, file: str) -> None:
    """Raises InputError for the first text that may mean two units: the text, the candidates, what to write."""
    doubtful = agencies[agencies["how"] == "ambiguous"]
    if doubtful.empty:
        return
    first = doubtful.iloc[0]
    units = first["candidates"]
    rows = int(doubtful.loc[doubtful["text"] == first["text"], "rows"].sum())
    names, codes = " or ".join(unit.name for unit in units), ", ".join(unit.portal for unit in units if unit.portal)
    raise InputError(f"{file}: the agency {first['text']!r} ({rows} rows) may be {names}: write its full name, or its code on the "
                     f"portal ({codes})")  # fmt: skip


def level_of(unit: Unit | None) -> str:
    """province (departments and boards), district, commune, or unknown."""
    if unit is None:
        return "unknown"
    return "province" if unit.level == "department" else unit.level
