"""A run's estimate without the kit: the package's scripts give its numbers, and its cells tell nothing small."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from attacker import small_export, sums_of, values_that_fit
from foreign import PANELS
from in_process import command
from scipy import sparse
from small_run import small_notebooks

from hgdx_eval.design.design import study_design
from hgdx_eval.estimation.estimate import estimate
from hgdx_eval.estimation.results import result_table
from hgdx_eval.panel.disclosure import small
from hgdx_eval.panel.load import load_panel
from hgdx_eval.panel.told import FILE, write_told
from hgdx_eval.release.release import release_of
from hgdx_eval.run.receipt import shown_study
from hgdx_eval.run.replicate import leaving, regression, same_cells
from hgdx_eval.run.run_folders import write_json
from hgdx_eval.run.told_before import PANELS as KEPT
from hgdx_eval.run.told_before import counted_as, decide, files_told, keep_panel
from hgdx_eval.study.load import read_study
from hgdx_eval.study.vocabulary import COLUMNS

RUN = "20240205T020000Z-00000001"
NAMES = ["Xã Đông Phước A", 'Quận "Một"', "Ngã Bảy, Hậu Giang", "=SUM(A1:A9)", "'=SUM(A1:A9)", "+84", "NA", "-", "a\\b", "#1", "@x", "Ô^tô"]
RUN_ALL = """
import runpy, sys
codes = []
for folder in sys.argv[1:]:
    sys.modules.update(dict.fromkeys([name for name in sys.modules if name.startswith("hgdx_eval")]))
    try:
        runpy.run_path(folder + "/replicate.py", run_name="__main__")
    except SystemExit as end:
        codes.append(end.code)
assert not any(name.startswith("hgdx_eval") for name in sys.modules)
print("codes", codes)
"""


def published(folder: Path, name: str, table: pd.DataFrame, keys: dict, started: str = RUN) -> Path:
    """A run of a study of this table as it lies in `folder/out`, without the notebooks that would have made it."""
    table.to_csv(folder / f"{name}.csv", index=False)
    study = {"study": name, "data": f"{name}.csv", "unit": "town", "period": "when", "treated_from": "start", "cluster": "region",
             "weights": "none", "estimator": "two_way_fixed_effects", **keys}  # fmt: skip
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(study, allow_unicode=True), encoding="utf-8")
    p = read_study(folder / f"{name}.yaml", {})
    panel = load_panel(p)
    design = study_design(panel, p)
    found = [estimate(replace(design, path=False), method).table for method in dict.fromkeys([p.estimator, *p.estimators])]
    run = folder / "out" / name / started
    run.mkdir(parents=True)
    rows = result_table(pd.concat(found).assign(notebook="effect", study=name).to_dict("records"))[COLUMNS]
    rows.to_csv(run / "estimates.csv", index=False)
    if p.numerator:
        write_told(decide(panel, p, design, run.parent, "", None), run / FILE)
    main = rows.iloc[0]
    write_json(run / "receipt.json", {
        "run": run.name, "state": "complete", "study": shown_study(p), "facts": {}, "simulated": panel.origin.simulated,
        "inputs": [{"file": panel.origin.file, "sha256": panel.origin.sha256, "rows": len(table)}], "inputs_key": started,
        "packages": {"hgdx_eval": "0.1.0"}, "key": "0" * 64, "started": "2024-02-05T02:00:00Z", "result": {"main": {"inference": main["inference"], "ci_low": 0.0}},
    })  # fmt: skip
    return run


def package(folder: Path, run: Path, name: str) -> Path:
    """The package of a run, unpacked; whatever the command says of it is in `said.txt` there."""
    done = command("replicate", run, "-o", f"{name}.zip", "-p", f"data={run.parent.name}.csv", cwd=folder)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(folder / f"{name}.zip") as made:
        made.extractall(folder / "unpacked" / name)
    (folder / "unpacked" / name / "said.txt").write_text(done.stderr, encoding="utf-8")
    return folder / "unpacked" / name


def foreign(name: str) -> tuple[pd.DataFrame, dict]:
    table, keys = PANELS[name]()
    return table.assign(half=np.where(table["i"] % 4 < 2, "east", "west")).drop(columns=["i", "t"]), keys


def odd_names() -> tuple[pd.DataFrame, dict]:
    """Units and clusters of every spelling, weights some of which are 0, outcomes that are missing, a unit of a single row, blocks that
    are not nested in clusters."""
    rng, years = np.random.default_rng(3), list(range(2010, 2018))
    table = pd.DataFrame([(name, year) for name in [*NAMES, "Một lần"] for year in years], columns=["town", "when"])
    table = table[(table["town"] != "Một lần") | (table["when"] == 2012)].reset_index(drop=True)
    i = pd.factorize(table["town"])[0]
    value = rng.normal(10, 1, 13)[i] + rng.normal(0, 0.3, len(table)) + 0.8 * ((i % 3 == 0) & (table["when"] >= 2014))
    table = table.assign(value=value, start=np.where(i % 3 == 0, "2014", ""), region=np.array([*NAMES[:6], "b,c"])[i % 7],
                         zone=np.array(["Bắc, nam", 'x"y'])[i % 2], people=rng.integers(1, 9, len(table)))  # fmt: skip
    table.loc[[5, 40], "value"] = np.nan
    table.loc[[9, 21], "people"] = 0
    return table, {"frequency": "Y", "outcome": "value", "weights": "people", "period_by": "zone"}


def few_cases(units: int = 10, months: int = 9, seed: int = 1) -> tuple[pd.DataFrame, dict]:
    """Counts of which some are of fewer than five cases."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame([(i, t) for i in range(units) for t in range(months)], columns=["i", "t"])
    patients = rng.integers(25, 90, len(table))
    share = 0.3 + 0.02 * (table["i"] % 5) + 0.1 * ((table["i"] % 2 == 0) & (table["t"] >= 6))
    table = table.assign(patients=patients, vaccinated=rng.binomial(patients, share))
    planted = rng.choice(len(table), 9, replace=False)
    table.loc[planted, "vaccinated"] = rng.integers(1, 5, len(planted))
    months_told = [str(month) for month in pd.period_range("2016-01", periods=months, freq="M")]
    return table.assign(town="Town " + table["i"].astype(str), region="R" + (table["i"] % 6).astype(str), when=np.array(months_told)[table["t"]],
                        start=np.where(table["i"] % 2 == 0, "2016-07", ""), half=np.where(table["i"] % 4 < 2, "east", "west")), {
        "frequency": "M", "numerator": "vaccinated", "denominator": "patients", "by": ["half"], "weights": None}  # fmt: skip


