"""A chart as the page needs it: two text SVGs that follow the page's colours, title, source line, data, alt text."""

import base64
import hashlib
import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from textwrap import wrap
from xml.etree import ElementTree

import matplotlib as mpl
import matplotlib.pyplot as plt
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.figure import Figure as MplFigure
from matplotlib.transforms import Bbox
from PIL import Image

from ..base.aside import write_bytes, write_text
from ..base.errors import InputError
from ..base.telling import in_brief
from ..study.words import Words
from .blocks import Csv
from .colours import COLOURS, classes
from .tables import Table, bundle

WIDTHS = {"narrow": 340, "wide": 680}
TREATED, COMPARISON, INK, MUTED, RULE, EVENT, ACCENT, BAND, GROUND = COLOURS
SVG = "{http://www.w3.org/2000/svg}"
HREF = "{http://www.w3.org/1999/xlink}href"
ALT_LEAST = 40  # characters: less says no finding
MOST_BYTES = 60_000  # of one drawing as text; a larger one becomes a picture
SAVED = 300  # dots per inch of a chart that is saved
DOCUMENT = (220, 64)  # dots per inch and colours of a picture in a document
PICTURES = ((144, 64), (108, 64), (72, 64), (72, 16))  # dots per inch and colours, tried in this order
ELEMENTS = {"svg", "g", "path", "text", "tspan", "defs", "clipPath", "rect", "use", "circle", "line"}
STYLES = {"fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-opacity", "fill-opacity", "opacity", "text-anchor",
          "stroke-linecap", "stroke-linejoin", "font-size", "font-weight"}  # fmt: skip
KEPT = {"d", "x", "y", "width", "height", "transform", "clip-path", "id", "points", "viewBox", "cx", "cy", "r"}


class Drawing(str):
    """A drawing as text for the page; `png()` draws it anew as a picture, `anew()` as matplotlib has it."""

    png: Callable[..., bytes]
    anew: Callable[[], MplFigure]


@dataclass(frozen=True)
class Figure:
    """`narrow` and `wide` are clean SVG (340 and 680 units wide); `key` explains numbered discs on a phone; `csv` is the
    data drawn (`csv_text`); small counts are already out of all of them. Raises ValueError without an alt text that says something."""

    name: str
    title: str
    subtitle: str
    narrow: str
    wide: Drawing
    key: tuple[tuple[str, bool], ...]  # (text, is the policy), numbered from 1
    source: str
    alt: str
    csv: Csv
    simulated: str  # the tag's text, "" where the data are real
    download: str  # the link's text

    def __repr__(self) -> str:
        return in_brief(self, f"{self.name}: {self.title}")

    def __post_init__(self) -> None:
        if len(self.alt.strip()) < ALT_LEAST:
            raise ValueError(f"figure {self.name}: the alt text {self.alt!r} says no finding")

    @property
    def png(self) -> bytes:
        """The wide drawing as a picture, for documents that take no SVG."""
        return self.wide.png()

    def save(self, file: str | Path) -> Path:
        """The wide drawing with its title, source and mark of simulated data as `file`: .png (300 dots per inch), .svg (standalone) or
        .pdf (vectors). Returns the path. Raises InputError for another ending, or a drawing that is held as a picture already where .svg is
        asked for."""
        target = Path(file)
        ending = target.suffix.lower()
        if ending == ".svg":
            if not self.wide.startswith("<svg"):
                raise InputError(f"{target.name}: this chart has too many marks for SVG; allowed: .png, .pdf")
            write_text(target, standalone(self))
        elif ending in (".png", ".pdf"):
            write_bytes(target, framed(self, ending.removeprefix(".")))
        else:
            raise InputError(f"{target.name}: {ending or 'no ending'!r}; allowed: .png, .svg, .pdf")
        return target

    def _repr_html_(self) -> str:
        tag = Markup(' <span class="tag">{}</span>').format(self.simulated) if self.simulated else ""
        items = Markup("").join(Markup("<li{}><b>{}</b> {}</li>").format(Markup(' class="p"') if policy else "", number, text)
                                for number, (text, policy) in enumerate(self.key, start=1))  # fmt: skip
        key = Markup('<ol class="ek">{}</ol>').format(items) if self.key else ""
        narrow = Markup(re.sub("^<(svg|img) ", r'<\1 style="display:none" ', self.narrow))  # JupyterLab shows the wide one alone
        return str(Markup(
            '<figure class="chart"><div class="ft">{}</div><div class="fs">{}{}</div>{}{}{}<figcaption class="src">{}</figcaption></figure>'
        ).format(self.title, self.subtitle, tag, narrow, Markup(self.wide), key, self.source))  # fmt: skip

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict:
        return bundle(self._repr_html_(), (self.table,))

    @property
    def table(self) -> Table:
        """The data drawn, for the workbook."""
        return replace(self.csv.table, name=self.name, title=f"{self.title} ({self.subtitle})" if self.subtitle else self.title)


