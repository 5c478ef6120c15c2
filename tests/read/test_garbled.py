"""Vietnamese text whose letters are not what they should be: named as what it is, or turned back where that is certain."""

import gzip
import os
import unicodedata

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opened import opened_table
from test_kinds import read

from hgdx_eval.base.errors import InputError
from hgdx_eval.base.private_folder import MARK, base
from hgdx_eval.read.garbled import TCVN3, VNI_LETTERS, VNI_MARKS, from_tcvn3, from_vni, garbled, is_vietnamese
from hgdx_eval.read.tables import open_beginning
from hgdx_eval.vietnam.facts import load_facts

HEADER = ["Xã", "Tháng", "Hồ sơ"]
ROWS = [
    [unit, f"2023-{month:02}", str(month)] for unit in ("Vị Thủy", "Long Mỹ", "Phụng Hiệp", "Ngã Bảy", "Hỏa Lựu") for month in range(1, 13)
]
WANTED = {"unit": ("Xã",), "period": ("Tháng",), "count": ("Hồ sơ",)}
PLAIN = {"unit": ("Xa", "Xã"), "period": ("Thang",), "count": ("Ho so",)}
FOREIGN = [
    "Élève français à Paris où ça été garçon Noël Île-de-France Provence-Alpes-Côte d'Azur Rhône-Alpes",
    "São Paulo Ceará Maranhão Paraná Goiás Piauí Espírito Santo Rondônia Amapá", "São", "Müller Köln Zürich Österreich Straße Thüringen",
    "Málaga Cádiz A Coruña Ávila León Jaén Almería Álava Castellón", "Москва Киев Минск", "北京 上海", "ราชบุรี เชียงใหม่", "Łódź Śląsk Kraków",
    "Åland Västra Götaland Skåne Örebro", "25 °C ± 3 µm · ½ £ 5 « a »", "", "Hanoi Hue",
]  # fmt: skip


def text_of(rows=ROWS, header=HEADER):
    return "".join(",".join(row) + "\n" for row in [header, *rows])


def to_tcvn3(text):
    back = {letter: chr(code) for code, letter in TCVN3.items()}
    return "".join(back.get(letter, letter) for letter in text)


def to_vni(text):
    alone, marks = {letter: key for key, letter in VNI_LETTERS.items()}, {mark: key for key, mark in VNI_MARKS.items()}

    def letter(one):
        small = one.lower()
        if small in alone:
            return alone[small] if one.islower() else alone[small].upper()
        for base_letter, shown in (("ơ", "ô"), ("ư", "ö"), *zip("aeouy", "aeouy", strict=True)):
            for mark, key in marks.items():
                if unicodedata.normalize("NFC", base_letter + mark) == small:
                    return shown + key if one.islower() else (shown + key).upper()
        return one

    return "".join(map(letter, text))


def to_mojibake(text, page="cp1252"):
    letters = []
    for byte in text.encode():
        try:
            letters.append(bytes([byte]).decode(page))
        except UnicodeDecodeError:
            letters.append(chr(byte))
    return "".join(letters)


def names():
    return sorted({unit.name for unit in load_facts().units})


def test_every_unit_of_the_country_is_vietnamese_and_survives_every_encoding():
    words = {word for name in names() for word in name.split() if not word.isascii() and word.isalpha()}
    strange = sorted(word for word in words if not is_vietnamese(word))
    assert len(words) > 100 and strange == []
    text = "\n".join(names())
    assert garbled(text) is None and garbled(text.upper()) is None and garbled(unicodedata.normalize("NFD", text)) is None
    small = text.lower()
    assert from_tcvn3(to_tcvn3(small)) == small and from_vni(to_vni(text)) == text


@settings(max_examples=100)
@given(st.lists(st.sampled_from(names()), min_size=8, max_size=60, unique=True))
def test_some_names_are_enough_to_tell(some):
    text = "\n".join(some)
    if sum(not word.isascii() for word in set(text.split())) < 6:
        return
    assert garbled(text) is None
    assert garbled(to_mojibake(text)) == garbled(to_mojibake(text, "cp1258")) == "mojibake"
    assert garbled(to_tcvn3(text)) == "TCVN3" and garbled(to_vni(text)) == "VNI"


