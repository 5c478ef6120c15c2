"""`hgdx-eval check STUDY.yaml`: a study's keys, words and data, tried as a run would before it begins."""

from pathlib import Path

from ..base.telling import told_file
from ..design.design import study_design
from ..estimation.estimate import estimate
from ..locale import LANGUAGES
from ..panel.load import load_panel
from ..study.domains import domain_of
from ..study.load import read_study
from ..study.own_words import missing_words, words_told
from ..study.words import Words
from .bench import spoken
from .notebook_files import notebook_names


def check_study_file(file: Path) -> dict:
    """What a run of the study would begin with: study, file (of the data), simulated, languages, words (its file, "" for none), missing
    (sentences by language), estimator, notebooks. Raises InputError, Refusal."""
    p = read_study(file, {})
    languages, _ = words_told(p, spoken(list(LANGUAGES)))
    panel = load_panel(p)
    domain_of(p).check_files(p, panel)
    estimate(study_design(panel, p), p.estimator)
    return {
        "study": p.study, "file": told_file(panel.origin.file), "simulated": panel.origin.simulated, "languages": languages,
        "words": told_file(Path(p.words or "").name), "missing": missing_words(p, languages), "estimator": p.estimator,
        "notebooks": list(notebook_names(p)),
    }  # fmt: skip


def study_lines(found: dict, file: Path, words: Words) -> list[str]:
    """The same as sentences. `file`: the study's."""
    lines = [words("bench.checked", file=file.name, data=found["file"], estimator=words(f"tables.estimator_{found['estimator']}"))]
    if found["simulated"]:
        lines.append(words("bench.simulated"))
    if found["words"] and len(found["languages"]) < len(spoken(list(LANGUAGES))):
        lines.append(words("bench.one_language", file=found["words"], languages=", ".join(f"{lang}:" for lang in found["languages"])))
    for lang, keys in found["missing"].items():
        lines.append(words("bench.no_sentence", file=found["words"], lang=lang, keys=", ".join(keys)))
    return [*lines, words("bench.languages", languages=", ".join(found["languages"]), command=f"hgdx-eval run {file.as_posix()}")]
