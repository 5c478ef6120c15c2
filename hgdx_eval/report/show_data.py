"""What a reader is told of the data: rows, what was set aside, groups, parameters, words."""

import numpy as np
import pandas as pd

from ..base.telling import looks_personal, shape_of, told_file
from ..design.design import Design
from ..evaluation.verdict import CANNOT, CLEAR, NEGLIGIBLE, SUGGESTIVE, UNCLEAR
from ..panel.panel import Panel
from ..panel.told import run_release
from ..study.domains import domain_named, domain_of
from ..study.study import PATH_KEYS, Study, VerdictRules
from ..study.words import Words, reading_text, told_shape
from . import blocks
from .answer import FEW, few_text, group_numbers, size_of, size_text


def show_rows(panel: Panel, words: Words) -> blocks.Block:
    """Rows accepted and rejected by reason; reasons of few rows, and then the sum of all, without their number. Returns a Block."""
    release = run_release()
    accepted = panel.accepted if release is None else release.rows_told(panel.accepted)
    rows = [(words("story.accepted"), accepted)]
    rejected = panel.rejected.sort_values(["rows", "reason"], ascending=[False, True])
    rows += [(words("reasons." + r.reason), r.rows) for r in rejected.itertuples()]
    least = FEW if release is None else release.min_count
    few = any(0 < n < least for _, n in rows[1:])
    total = sum(count for _, count in rows)
    told = [(name, words("story.few", n=words.number(least)) if 0 < n < least else words.number(n),
             words.number(None) if 0 < n < least else words.percent(n / total)) for name, n in rows]  # fmt: skip
    whole = (words("story.hidden"), words.number(None)) if few else (words.number(total), words.percent(1.0))
    told.append((words("story.total"), *whole))
    frame = pd.DataFrame(told, columns=[words(f"story.col_{c}") for c in ("rows", "count", "share")])
    return blocks.table(frame, words("story.rows_caption", file=panel.origin.file), words, numeric=set(frame.columns[1:]),
                        total_row=True, download=frame, name="rows")  # fmt: skip


def show_series(panel: Panel, words: Words) -> blocks.Block:
    """What the series measures, what was corrected in reading it, what its domain says of it, and what is told of few. Returns a Block."""
    own = f"({shape_of(panel.definition)})" if looks_personal(panel.definition) else panel.definition
    told = words.texts.get("check.definition_" + own) or told_shape(own, words)
    pairs = [(words("story.series_definition"), told or words("story.series_not_told"))]
    fixed = "; ".join(words("story.series_corrected_rows", reason=words("reasons." + row.reason), rows=size_of(row.rows, words))
                      for row in panel.corrected.itertuples())  # fmt: skip
    pairs.append((words("story.series_corrected"), fixed or words("story.series_nothing")))
    if panel.readings:
        understood = "; ".join(reading_text(reading.kind, reading.said, words) for reading in panel.readings)
        pairs.append((words("story.series_readings"), understood))
    pairs += domain_named(words.domain).series_told(panel, words)
    if (release := run_release()) is not None:
        pairs.append((words("story.series_few"), few_text(release, words)))
    return blocks.definitions(pairs, words)


def show_domain_data(panel: Panel, p: Study, words: Words) -> list[blocks.Block]:
    """What the study's domain shows of its exports: of dossiers who filed and how names were understood.

    Returns a list of Blocks; empty for a study without a domain, or where its data tell none of it.
    """
    return domain_of(p).data_shown(panel, p, words)


def show_set_aside(design: Design, words: Words) -> blocks.Block | None:
    """What the study left out, by reason; about how many cells where dossiers are counted: one more of them may be one dossier.

    Returns a Block; None where nothing was left out.
    """
    if design.set_aside.empty:
        return None
    frame = pd.DataFrame([(words("reasons." + r.reason) if "reasons." + r.reason in words.texts else r.reason,
                           words.number(r.units), size_of(r.rows, words) if np.isfinite(design.whole) else words.number(r.rows))
                          for r in design.set_aside.itertuples()],
                         columns=[words(f"story.col_{c}") for c in ("set_aside", "units", "cells")])  # fmt: skip
    return blocks.table(frame, words("story.set_aside_caption"), words, numeric=set(frame.columns[1:]), download=frame,
                        name="set_aside")  # fmt: skip


