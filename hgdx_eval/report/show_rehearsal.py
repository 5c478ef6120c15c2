"""What the rehearsal says, in a sentence and in a table."""

import numpy as np
import pandas as pd
from markupsafe import Markup

from ..base.periods import PER_YEAR
from ..evaluation.rehearsal import Rehearsal
from ..infer.false_alarms import monte_carlo
from ..study.words import Words
from . import blocks
from .answer import size_text
from .charts.axes import tick_digits

YEARS_BEFORE = 8  # of a yearly panel, with fewer of which worlds tell little; else two years


def rehearsal_sentence(found: Rehearsal, words: Words) -> str:
    """What would be found 8 times in 10, and what the page would say where there is no effect; "" for a study that can say nothing."""
    if found.table.empty:
        return "" if found.reason == "no_headline" else words(f"rehearsal.without_{found.reason}", n=words.number(found.before))
    none = found.table.iloc[0]
    said = {name: rate_text(none[column], words) for name, column in (("signs", "level_2"), ("clear", "level_1"))}
    wrong = (
        words("rehearsal.false_alarms", **said)
        if found.by == "worlds"
        else words("rehearsal.false_alarms_rank", rate=rate_text(none["found"], words))
    )
    if np.isfinite(found.smallest):
        return words("rehearsal.finds", effect=size_text(found.smallest, found.scale, words)) + " " + wrong
    last = found.table[found.table["shape"] == "constant"].iloc[-1]
    size, rate = size_text(last["effect"], found.scale, words), rate_text(last["found"], words)
    return words("rehearsal.finds_never", effect=size, rate=rate) + " " + wrong


def rate_text(rate: float, words: Words) -> str:
    """So many times in a hundred."""
    return words("rehearsal.never") if rate == 0 else words("rehearsal.times", n=words.number(100 * rate, 0 if rate >= 0.01 else 1))


def show_rehearsal(found: Rehearsal, words: Words, frequency: str) -> blocks.Block:
    """What would be found and what would be false, what that cannot tell, and a table: one row per effect that was tried. `found`: what
    `rehearse` gives; `frequency`: of the study.

    Returns a Block.
    """
    lines = [rehearsal_sentence(found, words)] if found.table.empty else limits(found, words, frequency)
    text = blocks.Block("".join(str(Markup("<p class=src>{}</p>").format(line)) for line in lines if line))
    return text if found.table.empty else rates_table(found, words) + text


def limits(found: Rehearsal, words: Words, frequency: str) -> list[str]:
    """What a rehearsal is blind to, and what it took as it is."""
    enough = YEARS_BEFORE if frequency == "Y" else 2 * PER_YEAR[frequency]
    lines = [words(f"rehearsal.blind_{found.by}", before=words.number(found.before))]
    if found.by == "worlds":
        lines.append(words("rehearsal.held"))
        if found.before < enough:
            lines.append(words("rehearsal.short", n=words.number(found.before), enough=words.number(enough)))
    if found.missing:
        lines.append(words("rehearsal.missing", what=", ".join(words(f"rehearsal.missing_{name}") for name in found.missing)))
    return lines


def rates_table(found: Rehearsal, words: Words) -> blocks.Block:
    """Per effect: how often found, which verdicts, how often held, how exaggerated."""
    rows = []
    columns = [name for name in ("level_1", "covered") if found.by == "worlds" and found.table[name].notna().any()]
    digits = tick_digits(found.table["effect"].tolist())
    for _, row in found.table.iterrows():
        effect = words.number(row["effect"], digits if row["effect"] else 0)
        shown = effect if row["shape"] == "constant" else blocks.with_small(effect, words(f"rehearsal.shape_{row['shape']}"))
        ends = monte_carlo(round(row["found"] * row["worlds"]), int(row["worlds"]))
        iv = "[" + words.percent(ends["low"]) + "; " + words.percent(ends["high"]) + "]"
        hit = Markup('{} <span class="iv">{}</span>').format(words.percent(row["found"]), iv)
        times = words.number(None) if pd.isna(row["exaggeration"]) else words("rehearsal.factor", n=words.number(row["exaggeration"], 2))
        wrong = "" if pd.isna(row["wrong_sign"]) else words("rehearsal.wrong", rate=words.percent(row["wrong_sign"]))
        told = [words.percent(row[name]) for name in columns]
        rows.append((shown, hit, *told, blocks.with_small(times, wrong) if wrong else times))
    names = ("effect", "found", *columns, "exaggeration")
    unit = words("rehearsal.unit_pp") if found.scale == "pp" else words("rehearsal.unit_level")
    frame = pd.DataFrame(rows, columns=[words(f"rehearsal.col_{name}", unit=unit) for name in names])
    caption = words("rehearsal.caption", n=words.number(int(found.table["worlds"].iloc[0])))
    return blocks.table(frame, caption, words, set(frame.columns[1:]), download=found.table, name="rehearsal")
