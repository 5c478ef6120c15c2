"""What the verdict says in worlds that a critic built (tests/critic_worlds.py): python tests/critics.py [--draws 400] [--jobs 2]

    python tests/critics.py --worlds good,giant --effect zero --json raw.json     some of them, raw draws kept
    python tests/critics.py --read raw.json more.json --write                      the table of draws made before: docs/worlds.md

Each draw gets the kit's whole judgement. Seeds from 1 on, fixed beforehand. About a second of CPU a draw; exit code 1 where a bar is not
kept.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

if __name__ == "__main__":  # several draws at once keep all cores busy: one thread of linear algebra each
    os.environ.update(dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import numpy as np  # noqa: E402
from critic_worlds import WORLDS, World  # noqa: E402
from scipy import stats  # noqa: E402

from hgdx_eval.base.errors import InputError, Refusal  # noqa: E402
from hgdx_eval.evaluation.evaluation import Evaluation, evaluated  # noqa: E402

EFFECTS = {"zero": False, "real": True}
LEVELS = (1, 2, 3, 4, 5)
HELD, CLEAR, CANNOT = 0.93, 0.01, 0.05  # the bars
INFORMATIVE = 6  # clusters a side, from which a valid design must be judged
ALARM = 0.05  # of a rank
KEPT = 3  # reasons told of each world
MONTE_CARLO = 0.99
PAGE = """# What the verdict says in worlds that a critic built

`python tests/critics.py`, {day}, revision {revision}: {draws} draws of each world and effect (seeds from 1 on, fixed beforehand),
{minutes:.0f} minutes of CPU. In brackets 99 % Monte Carlo intervals. A world is *valid* where its assumptions hold; *clusters*: those that
carry information, on the side that has fewer.

| world | what is in it | valid | clusters | astray by about |
|---|---|---|---|---|
{worlds}

Nobody could tell from the design alone:

{impossible}

## Bars

{bars}

## What is said

*Holds*: the headlined interval holds the truth, of the draws in which an interval is headlined. *False alarms*: it leaves out 0, or the
headlined rank is within 5 %, though there is no effect. *1 to 5*: how often each level is given; *refused*: no answer at all. *Too
large*: mean of |estimate / truth| of what is called clear. *Kept from 1*: what stands in the way at level 2, most frequent first.

