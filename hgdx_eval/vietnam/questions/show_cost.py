"""What the cut costs, in words and tables. Wording is in locale/cost.*.yaml."""

import pandas as pd
from markupsafe import Markup

from ...base.telling import check_name
from ...design.design import Design
from ...panel.panel import Panel
from ...report import blocks
from ...report.answer import size_of
from ...study.study import Study
from ...study.words import Words
from ..facts import UnitCost, load_facts
from .cost import Cost, forgone_by, savings

BY = ("procedure", "agency", "level", "year")
SHOWN = 10  # rows of a table; the others are summed up, and told in the workbook
ENDS = ("estimate", "ci_low", "ci_high")
FAR = 0.02  # what was paid at the counter may differ by that share from what was due before it is told
AMOUNTS = ((1e9, "billion", 2), (1e6, "million", 2), (1e3, "thousand", 0))


def exact(value: float, words: Words) -> str:
    """3.263.903.500 đồng: what was counted."""
    return words("cost.vnd", value=words.number(value))


def about(value: float, words: Words) -> str:
    """3,26 tỷ đồng: what was estimated, no more digits than it bears."""
    for size, name, digits in AMOUNTS:
        if abs(value) >= size:
            return words(f"cost.{name}", value=words.number(value / size, digits))
    return exact(value, words)


def between(row: pd.Series, words: Words) -> str:
    return words("cost.between", low=about(row["ci_low"], words), high=about(row["ci_high"], words))


def within(row: pd.Series, words: Words) -> str:
    """[6,59; 6,63], in the unit in which the estimate is told; nothing where it does not depend on the effect."""
    if row["ci_low"] == row["ci_high"]:
        return ""
    size, digits = next(((size, digits) for size, _, digits in AMOUNTS if abs(row["estimate"]) >= size), (1, 0))
    return words.interval(row["ci_low"] / size, row["ci_high"] / size, digits)


def show_costs(found: Cost, design: Design, words: Words) -> blocks.Block:
    """What was not taken (VND), how much of it moved nobody, what an extra dossier cost; or why nothing can be said. `found`: what
    `cost_of` gives.

    Returns a Block.
    """
    if found.reason:
        return paragraphs([words(f"cost.{found.reason}")])
    told = [words(
        "cost.forgone", first=words.period(design.start, short=True), last=words.period(design.table["period"].max(), short=True),
        total=about(found.bill.forgone, words), online=words.number(found.bill.online),
    )]  # fmt: skip
    unchanged = found.row("unchanged")
    if unchanged is not None:
        told.append(words("cost.unchanged", value=about(unchanged["estimate"], words), interval=between(unchanged, words)))
        told.append(per_extra_text(found, words))
    return paragraphs(told)


def paragraphs(texts: list[str]) -> blocks.Block:
    return blocks.Block(str(Markup("").join(Markup("<p class=lead>{}</p>").format(text) for text in texts)))


def per_extra_text(found: Cost, words: Words, other: str = "", parameter: str | None = None) -> str:
    """VND per extra dossier with its set, whatever its shape: an interval, two half-lines, one, or everything."""
    row = found.row(f"per_extra{other}", parameter)
    extra = found.row(f"extra{other}" if other else "extra_online", parameter)
    if row["status"] == "refused" or row["estimate"] <= 0:
        return words("cost.per_extra_none", extra=words.number(extra["estimate"]))
    if pd.notna(row["ci_low"]):
        return words("cost.per_extra", value=about(row["estimate"], words), interval=between(row, words))
    ends = {end: found.row(f"per_extra{other}_{end}", parameter) for end in ("up_to", "from")}
    said = {end: about(value["estimate"], words) for end, value in ends.items() if value is not None}
    shape = "outside" if len(said) == 2 else next(iter(said), "everything")
    return words("cost.per_extra_open", value=about(row["estimate"], words), what=words(f"cost.set_{shape}", **{
        "low": said.get("up_to", ""), "high": said.get("from", "")}))  # fmt: skip


