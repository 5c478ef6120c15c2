"""JupyterLab as a researcher has it: the working folder opened in Chromium, a parameter changed, everything run, saved, a second notebook
beside it; and how charts, tables and frames look there."""

import json
import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from hgdx_eval.report import in_lab
from hgdx_eval.report.blocks import Block
from hgdx_eval.report.page import sanitised
from hgdx_eval.report.tables import Table
from hgdx_eval.run.bench import init, lab_command, lab_environment

ROOT = Path(__file__).parent.parent
TOKEN = "b" * 32
RAN = r"""path => { const cells = [...document.querySelectorAll('.jp-NotebookPanel:not(.lm-mod-hidden) .jp-CodeCell')]
  return cells.length > 5 && cells.every(cell => /\[\d+\]/.test(cell.querySelector('.jp-InputPrompt').innerText)) }"""
SHOWN = ".jp-NotebookPanel:not(.lm-mod-hidden) .jp-OutputArea-output"


def test_an_output_brings_its_look_into_jupyterlab_and_none_into_a_page():
    bundle = Block("<p>x</p>", (Table("t", "t", ("a",), ((1,),)),))._repr_mimebundle_()
    assert bundle["text/html"].startswith("<style>") and str(sanitised(bundle["text/html"])) == "<p>x</p>"
    bare = in_lab.lab_style().removeprefix("<style>").removesuffix("</style>")
    assert all(".jp-" in rule for rule in re.findall(r"(?:^|})([^{}]+){", bare))  # nothing of JupyterLab's own
    assert len(bare) < 6000


def test_texts_of_a_frame_stand_to_the_left_and_numbers_to_the_right():
    frame = pd.DataFrame({"n": [1, 2], "name": ["a", "b"], "when": pd.period_range("2023-01", periods=2, freq="M"), "x": [0.5, 1.5]})
    html = in_lab.left(frame)
    (chosen,) = re.findall(r":is\(([^)]*(?:\(\d+\)[^)]*)*)\){text-align:left}", html)
    assert set(re.findall(r"^td:nth-of-type\((\d+)\)|(?<= )td:nth-of-type\((\d+)\)", chosen)) == {("2", ""), ("", "3")}
    assert "thead th:nth-of-type(3)" in chosen and html.count('class="dataframe left2-3-1"') == 1
    with pd.option_context("display.max_columns", 3):  # columns are left out: which stand where is not asked
        assert in_lab.left(frame).startswith("<div>")