def three_ways() -> tuple[pd.DataFrame, dict]:
    """A triple difference: in half of the places one of two kinds is touched, the other kind and the other places are not."""
    rng = np.random.default_rng(4)
    rows = [(f"p{i}", kind, 2000 + t) for i in range(10) for kind in ("fee", "free") for t in range(8)]
    table = pd.DataFrame(rows, columns=["place", "kind", "when"])
    i, t = table["place"].str[1:].astype(int), table["when"] - 2000
    own = (i < 5) & (table["kind"] == "fee")
    value = rng.normal(0, 1, 20)[pd.factorize(table["place"] + table["kind"])[0]] + 0.1 * t + rng.normal(0, 0.2, len(table))
    return table.assign(town=table["place"] + table["kind"], value=value + 0.5 * (own & (t >= 5)), start=np.where(own, "2005", ""),
                        region="R" + i.astype(str)), {"frequency": "Y", "outcome": "value", "period_by": "place", "group": "kind",
                                                      "estimator": "triple_difference"}  # fmt: skip


def coarse_effects() -> tuple[pd.DataFrame, dict]:
    """Fixed effects of regions in place of each unit's own, another headline, and a last unit that weighs alone."""
    table, keys = foreign("staggered_yearly")
    return table.assign(size=1 + np.arange(len(table)) % 7), {**keys, "unit_effects": "region", "weights": "size", "estimator": "imputation",
                                                              "cluster": "town", "estimators": ["two_way_fixed_effects"]}  # fmt: skip


def by_cohorts() -> tuple[pd.DataFrame, dict]:
    table, keys = foreign("staggered_yearly")
    return table.assign(size=1 + np.arange(len(table)) % 5), {**keys, "estimator": "sun_abraham", "weights": "size"}


def rounded_counts() -> tuple[pd.DataFrame, dict]:
    table, keys = few_cases(seed=5)
    return table, {**keys, "round_to": 5}


