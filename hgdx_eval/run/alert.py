"""Telling somebody that an unattended run failed, or that its verdict changed: a command, a webhook, or both.

The webhook's address comes from the environment alone (HGDX_WEBHOOK) and stands in no message: it is a secret. An alert that
cannot be delivered is said on standard error and never changes how the run ends.
"""

import json
import os
import shlex
import subprocess
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import urllib3

from ..base.deadline import within
from ..base.errors import Busy, InputError
from ..base.progress import one_line, warn
from ..base.telling import told_file, without_files
from ..base.yaml_strict import load_yaml
from ..read.sources import data_files
from ..study.load import study_file
from ..study.study import PATH_KEYS
from .run_records import last_good, read_run, studies

WEBHOOK = "HGDX_WEBHOOK"
FAILURE, VERDICT = "failure", "verdict"
COMMAND_SECONDS = 60
CONNECT_SECONDS, ANSWER_SECONDS, WEBHOOK_SECONDS = 5.0, 10.0, 25.0  # to connect, between two bytes, for all tries together
TRIES = 2
NO_ANSWER = "the webhook did not answer in time"


@dataclass(frozen=True)
class Event:
    """What is told, and nothing else: no path, person or count."""

    study: str
    event: str  # failure or verdict
    reason: str  # one line
    run: str | None
    verdict: int | None
    previous_verdict: int | None


def take_webhook() -> str:
    """The webhook's address, taken out of the environment so that no kernel or command inherits it; "" without one.

    Raises InputError where it is no http or https address.
    """
    address = os.environ.pop(WEBHOOK, "").strip()
    try:
        valid = not address or (urllib3.util.parse_url(address).scheme in ("http", "https") and urllib3.util.parse_url(address).host)
    except urllib3.exceptions.LocationParseError:
        valid = False
    if not valid:
        raise InputError(f"{WEBHOOK}: not an address that begins with https:// or http://")
    return address


def words_of(command: str) -> list[str]:
    """A command line as its words; no shell reads it. Raises InputError where a quote is open or nothing is there."""
    try:
        words = shlex.split(command, posix=os.name != "nt")
    except ValueError as error:
        raise InputError(f"--on-failure: {str(error).lower()}") from None
    if not words:
        raise InputError("--on-failure: an empty command")
    return words


def good_runs(out: Path) -> dict[str, str | None]:
    """Study -> name of its last good run: what a new run is compared with."""
    return {study: last_good(out / study) for study in studies(out)}


def verdict_event(before: dict[str, str | None], run: Path) -> Event | None:
    """The change of verdict that a run brings, None where it is the first, the same one again or without change."""
    study, previous = run.parent.name, before.get(run.parent.name)
    if previous is None or previous == run.name:
        return None
    old, new = (read_run(folder) for folder in (run.parent / previous, run))
    then, now = (found.result.get("verdict") if found else None for found in (old, new))
    if then is None or now is None or then == now:
        return None
    return Event(study, VERDICT, f"{study}: the verdict changed from {then} to {now}", run.name, now, then)


def names_given(study: str, change: dict) -> set[str]:
    """Names of the files and folders that a run is about: its study's, its data's, every other one's."""
    paths = [Path(study), *(Path(str(path)) for path in change.values())]
    with suppress(InputError, OSError):
        file = study_file(study)
        given = {key: path for key, path in (load_yaml(file).value | change).items() if key in PATH_KEYS and isinstance(path, str)}
        paths += map(Path, given.values())
        if data := given.get("data"):
            paths += data_files(Path(data) if "data" in change else file.parent / data)
    return {path.name for path in paths}


def failure_event(study: str, reason: str, out: Path) -> Event:
    """A failure as told: the study by its name, never by its path."""
    name = Path(study).stem
    failed = sorted((out / name / "failed").glob("*/receipt.json")) if (out / name).is_dir() else []
    last = last_good(out / name)
    found = read_run(out / name / last) if last else None
    newest = failed[-1].parent.name if failed else None
    return Event(told_file(name), FAILURE, " ".join(reason.split()), newest, None, found.result.get("verdict") if found else None)


@contextmanager
def watched(study: str, out: Path, command: str | None, names: Collection[str] = ()) -> Iterator[Callable[[Path], Path]]:
    """Around a run: tells of what fails inside (exit codes 1 and 2, not 3) and, through the function it gives, of a changed verdict.
    `names`: of files, which are told as `telling.told_file` has them.

    Raises InputError for a command or address that cannot be used, before anything runs.
    """
    webhook, words = take_webhook(), words_of(command) if command is not None else []
    if not (webhook or words):
        yield lambda run: run
        return
    before = good_runs(out)

    def told(run: Path) -> Path:
        event = verdict_event(before, run)
        if event:
            send(event, words, webhook, warn)
        return run

    try:
        yield told
    except Busy:
        raise
    except Exception as error:
        send(failure_event(study, without_files(one_line(error), names), out), words, webhook, warn)
        raise


def send(event: Event, command: list[str], webhook: str, say: Callable[[str], None]) -> None:
    """Deliver an event by all the ways there are; what could not be delivered is said."""
    problems = [run_command(event, command) if command else "", post(event, webhook) if webhook else ""]
    for problem in filter(None, problems):
        say(f"{event.study}: the alert was not delivered: {problem}")


def run_command(event: Event, words: list[str]) -> str:
    """Run the command with the event in its environment; what went wrong, "" where nothing did."""
    told = {"HGDX_EVENT": event.event, "HGDX_REASON": event.reason, "HGDX_STUDY": event.study}
    env = {name: value for name, value in os.environ.items() if name != WEBHOOK}
    try:
        done = subprocess.run(words, env={**env, **told}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=COMMAND_SECONDS)
    except subprocess.TimeoutExpired:
        return f"the command took more than {COMMAND_SECONDS} s"
    except (OSError, ValueError) as error:
        return f"the command could not be started ({getattr(error, 'strerror', None) or type(error).__name__})"
    return f"the command ended with {done.returncode}" if done.returncode else ""


def post(event: Event, address: str) -> str:
    """POST the event as JSON, once more where the first try fails; what went wrong, "" where nothing did. Redirects are not followed,
    and all of it is over after WEBHOOK_SECONDS, however slowly a name is looked up or an answer comes."""
    body, until, problem = json.dumps(asdict(event), ensure_ascii=False).encode(), time.monotonic() + WEBHOOK_SECONDS, ""
    for _ in range(TRIES):
        try:
            problem = within(until - time.monotonic(), lambda: posted(body, address))
        except TimeoutError:
            return NO_ANSWER
        if not problem:
            break
    return problem


def posted(body: bytes, address: str) -> str:
    """One try. The address and its host are in no message."""
    timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=ANSWER_SECONDS)
    try:
        with urllib3.PoolManager(timeout=timeout, retries=False) as pool:
            answer = pool.request("POST", address, body=body, redirect=False, preload_content=False,
                                  headers={"Content-Type": "application/json", "User-Agent": "hgdx_eval"})  # fmt: skip
            status = answer.status
            answer.close()
    except urllib3.exceptions.TimeoutError as error:
        if isinstance(error, urllib3.exceptions.NewConnectionError):  # refused or no such host: no matter of time
            return "the webhook could not be reached"
        return NO_ANSWER
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        return f"the webhook could not be reached ({type(error).__name__})"
    return "" if 200 <= status < 300 else f"the webhook answered {status}"
