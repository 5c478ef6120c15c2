"""The demonstration's report as people meet it: in a browser, without a network, on a phone, a desk and paper."""

import gzip
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import openpyxl
import pandas as pd
import pytest
from foreign import write_study
from test_page import HOSTILE, code, html_output, notebook, page, picture
from test_show_methods import made

from hgdx_eval.report.page import CHAPTERS, render, sanitised
from hgdx_eval.report.pdf_docx import write_docx, write_pdf
from hgdx_eval.run.notebook_files import NOTEBOOKS
from hgdx_eval.study.words import Words

pytestmark = [pytest.mark.long, pytest.mark.browser]
ROOT = Path(__file__).parent.parent.parent
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
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")
BROKEN = {"resultTypes": ["violations"]}  # the same rules; of what is kept axe lists no element, which takes most of its time
UNFOLD = "document.querySelectorAll('details').forEach(fold => fold.open = true)"
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
    """The demonstration, once, on fewer dossiers than usual."""
    return published(tmp_path_factory.mktemp("run"), "demo", "-p", "dossiers=60000")


def published(home, *words):
    """The folder of a run through the command line."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    env = {**os.environ, "XDG_CACHE_HOME": str(home), "XDG_STATE_HOME": str(home), "HOME": str(home), "PYTHONPATH": path}
    done = subprocess.run([sys.executable, "-m", "hgdx_eval", "run", *words, "--out", str(home / "out")], capture_output=True, text=True,
                          env=env)  # fmt: skip
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
    for fold in ("", UNFOLD):
        tab.evaluate(fold)
        assert (tab.evaluate(OVERLAPS), tab.evaluate(CLIPPED)) == ([], [])


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("lang", ["vi", "en"])
@pytest.mark.parametrize("name", ["report", "brief"])
def test_axe_finds_nothing_with_every_fold_open(chromium, run, name, lang, scheme):
    from axe_playwright_python.sync_playwright import Axe

    tab = opened(chromium, run / f"{name}.{lang}.html", 360, scheme)
    tab.evaluate(UNFOLD)
    rules = {"rules": {"target-size": {"enabled": True}}} if scheme == "light" else {"runOnly": ["color-contrast"]}  # only colours differ
    for width in (360, 768, 1280):
        tab.set_viewport_size({"width": width, "height": 800})
        found = Axe().run(tab, options={**rules, **BROKEN}).response
        assert [(width, v["id"], v["nodes"][0]["html"][:200], v["nodes"][0]["target"]) for v in found["violations"]] == []
        assert len(found["passes"]) > (15 if scheme == "light" else 0)


def test_a_notebooks_page_passes_axe_too(chromium, run):
    from axe_playwright_python.sync_playwright import Axe

    tab = opened(chromium, run / "notebooks" / "effect.vi.html", 360)
    tab.evaluate(UNFOLD)
    assert [(v["id"], v["nodes"][0]["html"][:200]) for v in Axe().run(tab, options=BROKEN).response["violations"]] == []


@pytest.mark.parametrize("name", ["report", "brief", "scorecard"])
@pytest.mark.parametrize("width", [320, 360, 1280])
def test_with_every_fold_open_it_fits_too(chromium, run, name, width):
    """The page, and from 360 on every table that does not say that it scrolls by itself."""
    tab = opened(chromium, run / f"{name}.vi.html", width)
    tab.evaluate(UNFOLD)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    cut = "[...document.querySelectorAll('.tw:not([tabindex])')].filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.innerText.slice(0, 80))"
    assert width < 360 or tab.evaluate(cut) == []


@pytest.mark.parametrize("width", [768, 1280])
def test_text_of_twice_the_size_fits_and_none_is_cut(chromium, run, width):
    tab = opened(chromium, run / "report.vi.html", width)
    before = tab.evaluate("parseFloat(getComputedStyle(document.querySelector('.ans')).fontSize)")
    tab.evaluate("document.documentElement.style.fontSize = '200%'")
    assert tab.evaluate("parseFloat(getComputedStyle(document.querySelector('.ans')).fontSize)") >= 1.9 * before
    assert tab.evaluate("document.documentElement.scrollWidth") <= width


def test_the_keyboard_goes_through_the_page_in_reading_order_and_shows_where_it_is(chromium, run):
    tab = opened(chromium, run / "report.vi.html", 1280)
    seen = []
    for _ in range(40):
        tab.keyboard.press("Tab")
        seen.append(
            tab.evaluate("""() => { const e = document.activeElement, s = getComputedStyle(e), r = e.getBoundingClientRect()
            return [[...document.querySelectorAll('*')].indexOf(e), e.className || e.tagName, s.outlineStyle, r.width > 0] }""")
        )
    places = [place for place, *_ in seen]
    assert places == sorted(places) and len(set(places)) == len(places)
    assert seen[0][1] == "skip" and all(style == "solid" and visible for _, _, style, visible in seen)
    tab.keyboard.press("Shift+Tab")
    summary = tab.locator("summary").first
    summary.focus()
    tab.keyboard.press("Enter")
    assert tab.locator("details").first.get_attribute("open") is not None


def test_the_skip_link_and_the_contents_lead_to_what_they_name(chromium, run):
    tab = opened(chromium, run / "report.vi.html", 390)
    links = {link.get_attribute("href"): link.inner_text() for link in tab.locator("nav a").all()}
    assert list(links) == ["#answer", *(f"#{chapter}" for chapter in CHAPTERS)]
    assert all(tab.locator(f"{anchor} > h2").inner_text() == text for anchor, text in links.items() if anchor != "#answer")
    assert tab.locator("#answer h1").count() == 1
    anchors = tab.evaluate("[...document.querySelectorAll('.col section section')].map(e => e.id)")
    assert len(set(anchors)) == len(anchors) > 15 and not any(re.fullmatch(r"s\d+", anchor) for anchor in anchors)
    assert tab.locator(tab.locator(".skip").get_attribute("href")).count() == 1


def test_every_table_and_chart_has_its_data_in_the_workbook(chromium, run):
    for lang in ("vi", "en"):
        tab = opened(chromium, run / f"report.{lang}.html")
        shown = tab.evaluate("[...document.querySelectorAll('caption, figure.chart .ft')].map(e => e.textContent.trim())")
        book = openpyxl.load_workbook(run / f"report.{lang}.xlsx")
        titles = [str(page["A2"].value) for page in book.worksheets[1:]]
        mark = Words(lang)("report.mark", place="Hậu Giang")
        assert (
            len(shown) > 40
            and [text for text in shown if not any(title.startswith(text) or text.startswith(title) for title in titles)] == []
        )
        assert all(mark in {cell.value for row in page.iter_rows(max_row=4) for cell in row} for page in book.worksheets)
        assert tab.locator("a.dl").count() == 0 and tab.locator(f'a[href="report.{lang}.xlsx"]').count() == 1
        assert {path.name for path in run.iterdir()} >= {f"report.{lang}.xlsx", f"share.{lang}.png"} and tab.noise == []


def test_tables_have_captions_and_heads_and_headings_skip_no_level(chromium, run):
    tab = opened(chromium, run / "report.vi.html")
    assert (
        tab.evaluate("""() => [...document.querySelectorAll('table')].filter(t => !t.caption || !t.caption.textContent.trim()
        || [...t.querySelectorAll('th')].some(h => !h.scope)).length""")
        == 0
    )
    levels = [int(name[1]) for name in tab.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map(h => h.tagName)")]
    assert levels[0] == 1 and levels.count(1) == 1 and all(b - a <= 1 for a, b in zip(levels, levels[1:]))


def test_sizes_stay_within_their_limits(run):
    for lang in ("vi", "en"):
        report, brief = ((run / f"{name}.{lang}.html").read_bytes() for name in ("report", "brief"))
        assert len(report) <= 800_000 and len(gzip.compress(report)) <= 250_000 and len(brief) <= 120_000
        for svg in re.findall(rb"<svg.*?</svg>", report, re.S):
            assert len(svg) <= 60_000


def test_every_output_of_every_cell_is_in_the_page(run):
    """What a notebook says stands in the report, unless its tags say otherwise, and all of it on its own page."""
    report = (run / "report.vi.html").read_text(encoding="utf-8")
    brief = (run / "brief.vi.html").read_text(encoding="utf-8")
    counted = 0
    for name in NOTEBOOKS:
        own = (run / "notebooks" / f"{name}.vi.html").read_text(encoding="utf-8")
        for cell in nbformat.read(run / "notebooks" / f"{name}.vi.ipynb", 4).cells:
            tags = set(cell.metadata.get("tags", []))
            for output in cell.get("outputs", []):
                data = output.get("data", {})
                if "text/html" not in data and any(kind.startswith("application/vnd.hgdx.") for kind in data):
                    continue
                html = str(sanitised(data["text/html"]))
                assert html in own, (name, cell.source)
                if not tags & {"setup", "record", "notebook-only", "parameters"}:
                    assert html in (brief if "brief-only" in tags else report), (name, cell.source)
                    counted += 1
    assert counted > 30


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


def test_it_prints_on_a4_with_the_mark_page_numbers_and_repeated_heads(run, tmp_path):
    """Through the command, as an office would; read back with Chromium's own text."""
    for lang in ("vi", "en"):
        printed = write_pdf(run / f"brief.{lang}.html", tmp_path / f"brief.{lang}.pdf").read_bytes()
        assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 2, lang
    for name, low, high in (("report", 8, 14), ("brief", 2, 2)):
        target = tmp_path / f"{name}.pdf"
        done = subprocess.run([sys.executable, "-m", "hgdx_eval", "pdf", str(run / f"{name}.vi.html"), "-o", str(target)],
                              capture_output=True, text=True, cwd=ROOT)  # fmt: skip
        assert done.returncode == 0 and done.stdout.strip() == str(target), done.stderr
        pdf = target.read_bytes()
        assert low <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= high
        assert b"MediaBox [0 0 594" in pdf or b"MediaBox [0 0 595" in pdf
        if shutil.which("pdftotext"):
            text = subprocess.run(["pdftotext", "-layout", str(target), "-"], capture_output=True, text=True).stdout
            pages = text.split("\f")[:-1]
            for number, said in enumerate(pages, start=1):
                assert "SỐ LIỆU MÔ PHỎNG" in said and f"Trang {number}/{len(pages)}" in said
            assert "Giả định chưa kiểm chứng" in pages[0]  # the first page is the first screen and what it means, whole


