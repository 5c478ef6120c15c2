"""The study's notebooks through papermill, each in a kernel of its own. Whether one ran is judged from its cells."""

import json
import logging
import os
import pickle
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import nbformat

from ..base.aside import write_text
from ..base.errors import RunFailed
from ..base.hashes import file_hash
from ..base.machine import blame, told_of
from ..base.own_files import own_file
from ..base.private_folder import private_folder
from ..base.progress import alive, event, failure_of, one_line, say
from ..base.signals import raise_if_asked
from ..base.telling import told_file
from ..base.threads import ONE_THREAD
from ..panel.panel import Panel
from ..panel.told import HELD, Release
from ..study.study import PATH_KEYS, Study
from .kernels.pool import KernelParent, forked_by_default, kernel_parent
from .notebook_files import Job, Options, notebook_file
from .receipt import Key
from .run_folders import read_receipt

OURS = ("InputError", "Refusal", "RunFailed")  # errors whose text may be told: others hold anything of the data
APART = ("who", "cost", "payment", "scorecard", "data_quality")  # they wait for no estimate of another notebook
START_ORDER = ("effect", *APART, "robustness", "comparison", "brief")
Executed = dict[Job, nbformat.NotebookNode]
Cells = dict[Job, tuple[int, int, float]]  # of notebooks at work: cells of code done, of all, the clock when it began
Result = tuple[nbformat.NotebookNode, float]  # executed, seconds


@contextmanager
def kernels(p: Study) -> Iterator[tuple[Path, Callable[[Panel, Release | None], None]]]:
    """(the private folder of a run, HGDX_WORK; what hands the panel, and what may be told of it, to its kernels). Kernels inherit this
    environment, and nothing of a run is left in the user's home; what they are forked from gets ready while the data are read."""
    with private_folder(sockets=True) as work, told_of(work):
        for name in ("jupyter", "ipython"):
            (work / name).mkdir(mode=0o700)
        profile = work / "ipython" / "profile_default"
        profile.mkdir()
        (profile / "ipython_kernel_config.py").write_text("c.HistoryManager.enabled = False\n", encoding="utf-8")  # nobody asks for it
        (work / "study.json").write_text(p.model_dump_json(), encoding="utf-8")
        added = {
            "HGDX_WORK": str(work), "HGDX_PARAMS": str(own_file("params", "facts").parent), "JUPYTER_RUNTIME_DIR": str(work / "jupyter"),
            "IPYTHONDIR": str(work / "ipython"), "MPLBACKEND": "Agg", "PYTHONWARNINGS": "ignore", "PYDEVD_DISABLE_FILE_VALIDATION": "1",
            **ONE_THREAD,
        }  # fmt: skip
        with kernel_parent(work, added) as parent, environment(added):

            def hand_over(panel: Panel, release: Release | None) -> None:
                (work / HELD).write_bytes(pickle.dumps(release))
                (work / "panel.pickle").write_bytes(pickle.dumps(panel))
                if parent is not None:
                    parent.post(preload=True)

            yield work, hand_over


@contextmanager
def environment(added: dict[str, str]) -> Iterator[None]:
    """Variables of this process and its children, as they were afterwards."""
    before = {name: os.environ.get(name) for name in added}
    os.environ.update(added)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def execute_all(p: Study, todo: list[Job], done: Executed, folder: Path, work: Path, options: Options) -> Executed:
    """Every notebook in every language that is not `done`, some at a time, each written as executed. Raises RunFailed."""
    stop = threading.Event()
    cells: Cells = {}
    with forked_by_default(), ThreadPoolExecutor(max_workers=options.jobs) as pool:
        started = {
            pool.submit(execute, job, p, folder, work, options.cell_seconds, stop, cells): job for job in in_order(todo) if job not in done
        }
        try:
            gather(p, started, done, len(todo), cells)
        except BaseException:
            stop.set()
            end_kernels(started)
            raise
    return {job: done[job] for job in todo}


