import io
import shutil
import zipfile

import pandas as pd
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st
from made_runs import made_run
from PIL import Image

from hgdx_eval.run.differences import Difference, by_section, differences, input_differences, lines_of, table_differences, text_differences

PAGE = "<!doctype html><style>p{{}}</style><p>Có. +4,2</p><h2>Bảng</h2><td>{a}</td><td>1.234</td><svg aria-label='đồ {a}'><text>{b}</text></svg>"
RECEIPT = {"inputs": [{"file": "a.csv", "sha256": "1" * 64}], "facts_sha256": "f" * 64, "code_sha256": "c" * 64, "notebooks_sha256": "n" * 64,
           "python": "3.11.7", "packages": {"numpy": "2.4", "pandas": "3.1"}}  # fmt: skip


@pytest.fixture
def two(tmp_path):
    run = made_run(tmp_path, "20240205T020000Z-00000001")
    (run / "report.vi.html").write_text(PAGE.format(a="3,1", b="x"), encoding="utf-8")
    shutil.copytree(run, tmp_path / "again")
    return run, tmp_path / "again"


def test_equal_runs_have_none(two):
    assert differences(*two, RECEIPT, RECEIPT) == [] and lines_of([]) == []


def test_inputs_that_changed_came_or_went_are_named():
    now = {**RECEIPT, "inputs": [{"file": "a.csv", "sha256": "2" * 64}, {"file": "b.csv", "sha256": "3" * 64}], "facts_sha256": "0" * 64,
           "python": "3.12.1", "packages": {"numpy": "2.5"}}  # fmt: skip
    found = {d.what: (d.then, d.now) for d in input_differences(RECEIPT, now)}
    assert found == {"a.csv": ("1" * 12, "2" * 12), "b.csv": ("-", "3" * 12), "facts": ("f" * 12, "0" * 12), "Python": ("3.11.7", "3.12.1"),
                     "numpy": ("2.4", "2.5"), "pandas": ("3.1", "-")}  # fmt: skip


@given(st.floats(-1e6, 1e6).filter(lambda v: abs(v) > 1e-6), st.floats(1e-8, 1e3), st.booleans())
def test_a_number_that_moved_is_told_and_the_last_digits_are_not(value, by, down):
    rows = {"estimator": ["e"], "term": ["overall"], "estimate": [repr(value)], "reason": [""]}
    moved = value * (1 - by if down else 1 + by)
    told = table_differences(pd.DataFrame(rows), pd.DataFrame({**rows, "estimate": [repr(moved)]}))
    assert [(d.where, d.what, d.then) for d in told] == [("estimates.csv row 2", "e overall estimate", repr(value))]
    assert table_differences(pd.DataFrame(rows), pd.DataFrame({**rows, "estimate": [repr(value * (1 + 1e-13))]})) == []
    gone = table_differences(pd.DataFrame(rows), pd.DataFrame({**rows, "estimate": [""]}))
    assert len(gone) == 1


def test_rows_and_columns_that_came_or_went():
    table = pd.DataFrame({"estimator": ["e", "f"], "term": ["t", "t"]})
    assert table_differences(table, table[:1]) == [Difference("estimates.csv", "rows", "2", "1")]
    assert table_differences(table, table.assign(x=1)) == [Difference("estimates.csv", "columns", "2", "3")]
    assert table_differences(table, table[["term", "estimator"]])[0].what == "columns"


def test_a_number_on_a_page_is_told_with_its_section(two):
    run, again = two
    (again / "report.vi.html").write_text(PAGE.format(a="3,2", b="x"), encoding="utf-8")
    found = differences(run, again, RECEIPT, RECEIPT)
    assert found == [Difference("report.vi.html", "Bảng", "3,1", "3,2"), Difference("report.vi.html", "Bảng", "đồ 3,1", "đồ 3,2")]
    (again / "report.vi.html").unlink()
    assert differences(run, again, RECEIPT, RECEIPT) == [Difference("report.vi.html", "page", "there", "-")]


