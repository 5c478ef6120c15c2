"""From an evaluation to what a reader is told: the answer, the reasons, the checks, the threats. Wording is in locale/."""

import numpy as np
import pandas as pd
from markupsafe import Markup

from ..design.design import Design, nearby_events
from ..estimation.results import ratio_rank
from ..evaluation.evaluation import Evaluation
from ..evaluation.verdict import (
    NEGLIGIBLE,
    TIME_BEFORE,
    UNCLEAR,
    breakdown_of,
    breakdown_row,
    early_cohorts,
    estimates_of,
    misses,
)
from ..panel.disclosure import BANDS, as_told, band, hidden_in_table, parts_of
from ..panel.panel import Panel
from ..panel.told import Release
from ..study.vocabulary import IN_PART, SIDES
from ..study.words import Words
from . import blocks
from .ranks import ranked
from .show_robustness import change, rate_of, slope_size

SUPPORT = (("pre_period", "methods", "placebo_time", "leave_one_out", "breakdown"), TIME_BEFORE)  # without and with level 4, best first

FEW = 5  # rows of a reason, or dossiers that staff entered: fewer are not told; in a run the study's min_count
LATER = ("methods", "breakdown")  # failed checks that are told after what concerns the study's design


def headline(found: Evaluation, words: Words) -> str:
    """The answer in one sentence with its interval or rank. `found`: what `evaluate` gives.

    Returns a text in the language of `words`; `**` marks the number.
    """
    row = found.main.overall()
    value, scale = row["estimate"], row["scale"]
    said = {
        "size": size_text(value, scale, words), "signed": words.effect(value, scale),
        "direction": words("story.up" if value >= 0 else "story.down"), "opening": opening(found, words),
    }  # fmt: skip
    if row["term"] == "change":
        return words("story.change", **said, date=words.period(found.design.start),
                     interval=interval_text(row, words))  # fmt: skip
    kind = "difference" if found.design.estimand == "difference" else "effect"
    if found.headline == "placebo":
        return words(f"story.{kind}_rank", **said, ranked=rank_text(found, words))
    if found.headline == "none":
        return words("story.cannot", **said, reason=words("story.gate_fails" if judged_out(found) else "story.few_clusters"))
    if found.verdict == NEGLIGIBLE:
        return words("story.effect_small", **said, limit=size_text(found.small.limit, scale, words),
                     interval=interval_text(narrow_row(found), words))  # fmt: skip
    if found.verdict == UNCLEAR:
        return words(f"story.{kind}_unclear", **said, interval=interval_text(row, words))
    return words(f"story.{kind}", **said, interval=interval_text(row, words))


def rank_text(found: Evaluation, words: Words) -> str:
    """What the rank means: how many of the other units moved more, when each in turn is assumed to be the treated one."""
    return ranked(*found.rank, words, "size" if ratio_rank(found.main) is None else "ratio")


def size_text(value: float, scale: str, words: Words) -> str:
    """4,2 điểm phần trăm, without a sign."""
    return words("story.size_" + ("pp" if scale == "pp" else "level"), value=words.effect(abs(value), scale, sign=False))


def narrow_row(found: Evaluation) -> pd.Series:
    """The main row with the 90% interval of the two one-sided tests."""
    row = found.main.overall().copy()
    row["ci_low"], row["ci_high"] = found.small.low, found.small.high
    return row


def judged_out(found: Evaluation) -> bool:
    """Whether the gate tried the study's kinds of interval and let none through."""
    return bool((found.gate["state"] == "fails").any())


def interval_text(row: pd.Series, words: Words) -> str:
    """từ 1,1 đến 7,3 · 1.1 to 7.3."""
    digits = 1 if row["scale"] == "pp" else max(len(words.effect(row[c], row["scale"], False).partition("," if words.lang
                                                    == "vi" else ".")[2]) for c in ("ci_low", "ci_high"))  # fmt: skip
    return words("story.interval", low=words.number(row["ci_low"], digits), high=words.number(row["ci_high"], digits))


def opening(found: Evaluation, words: Words) -> str:
    """The fixed first words of each verdict."""
    against = found.verdict < UNCLEAR and found.main.overall()["estimate"] < 0
    return words(f"story.opening_{found.verdict}" + ("_down" if against else ""))


