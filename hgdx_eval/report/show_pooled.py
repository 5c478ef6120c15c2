"""The page of a portfolio: many studies as one answer, which of them count, how much effects differ, what the answer rests on."""

import nbformat
import numpy as np
import pandas as pd
from markupsafe import Markup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from ..evaluation.pooled import Pooled
from ..locale import LANGUAGES
from ..study.words import Words
from . import blocks
from .charts.forest import finding, name_of, plot_forest, value
from .colophon import KIT
from .figure import Figure
from .page import Page, render

Shown = blocks.Block | Figure
HEADS = ("study", "start", "effect", "low", "high", "state")
LEAST_P = 0.001  # a smaller p-value is told as smaller


def pages(found: Pooled, before: list[dict], titles: dict[str, str], made: dict) -> dict[str, str]:
    """File name -> page in each language. `before`: the answers of earlier runs of the portfolio (`pooled.answer` with run and made, a
    day), oldest first; `titles`: language -> title of the portfolio; `made`: the receipt of this one."""
    return {f"pooled.{lang}.html": page(found, before, words_of(lang, titles[lang]), made) for lang in LANGUAGES if lang in titles}


def words_of(lang: str, title: str) -> Words:
    """General words with the portfolio's title."""
    return Words(lang, (("kicker", Words(lang)("pooled.kicker")), ("place", Words(lang)("pooled.place")), ("title", title)))


def page(found: Pooled, before: list[dict], words: Words, made: dict) -> str:
    notebook = new_notebook(cells=cells_of(found, before, words))
    nbformat.validate(notebook)
    told = (Markup("<div><dt>{}</dt><dd>{}</dd></div>").format(words(f"colophon.{name}"), text) for name, text in about_of(made, words))
    about = Markup('<section class="about"><h2>{}</h2><dl>{}</dl></section>').format(words("colophon.title"), Markup("").join(told))
    return render([notebook], Page(lang=words.lang, title=words("study.title"), place=words("study.place"), simulated=found.simulated,
                                   kind="chapter", annexes=(), footer=words("pooled.footer"), about=about,
                                   description=sentence(found, words).replace("**", "")))  # fmt: skip


def about_of(made: dict, words: Words) -> list[tuple[str, str]]:
    return [("date", words.date(made["day"])),
            ("version", words("colophon.version_text", kit=KIT, version=made["packages"][KIT], run=made["key"][:8]))]  # fmt: skip


def cells_of(found: Pooled, before: list[dict], words: Words) -> list[nbformat.NotebookNode]:
    """The page as cells of a notebook: a first screen, then sections; one that has nothing to show is absent."""
    forest = plot_forest(found, words)
    cells = [shown(show_answer(found, words), "hero", "answer"), *([shown(forest, "hero", "key-chart")] if forest else [])]
    sections: list[tuple[str, list]] = [
        ("studies", [show_studies(found, words)]), ("differ", [show_spread(found, words)]), ("without", [show_without(found, words)]),
        ("by_date", [show_dates(found, words)]), ("moved", [show_moves(found, before, words)]),
        ("traits", [show_traits(found, words)]), ("method", [show_method(found, words)]),
    ]  # fmt: skip
    for name, parts in sections:
        told = [part for part in parts if part is not None]
        if told:
            cells += [new_markdown_cell(f"## {words(f'pooled.head_{name}')}", metadata={"tags": [f"#{name.replace('_', '-')}"]}),
                      *map(shown, told)]  # fmt: skip
    for number, cell in enumerate(cells):
        cell["id"] = f"pooled-{number}"
    return cells


def shown(part: Shown, *tags: str) -> nbformat.NotebookNode:
    return new_code_cell(outputs=[new_output("display_data", data={"text/html": part._repr_html_()})], metadata={"tags": list(tags)})


# --- the first screen ----------------------------------------------------------------------------------------------------
def sentence(found: Pooled, words: Words) -> str:
    """The answer in a sentence or two, its number between **."""
    one = found.answer
    if one is None:
        return words("pooled.answer_none", n=words.number(len(found.sites)))
    said = {"effect": size(one.estimate, found.scale, words), "interval": words.effect_interval(one.low, one.high, found.scale),
            "k": words.number(one.k)}  # fmt: skip
    if one.k == 1:
        return words("pooled.answer_single", place=name_of(found.counted[0], words), **said)
    new = words("pooled.answer_new", new=words.effect_interval(one.new_low, one.new_high, found.scale)) if np.isfinite(one.new_low) else ""
    return f"{words(f'pooled.answer_{finding(found)}', **said)} {new}".strip()


