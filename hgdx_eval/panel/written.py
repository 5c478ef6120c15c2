"""A panel's rows as a file of the kind that its ending names, for this kit and for others."""

import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import pandas as pd

from ..base.errors import InputError
from ..base.safe_text import FORMULA, harmless
from ..read.database import connect, literal, quoted

MADE = datetime(2000, 1, 1)  # what a workbook and Stata's file say of their making: of two equal panels the same
SHEET_ROWS = 1_048_575  # below the header
STATA_TEXT = 2045  # bytes of a text that is no strL
Writer = Callable[[pd.DataFrame, dict[str, str], BinaryIO, Path], None]  # rows, what the file says of itself, the file, a private folder


def writer_of(out: Path) -> Writer:
    """How a file of that name is written. Raises InputError for an ending that is none of `WRITERS`."""
    if (ending := out.suffix.lower()) not in WRITERS:
        raise InputError(f"{out.name}: the ending says what is written, found {ending or 'none'}; allowed: {', '.join(WRITERS)}")
    return WRITERS[ending]


def as_parquet(rows: pd.DataFrame, about: dict[str, str], file: BinaryIO, folder: Path) -> None:
    made = folder / "panel.parquet"
    columns = ", ".join(quoted(column) for column in rows.columns)
    said = ", ".join(f"{name}: {literal(text)}" for name, text in about.items())
    with connect(folder=folder) as con:
        con.register("cells", rows)
        con.execute(f"COPY (SELECT {columns} FROM cells) TO {literal(str(made))} (FORMAT parquet, KV_METADATA {{{said}}})")
    with made.open("rb") as source:
        shutil.copyfileobj(source, file)


def as_csv(rows: pd.DataFrame, about: dict[str, str], file: BinaryIO, folder: Path) -> None:
    """UTF-8, comma and decimal point; no text that a spreadsheet would take for a formula. There is no place for `about`."""
    texts = {name: rows[name].map(harmless) for name in text_columns(rows)}
    file.write(rows.assign(**texts).to_csv(index=False, lineterminator="\n").encode())


def as_xlsx(rows: pd.DataFrame, about: dict[str, str], file: BinaryIO, folder: Path) -> None:
    """One sheet, texts as texts, numbers as numbers."""
    import xlsxwriter

    if len(rows) > SHEET_ROWS:
        raise InputError(f"the panel has more rows than the {SHEET_ROWS:,} of a sheet; allowed here: .parquet, .csv, .dta")
    options = {"constant_memory": True, "tmpdir": str(folder), "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(file, options) as book:
        book.set_properties({"comments": told(about), "created": MADE})
        page, guarded = book.add_worksheet("panel"), book.add_format({"quote_prefix": True})
        page.write_row(0, 0, list(rows.columns))
        for at, row in enumerate(rows.itertuples(index=False), start=1):
            for column, cell in enumerate(row):
                if isinstance(cell, str):
                    page.write_string(at, column, cell, guarded if FORMULA.match(cell) else None)
                elif isinstance(cell, bool):
                    page.write_boolean(at, column, cell)
                elif not pd.isna(cell):
                    page.write_number(at, column, cell)


def as_stata(rows: pd.DataFrame, about: dict[str, str], file: BinaryIO, folder: Path) -> None:
    """Version 118 (Stata 14 and newer, UTF-8)."""
    texts = text_columns(rows)
    numbers = {name: rows[name].astype("float64") for name in rows.columns if pd.api.types.is_extension_array_dtype(rows[name].dtype)
               and name not in texts}  # fmt: skip
    long = [name for name in texts if rows[name].str.encode("utf-8").str.len().max() > STATA_TEXT]
    rows.assign(**numbers, **{name: rows[name].fillna("").astype(object) for name in texts}).to_stata(
        file, write_index=False, version=118, time_stamp=MADE, data_label=told(about), convert_strl=long
    )  # fmt: skip


def text_columns(rows: pd.DataFrame) -> list[str]:
    return [name for name in rows.columns if pd.api.types.is_string_dtype(rows[name]) or rows[name].dtype == object]


def told(about: dict[str, str]) -> str:
    return "; ".join(f"{name}: {text}" for name, text in about.items())


WRITERS: dict[str, Writer] = {".parquet": as_parquet, ".csv": as_csv, ".xlsx": as_xlsx, ".dta": as_stata}
