"""The ways to say no: an input that is not understood, an estimate that would not mean anything, a run that did not finish."""

import re


class InputError(Exception):
    """A study, fact, export or option is wrong. One line: file, place, what was found, what is allowed. Exit code 2."""


class Refusal(InputError):
    """A method cannot identify the effect in this design.

    `reason` is a code of `results.REASONS`; its sentences are in locale/refusals.*.yaml. The message itself is the
    one-line English text for the log. For the study's main method a refusal is exit code 2, for another method it is
    a row with `status: refused`.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def quotable(text: object) -> bool:
    """Whether a message may quote a cell of somebody's table: at most 12 characters, six digits and one word of up to eight plain
    letters, as in 12,5% or 2023-13 or abc. A name, number or address does not look so; it is told by its shape."""
    plain = str(text).strip()
    short = len(plain) <= 12 and sum(c.isdigit() for c in plain) <= 6
    return short and re.fullmatch(r"[\d.,%/: +-]*[a-zA-Z]{0,8}[\d.,%/: +-]*", plain) is not None
class RunFailed(Exception):
    """It began and did not finish: nothing was published. Exit code 1."""


class Busy(Exception):
    """Another run of the same study holds the lock. Exit code 3."""
