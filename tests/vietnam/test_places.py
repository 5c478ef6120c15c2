"""Numbers of places: read as written, refused by row where they can be read in two ways."""

import pytest

from hgdx_eval.base.errors import InputError
from hgdx_eval.vietnam.questions.places import read_places

HEAD = "place,measure,value,date,source\n"


def written(folder, text, head=HEAD):
    file = folder / "places.csv"
    file.write_text(head + text, encoding="utf-8")
    return file


def test_a_place_of_another_province_is_no_unit_of_this_one(tmp_path):
    row = "Huyện Phụng Hiệp,elderly_share,12%,2019,x\n"
    assert read_places(written(tmp_path, row), "hau giang") == read_places(written(tmp_path, row))
    with pytest.raises(InputError, match="is no unit of the facts"):
        read_places(written(tmp_path, row), "Cần Thơ")


def test_names_and_shares_are_understood_with_their_sources(tmp_path):
    found = read_places(written(tmp_path, "Huyện Phụng Hiệp,elderly_share,12%,2019,Tổng điều tra 2019\n"
                                          "Thành phố Vị Thanh,elderly_share,0.1,2019,Tổng điều tra 2019\n"
                                          "Huyện Phụng Hiệp,distance_km,21.5,2023,Bản đồ tỉnh\n"))  # fmt: skip
    assert found.values == {
        "elderly_share": {"Huyện Phụng Hiệp": 0.12, "Thành phố Vị Thanh": 0.1},
        "distance_km": {"Huyện Phụng Hiệp": 21.5},
    }
    assert found.sources["elderly_share"] == ("Tổng điều tra 2019 (2019)",)


@pytest.mark.parametrize("row, found", [
    ("Huyện Không Có,elderly_share,12%,2019,x", "row 2: place"),
    ("Huyện Phụng Hiệp,elderly,12%,2019,x", "did you mean"),
    ("Huyện Phụng Hiệp,elderly_share,many,2019,x", "not a number"),
    ("Huyện Phụng Hiệp,elderly_share,120%,2019,x", "above 100%"),
    ("Huyện Phụng Hiệp,elderly_share,12%,2019,", "source is empty"),
    ("Huyện Phụng Hiệp,elderly_share,12%,2999,x", "has not begun"),
    ("Huyện Phụng Hiệp,distance_km,-2,2019,x", "negative"),
    ("Huyện Phụng Hiệp,elderly_share,12%,2019", "4 cells"),
    ("Huyện Phụng Hiệp,distance_km,2,2019,x\nHuyện Phụng Hiệp,distance_km,2,2019,x", "a second distance_km"),
])  # fmt: skip
def test_what_cannot_be_is_refused_with_its_row(tmp_path, row, found):
    with pytest.raises(InputError, match=found) as caught:
        read_places(written(tmp_path, row + "\n"))
    assert "\n" not in str(caught.value) and "row " in str(caught.value)


def test_another_header_or_no_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="needed: place, measure"):
        read_places(written(tmp_path, "a,b\n", head="x,y\n"))
    with pytest.raises(InputError, match="no such file"):
        read_places(tmp_path / "none.csv")
