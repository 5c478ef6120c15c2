# Made by docs/make_stub.py from the sources; a change here is lost.
"""Did a policy work? From a province's export to a report, in a straight line: read, panel, design, estimate, tell.

The verbs of the notebooks, by the module they live in; each module is loaded when first asked for, so that the command line
starts at once. Editors and type checkers know them from `__init__.pyi` (docs/make_stub.py).

Most take the study `p` and its `words` (what `load_study` gives), its `panel` (`load_panel`) and `design` (`study_design`). Shares are
0-1; effects on a share are percentage points (scale pp), others in the outcome's own unit (scale level); money is VND. `show_` verbs give
blocks and `plot_` verbs figures, which a cell shows by ending with them.
"""

from pathlib import Path

import pandas as pd

from .base.errors import InputError as InputError
from .base.errors import Refusal as Refusal
from .base.origin import Origin
from .design.design import Design
from .estimation.results import Estimate
from .evaluation.evaluation import Evaluation
from .evaluation.plan import Plan
from .evaluation.plan_record import PlanCheck
from .evaluation.rehearsal import Rehearsal
from .evaluation.robustness import Robustness
from .evaluation.warning_signs import Sign, Trend
from .panel.panel import Panel
from .report import blocks
from .report.blocks import Block
from .report.brief_docx import Document
from .report.figure import Figure
from .report.record import Recorded
from .study.study import Study
from .study.words import Words
from .vietnam.questions.cost import Cost
from .vietnam.questions.gaps import Who
from .vietnam.questions.payment import Payment
from .vietnam.questions.scorecard import Scorecard

VERBS: dict[str, tuple[str, ...]]
MODULE_OF: dict[str, str]
__all__ = [
    "InputError",
    "Refusal",
    "cost_of",
    "deviation_rows",
    "dose_response",
    "effect_bounds",
    "effects_by_group",
    "estimate",
    "estimates_table",
    "etable",
    "evaluate",
    "extra_cases",
    "group_effects",
    "headline",
    "held_to_plan",
    "history",
    "in_word",
    "indicators",
    "load_panel",
    "load_study",
    "methods",
    "one_change",
    "panel_of",
    "payment_of",
    "placebo_before",
    "placebos_in_space",
    "plan_of",
    "plot_answer",
    "plot_coverage",
    "plot_curve",
    "plot_event",
    "plot_forgone",
    "plot_gaps",
    "plot_gate",
    "plot_groups",
    "plot_leave_one_out",
    "plot_methods",
    "plot_outcomes",
    "plot_payment",
    "plot_peeking",
    "plot_placebos",
    "plot_places",
    "plot_rehearsal",
    "plot_sensitivity",
    "plot_shares",
    "plot_synthetic",
    "reconcile",
    "record",
    "rehearse",
    "reversal",
    "robust",
    "show_answer",
    "show_bounds",
    "show_breakdown",
    "show_changes",
    "show_checks",
    "show_context",
    "show_cost_basis",
    "show_cost_truth",
    "show_costs",
    "show_definitions",
    "show_domain_data",
    "show_dose",
    "show_doubtful_names",
    "show_drivers",
    "show_facts",
    "show_forgone",
    "show_formulas",
    "show_gap_notes",
    "show_gaps",
    "show_glossary",
    "show_groups",
    "show_groups_of",
    "show_in_short",
    "show_inside",
    "show_intervals",
    "show_meaning",
    "show_methods",
    "show_names",
    "show_notes",
    "show_other_cut",
    "show_outcomes",
    "show_parameters",
    "show_payment_answer",
    "show_payment_basis",
    "show_payment_effects",
    "show_payment_truth",
    "show_plan",
    "show_plan_check",
    "show_power",
    "show_rates",
    "show_reconciliation",
    "show_rehearsal",
    "show_reversal",
    "show_rewritten",
    "show_rows",
    "show_savings",
    "show_scale",
    "show_sensitivity",
    "show_series",
    "show_set_aside",
    "show_signs",
    "show_staff",
    "show_statuses",
    "show_target",
    "show_tasks",
    "show_threats",
    "show_threats_short",
    "show_together",
    "show_truth",
    "show_volume",
    "show_who_truth",
    "study_design",
    "synthetic_part",
    "synthetic_series",
    "taken_out",
    "tasks_of",
    "together",
    "trait_name",
    "traits",
    "trend",
    "who_of",
    "without_cluster",
]

def cost_of(panel: Panel, p: Study, design: Design) -> Cost:
    """What the study's cut of fees cost: fees not taken since the start (whole VND), how much of that moved nobody, VND per extra dossier.

    Returns a Cost; where nothing can be said (no policy, no fees, too few dossiers) its `reason` is a code, and every show_* of it copes.
    Raises Refusal where the study's method cannot identify the effect.
    """

def deviation_rows(found: PlanCheck, main: Estimate) -> list[Estimate]:
    """What deviations from the plan moved, for `record`. `found`: what `held_to_plan` gives; `main`: the main estimate.

    Returns a list with one Estimate of `deviation` rows: `group` the key, `estimate` how far the main estimate is from the one with that
    key as planned, in its own unit; refused (not_estimated_anew) where that cannot be had. An empty list without deviations.
    """

