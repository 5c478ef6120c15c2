"""Counts to dossiers: a made-up export in a real layout. Every personal cell is obvious nonsense."""

import codecs
import csv
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd

from ..base.aside import new_file, write_bytes, write_text
from ..base.errors import InputError
from ..base.private_folder import private_folder
from ..read.database import connect, literal, quoted
from .calendar import vietnam
from .layouts import SIMULATED_MARK, layout_names, reader, summary_layouts
from .made_up_procedures import CUT, recoded

COLUMNS = ("Mã hồ sơ", "Mã thủ tục", "Nội dung", "Cơ quan thụ lý", "Sổ theo dõi", "Chủ hồ sơ", "Địa chỉ", "Số điện thoại",
           "Thư điện tử", "Người nộp hồ sơ", "Điện thoại liên lạc", "Ngày gửi", "Ngày tiếp nhận", "Ngày hẹn trả",
           "Ngày gia hạn", "Ngày hoàn thành", "Ngày trả", "Trạng thái", "Trực tuyến", "Mã hồ sơ gốc", "Ghi chú xử lý",
           "Ghi chú nộp", "Chi tiết nội dung", "Hạn xử lý")  # fmt: skip
DUPLICATED, UNREADABLE, FUTURE = 0.002, 0.001, 0.0005  # rows of dirt, on top of the valid dossiers
FUTURE_DATE = "15/06/2099 09:00"
STAFF_NOTE = "Cán bộ nộp thay tại quầy"
PAID_ONLINE, PAID_AT_COUNTER = "Thanh toán trực tuyến", "Nộp tại quầy"
PART = 100_000  # rows written at a time


def write_export(out: Path, cells: pd.DataFrame, truth: pd.DataFrame, fees: pd.DataFrame, seed: int, layout: str,
                 cut: int) -> None:  # fmt: skip
    """OUT, what stands beside it, each whole or not at all. `cut`: per cent. Raises InputError for a layout or kind it cannot write."""
    if layout in summary_layouts():
        return write_summary(out, cells, truth, fees, layout)
    if layout == "opencps_fees":
        return write_with_payments(out, cells, truth, fees, seed, cut)
    if layout != "opencps_dossiers":
        raise InputError(f"layout {layout!r} cannot be simulated; known: "
                         f"{', '.join(['opencps_dossiers', 'opencps_fees', *summary_layouts()])} "
                         f"(of {', '.join(layout_names())})")  # fmt: skip
    if out.suffix.lower() not in (".csv", ".xlsx"):
        raise InputError(f"{out.name}: the export is written as .csv or .xlsx")
    if not out.absolute().parent.is_dir():
        raise InputError(f"{out.name}: its folder does not exist")
    if out.suffix.lower() == ".xlsx" and cells["received"].sum() * 1.004 > 1_048_000:
        raise InputError(f"{out.name}: a sheet holds about a million rows; write .csv")
    cells = cells[cells["received"] > 0].reset_index(drop=True)
    drawn, tables = draw_dossiers(cells, seed), {"cells": cell_names(cells, fees), "schedule": fees}
    write = copy_csv if out.suffix.lower() == ".csv" else copy_xlsx
    write(EXPORT_SQL, drawn, tables, out)
    write_payments(Path(f"{out}.payments.csv"), drawn, tables, cut)
    write_beside(out, truth, fees)


def write_with_payments(out: Path, cells: pd.DataFrame, truth: pd.DataFrame, fees: pd.DataFrame, seed: int, cut: int) -> None:
    """A folder with a dossier list and the fee detail that belongs to it.

    Raises InputError where the name has an ending or its folder does not exist.
    """
    if out.suffix:
        raise InputError(f"{out.name}: opencps_fees is written as a folder with a dossier list: give a name without an ending")
    if not out.absolute().parent.is_dir():
        raise InputError(f"{out.name}: its folder does not exist")
    out.mkdir(exist_ok=True)
    cells = cells[cells["received"] > 0].reset_index(drop=True)
    drawn, tables = draw_dossiers(cells, seed), {"cells": cell_names(cells, fees), "schedule": fees}
    copy_csv(EXPORT_SQL, drawn, tables, out / "ho_so.csv")
    write_payments(out / "le_phi.csv", drawn, tables, cut)
    write_beside(out / "ho_so.csv", truth, fees)


def write_payments(out: Path, drawn: pd.DataFrame, tables: dict[str, pd.DataFrame], cut: int) -> None:
    """The fee detail of drawn dossiers: the cut is for fees set by the province and what is filed online since then."""
    once = drawn.drop_duplicates("number").sort_values("number", ignore_index=True)  # a repeated row was paid for once
    copy_csv(payments_sql(cut), once, tables, out)


