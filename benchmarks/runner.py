"""Six light notebooks to ipynb and HTML: a run against the `papermill` and `nbconvert` commands one after the other, and bare cells.

    python benchmarks/runner.py [--python PYTHON] [--bar 4]

PYTHON: of the environment in which both run (default: this one; bar 4 with jupyterlab in it, 3 without). The CPU of all processes is
counted; the bar holds for CPU and wall. Bare: the same cells by `exec` in one process that imports once, nothing written.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))
from faults import SETUP, make  # noqa: E402

CELLS = ["import pandas as pd\nimport matplotlib.pyplot as plt\n" + SETUP, "result = hg.estimate(design, p.estimator)",
         "hg.plot_coverage(design, words)", "hg.plot_event(result, words)", "hg.plot_shares(design, words, p.min_count)",
         "hg.record([result], 'light', words)"]  # fmt: skip
MOST_OF_BARE = 2.0


def notebooks(folder: Path) -> list[Path]:
    folder.mkdir()
    for number in range(6):
        cells = [nbformat.v4.new_code_cell("study = 'small'\nlang = 'vi'\nchange = {}", metadata={"tags": ["parameters"]}),
                 *map(nbformat.v4.new_code_cell, CELLS)]  # fmt: skip
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), folder / f"light{number}.ipynb")
    return sorted(folder.glob("*.ipynb"))


def measured(*commands: list[str], folder: Path, env: dict[str, str] | None = None) -> tuple[float, float]:
    """(wall, CPU) seconds of commands one after the other, with all their processes."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    for words in commands:
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, env=env or environment(folder))
        if done.returncode:
            sys.exit(f"{words[1:4]}: {done.stderr[-1000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter() - begun, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "HGDX_NOTEBOOKS": str(folder / "light")}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--python", default=sys.executable)
    options.add_argument("--bar", type=float, default=4)
    options.add_argument("--repeats", type=int, default=3)
    given = options.parse_args()
    python = str(Path(given.python).absolute())
    with tempfile.TemporaryDirectory(prefix="hb") as name:
        folder = Path(name)
        make(folder)
        light = notebooks(folder / "light")
        bare = folder / "bare.py"
        source = "\n".join(CELLS).replace("hg.plot", "x = hg.plot").replace("hg.record", "x = hg.record")
        bare.write_text(f"code = compile({source!r}, 'cells', 'exec')\nfor n in range(6):\n"
                        "    exec(code, {'study': 'small.yaml', 'lang': 'vi', 'change': {}})\n", encoding="utf-8")  # fmt: skip
        usual = [words for file in light for words in (
            [python, "-m", "papermill", str(file), f"out-{file.name}", "-p", "study", "small.yaml"],
            [python, "-m", "nbconvert", "--to", "html", f"out-{file.name}"])]  # fmt: skip
        ours = [python, "-m", "hgdx_eval", "run", "small.yaml", "--lang", "vi", "--out", "out", "--force"]
        rounds = []
        for _ in range(given.repeats):
            rounds.append((measured(ours, folder=folder), measured(*usual, folder=folder), measured([python, str(bare)], folder=folder)))
            (wall, cpu), (their_wall, their_cpu), (_, floor) = rounds[-1]
            print(f"run {wall:.1f} s, CPU {cpu:.1f}; commands {their_wall:.1f} s, CPU {their_cpu:.1f}; bare CPU {floor:.1f}", flush=True)
    middle = len(rounds) // 2
    faster = [sorted(theirs[i] / mine[i] for mine, theirs, _ in rounds)[middle] for i in (0, 1)]
    dearer = sorted(mine[1] / floor[1] for mine, _, floor in rounds)[middle]
    print(f"{faster[1]:.1f} times less CPU, {faster[0]:.1f} times less wall (bar {given.bar:g}); {dearer:.2f} times the CPU of bare cells "
          f"(at most {MOST_OF_BARE:g})")  # fmt: skip
    sys.exit(0 if min(faster) >= given.bar and dearer <= MOST_OF_BARE else 1)


if __name__ == "__main__":
    main()
