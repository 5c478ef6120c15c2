"""A run executes what changed and nothing else, in kernels that share no chance; nothing in a study, a parameter or a file's name
becomes code or leaves the output folder; nothing that is written names the user or the machine."""

import ast
import os
import signal
import socket
import sys
import time

import nbformat
import pytest
from faults import STUDY, make, run_names
from hypothesis import given
from hypothesis import strategies as st

from hgdx_eval import cli
from hgdx_eval.base.errors import InputError, RunFailed
from hgdx_eval.base.signals import Interrupted, interruptible, raise_if_asked
from hgdx_eval.run.notebook_files import Options
from hgdx_eval.run.notebooks import readable_parameters
from hgdx_eval.run.run import run_study
from hgdx_eval.study.load import read_study

HOST = "may-chu-so-07"
long = pytest.mark.long
forks = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="kernels are forked on Linux alone")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A home of its own with a user's name in it, the small study with two notebooks, and `marks` for what their cells write."""
    home = tmp_path / "home-of-tran-thi-bi-mat"
    home.mkdir()
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(home))
    monkeypatch.setenv("HGDX_NOTEBOOKS", str(tmp_path / "notebooks"))
    monkeypatch.delenv("HGDX_FORK", raising=False)
    make(tmp_path)
    return tmp_path


def run(folder, **options):
    return run_study(str(folder / "small.yaml"), {}, ["vi"], folder / "out", Options(**options))


def add_cell(folder, name, source):
    file = folder / "notebooks" / f"{name}.ipynb"
    notebook = nbformat.read(file, 4)
    notebook.cells.append(nbformat.v4.new_code_cell(source))
    nbformat.write(notebook, file)


def mark(folder, name, told="'ran'"):
    """A last cell of a notebook that writes down what it is told."""
    (folder / "marks").mkdir(exist_ok=True)
    add_cell(folder, name, f"import os, random\nimport numpy as np\nwith open({str(folder / 'marks' / name)!r}, 'a') as file:\n"
                           f"    print({told}, file=file)")  # fmt: skip


def marks(folder, name):
    return (folder / "marks" / name).read_text(encoding="utf-8").splitlines()


def published(run):
    return {
        file.relative_to(run).as_posix(): file.read_bytes()
        for file in sorted(run.rglob("*"))
        if file.is_file() and file.name != "receipt.json"
    }


class Collected:
    """Gets a signal while it is collected, where an exception is lost."""

    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.01)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("asked", [raise_if_asked, lambda: os.kill(os.getpid(), signal.SIGTERM) or time.sleep(1)])
def test_a_signal_where_nothing_can_be_raised_shows_no_traceback_and_still_stops(capfd, asked):
    with pytest.raises(Interrupted, match="SIGTERM"), interruptible():
        Collected()
        asked()
        pytest.fail("nothing was stopped")
    assert capfd.readouterr().err == ""


@long
def test_a_changed_notebook_alone_runs_again_and_what_is_made_of_it(folder):
    mark(folder, "first")
    mark(folder, "second")
    one = run(folder)
    assert run(folder) == one and [len(marks(folder, name)) for name in ("first", "second")] == [1, 1]
    add_cell(folder, "second", "print('a new last line')")
    two = run(folder)
    assert [len(marks(folder, name)) for name in ("first", "second")] == [1, 2]
    before, after = published(one), published(two)
    assert {name for name in before if before[name] != after[name]} == {
        "notebooks/second.vi.ipynb",
        "notebooks/second.vi.html",
        "report.vi.html",
        "report.vi.xlsx",
    }
    (two / "notebooks/first.vi.ipynb").write_text("{}", encoding="utf-8")
    add_cell(folder, "second", "print('another')")
    run(folder)
    assert [len(marks(folder, name)) for name in ("first", "second")] == [2, 3]  # a published notebook that is not what it was is not taken
    table = folder / "small.csv"
    table.write_text(table.read_text(encoding="utf-8").replace("a,2024,", "a,2024,1"), encoding="utf-8")
    run(folder)
    assert [len(marks(folder, name)) for name in ("first", "second")] == [3, 4]