def payments_sql(cut: int) -> str:
    """One row per dossier of a procedure with a fee, in the columns of the fee detail; how it was paid, in words that
    `opencps_fees` knows, but for every 97th, which only says what it was for."""
    since = int(pd.Timestamp(f"{CUT}-01").timestamp() // 60)
    reduced = f"""set_by = 'province' AND "online" AND received >= {since}"""
    money = """replace(format('{:,}', paid), ',', '.')"""
    return f"""
        WITH owed AS (
          SELECT drawn.*, CAST(fee_vnd * (CASE WHEN {reduced} THEN {100 - cut} ELSE 100 END) // 100 AS BIGINT) AS paid
          FROM drawn JOIN cells USING (cell) JOIN schedule USING (procedure) WHERE set_by != 'none')
        SELECT {VALUES["Mã hồ sơ"]} AS "Mã hồ sơ", {VALUES["Chủ hồ sơ"]} AS "Người đăng ký", {VALUES["Địa chỉ"]} AS "Địa chỉ người nộp",
          {VALUES["Ngày tiếp nhận"]} AS "Ngày thu", {money} AS "Lệ phí", '0' AS "Phí", {money} AS "Tổng",
          CASE WHEN paid = 0 THEN 'Miễn lệ phí' WHEN number % 97 = 0 THEN 'Thu lệ phí hồ sơ' WHEN paid_online THEN '{PAID_ONLINE}'
            ELSE '{PAID_AT_COUNTER}' END || ' ({SIMULATED_MARK})' AS "Diễn giải"
        FROM owed ORDER BY number"""


def write_beside(out: Path, truth: pd.DataFrame, fees: pd.DataFrame) -> None:
    """OUT.truth.csv and OUT.fees.csv."""
    write_text(Path(f"{out}.truth.csv"), truth.to_csv(index=False, lineterminator="\n"))
    write_bytes(Path(f"{out}.fees.csv"), fees.to_csv(index=False, lineterminator="\n").encode("utf-8-sig"))


def write_summary(out: Path, cells: pd.DataFrame, truth: pd.DataFrame, fees: pd.DataFrame, layout: str) -> None:
    """A summarised export of the same counts: one file, or a folder of one file a month where the layout holds one.

    Raises InputError for a kind of file in which the layout does not come.
    """
    module, kind = reader(layout), out.suffix.lower()
    folder = getattr(module, "ONE_MONTH_A_FILE", False)
    written = getattr(module, "WRITTEN", module.SUFFIXES)
    if kind not in (("",) if folder else written):
        raise InputError(f"{out.name}: {layout} is written as " + (
            "a folder of one file a month: give a name without an ending" if folder else ", ".join(written)))  # fmt: skip
    if not out.absolute().parent.is_dir():
        raise InputError(f"{out.name}: its folder does not exist")
    counts = agency_months(cells)
    out.mkdir(exist_ok=True) if folder else None
    for month, part in counts.groupby("month") if folder else [("", counts)]:
        target = out / f"{month}{module.SUFFIXES[0]}" if folder else out
        write_made_up(target, module.made_up(part.reset_index(drop=True)), getattr(module, "MERGED", ()))
    write_beside(out, truth, fees)


def agency_months(cells: pd.DataFrame) -> pd.DataFrame:
    """One row per agency and month with dossiers: agency as an export writes it, month (YYYY-MM), received, online."""
    named = cells.assign(agency=cells["agency"].where(cells["level"] == "province", "UBND " + cells["agency"]),
                         month=cells["period"].astype(str))  # fmt: skip
    counts = named.groupby(["agency", "month"], as_index=False)[["received", "online"]].sum()
    return counts[counts["received"] > 0].reset_index(drop=True)


def write_made_up(out: Path, table: list, merged: tuple[tuple[int, int, int, int], ...] = ()) -> None:
    """A table (rows of cells, or objects) as CSV, XLSX or JSON, by the ending of its name. `merged`: ranges of a sheet."""
    kind = out.suffix.lower()
    rows = [[*table[0]], *([*item.values()] for item in table)] if isinstance(table[0], dict) else table
    if kind == ".json":
        objects = table if isinstance(table[0], dict) else [dict(zip(table[0], row)) for row in table[1:]]
        write_text(out, json.dumps(objects, ensure_ascii=False, indent=1))
    elif kind == ".csv":
        rows_csv(rows, out)
    else:
        rows_xlsx(rows, out, merged)


def rows_csv(rows: list[list], path: Path) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    write_bytes(path, text.getvalue().encode("utf-8-sig"))


def rows_xlsx(rows: list[list], path: Path, merged: tuple[tuple[int, int, int, int], ...]) -> None:
    import xlsxwriter

    with new_file(path) as file, xlsxwriter.Workbook(file, {"strings_to_formulas": False, "in_memory": True}) as book:
        book.set_properties({"created": pd.Timestamp("2023-07-14").to_pydatetime()})
        sheet = book.add_worksheet()
        for top, left, bottom, right in merged:
            sheet.merge_range(top, left, bottom, right, "")
        for number, row in enumerate(rows):
            for column, cell in enumerate(row):
                if cell not in ("", None):
                    sheet.write(number, column, cell)


def draw_dossiers(cells: pd.DataFrame, seed: int) -> pd.DataFrame:
    """One row per row of the export, in order of receipt: cell (row of the non-empty cells), online, assisted, received and submitted
    (minutes), person, number, fault and what else its columns need."""
    rng = np.random.default_rng([seed, 2])
    codes = np.repeat(np.arange(len(cells)), cells["received"])
    rank = np.arange(len(codes)) - np.repeat(np.cumsum(cells["received"]) - cells["received"], cells["received"])
    received, submitted = dates(cells, codes, rng)
    online = rank < cells["online"].to_numpy()[codes]
    paid_online = np.where(
        online, (cells["paid_online"] - cells["counter_paid_online"]).to_numpy()[codes], cells["counter_paid_online"].to_numpy()[codes]
    )
    last = np.where(online, cells["online"].to_numpy()[codes], cells["received"].to_numpy()[codes])
    n = len(codes)
    frame = pd.DataFrame({
        "cell": codes, "online": online, "assisted": rank < cells["assisted"].to_numpy()[codes], "received": received,
        "submitted": np.where(online, submitted, received), "allowed": rng.integers(3, 21, n),
        "late": rng.random(n) < 0.06, "spare": rng.integers(0, 4, n), "person": rng.integers(0, 10**6, n),
        "paid_online": rank >= last - paid_online,
    }).sort_values(["received", "cell"], kind="stable", ignore_index=True)  # fmt: skip
    frame["number"] = np.arange(1, n + 1)
    return with_dirt(frame, rng)


def cell_names(cells: pd.DataFrame, fees: pd.DataFrame) -> pd.DataFrame:
    """One row per cell: agency as the export writes it, the procedure's code of that month, its name."""
    named = cells["agency"].where(cells["level"] == "province", "UBND " + cells["agency"])
    procedure = cells["procedure"].copy()
    for old, new, since in recoded():
        procedure[(procedure == old) & (cells["period"] >= pd.Period(since, freq="M"))] = new
    titles = dict(zip(fees["procedure"], fees["name"], strict=True))
    return pd.DataFrame({"cell": np.arange(len(cells)), "agency": named.astype(object),
                         "procedure": procedure.astype(object), "title": procedure.map(titles).astype(object)})  # fmt: skip


def dates(cells: pd.DataFrame, codes: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(received, submitted online) as minutes since 1970: working days only, submitted the same day or the evening before."""
    months = pd.PeriodIndex(cells["period"])
    first, last = months.min().start_time, (months.max() + 1).start_time
    closed = [day for year in range(first.year, last.year + 1) for day in vietnam(year)]
    days = np.arange(first.to_datetime64().astype("datetime64[D]"), last.to_datetime64().astype("datetime64[D]"))
    days = days[np.is_busday(days, holidays=np.array(closed, "datetime64[D]"))]
    of_month = days.astype("datetime64[M]").astype(int)
    begin = np.searchsorted(of_month, months.asi8[codes])
    length = np.searchsorted(of_month, months.asi8[codes], side="right") - begin
    day = days[begin + (rng.random(len(codes)) * length).astype(int)].astype("int64") * 1440
    received = day + 7 * 60 + rng.integers(0, 10 * 60, len(codes))
    evening = rng.random(len(codes)) < 0.25
    return received, np.where(evening, day - 3 * 60, received - rng.integers(1, 30, len(codes)))


def with_dirt(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Valid dossiers with `fault` 0, repeated rows, and extra rows whose date is unreadable (1) or in the future (2)."""
    n = len(frame)
    frame["fault"] = 0
    repeated = frame.iloc[np.sort(rng.choice(n, round(n * DUPLICATED), replace=False))]
    extra = frame.iloc[np.sort(rng.choice(n, round(n * UNREADABLE) + round(n * FUTURE), replace=False))].copy()
    extra["number"] = n + 1 + np.arange(len(extra))
    extra["fault"] = np.where(np.arange(len(extra)) < round(n * UNREADABLE), 1, 2)
    both = pd.concat([frame, repeated, extra], ignore_index=True)
    both = both.sort_values(["received", "number"], kind="stable", ignore_index=True)
    return both.assign(row=np.arange(len(both)))


def sql_date(minutes: str) -> str:
    return f"strftime(make_timestamp(CAST({minutes} AS BIGINT) * 60000000), '%d/%m/%Y %H:%M')"


VALUES = {
    "Mã hồ sơ": "printf('MP-%08d', number)",
    "Mã thủ tục": "procedure",
    "Nội dung": "title || ' (mô phỏng)'",
    "Cơ quan thụ lý": "agency",
    "Sổ theo dõi": "'SỔ MÔ PHỎNG'",
    "Chủ hồ sơ": "printf('NGƯỜI MÔ PHỎNG %06d', person)",
    "Địa chỉ": "printf('Địa chỉ mô phỏng %d', person % 900)",
    "Số điện thoại": "'0000000000'",
    "Thư điện tử": "printf('mo-phong-%06d@example.invalid', person)",
    "Người nộp hồ sơ": "CASE WHEN assisted THEN 'CÁN BỘ MÔ PHỎNG' ELSE printf('NGƯỜI MÔ PHỎNG %06d', person) END",
    "Điện thoại liên lạc": "'0000000000'",
    "Ngày gửi": sql_date("submitted"),
    "Ngày tiếp nhận": f"CASE fault WHEN 0 THEN {sql_date('received')} WHEN 1 THEN 'chưa rõ' ELSE '{FUTURE_DATE}' END",
    "Ngày hẹn trả": sql_date("received + allowed * 1440"),
    "Ngày gia hạn": "NULL",
    "Ngày hoàn thành": sql_date("received + greatest(allowed + (CASE WHEN late THEN 2 ELSE -2 END), 1) * 1440"),
    "Ngày trả": sql_date("received + (greatest(allowed + (CASE WHEN late THEN 2 ELSE -2 END), 1) + spare) * 1440"),
    "Trạng thái": "'Đã trả kết quả'",
    "Trực tuyến": "CASE WHEN \"online\" THEN 'Có' ELSE 'Không' END",
    "Mã hồ sơ gốc": "NULL",
    "Ghi chú xử lý": "NULL",
    "Ghi chú nộp": f"CASE WHEN assisted THEN '{STAFF_NOTE}' END",
    "Chi tiết nội dung": f"'{SIMULATED_MARK}'",
    "Hạn xử lý": "printf('%d ngày', allowed)",
}
EXPORT_SQL = ("SELECT " + ", ".join(f"{value} AS {quoted(name)}" for name, value in VALUES.items())
              + " FROM drawn JOIN cells USING (cell) ORDER BY row")  # fmt: skip


def copy_csv(sql: str, drawn: pd.DataFrame, tables: dict[str, pd.DataFrame], path: Path) -> None:
    """What `sql` makes of the drawn rows, a part of them at a time: memory holds no text of the others."""
    with new_file(path) as file, private_folder() as folder, connect(folder=folder) as con:
        for name, table in tables.items():
            con.register(name, table)
        body = folder / "body.csv"
        file.write(codecs.BOM_UTF8)
        for start in range(0, len(drawn), PART):
            con.register("drawn", drawn.iloc[start : start + PART])
            con.execute(f"COPY ({sql}) TO {literal(str(body))} (FORMAT csv, HEADER {start == 0}, USE_TMP_FILE false)")
            with body.open("rb") as source:
                shutil.copyfileobj(source, file, 1 << 22)


def copy_xlsx(sql: str, drawn: pd.DataFrame, tables: dict[str, pd.DataFrame], path: Path) -> None:
    import xlsxwriter

    options = {"constant_memory": True, "strings_to_formulas": False}
    with (new_file(path) as file, private_folder() as folder, connect() as con,
          xlsxwriter.Workbook(file, {**options, "tmpdir": str(folder)}) as book):  # fmt: skip
        for name, table in {**tables, "drawn": drawn}.items():
            con.register(name, table)
        book.set_properties({"created": pd.Timestamp("2023-07-14").to_pydatetime()})
        sheet = book.add_worksheet("Danh sách hồ sơ")
        sheet.write_row(0, 0, COLUMNS)
        for number, row in enumerate(con.execute(sql).fetchall(), start=1):
            sheet.write_row(number, 0, ["" if cell is None else cell for cell in row])
