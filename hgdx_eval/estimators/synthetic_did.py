"""Synthetic difference-in-differences: weights for comparison units and for earlier periods, each up to a constant.

Arkhangelsky, Athey, Hirshberg, Imbens & Wager (2021), equations 4-6 and algorithm 1; the weights are the exact optima, where R's
synthdid stops its steps early. The error is the standard deviation of all placebos in space (algorithm 4, every unit in turn
instead of random ones), so that no seed decides it.
"""

import numpy as np

from ..design.design import Design
from ..estimation.results import Estimate
from ..estimation.synthetic_weights import DIFFERS, Matrix, Synthetic, simplex, synthetic_estimate

__all__ = ["DIFFERS", "SOLVER", "fit"]
TIME_RIDGE = 1e-6  # of the noise: the period weights are all but unpenalised


def fit(design: Design) -> Estimate:
    """Raises Refusal as `synthetic.matrix` does."""
    return synthetic_estimate(design, "synthetic_did", synthetic_did, spread=design.path)


def synthetic_did(m: Matrix) -> Synthetic:
    """The weighted difference in differences, and its gap by period against the weighted periods before."""
    before, after = m.donors[:, : m.before], m.donors[:, m.before :]
    noise = np.diff(before, axis=1).std(ddof=1) if m.before > 2 or len(before) > 1 else 0.0
    periods_after = m.donors.shape[1] - m.before
    penalty = m.before * (np.sqrt(m.size * periods_after) * noise**2)  # T_pre zeta^2, zeta = (N_tr T_post)^(1/4) sigma
    level = before.mean(axis=1, keepdims=True)
    own = m.treated[: m.before] - m.treated[: m.before].mean()
    units, _ = simplex(before - level - own, penalty)
    target = after.mean(axis=1)
    difference = (before - before.mean(axis=0)) - (target - target.mean())[:, None]
    periods, _ = simplex(difference.T, len(before) * (TIME_RIDGE * noise) ** 2)
    gap = m.treated - units @ m.donors
    gap = gap - periods @ gap[: m.before]
    return Synthetic(float(gap[m.before :].mean()), gap, units, periods, penalty)


SOLVER = synthetic_did
