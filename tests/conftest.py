import os
import tempfile
from collections.abc import Callable
from itertools import count
from pathlib import Path

if "PYTEST_XDIST_WORKER" in os.environ:  # several workers keep all cores busy: one thread of linear algebra each
    os.environ.update(dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import pytest
from hypothesis import settings
from monte_carlo import told

ROOT = Path(__file__).parent.parent
HOMES = count()
os.environ["MPLBACKEND"] = "Agg"
os.environ.setdefault("MPLCONFIGDIR", str(Path(tempfile.gettempdir()) / "hgdx-matplotlib"))  # fonts are listed once
settings.register_profile("fixed", derandomize=True, deadline=None)
settings.load_profile("fixed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that draw worlds first: they take longest, and a core that is left with one at the end would keep the other waiting."""
    items.sort(key=lambda item: item.get_closest_marker("draws") is None)


@pytest.fixture
def tell(record_property) -> Callable[[str], None]:
    """Takes a line to be read at the end of the whole suite: a rate, on whichever worker it was measured."""
    return lambda line: record_property("told", line)


def pytest_terminal_summary(terminalreporter) -> None:
    lines = told([report for several in terminalreporter.stats.values() for report in several])
    if lines:
        terminalreporter.section("measured")
        terminalreporter.write_line("\n".join(f"{file}: {line}" for file, line in lines))


def shared(variable: str, default: str) -> Path:
    folder = Path(os.environ.get(variable) or ROOT.parent / "shared" / default)
    if not folder.is_dir():
        pytest.skip(f"the {default} files are not here; name their folder in {variable}")
    return folder


@pytest.fixture
def shared_reference() -> Path:
    """Published data with published results: HGDX_REFERENCE, or ../shared/reference."""
    return shared("HGDX_REFERENCE", "reference")


@pytest.fixture
def shared_data() -> Path:
    """Real public data: HGDX_DATA, or ../shared/data."""
    return shared("HGDX_DATA", "data")


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory, monkeypatch):
    """Nothing that a test does is left in the user's home."""
    home = tmp_path_factory.mktemp(f"home-{next(HOMES)}", numbered=False)  # numbered, it would look through thousands of others each time
    for name in ("XDG_CACHE_HOME", "XDG_STATE_HOME", "HOME"):
        monkeypatch.setenv(name, str(home))
