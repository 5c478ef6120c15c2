"""Did the groups part before the policy, and would it have been seen? A joint test of the coefficients before, and its power.

Hotelling's test of all coefficients before the policy with the event study's own clustered covariance, and its power against a
steady drift (Roth 2022, American Economic Review: Insights 4, 305-322): a test that finds nothing says little where it had no power
against a drift that would explain the whole effect.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats
from scipy.optimize import brentq

from ..base.errors import Refusal
from ..base.telling import in_brief
from ..estimation.inference import LEVEL
from .sensitivity import EventStudy

POWER = 0.8  # of a drift that "would have been found"
ENOUGH = 0.5  # power against a drift that would matter, from which on a test that finds nothing speaks for the design
FAR = 1e6  # standard deviations


@dataclass(frozen=True)
class PreTrends:
    """The joint test of the coefficients before the policy. Drifts in points (or the outcome's own unit) a period."""

    p_value: float
    number: int  # coefficients
    dof: float  # of the clustered covariance; the test's are `number` and dof - number + 1
    matters: float  # how far a drift would have to move the headlined average, in absolute value, to matter
    power: float  # against the steady drift that does so
    drift: float  # the least steady drift found 8 times in 10
    bias: float  # what that drift adds to the headlined average, in absolute value
    frequency: str  # D, W, M, Q or Y: what a period is

    @property
    def rejects(self) -> bool:
        """Whether the groups parted before the policy, at 5%."""
        return self.p_value < 1 - LEVEL

    @property
    def enough(self) -> bool:
        """Whether a drift that would matter would have been found more often than not."""
        return self.power >= ENOUGH

    def __repr__(self) -> str:
        return in_brief(self, f"{self.number} coefficients before, p {self.p_value:.3g}", f"{self.drift:.3g} a period would be found",
                        f"power {self.power:.2f} against a drift that adds {self.matters:.3g}")  # fmt: skip


def pre_trends(study: EventStudy, frequency: str, smallest: float = 0.0) -> PreTrends:
    """Hotelling's T2 of the coefficients before: T2 (nu - k + 1) / (nu k) is F(k, nu - k + 1) under no divergence, and noncentral F
    under a drift (Anderson 2003, theorem 5.2.2), nu the degrees of freedom of their clustered covariance (`joint_dof` less one for each
    path of a mean that was estimated).

    A drift matters where it explains the whole headlined average, or where it could hide the `smallest` effect that the study calls
    meaningful, whichever is more. Returns a PreTrends. Raises Refusal where there are fewer degrees of freedom than coefficients, or
    where a steady drift would not move the coefficients (every unit drifts alike).
    """
    own, k = study.average_told, study.before
    nu = own.dof_joint
    left = nu - k + 1
    if left < 1:
        raise Refusal("few_clusters", f"{k} coefficients before the policy with {nu:.1f} degrees of freedom")
    inverse = np.linalg.inv(study.covariance[:k, :k])
    beta, scale = study.beta[:k], left / (nu * k)
    strength = float(own.drift_before @ inverse @ own.drift_before)  # noncentrality of a drift of one
    if not strength > 0 or not abs(own.drift) > 0:
        raise Refusal("no_variation", "a steady drift of the groups would not show before the policy")
    p = float(stats.f.sf(scale * beta @ inverse @ beta, k, left))

    def power(drift: float) -> float:
        return power_of(drift**2 * strength, k, left)

    matters = max(abs(own.estimate), smallest)
    found = brentq(lambda root: power_of(root**2, k, left) - POWER, 0.0, 1e3) / np.sqrt(strength)
    return PreTrends(p, k, nu, matters, power(matters / own.drift), float(found), float(abs(found * own.drift)), frequency)


def power_of(noncentrality: float, k: int, left: float) -> float:
    """How often a test of size 5% rejects."""
    return float(stats.ncf.sf(stats.f.ppf(LEVEL, k, left), k, left, min(noncentrality, FAR)))
