"""What the world did: dated facts with their sources, from params/facts. What nobody has verified says so."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from ..base.errors import InputError
from ..base.own_files import own_file
from ..base.yaml_strict import load_yaml, validate
from ..study.events import Event, Record, Source

FILES = ("resolution", "events", "adoptions", "tet", "provinces", "units", "tasks", "published", "unit_costs")
PAYMENT_RATE = "online_payment_rate"  # the indicator of the task with a target


class ResolutionFields(Record):
    """Where each field of a resolution was read."""

    signed: Source
    title: Source
    effective: Source
    cut_pct: Source
    fee_list: Source
    expires: Source


class Resolution(Record):
    """A resolution as far as it is known; `assumed_*` stand in for what has not been found, and are reported as such."""

    name: str
    body: str
    number: str
    what_vi: str
    what_en: str
    signed: date
    effective: date | None
    assumed_effective: date
    cut_pct: float | int | None = Field(None, gt=0, le=100, description="per cent, above 0 up to 100")
    assumed_cut_pct: float | int = Field(gt=0, le=100, description="per cent, above 0 up to 100")
    fee_list: list[str] | None
    expires: date | None
    fields: ResolutionFields

    def verified_of(self, field: str) -> bool:
        return getattr(self.fields, field).verified

    def source_of(self, field: str) -> tuple[str | None, str | None, date | None]:
        """(title, link, day read) of one field."""
        source = getattr(self.fields, field)
        return source.title, source.link, source.read


class Adoption(Source):
    """One province's (or the centre's) cut; `effective` as exactly as it is known: a day, a month, a year, or None."""

    province: str
    aliases: list[str] = []
    kind: Literal["resolution", "draft", "national", "count"]
    resolution: str | None = None
    signed: str | None = None
    effective: str | None = Field(None, pattern=r"^\d{4}(-\d\d){0,2}$", description="2023, 2023-08 or 2023-08-01, quoted")
    effective_note: str | None = None
    ends: str | None = None
    cut_pct: str | None = None
    number: int | None = None


class Tet(Record):
    """The first day of the year, as the moon has it."""

    year: int
    first_day: date


class FormerName(Source):
    """What a unit was called before: until `valid_to`, where that day is known."""

    name: str
    valid_from: date | None = None
    valid_to: date | None = None


class Unit(Record):
    """A province, district, commune or department. `parent`: code of the unit it belongs to. A unit that began or ended
    inside the list's own time says so by `valid_from` and `valid_to` (the last day), with where that was read in `dated`;
    from the next day its dossiers are those of `successor` (a code), where there is one.
    """

    code: str
    level: Literal["province", "district", "commune", "department"]
    parent: str | None = None
    name: str
    portal: str | None = None
    aliases: tuple[str, ...] = Field((), strict=False)
    former_names: tuple[FormerName, ...] = Field((), strict=False)
    valid_from: date | None = None
    valid_to: date | None = None
    successor: str | None = None
    dated: Source | None = Field(None, description="the source of valid_from, valid_to and successor")

    @model_validator(mode="after")
    def dates_have_a_source(self) -> "Unit":
        if (self.valid_from or self.valid_to or self.successor) and self.dated is None:
            raise ValueError("valid_from, valid_to and successor need their source: dated")
        if self.valid_from and self.valid_to and self.valid_from > self.valid_to:
            raise ValueError("valid_from is after valid_to")
        if self.successor and not self.valid_to:
            raise ValueError("a successor needs valid_to: since when")
        return self


class Province(Record):
    """A province. `valid_from`, `valid_to`: its first and last day, where inside the list's own time; `successor`: the code of the
    province in force from the next day that holds it since. One code or name may be of two provinces in turn, never on one day."""

    code: str = Field(pattern=r"^\d\d$", description="two digits, quoted")
    level: Literal["province"]
    name: str = Field(pattern=r"^(Tỉnh|Thành phố) \S", description="a name with its kind: Tỉnh ... or Thành phố ...")
    aliases: tuple[str, ...] = Field((), strict=False)
    former_names: tuple[FormerName, ...] = Field((), strict=False)
    valid_from: date | None = None
    valid_to: date | None = None
    successor: str | None = None

    @model_validator(mode="after")
    def ended_with_a_successor(self) -> "Province":
        if (self.valid_to is None) != (self.successor is None):
            raise ValueError("valid_to and successor belong together")
        if self.valid_from and self.valid_to and self.valid_from > self.valid_to:
            raise ValueError("valid_from is after valid_to")
        return self

    def holds(self, day: date) -> bool:
        """Whether it is in force on a day."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)


