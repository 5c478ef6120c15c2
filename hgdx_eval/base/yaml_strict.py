"""YAML read strictly: a repeated key, a code that YAML took for a number or a misspelt key is one line, with its place."""

import datetime
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from .errors import InputError
from .machine import blame
from .safe_text import is_utf8
from .telling import did_you_mean

Place = tuple[str | int, ...]
Composed = tuple[yaml.SafeLoader, yaml.Node | None]  # with its loader
FASTEST = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml, where PyYAML was built with it
DEEPEST = 50  # maps and lists inside one another
MAP, LIST = (f"tag:yaml.org,2002:{name}" for name in ("map", "seq"))
# What a pydantic error type allows, in words; types not listed say pydantic's own sentence.
ALLOWED = {
    "string_type": "text", "int_type": "a whole number", "float_type": "a number", "bool_type": "true or false",
    "date_type": "a date, 2023-07-14", "list_type": "a list", "tuple_type": "a list", "dict_type": "a map",
    "model_type": "a map", "model_attributes_type": "a map", "none_required": "nothing",
}  # fmt: skip
LIMIT = re.compile(r"^\w+ should (be |have )?| after validation")  # "List should have at least 2 items after validation"
# Of several errors an unknown key is reported first (it explains a missing one), then a missing key, then the rest.
FIRST = {"extra_forbidden": 0, "invalid_key": 0, "missing": 1}


@dataclass(frozen=True)
class Strict:
    """One YAML file: its top-level map, and for every place (keys and list positions) the line and, for a scalar, the
    text as written. The text of a key stands at (..., key, "[key]")."""

    value: dict[str, Any]
    lines: dict[Place, int] = field(default_factory=dict)
    raw: dict[Place, str] = field(default_factory=dict)


def load_yaml(path: str | Path) -> Strict:
    """Read one YAML file. Raises InputError (one line: file, line, what is wrong) where there is no such file, it is
    not UTF-8, not YAML, repeats a key, uses an alias or an own tag, or is no map at the top."""
    path = Path(path)
    text = read_text(path)
    try:
        loader, top = composed(text, path.name)
        if top is None or top.tag != MAP or not isinstance(top, yaml.MappingNode):
            line = top.start_mark.line + 1 if top else 1
            raise InputError(f"{path.name}: line {line}: the file must be a map, `key: value` on every line")
        strict = Strict({})
        strict.value.update(plain(top, (), loader, strict, path.name))
        return strict
    except yaml.YAMLError as error:
        raise InputError(f"{path.name}: {syntax_error(error, text)}") from None


def read_value(text: str, source: str) -> Any:
    """One value that is written by itself, held to the same rules; 01 could be a code or a number and is refused. Raises
    InputError, and YAMLError where it is no YAML."""
    loader, top = composed(text, source)
    if top is None:
        return None
    strict = Strict({})
    value = plain(top, (), loader, strict, source)
    check_numbers(value, strict, source)
    return value


def composed(text: str, file: str) -> Composed:
    """By libyaml where it takes the text; else by PyYAML's own parser, which says better what is wrong."""
    try:
        return composed_by(FASTEST, text, file)
    except yaml.YAMLError:
        return composed_by(yaml.SafeLoader, text, file)


def composed_by(kind: type, text: str, file: str) -> Composed:
    """Looked over as a flat row of events first: whatever is nested is read by functions that call themselves, libyaml's too."""
    depth = 0
    for event in yaml.parse(text, kind):
        if isinstance(event, yaml.AliasEvent):  # one value in two places would have two lines, and ten of them can fill the memory
            raise InputError(f"{file}: line {event.start_mark.line + 1}: found *{event.anchor}: aliases are not read; text goes in quotes")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise InputError(f"{file}: maps and lists are nested too deeply")
    loader = kind(text)
    return loader, loader.get_single_node()


def read_text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path.name}: there is no such file") from None
    except OSError as error:
        raise blame(error, InputError(f"{path.name}: cannot be read ({error.strerror})")) from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path.name}: line {line}: not UTF-8; save the file as UTF-8") from None


def syntax_error(error: yaml.YAMLError, text: str) -> str:
    """PyYAML's error as one line."""
    mark = getattr(error, "problem_mark", None)
    if mark is not None:
        said = getattr(error, "problem", None) or getattr(error, "context", None) or "not understood"
        return one_line(f"line {mark.line + 1}: not valid YAML: {said}")
    position = getattr(error, "position", None)
    line = text.count("\n", 0, position) + 1 if position is not None else 1
    return one_line(f"line {line}: not valid YAML: {getattr(error, 'reason', None) or error}")


