"""Did a policy work? From a province's export to a report, in a straight line: read, panel, design, estimate, tell.

The verbs of the notebooks, by the module they live in; each module is loaded when first asked for, so that the command line
starts at once.
"""

from importlib import import_module

VERBS = {
    "base.errors": (
        "InputError",
        "Refusal",
    ),
    "design.design": (
        "placebo_before",
        "placebos_in_space",
        "study_design",
        "without_cluster",
    ),
    "estimation.heterogeneity": (
        "dose_response",
        "effects_by_group",
        "reversal",
    ),
    "estimation.synthetic_weights": ("synthetic_series",),
    "estimators": ("estimate",),
    "evaluation.bounds": ("effect_bounds",),
    "evaluation.evaluation": ("evaluate",),
    "evaluation.reconciliation": (
        "extra_dossiers",
        "one_change",
        "reconcile",
    ),
    "evaluation.robustness": (
        "history",
        "robust",
        "together",
    ),
    "evaluation.warning_signs": ("trend",),
    "evaluation.without_threat": ("taken_out",),
    "panel.panel": ("load_panel",),
    "report.answer": (
        "headline",
        "show_answer",
        "show_basis",
        "show_checks",
        "show_doubtful_names",
        "show_facts",
        "show_glossary",
        "show_groups",
        "show_names",
        "show_parameters",
        "show_rows",
        "show_scale",
        "show_series",
        "show_set_aside",
        "show_staff",
        "show_truth",
    ),
    "report.blocks": ("estimates_table",),
    "report.brief_docx": ("in_word",),
    "report.charts.districts": ("plot_districts",),
    "report.charts.groups": (
        "plot_coverage",
        "plot_event",
        "plot_leave_one_out",
        "plot_placebos",
        "plot_shares",
    ),
    "report.charts.methods": (
        "plot_groups",
        "plot_methods",
        "plot_synthetic",
    ),
    "report.charts.specification_curve": (
        "plot_curve",
        "plot_gate",
        "plot_peeking",
        "plot_sensitivity",
    ),
    "report.record": ("record",),
    "report.show_methods": (
        "group_effects",
        "show_bounds",
        "show_changes",
        "show_dose",
        "show_formulas",
        "show_groups_of",
        "show_inside",
        "show_methods",
        "show_notes",
        "show_reconciliation",
        "show_reversal",
        "synthetic_part",
        "trait_name",
        "traits",
    ),
    "report.show_robustness": (
        "show_breakdown",
        "show_drivers",
        "show_intervals",
        "show_sensitivity",
        "show_signs",
        "show_together",
    ),
    "report.threats": (
        "show_threats",
        "show_threats_short",
    ),
    "study.study": ("load_study",),
    "vietnam.questions.charts_cost": ("plot_forgone",),
    "vietnam.questions.charts_gaps": (
        "plot_gaps",
        "plot_outcomes",
    ),
    "vietnam.questions.charts_payment": ("plot_payment",),
    "vietnam.questions.cost": ("cost_of",),
    "vietnam.questions.gaps": ("who_of",),
    "vietnam.questions.payment": ("payment_of",),
    "vietnam.questions.scorecard": ("indicators",),
    "vietnam.questions.show_cost": (
        "show_cost_basis",
        "show_cost_truth",
        "show_costs",
        "show_forgone",
        "show_other_cut",
        "show_savings",
    ),
    "vietnam.questions.show_gaps": (
        "show_gap_notes",
        "show_gaps",
        "show_outcomes",
        "show_volume",
        "show_who_truth",
    ),
    "vietnam.questions.show_payment": (
        "show_payment_answer",
        "show_payment_basis",
        "show_payment_effects",
        "show_payment_truth",
        "show_rates",
        "show_target",
    ),
    "vietnam.questions.show_scorecard": (
        "show_context",
        "show_definitions",
        "show_rewritten",
        "show_statuses",
        "show_tasks",
        "tasks_of",
    ),
}
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