def test_the_brief_for_word_is_two_pages_in_an_office_program(run, tmp_path):
    """LibreOffice with a face as wide as Times New Roman (fonts-liberation)."""
    office = shutil.which("soffice")
    face = subprocess.run(["fc-match", "Times New Roman"], capture_output=True, text=True).stdout if shutil.which("fc-match") else ""
    if office is None or not re.match(r"(Liberation|Times|Tinos)", face):
        pytest.skip("no LibreOffice, or no face of the width of Times New Roman")
    made = [shutil.move(write_docx(run, lang), tmp_path / f"{lang}.docx") for lang in ("vi", "en")]
    done = subprocess.run([office, f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}", "--headless", "--convert-to", "pdf",
                           "--outdir", str(tmp_path), *map(str, made)], capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stderr
    for lang in ("vi", "en"):
        printed = (tmp_path / f"{lang}.pdf").read_bytes()
        assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 2, lang


def test_what_is_folded_can_be_printed_too(run, tmp_path):
    """Tables of more than a page, with their heads again."""
    kept, whole = (write_pdf(run / "report.vi.html", tmp_path / f"{unfolded}.pdf", unfolded).read_bytes() for unfolded in (False, True))
    assert len(re.findall(rb"/Type\s*/Page\b", whole)) > 2 * len(re.findall(rb"/Type\s*/Page\b", kept))


