"""What a file is, by its content and whatever it is called."""

import datetime
import io
import os
import zipfile

import openpyxl
import pandas as pd
import pytest
from opened import opened_table

from hgdx_eval.base.errors import InputError
from hgdx_eval.base.private_folder import MARK, base
from hgdx_eval.read.database import TYPED, connect, quoted
from hgdx_eval.read.kinds import ENDINGS, kind_of
from hgdx_eval.read.readings import Reading
from hgdx_eval.read.tables import open_beginning, open_table
from hgdx_eval.study.words import texts

HEADER = ["xã", "tháng", "hồ sơ"]
ROWS = [["Vị Thủy", "2023-07", "10"], ["Vị Thủy", "2023-08", "12"], ["Long Mỹ", "2023-07", "7"]]
WANTED = {"unit": ("xã",), "period": ("tháng",), "count": ("hồ sơ",)}


def read(path, wanted=None, typed=False):
    """(cells of every row, how the file was understood)."""
    wanted = wanted or WANTED
    with open_table(path, wanted, typed) as raw:
        rows = raw.con.sql(f"SELECT {', '.join(map(quoted, wanted))} FROM raw ORDER BY row").fetchall()
        return [list(row) for row in rows], raw.readings


def csv_bytes(separator=",", encoding="utf-8"):
    return "".join(separator.join(row) + "\n" for row in [HEADER, *ROWS]).encode(encoding)


def xlsx_bytes():
    book, out = openpyxl.Workbook(), io.BytesIO()
    for row in [HEADER, *ROWS]:
        book.active.append(row)
    book.save(out)
    return out.getvalue()


def xls_bytes():
    xlwt = pytest.importorskip("xlwt", reason="writes .xls, in the extra `oracles`")
    book, out = xlwt.Workbook(encoding="utf-8"), io.BytesIO()
    sheet = book.add_sheet("S")
    for i, row in enumerate([HEADER, *ROWS]):
        for j, cell in enumerate(row):
            sheet.write(i, j, cell)
    book.save(out)
    return out.getvalue()


def html_bytes(start="<html><body>", encoding="utf-8"):
    rows = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in [HEADER, *ROWS])
    return f"{start}<table border=1>{rows}</table></body></html>".encode(encoding)


def spreadsheetml_bytes():
    rows = "".join("<Row>" + "".join(f'<Cell><Data ss:Type="String">{cell}</Data></Cell>' for cell in row) + "</Row>"
                   for row in [HEADER, *ROWS])  # fmt: skip
    space = "urn:schemas-microsoft-com:office:spreadsheet"
    return f'<?xml version="1.0"?><Workbook xmlns="{space}" xmlns:ss="{space}"><Worksheet ss:Name="S"><Table>{rows}</Table></Worksheet></Workbook>'.encode()


def parquet_bytes(folder):
    path = folder / "made.parquet"
    con = connect(path)
    con.register("frame", pd.DataFrame(ROWS, columns=HEADER))
    con.execute(f"COPY frame TO '{path}' (FORMAT parquet, USE_TMP_FILE false)")
    return path.read_bytes()


def json_bytes():
    return pd.DataFrame(ROWS, columns=HEADER).to_json(orient="records").encode()


def dta_bytes():
    out = io.BytesIO()
    pd.DataFrame(ROWS, columns=["xa", "thang", "ho_so"]).to_stata(out, write_index=False, version=118)
    return out.getvalue()


MADE = {"text": lambda folder: csv_bytes(), "xlsx": lambda folder: xlsx_bytes(), "xls": lambda folder: xls_bytes(),
        "html": lambda folder: html_bytes(), "spreadsheetml": lambda folder: spreadsheetml_bytes(), "parquet": parquet_bytes,
        "json": lambda folder: json_bytes()}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "ending"),
    [(kind, ending) for kind in MADE for ending in (".csv", ".txt", ".xlsx", ".xlsm", ".xls", ".ods", ".parquet", ".json", ".gz", ".zip", ".dta")
     if (kind, ending) != ("text", ".json")],
)  # fmt: skip
def test_a_file_is_what_it_holds_and_an_ending_that_promises_something_else_is_told(tmp_path, kind, ending):
    path = tmp_path / f"a{ending}"
    path.write_bytes(MADE[kind](tmp_path))
    rows, readings = read(path)
    assert rows == ROWS and kind_of(path) == kind
    assert readings == (() if ending in ENDINGS[kind] else (Reading(f"content_{kind}", {"ending": ending}),))


def test_every_reading_has_a_sentence_in_both_languages():
    kinds = {*(f"content_{kind}" for kind in ENDINGS), "sheets_joined", "sheet_read", "sheets_not_read", "sheets_hidden", "merged_cells",
             "rows_full", "row_names", "json_list", "json_lines", "json_columns", "json_stat"}  # fmt: skip
    for language in ("vi", "en"):
        known = {key.partition(".")[2] for key in texts(language) if key.startswith("readings.")}
        assert kinds <= known, kinds - known


