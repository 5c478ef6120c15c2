"""The scorecard in words: where each task stands, how its indicators are defined, what others have published."""

import pandas as pd
from markupsafe import Markup

from ...base.periods import written
from ...panel.panel import Panel
from ...report import blocks
from ...report.tables import table_of
from ...study.events import Source
from ...study.study import Study
from ...study.words import Words
from ..facts import Figure, Published, Task, load_facts
from .scorecard import Item, Scorecard, compared, scorecard

SIGNS = {"reached": ("ok", "✓"), "on_the_way": ("pt", "↗"), "away": ("no", "↘"), "unclear": ("na", "◐"), "no_target": ("na", "○"),
         "no_data": ("na", "–")}  # fmt: skip
RELATIONS = {"=": "is", "~": "near", ">": "above", ">=": "least"}
SPARK = (96, 22)  # units
LEAST_DRAWN = 4  # values; fewer are told in words


def tasks_of(panel: Panel, p: Study) -> Scorecard | None:
    """The study's scorecard of the seven tasks: indicators from facts, from its own data and from its file, shares 0-1.

    Returns a Scorecard; None where the seven tasks are not its place's and it names no file. Raises InputError where its file cannot be
    understood.
    """
    return scorecard(panel, p)


def show_tasks(card: Scorecard | None, words: Words) -> blocks.Block | None:
    """One row per indicator, or per task that has none: latest value, target, status; in the workbook every value. `card`: what `tasks_of`
    gives.

    Returns a Block; None without a scorecard.
    """
    if card is None:
        return None
    heads = [words(f"scorecard.col_{name}") for name in ("task", "latest", "status")]
    body = Markup("").join(task_rows(task, card, words) for task in load_facts().tasks.tasks)
    head = Markup("").join(Markup('<th scope="col">{}</th>').format(name) for name in heads)
    tag = Markup(' <span class="tag">{}</span>').format(words("charts.simulated")) if card.origin.simulated else ""
    caption = Markup("{}{}").format(words("scorecard.caption", date=words.date(load_facts().tasks.date)), tag)
    return blocks.Block(str(Markup(
        '<div class="tw"><table class="tasks"><caption>{}</caption><thead><tr>{}</tr></thead>{}</table></div>'
    ).format(caption, head, body)), (table_of("scorecard", caption, all_values(card, words), words),))  # fmt: skip


def task_rows(task: Task, card: Scorecard, words: Words) -> Markup:
    """A task's own line, and its indicators under it."""
    items = [item for item in card.items if item.task == task.number]
    title = Markup('<tr><th scope="rowgroup" colspan="3"><b>{}. {}</b></th></tr>').format(task.number, task_name(task, words))
    rows = Markup("").join(item_row(item, card, words) for item in items) or Markup(
        '<tr><th scope="row">{}</th><td>{}</td>{}</tr>').format(words("scorecard.no_indicator"), words.number(None),
                                                                              state("no_data", words))  # fmt: skip
    return Markup("<tbody>{}{}</tbody>").format(title, rows)


def item_row(item: Item, card: Scorecard, words: Words) -> Markup:
    simulated = item.kind == "data" and card.origin.simulated
    value = amount(item.values[-1][1], item, words) if item.values else words.number(None)
    when = when_of(item.values[-1][0], words) if item.values else ""
    target = words("scorecard.target", value=target_text(item, words)) if item.target is not None else words("scorecard.no_target_given")
    small = Markup("<small>{}</small>").format(when) if when else ""
    tag = Markup("<small>{}</small>").format(words("scorecard.simulated")) if simulated else ""
    return Markup('<tr><th scope="row">{}{}</th><td>{}{}<small>{}</small></td>{}</tr>').format(
        name_of(item, words), tag, value, small, target, state(item.status, words, sparkline(item, simulated, words))
    )


def state(status: str, words: Words, drawing: str = "") -> Markup:
    """A status as a sign and a word, never a colour alone."""
    css, sign = SIGNS[status]
    return Markup('<td class="{}">{} {}{}</td>').format(css, sign, words(f"scorecard.status_{status}"), drawing)


