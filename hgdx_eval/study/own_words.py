"""A study's own sentences: its words file, read and checked whole; in which languages it has any, and which sentences are missing."""

import re
from pathlib import Path

from ..base.errors import InputError
from ..base.telling import did_you_mean, told_text
from ..base.yaml_strict import load_yaml
from ..locale import LANGUAGES
from .domains import domain_of
from .study import SEEN_FROM, Study
from .words import texts

OWN = "allowed: vi: and en:, each with sentences of its own below it"


def general_words(p: Study, lang: str) -> dict[str, str]:
    """The sentences of a study that has none of its own, by key."""
    return {key.removeprefix("study."): text for key, text in texts(lang, domain_of(p).NAME).items() if key.startswith("study.")}


def own_words(p: Study) -> dict[str, dict[str, str]]:
    """Language -> key -> sentence of the study's words file; {} where it names none. A sentence that is empty is none.

    Raises InputError for a file without languages, for a sentence that is not known and for one that is no text.
    """
    if not p.words:
        return {}
    file, found = Path(p.words), {}
    if not file.is_file():
        raise InputError(f"{p.study}: words: {file.name}: there is no such file; {SEEN_FROM}")
    value = load_yaml(file).value
    if not value:
        raise InputError(f"{file.name}: holds no sentence; {OWN}")
    for lang, own in value.items():
        if lang not in LANGUAGES:
            raise InputError(f"{file.name}: {told_text(str(lang))}: is no language; {OWN}")
        if not isinstance(own, dict) or not own:
            raise InputError(f"{file.name}: {lang}: holds no sentence; {OWN}")
        general = general_words(p, lang)
        for key, text in own.items():
            if key not in general:
                raise InputError(f"{file.name}: {lang}: {told_text(str(key))}: no such sentence{did_you_mean(str(key), general)}; allowed: "
                                 f"{', '.join(sorted(general))}")  # fmt: skip
            if not isinstance(text, str | None):
                raise InputError(f"{file.name}: {lang}: {key}: found {text!r}; allowed: text, in quotes")
        check_places(own, {"study_name", "outcome_column", *general}, f"{file.name}: {lang}")
        found[lang] = {key: text for key, text in own.items() if text is not None}
    return found


def check_places(own: dict, known: set[str], where: str) -> None:
    """A study's words hold names of other words in braces and nothing that a format string could do besides. Raises InputError."""
    for key, text in own.items():
        if isinstance(text, str) and set("{}") & set(re.sub(rf"{{({'|'.join(sorted(known))})}}", "", text)):
            raise InputError(f"{where}: {key}: {text!r}; allowed in braces: {', '.join(sorted(known))}")


def missing_words(p: Study, langs: list[str]) -> dict[str, list[str]]:
    """Language -> sentences that the words file leaves to the general ones, those that say nothing by themselves not counted."""
    missing, own = {}, own_words(p)
    for lang in (lang for lang in langs if lang in own):
        missing[lang] = [key for key, text in general_words(p, lang).items() if text and key not in own[lang]]
    return {lang: keys for lang, keys in missing.items() if keys}


def words_told(p: Study, langs: list[str], asked: bool = False) -> tuple[list[str], list[str]]:
    """(those of the languages in which a report of the study can be written, lines on what its words file does not have). `asked`: the
    languages were named one by one, none may be left out.

    Raises InputError where none is left, or one that was asked for.
    """
    own, file = own_words(p), Path(p.words or "").name
    written = [lang for lang in langs if not own or lang in own]
    lost = [lang for lang in langs if lang not in written]
    only = f"{file}: has sentences under {', '.join(f'{lang}:' for lang in own)} alone"
    if lost and (asked or not written):
        added = ", ".join(f"{lang}:" for lang in lost)
        raise InputError(f"--lang {','.join(langs)}: {only}; allowed: --lang {','.join(own)}, or add {added}")
    lines = [f"{only}: the report is made in {', '.join(written)}"] if lost else []
    for lang, keys in missing_words(p, written).items():
        lines.append(f"{file}: {lang}: no sentence for {', '.join(keys)}; general ones are used")
    return written, lines
