"""Two-way effects: the normal equations of all dummies, whatever the parts of a panel, its repeats and its weights."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hgdx_eval.estimation import two_way as module
from hgdx_eval.estimation.two_way import effects, laid_out, residuals, two_way


def codes(values: np.ndarray) -> np.ndarray:
    return np.unique(values, return_inverse=True)[1]


def panel_of(seed: int, parts: int, units: int, periods: int, share: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(weights, units, periods, two columns) of rows drawn, some twice; parts of different sizes share no unit and no period."""
    rng = np.random.default_rng(seed)
    found = []
    for part in range(parts):
        n_units, n_times = rng.integers(1, units + 1), rng.integers(1, periods + 1)
        grid = np.stack(np.meshgrid(np.arange(n_units), np.arange(n_times), indexing="ij"), axis=-1).reshape(-1, 2)
        kept = grid[rng.random(len(grid)) < share]
        kept = grid[:1] if len(kept) == 0 else kept
        found.append(np.vstack([kept, kept[: len(kept) // 4]]) + [1000 * part, 1000 * part])
    rows = rng.permutation(np.vstack(found))
    return rng.uniform(0.1, 50, len(rows)), codes(rows[:, 0]), codes(rows[:, 1]), rng.normal(size=(len(rows), 2))


def projected(weight: np.ndarray, units: np.ndarray, times: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """What least squares on all dummies leaves."""
    dummies = np.hstack([np.eye(units.max() + 1)[units], np.eye(times.max() + 1)[times]])
    root = np.sqrt(weight)[:, None]
    return columns - dummies @ np.linalg.lstsq(dummies * root, columns * root, rcond=1e-12)[0]


@pytest.mark.parametrize("widest", [600, 0], ids=["parts", "whole"])
@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 10**6), parts=st.integers(1, 5), units=st.integers(1, 9), periods=st.integers(1, 9), share=st.floats(0.2, 1))
def test_residuals_are_those_of_least_squares_on_all_dummies(widest, seed, parts, units, periods, share):
    weight, unit, time, columns = panel_of(seed, parts, units, periods, share)
    before = module.WIDEST, module.WIDEST_FULL
    module.WIDEST = module.WIDEST_FULL = widest
    try:
        fe = two_way(weight, unit, time)
        again = two_way(2 * weight, unit, time, fe)
    finally:
        module.WIDEST, module.WIDEST_FULL = before
    wanted = projected(weight, unit, time, columns)
    np.testing.assert_allclose(residuals(fe, columns), wanted, atol=1e-9)
    np.testing.assert_allclose(residuals(again, columns), wanted, atol=1e-9)


def test_one_period_of_each_part_has_no_effect():
    weight, unit, time, columns = panel_of(3, 4, 6, 5, 0.9)
    layout = laid_out(unit, time)
    assert (~layout.free).sum() == layout.part.max() + 1 == len(np.unique(layout.part[~layout.free]))
    assert (layout.unit_part[unit] == layout.part[time]).all()
    _, period = effects(two_way(weight, unit, time), columns)
    assert (period[~layout.free] == 0).all()


def test_weights_that_differ_by_ten_orders_are_solved_as_exactly():
    """As in the last steps of a logit, where a cell near 0 or 1 weighs next to nothing."""
    _, unit, time, columns = panel_of(5, 3, 9, 9, 1.0)
    weight = 10.0 ** np.random.default_rng(5).uniform(-9, 1, len(unit))
    rest = residuals(two_way(weight, unit, time), columns) * weight[:, None]
    for place in (unit, time):  # the normal equations
        sums = np.stack([np.bincount(place, column) for column in rest.T])
        assert np.abs(sums).max() < 1e-9 * np.abs(weight[:, None] * columns).max()
