"""Faults at random moments: does a run tell the truth, keep the last good report, and leave nothing behind?

    python tests/faults.py [--times 20] [--seed random|N] [--only FAULT]...     each fault so many times; prints a table, exit 1 where one is wrong
    python tests/faults.py --runs 200                                    so many runs in a row in one process

A study of one small table with two notebooks. Beside each fault a reader reads what `latest` names as fast as it can; after each
fault a run must succeed without help.
"""

import argparse
import gc
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import nbformat
import psutil
from seeds import seed as seed_of

from hgdx_eval.base.private_folder import MARK

ROOT = Path(__file__).parent.parent
STUDY = """study: small
data: small.csv
unit: unit
period: year
frequency: Y
outcome: value
treated_from: {a: 2021}
weights: none
cluster: unit
estimator: two_way_fixed_effects
"""
SETUP = (
    "import hgdx_eval as hg\n\np, words = hg.load_study(study, lang, change)\npanel = hg.load_panel(p)\ndesign = hg.study_design(panel, p)"
)
CELLS = {
    "first": [SETUP, "result = hg.estimate(design, p.estimator)", "hg.plot_coverage(design, words)", "hg.record([result], 'first', words)"],
    "second": [SETUP, "result = hg.estimate(design, p.estimator)", "hg.plot_event(result, words)", "hg.show_glossary(words)"],
}
INSIDE = {  # fault -> what a cell does
    "cell raises": "raise ValueError('a fault')",
    "kernel killed": "import os\nos.kill(os.getpid(), 9)",
    "os._exit(0)": "import os\nos._exit(0)",
    "out of memory": "import resource\nresource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))\nx = bytearray(1 << 33)",
    "sys.exit(0)": "import sys\nsys.exit(0)",
    "cell time-out": "import time\ntime.sleep(600)",
}
SIGNALS = {f"{name} to the runner": getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGKILL")}
OTHERS = ["kernels killed from outside", "run time-out", "full disk", "read-only folder", "clock back", "two at once"]
FAULTS = [*INSIDE, *SIGNALS, *OTHERS]
# after which CI runs no good run of its own: the runner ends by the code that another fault, which has one, goes through too (a cell or
# kernel that failed, a signal that was taken), or nothing had begun. `settled` sees what any of them left.
SHARED_END = {"cell raises", "kernel killed", "os._exit(0)", "sys.exit(0)", "SIGTERM to the runner", "SIGINT to the runner", "run time-out",
              "read-only folder"}  # fmt: skip
PAGES = {"report.vi.html", "report.vi.xlsx", "estimates.csv", "receipt.json"} | {
    f"notebooks/{n}.vi.{kind}" for n in CELLS for kind in ("ipynb", "html")
}


class Wrong(AssertionError):
    """A run did not tell the truth."""


def make(folder: Path) -> None:
    """The study, its table and its two notebooks."""
    rows = [f"{u},{y},{i + (y - 2015) * 0.1 + (u == 'a' and y >= 2021) * 2 + (i * y) % 3 / 50}" for i, u in enumerate("abcdefgh")
            for y in range(2015, 2025)]  # fmt: skip
    (folder / "small.csv").write_text("unit,year,value\n" + "\n".join(rows) + "\n", encoding="utf-8")
    (folder / "small.yaml").write_text(STUDY, encoding="utf-8")
    notebooks(folder / "notebooks")


def notebooks(folder: Path, fault: str = "", where: tuple[str, int] = ("", 0), delay: float = 0) -> Path:
    """The two notebooks; one of them with a fault in a cell of its own after so many seconds, or both begin that much later."""
    folder.mkdir(exist_ok=True)
    for name, sources in CELLS.items():
        cells = [nbformat.v4.new_code_cell("study = 'small'\nlang = 'vi'\nchange = {}", metadata={"tags": ["parameters"]}),
                 nbformat.v4.new_markdown_cell(f"# {name}"), *map(nbformat.v4.new_code_cell, sources)]  # fmt: skip
        if delay and not fault:
            cells[2].source = f"import time\ntime.sleep({delay:.3f})\n{cells[2].source}"
        if fault and where[0] == name:
            cells.insert(2 + where[1], nbformat.v4.new_code_cell(f"import time\ntime.sleep({delay:.3f})\n{fault}"))
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), folder / f"{name}.ipynb")
    return folder


