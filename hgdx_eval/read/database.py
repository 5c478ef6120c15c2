"""The database that reads a table, in memory up to a limit and in a private folder beyond it."""

from dataclasses import dataclass
from pathlib import Path

import duckdb

from .readings import Reading

TYPED = "\x02"
MEMORY = "400MB"  # of a database; what does not fit is spilled into a private folder


@dataclass(frozen=True)
class RawTable:
    """Asked-for columns as text, in a DuckDB connection of its own that `open_table` closes.

    Relation `raw`: `row` (row number in the file, the header's row counted) and one VARCHAR column per found name.
    `broken`: row numbers of lines that do not fit the header. A number that the file holds as a number, not as text, bears `TYPED` behind
    it where `open_table` was asked to mark them: 1.234 is then no thousand.
    """

    con: duckdb.DuckDBPyConnection
    header: tuple[str, ...]
    columns: tuple[str, ...]  # the names found
    rows: int
    broken: tuple[int, ...]
    decimal_comma: bool  # semicolon-separated text: 0,5 is a half
    readings: tuple[Reading, ...] = ()  # how the file was understood where it could have been meant otherwise
    sheets: tuple[str, ...] = ()  # names of the sheets that the table was put together from
    filled: frozenset[str] = frozenset()  # columns in which a number of a cell merged over several rows stands in all of them


def connect(*files: Path, folder: Path | None = None) -> duckdb.DuckDBPyConnection:
    """An in-memory database that loads and fetches nothing and touches only the named files and, for what does not fit into
    `MEMORY`, the private folder; without one (for few rows) it writes nothing besides."""
    con = duckdb.connect(config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false",
                                 "memory_limit": MEMORY, "temp_directory": str(folder / "spill") if folder else ""})  # fmt: skip
    con.execute(f"SET allowed_paths = [{', '.join(literal(str(file)) for file in files)}]")
    con.execute(f"SET allowed_directories = [{literal(str(folder)) if folder else ''}]")
    con.execute("SET enable_external_access = false")
    con.execute("SET lock_configuration = true")
    return con


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def nfc(column: str) -> str:
    """SQL of a text in NFC; without NUL, behind which the database's function would lose the rest."""
    return f"nfc_normalize(replace({column}, chr(0), ''))"


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def shape_sql(column: str) -> str:
    """The same as `shape_of` in SQL, of a text that is not blank."""
    digits = f"length(regexp_replace({column}, '[^0-9]', '', 'g'))"
    return (f"CASE WHEN regexp_full_match({column}, '[0-9.,\\s/:-]+') THEN 'number of ' || {digits} || ' digits' "
            f"ELSE 'text of ' || length({column}) || ' characters' END")  # fmt: skip
