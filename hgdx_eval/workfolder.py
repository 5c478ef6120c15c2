"""Private folders of a command: what lies there is gone when it ends, and after a kill when the next command begins."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from platformdirs import user_cache_path


def base() -> Path:
    """Where private folders stand: the user's cache (mode 0700), or where none can be written the system's temporary folder."""
    own = f"hgdx-eval-{os.getuid()}" if hasattr(os, "getuid") else "hgdx-eval"
    for folder in (user_cache_path("hgdx_eval") / "work", Path(tempfile.gettempdir()) / own):
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
def private_folder() -> Iterator[Path]:
    """A new folder that only this user can look into (mode 0700), removed at the end whatever happens.

    A lock beside it is held for as long as this process lives, so that `clean_leftovers` knows a dead one's folder.
    """
    clean_leftovers()
    folder = Path(tempfile.mkdtemp(dir=base(), prefix="w"))
    try:
        with FileLock(f"{folder}.lock"):
            yield folder
    finally:
        remove(folder)


def clean_leftovers() -> None:
    """Remove the private folders of this user's commands that were killed."""
    for folder in base().glob("w*[!k]"):
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