def dose_response(design: Design) -> Estimate | None:
    """Effects by dose: a row `dose` for each level (`group` = the dose or band, `parameter` = its mean dose, in per cent of the cut or VND
    saved), and `slope`, what one step more (10 points, or 10,000 VND; `group` = the step) goes with among the treated.

    Levels are effects under the same assumption as the main estimate. The slope compares groups that chose or were given other doses: it is
    an effect of dose only if their effects would have been alike at equal dose (Callaway, Goodman-Bacon & Sant'Anna 2024).
    Returns an Estimate; None where the study names no dose. Raises Refusal where no treated observation has a dose above 0; one dose alone
    is no refusal, it only has no slope.
    """

def effect_bounds(design: Design, estimator: str) -> Estimate:
    """What the effect would be if what cannot be known were otherwise: unknown adopters among the comparison units, people who waited for
    the policy, spill-over, outcomes that are missing. `estimator`: the name of a file in estimators/.

    Returns an Estimate of `bound` rows, empty where the design asks for none. Raises Refusal where the method itself refuses, InputError
    for an unknown method.
    """

def effects_by_group(design: Design) -> Estimate | None:
    """Effects for the values of every trait that the study names (`by`): rows `group`, one raw and, of four groups or more, one partially
    pooled, and a row `heterogeneity` per trait (estimate: standard deviation of the true effects; p of Cochran's Q).

    `group` is trait=value. A group whose treated units stand in fewer than 5 clusters has its errors clustered by blocks, if there are
    enough, else none.
    Returns an Estimate; None where the study names no trait. Raises Refusal as two-way fixed effects do.
    """

def estimate(design: Design, estimator: str) -> Estimate:
    """The estimate of one method, computed once in a run. `estimator`: the name of a file in estimators/.

    Returns an Estimate, in percentage points where the outcome is a share, else in the outcome's own unit. Raises Refusal where the method
    cannot identify the effect, InputError for an unknown method.
    Example: `hg.estimate(design, "callaway_santanna").overall()`
    """

def estimates_table(rows: pd.DataFrame, words: Words) -> Block:
    """Rows of estimates as a reader sees them: what, estimate, interval or rank, kind of interval. `rows`: the table of an Estimate.

    Returns a Block, with all columns for the workbook.
    Example: `hg.estimates_table(result.main.table, words)`
    """

def etable(estimates: list[Estimate], kind: str = 'text', file: str | Path | None = None) -> str:
    """Estimates as columns: the overall estimate with its error below in brackets, 95% interval, how the error was made, numbers of
    observations, units and clusters. `estimates`: a list, of one study or of several; `kind`: text, latex, html or docx; `file`: where it
    is written too (needed for docx).

    Returns a str (of docx the text). Raises InputError for another kind, an empty list, or docx without a file.
    Example: `hg.etable([result.main, *result.others], "latex")`
    """

def evaluate(design: Design, p: Study) -> Evaluation:
    """The study's main estimate with everything that speaks for and against it: placebos, other methods, false alarms, sensitivity,
    warnings, verdict. Computed once in a run.

    Returns an Evaluation. Raises Refusal where the main method cannot be applied; other methods that cannot are rows that say why.
    """

def extra_cases(design: Design, found: Estimate) -> Estimate:
    """An average effect in cases: the effect of `found` times the treated cases after the start.

    Returns an Estimate of one `specification` row, group extra_dossiers (a count); empty where cases are not counted or too few to be told,
    or where the method gives no effect.
    """

def group_effects(groups: Estimate, trait: str, words: Words) -> pd.DataFrame:
    """The rows of one trait with labels for readers. `groups`: what `effects_by_group` found; `trait`: one of `traits(groups)`.

    Returns a table with the columns of results, for `plot_groups`. Raises InputError for a trait that has no effects.
    """

def headline(found: Evaluation, words: Words) -> str:
    """The answer in one sentence with its interval or rank. `found`: what `evaluate` gives.

    Returns a text in the language of `words`; `**` marks the number.
    """

def held_to_plan(panel: Panel, p: Study) -> PlanCheck:
    """The study held to its plan, where it has one: what was done otherwise, and what that moves. Computed once in a run.

    Returns a PlanCheck. Raises InputError for a file that is no plan of this study.
    """

def history(sequence: Estimate) -> pd.DataFrame:
    """Looks as a table for `plot_peeking`. `sequence`: the `looks` of what `robust` gives.

    Returns a table with one row per look: period, estimate, ci_low, ci_high (the usual interval), seq_low, seq_high (right at all looks
    together), in the unit of the estimate.
    """

def in_word(found: Evaluation, panel: Panel, p: Study, words: Words, figures: list[Figure | None], fixed: dict[str, Estimate]) -> Document:
    """The brief as a document for Word: answer, verdict, reasons, chart, basis; checks; what could be wrong. `found`: what `evaluate`
    gives; `figures`: the key chart (never None), then others; `fixed`: what `taken_out` gives.

    Returns a Document, which a notebook shows as one line and `hgdx-eval run --docx` writes for Word.
    """

def indicators(card: Scorecard | None) -> list[Estimate]:
    """The latest value of every indicator of a scorecard that has one. `card`: what `tasks_of` gives, which may be None.

    Returns a list of one Estimate for `record`, rows `indicator` (`group` its name, `parameter` its task and status; scale share, 0-1,
    count or VND; no interval, none is given); an empty list without a scorecard.
    """

