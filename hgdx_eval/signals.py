"""SIGTERM and SIGINT as an exception: whatever is under way tidies up after itself, and one line says what stopped it."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


class Interrupted(BaseException):
    """A signal, by its name, asked the command to stop."""


@contextmanager
def interruptible() -> Iterator[None]:
    """Inside, SIGTERM and SIGINT raise Interrupted."""
    came: list[str] = []

    def stop(number: int, frame: object) -> None:
        came.append(signal.Signals(number).name)
        raise Interrupted(came[0])

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    except RuntimeError:  # a database that is interrupted forgets by whom
        if came:
            raise Interrupted(came[0]) from None
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
