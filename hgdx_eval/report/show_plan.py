"""A plan as an official reads it: what is asked, what will be done, what it would find, what would make it fail."""

import numpy as np
import pandas as pd
from markupsafe import Markup

from ..evaluation.plan import Plan
from ..evaluation.plan_record import PlanCheck
from ..study.words import Words
from . import blocks
from .answer import size_text
from .show_rehearsal import rehearsal_sentence


def show_plan(plan: Plan, words: Words) -> blocks.Block:
    """Question, units, periods, methods, checks and rules of a plan. `plan`: what `plan_of` gives. Returns a Block."""
    p, sizes = plan.p, {name: words.number(number) for name, number in plan.sizes.items()}
    rules = p.verdict
    checks = [words(f"story.check_{name}") for name in plan.checks]
    pairs = [
        (words("plan.question"), words("study.question")),
        (words("plan.treated"), words("plan.units", units=sizes["treated_units"], clusters=sizes["treated_clusters"])),
        (words("plan.comparison"), words("plan.units", units=sizes["comparison_units"], clusters=sizes["comparison_clusters"])),
        (words("plan.before"), words("plan.before_said", n=words.number(plan.before), first=words.period(plan.first),
                                     start=words.period(plan.start))),
        (words("plan.after"), words("plan.after_said", n=words.number(plan.after))),
        (words("plan.method"), words(f"tables.estimator_{p.estimator}")),
        (words("plan.others"), "; ".join(words(f"tables.estimator_{name}") for name in p.estimators if name != p.estimator)
                               or words("plan.nothing")),
        (words("plan.inference"), "; ".join(words(f"robustness.kind_{kind}") for kind in p.inference_order)),
        (words("plan.headline"), words(f"robustness.kind_{plan.headline}") if plan.headline != "none" else words("plan.no_headline")),
        (words("plan.checks"), "; ".join(checks) or words("plan.nothing")),
        (words("plan.rules"), words("plan.rules_said", gate=words.percent(rules.gate, 0), pre=words.percent(rules.pre_trends, 0),
                                    sign=words.percent(rules.sign_agreement, 0), breakdown=words.number(rules.breakdown, 1),
                                    rank=words.percent(rules.rank, 0))),
        (words("plan.smallest"),
         size_text(p.smallest_effect, plan.rehearsal.scale, words) if p.smallest_effect else words("plan.no_smallest")),
        (words("plan.groups"), ", ".join(p.by) or words("plan.nothing")),
    ]  # fmt: skip
    return blocks.definitions(pairs, words)


def show_power(plan: Plan, words: Words) -> blocks.Block:
    """What the plan would find with so many periods, and what would make it fail. `plan`: what `plan_of` gives. Returns a Block."""
    scale = plan.rehearsal.scale
    rows = [(words.number(row.after), words("plan.not_found") if np.isnan(row.smallest) else size_text(row.smallest, scale, words))
            for row in plan.months.itertuples()]  # fmt: skip
    frame = pd.DataFrame(rows, columns=[words(f"plan.col_{name}") for name in ("after", "smallest")])
    table = blocks.table(frame, words("plan.months_caption"), words, set(frame.columns[1:]), download=plan.months, name="months")
    said = [rehearsal_sentence(plan.rehearsal, words)]
    if plan.p.smallest_effect is not None:
        needed = plan.needed
        said.append(words("plan.never_enough") if needed is None else words("plan.enough", n=words.number(needed)))
    text = blocks.Block("".join(str(Markup("<p>{}</p>").format(line)) for line in said if line))
    fails = [words(f"plan.lacking_{name}") for name in plan.lacking] or [words("plan.nothing")]
    return text + table + blocks.definitions([(words("plan.fails"), " ".join(fails))], words)


def plan_sentence(found: PlanCheck, words: Words) -> str:
    """Whether the study was planned beforehand, and kept to it."""
    if found.written is None:
        return words("plan.none")
    day = words.date(found.written.day)
    if found.kept:
        return words("plan.kept", date=day)
    if found.seen != "nothing":
        return words(f"plan.seen_{found.seen}", date=day)
    return words("plan.deviates", date=day, n=words.number(len(found.deviations)))


def show_plan_check(found: PlanCheck, words: Words) -> blocks.Block:
    """When the plan was written and who confirms it; what was done otherwise, and the answer with each as planned. `found`: what
    `held_to_plan` gives. Returns a Block."""
    lines = [plan_sentence(found, words)]
    if found.written is not None:
        lines.append(words("plan.committed", date=words.date(found.committed)) if found.committed else words("plan.unconfirmed"))
    text = blocks.Block("".join(str(Markup("<p>{}</p>").format(line)) for line in lines))
    if not found.deviations:
        return text
    rows = []
    for row in found.deviations:
        told = words("plan.unmoved") if np.isnan(row.estimate) else words.effect(row.estimate, found.scale)
        rows.append((blocks.with_small(row.key, f"{row.planned} → {row.done}"), told))
    frame = pd.DataFrame(rows, columns=[words(f"plan.col_{name}") for name in ("key", "estimate")])
    caption = words("plan.deviations_caption", estimate=words.effect(found.estimate, found.scale))
    data = pd.DataFrame([vars(row) for row in found.deviations])
    return text + blocks.table(frame, caption, words, set(frame.columns[1:]), download=data, name="plan")