@long
@forks
def test_forked_kernels_share_no_chance_and_give_the_same_bytes_as_usual_ones(folder, monkeypatch):
    plain = published(run(folder))
    monkeypatch.setenv("HGDX_FORK", "0")
    usual = published(run(folder, force=True))
    assert plain.keys() == usual.keys() and [name for name in plain if plain[name] != usual[name]] == []

    for name in ("first", "second"):
        mark(folder, name, "random.random(), np.random.random(), os.getppid()")
    run(folder, force=True)
    monkeypatch.delenv("HGDX_FORK")
    run(folder, force=True)
    (usual_1, forked_1), (usual_2, forked_2) = ([line.split() for line in marks(folder, name)] for name in ("first", "second"))
    assert usual_1[2] == usual_2[2] == str(os.getpid()) and forked_1[2] == forked_2[2] != str(os.getpid())
    drawn = [number for line in (usual_1, usual_2, forked_1, forked_2) for number in line[:2]]
    assert len(set(drawn)) == 8


@given(st.text() | st.sampled_from(["'''", '"""', "\\", '\\"', "\n", "\u2028", "\x00", "{x}", "'+x+'"]))
def test_a_parameter_is_read_back_as_it_was_and_is_never_code(text):
    from papermill.translators import papermill_translators

    readable_parameters()
    python = papermill_translators.find_translator("python3", "python")
    assert ast.literal_eval(python.translate({"data": [text]})) == {"data": [text]}
    if text.isprintable() and text.isascii() is False:
        assert text.replace("\\", "\\\\").replace('"', '\\"') in python.translate(text)


@long
def test_a_file_name_that_looks_like_code_runs_nothing(folder):
    name = '"\nopen("made", "w")#\'\'\'{study}.csv'
    (folder / "small.csv").rename(folder / name)
    (folder / "small.yaml").write_text(STUDY.replace("data: small.csv\n", ""), encoding="utf-8")
    made = run_study(str(folder / "small.yaml"), {"data": str(folder / name)}, ["vi"], folder / "out", Options())
    (cell,) = [
        cell for cell in nbformat.read(made / "notebooks/first.vi.ipynb", 4).cells if "injected-parameters" in cell.metadata.get("tags", [])
    ]
    assigned = {node.targets[0].id: ast.literal_eval(node.value) for node in ast.parse(cell.source).body}
    assert assigned == {"study": "small", "lang": "vi", "change": {"data": name}}
    assert not list(folder.rglob("made"))


@pytest.mark.parametrize("study", ["../small", "a/b", "..", ".", "/tmp/small", "Small", "a b", "''", "latest\\..", "a\u0000b"])
def test_a_study_whose_name_leads_elsewhere_is_refused(folder, study):
    (folder / "small.yaml").write_text(STUDY.replace("study: small", f"study: {study}"), encoding="utf-8")
    before = sorted(folder.rglob("*"))
    with pytest.raises(InputError):
        run(folder)
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize("value", ['!!python/object/apply:os.mkdir ["made"]', '!!python/name:os.mkdir ""', "&a [*a]", "!made x"])
def test_a_study_file_runs_nothing(folder, monkeypatch, value):
    monkeypatch.chdir(folder)
    (folder / "small.yaml").write_text(STUDY.replace("estimator: two_way_fixed_effects", f"estimator: {value}"), encoding="utf-8")
    with pytest.raises(InputError):
        read_study(folder / "small.yaml", {})
    assert not list(folder.rglob("made"))


@long
def test_no_receipt_page_or_log_names_the_user_the_machine_or_a_folder(folder, capfd, monkeypatch):
    monkeypatch.setattr(socket, "gethostname", lambda: HOST)
    run(folder)
    add_cell(folder, "first", f"import os\nhome = os.path.expanduser('~')\nprint(home, '{HOST}')\n"
                              f"raise ValueError(f'in {{home}}/list.csv on {HOST}')")  # fmt: skip
    with pytest.raises(RunFailed, match="ValueError; nothing was published"):
        run(folder)
    out, err = capfd.readouterr()
    with pytest.raises(SystemExit):
        cli.main(["run", str(folder / "small.yaml"), "--lang", "vi", "--out", str(folder / "out"), "--force"])
    texts = {str(file): file.read_text(encoding="utf-8", errors="replace") for file in (folder / "out").rglob("*") if file.is_file()}
    texts |= {"standard error": err + capfd.readouterr().err, "standard output": out}
    assert len(run_names(folder)) == 1 and len(list((folder / "out/small/failed").glob("*/notebooks/first.vi.ipynb"))) == 2
    told = [(name, secret) for name, text in texts.items() for secret in ("tran-thi-bi-mat", HOST, str(folder)) if secret in text]
    assert told == []
