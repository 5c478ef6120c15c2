"""What a message may show of somebody's table: every value, name and header that leaves the program in words goes through here.

An error, a line of progress, an alert, a receipt and the notebooks of a failed run reach people who may not see the data. A value is
shown where it can be nobody's; else its shape, its row and a count are.
"""

import difflib
import re
import unicodedata
from collections.abc import Collection, Iterable
from itertools import zip_longest
from pathlib import Path

from .errors import InputError

SHARED_ROWS, SHARED_PERIODS = 20, 2  # rows and periods that share a name which may be told
MOST = 30  # names in one message
LONGEST_REPR = 240  # letters of what a record says of itself
SHEET = 10**12  # of a table put together from several sheets a row's number is SHEET times the place of its sheet, plus the row in it
UNTOLD = "…"  # stands for a file's name that looks like a person's

NOTHING = frozenset({  # what stands where a number should, and is no name
    "n/a", "na", "nan", "nil", "null", "none", "inf", "-inf", "infinity", "-infinity", "true", "false", "yes", "no", "có", "không", "x",
    "#n/a", "#div/0!", "#ref!", "#value!", "#name?", "#num!", "#null!", "#error!",
})  # fmt: skip
PERIOD = re.compile(  # right or wrong; of six digits in a row only what is no day of birth
    r"(?:19|20)\d\d(?:[-/ ]?[qmt]?\d|[-/ ][qmt]?\d\d|[qmt]\d\d)?|20(?:1[3-9]|[2-9]\d)\d\d|"
    r"[qmt]\d{1,2}[-/ ]?(?:19|20)\d\d|\d{1,2}[-/](?:19|20)\d\d",
    re.ASCII | re.IGNORECASE,
)
NUMBER = re.compile(r"[\d.,%/:()+ -]{1,12}", re.ASCII)
DAY = re.compile(r"\d{1,4}[/., :-]+\d{1,2}[/., :-]+\d{1,4}", re.ASCII)  # of birth, as likely as not
KNOWN_DIGITS = re.compile(  # dates that files are named by, and a procedure's code
    r"(?<!\d)(?:20\d\d[-_.]?(?:0[1-9]|1[0-2])(?:[-_.]?(?:0[1-9]|[12]\d|3[01]))?|\d{1,2}[-_.]\d{1,2}[-_.]20\d\d|"
    r"\d\.\d{6}(?:\.\d{3}\.\d\d\.\d\d\.H\d\d)?)(?!\d)"
)
LONG = re.compile(r"@|(?:\d[ ._-]?){7}")  # an address, a telephone or card number

# families of whom one more syllable makes a name; WORDLIKE ones with two more, all with capitals and marks, or with a MIDDLE as the next;
# COMMON words with a MIDDLE alone
FAMILIES = ("nguyễn", "trần", "phạm", "huỳnh", "hoàng", "bùi")
WORDLIKE = ("lê", "phan", "vũ", "võ", "đặng", "đỗ", "hồ", "ngô", "dương", "lý", "đinh", "đào", "trịnh", "trương", "tô", "tạ", "lương",
            "phùng", "vương", "tăng", "quách", "kiều", "tống")  # fmt: skip
COMMON = ("đoàn", "lâm", "mai", "hà", "cao", "châu", "thái", "lưu", "thạch", "triệu", "danh")
MIDDLES = ("văn", "thị", "hữu", "ngọc", "đức")
NO_FAMILY = re.compile(r"hồ chí minh|thị trấn|thi tran|(quản|xử|pháp|đại|vật|tâm) lý|(quan|xu|phap|dai) ly", re.IGNORECASE)


def quotable(text: object) -> bool:
    """Whether a message may quote a cell of somebody's table: a period, right or wrong (2023-13, 2011Q5); a decimal with at most six
    digits, or four others (12,5%); a mark of nothing (n/a, #DIV/0!). No other letter, and no date of a day, is quoted."""
    plain = " ".join(str(text).split())
    if plain.casefold() in NOTHING or PERIOD.fullmatch(plain):
        return True
    decimal = re.fullmatch(r"[+-]?\d*[.,][\d.,]*%?", plain)  # without a point 120385 is a day of birth, as likely as not
    return bool(NUMBER.fullmatch(plain)) and sum(c.isdigit() for c in plain) <= (6 if decimal else 4) and not DAY.search(plain)


