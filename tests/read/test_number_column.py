"""Numbers as people write them: the column decides, and one that allows two readings is refused."""

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hgdx_eval.base.errors import InputError
from hgdx_eval.read.database import TYPED
from hgdx_eval.read.number_column import NumberColumn, read_numbers, read_truth, suspected_codes


def read(texts: list[str], mark: str | None = None, **about) -> list[float]:
    cells = pd.Series(texts, dtype=object)
    values, _ = read_numbers({"v": (cells, NumberColumn("a.csv", "so", **about))}, pd.Series(range(2, 2 + len(texts))), mark)
    return values["v"].tolist()


def kinds(texts: list[str], **about) -> set[str]:
    cells = pd.Series(texts, dtype=object)
    _, readings = read_numbers({"v": (cells, NumberColumn("a.csv", "so", **about))}, pd.Series(range(2, 2 + len(texts))), None)
    return {reading.kind for reading in readings}


@pytest.mark.parametrize(
    ("texts", "about", "right"),
    [
        (["1.5", "2.25", "1.234"], {}, [1.5, 2.25, 1.234]),
        (["1,5", "2,25", "1,234"], {}, [1.5, 2.25, 1.234]),
        (["0.123", "1.234"], {}, [0.123, 1.234]),
        (["1.234,5", "1.234"], {}, [1234.5, 1234.0]),
        (["1,234.5", "1,234"], {}, [1234.5, 1234.0]),
        (["1.234.567", "1.234"], {}, [1234567.0, 1234.0]),
        (["800", "2.400"], {"count": True}, [800.0, 2400.0]),
        (["800", "2,400"], {"count": True}, [800.0, 2400.0]),
        (["1,234", "2,345"], {"semicolons": True}, [1.234, 2.345]),
        (["1\u00a0000", "2\u202f500", "12 345 678"], {}, [1000.0, 2500.0, 12345678.0]),
        (["1'000", "2_500"], {}, [1000.0, 2500.0]),
        (["１２３", "４５"], {}, [123.0, 45.0]),
        (["30,5%", "7,25 %"], {"share": True}, [0.305, 0.0725]),
        (["30,5%", "7,25%"], {}, [30.5, 7.25]),
        (["10 đ", "25 đ"], {}, [10.0, 25.0]),
        (["\u22125.5", "+2.5"], {}, [-5.5, 2.5]),
        (["1.234" + TYPED, "800" + TYPED], {}, [1.234, 800.0]),
        (["1e+05", "2.5e-3"], {}, [100000.0, 0.0025]),
    ],
)
def test_a_column_is_read_as_it_is_meant(texts, about, right):
    assert read(texts, **about) == pytest.approx(right)


@pytest.mark.parametrize(
    ("texts", "about", "match"),
    [
        (["1.234", "2.345"], {}, "can be read as"),
        (["1,234", "2,345"], {}, "can be read as"),
        (["2.000", "3.000"], {"count": True}, "can be read as"),
        (["1500", "2.400"], {"count": True}, "can be read as"),
        (["1.5", "1,5"], {}, "decimal mark"),
        (["1.5", "1.234,5"], {}, "decimal mark"),
        (["30%", "0.3"], {"share": True}, "one column has one unit"),
        (["10 đ", "25"], {}, "one column has one unit"),
        (["10 triệu", "12 triệu"], {"count": True}, "counts are needed"),
        (["1E+05", "2E+05"], {}, "rounded by a spreadsheet"),
        (["5", "#DIV/0!"], {}, "error value"),
        (["5", "45³"], {}, "bears a unit"),  # a raised figure is a footnote's
        (["4½", "45½"], {}, "not a finite number"),
        (["5-", "6-"], {}, "not a finite number"),  # the minus is no unit of all cells
        (["<5", "<6"], {}, "not a finite number"),
        (["5", "0x10"], {}, "not a finite number"),
        (["5", "1e999"], {}, "not a finite number"),
        (["5", "Nguyễn Văn A"], {}, "text of 12 characters"),
    ],
)
def test_what_allows_two_readings_or_none_is_refused_with_its_row(texts, about, match):
    with pytest.raises(InputError, match=match) as error:
        read(texts, **about)
    assert "a.csv: " in str(error.value)
    assert "'so'" in str(error.value)