def load_panel(p: Study, early: bool = False) -> Panel:
    """The panel of a study: counts or values by unit and period, read from its data. Inside a run it was made once, before the notebooks.
    `early`: of the periods before the policy alone; what is later is left out before any number is read or counted.

    Returns a Panel. Raises InputError naming file and place for whatever cannot be understood.
    """

def load_study(study: str | Path, lang: str = 'vi', change: dict | str | None = None) -> tuple[Study, Words]:
    """The study and its words, every key checked. `study`: a name in params/studies/ or a path; `lang`: vi or en; `change`: keys that
    override the file's, as a map, as text of YAML or JSON ("{seed: 3}"), or as "key=value; key=value"; paths in it are relative to the
    current folder. Inside a run the runner has resolved the study already and passes it on.

    Returns (Study, Words). Raises InputError (one line) for whatever is wrong, with the names that are known.
    Example: `p, words = hg.load_study("demo", "en", {"window": ["2022-01", "2024-12"]})`
    """

def methods(lang: str = 'en') -> pd.DataFrame:
    """The methods of estimation. `lang`: vi or en.

    Returns a table with one row per method: estimator (its name in a study), name, meaning (of the formula's letters), formula
    (TeX), source.
    Example: `hg.methods("vi")`
    """

def one_change(design: Design) -> Estimate:
    """The main regression with one thing changed at a time: weights, periods, units, comparison group.

    Returns an Estimate of `specification` rows (`group` = what was changed, `parameter` = to which); a change that cannot be made is a
    refused row.
    """

def panel_of(frame: pd.DataFrame, lang: str = 'vi', **keys: object) -> tuple[Study, Words, Panel]:
    """A study and its panel of a pandas table, checked as a file would be. `frame`: one row per unit and period; `lang`: vi or en;
    `keys`: those of a study: unit, period, frequency, outcome (or numerator and denominator), treated_from or treated; by default cluster
    is the unit.

    Returns (Study, Words, Panel), as `load_study` and `load_panel` give them. Raises InputError for whatever is wrong.
    Example: `hg.panel_of(frame, "en", unit="state", period="year", frequency="Y", outcome="rate", treated_from="start")`
    """

def payment_of(panel: Panel, p: Study, design: Design) -> Payment:
    """Online payment by both of its definitions (shares 0-1 by month), the effect of the cut on each (percentage points), and when the
    target is reached.

    Returns a Payment; where nothing can be said its `reason` is a code, and every show_* of it copes.
    """

def placebo_before(design: Design, periods: int) -> Design:
    """The same study pretending that the policy came earlier, on the periods before it really came: of each treated unit those before its
    own start, of units never treated those before the last start. `periods`: by how many periods, in the study's frequency.

    Returns a Design. Raises Refusal where fewer than two real periods would stand before the pretended date.
    Example: `hg.estimate(hg.placebo_before(design, 6), p.estimator)`
    """

def placebos_in_space(design: Design) -> list[tuple[str, Design]]:
    """Comparison clusters pretending to be treated, as many as really are, the real ones left out.

    With one treated cluster each comparison cluster is taken in turn; with several, every set of as many is listed, or a fixed number of
    sets is drawn. Whole clusters, because units of one cluster share shocks: sets of single units would vary too little.
    Returns a list of (name, Design). Raises Refusal where a cluster holds both sides, or where the clusters do not suffice.
    """

def plan_of(p: Study) -> Plan:
    """A plan of a study from its periods before the policy alone. `p`: what `load_study` gives; its window's end says until when it is
    planned, else as many periods after as before. Computed once in a run.

    Returns a Plan. Raises InputError where the data do not say when the policy begins without the rows after it, Refusal where nothing
    could be estimated.
    """

def plot_answer(found: Evaluation, words: Words, min_count: int = 5) -> Figure:
    """The treated group by period, the same group without the estimated effect, and the gap, told as in the answer. `found`: what
    `evaluate` gives; periods of fewer dossiers than `min_count` are left out. Where no effect is told (no interval or rank, a single
    series) the two groups, as `plot_shares` draws them.

    Title: by the verdict, with the number of the answer.
    Returns a Figure.
    """

def plot_coverage(design: Design, words: Words) -> Figure:
    """Since when each cluster has data. Title: how many clusters are whole, and how many have gaps. Returns a Figure."""

def plot_curve(curve: Estimate, words: Words) -> Figure:
    """Every specification from low to high with its interval, the study's own marked, and below what each does otherwise. `curve`: the
    `curve` of what `robust` gives.

    Title: how many have the sign of the study's own, of all that could be estimated (the study's own counted), and how many intervals leave
    out 0. Intervals are neither drawn nor counted with fewer than `FEW_CLUSTERS` treated clusters. A phone shows the dimensions that
    explain most of the spread.
    Returns a Figure.
    """

def plot_event(estimate: Estimate, words: Words) -> Figure | None:
    """The difference by event time with its 95% band. `estimate`: of any method.

    Title: about the periods after the policy, "above" ("below") where more than half of their intervals lie above (below) 0, else "around";
    preceded by whether before it at most one interval in ten (rounded up) misses 0; of a path without intervals neither.
    Returns a Figure; None of a method that has no path over time.
    """

def plot_forgone(found: Cost, panel: Panel, p: Study, design: Design, words: Words) -> Figure | None:
    """Fees not taken (million VND): a bar per procedure, the largest BARS. `found`: what `cost_of` gives.

    Title: the share of the largest three in all that was not taken.
    Returns a Figure; None without costs or with fewer than three procedures that may be told.
    """