def start(
    folder: Path, *words: str, given: Path | None = None, out: Path | None = None, code: str = "", largest: int = 0
) -> subprocess.Popen:
    """The command, as a scheduler starts it. `largest`: bytes that a file may have, which is how a disk is full here."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))

    program = ["-c", code] if code else ["-m", "hgdx_eval"]
    return subprocess.Popen(
        [sys.executable, *program, "run", str(folder / "small.yaml"), "--out", str(out or folder / "out"), "--lang", "vi", "--force", *words],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, preexec_fn=limit if largest else None,
        env={**environment(folder), "HGDX_NOTEBOOKS": str(given or folder / "notebooks")})  # fmt: skip


def environment(folder: Path) -> dict[str, str]:
    """A home of its own, so that everything left behind is seen."""
    places = {name: str(folder / "home") for name in ("HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "TMPDIR")}
    (folder / "home").mkdir(exist_ok=True)
    return {**os.environ, **places, "PYTHONPATH": str(ROOT), "MPLCONFIGDIR": str(folder / "mpl")}


def whole(run: Path) -> None:
    """A published folder is complete: every file, every cell executed. Raises Wrong."""
    found = {file.relative_to(run).as_posix() for file in run.rglob("*") if file.is_file()}
    if found != PAGES:
        raise Wrong(f"{run.name}: files {sorted(found ^ PAGES)}")
    receipt = json.loads((run / "receipt.json").read_text(encoding="utf-8"))
    if receipt["state"] != "complete":
        raise Wrong(f"{run.name}: published with state {receipt['state']}")
    for name in CELLS:
        cells = nbformat.read(run / "notebooks" / f"{name}.vi.ipynb", 4).cells
        counts = [cell.execution_count for cell in cells if cell.cell_type == "code"]
        if counts != list(range(1, len(counts) + 1)) or len(counts) != len(CELLS[name]) + 2:
            raise Wrong(f"{run.name}: {name}: cells executed {counts}")


class Reader(threading.Thread):
    """Reads what `latest` names over and over; counts files read and files torn."""

    def __init__(self, folder: Path) -> None:
        super().__init__(daemon=True)
        self.latest, self.reads, self.torn, self.stop = folder / "out/small/latest", 0, [], threading.Event()

    def run(self) -> None:
        while not self.stop.is_set():
            if not self.latest.exists():
                continue
            run = self.latest.resolve()
            texts = {name: (run / name).read_bytes() for name in sorted(PAGES)}
            self.reads += len(texts)
            receipt = json.loads(texts["receipt.json"])
            sums = {**receipt["files"], **{f"notebooks/{stem}.ipynb": one["sha256"] for stem, one in receipt["executed"].items()}}
            ends = {name: b"</html>" if name.endswith("html") else b"\n" for name in set(texts) - set(sums)}
            self.torn += [f"{run.name}/{name}" for name, text in texts.items()
                          if (sha256(text).hexdigest() != sums[name] if name in sums else not text.endswith(ends[name]))]  # fmt: skip
            time.sleep(0.02)


def run_names(folder: Path) -> set[str]:
    place = folder / "out/small"
    return {path.name for path in place.iterdir() if path.name.startswith("2")} if place.is_dir() else set()


def cause(fault: str, folder: Path, rng: random.Random, typical: float) -> tuple[int, str, set[int]]:
    """(exit code, standard error, exit codes that are honest)."""
    if fault in INSIDE:
        name = rng.choice(sorted(CELLS))
        given = notebooks(folder / "faulty", INSIDE[fault], (name, rng.randrange(len(CELLS[name]) + 1)), rng.uniform(0, 0.3))
        limit = f"{rng.uniform(4, 6):.2f}" if fault == "cell time-out" else "60"
        return (*ended(start(folder, "--cell-timeout", limit, given=given)), {1})
    if fault in SIGNALS:
        process = start(folder)
        time.sleep(rng.uniform(0, typical * 1.1))
        process.send_signal(SIGNALS[fault])
        return (*ended(process), {0, 1, -SIGNALS[fault]})
    if fault == "kernels killed from outside":
        process = start(folder)
        time.sleep(rng.uniform(0.3, 1) * typical)
        for child in children(process.pid, rng):
            child.kill()
        return (*ended(process), {0, 1})
    if fault == "run time-out":
        return (*ended(start(folder, "--timeout", f"{rng.uniform(0.05, typical):.2f}")), {0, 1})
    if fault == "full disk":
        return (*ended(start(folder, largest=int(10 ** rng.uniform(2.5, 5.2)))), {0, 1, 2})
    if fault == "read-only folder":
        place = folder / "closed"
        place.write_text("a file where a folder should be", encoding="utf-8")
        return (*ended(start(folder, out=rng.choice([place / "out", Path("/proc/self/out")]))), {2})
    if fault == "clock back":
        return (*ended(start(folder, code=BACK.format(seconds=rng.randrange(1, 10**8)))), {0})
    return two_at_once(folder, rng)


BACK = """
import sys
import datetime as real
import hgdx_eval.run.run as runs
class Back(real.datetime):
    @classmethod
    def now(cls, tz=None):
        return real.datetime.now(tz) - real.timedelta(seconds={seconds})
