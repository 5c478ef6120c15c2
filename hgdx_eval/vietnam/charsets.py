"""Vietnamese text in a wrong or an old encoding, told by the headers of a table that nothing else recognises."""

from collections.abc import Collection, Iterable
from pathlib import Path

from ..base.safe_text import header_key

BEGINNING = 1 << 16  # bytes of a text that hold its header
# TCVN3 (ABC), the encoding of .VnTime and its like: a byte -> its letter; capitals with marks have the bytes of small letters
TCVN3 = dict(zip(map(ord, (
    "\xb5\xb6\xb7\xb8\xb9\xa8\xbb\xbc\xbd\xbe\xc6\xa9\xc7\xc8\xc9\xca\xcb\xae\xcc\xce\xcf\xd0\xd1\xaa\xd2\xd3\xd4\xd5\xd6\xd7\xd8\xdc\xdd\xde"
    "\xdf\xe1\xe2\xe3\xe4\xab\xe5\xe6\xe7\xe8\xe9\xac\xea\xeb\xec\xed\xee\xef\xf1\xf2\xf3\xf4\xad\xf5\xf6\xf7\xf8\xf9\xfa\xfb\xfc\xfd\xfe"
    "\xa1\xa2\xa3\xa4\xa5\xa6\xa7")), (
    "àảãáạăằẳẵắặâầẩẫấậđèẻẽéẹêềểễếệìỉĩíị"
    "òỏõóọôồổỗốộơờởỡớợùủũúụưừửữứựỳỷỹýỵ"
    "ăâêôơưđ")))  # fmt: skip


def as_tcvn3(text: str) -> str:
    return text.translate(TCVN3)


def as_utf8(text: str) -> str:
    """Text whose UTF-8 was read as Windows-1252, as it was meant; unchanged where it is none."""
    raw = bytearray()
    for letter in text:
        try:
            raw += letter.encode("cp1252")
        except UnicodeError:
            if ord(letter) > 255:
                return text
            raw.append(ord(letter))  # five bytes that Windows-1252 leaves free
    try:
        return raw.decode("utf-8")
    except UnicodeError:
        return text


UTF8_TWICE = "UTF-8 that was read as Windows-1252 and saved so (mojibake: há»“ sÆ¡ for hồ sơ); export it again as UTF-8"
OLD = "TCVN3 (ABC, fonts like .VnTime: hå s¬ for hồ sơ); convert it to Unicode, UTF-8"


def wrong_encoding(path: Path, rows: Iterable[Iterable[object]], known: Collection[str]) -> str | None:
    """What is wrong with the encoding of a table's first rows: three labels of `known` (see `header_key`) appear once it is undone, and
    have letters with marks. None where nothing is."""
    cells = [str(cell) for row in rows for cell in row]
    raw = raw_cells(path)
    for undo, what, looked_at in ((as_utf8, UTF8_TWICE, cells), (as_tcvn3, OLD, cells + raw)):
        keys = {header_key(undo(cell)) for cell in looked_at if undo(cell) != cell}
        if len({key for key in keys & set(known) if not key.isascii()}) >= 3:
            return what
    return None


def raw_cells(path: Path) -> list[str]:
    """The cells of a text's first lines, a letter for a byte: what decodes a text may have changed an old encoding's bytes."""
    if path.suffix.lower() not in (".csv", ".tsv", ".txt"):
        return []
    with path.open("rb") as file:
        begun = file.read(BEGINNING).decode("latin-1")
    return [cell.strip('"') for line in begun.splitlines()[:30] for mark in ",;\t|" for cell in line.split(mark)]