def plot_gaps(found: Who, design: Design, words: Words) -> Figure | None:
    """Gaps between places: one line per gap, with intervals that hold for all together. `found`: what `who_of` gives. Title: how many
    narrowed and widened for certain.

    Returns a Figure; None with fewer than two gaps that have an interval.
    """

def plot_gate(gate: pd.DataFrame, words: Words, origin: Origin) -> Figure:
    """How often each kind of interval cries wolf, in the study's order of preference.

    `gate`: kind (cluster, wild, randomization, placebo), rate (0-1), low, high (99% Monte Carlo interval), state (headline, passes,
    conservative, fails, unavailable); with a column `conservative` (true or false) the one used is told to be too cautious where it is;
    `origin`: of the data, for the source line. Title: the one used and its rate; without it, how many
    pass, that none does, or that no rate is known.
    Returns a Figure.
    Example: `hg.plot_gate(result.gate, words, design.origin)`
    """

def plot_groups(rows: pd.DataFrame, words: Words, origin: Origin, title_name: str, size: str = '') -> Figure:
    """Effects by the values of one trait: on their own hollow and faint, partially pooled full with interval.

    `rows`: what `group_effects` gives: term `group`, group "trait=label", parameter "raw" or "pooled"; where no group is pooled, the raw
    ones are drawn full. A row with group "" is the overall effect; without it the mean of the groups by n_obs. `origin`: of the data;
    `title_name`: what the title calls the trait; `size`: how many dossiers, for the source line.
    Title: "even" where every interval holds the overall effect; else the highest group whose interval lies above it; if none does, the
    lowest below.
    Returns a Figure.
    """

def plot_leave_one_out(estimate: Estimate, left_out: Estimate, words: Words) -> Figure:
    """The main estimate without each cluster in turn, or without each of those that can move it most. `estimate`: the main one; `left_out`:
    the `leave_one_out` of what `evaluate` gives. Title: whether the sign ever changes.

    Returns a Figure.
    """

def plot_methods(estimates: list[Estimate], main: str, words: Words) -> Figure:
    """One row per method that gives an estimate on the main method's scale; the others are not drawn. `estimates`: of all methods; `main`:
    the main one's name.

    Title: how many other methods have the sign of the main one, and how many have their estimate inside its interval (not said where it has
    none). A row `change`, the mere change of a single series, is drawn below a rule and not counted, unless the main method gives no more
    than that itself.
    Returns a Figure. Raises InputError where `main` is no method.
    Example: `hg.plot_methods([result.main, *result.others], p.estimator, words)`
    """

def plot_outcomes(found: Who, design: Design, words: Words) -> Figure | None:
    """Other outcomes that are shares (percentage points): one line each, with intervals that hold for all together. `found`: what `who_of`
    gives. Title: which of them moved most, as far as can be told.

    Returns a Figure; None with fewer than two that were estimated.
    """

def plot_payment(found: Payment, design: Design, words: Words) -> Figure | None:
    """Both rates of online payment by month (per cent); one line where they are the same. `found`: what `payment_of` gives.

    Title: by how many points each rate moved from the year before the start to the last twelve months.
    Returns a Figure; None without rates.
    """

def plot_peeking(history: pd.DataFrame, words: Words, origin: Origin, scale: str) -> Figure:
    """How the estimate moved as periods were added, with the usual interval and the one that holds however often one looks.

    `history`: what `history` gives: period, estimate, ci_low, ci_high (usual), seq_low, seq_high (anytime-valid), in `scale` (pp or level);
    `origin`: of the data. Title, about the last period: since when every sequential interval leaves out 0; or that only the usual one does;
    or that the sequential one once did; or neither.
    Returns a Figure. Raises InputError for an unknown scale.
    """

def plot_placebos(estimate: Estimate, placebos: Estimate, words: Words) -> Figure:
    """Each comparison unit pretending to be treated, and the treated one among them. `estimate`: the main one; `placebos`: what `evaluate`
    gives as `placebo_space`. Title: how many of the others moved more; by the ratio of errors too where the method tells it.

    Returns a Figure.
    """

def plot_places(design: Design, words: Words, min_count: int = 5) -> Figure | None:
    """One panel per cluster that holds both groups, by how far the gap between them (percentage points) moved at the policy. Cells with
    fewer dossiers than `min_count` are left out.

    Title: in how many of the panels the gap moved up.
    Returns a Figure; None with fewer than two such clusters, or where the outcome is no share of dossiers.
    """

def plot_rehearsal(found: Rehearsal, words: Words, origin: Origin) -> Figure | None:
    """A curve of power: how often effects of each size were found in worlds made of the months before the policy, and how often the verdict
    was the clear one. `found`: what `rehearse` gives; `origin`: of the data. Title: the least effect found 8 times in 10.

    Returns a Figure; None where nothing could be rehearsed.
    Example: `hg.plot_rehearsal(hg.rehearse(result, p), words, design.origin)`
    """

def plot_sensitivity(rows: Estimate, words: Words, breakdown: dict[str, float] | None = None) -> Figure:
    """Honest intervals against the bound on departures from parallel trends: of the headlined average in levels (Manski & Pepper 2018), of
    the first period in steps (Rambachan & Roth 2023, relative magnitudes); without the former, of the first period and the average.

    `rows`: the `sensitivity` of what `robust` gives: terms sensitivity_level (group overall) and sensitivity_relative (group first or
    average), parameter = the bound. `breakdown`: group -> bound from which on the interval holds 0 (inf: none); without it the row
    "<group> breakdown", and without that the lowest bound of the rows whose interval does. Title: that bound of `overall` (else
    `average`, else `first`); or that every bound tried leaves out 0; or that none does.
    Returns a Figure. Raises InputError for a breakdown of another group.
    """

