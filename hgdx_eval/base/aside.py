"""How this kit writes files: made aside under a name that nobody can guess, whole and on the disk, then renamed into place.

Nobody else's file is opened for writing: a link, file or folder that lies in the way of a new file is passed by, one in the place of
the finished file is replaced, never followed.
"""

import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL
for flag in ("O_NOFOLLOW", "O_CLOEXEC", "O_BINARY"):
    NEW |= getattr(os, flag, 0)
FRESH = re.compile(r"\.hgdx-[0-9a-f]{16}\.new")


@contextmanager
def new_file(path: Path, private: bool = False) -> Iterator[BinaryIO]:
    """A file to be filled, which becomes `path` at the end, or is gone where anything fails. `private`: mode 0600, else as the
    umask says. Raises OSError, which names `path`."""
    fresh = path.with_name(f".hgdx-{secrets.token_hex(8)}.new")
    try:
        with os.fdopen(os.open(fresh, NEW, 0o600 if private else 0o666), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, path)
    except OSError as error:
        if error.filename == str(fresh):
            error.filename, error.filename2 = str(path), None
        raise
    finally:
        with suppress(OSError):
            fresh.unlink()


def write_bytes(path: Path, content: bytes, private: bool = False) -> None:
    with new_file(path, private) as file:
        file.write(content)


def write_text(path: Path, text: str, private: bool = False) -> None:
    """UTF-8 with the line ends as they are."""
    write_bytes(path, text.encode(), private)


def sweep(folder: Path) -> None:
    """Remove what killed commands left of their files; only under the lock of those who write there."""
    for left in folder.iterdir():
        if FRESH.fullmatch(left.name) and stat.S_ISREG(left.lstat().st_mode):
            left.unlink()


def own_folder(path: Path) -> bool:
    """Whether it is a real folder (no link) of this user."""
    try:
        seen = path.lstat()
    except OSError:
        return False
    real = stat.S_ISDIR(seen.st_mode) and not getattr(seen, "st_reparse_tag", 0)  # Windows has links that look like folders
    return real and (not hasattr(os, "getuid") or seen.st_uid == os.getuid())
