import unicodedata

import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opened import opened_table

from hgdx_eval.base.errors import InputError
from hgdx_eval.base.telling import shape_of
from hgdx_eval.read.database import connect
from hgdx_eval.read.text import DELIMITERS

WANTED = {"code": ("Mã hồ sơ",), "agency": ("Cơ quan thụ lý",), "online": ("Trực tuyến",)}
ROWS = [["01", "Sở Tư pháp", "Có"], ["02", "UBND Xã Hoả Lựu", "Không"]]


def read(path):
    raw, rows = opened_table(path, WANTED, "SELECT code, agency, online FROM raw ORDER BY row")
    return [list(row) for row in rows], raw


def text_of(rows, delimiter=",", header=("Mã hồ sơ", "Cơ quan thụ lý", "Trực tuyến")):
    return "\n".join(delimiter.join(row) for row in [header, *rows]) + "\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("delimiter", DELIMITERS)
def test_any_common_encoding_and_delimiter_gives_the_same_cells(tmp_path, encoding, delimiter):
    path = tmp_path / "danh_sách.csv"
    path.write_bytes(text_of(ROWS, delimiter).encode(encoding))
    assert read(path)[0] == ROWS


def test_windows_1258_with_combining_marks_comes_out_composed(tmp_path):
    path = tmp_path / "cu.csv"
    path.write_bytes(unicodedata.normalize("NFD", text_of(ROWS)).replace("ư", "ư").encode("cp1258", errors="ignore"))
    composed = []
    for row in ROWS:  # cp1258 holds some letters composed and some as base + mark
        composed.append([encode_1258(cell) for cell in row])
    body = "\n".join(",".join(row) for row in composed)
    header = ",".join(encode_1258(h) for h in ("Mã hồ sơ", "Cơ quan thụ lý", "Trực tuyến"))
    path.write_bytes((header + "\n" + body + "\n").encode("cp1258"))
    assert read(path)[0] == ROWS


def encode_1258(text):
    """As Windows writes it: a letter that the code page lacks becomes base letter + combining tone mark."""
    out = []
    for letter in text:
        try:
            letter.encode("cp1258")
            out.append(letter)
        except UnicodeEncodeError:
            parts = unicodedata.normalize("NFD", letter)
            tone = [c for c in parts if c in "\u0300\u0301\u0303\u0309\u0323"]
            base = unicodedata.normalize("NFC", "".join(c for c in parts if c not in tone))
            out.append(base + "".join(tone))
    return "".join(out)


def test_columns_in_another_order_and_decomposed_headers(tmp_path):
    path = tmp_path / "a.csv"
    rows = [[o, c, a] for c, a, o in ROWS]
    header = [unicodedata.normalize("NFD", h) for h in ("TRỰC TUYẾN", " Mã  hồ sơ ", "Cơ quan thụ lý:")]
    path.write_text(text_of(rows, ";", header), encoding="utf-8")
    assert read(path)[0] == ROWS


def test_a_workbook_with_title_and_merged_header_cells(tmp_path):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet["A1"] = "DANH SÁCH HỒ SƠ"
    sheet.merge_cells("A1:C1")
    sheet["A3"], sheet["B3"] = "Mã hồ sơ", "Thông tin tiếp nhận"
    sheet.merge_cells("A3:A4")
    sheet.merge_cells("B3:C3")
    sheet["B4"], sheet["C4"] = "Cơ quan thụ lý", "Trực tuyến"
    for i, row in enumerate(ROWS, start=5):
        for j, cell in enumerate(row, start=1):
            sheet.cell(i, j, cell)
    path = tmp_path / "a.xlsx"
    book.save(path)
    assert opened_table(path, WANTED, "SELECT row, code, agency, online FROM raw ORDER BY row")[1] == [(5, *ROWS[0]), (6, *ROWS[1])]


WIDE = ("Mã hồ sơ", "Mã thủ tục", "Cơ quan thụ lý", "Ngày tiếp nhận", "Trực tuyến")
DOSSIER = ("HS-0001", "1.000110", "Sở Y tế", "11/01/2023 21:00", "Có")


