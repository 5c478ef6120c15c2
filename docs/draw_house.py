"""Draws docs/house.svg from the imports: the package's rooms by floor, an arrow where one imports another and no third room says so.

python docs/draw_house.py            writes docs/house.svg (tests/test_layers.py says when it is stale)
"""

import ast
import textwrap
import tomllib
from html import escape
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "hgdx_eval"
LAYERS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"][0]["layers"]
ROOMS = [room for room in reversed(LAYERS) if room != "__main__"]
LETTERS = 38  # of a line in a box
WIDE, HIGH, ACROSS, DOWN = 222, 62, 20, 44


def rooms_imported() -> dict[str, set[str]]:
    """Room -> the other rooms that its files import, what is only for type checkers counted."""
    found: dict[str, set[str]] = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        parts = file.relative_to(PACKAGE).with_suffix("").parts
        if parts[0] not in ROOMS:
            continue
        own = found.setdefault(parts[0], set())
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level:
                above = parts[: len(parts) - node.level]
                names = [*above, *(node.module or "").split(".")] if node.module else [*above]
                own |= {names[0]} if names else {alias.name for alias in node.names}
    return {room: (others & set(ROOMS)) - {room} for room, others in found.items()}


def said_of(room: str) -> list[str]:
    """The first sentence of a room's own docstring, in lines of a box."""
    file = PACKAGE / room / "__init__.py" if (PACKAGE / room).is_dir() else PACKAGE / f"{room}.py"
    told = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))).replace("`", "")
    return textwrap.wrap(told.partition(". ")[0].removesuffix("."), LETTERS)


def below(room: str, arrows: dict[str, set[str]]) -> set[str]:
    return set().union(*({other} | below(other, arrows) for other in arrows[room]))


def floor_of(room: str, arrows: dict[str, set[str]]) -> int:
    """How many rooms lie below one another under it."""
    return 1 + max((floor_of(other, arrows) for other in arrows[room]), default=-1)


def direct(arrows: dict[str, set[str]]) -> dict[str, set[str]]:
    """The arrows that no longer way says already."""
    return {room: {other for other in others if not any(other in below(third, arrows) for third in others - {other})}
            for room, others in arrows.items()}  # fmt: skip


def lines_in_box(room: str, x: float, y: float) -> str:
    return "".join(f'<text x="{x:.0f}" y="{y + 16 * i:.0f}">{escape(line, quote=False)}</text>' for i, line in enumerate(said_of(room)))


def picture() -> str:
    """The SVG, the same bytes for the same imports."""
    arrows = rooms_imported()
    rows: dict[int, list[str]] = {}
    for room in ROOMS:
        rows.setdefault(floor_of(room, arrows), []).append(room)
    most, top = max(map(len, rows.values())), max(rows)
    width, height = most * (WIDE + ACROSS) + ACROSS, (top + 1) * (HIGH + DOWN) + DOWN
    place = {room: ((width - len(row) * (WIDE + ACROSS) + ACROSS) / 2 + i * (WIDE + ACROSS), DOWN / 2 + (top - at) * (HIGH + DOWN))
             for at, row in rows.items() for i, room in enumerate(row)}  # fmt: skip
    lines = [f'<line x1="{place[a][0] + WIDE / 2:.0f}" y1="{place[a][1] + HIGH:.0f}" x2="{place[b][0] + WIDE / 2:.0f}" '
             f'y2="{place[b][1] - 3:.0f}"/>' for a, others in direct(arrows).items() for b in sorted(others)]  # fmt: skip
    boxes = [f'<g><rect x="{x:.0f}" y="{y:.0f}" width="{WIDE}" height="{HIGH}" rx="5"/><text x="{x + WIDE / 2:.0f}" y="{y + 19:.0f}" '
             f'class="n">{room}</text>{lines_in_box(room, x + WIDE / 2, y + 36)}</g>' for room, (x, y) in place.items()]  # fmt: skip
    style = ("rect{fill:#fff;stroke:#003b6f;stroke-width:1.3}line{stroke:#7a8794;stroke-width:1.2;marker-end:url(#a)}"
             "text{font:11.5px sans-serif;text-anchor:middle;fill:#3d4650}.n{font-weight:600;font-size:13.5px;fill:#111}")  # fmt: skip
    marker = ('<marker id="a" markerWidth="8" markerHeight="8" refX="6" refY="3" orient="auto">'
              '<path d="M0,0 L7,3 L0,6 z" fill="#7a8794"/></marker>')  # fmt: skip
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" role="img" '
            f'aria-label="The rooms of the package and what each imports"><style>{style}</style><defs>{marker}</defs>'
            f'<rect width="100%" height="100%" style="fill:#fff;stroke:none"/>' + "".join([*lines, *boxes]) + "</svg>\n")  # fmt: skip


if __name__ == "__main__":
    (ROOT / "docs" / "house.svg").write_text(picture(), encoding="utf-8")
