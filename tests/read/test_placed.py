"""Where a table stands in its file: below titles and comments, beside another, with names of rows before it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opened import opened_table
from test_kinds import HEADER, ROWS, WANTED, csv_bytes, read

from hgdx_eval.base.errors import InputError
from hgdx_eval.read.headers import find_header

ABOVE = [
    "Bảng 1. Hồ sơ tiếp nhận", "# xuất ngày 2024-07-01", "# a, b", "SỞ THÔNG TIN\nĐơn vị tính: hồ sơ", "Nguồn,Cổng dịch vụ công\nCập nhật,2024", "\n\nBảng 1",
    "Bảng 1,,", "sep=,",
]  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("above", ABOVE)
def test_what_stands_above_a_header_is_no_header(tmp_path, above, encoding):
    path = tmp_path / "a.csv"
    path.write_bytes((above + "\n").encode(encoding) + csv_bytes(encoding="utf-16-le" if encoding == "utf-16" else "utf-8"))
    assert read(path)[0] == ROWS
    lines = above.count("\n") + 1
    assert [row for (row,) in opened_table(path, WANTED, "SELECT row FROM raw ORDER BY row")[1]] == [lines + 2, lines + 3, lines + 4]
    with_no_wanted = opened_table(path, {"other": ("other",)})[0]
    assert with_no_wanted.header == tuple(HEADER) and with_no_wanted.rows == 3


@pytest.mark.parametrize("delimiter", [";", "\t", "|", ","])
def test_a_line_for_a_spreadsheet_program_tells_what_separates_cells(tmp_path, delimiter):
    """Here the cells hold more commas than anything else."""
    rows = (
        [["xã", "tháng, năm", "hồ sơ"], ["Vị Thủy", "07,2023,,,", "1"]]
        if delimiter != ","
        else [["xã", "tháng, năm", "hồ sơ"], ["Vị Thủy", "x", "1"]]
    )
    quoted = [[f'"{cell}"' if delimiter in cell else cell for cell in row] for row in rows]
    (tmp_path / "a.csv").write_text(
        "\ufeff" * (delimiter == ";") + f"sep={delimiter}\n" + "".join(delimiter.join(row) + "\n" for row in quoted)
    )
    wanted = {"unit": ("xã",), "period": ("tháng, năm",), "count": ("hồ sơ",)}
    assert read(tmp_path / "a.csv", wanted)[0] == rows[1:]


@settings(max_examples=200)
@given(st.integers(0, 8), st.integers(2, 12), st.integers(1, 20))
def test_without_a_wanted_name_the_header_is_the_first_wide_row(titles, width, rows):
    head = [[f"t{i}"] for i in range(titles)] + [[f"c{i}" for i in range(width)]] + [["1"] * width] * max(rows, titles + 1)
    assert find_header(head, {"other": "other"})[:2] == (titles + 1, [f"c{i}" for i in range(width)])


@pytest.mark.parametrize("suffix", ["utf-8", "utf-16"])
@pytest.mark.parametrize("gap", ["", " ", ",", ",,"])
def test_two_tables_side_by_side_are_refused_by_their_columns(tmp_path, suffix, gap):
    path = tmp_path / "a.csv"
    lines = [f"{','.join(row)},{gap},{','.join(row)}" for row in [HEADER, *ROWS]]
    path.write_bytes("\n".join(lines).encode(suffix))
    second = 5 + gap.count(",")
    with pytest.raises(InputError, match=f"a.csv: row 1: columns 1 to 3 and {second} to {second + 2} have the same names: two tables side"):
        opened_table(path, WANTED)


def test_an_unnamed_column_inside_a_table_is_no_second_table(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("xã,tháng,,hồ sơ,,Ghi chú,xã\n" + "".join(f"{a},{b},x,{c},,y,z\n" for a, b, c in ROWS), encoding="utf-8")
    assert read(path)[0] == ROWS


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("start", [0, 1])
def test_numbers_before_every_row_are_names_of_rows_and_told(tmp_path, start, encoding):
    path = tmp_path / "a.csv"
    lines = [",".join(HEADER), *(f'"{i}",{",".join(row)}' for i, row in enumerate(ROWS * 60, start=start))]
    path.write_bytes(("\n".join(lines) + "\n").encode(encoding))
    rows, readings = read(path)
    assert rows == ROWS * 60
    assert [(reading.kind, reading.said) for reading in readings] == [("row_names", {"columns": 3})]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_cell_more_than_the_header_has_is_refused_where_nobody_knows_what_it_is(tmp_path, encoding):
    path = tmp_path / "a.csv"
    lines = [",".join(HEADER), *(f"r{i * 7},{','.join(row)}" for i, row in enumerate(ROWS))]
    path.write_bytes("\n".join(lines).encode(encoding))
    with pytest.raises(
        InputError, match="a.csv: row 2: 4 cells, as in the rows below it, but the header in row 1 has 3 names.*Give every column a name"
    ):
        opened_table(path, WANTED)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_separator_at_the_end_of_every_row_names_nothing(tmp_path, encoding):
    path = tmp_path / "a.csv"
    path.write_bytes("\n".join([",".join(HEADER), *(",".join(row) + "," for row in ROWS)]).encode(encoding))
    assert read(path) == (ROWS, ())


def test_rows_of_different_length_stay_broken_rows(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(",".join(HEADER) + "\n" + "1,Vị Thủy,2023-07,10\nLong Mỹ,2023-07,7\n2,Vị Thủy,2023-08,10\n", encoding="utf-8")
    raw, rows = opened_table(path, WANTED)
    assert raw.broken == (2, 4) and rows == [(3, "Long Mỹ", "2023-07", "7")]
