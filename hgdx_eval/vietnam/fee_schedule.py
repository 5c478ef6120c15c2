"""The fee schedule: what a procedure costs, who sets that, and which code it has today."""

from pathlib import Path

import pandas as pd

from ..base.errors import InputError
from ..read import tidy
from ..read.tables import open_table

FEE_COLUMNS = ("procedure", "name", "field", "set_by", "fee_vnd", "same_as")
LEAST_FEE = 500  # VND: no fee is smaller, so that one in thousands is seen
DATED = ("valid_from", "valid_to")
FOREVER = (pd.Period("1900-01", "M"), pd.Period("2999-12", "M"))


def fee_schedule_of(path: Path, export: str) -> pd.DataFrame:
    """The fee schedule: one row per procedure code and time, with `fee_group` (provincial, central, already_free, free), and
    `first` and `last`, the months between which the row holds. Optional columns `valid_from`, `valid_to`: a day or a month.

    Raises InputError where it is missing or a line cannot be right: negative fee, one in thousands, unknown authority, a code listed
    twice for one month, a `same_as` that is not listed or leads in a circle.
    """
    if not path.is_file():
        raise InputError(f"{export}: fees: there is no fee schedule {path.name}; give one as -p fees=FILE "
                         f"(columns {', '.join(FEE_COLUMNS)})")  # fmt: skip
    with open_table(path, {name: (name,) for name in DATED}) as raw:
        dated = [name for name in DATED if name in raw.columns]
    text = {name: name for name in ("procedure", "name", "field", "set_by", "same_as", *dated)}
    frame, _ = tidy.read_columns(path, text, {"fee_vnd": "fee_vnd"}, counts=("fee_vnd",))
    for name, end, at in zip(DATED, FOREVER, ("first", "last"), strict=True):
        frame[at] = [month_of(text, end, f"{path.name}: row {row}, column {name!r}")
                     for text, row in zip(frame[name] if name in dated else [""] * len(frame), frame["row"])]  # fmt: skip
    for wrong, what in (
        (~frame["set_by"].isin(["province", "centre", "none"]), "set_by is not province, centre or none"),
        (frame["fee_vnd"] < 0, "a negative fee"),
        ((frame["fee_vnd"] > 0) & (frame["fee_vnd"] < LEAST_FEE), f"a fee below {LEAST_FEE} VND: write it in VND, not in thousands"),
        (frame["fee_vnd"] % 1 > 0, "a fee that is no whole number of VND"),
        (frame["fee_vnd"].isna() & (frame["set_by"] != "none"), "no fee"),
        (frame["procedure"] == "", "no procedure code"),
        (frame["first"] > frame["last"], "valid_from is after valid_to"),
        (overlapping(frame), "a procedure listed twice (for months that overlap)"),
        ((frame["same_as"] != "") & ~frame["same_as"].isin(frame["procedure"]), "same_as is no procedure of the schedule"),
        (circular(frame), "same_as leads in a circle"),
    ):
        if wrong.any():
            raise InputError(f"{path.name}: row {frame.loc[wrong.idxmax(), 'row']}: {what}")
    charged = frame["fee_vnd"].fillna(0) > 0
    frame["fee_group"] = "free"
    frame.loc[frame["set_by"].isin(["province", "centre"]) & ~charged, "fee_group"] = "already_free"
    frame.loc[(frame["set_by"] == "province") & charged, "fee_group"] = "provincial"
    frame.loc[(frame["set_by"] == "centre") & charged, "fee_group"] = "central"
    return frame


def month_of(text: str, empty: pd.Period, place: str) -> pd.Period:
    """The month of a day or month in ISO form. Raises InputError for anything else."""
    if not text.strip():
        return empty
    try:
        return pd.Period(pd.to_datetime(text.strip()[:10], format="%Y-%m" if len(text.strip()) == 7 else "%Y-%m-%d"), freq="M")
    except ValueError:
        raise InputError(f"{place}: no day or month like 2023-08-01 or 2023-08") from None


def overlapping(frame: pd.DataFrame) -> pd.Series:
    """True where a row's code stands in an earlier row (by its months) that holds in the same month."""
    ordered = frame.sort_values(["procedure", "first"], kind="stable")
    again = ordered["procedure"].eq(ordered["procedure"].shift()) & (ordered["first"] <= ordered["last"].shift().fillna(FOREVER[0]))
    return again.reindex(frame.index)


def circular(frame: pd.DataFrame) -> pd.Series:
    """True where following `same_as` from a row comes back to a row that was passed."""
    later = todays_rows(frame)["same_as"].to_dict()

    def turns(code: str, target: str) -> bool:
        passed = {code} if later.get(code) == target else set()
        while target and target != code:
            if target in passed:
                return True
            passed.add(target)
            code, target = target, later.get(target, "")
        return False

    return pd.Series([turns(row.procedure, row.same_as) for row in frame.itertuples()], index=frame.index, dtype=bool)


def todays_rows(schedule: pd.DataFrame) -> pd.DataFrame:
    """The last row of every code, by code."""
    return schedule.sort_values("first", kind="stable").drop_duplicates("procedure", keep="last").set_index("procedure")


def todays_codes(used: pd.DataFrame, schedule: pd.DataFrame) -> pd.DataFrame:
    """One row per row of `used` (procedure, month): `code` (today's), `how` (listed, recoded, unlisted) and `outside` ("",
    ended, not_begun: the schedule does not have the code in that month, and its nearest row is taken)."""
    rows: dict[str, list] = {}
    for row in schedule.sort_values("first").itertuples():
        rows.setdefault(row.procedure, []).append(row)
    later = todays_rows(schedule)["same_as"].to_dict()
    pairs = pd.MultiIndex.from_arrays([used["procedure"], used["month"]])
    told = {pair: todays_code(pair[0], pair[1], rows.get(pair[0], []), later) for pair in pairs.unique()}
    return pd.DataFrame([told[pair] for pair in pairs], columns=["code", "how", "outside"], index=used.index)


def todays_code(code: str, month: str, rows: list, later: dict[str, str]) -> tuple[str, str, str]:
    """(code, how, outside) of one code in one month; `rows`: its rows of the schedule, `later`: code -> its `same_as` today."""
    if not rows:
        return code, "unlisted", ""
    at = pd.Period(month, freq="M") if len(rows) > 1 or (rows[0].first, rows[0].last) != FOREVER else FOREVER[0]
    begun = [row for row in rows if row.first <= at]
    row = begun[-1] if begun else rows[0]
    outside = "not_begun" if not begun else "ended" if row.last < at else ""
    today, target = code, row.same_as
    while target and target != today:
        today, target = target, later[target]
    return today, "listed" if today == code else "recoded", outside
