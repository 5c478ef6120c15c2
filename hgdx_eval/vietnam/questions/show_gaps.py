"""For whom, and what else moved, in words and tables. Wording is in locale/who.*.yaml."""

import numpy as np
import pandas as pd
from markupsafe import Markup

from ...panel.panel import Panel
from ...report import blocks
from ...study.words import Words
from .gaps import OUTCOMES, Gap, Who, moved
from .show_payment import paragraphs

TRUTHS = {"remote": "remote_pp", "staff": "staff_pp", "on_time": "on_time_pp", "days": "days", "volume": "received_pct"}
UNITS, DIGITS = {"pp": "points", "level": "days"}, {"pp": 1, "level": 2}


def show_gaps(found: Who, words: Words) -> blocks.Block:
    """Which gaps between places narrowed or widened for certain, each gap before and its change (percentage points), and why others cannot
    be told. `found`: what `who_of` gives.

    Returns a Block.
    """
    if found.reason:
        return paragraphs([words(f"who.{found.reason}")])
    told = [gap for gap in found.gaps if gap.row is not None]
    states = {gap.name: state_of(gap, found) for gap in told}
    clear = [gap_sentence(gap, found, words) for gap in told if states[gap.name] != "unclear"]
    texts = clear or [words("who.all_unclear", n=words.number(len(told))) if told else words("who.no_gap")]
    made = [paragraphs(texts)]
    if told:
        heads = [words("who.col_gap"), words("who.col_before"), words("who.col_change")]
        rows = [(blocks.with_small(words(f"who.gap_{gap.name}"), words(f"who.state_{states[gap.name]}")),
                 words.effect(gap.before, "pp"), blocks.effect(joint(gap, found), words)) for gap in told]  # fmt: skip
        made.append(blocks.table(pd.DataFrame(rows, columns=heads), words("who.caption_gaps"), words, set(heads[1:]), name="who_gaps"))
        made.append(blocks.Block(str(Markup("<p>{}</p>").format(words("who.gaps_note", n=words.number(len(told)))))))
    return sum(made[1:], made[0])


def show_gap_notes(found: Who, words: Words) -> blocks.Block | None:
    """What each gap compares, with the step and source of the user's numbers, or why it cannot be told. `found`: what `who_of` gives.

    Returns a Block; None where dossiers are not counted.
    """
    if found.reason:
        return None
    pairs = []
    for gap in found.gaps:
        if gap.row is None:
            text = words(f"who.why_{gap.reason}")
        elif gap.sources:
            text = words("who.step", step=step_text(gap, words), sources="; ".join(gap.sources))
        else:
            text = words(f"who.means_{gap.name}")
        pairs.append((words(f"who.gap_{gap.name}"), text))
    return blocks.definitions(pairs, words)


def joint(gap: Gap, found: Who) -> pd.Series:
    """A gap with the interval that holds together with those of the other gaps."""
    return pd.Series({**found.apart.set_index("group").loc[f"gap_{gap.name}"], "scale": gap.row["scale"]})


def state_of(gap: Gap, found: Who) -> str:
    own = joint(gap, found)
    return moved(gap, own["ci_low"], own["ci_high"])


def gap_sentence(gap: Gap, found: Who, words: Words) -> str:
    own = joint(gap, found)
    interval = words.effect_interval(own["ci_low"], own["ci_high"], "pp")
    return words(f"who.sentence_{state_of(gap, found)}", gap=words(f"who.gap_{gap.name}"), before=words.effect(gap.before, "pp"),
                 change=words.effect(own["estimate"], "pp"), interval=interval)  # fmt: skip


def step_text(gap: Gap, words: Words) -> str:
    share = gap.name.endswith("_share")
    return words(f"who.step_{gap.name}", step=words.number(100 * gap.step if share else gap.step, 1))


