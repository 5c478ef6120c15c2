"""What a run says while it works: a line that is rewritten on a terminal, plain lines in a log, JSON for machines."""

import errno
import json
import shutil
import socket
import sys
import traceback
from pathlib import Path

from .errors import InputError, RunFailed
from .own_files import PACKAGE
from .signals import Interrupted


class Progress:
    """How a command speaks. `begun`: what is said before something began waits, so that a refusal is one line alone."""

    machine = False
    begun = False
    waiting: tuple[str, ...] = ()
    open_line = False


def say(line: str, **event: object) -> None:
    """A line of progress on standard error; with --json the event, one object a line, on standard output."""
    if Progress.machine:
        tell("progress", message=line, **event)
    elif sys.stderr.isatty():
        print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
        Progress.open_line = True
    elif Progress.begun:
        print(line, file=sys.stderr, flush=True)
    else:
        Progress.waiting += (line,)


def alive(line: str) -> None:
    """What is under way, on the line of a terminal that is rewritten, cut to its width; nothing in a log, where it would only fill it."""
    if line and not Progress.machine and sys.stderr.isatty():
        say(line[: shutil.get_terminal_size().columns - 1])


def event(name: str, **values: object) -> None:
    """What only machines are told, with --json."""
    if Progress.machine:
        tell(name, **values)


def warn(line: str) -> None:
    """What its keeper must hear, whether or not anything began."""
    close_line()
    if Progress.machine:
        tell("warning", message=line)
    else:
        print(line, file=sys.stderr, flush=True)


def begin() -> None:
    """From here on it is no longer refused: what waited to be said is said."""
    Progress.begun = True
    waiting, Progress.waiting = Progress.waiting, ()
    for line in waiting:
        say(line)


def close_line() -> None:
    """End the line that is rewritten, before something else is written."""
    if Progress.open_line:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
        Progress.open_line = False


def tell(event: str, **values: object) -> None:
    """One JSON object on a line of standard output."""
    print(json.dumps({"event": event, **values}, ensure_ascii=False), flush=True)


def one_line(error: BaseException) -> str:
    """What went wrong, without folder or host. Of an error that is none of ours the kind and the place: its text may hold data."""
    if isinstance(error, Interrupted):
        return f"stopped by {error}"
    if isinstance(error, (InputError, RunFailed)):
        return str(error)
    if isinstance(error, OSError):
        return f"{type(error).__name__}: {error.strerror or 'no message'}"
    return f"{type(error).__name__}{raised_in(error)}"


def failure_of(error: BaseException) -> dict[str, str]:
    """What went wrong as the receipt holds it: one of FAILURES with what belongs to it."""
    if isinstance(error, RunFailed):
        return error.failure
    if isinstance(error, Interrupted):
        return {"kind": "run_time", "seconds": f"{error.seconds:g}"} if error.seconds else {"kind": "stopped", "signal": str(error)}
    number = error.errno if isinstance(error, OSError) else None
    if number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return {"kind": "disk_full"}
    if number in (errno.EACCES, errno.EPERM, errno.EROFS):
        return {"kind": "not_writable"}
    return {"kind": "other", "detail": one_line(error)}


def raised_in(error: BaseException) -> str:
    """The last line of the package that an error passed, as " in design.py, line 12"; "" for none."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(PACKAGE)]
    return f" in {Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""


def without_places(text: str, *folders: Path) -> str:
    """Text (of a notebook, as JSON) without this machine: the given folders, the user's home, the host."""
    for place in sorted({str(folder) for folder in (*folders, Path.home())} - {"/", "."}, key=len, reverse=True):
        text = text.replace(json.dumps(place)[1:-1], "…")
    return text.replace(socket.gethostname(), "(host)") if len(socket.gethostname()) > 2 else text
