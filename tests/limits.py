"""Every command under every resource fault: is it exit code 1 with the cause in one line, and is nothing half-written left?

    python tests/limits.py [--only FAULT]... [--command COMMAND]...     prints a table (docs/faults.md); exit 1 where one is wrong
    python tests/limits.py --covering                                   the pairs of COVERING alone, as in CI

Full disks are small tmpfs mounts of their own and need the superuser; limits are those of the process (`ulimit`). The commands work on
a small study; `check` and `panel` on tables and a dossier list that need room for what they spill. After each fault the same command
must succeed without help, and then no private folder may be left; of COVERING only where it failed midway, for one that was done has
shown already that it succeeds.
"""

import argparse
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import faults
from small_run import LEAN
from stub_portal import PROVINCE, portal_running

MB = 1 << 20
BROWSER = """#!/bin/sh
for word in "$@"; do case "$word" in --print-to-pdf=*) target="${word#--print-to-pdf=}";; esac; done
(printf '%%PDF-1.4\\n'; head -c 300000 /dev/zero; echo "%%EOF") > "$target"
"""
CAUSES = {"full": r"no space is left on the disk of", "file size": r"larger than allowed \([\d,]+ bytes\)|ulimit -f",
          "memory": r"not enough memory.*\(ulimit -v\)", "open files": r"more open files than are allowed \(\d+ files\)"}  # fmt: skip
FAULTS = ["full cache", "full outputs", "full temporary folder", "file size", "little memory", "memory", "open files"]
LIMITS = {"file size": (resource.RLIMIT_FSIZE, 300), "little memory": (resource.RLIMIT_AS, 600 * MB), "memory": (resource.RLIMIT_AS, 2_100 * MB),
          "open files": (resource.RLIMIT_NOFILE, 11)}  # fmt: skip
COMMANDS = {
    "run": "run small.yaml --out out --lang vi --force",
    "check": "check list.csv",
    "check table": "check --layout table wide.csv",
    "panel": "panel list.csv -o out/panel.parquet",
    "simulate": "simulate out/demo.csv --dossiers 5000",
    "verify": "verify out/small/latest",
    "fetch": f"fetch --url URL --service older --province {PROVINCE} --from 2023-01 --to 2023-02 --pause 0.001 -o out/portal",
    "pdf": "pdf out/small/latest/report.vi.html -o out/page.pdf",
    "prune": "prune small --keep 1 --out out",
}
MUST = {  # fault -> commands that cannot succeed under it; the others may, and then they must have done all that they do
    "full cache": {"run", "check", "panel", "verify"}, "full outputs": {"run", "panel", "simulate", "fetch", "pdf"},
    "full temporary folder": set(), "file size": {"run", "check", "panel", "simulate", "verify", "fetch", "pdf"},
    "little memory": set(COMMANDS), "memory": set(), "open files": {"run", "verify"},
}  # fmt: skip
# fault -> commands of CI: every fault and every command, each pair whose end is decided in code of its own. Left to the whole table:
# `verify` where `run` fails alike (it runs the study), `panel` where `check` does (both read the list into the cache), `pdf` under a limit
# of files, which a test of seconds tries, and pairs in which the command asks for nothing of what is short.
COVERING = {
    "full cache": ["run", "check", "pdf", "verify"], "full outputs": ["run", "panel", "simulate", "fetch", "pdf", "prune"],
    "full temporary folder": ["check table", "pdf"], "file size": ["run", "panel", "simulate", "fetch"], "little memory": [*COMMANDS],
    "memory": ["run", "check table"], "open files": ["run", "check"],
}  # fmt: skip
AT_ONCE = {"little memory"}  # refused before anything begins: in CI one command shows that nothing was begun
PUBLISHED = {"panel": "panel.parquet", "simulate": "demo.csv", "pdf": "page.pdf"}


class Wrong(AssertionError):
    """A fault was not told as it is, or left something."""


@contextmanager
def prepared(disks: bool = True, rows: int = 300_000) -> Iterator[Path]:
    """A folder in which every command has what it needs: cache, temporary folder and outputs of its own, each on a disk of its own
    where `disks`."""
    folder = Path(tempfile.mkdtemp(prefix="hl"))
    places = [folder / name for name in ("home", "tmp", "out")]
    try:
        for place in places:
            place.mkdir()
            if disks:
                subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96m,mode=0700", "tmpfs", str(place)], check=True)
        faults.make(folder)
        (folder / "browser").write_text(BROWSER)
        (folder / "browser").chmod(0o755)
        with (folder / "wide.csv").open("w") as file:
            file.write("unit,month,value\n")
            file.writelines(f"unit {i * 7919 % rows:09},{2015 + i % 9}-{1 + i % 12:02},{i % 1000}.5\n" for i in range(rows))
        for words in ("simulate list.csv --dossiers 5000", COMMANDS["run"]):
            if (done := command(folder, words)).returncode:
                raise Wrong(f"without a fault: {done.stderr}")
        yield folder
    finally:
        if disks:
            subprocess.run(["umount", *map(str, places)], check=False)
        shutil.rmtree(folder, ignore_errors=True)