| world | effect | draws | headlined | holds | false alarms | 1 | 2 | 3 | 4 | 5 | refused | too large | kept from 1 |
|---|---|---|---|---|---|---|---|---|---|---|---|---|---|
{said}
"""


# --- one draw --------------------------------------------------------------------------------------------------------
def judged(task: tuple[str, str, int]) -> dict:
    """Everything that is told of one draw."""
    name, effect, seed = task
    begun, own = time.process_time(), {"world": name, "effect": effect, "seed": seed}
    try:
        draw = WORLDS[name].drawn(seed, EFFECTS[effect])
        said = {"truth": draw.truth, **told(evaluated(draw.design, draw.study))}
    except (Refusal, InputError) as refusal:
        said = {"refused": getattr(refusal, "reason", "") or type(refusal).__name__}
    return {**own, **said, "seconds": time.process_time() - begun}


def told(found: Evaluation) -> dict:
    row, (rank, number) = found.main.overall(), found.rank or (None, None)
    return {"refused": "", "verdict": int(found.verdict), "headline": found.headline, "estimate": float(row["estimate"]),
            "low": float(row["ci_low"]), "high": float(row["ci_high"]), "rank": rank, "number": number, "checks": dict(found.checks),
            "signs": [sign.name for sign in found.signs],
            "gate": dict(zip(found.gate["kind"], found.gate["rate"], strict=True))}  # fmt: skip


def drawn(names: list[str], effects: list[str], draws: int, jobs: int) -> list[dict]:
    tasks = [(name, effect, seed) for seed in range(1, draws + 1) for name in names for effect in effects]
    rows, begun = [], time.monotonic()
    with get_context("spawn").Pool(jobs) as pool:
        for row in pool.imap_unordered(judged, tasks):
            rows.append(row)
            if len(rows) % 100 == 0:
                print(f"{len(rows)} of {len(tasks)} draws, {(time.monotonic() - begun) / 60:.1f} minutes", file=sys.stderr, flush=True)
    return rows


# --- all draws of a world ----------------------------------------------------------------------------------------------
def interval(row: dict) -> bool:
    return not row["refused"] and row["headline"] not in ("none", "placebo") and np.isfinite([row["low"], row["high"]]).all()


def ranked(row: dict) -> bool:
    return not row["refused"] and row["headline"] == "placebo"


def holds(row: dict) -> bool:
    return row["low"] <= row["truth"] <= row["high"]


def alarm(row: dict) -> bool:
    return row["rank"] <= ALARM * row["number"] if ranked(row) else not row["low"] <= 0 <= row["high"]


def level(rows: list[dict], which: int) -> int:
    return sum(row.get("verdict") == which for row in rows)


def refused(rows: list[dict]) -> int:
    return sum(bool(row["refused"]) for row in rows)


def in_the_way(row: dict) -> list[str]:
    """What keeps a draw of level 2 from level 1."""
    failed = [f"{name}: {state}" for name, state in row["checks"].items() if state != "pass"]
    return [*row["signs"], *failed, *(["rank"] if row["headline"] == "placebo" else [])]


def rate(hits: int, number: int) -> str:
    if number == 0:
        return "–"
    low, high = stats.binomtest(hits, number).proportion_ci(MONTE_CARLO)
    return f"{100 * hits / number:.1f} [{100 * low:.0f}; {100 * high:.0f}]"


def line(name: str, effect: str, rows: list[dict]) -> str:
    """One row of the table of what is said, in per cent."""
    number, sure = len(rows), [row for row in rows if interval(row)]
    kinds = Counter(row["headline"] for row in rows if not row["refused"]).most_common()
    alarms = [alarm(row) for row in rows if interval(row) or ranked(row)] if effect == "zero" else []
    clear = [abs(row["estimate"] / row["truth"]) for row in rows if row.get("verdict") == 1] if effect == "real" else []
    kept = Counter(reason for row in rows if row.get("verdict") == 2 for reason in in_the_way(row)).most_common(KEPT)
    levels = [(which, level(rows, which)) for which in LEVELS]
    cells = [
        f"`{name}`", effect, str(number), ", ".join(f"{kind} {100 * n / number:.0f}" for kind, n in kinds),
        rate(sum(map(holds, sure)), len(sure)), rate(sum(alarms), len(alarms)),
        *(rate(n, number) if which == 1 or (which == 5 and n) else f"{100 * n / number:.0f}" for which, n in levels),
        f"{100 * refused(rows) / number:.0f}", f"{np.mean(clear):.2f}" if clear else "–",
        ", ".join(f"{reason} {n}" for reason, n in kept) or "–",
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"


def misses(grouped: dict[tuple[str, str], list[dict]]) -> dict[str, list[str]]:
    """Bar -> the worlds that do not keep it, with their rates."""
    found: dict[str, list[str]] = {
        f"The headlined interval holds the truth in at least {HELD:.0%} of the draws of every valid world": [],
        f"Level 1 without an effect in at most {CLEAR:.0%} of the draws of every world, but where nobody could tell": [],
        f"Level 5, or no answer, in at most {CANNOT:.0%} of the draws of valid worlds with {INFORMATIVE} or more clusters a side": [],
    }
    held, clear, cannot = found.values()
    for (name, effect), rows in grouped.items():
        world, told_as = WORLDS[name], f"`{name}` ({effect}) "
        sure, number = [row for row in rows if interval(row)], len(rows)
        if world.valid and sum(map(holds, sure)) < HELD * len(sure):
            held.append(told_as + rate(sum(map(holds, sure)), len(sure)))
        if effect == "zero" and not world.impossible and level(rows, 1) > CLEAR * number:
            clear.append(told_as + rate(level(rows, 1), number))
        if world.valid and world.informative >= INFORMATIVE and level(rows, 5) + refused(rows) > CANNOT * number:
            cannot.append(told_as + rate(level(rows, 5) + refused(rows), number))
    return found


def grouped_by_world(rows: list[dict]) -> dict[tuple[str, str], list[dict]]:
    found: dict[tuple[str, str], list[dict]] = {}
    for row in sorted(rows, key=lambda row: (list(WORLDS).index(row["world"]), row["effect"] == "real", row["seed"])):
        found.setdefault((row["world"], row["effect"]), []).append(row)
    return found


# --- the page --------------------------------------------------------------------------------------------------------
def of_world(world: World) -> str:
    return f"| `{world.name}` | {world.about} | {'yes' if world.valid else 'no'} | {world.informative} | {world.bias:g} |"


def page(rows: list[dict]) -> tuple[str, bool]:
    """(the page, whether every bar is kept)."""
    grouped = grouped_by_world(rows)
    worlds = [WORLDS[name] for name in dict.fromkeys(name for name, _ in grouped)]
    missed, counts = misses(grouped), sorted({len(some) for some in grouped.values()})
    revision = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=ROOT).stdout.strip()
    text = PAGE.format(
        day=datetime.now(UTC).date(), revision=revision or "unknown", minutes=sum(row["seconds"] for row in rows) / 60,
        draws=str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}", worlds="\n".join(map(of_world, worlds)),
        impossible="\n".join(f"* `{world.name}`: {world.impossible}." for world in worlds if world.impossible) or "none",
        bars="\n".join(f"* {bar}: {'kept' if not names else 'not kept in ' + ', '.join(names)}." for bar, names in missed.items()),
        said="\n".join(line(*key, some) for key, some in grouped.items()),
    )  # fmt: skip
    return text, not any(missed.values())


def given() -> argparse.Namespace:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--draws", type=int, default=400)
    options.add_argument("--jobs", type=int, default=2)
    options.add_argument("--worlds", type=lambda text: text.split(","), default=list(WORLDS), help="names, with commas between them")
    options.add_argument("--effect", choices=EFFECTS, help="one of them; default: both")
    options.add_argument("--json", type=Path, help="where the raw draws go")
    options.add_argument("--read", type=Path, nargs="+", help="raw draws made before, in place of new ones")
    options.add_argument("-o", type=Path, help="a Markdown page; without it the page is printed")
    options.add_argument("--write", action="store_true", help="the page is docs/worlds.md")
    asked = options.parse_args()
    if unknown := sorted(set(asked.worlds) - set(WORLDS)):
        options.error(f"--worlds: {', '.join(unknown)} not known; known: {', '.join(WORLDS)}")
    return asked


def main() -> None:
    asked = given()
    if asked.read:
        rows = [row for file in asked.read for row in json.loads(file.read_text(encoding="utf-8"))]
    else:
        rows = drawn(asked.worlds, [asked.effect] if asked.effect else list(EFFECTS), asked.draws, asked.jobs)
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=0), encoding="utf-8")
    text, kept = page(rows)
    to = ROOT / "docs" / "worlds.md" if asked.write else asked.o
    if to:
        to.write_text(text, encoding="utf-8")
    print(text)
    sys.exit(0 if kept else 1)


if __name__ == "__main__":
    main()
