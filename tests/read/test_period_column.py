"""Periods as people write them: the column decides which order its days and months have."""

from datetime import date, timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hgdx_eval.base import periods
from hgdx_eval.base.errors import InputError
from hgdx_eval.base.periods import written
from hgdx_eval.read.period_column import Asked, read_periods

MONTHS = [(2022 + (6 + t) // 12, (6 + t) % 12 + 1) for t in range(24)]
TODAY = date(2026, 6, 1)


def read(texts: list[str], frequency: str = "M", zone: str | None = None, form: str | None = None) -> list[str]:
    with periods.on(TODAY):
        found, _ = read_periods(
            pd.Series(texts, dtype=object), pd.Series(range(2, 2 + len(texts))), Asked("a.csv", "ky", frequency, zone, form)
        )
    return [written(pd.Period(ordinal=time, freq=frequency)) for time in found["time"]]


@pytest.mark.parametrize(
    "form",
    ["{y}-{m:02}", "{y}/{m}", "{y}.{m:02}", "{m:02}/{y}", "{m}-{y}", "{m:02}.{y}", "{y}M{m:02}", "{y}-M{m}", "{y}{m:02}", "{m:02}{y}", "T{m}/{y}",
     "Tháng {m}/{y}", "tháng {m:02} năm {y}", "THÁNG {m}-{y}", "{n} {y}", "{n}-{y}", "{n}-{y2:02}", "{y} {n}", "{full} {y}", "01/{m:02}/{y}", "{m}/1/{y}",
     "{m:02}-01-{y}", "01.{m:02}.{y}", "1/{m}/{y2:02}", "{m}/1/{y2:02}", "{y}/{m:02}/01", "{y}-{m:02}-01 00:00:00", "{y}{m:02}01", "01{m:02}{y}", "1 {n} {y}",
     "{n} 1, {y}", "Ngày 01 tháng {m:02} năm {y}", "{serial}", "{last}/{m:02}/{y}", "01/{m:02}/{y} 00:00", "{y}-{m:02}-01T00:00:00.000"],
)  # fmt: skip
def test_months_are_read_in_every_form(form):
    texts = [form.format(y=y, m=m, y2=y % 100, n=date(y, m, 1).strftime("%b"), full=date(y, m, 1).strftime("%B"),
                         serial=(date(y, m, 1) - date(1899, 12, 30)).days, last=(date(y + m // 12, m % 12 + 1, 1) - timedelta(days=1)).day)
             for y, m in MONTHS]  # fmt: skip
    assert read(texts) == [f"{y}-{m:02}" for y, m in MONTHS]


@pytest.mark.parametrize(
    ("text", "frequency", "right"),
    [
        ("2023Q3", "Q", "2023Q3"), ("Q3/2023", "Q", "2023Q3"), ("Quý III/2023", "Q", "2023Q3"), ("quý 3 năm 2023", "Q", "2023Q3"),
        ("2023K3", "Q", "2023Q3"), ("Năm 2023", "Y", "2023"), ("2023.0", "Y", "2023"), ("2023 (sơ bộ)", "Y", "2023"), ("Prel. 2023", "Y", "2023"),
        ("2023*", "Y", "2023"), ("2023p", "Y", "2023"), ("2,023", "Y", "2023"),
        ("2023-W10", "W", "2023-W10"), ("Tuần 10/2023", "W", "2023-W10"), ("2023-03-08", "W", "2023-W10"), ("2021-01-03", "W", "2020-W53"),
        ("week 10 of 2023", "W", "2023-W10"), ("W10 2023", "W", "2023-W10"),
        ("8/3/2023", "D", None), ("13/3/2023", "D", "2023-03-13"),
    ],
)  # fmt: skip
def test_other_frequencies(text, frequency, right):
    if right is None:
        with pytest.raises(InputError, match="can be read as"):
            read([text], frequency)
    else:
        assert read([text], frequency) == [right]


@pytest.mark.parametrize(
    ("texts", "match"),
    [
        (["05/07/2023", "06/08/2023"], "day/month/year and as month/day/year"),
        (["13/07/2023", "07/13/2023"], "no one order"),
        (["2022-07", "2565-07"], "Buddhist"),
        (["2023-07", "2093-07"], "has not begun"),
        (["2023-07", "2023"], "is a year, but the frequency is M"),
        (["2023-07", "2019-2020"], "span of years"),
        (["2023-07-01T00:00:00Z"], "time_zone"),
        (["1688144400000"], "time_zone"),
        (["44743", "44760"], "1900 or from 1904"),
        (["2023-13"], "not a period"),
        (["2023-07-03 00:00:00", "2023-07-05 00:00:00", "13/07/2023", "25/07/2023"], "took days for months"),
        (["Nguyễn Văn A"], "text of 12 characters"),
    ],
)
def test_what_is_no_period_or_allows_two_is_refused(texts, match):
    with pytest.raises(InputError, match=match):
        read(texts)


def test_stamps_are_days_of_the_stated_zone_whatever_the_machines(monkeypatch):
    import time

    for zone in ("America/Los_Angeles", "Asia/Tokyo"):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        assert read(["2022-06-30T17:00:00Z", "2022-07-31T17:00:00Z"], zone="Asia/Ho_Chi_Minh") == ["2022-07", "2022-08"]
        assert read(["2022-07-01T00:30:00+07:00"], zone="Asia/Ho_Chi_Minh") == ["2022-07"]
        assert read(["1656608400000"], zone="Asia/Ho_Chi_Minh") == ["2022-07"]
        assert read(["2022-06-30T17:00:00Z"], zone="UTC") == ["2022-06"]


def test_another_columns_form_helps_one_that_does_not_say():
    assert read(["07/01/2023"], form="month/day/year") == ["2023-07"]


@given(
    st.lists(st.dates(date(2001, 1, 1), date(2025, 12, 31)), min_size=1, max_size=30),
    st.sampled_from(["%d/%m/%Y", "%m/%d/%Y", "%d-%m-%y", "%m.%d.%Y"]),
)
def test_days_are_never_another_month(days, form):
    """Either every day is right, or the column is refused."""
    try:
        found = read([day.strftime(form) for day in days])
    except InputError:
        return
    assert found == [f"{day:%Y-%m}" for day in days] or only_firsts(days, form)


def only_firsts(days: list[date], form: str) -> bool:
    """Days that are all the first (or last) of a month in the other order too: nobody could tell them apart."""
    order = "%d/%m/%Y" if form.startswith("%m") else "%m/%d/%Y"
    turned = [
        pd.to_datetime(
            day.strftime(form).replace("-", "/").replace(".", "/"),
            format=order.replace("%Y", "%y" if "%y" in form else "%Y"),
            errors="coerce",
        )
        for day in days
    ]
    return all(day is not pd.NaT and (day.day == 1 or (day + timedelta(days=1)).day == 1) for day in turned)


def test_a_period_by_itself_is_refused_and_a_baseline_is_not():
    months = [f"{y}-{m:02}" for y, m in MONTHS]
    with pytest.raises(InputError, match=r"a\.csv: row 26, column 'ky': 1900-01 lies farther"):
        read([*months * 4, "1900-01"][-25:] + months * 3)
    years = ["1990", "2010", "2011", "2012"]
    assert read(years * 3, "Y") == years * 3  # a wave of its own, with as many rows as the others
    assert read(["2023-01", "2023-02"] * 2) == ["2023-01", "2023-02"] * 2
