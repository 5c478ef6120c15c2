"""Text from outside as it may be shown: in a line of a terminal, and in a cell that a spreadsheet opens."""

import re
import unicodedata
from functools import lru_cache

FORMULA = re.compile(r"\s*[=+\-@\t\r]")
NUMBER = re.compile(r" *[+-]?\d[\d.,;:%\[\]() –−-]*(?:[eE][+-]?\d+)?%? *")  # or numbers, as in "+4,2 [3,0; 5,4]"
UNSEEN = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")


def plain_line(text: str) -> str:
    """One line without anything that steers a terminal, turns the direction of writing or cannot be seen."""
    return "".join("\ufffd" if unicodedata.category(letter) in UNSEEN else letter for letter in " ".join(text.splitlines()))


def plain_spaces(text: str) -> str:
    """A text as an eye sees it: NFC, every white space one space and none around it, nothing that cannot be seen, one hyphen."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    seen = "".join(" " if letter.isspace() else letter for letter in unicodedata.normalize("NFC", text)
                   if letter.isspace() or unicodedata.category(letter) not in ("Cf", "Cc"))  # fmt: skip
    return " ".join(seen.replace("\u2010", "-").replace("\u2011", "-").split())


def is_utf8(text: str) -> bool:
    """Whether a name is text that can be written; one of bytes that are no UTF-8 is not."""
    return text == text.encode(errors="replace").decode()


def harmless(cell: object) -> object:
    """A cell of a CSV: a text that a spreadsheet would take for a formula gets an apostrophe before it; numbers stay."""
    if isinstance(cell, str) and FORMULA.match(cell) and not NUMBER.fullmatch(cell):
        return "'" + cell
    return cell


@lru_cache(4096)
def header_key(text: str) -> str:
    """A header as compared: NFC, lower case, single spaces, no order number, colon or asterisk around it."""
    plain = unicodedata.normalize("NFC", str(text)).casefold().replace("\ufeff", "")
    return re.sub(r"\s+", " ", plain).strip(" \t*:.")
