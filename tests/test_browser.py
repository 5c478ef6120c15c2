"""The demonstration's report as people meet it: in a browser, without a network, on a phone, a desk and paper."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from test_report import HOSTILE, code, html_output, notebook, page

from hgdx_eval.report import render

pytestmark = [pytest.mark.long, pytest.mark.browser]
ROOT = Path(__file__).parent.parent
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
         "--disable-sync"]  # fmt: skip
OVERLAPS = """() => [...document.querySelectorAll('svg.c')].filter(s => s.getBoundingClientRect().width).flatMap(s => {
  const boxes = [...s.querySelectorAll('text')].map(t => [t.textContent, t.getBoundingClientRect()]).filter(b => b[1].width)
  const hit = []
  for (let i = 0; i < boxes.length; i++) for (let j = i + 1; j < boxes.length; j++) {
    const [a, b] = [boxes[i][1], boxes[j][1]]
    const w = Math.min(a.right, b.right) - Math.max(a.left, b.left), h = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top)
    if (w > 1.5 && h > 0.45 * Math.min(a.height, b.height)) hit.push(boxes[i][0] + ' | ' + boxes[j][0])
  }
  return hit
})"""
CLIPPED = """() => [...document.querySelectorAll('svg.c text')].filter(t => {
  const b = t.getBoundingClientRect(); return b.width && (b.left < -0.5 || b.right > innerWidth + 0.5)
}).map(t => t.textContent)"""


@pytest.fixture(scope="module")
def chromium():
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None and not os.environ.get("HGDX_CI"):
        pytest.skip("no Chromium here")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The demonstration, once."""
    home = tmp_path_factory.mktemp("run")
    env = {**os.environ, "XDG_CACHE_HOME": str(home), "XDG_STATE_HOME": str(home), "HOME": str(home), "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-m", "hgdx_eval", "run", "demo", "--out", str(home / "out")], capture_output=True,
                          text=True, env=env)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip().splitlines()[-1])


def opened(chromium, path, width=1280, scheme="light"):
    context = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, offline=True)
    tab = context.new_page()
    tab.noise = []
    tab.on("request", lambda request: tab.noise.append(request.url) if not request.url.startswith(("file:", "data:")) else None)
    tab.on("console", lambda message: tab.noise.append(message.text))
    tab.on("dialog", lambda dialog: (tab.noise.append(dialog.message), dialog.dismiss()))
    tab.goto(path.as_uri())
    return tab


@pytest.mark.parametrize("lang", ["vi", "en"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 360, 390, 768, 1280])
def test_the_report_fits_asks_for_nothing_and_no_label_stands_on_another(chromium, run, lang, scheme, width):
    tab = opened(chromium, run / f"report.{lang}.html", width, scheme)
    assert tab.noise == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.evaluate(OVERLAPS) == []
    assert tab.evaluate(CLIPPED) == []


def test_the_answer_and_the_mark_are_on_the_first_screen_of_a_phone(chromium, run):
    tab = opened(chromium, run / "report.vi.html", 390)
    for selector in (".sim", "h1", ".ans", ".ver h2"):
        box = tab.locator(selector).first.bounding_box()
        assert box["y"] >= 0 and box["y"] + box["height"] <= 844, selector


def test_every_figure_is_marked_and_described(chromium, run):
    tab = opened(chromium, run / "report.vi.html")
    figures = tab.locator("figure").count()
    assert figures >= 4
    assert tab.locator("figure .tag").count() == figures
    assert all(tab.locator("svg.c.w").nth(i).get_attribute("aria-label") for i in range(figures))
    assert tab.title().startswith("[Mô phỏng]")


def test_it_prints_on_a4_with_the_mark_and_page_numbers(chromium, run, tmp_path):
    tab = opened(chromium, run / "report.vi.html")
    pdf = tab.pdf(prefer_css_page_size=True)
    assert 4 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 26
    assert b"MediaBox [0 0 594" in pdf or b"MediaBox [0 0 595" in pdf


def test_both_languages_say_the_same_numbers(run):
    """Every number of the visible text, in order, apart from how it is written."""

    def numbers(lang):
        html = (run / f"report.{lang}.html").read_text(encoding="utf-8").split("</nav>", 1)[1]
        html = re.sub(r'href="data:[^"]*"|<svg.*?</svg>|<ol class="ek">.*?</ol>|<figcaption.*?</figcaption>', "", html, flags=re.S)
        found = re.findall(r"[+\u2212]\d[\d.,]*\d|[+\u2212]\d", re.sub(r"<[^>]+>", " ", html))
        return [n.translate(str.maketrans(",.", ".,")) if lang == "vi" else n for n in found]

    assert numbers("vi") == numbers("en")
    assert len(numbers("vi")) > 20


def test_no_english_in_the_vietnamese_page(chromium, run):
    text = opened(chromium, run / "report.vi.html").inner_text("main")
    for word in ("the ", "estimate", "confidence", "treated", "comparison group", "Source"):
        assert not re.search(rf"(?<![\w_]){word}(?![\w_])", text), word


def test_hostile_outputs_run_nothing_and_load_nothing(chromium, tmp_path):
    cells = [nbformat.v4.new_markdown_cell("## Mục")] + [code(html_output(bad)) for bad in HOSTILE]
    cells += [nbformat.v4.new_markdown_cell(bad) for bad in HOSTILE] + [nbformat.v4.new_markdown_cell("## Cuối")]
    path = tmp_path / "hostile.html"
    path.write_text(render([notebook(*cells)], page()), encoding="utf-8")
    tab = opened(chromium, path)
    tab.wait_for_timeout(500)
    assert tab.noise == []
    assert tab.locator("h2", has_text="Cuối").count() >= 1
    bare = path.read_text(encoding="utf-8").replace("Content-Security-Policy", "X-None", 1)
    (tmp_path / "bare.html").write_text(bare, encoding="utf-8")
    without = opened(chromium, tmp_path / "bare.html")
    without.wait_for_timeout(500)
    assert without.noise == []
