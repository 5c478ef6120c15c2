"""The study's notebooks through papermill, each in a kernel of its own. Whether one ran is judged from its cells."""

import logging
import os
import pickle
import time
import warnings
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

import nbformat

from .errors import RunFailed
from .panel import Panel
from .params import PATH_KEYS, Study
from .progress import first_line, one_line, say

NOTEBOOKS = ("brief", "effect", "comparison", "robustness", "data_quality")  # in the order of the report


@dataclass(frozen=True)
class Job:
    """One notebook in one language."""

    name: str
    lang: str

    @property
    def stem(self) -> str:
        return f"{self.name}.{self.lang}"


def notebook_folder() -> Path:
    """`notebooks/` of this checkout, or the folder named by HGDX_NOTEBOOKS."""
    return Path(os.environ.get("HGDX_NOTEBOOKS") or Path(__file__).parent.parent / "notebooks")


def prepare_work(work: Path, p: Study, panel: Panel) -> None:
    """What the kernels need, in a folder of this run alone (mode 0700): no path goes through a notebook."""
    for name in ("jupyter", "ipython"):
        (work / name).mkdir(mode=0o700)
    (work / "study.json").write_text(p.model_dump_json(), encoding="utf-8")
    (work / "panel.pickle").write_bytes(pickle.dumps(panel))


def kernel_environment(work: Path) -> dict[str, str]:
    """What kernels inherit: nothing of a run is left in the user's home, and charts need no screen."""
    return {"HGDX_WORK": str(work), "JUPYTER_RUNTIME_DIR": str(work / "jupyter"), "IPYTHONDIR": str(work / "ipython"),
            "MPLBACKEND": "Agg", "PYTHONWARNINGS": "ignore", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}  # fmt: skip


def execute_all(p: Study, langs: list[str], folder: Path, work: Path, jobs: int) -> dict[Job, nbformat.NotebookNode]:
    """Every notebook in every language, `jobs` at a time, each written as executed. Raises RunFailed."""
    folder.mkdir()
    todo = [Job(name, lang) for lang in langs for name in NOTEBOOKS]
    done: dict[Job, nbformat.NotebookNode] = {}
    with ThreadPoolExecutor(max_workers=max(1, jobs)) as pool:
        futures = {pool.submit(execute, job, p, folder, work): job for job in todo}
        try:
            pending = set(futures)
            while pending:
                finished, pending = wait(pending, return_when=FIRST_EXCEPTION, timeout=1.0)
                for future in finished:
                    job = futures[future]
                    done[job], seconds = future.result()
                    say(f"{p.study}: [{len(done)}/{len(todo)}] {job.name} · {job.lang} · {seconds:.1f} s")
        except BaseException:
            for future in futures:
                future.cancel()
            kill_kernels()
            raise
    return {job: done[job] for job in todo}


def kill_kernels() -> None:
    """End every child process, so that waiting threads come back."""
    import psutil

    for child in psutil.Process().children(recursive=True):
        try:
            child.kill()
        except psutil.Error:
            continue


def execute(job: Job, p: Study, folder: Path, work: Path) -> tuple[nbformat.NotebookNode, float]:
    """One notebook through papermill. The truth is judged here from its cells, not from papermill's own marks."""
    import papermill

    for name in ("papermill", "traitlets"):  # a failure is told once, by the runner
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    started = time.monotonic()
    shown = {key: Path(value).name if key in PATH_KEYS else value
             for key, value in p.model_dump(mode="json", include={"data"}).items()}  # fmt: skip
    target = folder / f"{job.stem}.ipynb"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            papermill.execute_notebook(
                str(notebook_folder() / f"{job.name}.ipynb"), str(target), kernel_name="python3", progress_bar=False,
                parameters={"study": p.study, "lang": job.lang, "change": shown}, cwd=str(work), config=kernel_config(job, work),
            )  # fmt: skip
    except papermill.PapermillExecutionError as error:
        raise RunFailed(f"notebook {job.stem}, cell {error.exec_count}: {error.ename}: {first_line(error.evalue)}") from None
    except Exception as error:
        raise RunFailed(f"notebook {job.stem}: {one_line(error)}") from None
    notebook = nbformat.read(target, as_version=4)
    check_complete(job, notebook)
    stable_ids(notebook)
    nbformat.write(notebook, target)
    return notebook, time.monotonic() - started


def kernel_config(job: Job, work: Path) -> object:
    """Where the system can, the kernel talks through sockets in the run's private folder instead of open TCP ports."""
    from traitlets.config import Config

    return Config() if os.name == "nt" else Config({"KernelManager": {"transport": "ipc", "ip": str(work / job.stem)}})


def check_complete(job: Job, notebook: nbformat.NotebookNode) -> None:
    """Every code cell ran, once, in order, without an error. Raises RunFailed."""
    expected = 1
    for cell in notebook.cells:
        if cell.cell_type != "code" or not cell.source.strip():
            continue
        if cell.execution_count != expected:
            raise RunFailed(f"notebook {job.stem}: a cell did not run (after {expected - 1} that did)")
        if any(output.output_type == "error" for output in cell.outputs):
            raise RunFailed(f"notebook {job.stem}, cell {expected}: an error")
        expected += 1


def stable_ids(notebook: nbformat.NotebookNode) -> None:
    """Cell ids by position and no clock times, so that the same run gives the same file; times are in the receipt."""
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:02d}"
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
    notebook.metadata.pop("papermill", None)
