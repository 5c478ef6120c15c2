"""Dossier lists as offices spoil them: kind -> what becomes of a simulated list, each by one function of its table of texts."""

import csv
import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from hgdx_eval.vietnam.made_up_world import simulate

DAY, SENT, DUE, DONE, RETURNED = "Ngày tiếp nhận", "Ngày gửi", "Ngày hẹn trả", "Ngày hoàn thành", "Ngày trả"
DATES = (DAY, SENT, DUE, DONE, RETURNED)
ONLINE, NUMBER, CODE, AGENCY = "Trực tuyến", "Mã hồ sơ", "Mã thủ tục", "Cơ quan thụ lý"
SINCE = pd.Timestamp("2023-08-01")
Spoil = Callable[[pd.DataFrame], pd.DataFrame]


@functools.cache
def drawn(folder: Path, dossiers: int = 3000) -> pd.DataFrame:
    """The valid rows of a simulated list, as text."""
    simulate(folder / "sound.csv", seed=5, dossiers=dossiers)
    table = pd.read_csv(folder / "sound.csv", dtype=str, keep_default_na=False)
    valid = table[~table[NUMBER].duplicated() & ~table[DAY].isin(["chưa rõ", "15/06/2099 09:00"])]
    return valid.reset_index(drop=True)


def write(table: pd.DataFrame, path: Path, fees: Path, encoding: str = "utf-8") -> Path:
    path.write_text(table.to_csv(index=False, lineterminator="\n", quoting=csv.QUOTE_MINIMAL), encoding=encoding)
    Path(f"{path}.fees.csv").write_bytes(fees.read_bytes())
    return path


def days(table: pd.DataFrame, column: str = DAY) -> pd.Series:
    return pd.to_datetime(table[column], format="%d/%m/%Y %H:%M")


def dated(form: str, columns: tuple[str, ...] = DATES, rows: Callable[[pd.Series], pd.Series] | None = None) -> Spoil:
    """Dates in another form, of all rows or of those that `rows` (of the days) chooses."""

    def spoil(table: pd.DataFrame) -> pd.DataFrame:
        table = table.copy()
        for column in columns:
            day = days(table, column)
            chosen = rows(day) if rows else pd.Series(True, table.index)
            table.loc[chosen, column] = day[chosen].dt.strftime(form)
        return table

    return spoil


def swapped(form: str, columns: tuple[str, ...] = DATES) -> Spoil:
    """Day and month swapped wherever the day is at most 12, as a spreadsheet of another country does; others stay text."""

    def spoil(table: pd.DataFrame) -> pd.DataFrame:
        table = table.copy()
        for column in columns:
            day = days(table, column)
            low = day.dt.day <= 12
            read = pd.to_datetime({"year": day.dt.year, "month": day.dt.day.where(low, 1), "day": day.dt.month}) + (
                day - day.dt.normalize()
            )
            table.loc[low, column] = read[low].dt.strftime(form)
        return table

    return spoil


def half(days: pd.Series) -> pd.Series:
    return pd.Series(np.arange(len(days)) % 2 == 0, days.index)


def tenth(days: pd.Series) -> pd.Series:
    return pd.Series(np.arange(len(days)) % 10 == 0, days.index)


def vietnamese_clock(table: pd.DataFrame) -> pd.DataFrame:
    table = table.copy()
    for column in DATES:
        day = days(table, column)
        table[column] = day.dt.strftime("%d/%m/%Y %I:%M:%S ") + np.where(day.dt.hour < 12, "SA", "CH")
    return table


def in_utc(mark: str, hours: int) -> Spoil:
    """Stamps with a zone: the same moments, told in another zone."""

    def spoil(table: pd.DataFrame) -> pd.DataFrame:
        table = table.copy()
        for column in DATES:
            table[column] = (days(table, column) + pd.Timedelta(hours=hours - 7)).dt.strftime("%Y-%m-%dT%H:%M:%S") + mark
        return table

    return spoil


def said(yes: str, no: str, since: pd.Timestamp | None = None) -> Spoil:
    """Other words in the column of the channel, from a day on."""

    def spoil(table: pd.DataFrame) -> pd.DataFrame:
        late = days(table) >= (since or pd.Timestamp(0))
        words = table[ONLINE].map({"Có": yes, "Không": no})
        return table.assign(**{ONLINE: table[ONLINE].mask(late, words)})

    return spoil


def numbers(spoil: Callable[[int], str]) -> Spoil:
    return lambda table: table.assign(**{NUMBER: [spoil(at) for at in range(len(table))]})


def codes(spoil: Callable[[str], str]) -> Spoil:
    return lambda table: table.assign(**{CODE: table[CODE].map(spoil)})


def rows_added(*rows: dict[str, str]) -> Spoil:
    """Further rows, at even places of the list."""

    def spoil(table: pd.DataFrame) -> pd.DataFrame:
        parts, step = [], len(table) // (len(rows) + 1)
        for at, row in enumerate(rows):
            parts += [table.iloc[at * step : (at + 1) * step], pd.DataFrame([{**dict.fromkeys(table.columns, ""), **row}])]
        return pd.concat([*parts, table.iloc[len(rows) * step :]], ignore_index=True)

    return spoil


def header_again(table: pd.DataFrame) -> pd.DataFrame:
    return rows_added(dict(zip(table.columns, table.columns)))(table)


def column_numbers(table: pd.DataFrame) -> pd.DataFrame:
    return rows_added({name: f"({at})" for at, name in enumerate(table.columns, start=1)})(table)