runs.datetime = Back
from hgdx_eval.cli import program
program()
"""


def children(pid: int, rng: random.Random) -> list[psutil.Process]:
    """One process of the run, or all of them."""
    try:
        found = psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return []
    return found if rng.random() < 0.3 else found[:] and [rng.choice(found)]


def two_at_once(folder: Path, rng: random.Random) -> tuple[int, str, set[int]]:
    """The second waits briefly and leaves with 3, or finds the first one done: a cell of that one takes up to 10 seconds more."""
    one = start(folder, given=notebooks(folder / "slow", delay=rng.uniform(0, 10)))
    time.sleep(rng.uniform(0, 1))
    two = start(folder)
    codes, told = zip(*(ended(process) for process in (one, two)))
    if sorted(codes) not in ([0, 0], [0, 3]):
        raise Wrong(f"two at once: exit codes {codes}: {told}")
    return max(codes), told[codes.index(max(codes))], {0, 3}


def ended(process: subprocess.Popen) -> tuple[int, str]:
    _, told = process.communicate(timeout=180)
    return process.returncode, told


def judge(fault: str, folder: Path, before: set[str], latest: Path, outcome: tuple[int, str, set[int]]) -> None:
    """Exit code, line, folders. Raises Wrong."""
    code, told, honest = outcome
    fresh = run_names(folder) - before
    if code not in honest:
        raise Wrong(f"exit code {code}, honest would be {sorted(honest)}: {told[-400:]}")
    for run in run_names(folder):
        whole(folder / "out/small" / run)
    if code == 0 and not fresh:
        raise Wrong("exit code 0 and nothing published")
    if code < 0 and fresh and fault != "SIGKILL to the runner":
        raise Wrong(f"exit code {code} although a run was published")
    if code > 0 and code != 3 and (fresh or (folder / "out/small/latest").resolve() != latest):
        raise Wrong(f"exit code {code} and a new run or another latest")
    if code > 0 and ("Traceback" in told or not told.splitlines()[-1].startswith("hgdx-eval: ")):
        raise Wrong(f"not one clear line: {told[-400:]}")
    if fault == "clock back" and not all(name > max(before) for name in fresh):
        raise Wrong("a name before an earlier one")
    for receipt in (folder / "out/small").glob("failed/*/receipt.json"):
        if json.loads(receipt.read_text(encoding="utf-8"))["state"] not in ("failed", "killed") or list(receipt.parent.rglob("*.html")):
            raise Wrong(f"{receipt.parent.name}: a failed run that looks complete")
    if fault in INSIDE and not list((folder / "out/small").glob("failed/*/receipt.json")):
        raise Wrong("no receipt of a failed run")


def settled(folder: Path) -> None:
    """After a good run nothing of any is left: process, private folder, half-built folder. Raises Wrong."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        left = [p.pid for p in psutil.process_iter(["environ"]) if (p.info["environ"] or {}).get("HOME") == str(folder / "home")]
        if not left:
            break
        time.sleep(0.1)
    hidden = [path.name for path in (folder / "out/small").iterdir() if path.name.startswith(".") and path.name != ".lock"]
    private = [str(path) for work in (folder / "home").rglob("work") for path in work.rglob("*") if path.is_file() and path.name != MARK]
    if left or hidden or private:
        raise Wrong(f"left behind: processes {left}, {hidden}, {private}")


