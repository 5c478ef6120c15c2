"""Private folders of a command: what lies there is gone when it ends, and after a kill when the next command begins.

They stand in a base that carries a mark of this kit. Whatever is not surely the kit's own is neither used nor removed.
"""

import os
import re
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout
from platformdirs import user_cache_path

from .aside import NEW, own_folder

SOCKET_PATH = 60  # bytes of a folder under which sockets are made: the system allows about 100 for the whole path
MARK = ".made-by-hgdx-eval"
NAME = re.compile(r"w[0-9a-f]{8}")
POSIX = hasattr(os, "getuid")


def bases() -> list[Path]:
    """Where private folders may stand: the user's cache (mode 0700), then the system's temporary folder."""
    own = f"hgdx-eval-{os.getuid()}" if POSIX else "hgdx-eval"
    places = [user_cache_path("hgdx_eval") / "work", Path(tempfile.gettempdir()) / own, Path("/tmp") / own]
    return list(dict.fromkeys(place for place in places if place.parent.is_dir() or place == places[0]))


def base(sockets: bool = False) -> Path:
    """The first place that can be written and is this kit's own; with `sockets`, whose path is short enough for them."""
    for folder in bases():
        if sockets and os.name == "posix" and len(os.fsencode(folder)) > SOCKET_PATH:
            continue
        try:
            made_own(folder)
            if not is_own(folder):
                continue
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError:
            continue
        return folder
    raise PermissionError(13, "no private folder can be written", tempfile.gettempdir())


def made_own(folder: Path) -> None:
    """Make a base that is not there, and mark one that is private and empty; in any other nothing is changed."""
    with suppress(FileExistsError):
        folder.mkdir(parents=True, mode=0o700)
    if is_private(folder) and not os.listdir(folder):
        with suppress(FileExistsError):
            os.close(os.open(folder / MARK, NEW, 0o600))


def is_own(folder: Path) -> bool:
    """Whether a base is surely this kit's: private, marked, and nobody else can put another in its place."""
    try:
        mark = (folder / MARK).lstat()
        above = folder.parent.stat()
    except OSError:
        return False
    if not is_private(folder) or not stat.S_ISREG(mark.st_mode):
        return False
    if not POSIX:
        return True
    open_to_all = above.st_mode & stat.S_IWOTH and not above.st_mode & stat.S_ISVTX
    return mark.st_uid == os.getuid() and above.st_uid in (0, os.getuid()) and not open_to_all


def is_private(folder: Path) -> bool:
    """Whether it is a real folder of this user that no other can look into."""
    return own_folder(folder) and (not POSIX or stat.S_IMODE(folder.lstat().st_mode) == 0o700)


@contextmanager
def private_folder(sockets: bool = False) -> Iterator[Path]:
    """A new folder that only this user can look into (mode 0700), removed at the end whatever happens.

    A lock beside it is held for as long as this process lives, so that `clean_leftovers` knows a dead one's folder.
    `sockets`: its path is short enough for local sockets inside it.
    """
    clean_leftovers()
    folder = base(sockets) / f"w{secrets.token_hex(4)}"
    try:
        with FileLock(f"{folder}.lock"):  # first the lock, then the folder: none is there without an owner
            folder.mkdir(mode=0o700)
            yield folder
    finally:
        remove(folder)


def clean_leftovers() -> None:
    """Remove the private folders of this user's commands that were killed: by their exact names, in bases that are surely ours."""
    for folder in (found for place in bases() if is_own(place) for found in place.iterdir()):
        if NAME.fullmatch(folder.name) and is_private(folder):
            try:
                with FileLock(f"{folder}.lock", timeout=0):
                    shutil.rmtree(folder, ignore_errors=True)
            except (Timeout, OSError):
                continue
            remove(folder)


def remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    Path(f"{folder}.lock").unlink(missing_ok=True)
