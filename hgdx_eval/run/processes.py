"""Studies side by side, each a process of its own that is `hgdx-eval run`; none is left behind."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import IO

from .kernels.parent import die_with_parent

POLL_SECONDS, PATIENCE_SECONDS = 0.05, 30.0
ENDS = ("done", "failed", "refused", "busy")


@dataclass(frozen=True)
class Outcome:
    """How a study's run ended: its exit code, and the one line that says why where it is not 0."""

    code: int
    reason: str = ""


def cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_side_by_side(commands: dict[str, list[str]], at_once: int, ended: Callable[[str, Outcome], None]) -> dict[str, Outcome]:
    """Runs `hgdx-eval` with each list of arguments, `at_once` of them at a time; `ended` is called as each ends.

    Stopped in between (Interrupted), it asks those under way to stop and waits for them. One whose portfolio is killed ends with it
    where the system can (Linux).
    """
    waiting, outcomes = list(commands), {}
    running: dict[str, tuple[subprocess.Popen, IO[bytes]]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                name = waiting.pop(0)
                running[name] = started(commands[name])
            for name, (process, said) in list(running.items()):
                if process.poll() is not None:
                    del running[name]
                    outcomes[name] = outcome_of(process.returncode, said)
                    ended(name, outcomes[name])
            if running:
                time.sleep(POLL_SECONDS)
    finally:
        stop([process for process, _ in running.values()])
    return outcomes


def started(arguments: list[str]) -> tuple[subprocess.Popen, IO[bytes]]:
    """A process and the file of what it says."""
    said = tempfile.TemporaryFile()  # noqa: SIM115
    with_parent = partial(die_with_parent, os.getpid(), signal.SIGTERM) if sys.platform.startswith("linux") else None
    command = [sys.executable, "-m", "hgdx_eval", *arguments]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.DEVNULL,
                               preexec_fn=with_parent)  # fmt: skip
    return process, said


def outcome_of(code: int, said: IO[bytes]) -> Outcome:
    """The last event that a process told; of one that was killed before it could, that it was."""
    with said:
        said.seek(0)
        lines = said.read().decode("utf-8", "replace").splitlines()
    for line in reversed(lines):
        try:
            told = json.loads(line)
        except ValueError:
            continue
        if isinstance(told, dict) and told.get("event") in ENDS:
            return Outcome(code, str(told.get("reason", "")))
    return Outcome(code, f"ended by signal {-code}" if code < 0 else f"ended with exit code {code}")


def stop(processes: list[subprocess.Popen]) -> None:
    """Asks them to stop, waits while they tidy up, and ends what does not."""
    for process in processes:
        process.terminate()
    until = time.monotonic() + PATIENCE_SECONDS
    for process in processes:
        try:
            process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
