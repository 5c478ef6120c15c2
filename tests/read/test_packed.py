"""Packed files: the one table inside, up to a limit, with nothing left behind."""

import gzip
import io
import os
import zipfile

import pytest
from opened import opened_table
from test_kinds import HEADER, MADE, ROWS, WANTED, csv_bytes, read, xlsx_bytes

from hgdx_eval.base.errors import InputError
from hgdx_eval.base.private_folder import MARK, base
from hgdx_eval.read import packed
from hgdx_eval.read.readings import Reading
from hgdx_eval.read.tables import open_beginning, read_grid
from hgdx_eval.vietnam.count_dossiers import count_dossiers
from hgdx_eval.vietnam.made_up_world import simulate


def zipped(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def nothing_left(folder, *names):
    return os.listdir(base()) == [MARK] and sorted(os.listdir(folder)) == sorted(names)


@pytest.mark.parametrize("kind", list(MADE))
def test_what_is_packed_is_read_as_what_it_is(tmp_path, kind):
    content, folder = MADE[kind](tmp_path), tmp_path / "own"
    folder.mkdir()
    ending = {"text": ".csv", "html": ".xls", "spreadsheetml": ".xls"}.get(kind, f".{kind}")
    (folder / f"a{ending}.gz").write_bytes(gzip.compress(content))
    zipped(folder / "b.zip", {f"bảng số liệu{ending}": content})
    for name in (f"a{ending}.gz", "b.zip"):
        rows, readings = read(folder / name)
        assert rows == ROWS, name
        assert readings == (() if ending != ".xls" or kind == "xls" else (Reading(f"content_{kind}", {"ending": ".xls"}),))
        opening = open_beginning(folder / name, HEADER)
        assert opening.rows[0] == HEADER if kind != "json" else list(opening.document[0]) == HEADER
        assert nothing_left(folder, f"a{ending}.gz", "b.zip")


def test_a_packed_grid_and_a_packed_dossier_list(tmp_path):
    zipped(tmp_path / "b.zip", {"a.csv": csv_bytes()})
    assert read_grid(tmp_path / "b.zip", HEADER) == [HEADER, *ROWS]
    plain = tmp_path / "made" / "a.csv"
    plain.parent.mkdir()
    simulate(plain, dossiers=400)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(plain.read_bytes()))
    zipped(tmp_path / "a.zip", {"a.csv": plain.read_bytes()})
    expected = count_dossiers([plain]).cells
    for name in ("a.csv.gz", "a.zip"):
        assert count_dossiers([tmp_path / name]).cells.equals(expected)
    assert os.listdir(base()) == [MARK]


def test_a_read_me_and_what_a_mac_adds_are_no_tables(tmp_path):
    path = zipped(
        tmp_path / "a.zip", {"đọc.txt": "x", "__MACOSX/._a.csv": "x", ".a.csv": "x", "~$a.xlsx": "x", "b/": "", "b/a.csv": csv_bytes()}
    )
    assert read(path)[0] == ROWS
    assert read(zipped(tmp_path / "b.zip", {"a.txt": csv_bytes()}))[0] == ROWS
    assert read(zipped(tmp_path / "c.zip", {"..\\..\\x\\a.csv": csv_bytes(), "../../etc/x.pdf": "x"}))[0] == ROWS
    assert nothing_left(tmp_path, "a.zip", "b.zip", "c.zip")


@pytest.mark.parametrize(
    ("members", "told"),
    [
        (
            {"a.csv": csv_bytes(), "b.csv": csv_bytes(), "c.xlsx": xlsx_bytes()},
            r"an archive with 3 tables \(2 \.csv, 1 \.xlsx\): exactly one",
        ),
        ({"Nguyễn Thị Lan.csv": csv_bytes(), "b.csv": csv_bytes()}, r"an archive with 2 tables \(2 \.csv\)"),
        ({"a.pdf": b"%PDF-"}, "an archive with 0 tables"),
        ({}, "an archive with 0 tables|not a readable zip"),
        ({"a.csv": b""}, "the file is empty"),
        ({"a.csv": b"%PDF-1.7"}, "this is a PDF document"),
        ({"a.csv": b"<html>login</html>"}, "a web page without a table"),
    ],
)
def test_an_archive_without_exactly_one_table_is_refused(tmp_path, members, told):
    path = zipped(tmp_path / "a.zip", members)
    for act in (lambda: opened_table(path, WANTED), lambda: open_beginning(path, HEADER)):
        with pytest.raises(InputError, match=f"^a.zip: .*({told})") as error:
            act()
        assert "Lan" not in str(error.value)
    assert nothing_left(tmp_path, "a.zip")


