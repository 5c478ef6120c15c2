"""The closed vocabulary: every word with a fixed set of values that more than one room speaks (tests/study/test_vocabulary.py reads the
package's literals against it)."""

from typing import Literal, get_args

from ..base.own_files import PACKAGE

# --- what a study asks ---------------------------------------------------------------------------------------------
Frequency = Literal["D", "W", "M", "Q", "Y"]  # day, week (ISO: Monday to Sunday), month, quarter, year
Comparison = Literal["never", "not_yet"]  # whether units treated later are compared before they are
Kind = Literal["cluster", "wild", "randomization", "placebo"]  # kinds of interval that the gate can try, in its order
KINDS: tuple[Kind, ...] = get_args(Kind)
Engine = Literal["duckdb", "spark"]  # what reads and counts lists of a row a case
ESTIMANDS = {"effect", "difference"}

# --- estimates.csv -------------------------------------------------------------------------------------------------
COLUMNS = [
    "study", "notebook", "outcome", "estimator", "term", "group", "cohort", "period", "event_time", "parameter",
    "estimate", "std_error", "ci_low", "ci_high", "level", "p_value", "inference", "n_obs", "n_units", "n_clusters",
    "n_treated_clusters", "scale", "status", "reason", "simulated",
]  # fmt: skip
NUMBERS = ["event_time", "estimate", "std_error", "ci_low", "ci_high", "level", "p_value",
           "n_obs", "n_units", "n_clusters", "n_treated_clusters"]  # fmt: skip
TERMS = {
    "overall", "event", "cohort_period", "group", "placebo_time", "placebo_space", "leave_one_out", "specification",
    "aggregate", "bound", "pre_trend", "dose", "change", "bacon", "sensitivity_relative", "sensitivity_smooth",
    "sensitivity_level", "cost", "indicator", "rehearsal", "deviation", "pooled", "prediction", "study", "meta_regression",
}  # fmt: skip
INFERENCE = {*KINDS, "hac", "two_stage", "honest", "fieller", "bootstrap", "sequential", "model", "hartung_knapp",
             "confidence_distribution", "none"}  # fmt: skip
NO_INTERVAL = ("none", "placebo")  # kinds on which a verdict rests without an interval: on nothing, or on a rank
SCALES = {"share", "pp", "log", "level", "VND", "count"}
STATUS = {"ok", "refused"}
NOT_COUNTED = ("blind", "no_interval", "refused", "failed", "no_run", "no_policy", "other_definition")  # why a study is not pooled
REASONS = {
    "no_pre_period", "no_post_period", "no_comparison", "no_treated", "one_unit", "one_cluster", "few_clusters", "other_method",
    "too_few_periods", "too_few_placebos", "mixed_clusters", "staggered", "collinear", "blocks", "gaps", "too_few_donors",
    "no_third_difference", "no_counts", "no_variation", "not_converged", "not_finite", "no_dose", "no_extra", "not_estimated_anew",
    *NOT_COUNTED, "no_study_counts",
}  # fmt: skip
IN_PART = "left_out_in_part"  # not each comparison unit was left out in turn, only those that can move the number most
NOTES = {  # what a reader must know beside an estimate
    "weights_not_unique", "poor_fit", "regression_to_mean", "forbidden_comparisons", "unidentified_left_out", "overdispersed",
    "separated", "no_comparison_series", "too_sure", "few_behind_parts", "last_cohort_compared", "cohorts_left_out", IN_PART,
}  # fmt: skip

# --- estimators ----------------------------------------------------------------------------------------------------
REGRESSION = "two_way_fixed_effects"  # the engine's own: gate, curve, sensitivity and effects by group are of its coefficients
SINGLE_SERIES = {"interrupted_time_series", "structural_time_series"}  # estimators that can do without a comparison


def estimator_names() -> list[str]:
    """The names of the files in estimators/."""
    return sorted(file.stem for file in (PACKAGE / "estimators").glob("*.py") if file.stem != "__init__")


POOLED = "random_effects"  # many studies as one answer, in pooled.csv


# --- an evaluation -------------------------------------------------------------------------------------------------
CHECKS = ("placebo_time", "leave_one_out", "pre_period", "methods", "breakdown", "volume")
CHECK_STATES = {"pass", "fail", "none", "unmet"}  # none: could not be made; unmet: the effect is not shown to be a small one
GATE_STATES = {"headline", "passes", "conservative", "fails", "unavailable"}
WARNINGS = ("differential_trend", "uneven_campaign", "season", "ceiling", "few_clusters", "dominant_cluster", "two_treated_agencies",
            "event_in_window", "composition_change", "volume_change", "thin_months")  # fmt: skip

# --- counts told by a run (told.csv) -------------------------------------------------------------------------------
FAMILIES = {
    "design", "treated", "whole", "span", "month", "side", "size", "dose", "forgone", "place", "staff", "staff_year", "staff_whole",
    "payment", "payment_fixed", "file",
}  # fmt: skip
PARTS = {"received", "online", "counter", "remote", "assisted", "paid", "unpaid", "forgone"}
SIDES = {True: "treated", False: "comparison"}  # by whether a unit is treated at some time
