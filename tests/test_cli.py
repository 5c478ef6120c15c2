"""The whole program through its command line: exit codes, one line on standard error, nothing left behind."""

import importlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from datetime import datetime
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from in_process import command
from nbformat.v4 import new_code_cell
from PIL import Image
from small_run import LEAN, small_notebooks
from test_foreign import check_no_word

from hgdx_eval import cli
from hgdx_eval.base import light_imports
from hgdx_eval.base.hashes import file_hash
from hgdx_eval.estimation.results import check_table
from hgdx_eval.run.notebook_files import EVERYWHERE
from hgdx_eval.study.study import Study
from hgdx_eval.study.vocabulary import COLUMNS

ROOT = Path(__file__).parent.parent
FILES = (("report", "html"), ("brief", "html"), ("report", "xlsx"), ("share", "png"))  # of each language
STUDY = """study: mine
data: data.csv
unit: unit
period: year
frequency: Y
outcome: value
treated_from: {a: 2021}
weights: none
cluster: unit
estimator: two_way_fixed_effects
estimators: [two_way_fixed_effects, interrupted_time_series]
"""


def call(*words, cwd=None, env=None, **options):
    return subprocess.run([sys.executable, "-m", "hgdx_eval", *map(str, words)], capture_output=True, text=True, encoding="utf-8",
                          cwd=cwd, env={**os.environ, "PYTHONPATH": LEAN, **(env or {})}, **options)  # fmt: skip


def text_in(file):
    """What a published file says, a workbook's parts unpacked, of a picture what stands beside its points."""
    if file.suffix == ".xlsx":
        with zipfile.ZipFile(file) as archive:
            return "".join(archive.read(name).decode() for name in archive.namelist())
    if file.suffix == ".png":
        with Image.open(file) as picture:
            return str(picture.info)  # its points say nothing
    return file.read_text(encoding="utf-8")


def refused(done, says):
    assert done.returncode == 2, done.stderr
    lines = done.stderr.strip().splitlines()
    assert says in lines[-1]
    assert "Traceback" not in done.stderr and done.stdout == ""
    return lines


@pytest.fixture
def study(tmp_path):
    rows = [f"{u},{y},{i + (y - 2015) * 0.1 + (u == 'a' and y >= 2021) * 2 + (i * y) % 3 / 50}" for i, u in enumerate("abcdefgh")
            for y in range(2015, 2025)]  # fmt: skip
    (tmp_path / "data.csv").write_text("unit,year,value\n" + "\n".join(rows) + "\n", encoding="utf-8")
    (tmp_path / "mine.yaml").write_text(STUDY, encoding="utf-8")
    return tmp_path


def test_a_run_publishes_what_the_contract_says_and_an_unchanged_one_does_nothing(study):
    done = call("run", "mine.yaml", "--out", "out", cwd=study)
    assert done.returncode == 0, done.stderr
    run = study / done.stdout.strip().splitlines()[-1]
    assert (study / "out/mine/latest").resolve() == run.resolve()
    names = {file.relative_to(run).as_posix() for file in run.rglob("*") if file.is_file()}
    pages = {f"notebooks/{n}.{lang}.{kind}" for n in EVERYWHERE for lang in ("vi", "en") for kind in ("ipynb", "html")}
    published = {f"{name}.{lang}.{kind}" for lang in ("vi", "en") for name, kind in FILES} | {"estimates.csv", "receipt.json"}
    assert names == pages | published
    receipt = json.loads((run / "receipt.json").read_text())
    assert receipt["files"] == {name: file_hash(run / name) for name in published - {"receipt.json"}}
    table = pd.read_csv(run / "estimates.csv", keep_default_na=False)
    assert list(table.columns) == COLUMNS
    for column in ("estimate", "std_error", "ci_low", "ci_high", "level", "p_value"):
        table[column] = pd.to_numeric(table[column])
    check_table(table)
    assert {"overall", "event", "placebo_space", "leave_one_out", "placebo_time"} <= set(table["term"])
    assert (table["status"] == "refused").sum() == 1
    receipt = json.loads((run / "receipt.json").read_text(encoding="utf-8"))
    assert receipt["state"] == "complete" and receipt["inputs"][0]["file"] == "data.csv"
    everything = "".join(text_in(file) for file in run.rglob("*") if file.is_file())
    words = set(re.findall(r"[\w.-]+", re.sub(r"base64,[\w+/=]+", "", everything)))  # a short name stands in any picture by chance
    assert str(study) not in everything and os.uname().nodename not in words
    check_no_word(run)

    again = call("run", "mine.yaml", "--out", "out", cwd=study)
    assert again.returncode == 0 and "unchanged" in again.stderr
    assert Path(again.stdout.strip().splitlines()[-1]).name == run.name
    assert len([d for d in (study / "out/mine").iterdir() if d.name.startswith("20")]) == 1
    code = (
        "import sys; sys.modules['pandas'] = None; from hgdx_eval.cli import main; sys.argv[1:] = 'run mine.yaml --out out'.split(); main()"
    )
    light = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=study, env={**os.environ, "PYTHONPATH": LEAN})
    assert light.returncode == 0 and "unchanged" in light.stderr  # its import takes longer than all else of such a run