@pytest.fixture
def server(tmp_path):
    """JupyterLab on a new working folder, on a free port of this machine, with a home of its own; its address and the folder."""
    work, home = tmp_path / "work", tmp_path / "home"
    home.mkdir()
    init(work, "en")
    settings = home / "settings" / "@jupyterlab" / "notebook-extension"
    settings.mkdir(parents=True)
    (settings / "tracker.jupyterlab-settings").write_text('{"windowingMode": "none"}', encoding="utf-8")  # all cells can be looked at
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "HGDX", "PYTEST"))}
    env |= lab_environment() | {
        "PYTHONPATH": str(ROOT), "JUPYTER_TOKEN": TOKEN, "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"), "HOME": str(home),
        "XDG_CACHE_HOME": str(home), "IPYTHONDIR": str(home), **{f"JUPYTER_{name}_DIR": str(home) for name in ("CONFIG", "DATA", "RUNTIME")},
    }  # fmt: skip
    words = ["--no-browser", "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    with (home / "log").open("w+b") as log:
        process = subprocess.Popen(
            [*lab_command(work), *words], cwd=work, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.PIPE
        )
        try:
            if not any(b"/lab?token=" in line for line in process.stderr):
                pytest.fail("JupyterLab did not start")
            with subprocess.Popen(["cat"], stdin=process.stderr, stdout=log):  # what it says from now on is taken from it
                yield f"http://127.0.0.1:{port}", work
                process.terminate()  # it ends its kernels
        finally:
            process.terminate()
            process.wait()


@pytest.fixture
def browser():
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None and not os.environ.get("HGDX_CI"):
        pytest.skip("no Chromium here")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"])
        yield made
        made.close()


def change_and_run(page, change):
    """The parameters cell changed by hand, then every cell, by the menu."""
    page.get_by_text(re.compile(r"Python 3 \(ipykernel\) \| Idle")).wait_for()
    panel = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
    panel.locator(".jp-CodeCell").first.locator(".cm-line", has_text="change =").click()
    page.keyboard.press("Home")
    page.keyboard.press("Shift+End")
    page.keyboard.insert_text(f"change = {json.dumps(change)}")
    page.locator(".lm-MenuBar-itemLabel", has_text="Run").click()
    page.locator(".lm-Menu-itemLabel", has_text=re.compile("^Run All Cells$")).click()
    page.wait_for_function(RAN)


def save(page):
    page.keyboard.press("Control+s")
    page.wait_for_function("() => !document.querySelector('.lm-DockPanel-tabBar .lm-mod-current.jp-mod-dirty')")


@pytest.mark.long
@pytest.mark.browser
def test_open_change_a_parameter_run_all_see_the_chart_save_and_run_a_second_notebook(server, browser):
    address, work = server
    page, outside = browser.new_page(viewport={"width": 1400, "height": 1000}), []
    page.set_default_timeout(80_000)

    def gate(route):
        inside = route.request.url.startswith((address, "data:", "blob:"))
        if not inside:
            outside.append(route.request.url)
        route.continue_() if inside else route.abort()

    page.route("**/*", gate)
    page.goto(f"{address}/lab?token={TOKEN}")
    for name in ("notebooks", "data", "outputs", "params", "README.md"):
        page.locator(".jp-DirListing-itemText", has_text=re.compile(f"^{re.escape(name)}$")).wait_for()
    page.goto(f"{address}/lab/tree/notebooks/effect.ipynb")
    change_and_run(page, {"dossiers": 3000})
    chart = page.locator(f"{SHOWN} figure.chart").first
    assert chart.locator("svg.c.w").is_visible() and not chart.locator("svg.c.n").is_visible()
    title = chart.locator(".ft").evaluate("e => [getComputedStyle(e).fontWeight, parseFloat(getComputedStyle(e).fontSize)]")
    assert title[0] == "700" and title[1] > 15
    cells = page.locator(f"{SHOWN} .tw td:not(.num)").evaluate_all("all => [...new Set(all.map(e => getComputedStyle(e).textAlign))]")
    assert cells == ["left"] and page.locator(f"{SHOWN}[data-mime-type$='stderr']").count() == 0
    before = (work / "notebooks" / "effect.ipynb").read_text(encoding="utf-8")
    save(page)
    saved = nbformat.read(work / "notebooks" / "effect.ipynb", 4)
    assert "svg" not in before and '"dossiers": 3000' in saved.cells[0].source
    assert any("<svg" in output.get("data", {}).get("text/html", "") for cell in saved.cells for output in cell.get("outputs", ()))
    dark(page)
    page.locator(".jp-DirListing-itemText", has_text="who.ipynb").dblclick()
    page.locator(".lm-DockPanel-tabBar .lm-mod-current", has_text="who.ipynb").wait_for()
    change_and_run(page, {"dossiers": 3000})
    assert page.locator(f"{SHOWN} figure.chart svg.c.w").count() > 0 and page.locator(".lm-DockPanel-tabBar .lm-TabBar-tab").count() == 2
    assert outside == []


def dark(page):
    """The dark theme, by the menu: letters of charts and tables are light, and stand out from what is behind them."""
    page.locator(".lm-MenuBar-itemLabel", has_text="Settings").click()
    page.locator(".lm-Menu-itemLabel", has_text=re.compile("^Theme$")).hover()
    page.locator(".lm-Menu-itemLabel", has_text=re.compile("^JupyterLab Dark$")).click()
    page.wait_for_function("() => document.body.dataset.jpThemeLight === 'false'")
    drawn = page.locator(f"{SHOWN} figure.chart svg.c.w text").evaluate_all("all => [...new Set(all.map(e => getComputedStyle(e).fill))]")
    written = page.locator(f"{SHOWN} :is(.ft, .tw td, .tw th)").evaluate_all("all => [...new Set(all.map(e => getComputedStyle(e).color))]")
    for colour in [*drawn, *written]:
        red, green, blue = map(int, re.findall(r"\d+", colour)[:3])
        assert 0.2126 * red + 0.7152 * green + 0.0722 * blue > 120, colour
