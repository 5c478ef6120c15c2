"""Who made a report, when, of what version, how to cite it: the last lines of its pages, its workbook and its document for Word."""

import re
from datetime import date

from babel.dates import format_date
from markupsafe import Markup

from ..study.study import ABOUT_KEYS
from ..study.words import Words

KIT = "hgdx_eval"


def about(receipt: dict, words: Words) -> list[tuple[str, str]]:
    """(what, text) of a run, by its receipt: date, maker, contact, version, citation, licence; what the study does not say is absent."""
    own = {key: str(receipt["study"].get(key) or "") for key in ABOUT_KEYS}
    day = words.date(day_of(receipt))
    told = {"kit": KIT, "version": receipt["packages"][KIT], "run": receipt["key"][:8]}
    title = (words("report.title_simulated") + " " if receipt.get("simulated") else "") + words("study.title")
    cite = words("colophon.cite_text", by=f"{own['made_by']}. " if own["made_by"] else "", title=title, day=day, **told)
    said = {"date": day, "made_by": own["made_by"], "contact": own["contact"], "version": words("colophon.version_text", **told),
            "cite": cite, "licence": own["licence"]}  # fmt: skip
    return [(words(f"colophon.{name}"), text) for name, text in said.items() if text]


def day_of(receipt: dict) -> date:
    """The date of a report: that of its run, in the study's time zone."""
    return date.fromisoformat(receipt.get("day") or receipt["started"][:10])


def dateline(day: date, place: str, words: Words) -> str:
    """PLACE, ngày 30 tháng 11 năm 2026: as administrative documents are dated."""
    pattern = words("colophon.day_pattern")
    pattern = pattern if day.month < 3 else pattern.replace(" MM ", " M ")  # as Decree 30/2020 writes months
    return f"{place}, {format_date(day, pattern, locale=words.lang)}"


def about_html(pairs: list[tuple[str, str]], workbook: str, words: Words) -> Markup:
    """The block at the end of a page; `workbook`: the file beside it that holds the tables, "" without one."""
    items = [(what, linked(text)) for what, text in pairs]
    if workbook:
        link = Markup('<a href="{0}">{0}</a>').format(workbook)
        items.append((words("workbook.tables"), Markup(words("workbook.where", file="{}")).format(link)))
    body = Markup("").join(Markup("<div><dt>{}</dt><dd>{}</dd></div>").format(what, text) for what, text in items)
    return Markup('<section class="about"><h2>{}</h2><dl>{}</dl></section>').format(words("colophon.title"), body)


def linked(text: str) -> Markup:
    """A text; an address of a page or of mail as a link."""
    if re.fullmatch(r"https://\S+", text):
        return Markup('<a href="{0}" rel="noopener">{0}</a>').format(text)
    mail = re.fullmatch(r"[^\s@]+@[^\s@]+\.[^\s@]+", text)
    return Markup('<a href="mailto:{0}">{0}</a>' if mail else "{0}").format(text)
