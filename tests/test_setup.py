"""What a newcomer and a scheduler rely on: set-up files that agree, and a bootstrap that says what is missing."""

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from setuptools import find_packages

import bootstrap

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONDA = {"python-duckdb": "duckdb"}


def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def requirements(extra=None):
    lines = PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"]
    return {canonical(r.name): r.specifier for r in map(Requirement, lines)}


def locked(name):
    """Name -> all its versions (one per Python or system where they differ), and the file's text."""
    text = (ROOT / name).read_text(encoding="utf-8")
    versions = {}
    for found, version in re.findall(r"^([A-Za-z0-9_.-]+)==([^ ;\\]+)", text, re.M):
        versions.setdefault(canonical(found), []).append(version)
    return versions, text


def test_conda_environment_agrees_with_the_project():
    found = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    names = [Requirement(line) for line in found if isinstance(line, str)]
    conda = {canonical(CONDA.get(r.name, r.name)): r.specifier for r in names}
    for name in ("jupyterlab", "pandas", "statsmodels", "matplotlib", "papermill"):
        assert name in conda
    assert conda.pop("python") == SpecifierSet(PROJECT["requires-python"])
    own = {**requirements(), **requirements("lab")}
    assert {n: s for n, s in conda.items() if n not in ("pip", "setuptools")} == own


LOCKS = [("requirements.lock", []), ("requirements-dev.lock", ["lab", "dev", "oracles"])]


@pytest.mark.parametrize(("lock", "extras"), LOCKS)
def test_locks_hold_every_requirement_with_hashes_and_no_address(lock, extras):
    versions, text = locked(lock)
    wanted = requirements()
    for extra in extras:
        wanted |= requirements(extra)
    for name, specifier in wanted.items():
        assert versions.get(name) and all(specifier.contains(version) for version in versions[name]), name
    assert "setuptools" in versions  # what builds the project itself, without fetching anything that is not locked
    assert "://" not in text
    blocks = re.split(r"\n(?=[A-Za-z0-9])", text.strip())
    assert all("--hash=sha256:" in block for block in blocks)


def test_the_lock_of_the_documentation_holds_what_makes_a_site_and_not_the_kit():
    versions, text = locked("requirements-docs.lock")
    for name, specifier in requirements("docs").items():
        assert versions.get(name) and all(specifier.contains(version) for version in versions[name]), name
    assert "://" not in text and not {"numpy", "pandas", "hgdx-eval"} & set(versions)
    assert all("--hash=sha256:" in block for block in re.split(r"\n(?=[A-Za-z0-9])", text.strip()))


def test_the_lean_lock_is_without_jupyterlab_and_serves_all_systems():
    versions, text = locked("requirements.lock")
    assert "jupyterlab" not in versions
    for system in ("win32", "darwin"):
        assert system in text


def test_both_locks_agree_so_that_what_was_tested_is_what_runs():
    lean, dev = locked("requirements.lock")[0], locked("requirements-dev.lock")[0]
    assert {name: dev.get(name) for name in lean} == lean


def test_bootstrap_parses_on_old_pythons_and_needs_only_the_standard_library():
    tree = ast.parse((ROOT / "bootstrap.py").read_text(encoding="utf-8"), feature_version=(3, 6))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert all(isinstance(node, ast.Import) for node in imports)
    assert {alias.name.split(".")[0] for node in imports for alias in node.names} <= set(sys.stdlib_module_names)