READ = """() => { const told = []
  const walk = node => { for (const child of node.childNodes) {
    if (child.nodeType === 3) told.push(child.textContent)
    if (child.nodeType !== 1 || ['svg', 'style'].includes(child.tagName.toLowerCase()) || getComputedStyle(child).display === 'none') continue
    walk(child.tagName === 'DETAILS' && !child.open ? child.querySelector('summary') : child); told.push(' ') } }
  walk(document.body); return told.join('') }"""


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_the_report_is_read_in_one_sitting(chromium, run, lang):
    """At most 4,500 words outside folds and charts, 16 screens of a phone, 14 printed pages (they are counted where it prints)."""
    tab = opened(chromium, run / f"report.{lang}.html", 390)
    assert 1_000 < len(re.findall(r"\S*\w\S*", tab.evaluate(READ))) <= 4_500
    assert tab.evaluate("document.documentElement.scrollHeight") <= 16 * 844


def study_of(name, home, request):
    """A run of another study than the demonstration, whose pages have other sections, titles and lengths of names."""
    if name == "staggered_yearly":
        return published(home, str(write_study(home, name)), "--lang", "en"), "en"
    data = request.getfixturevalue("shared_data") / "papi" / "papi_egov_2018_2024.csv" if name == "papi_2019_2024" else \
        request.getfixturevalue("shared_reference") / "organ_donations.csv"  # fmt: skip
    return published(home, name, "-p", f"data={data}"), "vi"


