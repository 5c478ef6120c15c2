"""Everything that a sceptic asks of a main estimate, computed once: the gate, sensitivity, other specifications, repeated looks."""

from contextlib import suppress
from dataclasses import dataclass

import pandas as pd

from ..base.errors import Refusal
from ..base.memo import remembered
from ..base.telling import in_brief
from ..estimation.results import Estimate, result_table
from ..infer.false_alarms import monte_carlo, wild_aggregates
from ..infer.multiplicity import adjusted
from ..infer.sequential import looks
from ..infer.specification_curve import specification_curve
from ..study.study import Study
from ..study.vocabulary import NO_INTERVAL, REGRESSION
from .evaluation import Evaluation
from .rehearsal import Rehearsal, rehearse

GATE_LEVEL = 0.99  # of the Monte Carlo interval of a rate


@dataclass(frozen=True)
class Robustness:
    """Wordless. None where a part cannot be had; `unsure`: why there is no sensitivity (a reason code)."""

    sensitivity: Estimate | None
    unsure: str
    curve: Estimate | None
    looks: Estimate | None
    gate_rows: Estimate
    wild: Estimate | None  # event times, group effects and contrasts with wild intervals
    rehearsed: Estimate | None  # its rates as rows
    rehearsal: Rehearsal  # effects of known sizes put into the time before; an empty table where that cannot be had

    def __repr__(self) -> str:
        parts = {"sensitivity": self.sensitivity, "curve": self.curve, "looks": self.looks, "wild intervals": self.wild}
        have, lack = ([name for name, part in parts.items() if (part is None) == missing] for missing in (False, True))
        return in_brief(self, ", ".join(["gate", *have]), f"without {', '.join(lack)}" if lack else "")

    @property
    def all(self) -> list[Estimate]:
        """Every row for the published table."""
        return [part for part in (self.gate_rows, self.rehearsed, self.wild, self.sensitivity, self.curve, self.looks) if part is not None]


def robust(found: Evaluation, p: Study) -> Robustness:
    """What a sceptic asks of the main estimate: false alarms of its intervals, sensitivity to other trends, other specifications, repeated
    looks. `found`: what `evaluate` gives.

    Returns a Robustness whose parts `sensitivity`, `curve`, `looks` and `wild` are None where they cannot be had.
    """
    curve, rehearsal = None, rehearse(found, p)
    if p.estimator == REGRESSION:  # beside another method it would speak of a number not shown
        with suppress(Refusal):
            curve = specification_curve(found.design)
    return Robustness(found.sensitivity, found.unsure, curve, sequence_of(found, p), gate_rows(found), wild_rows(found, p),
                      rehearsal_rows(found.main, rehearsal), rehearsal)  # fmt: skip


def rehearsal_rows(main: Estimate, rehearsal: Rehearsal) -> Estimate | None:
    """`rehearsal` rows of constant effects, `parameter` the effect in the main estimate's unit: `group` found, covered, wrong_sign,
    exaggeration (a ratio) and verdict_1 to verdict_5, shares 0-1 with the 99 % Monte Carlo interval, from so many worlds (`n_obs`; wrong
    signs and exaggeration are of those among them in which it is found); and one row smallest_effect, found 8 times in 10, where there is
    one."""
    if rehearsal.table.empty:
        return None
    row, rows = main.overall(), []
    for one in rehearsal.table[rehearsal.table["shape"] == "constant"].to_dict("records"):
        put_in, worlds = f"{one['effect']:g}", int(one["worlds"])
        hits = round(one["found"] * worlds)  # of which wrong signs are a share
        told = [(name, one[name], hits if name == "wrong_sign" else worlds) for name in ("found", "covered", "wrong_sign")]
        told += [(f"verdict_{level}", one[f"level_{level}"], worlds) for level in range(1, 6)]
        for name, share, of in told:
            if pd.notna(share):
                ends = monte_carlo(round(share * of), of)
                rows.append({"group": name, "parameter": put_in, "estimate": share, "n_obs": worlds, "level": GATE_LEVEL,
                             "ci_low": ends["low"], "ci_high": ends["high"]})  # fmt: skip
        if pd.notna(one["exaggeration"]):
            rows.append({"group": "exaggeration", "parameter": put_in, "estimate": one["exaggeration"], "n_obs": worlds})
    if pd.notna(rehearsal.smallest):
        rows.append({"group": "smallest_effect", "estimate": rehearsal.smallest, "scale": rehearsal.scale})
    common = dict(study=row["study"], outcome=row["outcome"], estimator=row["estimator"], term="rehearsal", inference="model",
                  simulated=row["simulated"])  # fmt: skip
    return Estimate(result_table([{"scale": "share", **one} for one in rows], **common), main.origin, main.frequency)


