"""What a newcomer and a scheduler rely on: set-up files that agree, and a bootstrap that says what is missing."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import bootstrap
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONDA = {"python-duckdb": "duckdb"}


def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def requirements(extra=None):
    lines = PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"]
    return {canonical(r.name): r.specifier for r in map(Requirement, lines)}


def locked(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    return {canonical(n): v for n, v in re.findall(r"^([A-Za-z0-9_.-]+)==([^ ;\\]+)", text, re.M)}, text


def test_conda_environment_agrees_with_the_project():
    found = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    names = [Requirement(line) for line in found if isinstance(line, str)]
    conda = {canonical(CONDA.get(r.name, r.name)): r.specifier for r in names}
    for name in ("jupyterlab", "pandas", "statsmodels", "matplotlib", "papermill"):
        assert name in conda
    assert conda.pop("python") == SpecifierSet(PROJECT["requires-python"])
    own = {**requirements(), **requirements("lab")}
    assert {n: s for n, s in conda.items() if n not in ("pip", "setuptools")} == own


@pytest.mark.parametrize(("lock", "extras"), [("requirements.lock", []), ("requirements-dev.lock", ["lab", "dev"])])
def test_locks_hold_every_requirement_with_hashes_and_no_address(lock, extras):
    versions, text = locked(lock)
    wanted = requirements()
    for extra in extras:
        wanted |= requirements(extra)
    for name, specifier in wanted.items():
        assert specifier.contains(versions[name]), name
    assert "://" not in text
    blocks = re.split(r"\n(?=[A-Za-z0-9])", text.strip())
    assert all("--hash=sha256:" in block for block in blocks)


def test_the_lean_lock_is_without_jupyterlab_and_serves_all_systems():
    versions, text = locked("requirements.lock")
    assert "jupyterlab" not in versions
    for system in ("win32", "darwin"):
        assert system in text


def test_bootstrap_parses_on_old_pythons_and_needs_only_the_standard_library():
    tree = ast.parse((ROOT / "bootstrap.py").read_text(encoding="utf-8"), feature_version=(3, 6))
    names = {alias.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert names <= set(sys.stdlib_module_names)


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


def test_set_up_is_skipped_when_whole_and_redone_when_not(tmp_path, monkeypatch):
    steps = []
    monkeypatch.setattr(bootstrap, "HERE", str(tmp_path))
    monkeypatch.setattr(bootstrap, "step", lambda command, failure, show=(): steps.append(command) or fake_venv(command, tmp_path))
    for name in ("requirements.lock", "pyproject.toml"):
        (tmp_path / name).write_text("a", encoding="utf-8")
    python = bootstrap.environment("run")
    assert len(steps) == 3
    assert bootstrap.environment("run") == python
    assert len(steps) == 3
    (tmp_path / "requirements.lock").write_text("b", encoding="utf-8")
    bootstrap.environment("run")
    assert len(steps) == 6
    Path(python).unlink()
    bootstrap.environment("run")
    assert len(steps) == 9


def fake_venv(command, folder):
    if "venv" in command:
        path = Path(bootstrap.python_of(str(folder / ".venv")))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("", encoding="utf-8")


def test_the_makefile_has_every_command_and_no_logic():
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    for command in bootstrap.COMMANDS:
        assert re.search(rf"^[\w\s-]*\b{command}\b[\w\s-]*:", text, re.M), command


def test_help_lists_the_commands():
    done = subprocess.run([sys.executable, str(ROOT / "bootstrap.py"), "help"], capture_output=True, text=True)
    assert done.returncode == 0
    assert all(command in done.stderr for command in bootstrap.COMMANDS)


def test_notebooks_are_committed_without_outputs_and_keep_the_rules():
    import json

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
