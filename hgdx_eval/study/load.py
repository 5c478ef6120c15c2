"""A study's file -> Study: found, read, changed, checked whole before anything starts."""

import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import yaml

from ..base.errors import InputError
from ..base.own_files import own_file, own_folders
from ..base.telling import did_you_mean, told_text
from ..base.yaml_strict import load_yaml, read_value, syntax_error, validate
from ..base.zones import is_zone
from ..locale import LANGUAGES
from .domains import domain_names, domain_of, domains
from .own_words import general_words, own_words, words_told
from .study import PATH_KEYS, SEEN_FROM, Study, check_columns
from .vocabulary import estimator_names
from .words import Words

YAML_MAP = re.compile(r"\s*[{\[]|\s*\w+\s*:")  # a text that is a map of YAML or JSON, and not key=value; key=value
CHANGES = "a map of the study's keys, as {seed: 3, window: [2022-01, 2024-12]}, or seed=3; weights=none"


def study_file(study: str | Path) -> Path:
    """The YAML file of a study: a path, or a name in `params/studies/`. Raises InputError where there is none."""
    return named_file(str(study), "study", "studies", study_files)


def named_file(name: str, kind: str, folder: str, files: Callable[[Path], list[Path]]) -> Path:
    """A YAML file of params: a path, or a name in one of their folders (`files`: of one folder of params). Raises InputError, with the
    names that are known, where there is none."""
    if "/" in name or os.sep in name or name.endswith((".yaml", ".yml")):
        path = Path(name)
        if not path.is_file():
            raise InputError(f"{path.name}: there is no such {kind} file")
        return path.resolve()
    path = own_file("params", folder, f"{name}.yaml")
    if not path.is_file():
        known = sorted({file.stem for params in own_folders("params") for file in files(params)})
        raise InputError(f"{kind} {name!r} is not known{did_you_mean(name, known)}; known: {', '.join(known) or 'none'}")
    return path


def study_files(params: Path) -> list[Path]:
    """The studies of a folder of parameters; words files and plans that lie beside them are none."""
    return [file for file in sorted((params / "studies").glob("*.yaml")) if not file.name.endswith((".words.yaml", ".plan.yaml"))]


def load_study(study: str | Path, lang: str = "vi", change: dict | str | None = None) -> tuple[Study, Words]:
    """The study and its words, every key checked. `study`: a name in params/studies/ or a path; `lang`: vi or en; `change`: keys that
    override the file's, as a map, as text of YAML or JSON ("{seed: 3}"), or as "key=value; key=value"; paths in it are relative to the
    current folder. Inside a run the runner has resolved the study already and passes it on.

    Returns (Study, Words). Raises InputError (one line) for whatever is wrong, with the names that are known.
    Example: `p, words = hg.load_study("demo", "en", {"window": ["2022-01", "2024-12"]})`
    """
    if lang not in LANGUAGES:
        raise InputError(f"lang: {lang!r}{did_you_mean(str(lang), LANGUAGES)}; allowed: {', '.join(LANGUAGES)}")
    work = os.environ.get("HGDX_WORK")
    if work:
        p = Study.model_validate_json((Path(work) / "study.json").read_text(encoding="utf-8"), strict=False)
    else:
        p = read_study(study_file(study), parse_change(change))
    words_told(p, [lang], asked=True)
    return p, study_words(p, lang)


def read_study(file: Path, change: dict) -> Study:
    """The study of one file with changes applied, every key checked, paths made absolute."""
    strict = load_yaml(file)
    value = dict(strict.value)
    for key in PATH_KEYS:
        if isinstance(value.get(key), str):
            if "\0" in value[key]:
                raise InputError(f"{file.name}: {key}: found a letter 0 that no path can hold; {SEEN_FROM}")
            value[key] = str((file.parent / value[key]).resolve())
    beside = file.parent / f"{value.get('study')}.plan.yaml"
    if "plan" not in value and re.fullmatch("[a-z0-9_]{1,100}", str(value.get("study"))) and beside.is_file():
        value["plan"] = str(beside)
    value.update(change)
    label = file.name + (f" with {', '.join(f'{k}={v}' for k, v in change.items() if k not in PATH_KEYS)}"
                         if set(change) - set(PATH_KEYS) else "")  # fmt: skip
    untouched = {path: line for path, line in strict.lines.items() if path[:1] and path[0] not in change}
    p = validate(replace(strict, value=value, lines=untouched), Study, label)
    check_study(p, file.name)
    return p


def parse_change(change: dict | str | None) -> dict:
    """Overrides of study keys as a map. Text values of text keys stay as typed, so that `01` stays `01`."""
    if not change:
        return {}
    if not isinstance(change, dict | str):
        raise InputError(f"change: found {type(change).__name__}; allowed: {CHANGES}")
    if isinstance(change, str) and YAML_MAP.match(change):
        change = read_change(change)
    elif isinstance(change, str):
        change = dict(part.split("=", 1) if "=" in part else (part, None) for part in change.split(";") if part.strip())
    parsed = {}
    for key, value in change.items():
        key = key.strip()
        if isinstance(value, str):
            value = parse_value(key, value.strip())
        elif value is None and key not in Study.model_fields:
            raise InputError(f"change {key!r}: write key=value")
        parsed[key] = str(Path(value).resolve()) if key in PATH_KEYS and isinstance(value, str) else value
    return parsed


