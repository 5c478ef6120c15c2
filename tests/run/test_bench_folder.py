"""A working folder: made whole, overwriting nothing; its notebooks come first, and in its language; newer ones are brought in."""

import json
import os
from pathlib import Path

import nbformat
import pytest
from foreign import write_study
from in_process import command

from hgdx_eval.run import bench
from hgdx_eval.run.notebook_files import NOTEBOOKS


def folder_of(tmp_path, lang="en"):
    done = command("init", "work", "--lang", lang, cwd=tmp_path)
    assert done.returncode == 0 and done.stdout.strip() == "work", done.stderr
    return tmp_path / "work"


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_a_working_folder_has_notebooks_of_one_language_and_a_place_for_everything(tmp_path, lang):
    work = folder_of(tmp_path, lang)
    assert {path.name for path in work.iterdir()} == {"notebooks", "params", "data", "outputs", "README.md", "tutorial.ipynb", ".hgdx_eval"}
    other = {"vi": "en", "en": "vi"}[lang]
    for name in NOTEBOOKS:
        notebook = nbformat.read(work / "notebooks" / f"{name}.ipynb", 4)
        nbformat.validate(notebook)
        assert not any(other in cell.metadata.get("tags", []) for cell in notebook.cells)
        assert any(f'lang = "{lang}"' in cell.source for cell in notebook.cells)


def test_nothing_is_overwritten_and_what_is_missing_comes_back(tmp_path):
    work = folder_of(tmp_path)
    (work / "README.md").write_text("mine", encoding="utf-8")
    (work / "notebooks" / "effect.ipynb").unlink()
    assert command("init", "work", "--lang", "en", cwd=tmp_path).returncode == 0
    assert (work / "README.md").read_text(encoding="utf-8") == "mine" and (work / "notebooks" / "effect.ipynb").is_file()
    other = command("init", "work", "--lang", "vi", cwd=tmp_path)
    assert other.returncode == 2 and "in en already" in other.stderr
    (tmp_path / "file").write_text("x", encoding="utf-8")
    assert command("init", "file", cwd=tmp_path).returncode == 2


def test_newer_notebooks_are_brought_in_and_changes_of_ones_own_stay(tmp_path, monkeypatch):
    work = folder_of(tmp_path)
    newer = {name: text.replace("hg.plot_event", "hg.plot_event  # newer\nhg.plot_event") if name in ("effect.ipynb", "who.ipynb") else text
             for name, text in bench.made("en").items()}  # fmt: skip
    newer["cost.ipynb"] = newer["cost.ipynb"].replace('"record"', '"record", "newer"')
    newer["who.ipynb"] = newer["who.ipynb"].replace("hg.show_gaps(who, words)", "hg.show_gaps(who, words)  # newer")
    own = json.loads((work / "notebooks" / "who.ipynb").read_text(encoding="utf-8"))
    own["cells"].append({"cell_type": "markdown", "id": "mine", "metadata": {}, "source": ["mine"]})
    (work / "notebooks" / "who.ipynb").write_text(json.dumps(own), encoding="utf-8")
    ran = json.loads((work / "notebooks" / "effect.ipynb").read_text(encoding="utf-8"))
    ran["cells"][0]["execution_count"] = 7  # run and saved, not changed
    (work / "notebooks" / "effect.ipynb").write_text(json.dumps(ran), encoding="utf-8")
    monkeypatch.setattr(bench, "made", lambda lang: newer)
    done = command("update", ".", cwd=work)
    assert done.returncode == 0 and "who.ipynb: changed here and in the kit" in done.stderr and "2 brought in" in done.stderr
    assert "newer" in (work / "notebooks" / "effect.ipynb").read_text(encoding="utf-8")
    assert "mine" in (work / "notebooks" / "who.ipynb").read_text(encoding="utf-8")
    assert "newer" in (work / "notebooks" / "who.new.ipynb").read_text(encoding="utf-8")
    assert "0 brought in" in command("update", ".", cwd=work).stderr


def test_another_folder_is_no_working_folder(tmp_path):
    done = command("update", ".", cwd=tmp_path)
    assert done.returncode == 2 and "init FOLDER" in done.stderr


def test_a_run_there_is_in_the_language_of_its_notebooks(tmp_path, monkeypatch):
    work = folder_of(tmp_path)
    monkeypatch.chdir(work)
    monkeypatch.delenv("HGDX_NOTEBOOKS", raising=False)
    assert bench.spoken(["vi", "en"]) == ["en"] == bench.spoken(["en"])
    done = command("run", "demo", "--lang", "vi", cwd=work)
    assert done.returncode == 2 and "are in en" in done.stderr and not os.listdir(work / "outputs")


def test_the_lab_opens_on_the_folder_and_says_which(tmp_path, monkeypatch):
    called = []
    monkeypatch.setattr(bench.subprocess, "call", lambda words, cwd, env: called.append((words, cwd, env)) or 0)
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "mine")
    done = command("lab", ".", cwd=tmp_path)
    assert done.returncode == 0 and f"{tmp_path.resolve()}: no working folder; make one: hgdx-eval init FOLDER" in done.stderr
    ((words, _, env),) = called
    assert words[1:3] == ["-m", "jupyterlab"] and words[-1] == f"--ServerApp.root_dir={tmp_path.resolve()}"
    assert ("--allow-root" in words) == (os.geteuid() == 0)
    kits, mine = env["JUPYTER_CONFIG_PATH"].split(os.pathsep)
    defaults = json.loads((Path(kits) / "labconfig" / "default_setting_overrides.json").read_text(encoding="utf-8"))
    assert mine == "mine" and defaults["@jupyterlab/apputils-extension:notification"]["fetchNews"] == "false"
    folder_of(tmp_path)
    assert command("lab", "work", cwd=tmp_path).stderr.strip() == f"JupyterLab on {(tmp_path / 'work').resolve()}"
    monkeypatch.setattr(bench.importlib.util, "find_spec", lambda name: None)
    done = command("lab", ".", cwd=tmp_path)
    assert done.returncode == 2 and "pip install jupyterlab" in done.stderr


@pytest.mark.long
def test_from_an_empty_folder_to_a_report_in_two_commands_beside_the_data(tmp_path):
    """init, then new and run: the newcomer's way, with no refusal on it."""
    work = folder_of(tmp_path)
    write_study(work / "data", "one_yearly")
    begun = command("new", "data/one_yearly.csv", "--study", "mine", "--out", "params/studies", cwd=work)
    assert begun.returncode == 0 and "to decide: nothing" in begun.stderr
    done = command("run", "mine", cwd=work)
    assert done.returncode == 0, done.stderr
    made = sorted(path.name for path in (work / "outputs" / "mine" / "latest").iterdir())
    assert "report.en.html" in made and "report.vi.html" not in made
