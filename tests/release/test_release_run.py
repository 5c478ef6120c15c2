"""Whole runs tell of counts what their register says, and nothing of one dossier that came late."""

import io
import json
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from in_process import command

from hgdx_eval.panel.told import read_told
from hgdx_eval.report.tables import Table, unbundled

ROOT = Path(__file__).parent.parent.parent
COUNTS = ("staff", "groups", "rows", "names", "doubtful_names", "shares", "places", "forgone", "cost_year", "cost_level", "cost_procedure",
          "cost_agency", "payment", "set_aside")  # fmt: skip


def call(*words: str, cwd: Path) -> str:
    done = command(*words, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""


def tables_of(run: Path) -> dict[str, list[Table]]:
    """The tables that a run gives away, by name."""
    found: dict[str, list[Table]] = {}
    for file in sorted((run / "notebooks").glob("*.en.ipynb")):
        for cell in nbformat.read(file, 4).cells:
            for table in (table for output in cell.get("outputs", []) for table in unbundled(output.get("data", {}))):
                found.setdefault(table.name, []).append(table)
    return found


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory):
    """A run, and one of the same export a month later in which one dossier came late."""
    folder = tmp_path_factory.mktemp("late")
    call("simulate", "list.csv", "--dossiers", "9000", "--seed", "3", cwd=folder)
    first = Path(call("run", "demo", "-p", "data=list.csv", "--out", "out", "--lang", "en", cwd=folder))
    lines = (folder / "list.csv").read_text(encoding="utf-8").splitlines()
    rows = pd.read_csv(folder / "list.csv", dtype=str, keep_default_na=False)
    dated = next(name for name in rows if rows[name].str.match(r"\d\d/\d\d/2024").any() and "tiếp nhận" in name.casefold())
    late = rows[rows[dated].str.contains("/03/2024")].iloc[0].copy()
    number = next(name for name in rows if rows[name].is_unique or "mã hồ sơ" in name.casefold())
    late[number] = late[number][:-4] + "9999"
    added = io.StringIO()
    pd.DataFrame([late]).to_csv(added, index=False, header=False)
    (folder / "list.csv").write_text("\n".join([*lines, added.getvalue().strip()]) + "\n", encoding="utf-8")
    second = Path(call("run", "demo", "-p", "data=list.csv", "--out", "out", "--lang", "en", cwd=folder))
    assert first != second
    return folder, first, second


@pytest.mark.long
def test_one_late_dossier_moves_no_count_of_a_run(two_runs):
    _, first, second = two_runs
    told = [read_told(run / "told.csv").table for run in (first, second)]
    assert told[0].equals(told[1])
    pages = [tables_of(run) for run in (first, second)]
    assert {name for name in COUNTS if name in pages[0]} >= {
        "staff",
        "groups",
        "rows",
        "names",
        "shares",
        "cost_agency",
        "payment",
        "set_aside",
    }
    assert [name for name in COUNTS if pages[0].get(name) != pages[1].get(name)] == []
    tables = [pd.read_csv(run / "estimates.csv") for run in (first, second)]
    assert tables[0]["estimate"].ne(tables[1]["estimate"]).any()  # the dossier is there
    assert tables[0]["n_obs"].fillna(-1).tolist() == tables[1]["n_obs"].fillna(-1).tolist()
    receipts = [json.loads((run / "receipt.json").read_text(encoding="utf-8")) for run in (first, second)]
    assert receipts[0]["result"]["rows"] == receipts[1]["result"]["rows"] == receipts[1]["inputs"][0]["rows"]


@pytest.mark.long
def test_the_numbers_of_a_page_are_those_of_its_register(two_runs):
    _, first, _ = two_runs
    release = read_told(first / "told.csv")
    page = tables_of(first)
    side = release.of("side").droplevel("group")
    shares = pd.DataFrame([(month[1][:7], *parts) for month, *parts in page["shares"][0].rows],
                          columns=["period", "comparison", "treated"]).set_index("period")  # fmt: skip
    for name in ("treated", "comparison"):
        part = side.xs(name)
        expected = (100 * part["online"] / (part["online"] + part["counter"])).dropna()
        assert shares[name].dropna().to_dict() == pytest.approx(expected[expected.index.isin(shares.index)].to_dict(), rel=1e-5)
        assert set(shares[name].dropna().index) == set(expected.index)
    agencies = pd.DataFrame(page["cost_agency"][0].rows).iloc[:-1]
    shown = agencies[~agencies.iloc[:, 1].astype(str).str.contains("not shown")]
    assert len(shown) < len(agencies)  # some are hidden, and stand at the end by name
    assert list(agencies.iloc[len(shown) :, 0]) == sorted(agencies.iloc[len(shown) :, 0])
    table = pd.read_csv(first / "estimates.csv")
    counted = table[table["n_obs"].notna() & table["term"].isin(["overall", "event", "leave_one_out", "placebo_time"])]
    assert set(counted["n_obs"]) <= {release.one("design", "received"), *range(60)}  # or periods of a single series


@pytest.mark.long
def test_a_run_of_earlier_data_verifies_with_what_it_told(two_runs):
    folder, _, second = two_runs
    words = ROOT / "params" / "words" / "nq04_2023.yaml"
    assert "the same" in call("verify", str(second), "-p", "data=list.csv", "-p", f"words={words}", cwd=folder)


@pytest.mark.long
def test_a_run_after_a_released_panel_and_a_panel_after_the_run(tmp_path):
    call("simulate", "list.csv", "--dossiers", "4000", "--seed", "5", cwd=tmp_path)
    call("panel", "list.csv", "-o", "first.parquet", "--release", "--out", "out", cwd=tmp_path)
    (kept,) = (tmp_path / "out" / "released-panels").iterdir()
    passed_on = kept.read_text(encoding="utf-8")
    with_panel = read_told(Path(call("run", "demo", "-p", "data=list.csv", "--out", "out", "--lang", "en", cwd=tmp_path)) / "told.csv")
    alone = read_told(Path(call("run", "demo", "-p", "data=list.csv", "--out", "other", "--lang", "en", cwd=tmp_path)) / "told.csv")
    assert with_panel.hidden > alone.hidden
    call("panel", "list.csv", "-o", "again.parquet", "--release", "--out", "out", cwd=tmp_path)
    call("panel", "list.csv", "-o", "later.parquet", "--release", "--out", "other", cwd=tmp_path)
    (later,) = (tmp_path / "other" / "released-panels").iterdir()
    assert [path.name for path in (tmp_path / "out" / "released-panels").iterdir()] == [kept.name]
    assert kept.read_text(encoding="utf-8") == passed_on  # the same panel again is the same
    merged = [sum(line.startswith("*") for line in path.read_text(encoding="utf-8").splitlines()) for path in (kept, later)]
    assert merged[0] and merged[1]