def size(estimate: float, scale: str, words: Words) -> str:
    number = words.effect(estimate, scale)
    return words("pooled.points", n=number) if scale == "pp" else str(number)


def show_answer(found: Pooled, words: Words) -> blocks.Block:
    """Question, answer, a strip of facts. `found`: what `pool` gives. Returns a Block."""
    opening, dot, rest = sentence(found, words).partition(". ")
    before, _, rest = rest.partition("**")
    strong, _, after = rest.partition("**")
    number = Markup('<strong class="n">{}</strong>').format(strong) if strong else ""
    said = Markup("<strong>{}{}</strong>{}{}{}").format(opening, dot, before, number, after)
    strip = Markup("").join(Markup("<div><dt>{}<small>{}</small></dt><dd>{}</dd></div>").format(what, below, number)
                            for number, what, below in facts(found, words))  # fmt: skip
    html = Markup('<div class="answer"><p class="kick">{}</p><h1>{}</h1><p class="ans">{}</p><dl class="nums">{}</dl></div>')
    return blocks.Block(str(html.format(words("study.kicker"), words("study.title"), said, strip)))


def facts(found: Pooled, words: Words) -> list[tuple[str, str, str]]:
    """(value, what it is, what stands below it)."""
    one, n = found.answer, len(found.sites)
    told = [(words("pooled.of", k=words.number(len(found.counted)), n=words.number(n)), words("pooled.fact_studies"), "")]
    if one is None:
        return told
    told.insert(0, (words.effect(one.estimate, found.scale), words("pooled.fact_mean" if one.k > 1 else "pooled.fact_only"),
                    words("story.fact_interval", interval=words.effect_interval(one.low, one.high, found.scale))))  # fmt: skip
    if np.isfinite(one.new_low):
        told.append((words.effect_interval(one.new_low, one.new_high, found.scale), words("pooled.fact_new"), ""))
        told.append((words.percent(one.i2, 0), words("pooled.fact_i2"), ""))
    return told


# --- sections ------------------------------------------------------------------------------------------------------------
def show_studies(found: Pooled, words: Words) -> blocks.Block:
    """Every study: when its policy began, effect and interval, or why it does not count. Returns a Block."""
    rows, data, mixed = [], [], len({site.simulated for site in found.sites}) > 1
    for site in found.sites:
        name, state, counts = name_of(site, words), words(f"pooled.state_{site.state}"), site.state == "counts"
        mark = Markup('{} <span class="tag">{}</span>').format(name, words("charts.simulated")) if mixed and site.simulated else name
        effect = value(site.estimate, site.ci_low, site.ci_high, site.scale, words) if counts else state
        rows.append((mark, start_text(site.start, words), effect))
        data.append((name, site.start, site.estimate, site.ci_low, site.ci_high, state))
    shown, held = (pd.DataFrame(part, columns=[words(f"pooled.col_{name}") for name in heads])
                   for part, heads in ((rows, HEADS[:3]), (data, HEADS)))  # fmt: skip
    told = blocks.table(shown, words("pooled.studies_caption"), words, download=held, name="studies")
    names = {site.study: name_of(site, words) for site in found.sites}
    reasons = [(names[site.study], words("pooled.differs", what=differs.key, own=differs.own, usual=differs.usual,
                                         other=names.get(differs.other, differs.other)))
               for site in found.sites if (differs := site.differs)]  # fmt: skip
    return told + blocks.definitions(reasons, words) if reasons else told


def start_text(start: str, words: Words) -> str:
    return words.date(start) if start else "–"


def show_spread(found: Pooled, words: Words) -> blocks.Block | None:
    """How much effects differ between places. Returns a Block; None with fewer than two studies."""
    one = found.answer
    if one is None or one.k < 2:
        return None
    p = f"< {words.number(LEAST_P, 3)}" if one.q_p < LEAST_P else f"= {words.number(one.q_p, 3)}"
    pairs = [(words("pooled.tau"), size_unsigned(one.tau, found.scale, words)), (words("pooled.i2"), words.percent(one.i2, 0)),
             (words("pooled.q"), words("pooled.q_said", q=words.number(one.q, 1), df=words.number(one.k - 1), p=p))]  # fmt: skip
    if np.isfinite(one.new_low):
        pairs.append((words("pooled.new_place"), words.effect_interval(one.new_low, one.new_high, found.scale)))
    said = [words("pooled.spread_few")] if one.k < 10 else []
    said += [words("pooled.widened")] if one.widened else []
    return text_of(said) + blocks.definitions(pairs, words)


