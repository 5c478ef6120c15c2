"""What a message may show of a value, a name, a header, a file's name: the kinds of text that are told, and those that are not."""

import json

import pandas as pd
import pytest

from hgdx_eval.base.progress import failure_of, one_line
from hgdx_eval.base.telling import (
    is_header,
    looks_personal,
    person_like,
    quotable,
    shared_names,
    told_amount,
    told_file,
    told_names,
    without_files,
)
from hgdx_eval.run.run_folders import failed_notebook
from hgdx_eval.vietnam.unit_names import looks_like_agency, told_agency

PEOPLE = ["Nguyễn Văn A", "Trần B", "TRẦN THỊ BÍ MẬT", "nguyễn thị quỷnh", "nguyen van a", "NguyenVanA", "pham_thi_hoa", "Lê Thị Hoa", "le van tam",
          "Hồ Bình An", "hoso_nguyen_van_a", "Đặng Thị B", "Ông Huỳnh C", "Nguye\u0302\u0303n Van A"]  # fmt: skip


@pytest.mark.parametrize(
    "text", ["12,5%", "2023-13", "2023Q5", "Q5 2023", "13/2023", "n/a", "#DIV/0!", "-", "1.5.", "(3)", "88 %", "202313", "2023"]
)
def test_what_is_no_number_and_nobodys_is_quoted(text):
    assert quotable(text)


@pytest.mark.parametrize(
    "text",
    [
        "Nguyen",
        "Tran",
        "Lan 1985",
        "Lan85",
        "abc",
        "A",
        "B 12",
        "Ly",
        "12/03/85",
        "12.3.85",
        "12-03-1985",
        "1985-03-12",
        "12 03 85",
        "120385",
        "12:03:85",
        "12/03/85 ",
        "0912345678",
        "091.234.567",
        "a@b.vn",
        "093301001234",
        "２０２３年",
        "12,03,85",
        "1/2/3",
        "190385",
        "200385",
        "201012",
        "1203-85",
        "Q4 1x",
        "19/3/85",
        "+84 912",
        "1203 85",
        "12345",
        "2023-07-01",
        "Q1 Lan",
        *PEOPLE,
    ],
)
def test_what_may_be_somebodys_is_told_by_its_shape(text):
    assert not quotable(text)


@pytest.mark.parametrize(("value", "told"), [(88, "88"), (-3, "-3"), (1.5, "1.5"), (912345678, "number of 9 digits before the point"),
                                             (120385, "number of 6 digits before the point")])  # fmt: skip
def test_a_number_of_a_cell_is_told_up_to_four_digits(value, told):
    assert told_amount(value) == told


@pytest.mark.parametrize("text", PEOPLE)
def test_a_persons_name_is_seen_however_it_is_written(text):
    assert person_like(text) and looks_personal(text)


@pytest.mark.parametrize(
    "text",
    [
        "ho_so_2023",
        "hoso.csv",
        "le_phi",
        "bieu_phi.csv",
        "Hà Giang",
        "Hồ Chí Minh",
        "Bình Dương",
        "Phan Thiết",
        "Sở Tư pháp · 1.004194",
        "do_thi",
        "California",
        "Quản lý văn bản",
        "Thị trấn Nàng Mau",
        "thi tran nang mau",
        "Thái Nguyên",
        "SC81_access_to_egov_portals",
        "Đăng ký",
    ],
)
def test_words_places_and_files_are_nobodys(text):
    assert not looks_personal(text)


@pytest.mark.parametrize(
    "name",
    [
        "hoso.csv",
        "ho_so_20230101-20231231.xlsx",
        "2023-07.json",
        "07_2023.csv",
        "chi_so_766_2025-10.xlsx",
        "thang_*.xlsx",
        "31-12-2023.csv",
    ],
)
def test_a_files_own_name_is_published_where_it_is_nobodys(name):
    assert told_file(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "Nguyễn Thị Quỷnhkhướu 0912345678.csv",
        "0912345678.csv",
        "nguyen_van_a.csv",
        "a@b.vn.csv",
        "export 0912 345 678.csv",
        "12.0933010012345.csv",
    ],
)
def test_a_files_name_that_looks_like_somebodys_is_its_ending(name):
    assert told_file(name) == "….csv"
    assert without_files(f"s: {name}: row 3: x; and {name}", {name, "x"}) == "s: ….csv: row 3: x; and ….csv"


def test_an_ending_that_is_somebodys_is_none():
    assert told_file("don.0912345678") == told_file("Nguyễn Văn.A") == "…"


def test_only_names_that_many_rows_and_periods_share_are_told():
    names = ["often"] * 20 + ["seldom"] * 19 + ["once"] * 30 + ["Nguyễn Văn A"] * 30
    at = [*range(20), *range(19), *([1] * 30), *range(30)]
    assert shared_names(names, at) == {"often"}
    assert told_names(["often", "seldom", "once"], {"often"}) == "often, 2 that are not told"
    assert told_names(["seldom"], ()) == "1 that is not told" and told_names([], ()) == "none"


HEADER = ("unit", "month", "value")
ROWS = [("a", "2023-01", "1"), ("b", "2023-01", "2,5")]