def sparkline(item: Item, simulated: bool, words: Words) -> Markup:
    """A small line of all values, ending in a dot, the target dashed; nothing where fewer than LEAST_DRAWN are known."""
    if len(item.values) < LEAST_DRAWN:
        return Markup("")
    width, height = SPARK
    times, values = [p.ordinal for p, _ in item.values], [v for _, v in item.values]
    levels = values if item.target is None else [*values, item.target]
    low, high = min(levels), max(levels)

    def across(time: int) -> float:
        return round(3 + (width - 8) * (time - times[0]) / (times[-1] - times[0]), 1)

    def up(value: float) -> float:
        return round(height - 4 - (height - 8) * ((value - low) / (high - low) if high > low else 0.5), 1)

    path = "M" + " L".join(f"{across(t):g} {up(v):g}" for t, v in zip(times, values, strict=True))
    goal = (
        ""
        if item.target is None
        else Markup(
            '<line x1="0" x2="{}" y1="{}" y2="{}" stroke="var(--muted,#505b67)" stroke-width="1" stroke-dasharray="3 2"></line>'
        ).format(width, up(item.target), up(item.target))
    )
    made_up = words("scorecard.simulated") if simulated else ""
    alt = words("scorecard.spark_alt", name=name_of(item, words), trend=trend_text(item, words), simulated=made_up)
    return Markup('<small><svg class="spark" viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img" aria-label="{alt}">{goal}'
                  '<path d="{path}" fill="none" stroke="var(--treated,#0b4f8a)" stroke-width="1.6"></path>'
                  '<circle cx="{x}" cy="{y}" r="2.6" fill="var(--treated,#0b4f8a)"></circle></svg></small>').format(
        w=width, h=height, alt=alt, goal=goal, path=path, x=across(times[-1]), y=up(values[-1]))  # fmt: skip


def show_definitions(card: Scorecard | None, words: Words) -> blocks.Block | None:
    """Each indicator's definition, source, target, trend. `card`: what `tasks_of` gives. Returns a Block; None without a scorecard."""
    if card is None:
        return None
    body = Markup("").join(
        Markup("<li><h3>{}</h3><dl>{}</dl></li>").format(
            words("scorecard.of_task", name=name_of(item, words), task=item.task),
            Markup("").join(Markup("<dt>{}</dt><dd>{}</dd>").format(words(f"scorecard.label_{label}"), text)
                            for label, text in item_texts(item, card, words)))
        for item in card.items)  # fmt: skip
    return blocks.Block(str(Markup('<ul class="threat">{}</ul>').format(body)))


def item_texts(item: Item, card: Scorecard, words: Words) -> list[tuple[str, str]]:
    target = words("scorecard.no_target_given") if item.target is None else target_text(item, words)
    if item.fact_target is not None:
        target += " " + words("scorecard.other_target", value=amount(item.fact_target, item, words, as_given=True))
    return [("definition", definition_of(item, words)), ("source", source_of(item, card, words)), ("target", target),
            ("trend", trend_text(item, words))]  # fmt: skip


def source_of(item: Item, card: Scorecard, words: Words) -> str:
    if item.kind == "file":
        return "; ".join(item.sources) or words("scorecard.no_source")
    if item.kind == "data":
        return words("scorecard.own_simulated" if card.origin.simulated else "scorecard.own", file=card.origin.file,
                     hash=card.origin.short_hash)  # fmt: skip
    source = load_facts().tasks.default_source
    return source.title if source.verified else words("scorecard.unverified", title=source.title)


def trend_text(item: Item, words: Words) -> str:
    """From when to when, from what to what; that no margin of error is known. Or that there is no trend to tell."""
    pairs = compared(item)
    if not pairs:
        return words("scorecard.no_data_given")
    if len(pairs) < 2:
        return words("scorecard.one_value")
    (before, first), (latest, last) = pairs
    way = "up" if last > first else "down" if last < first else "same"
    return words(f"scorecard.trend_{way}", before=when_of(before, words), latest=when_of(latest, words),
                 first=amount(first, item, words), last=amount(last, item, words))  # fmt: skip


def name_of(item: Item, words: Words) -> str:
    return item.names.get(words.lang) or words(f"scorecard.name_{item.name}")


def definition_of(item: Item, words: Words) -> str:
    return item.definitions.get(words.lang) or words(f"scorecard.definition_{item.name}")


def task_name(task: Task, words: Words) -> str:
    return task.vi if words.lang == "vi" else task.en


def target_text(item: Item, words: Words) -> str:
    return words(f"scorecard.at_{'least' if item.better == 'higher' else 'most'}", value=amount(item.target, item, words, as_given=True))


def amount(value: float, item: Item | Published | Figure, words: Words, as_given: bool = False) -> str:
    """A share as per cent, a whole count without decimals, money with its unit. `as_given`: whole per cents without decimals too."""
    if item.unit == "share":
        return words.percent(value, 0 if as_given and abs(100 * value - round(100 * value)) < 1e-9 else 1)
    text = words.number(value, 0 if float(value).is_integer() else 1)
    return words("scorecard.money", value=text) if item.unit == "VND" else text


def when_of(period: pd.Period, words: Words) -> str:
    return words.period(period)


