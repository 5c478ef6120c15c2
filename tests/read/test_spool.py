"""Exports of any size: what is kept of a row, where it lies, and that nothing is left."""

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opened import opened_table

from hgdx_eval.base.errors import InputError
from hgdx_eval.base.private_folder import MARK, base, clean_leftovers, private_folder
from hgdx_eval.base.telling import shape_of
from hgdx_eval.cli import main
from hgdx_eval.read import spool as spooling
from hgdx_eval.read import text
from hgdx_eval.read.database import connect, literal, shape_sql
from hgdx_eval.read.spool import Spool, keyed
from hgdx_eval.read.text import ends_quoted, gaps
from hgdx_eval.vietnam.check_export import check_file
from hgdx_eval.vietnam.count_dossiers import count_dossiers
from hgdx_eval.vietnam.layouts import opencps_dossiers
from hgdx_eval.vietnam.made_up_world import simulate

HEADER = "Mã hồ sơ,Mã thủ tục,Cơ quan thụ lý,Chủ hồ sơ,Ngày gửi,Ngày tiếp nhận,Trực tuyến"
KEPT = {"place", "dossier", "procedure", "agency", "day", "answer", "assisted", "simulated", "form", "fault", "shape",
        "days", "on_time", "due_form", "done_form", "rounded"}  # fmt: skip


def write(path: Path, rows: list[str], encoding: str = "utf-8") -> Path:
    path.write_text("\n".join([HEADER, *rows]) + "\n", encoding=encoding)
    return path


def row(number: str, day: str = "03/07/2023 08:00", online: str = "Có", agency: str = "Sở Tư pháp") -> str:
    return f"{number},1.000001,{agency},Nguyễn Thị Bí Mật,{day},{day},{online}"


def reasons(cells: pd.DataFrame) -> dict:
    bad = cells[cells["reason"].notna()]
    return {reason: (int(part["n"].sum()), [i for e in part["examples"] for i in e]) for reason, part in bad.groupby("reason")}


def test_what_is_kept_is_a_closed_list_in_a_folder_of_this_user_alone(tmp_path, monkeypatch):
    seen = {}

    def look(con, name, spools, more="", where=""):
        folder = Path(spools[0].relation.split("read_parquet('")[1].split("'")[0]).parent
        seen["columns"] = {found[0] for found in con.execute(f"DESCRIBE {spools[0].relation}").fetchall()}
        seen["modes"] = {stat.S_IMODE(place.stat().st_mode) for place in (folder.parent, base())}
        seen["bytes"] = b"".join(file.read_bytes() for file in folder.iterdir())
        return together(con, name, spools, more, where)

    from hgdx_eval.vietnam import count_dossiers as counting

    together = counting.together
    monkeypatch.setattr(counting, "together", look)
    count_dossiers([write(tmp_path / "a.csv", [row("BIMAT-0001"), row("BIMAT-0002")])])
    assert seen["columns"] == KEPT and seen["modes"] == {0o700}
    assert b"BIMAT" not in seen["bytes"] and "Bí Mật".encode() not in seen["bytes"]
    assert os.listdir(base()) == [MARK]


def test_equal_numbers_have_equal_hashes_and_another_process_has_others(monkeypatch):
    def hashes():
        return [value for (value,) in duckdb.sql(f"SELECT {keyed('n')} FROM (SELECT unnest(['a', 'b', 'a']) AS n)").fetchall()]

    first = hashes()
    assert first[0] == first[2] != first[1]
    monkeypatch.setattr(spooling, "secrets_of_process", lambda: (1, 2, 3, 4))
    assert set(hashes()).isdisjoint(first)