def plot_shares(design: Design, words: Words, min_count: int = 5) -> Figure:
    """Treated and comparison by period (per cent, or the outcome's own unit), with the policy and concurrent events. Cells with fewer
    dossiers than `min_count` are left out.

    Title: "apart" where the gap between the groups moved by more than twice its own standard deviation before the policy; "together" where
    it did not; neither with fewer than 6 periods before.
    Returns a Figure.
    """

def plot_synthetic(estimate: Estimate, treated: pd.DataFrame, words: Words, start: pd.Period | None = None) -> Figure:
    """The treated series against its synthetic one. `estimate`: what `synthetic_part` gives; `treated`: what `synthetic_series` gives:
    time, period, treated, synthetic (shares 0-1 on scale pp); `start`: first period of the policy; without it, from the last event time of
    the estimate.

    Title: "poor" where the estimate's notes say that the two did not fit before; "above" or "below" where the mean difference after is more
    than twice the root mean square of the difference before; else "near".
    Returns a Figure.
    """

def reconcile(design: Design, found: list[Estimate]) -> Estimate:
    """Why methods differ: for every method with a number the steps from the main regression to its own. `found`: estimates of other
    methods.

    Returns an Estimate of `specification` rows: `cohort` names the method, `group` the step (start, each change, rest), `estimate` what
    that step adds, so that the rows of one method add up to its estimate; empty where no method has a number that can be reached so.
    """

def record(estimates: list[Estimate], notebook: str, words: Words, verdict: int | None = None, headline: str | None = None) -> Recorded:
    """Hands estimates to the run: they come out in estimates.csv, a verdict in the receipt. `estimates`: a list, perhaps empty; `notebook`:
    the name of the notebook, their column `notebook`; `verdict`: 1 to 5, and `headline`: the kind of inference that it rests on, of the
    notebook that gives them.

    Returns a Recorded, which must be what its cell shows. Raises ValueError where a table leaves the contract of results.
    """

def rehearse(found: Evaluation, p: Study) -> Rehearsal:
    """How often this study would find effects of known sizes, and what its verdict would say where there is none. `found`: what `evaluate`
    gives. Computed once in a run.

    Returns a Rehearsal; its table is empty, with a `reason`, where the time before the policy cannot tell.
    """

def reversal(design: Design) -> Estimate | None:
    """What was left of the effect after the policy was switched off again.

    Returns an Estimate of two rows `group` named reversal: `on`, the effect while the policy was on, and `off`, what was left of it (0: it
    all went); None where no unit's treatment ended, or where neither can be estimated. Raises Refusal where all units stand in one cluster.
    """

def robust(found: Evaluation, p: Study) -> Robustness:
    """What a sceptic asks of the main estimate: false alarms of its intervals, sensitivity to other trends, other specifications, repeated
    looks. `found`: what `evaluate` gives.

    Returns a Robustness whose parts `sensitivity`, `curve`, `looks` and `wild` are None where they cannot be had.
    """

def show_answer(found: Evaluation, panel: Panel, p: Study, words: Words) -> blocks.Block:
    """Question, answer, verdict and four facts: the first thing on the page. `found`: what `evaluate` gives. Returns a Block."""

def show_bounds(found: Estimate, words: Words) -> blocks.Block | None:
    """What would be found if what cannot be known were otherwise. `found`: what `effect_bounds` gives.

    Returns a Block; None where the design asks for no bound.
    """

def show_breakdown(part: Robustness, words: Words) -> blocks.Block:
    """In plain words: how far trends may diverge before the interval holds 0, or why this cannot be said. `part`: what `robust` gives.

    Returns a Block.
    """

def show_changes(changes: Estimate, words: Words) -> blocks.Block:
    """The main regression with one thing changed at a time, and how far that moves it. `changes`: what `one_change` gives.

    Returns a Block.
    """

def show_checks(found: Evaluation, words: Words) -> blocks.Block:
    """The checks made, their results and whether they pass. `found`: what `evaluate` gives. Returns a Block."""

def show_context(card: Scorecard | None, words: Words) -> blocks.Block | None:
    """The article's own figures and what has been published, of this place and of others: figure, definition, source, date. `card`: what
    `tasks_of` gives.

    Returns a Block; None without a scorecard.
    """

def show_cost_basis(found: Cost, words: Words) -> blocks.Block | None:
    """On what the amounts rest, and what does not fit. `found`: what `cost_of` gives.

    Returns a Block; None where nothing can be said of the cost.
    """

def show_cost_truth(found: Cost, panel: Panel, words: Words) -> blocks.Block | None:
    """For simulated data: the known amounts (VND) beside those found. `found`: what `cost_of` gives.

    Returns a Block; None where data are real, nothing can be said of the cost, or the window is not the one that the data tell about.
    """

def show_costs(found: Cost, design: Design, words: Words) -> blocks.Block:
    """What was not taken (VND), how much of it moved nobody, what an extra dossier cost; or why nothing can be said. `found`: what
    `cost_of` gives.

    Returns a Block.
    """

