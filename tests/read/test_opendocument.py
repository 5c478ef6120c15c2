"""OpenDocument sheets: hidden ones passed over, repeated cells counted before anything is opened."""

import zipfile

import pytest
from made_ods import cell, row, sheets
from opened import opened_table
from test_kinds import HEADER, ROWS, WANTED, read

from hgdx_eval.base.errors import InputError
from hgdx_eval.read.database import TYPED


def rows_of(rows):
    return "".join(row(*map(cell, cells)) for cells in rows)


def empty(rows=1_048_000, columns=16_384):
    return f'<table:table-row table:number-rows-repeated="{rows}"><table:table-cell table:number-columns-repeated="{columns}"/></table:table-row>'


def test_a_sheet_is_read_as_any_workbook_is(tmp_path):
    path = sheets(tmp_path / "a.ods", ("cu", "unseen", rows_of([HEADER, ["x", "2023-01", "9"]])), ("Bìa", "seen", rows_of([["Báo cáo"]])),
                  ("S", "seen", rows_of([HEADER, *ROWS]) + empty()))  # fmt: skip
    rows, readings = read(path)
    assert rows == ROWS and [reading.kind for reading in readings] == ["sheet_read", "sheets_not_read", "sheets_hidden"]


def test_dates_and_numbers_are_what_the_cell_holds_not_what_it_shows(tmp_path):
    date = '<table:table-cell office:value-type="date" office:date-value="2023-07-01"><text:p>01/07/23</text:p></table:table-cell>'
    number = '<table:table-cell office:value-type="float" office:value="1234.5"><text:p>1.234,50</text:p></table:table-cell>'
    path = sheets(tmp_path / "a.ods", ("S", "seen", rows_of([HEADER]) + row(cell("Vị Thủy"), date, number)))
    assert read(path, typed=True)[0] == [["Vị Thủy", "2023-07-01", f"1234.5{TYPED}"]]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (row(cell("x", 'table:number-columns-repeated="16384"')), "beyond column 702"),
        (row(cell("x", 'table:number-columns-repeated="100"'), more='table:number-rows-repeated="1048576"'), "unpacked it is larger"),
        (rows_of([["x"] * 100]) + empty(100_000) + rows_of([["y"]]), "unpacked it is larger"),
        (row(cell("x"), '<table:table-cell table:number-columns-repeated="5000"/>', cell("y")), "beyond column 702"),
        ("<table:table-row>", "not a readable workbook"),
        (row(cell("x", 'table:number-columns-repeated="x"')), "not a readable workbook"),
        (row(cell("x", 'table:number-rows-spanned="x"')), "not a readable workbook"),
    ],
)
def test_cells_that_stand_for_very_many_are_counted_before_they_are_made(tmp_path, rows, message):
    with pytest.raises(InputError, match=f"^a.ods: .*{message}"):
        opened_table(sheets(tmp_path / "a.ods", ("S", "seen", rows)), WANTED)


def test_entities_and_mountains_are_refused(tmp_path, monkeypatch):
    start = '<!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]>'
    with pytest.raises(InputError, match="^a.ods: not a readable workbook"):
        opened_table(sheets(tmp_path / "a.ods", ("S", "seen", rows_of([HEADER, *ROWS])), start=start), WANTED)
    monkeypatch.setattr("hgdx_eval.read.workbooks.BYTES", 1_000)
    with pytest.raises(InputError, match="^b.ods: unpacked it is larger"):
        opened_table(sheets(tmp_path / "b.ods", ("S", "seen", rows_of([HEADER, *ROWS]))), WANTED)
    with zipfile.ZipFile(tmp_path / "c.ods", "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
    with pytest.raises(InputError, match="^c.ods: this is a file of another OpenDocument program"):
        opened_table(tmp_path / "c.ods", WANTED)


def spanned(value, down=1, across=1):
    return cell(value, f'table:number-rows-spanned="{down}" table:number-columns-spanned="{across}"')


def test_a_unit_merged_over_its_rows_stands_in_all_of_them_and_a_merged_number_is_marked(tmp_path):
    under = "<table:covered-table-cell/>"
    rows = row(spanned("BÁO CÁO", across=3), under, under) + rows_of([HEADER])
    rows += row(spanned("Vị Thủy", 2), cell("2023-01"), cell(5)) + row(under, cell("2023-02"), cell(6))
    rows += row(cell("Long Mỹ"), cell("2023-01"), spanned(7, 2)) + row(cell("Long Mỹ"), cell("2023-02"), under)
    path = sheets(tmp_path / "a.ods", ("S", "seen", rows + empty()))
    table, _ = opened_table(path, WANTED)
    assert [list(kept) for kept in read(path)[0]] == [["Vị Thủy", "2023-01", "5"], ["Vị Thủy", "2023-02", "6"],
                                                       ["Long Mỹ", "2023-01", "7"], ["Long Mỹ", "2023-02", "7"]]  # fmt: skip
    assert table.filled  # the number's column: a reader of tables refuses it, for one number is not two rows' value