def test_hashes_of_neighbouring_numbers_look_drawn():
    """Every bit of ten thousand neighbouring numbers is set in a half of them, and flips in a half from one to the next."""
    found = duckdb.sql(f"SELECT {keyed('n')} AS h FROM (SELECT printf('H30-%06d', i) AS n FROM range(10000) AS t(i)) ").fetchnumpy()["h"]
    bits = (found[:, None] >> pd.array(range(64), dtype="uint64").to_numpy()[None, :]) & 1
    for share in (bits.mean(axis=0), (bits[1:] != bits[:-1]).mean(axis=0)):
        assert abs(share - 0.5).max() < 5 * 0.5 / 100  # five standard errors
    assert len(set(found)) == 10_000


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_every_row_is_counted_or_named_with_its_number(tmp_path, encoding):
    rows = [row("1"), row("2", day="hôm qua"), row("1"), row("3") + ",thừa", row("4", online="có thể"), row("5", day="45108.5"),
            row("6", day="01/01/2090"), "Tổng số,,,,,,", row("7", agency=""), row("8")]  # fmt: skip
    cells = count_dossiers([write(tmp_path / "a.csv", rows, encoding)]).cells
    assert reasons(cells) == {
        "unreadable_date": (1, [3]), "duplicate": (1, [4]), "broken_row": (1, [5]), "unreadable_online": (1, [6]),
        "future_date": (1, [8]), "total_row": (1, [9]), "no_agency": (1, [10]),
    }  # fmt: skip
    assert cells["n"].sum() == len(rows)
    assert set(cells["shape"]) == {"", "text of 7 characters", "text of 6 characters"}
    good = cells[cells["reason"].isna()]
    assert sorted(good["month"]) == ["2023-07", "2023-07"] or good["n"].sum() == 3


def test_a_batch_of_python_rows_ends_nowhere_in_particular(tmp_path, monkeypatch):
    from hgdx_eval.read import held

    whole = write(tmp_path / "a.csv", [row(str(i)) for i in range(20)] + [row("3")], "utf-16")
    expected = reasons(count_dossiers([whole]).cells)
    for batch in (1, 7, 20, 21, 22):
        monkeypatch.setattr(held, "BATCH", batch)
        assert reasons(count_dossiers([whole]).cells) == expected == {"duplicate": (1, [22])}


def test_several_files_count_a_dossier_once(tmp_path):
    first = write(tmp_path / "a.csv", [row("1"), row("2"), row("2")])
    second = write(tmp_path / "b.csv", [row("2"), row("2"), row("3")])
    cells = count_dossiers([first, second]).cells
    assert reasons(cells) == {"duplicate": (2, [4, 3]), "duplicate_elsewhere": (1, [2])}
    assert cells.loc[cells["reason"].isna(), "n"].sum() == 3


def test_one_spoilt_letter_makes_one_row_unreadable_not_the_file(tmp_path):
    path = write(tmp_path / "a.csv", [row(str(i)) for i in range(200)])
    spoilt = path.read_bytes().replace("150,1.000001,Sở".encode(), b"150,1.000001,S\xff\xfe")
    path.write_bytes(spoilt)
    cells = count_dossiers([path]).cells
    assert reasons(cells) == {"broken_row": (1, [152])} and cells["n"].sum() == 200


@settings(max_examples=100)
@given(st.integers(1, 5), st.sets(st.integers(0, 30)), st.integers(0, 40))
def test_a_place_is_the_number_of_its_row(first, passed, usable):
    numbers = [number for number in range(first + 1, first + 1 + usable + len(passed)) if number - first - 1 not in passed]
    opened = gaps(first, np.array(sorted(first + 1 + i for i in passed), "int64"))
    found = Spool("", (), (), first, opened)
    assert [found.row(place) for place in range(len(numbers))] == numbers


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("block", [1, 2, 7, 100, 1 << 22])
def test_empty_lines_do_not_move_the_numbers_of_the_rows_below(tmp_path, monkeypatch, end, block):
    monkeypatch.setattr(text, "READ", block)
    rows = ["", row("1"), "", "", row("2", day="hôm qua"), row("3") + ",thừa", "", row("4", day="hôm kia"), row("5"), "", ""]
    path = tmp_path / "a.csv"
    path.write_bytes(end.join([HEADER, *rows]).encode())
    assert reasons(count_dossiers([path]).cells) == {"broken_row": (1, [7]), "unreadable_date": (2, [6, 9])}
    assert opened_table(path, {"number": ("Mã hồ sơ",)})[1] == [(3, "1"), (6, "2"), (9, "4"), (10, "5")]