@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".cp1258.csv"])
@pytest.mark.parametrize(
    ("above", "lost"),
    [
        ([DOSSIER], 1),
        ([("DANH SÁCH HỒ SƠ", "", "", "", ""), ("", "", "", "", ""), DOSSIER], 3),
        ([("HS-0002", "1.000110", "", "12/01/2023", "")], 1),
        ([("UBND TỈNH", "", "", "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", ""), ("Năm 2023", "", "Biểu 01", "", "")], None),
        ([("dossierNo", "procedureCode", "agencyName", "receiveDate", "isOnline2")], None),
        ([("Hồ sơ 1",) * 3 + ("Thời gian 2",) * 2], None),
        ([("(1)", "(2)", "(3)", "(4)", "(5)")], None),
    ],
)
def test_rows_of_the_table_above_its_header_are_not_left_out_in_silence(tmp_path, suffix, above, lost):
    """As in a sheet sorted with its header. Titles, a header in another language and column numbers may stand there."""
    path, rows = tmp_path / f"a{suffix}", [*above, WIDE, DOSSIER]
    if suffix == ".xlsx":
        book = openpyxl.Workbook()
        for row in rows:
            book.active.append(row)
        book.save(path)
    else:
        write = encode_1258 if suffix == ".cp1258.csv" else str
        path.write_bytes("\n".join(write(",".join(row)) for row in rows).encode("cp1258" if suffix == ".cp1258.csv" else "utf-8"))
    wanted = {f"c{i}": (name,) for i, name in enumerate(WIDE)}
    if lost is None:
        assert opened_table(path, wanted, "SELECT row, c0 FROM raw")[1] == [(len(rows), "HS-0001")]
    else:
        with pytest.raises(
            InputError, match=rf"a\S+: row {lost}: above the header in row {len(above) + 1}, .* put the header first"
        ) as told:
            opened_table(path, wanted)
        assert "Sở" not in str(told.value)


def test_parquet_reads_like_text(tmp_path):
    con = connect(tmp_path / "a.parquet")
    frame = pd.DataFrame(ROWS, columns=["Mã hồ sơ", "Cơ quan thụ lý", "Trực tuyến"])
    con.register("frame", frame)
    path = tmp_path / "a.parquet"
    con.execute(f"COPY frame TO '{path}' (FORMAT parquet)")
    assert read(path)[0] == ROWS


def test_row_numbers_are_those_of_the_file_and_broken_rows_are_named(tmp_path):
    path = tmp_path / "a.csv"
    extra = ["9", "B", "Có", "thừa"]
    path.write_text(text_of([extra, ["1", "A", "Có"], extra, extra, ["3", "C", "Có"], extra, ["4", "D", "Có"]]), encoding="utf-8")
    raw, rows = opened_table(path, WANTED, "SELECT row, code FROM raw ORDER BY row")
    assert raw.broken == (2, 4, 5, 7)
    assert rows == [(3, "1"), (6, "3"), (8, "4")]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [("a.csv", b"", "the file is empty"), ("a.csv", b"\n \n", "the file is empty"), ("a.pdf", b"x", r"a \.pdf file"),
     ("a.xlsx", b"PK not a workbook", "not a readable workbook"), ("a.parquet", b"no", "not a readable Parquet"),
     ("a.csv", "Mã hồ sơ,Cơ quan thụ lý,Trực tuyến\n".encode(), "no data rows")],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_by_name(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message) as error:
        opened_table(tmp_path / name, WANTED)
    assert str(error.value).startswith(name)
    assert "\n" not in str(error.value)


def test_no_such_file(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        opened_table(tmp_path / "x.csv", WANTED)


@settings(max_examples=60)
@given(st.text(max_size=40))
def test_the_shape_of_a_cell_never_tells_its_text(text):
    shape = shape_of(text)
    letters = [word for word in text.split() if len(word) > 3 and not word.isdigit()]
    assert not any(word in shape for word in letters if word not in "text of characters number digits nothing")


def test_a_workbook_of_the_old_kind(tmp_path):
    xlwt = pytest.importorskip("xlwt", reason="writes .xls, in the extra `oracles`")
    book = xlwt.Workbook(encoding="utf-8")
    sheet = book.add_sheet("Danh sách hồ sơ")
    for i, row in enumerate([["Mã hồ sơ", "Cơ quan thụ lý", "Trực tuyến"], *ROWS]):
        for j, cell in enumerate(row):
            sheet.write(i, j, cell)
    path = tmp_path / "cu.xls"
    book.save(str(path))
    assert read(path)[0] == ROWS
