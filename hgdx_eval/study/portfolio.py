"""A portfolio: many studies whose answers stand on one page. One YAML file, `params/portfolios/NAME.yaml`, checked whole before anything
starts; what it names becomes a list of members, each a study of its own."""

import fnmatch
import re
import unicodedata
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ..base.errors import InputError
from ..base.own_files import own_folders
from ..base.telling import did_you_mean, told_text
from ..base.yaml_strict import load_yaml, validate
from ..locale import LANGUAGES
from .domains import domain_of
from .load import named_file, read_study, study_file, study_files, study_words
from .own_words import own_words
from .study import PATH_KEYS, Study
from .vocabulary import SINGLE_SERIES

NAME = r"^[a-z0-9_]+$"
ALL = "all"
NEEDED = "give studies, or study with each, or study with for_each and values"
OWN_KEYS = ("study", "blind")  # of a member: its name is made, and a portfolio does not lift a blind


class Titles(BaseModel):
    """What readers call it, in each language."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    vi: str = Field(min_length=1, description="text in Vietnamese")
    en: str = Field(min_length=1, description="text in English")


class Each(BaseModel):
    """One member of a portfolio over one study, or, with `for_each`, what differs at one of its values."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str = Field(min_length=1, description="a name of a-z, 0-9 and _; with for_each: one of values, as written there")
    title: Titles | None = Field(None, description="what readers call it: vi and en; default: its place, else the study's title")
    keys: dict[str, Any] = Field({}, description="keys of a study that differ here")
    no_policy: bool = Field(False, description="true: no policy is on record here, so nothing is run and the page says so")


class Portfolio(BaseModel):
    """A portfolio, as written."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    portfolio: str = Field(pattern=NAME, max_length=100, description="a name of a-z, 0-9 and _, of at most 100 letters")
    title: Titles = Field(description="what readers call it: vi and en")
    studies: list[str] = Field([], description="studies: names, paths seen from the folder of this file, or patterns of either")
    study: str | None = Field(None, description="one study, a name or a path, of which each member is a variant")
    for_each: str | None = Field(None, description="the key of that study by which its members differ: place, or any other key")
    values: list[Any] | str | None = Field(None, description="with for_each: a list of values; of places also codes, patterns or all")
    set: dict[str, Any] = Field({}, description="keys of every member; in texts {value}, {name} and, of places, {code} are filled in")
    each: list[Each] = Field([], description="the members, or with for_each what differs at some of its values")

    @model_validator(mode="after")
    def one_way(self) -> "Portfolio":
        """One of the three ways to name members, whole."""
        if bool(self.studies) == bool(self.study):
            raise ValueError(f"studies: {NEEDED}")
        if self.studies and (self.for_each or self.values is not None or self.set or self.each):
            raise ValueError("studies: for_each, values, set and each are only allowed with study")
        if bool(self.for_each) != (self.values is not None):
            raise ValueError(f"{'values' if self.for_each else 'for_each'}: is missing beside its counterpart")
        if self.study and not self.for_each and not self.each:
            raise ValueError(f"each: is missing: {NEEDED}")
        return self


@dataclass(frozen=True)
class Member:
    """One study of a portfolio. `file`, `change`: as `hgdx-eval run FILE -p KEY=VALUE` takes them; `p`: the study, None where there is
    nothing to run, and `state` (`no_policy`, `refused`) with `reason` says why."""

    study: str
    file: Path
    change: dict = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    p: Study | None = None
    state: str = ""
    reason: str = ""


def portfolio_file(name: str) -> Path:
    """The YAML file of a portfolio: a path, or a name in `params/portfolios/`. Raises InputError where there is none."""
    return named_file(name, "portfolio", "portfolios", portfolio_files)


def portfolio_files(params: Path) -> list[Path]:
    """The portfolios of a folder of parameters."""
    return sorted((params / "portfolios").glob("*.yaml"))


def read_portfolio(file: Path) -> Portfolio:
    """One file, every key checked. Raises InputError (one line)."""
    found = validate(load_yaml(file), Portfolio, file.name)
    for place, keys in (("set", found.set), *((f"each: {entry.name}", entry.keys) for entry in found.each)):
        for key in keys:
            check_key(key, f"{file.name}: {place}")
            if keys[key] is None:
                raise InputError(f"{file.name}: {place}: {key}: found nothing; allowed: {Study.model_fields[key].description}")
    if found.for_each is not None:
        check_key(found.for_each, f"{file.name}: for_each")
    return found


def check_key(key: str, place: str) -> None:
    """Raises InputError for what is no key of a study, or one that is a member's own."""
    known = [name for name in Study.model_fields if name not in OWN_KEYS]
    if key not in known:
        raise InputError(f"{place}: {told_text(str(key))}: no such key of a study{did_you_mean(str(key), known)}; allowed: "
                         f"{', '.join(known)}")  # fmt: skip


def members_of(portfolio: Portfolio, file: Path) -> list[Member]:
    """Its members by name. Raises InputError where it names one that is not there, one twice, itself, or nobody with a policy."""
    found = listed(portfolio, file) if portfolio.studies else variants(portfolio, file)
    check_once(found, portfolio.portfolio, file.name)
    if all(member.state for member in found):
        first = found[0]
        raise InputError(f"{file.name}: no member can be run, as {first.study}: {first.reason}")
    return sorted(with_own_titles(found), key=lambda member: member.study)


