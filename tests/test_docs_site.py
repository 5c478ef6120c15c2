"""The documentation site, built as `make docs` builds it, without network; then read by a browser without network."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from test_browser import chromium, opened  # noqa: F401
from test_docs import check_site

import bootstrap

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.long
NO_NETWORK = """
import socket
whole = socket.socket.connect
def connect(self, address):
    if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1"):
        raise AssertionError(f"asks {address[0]}")
    return whole(self, address)
socket.socket.connect = connect
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of a site just built, by this Python and one that has Sphinx."""
    name, lock = bootstrap.ENVIRONMENTS["docs"]
    if (
        not os.environ.get("HGDX_CI")
        and not os.environ.get("HGDX_SPHINX")
        and not bootstrap.is_ready(str(ROOT / name), bootstrap.wanted_stamp(lock))
    ):
        pytest.skip("no environment of the documentation here: make docs")
    sphinx = os.environ.get("HGDX_SPHINX") or bootstrap.environment("docs")
    folder = tmp_path_factory.mktemp("docs")
    (folder / "sitecustomize.py").write_text(NO_NETWORK, encoding="utf-8")
    code = f"import sys, bootstrap; sys.exit(bootstrap.build_site(sys.executable, {sphinx!r}, {str(folder)!r}))"
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, encoding="utf-8", timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.split("\n")[-2] == str(folder / "html" / "index.html")
    return folder / "html"


def test_the_site_is_whole_and_loads_nothing_from_elsewhere(site):
    assert check_site.faults(site) == []
    assert len(list(site.rglob("*.html"))) > 90


def test_every_chart_says_that_its_data_are_simulated(site):
    text = "".join(page.read_text(encoding="utf-8") for page in sorted((site / "gallery").glob("*.html")))
    figures = text.split('<figure class="chart">')[1:]
    assert len(figures) >= 15 and all("Simulated data" in figure.partition("</figure>")[0] for figure in figures)
    for lang in ("vi", "en"):
        assert (site / "demonstration" / f"report.{lang}.html").is_file()


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_pages_fit_a_phone_and_ask_for_nothing(chromium, site, width, scheme):  # noqa: F811
    for name in (
        "index",
        "methods/synthetic_did",
        "verbs/evaluation-how-sure",
        "keys",
        "gallery/effect",
        "docs/guides/official.vi",
        "docs/bias",
    ):
        tab = opened(chromium, site / f"{name}.html", width, scheme)
        assert tab.evaluate("document.documentElement.scrollWidth") <= width and tab.noise == [], name
        tab.context.close()


@pytest.mark.browser
def test_the_search_answers_from_a_disk_in_both_languages(chromium, site):  # noqa: F811
    tab = opened(chromium, site / "search.html", 1280)
    for word, page in (("placebo_before", "verbs/"), ("lãnh đạo", "official.vi")):
        tab.goto((site / "search.html").as_uri() + f"?q={word}")
        tab.wait_for_selector("ul.search li a")
        assert any(page in (link.get_attribute("href") or "") for link in tab.locator("ul.search li a").all()), word
    assert not [line for line in tab.noise if line.startswith("http")] and tab.evaluate("document.documentElement.lang") == "en"
    tab.goto((site / "docs" / "guides" / "official.vi.html").as_uri())
    assert tab.evaluate("document.documentElement.lang") == "vi"
    tab.context.close()
