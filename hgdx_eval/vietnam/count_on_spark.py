"""Dossier lists counted on Apache Spark: the parts of `count_parts`, a task each."""

import pickle
from collections.abc import Callable, Iterable
from datetime import date
from functools import partial
from pathlib import Path

from ..read.spark import by_share, read_files, session
from ..read.spool import secrets_of_process
from .count_dossiers import Counted
from .count_parts import TOLD, Order, Piece, ReadFile, added_up, body_of, check_files, count_part, read_part, told_sums

MOST_SHARES = 512


def counting_on_spark(master: str | None) -> Callable[[list[Path], str, Iterable[Path], date | None], Counted]:
    """`count_dossiers` of the same arguments and result, on a master (None: of Spark's own settings)."""
    return partial(count_on_spark, master)


def count_on_spark(
    master: str | None, paths: list[Path], date_column: str = "received", details: Iterable[Path] = (), before: date | None = None
) -> Counted:
    """Raises InputError as `count_dossiers` does, every file that is not understood named; RunFailed where the cluster does not finish."""
    files = [path.absolute() for path in (*paths, *details)]
    with session(master) as spark:
        shares = min(max(len(files), spark.sparkContext.defaultParallelism), MOST_SHARES)
        order = Order(len(paths), shares, secrets_of_process(), date_column, before)
        rows = read_files(spark, len(files), lambda number: (
            (piece.share, piece.file, piece.at, piece.content) for piece in read_part(files[number], number, order)))  # fmt: skip
        try:
            said = rows.filter(f"share = {TOLD}").orderBy("file").collect()
            read: list[ReadFile] = [pickle.loads(bytes(row["content"])) for row in said]
            check_files(read, files)
            told, body = told_sums(read, order), body_of(read)
            counted = by_share(rows, shares, lambda share, own: pickle.dumps(count_part((Piece(*row) for row in own), order, told, body)))
        finally:
            rows.unpersist()
    return added_up([pickle.loads(content) for content in counted], read, order, told)
