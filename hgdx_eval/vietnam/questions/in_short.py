"""What cost, payment and self-filing add to the answer: facts of the first screen, a sentence of what it means, lines of the brief."""

import pandas as pd

from ...evaluation.evaluation import Evaluation
from ...panel.panel import Panel
from ...report.answer import interval_text
from ...study.study import Study
from ...study.words import Words, capital
from .cost import Cost, cost_of
from .gaps import outcome_effect, who_of
from .payment import RATES, YEAR, mean_rate, payment_of
from .show_cost import about
from .show_gaps import gap_sentence, state_of
from .show_payment import reach_text


def facts(found: Evaluation, panel: Panel, p: Study, words: Words) -> list[tuple[str, str, str]]:
    """(value, what it is, what stands below): the effect on what people filed by themselves, and VND forgone per extra dossier."""
    told = []
    remote = outcome_effect(panel, p, "remote") if p.numerator is not None else None
    if remote is not None and remote["status"] == "ok":
        told.append((words.effect(remote["estimate"], "pp"), words("who.fact_remote"), below(remote, words)))
    cost = cost_of(panel, p, found.design)
    each = None if cost.reason else cost.row("per_extra")
    if each is not None and each["status"] == "ok" and each["estimate"] > 0:
        told.append((about(each["estimate"], words), words("cost.fact_per_extra"),
                     "" if pd.isna(each["ci_low"]) else span(each, words)))  # fmt: skip
    return told


def below(row: pd.Series, words: Words) -> str:
    return "" if pd.isna(row["ci_low"]) else words("story.fact_interval", interval=interval_text(row, words))


def span(row: pd.Series, words: Words) -> str:
    return words(
        "story.fact_interval", interval=words("story.interval", low=about(row["ci_low"], words), high=about(row["ci_high"], words))
    )


def meaning(found: Evaluation, panel: Panel, p: Study, words: Words) -> list[str]:
    """How much of what was forgone changed nobody's way of filing."""
    text = unchanged_text(cost_of(panel, p, found.design), words)
    return [text] if text else []


def unchanged_text(cost: Cost, words: Words) -> str:
    row = None if cost.reason else cost.row("unchanged")
    if row is None or row["status"] != "ok" or cost.bill is None or pd.isna(cost.bill.forgone):
        return ""
    return words("cost.changed_nobody", total=about(cost.bill.forgone, words), unchanged=about(row["estimate"], words))


def in_short(found: Evaluation, panel: Panel, p: Study, words: Words) -> list[tuple[str, str]]:
    """(term, text) for the brief: cost, online payment against its target, for whom."""
    pairs = []
    cost = cost_of(panel, p, found.design)
    if not cost.reason:
        each = [f"{capital(what)}: {value} ({between})" if between else f"{capital(what)}: {value}"
                for value, what, between in facts(found, panel, p, words)[-1:] if what == words("cost.fact_per_extra")]  # fmt: skip
        pairs.append((words("cost.short"), " ".join([unchanged_text(cost, words), *(f"{text}." for text in each)]).strip()))
    payment = payment_of(panel, p, found.design)
    if not payment.reason:
        recent = payment.series["period"] > payment.series["period"].max() - YEAR
        rates = {name: words.percent(mean_rate(payment, name, recent)) for name in RATES}
        text = words("payment.short_rates", **rates)
        if payment.target is not None:
            text += " " + words("payment.short_target", target=words.percent(payment.target, 0), reach=reach_text(payment, RATES[0], words))
        pairs.append((words("payment.short"), text))
    who = who_of(panel, p, found.design)
    if not who.reason:
        gaps = [gap for gap in who.gaps if gap.row is not None]
        clear = [gap_sentence(gap, who, words) for gap in gaps if state_of(gap, who) != "unclear"]
        if gaps:
            pairs.append((words("who.short"), " ".join(clear) or words("who.short_unclear", n=words.number(len(gaps)))))
    return [(term, text) for term, text in pairs if text]
