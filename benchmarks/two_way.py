"""Two-way effects with periods compared inside blocks: small dense systems, one per block, against one sparse factor (SuperLU) of all of
them, residuals equal to 1e-9; and how a regression with its clustered error grows with units, periods, blocks and clusters."""

from functools import partial

import numpy as np
from measure import growth, paired, panel, verdict

from hgdx_eval.estimation import two_way as module
from hgdx_eval.estimation.fixed_effects import cells_of, coefficients, regress
from hgdx_eval.estimation.two_way import residuals, two_way


def blocked(units: int, periods: int, blocks: int, clusters: int):
    """The cells of a panel whose units are compared inside blocks, and who is treated in it."""
    design = panel(units, periods, clusters)
    table = design.table.assign(block=[f"b{int(name[1:]) // 2 % blocks:04}" for name in design.table["unit"]])
    return cells_of(design, table), table["treated"].to_numpy(float)


def by_parts(cells, widest: int):
    before = module.WIDEST, module.WIDEST_FULL
    module.WIDEST = module.WIDEST_FULL = widest
    try:
        return residuals(two_way(cells.weight, cells.units, cells.times), cells.y[:, None])
    finally:
        module.WIDEST, module.WIDEST_FULL = before


for blocks, bar in ((100, 1.5), (400, 1.5)):
    cells, _ = blocked(2000, 42, blocks, 27)
    gap = np.abs(by_parts(cells, 600) - by_parts(cells, 0)).max()
    mine, them, ratio = paired(partial(by_parts, cells, 600), partial(by_parts, cells, 0))
    print(f"{blocks} blocks: parts {mine * 1000:.1f} ms, one sparse factor {them * 1000:.1f} ms")
    verdict(f"two-way effects, 2,000 units x 42 periods in {blocks} blocks", ratio, bar, f"residuals differ by {gap:.1e}")
    assert gap < 1e-9


def regression(units: int, periods: int, blocks: int, clusters: int):
    cells, treated = blocked(units, periods, blocks, clusters)
    return lambda: coefficients(regress(cells, treated[:, None]), 1)


growth("units (60 periods, 20 clusters)", [500, 1000, 2000, 4000], lambda n: regression(n, 60, 1, 20))
growth("periods (1,000 units, 20 clusters)", [30, 60, 120, 240], lambda n: regression(1000, n, 1, 20))
growth("blocks (4,000 units x 60 periods, 20 clusters)", [25, 50, 100, 200], lambda n: regression(4000, 60, n, 20))
growth("clusters (4,000 units x 60 periods)", [20, 40, 80, 160], lambda n: regression(4000, 60, 1, n))