@pytest.mark.parametrize(
    "header", [HEADER, ("Cơ quan", "Tháng", "Hồ sơ"), ("x", "y", ""), ("id", "t", "No"), ("Họ và tên", "Ngày sinh", "Số điện thoại")]
)
def test_a_row_of_labels_above_numbers_is_a_header(header):
    assert is_header(header, ROWS)


@pytest.mark.parametrize(
    "header",
    [
        ("Nguyễn Văn A", "month", "value"),
        ("unit", "0912345678", "value"),
        ("unit", "2023-01", "3"),
        ("unit", "12/03/85", "v"),
        ("unit", "unit", "v"),
        ("a@b.vn", "m", "v"),
        ("a", "month", "value"),
        ("A", "month", "value"),
        ("le thi hoa", "m", "v"),
        ("u", "m", "n/a"),
    ],
)
def test_a_first_row_that_may_be_data_is_no_header(header):
    assert not is_header(header, ROWS)


def test_a_table_without_a_column_of_numbers_shows_no_header():
    assert not is_header(("Y Moan", "nam", "trả"), [("H Hen", "nữ", "chưa")]) and not is_header(HEADER, [])


# --- agencies ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [
    "Văn phòng luật sư Nguyễn Văn A", "Phòng khám bác sĩ Trần B", "Văn phòng công chứng Quỷnhkhướu", "Văn phòng công chứng Lê Thị B", "VĂN PHÒNG LUẬT SƯ TRẦN VĂN C",
    "Phòng khám đa khoa tư nhân Hoa Mai", "Phòng khám nha khoa Lý", "Trạm y tế Bác sỹ Lan", "Văn phòng thừa phát lại Hoà", "Chi nhánh công ty TNHH Một Mình",
    "Trung tâm Nguyễn Văn A", "văn phòng nguyễn văn a", "Phòng của Lê Thị Hoa", "UBND xã Vị Nguyễn Văn", "Phòng khám phường 1 bác sĩ Lan", "Phòng Công chứng số 1 Lan",
    "Văn phòng luật sư xã Vị Thanh", "Sở Tư pháp - Nguyễn Văn A", "Phòng Tài nguyên (Trần Thị B)", "Chi nhánh văn phòng công chứng Phạm D"])  # fmt: skip
def test_an_office_that_may_bear_its_owners_name_is_no_agency(text):
    assert not looks_like_agency(text)


@pytest.mark.parametrize("text", [
    "Phòng Công chứng số 1", "Phòng Công chứng số 2 tỉnh Hậu Giang", "Phường Nguyễn Thái Học", "UBND phường Lê Bình", "Văn phòng UBND phường Trần Hưng Đạo",
    "Trung tâm Y tế huyện Trần Văn Thời", "Ban Quản lý dự án đầu tư xây dựng", "BAN QUẢN LÝ DỰ ÁN ĐẦU TƯ", "Phòng Quản lý đô thị", "Chi cục Quản lý đất đai",
    "Phòng Văn hóa và Thông tin", "Trung tâm Dịch vụ đấu giá tài sản", "Công an phường Phan Đình Phùng", "Bộ Tư lệnh Thành phố Hồ Chí Minh", "Phòng khám đa khoa khu vực"])  # fmt: skip
def test_an_agency_and_a_place_called_after_somebody_are_told(text):
    assert looks_like_agency(text)


def test_an_agency_in_a_message_of_a_summary_is_none_that_may_be_somebody():
    assert told_agency("Sở Tư pháp") == "Sở Tư pháp" and told_agency("Trần Thị Mật") == "(text of 12 characters)"


# --- errors that are not the kit's own -----------------------------------------------------------------------------


@pytest.mark.parametrize("error", [KeyError("Bí Mật"), ValueError("bi mat\n0912345678"), RuntimeError("Bí Mật")])
def test_an_error_of_others_is_its_kind_alone(error):
    assert one_line(error) == type(error).__name__ and failure_of(error) == {"kind": "other", "detail": type(error).__name__}


def test_an_error_inside_the_kit_is_its_kind_and_place():
    with pytest.raises(TypeError) as raised:
        shared_names(pd.Series(["Bí Mật"]), None)
    assert one_line(raised.value).startswith("TypeError in telling.py, line ") and one_line(raised.value)[-1].isdigit()


def test_a_notebook_of_a_failed_run_keeps_no_output_but_where_it_failed():
    trace = [
        "\x1b[31mKeyError\x1b[39m  Traceback",
        "\x1b[36mCell In[3]\x1b[39m, line 2\n----> f('Bí Mật')",
        "File ~/a b/hgdx_eval/designs.py:12, in f(x)",
        "KeyError: 'Bí Mật'",
    ]
    cells = [{"cell_type": "code", "metadata": {}, "source": "1", "outputs": [{"output_type": "stream", "name": "stdout", "text": "Bí Mật"},
              {"output_type": "error", "ename": "KeyError", "evalue": "'Bí Mật'", "traceback": trace}]}, {"cell_type": "markdown", "metadata": {}, "source": "x"}]  # fmt: skip
    kept = json.loads(failed_notebook(json.dumps({"metadata": {}, "cells": cells}), {"run": "r", "state": "failed", "reason": "KeyError"}))
    (error,) = kept["cells"][0]["outputs"]
    assert error == {"output_type": "error", "ename": "KeyError", "evalue": "", "traceback": ["In[3], line 2", "designs.py:12"]}
