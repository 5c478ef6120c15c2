"""Blocks of the page besides the charts: answer, basis, tables, checks, threats. Plain HTML, every text escaped."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pandas as pd
from markupsafe import Markup

from ..base.safe_text import harmless
from ..base.telling import in_brief
from ..study.words import Words
from .tables import DIGITS, Table, bundle, table_of

NARROW = 3  # columns that a phone has room for; wider tables scroll by themselves, also with the keyboard
VERDICTS = (1, 2, 3, 4, 5)
MARKS = {"pass": ("ok", "✓"), "unmet": ("na", "–"), "fail": ("no", "✕"), "none": ("na", "–")}


@dataclass(frozen=True)
class Block:
    """A piece of the page, with the data of its tables; JupyterLab shows it as it is. Two make one by `+`."""

    html: str
    tables: tuple[Table, ...] = ()

    def __repr__(self) -> str:
        return in_brief(self, f"{len(self.html):,} letters of HTML")

    @property
    def frame(self) -> pd.DataFrame | None:
        """Its first table as data, numbers and dates typed; None of a block without one."""
        return self.tables[0].frame if self.tables else None

    def save(self, file: str | Path, lang: str = "vi") -> Path:
        """Its tables as `file`: .xlsx (a sheet each, typed, no text a formula) or .csv (of its one table: UTF-8, comma, decimal point).
        `lang` (vi, en) is that of a workbook's dates. Returns the path. Raises InputError for another ending, or for tables that no CSV
        can hold."""
        from .workbook import save_tables

        return save_tables(self.tables, Path(file), lang)

    def __add__(self, other: "Block") -> "Block":
        return Block(self.html + other.html, self.tables + other.tables)

    def _repr_html_(self) -> str:
        return self.html

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict:
        return bundle(self.html, self.tables)


class Csv(str):
    """A table as text for spreadsheets; `table` holds its cells with their types."""

    table: Table


def csv_text(frame: pd.DataFrame, words: Words, digits: int = DIGITS) -> Csv:
    """A table for the spreadsheets of a language: Vietnamese ones part by semicolon and take 84.523 for eighty-four thousand."""
    separator, decimal = (";", ",") if words.lang == "vi" else (",", ".")
    made = Csv(frame.map(harmless).to_csv(index=False, sep=separator, decimal=decimal, float_format=f"%.{digits}g", lineterminator="\n"))
    made.table = table_of("", "", frame, words, digits=digits)
    return made


def csv_link(text: str, name: str, label: str) -> Markup:
    """The link that saves a table; with the mark by which spreadsheets know UTF-8."""
    data = Markup("data:text/csv;charset=utf-8," + quote("\ufeff" + text))
    return Markup('<a class="dl" download="{}.csv" href="{}">{}</a>').format(name, data, label)


def answer(question: str, sentence: str, verdict: int, facts: list[tuple[str, str, str]], words: Words) -> Block:
    """Question, answer (the part between ** stands out), verdict on its five-step scale, a strip of facts (value, what it is, what stands
    below it)."""
    opening, dot, rest = sentence.partition(". ")
    before, _, rest = rest.partition("**")
    strong, _, after = rest.partition("**")
    number = Markup('<strong class="n">{}</strong>').format(strong) if strong else ""
    said = Markup("<strong>{}{}</strong>{}{}{}").format(opening, dot, before, number, after)
    steps = Markup("").join(
        Markup("<li{}>{}</li>").format(Markup(' aria-current="true"') if n == verdict else "", words(f"tables.short_{n}")) for n in VERDICTS
    )
    strip = Markup("").join(
        Markup("<div><dt>{}{}</dt><dd>{}</dd></div>").format(what, Markup("<small>{}</small>").format(below) if below else "", value)
        for value, what, below in facts
    )
    return Block(
        str(
            Markup(
                '<div class="answer"><p class="kick">{}</p><h1>{}</h1><p class="ans">{}</p><div class="ver"><h2><span>{}</span>{}</h2>'
                '<ol class="scale">{}</ol></div><dl class="nums">{}</dl></div>'
            ).format(words("study.kicker"), tied(question), said, words("tables.verdict"), words(f"tables.verdict_{verdict}"), steps, strip)
        )
    )


def tied(text: str) -> str:
    """No-break spaces inside pairs that must not be split at a line's end."""
    for pair in ("tỷ lệ", "hồ sơ", "trực tuyến", "lệ phí"):
        text = text.replace(pair, pair.replace(" ", "\u00a0"))
    return text