def shape_of(text: object) -> str:
    """What a cell of a personal table looks like, never what it says: 'text of 14 characters', 'number of 8 digits'."""
    text = "" if text is None else str(text)
    if not text.strip():
        return "nothing"
    if re.fullmatch(r"[\d.,\s/:-]+", text, re.ASCII):
        return f"number of {sum(c.isdigit() for c in text)} digits"
    return f"text of {len(text)} characters"


def told_cell(cell: object, known: Collection[str] = ()) -> str:
    """A cell in quotes where it is one of the program's own words or quotable, else its shape."""
    return repr(str(cell)) if cell in known or quotable(cell) else shape_of(cell)


def row_text(row: int) -> str:
    """A row's number as a message tells it: "7", or "7 of sheet 2" of a table put together from several sheets."""
    sheet, row = divmod(int(row), SHEET)
    return f"{row} of sheet {sheet + 1}" if sheet else str(row)


def told_amount(value: float) -> str:
    """A number of a cell, or how many digits it has: seven may be a telephone's."""
    text = f"{value:.6g}"
    return text if quotable(text) else f"number of {len(str(int(abs(value))))} digits before the point"


# --- names ---------------------------------------------------------------------------------------------------------
def folded(text: str) -> str:
    """Lower case without marks: every way to write a name is the same."""
    marked = unicodedata.normalize("NFD", unicodedata.normalize("NFC", text).casefold()).replace("đ", "d")
    return "".join(c for c in marked if not unicodedata.combining(c))


SPELLED = {True: tuple(map(frozenset, (FAMILIES, WORDLIKE, (*WORDLIKE, *COMMON), MIDDLES))),  # with marks, and without
           False: tuple(frozenset(map(folded, names)) for names in (FAMILIES, (), (*WORDLIKE, *COMMON), MIDDLES))}  # fmt: skip


def syllables(text: str) -> list[str]:
    """The words of a text in NFC; NguyenVanA and nguyen_van_a are three."""
    apart = "".join(" " * (before.islower() and letter.isupper()) + letter for before, letter in zip(" " + text, text, strict=False))
    return re.findall(r"[^\W\d_]+", apart)


def person_like(text: str) -> bool:
    """Whether a text holds what looks like a Vietnamese person's name, with or without marks and capitals."""
    parts = NO_FAMILY.sub("·", " ".join(re.split(r"[\s_]+", unicodedata.normalize("NFC", text)))).split("·")
    return any(begins_person(words[at : at + 3]) for words in map(syllables, parts) for at in range(len(words) - 1))


def begins_person(words: list[str]) -> bool:
    """Whether two or three words are what FAMILIES, WORDLIKE and COMMON say of names."""
    families, capital, common, middles = SPELLED[any(not word.isascii() for word in words)]
    family, middle = (word.casefold() for word in words[:2])
    if family in families or len(words) < 3:
        return family in families
    named = family in capital and all(word[0].isupper() and not word[1:].isupper() for word in words)
    return named or family in common and middle in middles


def looks_personal(text: str) -> bool:
    """Whether the name of a file, column or unit looks like somebody's: an address, seven digits that are no date or code, a person."""
    return bool(LONG.search(KNOWN_DIGITS.sub(" ", text))) or person_like(text)


def told_file(name: str) -> str:
    """A file's or folder's name as it is published or sent: its ending alone where it looks like somebody's. The hash of its content
    tells which file it was."""
    if not looks_personal(name):
        return name
    ending = Path(name).suffix
    return UNTOLD + (ending if re.fullmatch(r"\.[A-Za-z]{2,7}", ending) and not person_like(ending) else "")


def without_files(text: str, names: Iterable[str]) -> str:
    """A line as it is sent, with `told_file` in place of the names of files that it was about."""
    for name in sorted({name for name in names if name}, key=len, reverse=True):
        text = text.replace(name, told_file(name)) if looks_personal(name) else text
    return text


