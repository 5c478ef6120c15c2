"""One cluster less by sums against estimating anew, in every digit, column and refusal."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from coverage_worlds import demo_design
from made_up import design_of, made_up_table, staggered_table, triple_table

from hgdx_eval.base.errors import Refusal
from hgdx_eval.design.placebos import without_cluster
from hgdx_eval.estimation.estimate import estimate
from hgdx_eval.evaluation import evaluation
from hgdx_eval.evaluation.evaluation import leave_one_out, relabelled, stacked, without_each

MAIN = "two_way_fixed_effects"


def anew(design, estimator=MAIN):
    """By whole new estimations."""
    parts = []
    for cluster in sorted(design.table["cluster"].unique()):
        try:
            parts.append(relabelled(estimate(without_cluster(design, cluster), estimator), "leave_one_out", group=cluster))
        except Refusal:
            continue
    return stacked(parts)


def treated_clusters(table, chosen, later=2):
    start = float(table["treated_from"].min())
    return table.assign(treated_from=np.where(table["cluster"].isin(chosen), start + later, np.nan))


def bridged():
    """Half of the clusters seen early, half of them late, and one that alone holds these together."""
    table = made_up_table(5, clusters=9, periods=24, drop=0.1)
    first, number = table["time"].min(), table["cluster"].str[1:].astype(int)
    late = number % 2 * 12
    table = table[(table["time"] >= first + late) & (table["time"] < first + late + 12) | (number == 8)]
    start = first + 6 + table["cluster"].str[1:].astype(int) % 2 * 12
    return design_of(table.assign(treated_from=start.where(table["unit"].str.endswith(("u0", "u1"))).astype(float)))


DESIGNS = {
    "plain": lambda: design_of(made_up_table(1, clusters=8, drop=0.1)),
    "blocks": lambda: design_of(made_up_table(2, clusters=8, drop=0.1), blocks=True),
    "blocks of two clusters": lambda: design_of(
        made_up_table(2, clusters=8).assign(block=lambda t: "b" + (t["cluster"].str[1:].astype(int) // 2).astype(str))
    ),  # fmt: skip
    "equal weights": lambda: design_of(made_up_table(2, clusters=7), weight=1.0),
    "staggered": lambda: design_of(staggered_table(1, clusters=20)),
    "no one is never treated": lambda: design_of(staggered_table(1, never=False, clusters=3)),
    "one date of its own": lambda: design_of(
        treated_clusters(made_up_table(1, clusters=5), ["c0", "c1", "c2", "c3", "c4"]).assign(
            treated_from=lambda t: t["treated_from"] + (t["cluster"] == "c2")
        )
    ),  # fmt: skip
    "one treated cluster": lambda: design_of(treated_clusters(made_up_table(3, clusters=9, drop=0.05), ["c0"])),
    "two treated clusters": lambda: design_of(treated_clusters(made_up_table(3, clusters=9, drop=0.05), ["c0", "c5"])),
    "one comparison cluster": lambda: design_of(treated_clusters(made_up_table(3, clusters=4, drop=0.05), ["c0", "c1", "c2"])),
    "absorbed without one": lambda: design_of(
        treated_clusters(made_up_table(3, clusters=6), ["c0", "c1"]).assign(
            block=lambda t: np.where(t["cluster"] < "c3", "a", t["cluster"])
        )
    ),  # fmt: skip
    "three clusters": lambda: design_of(made_up_table(3, clusters=3)),
    "two clusters": lambda: design_of(made_up_table(3, clusters=2)),
    "three differences": lambda: design_of(triple_table(1)),
    "bridged": bridged,
    "a heavy cluster": lambda: design_of(
        made_up_table(4, clusters=8).assign(denominator=lambda t: t["denominator"] * np.where(t["cluster"] == "c2", 10_000, 1))
    ),  # fmt: skip
    "no dossiers": lambda: (lambda d: replace(d, table=d.table.assign(denominator=np.nan), scale="level"))(
        design_of(made_up_table(4, clusters=8), weight=1.0)
    ),  # fmt: skip
    "effects of pairs": lambda: (
        lambda d: replace(d, table=d.table.assign(effect=d.table["unit"].str[:-1] + (d.table["unit"].str[-1].astype(int) // 2).astype(str)))
    )(design_of(made_up_table(4, clusters=8))),  # fmt: skip
}
REPORTED = {"straddling": lambda d: d.assign(cluster=np.where((d["unit"] == "c1u3") & (d["time"] % 2 == 0), "c0", d["cluster"])),
            "no weight": lambda d: d.assign(weight=d["weight"].where(d.index % 7 > 0, 0.0)),
            "some dossiers": lambda d: d.assign(denominator=d["denominator"].where(d["cluster"] != "c1"))}  # fmt: skip


def same(found, expected):
    assert (found is None) == (expected is None)
    if expected is None:
        return
    numbers = ["estimate", "std_error", "ci_low", "ci_high", "p_value", "n_obs"]
    pd.testing.assert_frame_equal(found.table.drop(columns=numbers), expected.table.drop(columns=numbers), check_dtype=False)
    pd.testing.assert_frame_equal(found.table[numbers], expected.table[numbers], rtol=1e-9, atol=1e-9)
    assert (found.origin, found.frequency) == (expected.origin, expected.frequency)


@pytest.mark.parametrize("name", sorted(DESIGNS))
def test_the_same_rows_as_by_estimating_anew(name):
    design = replace(DESIGNS[name](), path=True)
    same(leave_one_out(design, SimpleNamespace(estimator=MAIN)), anew(design))
    anew_too = without_each(design)[1]
    assert len(anew_too) == {"two clusters": 2, "absorbed without one": len(anew_too)}.get(name, 0)


@pytest.mark.parametrize("name", sorted(REPORTED))
def test_what_sums_do_not_tell_is_estimated_anew(name):
    design = design_of(made_up_table(1, clusters=6))
    design = replace(design, table=REPORTED[name](design.table))
    assert without_each(design)[0] is None
    same(leave_one_out(design, SimpleNamespace(estimator=MAIN)), anew(design))


def test_the_demonstration_and_whole_counts():
    design = demo_design(1, dossiers=40_000)[0]
    for whole in (np.nan, np.inf, float(design.table["denominator"].sum())):
        told = replace(design, whole=whole)
        same(leave_one_out(told, SimpleNamespace(estimator=MAIN)), anew(told))


def test_a_cluster_without_dossiers_leaves_the_whole():
    design = design_of(made_up_table(1, clusters=6), weight=1.0)
    table = design.table.assign(denominator=design.table["denominator"].where(design.table["cluster"] != "c3", 0.0))
    told = replace(design, table=table, whole=float(table["denominator"].sum()))
    found = leave_one_out(told, SimpleNamespace(estimator=MAIN))
    same(found, anew(told))
    assert found.table["n_obs"].notna().sum() == 1


def test_more_clusters_than_degrees_of_freedom_are_counted_for(monkeypatch):
    design = design_of(made_up_table(1, clusters=70, drop=0.1))
    for name in ("fixed_effects", "leave_out"):
        monkeypatch.setattr(f"hgdx_eval.estimation.{name}.MANY", 68)
    same(leave_one_out(design, SimpleNamespace(estimator=MAIN)), anew(design))


def test_another_method_is_estimated_anew(monkeypatch):
    design = design_of(made_up_table(1, clusters=4))
    monkeypatch.setattr(evaluation, "without_each", lambda *_: pytest.fail("sums are those of two-way fixed effects"))
    same(leave_one_out(design, SimpleNamespace(estimator="imputation")), anew(design, "imputation"))
