"""Did a policy work? From a province's export to a report, in a straight line: read, panel, design, estimate, tell.

The verbs of the notebooks, by the module they live in; each module is loaded when first asked for, so that the command line
starts at once.
"""

from importlib import import_module

VERBS = {
    "bounds": ("effect_bounds",),
    "charts": ("plot_coverage", "plot_event", "plot_leave_one_out", "plot_placebos", "plot_shares"),
    "charts_districts": ("plot_districts",),
    "charts_methods": ("plot_groups", "plot_methods", "plot_synthetic"),
    "charts_robustness": ("plot_curve", "plot_gate", "plot_peeking", "plot_sensitivity"),
    "checks": ("evaluate",),
    "compare": ("extra_dossiers", "one_change", "reconcile"),
    "charts_cost": ("plot_forgone",),
    "charts_payment": ("plot_payment",),
    "charts_who": ("plot_gaps", "plot_outcomes"),
    "cost": ("cost_of",),
    "designs": ("placebo_before", "placebos_in_space", "study_design", "without_cluster"),
    "document": ("in_word",),
    "errors": ("InputError", "Refusal"),
    "estimators": ("estimate",),
    "fixes": ("taken_out",),
    "heterogeneity": ("dose_response", "effects_by_group", "reversal"),
    "panel": ("load_panel",),
    "params": ("load_study",),
    "recording": ("record",),
    "payment": ("payment_of",),
    "robustness": ("history", "robust", "together"),
    "scorecard": ("indicators",),
    "show_cost": ("show_cost_basis", "show_cost_truth", "show_costs", "show_forgone", "show_other_cut", "show_savings"),
    "show_payment": ("show_payment_answer", "show_payment_basis", "show_payment_effects", "show_payment_truth", "show_rates",
                     "show_target"),
    "show_robustness": ("show_breakdown", "show_drivers", "show_intervals", "show_sensitivity", "show_signs", "show_together"),
    "show_scorecard": ("show_context", "show_definitions", "show_rewritten", "show_statuses", "show_tasks", "tasks_of"),
    "side_by_side": ("group_effects", "show_bounds", "show_changes", "show_dose", "show_formulas", "show_groups_of", "show_inside",
                     "show_methods", "show_notes", "show_reconciliation", "show_reversal", "synthetic_part", "trait_name",
                     "traits"),
    "show_who": ("show_gap_notes", "show_gaps", "show_outcomes", "show_volume", "show_who_truth"),
    "story": ("headline", "show_answer", "show_basis", "show_checks", "show_doubtful_names", "show_facts", "show_glossary",
              "show_groups", "show_names", "show_parameters", "show_rows", "show_scale", "show_series", "show_set_aside", "show_staff",
              "show_truth"),
    "synthetic": ("synthetic_series",),
    "tables": ("estimates_table",),
    "threats": ("show_threats", "show_threats_short"),
    "warning_signs": ("trend",),
    "who": ("who_of",),
}  # fmt: skip
MODULE_OF = {verb: module for module, verbs in VERBS.items() for verb in verbs}
__all__ = sorted(MODULE_OF)


def __getattr__(name: str) -> object:
    if name not in MODULE_OF:
        raise AttributeError(f"module 'hgdx_eval' has no attribute {name!r}")
    value = getattr(import_module(f".{MODULE_OF[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