def around(figure: Figure, height: float) -> tuple[list[tuple[float, int, bool, str]], float, float]:
    """What stands around a drawing of this height that leaves the page: (baseline, size, bold, text) of title, subtitle with the mark of
    simulated data, and source; where the drawing begins; how high the whole is. In units of the drawing."""
    head = [(line, 16, True) for line in wrap(figure.title, 62)]
    head += [(line, 12, False) for line in wrap(" · ".join(filter(None, [figure.subtitle, figure.simulated])), 90)]
    foot = wrap(figure.source, 98)
    lines = [(18.0 * n, size, bold, text) for n, (text, size, bold) in enumerate(head, start=1)]
    top = 18.0 * len(head) + 10
    lines += [(top + height + 14.0 * n + 6, 11, False, line) for n, line in enumerate(foot, start=1)]
    return lines, top, top + height + 14 * len(foot) + 14


def standalone(figure: Figure) -> str:
    """A drawing as an SVG file of its own, in its own colours."""
    left, above, width, height = map(float, re.findall(r'viewBox="([^"]+)"', figure.wide)[0].split())
    body = re.sub(r"^<svg[^>]*>", "", figure.wide).removesuffix("</svg>")
    lines, top, whole = around(figure, height)
    texts = "".join(f'<text x="0" y="{y:g}" font-size="{size}" font-weight="{700 if bold else 400}">{escape(text)}</text>'
                    for y, size, bold, text in lines)  # fmt: skip
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {whole:g}" width="{width:g}" height="{whole:g}" '
        f'font-family="Roboto, Arial, sans-serif" font-size="11.5" role="img" aria-label="{escape(figure.alt)}">'
        f'<rect width="100%" height="100%" fill="#ffffff"/>{texts}<g transform="translate({-left:g} {top - above:g})">{body}</g></svg>\n'
    )


def framed(figure: Figure, kind: str) -> bytes:
    """A drawing with what stands around it, as a PNG or PDF file of its own."""
    with styled():
        drawing = figure.wide.anew()
        width, height = drawing.get_size_inches() * 72
        lines, top, whole = around(figure, height)
        for y, size, bold, text in lines:
            drawing.text(0, 1 + (top - y) / height, text, size=size, weight="bold" if bold else "normal", color=INK)
        page = Bbox([[0, (height + top - whole) / 72], [width / 72, (height + top) / 72]])
        found = compressed(drawing, SAVED, DOCUMENT[1], page) if kind == "png" else vectors(drawing, page)
        plt.close(drawing)
    return found


def vectors(drawing: MplFigure, page: Bbox) -> bytes:
    """A PDF with its letters inside; the same drawing, the same bytes."""
    stream = io.BytesIO()
    mpl.rcParams["pdf.fonttype"] = 42  # letters that can be searched and copied
    drawing.savefig(
        stream, format="pdf", bbox_inches=page, facecolor="white", metadata={"CreationDate": None, "Creator": None, "Producer": None}
    )
    return stream.getvalue()


def canvas(width: int, height: int, left: int, right: int, top: int, bottom: int) -> tuple[MplFigure, Axes]:
    """A figure of width x height units with one plotting area inside these margins."""
    figure = plt.figure(figsize=(width / 72, height / 72))
    axes = figure.add_axes((left / width, bottom / height, (width - left - right) / width, (height - top - bottom) / height))
    return figure, axes


def drawn(name: str, draw: Callable[[int, bool], MplFigure], alt: str) -> tuple[str, Drawing]:
    """(narrow, wide) SVG of a chart; `draw(width, narrow)` returns the figure. Ids begin with a hash of what is drawn, so that
    two charts of one kind on one page share none, and the same chart has the same ones in every run."""
    found = []
    for variant, width in WIDTHS.items():
        with styled():
            mpl.rcParams["svg.hashsalt"] = f"{name}-{variant}"
            figure = draw(width, variant == "narrow")
            stream = io.StringIO()
            figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
            text = stream.getvalue()
            made = clean(text, f"{name}-{variant[0]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}-", variant[0], alt)
            found.append(made if len(made) <= MOST_BYTES else picture(figure, variant[0], alt))
            plt.close(figure)
    wide = Drawing(found[1])
    wide.anew = lambda: draw(WIDTHS["wide"], False)
    wide.png = lambda dpi=DOCUMENT[0]: redrawn(draw, dpi)
    return found[0], wide


@contextmanager
def styled() -> Iterator[None]:
    """The one look of every chart."""
    with resources.as_file(resources.files("hgdx_eval.report").joinpath("hgdx.mplstyle")) as path, mpl.rc_context():
        mpl.style.use(["default", str(path)])
        yield