def test_the_study_or_another_column_may_say_what_one_column_does_not():
    assert read(["1.234", "2.345"], ".") == [1.234, 2.345]
    assert read(["1.234", "2.345"], ",") == [1234.0, 2345.0]
    rows = pd.Series([2, 3])
    two = {"a": (pd.Series(["1.234", "2.345"], dtype=object), NumberColumn("a.csv", "a")),
           "b": (pd.Series(["0,5", "1,25"], dtype=object), NumberColumn("a.csv", "b"))}  # fmt: skip
    values, _ = read_numbers(two, rows, None)
    assert values["a"].tolist() == [1234.0, 2345.0]


def test_marks_of_nothing_are_missing_and_told():
    values = read(["1.5", "-", "..", "…", "x", "", "n/a"])
    assert values[0] == 1.5
    assert all(map(math.isnan, values[1:]))
    assert "missing_marks" in kinds(["1.5", "-"])
    assert kinds(["1.5", "", "2"]) == set()


@given(st.lists(st.integers(1, 999_999_999), min_size=2, max_size=20), st.sampled_from([".", ",", " ", "\u00a0", "'"]))
def test_counts_with_parted_thousands_are_never_another_number(numbers, mark):
    """Either every count is right, or the column is refused."""
    try:
        found = read([f"{number:,}".replace(",", mark) for number in numbers], count=True)
    except InputError:
        return
    assert found == [float(number) for number in numbers]


@given(st.lists(st.decimals(-9999, 9999, places=3), min_size=1, max_size=20), st.sampled_from([".", ","]), st.integers(0, 3))
def test_decimals_are_never_another_number(numbers, mark, places):
    texts = [f"{number:.{places}f}" for number in numbers]
    try:
        found = read([text.replace(".", mark) for text in texts])
    except InputError:
        return
    assert found == [float(text) for text in texts]


@pytest.mark.parametrize(
    ("words", "right"),
    [
        (["1", "0", "1.0"], [1, 0, 1]), (["TRUE", "false", "TRUE"], [1, 0, 1]), (["Có", "Không", "có"], [1, 0, 1]),
        (["x", "", "X"], [1, 0, 1]), (["✓", "", "✓"], [1, 0, 1]), (["yes", "NO", "Y"], [1, 0, 1]), (["1" + TYPED, "0" + TYPED, "1"], [1, 0, 1]),
    ],
)  # fmt: skip
def test_a_column_of_treatment_may_be_words(words, right):
    values, _ = read_truth(pd.Series(words, dtype=object), pd.Series([2, 3, 4]), NumberColumn("a.csv", "t"))
    assert values.tolist() == right


@pytest.mark.parametrize("words", [["1", "2"], ["x", "0"], ["có", "maybe"], ["0.5", "1"]])
def test_other_words_are_refused(words):
    with pytest.raises(InputError, match="row 3|row 2"):
        read_truth(pd.Series(words, dtype=object), pd.Series([2, 3]), NumberColumn("a.csv", "t"))


@pytest.mark.parametrize(
    ("numbers", "codes"),
    [
        ([3, 4, -999, 5], [-999]), ([3, 4, -9, -9], [-9]), ([3, 4, -9], []), ([-3, 4, -9, -9], []), ([3, 12, 99, 7], [99]), ([88, 70, 90, 99], []),
        ([100, 4000, 9999], []), ([0.2, 0.3, 9999, -8888], [9999, -8888]), ([7.5, 99.5], []), ([999.0, 999.0], []), ([], []),
    ],
)  # fmt: skip
def test_numbers_that_stand_for_nothing_are_suspected(numbers, codes):
    assert suspected_codes(pd.Series(numbers, dtype=float)) == codes