def test_what_is_packed_twice_is_refused(tmp_path):
    inner = zipped(tmp_path / "inner.zip", {"a.csv": csv_bytes()}).read_bytes()
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(gzip.compress(csv_bytes())))
    (tmp_path / "b.gz").write_bytes(gzip.compress(inner))
    zipped(tmp_path / "c.zip", {"x.zip": inner})
    zipped(tmp_path / "d.zip", {"x.csv": inner})
    for name in ("a.csv.gz", "b.gz", "c.zip", "d.zip"):
        with pytest.raises(InputError, match=f"^{name}: packed twice"):
            opened_table(tmp_path / name, WANTED)
    assert os.listdir(base()) == [MARK]


def test_a_bomb_is_refused_whatever_it_says_of_itself(tmp_path, monkeypatch):
    monkeypatch.setattr(packed, "UNPACKED", 3 << 20)
    bomb = b"a,b\n" + b"1,2\n" * (1 << 20)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(bomb))
    zipped(tmp_path / "a.zip", {"a.csv": bomb})
    data = bytearray((tmp_path / "a.zip").read_bytes())
    for at in (i for i in range(len(data)) if data[i : i + 4] in (b"PK\1\2", b"PK\3\4")):
        size = at + (24 if data[at : at + 4] == b"PK\1\2" else 22)
        data[size : size + 4] = (1000).to_bytes(4, "little")  # "it unpacks to 1,000 bytes"
    (tmp_path / "liar.zip").write_bytes(data)
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as archive:
        for number in range(packed.MEMBERS + 1):
            archive.writestr(str(number), "")
    for name, told in (("a.csv.gz", "larger than 3 MB"), ("a.zip", "larger than 3 MB"), ("liar.zip", "larger than 3 MB|not a readable zip"),
                       ("many.zip", "more than 2,000 files")):  # fmt: skip
        with pytest.raises(InputError, match=f"^{name}: .*({told})"):
            opened_table(tmp_path / name, {"a": ("a",)})
        assert os.listdir(base()) == [MARK]


def test_what_is_cut_short_spoilt_or_protected_is_refused(tmp_path):
    whole = gzip.compress(csv_bytes() * 500)
    (tmp_path / "a.gz").write_bytes(whole[:-20])
    (tmp_path / "b.gz").write_bytes(whole[:15] + b"\xff" * 40 + whole[55:])
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.csv", csv_bytes())
    data = bytearray(out.getvalue())
    (tmp_path / "a.zip").write_bytes(data[:-10])
    lost = bytearray(data)  # the end says that the list of files begins elsewhere, so that the file would begin before the archive
    lost[-6:-2] = (int.from_bytes(lost[-6:-2], "little") + 5_000).to_bytes(4, "little")
    (tmp_path / "lost.zip").write_bytes(lost)
    for at in (i for i in range(len(data)) if data[i : i + 4] in (b"PK\1\2", b"PK\3\4")):
        data[at + (8 if data[at : at + 4] == b"PK\1\2" else 6)] |= 1
    (tmp_path / "locked.zip").write_bytes(data)
    for name, told in (
        ("a.gz", "not a readable gzip"),
        ("b.gz", "not a readable gzip"),
        ("a.zip", "not a readable zip"),
        ("lost.zip", "not a readable zip"),
        ("locked.zip", "password"),
    ):
        with pytest.raises(InputError, match=f"^{name}: .*{told}"):
            opened_table(tmp_path / name, WANTED)
    assert os.listdir(base()) == [MARK]
