"""Executed notebooks -> one page: no script, no request, nothing that the data could smuggle in.

Tags of cells: `vi`, `en` (Markdown of one language); `hero` with `answer`, `key-chart` or `basis` (the first screen); on a heading a name
of CHAPTERS (where its section stands in the report), `#name` (its anchor), `fold` (what follows is behind it), `optional` (it goes where
nothing follows), `own-page` (its notebook has a page of its own besides); `parameters`, `setup`, `record`, `notebook-only` (not in the
report), `brief-only` (in the brief, not in the report).
"""

import base64
import json
import re
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

import jinja2
import nh3
from markupsafe import Markup, escape
from nbconvert.filters import strip_ansi
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode

from ..study.words import Words
from .colours import rules
from .formulas import mathml

HERO = ("answer", "key-chart", "basis")  # the first screen, in this order
CHAPTERS = ("how-much", "for-whom", "how-sure", "annex")  # of the report, after the answer; a section of none of them is a chapter itself
QUIET = {"parameters", "injected-parameters", "setup", "record", "notebook-only"}
TAGS = {
    "a", "abbr", "b", "blockquote", "br", "caption", "code", "col", "colgroup", "dd", "del", "details", "div", "dl", "dt", "em",
    "figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "kbd", "li", "ol", "p", "pre", "s",
    "samp", "section", "small", "span", "strong", "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr",
    "u", "ul", "var", "math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "mfrac", "msqrt", "mroot", "msub", "msup", "msubsup", "munder",
    "mover", "munderover", "mtable", "mtr", "mtd", "mstyle",
    "svg", "g", "path", "text", "tspan", "defs", "clipPath", "rect", "use", "circle", "line",
}  # fmt: skip
DRAWING = {
    "viewBox", "d", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "width", "height", "transform", "clip-path", "fill", "stroke",
    "stroke-width", "stroke-dasharray", "stroke-linecap", "stroke-linejoin", "stroke-opacity", "fill-opacity", "opacity",
    "font-size", "font-weight", "text-anchor",
}  # fmt: skip
ATTRIBUTES = {
    "*": {"class", "id", "lang", "role", "aria-label", "aria-current", "aria-hidden", "title"} | DRAWING,
    "a": {"href", "download"}, "img": {"src", "alt"}, "use": {"href"}, "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"}, "ol": {"start"}, "details": {"open"}, "math": {"display"}, "mo": {"stretchy"},
    "mover": {"accent"}, "mi": {"mathvariant"}, "div": {"tabindex"},
}  # fmt: skip
FOLDER = re.compile(r"[^\s\"'<>]*[/\\](?=[^\s\"'<>])")
PRE = Markup('<pre tabindex="0">{}</pre>')  # a wide one scrolls by itself, also with the keyboard
IMAGES = ("data:image/png;", "data:image/jpeg;", "data:image/svg+xml;")


@dataclass(frozen=True)
class Page:
    """What the page says besides its notebooks. `kind`: report (one page of all), brief (two printed pages), chapter (one notebook
    by itself, nothing folded) or notebook (one, with its code)."""

    lang: str
    title: str
    place: str
    simulated: bool
    kind: str
    annexes: tuple[str, ...]  # HTML
    footer: str
    domain: str = ""  # whose texts come before the general ones
    about: Markup = Markup("")  # who made it, when: the kit's own
    description: str = ""  # what a preview of the page says
    picture: str = ""  # the file beside it that a preview shows


@dataclass(frozen=True)
class Section:
    """A part of a page: its anchor, its title, its blocks as HTML; `chapter`: a name of CHAPTERS, or "" ."""

    anchor: str
    title: str
    body: Markup
    chapter: str = ""


@dataclass(frozen=True)
class Chapter:
    """Sections under one title, "" for one section that bears its own."""

    anchor: str
    title: str
    sections: tuple[Section, ...]


def allowed(tag: str, name: str, value: str) -> str | None:
    """An attribute's value, or None where it could load or run anything."""
    if name == "href":
        if tag == "use":
            return value if value.startswith("#") else None
        return value if value.startswith(("#", "https:", "http:", "mailto:", "data:text/csv")) else None
    if name == "tabindex":
        return value if value == "0" else None
    if name == "src":
        return value if value.startswith(IMAGES) else None
    if "url(" in value.lower().replace(" ", ""):
        return value if re.fullmatch(r"url\(#[\w-]+\)", value) else None
    return value


def sanitised(html: str) -> Markup:
    """HTML with the allow-listed elements and attributes only."""
    return Markup(nh3.clean(
        html, tags=TAGS, clean_content_tags={"script", "style"}, attributes=ATTRIBUTES, attribute_filter=allowed,
        url_schemes={"https", "http", "mailto", "data"}, link_rel="noopener",
    ))  # fmt: skip


