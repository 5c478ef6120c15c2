from datetime import date

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hgdx_eval.base.errors import InputError
from hgdx_eval.base.periods import first_whole_period, is_never, parse_period, period_of, told_span, written, written_all, year_of


@pytest.mark.parametrize(
    ("text", "frequency", "expected"),
    [
        (2011, "Y", "2011"), ("2011", "Y", "2011"), ("2011.0", "Y", "2011"), ("2011-07", "M", "2011-07"),
        ("202307", "M", "2023-07"), (202307, "M", "2023-07"), ("7/2023", "M", "2023-07"), ("2011Q3", "Q", "2011Q3"),
        ("Q32011", "Q", "2011Q3"), ("2011-Q3", "Q", "2011Q3"), ("2011-07-15", "Q", "2011Q3"),
        ("15/07/2023", "M", "2023-07"), ("2023-07-15 08:30:00", "M", "2023-07"), (pd.Timestamp("2023-07-15"), "Y", "2023"),
        ("20230715", "M", "2023-07"), ("202307", "Q", "2023Q3"), ("2023-W10", "W", "2023-03-06"), ("W10/2023", "W", "2023-03-12"),
        ("2020w53", "W", "2021-01-03"), ("2023-03-08", "W", "2023-03-06"), ("13/3/2023", "D", "2023-03-13"), ("20230313", "D", "2023-03-13"),
    ],
)  # fmt: skip
def test_every_spelling_of_the_contract_is_understood(text, frequency, expected):
    assert parse_period(text, frequency, "f") == pd.Period(expected, freq=frequency)


@pytest.mark.parametrize(("text", "frequency"), [("2011", "M"), ("2011Q3", "M"), ("2011", "Q"), ("thg 7", "M"),
                                                 ("", "Y"), ("2011-13", "M"), ("2011-07", "W"), ("2023-W10", "D"), ("2023-W10", "M"), ("2023-W53", "W"), ("2023-W00", "W"), ("31/02/2023", "M"), ("99", "Y")])  # fmt: skip
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


@given(st.sampled_from("DWMQY"), st.dates(min_value=date(1900, 1, 1), max_value=date(2199, 12, 31)), st.integers(1, 400))
def test_a_written_period_is_read_back_and_sorts_as_periods_do(frequency, day, steps):
    period = pd.Period(pd.Timestamp(day), freq=frequency)
    assert period_of(written(period)) == period == parse_period(written(period), frequency, "f")
    assert (written(period) < written(period + steps)) and "/" not in written(period)


@given(st.dates(min_value=date(1950, 1, 1), max_value=date(2150, 12, 31)))
def test_a_week_is_that_of_the_iso_calendar(day):
    year, week, _ = day.isocalendar()
    period = pd.Period(pd.Timestamp(day), freq="W")
    assert written(period) == f"{year}-W{week:02}" and year_of(period) == year


@pytest.mark.parametrize("text", ["2023-03-06/2023-03-12", "2023-W54", "W10", "2023-3", "", "2023-02-30"])
def test_what_was_never_written_is_not_read_back(text):
    with pytest.raises(InputError, match="is not a period"):
        period_of(text)


def test_a_column_of_weeks_keeps_its_index():
    weeks = pd.Series(pd.PeriodIndex(["2023-03-06", "2023-03-13", "2023-03-06"], freq="W"), index=[5, 1, 3])
    assert written_all(weeks).to_dict() == {5: "2023-W10", 1: "2023-W11", 3: "2023-W10"}
    assert told_span(weeks) == "2 weeks, 2023-W10 to 2023-W11"


def test_a_policy_in_force_from_midweek_counts_from_the_next_week():
    assert written(first_whole_period(date(2023, 3, 6), "W")) == "2023-W10"
    assert written(first_whole_period(date(2023, 3, 7), "W")) == "2023-W11"
    assert written(first_whole_period(date(2023, 3, 7), "D")) == "2023-03-07"