def sequence_of(found: Evaluation, p: Study) -> Estimate | None:
    """Repeated looks, where there were two at least. None for a study that rests on no interval: no earlier look may have one either."""
    if found.headline in NO_INTERVAL:
        return None
    sequence = remembered(lambda: looks(found.design, p.estimator), "looks", p.estimator, found.design)
    return sequence if sequence.table["period"].nunique() >= 2 else None


def wild_rows(found: Evaluation, p: Study) -> Estimate | None:
    """Event times, groups and contrasts with wild intervals."""
    design, main = found.design, found.main.overall()
    rows = remembered(lambda: wild_aggregates(design, p.estimator), "wild", p.estimator, design)
    shared = ("study", "outcome", "estimator", "scale", "level", "n_units", "n_clusters", "n_treated_clusters", "simulated")
    common = {name: main[name] for name in shared}
    return Estimate(result_table(rows, **common), found.main.origin, found.main.frequency) if rows else None


def gate_rows(found: Evaluation) -> Estimate:
    """`specification` rows named gate: the false-alarm rate of each kind of interval (`parameter`), a share, with the 99 % Monte
    Carlo interval of so many worlds (`n_obs`)."""
    main = found.main.overall()
    known = found.gate[found.gate["rate"].notna()]
    rows = [{"parameter": row.kind, "estimate": row.rate, "ci_low": row.low, "ci_high": row.high, "n_obs": row.worlds}
            for row in known.itertuples()]  # fmt: skip
    common = dict(study=main["study"], outcome=main["outcome"], estimator=main["estimator"], term="specification", group="gate",
                  scale="share", inference="model", level=GATE_LEVEL, simulated=main["simulated"])  # fmt: skip
    return Estimate(result_table(rows, **common), found.main.origin, found.main.frequency)


def history(sequence: Estimate) -> pd.DataFrame:
    """Looks as a table for `plot_peeking`. `sequence`: the `looks` of what `robust` gives.

    Returns a table with one row per look: period, estimate, ci_low, ci_high (the usual interval), seq_low, seq_high (right at all looks
    together), in the unit of the estimate.
    """
    table = sequence.table
    usual, wide = table[table["inference"] != "sequential"], table[table["inference"] == "sequential"]
    return usual[["period", "estimate", "ci_low", "ci_high"]].reset_index(drop=True).assign(
        seq_low=wide["ci_low"].to_numpy(), seq_high=wide["ci_high"].to_numpy())  # fmt: skip


def together(groups: Estimate | None) -> pd.DataFrame | None:
    """Effects of all groups of all traits, corrected for there being many. `groups`: what `effects_by_group` gives.

    Returns a table: trait, group, estimate, ci_low, ci_high, p_holm, in the unit of the effects; None without groups, or with fewer than
    two that have a p-value.
    """
    if groups is None:
        return None
    raw = groups.table[(groups.table["parameter"] == "raw") & groups.table["p_value"].notna()]
    if len(raw) < 2:
        return None
    found = adjusted(raw)
    parts = found["group"].str.partition("=")
    return found.assign(trait=parts[0], group=parts[2])