def plain(node: yaml.Node, place: Place, loader: yaml.SafeLoader, strict: Strict, file: str) -> Any:
    """The value of a composed node; notes the line and the written text of everything below it in `strict`."""
    line = node.start_mark.line + 1
    strict.lines.setdefault(place, line)
    if isinstance(node, yaml.ScalarNode):
        strict.raw[place] = node.value
        return scalar(node, place, loader, file)
    if node.tag not in (MAP, LIST):
        raise InputError(f"{file}: line {line}: the tag {node.tag} is not read; allowed: plain maps, lists and values")
    if isinstance(node, yaml.SequenceNode):
        return [plain(item, (*place, i), loader, strict, file) for i, item in enumerate(node.value)]
    found: dict = {}
    for key_node, value_node in node.value:
        key, line = key_of(key_node, place, loader, file), key_node.start_mark.line + 1
        here = (*place, key)
        if key in found:
            raise InputError(f"{file}: line {line}: {dotted(here)}: this key stands already in line {strict.lines[here]}")
        strict.lines[here] = line
        strict.raw[(*here, "[key]")] = key_node.value
        found[key] = plain(value_node, here, loader, strict, file)
    return found


def key_of(node: yaml.Node, place: Place, loader: yaml.SafeLoader, file: str) -> Any:
    if not isinstance(node, yaml.ScalarNode) or node.value == "<<":
        raise InputError(f"{file}: line {node.start_mark.line + 1}: a key must be one word or number, written out")
    return scalar(node, place, loader, file)


def scalar(node: yaml.ScalarNode, place: Place, loader: yaml.SafeLoader, file: str) -> Any:
    if not is_utf8(node.value):
        raise InputError(f"{file}: line {node.start_mark.line + 1}: {dotted(place)}: found a letter that is none (\\ud800 to \\udfff)")
    try:
        return loader.construct_object(node, deep=True)
    except (ValueError, OverflowError) as error:  # 2023-02-30 looks like a date
        where = f"{dotted(place)}: " if place else ""
        message = f"{file}: line {node.start_mark.line + 1}: {where}found {node.value} ({error}); text goes in quotes"
        raise InputError(one_line(message)) from None


# --- checking against a model --------------------------------------------------------------------------------------
def validate(strict: Strict, model: type[BaseModel], file: str) -> Any:
    """The file as a (frozen, strict, extra=forbid) pydantic model.

    Raises InputError for the first thing that is wrong, in one line: file, line, dotted key, what was found, what is
    allowed. A field's `description` is the text after "allowed"; unknown keys come first, then missing ones.
    """
    try:
        found = model.model_validate(strict.value)
    except ValidationError as error:
        raise InputError(one_line(explain(error.errors(include_url=False), strict, model, file))) from None
    check_numbers(strict.value, strict, file)  # last: where text is expected, the model says better what to do
    return found


def check_numbers(value: Any, strict: Strict, file: str) -> None:
    """Raises InputError for a whole number that YAML reads as another than is written: 010 as 8, 0x1F as 31, 12:30 as 750."""
    for place, raw in strict.raw.items():
        if place in strict.lines and type(number := value_at(value, place)) is int and str(number) != raw.lstrip("+").replace("_", ""):
            where = f"line {strict.lines[place]}: {dotted(place)}: " if strict.value else ""  # a value by itself has none
            raise InputError(f"{file}: {where}found {raw}, which YAML reads as {number}; a code goes in quotes, \"{raw}\", a number "
                             f"has only digits and begins with no 0")  # fmt: skip


def explain(errors: list[dict], strict: Strict, model: type[BaseModel], file: str) -> str:
    """The error that matters most, as one line."""
    located = [(place_of(error["loc"], strict.value), error) for error in errors]
    places = {place for place, error in located if error["type"] not in FIRST}
    # a union says "no text" of a list whose second entry is wrong: the entry is what helps
    located = [(place, error) for place, error in located
               if error["type"] in FIRST or not any(other[: len(place)] == place != other for other in places)]  # fmt: skip
    place, error = min(located, key=lambda one: (FIRST.get(one[1]["type"], 2), line_of(one[0], strict) or 0))
    line = line_of(place, strict)
    where = f"{file}: line {line}: " if line else f"{file}: "
    if error["type"] == "missing":
        _, description = field_at(model, (*place, error["loc"][-1]))
        return f"{where}{dotted((*place, error['loc'][-1]))}: is missing{': ' + description if description else ''}"
    if error["type"] in ("value_error", "assertion_error"):
        return f"{where}{dotted(place) + ': ' if place else ''}{error['ctx']['error']}"
    if error["type"] == "extra_forbidden":
        known = list(model_in(field_at(model, place[:-1])[0]).model_fields)
        return f"{where}{dotted(place)}: no such key{did_you_mean(str(place[-1]), known)}; allowed: {', '.join(known)}"
    if error["loc"][-1] == "[key]" or error["type"] == "invalid_key":
        raw = strict.raw.get((*place, "[key]"), str(place[-1]))
        return f'{where}{dotted((*place[:-1], raw))}: found the key {raw}; allowed: text, so put it in quotes, "{raw}"'
    same = [other for there, other in located if there == place]
    return f"{where}{dotted(place)}: found {found_and_allowed(same, strict, model, place)}"


