"""A study begun from a data file: what the file seems to hold, tried out, and written as YAML and words to be read over.

Nothing is guessed in silence: every key says where its value comes from, and what could not be told is marked `# decide:`.
"""

import os
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import get_args

import yaml

from ..base.aside import write_text
from ..base.errors import InputError, Refusal
from ..base.telling import told_file, told_text
from ..design.design import Design, study_design
from ..estimation.estimate import estimate
from ..locale import LANGUAGES
from ..panel.load import load_panel
from ..read.table_proposal import proposal
from ..study.domains import domains
from ..study.load import check_study, study_file
from ..study.study import Study
from ..study.vocabulary import Frequency, estimator_names
from ..study.words import texts

DECIDE = "decide: "
LISTED = 20  # names of columns in one remark
# main methods in the order in which they are looked for, of one start and of several
SERIES = "interrupted_time_series"  # of one unit
MAIN = ("two_way_fixed_effects", "callaway_santanna", "imputation", "synthetic_control", SERIES)
STAGGERED = ("callaway_santanna", "imputation", "sun_abraham", "two_way_fixed_effects")


@dataclass
class Draft:
    """Keys of a study with a remark each. `undecided`: keys that only its author can fill; `refused`: method -> why it cannot be
    applied."""

    keys: dict[str, object] = field(default_factory=dict)
    remarks: dict[str, str] = field(default_factory=dict)
    undecided: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)

    def put(self, key: str, value: object, remark: str = "", decide: bool = False) -> None:
        self.keys[key] = value
        self.remarks[key] = (DECIDE if decide else "") + remark
        if decide:
            self.undecided.append(key)


def new_study(file: Path, name: str | None, out: Path) -> tuple[Path, Draft]:
    """Writes NAME.yaml and NAME.words.yaml for a data file into a folder; (the study's path, what was told). Raises InputError for a file
    that cannot be read, a name that cannot be, or where either file is there already."""
    if not file.exists():
        raise InputError(f"{file.name}: there is no such file; allowed: a table or an export, as hgdx-eval check FILE takes it")
    name = name or re.sub(r"[^a-z0-9]+", "_", file.stem.casefold()).strip("_") or "study"
    if not re.fullmatch(r"[a-z0-9_]{1,100}", name):
        raise InputError(f"--study {name!r}: allowed: a name of a-z, 0-9 and _, of at most 100 letters")
    targets = out / f"{name}.yaml", out / f"{name}.words.yaml"
    for target in targets:
        if os.path.lexists(target):
            raise InputError(f"{target.name}: is there already; nothing is overwritten: choose another name with --study, or --out FOLDER")
    if not out.is_dir():
        raise InputError(f"{out.name}: there is no such folder")
    draft = of_export(file, name, out) or of_table(file, name, out)
    write_text(targets[0], written(draft, targets[0]))
    write_text(targets[1], words_of(draft))
    return targets[0], draft


def of_export(file: Path, name: str, out: Path) -> Draft | None:
    """A study of an export that a domain knows: that domain's own study with these data. None of a tidy table."""
    for domain in domains():
        if domain.is_export(file):
            draft = Draft()
            for key, value in yaml.safe_load(study_file(domain.EXAMPLE).read_text(encoding="utf-8")).items():
                draft.put(key, value, f"as in the study {domain.EXAMPLE}")
            draft.put("study", name)
            draft.put("data", relative(file, out), "an export; folders and patterns are read too")
            draft.put("policy", draft.keys["policy"], "the resolution, by its name in params/facts", decide=True)
            draft.put("place", draft.keys["place"], "whose dated events count as concurrent", decide=True)
            draft.put("window", draft.keys["window"], "first and last month", decide=True)
            draft.put("words", f"{name}.words.yaml", "how the report calls things")
            return draft
    return None


def relative(file: Path, out: Path) -> str:
    return Path(os.path.relpath(file.resolve(), out.resolve())).as_posix()


