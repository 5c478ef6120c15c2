"""Where a table came from: travels with it to the figure's source line and the receipt."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from .machine import reading

SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".xls", ".ods", ".parquet", ".json", ".ndjson", ".jsonl", ".dta", ".gz", ".zip")
# of files that can be read, packed ones of the same kinds


@dataclass(frozen=True)
class Origin:
    """One input file, without folder, user or host."""

    file: str  # file name only
    sha256: str  # of the bytes as received
    rows: int  # data rows in the file, headers and totals not counted
    layout: str  # name of the reader
    simulated: bool  # True where the data say they are made up

    @property
    def short_hash(self) -> str:
        return self.sha256[:8]


def sha256_of(path: Path) -> str:
    """Hex SHA-256 of a file's bytes, read in blocks. Raises InputError where it may not be read."""
    with reading(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
