"""What became of the communes when districts ended, as dated facts, and agencies of exports that stay the same across that day."""

import csv
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import pandas as pd

from ..base.errors import InputError
from ..base.own_files import kits_own
from ..base.yaml_strict import load_yaml, validate
from ..panel.crosswalk import joined, told_constant, with_clusters
from ..read.readings import Reading
from ..study.events import Record, Source
from .facts import Facts, facts_folder
from .unit_names import plain_name

NAME, PAIRS, UNITS = "crosswalk.yaml", "crosswalk.csv", "crosswalk_units.csv"
LOST = "no_old_unit"  # the reason of rows from the day on whose agency is none of the earlier units


class MergerFile(Record):
    """crosswalk.yaml. `not_verified`: word of the column `checked` -> why such a pair is not verified."""

    valid_from: date
    pairs_source: Source
    second_source: Source
    not_verified: dict[str, str]
    law: Source


@dataclass(frozen=True)
class Merger:
    """`pairs`: code of an old commune -> codes of the new ones that it went into; `whole`: the old ones that went into one; `unsure`: pairs
    that are not verified -> the reason; `old`, `new`: code -> (name, code of what it belongs to)."""

    valid_from: date
    pairs: dict[str, tuple[str, ...]]
    unsure: dict[tuple[str, str], str]
    old: dict[str, tuple[str, str]]
    new: dict[str, tuple[str, str]]


def merger_file(name: str) -> Path:
    """A file of the merger in the facts' folder, or the kit's own where a user's folder has none."""
    own = facts_folder() / name
    return own if own.is_file() else kits_own("params") / "facts" / name


def read_head() -> MergerFile:
    return validate(load_yaml(merger_file(NAME)), MergerFile, NAME)


def merger_day() -> date:
    """The first day of the new units."""
    return read_head().valid_from


def load_merger() -> Merger:
    """The whole crosswalk, checked. Raises InputError for a pair twice, a code of no unit, a share that is none, or a unit left out."""
    files = [merger_file(name) for name in (NAME, PAIRS, UNITS)]
    return read_merger(tuple(files), sum(file.stat().st_mtime_ns for file in files))


@cache
def read_merger(files: tuple[Path, ...], changed: int) -> Merger:
    """The crosswalk of three files; `changed` makes an edited file be read again."""
    head = read_head()
    units: dict[str, dict[str, tuple[str, str]]] = {"old": {}, "new": {}}
    for row in rows_of(files[2], ("list", "code", "parent", "name")):
        units[row["list"]][row["code"]] = (row["name"], row["parent"])
    pairs: dict[str, list[str]] = {}
    unsure, shares = {}, dict[str, list[str]]()
    for number, row in enumerate(rows_of(files[1], ("old", "new", "share", "checked")), start=2):
        old, new, share, checked = row.values()
        place = f"{PAIRS}: row {number}"
        for code, side in ((old, "old"), (new, "new")):
            if code not in units[side]:
                raise InputError(f"{place}: {side}: no such code in {UNITS}: add the unit there, or correct the code")
        if new in pairs.setdefault(old, []):
            raise InputError(f"{place}: the same pair of old and new a second time: keep one")
        if share != "" and not is_share(share):
            raise InputError(f"{place}: share: allowed: above 0 up to 1, or empty where it is not known")
        if checked not in ("", "1") and checked not in head.not_verified:
            raise InputError(f"{place}: checked: allowed: 1, empty, {', '.join(head.not_verified)}")
        pairs[old].append(new)
        shares.setdefault(old, []).append(share)
        if checked in head.not_verified:
            unsure[old, new] = head.not_verified[checked]
    check_whole(pairs, shares, units)
    return Merger(head.valid_from, {old: tuple(new) for old, new in pairs.items()}, unsure, units["old"], units["new"])


def rows_of(path: Path, header: tuple[str, ...]) -> list[dict[str, str]]:
    """The rows of one of the two lists. Raises InputError for other columns."""
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != header:
            raise InputError(f"{path.name}: columns: allowed: {', '.join(header)}")
        rows = list(reader)
    for number, row in enumerate(rows, start=2):
        if None in row or None in row.values() or row.get("list", "old") not in ("old", "new"):
            raise InputError(f"{path.name}: row {number}: allowed: {len(header)} fields{', list: old or new' if 'list' in row else ''}")
    return rows