def of_table(file: Path, name: str, out: Path) -> Draft:
    """What a tidy table seems to hold, and, where that is a study, which methods it bears."""
    found = proposal(file)
    seen, columns = found["proposal"], found["columns"]
    others = [column.name for column in columns]
    draft = Draft()
    draft.put("study", name)
    draft.put("data", relative(file, out), f"{found['rows']:,} rows")
    draft.put("layout", "table")
    choose(draft, "unit", seen["unit"][0] if len(seen["unit"]) == 1 else seen["unit"], others, "what is treated or not")
    choose(draft, "period", seen["period"], others, "the column of periods")
    choose(draft, "frequency", seen["frequency"], list(get_args(Frequency)), "how far periods lie apart")
    measured = [column for column in seen["moving"] or seen["measured"] if column not in (seen["treated"], seen["treated_from"])]
    outcome, what = measured[0] if measured else None, "what the policy may have changed (or numerator: and denominator: of counts)"
    choose(draft, "outcome", outcome, measured or others, what, unsure=len(measured) > 1)
    if seen["treated_from"]:
        draft.put("treated_from", seen["treated_from"], "the column with each unit's first treated period; empty, 0 or inf: never")
    elif seen["treated"]:
        choose(draft, "treated", seen["treated"], seen["treated_too"], "the 0/1 column that says when a unit is treated",
               unsure=bool(seen["treated_too"]))  # fmt: skip
    else:
        draft.put("treated_from", {}, "unit: first treated period, as  {Alpha: 2015, Beta: 2017}", decide=True)
    draft.put("comparison", "never", "never: with units that are never treated; not_yet: also with those treated later")
    unit, wider = draft.keys["unit"], [column.name for column in columns if column.kind == "text" and column.name not in seen["unit"]]
    groups = f"; where the policy was decided for whole groups, one of: {', '.join(map(told_text, wider[:20]))}" if wider else ""
    first = unit[0] if isinstance(unit, list) and unit else unit or None
    draft.put("cluster", first, "errors are correlated inside its values" + groups)
    draft.put("weights", "none", "or a column of sizes")
    main = SERIES if (seen["shape"] or {}).get("units") == 1 else MAIN[0]
    draft.put("estimator", main, "the main method")
    draft.put("estimators", [main], "set side by side")
    if all(draft.keys[key] for key in draft.undecided):
        with_methods(draft, out)
    draft.put("words", f"{name}.words.yaml", "how the report calls things")
    return draft


def choose(draft: Draft, key: str, value: object, among: list[str], what: str, unsure: bool = False) -> None:
    """A key with what was found; where that is nothing, or one of several, the author decides among these."""
    others = [name for name in among if name != value]
    listed = ", ".join(map(told_text, others[:LISTED])) + (f" and {len(others) - LISTED} more" if len(others) > LISTED else "")
    if value:
        draft.put(key, value, f"{what}; it may also be: {listed}" if unsure else what, decide=unsure)
    else:
        draft.put(key, None, f"{what}; columns: {listed}" if key != "frequency" else f"{what}: {listed}", decide=True)


def with_methods(draft: Draft, out: Path) -> None:
    """Tries the study as far as it is written: the comparison that it bears, and every method."""
    for comparison in ("never", "not_yet"):
        p = study_of(draft, comparison, out)
        try:
            design = study_design(load_panel(p), p)
            break
        except Refusal as refusal:
            if comparison == "not_yet" or refusal.reason != "no_comparison":
                draft.remarks["comparison"] = f"{DECIDE}tried, and refused: {refusal}"
                draft.undecided.append("comparison")
                return
    draft.put("comparison", comparison, draft.remarks["comparison"])
    order = MAIN if len(design.starts) == 1 else STAGGERED
    fits = [name for name in estimator_names() if tried(draft, design, name)]
    main = next((name for name in order if name in fits), fits[0] if fits else order[0])
    draft.put("estimator", main, "the main method")
    draft.put("estimators", [main, *(name for name in fits if name != main)], "set side by side: those that these data bear")


def study_of(draft: Draft, comparison: str, out: Path) -> Study:
    keys = {**draft.keys, "comparison": comparison}
    keys["data"] = str((out / str(keys["data"])).resolve())
    p = Study.model_validate(keys)
    check_study(p, f"{p.study}.yaml")
    return p


def tried(draft: Draft, design: Design, name: str) -> bool:
    """Whether a method can be applied; why not goes into the draft."""
    try:
        estimate(replace(design, path=False), name)
        return True
    except Refusal as refusal:
        draft.refused[name] = refusal.reason
        return False


def written(draft: Draft, path: Path) -> str:
    """The study as YAML, a remark behind each key. `path`: of its file, as the command to run it names it."""
    lines = [
        "# yaml-language-server: $schema=study.schema.json",
        "# An editor completes the keys by that file: hgdx-eval schema -o study.schema.json",
        f"# Begun from {told_file(Path(str(draft.keys['data'])).name)}; read over what is marked 'decide:', then: "
        f"hgdx-eval run {path.as_posix()}",
    ]
    for key, value in draft.keys.items():
        said = f"{key}: {flow(value)}"
        lines.append(f"{said:<31} # {draft.remarks[key]}" if draft.remarks[key] else said)
    english = texts("en")
    for name, reason in draft.refused.items():
        lines.append(f"# {name} cannot be applied: {english['refusals.' + reason]}")
    return "\n".join(lines) + "\n"


def flow(value: object) -> str:
    """A value as YAML on one line."""
    if value is None:
        return ""
    return yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10_000).removesuffix("\n").removesuffix("\n...")


def words_of(draft: Draft) -> str:
    """The sentences of a study in both languages, as they stand without any of its own, to be made its own."""
    lines = ["# How the report calls things. Change every text into your study's own; {outcome}, {treated}, ... are put in."]
    for lang in LANGUAGES:
        general = {key.removeprefix("study."): text for key, text in texts(lang).items() if key.startswith("study.")}
        lines += [f"{lang}:", *(f"  {key}: {flow(str(text)) if text else flow('')}" for key, text in general.items())]
    return "\n".join(lines) + "\n"