@pytest.mark.parametrize("text", FOREIGN)
def test_other_languages_are_none_of_these(tmp_path, text):
    assert garbled(text) is None
    (tmp_path / "a.csv").write_text("a,b\n" + "".join(f"{word.replace(',', '')},1\n" for word in text.split() or ["x"]), encoding="utf-8")
    assert opened_table(tmp_path / "a.csv", {"a": ("a",)})[0].readings == ()


@pytest.mark.parametrize("page", ["cp1252", "cp1258"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_mojibake_from_the_first_line_to_the_last_is_turned_back_and_told(tmp_path, page, mark):
    path = tmp_path / "a.csv"
    path.write_text(to_mojibake(mark + text_of(), page), encoding="utf-8", newline="")
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(path.read_bytes()))
    for file in (path, tmp_path / "a.csv.gz"):
        rows, readings = read(file, WANTED)
        assert rows == ROWS and [reading.kind for reading in readings] == ["mojibake"]
        assert open_beginning(file, HEADER).rows[0] == HEADER
    assert os.listdir(base()) == [MARK] and sorted(os.listdir(tmp_path)) == ["a.csv", "a.csv.gz"]


def test_mojibake_in_some_lines_is_named_and_refused(tmp_path):
    """Two files put together, of which one was spoilt: Hậu Giang would be two units."""
    spoilt = to_mojibake(text_of(ROWS[:30]))
    (tmp_path / "a.csv").write_text(spoilt + text_of(ROWS[30:]).partition("\n")[2], encoding="utf-8")
    with pytest.raises(InputError, match=r"^a.csv: its text is UTF-8 that was opened as Windows text .*export it again as UTF-8") as told:
        opened_table(tmp_path / "a.csv", WANTED)
    assert "Thủy" not in str(told.value) and "Vá" not in str(told.value)


@pytest.mark.parametrize("stored", ["bytes", "utf-8", "xlsx", "json", "html"])
@pytest.mark.parametrize(("turn", "name"), [(to_tcvn3, "TCVN3"), (to_vni, "VNI")])
def test_old_encodings_of_fonts_are_named_and_refused(tmp_path, turn, name, stored):
    rows = [[turn(cell) for cell in row] for row in [HEADER, *ROWS]]
    text = "".join(",".join(row) + "\n" for row in rows)
    path = tmp_path / {"xlsx": "a.xlsx", "json": "a.json", "html": "a.xls"}.get(stored, "a.csv")
    if stored == "bytes":
        path.write_bytes(bytes(ord(letter) for letter in text))
    elif stored == "utf-8":
        path.write_text(text, encoding="utf-8")
    elif stored == "xlsx":
        book = openpyxl.Workbook()
        for row in rows:
            book.active.append(row)
        book.save(path)
    elif stored == "json":
        path.write_text("[" + ",".join(f'{{"Xa": "{row[0]}", "n": 1}}' for row in rows) + "]", encoding="utf-8")
    else:
        path.write_text(f"<html><table>{''.join(f'<tr><td>{row[0]}<td>1' for row in rows)}</table></html>", encoding="utf-8")
    with pytest.raises(InputError, match=rf"^{path.name}: its text is the old encoding {name} \(fonts like .*turn it into Unicode"):
        opened_table(path, WANTED)


def test_a_nul_in_a_name_takes_no_letter_with_it(tmp_path):
    """The database's own function for NFC ends a text with marks at a NUL."""
    (tmp_path / "a.csv").write_bytes("Xa,n\nCà Mau,1\nCà\0 Mau,2\nCà Mau\0,3\n".encode())
    (tmp_path / "b.csv").write_bytes('Xa,n\nCà Mau,1\nCà\0 Mau,2\nCà Mau\0,"3\n"\n'.encode("utf-16"))
    for name in ("a.csv", "b.csv"):
        assert [row[0].replace("\0", "") for row in read(tmp_path / name, {"unit": ("Xa",), "n": ("n",)})[0]] == ["Cà Mau"] * 3
