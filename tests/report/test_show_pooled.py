"""The page of a portfolio: both languages say the same numbers, nothing of a study that does not count, simulated ones are marked."""

import re
from dataclasses import replace
from html import unescape

import pytest

from hgdx_eval.evaluation.pooled import pool
from hgdx_eval.evaluation.sites import Site
from hgdx_eval.report.show_pooled import pages
from hgdx_eval.study.portfolio import Difference

TITLES = {"vi": "Giảm phí có tác động không?", "en": "Did lower fees matter?"}
MADE = {"day": "2026-12-01", "packages": {"hgdx_eval": "0.1.0"}, "key": "abcdef0123"}
NAMES = ["Hậu Giang", "Cần Thơ", "An Giang", "Thành phố Hồ Chí Minh"]


def site(number: int, state: str = "counts", simulated: bool = False) -> Site:
    estimate = 3.5 + 0.7 * (number % 5)
    told = Site(f"s{number:02}", state, titles={"vi": NAMES[number % 4] + str(number), "en": NAMES[number % 4] + str(number)},
                estimate=estimate, ci_low=estimate - 1.5, ci_high=estimate + 1.5, level=0.95, scale="pp", start=f"2023-{1 + number % 9:02}",
                last_period="2025-06", simulated=simulated, dose=30.0 + number, start_level=50.0 + number % 7)  # fmt: skip
    return told if state == "counts" else replace(told, estimate=77.123, ci_low=71.1, ci_high=79.9)


def shown(sites, before=()):
    return pages(pool(sites), list(before), TITLES, MADE)


def numbers(html: str) -> list[str]:
    body = re.sub(r"<style.*?</style>|data:text/csv[^\"]*|<svg.*?</svg>|https?:[^\s<]*", " ", html, flags=re.S)
    text = unescape(re.sub(r"<[^>]+>", " ", body))
    found = re.findall(r"\d+(?:[.,]\d+)?", text)
    return sorted(number.replace(",", ".") for number in found)


@pytest.mark.parametrize("k", [0, 1, 2, 3, 12])
def test_both_languages_say_the_same_numbers_and_blind_ones_none(k):
    sites = [*(site(i) for i in range(k)), site(20, "blind"), site(21, "other_definition")]
    before = [{"run": "r", "made": "2026-10-09", "estimate": 2.5, "ci_low": 1.0, "ci_high": 4.0, "k": 2, "scale": "pp"}]
    made = shown(sites, before if k > 1 else [])
    assert set(made) == {"pooled.vi.html", "pooled.en.html"}
    told = {
        name: numbers(html.replace("1 December 2026", "1/12/2026").replace("9 October 2026", "9/10/2026")) for name, html in made.items()
    }
    months = ("January", "February", "March", "April", "May", "June", "July", "August", "September")
    dated = sum(made["pooled.en.html"].count(f"{month} 2023") for month in months)
    vi, en = told["pooled.vi.html"], told["pooled.en.html"]
    assert len(vi) - len(en) == dated  # a month is a number in one language and a word in the other
    for html in made.values():
        assert "77" not in numbers(html) and "71.1" not in html and "71,1" not in html and "http:" not in html
        assert ("<svg" in html) == (k > 0) and "<script" not in html


def test_simulated_studies_are_marked_and_so_is_the_page():
    all_made_up = shown([site(i, simulated=True) for i in range(3)])["pooled.en.html"]
    assert "[Simulated]" in all_made_up and "SIMULATED DATA" in all_made_up
    mixed = shown([site(0), site(1, simulated=True), site(2)])["pooled.en.html"]
    assert "SIMULATED DATA" in mixed and mixed.count('<span class="tag">') == 2  # the study, and the chart
    assert "Simulated" not in shown([site(i) for i in range(3)])["pooled.en.html"]


def test_what_differs_is_named_and_many_studies_have_more_sections():
    other = replace(site(3, "other_definition"), differs=Difference("weights", "none", "s00", "denominator"))
    made = shown([site(0), site(1), other])
    html = made["pooled.en.html"]
    assert "weights: none; in Hậu Giang0: denominator" in html and "measures something else" in html
    assert "weights: none; ở Hậu Giang0: denominator" in made["pooled.vi.html"]
    many = shown([site(i) for i in range(12)])["pooled.en.html"]
    assert "What effects go with" in many and "What effects go with" not in html
