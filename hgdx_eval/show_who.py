"""For whom, and what else moved, in words and tables. Wording is in locale/who.*.yaml."""

import numpy as np
import pandas as pd
from markupsafe import Markup

from . import tables
from .panel import Panel
from .show_payment import paragraphs
from .who import OUTCOMES, Gap, Who
from .words import Words


def gap_name(gap: Gap, words: Words) -> str:
    return words(f"who.gap_{gap.name}")


def gap_state(gap: Gap) -> str:
    """unclear (the interval holds 0), narrower, wider, or turned (no gap to speak of before)."""
    row = gap.row
    if pd.isna(row["ci_low"]) or row["ci_low"] <= 0 <= row["ci_high"]:
        return "unclear"
    if pd.isna(gap.before) or gap.before == 0:
        return "differs"
    if gap.before * row["estimate"] > 0:
        return "wider"
    return "narrower" if abs(row["estimate"]) < 2 * abs(gap.before) else "differs"


def gap_text(gap: Gap, words: Words) -> str:
    scale = gap.row["scale"]
    return words(f"who.state_{gap_state(gap)}", gap=gap_name(gap, words), before=number(gap.before, scale, words),
                 change=number(gap.row["estimate"], scale, words), interval=interval(gap.row, words))  # fmt: skip


def step_text(gap: Gap, words: Words) -> str:
    return words("who.step", step=words.number(gap.step, 3 if gap.step < 1 else 1), sources="; ".join(gap.sources))


def show_gaps(found: Who, words: Words) -> tables.Block:
    """One sentence per gap that can be told, the table, and why the others cannot."""
    if found.reason:
        return paragraphs([words(f"who.{found.reason}")])
    told = [gap for gap in found.gaps if gap.row is not None]
    texts = [gap_text(gap, words) for gap in told]
    blocks = [paragraphs(texts or [words("who.no_gap")])]
    if told:
        heads = [words("who.col_gap"), words("who.col_before"), words("who.col_change")]
        rows = [(gap_name(gap, words), number(gap.before, gap.row["scale"], words), tables.effect(gap.row, words)) for gap in told]
        blocks.append(tables.table(pd.DataFrame(rows, columns=heads), words("who.caption_gaps"), words, set(heads[1:]), name="who_gaps"))
    rest = [(gap_name(gap, words), words(f"who.why_{gap.reason}")) for gap in found.gaps if gap.row is None]
    notes = [(gap_name(gap, words), step_text(gap, words)) for gap in told if gap.sources]
    if notes or rest:
        blocks.append(tables.definitions([*notes, *rest], words))
    return tables.Block("".join(block.html for block in blocks))


def number(value: float, scale: str, words: Words) -> str:
    return words.number(None) if pd.isna(value) else words.effect(value, scale)


def interval(row: pd.Series, words: Words) -> str:
    return words.number(None) if pd.isna(row["ci_low"]) else words.effect_interval(row["ci_low"], row["ci_high"], row["scale"])


def show_volume(found: Who, words: Words) -> tables.Block | None:
    """The effect on the number of dossiers in per cent, or why there is none."""
    if found.reason:
        return None
    row = found.volume
    if row is None:
        return paragraphs([words("who.volume_none", reason=words(f"refusals.{found.volume_reason}"))])
    value, low, high = (100 * np.expm1(row[name]) for name in ("estimate", "ci_low", "ci_high"))
    if pd.isna(low):
        return paragraphs([words("who.volume_bare", value=words.number(value, 1, sign=True))])
    state = "unclear" if low <= 0 <= high else "more" if low > 0 else "fewer"
    return paragraphs([words(f"who.volume_{state}", value=words.number(value, 1, sign=True), interval=words.interval(low, high))])


def show_outcomes(found: Who, words: Words) -> tables.Block | None:
    """Every other outcome with its interval, alone and for all together; a column that is not there is said to be not there."""
    if found.reason:
        return None
    together = found.together.set_index("group")
    heads = [words("who.col_outcome"), words("who.col_effect"), words("who.col_together")]
    rows, texts = [], []
    for name in OUTCOMES:
        row, label = found.outcomes[name], words(f"who.outcome_{name}")
        if row is None:
            rows.append((label, words("who.not_in_file"), words.number(None)))
        elif row["status"] != "ok":
            rows.append((label, words("who.refused", reason=words("refusals." + row["reason"])), words.number(None)))
        else:
            own = together.loc[f"other_{name}"]
            known = pd.notna(own["ci_low"])
            rows.append((label, tables.effect(row, words),
                         words.effect_interval(own["ci_low"], own["ci_high"], row["scale"]) if known else words.number(None)))  # fmt: skip
            state = "unknown" if not known else "unclear" if own["ci_low"] <= 0 <= own["ci_high"] else "up" if own["ci_low"] > 0 else "down"
            unit = words("who.unit_days" if name == "days" else "who.unit_points")
            texts.append(words(f"who.outcome_text_{state}", outcome=label, unit=unit, value=number(row["estimate"], row["scale"], words),
                               size=words.effect(abs(row["estimate"]), row["scale"], False), interval=rows[-1][2]))  # fmt: skip
    block = tables.table(pd.DataFrame(rows, columns=heads), words("who.caption_outcomes"), words, set(heads[1:]), name="who_outcomes")
    number_told = len(texts)
    note = [words("who.together_note", n=words.number(number_told))] if number_told else []
    return tables.Block(paragraphs(texts or [words("who.no_outcome")]).html + block.html + str(Markup("").join(
        Markup("<p>{}</p>").format(text) for text in note)))  # fmt: skip


def show_who_truth(found: Who, panel: Panel, words: Words) -> tables.Block | None:
    """For simulated data: which of the outcomes with a known answer have it in their joint interval."""
    truth = None if panel.truth is None else panel.truth.iloc[-1]
    if found.reason or truth is None or "on_time_pp" not in truth:
        return None
    texts = []
    for name, column in (("on_time", "on_time_pp"), ("days", "days")):
        row = found.outcomes[name]
        if row is None or row["status"] != "ok" or pd.isna(row["ci_low"]):
            continue
        inside = row["ci_low"] <= truth[column] <= row["ci_high"]
        texts.append(words("who.truth_inside" if inside else "who.truth_missed", outcome=words(f"who.outcome_{name}"),
                           truth=words.number(truth[column], 1), interval=interval(row, words)))  # fmt: skip
    return paragraphs(texts) if texts else None
