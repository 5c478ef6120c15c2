"""The first screen of a page: question, answer, verdict, four facts; then what it means and what it rests on. Wording is in locale/."""

import numpy as np

from ..base.periods import HALF_YEAR
from ..design.design import Design, nearby_events
from ..evaluation.evaluation import Evaluation
from ..evaluation.plan_record import held_to_plan
from ..evaluation.rehearsal import rehearse
from ..evaluation.verdict import CANNOT, NEGLIGIBLE, UNCLEAR
from ..panel.panel import Panel
from ..panel.told import run_release
from ..study.domains import domain_of
from ..study.study import Study
from ..study.vocabulary import NO_INTERVAL
from ..study.words import Words
from . import blocks
from .answer import headline, interval_text, rank_text, reasons, size_text
from .show_plan import plan_sentence
from .show_rehearsal import rehearsal_sentence

FACTS = 4  # of the strip


def show_answer(found: Evaluation, panel: Panel, p: Study, words: Words) -> blocks.Block:
    """Question, answer, verdict and four facts: the first thing on the page. `found`: what `evaluate` gives. Returns a Block."""
    return blocks.answer(words("study.question"), headline(found, words), found.verdict, strip(found, panel, p, words), words)


def strip(found: Evaluation, panel: Panel, p: Study, words: Words) -> list[tuple[str, str, str]]:
    """(value, what it is, what stands below it), at most FACTS: the effect, what the domain has to say, how sure; then numbers of units and
    periods."""
    own = domain_of(p).facts_of_answer(found, panel, p, words)
    untried = list(found.checks.values()).count("none")
    passed = [state for state in found.checks.values() if state != "none"]
    sure = (words("story.fact_checks_value", passed=words.number(passed.count("pass")), n=words.number(len(passed))),
            words("story.fact_checks"), words("story.fact_checks_none", n=words.number(untried)) if untried else "")  # fmt: skip
    design = found.design
    after = design.table.loc[design.table["treated"].astype(bool), "time"].nunique()
    rest = [(words.number(len(design.treated_units)), words("story.fact_treated"), ""),
            (words.number(after), words(f"story.fact_after_{design.frequency}"), "")]  # fmt: skip
    first = [effect_fact(found, words), *own, *([sure] if passed else [])]
    return [*first, *rest][:FACTS]


def effect_fact(found: Evaluation, words: Words) -> tuple[str, str, str]:
    """The number of the answer with its interval or rank; nothing where the report tells none."""
    row = found.main.overall()
    kind = "change" if row["term"] == "change" else "difference" if found.design.estimand == "difference" else "effect"
    what = words(f"story.fact_{kind}_{'pp' if row['scale'] == 'pp' else 'level'}")
    if found.headline == "none":
        return words.number(None), what, words("story.fact_none")
    below = rank_text(found, words) if found.headline == "placebo" else words("story.fact_interval", interval=interval_text(row, words))
    return words.effect(row["estimate"], row["scale"]), what, below


def show_meaning(found: Evaluation, panel: Panel, p: Study, words: Words) -> blocks.Block:
    """What the answer means, and what would settle what is open; what speaks for and against it; what it rests on, with the assumption
    where a fact is unverified. `found`: what `evaluate` gives. Returns a Block."""
    based = "; ".join(f"{number} {what}" for number, what in basis_numbers(found.design, words))
    based = words("story.based_on", what=based) + outside(found.design, panel, p, words)
    planned = plan_sentence(held_to_plan(panel, p), words)
    rehearsed = rehearsal_sentence(rehearse(found, p), words)
    return blocks.meaning(meaning(found, panel, p, words), reasons(found, words), " ".join(filter(None, (based, rehearsed, planned))),
                          domain_of(p).assumption(p, words), words)  # fmt: skip


def meaning(found: Evaluation, panel: Panel, p: Study, words: Words) -> list[str]:
    """Two or three sentences by rule, from the verdict, what the domain knows (cost) and what is open; never advice beyond the data."""
    row = found.main.overall()
    up = "up" if row["estimate"] >= 0 else "down"
    if found.verdict == CANNOT:
        first = words("story.means_5")
    elif found.verdict == NEGLIGIBLE and found.small is not None:
        first = words("story.means_4", limit=size_text(found.small.limit, row["scale"], words))
    elif found.design.estimand == "difference":
        first = words("story.means_difference")
    elif found.verdict == UNCLEAR:
        first = words("story.means_3")
    else:
        first = words(f"story.means_{found.verdict}_{up}")
    told = domain_of(p).meaning_of_answer(found, panel, p, words) if found.verdict <= UNCLEAR else []
    return [first, *told, words(f"story.settle_{open_question(found)}")]


def open_question(found: Evaluation) -> str:
    """What would help most to know better: the first of what keeps the answer from being surer."""
    design, checks = found.design, found.checks
    before = design.table.loc[design.table["time"] < design.start.ordinal, "time"].nunique()
    if design.estimand == "difference":
        return "adopters"
    if found.headline in NO_INTERVAL:
        return "units"
    if checks.get("volume") == "fail":
        return "volume"
    if "fail" in (checks.get("pre_period"), checks.get("placebo_time")):
        return "trend"
    if nearby_events(design):
        return "event"
    if checks.get("pre_period") == "none" or before < 2 * HALF_YEAR.get(design.frequency, 2):
        return "time"
    return "precision" if found.verdict in (UNCLEAR, NEGLIGIBLE) else "elsewhere"


def outside(design: Design, panel: Panel, p: Study, words: Words) -> str:
    """That the file holds more cases than are compared, where its rows are cases."""
    release = run_release()
    rows = panel.accepted if release is None else release.rows_told(panel.accepted)
    if p.layout == "table" or np.isnan(design.told) or not rows > design.told:
        return ""
    return " " + words("story.based_of", all=words.number(rows))


def basis_numbers(design: Design, words: Words) -> list[tuple[str, str]]:
    """(number, what it counts): dossiers or rows, periods, units, clusters."""
    table = design.table
    counted = table["denominator"].notna().all()
    size = design.told if counted else len(table)
    span = words("story.span", first=words.period(table["period"].min(), short=True),
                 last=words.period(table["period"].max(), short=True))  # fmt: skip
    return [
        (words.number(size), words("story.n_dossiers" if counted else "story.n_rows")),
        (words.number(table["time"].nunique()), words(f"story.n_periods_{design.frequency}", span=span)),
        (words.number(len(design.treated_units) + len(design.comparison_units)),
         words("story.n_units", treated=words.number(len(design.treated_units)))),
        (words.number(table["cluster"].nunique()), words("story.n_clusters")),
    ]  # fmt: skip


def show_in_short(found: Evaluation, panel: Panel, p: Study, words: Words) -> blocks.Block | None:
    """What a brief says besides the effect: what the domain knows of cost and payment. `found`: what `evaluate` gives.

    Returns a Block; None where there is nothing.
    """
    pairs = domain_of(p).in_short(found, panel, p, words)
    return blocks.definitions(pairs, words) if pairs else None
