"""A file read as `open_table` reads it."""

from pathlib import Path

from hgdx_eval.read.database import RawTable
from hgdx_eval.read.tables import open_table


def opened_table(
    path: Path, wanted: dict[str, tuple[str, ...]], sql: str = "SELECT * FROM raw ORDER BY row"
) -> tuple[RawTable, list[tuple]]:
    """(the table, what `sql` finds in it); its database is closed."""
    with open_table(path, wanted) as raw:
        return raw, raw.con.sql(sql).fetchall()
