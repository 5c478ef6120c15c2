"""Online payment by its two definitions, in words and tables. Wording is in locale/payment.*.yaml."""

import pandas as pd
from markupsafe import Markup

from ...design.design import Design
from ...panel.panel import Panel
from ...report import blocks
from ...report.answer import interval_text, size_of
from ...study.words import Words
from .payment import RATES, YEAR, Payment, mean_rate

APART = 0.005  # a gap between the rates that is told as one (share)
UNKNOWN = 0.02  # payments of unknown channel that are worth a line (share)


def paragraphs(texts: list[str]) -> blocks.Block:
    return blocks.Block(str(Markup("").join(Markup("<p class=lead>{}</p>").format(text) for text in texts)))


def show_payment_answer(found: Payment, design: Design, words: Words) -> blocks.Block:
    """Both rates of the last twelve months, why they differ, and where they stand; or why nothing can be said. `found`: what `payment_of`
    gives.

    Returns a Block.
    """
    if found.reason:
        return paragraphs([words(f"payment.{found.reason}")])
    recent = found.series["period"] > found.series["period"].max() - YEAR
    official, fixed = (mean_rate(found, name, recent) for name in RATES)
    last = words.period(found.series["period"].max(), short=True)
    told = [words("payment.rates", last=last, official=words.percent(official), fixed=words.percent(fixed))]
    left = found.series.loc[found.series["period"] >= design.start, "left"].sum()
    key = "gap_waived" if found.waived else "gap_none" if abs(official - fixed) < APART else "gap_other"
    online, counter = (words.percent(value) for value in found.by_filing)
    told.append(words(f"payment.{key}", left=size_of(left, words), start=words.period(design.start, short=True), online=online,
                      counter=counter, gap=words.number(100 * abs(official - fixed), 1)))  # fmt: skip
    return paragraphs(told)


def show_rates(found: Payment, design: Design, words: Words) -> blocks.Block | None:
    """Both rates in the year before the start, since then, and in the last twelve months; by month in the workbook. `found`: what
    `payment_of` gives.

    Returns a Block; None where nothing can be said of payments.
    """
    if found.reason:
        return None
    period = found.series["period"]
    spans = {"before": (period < design.start) & (period >= design.start - YEAR), "since": period >= design.start,
             "recent": period > period.max() - YEAR}  # fmt: skip
    heads = [words("payment.col_span"), words("payment.official"), words("payment.fixed")]
    rows = [(words(f"payment.span_{name}"), *(words.percent(mean_rate(found, rate, when)) for rate in RATES))
            for name, when in spans.items()]  # fmt: skip
    data = pd.DataFrame([(str(row.period), words.percent(row.official), words.percent(row.fixed)) for row in found.series.itertuples()],
                        columns=[words("payment.col_month"), *heads[1:]])  # fmt: skip
    return blocks.table(pd.DataFrame(rows, columns=heads), words("payment.caption_rates"), words, set(heads[1:]), download=data,
                        name="payment")  # fmt: skip


def show_payment_effects(found: Payment, words: Words) -> blocks.Block | None:
    """What the cut did to each rate (percentage points), by the study's own method, and what the difference means. `found`: what
    `payment_of` gives.

    Returns a Block; None where nothing can be said of payments.
    """
    if found.reason:
        return None
    rows, told = [], {}
    for name, row in found.effects.items():
        told[name] = row["status"] == "ok"
        value = blocks.effect(row, words) if told[name] else words("payment.refused", reason=words("refusals." + row["reason"]))
        rows.append((words(f"payment.{name}"), value))
    heads = [words("payment.col_rate"), words("payment.col_effect")]
    block = blocks.table(pd.DataFrame(rows, columns=heads), words("payment.caption_effects"), words, set(heads[1:]), name="payment_effects")
    groups = ", ".join(words(f"reasons.group_{name}") for name in found.groups)
    texts = [words("payment.effects_against", groups=groups) if found.until is None else
             words("payment.effects_until", groups=groups, until=words.period(found.until))]  # fmt: skip
    if all(told.values()):
        texts.append(words("payment.effects_waived" if found.waived else "payment.effects_same"))
        texts += [words("payment.effects_unclear")] if unclear(found) else []
    return block + paragraphs(texts)


def unclear(found: Payment) -> bool:
    """Whether the effect on the fixed rate may be nothing."""
    row = found.effects["fixed"]
    return bool(row["ci_low"] <= 0 <= row["ci_high"])


def show_target(found: Payment, words: Words) -> blocks.Block | None:
    """When each rate reaches the target on its trend, or that it does not. `found`: what `payment_of` gives.

    Returns a Block; None where nothing can be said of payments, or no source gives a target.
    """
    if found.reason or found.target is None:
        return None
    rows = [(words(f"payment.{name}"), reach_text(found, name, words)) for name in RATES]
    heads = [words("payment.col_rate"), words("payment.col_reach")]
    block = blocks.table(pd.DataFrame(rows, columns=heads), words("payment.caption_target", target=words.percent(found.target, 0)), words,
                         name="payment_target")  # fmt: skip
    return block + paragraphs([words("payment.target_text")])


def reach_text(found: Payment, name: str, words: Words) -> str:
    reach = found.reach[name]
    ends = {end: getattr(reach, end) for end in ("since", "month", "low", "high")}
    months = {end: words.number(None) if month is None else words.period(month, short=True) for end, month in ends.items()}
    state = "open_unknown" if reach.state == "open" and reach.low is None else reach.state
    return words(f"payment.reach_{state}", slope=words.number(reach.slope, 2, sign=True), **months)


def show_payment_basis(found: Payment, words: Words) -> blocks.Block | None:
    """The two definitions, and how many payments do not say how they were made. `found`: what `payment_of` gives.

    Returns a Block; None where nothing can be said of payments.
    """
    if found.reason:
        return None
    pairs = [(words("payment.official"), words("payment.official_text")),
             (words("payment.fixed"), words("payment.fixed_waived" if found.waived else "payment.fixed_all"))]  # fmt: skip
    if found.unknown > UNKNOWN:
        pairs.append((words("payment.unknown"), words("payment.unknown_text", share=words.percent(found.unknown))))
    return blocks.definitions(pairs, words)


def show_payment_truth(found: Payment, panel: Panel, words: Words) -> blocks.Block | None:
    """For simulated data: the known effect on each rate (percentage points) beside the estimates. `found`: what `payment_of` gives.

    Returns a Block; None where data are real, nothing can be said of payments, or no rate has an interval to compare.
    """
    if found.reason or panel.truth is None or "official_pp" not in panel.truth:
        return None
    months = panel.truth[panel.truth["period"] != "overall"].dropna(subset=["official_pp", "fixed_pp"])
    if found.until is not None:
        months = months[pd.PeriodIndex(months["period"], freq="M") <= found.until]
    texts = []
    for name, row in found.effects.items():
        weight = months[f"{name}_paying"]
        if row["status"] != "ok" or pd.isna(row["ci_low"]) or not weight.sum():
            continue
        truth = float((months[f"{name}_pp"] * weight).sum() / weight.sum())
        inside = row["ci_low"] <= truth <= row["ci_high"]
        texts.append(words("payment.truth_inside" if inside else "payment.truth_missed", rate=words(f"payment.{name}_lower"),
                           truth=words.effect(truth, "pp"), interval=interval_text(row, words)))  # fmt: skip
    return paragraphs(texts) if texts else None
