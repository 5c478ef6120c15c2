"""Tables in web pages and in Excel's XML of 2003."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from opened import opened_table
from test_kinds import HEADER, ROWS, WANTED, html_bytes, read

from hgdx_eval.base.errors import InputError
from hgdx_eval.base.telling import row_text
from hgdx_eval.read import markup
from hgdx_eval.read.database import TYPED
from hgdx_eval.read.tables import open_table

SPACE = 'xmlns="urn:schemas-microsoft-com:office:spreadsheet" xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet" xmlns:x="urn:schemas-microsoft-com:office:excel"'


def page(path, body, start="<html><body>"):
    path.write_text(f"{start}{body}</body></html>", encoding="utf-8")
    return path


def rows_of(rows, tag="td"):
    return "".join(f"<tr>{''.join(f'<{tag}>{cell}</{tag}>' for cell in row)}</tr>" for row in rows)


@pytest.mark.parametrize(
    "body",
    [
        f"<table>{rows_of([HEADER], 'th')}{rows_of(ROWS)}</table>",
        f"<TABLE BORDER=1><THEAD>{rows_of([HEADER], 'TH')}</THEAD><TBODY>{rows_of(ROWS, 'TD')}</TBODY></TABLE>",
        "<table>" + "".join("<tr>" + "".join(f"<td>{cell}" for cell in row) for row in [HEADER, *ROWS]) + "</table>",  # nothing is closed
        f"<table>{rows_of([HEADER, *ROWS])}",
        f"<script>var a = '<table><tr><td>x</td></tr></table>'</script><style>td {{}}</style><table>{rows_of([HEADER, *ROWS])}</table>",
        f"<table><tr><td><table>{rows_of([HEADER, *ROWS])}</table></td></tr></table>",  # a page laid out with tables
        f"<table>{rows_of([['Trang chủ', 'Đăng xuất']])}</table><table>{rows_of([['Bảng 1'], HEADER, *ROWS])}</table>",
        f"<table>{rows_of([HEADER])}{rows_of([[f'<b>{cell[:1]}</b>{cell[1:]}' for cell in row] for row in ROWS])}</table>",
        f"<table>{rows_of([HEADER, *ROWS]).replace('ị', '&#7883;')}</table>",
        f"<table>{rows_of([HEADER, *ROWS])[: -len('</td></tr>')]}",
        f"<!-- <table><tr><td>xã</td></tr></table> --><table>{rows_of([HEADER, *ROWS]).replace('<td>', '<td title=' + chr(34) + 'a>b' + chr(34) + '>')}</table>",
        f"<table>{rows_of([['xã', 'th&aacute;ng', 'hồ<br>sơ'], *ROWS])}</table>",
    ],
)
def test_a_table_of_a_page_is_read_however_it_is_written(tmp_path, body):
    assert read(page(tmp_path / "a.xls", body))[0] == ROWS


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_page_in_any_common_encoding(tmp_path, encoding):
    (tmp_path / "a.xls").write_bytes(html_bytes(encoding=encoding))
    assert read(tmp_path / "a.xls")[0] == ROWS


def test_tables_of_one_header_are_one_table_and_half_of_one_is_asked_about(tmp_path):
    path = page(tmp_path / "a.xls", f"<table>{rows_of([HEADER, *ROWS[:2]])}</table><table>{rows_of([HEADER, ROWS[2]])}</table>")
    rows, readings = read(path)
    assert rows == ROWS and [reading.kind for reading in readings] == ["content_html", "sheets_joined"]
    numbers = opened_table(path, WANTED, "SELECT row FROM raw ORDER BY row")[1]
    assert [row_text(row) for (row,) in numbers] == ["2", "3", "2 of sheet 2"]
    other = f"<table>{rows_of([HEADER, *ROWS])}</table><table>{rows_of([['xã', 'hồ sơ', 'khác'], ['a', 'b', 'c']])}</table>"
    with pytest.raises(InputError, match="a.xls: which sheet is meant"):
        opened_table(page(tmp_path / "a.xls", other), WANTED)


def test_merged_cells_of_a_page_hold_for_their_rows(tmp_path):
    body = ("<table><tr><td colspan=3>Bảng 1</td></tr><tr><td rowspan=2>xã</td><td colspan=2>Kỳ</td></tr><tr><td>tháng</td><td>hồ sơ</td></tr>"
            "<tr><td rowspan=2>Vị Thủy</td><td>2023-07</td><td>10</td></tr><tr><td>2023-08</td><td>12</td></tr>"
            "<tr><td>Long Mỹ</td><td>2023-07</td><td>7</td></tr></table>")  # fmt: skip
    rows, readings = read(page(tmp_path / "a.xls", body))
    assert rows == ROWS and readings[-1].kind == "merged_cells"


def test_what_a_cell_of_a_page_holds_beside_what_it_shows_is_a_number(tmp_path):
    path = page(
        tmp_path / "a.xls", '<table><tr><td>xã</td><td>n</td></tr><tr><td>Vị Thủy</td><td x:num="1234.5">1.234,5 <b>!</b></td></tr></table>'
    )
    assert read(path, {"n": ("n",)}, typed=True)[0] == [[f"1234.5{TYPED}"]]


def workbook(path, sheets, start='<?xml version="1.0"?>'):
    path.write_text(f"{start}<Workbook {SPACE}>{sheets}</Workbook>", encoding="utf-8")
    return path


def cell(value, kind="String", more=""):
    return f'<Cell {more}><Data ss:Type="{kind}">{value}</Data></Cell>'


def sheet(name, *rows, hidden=""):
    options = f"<x:WorksheetOptions><x:Visible>{hidden}</x:Visible></x:WorksheetOptions>" if hidden else ""
    return f'<Worksheet ss:Name="{name}"><Table><Column/>{"".join(rows)}</Table>{options}</Worksheet>'


def test_a_workbook_in_xml_keeps_rows_columns_types_and_hidden_sheets(tmp_path):
    header = "<Row>" + "".join(map(cell, HEADER)) + "</Row>"
    first = f'<Row ss:Index="4">{cell("Vị Thủy", more="ss:MergeDown=" + chr(34) + "1" + chr(34))}{cell("2023-07-01T00:00:00.000", "DateTime")}{cell("1.234", "Number")}</Row>'
    second = '<Row><Cell ss:Index="3"><Data ss:Type="Number">1E3</Data></Cell></Row>'
    third = f"<Row>{cell('A &amp; B')}{cell('2023-07-01T08:30:00.000', 'DateTime')}{cell('1.234')}</Row>"
    path = workbook(tmp_path / "a.xls", sheet("cu", header, third, hidden="SheetHidden") + sheet("S", header, first, second, third))
    rows, readings = read(path, typed=True)
    assert rows == [
        ["Vị Thủy", "2023-07-01", f"1.234{TYPED}"],
        ["Vị Thủy", None, f"1000{TYPED}"],
        ["A & B", "2023-07-01 08:30:00", "1.234"],
    ]
    assert [reading.kind for reading in readings] == ["content_spreadsheetml", "sheets_hidden", "merged_cells"]
    assert opened_table(path, WANTED, "SELECT row FROM raw ORDER BY row")[1] == [(4,), (5,), (6,)]
    with open_table(path, WANTED) as raw:
        assert raw.filled == frozenset()


@pytest.mark.parametrize(
    ("inside", "start", "message"),
    [
        (sheet("S", "<Row><Cell>"), '<?xml version="1.0"?>', "not readable as a workbook in XML"),
        (sheet("S"), '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]>', "XML with a document type"),
        (sheet("S"), '<?xml version="1.0"?><!DOCTYPE x SYSTEM "file:///etc/passwd">', "XML with a document type"),
        (sheet("S", '<Row ss:Index="9999999"/>'), '<?xml version="1.0"?>', "2,000,000 cells"),
        (sheet("S", f"<Row>{cell('x', more='ss:Index=' + chr(34) + '99999' + chr(34))}</Row>"), '<?xml version="1.0"?>', "1,000 columns"),
        (
            sheet("S", f"<Row>{cell('x', more='ss:MergeAcross=' + chr(34) + '99999' + chr(34))}</Row>"),
            '<?xml version="1.0"?>',
            "1,000 columns",
        ),
        (sheet("S"), '<?xml version="1.0"?>', "the file is empty"),
    ],
)
def test_a_workbook_in_xml_that_is_spoilt_or_hostile_is_refused(tmp_path, inside, start, message):
    with pytest.raises(InputError, match=f"^a.xls: .*{message}"):
        opened_table(workbook(tmp_path / "a.xls", inside, start), WANTED)


@pytest.mark.parametrize(
    "body",
    [
        "<table><tr><td colspan=9999999>x</table>",
        "<table>" + "<tr><td>x" * 100 + "<tr>" + "<td>" * 1_002 + "</table>",
        "<table><tr>" + "<td rowspan=1000000>x" * 900 + "<tr><td>y" * 3_000,
        "<table>" + "<tr>" * 2_000_001,
        "<table>" + "<table>" * 50_000 + "<tr><td>x",
    ],
)
def test_a_page_of_very_many_cells_is_refused_or_read_within_seconds(tmp_path, body):
    path, begun = page(tmp_path / "a.xls", body), time.process_time()
    with pytest.raises(InputError, match="^a.xls: (more than 64 MB, 2,000,000 cells|no data rows)"):
        opened_table(path, WANTED)
    assert time.process_time() - begun < 30


@pytest.mark.long
def test_ten_million_tags_and_a_tag_without_end_cost_little(tmp_path):
    """Refused below 600 MB and a minute of work."""
    (tmp_path / "tags.xls").write_bytes(b"<html><table><tr><td>" + b"<b>" * 10_000_000)
    (tmp_path / "long.xls").write_bytes(b"<html><table><tr><td a='" + b"x" * (40 << 20))
    (tmp_path / "marks.csv").write_bytes(b"<html><table><tr><td>" + b"<" * (20 << 20))
    script = ("import sys, time; from pathlib import Path; from hgdx_eval.read.tables import open_table\n"
              "try:\n with open_table(Path(sys.argv[1]), {'a': ('a',)}): pass\n"
              "except Exception as error: print(type(error).__name__, error)\n"
              "peak = next(line for line in open('/proc/self/status') if line.startswith('VmHWM'))\n"  # of this process, not of the one it came from
              "print(int(peak.split()[1]) // 1024, time.process_time())")  # fmt: skip
    for name in ("tags.xls", "long.xls", "marks.csv"):
        done = subprocess.run([sys.executable, "-c", script, str(tmp_path / name)], capture_output=True, text=True, timeout=200,
                              cwd=Path(__file__).parent.parent.parent)  # fmt: skip
        said, numbers = done.stdout.strip().splitlines()
        megabytes, seconds = map(float, numbers.split())
        assert said.startswith(f"InputError {name}: ") and megabytes < 600 and seconds < 60, (name, done.stdout, done.stderr)


def test_a_page_larger_than_may_be_held_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(markup, "BYTES", 100)
    with pytest.raises(InputError, match="save it as .xlsx or .csv"):
        opened_table(page(tmp_path / "a.xls", f"<table>{rows_of([HEADER, *ROWS])}</table>"), WANTED)
