"""What the world did: dated facts with their sources, from params/facts. What nobody has verified says so."""

import os
import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from .errors import InputError
from .yaml_strict import load_yaml, validate

FILES = ("resolution", "events", "adoptions", "tet", "units", "tasks")


class Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Source(Record):
    """Where a fact was read. A fact is verified with title, link and day of reading, or says why it is not."""

    title: str | None = Field(None, description="text: the source's title")
    link: str | None = Field(None, description="text: https://...")
    read: date | None = Field(None, description="the day on which it was read")
    verified: bool = Field(description="true or false")
    reason: str | None = Field(None, description="text: why it is not verified")

    @model_validator(mode="after")
    def sourced(self) -> "Source":
        if self.verified and not (self.title and self.link and self.read):
            raise ValueError("verified: true needs title, link and read")
        if not self.verified and not self.reason:
            raise ValueError("a fact has a source, or verified: false with a reason")
        return self


class Event(Source):
    """Something dated that could move the outcome besides the policy."""

    name: str
    date: date
    until: date | None = None
    scope: str
    level: Literal["province", "district", "commune"] | None = None
    vi: str = Field(max_length=28)
    en: str = Field(max_length=28)
    what_vi: str
    what_en: str

    def label(self, lang: str) -> str:
        return self.vi if lang == "vi" else self.en


class ResolutionFields(Record):
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
    year: int
    first_day: date


class Unit(Record):
    """A province, district, commune or department. `parent`: code of the unit it belongs to."""

    code: str
    level: Literal["province", "district", "commune", "department"]
    parent: str | None = None
    name: str
    portal: str | None = None
    aliases: tuple[str, ...] = Field((), strict=False)


class Department(Record):
    code: str
    name: str
    aliases: tuple[str, ...] = Field((), strict=False)


class Task(Record):
    number: int
    vi: str
    en: str
    indicator: str | None
    target: float | None


class Figure(Record):
    indicator: str
    vi: str
    en: str
    value: float | int


class ResolutionFile(Record):
    resolutions: list[Resolution]


class EventFile(Record):
    events: list[Event]


class AdoptionFile(Record):
    adoptions: list[Adoption]


class TetFile(Record):
    default_source: Source
    tet: list[Tet]


class UnitFile(Record):
    default_source: Source
    portal_source: Source
    department_source: Source
    valid_until: date
    units: list[Unit]
    departments: list[Department]
    former: list[Unit]


class TaskFile(Record):
    default_source: Source
    date: date
    tasks: list[Task]
    figures: list[Figure]


MODELS = {"resolution": ResolutionFile, "events": EventFile, "adoptions": AdoptionFile, "tet": TetFile,
          "units": UnitFile, "tasks": TaskFile}  # fmt: skip


@dataclass(frozen=True)
class Facts:
    """All facts. `units` holds province, districts, communes and departments, `former_units` what the portal names
    besides; `spellings` leads from a plain name to its unit (None: two share it); `sha256` is over the files' bytes."""

    resolutions: dict[str, Resolution]
    events: tuple[Event, ...]
    adoptions: tuple[Adoption, ...]
    tet: tuple[Tet, ...]
    units: tuple[Unit, ...]
    former_units: tuple[Unit, ...]
    spellings: dict[str, Unit | None]
    unit_source: Source
    tasks: TaskFile
    sha256: str


def facts_folder() -> Path:
    """`params/facts`, or that of the folder named by HGDX_PARAMS."""
    return Path(os.environ.get("HGDX_PARAMS") or Path(__file__).parent.parent / "params") / "facts"


def load_facts() -> Facts:
    """The facts of `params/facts`, or of the folder named by HGDX_PARAMS. Raises InputError for a fact without a source."""
    folder = facts_folder()
    return read_facts(folder, sum(f.stat().st_mtime_ns for f in sorted(folder.glob("*.yaml"))))


def facts_hash() -> str:
    """SHA-256 over the files of the facts, in their order, as `Facts.sha256`; nothing is parsed."""
    return sha256(b"".join((facts_folder() / f"{name}.yaml").read_bytes() for name in FILES)).hexdigest()


