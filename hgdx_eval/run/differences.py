"""What `verify` tells: every number and every page of two runs of the same study, compared; one record per difference."""

from dataclasses import dataclass
from difflib import SequenceMatcher
from hashlib import sha256
from html.parser import HTMLParser
from itertools import zip_longest
from pathlib import Path

import pandas as pd

from ..study.vocabulary import NUMBERS

CLOSE = 1e-9  # of the number itself: less is the last digits of other machines' arithmetic
WIDEST = 44
HASHED = (("facts_sha256", "facts"), ("code_sha256", "code"), ("notebooks_sha256", "notebooks"))
HEADS = ("where", "what", "then", "now")
MISSING = "-"
MOST = 20  # differences told of one section of a page


@dataclass(frozen=True)
class Difference:
    """`where`: a file with a row or section, or what was put in; `what`: a column or a name."""

    where: str
    what: str
    then: str
    now: str


def differences(run: Path, again: Path, before: dict, after: dict) -> list[Difference]:
    """All that differs between a published run and the same run made anew: inputs by name, estimates.csv, pages, workbooks, pictures."""
    tables = [pd.read_csv(folder / "estimates.csv", keep_default_na=False) for folder in (run, again)]
    return input_differences(before, after) + table_differences(*tables) + page_differences(run, again) + other_differences(run, again)


def input_differences(before: dict, after: dict) -> list[Difference]:
    """Input files, facts, code, notebooks, Python and packages that are not what they were, by name."""
    files = [{item["file"]: item["sha256"][:12] for item in receipt["inputs"]} for receipt in (before, after)]
    known = all("facts" in receipt for receipt in (before, after))  # else a receipt of an earlier version: one hash of them all
    facts = [{f"facts/{name}": value[:12] for name, value in receipt["facts"].items()} if known else {} for receipt in (before, after)]
    versions = [{**{name: receipt[key][:12] for key, name in HASHED[known:]}, "Python": receipt["python"]} for receipt in (before, after)]
    packages = [receipt["packages"] for receipt in (before, after)]
    return [Difference("input", name, old, new) for where in (files, facts, versions, packages) for name, old, new in unequal(*where)]


def unequal(before: dict[str, str], after: dict[str, str]) -> list[tuple[str, str, str]]:
    names = list(dict.fromkeys([*before, *after]))
    pairs = [(name, before.get(name, MISSING), after.get(name, MISSING)) for name in names]
    return [(name, old, new) for name, old, new in pairs if old != new]


def table_differences(before: pd.DataFrame, after: pd.DataFrame) -> list[Difference]:
    """Numbers that moved by more than 1e-9 of themselves, other cells that changed, rows and columns that came or went."""
    if list(before.columns) != list(after.columns) or len(before) != len(after):
        return [Difference("estimates.csv", what, str(old), str(new)) for what, old, new in
                (("columns", len(before.columns), len(after.columns)), ("rows", len(before), len(after))) if old != new] or [
                Difference("estimates.csv", "columns", " ".join(before.columns), " ".join(after.columns))]  # fmt: skip
    found = []
    for column in before.columns:
        changed = before[column].astype(str) != after[column].astype(str)
        if column in NUMBERS:
            old, new = (pd.to_numeric(table[column], errors="coerce") for table in (before, after))
            changed &= ~((old - new).abs() <= CLOSE * old.abs().clip(lower=1e-300))
        found += [Difference(f"estimates.csv row {i + 2}", f"{before.loc[i, 'estimator']} {before.loc[i, 'term']} {column}",
                             str(before.loc[i, column]), str(after.loc[i, column])) for i in before.index[changed]]  # fmt: skip
    return found


def page_differences(run: Path, again: Path) -> list[Difference]:
    """What is not the same in the pages: equal bytes need no look; else the texts that differ, by section."""
    pages = [{file.relative_to(folder).as_posix(): file.read_text(encoding="utf-8") for file in sorted(folder.rglob("*.html"))}
             for folder in (run, again)]  # fmt: skip
    found = []
    for name in sorted(set(pages[0]) | set(pages[1])):
        old, new = (side.get(name) for side in pages)
        if old is None or new is None:
            found.append(Difference(name, "page", "there" if old else MISSING, "there" if new else MISSING))
        elif old != new:
            found += text_differences(name, old, new)
    return found


