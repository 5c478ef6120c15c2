"""Synthetic control: weighted comparison units that were where the treated one was, in every period before the policy.

Abadie, Diamond & Hainmueller (2010), equation 2, on all earlier outcomes, unscaled and without a search for predictor weights
(Ferman, Pinto & Possebom 2020): what is searched for can be tuned. Judged by its rank among all placebos in space, whose donors
never include a treated unit; that test is known to raise false alarms where the treated unit was extreme before.
"""

import numpy as np

from ..design.design import Design
from ..estimation.results import Estimate
from ..estimation.synthetic_weights import DIFFERS, Matrix, Synthetic, simplex, synthetic_estimate

__all__ = ["DIFFERS", "SOLVER", "fit"]


def fit(design: Design) -> Estimate:
    """Raises Refusal as `synthetic.matrix` does."""
    return synthetic_estimate(design, "synthetic_control", control, spread=False)


def control(m: Matrix) -> Synthetic:
    """Weights over the simplex that bring the donors closest to the treated unit before the policy."""
    weights, unique = simplex(m.donors[:, : m.before] - m.treated[: m.before])
    gap = m.treated - weights @ m.donors
    return Synthetic(float(gap[m.before :].mean()), gap, weights, np.zeros(m.before), unique=unique)


SOLVER = control