def is_share(text: str) -> bool:
    try:
        return 0 < float(text) <= 1
    except ValueError:
        return False


def check_whole(pairs: dict[str, list[str]], shares: dict[str, list[str]], units: dict[str, dict]) -> None:
    """Raises InputError for holes: a commune in no pair, or shares that do not add up to 1."""
    above = {parent for _, parent in units["old"].values()}
    provinces = above - units["old"].keys()
    communes = {code for code, (_, parent) in units["old"].items() if parent not in provinces or code not in above}
    reached = {new for news in pairs.values() for new in news}
    for side, missing in (("old", communes - pairs.keys()), ("new", units["new"].keys() - reached)):
        if missing:
            raise InputError(
                f"{PAIRS}: {len(missing)} {side} communes of {UNITS} are in no row, the first {min(missing)}: add a row for each"
            )
    for old, told in shares.items():
        if any(told) and (not all(told) or abs(sum(map(float, told)) - 1) > 1e-6):
            raise InputError(f"{PAIRS}: old {old}: its shares do not add up to 1: name every new commune of it, or no share")


def constant_agencies(
    agencies: pd.DataFrame, texts: pd.Series, months: pd.Series, facts: Facts
) -> tuple[pd.DataFrame, pd.Series, list[Reading]]:
    """(`unit_names.named_agencies` on communes constant over time, which rows are kept, what a reader must know).

    Before the day a commune is its part of the crosswalk; from it on, so are a new commune and an old one that a row still names (the new
    one where both are called alike). Every other agency has no old unit then: departments are a larger province's, districts ended.
    Raises InputError where the facts list no communes of the study's place.
    """
    merger = load_merger()
    olds = {unit.code: unit.name for unit in facts.units if unit.level == "commune" and unit.code in merger.pairs}
    if not olds:
        raise InputError("constant_units: units.yaml lists no communes of the study's place: name them there, or end the window "
                         f"before {merger.valid_from}")  # fmt: skip
    walk = joined([(name, new) for code, name in olds.items() for new in merger.pairs[code]], merger.valid_from)
    tops = {province.code: province.name for province in facts.provinces if province.holds(merger.valid_from)}
    spelled: dict[str, set[str]] = {}
    for code, into in walk.new.items():
        name, top = merger.new[code]
        for text in (name, f"{name} {tops.get(top, '')}"):
            spelled.setdefault(plain_name(text), set()).add(into)
    late = pd.PeriodIndex(months, freq="M").start_time >= pd.Timestamp(merger.valid_from)
    plain = texts.map({text: plain_name(text) for text in texts.unique()})
    new = plain.map({text: next(iter(found)) for text, found in spelled.items() if len(found) == 1}).where(late)
    old = agencies["agency"].map(walk.old).where(agencies["level"] == "commune")
    into = new.fillna(old)
    keep = into.notna() | ~late
    found = agencies.assign(agency=into.fillna(agencies["agency"]))
    renamed = new.notna()
    home = agencies[old.notna()].assign(part=old[old.notna()]).groupby("part")["cluster"].first()
    found.loc[renamed, ["level", "how", "outside"]] = ["commune", "exact", ""]
    found.loc[renamed, "means"] = found.loc[renamed, "text"] = found.loc[renamed, "agency"]
    found.loc[renamed, "cluster"] = new[renamed].map(home).fillna(new[renamed])
    kept = found[keep].rename(columns={"agency": "unit"})
    found.loc[keep, "cluster"] = with_clusters(kept)["cluster"]
    communes = found.loc[keep & (found["level"] == "commune"), "agency"]
    sides = (
        pd.DataFrame({"agency": communes, "late": pd.Series(late, index=texts.index)[communes.index]}).groupby("agency")["late"].nunique()
    )
    units, rebuilt = set(walk.old.values()), agencies.loc[late & new.isna() & old.notna(), "agency"].nunique()
    told = told_constant(merger.valid_from, len(olds), len(units), sum(name not in walk.old for name in units),
                         one_side=int((sides < 2).sum()), rebuilt=rebuilt)  # fmt: skip
    return found, keep, told
