"""What a run says while it works, on standard error, and an error in one line."""

import sys

from .errors import RunFailed
from .signals import Interrupted


def say(line: str) -> None:
    """Progress, on standard error."""
    print(line, file=sys.stderr, flush=True)


def one_line(error: BaseException) -> str:
    """What went wrong, without traceback, path or data."""
    if isinstance(error, Interrupted):
        return f"stopped by {error}"
    if isinstance(error, RunFailed):
        return str(error)
    if isinstance(error, OSError):
        return f"{type(error).__name__}: {error.strerror}"
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else 'no message'}"


def first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text and text.strip() else "no message"
