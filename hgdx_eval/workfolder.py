"""Private folders of a command: what lies there is gone when it ends, and after a kill when the next command begins."""

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from platformdirs import user_cache_path

SOCKET_PATH = 60  # bytes of a folder under which sockets are made: the system allows about 100 for the whole path


def bases() -> list[Path]:
    """Where private folders may stand: the user's cache (mode 0700), then the system's temporary folder."""
    own = f"hgdx-eval-{os.getuid()}" if hasattr(os, "getuid") else "hgdx-eval"
    places = [user_cache_path("hgdx_eval") / "work", Path(tempfile.gettempdir()) / own, Path("/tmp") / own]
    return list(dict.fromkeys(place for place in places if place.parent.is_dir() or place == places[0]))


def base(sockets: bool = False) -> Path:
    """The first place that can be written and is this user's own; with `sockets`, whose path is short enough for them."""
    for folder in bases():
        if sockets and os.name == "posix" and len(os.fsencode(folder)) > SOCKET_PATH:
            continue
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError:
            continue
        if not hasattr(os, "getuid") or folder.stat().st_uid == os.getuid():
            folder.chmod(0o700)
            return folder
    raise PermissionError(13, "no private folder can be written", tempfile.gettempdir())


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
    """Remove the private folders of this user's commands that were killed."""
    for folder in (found for place in bases() for found in place.glob("w*[!k]")):
        if folder.is_dir() and not folder.is_symlink():
            try:
                with FileLock(f"{folder}.lock", timeout=0):
                    shutil.rmtree(folder, ignore_errors=True)
            except (Timeout, OSError):
                continue
            remove(folder)


def remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    Path(f"{folder}.lock").unlink(missing_ok=True)
