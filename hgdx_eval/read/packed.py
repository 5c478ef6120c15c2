"""Files that are not read as they lie: packed ones (gzip, zip), unpacked up to a limit, and text of mojibake, turned back. Both into a
private folder, never elsewhere."""

import collections
import gzip
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from ..base.errors import InputError
from ..base.machine import blame
from ..base.origin import SUFFIXES
from ..base.private_folder import private_folder
from .garbled import mend
from .kinds import MEMBERS, kind_of, plain_name, told_kind
from .readings import Reading
from .text import letters_of

UNPACKED = 1 << 30  # bytes
BLOCK = 1 << 20
PACKED = ("gzip", "zip")


@dataclass(frozen=True)
class PlainFile:
    """A file as it can be read: what was packed or turned back bears the name of the file that the user knows."""

    path: Path
    kind: str  # of kinds.ENDINGS, none of PACKED
    readings: tuple[Reading, ...]


def plain_file(path: Path, folder: Path) -> PlainFile:
    """`folder`: a private one, in which what is packed is unpacked. Raises InputError: no table, several, packed twice, too large."""
    kind = kind_of(path)
    if kind not in PACKED:
        return mended(PlainFile(path, kind, told_kind(kind, path.suffix.lower())), folder)
    inside = folder / "unpacked"
    inside.mkdir()
    ending = unpack_gzip(path, inside / path.name) if kind == "gzip" else unpack_zip(path, inside / path.name)
    with (inside / path.name).open("rb") as file:
        if not file.read(1):
            raise InputError(f"{path.name}: the file is empty")
    held = kind_of(inside / path.name, ending)
    if held in PACKED:
        raise InputError(f"{path.name}: packed twice; unpack it once")
    return mended(PlainFile(inside / path.name, held, (*told_kind(kind, path.suffix.lower()), *told_kind(held, ending))), folder)


def is_mojibake(path: Path, kind: str) -> bool:
    return kind == "text" and letters_of(path) == ("utf-8-sig", "mojibake")


def mended(file: PlainFile, folder: Path) -> PlainFile:
    """The same, a text that is mojibake from its first line to its last as what it should be; where it is not, whoever reads it says so."""
    if not is_mojibake(file.path, file.kind):
        return file
    target = folder / "mended" / file.path.name
    target.parent.mkdir()
    return PlainFile(target, file.kind, (*file.readings, Reading("mojibake"))) if mend(file.path, target) else file


@contextmanager
def beginning(path: Path) -> Iterator[PlainFile]:
    """The same, gone at the end, for a look at how a file begins."""
    if (kind := kind_of(path)) not in PACKED and not is_mojibake(path, kind):
        yield PlainFile(path, kind, told_kind(kind, path.suffix.lower()))
        return
    with private_folder() as folder:
        yield plain_file(path, folder)


def unpack_gzip(path: Path, target: Path) -> str:
    """The ending that the name promises of what is inside."""
    try:
        with gzip.open(path) as packed:
            copy(path, packed, target)
    except (OSError, EOFError, zlib.error) as error:
        raise blame(error, InputError(f"{path.name}: not a readable gzip file")) from None
    return Path(path.stem).suffix.lower()


def unpack_zip(path: Path, target: Path) -> str:
    """The ending of the one table that an archive holds. Raises InputError for none, several, a protected one."""
    try:
        with zipfile.ZipFile(path) as archive:
            member = only_table(path, archive.infolist())
            with archive.open(member) as packed:
                copy(path, packed, target)
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError, RuntimeError, zlib.error) as error:
        raise blame(error, InputError(f"{path.name}: not a readable zip archive")) from None
    return ending_of(member)


def ending_of(member: zipfile.ZipInfo) -> str:
    return PurePosixPath(plain_name(member.filename)).suffix


def only_table(path: Path, members: list[zipfile.ZipInfo]) -> zipfile.ZipInfo:
    if len(members) > MEMBERS:
        raise InputError(f"{path.name}: more than {MEMBERS:,} files in one archive; unpack it and name the one that is meant")
    names = {member: PurePosixPath(plain_name(member.filename)) for member in members if not member.is_dir()}
    tables = [member for member, name in names.items()
              if name.suffix in SUFFIXES and not name.name.startswith((".", "~$")) and "__macosx" not in name.parts]  # fmt: skip
    tables = [member for member in tables if ending_of(member) != ".txt"] or tables  # a read-me is none
    if len(tables) != 1:
        kinds = collections.Counter(map(ending_of, tables))
        told = ", ".join(f"{number} {kind}" for kind, number in kinds.items()) or "none of the kinds that are read"
        raise InputError(f"{path.name}: an archive with {len(tables)} tables ({told}): exactly one is read; unpack it and name the one "
                         f"that is meant")  # fmt: skip
    if tables[0].flag_bits & 1:
        raise InputError(f"{path.name}: protected by a password; unpack it")
    return tables[0]


def copy(path: Path, packed: IO[bytes], target: Path) -> None:
    """Raises InputError for more than UNPACKED bytes, whatever the archive says of itself."""
    size = 0
    with target.open("xb") as file:
        while block := packed.read(BLOCK):
            size += len(block)
            if size > UNPACKED:
                raise InputError(f"{path.name}: unpacked it is larger than {UNPACKED >> 20:,} MB; unpack it yourself, or split it")
            file.write(block)