class Department(Record):
    """A department of a province."""

    code: str
    name: str
    aliases: tuple[str, ...] = Field((), strict=False)


class Task(Record):
    """One of the tasks, its indicator and its target."""

    number: int
    vi: str
    en: str
    indicator: str | None
    target: float | None


class Indicator(Record):
    """What the source of a task itself tells of an indicator; a share is 0-1."""

    name: str = Field(pattern=r"^[a-z0-9_]+$", description="a name of a-z, 0-9 and _")
    task: int = Field(ge=1, le=7, description="a task, 1 to 7")
    vi: str
    en: str
    definition_vi: str
    definition_en: str
    unit: Literal["share", "count"]
    better: Literal["higher", "lower"]
    target: float | int | None
    period: str | None = Field(pattern=r"^\d{4}(-\d\d){0,2}$", description="2023, 2023-08 or 2023-08-01, quoted")
    value: float | int | None


class Published(Source):
    """A figure that somebody published: told beside others, never joined to them. A share is 0-1."""

    place: str
    task: int | None = Field(ge=1, le=7, description="a task, 1 to 7")
    vi: str
    en: str
    definition_vi: str
    definition_en: str
    value: float | int
    relation: Literal["=", "~", ">"]
    unit: Literal["share", "count"]
    since: str | None = Field(pattern=r"^\d{4}(-\d\d){0,2}$", description="2023, 2023-08 or 2023-08-01, quoted")
    until: str = Field(pattern=r"^\d{4}(-\d\d){0,2}$", description="2023, 2023-08 or 2023-08-01, quoted")


class Figure(Record):
    """A number that the source of the tasks tells."""

    indicator: str
    vi: str
    en: str
    relation: Literal["=", "~", ">", ">="]
    unit: Literal["share", "count"]
    value: float | int


class UnitCost(Source):
    """What filing from remote saves, per trip, kilometre, hour or dossier; None: not known."""

    name: Literal["trips", "trip_minutes", "trip_km", "vnd_per_km", "citizen_vnd_per_hour", "staff_minutes", "staff_vnd_per_hour"]
    value: float | int | None = Field(ge=0, description="a number, 0 or more, or null where it is not known")
    year: int | None = Field(ge=2000, le=2100, description="the year of the VND, or of the survey")

    @model_validator(mode="after")
    def dated(self) -> "UnitCost":
        if self.value is not None and self.year is None:
            raise ValueError("a value needs its year")
        return self


class ResolutionFile(Record):
    """resolution.yaml."""

    resolutions: list[Resolution]


class EventFile(Record):
    """events.yaml."""

    events: list[Event]


class AdoptionFile(Record):
    """adoptions.yaml."""

    adoptions: list[Adoption]


class TetFile(Record):
    """tet.yaml."""

    default_source: Source
    tet: list[Tet]


class ProvinceFile(Record):
    """provinces.yaml."""

    first_source: Source
    second_source: Source
    merger_source: Source
    merger_law: Source
    first_codes: Source
    second_codes: Source
    provinces: list[Province]


class UnitFile(Record):
    """units.yaml."""

    province: str = Field(description="the code of the province whose units these are, quoted")
    default_source: Source
    portal_source: Source
    department_source: Source
    valid_until: date
    valid_until_source: Source
    units: list[Unit]
    departments: list[Department]
    former: list[Unit]


class TaskFile(Record):
    """tasks.yaml."""

    default_source: Source
    date: date
    place: str
    tasks: list[Task]
    indicators: list[Indicator]
    figures: list[Figure]


class PublishedFile(Record):
    """published.yaml."""

    published: list[Published]


