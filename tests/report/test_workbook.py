"""All tables of a run in one workbook: every one, typed as it is, marked, the same bytes twice; nothing in it is a formula."""

import io
import re
import zipfile
from datetime import datetime

import nbformat
import openpyxl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from hgdx_eval.report import blocks
from hgdx_eval.report.tables import MIME, number_of, table_of, unbundled
from hgdx_eval.report.workbook import sheet_name, sheets_of, workbook
from hgdx_eval.study.words import MINUS, Words

VI, EN = (Words(lang, (("treated", "nhóm áp dụng"), ("comparison", "nhóm so sánh"))) for lang in ("vi", "en"))
MARK = "SỐ LIỆU MÔ PHỎNG – không phải kết quả của Hậu Giang"
FORMULAS = ["=1+1", "+1+1", "-2+3", "@SUM(A1)", "\t=1", '=HYPERLINK("https://example.com")', "=cmd|' /C calc'!A0"]


def notebook(*parts):
    """Headings (language, text) and blocks, as an executed notebook holds them."""
    cells = [new_markdown_cell(f"## {part[1]}", metadata={"tags": [part[0]]}) if isinstance(part, tuple) else
             new_code_cell("x", outputs=[new_output("display_data", data=part._repr_mimebundle_())], execution_count=1) for part in parts]  # fmt: skip
    return nbformat.from_dict(new_notebook(cells=cells))


def opened(content):
    return openpyxl.load_workbook(io.BytesIO(content))


def book_of(*tables, words=VI, mark=MARK, about=(("Ngày lập", "30/11/2026"),)):
    sheets = sheets_of([notebook(("vi", "Mục"), *(blocks.Block("<p>x</p>", (table,)) for table in tables))], "vi")
    return workbook(sheets, "Đề tài", list(about), mark, words)


def body(content, sheet=1):
    return [list(row) for row in opened(content).worksheets[sheet].iter_rows(min_row=4)]


def test_numbers_dates_and_shares_are_such_and_texts_stay_texts():
    shown = pd.DataFrame({"Giai đoạn": ["1/2022", "12/2023"], "Hồ sơ": ["1.234.567", f"{MINUS}12,5"], "Tỷ lệ": ["52,3%", "–"],
                          "Tác động": [Markup(f'+4,2 <span class="iv">[{MINUS}3,6; 4,8]</span>'), "không hiển thị"], "Mã": ["1.010733", "007"]})  # fmt: skip
    head, first, second = body(book_of(table_of("t", "Bảng", shown, VI, {"Hồ sơ", "Tỷ lệ", "Tác động"})))
    assert [cell.value for cell in head] == ["Giai đoạn", "Hồ sơ", "Tỷ lệ", "Tác động", "Tác động: cận dưới", "Tác động: cận trên", "Mã"]
    assert [cell.value for cell in first] == [datetime(2022, 1, 1), 1234567, 0.523, 4.2, -3.6, 4.8, "1.010733"]
    assert [cell.value for cell in second] == [datetime(2023, 12, 1), -12.5, None, "không hiển thị", None, None, "007"]
    assert first[0].is_date and first[0].number_format == "mm/yyyy" and first[2].number_format == "0.0%"


def test_frames_of_code_have_heads_and_names_of_the_language():
    frame = pd.DataFrame({"period": ["2023-07-14", "2024-01-01"], "estimator": ["two_way_fixed_effects"] * 2, "treated": [0.1 + 0.2, 2.0],
                          "n_obs": [333_933, 12], "parameter": ["raw", "0.5"], "simulated": [True, False], "reason": ["", None]})  # fmt: skip
    table = table_of("t", "Table", frame, EN)
    assert table.heads == ("Period", "Method", "nhóm áp dụng", "Observations", "Parameter", "Simulated")  # an empty column says nothing
    head, first, second = body(book_of(table, words=EN))
    assert [cell.value for cell in first] == [datetime(2023, 7, 14), EN("tables.estimator_two_way_fixed_effects"), 0.3, 333933, "raw", True]
    assert [cell.value for cell in second] == [datetime(2024, 1, 1), EN("tables.estimator_two_way_fixed_effects"), 2, 12, 0.5, False]


def test_years_stand_as_numbers_and_days_before_the_calendar_as_text():
    table = table_of("t", "x", pd.DataFrame({"Năm": ["2023", "2024", "Tổng"], "Ngày": ["1850-03-01"] * 3, "n": [1, 2, 3]}), VI)
    rows = body(book_of(table))
    assert [[cell.value for cell in row[:2]] for row in rows[1:]] == [[2023, "1850-03-01"], [2024, "1850-03-01"], ["Tổng", "1850-03-01"]]
    assert rows[1][0].number_format == "0"