def listed(portfolio: Portfolio, file: Path) -> list[Member]:
    """The members of `studies:`."""
    found: list[tuple[str, Path]] = []
    for text in portfolio.studies:
        paths = study_paths(text, file)
        if file in paths:
            raise InputError(f"{file.name}: studies: {text} is the portfolio itself; allowed: studies")
        for path in paths:
            if twice := [other for other, before in found if before == path]:
                raise InputError(f"{file.name}: studies: {path.stem} stands twice, as {twice[0]} and as {text}; each study counts once")
            found.append((text, path))
    return [member(path.stem, path, {}, {}, by_file=True) for _, path in found]


def study_paths(text: str, file: Path) -> list[Path]:
    """The study files that one entry means, patterns too. Raises InputError where there is none."""
    is_path = "/" in text or text.endswith((".yaml", ".yml"))
    if not any(mark in text for mark in "*?["):
        return [study_file(str(file.parent / text) if is_path else text).resolve()]
    if is_path:
        folder = file.parent / Path(text).parent
        found = [path for path in sorted(folder.glob(Path(text).name)) if path.suffix in (".yaml", ".yml") and path.resolve() != file]
        found = [path for path in found if not path.name.endswith((".words.yaml", ".plan.yaml"))]
    else:
        named = {path.stem: path for folder in own_folders("params")[::-1] for path in study_files(folder)}
        found = [named[name] for name in sorted(named) if fnmatch.fnmatchcase(name, text)]
    if not found:
        raise InputError(f"{file.name}: studies: no study is called {text}; allowed: a pattern that some study meets")
    return [path.resolve() for path in found]


def variants(portfolio: Portfolio, file: Path) -> list[Member]:
    """The members of `study:` with `each:` or `for_each:`."""
    text = str(portfolio.study)
    base = study_file(str(file.parent / text) if "/" in text or text.endswith((".yaml", ".yml")) else text).resolve()
    if not portfolio.for_each:
        return [variant(portfolio, file, base, entry, {"name": entry.name}, {}) for entry in portfolio.each]
    if portfolio.for_each == "place":
        return over_places(portfolio, file, base)
    if not isinstance(portfolio.values, list) or not portfolio.values:
        raise InputError(f"{file.name}: values: found {told_text(str(portfolio.values))}; allowed: a list for {portfolio.for_each}")
    entries = entries_by_value(portfolio, [str(value) for value in portfolio.values], file)
    return [variant(portfolio, file, base, entries[str(value)], {"value": str(value)}, {portfolio.for_each: value})
            for value in portfolio.values]  # fmt: skip


def over_places(portfolio: Portfolio, file: Path, base: Path) -> list[Member]:
    """A member for each place, with the policy that the domain's facts have of it."""
    p = read_study(base, {})
    domain = domain_of(p)
    if not domain.NAME:
        raise InputError(f"{file.name}: for_each: place: {base.name} is of no domain that knows places; allowed: another key, or each:")
    texts: list[Any] = portfolio.values if isinstance(portfolio.values, list) else [portfolio.values]
    if wrong := [text for text in texts if not isinstance(text, str)]:
        raise InputError(f'{file.name}: values: found {wrong[0]}; allowed: text, so put it in quotes, "{wrong[0]}"')
    places = [place for text in texts for place in domain.places(text, f"{file.name}: values")]
    entries = entries_by_value(portfolio, [place.name for place in places], file)
    found = []
    for place in places:
        entry, policy = entries[place.name], domain.policy_at(p, place)
        told = {"value": place.name, "code": place.code}
        if isinstance(policy, str):
            entry = entry.model_copy(update={"no_policy": True})
        change, why = ({}, policy) if isinstance(policy, str) else (policy, "")
        found.append(variant(portfolio, file, base, entry, told, change, why))
    return found


def entries_by_value(portfolio: Portfolio, values: list[str], file: Path) -> dict[str, Each]:
    """The entry of each value, an empty one where nothing differs. Raises InputError for an entry of no value, and values twice."""
    if twice := [value for value in values if values.count(value) > 1]:
        raise InputError(f"{file.name}: values: {twice[0]} stands twice; each member counts once")
    given = {entry.name: entry for entry in portfolio.each}
    if wrong := [name for name in given if name not in values]:
        raise InputError(f"{file.name}: each: {wrong[0]} is none of values{did_you_mean(wrong[0], values)}; allowed: {', '.join(values)}")
    return {value: given.get(value) or Each(name=value) for value in values}


