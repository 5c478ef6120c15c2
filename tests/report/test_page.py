"""The page: every output is in it, nothing that data could smuggle in is."""

import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from hgdx_eval.report import blocks
from hgdx_eval.report.page import Page, render, sanitised, style, template
from hgdx_eval.study.words import Words

VI = Words("vi", (("place", "Hậu Giang"), ("kicker", "k"), ("unit", "tỉnh")))
HOSTILE = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", '<a href="javascript:alert(1)">x</a>', "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>", "<svg><foreignObject><body onload=alert(1)></foreignObject></svg>",
    '<iframe src="https://example.com"></iframe>', '<meta http-equiv="refresh" content="0;url=https://example.com">',
    "<style>@import url(https://example.com/a.css)</style>", '<p style="background:url(https://example.com/a.png)">x</p>',
    '<link rel="stylesheet" href="https://example.com/a.css">', '<base href="https://example.com/">',
    '<form action="https://example.com"><input autofocus onfocus=alert(1)></form>', '<img src="https://example.com/a.png">',
    '<rect fill="url(https://example.com/a.svg#x)"/>', '<svg><use href="https://example.com/a.svg#x"/></svg>',
    '<a href="data:text/html,<script>alert(1)</script>">x</a>', '<object data="https://example.com"></object>',
    '<math><mtext><table><mglyph><style><img src=x onerror="alert(1)">', '<details open ontoggle=alert(1)>x</details>',
    '</style></title><script>alert(1)</script>', '<img src="data:text/html;base64,PHNjcmlwdD4=">', "x" * 200_000,
]  # fmt: skip


def page(**changes):
    return Page(**{**dict(lang="vi", title="Đề tài", place="Hậu Giang", simulated=True, kind="report", annexes=(), footer="f"), **changes})


def html_output(html):
    return new_output("display_data", data={"text/html": html, "text/plain": "x"})


def notebook(*cells):
    return new_notebook(cells=list(cells))


def code(*outputs, tags=()):
    return new_code_cell("1 + 1", outputs=list(outputs), metadata={"tags": list(tags)}, execution_count=1)


def inert(html):
    """No element or attribute that loads or runs, outside escaped text."""
    body = html.split("</style></head>", 1)[1] if "</style></head>" in html else html
    assert not re.search(r"<(script|iframe|object|embed|form|input|meta|link|base|style|foreignobject|mglyph|annotation-xml)\b", body, re.I)
    assert not re.search(r"<[^>]*\son\w+\s*=", body, re.I)
    assert not re.search(r"<[^>]*(href|src)=\"?\s*(javascript|data:text/html)", body, re.I)
    assert not re.search(r"<[^>]*src=\"?\s*http", body, re.I)  # a link may lead to an old address, nothing is loaded from one
    assert not re.search(r"<(img|use|rect|svg|image)[^>]*https?:", body, re.I)


@pytest.mark.parametrize("bad", HOSTILE)
def test_hostile_html_is_disarmed(bad):
    inert(str(sanitised(bad)))


@pytest.mark.parametrize("bad", HOSTILE)
def test_hostile_strings_in_every_place_leave_a_whole_page(bad):
    cells = [new_markdown_cell(f"## Mục\n\n{bad}"), code(html_output(f"<h3>còn</h3><table><tr><td>ô</td></tr></table>{bad}")),
             code(html_output(blocks.definitions([(bad, bad)], VI).html)), code(new_output("stream", name="stdout", text=bad)),
             code(new_output("display_data", data={"text/markdown": bad}))]  # fmt: skip
    made = render([notebook(*cells)], page(title=bad[:500], place=bad[:500], footer=bad[:500]))
    inert(made)
    assert "<h3>còn</h3>" in made and "<td>ô</td>" in made
    assert made.count("<html") == 1 and made.rstrip().endswith("</html>")


def picture(kind, data, **metadata):
    return new_output("display_data", data={kind: data}, metadata=metadata)


def test_every_output_is_in_the_page():
    alt = {"alt": "Biểu đồ đường: tăng 4 điểm."}
    outputs = [html_output("<p>một</p>"), new_output("execute_result", data={"text/plain": "hai"}, execution_count=1),
               new_output("stream", name="stdout", text="ba"), picture("image/png", "iVBORw0KGgo=", **alt),
               picture("image/svg+xml", "<svg/>", **{"image/svg+xml": alt}), new_output("display_data", data={"text/markdown": "**bốn** $x_1$"}),
               new_output("display_data", data={"text/latex": r"$\frac{a}{b}$"}), new_output("display_data", data={"application/json": {"k": "sáu"}}),
               new_output("display_data", data={"application/x-unknown": "bảy"})]  # fmt: skip
    wanted = (
        "<p>một</p>",
        "hai",
        "ba",
        "data:image/png;base64,iVBORw0KGgo=",
        "data:image/svg+xml;base64,",
        "<strong>bốn</strong>",
        "<msub>",
        "<mfrac>",
        "sáu",
        "bảy",
    )
    for tagged in ((), ("hero",), ("hero", "answer"), ("fold",)):
        for kind in ("report", "notebook"):
            made = render([notebook(new_markdown_cell("## Mục"), code(*outputs, tags=tagged))], page(kind=kind))
            for text in wanted:
                assert text in made, (text, tagged, kind)
            assert made.count(alt["alt"]) == 2


