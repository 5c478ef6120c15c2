"""What a cut of fees costs: fees not taken, for whom, per extra dossier filed online, and what another cut would cost.

Amounts are whole VND of the years in which the dossiers were received, never adjusted for prices; a fee that is cut is rounded
to the dong, halves up, dossier by dossier. What depends on the estimated effect is rounded when it is told.
"""

from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import numpy as np
import pandas as pd

from ...base.telling import in_brief
from ...design.design import Design
from ...estimation.estimate import estimate
from ...estimation.results import Estimate, result_table
from ...evaluation.reconciliation import extra_cases, treated_dossiers
from ...infer.fieller import Ratio, fieller
from ...panel.disclosure import hidden_beside_total
from ...panel.panel import Panel
from ...panel.tidy import joined_text
from ...panel.told import Release
from ...study.study import Study
from ..adopted import law_of
from ..facts import Facts

LINES = ("paying", "zero_fee", "filed_online_paid", "filed_online_paying", "filed_online_zero")
BY = ("procedure", "agency", "level")
NEAR = Decimal("0.05")  # points: an observed cut this near to the stated one is the stated one
HOUR = 60
MANY = 1000  # dossiers: of fewer with several fees an amount is told to three figures


@dataclass(frozen=True)
class Bill:
    """What was not taken since the start, of dossiers whose fee is cut when they are filed online.

    `cells`: one row per treated agency x procedure x month: agency, level, procedure, period, year, fee (VND before the
    cut), received, online, forgone (VND). `basis`: payments (fees due less fees paid, of dossiers with a payment), or schedule
    (where the data hold no payments: dossiers filed online times the stated cut). `cut`: per cent of the fee, as paid;
    `stated`: as in params/facts; `assumed`: nobody has read it in the text. `uncounted`: dossiers of which no payment is told,
    left out of `forgone`. `at_counter`: what was paid at the counter of what was due there (share; NaN without payments).
    """

    cells: pd.DataFrame
    basis: str
    cut: Decimal
    stated: Decimal
    assumed: bool
    uncounted: int
    at_counter: float
    release: Release | None = None

    def __repr__(self) -> str:
        return in_brief(self, f"by {self.basis}", f"cut {self.cut} %")

    @property
    def forgone(self) -> float:
        """VND not taken, as a run tells it: whole, NaN where it is hidden."""
        return self.told("forgone", float(self.cells["forgone"].sum()))

    @property
    def online(self) -> float:
        """Dossiers filed online, as a run tells them."""
        return self.told("online", float(self.cells["online"].sum()))

    def told(self, part: str, value: float, group: str = "") -> float:
        """A sum of the cells, or as the run tells it."""
        return value if self.release is None else self.release.one("forgone", part, group)

    def saving(self, counts: str, cut: Decimal | float) -> float:
        """VND not taken if every dossier `received`, or every one filed `online`, had the cut, as a run tells it."""
        each = self.cells["fee"].map({fee: saved(fee, Decimal(str(cut))) for fee in self.cells["fee"].unique()})
        return self.told(saving_name(counts, cut), float((each * self.cells[counts]).sum()))


def saving_name(counts: str, cut: Decimal | float) -> str:
    """What a sum of savings is called in the table of what a run tells."""
    return f"saving_{counts}_{float(cut):g}"


def why_none(panel: Panel, p: Study) -> str | None:
    """Why nothing can be said of the cost (a key of locale/cost.*.yaml), or None."""
    if not p.policy:
        return "none_policy"
    if "fee" not in panel.cells or not (panel.cells["fee"] > 0).any():
        return "none_fees"
    if (p.numerator, p.denominator) != ("online", "received"):
        return "none_counts"
    return None


def saved(fee: int, cut: Decimal | int) -> int:
    """What one dossier filed online pays less, in whole VND, halves up."""
    return int((Decimal(int(fee)) * Decimal(cut) / 100).quantize(Decimal(1), ROUND_HALF_UP))


