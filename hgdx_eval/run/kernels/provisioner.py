"""jupyter_client's local provisioner with a fork in place of a new process."""

import os

from jupyter_client.provisioning import LocalProvisioner

from .pool import ForkedKernel, KernelParent


class ForkedProvisioner(LocalProvisioner):
    """A kernel of its own process group, forked from the run's parent; connection file, sockets and shut-down as ever."""

    async def launch_kernel(self, cmd: list[str], **kwargs: object) -> dict:
        cwd = str(kwargs.get("cwd") or os.getcwd())
        made = KernelParent.current.ask(connection=self.parent.connection_file, cwd=cwd)
        if "pid" not in made:  # some library started a thread: a usual process then
            return await super().launch_kernel(cmd, **kwargs)
        self.process = ForkedKernel(KernelParent.current, made["pid"])
        self.pid = self.pgid = self.process.pid
        self.cwd = cwd
        return self.connection_info
