"""What a run tells of counts, against an attacker who holds all of it: one run, two runs, two studies of one export."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from attacker import small_export, sums_of, unknowns, values_that_fit, what_it_adds_up
from scipy import sparse

from hgdx_eval.design.design import study_design
from hgdx_eval.panel.disclosure import as_told
from hgdx_eval.panel.told import read_told, write_told
from hgdx_eval.release.register import Register, hidden_entries, is_small
from hgdx_eval.release.register import values_that_fit as values_in_program
from hgdx_eval.release.release import NUMBER, Earlier, as_decided, release_of

K, START = 5, "2023-08"


def released(panel, p, *earlier, **beside):
    return release_of(panel, p, study_design(panel, p), earlier, **beside)


def told_by(panel, p, release, run="earlier", own=True):
    """What a run told, as the present data are divided by its study."""
    return Earlier(run, release, p, study_design(panel, p), own)


def hidden_sums(told: pd.DataFrame, cells: pd.DataFrame) -> list[np.ndarray]:
    """The hidden numbers that are small, as sums of the unknowns."""
    found = []
    for row in told[told["count"].isna() & told["part"].isin(["online", "counter", "received"])].itertuples():
        mask = what_it_adds_up(row, cells, START)
        if mask is not None and 0 < cells.loc[mask, "n"].sum() < K:
            found.append(np.asarray(mask, float))
    return found


def small_cells(cells: pd.DataFrame) -> list[np.ndarray]:
    return list(np.eye(len(cells))[np.flatnonzero(is_small(cells["n"].to_numpy(float), K))])


def attack(panel, told: pd.DataFrame, most: int = 120) -> None:
    cells = unknowns(panel)
    matrix, values, rows = sums_of(told, cells, START)
    assert np.array_equal(matrix @ cells["n"].to_numpy(float), values), "a told number is not what it says"
    targets = [*hidden_sums(told, cells), *small_cells(cells)][:most]
    fit = values_that_fit(matrix, values, values, sparse.csr_matrix(np.array(targets)), len(cells))
    assert len(targets) > 20 and fit.min() >= K


def test_from_one_run_nothing_small_can_be_worked_out():
    panel, p = small_export(1)
    told = released(panel, p).table
    assert told["count"].isna().any() and told["count"].notna().mean() > 0.4
    attack(panel, told)


def test_without_the_register_the_attacker_wins():
    panel, p = small_export(1, sizes=(12, 20))  # a series of every place is drawn: a hidden one is the total less the others
    cells = panel.cells
    few = (cells["agency"] == "a0") & (cells["period"].astype(str) == "2023-03") & (cells["fee_group"] == "free")
    cells.loc[few, ["online", "assisted", "remote"]] = [1, 0, 1]
    attack(panel, released(panel, p).table, 40)
    release = released(panel, p)
    cells = unknowns(panel)
    naive = release.table.copy()  # what is small itself is hidden, nothing beside it
    for i, row in zip(naive.index, naive.itertuples()):
        mask = what_it_adds_up(row, cells, START) if row.part in ("online", "counter", "received") else None
        if mask is not None and not 0 < cells.loc[mask, "n"].sum() < K:
            naive.loc[i, "count"] = cells.loc[mask, "n"].sum()
    matrix, values, _ = sums_of(naive, cells, START)
    targets = sparse.csr_matrix(np.array(hidden_sums(naive, cells)))
    fit = values_that_fit(matrix, values, values, targets, len(cells))
    assert fit.min() < K, fit


def come_late(panel, seed: int, few: int):
    """The same export a month later: `few` cells of its old months with one dossier more, others with many more."""
    cells, rng = panel.cells.copy(), np.random.default_rng(seed)
    old = np.flatnonzero((cells["period"] <= cells["period"].max() - 2) & (cells["received"] > 0))
    chosen = rng.choice(old, few + 2, replace=False)
    for at, more in zip(chosen, [1] * few + [9, 30], strict=True):
        cells.loc[cells.index[at], ["received", "online", "remote"]] += more
    return replace(panel, cells=cells)


def test_a_late_dossier_moves_no_number_between_two_runs():
    panel, p = small_export(2)
    first = released(panel, p)
    cells = panel.cells.copy()
    at = cells.index[(cells["period"].astype(str) == "2023-10") & (cells["fee_group"] == "provincial") & (cells["received"] > 0)][0]
    cells.loc[at, ["received", "online", "remote"]] += 1
    now = replace(panel, cells=cells)
    second = released(now, p, told_by(now, p, first))
    both = first.table.merge(second.table, on=NUMBER, suffixes=("", "_then"))
    assert len(both) == len(first.table)
    assert (both["count"].fillna(-1) == both["count_then"].fillna(-1)).all()
    assert second.kept and not first.kept


@pytest.mark.long
@pytest.mark.parametrize("seed", [3, 4])
def test_two_runs_do_not_tell_what_came_late(seed):
    whole, p = small_export(seed, late=2)
    before = whole.cells["period"] <= whole.cells["period"].max() - 1
    earlier, now = replace(whole, cells=whole.cells[before].reset_index(drop=True)), come_late(whole, seed, 3)
    first = released(earlier, p)
    second = released(now, p, told_by(now, p, first))
    old, new = unknowns(earlier), unknowns(now)
    keys = ["agency", "procedure", "period", "kind"]
    at = pd.MultiIndex.from_frame(new[keys]).get_indexer(pd.MultiIndex.from_frame(old[keys]))
    n, m = len(new), len(old)
    place = sparse.csr_matrix((np.ones(m), (np.arange(m), at)), shape=(m, n))  # old cells among the new ones
    was, told_then, rows_then = sums_of(first.table, old, START)
    now_is, told_now, rows_now = sums_of(second.table, new, START)
    # unknown: the cells as they were (and those of the new month), and what came late; a number may be an earlier run's, so that anything
    # may have come late of it, unless it moved by more than the new month brought
    then = {(r.family, r.side, r.group, r.period, r.part): r.count for r in rows_then}
    fresh = now_is @ (new["n"].to_numpy(float) - place.T @ (place @ new["n"].to_numpy(float)))
    low, high = told_now.copy(), told_now.copy()
    for i, r in enumerate(rows_now):
        key = (r.family, r.side, r.group, r.period, r.part)
        if key in then and (told_now[i] == then[key] or told_now[i] == then[key] + fresh[i]):
            high[i] = 1e9
    matrix = sparse.vstack([sparse.hstack([was @ place, sparse.csr_matrix((was.shape[0], n))]), sparse.hstack([now_is, now_is])]).tocsr()
    late = np.array([np.concatenate([np.zeros(n), np.eye(n)[j]]) for j in np.flatnonzero(is_small(new["n"] - place.T @ old["n"].to_numpy(float), K))
                     if j in set(at)])  # fmt: skip
    assert len(late) >= 3
    fit = values_that_fit(matrix, np.concatenate([told_then, low]), np.concatenate([told_then, high]), sparse.csr_matrix(late), 2 * n)
    assert fit.min() >= K
    attack(earlier, first.table, 60)


def test_two_studies_of_one_export_do_not_tell_what_lies_between_them():
    panel, p = small_export(5)
    first = released(panel, p)
    q = p.model_copy(update={"study": "shorter", "window": ["2022-10", "2023-12"]})
    second = released(panel, q, told_by(panel, p, first, own=False))
    alone = released(panel, q)
    assert second.table["count"].isna().sum() >= alone.table["count"].isna().sum()
    cells = unknowns(panel)
    one, values_one, _ = sums_of(first.table, cells, START)
    inside = cells["period"] <= "2023-12"
    known = second.table[~second.table["family"].isin(["month", "whole"])]
    two, values_two, _ = sums_of(known, cells.assign(n=cells["n"].where(inside, 0)), START)
    two = two.multiply(np.asarray(inside, float)).tocsr()
    assert np.array_equal(two @ cells["n"].to_numpy(float), values_two)
    matrix, values = sparse.vstack([one, two]).tocsr(), np.concatenate([values_one, values_two])
    targets = sparse.csr_matrix(np.array(small_cells(cells)[:120]))
    assert values_that_fit(matrix, values, values, targets, len(cells)).min() >= K


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10, 30))
def test_twenty_exports(seed):
    panel, p = small_export(seed)
    attack(panel, released(panel, p).table)


def test_a_run_of_the_same_data_tells_the_same(tmp_path):
    panel, p = small_export(6)
    design = study_design(panel, p)
    release = release_of(panel, p, design)
    write_told(release, tmp_path / "told.csv")
    kept = read_told(tmp_path / "told.csv")
    assert kept.table.drop(columns="as_of").equals(release.table.drop(columns="as_of").astype(kept.table.drop(columns="as_of").dtypes))
    again = as_decided(panel, p, design, kept)
    assert np.array_equal(again.table["count"], release.table["count"], equal_nan=True) and again.study == release.study
    moved = panel.cells.assign(received=panel.cells["received"] + 7)
    other = as_decided(replace(panel, cells=moved), p, study_design(replace(panel, cells=moved), p), kept)
    assert other.one("whole", "counter") == release.one("whole", "counter") + 7 * len(moved)
    assert read_told(tmp_path / "no.csv") is None


def test_counts_are_rounded_where_the_study_asks_for_it():
    panel, p = small_export(7)
    table = released(panel, p.model_copy(update={"round_to": 10})).table
    counts = table.loc[table["part"].isin(["online", "counter", "received"]), "count"].dropna()
    assert len(counts) and (counts % 10 == 0).all()


def test_the_register_hides_the_cheapest_that_protects():
    rows = sparse.csr_matrix(np.array([[1.0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [1, 1, 1, 1]]))
    register = Register(
        rows, np.arange(5), np.array([3.0, 40, 9, 60, 1e9]), np.zeros(5, bool), sparse.csr_matrix((0, 4)), np.array([3.0, 40, 9, 60])
    )
    few = np.array([True, False, False, False, False])
    hide = hidden_entries(register, few, few, sparse.csr_matrix((0, 4)), K)
    assert hide.tolist() == [True, False, True, False, False]
    values, rows_to_blame = values_in_program(register.told(few), register.x, rows[:1])
    assert values == 1 and set(rows_to_blame) == {0, 1, 2, 3}  # the three others and their sum
    fixed = replace(register, fixed=np.array([False, True, True, True, True]))
    assert hidden_entries(fixed, few, few, sparse.csr_matrix((0, 4)), K).tolist() == [True, False, False, False, False]  # lost already


def test_a_family_without_any_cell_tells_nothing():
    panel, p = small_export(8)
    release = released(panel, p)
    none = replace(release, table=release.table[release.table["family"] != "place"])
    told = as_told(none, "place", pd.Series(["treated"]), pd.Series(["a0"]), pd.Series(["2023-09"]))
    assert told["denominator"].isna().all() and len(told) == 1
    assert as_told(none, "place", pd.Series([], dtype=str), pd.Series([], dtype=str), pd.Series([], dtype=str)).empty
    assert np.isnan(none.one("size", "received", "level=nowhere"))


def test_units_of_several_procedures_are_told_by_side():
    panel, p = small_export(9)
    by_agency = p.model_copy(update={"unit": ["agency"], "by": [], "dose": None})
    release = released(panel, by_agency)
    whole = panel.cells.groupby("fee_group")["received"].sum()
    span = release.of("span").groupby("side")[["online", "counter"]].sum(min_count=2).sum(axis=1)
    assert span.to_dict() == {"treated": whole["provincial"], "comparison": whole["free"]}
