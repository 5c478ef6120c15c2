"""The demonstration's panel with fees, drawn directly, for tests of cost and payment."""

import pandas as pd
from coverage_worlds import ORIGIN, PLAIN

from hgdx_eval.design.design import Design, study_design
from hgdx_eval.panel.panel import NOTES, Panel
from hgdx_eval.study.load import read_study, study_file
from hgdx_eval.study.study import Study
from hgdx_eval.vietnam.made_up_world import fee_schedule, simulate_cells


def drawn(seed: int, effect: float = 4.0, world: str = "default", dossiers: int = 400_000, **change: object) -> tuple[Panel, Study, Design]:
    """(panel with its truth, study, design) of one draw."""
    cells, truth = simulate_cells(seed, effect, dossiers, world)
    schedule = fee_schedule().set_index("procedure")
    cells = cells.assign(fee=cells["procedure"].map(schedule["fee_vnd"]))
    nothing = pd.DataFrame(columns=NOTES)
    panel = Panel(cells, ORIGIN, nothing, nothing, int(cells["received"].sum()), truth, schedule["name"].to_dict())
    p = read_study(study_file("demo"), {**PLAIN, **change})
    return panel, p, study_design(panel, p)
