"""Packed files (gzip, zip): the one table in them, unpacked into a private folder up to a limit, never elsewhere."""

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
from .kinds import MEMBERS, kind_of, plain_name, told_kind
from .readings import Reading

UNPACKED = 1 << 30  # bytes
BLOCK = 1 << 20
PACKED = ("gzip", "zip")


@dataclass(frozen=True)
class PlainFile:
    """A file as it can be read, unpacked where it was packed: it bears the name of the file that the user knows."""

    path: Path
    kind: str  # of kinds.ENDINGS, none of PACKED
    readings: tuple[Reading, ...]


def plain_file(path: Path, folder: Path) -> PlainFile:
    """`folder`: a private one, in which what is packed is unpacked. Raises InputError: no table, several, packed twice, too large."""
    kind = kind_of(path)
    if kind not in PACKED:
        return PlainFile(path, kind, told_kind(kind, path.suffix.lower()))
    inside = folder / "unpacked"
    inside.mkdir()
    ending = unpack_gzip(path, inside / path.name) if kind == "gzip" else unpack_zip(path, inside / path.name)
    with (inside / path.name).open("rb") as file:
        if not file.read(1):
            raise InputError(f"{path.name}: the file is empty")
    held = kind_of(inside / path.name, ending)
    if held in PACKED:
        raise InputError(f"{path.name}: packed twice; unpack it once")
    return PlainFile(inside / path.name, held, (*told_kind(kind, path.suffix.lower()), *told_kind(held, ending)))


@contextmanager
def beginning(path: Path) -> Iterator[PlainFile]:
    """The same, gone at the end, for a look at how a file begins."""
    if kind_of(path) not in PACKED:
        yield plain_file(path, path.parent)
        return
    with private_folder() as folder:
        yield plain_file(path, folder)


def unpack_gzip(path: Path, target: Path) -> str:
    """The ending that the name promises of what is inside."""
    try:
        with gzip.open(path) as packed:
            copy(path, packed, target)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise blame(error, InputError(f"{path.name}: not a readable gzip file")) from None
    return Path(path.stem).suffix.lower()


def unpack_zip(path: Path, target: Path) -> str:
    """The ending of the one table that an archive holds. Raises InputError for none, several, a protected one."""
    try:
        with zipfile.ZipFile(path) as archive:
            member = only_table(path, archive.infolist())
            with archive.open(member) as packed:
                copy(path, packed, target)
    except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError, RuntimeError, zlib.error) as error:
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
