"""What a file is, told by its content: people and programs save anything under any ending."""

import codecs
import re
import zipfile
import zlib
from pathlib import Path

from ..base.errors import InputError
from ..base.machine import reading
from .readings import Reading

START = 1 << 12  # bytes by which a file is told
BLOCK = 1 << 20
MEMBERS = 2_000  # files in one archive
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
STREAMS = {"EncryptedPackage": "protected", "Workbook": "xls", "Book": "xls", "WordDocument": "Word document", "PowerPoint Document":
           "PowerPoint presentation"}  # fmt: skip
# what holds no table that is read here, by its first bytes
OTHER = {
    b"%PDF-": "PDF document", b"{\\rtf": "Word document (RTF)", b"\x89PNG\r\n": "picture (PNG)", b"\xff\xd8\xff": "picture (JPEG)",
    b"GIF8": "picture (GIF)", b"II*\0": "picture (TIFF)", b"MM\0*": "picture (TIFF)", b"7z\xbc\xaf\x27\x1c": "7z archive",
    b"Rar!\x1a": "RAR archive", b"\xfd7zXZ": "xz archive", b"BZh91AY": "bzip2 archive", b"\x28\xb5\x2f\xfd": "zstd archive",
    b"SQLite format 3\0": "SQLite database", b"\0\1\0\0Standard ": "Access database", b"$FL2": "SPSS file", b"$FL3": "SPSS file",
    b"ARROW1": "Arrow file", b"RDX3\n": "R file", b"MIME-Version:": "web archive (MHTML)", b"\x7fELF": "program", b"MZ\x90\0": "program",
}  # fmt: skip
OLD_STATA = re.compile(rb"[\x69\x6c-\x73][\x01\x02]\x01\x00")
HTML = re.compile(r"<(?:!doctype\s+html|html|head|body|table|meta|script|style|title|div|center|tr)\b", re.IGNORECASE)
# endings that a kind goes by; all others are told
ENDINGS = {
    "text": (".csv", ".tsv", ".txt"), "xlsx": (".xlsx", ".xlsm"), "xls": (".xls",), "ods": (".ods",), "parquet": (".parquet",),
    "json": (".json", ".ndjson", ".jsonl"), "dta": (".dta",), "gzip": (".gz",), "zip": (".zip",), "html": (), "spreadsheetml": (),
}  # fmt: skip
UNREADABLE = {".xlsx": "workbook", ".xlsm": "workbook", ".xls": "workbook", ".ods": "workbook", ".parquet": "Parquet file",
              ".dta": "Stata file", ".gz": "gzip file", ".zip": "zip archive"}  # fmt: skip


def kind_of(path: Path, ending: str | None = None) -> str:
    """One of ENDINGS. `ending`: of the name that it goes by, where that is not the path's. Raises InputError for what is something else,
    by the name of what it is."""
    ending = path.suffix.lower() if ending is None else ending
    with reading(path), path.open("rb") as file:
        start = file.read(START)
    if start.startswith(OLE[:4]):
        return ole_kind(path, ending)
    if start.startswith((b"PK\3\4", b"PK\5\6")):
        return zip_kind(path)
    for magic, kind in ((b"PAR1", "parquet"), (b"\x1f\x8b", "gzip"), (b"<stata_dta>", "dta")):
        if start.startswith(magic):
            return kind
    if OLD_STATA.match(start):
        return "dta"
    if other := next((name for magic, name in OTHER.items() if start.startswith(magic)), None):
        raise no_table(path, other)
    return text_kind(path, start, ending)


def no_table(path: Path, what: str) -> InputError:
    return InputError(f"{path.name}: this is a {what}, whatever it is called: no table is read from it; save the table as .xlsx or .csv")


def unreadable(path: Path, ending: str = "") -> InputError:
    return InputError(f"{path.name}: not a readable {UNREADABLE.get(ending or path.suffix.lower(), 'file')}")