@pytest.mark.parametrize("name", ["papi_2019_2024", "organ_donation", "staggered_yearly"])
def test_pages_of_other_studies_have_no_overlap_no_empty_section_and_fit(chromium, tmp_path, request, name):
    made, lang = study_of(name, tmp_path, request)
    for width in (360, 768, 1280):
        tab = opened(chromium, made / f"report.{lang}.html", width)
        tab.evaluate(UNFOLD)
        assert tab.evaluate("document.documentElement.scrollWidth") <= width and tab.noise == []
        assert (tab.evaluate(OVERLAPS), tab.evaluate(CLIPPED)) == ([], []), width
    empty = "[...document.querySelectorAll('section, details')].filter(e => e.children.length < 2).map(e => e.outerHTML.slice(0, 200))"
    assert tab.evaluate(empty) == []
    rows = "[...document.querySelectorAll('table')].filter(t => !t.tBodies[0].rows.length).map(t => t.caption.innerText)"
    assert tab.evaluate(rows) == []
    assert tab.evaluate("document.documentElement.innerText.length") > 1_000


def test_without_a_browser_it_says_so_in_one_line_and_writes_nothing(tmp_path):
    (tmp_path / "a.html").write_text("<p>a</p>", encoding="utf-8")
    for words in (["pdf", str(tmp_path / "a.html")], ["run", "demo", "--pdf", "--out", str(tmp_path / "out")]):
        done = subprocess.run([sys.executable, "-m", "hgdx_eval", *words], capture_output=True, text=True, cwd=ROOT,
                              env={**os.environ, "HGDX_CHROMIUM": "no-such-browser"})  # fmt: skip
        assert done.returncode == 2 and len(done.stderr.strip().splitlines()) == 1 and "Chromium" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.html"]


@pytest.mark.parametrize("name", ["report", "brief"])
def test_both_languages_say_the_same_numbers(chromium, run, name):
    """Every number of the text, in order, apart from how it is written; dates by their parts."""

    def numbers(lang):
        tab = opened(chromium, run / f"{name}.{lang}.html", 1280)
        tab.evaluate(UNFOLD)
        blocks = tab.evaluate("""() => [...document.querySelectorAll('.answer, .base, td, th, dd, .threat p, .ft, .fs, p.lead')]
            .filter(e => !e.closest('.answer .x, .loose') && !e.querySelector('td, dd')).map(e => e.innerText)""")
        found = []
        for text in blocks:
            text = re.sub("|".join(MONTHS), lambda m: f" {MONTHS.index(m[0]) + 1} ", text) if lang == "en" else text
            text = re.sub(r"\b[Qq]uý (I{1,3}|IV)/", lambda m: f"{('I', 'II', 'III', 'IV').index(m[1]) + 1} ", text)
            told = re.findall(r"[+\u2212]?\d+(?:[.,]\d+)*", text)
            found.append(sorted(told))
        return found

    def same(pair):  # numbers of equations and versions are written alike
        return pair[0] == pair[1] or sorted(n.translate(str.maketrans(",.", ".,")) for n in pair[0]) == pair[1]

    vi, en = numbers("vi"), numbers("en")
    assert len(vi) == len(en) and sum(map(len, vi)) > (200 if name == "report" else 40)
    assert [pair for pair in zip(vi, en) if not same(pair)] == []


