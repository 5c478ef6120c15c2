"""Tables as people have them, with a known effect: python tests/spoilt_tables.py [--inputs 5000] [--seed random|N] [--log FILE]

Each input is a tidy table whose effect is exactly known (10, in points or the outcome's own unit), spoilt in one or two ways and written
as one kind of file. Reading and estimating it must give that number, or end in one line (InputError): another number is a finding, and so
is any other exception.
"""

import argparse
import collections
import csv
import io
import json
import random
import sys
import tempfile
import traceback
import unicodedata
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pandas as pd
import yaml
from openpyxl import Workbook
from seeds import seed as seed_of

sys.path[:0] = [str(Path(__file__).parent.parent)]
from hgdx_eval.base.errors import InputError  # noqa: E402
from hgdx_eval.design.design import study_design  # noqa: E402
from hgdx_eval.estimation.estimate import estimate  # noqa: E402
from hgdx_eval.panel.load import load_panel  # noqa: E402
from hgdx_eval.read.database import literal  # noqa: E402
from hgdx_eval.study.load import load_study  # noqa: E402

EFFECT, CLOSE = 10.0, 1e-9
UNITS = ["Hậu Giang", "An Giang", "Bạc Liêu", "Cà Mau", "Kiên Giang", "Sóc Trăng", "Trà Vinh", "Vĩnh Long"]
BASE = {"layout": "table", "unit": "tinh", "frequency": "M", "period": "ky", "comparison": "never", "cluster": "tinh",
        "estimator": "two_way_fixed_effects", "inference_order": ["placebo", "randomization"], "seed": 1}  # fmt: skip


@dataclass(frozen=True)
class Table:
    """One row per unit and month: `rows` as typed (texts and numbers) under `header`; `study`: its keys; `lines`: rows above the header;
    `sheets`: other sheets, before or after; `kinds`: kinds of file that it may be written as; `truth`: the right numbers."""

    header: list[str]
    rows: list[list]
    study: dict
    truth: tuple[float, ...]
    lines: list[list[str]] = field(default_factory=list)
    kinds: tuple[str, ...] = ("csv", "semicolon", "tab", "utf16", "xlsx", "json", "parquet")
    done: tuple[str, ...] = ()


def counts(rng: random.Random) -> Table:
    """Counts of which exactly the effect is known: 8 units, 24 months."""
    rows = []
    for i, unit in enumerate(UNITS):
        for t in range(24):
            size = 1000 * (1 + (3 * i + 2 * t) % 5)
            share = 0.30 + 0.04 * i + 0.005 * t + (0.10 if i == 0 and t >= 12 else 0.0)
            rows.append([unit, month(t), size, round(size * share)])
    rows = [[u, m, a, b] for u, m, a, b in rows if a and b is not None]
    return Table(["tinh", "ky", "tiep_nhan", "truc_tuyen"], rows,
                 {**BASE, "numerator": "truc_tuyen", "denominator": "tiep_nhan", "treated_from": {"Hậu Giang": "2023-07"}}, (EFFECT,))  # fmt: skip


def level(rng: random.Random) -> Table:
    """An outcome with decimals of which exactly the effect is known."""
    places = rng.choice([1, 2, 3])
    rows = [[unit, month(t), round(3 + 1.25 * i + 0.5 * (t % 7) + 0.125 * (i % 3) + (EFFECT if i == 0 and t >= 12 else 0.0), places)]
            for i, unit in enumerate(UNITS) for t in range(24)]  # fmt: skip
    exact = {(row[0], row[1]): row[2] for row in rows}
    base = [[u, m, v] for (u, m), v in exact.items()]
    return Table(["tinh", "ky", "diem"], base, {**BASE, "outcome": "diem", "treated_from": {"Hậu Giang": "2023-07"}}, (twfe(base),))


def share(rng: random.Random) -> Table:
    rows = [[unit, month(t), round(0.30 + 0.04 * i + 0.005 * (t % 5) + (0.10 if i == 0 and t >= 12 else 0.0), 4)]
            for i, unit in enumerate(UNITS) for t in range(24)]  # fmt: skip
    return Table(["tinh", "ky", "ty_le"], rows, {**BASE, "outcome": "ty_le", "scale": "share", "treated_from": {"Hậu Giang": "2023-07"}},
                 (100 * twfe(rows),))  # fmt: skip


def month(t: int) -> str:
    return f"{2022 + (6 + t) // 12}-{(6 + t) % 12 + 1:02}"


