"""Faults of the machine (a full disk, a limit of this process, too little memory) told apart from input that cannot be read.

Of a file that its user named, the system's "permission denied", "is a directory" and the like are bad input (exit code 2); everything
else that the system says is the machine's (exit code 1), whatever library passes it on.
"""

import errno
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from platformdirs import user_cache_path

from .errors import InputError, RunFailed

try:
    import resource
except ImportError:  # Windows, which knows no such limits
    resource = None

NAMED = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG,
         errno.EINVAL, errno.EEXIST, errno.ENOTEMPTY, errno.EPIPE}  # fmt: skip
FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
SAID = {number: os.strerror(number) for number in (*FULL, errno.EFBIG, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO, errno.EAGAIN)}
# kinds of error that pass on what the system said in their text
TEXTS = {"OSError", "ImportError", "RuntimeError", "IOException", "InternalException", "FatalException", "TransactionException",
         "CalamineError"}  # fmt: skip
NUMBER = re.compile(r'"errno":"(\d+)"|\(os error (\d+)\)|\[Errno (\d+)\]')
LEAST_MEMORY = 2 << 30  # bytes that a process may take
ENOUGH = (("RLIMIT_FSIZE", 1 << 30, "the size of files (ulimit -f)"), ("RLIMIT_AS", 1 << 40, "memory (ulimit -v)"),
          ("RLIMIT_DATA", 1 << 33, "memory (ulimit -d)"), ("RLIMIT_NOFILE", 256, "open files (ulimit -n)"),
          ("RLIMIT_NPROC", 256, "processes (ulimit -u)"))  # fmt: skip
ROOM = 1 << 20  # bytes free on a disk that is not full


def fault_of(error: BaseException, place: Path | None = None) -> RunFailed | None:
    """What a fault of the machine is told as: its cause and what to do, in one line; None where the error is none.

    `place`: what was being written to, or its folder.
    """
    number = errno_of(error)
    if number is None:
        return None
    if "OutOfMemoryException" in type(error).__name__ and " used)" in str(error):
        return RunFailed("the rows need more memory than the database may take, although it uses the disk besides: split the file")
    if number in FULL:
        return RunFailed(f"no space is left on the disk of {told_place(error, place)}: make room there", "disk_full")
    if number == errno.EFBIG:
        return RunFailed(f"a file would be larger than allowed{limit('RLIMIT_FSIZE', 'bytes')}: raise the limit (ulimit -f)", "disk_full")
    if number in (errno.EMFILE, errno.ENFILE):
        return RunFailed(f"more open files than are allowed{limit('RLIMIT_NOFILE', 'files')}: raise the limit (ulimit -n)")
    if number == errno.ENOMEM:
        return RunFailed(f"not enough memory{limit('RLIMIT_AS', 'bytes') or limit('RLIMIT_DATA', 'bytes')}: end other programs, or raise "
                         f"the limit (ulimit -v)")  # fmt: skip
    if number == errno.EAGAIN:
        return RunFailed(f"no further process or thread is allowed{limit('RLIMIT_NPROC', 'of them')}: raise the limit (ulimit -u)")
    return RunFailed(f"the system says: {os.strerror(number)}{' (' + place.name + ')' if place else ''}: look at the disk or network drive")


def blame(error: Exception, bad: Exception) -> Exception:
    """What to raise where something is not as it should be: `bad`, or the error itself where the machine is to blame, for whoever
    tells of it."""
    return bad if errno_of(error) is None else error


@contextmanager
def told_of(place: Path) -> Iterator[None]:
    """Inside, where something is written to `place`, a fault of the machine is RunFailed; a disk full elsewhere is left to others."""
    try:
        yield
    except Exception as error:
        fault = fault_of(error, place)
        if fault is None or (errno_of(error) in FULL and not path_in(error) and not is_full(place)):
            raise
        raise fault from None


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Inside, where a file that its user named is read, what the system refuses is InputError; a fault of the machine stays."""
    try:
        yield
    except OSError as error:
        raise blame(error, InputError(f"{path.name}: cannot be read ({error.strerror or 'no reason told'})")) from None


def errno_of(error: BaseException) -> int | None:
    """The system's number of a fault of the machine; None where the error tells of none."""
    if isinstance(error, MemoryError):
        return errno.ENOMEM
    text, kinds = str(error), {kind.__name__ for kind in type(error).__mro__}
    if "OutOfMemoryException" in kinds:
        return errno.ENOSPC if "temp_directory" in text else errno.ENOMEM
    found = getattr(error, "errno", None)  # also of errors of sockets that are no OSError
    if not isinstance(found, int):
        found = told_errno(text) if kinds & TEXTS else None
    return found if found and found not in NAMED else None