def in_order(todo: list[Job]) -> list[Job]:
    """In which order notebooks start: one that computes what others wait for, beside it all that wait for nothing, then the rest."""
    langs = list(dict.fromkeys(job.lang for job in todo))
    rank = {name: number for number, name in enumerate(START_ORDER)}

    def key(job: Job) -> tuple[bool, int, int]:
        waits = job.name not in APART and job != Job("effect", langs[0])
        return waits, langs.index(job.lang), rank.get(job.name, len(rank))

    return sorted(todo, key=key)


def gather(p: Study, started: dict[Future, Job], done: Executed, of: int, cells: Cells) -> None:
    """Wait for every notebook, telling of each, and meanwhile of those at work; the first failure is raised."""
    pending = set(started)
    told: Cells = {}
    while pending:
        raise_if_asked()
        finished, pending = wait(pending, return_when=FIRST_COMPLETED, timeout=0.5)
        told = tell_cells(p, {job: cells[job] for future in pending if (job := started[future]) in cells}, told, len(done), of)
        for future in finished:
            job = started[future]
            done[job], seconds = future.result()
            say(f"{p.study}: [{len(done)}/{of}] {job.name} · {job.lang} · {seconds:.1f} s", notebook=job.name, lang=job.lang,
                seconds=round(seconds, 1), done=len(done), of=of)  # fmt: skip


def tell_cells(p: Study, at_work: Cells, told: Cells, done: int, of: int) -> Cells:
    """That long notebooks live: on a terminal a line, for machines an event for each that went on since `told`; what is told now."""
    now = time.monotonic()
    parts = [f"{job.name} · {job.lang} {n}/{all_} cells, {now - since:.0f} s" for job, (n, all_, since) in sorted(at_work.items())]
    alive(f"{p.study}: [{done}/{of}] {'; '.join(parts)}" if parts else "")
    for job, (n, all_, since) in at_work.items():
        if told.get(job) != (n, all_, since):
            event("cells", notebook=job.name, lang=job.lang, done=n, of=all_, seconds=round(now - since, 1))
    return at_work


def counted(job: Job, cells: Cells) -> Callable[..., None]:
    """What nbclient calls after every cell of code: one more is done."""
    source = nbformat.read(notebook_file(job.name), as_version=4)
    cells[job] = (
        0,
        1 + sum(cell.cell_type == "code" and bool(cell.source.strip()) for cell in source.cells),
        time.monotonic(),
    )  # 1: parameters

    def one_more(**_: object) -> None:
        n, of, since = cells[job]
        cells[job] = (n + 1, of, since)

    return one_more


def end_kernels(started: dict[Future, Job]) -> None:
    """End every kernel, also those that are just starting, until no thread waits for one."""
    import psutil

    for future in started:
        future.cancel()
    while not all(future.done() for future in started):
        if KernelParent.current is not None:
            KernelParent.current.process.kill()
        for child in psutil.Process().children(recursive=True):
            try:
                if child.environ().get("HGDX_WORK") == os.environ.get("HGDX_WORK"):
                    child.kill()
            except psutil.Error:
                continue
        wait(started, timeout=0.2)


def held_over(todo: list[Job], key: Key, latest: Path | None, folder: Path) -> Executed:
    """Executed notebooks of the last complete run that would come out the same: same inputs, same notebook, file untouched."""
    before = ((read_receipt(latest) if latest else None) or {}).get("executed", {})
    done: Executed = {}
    for job in todo:
        known, file = before.get(job.stem), latest / "notebooks" / f"{job.stem}.ipynb" if latest else None
        if known and known["key"] == key.of(job) and file.is_file() and file_hash(file) == known["sha256"]:
            text = file.read_text(encoding="utf-8")
            write_text(folder / file.name, text)
            done[job] = nbformat.reads(text, as_version=4)
    return done