def bill(panel: Panel, p: Study, design: Design) -> Bill:
    """The bill of a study of which `why_none` says nothing."""
    own = treated_cells(panel, p, design).dropna(subset=["fee"]).reset_index(drop=True)
    own = own.assign(year=own["period"].dt.year, fee=own["fee"].astype("int64"))
    law = law_of(p)
    stated = Decimal(str(law.cut_pct or law.assumed_cut_pct))
    columns = ["agency", "level", "procedure", "period", "year", "fee", "received", "online", "forgone"]
    if not set(LINES) <= set(own) or not (own["paying"] + own["zero_fee"]).sum():
        each = own["fee"].map({fee: saved(fee, stated) for fee in own["fee"].unique()})
        return Bill(own.assign(forgone=each * own["online"])[columns], "schedule", stated, stated, law.cut_pct is None, 0, np.nan,
                    design.release)  # fmt: skip
    lines, filed_online = own["paying"] + own["zero_fee"], own["filed_online_paying"] + own["filed_online_zero"]
    due_online, due = int((own["fee"] * filed_online).sum()), own["fee"] * lines
    counter_due = int(due.sum()) - due_online
    cut = cut_paid(due_online, int(own["filed_online_paid"].sum()), stated)
    return Bill(
        own.assign(forgone=due - own["paid"])[columns], "payments", cut, stated, law.cut_pct is None, int((own["received"] - lines).sum()),
        int((own["paid"] - own["filed_online_paid"]).sum()) / counter_due if counter_due else np.nan, design.release,
    )  # fmt: skip


def amounts_of(found: Bill, p: Study) -> pd.DataFrame:
    """family, side, group, period, part, count (VND) of every sum of a bill that the report tells."""
    cuts = (found.cut, p.cost.other_cut_pct)
    savings = {saving_name(counts, cut): found.saving(counts, cut) for counts in ("received", "online") for cut in cuts}
    whole = [("", part, value) for part, value in {"forgone": float(found.cells["forgone"].sum()), **savings}.items()]
    parts = [(f"{column}={value}", "forgone", float(sums)) for column in ("year", "level", "procedure", "agency")
             for value, sums in found.cells.groupby(column)["forgone"].sum().items()]  # fmt: skip
    return pd.DataFrame(whole + parts, columns=["group", "part", "count"]).assign(family="forgone", side="", period="")


def treated_cells(panel: Panel, p: Study, design: Design) -> pd.DataFrame:
    """The cells whom the policy touches, from its first whole period to the end of the design's window: what was paid there was
    paid, also where a unit is of no use to the estimate."""
    cells, time = panel.cells, panel.cells["period"].array.asi8
    left_out = joined_text(cells, p.unit_columns).isin(p.exclude) | cells[p.cluster].isin(p.exclude)
    inside = (time >= design.start.ordinal) & (time <= design.table["time"].max())
    return cells[cells[p.group].isin(p.treated_groups) & inside & ~left_out & (cells["received"] > 0)]


def cut_paid(due: int, paid: int, stated: Decimal) -> Decimal:
    """By how many per cent the fees paid online fall short of those due; the stated cut where it is as near as that."""
    if not due:
        return stated
    found = Fraction(due - paid, due) * 100
    observed = (Decimal(found.numerator) / Decimal(found.denominator)).quantize(Decimal("0.01"), ROUND_HALF_UP)
    return stated if abs(observed - stated) <= NEAR else observed