def size_unsigned(number: float, scale: str, words: Words) -> str:
    text = words.effect(number, scale, False)
    return words("pooled.points", n=text) if scale == "pp" else str(text)


def text_of(lines: list[str]) -> blocks.Block:
    return blocks.Block("".join(str(Markup("<p>{}</p>").format(line)) for line in lines if line))


def show_without(found: Pooled, words: Words) -> blocks.Block | None:
    """The answer without each study. Returns a Block; None with fewer than three."""
    if found.without.empty:
        return None
    names = {site.study: name_of(site, words) for site in found.counted}
    rows = [(names[row.study], value(row.estimate, row.ci_low, row.ci_high, found.scale, words)) for row in found.without.itertuples()]
    one = found.answer
    assert one is not None
    signs = np.sign(
        found.without["ci_low"].where(found.without["ci_low"] > 0, found.without["ci_high"].where(found.without["ci_high"] < 0, 0))
    )
    held = bool((signs == (1 if one.low > 0 else -1 if one.high < 0 else 0)).all())
    frame = pd.DataFrame(rows, columns=[words("pooled.col_without"), words("pooled.col_mean")])
    return text_of([words("pooled.without_held" if held else "pooled.without_moved")]) + blocks.table(
        frame, words("pooled.without_caption"), words, set(frame.columns[1:]), download=found.without, name="leave_one_out"
    )


def show_dates(found: Pooled, words: Words) -> blocks.Block | None:
    """The answer of the studies whose policy had begun by each start. Returns a Block; None where all began together."""
    if len(found.by_date) < 2:
        return None
    rows = [
        (start_text(row.start, words), words.number(row.k), value(row.estimate, row.ci_low, row.ci_high, found.scale, words))
        for row in found.by_date.itertuples()
    ]
    frame = pd.DataFrame(rows, columns=[words(f"pooled.col_{name}") for name in ("until", "k", "mean")])
    return blocks.table(frame, words("pooled.dates_caption"), words, set(frame.columns[1:]), download=found.by_date, name="by_date")


def show_moves(found: Pooled, before: list[dict], words: Words) -> blocks.Block | None:
    """How the answer moved from one run of the portfolio to the next, newest first. Returns a Block; None without an earlier one."""
    known = [row for row in before if row.get("scale") == found.scale]
    if found.answer is None or not known:
        return None
    now = {"made": words("pooled.now"), "k": found.answer.k, "estimate": found.answer.estimate, "ci_low": found.answer.low,
           "ci_high": found.answer.high}  # fmt: skip
    rows = [(row["made"] if row is now else words.date(row["made"]), words.number(row["k"]),
             value(row["estimate"], row["ci_low"], row["ci_high"], found.scale, words)) for row in [now, *reversed(known)]]  # fmt: skip
    frame = pd.DataFrame(rows, columns=[words(f"pooled.col_{name}") for name in ("made", "k", "mean")])
    return blocks.table(frame, words("pooled.moves_caption"), words, set(frame.columns[1:]), name="moves")


def show_traits(found: Pooled, words: Words) -> blocks.Block | None:
    """What effects go with, and whether less exact studies tell larger ones. Returns a Block; None with fewer than ten studies."""
    said = []
    if found.small is not None:
        said.append(words("pooled.small_seen" if found.small[1] < 0.1 else "pooled.small_unseen", p=words.number(found.small[1], 2)))
    if found.differ.empty:
        return text_of(said) if said else None
    rows = []
    for row in found.differ.itertuples():
        slope = f"{words.number(row.slope, 3, True)} {words.interval(row.ci_low, row.ci_high, 3)}"
        rows.append((words(f"pooled.trait_{row.trait}"), words.number(row.k), slope))
    frame = pd.DataFrame(rows, columns=[words(f"pooled.col_{name}") for name in ("trait", "k", "slope")])
    return text_of([*said, words("pooled.traits_said")]) + blocks.table(
        frame, words("pooled.traits_caption"), words, set(frame.columns[1:]), download=found.differ, name="meta_regression"
    )


def show_method(found: Pooled, words: Words) -> blocks.Block:
    """How it was pooled, with sources. Returns a Block."""
    k = 0 if found.answer is None else found.answer.k
    lines = ["counted", *(["mean", "error", "interval"] if k > 1 else []), *(["ahead"] if k > 2 else []), "order"]
    items = Markup("").join(Markup("<li>{}</li>").format(words(f"pooled.method_{name}")) for name in lines)
    return blocks.Block(str(Markup("<ul>{}</ul>").format(items)))
