"""What a portfolio knows of each of its studies: what that study's newest published run tells everybody, and nothing else."""

from dataclasses import dataclass, field
from typing import Literal

from ..study.portfolio import Difference

# counts: its gate passed, it headlines an interval, it is defined as the others are. Others stand on the page with their reason, without
# a number: blind (judged "cannot be judged", or blind until its plan is registered), no_interval (the headline is a rank), refused (bad
# input), failed (began and did not finish), no_run (nothing published yet), no_policy (a place for which no policy is on record),
# other_definition (not what the others measure).
SiteState = Literal["counts", "blind", "no_interval", "refused", "failed", "no_run", "no_policy", "other_definition"]


@dataclass(frozen=True)
class Site:
    """One study of a portfolio. Numbers are in the study's own `scale` (pp: percentage points); NaN where the state is not `counts`."""

    study: str
    state: SiteState
    reason: str = ""  # one line for readers of the log, empty where it counts
    titles: dict[str, str] = field(default_factory=dict)  # language -> name that readers see: the place, else the study's title
    estimate: float = float("nan")  # the headlined estimate, as the study's own report tells it
    std_error: float = float("nan")
    ci_low: float = float("nan")
    ci_high: float = float("nan")
    level: float = float("nan")  # of that interval
    inference: str = "none"
    estimator: str = ""
    outcome: str = ""
    scale: str = ""
    n_obs: float = float("nan")
    n_units: float = float("nan")
    n_clusters: float = float("nan")
    n_treated_clusters: float = float("nan")
    start: str = ""  # first period of the policy, as written in the study's frequency ("2023-08", "2011")
    last_period: str = ""
    dose: float = float("nan")  # size of the cut, percent; NaN unknown
    start_level: float = float("nan")  # mean outcome of the treated before it, rounded so that no count can be read off; NaN unknown
    verdict: int | None = None
    simulated: bool = False
    run: str = ""  # name of the published run, "" without one
    differs: Difference | None = None  # of other_definition: what it defines otherwise
    definition: dict[str, str] = field(default_factory=dict)  # what must be equal for two estimates to be pooled: key -> value
