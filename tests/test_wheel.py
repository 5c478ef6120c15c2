"""The front door: a wheel built from the checkout, installed where there is no checkout, runs its own demonstration."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import nbformat
import newcomer
import pytest
from small_run import small_notebooks

ROOT = Path(__file__).parent.parent
SOURCES = (
    "hgdx_eval",
    "notebooks",
    "params",
    "tutorial",
    "pyproject.toml",
    "setup.py",
    "MANIFEST.in",
    "README.md",
    "LICENSE",
    "CITATION.cff",
)


def ask(*words, **how):
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, **how)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """(wheel, its Python): made from an sdist of the checkout's files, in an environment that sees the libraries and no checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / "source" / name, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints"))
        else:
            shutil.copy(ROOT / name, folder / "source" / name)
    ask(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder / "dist", folder / "source")
    wheel = next((folder / "dist").glob("*.whl"))
    assert list((folder / "dist").glob("*.tar.gz"))
    ask(sys.executable, "-m", "venv", folder / "venv")
    python = folder / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    site = ask(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    Path(site, "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    ask(python, "-m", "pip", "install", "--no-deps", "--no-index", wheel)
    return wheel, python


def environment(home):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HGDX_", "PYTHON", "XDG_"))}
    return {**kept, "HOME": str(home), "PATH": os.defpath}


@pytest.mark.long
def test_a_wheel_holds_the_folders_of_the_checkout_as_they_are(installed):
    wheel, _ = installed
    with zipfile.ZipFile(wheel) as packed:
        names = set(packed.namelist())
        for folder in ("notebooks", "params", "tutorial"):
            own = {file.relative_to(ROOT).as_posix(): file.read_bytes() for file in (ROOT / folder).rglob("*")
                   if file.is_file() and ".ipynb_checkpoints" not in file.parts}  # fmt: skip
            assert own and {name: packed.read(f"hgdx_eval/shipped/{name}") for name in own} == own
    assert {
        "hgdx_eval/py.typed",
        "hgdx_eval/report/template/style.css",
        "hgdx_eval/report/template/lab.css",
        "hgdx_eval/run/lab/labconfig/default_setting_overrides.json",
        "hgdx_eval/vietnam/locale/who.vi.yaml",
    } <= names


@pytest.mark.long
def test_the_demonstration_runs_from_an_empty_folder_and_the_users_own_files_come_first(installed, tmp_path):
    _, python = installed
    command, home, empty = python.with_name("hgdx-eval"), tmp_path / "home", tmp_path / "empty"
    home.mkdir()
    empty.mkdir()
    told = ask(command, "run", "demo", "-p", "dossiers=6000", "--lang", "en", cwd=empty, env=environment(home))
    run = Path(told.splitlines()[-1])
    assert run.is_relative_to(empty / "outputs" / "demo") and (run / "report.en.html").is_file()
    assert sorted(path.name for path in empty.iterdir()) == ["outputs"]

    (empty / "params/studies").mkdir(parents=True)
    small_notebooks(empty / "notebooks")
    (empty / "notebooks/data_quality.ipynb").unlink()  # the one shipped in the wheel, beside the user's own
    demo = (ROOT / "params/studies/demo.yaml").read_text(encoding="utf-8")
    (empty / "params/studies/mine.yaml").write_text(demo.replace("study: demo", "study: mine").replace("../words/", f"{ROOT}/params/words/"),
                                                    encoding="utf-8")  # fmt: skip
    changed = (ROOT / "notebooks/effect.ipynb").read_text(encoding="utf-8").replace("## The checks", "## My own heading")
    (empty / "notebooks/effect.ipynb").write_text(changed, encoding="utf-8")
    told = ask(command, "run", "mine", "-p", "dossiers=6000", "--lang", "en", cwd=empty, env=environment(home))
    mine = Path(told.splitlines()[-1])
    assert "My own heading" in (mine / "report.en.html").read_text(encoding="utf-8")
    assert len(nbformat.read(mine / "notebooks/data_quality.en.ipynb", 4).cells) > 10
    refused = subprocess.run([command, "run", "mien"], cwd=empty, env=environment(home), capture_output=True, text=True)
    assert refused.returncode == 2 and "did you mean 'mine'" in refused.stderr and "organ_donation" in refused.stderr


@pytest.mark.long
@pytest.mark.parametrize(("lang", "shape"), [("vi", "staggered_states"), ("en", "counts_by_month")])
def test_a_newcomer_needs_two_commands_and_every_refusal_tells_the_next_step(installed, tmp_path, lang, shape):
    command = newcomer.command_of(str(installed[1]), tmp_path)
    work = newcomer.folder_of(command, tmp_path / lang, lang)
    got = newcomer.play(command, work, shape, lang)
    assert (got.commands, got.errors, got.undecided) == (2, 0, "nothing"), got.said
    assert got.page.is_file() and (abs(got.estimate - got.truth) < 0.4 or shape == "counts_by_month" and got.estimate < -5)
    silent = [line for line in newcomer.wrong_turns(command, work, shape) if not newcomer.NEXT_STEP.search(line)]
    assert silent == []