@pytest.mark.long
def test_verify_says_what_is_not_the_same(study):
    """Of a small run; that a whole one comes out the same is in test_reproducible."""
    small = {"HGDX_NOTEBOOKS": str(small_notebooks(study / "notebooks"))}
    run = study / command("run", "mine.yaml", "--out", "out", "--lang", "vi", cwd=study, env=small).stdout.strip()
    same = command("verify", run, cwd=study, env=small)
    assert same.returncode == 0, same.stderr + same.stdout
    data = (study / "data.csv").read_text(encoding="utf-8")
    (study / "data.csv").rename(study / "moved.csv")
    refused(command("verify", run, cwd=study, env=small), "data.csv")
    (study / "moved.csv").write_text(data.replace("a,2024,", "a,2024,9"), encoding="utf-8")
    changed = command("verify", run, "-p", "data=moved.csv", cwd=study, env=small)
    assert changed.returncode == 4 and "\ninput" in changed.stdout and "estimates.csv" in changed.stdout, changed.stdout


def test_the_command_takes_signals_before_anything_large_is_loaded():
    """Until then a signal ends it without a line."""
    code = "import sys, hgdx_eval.cli; print(sorted({'numpy', 'pandas', 'pydantic', 'yaml', 'babel', 'papermill'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert done.stdout.strip() == "[]", done.stderr


def test_every_command_does_without_what_only_makes_libraries_slow_to_load(monkeypatch):
    """The process as a whole, not one command after another: `pdf` and `prune` load notebooks, too."""
    found = []
    monkeypatch.setattr(light_imports, "COSTLY", ("colorsys",))
    monkeypatch.setattr(cli, "main", lambda ends: found.append(sys.modules["colorsys"]))
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    cli.program()
    assert found == [None] and importlib.import_module("colorsys")


def test_a_signal_after_the_outcome_changes_it_no_more():
    code = "import os, signal, sys\nfrom hgdx_eval import cli\nsys.argv[1:] = ['--version']\ntry:\n    cli.program()\nexcept SystemExit:\n" \
           "    [os.kill(os.getpid(), number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)]\n    raise"  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.strip()


