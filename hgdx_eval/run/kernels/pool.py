"""Kernels for the notebooks of a run: forked from one parent that has imported everything, usual processes where that cannot be."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ...base.threads import ONE_THREAD

NAME = "hgdx-forked"


def can_fork() -> bool:
    """Linux, unless HGDX_FORK=0: macOS' own libraries do not survive a fork, Windows has none."""
    return sys.platform.startswith("linux") and os.environ.get("HGDX_FORK", "1") != "0"


class KernelParent:
    """The parent process, asked one thing at a time by whichever thread."""

    current: "KernelParent | None" = None

    def __init__(self, work: Path, environment: dict[str, str]) -> None:
        self.lock, self.waiting = threading.Lock(), 0
        self.errors = (work / "kernels.log").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "hgdx_eval.run.kernels.parent", str(os.getpid())], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self.errors, start_new_session=True, env={**os.environ, **environment, **ONE_THREAD})  # fmt: skip

    def ask(self, **request: object) -> dict:
        """Its answer. Raises ChildProcessError where it is gone or refuses."""
        with self.lock:
            self.send(request)
            return self.receive()

    def post(self, **request: object) -> None:
        """Ask without waiting: the answer is taken before the next question."""
        with self.lock:
            self.send(request)
            self.waiting += 1

    def send(self, request: dict) -> None:
        while self.waiting:
            self.waiting -= 1
            self.receive()
        try:
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            self.process.stdin.flush()
        except (OSError, ValueError):
            raise ChildProcessError("the parent of the kernels is gone") from None

    def receive(self) -> dict:
        try:
            line = self.process.stdout.readline()
        except (OSError, ValueError):
            line = b""
        found = json.loads(line) if line else {"error": "the parent of the kernels is gone"}
        if "error" in found:
            raise ChildProcessError(found["error"])
        return found

    def end(self) -> None:
        """It and its kernels are gone."""
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.errors):
            with suppress(OSError):
                stream.close()


@contextmanager
def kernel_parent(work: Path, environment: dict[str, str]) -> Iterator[KernelParent | None]:
    """Inside, kernels are forked from a parent that is being prepared meanwhile; None where they are usual processes."""
    if not can_fork():
        yield None
        return
    parent = KernelParent.current = KernelParent(work, environment)
    try:
        yield parent
    finally:
        KernelParent.current = None
        parent.end()


@contextmanager
def forked_by_default() -> Iterator[None]:
    """Inside, jupyter_client starts kernels through `ForkedProvisioner` where there is a parent to fork from."""
    from importlib.metadata import EntryPoint

    from jupyter_client.provisioning import KernelProvisionerFactory

    factory = KernelProvisionerFactory.instance()
    before = factory.default_provisioner_name
    if KernelParent.current is not None:
        factory.provisioners[NAME] = EntryPoint(NAME, "hgdx_eval.run.kernels.provisioner:ForkedProvisioner", factory.GROUP_NAME)
        factory.default_provisioner_name = NAME
    try:
        yield
    finally:
        factory.default_provisioner_name = before


class ForkedKernel:
    """A forked kernel as the `process` that jupyter_client's own provisioner keeps: the few calls of a Popen that it makes."""

    stdin = stdout = stderr = None

    def __init__(self, parent: KernelParent, pid: int) -> None:
        self.parent = parent
        self.returncode: int | None = None
        self.pid = pid

    def poll(self) -> int | None:
        """Exit code, -N where signal N ended it, None while it runs."""
        if self.returncode is None:
            try:
                self.returncode = self.parent.ask(poll=self.pid)["code"]
            except ChildProcessError:
                self.returncode = -signal.SIGKILL
        return self.returncode

    def wait(self) -> int | None:
        return self.poll()

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)
