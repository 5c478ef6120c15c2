"""The ways to say no: an input that is not understood, an estimate that would not mean anything, a run that did not finish."""


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


FAILURES = {  # kind of failure -> what is told of it besides; the history page has a sentence for each
    "cell_error": ("notebook", "cell", "detail"), "cell_time": ("notebook", "seconds"), "cell_skipped": ("notebook",),
    "kernel_died": ("notebook",), "stopped": ("signal",), "run_time": ("seconds",), "killed": (), "disk_full": (), "not_writable": (),
    "languages_differ": (), "no_estimate": (), "other": ("detail",),
}  # fmt: skip


class RunFailed(Exception):
    """It began and did not finish: nothing was published. Exit code 1. `failure`: its kind, one of FAILURES, and what belongs to it."""

    def __init__(self, message: str, kind: str = "other", **told: object) -> None:
        super().__init__(message)
        self.failure = {"kind": kind, **{name: str(told.get(name, message)) for name in FAILURES[kind]}}


class Busy(Exception):
    """Another run of the same study holds the lock. Exit code 3."""
