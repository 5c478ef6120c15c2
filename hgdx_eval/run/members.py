"""The members of a portfolio as their own runs left them: what each tells, what became of one that did not publish, whose data overlap."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import cast

import pandas as pd

from ..base.errors import InputError
from ..base.hashes import file_hash
from ..base.telling import told_file
from ..evaluation.sites import Site, SiteState
from ..evaluation.verdict import CANNOT
from ..read.sources import data_files
from ..study.portfolio import Difference, Member, definition_of
from ..study.study import Study
from ..study.vocabulary import NO_INTERVAL
from .run_folders import MEMBERS, STAMP, latest_run, now, write_json
from .run_records import Run, estimates, listed, read_run

NUMBERS = ("std_error", "n_obs", "n_units", "n_clusters", "n_treated_clusters")  # of its row in estimates.csv


# --- what a member tells -------------------------------------------------------------------------------------------
def site_of(member: Member, out: Path, folder: Path, odd: dict[str, Difference]) -> Site:
    """A member as it stands on the page. `out`: folder of the studies' runs; `folder`: of the portfolio; `odd`: study -> why it is not
    defined as the others."""
    bare = Site(member.study, "no_run", titles=member.titles)
    if member.state:
        return replace(bare, state=cast(SiteState, member.state), reason=member.reason)
    if note := note_of(folder, member.study, out):
        return replace(bare, state=note["state"], reason=note["reason"])
    run = newest(out / member.study)
    if run is None:
        if listed(out / member.study / "failed"):
            return replace(bare, state="failed", reason="its runs did not finish")
        return replace(bare, reason="nothing is published yet")
    return told_by(run, member, bare, odd)


def newest(folder: Path) -> Run | None:
    """The published run that `latest` names; None where there is none that is complete."""
    latest = latest_run(folder)
    run = read_run(latest) if latest else None
    return run if run is not None and run.complete else None


def told_by(run: Run, member: Member, bare: Site, odd: dict[str, Difference]) -> Site:
    """What a published run tells, with its numbers only where it counts."""
    result, main = run.result, run.result.get("main") or {}
    known = replace(bare, run=run.name, verdict=result.get("verdict"), simulated=bool(run.receipt.get("simulated")),
                    last_period=str(result.get("last_period") or ""), start=str(result.get("start") or ""),
                    definition=definition_of(member.p) if member.p else {})  # fmt: skip
    state, reason = standing(member, result.get("verdict"), main, odd)
    if state != "counts":
        return replace(known, state=state, reason=reason, differs=odd.get(member.study))
    row = main_row(run, main)
    std_error, n_obs, n_units, n_clusters, n_treated = (float(row.get(name, "nan")) for name in NUMBERS)
    dose, level_before = (float(result[name]) if result.get(name) is not None else float("nan") for name in ("dose", "start_level"))
    return replace(
        known, state="counts", estimate=main["estimate"], ci_low=main["ci_low"], ci_high=main["ci_high"], level=main["level"],
        inference=main["inference"], estimator=main["estimator"], outcome=main["outcome"], scale=main["scale"], std_error=std_error,
        n_obs=n_obs, n_units=n_units, n_clusters=n_clusters, n_treated_clusters=n_treated, dose=dose, start_level=level_before,
    )  # fmt: skip


def standing(member: Member, verdict: int | None, main: dict, odd: dict[str, Difference]) -> tuple[SiteState, str]:
    """Whether a published run counts, and why not."""
    if member.study in odd:
        return "other_definition", str(odd[member.study])
    if verdict in (None, CANNOT) or not main:
        return "blind", 'its gate has not passed: judged "cannot be judged from these data"'
    if main.get("ci_low") is None or main.get("ci_high") is None or main.get("inference") in NO_INTERVAL:
        return "no_interval", "its headline is a rank, not an interval"
    return "counts", ""


def main_row(run: Run, main: dict) -> dict:
    """The row of estimates.csv that a run headlines; {} where there is none."""
    table = estimates(run)
    if table is None:
        return {}
    rows = table[(table["estimator"] == main["estimator"]) & table["term"].isin(["overall", "change"]) & (table["notebook"] == "effect")]
    return rows.iloc[0].dropna().to_dict() if len(rows) else {}


# --- what became of one that published nothing -----------------------------------------------------------------------
def note(folder: Path, study: str, state: str, reason: str) -> None:
    """Keeps why a member published nothing, for a page that is pooled later or elsewhere; an empty state clears it."""
    path = folder / MEMBERS / f"{study}.json"
    if state:
        write_json(path, {"study": study, "state": state, "reason": reason, "made": now()})
    else:
        path.unlink(missing_ok=True)


def note_of(folder: Path, study: str, out: Path) -> dict | None:
    """What was kept of a member, unless a run of it was published since then."""
    found = None
    with suppress(OSError, ValueError):
        found = json.loads((folder / MEMBERS / f"{study}.json").read_text(encoding="utf-8"))
    if not isinstance(found, dict) or found.get("state") not in ("refused", "blind", "failed"):
        return None
    run, made = newest(out / study), str(found.get("made"))
    if run is not None and f"{datetime.strptime(run.name[:16], STAMP).replace(tzinfo=UTC):%Y-%m-%dT%H:%M:%SZ}" > made:
        return None
    return {"state": found["state"], "reason": str(found.get("reason"))}


# --- whose data overlap ----------------------------------------------------------------------------------------------
def check_inputs(members: list[Member], file: str) -> None:
    """Raises InputError for two members that read one file, or draw one simulation, for the same units: both are named."""
    read = [(one, dict(inputs_of(one.p)), units_of(one.p)) for one in members if one.p is not None]
    for (one, files, units), (other, others, same) in combinations(read, 2):
        if units == same and (both := [files[content] for content in files if content in others]):
            raise InputError(f"{file}: {one.study} and {other.study} read one and the same input ({both[0]}); each dossier counts once: "
                             f"give each its own export, or take one away")  # fmt: skip


def inputs_of(p: Study) -> Iterator[tuple[str, str]]:
    """(what tells it from others, name) of every file that a study reads; none where its own run will say that there is none."""
    if p.data is None:
        yield f"{p.world}-{p.effect:g}-{p.dossiers}-{p.seed}", f"simulated {p.world}"
        return
    with suppress(InputError):
        yield from ((file_hash(path), told_file(path.name)) for path in data_files(Path(p.data)) if path.is_file())


def units_of(p: Study) -> str:
    """Which rows of an input a study is about. A place is no part of it: it tells what names mean and takes no row out."""
    keys = {"unit", "outcome", "numerator", "exclude", "treated_from", "treated", "treated_until", "group", "treated_groups",
            "comparison_groups"}  # fmt: skip
    return p.model_dump_json(include=keys)


def check_rows(members: list[Member], out: Path, file: str) -> None:
    """Raises InputError for two members whose files differ and yet hold the very same rows in most periods that both have: both are named.
    Receipts keep keyed hashes of periods, so that this is seen on the machine that ran both."""
    runs = [(one, run, units_of(one.p)) for one in members if one.p is not None and (run := newest(out / one.study))]
    for (one, run, units), (other, its, same_units) in combinations(runs, 2):
        key = run.result.get("periods_key")
        if not key or key != its.result.get("periods_key") or units != same_units:
            continue
        periods, others = run.result.get("periods") or {}, its.result.get("periods") or {}
        shared = sorted(set(periods) & set(others))
        same = [period for period in shared if periods[period] == others[period]]
        if len(same) > len(shared) / 2:
            raise InputError(f"{file}: the data of {one.study} and {other.study} overlap: {same[0]} has the very same rows in both; "
                             f"each dossier counts once: give each its own export")  # fmt: skip


def truth_of(members: list[Member]) -> pd.DataFrame | None:
    """What simulations say of themselves: study, truth_pp, with `mean` and `sd` as the last rows; None where some member is none."""
    from ..read.sources import study_data

    rows = []
    for one in members:
        if one.p is None or one.p.data is not None:
            continue
        with suppress(OSError, KeyError, ValueError, InputError):
            table = pd.read_csv(f"{study_data(one.p)}.truth.csv", dtype={"period": str})
            rows.append((one.study, float(table.loc[table["period"] == "overall", "truth_pp"].iloc[0]), float(one.p.effect)))
    if not rows:
        return None
    found = pd.DataFrame(rows, columns=["study", "truth_pp", "drawn_pp"])
    spread = {name: [found[name].mean(), found[name].std()] for name in ("truth_pp", "drawn_pp")}
    return pd.concat([found, pd.DataFrame({"study": ["mean", "sd"], **spread})])