def show_groups(design: Design, p: Study, words: Words) -> blocks.Block:
    """Each side before and after: dossiers (or rows), mean of the outcome. Small counts are hidden, and others from which they could be
    worked out.

    Returns a Block.
    """
    touched, late = design.table["treated_from"].notna(), design.late
    cells = [(side, after, design.table[(touched == side) & (late == after)]) for side in (True, False) for after in (False, True)]
    rows = [group_row(part, side, after, size, mean, design, words)
            for (side, after, part), (size, mean) in zip(cells, group_numbers(cells, design, p.min_count), strict=True)]  # fmt: skip
    frame = pd.DataFrame(rows, columns=[words(f"story.col_{c}") for c in ("group", "when", "size", "mean")])
    return blocks.table(frame, words("story.groups_caption"), words, numeric=set(frame.columns[2:]), download=frame,
                        name="groups")  # fmt: skip


def group_row(part: pd.DataFrame, touched: bool, after: bool, size: float, mean: float, design: Design, words: Words) -> tuple:
    when = "" if len(design.starts) == 1 else "_own" if touched else "_first"
    names = words("study.treated" if touched else "study.comparison"), words(f"story.{'after' if after else 'before'}{when}")
    if part.empty or not part["weight"].sum() > 0:
        return (*names, words.number(None), words.number(None))
    if np.isnan(size):
        return (*names, words("story.hidden"), words.number(None))
    shown = words.percent(mean) if design.scale == "pp" else words.effect(mean, "level", sign=False)
    return (*names, words.number(size), shown)


def show_facts(design: Design, p: Study, words: Words) -> blocks.Block | None:
    """The facts and events that this study rests on, with source or "not verified". Returns a Block; None where it rests on none."""
    rows = domain_of(p).facts_told(p, words)
    for event in design.events:
        when = words.date(event.date) + (f" – {words.date(event.until)}" if event.until else "")
        rows.append((event.label(words.lang), when, event.verified, event.title, event.link, event.read))
    return blocks.facts_table(rows, words) if rows else None


def show_parameters(p: Study, words: Words) -> blocks.Block:
    """The study's keys as they were used; of files the name alone. Returns a Block."""
    pairs = []
    for key, value in p.model_dump(mode="json", exclude_defaults=True).items():
        if key in PATH_KEYS and value:
            value = told_file(value.replace("\\", "/").rsplit("/", 1)[-1])
        text = ", ".join(map(str, value)) if isinstance(value, list) else (
            "; ".join(f"{k}: {v}" for k, v in sorted(value.items())) if isinstance(value, dict) else str(value))  # fmt: skip
        pairs.append((key, text, text if isinstance(value, (list, dict)) else value))
    heads = [words("story.col_key"), words("story.col_value")]
    frame, data = (pd.DataFrame([(row[0], row[i]) for row in pairs], columns=heads, dtype=object) for i in (1, 2))
    return blocks.table(frame, words("story.parameters_caption"), words, download=data, name="parameters", loose=True)


def show_glossary(words: Words) -> blocks.Block:
    """The words of the report, explained. Returns a Block."""
    terms = [key.removeprefix("glossary.") for key in words.texts if key.startswith("glossary.") and not key.endswith("_text")]
    return blocks.definitions([(words("glossary." + t), words(f"glossary.{t}_text")) for t in terms], words)


def show_scale(words: Words, p: Study | None = None) -> blocks.Block:
    """The five verdicts and their rules, with the numbers of the study `p`, or of the defaults without one. Returns a Block."""
    rules = p.verdict if p is not None else VerdictRules()
    earlier = words("story.earlier", n=words.number(rules.placebo_periods)) if rules.placebo_periods else words("story.earlier_default")
    said = {"gate": words.percent(rules.gate, 0), "rank": words.percent(rules.rank, 0), "earlier": earlier,
            "pre": words.percent(rules.pre_trends, 0), "methods": words.percent(rules.sign_agreement, 0),
            "times": words.number(rules.breakdown, 1)}  # fmt: skip
    asked = " ".join(words(f"story.rule_{name}", **said) for name, value in
                     (("checks", 1), ("methods_all" if rules.sign_agreement == 1 else "methods", rules.sign_agreement),
                      ("breakdown", rules.breakdown)) if value)  # fmt: skip
    small = (
        words("story.rule_4_none")
        if p is None or p.smallest_effect is None
        else words("story.rule_4", limit=size_text(p.smallest_effect, "pp" if p.numerator or p.scale == "share" else "level", words))
    )
    texts = {n: words(f"story.rule_{n}", **said) for n in (CLEAR, SUGGESTIVE, UNCLEAR, CANNOT)}
    texts = {**texts, CLEAR: f"{texts[CLEAR]} {asked}", NEGLIGIBLE: small}
    return blocks.definitions([(words(f"tables.verdict_{n}"), texts[n]) for n in sorted(texts)], words)