def forgone_by(found: Bill, column: str, min_count: int) -> pd.DataFrame:
    """One row per value of a column of the cells: forgone, online, hidden (too few dossiers to tell: both are NaN). Most first; the
    hidden ones at the end by name, so that their order tells nothing."""
    sums = found.cells.groupby(column, as_index=False)[["forgone", "online"]].sum().astype({"forgone": float, "online": float})
    if found.release is None:
        told = sums["online"].mask(hidden_beside_total(sums[["online"]].to_numpy(float), min_count))
    else:
        told, sums["forgone"] = (pd.Series([found.told(part, np.nan, f"{column}={value}") for value in sums[column]], sums.index)
                                 for part in ("online", "forgone"))  # fmt: skip
    mixed = (found.cells.groupby(column)["fee"].nunique().to_numpy() > 1) & (told < MANY)  # an exact sum may tell how many paid which
    sums = sums.assign(online=told, forgone=np.where(mixed, sums["forgone"].map(three_figures), sums["forgone"]), hidden=told.isna())
    sums.loc[sums["hidden"], "forgone"] = np.nan
    return sums.sort_values(["hidden", "forgone", column], ascending=[True, False, True], ignore_index=True)


def three_figures(amount: float) -> float:
    """An amount to three figures."""
    return amount if np.isnan(amount) or amount == 0 else float(round(amount, 2 - int(np.floor(np.log10(abs(amount))))))


# --- what depends on the effect ------------------------------------------------------------------------------------
def effect_of(design: Design, p: Study) -> Estimate:
    """The study's own estimate of the effect on filing online."""
    return estimate(replace(design, path=False), p.estimator)


def costs(found: Bill, design: Design, main: Estimate, p: Study) -> Estimate:
    """`cost` rows (`group` says which): forgone, unchanged (had nobody filed otherwise than without the cut), extra_online
    (dossiers), per_extra (`parameter`: shape of Fieller's set; where it has two halves, per_extra_up_to and per_extra_from are
    their ends), and for every elasticity of the study (`parameter`) forgone_other, extra_other and per_extra_other at its other cut.
    """
    row, extra = main.overall(), extra_cases(design, main).table
    rows = [{"group": "forgone", "estimate": found.forgone, "inference": "none"}]
    if row["status"] == "ok" and row["scale"] == "pp" and len(extra):
        rows.append(linear("unchanged", row, found.forgone, -found.saving("received", found.cut) / 100))
        rows.append({**linear("extra_online", row, 0, treated_dossiers(design) / 100), "scale": "count"})
        rows += ratio_rows("per_extra", per_extra(found.forgone, 0.0, row, treated_dossiers(design)))
        for elasticity in p.cost.elasticities if found.cut < Decimal(str(p.cost.other_cut_pct)) else []:
            rows += other_cut(found, design, row, p, elasticity)
    common = dict(study=design.study, outcome=design.outcome, estimator=row["estimator"], term="cost", level=0.95, scale="VND",
                  simulated=design.origin.simulated)  # fmt: skip
    return Estimate(result_table([{**common, **each} for each in rows]), design.origin, design.frequency)


def linear(name: str, row: pd.Series, constant: float, slope: float) -> dict:
    """A row that is a constant plus a slope times the effect, with its interval."""
    ends = sorted(constant + slope * row[end] for end in ("ci_low", "ci_high"))
    return {"group": name, "estimate": constant + slope * row["estimate"], "std_error": abs(slope) * row["std_error"], "ci_low": ends[0],
            "ci_high": ends[1], "inference": row["inference"], "n_clusters": row["n_clusters"]}  # fmt: skip


def per_extra(constant: float, slope: float, row: pd.Series, treated: float) -> Ratio:
    """(constant + slope x effect) / (treated dossiers x effect / 100): VND per extra dossier, after Fieller, at the row's own level."""
    number, variance = treated / 100, row["std_error"] ** 2
    crit = (row["ci_high"] - row["ci_low"]) / 2 / row["std_error"] if row["std_error"] > 0 else 0.0
    return fieller(constant + slope * row["estimate"], number * row["estimate"], slope**2 * variance, number**2 * variance,
                   slope * number * variance, crit)  # fmt: skip


