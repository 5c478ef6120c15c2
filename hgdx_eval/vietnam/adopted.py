"""The policy of each place: a resolution that a study names, or what is on record of the place's own cut (params/facts/adoptions.yaml)."""

import fnmatch
import re
from datetime import date
from typing import TYPE_CHECKING

from ..base.errors import InputError
from ..study.domains import Place
from ..study.events import Source
from .facts import Adoption, Facts, Province, Resolution, ResolutionFields, bare, load_facts
from .provinces import check_province, provinces_named, same_province

if TYPE_CHECKING:
    from ..study.study import Study

ADOPTED = "adopted"  # policy: what is on record of the study's own place
KIND = re.compile(r"^(Tỉnh|Thành phố) ")
NOT_ON_RECORD = "no cut is on record for it (params/facts/adoptions.yaml)"


def law_of(p: "Study") -> Resolution:
    """The resolution of a study with a policy. Raises InputError where the study's place has none on record."""
    facts = load_facts()
    if p.policy != ADOPTED:
        return facts.resolutions[str(p.policy)]
    found = adoption_at(facts, p.place or "", p)
    if isinstance(found, str):
        raise InputError(f"{p.study}: policy: {ADOPTED}: {p.place}: {found}")
    return as_resolution(found)


def adoption_at(facts: Facts, place: str, p: "Study") -> Adoption | str:
    """The cut of a place whose first month and size are on record: the first inside the study's window, else the first of all; or why
    there is none."""
    names = {bare(place), *(bare(name) for province in provinces_named(facts, place) for name in (province.name, *province.aliases))}
    known = [cut for cut in facts.adoptions if cut.kind == "resolution" and names & {bare(cut.province), *map(bare, cut.aliases)}]
    if not known:
        return NOT_ON_RECORD
    dated = sorted((cut for cut in known if cut.effective and len(cut.effective) >= len("2023-08")), key=lambda cut: str(cut.effective))
    if not dated:
        return "a cut is on record for it, but not from which month (params/facts/adoptions.yaml)"
    if not (sized := [cut for cut in dated if size_of(cut) is not None]):
        return "a cut is on record for it, but not its size (params/facts/adoptions.yaml)"
    first, last = (str(month)[:7] for month in p.window) if p.window else ("", "9999")
    return next((cut for cut in sized if first < str(cut.effective)[:7] <= last), sized[0])


def size_of(cut: Adoption) -> float | None:
    """Per cent, where one number is on record."""
    return float(cut.cut_pct) if cut.cut_pct and re.fullmatch(r"\d+(\.\d+)?", cut.cut_pct) else None


def as_resolution(cut: Adoption) -> Resolution:
    """A cut on record in the form of a resolution: what is not on record says so."""
    read = Source(title=cut.title, link=cut.link, read=cut.read, verified=cut.verified, reason=cut.reason)
    unknown = Source(verified=False, reason="it is not on record")
    whole = date.fromisoformat(str(cut.effective)) if len(str(cut.effective)) == len("2023-08-01") else None
    first = whole or date.fromisoformat(f"{cut.effective}-01")
    signed = date.fromisoformat(cut.signed) if cut.signed and len(cut.signed) == len("2023-08-01") else None
    by_month = Source(title=cut.title, link=cut.link, read=cut.read, verified=False, reason="the month is on record, not the day")
    size = size_of(cut)
    return Resolution(
        name=ADOPTED, body=f"Hội đồng nhân dân {cut.province}", number=cut.resolution or "",
        what_vi="giảm phí, lệ phí đối với hồ sơ nộp trực tuyến", what_en="lower fees for dossiers submitted online",
        signed=signed or first, effective=whole, assumed_effective=first, cut_pct=size,
        assumed_cut_pct=size or 100, fee_list=None, expires=None,
        fields=ResolutionFields(signed=read if signed else unknown, title=read, effective=read if whole else by_month, cut_pct=read,
                                fee_list=unknown, expires=unknown))  # fmt: skip


def places(text: str, where: str) -> list[Place]:
    """Provinces by name, code, pattern or `all`; two in turn under one name are one place. Raises InputError."""
    facts = load_facts()
    if re.fullmatch(r"\d\d", text):
        found = [province for province in facts.provinces if province.code == text]
        if len(found) > 1:
            raise InputError(f"{where}: code {text} was of {' and then of '.join(province.name for province in found)}; allowed: the name")
        if not found:
            raise InputError(f"{where}: {text!r} is no province's code of params/facts/provinces.yaml")
    elif text == "all":
        found = list(facts.provinces)
    elif any(mark in text for mark in "*?["):
        found = [province for province in facts.provinces if fnmatch.fnmatchcase(plain(province), text)]
        if not found:
            raise InputError(f"{where}: no province is called {text}; allowed: a pattern of names without their kind")
    else:
        check_province(facts, text, where)
        found = [provinces_named(facts, text)[0]]
    by_name = {plain(province): province for province in found[::-1]}
    return [Place(name, by_name[name].code) for name in dict.fromkeys(map(plain, found))]


def plain(province: Province) -> str:
    """Its name without its kind."""
    return KIND.sub("", province.name)


def policy_at(p: "Study", place: Place) -> dict | str:
    """The keys of a study that make it another place's, or why there is no policy to evaluate."""
    facts = load_facts()
    if p.policy is None or (p.place is not None and same_province(facts, p.place, place.name)):
        return {"place": place.name}
    found = adoption_at(facts, place.name, p)
    return found if isinstance(found, str) else {"place": place.name, "policy": ADOPTED}
