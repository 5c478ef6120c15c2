"""What the charts look like, frozen: `python tests/golden.py` writes tests/golden/ anew after a change that was looked at.

Of every chart the texts with their places (both widths) and a small picture of the wide drawing.
"""

import io
import json
import sys
from pathlib import Path
from xml.etree import ElementTree

from PIL import Image

FOLDER = Path(__file__).parent / "golden"
COLOURS, DPI = 16, 54


def figures() -> dict[str, object]:
    """Every kind of chart on made-up data, by name."""
    import test_charts
    import test_charts_methods
    import test_charts_places
    import test_charts_robustness

    words = test_charts.demo_words()
    found = [*test_charts.all_figures(words), *test_charts_methods.all_figures(), *test_charts_robustness.all_figures(),
             test_charts_places.plot_places(test_charts_places.design(), words)]  # fmt: skip
    return {figure.name: figure for figure in found}


def texts(svg: str) -> list[tuple[str, float, float]]:
    """(text, x, y) of a drawing, in its order; places in units, from attributes and translations of the text itself."""
    found = []
    for element in ElementTree.fromstring(svg).iter("text"):
        said = "".join(element.itertext()).strip()
        place = [float(element.get(key, 0)) for key in ("x", "y")]
        for part in (element.get("transform") or "").split(")"):
            if part.strip().startswith("translate("):
                place = [float(v) + p for v, p in zip(part.split("(")[1].replace(",", " ").split(), place)]
        found.append((said, *place))
    return found


def picture(figure: object) -> Image.Image:
    """The wide drawing in few colours."""
    large = Image.open(io.BytesIO(figure.png)).convert("RGB")
    small = large.resize((680 * DPI // 72, round(large.height * 680 * DPI / 72 / large.width)), Image.LANCZOS)
    return small.quantize(COLOURS)


def write() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, figure in figures().items():
        lines = [[variant, *text] for variant in ("narrow", "wide") for text in texts(getattr(figure, variant))]
        rows = ",\n".join(json.dumps(line, ensure_ascii=False) for line in lines)
        (FOLDER / f"{name}.json").write_text(f"[{rows}]\n", encoding="utf-8")
        picture(figure).save(FOLDER / f"{name}.png", optimize=True)


if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent / "report")]
    write()