def test_the_lab_opens_on_a_working_folder_that_is_made_once(tmp_path, monkeypatch):
    called = []

    def call(words, cwd):
        called.append(words[4:])
        if words[4] == "init":
            (tmp_path / "my_study" / ".hgdx_eval").mkdir(parents=True, exist_ok=True)
        return 2 if "--lang" in words and len(called) > 2 else 0

    monkeypatch.setattr(bootstrap, "HERE", str(tmp_path))
    monkeypatch.setattr(bootstrap.subprocess, "call", call)
    folder = str(tmp_path / "my_study")
    assert bootstrap.lab("python", []) == 0 and called == [["init", "my_study"], ["lab", folder]]
    assert bootstrap.lab("python", []) == 0 and called[2:] == [["lab", folder]]
    assert bootstrap.lab("python", ["--lang", "en"]) == 2 and called[3:] == [["init", "my_study", "--lang", "en"]]  # it is in Vietnamese
    assert "my_study/" in (ROOT / ".gitignore").read_text(encoding="utf-8").split()


def test_an_old_python_is_told_in_one_line_what_to_install(capsys):
    with pytest.raises(SystemExit) as stop:
        bootstrap.check_python((3, 9, 2))
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert "3.9" in error and "python3.11" in error and error.count("\n") == 1