def show_cost_basis(found: Cost, words: Words) -> blocks.Block | None:
    """On what the amounts rest, and what does not fit. `found`: what `cost_of` gives.

    Returns a Block; None where nothing can be said of the cost.
    """
    if found.reason:
        return None
    own = found.bill
    cut = {"cut": words.number(own.cut, digits_of(own.cut)), "stated": words.number(own.stated, digits_of(own.stated))}
    pairs = [(words("cost.basis"), words(f"cost.basis_{own.basis}")),
             (words("cost.cut"), words("cost.cut_as_stated" if own.cut == own.stated else "cost.cut_differs", **cut)
              + (" " + words("cost.cut_assumed") if own.assumed and own.cut == own.stated else ""))]  # fmt: skip
    if own.uncounted:
        pairs.append((words("cost.uncounted"), words("cost.uncounted_text", n=size_of(own.uncounted, words))))
    if pd.notna(own.at_counter) and abs(own.at_counter - 1) > FAR:
        pairs.append((words("cost.at_counter"), words("cost.at_counter_text", share=words.percent(own.at_counter))))
    pairs.append((words("cost.prices"), words("cost.prices_text")))
    if found.row("unchanged") is not None:
        pairs.append((words("cost.same_effect"), words("cost.same_effect_text")))
    return blocks.definitions(pairs, words)


def digits_of(value: object) -> int:
    return 0 if value == int(value) else 2


def show_forgone(found: Cost, panel: Panel, p: Study, by: str, words: Words) -> blocks.Block | None:
    """What was not taken (VND) by part: the largest, the others together, the total; all in the workbook. `found`: what `cost_of` gives;
    `by`: procedure, agency, level or year.

    Returns a Block; None where nothing can be said of the cost. Raises InputError for another `by`.
    Example: `hg.show_forgone(cost, panel, p, "year", words)`
    """
    check_name("by", by, BY)
    if found.reason:
        return None
    rows = forgone_by(found.bill, by, p.min_count)
    if by == "year":
        rows = rows.sort_values("year", ignore_index=True)
    whole = found.bill.forgone
    rows["name"] = [name_of(value, by, panel, words) for value in rows[by]]
    told = [(row.name, *amounts(row.forgone, whole, row.hidden, words)) for row in rows.itertuples(index=False)]
    heads = [words(f"cost.col_{by}"), words("cost.col_forgone"), words("cost.col_share")]
    total = (words("cost.total"), *amounts(whole, whole, False, words))
    shown = told[:SHOWN] if len(told) > SHOWN + 1 else told
    rest = whole - rows["forgone"].iloc[: len(shown)].sum()
    n = len(told) - len(shown)
    others = [(words("cost.others", n=words.number(n)), *amounts(rest, whole, False, words))] if n else []
    frame, every = (pd.DataFrame([*part, total], columns=heads) for part in ([*shown, *others], told))
    return blocks.table(frame, words(f"cost.caption_{by}"), words, set(heads[1:]), True, every, f"cost_{by}")


def amounts(value: float, whole: int, hidden: bool, words: Words) -> tuple[str, str]:
    if hidden:
        return words("story.hidden"), words.number(None)
    return words.number(value), words.percent(value / whole if whole else float("nan"))


def name_of(value: object, by: str, panel: Panel, words: Words) -> str:
    if by == "procedure":
        return panel.names.get(value, str(value))
    return words(f"cost.level_{value}") if by == "level" else str(value)