def reasons(found: Evaluation, words: Words) -> list[tuple[str, str]]:
    """Two or three (sign, sentence): what supports the answer, and at least one limit."""
    checks = found.checks
    passed = [name for name in SUPPORT[found.verdict == NEGLIGIBLE] if checks.get(name) == "pass"]
    support = [("+", words(f"story.support_{name}{in_part(found, name)}", **check_numbers(found, name, words))) for name in passed[:2]]
    limits = []
    if found.headline == "none":  # what keeps the data from telling comes first
        limit = words.percent(found.rules.gate, 0)
        limits.append(("-", words("story.limit_gate" if judged_out(found) else "story.limit_clusters", limit=limit)))
    failed = [name for name, state in checks.items() if state == "fail" and (found.verdict != NEGLIGIBLE or name in TIME_BEFORE)]
    said = {name: ("-", words(f"story.limit_{name}{at_once(found, name)}", **check_numbers(found, name, words))) for name in failed}
    limits += [said[name] for name in failed if name not in LATER]
    design = found.design
    if found.headline == "placebo":
        limits.append(("-", words("story.limit_rank", n=words.number(len(design.clusters(True))))))
    if found.main.overall()["term"] == "change":
        limits.append(("-", words("story.limit_change")))
    if design.unknown_units:
        limits.append(("-", words("story.limit_unknown", n=words.number(design.unknown_units))))
    near = nearby_events(design)
    if near:
        event = max(near, key=lambda e: e.date >= design.start.start_time.date())
        limits.append(("-", words("story.limit_event", event=event.label(words.lang), date=words.date(event.date))))
    limits += [said[name] for name in failed if name in LATER]
    if checks.get("pre_period") == "none" and found.pre_trends is not None:
        limits.append(("-", words("story.limit_pre_weak")))
    if not limits:
        limits.append(("-", words("story.limit_parallel")))
    return support[: 3 - min(len(limits), 2)] + limits[:2]


def show_checks(found: Evaluation, words: Words) -> blocks.Block:
    """The checks made, their results and whether they pass. `found`: what `evaluate` gives. Returns a Block."""
    return blocks.checks(check_rows(found, words), words("story.checks_caption"), words)


def check_rows(found: Evaluation, words: Words) -> list[tuple[str, str, str]]:
    """(check, result, pass | fail | none)."""
    rows = []
    for name, state in found.checks.items():
        rows.append((words(f"story.check_{name}{in_part(found, name)}"), check_result(found, name, words), state))
    if found.rank:
        rank, number = found.rank
        rows.append((words("story.check_rank"), ranks_text(found, words),
                     "pass" if rank / number <= found.rules.rank else "fail"))  # fmt: skip
    if found.small is not None:
        row = narrow_row(found)
        rows.append(
            (
                words("story.check_small", limit=size_text(found.small.limit, row["scale"], words)),
                words.effect_interval(row["ci_low"], row["ci_high"], row["scale"]),
                "pass" if found.small.inside else "unmet",
            )
        )
    return rows


def ranks_text(found: Evaluation, words: Words) -> str:
    """What the rank means; of a synthetic method, whose ratio of errors judges, the size besides."""
    if ratio_rank(found.main) is None:
        return rank_text(found, words)
    return words("story.ranks_of", ranked=rank_text(found, words), more=words.number(found.size_rank[0] - 1))


def check_result(found: Evaluation, name: str, words: Words) -> str:
    if name == "pre_period" and misses(found.told)[1]:
        return before_result(found, words)
    if found.checks[name] == "none":
        return words("story.not_possible")
    if name == "placebo_time":
        table = found.placebo_time.table
        said = [date_text(table.iloc[0], words)]
        said += [words("story.placebo_cohort", period=words.date(row["group"]), value=date_text(row, words))
                 for _, row in table[early_cohorts(table)].iterrows()]  # fmt: skip
        return "; ".join(said)
    if name == "leave_one_out":
        values = found.leave_one_out.table["estimate"]
        scale = found.main.overall()["scale"]
        return words("story.from_to", low=words.effect(values.min(), scale), high=words.effect(values.max(), scale))
    return words(f"story.{name}_result{at_once(found, name)}", **check_numbers(found, name, words))


def before_result(found: Evaluation, words: Words) -> str:
    """How many event times before the policy miss 0, what they say together, and what would have been seen."""
    missed, number = misses(found.main)
    result, parted = words("story.pre_result", missed=words.number(missed), number=words.number(number)), found.pre_trends
    if parted is None:
        return result
    kind = "seen" if parted.rejects else "unseen" if parted.enough else "weak"
    return words(f"story.pre_{kind}", result=result, **check_numbers(found, "pre_period", words))


def date_text(row: pd.Series, words: Words) -> str:
    return f"{words.effect(row['estimate'], row['scale'])} {words.effect_interval(row['ci_low'], row['ci_high'], row['scale'])}"


def in_part(found: Evaluation, name: str) -> str:
    """The ending of texts where not each, but those that can move the number most were left out in turn."""
    return "_part" if name == "leave_one_out" and found.leave_one_out is not None and IN_PART in found.leave_one_out.notes else ""


