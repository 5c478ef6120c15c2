import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hgdx_eval.base.errors import InputError
from hgdx_eval.base.periods import first_whole_period, is_never, parse_period


@pytest.mark.parametrize(
    ("text", "frequency", "expected"),
    [
        (2011, "Y", "2011"), ("2011", "Y", "2011"), ("2011.0", "Y", "2011"), ("2011-07", "M", "2011-07"),
        ("202307", "M", "2023-07"), (202307, "M", "2023-07"), ("7/2023", "M", "2023-07"), ("2011Q3", "Q", "2011Q3"),
        ("Q32011", "Q", "2011Q3"), ("2011-Q3", "Q", "2011Q3"), ("2011-07-15", "Q", "2011Q3"),
        ("15/07/2023", "M", "2023-07"), ("2023-07-15 08:30:00", "M", "2023-07"), (pd.Timestamp("2023-07-15"), "Y", "2023"),
        ("20230715", "M", "2023-07"), ("202307", "Q", "2023Q3"),
    ],
)  # fmt: skip
def test_every_spelling_of_the_contract_is_understood(text, frequency, expected):
    assert parse_period(text, frequency, "f") == pd.Period(expected, freq=frequency)


@pytest.mark.parametrize(("text", "frequency"), [("2011", "M"), ("2011Q3", "M"), ("2011", "Q"), ("thg 7", "M"),
                                                 ("", "Y"), ("2011-13", "M"), ("31/02/2023", "M"), ("99", "Y")])  # fmt: skip
def test_what_is_no_period_or_too_coarse_is_refused_with_its_place(text, frequency):
    with pytest.raises(InputError, match=r"data\.csv: row 3"):
        parse_period(text, frequency, "data.csv: row 3")


@given(st.integers(1990, 2090), st.integers(1, 12))
def test_all_spellings_of_a_month_agree(year, month):
    spellings = [f"{year}-{month:02d}", f"{year}{month:02d}", f"{month}/{year}", f"{year}-{month:02d}-09", f"09/{month}/{year}"]
    assert {parse_period(text, "M", "f") for text in spellings} == {pd.Period(year=year, month=month, freq="M")}


def test_a_start_on_the_first_counts_and_a_later_one_does_not():
    assert str(first_whole_period(pd.Timestamp("2023-08-01").date(), "M")) == "2023-08"
    assert str(first_whole_period(pd.Timestamp("2023-08-02").date(), "M")) == "2023-09"
    assert str(first_whole_period(pd.Timestamp("2023-07-01").date(), "Y")) == "2024"


@pytest.mark.parametrize("text", [None, "", "0", 0, "inf", float("inf"), float("nan"), "never"])
def test_never_treated_is_written_in_many_ways(text):
    assert is_never(text)
    assert not is_never("2023-08")