STUDIES = {"by_cohorts": by_cohorts, "rounded_counts": rounded_counts, "odd_names": odd_names, "few_cases": few_cases, "three_ways": three_ways, "coarse_effects": coarse_effects,
           "two_clusters_monthly": lambda: foreign("two_clusters_monthly")}  # fmt: skip


@pytest.fixture(scope="module")
def packages(tmp_path_factory) -> dict[str, Path]:
    """Study -> its unpacked package."""
    folder = tmp_path_factory.mktemp("packages")
    return {name: package(folder, published(folder, name, *made()), name) for name, made in STUDIES.items()}


@pytest.fixture(scope="module")
def made_once(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("counted")
    published(folder, "few_cases", *few_cases())
    return folder


@pytest.fixture
def counted(made_once, tmp_path) -> Path:
    """A run of few cases in `tmp_path/out`, the test's own."""
    shutil.copytree(made_once, tmp_path, dirs_exist_ok=True)
    return tmp_path / "out" / "few_cases" / RUN


def without_the_kit(*words: object, cwd: Path) -> subprocess.CompletedProcess:
    """A program in a folder, without what would let it find the kit's own files."""
    return subprocess.run(
        [*map(str, words)], capture_output=True, text=True, encoding="utf-8", cwd=cwd, env={**os.environ, "PYTHONPATH": "", "LC_ALL": "C"}
    )


def rscript() -> str:
    found = shutil.which("Rscript")
    if found is None and not os.environ.get("HGDX_CI"):
        pytest.skip("no Rscript here")
    assert found, "Rscript is missing: .ci/run installs r-base-core"
    return found


def expected(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "expected.csv", index_col="cells")


def spoilt(folder: Path, target: Path) -> Path:
    """The package with one outcome changed."""
    shutil.copytree(folder, target)
    cells = pd.read_csv(target / "cells.csv", dtype=str, keep_default_na=False)
    cells.loc[cells["treated"] == "1", "outcome"] = "11.5"
    cells.to_csv(target / "cells.csv", index=False)
    return target


def test_the_python_scripts_give_the_numbers_of_the_run(packages, tmp_path):
    pytest.importorskip("pyfixest", reason="the oracles are not installed")
    folders = [*packages.values(), spoilt(packages["odd_names"], tmp_path / "spoilt")]
    done = without_the_kit(sys.executable, "-c", RUN_ALL, *folders, cwd=tmp_path)
    assert f"codes {[0] * len(packages) + [1]}" in done.stdout, done.stdout + done.stderr
    assert done.stdout.count("agrees to 1e-6") == 2 * len(packages) - 1 and "DIFFERS" in done.stdout


def test_the_base_r_scripts_give_the_numbers_of_the_run(packages, tmp_path):
    program = rscript()
    for name, folder in packages.items():
        done = without_the_kit(program, folder / "replicate_base.R", cwd=tmp_path)
        agrees = 1 if name == "two_clusters_monthly" else 2
        assert (done.returncode, done.stdout.count("agrees to 1e-6")) == (0, agrees), (name, done.stdout, done.stderr)
    unexecuted = [folder / "replicate_fixest.R" for folder in packages.values()]
    done = without_the_kit(program, "-e", "for (file in commandArgs(TRUE)) parse(file)", *unexecuted, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    done = without_the_kit(program, spoilt(packages["odd_names"], tmp_path / "spoilt") / "replicate_base.R", cwd=tmp_path)
    assert done.returncode == 1 and "DIFFERS" in done.stdout


def test_a_package_says_what_it_is(packages):
    files = {"README.en.txt", "README.vi.txt", "cells.csv", "expected.csv", "receipt.json", "study.yaml", "replicate.py", "replicate_base.R",
             "replicate_fixest.R", "replicate.do", "said.txt"}  # fmt: skip
    for folder in packages.values():
        assert {path.name for path in folder.iterdir()} == files
        for script in ("replicate_fixest.R", "replicate.do"):
            assert "NOT EXECUTED" in (folder / script).read_text(encoding="utf-8").splitlines()[0]
        told, own = expected(folder), json.loads((folder / "receipt.json").read_text(encoding="utf-8"))
        for lang in ("vi", "en"):
            text = (folder / f"README.{lang}.txt").read_text(encoding="utf-8")
            assert (
                own["run"] in text
                and f"{told.at['cells.csv', 'estimate']:.7f}" in text
                and f"{told.at['published', 'estimate']:.7f}" in text
            )
            assert not set("{}") & set(text)
        assert yaml.safe_load((folder / "study.yaml").read_text(encoding="utf-8")) == own["study"]
    assert "NOT THE MAIN" in (packages["coarse_effects"] / "README.en.txt").read_text(encoding="utf-8")
    assert (
        expected(packages["coarse_effects"])["main_method"].eq("no").all()
        and expected(packages["odd_names"])["main_method"].eq("yes").all()
    )
    assert expected(packages["two_clusters_monthly"])["std_error"].isna().all()


def test_names_are_kept_apart_and_no_spreadsheet_takes_one_for_a_formula(packages):
    cells = pd.read_csv(packages["odd_names"] / "cells.csv", dtype=str, keep_default_na=False)
    names = set(cells["unit"])
    assert len(names) == len(NAMES) and "Một lần" not in names  # alone in its fixed effect, it tells nothing
    assert {name for name in NAMES if name[0] not in "=-@'"} <= names and not {name for name in names if name[0] in "=-@"}
    assert len(cells) == 12 * 8 - 4  # two without an outcome, two without weight


def test_a_study_that_rounds_its_counts_has_only_rounded_ones_in_its_package(packages):
    cells = pd.read_csv(packages["rounded_counts"] / "cells.csv")
    assert not (cells[["cases", "cases_with_outcome", "weight"]] % 5).any(axis=None)
    assert (cells["outcome"] - 100 * cells["cases_with_outcome"] / cells["cases"]).abs().max() < 1e-9


def test_the_same_run_gives_the_same_bytes_and_what_was_there_is_said_to_be_replaced(tmp_path, counted):
    first = command("replicate", counted, "-o", "a.zip", "-p", "data=few_cases.csv", cwd=tmp_path)
    before = (tmp_path / "a.zip").read_bytes()
    again = command("replicate", counted, "-o", "a.zip", "-p", "data=few_cases.csv", cwd=tmp_path)
    assert first.returncode == again.returncode == 0 and (tmp_path / "a.zip").read_bytes() == before
    assert "replaced" in again.stderr and "replaced" not in first.stderr and first.stdout == "a.zip\n"
    with zipfile.ZipFile(tmp_path / "a.zip") as made:
        assert made.namelist() == sorted(made.namelist()) and {entry.date_time for entry in made.infolist()} == {(1980, 1, 1, 0, 0, 0)}


# --- what may leave ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.long)])
def test_hidden_cells_are_in_no_package_and_cannot_be_worked_out_beside_the_run(tmp_path, seed):
    table, keys = few_cases(seed=seed)
    run = published(tmp_path, "few_cases", table, keys)
    p = read_study(tmp_path / "few_cases.yaml", {})
    panel = load_panel(p)
    design = study_design(panel, p)
    told, _ = leaving(run, panel, p, design)
    assert not same_cells(told, design) and 0.5 < len(told.table) / len(design.table) < 1
    parts = np.column_stack([told.table["numerator"], told.table["denominator"] - told.table["numerator"]])
    assert not small(parts, p.min_count).any()

    cells = table.assign(period=table["when"], fee_group=np.where(table["start"] == "", "free", "provincial"), cluster=table["region"])
    counts = {"online": cells["vaccinated"], "counter": cells["patients"] - cells["vaccinated"]}
    unknown = pd.concat([cells.assign(kind=kind, n=n) for kind, n in counts.items()], ignore_index=True)
    released = release_of(panel, p, design)
    matrix, values, _ = sums_of(released.table, unknown, "2016-07")
    own = {(row.unit, str(row.period)) for row in told.table.itertuples()}
    inside = np.flatnonzero([place in own for place in zip(unknown["town"], unknown["when"], strict=True)])
    matrix = sparse.vstack([matrix, sparse.identity(len(unknown)).tocsr()[inside]]).tocsr()
    values = np.concatenate([values, unknown["n"].to_numpy(float)[inside]])
    few = np.flatnonzero(small(unknown["n"].to_numpy(float), p.min_count))
    assert len(few) >= 8 and np.array_equal(matrix @ unknown["n"].to_numpy(float), values)
    targets = sparse.identity(len(unknown)).tocsr()[few]
    assert values_that_fit(matrix, values, values, targets, len(unknown)).min() >= p.min_count


def test_a_later_run_of_the_same_data_knows_what_a_package_told(tmp_path, counted):
    p = read_study(tmp_path / "few_cases.yaml", {})
    panel = load_panel(p)
    design = study_design(panel, p)
    _, left = leaving(counted, panel, p, design)
    [kept] = files_told(tmp_path / "out", panel, p).values()
    assert set(kept) == {"unit", "period", "numerator", "denominator"} and len(kept) < len(design.table) and left[0].parent.name == KEPT
    other = p.model_copy(update={"window": ["2016-02", "2016-09"]})
    told, _ = leaving(counted, panel, other, study_design(panel, other))  # other cells, of which the first package tells most
    assert len(files_told(tmp_path / "out", panel, p)) == 2 and {*zip(told.table["unit"], told.table["period"].astype(str), strict=True)} <= {
        *zip(kept["unit"], kept["period"], strict=True)}  # fmt: skip

    few = small(design.table["numerator"], p.min_count)
    all_but_one = design.table.drop(design.table.index[few][0])[
        ["unit", "period", "numerator", "denominator"]
    ]  # as if a package had told it
    keep_panel(tmp_path / "other", all_but_one.assign(simulated=False), panel.origin.sha256, f"{counted_as(p)}-0", p.min_count)
    ways = [decide(panel, p, design, tmp_path / place / "few_cases", "new", None) for place in ("other", "elsewhere")]
    assert ways[0].table["count"].isna().sum() > ways[1].table["count"].isna().sum()  # each total of that cell would tell it


def test_a_run_of_a_table_looks_at_earlier_ones_that_had_other_columns(tmp_path, counted):
    table, keys = few_cases()
    published(tmp_path, "few_cases", table, {**keys, "by": ["region"]}, RUN.replace("0205", "0305"))
    assert len(list((tmp_path / "out" / "few_cases").glob("*/told.csv"))) == 2


def test_of_an_export_rows_of_several_agencies_are_left_out_and_a_file_of_what_was_told_is_left(tmp_path):
    panel, p = small_export(1, sizes=(6, 25, 60))
    design = study_design(panel, p)
    run = tmp_path / "demo" / RUN
    run.mkdir(parents=True)
    write_told(release_of(panel, p, design), run / FILE)
    write_json(
        run / "receipt.json", {"run": RUN, "state": "complete", "study": shown_study(p), "inputs": [{"sha256": panel.origin.sha256}]}
    )
    told, left = leaving(run, panel, p, design)
    assert [path.parent.name for path in left] == [KEPT] and left[0].is_file()
    assert any("* " in unit for unit in told.table["unit"].unique()) and not told.table["cluster"].eq("*").any()
    parts = np.column_stack([told.table["numerator"], told.table["denominator"] - told.table["numerator"]])
    assert not small(parts, p.min_count).any() and told.table["denominator"].sum() < design.table["denominator"].sum()
    whole, some = (regression(one, "two_way_fixed_effects") for one in (design, told))
    assert np.isfinite([whole.std_error, some.std_error]).all() and whole.estimate != some.estimate
    assert leaving(run, panel, p, design)[1] == []  # told already, it is the same again


# --- refusals ------------------------------------------------------------------------------------------------------
def spoil(run: Path, **keys: object) -> None:
    receipt = json.loads((run / "receipt.json").read_text(encoding="utf-8"))
    receipt = {name: value for name, value in {**receipt, **keys}.items() if value is not None}
    write_json(run / "receipt.json", receipt)


def far_off(run: Path) -> None:
    path = run / "estimates.csv"
    path.write_text(pd.read_csv(path).assign(estimate=1.5).to_csv(index=False), encoding="utf-8")


REFUSED = {
    "no run": (lambda run: (run / "estimates.csv").unlink(), "not a published run"),
    "not complete": (lambda run: spoil(run, state="failed"), "not a complete run (state 'failed')"),
    "older": (lambda run: spoil(run, facts=None), "of another version of this kit (0.1.0)"),
    "an older study": (lambda run: spoil(run, study={"study": "few_cases", "before": 1}), "of another version of this kit (0.1.0)"),
    "other data": (lambda run: spoil(run, inputs=[{"file": "few_cases.csv", "sha256": "0" * 64}]), "few_cases.csv is not what the run read"),
    "other numbers": (far_off, "its estimates.csv says 1.5000000"),
    "elsewhere": (lambda run: run.parent.rename(run.parent.with_name("moved")), "lies outside its folder of outputs (few_cases/RUN)"),
    "no data": (lambda run: (run.parent.parent.parent / "few_cases.csv").unlink(), "'few_cases.csv' is not found; give it as -p data=PATH"),
}  # fmt: skip


@pytest.mark.parametrize("way", REFUSED)
def test_what_cannot_be_replicated_is_refused_in_one_line(tmp_path, counted, way):
    spoiling, says = REFUSED[way]
    spoiling(counted)
    run = counted if counted.exists() else tmp_path / "out" / "moved" / RUN
    done = command("replicate", run, "-o", "a.zip", "-p", "data=few_cases.csv", cwd=tmp_path)
    lines = done.stderr.strip().splitlines()
    assert done.returncode == 2 and says in lines[-1] and not (tmp_path / "a.zip").exists(), done.stderr
    assert sum(line.startswith("hgdx-eval: ") for line in lines) == 1 and not (tmp_path / "out" / KEPT).exists()


def test_a_headline_that_is_no_regression_is_refused_where_no_other_estimate_is_there(tmp_path):
    table, keys = foreign("staggered_yearly")
    run = published(tmp_path, "late", table, {**keys, "estimator": "imputation"})
    for words, says in ((["-o", "a.zip"], "imputation, is no regression that other programs express"), (["-o", "a.tar"], "name it *.zip"),
                        (["-o", "no/a.zip"], "its folder does not exist")):  # fmt: skip
        done = command("replicate", run, *words, "-p", "data=late.csv", cwd=tmp_path)
        assert done.returncode == 2 and says in done.stderr and len(done.stderr.strip().splitlines()) == 1, done.stderr


def test_too_few_cells_that_may_leave_are_refused_and_leave_nothing(tmp_path):
    table, keys = few_cases()
    run = published(tmp_path, "few_cases", table.assign(vaccinated=2), keys)
    done = command("replicate", run, "-o", "a.zip", "-p", "data=few_cases.csv", cwd=tmp_path)
    assert done.returncode == 2 and "too few of its cells may leave (min_count: 5)" in done.stderr
    assert not (tmp_path / "a.zip").exists() and not list((tmp_path / "out").glob(f"{KEPT}/*"))


# --- whole runs ----------------------------------------------------------------------------------------------------
@pytest.mark.long
def test_a_real_run_of_dossiers_is_replicated(tmp_path, monkeypatch):
    pytest.importorskip("pyfixest", reason="the oracles are not installed")
    monkeypatch.setenv("HGDX_NOTEBOOKS", str(small_notebooks(tmp_path / "notebooks")))
    done = command("run", "demo", "-p", "dossiers=12000", "-p", "min_count=3", "--lang", "vi", "--out", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    shutil.rmtree(os.environ["XDG_CACHE_HOME"])  # its data were never a file of the user's: they are drawn again
    done = command("replicate", "out/demo/latest", "-o", "demo.zip", cwd=tmp_path)
    assert done.returncode == 0 and "the package tells both" in done.stderr, done.stderr
    with zipfile.ZipFile(tmp_path / "demo.zip") as made:
        made.extractall(tmp_path / "unpacked")
    folder = tmp_path / "unpacked"
    for words in ([sys.executable, "replicate.py"], [rscript(), "replicate_base.R"]):
        done = without_the_kit(*words, cwd=folder)
        assert done.returncode == 0 and done.stdout.count("agrees to 1e-6") == 2 and "SIMULATED" in done.stdout, done.stdout + done.stderr
    for lang, mark in (("vi", "SỐ LIỆU MÔ PHỎNG"), ("en", "SIMULATED DATA")):
        assert mark in (folder / f"README.{lang}.txt").read_text(encoding="utf-8")
    assert (folder / "facts" / "resolution.yaml").is_file() and pd.read_csv(folder / "cells.csv")["simulated"].eq(1).all()