def show_volume(found: Who, words: Words) -> blocks.Block | None:
    """The effect on the number of dossiers in per cent, or why there is none. `found`: what `who_of` gives.

    Returns a Block; None where dossiers are not counted.
    """
    if found.reason:
        return None
    if found.volume is None:
        return paragraphs([words("who.volume_none", reason=words(f"refusals.{found.volume_reason}"))])
    value, low, high = in_percent(found.together.set_index("group").loc["other_volume"])
    state = "bare" if pd.isna(low) else direction(low, high)
    return paragraphs([words(f"who.volume_{state}", value=words.number(value, 1, sign=True), interval=words.interval(low, high))])


def in_percent(row: pd.Series) -> tuple[float, float, float]:
    """(estimate, low, high) in per cent of a row on the log scale."""
    return tuple(100 * float(np.expm1(row[name])) for name in ("estimate", "ci_low", "ci_high"))


def direction(low: float, high: float) -> str:
    return "unclear" if not (low > 0 or high < 0) else "up" if low > 0 else "down"


def show_outcomes(found: Who, words: Words) -> blocks.Block | None:
    """Every other outcome with the interval that holds for all together; a column that is not there is said to be not there. `found`: what
    `who_of` gives.

    Returns a Block; None where dossiers are not counted.
    """
    if found.reason:
        return None
    together = found.together.set_index("group")
    heads = [words("who.col_outcome"), words("who.col_effect")]
    rows, texts = [], []
    for name, (_, _, scale) in OUTCOMES.items():
        row, label = found.outcomes[name], words(f"who.outcome_{name}")
        if row is None:
            rows.append((label, words("who.not_in_file")))
        elif row["status"] != "ok":
            rows.append((label, words("who.refused", reason=words("refusals." + row["reason"]))))
        else:
            own = together.loc[f"other_{name}"]
            state = "unknown" if pd.isna(own["ci_low"]) else direction(own["ci_low"], own["ci_high"])
            value = blocks.effect(pd.Series({**own, "scale": scale}), words, DIGITS[scale])
            rows.append((blocks.with_small(label, words(f"who.moved_{state}")), value))
            if state in ("up", "down"):
                unit, interval = words("who.unit_" + UNITS[scale]), words.interval(own["ci_low"], own["ci_high"], DIGITS[scale])
                texts.append(words(f"who.outcome_{state}", outcome=label, unit=unit, size=words.number(abs(own["estimate"]), DIGITS[scale]),
                                   interval=interval))  # fmt: skip
    known = len(together) - ("other_volume" in together.index)
    texts = texts or [words("who.outcomes_unclear") if known else words("who.no_outcome")]
    block = blocks.table(pd.DataFrame(rows, columns=heads), words("who.caption_outcomes"), words, {heads[1]}, name="who_outcomes")
    note = Markup("<p>{}</p>").format(words("who.together_note", n=words.number(len(together)))) if known else ""
    return paragraphs(texts) + block + blocks.Block(str(note))


def show_who_truth(found: Who, panel: Panel, words: Words) -> blocks.Block | None:
    """For simulated data: the known answers, and whether the joint intervals hold them. `found`: what `who_of` gives.

    Returns a Block; None where data are real, dossiers are not counted, or no outcome has an interval to compare.
    """
    if found.reason or panel.truth is None or "received_pct" not in panel.truth:
        return None
    together, said = found.together.set_index("group"), []
    overall = panel.truth.set_index("period").loc["overall"]
    for name, column in TRUTHS.items():
        if f"other_{name}" not in together.index or pd.isna(together.loc[f"other_{name}", "ci_low"]):
            continue
        own = together.loc[f"other_{name}"]
        _, low, high = in_percent(own) if name == "volume" else (0.0, own["ci_low"], own["ci_high"])
        key = "who.truth_inside" if low <= overall[column] <= high else "who.truth_missed"
        said.append(words(key, outcome=words(f"who.outcome_{name}"), truth=words.number(overall[column], 1)))
    return paragraphs([words("who.truth", list="; ".join(said))]) if said else None