def told_text(text: str) -> str:
    """A name that a study or a column bears, or its shape where it looks like somebody's."""
    return f"({shape_of(text)})" if looks_personal(text) else text


def in_brief(record: object, *parts: str) -> str:
    """The repr of a record: its kind and what it is about, in one line. An executed notebook keeps it beside whatever is shown, and a
    page publishes it where nothing else is: never tables, small counts, or where in memory something lies."""
    said = " ".join("; ".join(part for part in parts if part).split())
    return f"{type(record).__name__}({said if len(said) <= LONGEST_REPR else said[: LONGEST_REPR - 1] + UNTOLD})"


def told_name(name: str, tellable: Collection[str]) -> str:
    """A unit, cluster or group of the data in quotes where it may be told (`shared_names`, and what the study names), else its shape."""
    return repr(name) if name in tellable else f"({shape_of(name)})"


def told_names(names: Iterable[str], tellable: Collection[str]) -> str:
    """Those of some names that may be told, and how many may not."""
    names = list(dict.fromkeys(names))
    told = [name for name in names if name in tellable][:MOST]
    more = len(names) - len(told)
    return ", ".join([*told, *([f"{more} that {'are' if more > 1 else 'is'} not told"] if more else [])]) or "none"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """' (did you mean "x"?)' or nothing."""
    known = list(known)
    close = [name for name in known if word and initials(name) == word.lower()] or difflib.get_close_matches(word, known, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def initials(name: str) -> str:
    """twfe of two_way_fixed_effects; nothing of a name of fewer than three words."""
    parts = [part for part in name.split("_") if part]
    return "".join(part[0].lower() for part in parts) if len(parts) > 2 else ""


def check_name(kind: str, name: object, known: Iterable[str]) -> None:
    """Raises InputError where a name that was typed is none of those known, and lists these."""
    known = list(known)
    if not (isinstance(name, str) and name in known):
        said, near = (f"{name[:60]!r}", did_you_mean(name, known)) if isinstance(name, str) else (f"of type {type(name).__name__}", "")
        raise InputError(f"unknown {kind} {said}{near}; known: {', '.join(known) or 'none'}")


def shared_names(names: list[str], periods: list[object]) -> set[str]:
    """Names of the data that SHARED_ROWS rows in SHARED_PERIODS periods share, and that look like no person's."""
    seen: dict[str, list[object]] = {}
    for name, period in zip(names, periods, strict=True):
        seen.setdefault(name, []).append(period)
    return {name for name, at in seen.items()
            if len(at) >= SHARED_ROWS and len(set(at)) >= SHARED_PERIODS and not looks_personal(name)}  # fmt: skip


# --- headers -------------------------------------------------------------------------------------------------------
def is_header(header: Iterable[object], rows: Iterable[Iterable[object]]) -> bool:
    """Whether a first row names columns, so that a message may quote it; else its cells may be anybody's.

    Every cell is another one, has a letter, looks like no value and nobody's, and stands nowhere below itself; and some column holds
    numbers or dates, whose first cell would be one too if the first row were data.
    """
    labels = [str(label).strip() for label in header]
    filled = [folded(label) for label in labels if label]
    if len(set(filled)) < len(filled) or any(is_value(label) or looks_personal(label) for label in labels if label):
        return False
    columns = [(folded(label), cells) for label, cells in zip(labels, zip_longest(*rows, fillvalue=None)) if label]
    below = any(folded(str(cell)).strip() == label for label, cells in columns for cell in cells)
    return not below and any(mostly_numbers(cells) for _, cells in columns)


def is_value(text: str) -> bool:
    """Whether a text is a value rather than a label: no letter, a date, a mark of nothing."""
    return not re.search(r"[^\W\d_]", text) or DAY.search(text) is not None or text.casefold() in NOTHING - {"x", "no"}


def mostly_numbers(cells: Iterable[object]) -> bool:
    """Whether most of a column's cells are numbers, dates or periods."""
    texts = [str(cell) for cell in cells if cell is not None and str(cell).strip()]
    return 2 * sum(bool(re.search(r"\d", text)) and not re.search(r"[^\W\d_]{2}", text) for text in texts) > len(texts)
