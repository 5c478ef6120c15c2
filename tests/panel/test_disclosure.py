"""Nothing small can be worked out: an attacker who knows all that is shown, and totals besides, solves for the rest."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from made_up import design_of, made_up_table
from monte_carlo import draws
from scipy.optimize import linprog

from hgdx_eval.estimation.estimate import estimate
from hgdx_eval.evaluation.evaluation import leave_one_out
from hgdx_eval.panel.disclosure import MERGED, band, hidden_beside_total, hidden_in_table, parts_of, released, small, told_sizes, told_whole
from hgdx_eval.report.show_data import show_groups
from hgdx_eval.study.load import load_study
from hgdx_eval.vietnam.dossier_panel import dossier_panel
from hgdx_eval.vietnam.made_up_world import simulate

K = 5


def ranges(sums: list[tuple[list[int], float]], n: int, wanted: list[int]) -> list[tuple[float, float]]:
    """The least and the most that each wanted one of `n` counts of 0 or more can be, given sums of some of them."""
    matrix = np.zeros((len(sums), n))
    for i, (members, _) in enumerate(sums):
        matrix[i, members] = 1
    told = np.array([total for _, total in sums])
    found = []
    for j in wanted:
        ends = []
        for sign in (1, -1):
            solved = linprog(sign * np.eye(n)[j], A_eq=matrix if len(sums) else None, b_eq=told if len(sums) else None,
                             bounds=[(0, 1000)] * n, method="highs")  # fmt: skip
            assert solved.status == 0
            ends.append(sign * solved.fun)
        found.append((ends[0], ends[1]))
    return found


def all_uncertain(sums, n, wanted) -> bool:
    """Whether each wanted count may be at least one more or less than another that fits."""
    return all(high - low > 1 - 1e-6 for low, high in ranges(sums, n, wanted))


counts = st.one_of(st.integers(0, 12), st.sampled_from([0, 0, 1, 4, 5, 30]))


@settings(max_examples=draws(60, 300))
@given(st.lists(st.tuples(counts, counts), min_size=1, max_size=7))
@example([(3, 0), (20, 6), (9, 9)])
def test_beside_a_total_no_small_part_can_be_worked_out(cells):
    parts = np.array(cells, float)
    hide = hidden_beside_total(parts, K)
    assert (hide | ~small(parts, K).any(axis=1)).all()
    for part in parts.T:
        if small(part.sum(), K):  # such a total is not told
            continue
        wanted = np.flatnonzero(small(part, K))
        sums = [([i], part[i]) for i in np.flatnonzero(~hide)] + [(list(range(len(part))), part.sum())]
        assert all_uncertain(sums, len(part), wanted)
        assert not len(wanted) or part[hide].sum() >= K


def test_the_attacker_finds_what_only_small_cells_hidden_leaves_open():
    parts = np.array([[3.0], [20], [9]])
    sums = [([1], 20.0), ([2], 9.0), ([0, 1, 2], 32.0)]
    assert not all_uncertain(sums, 3, [0])
    assert hidden_beside_total(parts, K).tolist() == [True, False, True]


@settings(max_examples=draws(50, 300))
@given(st.integers(2, 4).flatmap(lambda n: st.lists(st.lists(st.tuples(counts, counts), min_size=n, max_size=n), min_size=2, max_size=4)))
@example([[(3, 50), (40, 40)], [(60, 60), (70, 70)]])
def test_in_a_table_with_its_totals_no_small_part_can_be_worked_out(table):
    parts = np.array(table, float).reshape(-1, 2)
    rows, columns = (index.ravel().tolist() for index in np.indices((len(table), len(table[0]))))
    hide, cannot = hidden_in_table(rows, columns, parts, K)
    lines = [np.flatnonzero(np.array(names) == name) for names in (rows, columns) for name in sorted(set(names))]
    for part in parts.T:
        sums = [([i], part[i]) for i in np.flatnonzero(~hide)]
        sums += [(list(line), part[line].sum()) for line in lines if not small(parts[line].sum(axis=0), K).any()]
        assert all_uncertain(sums, len(part), np.flatnonzero(small(part, K) & ~cannot))


def test_what_no_hiding_can_protect_is_said():
    parts = np.array([[3.0], [20], [30]])  # the second row is one cell: its total and the first column's tell the first cell
    hide, cannot = hidden_in_table([0, 0, 1], ["a", "b", "a"], parts, K)
    assert cannot.tolist() == [True, False, False] and hide[0]


def test_only_the_studys_own_size_is_told_of_estimates_by_dossiers():
    sizes = pd.Series([3.0, 20, 90])
    assert told_sizes(sizes, True).isna().all() and told_sizes(sizes, False).equals(sizes)
    table = pd.DataFrame({"n_obs": [100.0, 97.0, np.nan]})
    assert told_whole(table, True, 100.0, 99.0)["n_obs"].fillna(-1).tolist() == [99, -1, -1]
    assert told_whole(table, True, np.inf, np.inf)["n_obs"].isna().all()
    assert told_whole(table, False, 100.0, 99.0).equals(table) and told_whole(table, True, np.nan, np.nan).equals(table)
    assert [band(n) for n in (0, 1, 19, 20, 49, 50, 9_999, 123_456)] == [0, 0, 0, 20, 20, 50, 5_000, 100_000]


# --- a file that is passed on --------------------------------------------------------------------------------------


@st.composite
def panels(draw):
    """One month of a small province: agencies in clusters, procedures of two fee groups."""
    rows = []
    for a in range(draw(st.integers(1, 5))):
        for p in range(draw(st.integers(1, 4))):
            online, counter = draw(counts), draw(counts)
            rows.append((f"a{a}", "district", f"c{a // 2}", f"p{p}", "fee" if p % 2 else "free", online + counter, online, min(online, 2)))
    columns = ["agency", "level", "cluster", "procedure", "fee_group", "received", "online", "assisted"]
    return pd.DataFrame(rows, columns=columns).assign(period="2023-07", simulated=False)


def members(cells: pd.DataFrame, rows: pd.DataFrame) -> list[list[int]]:
    """Which cells each released row is the sum of: the most particular row that fits a cell holds it."""
    order = rows.assign(stars=(rows[["procedure", "agency", "cluster", "fee_group"]] == MERGED).sum(axis=1)).sort_values(
        "stars", kind="stable"
    )
    found: dict[int, list[int]] = {i: [] for i in rows.index}
    whole = {(r.agency, r.fee_group) for r in rows.itertuples() if r.agency != MERGED}
    for i, cell in enumerate(cells.itertuples()):
        for j, row in order.iterrows():
            fits = all(row[c] in (MERGED, getattr(cell, c)) for c in ("procedure", "agency", "cluster", "fee_group"))
            if fits and (row["agency"] != MERGED or (cell.agency, cell.fee_group) not in whole):
                found[j].append(i)
                break
    return [found[i] for i in rows.index]


@settings(max_examples=draws(60, 300))
@given(panels())
def test_nobody_can_work_out_a_small_part_from_a_released_file_and_the_agencies_totals(cells):
    rows, left_out = released(cells, K)
    cells = cells[cells["received"] > 0].reset_index(drop=True)
    assert not small(parts_of(rows["online"], rows["received"]), K).any()
    assert left_out == cells["received"].sum() - rows["received"].sum()
    assert not (small(rows["assisted"], K) | small(rows["online"] - rows["assisted"], K)).fillna(False).any()
    inside = members(cells, rows)
    parts = parts_of(cells["online"], cells["received"])
    for row, held in zip(rows.itertuples(), inside, strict=True):
        assert parts[held].sum() == row.received
        assert MERGED not in (row.procedure, row.agency) or len(held) > 1
    agencies = [np.flatnonzero(cells["agency"] == name) for name in sorted(set(cells["agency"]))]
    for k, part in enumerate(parts.T):
        sums = [(held, part[held].sum()) for held in inside]
        sums += [(list(a), part[a].sum()) for a in agencies if not small(parts[a].sum(axis=0), K).any()]
        if left_out and not small(parts.sum(axis=0), K).any():
            sums.append((list(range(len(cells))), part.sum()))
        if left_out:  # a month left out whole: of it the file tells nothing
            assert rows.empty
            continue
        assert all_uncertain(sums, len(cells), np.flatnonzero(small(part, K))), k


@settings(max_examples=draws(50, 300))
@given(st.lists(st.tuples(counts, counts), min_size=1, max_size=8))
def test_a_released_summary_tells_no_small_part(cells):
    frame = pd.DataFrame([(f"a{i}", "district", f"c{i // 3}", a + b, a) for i, (a, b) in enumerate(cells)],
                         columns=["agency", "level", "cluster", "received", "online"]).assign(period="2023-07", simulated=False)  # fmt: skip
    rows, left_out = released(frame, K)
    assert not small(parts_of(rows["online"], rows["received"]), K).any() and "procedure" not in rows and "assisted" not in rows
    shown = set(rows["agency"]) - {MERGED}
    own = parts_of(frame["online"], frame["received"])
    for part, told in zip(own.T, parts_of(rows["online"], rows["received"]).T, strict=True):
        gone = np.array([name not in shown and n > 0 for name, n in zip(frame["agency"], frame["received"])])
        sums = [([i], part[i]) for i in np.flatnonzero(~gone)]
        for row, total in zip(rows.itertuples(), told, strict=True):
            if row.agency == MERGED:
                widened = set(rows.loc[rows["agency"] == MERGED, "cluster"])
                mine = [i for i in np.flatnonzero(gone) if row.cluster in (MERGED, frame["cluster"][i])
                        and (row.cluster != MERGED or frame["cluster"][i] not in widened)]  # fmt: skip
                sums.append((mine, total))
        assert all_uncertain(sums, len(part), np.flatnonzero(small(part, K)))
    assert left_out == own.sum() - rows["received"].sum()


def test_a_real_export_loses_little(tmp_path):
    simulate(tmp_path / "out.csv", seed=5, dossiers=20_000)
    cells = dossier_panel([tmp_path / "out.csv"], "opencps_dossiers", "received", None).cells.assign(simulated=True)
    rows, left_out = released(cells, K)
    assert not small(parts_of(rows["online"], rows["received"]), K).any() and left_out == 0
    assert set(rows.loc[rows["agency"] == MERGED, "procedure"]) <= {MERGED}
    assert not rows.duplicated(["agency", "cluster", "procedure", "fee_group", "period"]).any()


@pytest.mark.parametrize("least", [1])
def test_a_min_count_of_one_hides_nothing(least):
    frame = pd.DataFrame({"agency": ["a"], "level": "district", "cluster": "c", "procedure": "p", "fee_group": "fee", "period": "2023-07",
                          "simulated": False, "received": [3], "online": [1], "assisted": [1]})  # fmt: skip
    rows, left_out = released(frame, least)
    assert len(rows) == 1 and left_out == 0 and rows["assisted"].tolist() == [1]


# --- what a report shows -------------------------------------------------------------------------------------------


def test_a_small_side_of_the_table_of_groups_hides_what_would_tell_it():
    design = design_of(made_up_table(1, periods=24), blocks=True)
    p, words = load_study("demo", "en")
    assert "not shown" not in show_groups(design, p, words).html
    late = design.table["treated_from"].notna() & (design.table["time"] >= design.start.ordinal)
    first = late & ~design.table.index.isin(design.table.index[late][1:])
    kept = design.table[~late | first]
    few = replace(
        design, table=kept.assign(denominator=kept["denominator"].mask(first, 60.0), numerator=kept["numerator"].mask(first, 2.0))
    )
    shown = show_groups(few, p, words)
    assert shown.html.count('<td class="num">not shown') == 4  # of two by two, one hidden cell hides all
    (table,) = shown.tables
    assert len(table.rows) >= 4 and 60 not in {cell for row in table.rows for cell in row if not isinstance(cell, list)}


def test_one_cluster_less_tells_no_size():
    design = design_of(made_up_table(1, periods=24), blocks=True)
    design = replace(design, whole=float(design.table["denominator"].sum()))
    p = load_study("demo", "vi")[0].model_copy(update={"estimator": "two_way_fixed_effects"})
    assert estimate(design, "two_way_fixed_effects").overall()["n_obs"] == design.whole
    assert leave_one_out(design, p).table["n_obs"].isna().all()
