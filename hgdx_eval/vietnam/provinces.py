"""Which province a name means, on which day, and whose units and events are a study's: no province's code or name stands here."""

import difflib
from dataclasses import replace
from datetime import date
from functools import cache

from ..base.errors import InputError
from ..study.events import Event
from .facts import Facts, Province, Unit, bare, next_of

NEAR = 3  # names that are offered in place of one that is not known


@cache
def by_spelling(facts: Facts) -> dict[str, tuple[Province, ...]]:
    """Bare name, alias or former name -> the provinces that are or were called so, in turn."""
    index: dict[str, list[Province]] = {}
    for province in facts.provinces:
        names = [province.name, *province.aliases, *(old.name for old in province.former_names)]
        for key in dict.fromkeys(map(bare, names)):
            index.setdefault(key, []).append(province)
    return {key: tuple(found) for key, found in index.items()}


def provinces_named(facts: Facts, text: str) -> tuple[Province, ...]:
    """The provinces of a name under any spelling, with or without marks and kind: two, where one was merged into one called alike."""
    return by_spelling(facts).get(bare(text), ())


def province_on(facts: Facts, text: str, day: date) -> Province | None:
    """The province that has a name's territory on a day: after a merger the successor. None where the facts know no such name."""
    found = provinces_named(facts, text)
    held = next((province for province in found if province.holds(day)), found[0] if found else None)
    while held is not None and held.valid_to and held.valid_to < day:
        held = next_of(facts.provinces, held)
    return held


def check_province(facts: Facts, text: str, place: str) -> None:
    """Raises InputError for a name that is no province's: the names nearest to it, and how many are known."""
    if provinces_named(facts, text):
        return
    names = {bare(province.name): province.name for province in facts.provinces}
    near = [names[key] for key in difflib.get_close_matches(bare(text), names, n=NEAR)]
    offered = f" (did you mean {', '.join(map(repr, near))}?)" if near else ""
    raise InputError(f"{place}: {text!r} is no province of params/facts/provinces.yaml{offered}; allowed: one of the {len(names)} names "
                     f"there, with or without marks and kind; a study of another country leaves it out")  # fmt: skip


def same_province(facts: Facts, one: str, other: str) -> bool:
    """Whether two spellings are of one province, whenever that was."""
    return bool(found := provinces_named(facts, one)) and found == provinces_named(facts, other)


@cache
def facts_at(facts: Facts, place: str | None) -> Facts:
    """The facts with the units of one province alone: those of the facts, or, where they know none of it, the province itself. Without a
    place all units stay."""
    found = () if place is None else provinces_named(facts, place)
    if not found:
        return facts
    names = {province.name for province in found}
    tops = {unit.code for unit in facts.units if unit.level == "province" and unit.name in names}
    if not tops:
        return replace(facts, units=(unit_of(facts, found),), former_units=(), units_end=date.max)
    units = tuple(unit for unit in facts.units if top_of(facts, unit) in tops)
    return replace(facts, units=units, former_units=tuple(unit for unit in facts.former_units if top_of(facts, unit) in tops))


def top_of(facts: Facts, unit: Unit) -> str:
    """The code of the province that a unit belongs to."""
    parents = {other.code: other.parent for other in facts.units}
    code = unit.code if unit.parent is None else unit.parent
    while parents.get(code) is not None:
        code = parents[code]
    return code


def unit_of(facts: Facts, found: tuple[Province, ...]) -> Unit:
    """Provinces of one name in turn as the one unit that an export may write."""
    first, last = found[0], found[-1]
    return Unit(code=last.code, level="province", name=last.name, aliases=last.aliases, former_names=first.former_names,
                valid_from=first.valid_from, valid_to=last.valid_to, dated=facts.province_source)  # fmt: skip


def events_between(facts: Facts, start: date, end: date, place: str) -> tuple[Event, ...]:
    """Events of a place, and national ones, that touch the days from start to end. An event is a place's where one province has both on
    the event's day: after a merger those of the whole new province."""

    def concerns(event: Event) -> bool:
        if event.scope in (place, "national"):
            return True
        here = province_on(facts, place, event.date)
        return here is not None and here == province_on(facts, event.scope, event.date)

    return tuple(event for event in facts.events if event.date <= end and (event.until or event.date) >= start and concerns(event))