def show_other_cut(found: Cost, p: Study, words: Words) -> blocks.Block | None:
    """What the study's other cut would cost (VND), by how strongly people are assumed to answer a larger cut. `found`: what `cost_of`
    gives.

    Returns a Block; None where nothing can be said of the cost, or of that cut.
    """
    if found.reason or found.row("forgone_other") is None:
        return None
    rows, data = [], []
    for elasticity in p.cost.elasticities:
        told = f"{elasticity:g}"
        cost, extra = found.row("forgone_other", told), found.row("extra_other", told)
        data.append((elasticity, *(row[name] for row in (cost, extra) for name in ENDS)))
        rows.append((
            words("cost.elasticity", value=words.number(elasticity, digits_of(elasticity) and 1)),
            blocks.with_small(about(cost["estimate"], words), within(cost, words)),
            blocks.with_small(words.number(extra["estimate"]), words.interval(extra["ci_low"], extra["ci_high"], 0)),
        ))  # fmt: skip
    heads = [words(f"cost.col_{name}") for name in ("elasticity", "forgone_other", "extra_other")]
    ends = [f": {words(f'columns.{name}')}" if name != "estimate" else "" for name in ENDS]
    data_heads = [heads[0], *(head + end for head in heads[1:] for end in ends)]
    cut = words.number(p.cost.other_cut_pct, digits_of(p.cost.other_cut_pct))
    now = words.number(found.bill.cut, digits_of(found.bill.cut))
    block = blocks.table(pd.DataFrame(rows, columns=heads), words("cost.caption_other", cut=cut, now=now), words, set(heads[1:]),
                         download=pd.DataFrame(data, columns=data_heads), name="cost_other_cut")  # fmt: skip
    return block + paragraphs([words("cost.other_text", cut=cut, now=now)])


def show_savings(found: Cost, words: Words) -> blocks.Block | None:
    """What a dossier filed from remote saves: every unit cost with its source or "not known", and what follows from them (VND). `found`:
    what `cost_of` gives.

    Returns a Block; None where nothing can be said of the cost.
    """
    if found.reason:
        return None
    facts = load_facts()
    rows = [(words(f"cost.unit_{fact.name}"), words("cost.not_known") if fact.value is None else unit_value(fact, words), fact.verified,
             fact.title, fact.link, fact.read) for fact in facts.unit_costs.values()]  # fmt: skip
    saved = savings(facts)
    known = [words("cost.saved_known", what=words(f"cost.saved_{name}"), value=exact(value, words)) for name, value in saved.items()
             if value is not None]  # fmt: skip
    unknown = [words(f"cost.saved_{name}") for name, value in saved.items() if value is None]
    if unknown:
        known.append(words("cost.saved_unknown", what=", ".join(unknown)))
    table = blocks.facts_table(rows, words, words("cost.unit_caption"), "unit_costs", words("cost.col_unit"))
    return paragraphs(known) + table


def unit_value(fact: UnitCost, words: Words) -> str:
    """18.000 đồng/giờ (năm 2023)."""
    return words("cost.unit_value", value=words.number(fact.value, digits_of(fact.value) and 1), unit=words(f"cost.unit_of_{fact.name}"),
                 year=fact.year)  # fmt: skip


def show_cost_truth(found: Cost, panel: Panel, words: Words) -> blocks.Block | None:
    """For simulated data: the known amounts (VND) beside those found. `found`: what `cost_of` gives.

    Returns a Block; None where data are real, nothing can be said of the cost, or the window is not the one that the data tell about.
    """
    if found.reason or panel.truth is None or "forgone_vnd" not in panel.truth or found.row("unchanged") is None:
        return None
    truth = panel.truth.set_index("period").loc["overall"]
    if int(truth["forgone_vnd"]) != found.bill.forgone:
        return None  # another window than the one that the export tells about
    row = found.row("unchanged")
    inside = row["ci_low"] <= truth["unchanged_vnd"] <= row["ci_high"]
    said = words("cost.truth_inside" if inside else "cost.truth_missed", forgone=exact(truth["forgone_vnd"], words),
                 unchanged=about(truth["unchanged_vnd"], words), interval=between(row, words))  # fmt: skip
    return paragraphs([said])