def test_help_tells_every_key_as_the_study_declares_it():
    done = command("run", "--help", cwd=ROOT)
    text = " ".join(done.stdout.split())
    assert done.returncode == 0
    for key, field in Study.model_fields.items():
        assert f" {key} {field.description}" in text
    assert (
        "seed a whole number [default: 20230714]" in text and "cluster a column: errors are correlated inside its values (needed)" in text
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (["-p", "weigths=none"], "did you mean 'weights'"), (["-p", "seed"], "KEY=VALUE"), (["-p", "data=no.csv"], "data: no.csv: there is no such file or folder; a path"),
        (["-p", "words=no.yaml"], "words: no.yaml: there is no such file; a path in a study's file is seen from the folder of that file"),
        (["--lang", "fr"], "vi,en"), (["-p", "exclude=[zz]"], "zz"), (["-p", "window=[2022, 2024]"], "2021"),
        (["-p", "estimator=synthdid"], "synthdid"), (["-p", "frequency=W"], "frequency"), (["--jobs", "0"], "jobs"),
        (["-p", "seed=1", "-p", "seed=2"], "twice"), (["-p", "cluster=nothing"], "nothing"),
        (["-p", "exclude=[01]"], 'found 01, which YAML reads as 1; a code goes in quotes, "01"'), (["-p", "seed=010"], "begins with no 0"),
        (["-p", "window=[2023-02-30, 2024]"], "2023-02-30"), (["-p", "window=" + "[" * 5000], "nested too deeply"),
        (["-p", "treated_from={a: 2021, a: 2022}"], "stands already"), (["-p", "window=&w [*w]"], "aliases"), (["-p", "window=[1"], "[first, last]"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_line_and_leaves_nothing(study, change, says):
    lines = refused(command("run", "mine.yaml", "--out", "out", *change, cwd=study), says)
    assert len([line for line in lines if line.startswith("hgdx-eval:")]) == 1
    assert not (study / "out").exists() or not any((study / "out").rglob("*"))


@pytest.mark.parametrize("study_name", ["no_such_study", "no/such.yaml"])
def test_an_unknown_study(study_name, tmp_path):
    refused(command("run", study_name, cwd=tmp_path), "no such study file" if "/" in study_name else "is not known")


def test_the_real_study_says_what_to_bring(tmp_path):
    refused(command("run", "nq04_2023", cwd=tmp_path), "-p data=FILE")


def test_unknown_commands_and_options_are_one_line(tmp_path):
    for words in (["rum"], ["run"], ["run", "demo", "--frce"], ["check"], ["panel", "a.csv"]):
        done = command(*words, cwd=tmp_path)
        assert done.returncode == 2 and len(done.stderr.strip().splitlines()) == 1, done.stderr


def test_check_tells_a_clerk_and_a_machine(tmp_path):
    assert command("simulate", "a.csv", "--dossiers", "3000", cwd=tmp_path).returncode == 0
    told = call("check", "a.csv", cwd=tmp_path)
    assert told.returncode == 0 and "hồ sơ lặp lại" in told.stdout and "mô phỏng" in told.stdout.lower()
    found = json.loads(command("check", "a.csv", "--json", cwd=tmp_path).stdout)
    assert found["layout"] == "opencps_dossiers" and found["rows"] == found["accepted"] + sum(r["rows"] for r in found["rejected"])
    (tmp_path / "b.csv").write_text("x,y\n1,2\n", encoding="utf-8")
    refused(command("check", "b.csv", cwd=tmp_path), "no known header")
    assert command("check", "b.csv", "--layout", "table", cwd=tmp_path).returncode == 0
    (tmp_path / "c.csv").write_text("", encoding="utf-8")
    refused(command("check", "c.csv", cwd=tmp_path), "empty")
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "a.csv", "a.csv.fees.csv", "a.csv.payments.csv", "a.csv.truth.csv", "b.csv", "c.csv"]  # fmt: skip


def test_panel_is_marked_and_its_release_hides_small_cells(tmp_path):
    import duckdb

    command("simulate", "a.csv", "--dossiers", "3000", cwd=tmp_path)
    for name, options, status in (("i.parquet", [], "internal"), ("r.parquet", ["--release"], "released")):
        done = command("panel", "a.csv", "-o", name, *options, cwd=tmp_path)
        assert done.returncode == 0 and (("dossiers, 0 left out" in done.stderr) if options else done.stderr == "")
        meta = dict(duckdb.sql(f"SELECT decode(key), decode(value) FROM parquet_kv_metadata('{tmp_path / name}')").fetchall())
        assert meta["status"] == status
    frame = duckdb.sql(f"SELECT * FROM '{tmp_path / 'r.parquet'}'").df()
    assert (
        (frame["received"] >= 5).all()
        and not ((frame["received"] - frame["online"]).between(1, 4) | frame["online"].between(1, 4)).any()
        and {"agency", "level", "procedure", "fee_group", "period", "received", "online"} <= set(frame)
    )


def test_a_stopped_run_says_so_keeps_a_receipt_and_the_next_one_works(study):
    process = subprocess.Popen([sys.executable, "-m", "hgdx_eval", "run", "mine.yaml", "--out", "out"], cwd=study, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)})  # fmt: skip
    wait_for(lambda: list((study / "out").glob("mine/.building-*/notebooks")))
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1 and "SIGTERM" in err and out == ""
    (receipt,) = (study / "out/mine/failed").glob("*/receipt.json")
    assert json.loads(receipt.read_text(encoding="utf-8"))["state"] == "failed"
    assert not (study / "out/mine/latest").exists() and not list((study / "out/mine").glob(".building-*"))