@contextmanager
def prepared() -> Iterator[tuple[Path, float]]:
    """(a folder in which the study has run without a fault, seconds that it takes)."""
    folder = Path(tempfile.mkdtemp(prefix="hf", dir="/tmp" if Path("/tmp").is_dir() else None))
    try:
        make(folder)
        ended(start(folder))
        begun = time.monotonic()
        if ended(start(folder))[0] != 0:
            raise Wrong("the study does not run without a fault")
        yield folder, time.monotonic() - begun
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def check(fault: str, times: int, seed: int, folder: Path, typical: float, every: int = 1) -> dict:
    """One fault so many times; after `every` so many of them, and after the last, a run must succeed without help (0: after none)."""
    rng, found = random.Random(f"{seed} {fault}"), {"fault": fault, "times": times, "codes": {}, "wrong": []}
    reader = Reader(folder)
    reader.start()
    for number in range(1, times + 1):
        before, latest = run_names(folder), (folder / "out/small/latest").resolve()
        try:
            outcome = cause(fault, folder, rng, typical)
            found["codes"][outcome[0]] = found["codes"].get(outcome[0], 0) + 1
            judge(fault, folder, before, latest, outcome)
            if every and (number % every == 0 or number == times):
                code, told = ended(start(folder))
                if code != 0:
                    raise Wrong(f"the next run fails: {told[-400:]}")
                settled(folder)
        except Wrong as error:
            found["wrong"].append(str(error))
            print(f"{fault}, time {number}: {error}", file=sys.stderr, flush=True)
        shutil.rmtree(folder / "out/small/failed", ignore_errors=True)
    reader.stop.set()
    reader.join()
    for old in sorted(run_names(folder))[:-2]:
        shutil.rmtree(folder / "out/small" / old)
    return {**found, "reads": reader.reads, "torn": reader.torn}


def in_a_row(runs: int) -> dict:
    """So many runs in this process. Memory (MiB), open files and files in the home after a tenth of them and at the end."""
    folder = Path(tempfile.mkdtemp(prefix="hf", dir="/tmp" if Path("/tmp").is_dir() else None))
    try:
        make(folder)
        os.environ.update(environment(folder), HGDX_NOTEBOOKS=str(folder / "notebooks"))
        sys.path.insert(0, str(ROOT))
        from hgdx_eval.run.notebook_files import Options
        from hgdx_eval.run.run import run_study

        me, seen = psutil.Process(), []
        for number in range(1, runs + 1):
            run = run_study(str(folder / "small.yaml"), {}, ["vi"], folder / "out", Options(force=True))
            whole(run)
            for old in sorted(run_names(folder))[:-2]:
                shutil.rmtree(folder / "out/small" / old)
            left = [path for path in (folder / "home").rglob("*") if path.is_file() and "hgdx_eval/runs" not in path.as_posix()]
            gc.collect()  # loops of threads that have ended go with it
            seen.append((me.memory_info().rss / 2**20, me.num_fds(), len(left), len(me.children()), threading.active_count()))
            if number in (1, runs) or number % max(1, runs // 10) == 0:
                print(f"run {number}: {seen[-1][0]:.0f} MiB, {seen[-1][1]} open files, {seen[-1][2]} files left, "
                      f"{seen[-1][3]} children, {seen[-1][4]} threads", flush=True)  # fmt: skip
        early, last = seen[max(1, runs // 4)], seen[-1]
        return {"runs": runs, "early": early, "last": last}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def wrong_in_a_row(found: dict) -> list[str]:
    """What grows or is left: more than 15% of memory since the first quarter, files, children, threads."""
    (memory, *early), (now, *last) = found["early"], found["last"]
    return [f"memory {memory:.0f} -> {now:.0f} MiB"] * (now > 1.15 * memory) + [f"{early} -> {last}"] * (last > early)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--times", type=int, default=20)
    options.add_argument("--seed", type=seed_of, default="random")
    options.add_argument("--only", action="append", choices=FAULTS)
    options.add_argument("--every", type=int, default=1, help="a run without a fault after so many of each fault")
    options.add_argument("--covering", action="store_true", help="none after the faults of SHARED_END, as in CI")
    options.add_argument("--runs", type=int)
    given = options.parse_args()
    if given.runs:
        wrong = wrong_in_a_row(in_a_row(given.runs))
        sys.exit("\n".join(wrong) or 0)
    print(f"seed {given.seed}\n\n| fault | times | exit codes | reads | torn | wrong |\n|---|---|---|---|---|---|")
    bad = []
    with prepared() as (folder, typical):
        for fault in given.only or FAULTS:
            found = check(fault, given.times, given.seed, folder, typical, 0 if given.covering and fault in SHARED_END else given.every)
            codes = ", ".join(f"{code}: {n}" for code, n in sorted(found["codes"].items()))
            print(
                f"| {fault} | {found['times']} | {codes} | {found['reads']:,} | {len(found['torn'])} | {len(found['wrong'])} |", flush=True
            )
            bad += [f"{fault}: {line}" for line in [*found["wrong"], *found["torn"][:5]]]
    sys.exit("\n".join(bad) or 0)


if __name__ == "__main__":
    main()