def twfe(rows: list[list]) -> float:
    """The effect on the first unit from the 13th month on, by the four means of a balanced table."""

    def mean(first: bool, late: bool) -> float:
        found = [value for unit, when, value in rows if (unit == UNITS[0]) == first and (when >= "2023-07") == late]
        return sum(found) / len(found)

    return mean(True, True) - mean(True, False) - mean(False, True) + mean(False, False)


# --- ways to spoil -------------------------------------------------------------------------------------------------
Way = Callable[[Table, random.Random], Table]


def each(table: Table, column: int, change: Callable, which: Callable = lambda i: True) -> Table:
    """The table with some cells of a column changed."""
    rows = [[change(cell) if at == column and which(i) else cell for at, cell in enumerate(row)] for i, row in enumerate(table.rows)]
    return replace(table, rows=rows)


def texts_only(table: Table, *out: str) -> Table:
    """The same, never written as a kind of file in which the change makes no sense."""
    return replace(table, kinds=tuple(kind for kind in table.kinds if kind not in out))


def numbers(table: Table) -> range:
    return range(2, len(table.header))


def written(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def grouped(mark: str, decimal: str, some: bool) -> Way:
    def way(table: Table, rng: random.Random) -> Table:
        def change(cell: object) -> object:
            if not written(cell) or (some and rng.random() < 0.5):
                return cell
            whole, _, rest = str(cell).partition(".")
            parted = f"{int(whole):,}".replace(",", mark)
            return parted + (decimal + rest if rest else "")

        for column in numbers(table):
            table = each(table, column, change)
        return table

    return way


def decimal_comma(table: Table, rng: random.Random) -> Table:
    for column in numbers(table):
        table = each(table, column, lambda cell: str(cell).replace(".", ",") if isinstance(cell, float) else cell)
    return table


def percent(table: Table, rng: random.Random) -> Table:
    """Shares as percentages with a sign, with or without the sign everywhere."""
    if table.study.get("scale") != "share":
        return decimal_comma(table, rng)
    mark, all_of_them = rng.choice([".", ","]), rng.random() < 0.7

    def change(cell: object) -> object:
        text = f"{100 * cell:.2f}".replace(".", mark) + "%" if written(cell) else cell
        return text if all_of_them or rng.random() < 0.5 else cell

    return each(table, 2, change)


def unit_of_measure(table: Table, rng: random.Random) -> Table:
    unit, most = rng.choice([" hồ sơ", " đ", " pts"]), rng.random() < 0.7
    return each(table, rng.choice(numbers(table)), lambda cell: f"{cell}{unit}" if most or rng.random() < 0.5 else cell)


FORMS = {
    "slash": lambda y, m: f"{m:02}/{y}", "dash": lambda y, m: f"{m:02}-{y}", "dot": lambda y, m: f"{m:02}.{y}", "stat": lambda y, m: f"{y}M{m:02}",
    "vi": lambda y, m: f"Tháng {m}/{y}", "vi_year": lambda y, m: f"Tháng {m} năm {y}", "t": lambda y, m: f"T{m}/{y}",
    "my": lambda y, m: f"{m:02}{y}", "ym": lambda y, m: f"{y}{m:02}", "excel": lambda y, m: f"{MONTHS[m - 1]}-{y % 100:02}",
    "named": lambda y, m: f"{MONTHS[m - 1]} {y}", "dmy": lambda y, m: f"01/{m:02}/{y}", "mdy": lambda y, m: f"{m:02}/01/{y}",
    "mdy_bare": lambda y, m: f"{m}/1/{y}", "dmy2": lambda y, m: f"01/{m:02}/{y % 100:02}", "mdy2": lambda y, m: f"{m}/1/{y % 100:02}",
    "ymd": lambda y, m: f"{y}/{m:02}/01", "iso": lambda y, m: f"{y}-{m:02}-01 00:00:00", "last": lambda y, m: f"{monthrange(y, m)[1]}/{m:02}/{y}",
    "serial": lambda y, m: str((date(y, m, 1) - date(1899, 12, 30)).days),
    "utc": lambda y, m: f"{date(y, m, 1) - timedelta(days=1)}T17:00:00Z",
    "buddhist": lambda y, m: f"{y + 543}-{m:02}",
    "mid": lambda y, m: f"{m:02}/{3 + y % 9:02}/{y}",
}  # fmt: skip
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def period_form(table: Table, rng: random.Random) -> Table:
    form = rng.choice(list(FORMS))
    zone = {"time_zone": "Asia/Ho_Chi_Minh"} if rng.random() < 0.5 and form == "utc" else {}
    table = each(table, 1, lambda cell: FORMS[form](int(cell[:4]), int(cell[5:7])) if iso(cell) else cell)
    return replace(table, study={**table.study, **zone}, done=(*table.done, form))


def mixed_forms(table: Table, rng: random.Random) -> Table:
    """Two forms in one column, as of two clerks."""
    one, other = rng.sample(list(FORMS), 2)
    forms = {i: rng.choice([one, other]) for i in range(len(table.rows))}
    rows = [[u, FORMS[forms[i]](int(p[:4]), int(p[5:7])) if iso(p) else p, *rest] for i, (u, p, *rest) in enumerate(table.rows)]
    return replace(table, rows=rows, done=(*table.done, one, other))


def iso(cell: object) -> bool:
    return isinstance(cell, str) and len(cell) == 7 and cell[:4].isdigit() and cell[4] == "-"


def unseen(table: Table, rng: random.Random) -> Table:
    """Names that differ by what no eye sees, in some rows."""
    change = rng.choice([
        lambda name: name + "\u00a0", lambda name: name.replace(" ", "\u00a0"), lambda name: name.replace(" ", "  "), lambda name: "\ufeff" + name,
        lambda name: name[:3] + "\u200b" + name[3:], lambda name: name[:3] + "\u00ad" + name[3:], lambda name: unicodedata.normalize("NFD", name),
        lambda name: name.replace(" ", "\u2003"), lambda name: name.replace(" ", "\t"), lambda name: " " + name, lambda name: name + "\u200e",
    ])  # fmt: skip
    return each(table, 0, lambda name: change(name) if isinstance(name, str) else name, lambda i: rng.random() < 0.5)


def seen(table: Table, rng: random.Random) -> Table:
    """Names of one unit written in two ways, in a stretch of its months."""
    change = rng.choice([str.upper, str.lower, lambda name: "Tỉnh " + name, lambda name: name.replace(" ", ""), lambda name: name + "*",
                         lambda name: name + " (1)", lambda name: "".join(c for c in unicodedata.normalize("NFD", name) if not unicodedata.combining(c))])  # fmt: skip
    unit, first, last = rng.choice(UNITS), *sorted(rng.sample([month(t) for t in range(24)], 2))
    rows = [[change(u) if u == unit and iso(p) and first <= p <= last else u, p, *rest] for u, p, *rest in table.rows]
    return replace(table, rows=rows)


def total(table: Table, rng: random.Random) -> Table:
    """A total or an average of each month, below or among the rows."""
    name = rng.choice(
        ["Tổng số", "Cộng", "Tổng cộng:", "TOTAL", "Cả nước", "Đồng bằng sông Cửu Long", "Toàn vùng", "Grand total", "Vùng ĐBSCL"]
    )
    mean = "numerator" not in table.study
    rows = list(table.rows)
    for when in dict.fromkeys(row[1] for row in table.rows):
        part = [row for row in table.rows if row[1] == when]
        if not all(written(cell) for row in part for cell in row[2:]):
            return table
        sums = [sum(column) for column in zip(*(row[2:] for row in part), strict=True)]
        rows.append([name, when, *([s / len(part) for s in sums] if mean else sums)])
    if mean:
        rows = [[u, p, round(v, 6)] if u == name else [u, p, v] for u, p, v in rows]
    if rng.random() < 0.5:
        rows.sort(key=lambda row: (str(row[1]), row[0] != name))
    return replace(table, rows=rows)


def longer_periods(table: Table, rng: random.Random) -> Table:
    """Quarters or years among the months, as sums."""
    sums: dict[tuple, list] = collections.defaultdict(lambda: [0] * (len(table.header) - 2))
    yearly = rng.random() < 0.5
    for unit, when, *values in table.rows:
        if not (iso(when) and all(map(written, values))):
            return table
        key = (unit, when[:4] if yearly else f"{when[:4]}Q{(int(when[5:]) + 2) // 3}")
        sums[key] = [a + b for a, b in zip(sums[key], values, strict=True)]
    frequency = rng.choice(["M", "Y" if yearly else "Q"])
    study = {**table.study, "frequency": frequency}
    if frequency != "M":
        study["treated_from"] = {UNITS[0]: "2023" if frequency == "Y" else "2023Q3"}
    return replace(table, rows=[*table.rows, *([*key, *values] for key, values in sums.items())], study=study)


def repeats(table: Table, rng: random.Random) -> Table:
    """Rows told twice, exactly or in a revised form."""
    again = [list(row) for row in rng.sample(table.rows, 6)]
    if rng.random() < 0.5:
        again = [
            [u, p, *(cell * 1.1 if isinstance(cell, float) else cell + 1 if written(cell) else cell for cell in rest)]
            for u, p, *rest in again
        ]
    return replace(table, rows=[*table.rows, *again])


def notes(table: Table, rng: random.Random) -> Table:
    """Titles above, notes and signatures below."""
    width = len(table.header)
    above = [
        [text] + [""] * (width - 1)
        for text in rng.sample(
            ["Bảng 1. Số liệu theo tháng", "SỞ NỘI VỤ", "# exported 2024-07-01", "Đơn vị tính: hồ sơ"], rng.randint(0, 2)
        )
    ]
    below = [
        [text] + [""] * (width - 1)
        for text in rng.sample(
            ["Ghi chú: số liệu sơ bộ", "Nguồn: Sở Nội vụ", "Người lập biểu", "NGÀY 05 THÁNG 7 NĂM 2024"], rng.randint(0, 3)
        )
    ]
    return texts_only(replace(table, lines=[*above, *table.lines], rows=[*table.rows, *below]), "json", "parquet")


def printed(table: Table, rng: random.Random) -> Table:
    """Headers printed again, numbers of columns, units of measure."""
    rows = list(table.rows)
    what = rng.choice(["header", "numbers", "letters", "units"])
    width = len(table.header)
    extra = {"header": list(table.header), "numbers": [f"({i})" for i in range(1, width + 1)],
             "letters": ["A", "B", *map(str, range(1, width - 1))], "units": ["", ""] + ["(hồ sơ)"] * (width - 2)}[what]  # fmt: skip
    at = rng.randrange(len(rows)) if what == "header" else 0
    return texts_only(replace(table, rows=[*rows[:at], extra, *rows[at:]]), "parquet", "json")


def no_unit(table: Table, rng: random.Random) -> Table:
    lost = set(rng.sample(range(len(table.rows)), 3))
    return each(table, 0, lambda name: "", lambda i: i in lost)


def future(table: Table, rng: random.Random) -> Table:
    at = rng.randrange(len(table.rows))
    return each(table, 1, lambda when: when.replace("2023", "2093").replace("2022", "2092").replace("2024", "2094") if isinstance(when, str) else when,
                lambda i: i == at)  # fmt: skip


def missing(table: Table, rng: random.Random) -> Table:
    """Marks of nothing in the treated unit's months after the policy, which would move the number, or anywhere."""
    mark, late = rng.choice(["-", "..", "…", "x", "n/a", ""]), rng.random() < 0.5
    rows = [[u, p, *rest[:-1], mark if rng.random() < 0.3 and (not late or (u == UNITS[0] and iso(p) and p >= "2023-07")) else rest[-1]]
            for u, p, *rest in table.rows]  # fmt: skip
    return replace(table, rows=rows, truth=())  # what is right depends on what is missing: only a refusal or a told loss


def error_value(table: Table, rng: random.Random) -> Table:
    at, column = rng.randrange(len(table.rows)), rng.choice([0, *numbers(table)])
    return each(table, column, lambda cell: rng.choice(["#N/A", "#REF!", "#DIV/0!"]), lambda i: i == at)


def twice_named(table: Table, rng: random.Random) -> Table:
    """The measured column again, with old numbers."""
    rows = [[*row, row[-1] * 0.5 if written(row[-1]) else row[-1]] for row in table.rows]
    return texts_only(replace(table, header=[*table.header, table.header[-1]], rows=rows), "json", "parquet")


def side_by_side(table: Table, rng: random.Random) -> Table:
    half = len(table.rows) // 2
    left, right = table.rows[:half], table.rows[half : 2 * half]
    if len(table.rows) % 2:
        return table
    rows = [[*one, "", *other] for one, other in zip(left, right, strict=True)]
    return texts_only(replace(table, header=[*table.header, "", *table.header], rows=rows), "json", "parquet")


def wide(table: Table, rng: random.Random) -> Table:
    """A column a month."""
    if len(table.header) != 3 or table.lines:
        return table
    periods = list(dict.fromkeys(row[1] for row in table.rows))
    values = {(row[0], row[1]): row[2] for row in table.rows}
    units = list(dict.fromkeys(row[0] for row in table.rows))
    if len(values) < len(table.rows) or len({str(p) for p in periods}) < len(periods):
        return table
    return replace(
        table, header=[table.header[0], *map(str, periods)], rows=[[u, *(values.get((u, p), "") for p in periods)] for u in units]
    )


def percent_and_share(table: Table, rng: random.Random) -> Table:
    """Some cells a hundred times as large: percent cells of a spreadsheet beside typed percentages."""
    if "numerator" in table.study:
        return table
    return each(table, 2, lambda cell: 100 * cell if written(cell) and cell <= 1 else cell, lambda i: i % 3 == 0)


def codes(table: Table, rng: random.Random) -> Table:
    """Numbers that statistical programs write for a missing value."""
    largest = max(row[-1] for row in table.rows if written(row[-1])) if any(written(row[-1]) for row in table.rows) else 1e9
    code = rng.choice([code for code in (-9, -99, -999, 99, 999, 9999, 99999) if code < 0 or code > 10 * largest])  # far from all others
    after = rng.random() < 0.5
    late = [i for i, row in enumerate(table.rows) if not after or (row[0] == UNITS[0] and iso(row[1]) and row[1] >= "2023-07")]
    chosen = set(rng.sample(late, min(len(late), rng.choice([2, 5]))))
    return each(table, len(table.header) - 1, lambda cell: code, lambda i: i in chosen)


def thousands_of(table: Table, rng: random.Random) -> Table:
    """Some cells of a level in another unit of measure: thousands, from a date on or in every third row."""
    if "numerator" in table.study or table.study.get("scale") == "share":
        return table
    late = rng.random() < 0.5
    which = [late and iso(row[1]) and row[1] >= "2024-01" or not late and i % 3 == 0 for i, row in enumerate(table.rows)]
    return each(table, 2, lambda cell: cell / 1000 if written(cell) else cell, lambda i: which[i])


def odd_figures(table: Table, rng: random.Random) -> Table:
    """Footnotes as raised figures, a minus behind its number, brackets."""
    form = rng.choice(["{}²", "{}-", "({})", "<{}", "{}(1)"])
    some = texts_only(table, "parquet")
    return each(some, len(table.header) - 1, lambda cell: form.format(cell), lambda i: i % 4 == 1)


def coded_names(table: Table, rng: random.Random) -> Table:
    """A code or a number beside a unit's name, from a date on."""
    form, name = rng.choice(["{} (93)", "93 - {}", "7. {}", "{} - 93"]), rng.choice(UNITS)
    return each(
        table,
        0,
        lambda cell: form.format(cell),
        lambda i: table.rows[i][0] == name and iso(table.rows[i][1]) and table.rows[i][1] >= "2023-03",
    )


def stray_period(table: Table, rng: random.Random) -> Table:
    at, when = rng.randrange(len(table.rows)), rng.choice(["1900-01", "1970-01", "2002-07"])
    return each(table, 1, lambda cell: when, lambda i: i == at)


def lost_cell(table: Table, rng: random.Random) -> Table:
    """The period of a row is gone, and what stood behind it moved to the left."""
    at = rng.randrange(len(table.rows))
    rows = [[row[0], *row[2:]] if i == at else row for i, row in enumerate(table.rows)]
    return texts_only(replace(table, rows=rows), "json", "parquet")


def yes_no(table: Table, rng: random.Random) -> Table:
    """Treatment as a column of words."""
    yes, no = rng.choice([("1", "0"), ("TRUE", "FALSE"), ("Có", "Không"), ("x", ""), ("Y", "N"), (True, False), (1, 0), ("yes", "0")])
    study = {key: value for key, value in table.study.items() if key != "treated_from"}
    rows = [[*row, yes if row[0] == UNITS[0] and iso(row[1]) and row[1] >= "2023-07" else no] for row in table.rows]
    return replace(table, header=[*table.header, "co_ap_dung"], rows=rows, study={**study, "treated": "co_ap_dung"})


def shuffled(table: Table, rng: random.Random) -> Table:
    return replace(table, rows=rng.sample(table.rows, len(table.rows)))


WAYS: tuple[Way, ...] = (grouped(".", ",", False), grouped(".", ",", True), grouped(",", ".", False), grouped("\u00a0", ",", False), grouped("'", ".", True),
                         decimal_comma, percent, unit_of_measure, period_form, period_form, period_form, mixed_forms, unseen, unseen, seen, seen, total,
                         total, longer_periods, repeats, notes, printed, no_unit, future, missing, error_value, twice_named, side_by_side, wide,
                         percent_and_share, yes_no, shuffled, codes, thousands_of, odd_figures, coded_names, stray_period, lost_cell)  # fmt: skip
FIRST, LAST = (total, yes_no), (twice_named, side_by_side, wide)  # of two ways: what must see the table sound, what changes its shape


# --- written and read ----------------------------------------------------------------------------------------------
def write(table: Table, kind: str, folder: Path) -> Path:
    """The table as a file of a kind. Numbers are typed where the kind has types."""
    rows = [*table.lines, table.header, *table.rows]
    if kind in ("csv", "semicolon", "tab", "utf16"):
        text = io.StringIO()
        delimiter = {"semicolon": ";", "tab": "\t"}.get(kind, ",")
        csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows(rows)
        path = folder / ("bang.tsv" if kind == "tab" else "bang.csv")
        path.write_bytes(text.getvalue().encode("utf-16" if kind == "utf16" else "utf-8"))
    elif kind == "xlsx":
        path, book = folder / "bang.xlsx", Workbook()
        for row in rows:
            book.active.append([cell if cell != "" else None for cell in row])
        book.save(path)
    elif kind == "json":
        path = folder / "bang.json"
        path.write_text(json.dumps([dict(zip(table.header, row, strict=True)) for row in table.rows]), encoding="utf-8")
    else:
        path = folder / "bang.parquet"
        frame = pd.DataFrame(table.rows, columns=table.header)
        typed = {name: str for name in frame if not all(map(written, frame[name]))}
        con = duckdb.connect()
        con.register("frame", frame.astype(typed))
        con.execute(f"COPY frame TO {literal(str(path))} (FORMAT parquet)")
        con.close()
    return path


def study_of(table: Table, path: Path) -> Path:
    file = path.with_suffix(".yaml")
    file.write_text(yaml.safe_dump({"study": "s", "data": path.name, **table.study}, allow_unicode=True), encoding="utf-8")
    return file


def outcome(table: Table, kind: str) -> tuple[str, float | None, str]:
    """(right, refused, wrong, fault; the number; the line)."""
    with tempfile.TemporaryDirectory(prefix="hgdx-tables-") as folder:
        path = write(table, kind, Path(folder))
        try:
            p, _ = load_study(study_of(table, path), "en")
            panel = load_panel(p)
            found = float(estimate(study_design(panel, p), p.estimator).table.iloc[0]["estimate"])
        except InputError as error:
            return "refused", None, str(error)
        except Exception:
            return "fault", None, traceback.format_exc()[-600:]
    told = "; ".join(f"{reading.kind} {reading.said}" for reading in panel.readings)
    right = any(abs(found - truth) <= CLOSE for truth in table.truth)
    doubt = not table.truth or "units_alike" in told  # a loss, or names of one unit, that a reader sees
    return ("right" if right else "told" if doubt else "wrong"), found, told


def drawn(number: int, seed: int) -> tuple[Table, str, list[str]]:
    """Input `number` of a seed: (the table, its kind of file, how it was spoilt)."""
    rng = random.Random(f"{seed}/{number}")
    table = rng.choice([counts, level, share])(rng)
    ways = rng.sample(WAYS, rng.choice([1, 1, 2]))
    names = []
    for way in sorted(ways, key=lambda way: (way not in FIRST, way in LAST)):
        table = way(table, rng)
        names.append(getattr(way, "__qualname__", str(way)).split(".")[0])
    return table, rng.choice(table.kinds), names + list(table.done)


def fuzz(numbers: range, seed: int) -> tuple[collections.Counter, list[str]]:
    """(how many inputs ended how, what must not be)."""
    ends, findings = collections.Counter(), []
    for number in numbers:
        table, kind, names = drawn(number, seed)
        end, found, said = outcome(table, kind)
        ends[end] += 1
        if end in ("wrong", "fault"):
            findings.append(f"{number} {kind} {'+'.join(names)}: {end} {found} instead of {table.truth}: {said}")
    return ends, findings


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=5000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", default="random")
    parser.add_argument("--log", type=Path)
    given = parser.parse_args()
    seed = seed_of(given.seed)
    ends, findings = fuzz(range(given.first, given.first + given.inputs), seed)
    lines = [f"seed {seed}, {given.inputs} tables: " + ", ".join(f"{end} {count}" for end, count in sorted(ends.items())), *findings]
    (given.log.write_text("\n".join(lines) + "\n", encoding="utf-8") if given.log else print("\n".join(lines)))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