class UnitCostFile(Record):
    """unit_costs.yaml."""

    unit_costs: list[UnitCost]


MODELS = {"resolution": ResolutionFile, "events": EventFile, "adoptions": AdoptionFile, "tet": TetFile, "provinces": ProvinceFile,
          "units": UnitFile, "tasks": TaskFile, "published": PublishedFile, "unit_costs": UnitCostFile}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Facts:
    """All facts. `provinces`: all of the country, those that ended and those in force; `units` holds a province, its districts, communes
    and departments, `former_units` what the portal names besides, `units_end` the last day of all of them. `sha256` is over the
    files' bytes."""

    resolutions: dict[str, Resolution]
    events: tuple[Event, ...]
    adoptions: tuple[Adoption, ...]
    tet: tuple[Tet, ...]
    provinces: tuple[Province, ...]
    province_source: Source
    units: tuple[Unit, ...]
    former_units: tuple[Unit, ...]
    units_end: date
    unit_source: Source
    tasks: TaskFile
    published: tuple[Published, ...]
    unit_costs: dict[str, UnitCost]
    sha256: str


def facts_folder() -> Path:
    """`params/facts`: the user's own whole folder where there is one, else the kit's (`own_folders`)."""
    return own_file("params", "facts")


def load_facts() -> Facts:
    """The facts of `params/facts`, or of the folder named by HGDX_PARAMS. Raises InputError for a fact without a source."""
    folder = facts_folder()
    return read_facts(folder, sum(f.stat().st_mtime_ns for f in sorted(folder.glob("*.yaml"))))


def facts_hash() -> str:
    """SHA-256 over the files of the facts, in their order, as `Facts.sha256`; nothing is parsed."""
    return sha256(b"".join((facts_folder() / f"{name}.yaml").read_bytes() for name in FILES)).hexdigest()


def facts_files() -> dict[str, str]:
    """File -> SHA-256."""
    files = [facts_folder() / f"{name}.yaml" for name in FILES] + [f for f in sorted(facts_folder().glob("crosswalk*")) if f.is_file()]
    return {file.name: sha256(file.read_bytes()).hexdigest() for file in files}


@cache
def read_facts(folder: Path, changed: int) -> Facts:
    """The facts of a folder; `changed` makes an edited file be read again."""
    digest, found = sha256(), {}
    for name in FILES:
        path = folder / f"{name}.yaml"
        found[name] = validate(load_yaml(path), MODELS[name], path.name)
        digest.update(path.read_bytes())
    departments = [Unit(code=d.code, level="department", parent=found["units"].province, name=d.name, portal=d.code, aliases=d.aliases)
                   for d in found["units"].departments]  # fmt: skip
    units, former = [*found["units"].units, *departments], found["units"].former
    check_unique([unit.code for unit in [*units, *former]], "units.yaml: code")
    check_successors([*units, *former])
    provinces = tuple(found["provinces"].provinces)
    check_provinces(provinces)
    check_parents([*units, *former], found["units"].province, provinces)
    check_unique([event.name for event in found["events"].events], "events.yaml: name")
    check_scopes(found["events"].events, provinces)
    return Facts({law.name: law for law in found["resolution"].resolutions},
                 tuple(sorted(found["events"].events, key=lambda event: event.date)), tuple(found["adoptions"].adoptions),
                 tuple(found["tet"].tet), provinces, found["provinces"].merger_source,
                 tuple(units), tuple(former), found["units"].valid_until, found["units"].default_source,
                 found["tasks"], tuple(found["published"].published),
                 unit_costs(found["unit_costs"].unit_costs), digest.hexdigest())  # fmt: skip


def unit_costs(listed: list[UnitCost]) -> dict[str, UnitCost]:
    """Every unit cost by name. Raises InputError where one stands twice or is missing."""
    check_unique([item.name for item in listed], "unit_costs.yaml: name")
    if missing := set(UnitCost.model_fields["name"].annotation.__args__) - {item.name for item in listed}:
        raise InputError(f"unit_costs.yaml: {sorted(missing)[0]} is missing; write value: null where it is not known")
    return {item.name: item for item in listed}


