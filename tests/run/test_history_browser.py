"""The history page as people meet it: no sideways scroll, no request, nothing clipped."""

import pytest
from made_runs import monthly_runs
from test_browser import CLIPPED, OVERLAPS, chromium, opened  # noqa: F401

from hgdx_eval.run.history.page import refresh

pytestmark = [pytest.mark.long, pytest.mark.browser]


@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (360, "dark"), (1280, "light")])
def test_the_history_page_fits_every_screen_and_asks_for_nothing(chromium, tmp_path, width, scheme):  # noqa: F811
    refresh(monthly_runs(tmp_path), print)
    for name in ("index.html", "index.en.html"):
        page = opened(chromium, tmp_path / name, width, scheme)
        assert page.noise == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(OVERLAPS) == [] and page.evaluate(CLIPPED) == []
        page.context.close()