def show_definitions(card: Scorecard | None, words: Words) -> blocks.Block | None:
    """Each indicator's definition, source, target, trend. `card`: what `tasks_of` gives. Returns a Block; None without a scorecard."""

def show_domain_data(panel: Panel, p: Study, words: Words) -> list[blocks.Block]:
    """What the study's domain shows of its exports: of dossiers who filed and how names were understood.

    Returns a list of Blocks; empty for a study without a domain, or where its data tell none of it.
    """

def show_dose(dose: Estimate, words: Words) -> blocks.Block:
    """The effect at each level of what is saved, and what a further step goes with. `dose`: what `dose_response` gives, where that is not
    None.

    Returns a Block.
    """

def show_doubtful_names(panel: Panel, words: Words) -> blocks.Block | None:
    """The names and codes that were not understood, or were not in force, with about how many rows.

    Returns a Block; None where there is none.
    """

def show_drivers(curve: Estimate, words: Words) -> blocks.Block:
    """Which choice moves the estimates most: the part of their spread (per cent) that goes with each. `curve`: the `curve` of what `robust`
    gives.

    Returns a Block.
    """

def show_facts(design: Design, p: Study, words: Words) -> blocks.Block | None:
    """The facts and events that this study rests on, with source or "not verified". Returns a Block; None where it rests on none."""

def show_forgone(found: Cost, panel: Panel, p: Study, by: str, words: Words) -> blocks.Block | None:
    """What was not taken (VND) by part: the largest, the others together, the total; all in the workbook. `found`: what `cost_of` gives;
    `by`: procedure, agency, level or year.

    Returns a Block; None where nothing can be said of the cost. Raises InputError for another `by`.
    Example: `hg.show_forgone(cost, panel, p, "year", words)`
    """

def show_formulas(found: Evaluation, words: Words) -> blocks.Block:
    """The formula of every method that gave an estimate, what its letters mean, and its source. `found`: what `evaluate` gives.

    Returns a Block.
    """

def show_gap_notes(found: Who, words: Words) -> blocks.Block | None:
    """What each gap compares, with the step and source of the user's numbers, or why it cannot be told. `found`: what `who_of` gives.

    Returns a Block; None where dossiers are not counted.
    """

def show_gaps(found: Who, words: Words) -> blocks.Block:
    """Which gaps between places narrowed or widened for certain, each gap before and its change (percentage points), and why others cannot
    be told. `found`: what `who_of` gives.

    Returns a Block.
    """

def show_glossary(words: Words) -> blocks.Block:
    """The words of the report, explained. Returns a Block."""

def show_groups(design: Design, p: Study, words: Words) -> blocks.Block:
    """Each side before and after: dossiers (or rows), mean of the outcome. Small counts are hidden, and others from which they could be
    worked out.

    Returns a Block.
    """

def show_groups_of(groups: Estimate, trait: str, words: Words) -> blocks.Block:
    """Effects by the values of one trait: on their own, and partially pooled. `groups`: what `effects_by_group` found; `trait`: one of
    `traits(groups)`.

    Returns a Block. Raises InputError for a trait that has no effects.
    """

def show_in_short(found: Evaluation, panel: Panel, p: Study, words: Words) -> blocks.Block | None:
    """What a brief says besides the effect: what the domain knows of cost and payment. `found`: what `evaluate` gives.

    Returns a Block; None where there is nothing.
    """

def show_inside(found: Evaluation, words: Words) -> list[blocks.Block]:
    """What stands inside the numbers: the comparisons that two-way fixed effects average, the weights of synthetic methods. `found`: what
    `evaluate` gives.

    Returns a list of Blocks, perhaps empty.
    """

def show_intervals(found: Evaluation, words: Words) -> blocks.Block:
    """One row per kind of interval: how often it cries wolf, what it says, whether it is the one used. `found`: what `evaluate` gives.

    Returns a Block.
    """

def show_meaning(found: Evaluation, panel: Panel, p: Study, words: Words) -> blocks.Block:
    """What the answer means, and what would settle what is open; what speaks for and against it; what it rests on, with the assumption
    where a fact is unverified. `found`: what `evaluate` gives. Returns a Block.
    """

def show_methods(found: Evaluation, words: Words) -> blocks.Block:
    """Every method: estimate, how many more the numerator counts where it is a count, how to read it; refused ones with the reason.
    `found`: what `evaluate` gives.

    Returns a Block.
    """

def show_names(panel: Panel, words: Words) -> blocks.Block | None:
    """How names of agencies and codes of procedures were understood, with the number of spellings and about how many rows.

    Returns a Block; None where the data name none, as a tidy table.
    """

def show_notes(found: Evaluation, words: Words) -> blocks.Block | None:
    """What a reader must know of each method beside its number. `found`: what `evaluate` gives.

    Returns a Block; None where there is nothing.
    """

def show_other_cut(found: Cost, p: Study, words: Words) -> blocks.Block | None:
    """What the study's other cut would cost (VND), by how strongly people are assumed to answer a larger cut. `found`: what `cost_of`
    gives.

    Returns a Block; None where nothing can be said of the cost, or of that cut.
    """

def show_outcomes(found: Who, words: Words) -> blocks.Block | None:
    """Every other outcome with the interval that holds for all together; a column that is not there is said to be not there. `found`: what
    `who_of` gives.

    Returns a Block; None where dossiers are not counted.
    """