def test_a_missing_venv_is_told_in_one_line(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    with pytest.raises(SystemExit):
        bootstrap.check_venv()
    assert "python3-venv" in capsys.readouterr().err


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout whose set-up steps are only noted, and the notes."""
    steps = []

    def step(command, failure):
        steps.append(command)
        if "venv" in command:
            python = Path(bootstrap.python_of(command[-1]))
            python.parent.mkdir(parents=True)
            python.write_text("", encoding="utf-8")

    for name in ("requirements.lock", "requirements-dev.lock", "requirements-docs.lock", "pyproject.toml"):
        (tmp_path / name).write_text("a", encoding="utf-8")
    monkeypatch.setattr(bootstrap, "HERE", str(tmp_path))
    monkeypatch.setattr(bootstrap, "step", step)
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: None)
    return tmp_path, steps


def test_set_up_is_skipped_when_whole_and_redone_when_not(checkout):
    folder, steps = checkout
    python = bootstrap.environment("run")
    assert len(steps) == 3
    assert all("--require-hashes" in command for command in steps if "-r" in command)
    assert "--no-build-isolation" in steps[-1] and "--no-deps" in steps[-1]
    assert bootstrap.environment("run") == python
    assert len(steps) == 3
    (folder / "requirements.lock").write_text("b", encoding="utf-8")
    bootstrap.environment("run")
    assert len(steps) == 6
    Path(python).unlink()
    bootstrap.environment("run")
    assert len(steps) == 9


def test_the_documentation_is_made_by_a_python_that_has_the_kit_and_another_that_has_sphinx(checkout, monkeypatch):
    folder, steps = checkout
    called = []
    monkeypatch.setattr(
        bootstrap.subprocess, "call", lambda command, cwd: called.append(command) or (1 if "check_site" in command[1] else 0)
    )
    assert bootstrap.docs() == 1  # a dead link
    run, sphinx = (bootstrap.python_of(str(folder / name)) for name in (".venv", ".venv-docs"))
    assert [command[0] for command in called] == [run, sphinx, run] and len(steps) == 3 + 2  # the kit is not put beside Sphinx
    bootstrap.environment("dev")
    bootstrap.docs()
    assert called[3][0] == bootstrap.python_of(str(folder / ".venv-dev"))  # no third copy of the kit where there is one


@pytest.mark.parametrize("name", ["a$b", "${HOME}", 'a"b', "a`id`b", "a:b", "a\nb", "a\\b", "a[b]", "a\udcffb"])
def test_a_path_that_breaks_the_tools_of_set_up_is_refused_in_one_line_before_anything_is_made(checkout, monkeypatch, capsys, name):
    folder, steps = checkout
    monkeypatch.setattr(bootstrap, "HERE", str(folder / name))
    (folder / name).mkdir()
    for file in ("requirements.lock", "pyproject.toml"):
        (folder / name / file).write_text("a", encoding="utf-8")
    with pytest.raises(SystemExit) as stop:
        bootstrap.environment("run")
    error = capsys.readouterr().err
    assert stop.value.code == 2 and error.count("\n") == 1 and "move or rename" in error
    assert steps == [] and sorted(os.listdir(folder / name)) == ["pyproject.toml", "requirements.lock"]


@pytest.mark.parametrize("name", ["Hậu Giang", "it's", "a#b", "a&b", "a%20b"])
def test_other_paths_are_taken(checkout, monkeypatch, name):
    monkeypatch.setattr(bootstrap, "HERE", str(checkout[0] / name))
    bootstrap.check_place(bootstrap.HERE)


def test_an_environment_that_is_a_link_is_refused_and_what_it_leads_to_stays(checkout, tmp_path_factory, capsys):
    folder, steps = checkout
    theirs = tmp_path_factory.mktemp("theirs")
    (theirs / "file").write_text("of its user", encoding="utf-8")
    (folder / ".venv").symlink_to(theirs)
    with pytest.raises(SystemExit) as stop:
        bootstrap.environment("run")
    assert stop.value.code == 2 and ".venv is a link" in capsys.readouterr().err
    assert steps == [] and os.listdir(theirs) == ["file"]


def test_an_environment_that_was_carried_elsewhere_is_made_again(checkout, monkeypatch):
    folder, steps = checkout
    stamp = bootstrap.wanted_stamp("requirements.lock")
    monkeypatch.setattr(bootstrap, "HERE", str(folder / "Hậu Giang"))
    (folder / "Hậu Giang").mkdir()
    for name in ("requirements.lock", "pyproject.toml"):
        (folder / "Hậu Giang" / name).write_text("a", encoding="utf-8")
    assert bootstrap.wanted_stamp("requirements.lock") != stamp


@pytest.mark.parametrize("broken_at", [0, 1, 2])
def test_a_set_up_that_was_interrupted_is_begun_again(checkout, monkeypatch, broken_at):
    folder, steps = checkout
    python, whole = bootstrap.environment("run"), bootstrap.step
    Path(python).unlink()

    def interrupted(command, failure):
        if len(steps) == 3 + broken_at:
            raise KeyboardInterrupt
        whole(command, failure)

    monkeypatch.setattr(bootstrap, "step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        bootstrap.environment("run")
    monkeypatch.setattr(bootstrap, "step", whole)
    del steps[:]
    bootstrap.environment("run")
    assert len(steps) == 3


def test_running_and_developing_do_not_undo_each_other(checkout):
    steps = checkout[1]
    assert bootstrap.environment("run") != bootstrap.environment("dev")
    bootstrap.environment("run")
    bootstrap.environment("dev")
    assert len(steps) == 6


def test_a_call_that_waited_for_another_set_up_does_not_repeat_it(checkout, monkeypatch):
    folder, steps = checkout
    wait_for_turn = bootstrap.wait_for_turn

    def other_call_first():
        monkeypatch.setattr(bootstrap, "wait_for_turn", wait_for_turn)
        bootstrap.environment("run")
        return wait_for_turn()

    monkeypatch.setattr(bootstrap, "wait_for_turn", other_call_first)
    bootstrap.environment("run")
    assert len(steps) == 3


def test_two_set_ups_take_turns(checkout):
    first = bootstrap.wait_for_turn()
    with open(first.name, "w") as second:
        with pytest.raises(OSError):
            bootstrap.lock_file(second, wait=False)
        first.close()
        bootstrap.lock_file(second, wait=False)


def test_pip_takes_over_where_uv_fails(checkout, monkeypatch, capsys):
    steps, tried = checkout[1], []
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: "uv")
    monkeypatch.setattr(bootstrap, "run", lambda command, progress: (tried.append(command), (2, []))[1])
    bootstrap.environment("run")
    assert [command[0] for command in tried] == ["uv", "uv"] and all("--compile-bytecode" in command for command in tried)
    assert sum("pip" in command for command in steps) == 2


def test_a_failed_step_ends_with_its_output_and_one_clear_line(capfd):
    with pytest.raises(SystemExit) as stop:
        bootstrap.step([sys.executable, "-c", "print('Tỉnh'); raise SystemExit(7)"], "the packages could not be installed")
    assert stop.value.code == 1
    assert capfd.readouterr().err == "Tỉnh\nbootstrap: the packages could not be installed (exit code 7)\n"


@pytest.mark.parametrize(("made", "last"), [(("vi", "en"), "report.vi.html"), (("en",), "report.en.html")])
def test_report_ends_with_the_path_of_a_page_that_is_there(tmp_path, monkeypatch, capsys, made, last):
    monkeypatch.setattr(bootstrap, "environment", lambda kind: "python")
    monkeypatch.setattr(bootstrap, "run", lambda command: (0, [str(tmp_path)]))
    for lang in made:
        (tmp_path / f"report.{lang}.html").write_text("", encoding="utf-8")
    assert bootstrap.report([]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(tmp_path / last)


def test_the_makefile_has_the_same_commands_and_no_logic():
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = {name for line in re.findall(r"^([a-z][\w \t-]*):", text, re.M) for name in line.split()}
    assert targets == {*bootstrap.COMMANDS, "help"}
    recipes = re.findall(r"^\t(.*)", text, re.M)
    assert recipes and all(recipe.startswith("@$(PYTHON) bootstrap.py ") for recipe in recipes)


def test_a_whole_suite_takes_all_cores_and_what_is_named_runs_as_it_is_asked_for():
    assert "-n" in bootstrap.pytest_words("test", []) and "-n" in bootstrap.pytest_words("test", ["-k", "gate", "--durations=20"])
    assert bootstrap.pytest_words("test", ["tests/infer/test_false_alarms.py"]) == ["tests/infer/test_false_alarms.py"]
    assert bootstrap.pytest_words("test", ["tests/infer/test_false_alarms.py::test_x", "-x"]) == [
        "tests/infer/test_false_alarms.py::test_x",
        "-x",
    ]
    assert bootstrap.pytest_words("test-long", [])[:2] == ["-m", "long or browser"]


def test_programs_that_tests_start_are_compiled_once():
    assert bootstrap.compiled_once({"PYTHONDONTWRITEBYTECODE": "1", "HOME": "/x"}) == {"HOME": "/x"}


def test_help_lists_the_commands_and_an_unknown_one_is_refused():
    for argument, code in (("help", 0), ("reprot", 2)):
        done = subprocess.run([sys.executable, str(ROOT / "bootstrap.py"), argument], capture_output=True, text=True)
        assert done.returncode == code
        assert all(command in done.stderr for command in bootstrap.COMMANDS)


def test_an_installed_package_would_have_all_its_modules_and_files():
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    folders = {str(path.parent.relative_to(ROOT)).replace(os.sep, ".") for path in (ROOT / "hgdx_eval").rglob("*.py")}
    assert folders == set(find_packages(str(ROOT), include=tool["packages"]["find"]["include"]))
    packed = {path for name, patterns in tool["package-data"].items() for pattern in patterns
              for path in (ROOT / name.replace(".", "/")).glob(pattern)}  # fmt: skip
    files = {path for path in (ROOT / "hgdx_eval").rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")}
    assert files and files == packed


def test_notebooks_are_committed_without_outputs_and_keep_the_rules():
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code = [c for c in cells if c["cell_type"] == "code"]
        assert all(not c["outputs"] and c["execution_count"] is None for c in code), path.name
        assert all(len(c["source"]) <= 12 and "def " not in "".join(c["source"]) for c in code)
        (parameters,) = [c for c in code if "parameters" in c["metadata"].get("tags", [])]
        names = re.findall(r"^(\w+) =", "".join(parameters["source"]), re.M)
        assert names == ["study", "lang", "change"]
        markdown = [c["metadata"]["tags"][0] for c in cells if c["cell_type"] == "markdown"]
        assert markdown == ["vi", "en"] * (len(markdown) // 2)