def test_no_english_in_the_vietnamese_page(chromium, run):
    text = opened(chromium, run / "report.vi.html").inner_text("main")
    for word in ("the ", "estimate", "confidence", "treated", "comparison group", "Source"):
        assert not re.search(rf"(?<![\w_]){word}(?![\w_])", text), word


def test_hostile_outputs_run_nothing_and_load_nothing(chromium, tmp_path):
    cells = [nbformat.v4.new_markdown_cell("## Mục")]
    for bad in HOSTILE:
        frame = pd.DataFrame([[bad, 1.0]], columns=[bad, "b"], index=[bad])
        styled = frame.style.set_caption(bad).to_html()  # nothing in it is escaped, as pandas would give it
        cells += [code(html_output(bad)), code(html_output(styled), html_output("<h3>còn</h3>")), code(html_output(frame.to_html(escape=False))),
                  code(nbformat.v4.new_output("stream", name="stdout", text=bad)), code(picture("text/markdown", bad)),
                  code(picture("text/latex", f"$\\text{{{bad}}}$")), code(picture("image/svg+xml", bad, alt="hình")),
                  nbformat.v4.new_markdown_cell(bad), nbformat.v4.new_markdown_cell(f"### {bad[:80]}", metadata={"tags": ["fold"]}),
                  code(html_output("<p>trong</p>"))]  # fmt: skip
    cells += [nbformat.v4.new_markdown_cell("## Cuối"), code(html_output("<table><tr><th>đầu</th></tr><tr><td>ô</td></tr></table>"))]
    path = tmp_path / "hostile.html"
    for kind in ("report", "notebook"):
        path.write_text(
            render([notebook(*cells)], page(kind=kind, title=HOSTILE[0], place=HOSTILE[0], footer=HOSTILE[1])), encoding="utf-8"
        )
        quiet(chromium, path)
    tab = opened(chromium, path)
    assert tab.locator("h2", has_text="Cuối").count() >= 1 and tab.locator("h3", has_text="còn").count() == len(HOSTILE)
    assert tab.locator("table").count() >= 2 * len(HOSTILE) and tab.locator("td", has_text="ô").count() >= 1


def quiet(chromium, path):
    """Neither with its policy nor without it does a page run or load anything."""
    bare = path.with_name("bare.html")
    bare.write_text(path.read_text(encoding="utf-8").replace("Content-Security-Policy", "X-None", 1), encoding="utf-8")
    for file in (path, bare):
        tab = opened(chromium, file)
        tab.wait_for_timeout(300)
        assert tab.noise == [], file.name
        assert tab.evaluate("document.querySelectorAll('script, iframe, object, embed, link, base, form, [onload], [onerror]').length") == 0
        tab.context.close()


def test_hostile_names_in_the_data_go_through_a_whole_run_as_text(chromium, tmp_path):
    """Unit, cluster and group names that are code: from the file to the page."""
    from made_up import made_up_table

    bad = ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "=HYPERLINK(\"https://example.com\")", "{{ 7*7 }}", "**b** $x$ `c`",
           "</td></table><h1>x</h1>"]  # fmt: skip
    table = made_up_table(1, periods=20)
    codes = sorted(table["cluster"].unique())
    table = table.assign(cluster=table["cluster"].map(dict(zip(codes, bad))), unit=table["unit"] + bad[0], kind=bad[1])
    made(tmp_path, table, "treated_from: start\nby: [kind]\n")
    run = published(tmp_path / "home", str(tmp_path / "mine.yaml"), "--lang", "vi", "-p", "estimators=[two_way_fixed_effects, imputation]")
    for name in ("report.vi.html", "brief.vi.html"):
        quiet(chromium, run / name)
    tab = opened(chromium, run / "report.vi.html", 360)
    tab.evaluate(UNFOLD)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360
    assert tab.locator("h1").count() == 1 and "<script>" in tab.locator("main").text_content()
