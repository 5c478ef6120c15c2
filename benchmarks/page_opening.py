"""How long a page takes to open on a slow phone, as a ratio of the time of an empty page: python benchmarks/page_opening.py PAGE...

Chromium with the processor slowed to a fourth, 390 px wide, network cut; the median of nine openings, empty and full ones in turn.
Needs playwright and a Chromium.
"""

import shutil
import statistics
import sys
import tempfile
from pathlib import Path

SLOWER, TIMES, WIDTH = 4, 9, 390
PAINTED = """() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => {
  const first = performance.getEntriesByName('first-contentful-paint')[0]
  done([first ? first.startTime : NaN, performance.timing.loadEventEnd - performance.timing.navigationStart])
})))"""


def opened(browser: object, page: Path) -> tuple[float, float]:
    """(first text on the screen, loaded), milliseconds."""
    context = browser.new_context(viewport={"width": WIDTH, "height": 844}, offline=True, device_scale_factor=2)
    tab = context.new_page()
    context.new_cdp_session(tab).send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    tab.goto(page.resolve().as_uri(), wait_until="load")
    found = tab.evaluate(PAINTED)
    context.close()
    return tuple(found)


def main(pages: list[Path]) -> None:
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        empty = Path(folder) / "empty.html"
        empty.write_text("<!doctype html><title>a</title><p>a</p>", encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        for page in pages:
            rounds = [(opened(browser, empty), opened(browser, page)) for _ in range(TIMES)]
            for number, what in enumerate(("first text", "loaded")):
                base, full = (statistics.median(pair[side][number] for pair in rounds) for side in (0, 1))
                print(f"{page.name}: {what} {full:.0f} ms, an empty page {base:.0f} ms: {full / base:.1f} times")
        browser.close()


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]])
