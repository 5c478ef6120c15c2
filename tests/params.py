"""The parameters that the tests read: the kit's own, or those that a test puts in their place."""

from pathlib import Path

from hgdx_eval.base.own_files import own_file


def params_folder() -> Path:
    return own_file("params", "studies").parent