def meaning(texts: list[str], reasons: list[tuple[str, str]], based: str, assumption: str | None, words: Words) -> Block:
    """What the answer means, what speaks for and against it ("+" or "-", text), what it rests on, and an unverified assumption in a box."""
    told = Markup("").join(Markup("<p>{}</p>").format(text) for text in texts)
    why = Markup("").join(
        Markup('<li class="{}"><b>{}</b> {}</li>').format("y" if sign == "+" else "x",
                                                          words("tables.for" if sign == "+" else "tables.against"), text)
        for sign, text in reasons
    )  # fmt: skip
    box = Markup('<p class="assume"><b>{}</b> {}</p>').format(words("tables.assumption"), assumption) if assumption else ""
    return Block(str(Markup('<div class="base"><div><h2>{}</h2>{}</div><div><ul class="why">{}</ul><p class="src">{}</p>{}</div></div>')
                     .format(words("tables.meaning"), told, why, based, box)))  # fmt: skip


def table(frame: pd.DataFrame, caption: str, words: Words, numeric: set[str] | frozenset[str] = frozenset(), total_row: bool = False,
          download: pd.DataFrame | None = None, name: str = "table", loose: bool = False,
          mixed: set[str] | frozenset[str] = frozenset()) -> Block:  # fmt: skip
    """A table of text or Markup: caption above, heads with scope, numbers to the right, its data (as shown, unless `download` holds
    more) for the workbook under `name`. `loose`: cells may break anywhere; `mixed`: columns of texts and numbers."""
    head = Markup("").join(Markup('<th scope="col"{}>{}</th>').format(right(c in numeric), c) for c in frame.columns)
    rows = [Markup('<tr><th scope="row">{}</th>{}</tr>').format(
                row.iloc[0], Markup("").join(Markup("<td{}>{}</td>").format(right(c in numeric), row[c]) for c in frame.columns[1:]))
            for _, row in frame.iterrows()]  # fmt: skip
    foot = Markup("<tfoot>{}</tfoot>").format(rows.pop()) if total_row and rows else ""
    data = table_of(name, caption, frame if download is None else download, words, numeric | mixed)
    scrolls, css = Markup(' tabindex="0"') if len(frame.columns) > NARROW else "", Markup(' class="loose"') if loose else ""
    return Block(
        str(
            Markup('<div class="tw"{}><table{}><caption>{}</caption><thead><tr>{}</tr></thead><tbody>{}</tbody>{}</table></div>').format(
                scrolls, css, caption, head, Markup("").join(rows), foot
            )
        ),
        (data,),
    )


def right(numeric: bool) -> Markup:
    return Markup(' class="num"') if numeric else Markup("")


def with_small(text: str, small: str) -> Markup:
    """A cell with a second, smaller line."""
    return Markup("{}<small>{}</small>").format(text, small)


def effect(row: pd.Series, words: Words, digits: int | None = None) -> Markup:
    """An estimate with its interval, which takes its own line on a phone. `digits`: other than the scale's own."""
    scale, low, high = row["scale"], row["ci_low"], row["ci_high"]
    value = words.effect(row["estimate"], scale) if digits is None else words.number(row["estimate"], digits, sign=True)
    if pd.isna(low):
        return Markup("{}").format(value)
    interval = words.effect_interval(low, high, scale) if digits is None else words.interval(low, high, digits)
    return Markup('{} <span class="iv">{}</span>').format(value, interval)


def checks(rows: list[tuple[str, str, str]], caption: str, words: Words) -> Block:
    """(check, result, a word of `CHECK_STATES`) with a sign and a word, never a colour alone."""
    body = Markup("").join(
        Markup('<tr><th scope="row">{}</th><td>{}</td><td class="{}">{} {}</td></tr>').format(
            check, result, MARKS[state][0], MARKS[state][1], words(f"tables.{state}"))
        for check, result, state in rows
    )  # fmt: skip
    head = Markup("").join(Markup('<th scope="col">{}</th>').format(words(f"tables.col_{c}")) for c in ("check", "result", "state"))
    data = pd.DataFrame([(check, result, words(f"tables.{state}")) for check, result, state in rows],
                        columns=[words(f"tables.col_{c}") for c in ("check", "result", "state")])  # fmt: skip
    return Block(str(Markup('<div class="tw"><table><caption>{}</caption><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>')
                     .format(caption, head, body)), (table_of("checks", caption, data, words, {data.columns[1]}),))  # fmt: skip