def at_once(found: Evaluation, name: str) -> str:
    """The ending of texts for an average that does not even differ from 0 where the groups do not part by themselves, and for a number of
    cases that is not seen to jump."""
    if name == "volume" and found.volume is not None and not found.volume.seen:
        return "_none"
    return "_zero" if name == "breakdown" and breakdown_of(found.sensitivity) == 0 else ""


def check_numbers(found: Evaluation, name: str, words: Words) -> dict[str, str]:
    """The numbers that a check's sentences name."""
    if name == "methods":
        told = estimates_of(found.others)
        same = (told > 0) == (found.main.overall()["estimate"] > 0)
        return {"same": words.number(same.sum()), "number": words.number(len(told))}
    if name == "breakdown" and found.sensitivity is not None:
        steps = {group: words.number(breakdown_row(found.sensitivity, group)["estimate"], 1) for group in ("first", "average")}
        return {"times": words.number(breakdown_of(found.sensitivity), 1), "least": words.number(found.rules.breakdown, 1), **steps}
    if name == "pre_period" and found.pre_trends is not None:
        times, period = rate_of(found.pre_trends.frequency)
        scale = "pp" if found.main.overall()["scale"] == "pp" else "level"
        drift, bias = (words(f"story.size_{scale}", value=slope_size(value, words))
                       for value in (times * found.pre_trends.drift, found.pre_trends.bias))  # fmt: skip
        return {"drift": drift, "bias": bias, "period": words(f"warnings.period_{period}")}
    if name == "volume" and found.volume is not None:
        return {"jump": change(found.volume.jump, words),
                **{end: words.effect(getattr(found.volume, end), "pp") for end in ("low", "high")}}  # fmt: skip
    return {}


def show_truth(found: Evaluation, panel: Panel, words: Words) -> blocks.Block | None:
    """For simulated data: the known effect (percentage points) beside the estimate, said plainly where the interval misses it. `found`:
    what `evaluate` gives.

    Returns a Block; None where data are real, or the estimate has no interval.
    """
    if panel.truth is None or pd.isna(found.main.overall()["ci_low"]):
        return None
    truth = float(panel.truth.loc[panel.truth["period"] == "overall", "truth_pp"].iloc[0])
    row = found.main.overall()
    inside = row["ci_low"] <= truth <= row["ci_high"]
    text = words("story.truth_inside" if inside else "story.truth_missed", truth=words.effect(truth, "pp"),
                 estimate=words.effect(row["estimate"], "pp"), interval=interval_text(row, words))  # fmt: skip
    return blocks.Block(str(Markup("<p class=lead>{}</p>").format(text)))


def size_of(rows: float, words: Words) -> str:
    """About how many rows: at least 500; fewer than 20."""
    least = band(rows)
    return words("story.at_least", n=words.number(least)) if least else words("story.few", n=words.number(BANDS[0]))


def few_text(release: Release, words: Words) -> str:
    """What of counts is not told, or as of an earlier run, or rounded."""
    said = [words("story.series_few_hidden", n=words.number(release.min_count), cells=size_of(release.hidden, words)) if release.hidden else
            words("story.series_few_none", n=words.number(release.min_count))]  # fmt: skip
    said += [words("story.series_few_older", n=words.number(release.min_count))] if release.kept else []
    said += [words("story.series_few_rounded", n=words.number(release.round_to))] if release.round_to > 1 else []
    return " ".join(said)


def group_numbers(cells: list[tuple], design: Design, min_count: int) -> list[tuple[float, float]]:
    """(dossiers or rows, mean) of each side before and after; NaN where they are hidden, as a run does or, outside one, beside the sums
    of sides and of before and after."""
    means = [(part["y"] * part["weight"]).sum() / part["weight"].sum() if part["weight"].sum() > 0 else np.nan for *_, part in cells]
    if not design.table["denominator"].notna().all():
        return [(len(part), mean) for (*_, part), mean in zip(cells, means, strict=True)]
    sums = pd.DataFrame([part[["denominator", "numerator"]].sum() for *_, part in cells])
    if design.release is not None:
        when = ["after" if after else "before" for _, after, _ in cells]
        told = as_told(design.release, "span", [SIDES[side] for side, *_ in cells], "", when)
        by_dossiers = np.isclose(means, sums["numerator"] / sums["denominator"])
        same = (told[["denominator", "numerator"]] == sums).all(axis=1)
        means = np.where(by_dossiers, told["numerator"] / told["denominator"], np.where(same, means, np.nan))
        return list(zip(told["denominator"], means, strict=True))
    parts = parts_of(sums["numerator"], sums["denominator"])
    found, cannot = hidden_in_table([c[0] for c in cells], [c[1] for c in cells], parts, min_count)
    hide = found | cannot.any()
    return list(zip(sums["denominator"].where(~hide), np.where(hide, np.nan, means), strict=True))