def show_parameters(p: Study, words: Words) -> blocks.Block:
    """The study's keys as they were used; of files the name alone. Returns a Block."""

def show_payment_answer(found: Payment, design: Design, words: Words) -> blocks.Block:
    """Both rates of the last twelve months, why they differ, and where they stand; or why nothing can be said. `found`: what `payment_of`
    gives.

    Returns a Block.
    """

def show_payment_basis(found: Payment, words: Words) -> blocks.Block | None:
    """The two definitions, and how many payments do not say how they were made. `found`: what `payment_of` gives.

    Returns a Block; None where nothing can be said of payments.
    """

def show_payment_effects(found: Payment, words: Words) -> blocks.Block | None:
    """What the cut did to each rate (percentage points), by the study's own method, and what the difference means. `found`: what
    `payment_of` gives.

    Returns a Block; None where nothing can be said of payments.
    """

def show_payment_truth(found: Payment, panel: Panel, words: Words) -> blocks.Block | None:
    """For simulated data: the known effect on each rate (percentage points) beside the estimates. `found`: what `payment_of` gives.

    Returns a Block; None where data are real, nothing can be said of payments, or no rate has an interval to compare.
    """

def show_plan(plan: Plan, words: Words) -> blocks.Block:
    """Question, units, periods, methods, checks and rules of a plan. `plan`: what `plan_of` gives. Returns a Block."""

def show_plan_check(found: PlanCheck, words: Words) -> blocks.Block:
    """When the plan was written and who confirms it; what was done otherwise, and the answer with each as planned. `found`: what
    `held_to_plan` gives. Returns a Block.
    """

def show_power(plan: Plan, words: Words) -> blocks.Block:
    """What the plan would find with so many periods, and what would make it fail. `plan`: what `plan_of` gives. Returns a Block."""

def show_rates(found: Payment, design: Design, words: Words) -> blocks.Block | None:
    """Both rates in the year before the start, since then, and in the last twelve months; by month in the workbook. `found`: what
    `payment_of` gives.

    Returns a Block; None where nothing can be said of payments.
    """

def show_reconciliation(steps: Estimate, words: Words) -> blocks.Block | None:
    """For each method the steps from difference-in-differences to its own number, which they add up to. `steps`: what `reconcile` gives.

    Returns a Block; None where there is no step.
    """

def show_rehearsal(found: Rehearsal, words: Words, frequency: str) -> blocks.Block:
    """What would be found and what would be false, what that cannot tell, and a table: one row per effect that was tried. `found`: what
    `rehearse` gives; `frequency`: of the study.

    Returns a Block.
    """

def show_reversal(found: Estimate, words: Words) -> blocks.Block:
    """The effect while the policy was on, and what was left of it. `found`: what `reversal` gives, where that is not None.

    Returns a Block.
    """

def show_rewritten(card: Scorecard | None, words: Words) -> blocks.Block | None:
    """The numbers of the user's file that were rewritten as shares. `card`: what `tasks_of` gives.

    Returns a Block; None where there is none.
    """

def show_rows(panel: Panel, words: Words) -> blocks.Block:
    """Rows accepted and rejected by reason; reasons of few rows, and then the sum of all, without their number. Returns a Block."""

def show_savings(found: Cost, words: Words) -> blocks.Block | None:
    """What a dossier filed from remote saves: every unit cost with its source or "not known", and what follows from them (VND). `found`:
    what `cost_of` gives.

    Returns a Block; None where nothing can be said of the cost.
    """

def show_scale(words: Words, p: Study | None = None) -> blocks.Block:
    """The five verdicts and their rules, with the numbers of the study `p`, or of the defaults without one. Returns a Block."""

def show_sensitivity(rows: Estimate, words: Words) -> blocks.Block:
    """All kinds of honest intervals at every bound. `rows`: the `sensitivity` of what `robust` gives, where that is not None.

    Returns a Block.
    """

def show_series(panel: Panel, words: Words) -> blocks.Block:
    """What the series measures, what was corrected in reading it, what its domain says of it, and what is told of few. Returns a Block."""

def show_set_aside(design: Design, words: Words) -> blocks.Block | None:
    """What the study left out, by reason; about how many cells where dossiers are counted: one more of them may be one dossier.

    Returns a Block; None where nothing was left out.
    """

def show_signs(found: list[Sign], words: Words, trend: Trend | None = None) -> blocks.Block:
    """The warnings, or that there are none. `found`: a list of the `signs` of what `evaluate` gives; `trend`: what the verb of that name
    gives: with it also which differential trend would go unseen.

    Returns a Block.
    """

def show_staff(panel: Panel, p: Study, words: Words) -> blocks.Block | None:
    """Online dossiers that staff entered, a row a year, in the workbook a row a month; small counts hidden.

    Returns a Block; None where the data do not tell them, or there are none.
    """

def show_statuses(card: Scorecard | None, words: Words) -> blocks.Block | None:
    """The rule of every status. `card`: what `tasks_of` gives. Returns a Block; None without a scorecard."""

def show_target(found: Payment, words: Words) -> blocks.Block | None:
    """When each rate reaches the target on its trend, or that it does not. `found`: what `payment_of` gives.

    Returns a Block; None where nothing can be said of payments, or no source gives a target.
    """