def threats(items: list[tuple[str, str, str, str]], words: Words) -> Block:
    """(title, what it is, what was done, what is left)."""
    body = Markup("").join(
        Markup("<li><h3>{}</h3><p>{}</p><dl><dt>{}</dt><dd>{}</dd><dt>{}</dt><dd>{}</dd></dl></li>").format(
            title, what, words("tables.done"), done, words("tables.left"), left)
        for title, what, done, left in items
    )  # fmt: skip
    return Block(str(Markup('<ol class="threat">{}</ol>').format(body)))


def definitions(pairs: list[tuple[str, str]], words: Words) -> Block:
    """Terms and their texts."""
    body = Markup("").join(Markup("<dt>{}</dt><dd>{}</dd>").format(term, text) for term, text in pairs)
    return Block(str(Markup('<dl class="gl">{}</dl>').format(body)))


def fold(summary: str, block: Block, words: Words) -> Block:
    """A block behind a line that opens it."""
    return Block(str(Markup("<details><summary>{}</summary>{}</details>").format(summary, Markup(block.html))), block.tables)


def facts_table(rows: list[tuple], words: Words, caption: str = "", name: str = "facts",
                first: str = "") -> Block:  # fmt: skip
    """(what, value, verified, title, link, day read) with the source, or that it has not been verified; `first` heads the first column."""
    body, data = [], []
    for what, value, verified, title, link, read in rows:
        word = words("tables.sourced" if verified else "tables.unverified")
        state = Markup('<td class="{}">{} {}</td>').format("ok" if verified else "no", "✓" if verified else "?", word)
        source = Markup(' <small><a href="{}" rel="noopener">{}</a></small>').format(link, title or words("tables.source")) if link else ""
        body.append(Markup('<tr><th scope="row">{}{}</th><td>{}</td>{}</tr>').format(what, source, value, state))
        data.append((what, value, word, title or "", link or "", "" if read is None else str(read)))
    columns = [first or words("tables.col_fact"), *(words(f"tables.col_{c}") for c in ("value", "verified", "title", "link", "read"))]
    head = Markup("").join(Markup('<th scope="col">{}</th>').format(column) for column in columns[:3])
    title = caption or words("tables.facts")
    return Block(str(Markup('<div class="tw"><table><caption>{}</caption><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>')
                     .format(title, head, Markup("").join(body))),
                 (table_of(name, title, pd.DataFrame(data, columns=columns), words, {columns[1], columns[5]}),))  # fmt: skip


def estimates_table(rows: pd.DataFrame, words: Words) -> Block:
    """Rows of estimates as a reader sees them: what, estimate, interval or rank, kind of interval. `rows`: the table of an Estimate.

    Returns a Block, with all columns for the workbook.
    Example: `hg.estimates_table(result.main.table, words)`
    """
    shown = []
    for _, row in rows[rows["term"] != "bacon"].iterrows():  # these are told by kind in the comparison
        value = words.effect(row["estimate"], row["scale"])
        interval = words.effect_interval(row["ci_low"], row["ci_high"], row["scale"]) if pd.notna(row["ci_low"]) else (
            row["parameter"].replace("/", " / ") or words.number(None))  # fmt: skip
        shown.append((row_name(row, words), value, interval, words(f"tables.inference_{row['inference']}")))
    frame = pd.DataFrame(shown, columns=[words(f"tables.col_{c}") for c in ("term", "estimate", "interval", "inference")])
    return table(frame, words("tables.estimates"), words, set(frame.columns[1:3]), download=rows, name="estimates")


def row_name(row: pd.Series, words: Words) -> str:
    name = words(f"tables.term_{row['term']}")
    if pd.notna(row["event_time"]):
        return f"{name} {words.number(row['event_time'], 0, sign=True)}"
    return f"{name} {periods(row['period'], words)}".strip() if row["term"] == "group" else name


def periods(text: str, words: Words) -> str:
    """One or more periods as a reader knows them; 2023-09.. = from then on."""
    names = ", ".join(words.date(name) for name in text.removesuffix("..").split())
    return words("tables.since", period=names) if text.endswith("..") else names