def read_change(text: str) -> dict:
    """Overrides written as a map of YAML or JSON, as `papermill -p change TEXT` hands them over."""
    try:
        value = read_value(text, "change")
    except yaml.YAMLError as error:
        raise InputError(f"change: {syntax_error(error, text)}; allowed: {CHANGES}") from None
    if not isinstance(value, dict):
        raise InputError(f"change: found {type(value).__name__}; allowed: {CHANGES}")
    if wrong := [key for key in value if key not in Study.model_fields]:
        raise InputError(f"change: {told_text(str(wrong[0]))}: no such key of a study{did_you_mean(str(wrong[0]), Study.model_fields)}; "
                         f"allowed: {', '.join(Study.model_fields)}")  # fmt: skip
    return value


def parse_value(key: str, text: str) -> object:
    """One value from the command line: text where the key holds text, else read as YAML."""
    field = Study.model_fields.get(key)
    if field is None:
        raise InputError(
            f"-p {key}: no such key of a study{did_you_mean(key, Study.model_fields)}; allowed: {', '.join(Study.model_fields)}"
        )
    if field.annotation in (str, str | None):
        return text
    try:
        return read_value(text, f"-p {key}")
    except yaml.YAMLError:
        raise InputError(f"-p {key}={text}: not readable; allowed: {field.description}") from None


def check_study(p: Study, file: str) -> None:
    """What one key alone cannot tell. Raises InputError."""

    def refuse(key: str, message: str) -> None:
        raise InputError(f"{file}: {key}: {message}")

    if not p.unit_columns:
        refuse("unit", "found []; allowed: a column, or a list of columns")
    if bool(p.outcome) == bool(p.numerator or p.denominator):
        refuse("outcome", "give either outcome or both numerator and denominator")
    if bool(p.numerator) != bool(p.denominator):
        refuse("denominator" if p.numerator else "numerator", "is missing beside its counterpart")
    ways = [key for key in ("treated_from", "treated", "policy") if getattr(p, key)]
    if len(ways) != 1:
        refuse("treated_from", f"give one of treated_from (a column, or units with their first treated period: {{Alpha: 2015}}), treated "
                               f"(a 0/1 column), policy (found: {', '.join(ways) or 'none'})")  # fmt: skip
    if p.treated_until and not p.treated_from:
        refuse("treated_until", "is only allowed with treated_from")
    if p.time_zone is not None and not is_zone(p.time_zone):
        refuse("time_zone", f"{p.time_zone!r} is not known; allowed: a name like Asia/Ho_Chi_Minh or UTC")
    if p.domain is not None and p.domain not in domain_names():
        refuse("domain", f"{p.domain!r} is not known{did_you_mean(p.domain, domain_names())}; known: {', '.join(domain_names())}")
    domain_of(p).check_study(p, file)
    for name in [p.estimator, *p.estimators]:
        if name not in estimator_names():
            refuse("estimator", f"{name!r} is not known{did_you_mean(name, estimator_names())}; "
                                f"known: {', '.join(estimator_names())}")  # fmt: skip
    layouts = sorted(["table", *(layout for domain in domains() for layout in domain.layouts())])
    if p.layout not in layouts:
        refuse("layout", f"{p.layout!r} is not known{did_you_mean(p.layout, layouts)}; known: {', '.join(layouts)}")
    if p.layout != "table" and p.frequency != "M":
        refuse("frequency", f"{p.frequency!r}: an export is counted by month; allowed: M, or layout: table")
    check_columns(p, file)
    if p.crosswalk and p.layout != "table":
        refuse("crosswalk", "is of a tidy table; for an export write constant_units: true")
    if p.crosswalk and len(p.unit_columns) > 1:
        refuse("crosswalk", f"needs a unit of one column (found: {len(p.unit_columns)})")
    if p.constant_units and p.layout == "table":
        refuse("constant_units", "is of an export; for a table write crosswalk: FILE.csv")
    if p.data is None and p.world is None and p.layout == "table":
        refuse("data", "is missing: a csv, xlsx or parquet file, here or as -p data=FILE")
    own_words(p)


def study_words(p: Study, lang: str) -> Words:
    """Words of one language with the study's own: from its words file, else general ones with the column names. Raises InputError."""
    general, own = general_words(p, lang), own_words(p).get(lang, {})
    said, names = {**general, **own}, {"study_name": p.study, "outcome_column": p.outcome_name}
    for values in (said, said, names):  # a text may name another text, that one a column; a column's own braces are its name
        said = {key: placed(text, values) for key, text in said.items()}
    return Words(lang, tuple(sorted({**said, **names}.items())), domain_of(p).NAME)


def placed(text: str, values: dict[str, str]) -> str:
    """A text with the values of the names that it holds in braces; other braces stay."""
    return re.sub(r"{(\w+)}", lambda found: values.get(found[1], found[0]), text)
