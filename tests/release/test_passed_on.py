"""A released panel and published reports of the same data, against an attacker who holds both."""

import numpy as np
import pandas as pd
import pytest
from attacker import small_export, sums_of, sums_of_file, unknowns, values_that_fit
from scipy import sparse

from hgdx_eval.design.design import study_design
from hgdx_eval.panel.disclosure import parts_of, released, small
from hgdx_eval.release.passed_on import released_beside
from hgdx_eval.release.release import Earlier, release_of

K, START, MOST = 5, "2023-08", 80
SEEDS = [1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(10, 30))]


def written(panel) -> pd.DataFrame:
    return panel.cells.assign(period=panel.cells["period"].astype(str), simulated=True)


def told_by(panel, p, release, own=False):
    return Earlier("earlier", release, p, study_design(panel, p), own)


def least_that_fit(panel, told: list[pd.DataFrame], files: list[pd.DataFrame]) -> float:
    """Of all small cells the fewest values that fit."""
    cells = unknowns(panel)
    parts = [*(sums_of(table, cells, START)[:2] for table in told), *(sums_of_file(rows, cells) for rows in files)]
    matrix, values = sparse.vstack([part for part, _ in parts]).tocsr(), np.concatenate([part for _, part in parts])
    assert np.array_equal(matrix @ cells["n"].to_numpy(float), values), "a told number is not what it says"
    few = np.flatnonzero(small(cells["n"].to_numpy(float), K))
    assert len(few) > 40
    few = np.random.default_rng(0).permutation(few)[:MOST]
    return values_that_fit(matrix, values, values, sparse.csr_matrix((np.ones(len(few)), (np.arange(len(few)), few)), (len(few), len(cells))),
                           len(cells)).min()  # fmt: skip


@pytest.mark.parametrize("seed", SEEDS)
def test_a_panel_released_after_a_run_tells_nothing_small_beside_it(seed):
    panel, p = small_export(seed)
    told = release_of(panel, p, study_design(panel, p))
    rows, left_out = released_beside(panel, written(panel), K, (told_by(panel, p, told),), ())
    assert (
        left_out == panel.cells["received"].sum() - rows["received"].sum()
        and not small(parts_of(rows["online"], rows["received"]), K).any()
    )
    assert not (small(rows["assisted"], K) | small(rows["online"] - rows["assisted"], K)).fillna(False).any()
    assert (rows["agency"] != "*").mean() > 0.3
    assert least_that_fit(panel, [told.table], [rows]) >= K


@pytest.mark.parametrize("seed", SEEDS)
def test_a_run_after_a_released_panel_tells_nothing_small_beside_it(seed):
    panel, p = small_export(seed)
    rows, _ = released(written(panel), K)
    told = release_of(panel, p, study_design(panel, p), (), (rows,))
    assert told.table["count"].notna().mean() > 0.25  # of use still: 0.275 is the least of 20 exports
    assert least_that_fit(panel, [told.table], [rows]) >= K


def test_a_panel_released_beside_a_run_that_does_not_know_it_tells_small_cells():
    panel, p = small_export(1)
    told = release_of(panel, p, study_design(panel, p))
    assert least_that_fit(panel, [told.table], [released(written(panel), K)[0]]) < K
