"""The order of a portfolio's run: its members checked, each run as `hgdx-eval run` does it, their answers pooled, one page published."""

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..base import periods
from ..base.errors import Busy, InputError, RunFailed
from ..base.hashes import digest, file_hash
from ..base.machine import fault_of
from ..base.progress import begin, failure_of, one_line, say, warn
from ..base.signals import Interrupted, interruptible, raise_if_asked
from ..evaluation.sites import Site
from ..read.sources import code_hash
from ..study.own_words import words_told
from ..study.portfolio import Difference, Member, Portfolio, members_of, odd_ones, portfolio_file, read_portfolio
from ..study.study import Study
from .members import check_inputs, check_rows, note, site_of, truth_of
from .processes import Outcome, cores, run_side_by_side
from .receipt import git_commit, package_versions, python, zone_of
from .run import keyed, locked, refresh_history, unchanged
from .run_folders import (
    MEMBERS,
    check_no_link,
    check_writable,
    is_portfolio,
    keep_failed,
    latest_run,
    missing_above,
    next_name,
    publish,
    read_receipt,
    recover,
    remove_if_empty,
    write_json,
)
from .run_records import runs_of

if TYPE_CHECKING:
    from ..evaluation.pooled import Pooled

MOST_AT_ONCE = 4  # studies, unless asked for more: each holds its data in memory


@dataclass(frozen=True)
class Choice:
    """How to run a portfolio. `langs`: None where nobody asked; `only`: (K, N), the K-th of N shards, which pools nothing; `pool_only`:
    nothing is run; `jobs`: studies at once, None: as many as there are cores, four at most."""

    langs: list[str] | None = None
    jobs: int | None = None
    only: tuple[int, int] | None = None
    pool_only: bool = False
    force: bool = False
    cell_seconds: float = 1800.0
    run_seconds: float = 7200.0

    @property
    def at_once(self) -> int:
        return self.jobs or min(cores(), MOST_AT_ONCE)


@dataclass(frozen=True)
class Done:
    """`published`: the portfolio's folder, None after a shard; `sites`: its members; `failed`: those whose run did not finish."""

    published: Path | None
    sites: list[Site]
    failed: list[str]


def run_all(name: str, out: Path, choice: Choice) -> Done:
    """Runs a portfolio's members and publishes its page under `out/<portfolio>/<run>/`.

    Raises InputError (2: of the portfolio; a member's own is told and stops nothing), Busy (3), RunFailed (1).
    """
    file = portfolio_file(name)
    portfolio = read_portfolio(file)
    members = members_of(portfolio, file)
    odd = odd_ones(members, file.name)
    check_inputs(members, file.name)
    folder = out.absolute() / portfolio.portfolio
    check_no_link(folder)
    if folder.is_dir() and runs_of(folder) and not is_portfolio(folder):
        raise InputError(f"{file.name}: portfolio: {folder.parent.name}/{folder.name} is a study's; allowed: another name or --out")
    try:
        with interruptible():
            check_writable(folder)
            made = missing_above(folder)
            (folder / MEMBERS).mkdir(parents=True, exist_ok=True)
            try:
                if choice.only:
                    return shard(members, out.absolute(), folder, odd, choice)
                return whole(portfolio, file, members, out.absolute(), folder, odd, choice)
            finally:
                leave_no_trace(folder, made)
    except Interrupted as error:
        raise RunFailed(f"{portfolio.portfolio}: {one_line(error)}; no page was published") from None


def leave_no_trace(folder: Path, made: list[Path]) -> None:
    """Of a portfolio that kept nothing no folder stays."""
    if is_portfolio(folder) and not any((folder / MEMBERS).iterdir()) and not runs_of(folder):
        (folder / MEMBERS).rmdir()
    remove_if_empty(folder, made)


def shard(members: list[Member], out: Path, folder: Path, odd: dict[str, Difference], choice: Choice) -> Done:
    """The K-th of N parts of the members by name, whatever scheduler asks for it; nothing is pooled."""
    number, of = choice.only or (1, 1)
    mine = members[number - 1 :: of]
    outcomes = run_members(mine, out, folder, choice)
    return Done(None, [site_of(one, out, folder, odd) for one in mine], faults(outcomes))


