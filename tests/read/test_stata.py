"""Stata's .dta: labels in place of their numbers, dates in ISO form, missing cells empty; spoilt files refused."""

import random

import numpy as np
import pandas as pd
import pytest
from opened import opened_table
from test_kinds import read

from hgdx_eval.base.errors import InputError
from hgdx_eval.read import stata
from hgdx_eval.read.database import TYPED
from hgdx_eval.read.tables import open_beginning

NAMES = ("unit", "day", "month", "half", "whole", "note")
WANTED = {name: (name,) for name in NAMES}


def made(path, version=118, rows=1):
    frame = pd.DataFrame({
        "unit": pd.Categorical(["Vị Thủy", "Long Mỹ", None] * rows), "day": [pd.Timestamp("2023-07-15"), pd.NaT, pd.Timestamp("2024-02-29")] * rows,
        "month": [pd.Timestamp("2023-07-01")] * 3 * rows, "half": np.array([0.1, np.nan, 2.5] * rows, "float32"), "whole": [93.0, np.nan, 1e6] * rows,
        "note": ["Hồ sơ", "", "x"] * rows,
    })  # fmt: skip
    frame.to_stata(path, write_index=False, version=version, convert_dates={"day": "td", "month": "tm"})
    return path


@pytest.mark.parametrize("version", [118, 119])
def test_cells_come_out_as_people_see_them(tmp_path, monkeypatch, version):
    monkeypatch.setattr(stata, "ROWS", 2)
    path = made(tmp_path / "a.dta", version)
    expected = [["Vị Thủy", "2023-07-15", "2023-07-01", "0.1", "93", "Hồ sơ"], ["Long Mỹ", None, "2023-07-01", None, None, None],
                [None, "2024-02-29", "2023-07-01", "2.5", "1000000", "x"]]  # fmt: skip
    assert read(path, WANTED) == (expected, ())
    assert read(path, {"half": ("half",), "unit": ("unit",)}, typed=True)[0] == [
        [f"0.1{TYPED}", "Vị Thủy"],
        [None, "Long Mỹ"],
        [f"2.5{TYPED}", None],
    ]
    assert open_beginning(path, []).rows[0] == list(NAMES)


def test_old_versions_in_ascii(tmp_path):
    for version in (114, 117):
        pd.DataFrame({"unit": ["a", "b"], "n": [1, 2]}).to_stata(tmp_path / "a.dta", write_index=False, version=version)
        assert read(tmp_path / "a.dta", {"unit": ("unit",), "n": ("n",)})[0] == [["a", "1"], ["b", "2"]]


@pytest.mark.parametrize("seed", range(12))
def test_a_spoilt_file_ends_in_an_answer_or_in_one_line(tmp_path, seed):
    data, drawn = bytearray(made(tmp_path / "a.dta", rows=20).read_bytes()), random.Random(seed)
    if seed % 3 == 0:
        del data[drawn.randrange(200, len(data)) :]
    for _ in range(drawn.choice([1, 10, 200])):
        data[drawn.randrange(len(data))] = drawn.randrange(256)
    (tmp_path / "a.dta").write_bytes(data)
    try:
        assert opened_table(tmp_path / "a.dta", WANTED)[0].rows >= 0
    except InputError as error:
        assert str(error).startswith("a.dta: ") and "\n" not in str(error)


def test_a_file_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(stata, "BYTES", 10)
    with pytest.raises(InputError, match="a.dta: larger than 0 MB"):
        opened_table(made(tmp_path / "a.dta"), WANTED)