def variant(portfolio: Portfolio, file: Path, base: Path, entry: Each, told: dict, own: dict, why: str = "") -> Member:
    """One variant of the portfolio's study, named after both."""
    name = f"{portfolio.portfolio}_{slug(entry.name)}"
    told = {**told, "name": slug(entry.name)}
    change = {key: filled(value, told, f"{file.name}: {key}") for key, value in {**own, **portfolio.set, **entry.keys}.items()}
    for key in PATH_KEYS:
        if isinstance(change.get(key), str):
            change[key] = str((file.parent / change[key]).resolve())
    titles = entry.title.model_dump() if entry.title else {lang: told["value"] for lang in LANGUAGES if "value" in told}
    if entry.no_policy:
        return Member(name, base, change, titles, None, "no_policy", why or "no policy is on record here")
    return member(name, base, {**change, "study": name}, titles)


def slug(text: str) -> str:
    """A name of a-z, 0-9 and _: Đông Bắc is dong_bac."""
    letters = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter)).lower()
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_")


def filled(value: Any, told: dict, place: str) -> Any:
    """A value with {value}, {name} and {code} of its texts filled in. Raises InputError for another name in braces."""
    if isinstance(value, dict):
        return {filled(key, told, place): filled(item, told, place) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, told, place) for item in value]
    if not isinstance(value, str):
        return value

    def of(found: re.Match) -> str:
        if found[1] not in told:
            raise InputError(f"{place}: {{{found[1]}}} is not known{did_you_mean(found[1], told)}; allowed: "
                             f"{', '.join(f'{{{name}}}' for name in told)}")  # fmt: skip
        return told[found[1]]

    return re.sub(r"{(\w+)}", of, value)


def member(name: str, file: Path, change: dict, titles: dict, by_file: bool = False) -> Member:
    """A member whose study is read; one that cannot be is refused, and the portfolio goes on without it."""
    try:
        p = read_study(file, change)
        return Member(p.study if by_file else name, file, change, titles or titles_of(p), p)
    except InputError as error:
        return Member(name, file, change, titles, None, "refused", str(error))


def titles_of(p: Study) -> dict[str, str]:
    """What readers call a study: its place, where it or its own words name one, else its title."""
    own = own_words(p)
    return {lang: study_words(p, lang)("study.place" if own.get(lang, {}).get("place") else "study.title") if own.get(lang) or not p.place
            else p.place for lang in LANGUAGES}  # fmt: skip


def with_own_titles(members: list[Member]) -> list[Member]:
    """Two of one title are told apart by their names."""

    def own(one: Member) -> Member:
        titles = {lang: one.titles.get(lang) or one.study for lang in LANGUAGES}
        for lang, title in titles.items():
            if sum(other.titles.get(lang) == title for other in members) > 1:
                titles[lang] = f"{title} ({one.study})"
        return replace(one, titles=titles)

    return [own(one) for one in members]


def check_once(members: list[Member], name: str, file: str) -> None:
    """Raises InputError for two members of one name, and for one named as the portfolio."""
    seen: dict[str, Member] = {}
    for one in members:
        if not re.fullmatch(NAME, one.study):
            raise InputError(f"{file}: {told_text(one.study)}: no name of a-z, 0-9 and _ can be made of it")
        if one.study == name:
            raise InputError(f"{file}: a member has the portfolio's own name, {name}; each needs a folder of its own: rename one")
        if one.study in seen:
            files = " and ".join(dict.fromkeys((seen[one.study].file.name, one.file.name)))
            raise InputError(f"{file}: study {one.study} stands twice ({files}); each study counts once")
        seen[one.study] = one


# --- what must be equal for two answers to be pooled --------------------------------------------------------------------
def definition_of(p: Study) -> dict[str, str]:
    """What a study measures, as far as two must agree to be pooled: key -> value."""
    return {
        "outcome": p.outcome_name, "scale": "pp" if p.numerator or p.scale == "share" else "level", "frequency": p.frequency,
        "against": "itself" if p.estimator in SINGLE_SERIES else "others", "dated_by": p.date if p.layout != "table" else "period",
        "weights": p.weights or ("denominator" if p.denominator else "none"), "window": "given" if p.window else "whole",
        "waiting": "set_aside" if p.gap else "kept",
    }  # fmt: skip


@dataclass(frozen=True)
class Difference:
    """What a study defines otherwise than one that is defined as most are: the key, its own value, that study, its value."""

    key: str
    own: str
    other: str
    usual: str

    def __str__(self) -> str:
        return f"{self.key} is {told_text(self.own)}, that of {self.other} is {told_text(self.usual)}"


def odd_ones(members: list[Member], file: str) -> dict[str, Difference]:
    """Study -> why it is not pooled: it is not defined as most are (of equals, as the first). Raises InputError where no two agree."""
    defined = [(one.study, definition_of(one.p)) for one in members if one.p is not None]
    if len(defined) < 2:
        return {}
    most, usual = max(((sum(other == own for _, other in defined), own) for _, own in defined), key=lambda pair: pair[0])
    named = next(study for study, own in defined if own == usual)
    odd = {study: difference(own, usual, named) for study, own in defined if own != usual}
    if most == 1:
        study, why = next(iter(odd.items()))
        raise InputError(f"{file}: no two members measure the same, so nothing can be pooled: {study}: {why}")
    return odd


def difference(own: dict[str, str], usual: dict[str, str], named: str) -> Difference:
    key = next(key for key in own if own[key] != usual[key])
    return Difference(key, own[key], named, usual[key])