def whole(portfolio: Portfolio, file: Path, members: list[Member], out: Path, folder: Path, odd: dict[str, Difference],
          choice: Choice) -> Done:  # fmt: skip
    """All members, then their page, under the portfolio's lock."""
    try:
        with locked(folder):
            recover(folder)
            outcomes = {} if choice.pool_only else run_members(members, out, folder, choice)
            raise_if_asked()
            check_rows(members, out, file.name)
            sites = [site_of(one, out, folder, odd) for one in members]
            published = page(portfolio, file, members, sites, out, folder)
            return Done(published, sites, faults(outcomes))
    except Busy:
        raise Busy(f"{folder.name}: another run of this portfolio is under way") from None


def faults(outcomes: dict[str, Outcome]) -> list[str]:
    """Members whose run began and did not finish."""
    return [study for study, outcome in outcomes.items() if outcome.code not in (0, 2, 3)]


# --- the members' own runs -------------------------------------------------------------------------------------------
def run_members(members: list[Member], out: Path, folder: Path, choice: Choice) -> dict[str, Outcome]:
    """Every member whose last run would come out otherwise, by processes; study -> how it ended."""
    todo = [one for one in members if one.p is not None and (choice.force or not as_it_was(one.p, out, folder, choice))]
    for one in (one for one in members if one.state == "refused"):
        warn(f"{one.study}: refused: {one.reason}")
    begin()
    notebooks = max(1, cores() // choice.at_once)
    known = {one.study: one for one in todo}

    def ended(study: str, outcome: Outcome) -> None:
        state = state_of(known[study].p, outcome)
        note(folder, study, state, outcome.reason)
        say(f"{study}: done") if outcome.code == 0 else warn(f"{study}: {state or 'busy'}: {outcome.reason}")

    for one in todo[: choice.at_once]:
        say(f"{one.study}: begins")
    return run_side_by_side({one.study: arguments(one, out, notebooks, choice) for one in todo}, choice.at_once, ended)


def state_of(p: Study | None, outcome: Outcome) -> str:
    """The state of a member that published nothing; "" where it did, or where another run of it is under way."""
    if outcome.code == 2:
        return "blind" if p is not None and p.blind and outcome.reason.startswith(f"{p.study}: blind:") else "refused"
    return "" if outcome.code in (0, 3) else "failed"


def as_it_was(p: Study, out: Path, folder: Path, choice: Choice) -> bool:
    """Whether a member's last run was made from the very same inputs: no process is started for it."""
    if latest_run(out / p.study) is None:
        return False
    try:
        langs, _ = words_told(p, choice.langs or ["vi", "en"], asked=choice.langs is not None)
        p, key = keyed(p, langs)
        same = unchanged(p, out / p.study, key) is not None
    except InputError:
        return False  # its own run says what is wrong
    if same:
        note(folder, p.study, "", "")
    return same


def arguments(member: Member, out: Path, notebooks: int, choice: Choice) -> list[str]:
    """What `hgdx-eval` is given to run a member."""
    change = [word for key, value in member.change.items() for word in ("-p", f"{key}={written(key, value)}")]
    langs = ["--lang", ",".join(choice.langs)] if choice.langs else []
    return ["run", str(member.file), *change, *langs, "--out", str(out), "--jobs", str(notebooks), "--json", "--cell-timeout",
            f"{choice.cell_seconds:g}", "--timeout", f"{choice.run_seconds:g}", *(["--force"] if choice.force else [])]  # fmt: skip


def written(key: str, value: object) -> str:
    """A key's value as -p takes it: text where the key holds text, else YAML."""
    if isinstance(value, str) and Study.model_fields[key].annotation in (str, str | None):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


# --- the page --------------------------------------------------------------------------------------------------------
def page(portfolio: Portfolio, file: Path, members: list[Member], sites: list[Site], out: Path, folder: Path) -> Path:
    """Pools and publishes; the last page where nothing that it tells has changed."""
    from ..evaluation.pooled import pool

    told = [told_of(site, out) for site in sites]
    key = digest([file_hash(file), code_hash(), package_versions(), told])
    last = latest_run(folder)
    before = (read_receipt(last) or {}) if last else {}
    if last is not None and before.get("key") == key and before.get("state") == "complete":
        say(f"{folder.name}: unchanged, nothing to do")
        return last
    pooled = pool(sites)
    started, clock = datetime.now(UTC), time.monotonic()
    run = next_name(folder, key, started)
    day = periods.day_in(zone_of(next(one.p for one in members if one.p is not None)), started)
    receipt = {"run": run, "portfolio": portfolio.portfolio, "title": portfolio.title.model_dump(), "key": key, "day": f"{day}",
               "yaml_sha256": file_hash(file), "code_sha256": code_hash(), "git_commit": git_commit(), "python": python(),
               "packages": package_versions(), "started": f"{started:%Y-%m-%dT%H:%M:%SZ}", "members": told,
               "simulated": any(site.simulated for site in sites)}  # fmt: skip
    building = folder / f".building-{run}"
    try:
        building.mkdir()
        write_json(building / "receipt.json", {**receipt, "state": "running"})
        files_of(building, pooled, portfolio, members, receipt, before)
        write_json(building / "receipt.json", {**(read_receipt(building) or {}), "seconds": round(time.monotonic() - clock, 1)})
        final = publish(building, run)
    except (Exception, Interrupted) as failed:
        error = fault_of(failed, folder.parent) or failed
        reason = one_line(error)
        keep_failed(building, folder / "failed" / run, {**receipt, "reason": reason, "failure": failure_of(error)})
        raise RunFailed(f"{folder.name}: {reason}; no page was published") from failed
    refresh_history(folder)
    return final


def told_of(site: Site, out: Path) -> dict:
    """What the portfolio's receipt keeps of a member."""
    table = out / site.study / site.run / "estimates.csv"
    hashed = file_hash(table) if site.run and table.is_file() else None
    return {"study": site.study, "state": site.state, "reason": site.reason, "run": site.run, "estimates_sha256": hashed}


def files_of(building: Path, pooled: "Pooled", portfolio: Portfolio, members: list[Member], receipt: dict, before: dict) -> None:
    """Pages, pooled.csv, what simulations say of themselves, and the receipt with this answer and all earlier ones."""
    from ..base.aside import write_text
    from ..base.safe_text import harmless
    from ..evaluation.pooled import answer, table
    from ..report.show_pooled import pages
    from .run_folders import now

    earlier = list(before.get("answers") or [])
    for name, text in pages(pooled, earlier, portfolio.title.model_dump(), receipt).items():
        write_text(building / name, text)
    write_text(building / "pooled.csv", table(pooled, portfolio.portfolio).map(harmless).to_csv(index=False, lineterminator="\n"))
    if (truth := truth_of(members)) is not None:
        write_text(building / "truth.csv", truth.to_csv(index=False, lineterminator="\n"))
    own = {**answer(pooled), "run": receipt["run"], "made": receipt["day"]}
    files = {path.name: file_hash(path) for path in sorted(building.iterdir()) if path.name != "receipt.json"}
    write_json(building / "receipt.json", {**receipt, "answer": own, "answers": [*earlier, own], "files": files, "state": "complete",
                                           "finished": now()})  # fmt: skip


def summary(sites: list[Site]) -> list[str]:
    """A line a member, for a terminal or a log: state, estimate with its interval, or why it does not count."""
    width = max((len(site.study) for site in sites), default=0)
    return [f"{site.study:<{width}}  {site.state:<16}  "
            + (f"{site.estimate:+.2f} [{site.ci_low:.2f}, {site.ci_high:.2f}] {site.scale}" if site.state == "counts" else site.reason)
            for site in sites]  # fmt: skip
