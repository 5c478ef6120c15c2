"""The closed vocabulary: terms, kinds of inference, scales, states, reasons, estimators."""

from ..base.own_files import PACKAGE

COLUMNS = [
    "study", "notebook", "outcome", "estimator", "term", "group", "cohort", "period", "event_time", "parameter",
    "estimate", "std_error", "ci_low", "ci_high", "level", "p_value", "inference", "n_obs", "n_units", "n_clusters",
    "n_treated_clusters", "scale", "status", "reason", "simulated",
]  # fmt: skip
NOTES = {
    "weights_not_unique", "poor_fit", "regression_to_mean", "forbidden_comparisons", "unidentified_left_out", "overdispersed",
    "separated", "no_comparison_series", "too_sure",
}  # fmt: skip
NUMBERS = ["event_time", "estimate", "std_error", "ci_low", "ci_high", "level", "p_value",
           "n_obs", "n_units", "n_clusters", "n_treated_clusters"]  # fmt: skip
TERMS = {
    "overall", "event", "cohort_period", "group", "placebo_time", "placebo_space", "leave_one_out", "specification",
    "aggregate", "bound", "pre_trend", "dose", "change", "bacon", "sensitivity_relative", "sensitivity_smooth",
    "cost", "indicator",
}  # fmt: skip
INFERENCE = {
    "cluster", "wild", "placebo", "randomization", "hac", "two_stage", "honest", "fieller", "bootstrap", "sequential",
    "model", "none",
}  # fmt: skip
SCALES = {"share", "pp", "log", "level", "VND", "count"}
STATUS = {"ok", "refused"}
REASONS = {
    "no_pre_period", "no_post_period", "no_comparison", "no_treated", "one_unit", "one_cluster", "few_clusters", "other_method",
    "too_few_periods", "too_few_placebos", "mixed_clusters", "staggered", "collinear", "blocks", "gaps", "too_few_donors",
    "no_third_difference", "no_counts", "no_variation", "not_converged", "not_finite", "no_dose", "no_extra",
}  # fmt: skip

SINGLE_SERIES = {"interrupted_time_series", "structural_time_series"}  # estimators that can do without a comparison


def estimator_names() -> list[str]:
    """The names of the files in estimators/."""
    return sorted(file.stem for file in (PACKAGE / "estimators").glob("*.py") if file.stem != "__init__")
