"""One thread of linear algebra: the kit's many small systems take 4 to 7 times as long where two threads wait for one another."""

import os
import sys

ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def keep_to_one_thread() -> None:
    """Where numpy is not loaded yet (it reads these once) and its user has not chosen otherwise."""
    if "numpy" not in sys.modules:
        for name, number in ONE_THREAD.items():
            os.environ.setdefault(name, number)