def test_what_libraries_say_is_on_the_notebooks_page_alone_and_names_no_folder():
    said = new_output("stream", name="stderr", text="/home/ai/.venv/lib/x.py:3: UserWarning: cẩn thận\n")
    cells = [new_markdown_cell("## Mục"), code(said)]
    assert "cẩn thận" not in render([notebook(*cells)], page())
    made = render([notebook(*cells)], page(kind="notebook"))
    assert "x.py:3: UserWarning: cẩn thận" in made and "/home" not in made


@pytest.mark.parametrize("output", [
    picture("image/png", "iVBORw0KGgo="), picture("image/svg+xml", "<svg/>", alt="  "), html_output('<img src="data:image/png;base64,iVBO">'),
    html_output('<p><img alt="" src="data:image/png;base64,iVBO"></p>'), new_output("display_data", data={"text/markdown": "![](data:image/png;base64,iVBO)"}),
])  # fmt: skip
def test_a_picture_without_an_alt_text_is_not_published(output):
    with pytest.raises(ValueError, match="alt text"):
        render([notebook(code(output))], page())


def test_what_is_written_under_a_fold_stays():
    cells = [
        new_markdown_cell("## Một"),
        new_markdown_cell("### Gấp\n\nlời dẫn", metadata={"tags": ["fold"]}),
        code(html_output("<p>b</p>")),
    ]
    assert re.search(r"<summary>Gấp</summary>\s*<p>lời dẫn</p>\s*<p>b</p></details>", render([notebook(*cells)], page()))


def test_formulas_are_mathml_and_bad_ones_stay_text():
    made = render(
        [notebook(new_markdown_cell("## A\n\n$\\alpha_i$ và $$\\frac{1}{2}$$ và $\\frac{$ và $\\text{<img src=x onerror=alert(1)>}$"))],
        page(),
    )
    assert made.count("<math") >= 3 and 'display="block"' in made and "\\frac{" in made
    inert(made)


def test_only_one_language_is_shown_and_quiet_cells_are_left_out():
    cells = [new_markdown_cell("## Tiếng Việt", metadata={"tags": ["vi"]}), new_markdown_cell("## English", metadata={"tags": ["en"]}),
             code(html_output("<p>thấy</p>")), code(html_output("<p>ẩn</p>"), tags=["setup"])]  # fmt: skip
    made = render([notebook(*cells)], page())
    assert "Tiếng Việt" in made and "English" not in made and "thấy" in made and "ẩn" not in made


def test_headings_make_sections_contents_and_folds():
    cells = [new_markdown_cell("## Một\n\nlời dẫn"), code(html_output("<p>a</p>")), new_markdown_cell("### Gấp", metadata={"tags": ["fold"]}),
             code(html_output("<p>b</p>"), tags=["fold"])]  # fmt: skip
    made = render([notebook(*cells)], page())
    assert '<a href="#s1">Một</a>' in made and '<section id="s1"><h2>Một</h2>' in made
    assert re.search(r"<details><summary>Gấp</summary>\s*<p>b</p></details>", made)


def test_an_error_is_never_published():
    with pytest.raises(ValueError, match="error"):
        render([notebook(code(new_output("error", ename="E", evalue="v", traceback=[])))], page())


def test_simulated_data_say_so_in_title_banner_and_print():
    made = render([notebook()], page())
    assert "<title>[Mô phỏng] Đề tài</title>" in made
    assert made.index('class="sim"') < made.index("<main")
    assert "@top-left" in made and "MÔ PHỎNG" in made
    real = render([notebook()], page(simulated=False))
    assert "Mô phỏng" not in real and 'class="sim"' not in real


def test_the_page_is_strict_small_and_the_same_twice():
    first = render([notebook(new_markdown_cell("## A"))], page())
    assert first == render([notebook(new_markdown_cell("## A"))], page())
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:" in first
    assert len(style()) + len(first) - len(style()) < 15_000
    assert template() is template()


def test_a_notebook_page_has_its_code_folded():
    made = render([notebook(new_markdown_cell("## A"), code(html_output("<p>a</p>")))], page(kind="notebook"))
    assert '<details class="code"><summary>Mã lệnh</summary>' in made and "1 + 1" in made


def test_blocks_escape_what_they_are_given():
    import pandas as pd

    bad = "<script>alert(1)</script>"
    frame = pd.DataFrame([(bad, bad)], columns=[bad, "b"])
    made = [blocks.answer(bad, f"{bad} **{bad}** x", 2, [(bad, bad, bad)], VI), blocks.meaning([bad], [("+", bad)], bad, bad, VI),
              blocks.table(frame, bad, VI, {"b"}, download=frame), blocks.checks([(bad, bad, "pass")], bad, VI),
              blocks.threats([(bad, bad, bad, bad)], VI), blocks.facts_table([(bad, bad, True, bad, "https://x.vn", None)], VI)]  # fmt: skip
    for block in made:
        assert "<script" not in block.html


def test_nbformat_stays_valid():
    nbformat.validate(notebook(new_markdown_cell("a")))
