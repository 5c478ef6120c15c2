"""A picture of the answer, 1200 x 630 points: what a messenger shows of a report, and what is sent around instead of it."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure as MplFigure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Rectangle

from .figure import ACCENT, BAND, INK, MUTED, RULE, TREATED, compressed, plt, styled

WIDTH, HEIGHT, DPI, COLOURS = 1200, 630, 100, 64
SIDE, TOP, INSIDE = 64, 56, 1200 - 2 * 64
SIZES = ((44, 30), (40, 28), (36, 26), (32, 24), (28, 22), (26, 20), (24, 18), (22, 16), (20, 14))  # of question and answer
LINE = 1.36  # from line to line, of the size
SCALE, FOOT, MARK = 452, 584, 46  # where the scale begins and the last line stands; height of the band of simulated data
ROOM = SCALE - 28  # what question and answer may take
MARKED, MARK_INK = "#fff1c2", "#4a3500"
Word = tuple[str, bool]  # whether it is of the number


def share_picture(kicker: str, question: str, answer: dict[str, str], verdict: int, labels: list[str], foot: str, mark: str) -> bytes:
    """A PNG. `answer`: before, strong, after; `verdict`: 1 to 5, of five `labels`; `foot`: date and place; `mark`: what stands across the
    picture of simulated data, "" where they are real. The same words give the same bytes."""
    with styled():
        figure = plt.figure(figsize=(WIDTH / DPI, HEIGHT / DPI), dpi=DPI)
        axes = figure.add_axes((0, 0, 1, 1), xlim=(0, WIDTH), ylim=(HEIGHT, 0))
        axes.axis("off")
        words = [(word, strong) for name, strong in (("before", False), ("strong", True), ("after", False)) for word in split(answer[name])]
        top = draw_kicker(axes, kicker, mark)
        for large, small in SIZES:
            blocks = (lines_of([(word, True) for word in split(question)], large, figure), lines_of(words, small, figure))
            if top + LINE * (large * len(blocks[0]) + small * len(blocks[1])) + 18 <= ROOM:
                break
        below = draw_lines(axes, blocks[0], top, large, INK, figure)
        draw_lines(axes, blocks[1], below + 18, small, None, figure, ROOM)
        draw_scale(axes, verdict, labels, figure)
        write(axes, SIDE, FOOT, foot, 19, MUTED)
        found = compressed(figure, DPI, COLOURS)
        plt.close(figure)
    return found


def split(text: str) -> list[str]:
    """Words; a no-break space keeps two together."""
    return [word for word in text.split(" ") if word]


def font(size: float, bold: bool) -> FontProperties:
    return FontProperties(size=size * 72 / DPI, weight="bold" if bold else "normal")


def extent(text: str, size: float, bold: bool, figure: MplFigure) -> float:
    """How wide a text is drawn."""
    return figure.canvas.get_renderer().get_text_width_height_descent(text, font(size, bold), False)[0]


def lines_of(words: list[Word], size: float, figure: MplFigure, inside: float = INSIDE) -> list[list[Word]]:
    """Words in lines that fit; one that is wider than a line is cut."""
    lines: list[list[Word]] = [[]]
    used, gap = 0.0, extent("n n", size, False, figure) - extent("nn", size, False, figure)
    for word, bold in words:
        while len(word) > 1 and extent(word, size, bold, figure) > inside:
            word = word.removesuffix("…")[:-1] + "…"
        wide = extent(word, size, bold, figure)
        if lines[-1] and used + gap + wide > inside:
            lines.append([])
            used = 0.0
        used += wide + (gap if lines[-1] else 0)
        lines[-1].append((word, bold))
    return lines


def draw_lines(axes: Axes, lines: list[list[Word]], top: float, size: float, colour: str | None, figure: MplFigure,
               most: float = HEIGHT) -> float:  # fmt: skip
    """Lines one below the other, as far as `most`; where the next would begin. `colour` None: the number stands out."""
    gap = extent("n n", size, False, figure) - extent("nn", size, False, figure)
    for line in lines:
        if top + LINE * size > most:
            break
        x = SIDE
        for word, bold in line:
            write(axes, x, top + size, word, size, colour or (TREATED if bold else INK), bold)
            x += extent(word, size, bold, figure) + gap
        top += LINE * size
    return top


def write(axes: Axes, x: float, y: float, text: str, size: float, colour: str, bold: bool = False) -> None:
    """A text whose letters stand on y."""
    axes.text(x, y, text, fontproperties=font(size, bold), color=colour, va="baseline", ha="left")


def draw_kicker(axes: Axes, kicker: str, mark: str) -> float:
    """The mark of simulated data across the top, and what kind of report it is; where the question begins."""
    top = TOP
    if mark:
        axes.add_patch(Rectangle((0, 0), WIDTH, MARK, color=MARKED, lw=0))
        axes.add_patch(Rectangle((0, MARK), WIDTH, 4, color=MARK_INK, lw=0))
        write(axes, SIDE, 31, mark, 20, MARK_INK, True)
        top += MARK - 12
    axes.add_patch(Rectangle((SIDE, top - 16), 72, 7, color=ACCENT, lw=0))
    write(axes, SIDE, top + 20, kicker, 19, MUTED)
    return top + 40


def draw_scale(axes: Axes, verdict: int, labels: list[str], figure: MplFigure) -> None:
    """Five steps; the one that holds is dark and said in bold."""
    step, gap = (INSIDE - 4 * 8) / 5, 8
    for n, label in enumerate(labels, start=1):
        x, here = SIDE + (n - 1) * (step + gap), n == verdict
        axes.add_patch(Rectangle((x, SCALE - (8 if here else 0)), step, 20 if here else 10, color=INK if here else RULE, lw=0))
        for i, line in enumerate(lines_of([(word, here) for word in split(label)], 17, figure, step)[:3]):
            write(axes, x, SCALE + 36 + 22 * i, " ".join(word for word, _ in line), 17, INK if here else MUTED, here)
    axes.add_patch(Rectangle((SIDE, FOOT - 32), INSIDE, 1.5, color=BAND, lw=0))
