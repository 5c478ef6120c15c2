"""Executed notebooks -> one page: no script, no request, nothing that the data could smuggle in.

Tags of cells: `vi`, `en` (Markdown of one language), `hero` with `answer`, `key-chart` or `basis` (the first screen), `fold`
(behind its heading), `parameters`, `setup`, `record`, `notebook-only` (not in the report).
"""

import base64
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

import jinja2
import nh3
from markupsafe import Markup, escape
from nbconvert.filters import strip_ansi
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode

from .words import Words

QUIET = {"parameters", "injected-parameters", "setup", "record", "notebook-only"}
TAGS = {
    "a", "abbr", "b", "blockquote", "br", "caption", "code", "col", "colgroup", "dd", "del", "details", "div", "dl", "dt", "em",
    "figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "kbd", "li", "ol", "p", "pre", "s",
    "samp", "section", "small", "span", "strong", "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr",
    "u", "ul", "var", "svg", "g", "path", "text", "tspan", "defs", "clipPath", "rect", "use", "circle", "line",
}  # fmt: skip
DRAWING = {
    "viewBox", "d", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "width", "height", "transform", "clip-path", "fill", "stroke",
    "stroke-width", "stroke-dasharray", "stroke-linecap", "stroke-linejoin", "stroke-opacity", "fill-opacity", "opacity",
    "font-size", "font-weight", "text-anchor",
}  # fmt: skip
ATTRIBUTES = {
    "*": {"class", "id", "lang", "role", "aria-label", "aria-current", "aria-hidden", "title"} | DRAWING,
    "a": {"href", "download"}, "img": {"src", "alt"}, "use": {"href"}, "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"}, "ol": {"start"}, "details": {"open"},
}  # fmt: skip
IMAGES = ("data:image/png;", "data:image/jpeg;", "data:image/svg+xml;")


@dataclass(frozen=True)
class Page:
    """What the page says besides its notebooks. `kind`: report (one page of all) or notebook (one, with its code)."""

    lang: str
    title: str
    place: str
    simulated: bool
    kind: str
    annexes: tuple[str, ...]  # HTML
    footer: str


@dataclass(frozen=True)
class Section:
    anchor: str
    title: str
    body: Markup


def allowed(tag: str, name: str, value: str) -> str | None:
    """An attribute's value, or None where it could load or run anything."""
    if name == "href":
        if tag == "use":
            return value if value.startswith("#") else None
        return value if value.startswith(("#", "https:", "mailto:", "data:text/csv")) else None
    if name == "src":
        return value if value.startswith(IMAGES) else None
    if "url(" in value.lower().replace(" ", ""):
        return value if re.fullmatch(r"url\(#[\w-]+\)", value) else None
    return value


def sanitised(html: str) -> Markup:
    """HTML with the allow-listed elements and attributes only."""
    return Markup(nh3.clean(
        html, tags=TAGS, clean_content_tags={"script", "style"}, attributes=ATTRIBUTES, attribute_filter=allowed,
        url_schemes={"https", "mailto", "data"}, link_rel="noopener",
    ))  # fmt: skip


def render(notebooks: list[NotebookNode], page: Page) -> str:
    """One self-contained page; the same notebooks give the same bytes. Raises ValueError for a notebook with an error."""
    words = Words(page.lang)
    cells = [cell for notebook in notebooks for cell in notebook.cells if in_language(cell, page.lang)]
    hero, rest = ([], cells) if page.kind == "notebook" else split_hero(cells)
    sections = sections_of(rest, page, words)
    parts = {name: Markup("").join(output_html(out, "") for cell in hero if name in tags(cell) for out in cell.outputs)
             for name in ("answer", "key-chart", "basis")}  # fmt: skip
    return template().render(
        page=page, words=words, hero=parts if hero else None, sections=sections, style=Markup(style()),
        annexes=[sanitised(annex) for annex in page.annexes],
        title=(words("report.title_simulated") + " " if page.simulated else "") + page.title,
        mark=css_text(words("report.mark", place=page.place)) if page.simulated else "", running=css_text(page.title),
        page_word=css_text(words("report.page")),
    )  # fmt: skip


def css_text(text: str) -> Markup:
    """Text for a CSS string."""
    return Markup("".join(c if c.isalnum() or c in " .,–-" else f"\\{ord(c):x} " for c in text))


def tags(cell: NotebookNode) -> set[str]:
    return set(cell.metadata.get("tags", []))


def in_language(cell: NotebookNode, lang: str) -> bool:
    other = "en" if lang == "vi" else "vi"
    return cell.cell_type in ("markdown", "code") and not (cell.cell_type == "markdown" and other in tags(cell))


