"""What each cluster carries of an estimate: by its weights, whatever rows there are."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_up import design_of, made_up_table, staggered_table
from worlds import World, one_among_many, parallel, two_groups

from hgdx_eval.estimation.inference import effective_number
from hgdx_eval.infer.information import sides_of

REGRESSION = "two_way_fixed_effects"


def sized(clusters=8, sizes=None):
    """Clusters of one unit each, the first half of them treated from the middle on; `sizes`: their weights."""
    rows = [{"unit": f"c{c:02}", "cluster": f"c{c:02}", "time": 600 + t, "denominator": 100.0 * (sizes or [1] * clusters)[c],
             "treated_from": 610.0 if c < clusters // 2 else np.nan} for c in range(clusters) for t in range(20)]  # fmt: skip
    table = pd.DataFrame(rows).assign(numerator=lambda t: (t["denominator"] * (0.4 + 0.01 * (t.index % 7))).round())
    return replace(design_of(table), path=False)


def test_equal_clusters_count_as_many_as_they_are():
    sides = sides_of(sized(12), REGRESSION)
    assert sides.effective(True) == pytest.approx(6) and sides.effective(False) == pytest.approx(6) and not sides.few


def test_one_giant_counts_as_little_more_than_one():
    sides = sides_of(sized(12, [20] + [1] * 11), REGRESSION)
    assert 1 < sides.effective(True) < 2 and sides.few and sides.treated.index[0] == "c00" and sides.treated.iloc[0] > 0.5


def test_units_with_one_row_carry_nothing():
    one = World(one_among_many(8), parallel).drawn(1)[0]
    few = sides_of(one, REGRESSION)
    row = one.table[one.table["treated"]].head(1)
    more = pd.concat([one.table.astype(dict.fromkeys(("unit", "cluster", "effect", "block", "group"), object)),
                      *(row.assign(unit=f"new {k}", cluster=f"new {k}", effect=f"new {k}") for k in range(5))], ignore_index=True)  # fmt: skip
    sides = sides_of(replace(one, table=more), REGRESSION)
    assert len(sides.treated) == len(few.treated) == 1 and sides.few
    assert sides.compared.to_numpy() == pytest.approx(few.compared.to_numpy(), abs=1e-9)


@pytest.mark.parametrize("estimator", ["callaway_santanna", "imputation", "two_way_fixed_effects"])
def test_units_treated_later_are_compared_before_they_are(estimator):
    """Everybody is treated in the end: there is no unit that never is, and yet many clusters are compared."""
    table = staggered_table(1, cohorts=(4, 6, 8, 10), never=False, units=8, periods=12, clusters=32)
    table["cluster"] = table["unit"]
    design = replace(design_of(table), comparison="not_yet", path=False)
    assert design.clusters(False) == []
    sides = sides_of(design, estimator)
    assert sides.effective(False) > 8 and sides.effective(True) > 8 and not sides.few


def test_a_cluster_with_both_sides_stands_on_both():
    sides = sides_of(replace(design_of(made_up_table(1, clusters=8), blocks=True), path=False), REGRESSION)
    assert set(sides.treated.index) == set(sides.compared.index) and len(sides.treated) == 8


def test_a_few_that_late_cohorts_rest_on_are_not_many():
    """Two clusters are never treated, and thirty late ones stand in for comparison only before they are treated themselves."""
    table = staggered_table(1, cohorts=(4, 6), never=True, units=16, periods=24, clusters=48)
    table["cluster"] = table["unit"]
    never = sorted(table.loc[table["treated_from"].isna(), "unit"].unique())
    design = replace(design_of(table[~table["unit"].isin(never[2:])]), path=False)
    assert sides_of(design, "callaway_santanna").effective(False) < 4.5


def test_a_method_without_weights_takes_those_of_the_regression():
    design = World(two_groups(12), parallel).drawn(1)[0]
    one, other = sides_of(design, "synthetic_control"), sides_of(design, REGRESSION)
    assert one.treated.equals(other.treated)


def test_effective_number():
    assert (
        effective_number(np.ones(7)) == pytest.approx(7)
        and effective_number(np.array([1.0, 0.0])) == 1
        and effective_number(np.zeros(3)) == 0
    )