def render(notebooks: list[NotebookNode], page: Page) -> str:
    """One self-contained page; the same notebooks give the same bytes. Raises ValueError for a notebook with an error."""
    words = Words(page.lang, domain=page.domain)
    cells = [cell for notebook in notebooks for cell in notebook.cells if in_language(cell, page.lang)]
    hero, rest = ([], cells) if page.kind == "notebook" else split_hero(cells, QUIET if page.kind == "brief" else QUIET | {"brief-only"})
    sections = sections_of(rest, page, words)
    parts = {name: Markup("").join(output_html(out) for cell in hero if name in tags(cell) for out in cell.outputs)
             for name in HERO}  # fmt: skip
    return template().render(
        page=page, words=words, hero=parts if hero else None, chapters=chapters_of(sections, words), style=Markup(style()),
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


def split_hero(cells: list[NotebookNode], quiet: set[str]) -> tuple[list[NotebookNode], list[NotebookNode]]:
    """(cells of the first screen, the other cells of the page), without those that are `quiet`."""
    kept = [cell for cell in cells if not tags(cell) & quiet]
    first = [cell for cell in kept if "hero" in tags(cell) and tags(cell) & set(HERO) and cell.cell_type == "code"]
    return first, [cell for cell in kept if not any(cell is other for other in first)]


def chapters_of(sections: list[Section], words: Words) -> list[Chapter]:
    """The sections by chapter, in the order of CHAPTERS; one of no chapter is one by itself, before the annex."""
    alone = [Chapter(section.anchor, section.title, (section,)) for section in sections if not section.chapter]
    found = {name: tuple(section for section in sections if section.chapter == name) for name in CHAPTERS}
    named = [Chapter(name, title_of(name, parts, words), parts) for name, parts in found.items() if parts]
    annex = [chapter for chapter in named if chapter.anchor == CHAPTERS[-1]]
    return [*named[: len(named) - len(annex)], *alone, *annex]


def title_of(chapter: str, sections: tuple[Section, ...], words: Words) -> str:
    """A chapter's title, which may name one of its sections: "How much, at what cost" where there is one `cost`."""
    keys = [f"report.chapter_{chapter}_{section.anchor}" for section in sections]
    return words(next((key for key in keys if key in words.texts), f"report.chapter_{chapter}"))


@dataclass
class Fold:
    """What stands behind a heading: what is written under it, then blocks."""

    heading: str
    lead: Markup
    parts: list[Markup] = field(default_factory=list)

    def html(self, shown: bool) -> Markup:
        opened = Markup(" open") if shown else ""
        return Markup("<details{}><summary>{}</summary>{}{}</details>").format(opened, self.heading, self.lead, Markup("").join(self.parts))


@dataclass
class Draft:
    """A section while its cells come in. `told`: whether it stays although no output has come."""

    title: str
    anchor: str
    chapter: str
    told: bool
    parts: list[Markup | Fold] = field(default_factory=list)

    def html(self, shown: bool) -> Markup:
        parts = (part.html(shown) if isinstance(part, Fold) else part for part in self.parts if not isinstance(part, Fold) or part.parts)
        return Markup("\n").join(parts)


def sections_of(cells: list[NotebookNode], page: Page, words: Words) -> list[Section]:
    """Cells under their `## heading`; those between a `### heading` tagged `fold` and the next heading behind it. A heading tagged
    `optional`, with what is written under it, is left out where no output follows."""
    drafts = [Draft("", "", "", True)]
    into: list = drafts[0].parts  # of a section, or of the fold that is open
    for cell in cells:
        if cell.cell_type == "markdown":
            heading = re.match(r"(#{1,3}) +(.+)", cell.source)
            if "fold" in tags(cell) and heading:
                opened = Fold(heading[2].strip(), markdown_html(cell.source[heading.end() :]))
                drafts[-1].parts.append(opened)
                into = opened.parts
                continue
            if heading and (len(heading[1]) < 3):
                drafts.append(draft_of(heading[2].strip(), tags(cell), page))
            into = drafts[-1].parts
            source = re.sub(r"^#{1,2} +.+\n*", "", cell.source) if heading else cell.source
            html = markdown_html(source) if source.strip() else Markup("")
            body = Markup('<div class="lead">{}</div>').format(html) if heading and html else html
        else:
            body = Markup("").join(output_html(out) for out in cell.outputs)
            if page.kind == "notebook":
                body = code_html(cell, words) + body + warnings_html(cell, words)
            drafts[-1].told |= bool(body)
        into += [body] if body else []
    shown = page.kind == "chapter"
    kept = [draft for draft in drafts if draft.told and (draft.title or draft.parts)]
    return [Section(draft.anchor or f"s{n}", draft.title, draft.html(shown), draft.chapter) for n, draft in enumerate(kept, start=1)]


def draft_of(title: str, marks: set[str], page: Page) -> Draft:
    anchor = next((mark[1:] for mark in sorted(marks) if re.fullmatch(r"#[a-z][a-z-]*", mark)), "")
    chapter = next((name for name in CHAPTERS if name in marks), "") if page.kind == "report" else ""
    return Draft(title, anchor, chapter, "optional" not in marks)


def code_html(cell: NotebookNode, words: Words) -> Markup:
    if not cell.source.strip():
        return Markup("")
    return Markup('<details class="code"><summary>{}</summary><pre tabindex="0"><code>{}</code></pre></details>').format(
        words("report.code"), cell.source)  # fmt: skip


def warnings_html(cell: NotebookNode, words: Words) -> Markup:
    """What libraries said on standard error, on a notebook's own page; folders are left out."""
    said = "".join(output.text for output in cell.outputs if output.output_type == "stream" and output.name == "stderr")
    said = FOLDER.sub("", strip_ansi(said)).strip()
    block = Markup('<details class="code"><summary>{}</summary><pre tabindex="0">{}</pre></details>')
    return block.format(words("report.warnings"), said) if said else Markup("")


def output_html(output: NotebookNode) -> Markup:
    """One output, in the richest form that is safe. Raises ValueError for an error, and for a picture without an alt text: such a
    notebook is not published."""
    if output.output_type == "error":
        raise ValueError("an executed notebook holds an error; it is not published")
    if output.output_type == "stream":
        return Markup("") if output.name == "stderr" else PRE.format(strip_ansi(output.text))
    data = output.data
    if "text/html" not in data and any(kind.startswith("application/vnd.hgdx.") for kind in data):
        return Markup("")
    if "text/html" in data:
        return described(sanitised(data["text/html"]))
    for kind in ("image/png", "image/jpeg", "image/svg+xml"):
        if kind in data:
            alt = output.metadata.get("alt") or output.metadata.get(kind, {}).get("alt") or data.get("text/alt")
            picture = data[kind] if kind != "image/svg+xml" else base64.b64encode(data[kind].encode()).decode()
            return image(kind, "".join(picture.split()), alt)
    if "text/markdown" in data:
        return described(markdown_html(data["text/markdown"]))
    if "text/latex" in data:
        return sanitised(mathml(data["text/latex"].strip().strip("$").strip(), True))
    plain = data.get("text/plain") or next((value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
                                            for kind, value in sorted(data.items()) if not kind.startswith("image/")), "")  # fmt: skip
    return PRE.format(strip_ansi(plain)) if plain else Markup("")


def described(html: Markup) -> Markup:
    """Raises ValueError where a picture in it shows something and says nothing."""
    for tag in re.findall(r"<img\b[^>]*>", html):
        if 'src="data:' in tag and not re.search(r'\balt="[^"]+"', tag):
            raise ValueError("a picture in a notebook's output has no alt text; it is not published")
    return html


class Renderer(IPythonRenderer):
    """Markdown as notebooks mean it, formulas as MathML."""

    def block_math(self, body: str) -> str:
        return str(mathml(body.strip(), True))

    def inline_math(self, body: str) -> str:
        return str(mathml(body.strip()))

    def latex_environment(self, name: str, body: str) -> str:
        return str(mathml(f"\\begin{{{name}}}{body}\\end{{{name}}}", True))


def markdown_html(source: str) -> Markup:
    """Markdown of a cell or an output, sanitised."""
    return sanitised(MarkdownWithMath(renderer=Renderer(escape=False, exclude_anchor_links=True)).render(source))


def image(kind: str, content: str, alt: str | None) -> Markup:
    if not (alt or "").strip():
        raise ValueError("a picture of a notebook has no alt text; it is not published")
    return Markup('<figure><img src="data:{};base64,{}" alt="{}"></figure>').format(kind, content, escape(alt))


@cache
def style() -> str:
    """The page's style, without comments and needless space."""
    text = resources.files("hgdx_eval.report").joinpath("template", "style.css").read_text(encoding="utf-8")
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    return re.sub(r"\s*([{};,>])\s*", r"\1", re.sub(r"\s+", " ", text)).strip() + rules()


@cache
def template() -> jinja2.Template:
    text = resources.files("hgdx_eval.report").joinpath("template", "page.html.j2").read_text(encoding="utf-8")
    return jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined).from_string(text)
