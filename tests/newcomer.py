"""A newcomer's way, played: an empty folder, `init`, then `new` and `run` for each of five shapes of public panels, in both languages.

    python tests/newcomer.py [--python PYTHON]      (of an environment in which the wheel is installed; default: this one)

Prints a table: commands after `init`, errors, seconds, what was left to decide, the estimate and what is true of the made-up data.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from foreign import grid, periods, treated

NEXT_STEP = re.compile(r"allowed:|known:|did you mean|choose|write |give |name one |hgdx-eval (?:new|init|run)|bring ")


def staggered_states() -> tuple[pd.DataFrame, float]:
    """States that adopt in different years, a 0/1 column, codes and features beside it."""
    names = periods("2003", 14, "Y")
    table = treated(grid(30, names, 2), {i: 6 + i % 3 * 2 for i in range(15)}, 1.0, names)
    law = (table["start"] != "") & (table["when"] >= table["start"].replace("", "9999"))
    state = "State " + (table["i"] + 1).astype(str).str.zfill(2)
    return pd.DataFrame(
        {"fips": table["i"] + 11, "state": state, "year": table["when"], "law": law.astype(int), "crime": table["value"]}
    ), 1.0


def one_unit() -> tuple[pd.DataFrame, float]:
    names = periods("2000", 16, "Y")
    table = treated(grid(20, names, 3), {0: 10}, 2.0, names)
    return table[["town", "when", "value", "start"]].rename(columns={"town": "place", "when": "year", "value": "rate"}), 2.0


def counts_by_month() -> tuple[pd.DataFrame, float]:
    """Deaths and the population at risk."""
    names, rng = periods("2016-01", 36, "M"), np.random.default_rng(5)
    table = treated(grid(24, names, 5), dict.fromkeys(range(0, 24, 2), 20), 0.0, names)
    on = (table["start"] != "") & (table["t"] >= 20)
    people = (2_000 + 500 * table["i"]).to_numpy()
    deaths = rng.poisson(people * 0.01 * np.where(on, 0.8, 1.0))
    return pd.DataFrame({"clinic": table["town"], "month": table["when"], "deaths": deaths, "people": people,
                         "reform": on.map({True: "yes", False: "no"})}), float("nan")  # fmt: skip


def before_and_after() -> tuple[pd.DataFrame, float]:
    """Two groups of shops, measured some times before and after."""
    names = periods("1992Q1", 8, "Q")
    table = treated(grid(40, names, 6), dict.fromkeys(range(20), 4), 1.5, names)
    return pd.DataFrame({"shop": table["town"], "quarter": table["when"], "jobs": table["value"],
                         "raised": ((table["i"] < 20) & (table["t"] >= 4)).astype(int)}), 1.5  # fmt: skip


def daily_series() -> tuple[pd.DataFrame, float]:
    names = periods("2021-01-01", 730, "D")
    table = treated(grid(1, names, 7), {0: 500}, 0.0, names)
    noise = np.random.default_rng(7).normal(0, 0.5, len(table))
    return pd.DataFrame({"city": table["town"], "day": table["when"], "trips": 20 + 3.0 * (table["t"] >= 500) + noise,
                         "lane": (table["t"] >= 500).astype(int)}), 3.0  # fmt: skip


SHAPES = {made.__name__: made for made in (staggered_states, one_unit, counts_by_month, before_and_after, daily_series)}


@dataclass(frozen=True)
class Played:
    """What one study took. `said`: standard error of the commands that failed."""

    commands: int
    errors: int
    seconds: float
    undecided: str
    estimate: float
    truth: float
    said: tuple[str, ...]
    page: Path


Command = Callable[..., subprocess.CompletedProcess]


def command_of(python: str, home: Path) -> Command:
    """`hgdx-eval` of an environment, with a home of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HGDX_", "XDG_"))}

    def command(*words: str, cwd: Path) -> subprocess.CompletedProcess:
        return subprocess.run([python, "-P", "-m", "hgdx_eval", *words], cwd=cwd, env={**kept, "HOME": str(home)}, capture_output=True,
                              encoding="utf-8")  # fmt: skip

    return command


def folder_of(command: Command, above: Path, lang: str) -> Path:
    """An empty folder becomes a working folder."""
    above.mkdir(parents=True, exist_ok=True)
    made = command("init", "work", "--lang", lang, cwd=above)
    assert made.returncode == 0, made.stderr
    return above / "work"


def play(command: Command, work: Path, name: str, lang: str) -> Played:
    """`new` and `run` of one shape, nothing edited between them."""
    table, truth = SHAPES[name]()
    table.to_csv(work / "data" / f"{name}.csv", index=False)
    started = time.monotonic()
    begun = command("new", f"data/{name}.csv", "--out", "params/studies", cwd=work)
    ran = command("run", name, cwd=work)
    seconds = time.monotonic() - started
    done = [begun, ran]
    undecided = re.search(r"to decide: ([^;]*);", begun.stderr)
    latest = work / "outputs" / name / "latest"
    estimate = float("nan")
    if ran.returncode == 0:
        rows = pd.read_csv(latest / "estimates.csv")
        estimate = float(rows[(rows["notebook"] == "effect") & (rows["term"] == "overall")]["estimate"].iloc[0])
    wrong = tuple(one.stderr for one in done if one.returncode != 0)
    return Played(2, len(wrong), seconds, undecided[1] if undecided else "", estimate, truth, wrong, latest / f"report.{lang}.html")


def wrong_turns(command: Command, work: Path, name: str) -> list[str]:
    """What a newcomer may do wrong: the line of each refusal. Every one must tell the next step (`NEXT_STEP`)."""
    turns = (("run", "nothing"), ("new", "data/nothing.csv"), ("new", f"data/{name}.csv", "--out", "params/studies"), ("run", name, "-p", "unit=twon"),
             ("run", name, "-p", "estimator=ols"), ("run", name, "-p", "treated_from={}", "-p", "treated="), ("run", name, "--lang", "fr"),
             ("panel", f"data/{name}.csv", "-o", "x.rds"))  # fmt: skip
    said = []
    for words in turns:
        done = command(*words, cwd=work)
        assert done.returncode == 2, (words, done.returncode, done.stderr)
        said.append(done.stderr.strip().splitlines()[-1])
    return said


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--python", default=sys.executable)
    errors = 0
    with tempfile.TemporaryDirectory() as place:
        command = command_of(options.parse_args().python, Path(place))
        print(f"{'shape':<18} {'lang':<4} commands errors seconds  estimate  true  to decide")
        for lang in ("vi", "en"):
            work = folder_of(command, Path(place) / lang, lang)
            for name in SHAPES:
                got = play(command, work, name, lang)
                errors += got.errors + (not got.page.is_file())
                print(f"{name:<18} {lang:<4} {got.commands:>8} {got.errors:>6} {got.seconds:>7.1f} {got.estimate:>9.3f} {got.truth:>5.1f}  "
                      f"{got.undecided} {' '.join(got.said)}", flush=True)  # fmt: skip
            for line in wrong_turns(command, work, "staggered_states"):
                errors += not NEXT_STEP.search(line)
                print(("     " if NEXT_STEP.search(line) else "WRONG") + " " + line[:200])
    return min(errors, 1)


if __name__ == "__main__":
    sys.exit(main())