def all_values(card: Scorecard, words: Words) -> pd.DataFrame:
    """Every value as a table; an indicator without any has one empty row."""
    rows = [(item.task, item.name, name_of(item, words), definition_of(item, words), item.unit, item.target, period, value,
             item.status, "; ".join(item.sources), item.kind == "data" and card.origin.simulated)
            for item in card.items
            for period, value in ([(written(when), amount) for when, amount in item.values] or [("", None)])]  # fmt: skip
    return pd.DataFrame(rows, columns=["task", "indicator", "name", "definition", "unit", "target", "period", "value", "status",
                                       "source", "simulated"])  # fmt: skip


# --- context -------------------------------------------------------------------------------------------------------
def show_context(card: Scorecard | None, words: Words) -> blocks.Block | None:
    """The article's own figures and what has been published, of this place and of others: figure, definition, source, date. `card`: what
    `tasks_of` gives.

    Returns a Block; None without a scorecard.
    """
    if card is None:
        return None
    facts = load_facts()
    rows = [(facts.tasks.place, words.date(facts.tasks.date), figure_name(f.vi, f.en, words), words("scorecard.figure_note"),
             related(f, words), facts.tasks.default_source) for f in facts.tasks.figures]  # fmt: skip
    rows += [(p.place, span(p, words), figure_name(p.vi, p.en, words), p.definition_vi if words.lang == "vi" else p.definition_en,
              related(p, words), p)
             for p in facts.published]  # fmt: skip
    return context_table(rows, words)


def context_table(rows: list[tuple[str, str, str, str, str, Source]], words: Words) -> blocks.Block:
    body = Markup("").join(
        Markup('<tr><th scope="row">{}<small>{}</small></th><td>{}<small>{}: {}</small></td><td class="{}">{} {}{}</td></tr>').format(
            place, when, value, name, definition, "ok" if source.verified else "no", "✓" if source.verified else "?",
            words("tables.sourced" if source.verified else "tables.unverified"), link(source, words))
        for place, when, name, definition, value, source in rows)  # fmt: skip
    head = Markup("").join(Markup('<th scope="col">{}</th>').format(words(f"scorecard.col_{c}")) for c in ("place", "figure", "source"))
    data = pd.DataFrame([(*row[:5], "x" if row[5].verified else "", row[5].title or "", row[5].link or "", str(row[5].read or ""))
                         for row in rows],
                        columns=["place", "date", "figure", "definition", "value", "verified", "title", "link", "read"])  # fmt: skip
    return blocks.Block(str(Markup(
        '<div class="tw"><table><caption>{}</caption><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>'
    ).format(words("scorecard.context_caption"), head, body)),
        (table_of("published", words("scorecard.context_caption"), data, words, {"value", "date"}),))  # fmt: skip


def link(source: Source, words: Words) -> Markup:
    if not source.link:
        return Markup("")
    read = words("scorecard.read", title=source.title, date=words.date(source.read))
    return Markup('<small><a href="{}" rel="noopener">{}</a></small>').format(source.link, read)


def span(found: Published, words: Words) -> str:
    """2023 · to 2024-07 · from … to …"""
    return words("scorecard.span", since=words.date(found.since), until=words.date(found.until)) if found.since else words.date(found.until)


def figure_name(vi: str, en: str, words: Words) -> str:
    return vi if words.lang == "vi" else en


def related(found: Published | Figure, words: Words) -> str:
    """nearly 87% · above 20%, with the digits that were published."""
    return words(f"scorecard.relation_{RELATIONS[found.relation]}", value=amount(found.value, found, words, as_given=True))


# --- what was rewritten, and the rules -----------------------------------------------------------------------------
def show_rewritten(card: Scorecard | None, words: Words) -> blocks.Block | None:
    """The numbers of the user's file that were rewritten as shares. `card`: what `tasks_of` gives.

    Returns a Block; None where there is none.
    """
    if card is None or not card.notes:
        return None
    rows = [(words(f"scorecard.row_{note.column}", n=words.number(note.row)), note.found, words.percent(note.share)) for note in card.notes]
    frame = pd.DataFrame(rows, columns=[words(f"scorecard.col_{c}") for c in ("row", "found", "taken")])
    block = blocks.table(frame, words("scorecard.rewritten_caption", file=card.file), words, set(frame.columns[1:]), name="rewritten")
    return blocks.fold(words("scorecard.rewritten"), block, words)


def show_statuses(card: Scorecard | None, words: Words) -> blocks.Block | None:
    """The rule of every status. `card`: what `tasks_of` gives. Returns a Block; None without a scorecard."""
    if card is None:
        return None
    pairs = [(f"{sign} {words(f'scorecard.status_{name}')}", words(f"scorecard.rule_{name}")) for name, (_, sign) in SIGNS.items()]
    return blocks.definitions(pairs, words)
