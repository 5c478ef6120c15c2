"""The main design on simulated cells drawn directly, for Monte Carlo tests and benchmarks."""

from dataclasses import replace

import pandas as pd

from hgdx_eval.base.origin import Origin
from hgdx_eval.design.design import Design, study_design
from hgdx_eval.panel.panel import NOTES, Panel
from hgdx_eval.study.load import read_study, study_file
from hgdx_eval.vietnam.made_up_world import simulate_cells

PLAIN = {"by": [], "dose": None}  # cells as drawn know nothing of fields and fees
ORIGIN = Origin("drawn", "0" * 64, 0, "opencps_dossiers", True)


def demo_design(seed: int, effect: float = 4.0, world: str = "default", dossiers: int = 400_000) -> tuple[Design, float]:
    """(the demonstration's design, the truth in percentage points) of one draw; only `overall` is asked for."""
    cells, truth = simulate_cells(seed, effect, dossiers, world)
    nothing = pd.DataFrame(columns=NOTES)
    panel = Panel(cells, ORIGIN, nothing, nothing, int(cells["received"].sum()), truth)
    design = study_design(panel, read_study(study_file("demo"), PLAIN))
    return replace(design, path=False), float(truth["truth_pp"].iloc[-1])