def other_differences(run: Path, again: Path) -> list[Difference]:
    """Workbooks by cell and pictures by what is seen: equal bytes need no look, other versions of zlib pack the same otherwise."""
    found = []
    for kind, told in (("*.xlsx", cells_of), ("*.png", pixels_of)):
        for name in sorted({file.name for folder in (run, again) for file in folder.glob(kind)}):
            old, new = (folder / name for folder in (run, again))
            if not (old.is_file() and new.is_file()):
                found.append(Difference(name, "file", *("there" if file.is_file() else MISSING for file in (old, new))))
            elif old.read_bytes() != new.read_bytes():
                pairs = unequal(told(old), told(new))
                found += [Difference(name, *pair) for pair in pairs[:MOST]]
                if len(pairs) > MOST:
                    found.append(Difference(name, "…", "…", f"{len(pairs) - MOST} more"))
    return found


def cells_of(file: Path) -> dict[str, str]:
    """Sheet, row and column -> the cell as text; fractions in it have few digits, so that those of other machines are the same."""
    from python_calamine import load_workbook

    book = load_workbook(str(file))
    sheets = {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}
    return {f"{name} row {i} column {j}": str(cell)
            for name, rows in sheets.items() for i, row in enumerate(rows, start=1) for j, cell in enumerate(row, start=1)}  # fmt: skip


def pixels_of(file: Path) -> dict[str, str]:
    """A hash of what a picture shows."""
    from PIL import Image

    with Image.open(file) as image:
        return {"picture": sha256(image.convert("RGB").tobytes()).hexdigest()[:12]}


def text_differences(name: str, old: str, new: str) -> list[Difference]:
    """Texts of two pages that differ, one record each; a page with equal texts differs in its drawings or mark-up."""
    pieces = [by_section(text) for text in (old, new)]
    found = []
    for section in dict.fromkeys([*pieces[0], *pieces[1]]):
        pairs = unmatched(*(side.get(section, []) for side in pieces))
        found += [Difference(name, section, *pair) for pair in pairs[:MOST]]
        if len(pairs) > MOST:
            found.append(Difference(name, section, "…", f"{len(pairs) - MOST} more"))
    return found or [Difference(name, "drawings", "other bytes", "same text")]


def unmatched(old: list[str], new: list[str]) -> list[tuple[str, str]]:
    """Texts that stand in one list alone, beside what stands in their place in the other; one that came in shifts no other."""
    moves = SequenceMatcher(None, old, new).get_opcodes()
    return [pair for kind, a, b, c, d in moves if kind != "equal" for pair in zip_longest(old[a:b], new[c:d], fillvalue=MISSING)]


class Texts(HTMLParser):
    """Visible texts of a page, drawings' labels too, under the heading (h2) that they follow."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, list[str]] = {"first screen": []}
        self.section, self.inside = "first screen", ""

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.inside = tag
        label = dict(attrs).get("aria-label") if tag == "svg" else None
        if label:
            self.found[self.section].append(label)

    def handle_data(self, data: str) -> None:
        text = " ".join(data.split())
        if not text or self.inside in ("style", "script"):
            return
        if self.inside == "h2":
            self.section = text
            self.found.setdefault(text, [])
        self.found[self.section].append(text)

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""


def by_section(page: str) -> dict[str, list[str]]:
    """Section -> its texts in order."""
    parser = Texts()
    parser.feed(page)
    return parser.found


def lines_of(found: list[Difference]) -> list[str]:
    """An aligned table, one line per difference under a line of heads; no line where there is none."""
    if not found:
        return []
    rows = [HEADS, *((d.where, d.what, d.then, d.now) for d in found)]
    rows = [tuple(shortened(cell) for cell in row) for row in rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADS))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]


def shortened(text: str) -> str:
    return text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"