def test_mountains_of_empty_lines_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(text, "MOST_EMPTY", 5)
    path = write(tmp_path / "a.csv", [row("1"), "", "", "", "", "", "", row("2")])
    with pytest.raises(InputError, match=r"a\.csv: more than 5 lines hold nothing"):
        count_dossiers([path])


@settings(max_examples=200)
@given(st.text(alphabet="0123456789.,:/- aăâbcđéỹ'%\\", min_size=1, max_size=30).filter(str.strip))
def test_the_shape_of_a_cell_is_the_same_in_sql(text):
    assert duckdb.sql(f"SELECT {shape_sql('t')} FROM (SELECT {literal(text)} AS t)").fetchall() == [(shape_of(text),)]


def test_a_database_opens_nothing_but_what_is_named_to_it(tmp_path):
    own, other = write(tmp_path / "own.csv", [row("1")]), write(tmp_path / "other.csv", [row("1")])
    con = connect(own)
    assert con.execute(f"SELECT count(*) FROM read_csv('{own}')").fetchall() == [(1,)]
    for attempt in (f"SELECT * FROM read_csv('{other}')", f"COPY (SELECT 1) TO '{tmp_path / 'out.csv'}'", "INSTALL httpfs", "LOAD httpfs",
                    "SET enable_external_access = true", "SET memory_limit = '50GB'", f"ATTACH '{tmp_path / 'x.db'}'"):  # fmt: skip
        with pytest.raises(duckdb.Error):
            con.execute(attempt)


def test_what_a_killed_command_left_is_removed_by_the_next_one(tmp_path):
    script = "import time; from hgdx_eval.base.private_folder import private_folder\nwith private_folder() as f:\n print(f, flush=True); time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    folder = Path(process.stdout.readline().strip())
    (folder / "kept").write_text("x")
    clean_leftovers()
    assert (folder / "kept").exists(), "a living command's folder was removed"
    process.send_signal(signal.SIGKILL)
    process.wait()
    with private_folder() as own:
        assert not folder.exists() and own.exists()
    assert os.listdir(base()) == [MARK]


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_cancelling_leaves_nothing_behind(tmp_path, number):
    export = tmp_path / "a.csv"
    simulate(export, dossiers=200_000)
    before = set(tmp_path.iterdir())
    stopped = 0
    for wait in (0.0, 0.1, 0.3):
        process = subprocess.Popen([sys.executable, "-m", "hgdx_eval", "check", str(export)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent.parent)})  # fmt: skip
        while process.poll() is None and not list(base().glob("w*")):
            time.sleep(0.01)
        time.sleep(wait)  # somewhere in the reading
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
        assert (process.returncode, err.count("\n")) in ((1, 1), (0, 0)), err
        stopped += process.returncode
    assert stopped > 0, "never in time"
    assert set(tmp_path.iterdir()) == before and os.listdir(base()) == [MARK]


def test_a_file_that_does_not_fit_its_header_at_all_is_refused(tmp_path, monkeypatch):

    monkeypatch.setattr(text, "MOST_BROKEN", 5)
    path = write(tmp_path / "a.csv", [row("1"), *[row(str(i)) + ",x" for i in range(9)]])
    with pytest.raises(InputError, match="do not fit the header"):
        count_dossiers([path])


