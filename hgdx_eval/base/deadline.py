"""One deadline for a call that waits for somebody else, however little by little the answer comes."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

Value = TypeVar("Value")


def within(seconds: float, call: Callable[[], Value]) -> Value:
    """What `call()` gives or raises; TimeoutError where it takes longer. It then goes on in a thread that holds no process up."""
    outcome: Future[Value] = Future()

    def answer() -> None:
        try:
            outcome.set_result(call())
        except BaseException as error:
            outcome.set_exception(error)

    threading.Thread(target=answer, daemon=True).start()
    return outcome.result(timeout=max(seconds, 0.0))
