"""Did a policy work? From a province's export to a report, in a straight line: read, panel, design, estimate, tell."""

from .charts import plot_coverage, plot_event, plot_leave_one_out, plot_placebos, plot_shares
from .checks import evaluate
from .designs import placebo_before, placebos_in_space, study_design, without_cluster
from .errors import InputError, Refusal
from .estimators import estimate
from .panel import load_panel
from .params import load_study
from .record import record
from .story import (
    headline,
    show_answer,
    show_basis,
    show_checks,
    show_facts,
    show_glossary,
    show_groups,
    show_methods,
    show_parameters,
    show_rows,
    show_scale,
    show_set_aside,
    show_threats,
    show_truth,
)
from .tables import estimates_table

__all__ = [
    "InputError", "Refusal", "estimate", "estimates_table", "evaluate", "headline", "load_panel", "load_study",
    "placebo_before", "placebos_in_space", "plot_coverage", "plot_event", "plot_leave_one_out", "plot_placebos",
    "plot_shares", "record", "show_answer", "show_basis", "show_checks", "show_facts", "show_glossary", "show_groups",
    "show_methods", "show_parameters", "show_rows", "show_scale", "show_set_aside", "show_threats", "show_truth",
    "study_design", "without_cluster",
]  # fmt: skip