def test_a_list_of_the_five_needed_columns_alone_is_checked(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("Mã hồ sơ,Mã thủ tục,Cơ quan thụ lý,Ngày tiếp nhận,Trực tuyến\n1,1.000001,Sở Tư pháp,31/07/2023,Có\n", encoding="utf-8")
    found = check_file(path, None)
    assert (found["rows"], found["accepted"], found["date_order"]) == (1, 1, [])
    with pytest.raises(SystemExit, match="0"):
        main(["check", str(path)])


def test_the_reader_names_no_personal_column():
    personal = {"Chủ hồ sơ", "Địa chỉ", "Số điện thoại", "Thư điện tử", "Người nộp hồ sơ", "Điện thoại liên lạc"}
    assert personal.isdisjoint(header for headers in opencps_dossiers.HEADERS.values() for header in headers)


@pytest.mark.long
def test_three_hundred_thousand_dossiers_fit_into_little_memory():
    """The benchmark of ten million, at a size that CI can bear: equal counts of kit, polars and pandas, and the memory that is held to."""
    script = Path(__file__).parent.parent.parent / "benchmarks" / "export_size.py"
    done = subprocess.run([sys.executable, str(script), "--dossiers", "300000", "--runs", "1"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_quoted_cell_over_two_lines_is_read_as_one_cell(tmp_path, encoding, end):
    rows = [
        row("0"),
        row("1").replace("Sở Tư pháp", '"Sở Tư\npháp, ""số"" 1"'),
        row("2"),
        row("3") + ",thừa",
        row("4", day="hôm qua"),
        "",
        row("5"),
    ]
    path = tmp_path / "a.csv"
    path.write_bytes(end.join([HEADER, *rows, ""]).encode(encoding))
    cells = count_dossiers([path]).cells
    assert reasons(cells) == {"broken_row": (1, [5]), "unreadable_date": (1, [6])}
    assert cells["n"].sum() == 6 and 'Sở Tư\npháp, "số" 1' in set(cells["agency"])
    wanted = {"number": ("Mã hồ sơ",), "agency": ("Cơ quan thụ lý",)}
    raw, found = opened_table(path, wanted, "SELECT number, agency FROM raw WHERE row = 3")
    assert found == [("1", 'Sở Tư\npháp, "số" 1')]
    assert (raw.rows, raw.broken) == (5, (5,))


def test_a_header_over_several_lines_takes_no_row_below_it(tmp_path):
    path = tmp_path / "a.csv"
    header = HEADER.replace("Mã hồ sơ", '"Mã hồ sơ\n"').replace("Ngày gửi", '"Ngày\ngửi"')
    path.write_text("\n".join(['"Danh sách\nhồ sơ"', header, *[row(str(i)) for i in range(9)]]), encoding="utf-8")
    assert count_dossiers([path], "submitted").cells["n"].sum() == 9
    rows = opened_table(path, {"number": ("Mã hồ sơ",), "day": ("Ngày gửi",)}, "SELECT row, number FROM raw ORDER BY row")[1]
    assert rows == [(i + 3, str(i)) for i in range(9)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1258"])
@pytest.mark.parametrize(
    "after",
    [
        [],  # never closed
        [row("4").replace("1.000001", '"1.000001"')],  # closed where another cell's quote opens
        [row("4").replace("1.000001", 'x"')],  # closed by a stray quote
        [row(str(i)) for i in range(4, 3_000)],  # longer than any cell
    ],
)
def test_a_quote_that_is_not_closed_in_its_row_is_refused_with_its_row(tmp_path, encoding, after):
    rows = [row("1"), row("2").replace("1.000001", '"1.000001'), row("3"), *after]
    rows = [line.encode("ascii", "replace").decode().replace("?", "x") for line in rows] if encoding == "cp1258" else rows
    path = write(tmp_path / "a.csv", rows, "utf-8")
    if encoding != "utf-8":
        head = HEADER.encode("cp1258", "replace").decode("cp1258") if encoding == "cp1258" else HEADER
        path.write_bytes("\n".join([head, *rows, ""]).encode(encoding))
    for read in (lambda: count_dossiers([path]), lambda: opened_table(path, {"number": ("Mã hồ sơ",), "day": ("Ngày gửi",)})):
        with pytest.raises(InputError, match=r"a\.csv: row 3: .*quote"):
            read()


@pytest.mark.parametrize(
    "rows",
    [
        [row("1").replace("1.000001", '"1.000001'), row("2"), row("3").replace("1.000001", '1.000001"')],
        [row("1").replace("1.000001", '"1.000001'), row("2"), row("3").replace("Sở Tư pháp", 'Sở Tư pháp" ')],
        [row("0"), row("1").replace("1.000001", '"1.000001,x'), row("2").replace("Sở Tư pháp", 'Sở Tư pháp"')],
    ],
)
@pytest.mark.parametrize("before", [0, 500])
def test_a_quote_that_is_closed_in_the_last_row_loses_no_row(tmp_path, rows, before):
    """Without a line break at the end the database joins such rows and says nothing."""
    path = write(tmp_path / "a.csv", [*[row(f"b{i}") for i in range(before)], *rows])
    path.write_bytes(path.read_bytes().removesuffix(b"\n"))
    opened = before + 3 if rows[0] == row("0") else before + 2
    for read in (lambda: count_dossiers([path]), lambda: opened_table(path, {"number": ("Mã hồ sơ",)})):
        with pytest.raises(InputError, match=rf"a\.csv: row {opened}: .*quote"):
            read()


def test_rows_that_a_quote_joins_are_told_by_what_most_rows_hold(tmp_path):
    """Some rows above have cells too many."""
    wide = [row("1") + ",x", row("2") + ",x,x,x"]
    joined = [row("6").replace("1.000001", '"1.000001'), row("7"), row("8").replace("Sở Tư pháp", '",Sở Tư pháp')]
    path = write(tmp_path / "a.csv", [*wide, row("3"), row("4"), row("5"), *joined, row("9")])
    with pytest.raises(InputError, match=r"a\.csv: row 7: .*quote"):
        count_dossiers([path])


@pytest.mark.parametrize("end", ["\0", "\0\n", "\0\0"])
def test_bytes_of_zero_behind_the_last_row_are_a_row_that_is_told(tmp_path, end):
    path = write(tmp_path / "a.csv", [row("1"), row("2").replace("Sở Tư pháp", '"Sở Tư\npháp"'), row("3")])
    path.write_bytes(path.read_bytes() + end.encode())
    cells = count_dossiers([path]).cells
    assert [*reasons(cells).values()] == [(1, [5])] and cells["n"].sum() == 4


@pytest.mark.parametrize("last", [row("9"), row("9").replace("Sở Tư pháp", '"Sở ""A"", B"'), '"' + row("9").replace(",", '","') + '"',
                                  row("9").replace("Sở Tư pháp", '""')])  # fmt: skip
def test_a_last_row_with_quotes_of_its_own_stays_with_the_database(tmp_path, last):
    path = write(tmp_path / "a.csv", [row("1"), last])
    path.write_bytes(path.read_bytes().removesuffix(b"\n"))
    assert not ends_quoted(path, ",")
    assert count_dossiers([path]).cells["n"].sum() == 2


def test_two_lines_in_a_cell_of_the_last_row_are_read_as_one_cell(tmp_path):
    path = write(tmp_path / "a.csv", [row("1"), row("2").replace("Sở Tư pháp", '"Sở Tư\npháp"')])
    path.write_bytes(path.read_bytes().removesuffix(b"\n"))
    cells = count_dossiers([path]).cells
    assert cells["n"].sum() == 2 and "Sở Tư\npháp" in set(cells["agency"])


def test_a_quote_that_is_not_closed_loses_no_row_of_a_long_file(tmp_path):
    """Longer than what the database reads at once."""
    path = write(tmp_path / "a.csv", [row("1"), row("2").replace("1.000001", '"1.000001'), *[row(str(i)) for i in range(3, 400_000)]])
    with pytest.raises(InputError, match=r"a\.csv: row 3: .*quote"):
        count_dossiers([path])


def test_two_lines_in_a_cell_of_a_long_file_and_a_spoilt_letter_keep_every_row(tmp_path):
    rows = [row(str(i)) for i in range(60_000)]
    rows[59_990] = row("59990").replace("Sở Tư pháp", '"Sở Tư\npháp"')
    path = write(tmp_path / "a.csv", rows)
    path.write_bytes(path.read_bytes().replace("150,1.000001,Sở".encode(), b"150,1.000001,S\xff\xfe", 1))
    cells = count_dossiers([path]).cells
    assert reasons(cells)["broken_row"] == (1, [152]) and cells["n"].sum() == 60_000