def ole_kind(path: Path, ending: str) -> str:
    """Of a file of Microsoft's older container: named by the streams that it lists."""
    found = set()
    with reading(path), path.open("rb") as file:
        held = b""
        while block := file.read(BLOCK):  # a multiple of an entry's 128 bytes
            seen = held + block
            found |= {name for name in STREAMS if listed(seen, name, len(held))}
            held = block[-256:]
    kind = next((STREAMS[name] for name in STREAMS if name in found), None)
    if kind == "protected":
        raise InputError(f"{path.name}: protected by a password; save it without one")
    if kind is None and ending != ".xls":
        raise InputError(f"{path.name}: protected by a password, or a damaged old workbook; save it as .xlsx without a password")
    if kind not in (None, "xls"):
        raise no_table(path, kind)
    return "xls"


def listed(seen: bytes, name: str, held: int) -> bool:
    """Whether a directory entry (128 bytes: the name in UTF-16, its length at 64) of that name stands in a piece of the file that begins
    `held` bytes before a multiple of an entry."""
    coded = name.encode("utf-16-le") + b"\0\0"
    at = seen.find(coded)
    while at >= 0:
        if (at - held) % 128 == 0 and int.from_bytes(seen[at + 64 : at + 66], "little") == len(coded):
            return True
        at = seen.find(coded, at + 1)
    return False


def zip_kind(path: Path) -> str:
    """Of an archive: a workbook by its parts, else zip."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = {plain_name(name) for name in archive.namelist()}
            mimetype = archive.open("mimetype").read(200).decode("ascii", "replace") if "mimetype" in names else ""
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, KeyError, NotImplementedError, RuntimeError, zlib.error):
        raise unreadable(path) from None
    if "xl/workbook.xml" in names:
        return "xlsx"
    if "xl/workbook.bin" in names:
        raise no_table(path, "binary workbook (.xlsb)")
    if mimetype.startswith("application/vnd.oasis.opendocument."):
        if "spreadsheet" not in mimetype:
            raise no_table(path, "file of another OpenDocument program")
        return "ods"
    for part, what in (("word/", "Word document"), ("ppt/", "PowerPoint presentation"), ("index/document.iwa", "Numbers or Pages file")):
        if any(name.startswith(part) for name in names):
            raise no_table(path, what)
    return "zip"


def plain_name(name: str) -> str:
    """The name of an archive's member as compared: some programs write backslashes."""
    return name.replace("\\", "/").lower()


def decoded_start(start: bytes) -> str:
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return start[: len(start) // 2 * 2].decode("utf-16", "replace")
    if start[1:200:2].count(0) > len(start[:200]) // 3:
        return start[: len(start) // 2 * 2].decode("utf-16-le", "replace")
    return start.decode("utf-8-sig", "replace")


def text_kind(path: Path, start: bytes, ending: str) -> str:
    """Of what has no first bytes of its own: markup, JSON or text. Raises InputError where it is none, for all that its ending promises."""
    text = decoded_start(start)
    head = text.lstrip()
    if head.startswith("<"):
        if "urn:schemas-microsoft-com:office:spreadsheet" in head and not re.match(r"<(?:!doctype\s+)?html", head, re.IGNORECASE):
            return "spreadsheetml"
        if HTML.search(head):
            return "html"
        if head.startswith("<?xml"):
            raise no_table(path, "XML file of a kind that is not known here")
    if ending in ENDINGS["json"] or re.match(r"\{\s*\"[^\"]*\"\s*:|\[\s*[{\[]\s*\"", head):
        return "json"
    promised = ending in UNREADABLE
    if promised and (re.search(r"[\0-\x08\x0e-\x1f]", text) or not re.search(r"[,;\t|].*[\n\r]\s*\S", text)):
        raise unreadable(path, ending)
    return "text"


def told_kind(kind: str, ending: str) -> tuple[Reading, ...]:
    """How a file is read whose ending promises something else."""
    return () if not ending or ending in ENDINGS[kind] else (Reading(f"content_{kind}", {"ending": ending}),)
