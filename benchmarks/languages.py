"""What the second language of a report costs: python benchmarks/languages.py [--repeats 3]

Six light notebooks (those of runner.py) and the kit's own report on the whole demonstration, each made in Vietnamese and in both
languages in turn. Bars: at most 60% more for the light cells, 15% more (wall) for the full report, and that one in 3 minutes on 2 cores.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from runner import environment, make, measured, notebooks

LIGHT, FULL, SECONDS = 0.60, 0.15, 180


def compared(what: str, words: list[str], folder: Path, env: dict[str, str], repeats: int) -> tuple[float, float, float]:
    """(share added to the wall, share added to the CPU, seconds of both languages), each the median."""
    rounds = []
    for number in range(repeats):
        one, both = (measured([*words, "--out", f"{what}{number}{langs}", "--lang", langs], folder=folder, env=env)
                     for langs in ("vi", "vi,en"))  # fmt: skip
        print(f"{what}: one language {one[0]:.1f} s, CPU {one[1]:.1f}; both {both[0]:.1f} s, CPU {both[1]:.1f}", flush=True)
        rounds.append((both[0] / one[0] - 1, both[1] / one[1] - 1, both[0]))
    return tuple(sorted(column)[len(rounds) // 2] for column in zip(*rounds, strict=True))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--repeats", type=int, default=3)
    repeats = options.parse_args().repeats
    command = [sys.executable, "-m", "hgdx_eval", "run"]
    with tempfile.TemporaryDirectory(prefix="hb") as name:
        folder = Path(name)
        make(folder)
        notebooks(folder / "light")
        light = environment(folder)
        own = {key: value for key, value in os.environ.items() if key != "HGDX_NOTEBOOKS"} | {"PYTHONPATH": light["PYTHONPATH"]}
        measured([*command, "demo", "--out", "first", "--lang", "vi"], folder=folder, env=own)  # its export is made once
        found = {"light": compared("light", [*command, "small.yaml", "--force"], folder, light, repeats),
                 "full": compared("full", [*command, "demo", "--force"], folder, own, repeats)}  # fmt: skip
    for what, bar in (("light", LIGHT), ("full", FULL)):
        wall, cpu, _ = found[what]
        print(f"{what}: the second language adds {wall:.0%} wall, {cpu:.0%} CPU (at most {bar:.0%} wall)")
    print(f"the full report in both languages: {found['full'][2]:.0f} s (at most {SECONDS})")
    sys.exit(0 if found["light"][0] <= LIGHT and found["full"][0] <= FULL and found["full"][2] <= SECONDS else 1)


if __name__ == "__main__":
    main()