def told_errno(text: str) -> int | None:
    """The system's number of what the text of an error tells, by the number or in the system's own words."""
    if told := NUMBER.search(text):
        return int(next(filter(None, told.groups())))
    if "can't start new thread" in text:
        return errno.EAGAIN
    if "bad_alloc" in text or "bad allocation" in text:
        return errno.ENOMEM
    return next((number for number, words in SAID.items() if words in text), None)


def path_in(error: BaseException) -> str:
    """The path that an error names; "" where it names none."""
    if isinstance(error, OSError):
        return os.fsdecode(error.filename) if isinstance(error.filename, (str, bytes)) else ""
    told = re.search(r'"([^"\\]*/[^"\\]*)\\?"', str(error))
    return told[1] if told else ""


def told_place(error: BaseException, place: Path | None) -> str:
    """Where a disk is full, without this machine's folders: by whose place it is."""
    path = Path(path_in(error) or (place if place and is_full(place) else ""))
    for base, told in ((user_cache_path("hgdx_eval"), "the user's cache (XDG_CACHE_HOME names another)"),
                       (Path(tempfile.gettempdir()), "the temporary folder (TMPDIR names another)")):  # fmt: skip
        if path.name and path.absolute().is_relative_to(base):
            return told
    if place and path.name and path.absolute().is_relative_to(place.absolute()):
        path = place  # and not a name that a file has for a moment
    return path.name or "outputs, the user's cache or the temporary folder"


def is_full(place: Path) -> bool:
    """Whether nothing more can be written to a place (or to the nearest folder above it that is there)."""
    there = next(above for above in (place.absolute(), *place.absolute().parents) if above.exists())
    inodes = os.statvfs(there) if hasattr(os, "statvfs") else None
    return shutil.disk_usage(there).free < ROOM or (inodes is not None and inodes.f_files > 0 and inodes.f_favail == 0)


def allowed(name: str) -> int | None:
    """The limit of this process that goes by a name of `resource`; None without one."""
    found = resource.getrlimit(getattr(resource, name))[0] if hasattr(resource, name) else -1
    return None if found < 0 or found == resource.RLIM_INFINITY else found


def memory_left() -> int | None:
    """Bytes that this process may still take; None without a limit."""
    limits = {"vms": allowed("RLIMIT_AS"), "data": allowed("RLIMIT_DATA")}
    if set(limits.values()) == {None}:
        return None
    import psutil

    taken = psutil.Process().memory_info()
    return max(0, min(most - getattr(taken, name, 0) for name, most in limits.items() if most is not None))


def limit(name: str, of: str) -> str:
    """A limit as a message tells it; "" without one."""
    return "" if (found := allowed(name)) is None else f" ({found:,} {of})"


def check_memory() -> None:
    """Raises RunFailed under a limit of memory so low that a library's threads would end the process without a word."""
    for name, option in (("RLIMIT_AS", "-v"), ("RLIMIT_DATA", "-d")):
        if (found := allowed(name)) is not None and found < LEAST_MEMORY:
            raise RunFailed(f"not enough memory: this process may take {found >> 20:,} MB; at least {LEAST_MEMORY >> 20:,} MB are needed: "
                            f"raise the limit (ulimit {option})")  # fmt: skip


def shortage(place: Path) -> str:
    """What may have kept another program, which says nothing of it, from writing to a place or from running at all; "" for nothing."""
    if is_full(place):
        return f"no space is left on the disk of {told_place(OSError(), place)}: make room there"
    found = [told for name, enough, told in ENOUGH if (most := allowed(name)) is not None and most < enough]
    return f"it may take too little here: raise the limit of {found[0]}" if found else ""
