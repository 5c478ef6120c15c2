"""The brief as a document for Word: what it says travels in the executed notebook, as the estimates do."""

import base64
from dataclasses import dataclass

from ..base.telling import in_brief
from ..estimation.results import Estimate
from ..evaluation.evaluation import Evaluation
from ..panel.panel import Panel
from ..study.domains import domain_of
from ..study.study import Study
from ..study.words import Words
from .answer import check_rows, headline, reasons
from .blocks import VERDICTS
from .document import MIME
from .figure import Figure
from .first_screen import basis_numbers, meaning
from .threats import short_rows


@dataclass(frozen=True)
class Document:
    """`parts`: headings, paragraphs, lists, tables and figures in reading order. Shown in JupyterLab as one line."""

    head: dict[str, str]  # lang, title, mark (what stands on every page of simulated data), footer
    parts: tuple[dict, ...]
    line: str

    def __repr__(self) -> str:
        return in_brief(self, self.head["lang"], f"{len(self.parts)} parts")

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict:
        return {MIME: {"head": self.head, "parts": list(self.parts)}, "text/plain": self.line}


def in_word(found: Evaluation, panel: Panel, p: Study, words: Words, figures: list[Figure | None], fixed: dict[str, Estimate]) -> Document:
    """The brief as a document for Word: answer, verdict, reasons, chart, basis; checks; what could be wrong. `found`: what `evaluate`
    gives; `figures`: the key chart (never None), then others; `fixed`: what `taken_out` gives.

    Returns a Document, which a notebook shows as one line and `hgdx-eval run --docx` writes for Word.
    """
    before, _, rest = headline(found, words).partition("**")
    strong, _, after = rest.partition("**")
    parts = [
        text("kicker", words("study.kicker")), text("title", words("study.question")),
        {"kind": "answer", "before": before, "strong": strong, "after": after},
        text("heading", f"{words('tables.verdict')}: {words(f'tables.verdict_{found.verdict}')}"),
        {"kind": "verdict", "level": found.verdict, "labels": [words(f"tables.short_{n}") for n in VERDICTS]},
        {"kind": "list", "items": [[words("tables.for" if sign == "+" else "tables.against"), said]
                                   for sign, said in reasons(found, words)]},
        picture(figures[0]),
        text("heading", words("tables.meaning")),
        *(text("plain", said) for said in meaning(found, panel, p, words)),
        {"kind": "list", "items": [[number, what] for number, what in basis_numbers(found.design, words)]},
    ]  # fmt: skip
    if domain_of(p).assumption(p, words):
        parts.append({"kind": "list", "items": [[words("tables.assumption"), domain_of(p).assumption(p, words)]]})
    short = domain_of(p).in_short(found, panel, p, words)
    parts += [text("heading", words("office.how_much")), {"kind": "list", "items": [list(pair) for pair in short]}] if short else []
    others = [picture(figure) for figure in figures[1:] if figure is not None]
    parts += [text("heading", words("office.why")), *others, checks_part(found, words)]
    parts += [text("heading", words("office.wrong")),
              table(words("story.threats_caption"), [words(f"story.col_{c}") for c in ("threat", "then", "left")],
                    [(title, number.striptags(), left) for title, number, left in short_rows(found, panel, p, words, fixed)])]  # fmt: skip
    simulated = panel.origin.simulated
    head = {"lang": words.lang, "title": (words("report.title_simulated") + " " if simulated else "") + words("study.title"),
            "mark": words("report.mark", place=words("study.place")) if simulated else "", "footer": words("story.footer"),
            "page": words("office.page")}  # fmt: skip
    return Document(head, tuple(parts), words("office.line", n=words.number(len(parts))))


def text(kind: str, said: str) -> dict:
    return {"kind": kind, "text": said}


def table(caption: str, head: list[str], rows: list[tuple]) -> dict:
    return {"kind": "table", "caption": caption, "head": head, "rows": [list(map(str, row)) for row in rows]}


def checks_part(found: Evaluation, words: Words) -> dict:
    head = [words(f"tables.col_{c}") for c in ("check", "result", "state")]
    return table(words("story.checks_caption"), head, [(check, result, words(f"tables.{state}")) for check, result, state
                                                       in check_rows(found, words)])  # fmt: skip


def picture(figure: Figure) -> dict:
    return {"kind": "figure", "title": figure.title, "subtitle": " · ".join(filter(None, [figure.subtitle, figure.simulated])),
            "png": base64.b64encode(figure.png).decode(), "alt": figure.alt, "source": figure.source}  # fmt: skip
