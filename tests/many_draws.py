"""The rates of docs/coverage.md, docs/warnings.md and others, over many drawn worlds: python tests/many_draws.py [-k EXPRESSION] [-o FILE]

The Monte Carlo tests as they are, with HGDX_DRAWS=many: their seeds begin as in CI and go on; the rates themselves must keep the bars.
Some forty minutes on two cores. Exit code 1 where a bar is not kept.
"""

import argparse
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from monte_carlo import told

ROOT = Path(__file__).parent.parent
HEAD = """# Rates over many draws

`python tests/many_draws.py{words}` on {day}, revision {revision}, {minutes:.0f} minutes on {cores} cores. Seeds from 1 on (from
100 or 101 where the test says so), fixed beforehand; how many: with each rate. {verdict}

"""


class Heard:
    """Every report of a test."""

    def __init__(self) -> None:
        self.reports: list[pytest.TestReport] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.reports.append(report)


def page(heard: Heard, words: str, seconds: float) -> str:
    revision = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=ROOT).stdout.strip()
    failed = sorted({report.nodeid for report in heard.reports if report.failed})
    verdict = "Every bar was kept." if not failed else f"Not kept: {', '.join(failed)}."
    head = HEAD.format(words=words, day=datetime.now(UTC).date(), revision=revision or "unknown", minutes=seconds / 60,
                       cores=os.cpu_count(), verdict=verdict)  # fmt: skip
    lines = told(heard.reports)
    parts = [
        f"## `{file}`\n\n" + "".join(f"* {line}\n" for own, line in lines if own == file) for file in sorted({file for file, _ in lines})
    ]
    return head + "\n".join(parts)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("-k", default="")
    options.add_argument("-o", type=Path, help="a Markdown page; without it the page is printed")
    given = options.parse_args()
    os.environ["HGDX_DRAWS"] = "many"
    heard, begun = Heard(), time.monotonic()
    words = ["-m", "draws", "-n", "logical", "--maxprocesses", "4", "--dist", "worksteal", *(["-k", given.k] if given.k else [])]
    code = pytest.main(["-q", *words, str(ROOT / "tests")], plugins=[heard])
    told_of = page(heard, f" -k '{given.k}'" if given.k else "", time.monotonic() - begun)
    if given.o:
        given.o.write_text(told_of, encoding="utf-8")
    print(told_of)
    sys.exit(int(code))


if __name__ == "__main__":
    main()