@pytest.mark.parametrize("bad", [*FORMULAS, "a\x00b\x0b\ud800", "x" * 40_000, "</t></si>&amp;<![CDATA["])
def test_whatever_a_cell_says_it_is_text(bad):
    frame = pd.DataFrame({bad: [bad, "y"]})
    content = book_of(table_of(bad, bad, frame, VI), about=[(bad, bad)], mark=bad)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        sheets = [archive.read(name).decode() for name in archive.namelist() if name.startswith("xl/worksheets/sheet")]
    assert len(sheets) == 2 and not any(re.search(r"<f[ >]", sheet) for sheet in sheets)
    for page in opened(content).worksheets:
        assert all(cell.data_type in ("s", "n") for row in page.iter_rows() for cell in row)
        assert all(cell.quotePrefix for row in page.iter_rows() for cell in row if str(cell.value)[:1] in ("=", "@", "+", "-"))


def test_every_sheet_of_simulated_data_is_marked_and_none_of_real_ones():
    table = table_of("t", "Bảng", pd.DataFrame({"a": [1]}), VI)
    for mark in (MARK, ""):
        pages = opened(book_of(table, table_of("u", "Hai", pd.DataFrame({"b": ["x"]}), VI), mark=mark)).worksheets
        assert len(pages) == 3
        for page in pages:
            seen = [cell.value for row in page.iter_rows() for cell in row]
            assert (MARK in seen) == bool(mark) and ("MÔ PHỎNG" in str(page.oddFooter.left.text)) == bool(mark)


def test_sheets_are_named_by_section_and_the_first_one_leads_to_each():
    table, other = (table_of(name, name, pd.DataFrame({"a": [name]}), VI) for name in ("một", "hai"))
    chart = blocks.Block("", (table, other))
    book = notebook(("vi", "Câu trả lời"), ("en", "Answer"), chart, ("vi", "Vì sao / [tin] được: mọi lý do mà ai cũng biết"), chart,
                    blocks.fold("x", blocks.Block("", (table_of("c", "ba", pd.DataFrame({"a": ["ba"]}), VI),)), VI))  # fmt: skip
    sheets = sheets_of([book, book], "vi")
    assert [(sheet.name, sheet.table.title) for sheet in sheets] == [
        ("1.1 Câu trả lời", "một"), ("1.2 Câu trả lời", "hai"), ("2.1 Vì sao tin được mọi lý do…", "ba")]  # fmt: skip
    assert [sheet.name for sheet in sheets_of([book], "en")][:2] == ["1.1 Answer", "1.2 Answer"]
    pages = opened(workbook(sheets, "t", [], "", VI))
    links = [cell.hyperlink.location for row in pages.worksheets[0].iter_rows() for cell in row if cell.hyperlink]
    assert links == [f"'{sheet.name}'!A1" for sheet in sheets] and pages.sheetnames[1:] == [sheet.name for sheet in sheets]
    assert all("#REF" not in str(name) for name in pages.defined_names)


@given(st.text())
def test_any_heading_gives_a_name_that_spreadsheets_take(text):
    name = sheet_name(f"1.1 {text}")
    assert 0 < len(name) <= 31 and not re.search(r"[\[\]:*?/\\']", name)


def test_the_same_tables_give_the_same_bytes(monkeypatch):
    table = table_of("t", "Bảng", pd.DataFrame({"a": [1.5, 2], "Kỳ": ["1/2022", "2/2022"]}), VI)
    first = book_of(table)
    monkeypatch.setattr("time.time", lambda: 2e9)
    assert book_of(table) == first


def test_fractions_keep_six_digits_so_that_no_count_can_be_worked_out_of_them():
    table = table_of("t", "x", pd.DataFrame({"share": [41_237 / 98_765], "forgone": [3_233_612_500.0]}), VI)
    assert table.rows == ((0.417526, 3_233_612_500),)


@given(st.integers(-(10**12), 10**12), st.sampled_from([VI, EN]), st.integers(0, 3))
def test_what_the_language_writes_is_read_back(value, words, digits):
    number = value / 10**digits
    if number or not value:
        assert number_of(words.number(number, digits, sign=value % 2 == 0), words) == pytest.approx(number, rel=1e-15)


def test_a_block_keeps_its_tables_through_sums_and_folds():
    one = blocks.table(pd.DataFrame({"a": ["x"], "b": ["1,5"]}), "Một", VI, {"b"}, name="one")
    two = blocks.checks([("phép", "+0,2 [−1,3; 1,8]", "pass")], "Hai", VI)
    made = blocks.fold("mở", one + blocks.Block("<p>giữa</p>") + two, VI)
    data = made._repr_mimebundle_()
    assert data["text/html"].endswith("</style>" + made.html) and [table.name for table in unbundled(data)] == ["one", "checks"]
    assert unbundled(data)[0].rows == (("x", 1.5),) and unbundled(data)[1].rows[0][:4] == ("phép", 0.2, -1.3, 1.8)
    alone = blocks.checks([("phép", "[3,8; 4,7]", "unmet"), ("hai", "từ 3,8 đến 4,7", "pass")], "Ba", VI).tables[0]
    assert [row[1:4] for row in alone.rows] == [(None, 3.8, 4.7), ("từ 3,8 đến 4,7", None, None)]
    assert MIME not in blocks.Block("<p>x</p>")._repr_mimebundle_() and "data:text/csv" not in made.html
