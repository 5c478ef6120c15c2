"""Which sheets of a workbook are read: by what they hold, never the first one at sight."""

import re
import zipfile

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opened import opened_table
from test_kinds import read

from hgdx_eval.base.errors import InputError
from hgdx_eval.base.telling import SHEET, row_text
from hgdx_eval.read import workbooks
from hgdx_eval.read.tables import open_beginning, open_table, read_grid

HEADER = ["xã", "tháng", "hồ sơ", "trực tuyến"]
WANTED = {name: (name,) for name in HEADER}


def month(number):
    return [["Vị Thủy", f"2023-{number:02}", "10", "3"], ["Long Mỹ", f"2023-{number:02}", "12", "4"]]


def book_of(path, sheets):
    """A workbook of (name, rows, state) in their order."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows, *state in sheets:
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
        sheet.sheet_state = state[0] if state else "visible"
    book.save(path)
    return path


def said(readings):
    return {reading.kind: reading.said.get("sheets") for reading in readings}


def test_sheets_of_one_header_are_one_table_whatever_the_order_of_their_columns(tmp_path):
    turned = [["trực tuyến", "Ghi chú", "XÃ", "tháng", "hồ sơ"], *([row[3], "x", *row[:3]] for row in month(2))]
    titled = [["Bảng 3"], [], HEADER, *month(3)]
    path = book_of(tmp_path / "a.xlsx", [("T1", [HEADER, *month(1)]), ("T2", turned), ("T3", titled)])
    rows, readings = read(path, WANTED)
    assert rows == [*month(1), *month(2), *month(3)]
    assert said(readings) == {"sheets_joined": "T1, T2, T3"}
    numbers = [row for (row,) in opened_table(path, WANTED, "SELECT row FROM raw ORDER BY row")[1]]
    assert list(map(row_text, numbers)) == ["2", "3", "2 of sheet 2", "3 of sheet 2", "4 of sheet 3", "5 of sheet 3"]
    with open_table(path, WANTED) as raw:
        assert raw.sheets == ("T1", "T2", "T3")


@settings(max_examples=200)
@given(st.integers(0, 400), st.integers(1, 2_000_000))
def test_a_row_is_told_with_its_sheet(sheet, row):
    assert row_text(SHEET * sheet + row) == (f"{row} of sheet {sheet + 1}" if sheet else str(row))


@pytest.mark.parametrize("state", ["hidden", "veryHidden"])
def test_a_hidden_sheet_is_passed_over_and_told(tmp_path, state):
    old = [HEADER, ["Vị Thủy", "2023-01", "99", "98"]]
    path = book_of(
        tmp_path / "a.xlsx", [("cu", old, state), ("DanhMuc", [["mã", "tên"], [1, "x"]], state), ("SoLieu", [HEADER, *month(1)])]
    )
    rows, readings = read(path, WANTED)
    assert rows == month(1) and said(readings) == {"sheets_hidden": "cu, DanhMuc"}
    assert readings[0].said["number"] == 2
    assert open_beginning(path, HEADER).rows[0] == HEADER


def test_hidden_sheets_alone_are_read_and_told(tmp_path):
    path = tmp_path / "a.xlsx"
    book = openpyxl.Workbook()  # one sheet must be seen: it is empty
    sheet = book.create_sheet("an")
    for row in [HEADER, *month(1)]:
        sheet.append(row)
    sheet.sheet_state = "hidden"
    book.save(path)
    rows, readings = read(path, WANTED)
    assert rows == month(1) and said(readings) == {"sheet_read": "an"}


def test_a_cover_sheet_and_a_note_are_passed_over_and_told(tmp_path):
    path = book_of(
        tmp_path / "a.xlsx", [("Bìa", [["Báo cáo của Sở"], ["Năm 2023"]]), ("SoLieu", [HEADER, *month(1)]), ("Ghi chú", [["tháng", "ai"]])]
    )
    rows, readings = read(path, WANTED)
    assert rows == month(1)
    assert said(readings) == {"sheet_read": "SoLieu", "sheets_not_read": "Bìa, Ghi chú"}
    assert open_beginning(path, HEADER).rows[0] == HEADER


@pytest.mark.parametrize(
    ("header", "told"),
    [
        (["xã", "tháng", "hồ sơ", "qua mạng"], "3 of them"),
        (["xã", "hồ sơ", "Ghi chú"], "2 of them"),
    ],
)
def test_a_sheet_that_has_half_of_the_columns_is_asked_about(tmp_path, header, told):
    """As where somebody renamed a column in one year: left out, half of the table would be gone."""
    path = book_of(tmp_path / "a.xlsx", [("2022", [HEADER, *month(1)]), ("2023", [header, *(row[: len(header)] for row in month(2))])])
    with pytest.raises(InputError, match=rf"a\.xlsx: which sheet is meant\? 2022: 4 of the columns looked for; 2023: {told}"):
        opened_table(path, WANTED)


def test_the_name_of_a_sheet_that_looks_like_somebodys_is_not_told(tmp_path):
    path = book_of(tmp_path / "a.xlsx", [("Nguyễn Thị Lan", [HEADER, *month(1)]), ("Trần Văn Nam", [["xã", "tháng"], ["a", "b"]])])
    with pytest.raises(InputError) as told:
        opened_table(path, WANTED)
    assert "Lan" not in str(told.value) and "Nam" not in str(told.value) and "text of 14 characters" in str(told.value)
    one = book_of(tmp_path / "b.xlsx", [("Nguyễn Thị Lan", [HEADER, *month(1)]), ("Trần Văn Nam", [["x"]])])
    assert "Nam" not in str(read(one, WANTED)[1]) and "Lan" not in str(read(one, WANTED)[1])


def test_the_same_holds_of_an_old_workbook(tmp_path):
    xlwt = pytest.importorskip("xlwt", reason="writes .xls, in the extra `oracles`")
    book = xlwt.Workbook(encoding="utf-8")
    for name, rows, hidden in (
        ("an", [HEADER, ["x", "2023-01", "9", "9"]], 1),
        ("T1", [HEADER, *month(1)], 0),
        ("T2", [HEADER, *month(2)], 0),
    ):
        sheet = book.add_sheet(name)
        sheet.visibility = hidden
        for i, row in enumerate(rows):
            for j, cell in enumerate(row):
                sheet.write(i, j, cell)
    book.set_active_sheet(1)
    book.save(str(tmp_path / "a.xls"))
    rows, readings = read(tmp_path / "a.xls", WANTED)
    assert rows == [*month(1), *month(2)] and said(readings) == {"sheets_joined": "T1, T2", "sheets_hidden": "an"}


def merged(path, ranges, rows):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for place in ranges:
        book.active.merge_cells(place)
    book.save(path)
    return path


def test_a_merged_cell_holds_for_all_its_rows_below_the_header_alone(tmp_path):
    rows = [
        ["Bảng 1", None, None, None],
        HEADER,
        ["Vị Thủy", "2023-01", 1, 1],
        [None, "2023-02", 2, 1],
        [None, "2023-03", 3, 1],
        ["Long Mỹ", "2023-01", 4, 1],
    ]
    path = merged(tmp_path / "a.xlsx", ["A1:D1", "A3:A5"], rows)
    found, readings = read(path, WANTED)
    assert [row[0] for row in found] == ["Vị Thủy"] * 3 + ["Long Mỹ"] and [row[2] for row in found] == ["1", "2", "3", "4"]
    assert said(readings) == {"merged_cells": "Sheet"}
    with open_table(path, WANTED) as raw:
        assert raw.filled == frozenset()


def test_a_number_merged_over_rows_is_named_and_one_over_columns_is_no_other_columns(tmp_path):
    """100 dossiers of two months together are not 100 in each: whoever reads counts must know."""
    rows = [HEADER, ["Vị Thủy", "2023-01", 100, 1], ["Vị Thủy", "2023-02", None, 1], ["Long Mỹ", "2023-01", 7, None]]
    path = merged(tmp_path / "a.xlsx", ["C2:C3", "C4:D4"], rows)
    with open_table(path, WANTED) as raw:
        assert raw.con.sql('SELECT "hồ sơ", "trực tuyến" FROM raw ORDER BY row').fetchall() == [("100", "1"), ("100", "1"), ("7", None)]
        assert raw.filled == {"hồ sơ"}


def test_a_sheet_that_is_full_is_probably_cut(tmp_path, monkeypatch):
    path = book_of(tmp_path / "a.xlsx", [("S", [HEADER, *month(1)])])
    assert read(path, WANTED)[1] == ()
    monkeypatch.setitem(workbooks.FULL, "xlsx", 3)
    (told,) = read(path, WANTED)[1]
    assert (told.kind, told.said) == ("rows_full", {"rows": 3})
    for name, text in (
        ("a.csv", "a,b\n1,2\n3,4\n"),
        ("b.csv", "a,b\n1,2\n3,4"),
        ("c.csv", "a,b\r\n1,2\r\n\r\n3,4\r\n"),
        ("d.csv", "a,b\n1,2\n"),
    ):
        (tmp_path / name).write_text(text, newline="")
        told = [reading.kind for reading in read(tmp_path / name, {"a": ("a",)})[1]]
        assert told == (["rows_full"] if name in ("a.csv", "b.csv") else []), name


def test_a_printed_summary_of_several_sheets_is_refused_by_their_names(tmp_path):
    rows = [["BÁO CÁO TỔNG HỢP"], HEADER, *month(1)]
    path = book_of(tmp_path / "a.xlsx", [("T01", rows), ("T02", rows)])
    with pytest.raises(InputError, match=r"a\.xlsx: 2 sheets with a table each \(T01, T02\).*a file of its own"):
        read_grid(path, HEADER)
    one = book_of(tmp_path / "b.xlsx", [("Bìa", [["Báo cáo"]]), ("T01", rows), ("cu", rows, "hidden")])
    assert read_grid(one, HEADER)[1] == HEADER


def test_a_workbook_without_a_wanted_column_shows_its_widest_header(tmp_path):
    path = book_of(tmp_path / "a.xlsx", [("Bìa", [["Báo cáo"]]), ("SoLieu", [HEADER, *month(1)])])
    for wanted in ({}, {"other": ("other",)}):
        with open_table(path, wanted) as raw:
            assert raw.header == tuple(HEADER) and raw.columns == ()


@pytest.mark.parametrize("addresses", [True, False])
def test_error_values_are_not_lost_on_the_way(tmp_path, addresses):
    """The library of workbooks reads them as nothing: a number would go missing without a word."""
    second = [["Vị Thủy", "2023-02", "#N/A", "3"], ["#REF!", "2023-02", "12", "#DIV/0!"]]
    path = book_of(tmp_path / "a.xlsx", [("T1", [HEADER, *month(1)]), ("T2 & T3", [[], [], HEADER, *second])])
    if not addresses:
        rewritten(path, "xl/worksheets/sheet2.xml", rb' r="[A-Z]*\d+"', b"")
    found, _ = read(path, WANTED)
    assert found[: len(month(1))] == month(1)
    assert [cell for row in found for cell in row if cell and cell.startswith("#")] == ["#N/A", "#REF!", "#DIV/0!"]


def rewritten(path, part, pattern, instead):
    """A part of a workbook with what matches a pattern replaced."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts[part] = re.sub(pattern, instead, parts[part])
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