@cache
def read_facts(folder: Path, changed: int) -> Facts:
    """The facts of a folder; `changed` makes an edited file be read again."""
    digest, found = sha256(), {}
    for name in FILES:
        path = folder / f"{name}.yaml"
        found[name] = validate(load_yaml(path), MODELS[name], path.name)
        digest.update(path.read_bytes())
    departments = [Unit(code=d.code, level="department", parent="93", name=d.name, portal=d.code, aliases=d.aliases)
                   for d in found["units"].departments]  # fmt: skip
    units, former = [*found["units"].units, *departments], found["units"].former
    check_unique([unit.code for unit in [*units, *former]], "units.yaml: code")
    check_unique([event.name for event in found["events"].events], "events.yaml: name")
    return Facts({law.name: law for law in found["resolution"].resolutions},
                 tuple(sorted(found["events"].events, key=lambda event: event.date)), tuple(found["adoptions"].adoptions),
                 tuple(found["tet"].tet), tuple(units), tuple(former), unit_spellings(units, former),
                 found["units"].default_source, found["tasks"], digest.hexdigest())  # fmt: skip


def check_unique(names: list[str], place: str) -> None:
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise InputError(f"{place}: {twice[0]!r} stands twice")


def events_between(facts: Facts, start: date, end: date, scope: str) -> tuple[Event, ...]:
    """Events of a place, and national ones, that touch the days from start to end."""
    return tuple(event for event in facts.events if event.scope in (scope, "national")
                 and event.date <= end and (event.until or event.date) >= start)  # fmt: skip


# --- names to units ------------------------------------------------------------------------------------------------

SHORT = {"tp": "thành phố", "tx": "thị xã", "tt": "thị trấn", "p": "phường", "x": "xã", "h": "huyện", "t": "tỉnh"}
KIND = re.compile(r"^(Thành phố|Thị xã|Huyện|Tỉnh) ")
TONES = "\u0300\u0301\u0303\u0309\u0323"
COUNCIL = re.compile("^(ubnd|uy\u0309 ban nhân dân) ")


def plain_name(text: str) -> str:
    """A name as compared: NFC, lower case, no punctuation, kinds of unit written out, "Thuỷ" and "Thủy" alike."""
    text = unicodedata.normalize("NFC", text).casefold()
    words = re.sub(r"[\s.,;:()/–-]+", " ", text).split()
    spelled = " ".join(SHORT.get(word, word) for word in words)
    return COUNCIL.sub("", " ".join(toned_last(word) for word in spelled.split()))


def toned_last(word: str) -> str:
    """The vowels, then the tone: where the tone mark stands tells no two words apart. ă, â, ê, ô, ơ, ư stay."""
    marks = unicodedata.normalize("NFD", word)
    vowels = "".join(mark for mark in marks if mark not in TONES)
    return unicodedata.normalize("NFC", vowels) + "".join(mark for mark in marks if mark in TONES)


def unit_spellings(units: list[Unit], former: list[Unit]) -> dict[str, Unit | None]:
    """Plain name or portal code -> unit; None where two units share it."""
    above = {unit.code: unit.name for unit in units}
    index: dict[str, Unit | None] = {}
    for unit in [*units, *former]:
        own = [unit.name, *unit.aliases]
        places = [above[unit.parent]] if unit.level == "commune" else []
        for place in [*places, *(above["93"] for _ in range(unit.level != "province"))]:  # the district, then the province
            own += [f"{text} {end}" for text in own for end in (place, KIND.sub("", place))]
        for text in [*own, *([unit.portal] if unit.portal else [])]:
            key = plain_name(text)
            index[key] = unit if index.get(key, unit) is unit else None
    return index


def find_unit(facts: Facts, text: str) -> Unit | None:
    """The unit of a name as an export writes it, or of its portal code; None where unknown or ambiguous.

    The kind belongs to the name: "Long Mỹ" alone is a district or a town, so None. The district or the province may
    follow ("Xã Vị Thanh, huyện Vị Thủy"); a district that does not fit makes it unknown.
    """
    return facts.spellings.get(plain_name(text))


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