def found_and_allowed(errors: list[dict], strict: Strict, model: type[BaseModel], place: Place) -> str:
    found = value_at(strict.value, place)
    kind, description = field_at(model, place)
    words = literals(kind) if errors[0]["type"] == "literal_error" else []
    guess = did_you_mean(found, words) if isinstance(found, str) else ""
    allowed = ", ".join(words) or allowed_text(errors, description)
    return f"{written(place, strict)}{guess}; allowed: {allowed}{quotes(errors, found, place, strict)}"


def place_of(loc: tuple, value: Any) -> Place:
    """The part of pydantic's location that exists in the file: names of union arms are left out."""
    place: list = []
    for part in loc:
        if isinstance(value, dict) and (part in value or (match := same_key(part, value)) is not None):
            key = part if part in value else match
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            key = part
        else:
            continue
        place.append(key)
        value = value[key]
    return tuple(place)


def same_key(part: object, value: dict) -> object:
    """A key that is no text (a date, a number), which pydantic names by its repr."""
    return next((key for key in value if not isinstance(key, str) and repr(key) == str(part)), None)


def field_at(model: type[BaseModel], place: Place) -> tuple[Any, str]:
    """The annotation and description of the field a place belongs to. List positions and keys of maps stay in it."""
    kind, description = model, ""
    for part in place:
        inside = model_in(kind)
        if inside is not None and part in inside.model_fields:
            info = inside.model_fields[part]
            kind, description = info.annotation, info.description or ""
    return kind, description


def model_in(kind: Any) -> type[BaseModel] | None:
    """The model an annotation holds: itself, or inside list[...], dict[...], unions."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return kind
    return next((found for arm in get_args(kind) if (found := model_in(arm)) is not None), None)


def literals(kind: Any) -> list[str]:
    return [word for arm in get_args(kind) for word in ([arm] if isinstance(arm, str) else literals(arm))]


def value_at(value: Any, place: Place) -> Any:
    for part in place:
        value = value[part]
    return value


def line_of(place: Place, strict: Strict) -> int | None:
    """The line of a place, or of the nearest thing around it that stands in the file."""
    while place and place not in strict.lines:
        place = place[:-1]
    return strict.lines.get(place) if place else None


def written(place: Place, strict: Strict) -> str:
    """A value as it stands in the file; a value that was put in afterwards as Python prints it."""
    value = value_at(strict.value, place)
    if isinstance(value, dict | list):
        return f"a {'map' if isinstance(value, dict) else 'list'} of {len(value)}"
    if value is None:
        return "nothing"
    raw = strict.raw.get(place) if place in strict.lines else None
    return repr(value) if isinstance(value, str) or raw is None else raw


def allowed_text(errors: list[dict], description: str) -> str:
    """What is allowed at one place: the field's description, else the types; and pydantic's limits."""
    kinds = [ALLOWED[error["type"]] for error in errors if error["type"] in ALLOWED]
    limits = [LIMIT.sub("", error["msg"]) for error in errors if error["type"] not in ALLOWED]
    return "; ".join(dict.fromkeys(filter(None, [description or " or ".join(dict.fromkeys(kinds)), *limits])))


def quotes(errors: list[dict], found: Any, place: Place, strict: Strict) -> str:
    """The advice to quote, where text is expected and YAML read something else."""
    if isinstance(found, bool | int | float | datetime.date) and any(e["type"] == "string_type" for e in errors):
        raw = written(place, strict)
        read = "true/false" if isinstance(found, bool) else "a date" if isinstance(found, datetime.date) else "a number"
        return f'; YAML reads {raw} as {read}: put it in quotes, "{raw}"'
    return ""


def dotted(place: Place) -> str:
    return ".".join(str(part) for part in place)


def one_line(text: str) -> str:
    return " ".join(str(text).split())
