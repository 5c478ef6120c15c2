"""Signals and the time limit as an exception: whatever is under way tidies up after itself, and one line says what stopped it."""

import _thread
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

STOPPING = [getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGHUP") if hasattr(signal, name)]


class Interrupted(BaseException):
    """What asked the command to stop: a signal by its name, or the time limit (`seconds`)."""

    def __init__(self, what: str, seconds: float | None = None) -> None:
        super().__init__(what)
        self.seconds = seconds


class _State:
    """Of the main thread: whether signals are taken care of, what came, and whether it waits until something is over."""

    active = False
    came: str | None = None
    raised = False
    held = False
    limit = ""
    seconds: float | None = None


def raise_if_asked() -> None:
    """Raise Interrupted where a signal came that has stopped nothing yet (an exception inside a callback is lost, for one)."""
    if _State.came and not _State.held:
        _State.raised = True
        raise Interrupted(_State.came, _State.seconds)


def _stop(number: int, frame: object) -> None:
    if _State.raised or _State.held:  # tidying up already, or about to publish: nothing more to stop
        _State.came = _State.came or signal.Signals(number).name
        return
    _State.came = _State.limit or signal.Signals(number).name
    _State.raised = True
    raise Interrupted(_State.came, _State.seconds)


def _lost(hook: Callable, told: "sys.UnraisableHookArgs") -> None:
    """What was raised where nothing can be raised, as while an object is collected: a stop asked for there is looked for by
    `raise_if_asked`, and the next signal stops at once; no traceback is shown of it."""
    if told.exc_type is Interrupted:
        _State.raised = False
    else:
        hook(told)


@contextmanager
def interruptible(ends: bool = False) -> Iterator[None]:
    """Inside, the first SIGTERM, SIGINT or SIGHUP raises Interrupted; later ones let it tidy up. Inside another one: nothing more.
    `ends`: so does the process after it; a signal that comes then changes no outcome any more."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    if _State.active:
        _State.held = False
        yield
        return
    _State.active, _State.came, _State.raised, _State.held, _State.limit, _State.seconds = True, None, False, False, "", None
    before, hook = {number: signal.signal(number, _stop) for number in STOPPING}, sys.unraisablehook
    sys.unraisablehook = partial(_lost, hook)
    try:
        yield
    except RuntimeError:  # a database that is interrupted forgets by whom
        if _State.came:
            raise Interrupted(_State.came, _State.seconds) from None
        raise
    finally:
        _State.active, sys.unraisablehook = False, hook
        for number, handler in before.items():
            signal.signal(number, signal.SIG_IGN if ends else handler)


@contextmanager
def too_late() -> Iterator[None]:
    """What is inside happens whole, and once it has happened signals come too late: they stop nothing that follows but what is
    `stoppable`. Where it fails they stop things again."""
    raise_if_asked()
    _State.held = True
    try:
        yield
    except BaseException:
        _State.held = False
        raise


@contextmanager
def stoppable() -> Iterator[None]:
    """After what came `too_late`, something that a signal may still stop."""
    before, _State.held = _State.held, False
    try:
        yield
    finally:
        _State.held = before


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Inside, for longer than so many seconds (of a clock that nobody sets), raises Interrupted. In the main thread only."""

    def over() -> None:
        _State.seconds = seconds
        _State.limit = f"the time limit of {seconds:g} s for the whole run"
        _thread.interrupt_main(signal.SIGINT)

    timer = threading.Timer(seconds, over)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
