"""The process from which kernels are forked: what notebooks use imported once, one thread, no state of any notebook.

    python -m hgdx_eval.run.kernels.parent      one JSON request on a line of standard input, one JSON answer on a line of standard output

`{"preload": true}` reads what notebooks of this run share; `{"connection": FILE, "cwd": FOLDER}` forks a kernel and answers its `pid`;
`{"poll": PID}` answers its exit code or null. It ends with the process that started it, and every kernel ends with it.
"""

import ctypes
import gc
import importlib
import json
import os
import random
import re
import signal
import sys
import threading
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...study.study import Study

PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int, number: int = signal.SIGKILL) -> None:
    """Where the system can (Linux): this process gets a signal when its parent ends, however that ends; by default it is killed."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:
            os._exit(1)


def import_all() -> None:
    """What kernels and the notebooks of this run use, and what is drawn or looked up the first time."""
    from ...base.light_imports import left_out
    from ...study.domains import domain_of
    from ...study.words import texts

    with left_out():
        for module in ("ipykernel.kernelapp", "ipykernel.debugger", "IPython.core.completer", "matplotlib_inline.backend_inline", "pandas"):
            importlib.import_module(module)
        for module in used():
            importlib.import_module(module)
        draw_something()
    domain = domain_of(held_study())
    domain.prepare()
    for lang in ("vi", "en"):
        texts(lang, domain.NAME)


def held_study() -> "Study":
    """The study of the run under way."""
    from ...study.study import Study

    return Study.model_validate_json((Path(os.environ["HGDX_WORK"]) / "study.json").read_text(encoding="utf-8"), strict=False)


def used() -> list[str]:
    """Modules of the verbs that the study's notebooks name, and of its methods. What is not found here a kernel imports itself."""
    from ... import MODULE_OF
    from ..notebook_files import notebook_file, notebook_names

    p = held_study()
    told = "\n".join(notebook_file(name).read_text(encoding="utf-8", errors="replace") for name in notebook_names(p))
    verbs = set(re.findall(r"\w+", told)) & set(MODULE_OF)
    methods = {p.estimator, *p.estimators}
    return sorted({f"hgdx_eval.{MODULE_OF[verb]}" for verb in verbs} | {f"hgdx_eval.estimators.{name}" for name in methods})


def draw_something() -> None:
    """Fonts, markers and the look of charts are looked up when something is first drawn."""
    from ...report.figure import canvas, drawn

    def draw(width: int, small: bool) -> object:
        figure, axes = canvas(width, 100, 30, 10, 10, 20)
        axes.plot([0, 1], [0, 1], marker="o")
        axes.set_xticks([0, 1], ["2020", "2021"])
        axes.text(0.5, 0.5, "Đ", weight="bold")
        return figure

    drawn("first", draw, "")


def preload() -> None:
    """What all notebooks of this run read: the panel, of which kernels share the memory."""
    from ...panel.load import held_panel

    held_panel(os.environ["HGDX_WORK"])


def threads() -> int:
    """Threads of this process, those of libraries among them where the system tells."""
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return threading.active_count()


def fork_kernel(request: dict, answers: int) -> int:
    """A child that becomes a kernel; returns its process id."""
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        die_with_parent(parent)
        os.setsid()
        os.close(answers)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.chdir(request["cwd"])
        become_kernel(request["connection"])
        code = 0
    except SystemExit as leave:
        code = leave.code if isinstance(leave.code, int) else 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def become_kernel(connection: str) -> None:
    import numpy as np
    from ipykernel.kernelapp import IPKernelApp

    random.seed()
    np.random.seed()
    sys.argv = ["ipykernel_launcher.py", "-f", connection]
    IPKernelApp.launch_instance(argv=["-f", connection])


def poll(pid: int) -> int | None:
    """Exit code of a kernel, -N where signal N ended it; None while it runs."""
    try:
        found, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return -signal.SIGKILL
    return os.waitstatus_to_exitcode(status) if found else None


def answer(request: dict, answers: int) -> dict:
    try:
        if "poll" in request:
            return {"code": poll(request["poll"])}
        if "preload" in request:
            preload()
            gc.collect()
            gc.freeze()  # so that a kernel's collector does not copy what is shared
            return {"threads": threads()}
        if threads() != 1:
            return {"refused": f"{threads()} threads: a fork would not be safe"}
        return {"pid": fork_kernel(request, answers)}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


def main() -> None:
    die_with_parent(int(sys.argv[1]))
    answers = os.dup(1)
    requests = os.fdopen(os.dup(0), encoding="utf-8")
    os.set_inheritable(answers, False)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    import_all()
    for line in iter(requests.readline, ""):
        os.write(answers, json.dumps(answer(json.loads(line), answers)).encode() + b"\n")


if __name__ == "__main__":
    main()