def test_tabs_and_semicolons_under_the_name_of_a_workbook(tmp_path):
    for separator in ("\t", ";", "|"):
        (tmp_path / "a.xls").write_bytes(csv_bytes(separator))
        assert read(tmp_path / "a.xls")[0] == ROWS
    (tmp_path / "a.xls").write_bytes(csv_bytes("\t", "utf-16"))  # as Excel saves "Unicode text"
    assert read(tmp_path / "a.xls")[0] == ROWS


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"%PDF-1.7\n...", "PDF document"),
        (b"\x89PNG\r\n\x1a\n....", r"picture \(PNG\)"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", r"picture \(JPEG\)"),
        (b"{\\rtf1\\ansi xin chao}", "Word document"),
        (b"Rar!\x1a\x07\0", "RAR archive"),
        (b"7z\xbc\xaf\x27\x1c\0\x04", "7z archive"),
        (b"SQLite format 3\0" + b"\0" * 100, "SQLite database"),
        (b"MIME-Version: 1.0\nContent-Type: multipart/related\n", "web archive"),
        ('<?xml version="1.0"?><don-vi><xa>Vị Thủy</xa></don-vi>'.encode(), "XML file"),
    ],
)
@pytest.mark.parametrize("ending", [".csv", ".xlsx", ".xls"])
def test_what_holds_no_table_is_refused_by_the_name_of_what_it_is(tmp_path, ending, content, message):
    path = tmp_path / f"a{ending}"
    path.write_bytes(content)
    for act in (lambda: opened_table(path, WANTED), lambda: open_beginning(path, HEADER)):
        with pytest.raises(InputError, match=rf"^a\{ending}: this is a {message}.*save the table as \.xlsx or \.csv$"):
            act()


@pytest.mark.parametrize(
    ("part", "message"),
    [("word/document.xml", "Word document"), ("ppt/presentation.xml", "PowerPoint"), ("xl/workbook.bin", r"binary workbook \(\.xlsb\)")],
)
def test_other_files_of_an_office_are_named(tmp_path, part, message):
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr(part, "<x/>")
    with pytest.raises(InputError, match=f"a.xlsx: this is a {message}"):
        opened_table(path, WANTED)


def ole(*streams):
    """The beginning of a file of Microsoft's older container that lists these streams."""
    entries = b"".join((name.encode("utf-16-le") + b"\0\0").ljust(64, b"\0") + (2 * len(name) + 2).to_bytes(2, "little") + b"\0" * 62
                       for name in ("Root Entry", *streams))  # fmt: skip
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 504 + entries


@pytest.mark.parametrize("ending", [".xlsx", ".xls", ".csv"])
@pytest.mark.parametrize(
    ("streams", "message"),
    [(("EncryptionInfo", "EncryptedPackage"), "protected by a password; save it without one"), (("WordDocument",), "this is a Word document"),
     (("Workbook",), "not a readable workbook")],
)  # fmt: skip
def test_a_protected_workbook_and_a_word_document_say_so(tmp_path, ending, streams, message):
    path = tmp_path / f"a{ending}"
    path.write_bytes(ole(*streams) + b"\0" * 4096)
    with pytest.raises(InputError, match=message):
        opened_table(path, WANTED)


@pytest.mark.parametrize("start", ["<!DOCTYPE html><html><body>", "\n  <HTML><head><title>Đăng nhập</title></head>", "\ufeff<html>"])
@pytest.mark.parametrize("ending", [".csv", ".xls", ".xlsx", ".txt"])
def test_a_page_without_a_table_is_a_web_page(tmp_path, start, ending):
    path = tmp_path / f"a{ending}"
    path.write_text(start + "Phiên làm việc đã hết hạn<table><tr><td> </td></tr></table></body></html>", encoding="utf-8")
    for act in (lambda: opened_table(path, WANTED), lambda: open_beginning(path, HEADER)):
        with pytest.raises(InputError, match="a web page without a table") as told:
            act()
        assert "Phiên" not in str(told.value)


@pytest.mark.parametrize("name", ["a.xlsx", "a.xls", "a.ods", "a.parquet", "a.dta", "a.gz", "a.zip"])
def test_what_is_cut_short_or_nothing_of_the_kind_is_not_readable(tmp_path, name):
    for content in (b"no", b"PK not a workbook", b"x,y", b"\0\1\2,\n\3,4\n", b"\x07a,b\n1,2\n"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=rf"^{name}: not a readable"):
            opened_table(tmp_path / name, WANTED)


def test_numbers_that_a_file_holds_as_numbers_bear_a_mark_where_it_is_asked_for(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["unit", "day", "value", "year"])
    book.active.append(["1.234", datetime.datetime(2023, 7, 1), 1.234, 2023])
    book.save(tmp_path / "a.xlsx")
    (tmp_path / "a.json").write_text('[{"unit": "1.234", "day": "2023-07-01", "value": 1.234, "year": 2023, "flag": true}]')
    con = connect(tmp_path / "a.parquet")
    con.execute(f"COPY (SELECT '1.234' AS unit, DATE '2023-07-01' AS day, 1.234::DOUBLE AS value, 2023::BIGINT AS year) "
                f"TO '{tmp_path / 'a.parquet'}' (FORMAT parquet, USE_TMP_FILE false)")  # fmt: skip
    pd.DataFrame({"unit": ["1.234"], "day": [pd.Timestamp("2023-07-01")], "value": [1.234], "year": [2023]}).to_stata(
        tmp_path / "a.dta", write_index=False, convert_dates={"day": "td"}
    )
    wanted = {name: (name,) for name in ("unit", "day", "value", "year")}
    for name in ("a.xlsx", "a.json", "a.parquet", "a.dta"):
        (cells,), _ = read(tmp_path / name, wanted, typed=True)
        assert [cells[0], cells[2], cells[3]] == ["1.234", f"1.234{TYPED}", f"2023{TYPED}"], name
        assert cells[1].startswith("2023-07-01") and TYPED not in cells[1], name
        assert read(tmp_path / name, wanted)[0][0][2:] == ["1.234", "2023"], name
    assert os.listdir(base()) == [MARK]


def test_a_number_in_the_header_of_a_workbook_is_its_text(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["xã", 2023, 2024])
    book.active.append(["Vị Thủy", 1, 2])
    book.save(tmp_path / "a.xlsx")
    assert read(tmp_path / "a.xlsx", {"unit": ("xã",), "value": ("2023",)})[0] == [["Vị Thủy", "1"]]
