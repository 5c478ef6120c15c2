"""`run-all` through the command line: members by processes, one page, and what stops or spoils it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil
import pytest
from faults import ROOT, SETUP
from in_process import command
from made_portfolios import HEAD, STUDY
from made_runs import made_run

from hgdx_eval.run.processes import Outcome
from hgdx_eval.run.run_folders import MEMBERS, read_receipt

EFFECT = "result = hg.estimate(design, p.estimator)\nhg.record([result], 'effect', words, verdict=2, headline='cluster')"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Three studies of small tables, the third's data broken, with one notebook; a portfolio of them."""
    for number, name in enumerate(("one", "two", "three")):
        table(tmp_path, name, number)
    (tmp_path / "three.csv").write_text("nothing\n", encoding="utf-8")
    (tmp_path / "many.yaml").write_text(HEAD + "studies: ['./one.yaml', './t*.yaml']\n", encoding="utf-8")
    (tmp_path / "notebooks").mkdir()
    cells = [nbformat.v4.new_code_cell("study = 'one'\nlang = 'vi'\nchange = {}", metadata={"tags": ["parameters"]}),
             nbformat.v4.new_code_cell(SETUP), nbformat.v4.new_code_cell(EFFECT)]  # fmt: skip
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), tmp_path / "notebooks" / "effect.ipynb")
    monkeypatch.setenv("HGDX_NOTEBOOKS", str(tmp_path / "notebooks"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return tmp_path


def table(folder, name, number, last=2024):
    rows = [f"{u},{y},{0.1 + i / 20 + (u == 'a' and y >= 2021) * (number + 1) / 50 + (i * y * (number + 3)) % 7 / 500}"
            for i, u in enumerate("abcdefgh") for y in range(2011, last + 1)]  # fmt: skip
    (folder / f"{name}.csv").write_text("unit,year,value\n" + "\n".join(rows) + "\n", encoding="utf-8")
    (folder / f"{name}.yaml").write_text(STUDY.format(name=name), encoding="utf-8")


def run_all(folder, *words):
    return command("run-all", folder / "many.yaml", "--out", folder / "out", *words, cwd=folder)


def states(done):
    return {line.split()[0]: line.split()[1] for line in done.stderr.splitlines() if "  " in line}


@pytest.mark.long
def test_members_run_by_processes_and_what_is_refused_stops_no_other(folder):
    done = run_all(folder, "--lang", "vi", "--jobs", "3")
    assert done.returncode == 0, done.stderr
    published = Path(done.stdout.splitlines()[-1])
    assert published.parent == folder / "out" / "many" and (folder / "out" / "many" / "latest").resolve() == published
    assert states(done) == {"one": "counts", "two": "counts", "three": "refused"}
    assert any(line.startswith("three: refused: three.csv:") for line in done.stderr.splitlines())
    receipt = read_receipt(published)
    assert {path.name for path in published.iterdir()} == {"pooled.vi.html", "pooled.en.html", "pooled.csv", "receipt.json"}
    members = {one["study"]: one for one in receipt["members"]}
    assert members["one"]["run"] == (folder / "out" / "one" / "latest").resolve().name and len(members["one"]["estimates_sha256"]) == 64
    assert receipt["answer"]["k"] == 2 and receipt["state"] == "complete" and not members["three"]["run"]
    first = read_receipt(folder / "out" / "one" / "latest")["result"]
    assert (first["start"], first["dose"]) == ("2021", None) and 0 < first["start_level"] < 100
    assert "pooled.en.html" in (folder / "out" / "index.en.html").read_text(encoding="utf-8")

    again = run_all(folder, "--lang", "vi")  # the refused one is asked again, nothing else runs
    assert again.stdout == done.stdout and "one: unchanged" in again.stderr and "many: unchanged" in again.stderr

    table(folder, "two", 1, last=2025)
    grown = run_all(folder, "--lang", "vi")
    assert "one: unchanged" in grown.stderr and "two: unchanged" not in grown.stderr and grown.stdout != done.stdout
    answers = read_receipt(Path(grown.stdout.strip()))["answers"]
    assert [one["run"] for one in answers] == [published.name, Path(grown.stdout.strip()).name]
    assert "How the answer moved" in (Path(grown.stdout.strip()) / "pooled.en.html").read_text(encoding="utf-8")
    page = command("verify", published, cwd=folder)
    assert page.returncode == 2 and "verify its members one by one" in page.stderr


def test_a_member_is_a_process_whose_refusal_is_told(folder):
    (folder / "many.yaml").write_text(HEAD + "studies: [./three.yaml]\n", encoding="utf-8")
    done = run_all(folder)
    assert done.returncode == 0 and "three: refused: three.csv: no data rows below the header in row 1" in done.stderr
    assert states(done) == {"three": "refused"} and read_receipt(Path(done.stdout.strip()))["answer"]["k"] == 0


@pytest.fixture
def ends(monkeypatch):
    """Processes that end as told; what was asked of them is listed."""
    told, asked = {}, []

    def run_side_by_side(commands, at_once, ended):
        asked.append(dict(commands))
        outcomes = {name: told.get(name, Outcome(0)) for name in commands}
        for name, outcome in outcomes.items():
            ended(name, outcome)
        return outcomes

    monkeypatch.setattr("hgdx_eval.run.run_all.run_side_by_side", run_side_by_side)
    return told, asked


def published_by(folder, name, value=4.0, verdict=2, **how):
    run = made_run(folder / "out", "20240105T010000Z-0000aaaa", name, value, verdict=verdict, **how)
    (folder / "out" / name / "latest").symlink_to(run.name)
    return run


def test_every_state_is_told_with_its_reason(folder, ends):
    told, _ = ends
    for name in ("one", "two"):
        published_by(folder, name)
    told |= {"one": Outcome(1, "one: the disk is full"), "three": Outcome(3, "busy")}
    done = run_all(folder)
    assert done.returncode == 1 and done.stderr.splitlines()[-1] == "hgdx-eval: one: did not finish; the others are done"
    assert states(done) == {"one": "failed", "two": "counts", "three": "no_run"} and done.stdout.strip()
    receipt = read_receipt(Path(done.stdout.strip()))
    assert [one["reason"] for one in receipt["members"]] == ["one: the disk is full", "nothing is published yet", ""]
    shutil.rmtree(folder / "out" / "two")
    published_by(folder, "two", verdict=5)
    assert states(run_all(folder, "--pool-only")) == {"one": "failed", "two": "blind", "three": "no_run"}
    shutil.rmtree(folder / "out" / "two")
    run = published_by(folder, "two")
    text = (run / "receipt.json").read_text(encoding="utf-8").replace('"inference": "cluster"', '"inference": "placebo"')
    (run / "receipt.json").write_text(text, encoding="utf-8")
    assert states(run_all(folder, "--pool-only"))["two"] == "no_interval"


def test_a_blind_study_is_told_as_blind(folder, ends):
    told, _ = ends
    (folder / "one.yaml").write_text(STUDY.format(name="one") + "blind: true\n", encoding="utf-8")
    told["one"] = Outcome(2, "one: blind: no plan is there, so nothing is estimated; write one: hgdx-eval plan one")
    published_by(folder, "two")
    assert states(run_all(folder)) == {"one": "blind", "two": "counts", "three": "no_run"}


def test_shards_share_out_the_members_and_pool_nothing(folder, ends):
    _, asked = ends
    for number in (1, 2):
        done = run_all(folder, "--only", f"{number}/2")
        assert done.returncode == 0 and done.stdout == ""
    assert [sorted(one) for one in asked] == [["one", "two"], ["three"]]
    assert not list((folder / "out" / "many").glob("2*"))
    for name in ("one", "two"):
        published_by(folder, name)
    done = run_all(folder, "--pool-only")
    assert len(asked) == 2 and read_receipt(Path(done.stdout.strip()))["answer"]["k"] == 2
    for wrong in ("0/2", "3/2", "1", "a/b"):
        assert run_all(folder, "--only", wrong).returncode == 2
    assert run_all(folder, "--only", "1/2", "--pool-only").returncode == 2


def test_what_was_kept_of_a_member_is_passed_by_once_it_publishes(folder, ends):
    told, _ = ends
    told["one"] = Outcome(2, "one.csv: it cannot be read")
    published_by(folder, "two")
    assert states(run_all(folder, "--only", "1/1"))["one"] == "refused"
    kept = folder / "out" / "many" / MEMBERS / "one.json"
    kept.write_text(json.dumps({**json.loads(kept.read_text()), "made": "2024-01-01T00:00:00Z"}), encoding="utf-8")
    assert states(run_all(folder, "--pool-only"))["one"] == "refused"
    published_by(folder, "one")
    assert states(run_all(folder, "--pool-only"))["one"] == "counts"


@pytest.mark.parametrize(("spoil", "says"), [
    (lambda folder: (folder / "two.csv").write_bytes((folder / "one.csv").read_bytes()), "one and two read one and the same input (one.csv)"),
    (lambda folder: (folder / "many.yaml").write_text(HEAD + "studies: ['./x*.yaml']\n"), "no study is called ./x*.yaml"),
    (lambda folder: published_by(folder, "many"), "out/many is a study's"),
])  # fmt: skip
def test_a_bad_portfolio_is_one_line_and_writes_nothing(folder, ends, spoil, says):
    spoil(folder)
    before = sorted(folder.rglob("*"))
    done = run_all(folder)
    assert done.returncode == 2 and says in done.stderr and done.stderr.count("\n") == 1 and done.stdout == ""
    assert sorted(folder.rglob("*")) == before and ends[1] == []


def test_data_that_hold_most_months_alike_are_refused(folder, ends):
    published_by(folder, "one", periods={"2024-01": "a", "2024-02": "b", "2024-03": "c"})
    run = published_by(folder, "two", periods={"2024-01": "d", "2024-02": "b"})
    assert run_all(folder).returncode == 0  # one month alike of two may be chance in a small table
    shutil.rmtree(folder / "out" / "many")
    text = (run / "receipt.json").read_text(encoding="utf-8").replace('"2024-01": "d"', '"2024-03": "c"')
    (run / "receipt.json").write_text(text, encoding="utf-8")
    done = run_all(folder)
    assert done.returncode == 2 and "the data of one and two overlap: 2024-02 has the very same rows in both" in done.stderr
    assert not (folder / "out" / "many").exists()


def test_studies_portfolios_and_what_takes_them_away_keep_apart(folder, ends):
    for name in ("one", "two"):
        published_by(folder, name)
    done = run_all(folder, "--pool-only")
    listed = json.loads(command("list", "--json", "--out", folder / "out", cwd=folder).stdout)
    assert [row["name"] for row in listed["runs"]] == ["one", "two", "many"] and listed["portfolios"][0]["name"] == "portfolio_demo"
    (folder / "one.yaml").write_text(STUDY.format(name="many"), encoding="utf-8")
    own = command("run", folder / "one.yaml", "--out", folder / "out", cwd=folder)
    assert own.returncode == 2 and "out/many is a portfolio's" in own.stderr
    taken = command("prune", "--keep", "0", "--out", folder / "out", cwd=folder)
    assert taken.returncode == 0 and Path(done.stdout.strip()).is_dir()


def start(folder, *words):
    return subprocess.Popen([sys.executable, "-m", "hgdx_eval", "run-all", str(folder / "many.yaml"), "--out", str(folder / "out"), "--lang", "vi", *words],
                            cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_one_that_is_killed_leaves_no_page_and_no_orphan(folder, number):
    path = folder / "notebooks" / "effect.ipynb"
    path.write_text(path.read_text(encoding="utf-8").replace("result = hg", "import time; time.sleep(60)\\nresult = hg"), encoding="utf-8")
    process = start(folder)
    while not list((folder / "out").glob("one/.building-*")):
        assert process.poll() is None
        time.sleep(0.05)
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    gone, alive = psutil.wait_procs(children, timeout=40)
    assert not alive and not list((folder / "out" / "many").glob("2*"))
    if number == signal.SIGTERM:
        assert process.returncode == 1 and said.splitlines()[-1] == "hgdx-eval: many: stopped by SIGTERM; no page was published"
    assert not (folder / "out" / "many" / "latest").is_symlink()


@pytest.mark.long
def test_the_demonstration_tells_every_kind_of_member(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    done = command("run-all", "portfolio_demo", "--out", tmp_path / "out", "--lang", "en", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    published = Path(done.stdout.strip())
    truth = (published / "truth.csv").read_text(encoding="utf-8").splitlines()
    assert truth[0] == "study,truth_pp,drawn_pp" and truth[-2].startswith("mean,") and truth[-2].endswith(",4.0")
    found = {one["study"].removeprefix("portfolio_demo_"): one["state"] for one in read_receipt(published)["members"]}
    assert {name for name, state in found.items() if state == "counts"} >= {f"p0{number}" for number in range(1, 9)}
    assert (found["p10"], found["p11"], found["p12"]) == ("refused", "no_policy", "no_policy")
    assert read_receipt(published)["simulated"] is True
