"""Where a study's data lie, and what code reads them; nothing is read here."""

import hashlib
from functools import cache
from pathlib import Path

from ..base.errors import InputError
from ..base.machine import reading, told_of
from ..base.origin import SUFFIXES
from ..base.own_files import PACKAGE, SHIPPED
from ..base.safe_text import is_utf8, plain_line
from ..study.domains import domain_of
from ..study.study import SEEN_FROM, Study

BESIDE = (".fees.csv", ".truth.csv", ".payments.csv", ".request.json")  # what stands beside an export is no export

DRAWN = "mo_phong.csv"  # the simulated export of a study without data


def data_files(data: Path) -> list[Path]:
    """The files of `data:`, sorted by name: a file, a folder (what can be read in it), or a pattern like thang_*.xlsx.

    Raises InputError where there is none, or where a folder may not be looked into.
    """
    with reading(data):
        if data.is_file():
            return [data]
        if data.is_dir():
            found = [file for file in data.iterdir() if file.suffix.lower() in SUFFIXES]
        elif is_pattern(data):
            found = list(data.parent.glob(data.name))
        else:
            return [data]  # its reader says that there is no such file
        found = sorted(f for f in found if f.is_file() and not f.name.startswith((".", "~$")) and not f.name.lower().endswith(BESIDE))
    if not found:
        raise InputError(f"{data.name}: no file to read in it; read are {', '.join(SUFFIXES)}")
    for file in found:
        if not is_utf8(str(file)):
            raise InputError(f"{data.name}: it holds a file whose name is not UTF-8 ({plain_line(file.name)}); allowed: UTF-8: rename it")
    return found


def is_pattern(path: Path) -> bool:
    return any(mark in path.name for mark in "*?[")


def payments_beside(path: Path) -> Path:
    """Where the fee detail of one dossier list is looked for: its name and `.payments.csv`."""
    return Path(f"{path}.payments.csv")


def study_data(p: Study) -> Path:
    """The study's data: a file, a folder or a pattern; a study without one draws its simulated export into a folder of this user's cache.

    Raises InputError where a file or folder is not there.
    """
    if p.data is not None:
        with reading(Path(p.data)):
            if not Path(p.data).exists() and not is_pattern(Path(p.data)):
                raise InputError(f"{p.study}: data: {Path(p.data).name}: there is no such file or folder; {SEEN_FROM}")
        return Path(p.data)
    if p.world is None:
        raise InputError(f"{p.study}: data: is missing: bring the province's export as -p data=FILE "
                         f"({p.layout}: csv or xlsx)")  # fmt: skip
    from platformdirs import user_cache_path

    draw = f"{p.world}-{p.effect:g}-{p.dossiers}-{p.seed}-{code_hash()[:8]}"
    path = user_cache_path("hgdx_eval") / draw / DRAWN
    if not (path.is_file() and Path(f"{path}.fees.csv").is_file()):  # that one is written last: a full disk may have come before it
        with told_of(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            domain_of(p).made_up(p, path)
    return path


@cache
def code_hash() -> str:
    """SHA-256 over the package's own files: a simulated export or a run is remembered together with the code."""
    digest = hashlib.sha256()
    for file in sorted(PACKAGE.rglob("*")):
        if not file.is_relative_to(SHIPPED) and file.suffix in (".py", ".yaml", ".j2", ".css", ".mplstyle", ".json"):
            digest.update(str(file.relative_to(PACKAGE)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()