def split_hero(cells: list[NotebookNode]) -> tuple[list[NotebookNode], list[NotebookNode]]:
    """(cells of the first screen, the other cells of the report)."""
    kept = [cell for cell in cells if not tags(cell) & QUIET]
    return [c for c in kept if "hero" in tags(c)], [c for c in kept if "hero" not in tags(c)]


def sections_of(cells: list[NotebookNode], page: Page, words: Words) -> list[Section]:
    """Cells under their `## heading`; folded cells behind their `### heading`. A heading tagged `optional`, with what is
    written under it, is left out where no output follows."""
    sections: list[tuple[str, list[Markup]]] = []
    optional: dict[int, bool] = {}  # section -> whether it has an output yet
    pending = ""  # heading of a fold whose content follows
    for cell in cells:
        if cell.cell_type == "markdown":
            heading = re.match(r"(#{1,3}) +(.+)", cell.source)
            if "fold" in tags(cell) and heading:
                pending = heading[2].strip()
                continue
            pending = ""
            if heading and (len(heading[1]) < 3):
                sections.append((heading[2].strip(), []))
                if "optional" in tags(cell):
                    optional[len(sections) - 1] = False
            source = re.sub(r"^#{1,2} +.+\n*", "", cell.source) if heading else cell.source
            html = sanitised(markdown_html(source)) if source.strip() else Markup("")
            put(sections, Markup('<div class="lead">{}</div>').format(html) if heading and html else html)
            continue
        body = Markup("").join(output_html(out, sections[-1][0] if sections else page.title) for out in cell.outputs)
        if page.kind == "notebook":
            body = code_html(cell, words) + body
        if pending and body:
            body, pending = Markup("<details><summary>{}</summary>{}</details>").format(pending, body), ""
        if body and len(sections) - 1 in optional:
            optional[len(sections) - 1] = True
        put(sections, body)
    sections = [section for number, section in enumerate(sections) if optional.get(number, True)]
    return [Section(f"s{n}", title, Markup("\n").join(parts)) for n, (title, parts) in enumerate(sections, start=1)]


def put(sections: list[tuple[str, list[Markup]]], body: Markup) -> None:
    if body:
        if not sections:
            sections.append(("", []))
        sections[-1][1].append(body)


def code_html(cell: NotebookNode, words: Words) -> Markup:
    if not cell.source.strip():
        return Markup("")
    return Markup('<details class="code"><summary>{}</summary><pre><code>{}</code></pre></details>').format(
        words("report.code"), cell.source)  # fmt: skip


def output_html(output: NotebookNode, heading: str) -> Markup:
    """One output, in the richest form that is safe. Raises ValueError for an error: such a notebook is not published."""
    if output.output_type == "error":
        raise ValueError("an executed notebook holds an error; it is not published")
    if output.output_type == "stream":
        return Markup("") if output.name == "stderr" else Markup("<pre>{}</pre>").format(strip_ansi(output.text))
    data = output.data
    if any(kind.startswith("application/vnd.hgdx.") for kind in data):
        return Markup("")
    if "text/html" in data:
        return sanitised(data["text/html"])
    alt = output.metadata.get("alt") or data.get("text/alt") or heading
    for kind in ("image/png", "image/jpeg"):
        if kind in data:
            return image(kind, "".join(data[kind].split()), alt)
    if "image/svg+xml" in data:
        return image("image/svg+xml", base64.b64encode(data["image/svg+xml"].encode()).decode(), alt)
    if "text/markdown" in data:
        return sanitised(markdown_html(data["text/markdown"]))
    plain = data.get("text/latex") or data.get("text/plain")
    return Markup("<pre>{}</pre>").format(strip_ansi(plain)) if plain else Markup("")


def markdown_html(source: str) -> str:
    return MarkdownWithMath(renderer=IPythonRenderer(escape=False, exclude_anchor_links=True)).render(source)


def image(kind: str, content: str, alt: str) -> Markup:
    return Markup('<figure><img src="data:{};base64,{}" alt="{}"></figure>').format(kind, content, escape(alt))


@cache
def style() -> str:
    """The page's style, without comments and needless space."""
    text = resources.files("hgdx_eval").joinpath("template", "style.css").read_text(encoding="utf-8")
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    return re.sub(r"\s*([{};,>])\s*", r"\1", re.sub(r"\s+", " ", text)).strip()


@cache
def template() -> jinja2.Template:
    text = resources.files("hgdx_eval").joinpath("template", "page.html.j2").read_text(encoding="utf-8")
    return jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined).from_string(text)