def command(folder: Path, words: str, limit: tuple[int, int] | None = None) -> subprocess.CompletedProcess:
    """One command, as a user of this folder starts it."""

    def limited() -> None:
        resource.setrlimit(limit[0], (limit[1], limit[1]))

    places = {"HOME": folder / "home", "XDG_CACHE_HOME": folder / "home/cache", "XDG_STATE_HOME": folder / "home/state", "TMPDIR": folder / "tmp",
              "HGDX_NOTEBOOKS": folder / "notebooks", "HGDX_CHROMIUM": folder / "browser"}  # fmt: skip
    env = {
        "MPLCONFIGDIR": str(folder / "mpl"),
        **os.environ,
        **{name: str(place) for name, place in places.items()},
        "PYTHONPATH": LEAN,
        "OPENBLAS_NUM_THREADS": "1",
    }
    return subprocess.run([sys.executable, "-m", "hgdx_eval", *words.split()], cwd=folder, env=env, capture_output=True, text=True, timeout=300,
                          preexec_fn=limited if limit else None)  # fmt: skip


@contextmanager
def caused(fault: str, folder: Path) -> Iterator[Callable[[str], subprocess.CompletedProcess]]:
    """What runs a command under a fault."""
    if not fault.startswith("full"):
        yield lambda words: command(folder, words, LIMITS[fault])
        return
    filler = folder / {"full cache": "home", "full outputs": "out", "full temporary folder": "tmp"}[fault] / "filler"
    try:
        with filler.open("wb", buffering=0) as file:
            for size in (MB, 1):  # to the last byte
                while True:
                    try:
                        file.write(bytes(size))
                    except OSError:
                        break
        yield lambda words: command(folder, words)
    finally:
        filler.unlink()


def inside(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in (folder / "out").rglob("*") if path.is_file()}


def tell_apart(fault: str, name: str, folder: Path, url: str, again: bool = True) -> tuple[int, str]:
    """(exit code, last line) of one command under one fault. Raises Wrong. `again`: the command must succeed after it even where it
    did under the fault, or was refused before it began."""
    words, kind = COMMANDS[name].replace("URL", url), fault.split()[0] if fault.startswith("full") else fault.removeprefix("little ")
    for left in (folder / "out").glob("p[ao]*"), (folder / "out").glob("demo*"):
        for path in left:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    before = inside(folder)
    with caused(fault, folder) as under:
        done = under(words)
    lines = done.stderr.splitlines() or [""]
    if done.returncode not in ({1} if name in MUST[fault] else {0, 1}):
        raise Wrong(f"exit code {done.returncode}: {done.stderr[-500:]}")
    if "Traceback" in done.stderr:
        raise Wrong(f"a traceback: {done.stderr[-500:]}")
    if done.returncode == 1:
        if not lines[-1].startswith("hgdx-eval: ") or not re.search(CAUSES[kind], lines[-1]):
            raise Wrong(f"not the cause: {done.stderr[-500:]}")
        if len(lines) > 1 and name not in ("run", "verify", "fetch"):  # these tell how far they are
            raise Wrong(f"more than one line: {done.stderr[-500:]}")
        fresh = {path for path in inside(folder) - before if not re.search(r"failed/|\.lock$|index\.html$|portal/", path)}
        if half := {path for path in fresh if name != "simulate" or not path.endswith(".csv")}:
            raise Wrong(f"left behind: {sorted(half)}")
    if again or (done.returncode and (fault not in AT_ONCE or name == "fetch")):
        done_again = command(folder, words)
        if done_again.returncode:
            raise Wrong(f"the next {name} fails: {done_again.stderr[-500:]}")
        whole(name, folder)
    elif not done.returncode:
        whole(name, folder)
    return done.returncode, lines[-1]


def whole(name: str, folder: Path) -> None:
    """A command that succeeded left no private folder or file aside, and what it publishes. Raises Wrong."""
    left = [path for place in ("home", "tmp", "out") for path in (folder / place).rglob("*")
            if re.match(r"w[0-9a-f]{8}|hgdx-(verify|pdf)|.*\.(part|new|body|aside)$|\.building", path.name)]  # fmt: skip
    if left:
        raise Wrong(f"left behind: {sorted(map(str, left))}")
    if name in PUBLISHED and not (folder / "out" / PUBLISHED[name]).is_file():
        raise Wrong("nothing was written")
    receipt = json.loads((folder / "out/small/latest/receipt.json").read_text(encoding="utf-8"))
    if receipt["state"] != "complete":
        raise Wrong("the latest run is not complete")


def disks_can_be_mounted() -> bool:
    """Whether small disks can be mounted here."""
    with tempfile.TemporaryDirectory() as place:
        try:
            made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], capture_output=True).returncode == 0
        except OSError:
            return False
        return made and subprocess.run(["umount", place]).returncode == 0


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--only", action="append", choices=FAULTS)
    options.add_argument("--command", action="append", choices=COMMANDS)
    options.add_argument("--covering", action="store_true", help="the pairs of COVERING alone, as in CI")
    given, disks, bad = options.parse_args(), disks_can_be_mounted(), []
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # the disks are taken away all the same
    print("| fault | command | exit code | last line on standard error |\n|---|---|---|---|")
    with prepared(disks) as folder, portal_running() as portal:
        for fault in given.only or FAULTS:
            if fault.startswith("full") and not disks:
                print(f"| {fault} | all | skipped | only the superuser can mount a small disk |")
                continue
            for name in given.command or (COVERING[fault] if given.covering else COMMANDS):
                try:
                    code, line = tell_apart(fault, name, folder, portal.url, again=not given.covering)
                except Wrong as error:
                    bad.append(f"{fault}, {name}: {error}")
                    code, line = "wrong", str(error).splitlines()[0]
                print(f"| {fault} | {name} | {code} | {line if code else ''} |", flush=True)
    sys.exit("\n".join(bad) or 0)


if __name__ == "__main__":
    main()