def check_unique(names: list[str], place: str) -> None:
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise InputError(f"{place}: {twice[0]!r} stands twice")


def check_successors(units: list[Unit]) -> None:
    """Raises InputError where a unit's successor is no unit, or leads back to it."""
    later = {unit.code: unit.successor for unit in units}
    for code, successor in later.items():
        path = [code]
        while successor:
            if successor not in later:
                raise InputError(f"units.yaml: unit {path[-1]}: successor {successor!r} is no unit's code")
            if successor in path:
                raise InputError(f"units.yaml: unit {code}: its successors lead in a circle: {', '.join([*path, successor])}")
            path.append(successor)
            successor = later[successor]


def check_provinces(provinces: tuple[Province, ...]) -> None:
    """Raises InputError where a code or a name is of two provinces on one day, or a successor does not begin when it should."""
    days = {day for p in provinces for day in (p.valid_from, p.valid_to) if day} or {date.min}
    for day in sorted(days):
        held = [p for p in provinces if p.holds(day)]
        check_unique([p.code for p in held], f"provinces.yaml: code on {day}")
        check_unique([bare(p.name) for p in held], f"provinces.yaml: name on {day}")
    for p in provinces:
        if p.valid_to and next_of(provinces, p) is None:
            raise InputError(f"provinces.yaml: {p.name}: successor {p.successor!r} is no province in force the day after {p.valid_to}")


def next_of(provinces: tuple[Province, ...], province: Province) -> Province | None:
    """The successor of a province that ended."""
    after = province.valid_to + timedelta(1)
    return next((p for p in provinces if p.code == province.successor and p.holds(after)), None)


def check_scopes(events: list[Event], provinces: tuple[Province, ...]) -> None:
    """Raises InputError for an event of a place that is no province."""
    known = {bare(name) for p in provinces for name in (p.name, *p.aliases, *(old.name for old in p.former_names))}
    for event in events:
        if event.scope != "national" and bare(event.scope) not in known:
            raise InputError(f"events.yaml: {event.name}: scope: found {event.scope!r}; allowed: national, or a province of provinces.yaml")


def check_parents(units: list[Unit], province: str, provinces: tuple[Province, ...]) -> None:
    """Raises InputError where a unit's parent is none of the file's, or its province is not that of provinces.yaml."""
    by_code = {unit.code: unit for unit in units}
    top = by_code.get(province)
    if top is None or top.level != "province" or not any((p.code, p.name) == (top.code, top.name) for p in provinces):
        raise InputError(f"units.yaml: province: {province!r} is no unit of level province with its code and name of provinces.yaml")
    for unit in units:
        if unit.level != "province" and unit.parent not in by_code:
            raise InputError(f"units.yaml: unit {unit.code}: parent {unit.parent!r} is no unit's code")


# --- units and provinces --------------------------------------------------------------------------------------------
def cluster_of(facts: Facts, unit: Unit) -> Unit:
    """The agency at district or province level that a unit belongs to: a commune's district, else itself."""
    if unit.level != "commune":
        return unit
    return next(parent for parent in facts.units if parent.code == unit.parent)


def bare(text: str) -> str:
    """A province's name without marks, kind, spaces and punctuation: "TP. Hồ Chí Minh" meets "Ho Chi Minh"."""
    letters = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    plain = re.sub(r"[^a-z]", "", "".join(c for c in letters if not unicodedata.combining(c)).casefold())
    return re.sub(r"^(tinh|thanhpho|tp)(?=\w)", "", plain)


def find_adoption(facts: Facts, province: str, by: date | None = None) -> Adoption | None:
    """The first known cut of a province (drafts and counts are none), under any spelling; with `by`, the first that may
    have been in force on that day (one of unknown date cannot be ruled out)."""
    wanted = bare(province)
    for adoption in facts.adoptions:
        known = {bare(name) for name in [adoption.province, *adoption.aliases]}
        since = adoption.effective or adoption.signed or ""
        if adoption.kind == "resolution" and wanted in known and (by is None or since <= by.isoformat()):
            return adoption
    return None