def stray(day: str, rows: int = 2) -> Spoil:
    """Further dossiers of one far day."""
    return lambda table: pd.concat([table, table.head(rows).assign(**{DAY: day, NUMBER: [f"LẠC-{at}" for at in range(rows)]})],
                                   ignore_index=True)  # fmt: skip


READ: dict[str, tuple[Spoil, str | None]] = {  # kind -> (spoil, the note that must be told); the right number is the sound list's
    "iso": (dated("%Y-%m-%d %H:%M:%S"), None),
    "iso_milliseconds": (dated("%Y-%m-%d %H:%M:%S.000"), None),
    "iso_seven_digits": (dated("%Y-%m-%d %H:%M:%S.0000000"), None),
    "vietnamese_clock": (vietnamese_clock, None),
    "english_clock": (dated("%d/%m/%Y %I:%M:%S %p"), None),
    "time_first": (dated("%H:%M, %d/%m/%Y"), None),
    "dots": (dated("%d.%m.%Y"), None),
    "dots_time": (dated("%d.%m.%Y %H:%M"), None),
    "slashes_year_first": (dated("%Y/%m/%d"), None),
    "dashes": (dated("%d-%m-%Y"), None),
    "half_iso": (dated("%Y-%m-%d %H:%M:%S", rows=half), None),
    "tenth_dots": (dated("%d.%m.%Y", rows=tenth), None),
    "zone_vietnam": (in_utc("+07:00", 7), "zone_converted"),
    "zone_utc": (in_utc("Z", 0), "zone_converted"),
    "zone_utc_offset": (in_utc("+0000", 0), "zone_converted"),
    "zone_behind": (in_utc("-05:30", -5.5), "zone_converted"),
    "month_first": (dated("%m/%d/%Y %H:%M"), "month_first"),
    "month_first_clock": (dated("%m/%d/%Y %I:%M:%S %p"), "month_first"),
    "two_digit_years": (dated("%d/%m/%y %H:%M"), "two_digit_years"),
    "two_digit_years_month_first": (dated("%m/%d/%y"), "month_first"),
    "full_service": (said("Trực tuyến toàn trình", "Trực tiếp", SINCE), None),
    "part_service": (said("Trực tuyến một phần", "Bưu chính công ích", SINCE), None),
    "yes_bracket": (said("Có (toàn trình)", "Không", SINCE), None),
    "level_4": (said("Mức 4", "Không", SINCE), None),
    "level_3": (said("Mức độ 3", "Không", SINCE), None),
    "yes_no": (said("Y", "N", SINCE), None),
    "tick": (said("✓", "", SINCE), "blank_online"),
    "cross": (said("x", ""), None),
    "one_zero": (said("1", "0"), None),
}
REFUSED: dict[str, tuple[Spoil, str]] = {  # kind -> (spoil, what the refusal says)
    "swapped_to_iso": (swapped("%Y-%m-%d %H:%M:%S"), "Ngày tiếp nhận.*swapped"),
    "swapped_same_form": (swapped("%d/%m/%Y %H:%M"), "Ngày tiếp nhận.*swapped"),
    "swapped_completion": (swapped("%Y-%m-%d %H:%M:%S", (DONE,)), "Ngày hoàn thành.*swapped"),
    "completion_month_first": (dated("%m/%d/%Y", (DONE,)), "Ngày hoàn thành.*month first"),
    "half_month_first": (dated("%m/%d/%Y", rows=half), "cannot be told apart"),
    "few_month_first": (dated("%m/%d/%Y", rows=tenth), "cannot be told apart"),
    "half_two_digits": (dated("%d/%m/%y", rows=half), "year of two digits"),
    "year_first_two_digits": (dated("%y/%m/%d"), "may be days"),
    "no_dates": (dated("%d tháng %m", rows=half), "have a date that is none"),
    "channel_codes": (said("2", "1"), "2 or 3, a code"),
    "channel_codes_since": (said("2", "1", SINCE), "2 or 3, a code"),
    "scientific": (numbers(lambda at: f"2.02E+{11 + at % 3}"), "rounded"),
    "rounded": (numbers(lambda at: f"{20230700000000 + at // 7:014}".ljust(15, "0") + "000"), "rounded"),
    "repeated": (numbers(lambda at: f"A{at // 2}"), "repeat an earlier row"),
    "zeros_lost": (codes(lambda code: code.rstrip("0")), "fewer or more than six decimals"),
    "fractions": (codes(lambda code: code + "0000001" if code[-1] in "12" else code), "fewer or more than six decimals"),
}  # fmt: skip
UNREAD: dict[str, Spoil] = {  # the outcome's column falls out: a run is refused
    "unknown_words": said("Đã số hóa", "Không"),
    "unknown_since": said("Đã số hóa", "Không", SINCE),
}
SET_ASIDE: dict[str, tuple[Spoil, str, int]] = {  # kind -> (spoil, reason, rows)
    "page_header": (header_again, "repeated_header", 1),
    "column_numbers": (column_numbers, "column_numbers", 1),
    "total": (rows_added({NUMBER: "Tổng số: 3000"}), "total_row", 1),
    "signature": (rows_added({NUMBER: "Người lập biểu"}, {"Chủ hồ sơ": "(Ký tên)"}), "note_row", 2),
    "far_future": (stray("03/07/2093 08:00"), "future_date", 2),
    "before_2000": (stray("03/07/1970 08:00"), "early_date", 2),
    "before_the_portal": (stray("03/07/2011 08:00"), "stray_date", 2),
    "no_agency": (lambda table: pd.concat([table, table.head(2).assign(**{AGENCY: "", NUMBER: ["B1", "B2"]})], ignore_index=True), "no_agency", 2),
}  # fmt: skip