def ratio_rows(name: str, ratio: Ratio, **common: object) -> list[dict]:
    """Rows of a ratio: the interval where it is one, else its shape in `parameter` and each finite end as a row of its own."""
    shape = " ".join(filter(None, [str(common.pop("parameter", "")), ratio.shape if ratio.shape != "interval" else ""]))
    if np.isnan(ratio.estimate):
        return [{"group": name, "parameter": shape, "status": "refused", "reason": "no_extra", "inference": "fieller", **common}]
    first = {"group": name, "estimate": ratio.estimate, "parameter": shape, "inference": "fieller", **common}
    if ratio.shape == "interval":
        return [{**first, "ci_low": ratio.low, "ci_high": ratio.high}]
    ends = {"up_to": ratio.low if ratio.shape == "outside" else ratio.high, "from": ratio.high if ratio.shape == "outside" else ratio.low}
    return [first, *({**first, "group": f"{name}_{end}", "estimate": value} for end, value in ends.items() if not np.isnan(value))]


def other_cut(found: Bill, design: Design, row: pd.Series, p: Study, elasticity: float) -> list[dict]:
    """Rows of the study's other cut where the effect grows with the cut to the power `elasticity`: 0 = it stays, 1 = in proportion.

    What is filed online then: what is now, and the share by which the effect grows, of every dossier received.
    """
    cut = p.cost.other_cut_pct
    growth = (cut / float(found.cut)) ** elasticity
    told, treated = {"parameter": f"{elasticity:g}"}, treated_dossiers(design)
    constant, slope = found.saving("online", cut), (growth - 1) * found.saving("received", cut) / 100
    extra = linear("extra_other", row, 0, growth * treated / 100)
    return [{**linear("forgone_other", row, constant, slope), **told}, {**extra, **told, "scale": "count"},
            *ratio_rows("per_extra_other", per_extra(constant, slope, row, growth * treated), **told)]  # fmt: skip


# --- what a dossier filed from remote saves ------------------------------------------------------------------------
def savings(facts: Facts) -> dict[str, int | None]:
    """VND saved by one dossier filed from remote: citizen_time, citizen_travel, staff_time; None where a fact is not known."""
    value = {name: None if fact.value is None else Decimal(str(fact.value)) for name, fact in facts.unit_costs.items()}

    def product(*names: str, hours: bool = False) -> int | None:
        if any(value[name] is None for name in names):
            return None
        total = Decimal(1)
        for name in names:
            total *= value[name]
        return int((total / (HOUR if hours else 1)).quantize(Decimal(1), ROUND_HALF_UP))

    return {"citizen_time": product("trips", "trip_minutes", "citizen_vnd_per_hour", hours=True),
            "citizen_travel": product("trips", "trip_km", "vnd_per_km"),
            "staff_time": product("staff_minutes", "staff_vnd_per_hour", hours=True)}  # fmt: skip


@dataclass(frozen=True)
class Cost:
    """All that is told of the cost: `reason` why nothing is (a key of locale/cost.*.yaml), else what `bill` and `costs` found."""

    reason: str | None
    bill: Bill | None = None
    estimate: Estimate | None = None

    def __repr__(self) -> str:
        return in_brief(self, self.reason or f"fees not taken, by {self.bill.basis}")

    @property
    def recorded(self) -> list[Estimate]:
        return [] if self.estimate is None else [self.estimate]

    def row(self, group: str, parameter: str | None = None) -> pd.Series | None:
        """The first row of a group (of an elasticity), or None."""
        rows = self.estimate.table[self.estimate.table["group"] == group]
        if parameter is not None:
            rows = rows[rows["parameter"].str.split(" ").str[0] == parameter]
        return rows.iloc[0] if len(rows) else None


def cost_of(panel: Panel, p: Study, design: Design) -> Cost:
    """What the study's cut of fees cost: fees not taken since the start (whole VND), how much of that moved nobody, VND per extra dossier.

    Returns a Cost; where nothing can be said (no policy, no fees, too few dossiers) its `reason` is a code, and every show_* of it copes.
    Raises Refusal where the study's method cannot identify the effect.
    """
    if reason := why_none(panel, p):
        return Cost(reason)
    found = bill(panel, p, design)
    if np.isnan(found.forgone):
        return Cost("none_few")
    return Cost(None, found, costs(found, design, effect_of(design, p), p))
