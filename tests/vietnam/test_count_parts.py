"""Counts in parts are the counts of the whole: to the last count, reason and example row."""

import pickle
from pathlib import Path

import pandas as pd
import pytest

from hgdx_eval.base.errors import InputError
from hgdx_eval.read.spool import secrets_of_process
from hgdx_eval.vietnam.count_dossiers import count_dossiers
from hgdx_eval.vietnam.count_parts import TOLD, Order, added_up, body_of, check_files, count_part, read_part, told_sums
from hgdx_eval.vietnam.made_up_world import simulate


def in_parts(paths, date_column="received", details=(), before=None, shares=3):
    """`count_dossiers` by parts, one after the other."""
    files = [*paths, *details]
    order = Order(len(paths), shares, secrets_of_process(), date_column, before)
    pieces = [piece for number, path in enumerate(files) for piece in read_part(path, number, order)]
    read = [pickle.loads(piece.content) for piece in pieces if piece.share == TOLD]
    check_files(read, files)
    told, body = told_sums(read, order), body_of(read)
    parts = [count_part([p for p in reversed(pieces) if p.share == share], order, told, body) for share in range(shares)]
    return added_up(parts, read, order, told)


def same(left, right):
    pd.testing.assert_frame_equal(left.cells, right.cells, check_dtype=False)
    pd.testing.assert_frame_equal(left.unread, right.unread, check_dtype=False)
    for name in ("payments", "payments_left_out", "date_forms", "noted", "readings"):
        assert getattr(left, name) == getattr(right, name)


@pytest.fixture(scope="module")
def two_lists(tmp_path_factory) -> list[Path]:
    """A list in two files that overlap in a tenth of their rows."""
    folder = tmp_path_factory.mktemp("lists")
    simulate(folder / "all.csv", seed=3, dossiers=4000)
    header, *rows = (folder / "all.csv").read_text(encoding="utf-8").splitlines()
    for name, part in (("a.csv", rows[:2200]), ("b.csv", rows[1800:])):
        (folder / name).write_text("\n".join([header, *part, "x," * 60 + "x"]) + "\n", encoding="utf-8")
    return [folder / "a.csv", folder / "b.csv", folder / "all.csv.payments.csv"]


def test_overlapping_files_with_payments(two_lists):
    whole = count_dossiers(two_lists[:2], details=two_lists[2:])
    assert {"duplicate_elsewhere", "duplicate", "broken_row"} <= set(whole.cells["reason"].dropna()) and whole.payments
    same(in_parts(two_lists[:2], details=two_lists[2:]), whole)


def test_every_file_that_is_refused_is_named(two_lists, tmp_path):
    for name in ("x.csv", "y.csv"):
        (tmp_path / name).write_text("so,khong\n1,2\n", encoding="utf-8")
    with pytest.raises(InputError) as refused:
        in_parts([two_lists[0], tmp_path / "x.csv", tmp_path / "y.csv"])
    assert str(refused.value).startswith("2 of 3 files cannot be read: x.csv: ") and " | y.csv: " in str(refused.value)
