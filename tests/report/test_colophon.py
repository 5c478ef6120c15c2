"""Who made a report, when, of what version: on its pages, escaped, absent where a study does not say."""

import re
from datetime import date

import pytest
from test_page import HOSTILE, code, html_output, inert, notebook, page

from hgdx_eval.report.colophon import about, about_html, dateline
from hgdx_eval.report.page import render
from hgdx_eval.study.words import Words

RECEIPT = {"study": {"made_by": "Văn phòng UBND tỉnh", "contact": "a@b.vn", "licence": "CC BY 4.0"}, "day": "2026-11-30", "simulated": True,
           "packages": {"hgdx_eval": "0.1.0"}, "key": "1a2b3c4d" * 8}  # fmt: skip
VI, EN = (Words(lang, (("title", "Giảm phí"),)) for lang in ("vi", "en"))


def test_date_maker_contact_version_citation_and_licence():
    told = dict(about(RECEIPT, VI))
    assert told == {"Ngày lập": "30/11/2026", "Người thực hiện": "Văn phòng UBND tỉnh", "Liên hệ": "a@b.vn",
                    "Phiên bản": "hgdx_eval 0.1.0, lần chạy 1a2b3c4d", "Giấy phép sử dụng": "CC BY 4.0",
                    "Trích dẫn": "Văn phòng UBND tỉnh. [Mô phỏng] Giảm phí. Báo cáo lập ngày 30/11/2026, hgdx_eval 0.1.0, lần chạy 1a2b3c4d."}  # fmt: skip
    assert dict(about(RECEIPT, EN))["Date"] == "30 November 2026"


def test_what_a_study_does_not_say_is_absent():
    told = dict(about({**RECEIPT, "study": {}, "simulated": False}, EN))
    assert list(told) == ["Date", "Version", "How to cite"] and told["How to cite"].startswith("Giảm phí. Report of 30 November 2026")


def test_the_page_says_once_where_its_tables_are_and_whom_to_ask():
    made = str(about_html(about(RECEIPT, VI), "report.vi.xlsx", VI))
    assert made.count('<a href="report.vi.xlsx">report.vi.xlsx</a>') == 1 and '<a href="mailto:a@b.vn">' in made
    assert "xlsx" not in str(about_html(about(RECEIPT, VI), "", VI))
    phone = {**RECEIPT, "study": {"contact": "0293 388 8888"}}
    assert "<a" not in str(about_html(about(phone, VI), "", VI)) and "0293 388 8888" in str(about_html(about(phone, VI), "", VI))


@pytest.mark.parametrize("bad", HOSTILE[:-1])
def test_hostile_lines_are_disarmed_on_the_page_and_in_what_previews_read(bad):
    heads = []
    for said in ("plain", bad):
        told = about({**RECEIPT, "study": dict.fromkeys(RECEIPT["study"], said)}, VI)
        own = page(about=about_html(told, "report.vi.xlsx", VI), description=said, picture="share.vi.png")
        html = render([notebook(code(html_output("<p>x</p>")))], own)
        inert(html)
        heads.append(re.findall("<[a-z]+", html.partition("<style>")[0]))
    assert heads[0] == heads[1]


def test_a_page_without_an_answer_has_no_preview():
    html = render([notebook(code(html_output("<p>x</p>")))], page())
    assert "og:" not in html and 'name="description"' not in html


@pytest.mark.parametrize(("day", "vi", "en"), [(date(2026, 11, 30), "Hậu Giang, ngày 30 tháng 11 năm 2026", "Hậu Giang, 30 November 2026"),
                                               (date(2027, 2, 3), "Hậu Giang, ngày 03 tháng 02 năm 2027", "Hậu Giang, 3 February 2027")])  # fmt: skip
def test_a_document_is_dated_as_offices_date_it(day, vi, en):
    assert dateline(day, "Hậu Giang", VI) == vi and dateline(day, "Hậu Giang", EN) == en
