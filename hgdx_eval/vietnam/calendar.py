"""Working days and Tết, from the `holidays` package: Tết moves between January and February."""

import re
from functools import cache

import holidays
import numpy as np
import pandas as pd

TET = re.compile("tết|mùng|giao thừa")
SOLAR_NEW_YEAR = "dương lịch"


@cache
def vietnam(year: int) -> dict:
    """The public holidays of a year: day -> name, in Vietnamese."""
    return dict(holidays.country_holidays("VN", years=year, language="vi"))


@cache
def working_days(month: pd.Period) -> int:
    """Weekdays of a month that are no public holiday."""
    first, last = month.start_time.date(), (month + 1).start_time.date()
    return int(np.busday_count(first, last, holidays=sorted(vietnam(month.year))))


@cache
def tet_share(month: pd.Period) -> float:
    """Share (0-1) of a year's Tết holidays that fall into a month."""
    names = {day: name.lower() for day, name in vietnam(month.year).items()}
    tet = [day for day, name in names.items() if TET.search(name) and SOLAR_NEW_YEAR not in name]
    return sum(day.month == month.month for day in tet) / len(tet) if tet else 0.0