def sheet_with(path, number, packed):
    """A workbook of one cell; `packed`: how, which changes its bytes alone."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=packed) as archive, zipfile.ZipFile(made_book(number)) as made:
        for name in made.namelist():
            archive.writestr(zipfile.ZipInfo(name), made.read(name), zipfile.ZIP_DEFLATED, packed)


def made_book(number):
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True}) as book:
        book.add_worksheet("1.1 Bảng").write_number(4, 1, number)
    return stream


def test_a_cell_of_a_workbook_is_told_and_how_it_is_packed_is_not(two):
    run, again = two
    sheet_with(run / "report.vi.xlsx", 4.2, 9)
    sheet_with(again / "report.vi.xlsx", 4.2, 1)
    assert (run / "report.vi.xlsx").read_bytes() != (again / "report.vi.xlsx").read_bytes() and differences(*two, RECEIPT, RECEIPT) == []
    sheet_with(again / "report.vi.xlsx", 4.3, 9)
    (found,) = differences(run, again, RECEIPT, RECEIPT)
    assert found.where == "report.vi.xlsx" and found.what.startswith("1.1 Bảng row ") and (found.then, found.now) == ("4.2", "4.3")
    (again / "report.vi.xlsx").unlink()
    assert differences(run, again, RECEIPT, RECEIPT) == [Difference("report.vi.xlsx", "file", "there", "-")]


def test_a_picture_differs_by_what_it_shows(two):
    run, again = two
    for folder, colour, level in ((run, "white", 9), (again, "white", 0)):
        Image.new("RGB", (40, 40), colour).save(folder / "share.vi.png", compress_level=level)
    assert (run / "share.vi.png").read_bytes() != (again / "share.vi.png").read_bytes() and differences(*two, RECEIPT, RECEIPT) == []
    Image.new("RGB", (40, 40), "black").save(again / "share.vi.png")
    assert [(d.where, d.what) for d in differences(run, again, RECEIPT, RECEIPT)] == [("share.vi.png", "picture")]


def test_a_text_that_came_in_shifts_no_other_and_a_long_list_is_cut(two):
    run, again = two
    (again / "report.vi.html").write_text(PAGE.format(a="3,1", b="x").replace("<td>3", "<td>new</td><td>3"), encoding="utf-8")
    assert differences(run, again, RECEIPT, RECEIPT) == [Difference("report.vi.html", "Bảng", "-", "new")]
    old, new = ("<h2>A</h2>" + "".join(f"<p>{i}{mark}</p>" for i in range(50)) for mark in "xy")
    found = text_differences("p", old, new)
    assert len(found) == 21 and found[19] == Difference("p", "A", "19x", "19y") and found[20] == Difference("p", "A", "…", "30 more")


def test_a_changed_facts_file_is_named():
    before, after = ({**RECEIPT, "facts_sha256": value * 64, "facts": {"tet.yaml": value * 64, "units.yaml": "u" * 64}} for value in "ab")
    assert input_differences(before, after) == [Difference("input", "facts/tet.yaml", "a" * 12, "b" * 12)]
    assert input_differences(RECEIPT, after) == [Difference("input", "facts", "f" * 12, "b" * 12)]  # a receipt of an earlier version


def test_drawings_alone_may_differ():
    old = '<h2>A</h2><svg><path d="M1 2"></path></svg>'
    assert text_differences("p", old, old.replace("M1", "M3")) == [Difference("p", "drawings", "other bytes", "same text")]
    assert by_section("<h2>A</h2><style>x</style><p>b <b>c</b> d</p>") == {"first screen": [], "A": ["A", "b", "c", "d"]}


def test_the_table_is_aligned_and_short():
    lines = lines_of([Difference("report.vi.html", "Bảng ước lượng", "3,1", "3,2"), Difference("x" * 99, "y", "1", "2")])
    assert lines[0].startswith("where ") and len({line.index(word) for line, word in zip(lines, ("what", "Bảng", "y  "))}) == 1
    assert max(map(len, lines)) < 120 and "…" in lines[2]
