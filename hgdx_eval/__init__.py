"""Did a policy work? From a province's export to a report, in a straight line: read, panel, design, estimate, tell.

The verbs of the notebooks, by the module they live in; each module is loaded when first asked for, so that the command line
starts at once. Editors and type checkers know them from `__init__.pyi` (docs/make_stub.py).

Most take the study `p` and its `words` (what `load_study` gives), its `panel` (`load_panel`) and `design` (`study_design`). Shares are
0-1; effects on a share are percentage points (scale pp), others in the outcome's own unit (scale level); money is VND. `show_` verbs give
blocks and `plot_` verbs figures, which a cell shows by ending with them.
"""

import sys
from importlib import import_module

from .base.threads import keep_to_one_thread

keep_to_one_thread()
VERBS = {
    "base.errors": (
        "InputError",
        "Refusal",
    ),
    "design.design": ("study_design",),
    "design.placebos": (
        "placebo_before",
        "placebos_in_space",
        "without_cluster",
    ),
    "estimation.estimate": ("estimate",),
    "estimation.heterogeneity": (
        "dose_response",
        "effects_by_group",
        "reversal",
    ),
    "estimation.synthetic_weights": ("synthetic_series",),
    "evaluation.bounds": ("effect_bounds",),
    "evaluation.evaluation": ("evaluate",),
    "evaluation.reconciliation": (
        "extra_cases",
        "one_change",
        "reconcile",
    ),
    "evaluation.plan": ("plan_of",),
    "evaluation.plan_record": ("deviation_rows", "held_to_plan"),
    "evaluation.rehearsal": ("rehearse",),
    "evaluation.robustness": (
        "history",
        "robust",
        "together",
    ),
    "evaluation.warning_signs": ("trend",),
    "evaluation.without_threat": ("taken_out",),
    "panel.load": ("load_panel",),
    "report.answer": (
        "headline",
        "show_checks",
        "show_truth",
    ),
    "report.blocks": ("estimates_table",),
    "report.brief_docx": ("in_word",),
    "report.first_screen": (
        "show_answer",
        "show_in_short",
        "show_meaning",
    ),
    "report.charts.answer": ("plot_answer",),
    "report.of_frame": ("panel_of",),
    "report.regression_table": ("etable",),
    "report.charts.coverage": ("plot_coverage",),
    "report.charts.places": ("plot_places",),
    "report.charts.effects_by_group": ("plot_groups",),
    "report.charts.event_path": ("plot_event",),
    "report.charts.false_alarms": ("plot_gate",),
    "report.charts.groups": ("plot_shares",),
    "report.charts.looks": ("plot_peeking",),
    "report.charts.methods": ("plot_methods",),
    "report.charts.placebos": (
        "plot_leave_one_out",
        "plot_placebos",
    ),
    "report.charts.power": ("plot_rehearsal",),
    "report.charts.sensitivity": ("plot_sensitivity",),
    "report.charts.specification_curve": ("plot_curve",),
    "report.charts.synthetic": ("plot_synthetic",),
    "report.record": ("record",),
    "report.show_data": (
        "show_domain_data",
        "show_series",
        "show_facts",
        "show_glossary",
        "show_groups",
        "show_parameters",
        "show_rows",
        "show_scale",
        "show_set_aside",
    ),
    "report.show_methods": (
        "methods",
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
    "report.show_plan": (
        "show_plan",
        "show_plan_check",
        "show_power",
    ),
    "report.show_rehearsal": ("show_rehearsal",),
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
    "study.load": ("load_study",),
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
    "vietnam.questions.show_data": (
        "show_doubtful_names",
        "show_names",
        "show_staff",
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
        from .base.telling import did_you_mean

        near = "" if name.startswith("_") else did_you_mean(name, __all__)
        raise AttributeError(f"module 'hgdx_eval' has no attribute {name!r}{near}")
    value = getattr(import_module(f".{MODULE_OF[name]}", __name__), name)
    globals()[name] = value
    if "ipykernel" in sys.modules:  # in a notebook
        import_module(".report.in_lab", __name__).dress()
    return value


def __dir__() -> list[str]:
    return __all__
