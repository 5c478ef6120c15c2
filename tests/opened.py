"""A file read as `open_table` reads it."""

from collections.abc import Iterator
from pathlib import Path

from hgdx_eval.read.database import RawTable
from hgdx_eval.read.kinds import kind_of
from hgdx_eval.read.sheets import choose, untyped
from hgdx_eval.read.tables import open_table
from hgdx_eval.read.workbooks import workbook_sheets


def opened_table(
    path: Path, wanted: dict[str, tuple[str, ...]], sql: str = "SELECT * FROM raw ORDER BY row"
) -> tuple[RawTable, list[tuple]]:
    """(the table, what `sql` finds in it); its database is closed."""
    with open_table(path, wanted) as raw:
        return raw, raw.con.sql(sql).fetchall()


def sheet_rows(path: Path) -> Iterator[list[str]]:
    """The rows of a workbook's first sheet with anything in it, as text."""
    yield from untyped(choose(path, workbook_sheets(path, kind_of(path)), {}).read[0].sheet.rows())