@pytest.mark.long
def test_a_killed_run_is_marked_by_the_next_and_a_second_run_waits_in_vain(study):
    words, small = ("run", "mine.yaml", "--out", "out", "--lang", "vi"), {"HGDX_NOTEBOOKS": str(small_notebooks(study / "notebooks"))}
    process = subprocess.Popen([sys.executable, "-m", "hgdx_eval", *words], cwd=study, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               env={**os.environ, "PYTHONPATH": str(ROOT), **small})  # fmt: skip
    wait_for(lambda: list((study / "out").glob("mine/.building-*/receipt.json")))
    os.kill(process.pid, signal.SIGSTOP)
    busy = call(*words, cwd=study, env=small)
    assert busy.returncode == 3 and "another run" in busy.stderr.splitlines()[-1]
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    done = call(*words, cwd=study, env=small)
    assert done.returncode == 0, done.stderr
    (receipt,) = (study / "out/mine/failed").glob("*/receipt.json")
    assert json.loads(receipt.read_text(encoding="utf-8"))["state"] == "killed"


def wait_for(ready, seconds=60):
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.long
def test_a_cell_that_fails_publishes_nothing_and_keeps_the_last_good_run(study):
    small = {"HGDX_NOTEBOOKS": str(small_notebooks(study / "notebooks"))}
    brief = study / "notebooks" / "brief.ipynb"
    whole = nbformat.read(brief, 4)
    good = command("run", "mine.yaml", "--out", "out", "--lang", "vi", cwd=study, env=small)
    for source, says in (("raise ValueError('vì sao')", "ValueError; nothing"), ("import os; os._exit(3)", "brief.vi"),
                         ("import sys; sys.exit(0)", "brief.vi")):  # fmt: skip
        nbformat.write(nbformat.from_dict({**whole, "cells": [*whole.cells, new_code_cell(source)]}), brief)
        bad = command("run", "mine.yaml", "--out", "out", "--lang", "vi", cwd=study, env=small)
        assert bad.returncode == 1 and says in bad.stderr.splitlines()[-1] and "vì sao" not in bad.stderr, bad.stderr
        assert (study / "out/mine/latest").resolve().name == Path(good.stdout.strip()).name
    assert len(list((study / "out/mine/failed").iterdir())) == 3
    assert not list((study / "out/mine/failed").rglob("*.html"))


@pytest.mark.long
def test_a_folder_of_summaries_runs_and_its_receipt_names_every_file(tmp_path):
    import duckdb

    done = command("simulate", "sums", "--layout", "opencps_summary", "--dossiers", "60000", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    done = command("panel", "sums", "-o", "p.parquet", cwd=tmp_path)
    assert done.returncode == 0 and (tmp_path / "p.parquet").is_file()
    done = command("panel", "sums", "-o", "q.parquet", "--release", "--min-count", "20", cwd=tmp_path)
    assert done.returncode == 0 and "left out" in done.stderr
    rows = pd.concat([duckdb.sql(f"SELECT * FROM '{tmp_path / name}'").df() for name in ("p.parquet", "q.parquet")], keys=["p", "q"])
    online, counter = rows["online"], rows["received"] - rows["online"]
    few = online.between(1, 19) | counter.between(1, 19)
    assert few["p"].any() and not few["q"].any() and (rows.loc["q", "agency"] == "*").any()
    assert rows.loc["p", "received"].sum() == rows.loc["q", "received"].sum()
    command("simulate", "points.json", "--layout", "portal_766", "--dossiers", "3000", cwd=tmp_path)
    refused(command("panel", "points.json", "-o", "r.parquet", "--release", cwd=tmp_path), "no counts of dossiers")
    (tmp_path / "s.yaml").write_text(
        "study: s\ndata: sums\nlayout: opencps_summary\nunit: agency\nperiod: period\nfrequency: M\nnumerator: online\n"
        "denominator: received\ncluster: cluster\ntreated_from:\n  Thành phố Vị Thanh: 2023-08\n  Huyện Phụng Hiệp: 2023-08\n"
        "  Huyện Châu Thành: 2023-08\nestimator: two_way_fixed_effects\n", encoding="utf-8")  # fmt: skip
    from hgdx_eval.panel.load import load_panel
    from hgdx_eval.run.receipt import inputs_key, make_receipt
    from hgdx_eval.run.verify import data_there
    from hgdx_eval.study.load import read_study

    p = read_study(tmp_path / "s.yaml", {})
    receipt = make_receipt(p, load_panel(p), 7, ["vi"], inputs_key(p, ["vi"]), "", datetime(2000, 1, 1))
    assert len(receipt["inputs"]) == 1 + len(list((tmp_path / "sums").iterdir())) > 30
    assert all("/" not in item["file"] for item in receipt["inputs"])
    assert data_there(tmp_path / "sums") and data_there(tmp_path / "sums" / "*.csv") and not data_there(tmp_path / "none")
