"""A wheel holds the notebooks, parameters and tutorial too: copies of the folders of the checkout, which stay the source."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).parent
FOLDERS = ("notebooks", "params", "tutorial")


class WithFolders(build_py):
    """Copies the folders beside the modules, but not for an editable install, which has the checkout itself."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            for name in FOLDERS:
                shutil.copytree(HERE / name, Path(self.build_lib) / "hgdx_eval" / "shipped" / name, dirs_exist_ok=True,
                                ignore=shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__"))  # fmt: skip


setup(cmdclass={"build_py": WithFolders})