def show_tasks(card: Scorecard | None, words: Words) -> blocks.Block | None:
    """One row per indicator, or per task that has none: latest value, target, status; in the workbook every value. `card`: what `tasks_of`
    gives.

    Returns a Block; None without a scorecard.
    """

def show_threats(found: Evaluation, panel: Panel, p: Study, words: Words, fixed: dict[str, Estimate] | None = None) -> blocks.Block:
    """What could be wrong, what was done about it, what is left. `found`: what `evaluate` gives; `fixed`: what `taken_out` gives, for the
    numbers without a threat.

    Returns a Block.
    """

def show_threats_short(found: Evaluation, panel: Panel, p: Study, words: Words, fixed: dict[str, Estimate] | None = None) -> blocks.Block:
    """What could be wrong in a table of a line each: what it is, the number without it, what is left. `found`: what `evaluate` gives;
    `fixed`: what `taken_out` gives.

    Returns a Block.
    """

def show_together(found: pd.DataFrame, scale: str, words: Words) -> blocks.Block:
    """Effects by group with intervals that hold together; those that leave out 0 after the correction are said so. `found`: what `together`
    gives; `scale`: pp or level.

    Returns a Block. Raises InputError for an unknown scale.
    """

def show_truth(found: Evaluation, panel: Panel, words: Words) -> blocks.Block | None:
    """For simulated data: the known effect (percentage points) beside the estimate, said plainly where the interval misses it. `found`:
    what `evaluate` gives.

    Returns a Block; None where data are real, or the estimate has no interval.
    """

def show_volume(found: Who, words: Words) -> blocks.Block | None:
    """The effect on the number of dossiers in per cent, or why there is none. `found`: what `who_of` gives.

    Returns a Block; None where dossiers are not counted.
    """

def show_who_truth(found: Who, panel: Panel, words: Words) -> blocks.Block | None:
    """For simulated data: the known answers, and whether the joint intervals hold them. `found`: what `who_of` gives.

    Returns a Block; None where data are real, dossiers are not counted, or no outcome has an interval to compare.
    """

def study_design(panel: Panel, p: Study) -> Design:
    """Who is treated, since when, against whom: the study's design, with whatever its choices set aside.

    Returns a Design. Raises Refusal (exit 2) where nothing can be estimated, and says what is missing; InputError where the study names a
    unit or column that the data do not have.
    """

def synthetic_part(found: Evaluation) -> Estimate | None:
    """The synthetic control, or else the first method with weights on comparison units. `found`: what `evaluate` gives.

    Returns an Estimate; None where no method has weights.
    """

def synthetic_series(design: Design, found: Estimate) -> pd.DataFrame:
    """The mean treated series and its synthetic one. `found`: what `synthetic_part` gives.

    Returns a table: time, period, treated, synthetic (shares 0-1 on scale pp, else the outcome's own unit). The synthetic one is the
    treated less the gaps told as `event` rows. Both are empty in periods whose treated dossiers are hidden: with the gap either would tell
    the share. Raises Refusal where no synthetic unit can be made of the design.
    """

def taken_out(found: Evaluation, panel: Panel, p: Study) -> dict[str, Estimate]:
    """The main estimate with one threat taken out of the data at a time. `found`: what `evaluate` gives.

    Returns a dict of Estimates, one `specification` row each (`group` the key, `period` the periods left out): `without_<event>` for each
    event with an end that began near the policy, `without_<digitisation>` for the months from the last compulsory step to the policy,
    `remote` without dossiers that staff filed, `season` with an effect of each unit in each calendar month. What cannot be estimated is
    left out.
    """

def tasks_of(panel: Panel, p: Study) -> Scorecard | None:
    """The study's scorecard of the seven tasks: indicators from facts, from its own data and from its file, shares 0-1.

    Returns a Scorecard; None where the seven tasks are not its place's and it names no file. Raises InputError where its file cannot be
    understood.
    """

def together(groups: Estimate | None) -> pd.DataFrame | None:
    """Effects of all groups of all traits, corrected for there being many. `groups`: what `effects_by_group` gives.

    Returns a table: trait, group, estimate, ci_low, ci_high, p_holm, in the unit of the effects; None without groups, or with fewer than
    two that have a p-value.
    """

def trait_name(trait: str, words: Words) -> str:
    """A trait as a reader knows it. `trait`: one of `traits(groups)`.

    Returns a text in the language of `words`; the column's own name where no text is known.
    """

def traits(groups: Estimate | None) -> list[str]:
    """The traits that group effects were found for. `groups`: what `effects_by_group` gives, which may be None.

    Returns a list of names in order, empty without groups.
    """

def trend(design: Design) -> Trend | None:
    """The differential trend of the sides: how fast they drift apart beside the effect, in points (or the outcome's own unit) a period, and
    the least drift that would have been found.

    Returns a Trend; None where fewer than three periods stand on a side of the date, all units are treated, or clusters are few. Raises
    Refusal where an outcome is no finite number.
    """

def who_of(panel: Panel, p: Study, design: Design) -> Who:
    """For whom, and what else moved: gaps between places, the number of dossiers, other outcomes; computed once in a run.

    Returns a Who; where dossiers are not counted its `reason` is a code, and every show_* of it copes. Raises InputError where the file of
    places cannot be understood.
    """

def without_cluster(design: Design, cluster: str) -> Design:
    """The same study without one cluster. `cluster`: its name in the data.

    Returns a Design. Raises Refusal where nothing is left to compare, InputError for a name that no cluster has.
    """