def redrawn(draw: Callable[[int, bool], MplFigure], dpi: int) -> bytes:
    with styled():
        figure = draw(WIDTHS["wide"], False)
        found = compressed(figure, dpi, DOCUMENT[1])
        plt.close(figure)
    return found


def compressed(figure: MplFigure, dpi: int, colours: int, page: Bbox | None = None) -> bytes:
    """A PNG of few colours, on white; `page`: of more or less than the drawing."""
    stream, small = io.BytesIO(), io.BytesIO()
    figure.savefig(stream, format="png", dpi=dpi, facecolor="white", bbox_inches=page, metadata={"Software": None})
    Image.open(stream).convert("RGB").quantize(colours).save(small, format="PNG", optimize=True)
    return small.getvalue()


def picture(figure: MplFigure, variant: str, alt: str) -> str:
    """A chart of some thousand marks as a small PNG: text would be heavier than dots."""
    for dpi, colours in PICTURES:
        small = compressed(figure, dpi, colours)
        if len(small) * 4 / 3 <= MOST_BYTES:
            break
    data = base64.b64encode(small).decode()
    return str(Markup('<img class="c {}" src="data:image/png;base64,{}" alt="{}">').format(variant, Markup(data), alt))


def clean(text: str, prefix: str, variant: str, alt: str) -> str:
    """matplotlib's SVG without what a page must not carry: styles, fonts, sizes, metadata, ids of no use."""
    root = ElementTree.fromstring(text)
    used = set(re.findall(r"url\(#([^)]+)\)", text)) | {e.get(HREF, "")[1:] for e in root.iter() if e.get(HREF)}
    ids = {old: f"{prefix}{number}" for number, old in enumerate(sorted(used))}
    box = root.get("viewBox")
    root = tidy(root, ids)
    root.attrib.clear()
    root.attrib.update({"class": f"c {variant}", "viewBox": box, "role": "img", "aria-label": alt})
    body = ElementTree.tostring(root, encoding="unicode", short_empty_elements=True)
    return re.sub(r">\s+<", "><", re.sub(r' xmlns(:\w+)?="[^"]*"', "", body)).strip()


def tidy(element: ElementTree.Element, ids: dict[str, str]) -> ElementTree.Element:
    """A copy with allow-listed elements and presentation attributes only; groups without attributes are dissolved."""
    name = element.tag.removeprefix(SVG)
    copy = ElementTree.Element(name, attributes(element, ids))
    copy.text = element.text
    for child in element:
        if not isinstance(child.tag, str) or child.tag.removeprefix(SVG) not in ELEMENTS:
            continue
        inner = tidy(child, ids)
        if inner.tag == "g" and not inner.attrib:
            copy.extend(list(inner))
        elif not (inner.tag in ("defs", "g") and len(inner) == 0 or inner.tag == "path" and "d" not in inner.attrib):
            copy.append(inner)
    return copy


def attributes(element: ElementTree.Element, ids: dict[str, str]) -> dict[str, str]:
    found = {}
    declared = dict(part.split(":", 1) for part in element.get("style", "").split(";") if ":" in part)
    for key, value in [*element.attrib.items(), *((k.strip(), v.strip()) for k, v in declared.items())]:
        if key == "id":
            if value in ids:
                found["id"] = ids[value]
        elif key == HREF or key == "href":
            found["href"] = "#" + ids.get(value[1:], "")
        elif key == "font":  # matplotlib before 3.10
            found.update(font_attributes(value))
        elif key in STYLES or key in KEPT:
            found[key] = rounded(key, re.sub(r"url\(#([^)]+)\)", lambda m: f"url(#{ids[m[1]]})", value))
    named = classes(found.get("fill", ""), found.get("stroke", ""))
    return {**found, **({"class": named} if named else {})}


def font_attributes(value: str) -> dict[str, str]:
    size = re.search(r"([\d.]+)px", value)
    bold = re.match(r"(bold|[67]00)\b", value)
    return {"font-size": f"{float(size[1]):g}" if size else "11.5", **({"font-weight": "700"} if bold else {})}


def rounded(key: str, value: str) -> str:
    if key in ("id", "clip-path", "class", "fill", "stroke"):
        return value
    value = value.removesuffix("px") if key == "font-size" else value
    return re.sub(r"-?\d+\.\d+(e-?\d+)?", lambda m: f"{round(float(m[0]), 1):g}", value).replace("\n", " ").strip()


def source_line(origin: object, size: str, words: Words, note: str = "") -> str:
    """What hollow marks mean · source, file and hash · size."""
    own = words("study.source")
    source = words("charts.source_simulated" if origin.simulated else "charts.source", file=origin.file, hash=origin.short_hash)
    return " ".join(filter(None, [note, own + "." if own else "", source, size]))