def execute(job: Job, p: Study, folder: Path, work: Path, cell_seconds: float, stop: threading.Event, cells: Cells) -> Result:
    """One notebook through papermill. The truth is judged here from its cells, not from papermill's own marks."""
    import papermill

    if stop.is_set():
        raise RunFailed("stopped")
    readable_parameters()
    started = time.monotonic()
    shown = {key: told_file(Path(value).name) if key in PATH_KEYS else value
             for key, value in p.model_dump(mode="json", include={"data"}).items()}  # fmt: skip
    target = folder / f"{job.stem}.ipynb"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            papermill.execute_notebook(
                str(notebook_file(job.name)), str(target), kernel_name="python3", progress_bar=False,
                parameters={"study": p.study, "lang": job.lang, "change": shown}, config=kernel_config(job, work),
                resources={"metadata": {"path": str(work)}}, execution_timeout=cell_seconds, shutdown_kernel="immediate",
                request_save_on_cell_execute=False, autosave_cell_every=0, on_cell_executed=counted(job, cells),
            )  # fmt: skip
    except papermill.PapermillExecutionError as error:
        detail = f"{error.ename}: {' '.join(error.evalue.split())}" if error.ename in OURS else error.ename
        raise RunFailed(f"notebook {job.stem}, cell {error.exec_count}: {detail}", "cell_error", notebook=job.stem, cell=error.exec_count,
                        detail=detail) from None  # fmt: skip
    except Exception as error:
        raise stopped(job, error, cell_seconds) from None
    notebook = nbformat.read(target, as_version=4)
    check_complete(job, notebook)
    stable_ids(notebook)
    nbformat.write(notebook, target)
    return notebook, time.monotonic() - started


def stopped(job: Job, error: Exception, cell_seconds: float) -> Exception:
    """What stopped a notebook, for its keeper; a fault of the machine as it is."""
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    name = f"notebook {job.stem}"
    if isinstance(error, CellTimeoutError):
        return RunFailed(f"{name}: a cell took longer than its limit of {cell_seconds:g} s (--cell-timeout)", "cell_time",
                         notebook=job.stem, seconds=f"{cell_seconds:g}")  # fmt: skip
    if isinstance(error, (DeadKernelError, ChildProcessError)):
        return RunFailed(f"{name}: its kernel died (killed, out of memory, or left by os._exit)", "kernel_died", notebook=job.stem)
    return blame(error, RunFailed(f"{name}: {one_line(error)}", **failure_of(error)))


def readable_parameters() -> None:
    """papermill writes Vietnamese parameters as escapes; here the injected cell can be read. And its own log is quiet: a failure is
    told once, by the runner."""
    from papermill.translators import PythonTranslator, papermill_translators

    class Readable(PythonTranslator):
        @classmethod
        def translate_str(cls, val: str) -> str:
            return json.dumps(str(val), ensure_ascii=False)  # a JSON string is a Python string

    papermill_translators.register("python", Readable)
    for name in ("papermill", "traitlets"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def kernel_config(job: Job, work: Path) -> object:
    """Where the system can, the kernel talks through sockets in the run's private folder instead of open TCP ports."""
    from traitlets.config import Config

    number = f"{sha256(job.name.encode()).hexdigest()[:6]}{job.lang}"  # the path of a socket must be short
    return Config() if os.name == "nt" else Config({"KernelManager": {"transport": "ipc", "ip": str(work / number)}})


def check_complete(job: Job, notebook: nbformat.NotebookNode) -> None:
    """Every code cell ran, once, in order, without an error. Raises RunFailed."""
    expected = 1
    for cell in notebook.cells:
        if cell.cell_type != "code" or not cell.source.strip():
            continue
        if cell.execution_count != expected:
            raise RunFailed(f"notebook {job.stem}: a cell did not run (after {expected - 1} that did)", "cell_skipped", notebook=job.stem)
        if any(output.output_type == "error" for output in cell.outputs):
            raise RunFailed(f"notebook {job.stem}, cell {expected}: an error", "cell_error", notebook=job.stem, cell=expected,
                            detail="an error in its output")  # fmt: skip
        expected += 1


def stable_ids(notebook: nbformat.NotebookNode) -> None:
    """Cell ids by position and no clock times, so that the same run gives the same file; times are in the receipt."""
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:02d}"
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
    notebook.metadata.pop("papermill", None)
