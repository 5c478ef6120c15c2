"""A working folder of one's own: notebooks in one language to edit, places for studies, words, data and outputs; newer notebooks brought in
without losing changes."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

from ..base.aside import write_text
from ..base.errors import InputError
from ..base.own_files import PACKAGE, kits_own, own_folders
from ..study.words import Words
from .notebook_files import NOTEBOOKS, PLAN

KEPT = ".hgdx_eval"  # what the kit knows of a working folder: its language, and the notebooks as they came
TUTORIAL = "tutorial.ipynb"
FOLDERS = ("notebooks", "params/studies", "params/portfolios", "params/words", "data", "outputs")


def in_one_language(text: str, lang: str) -> str:
    """A notebook of the kit with the texts of one language alone, and that language in its parameters."""
    notebook = json.loads(text)
    other = "en" if lang == "vi" else "vi"
    notebook["cells"] = [cell for cell in notebook["cells"] if other not in cell["metadata"].get("tags", [])]
    for cell in notebook["cells"]:
        if "parameters" in cell["metadata"].get("tags", []):
            cell["source"] = [line.replace('lang = "vi"', f'lang = "{lang}"') for line in cell["source"]]
    return json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"


def made(lang: str) -> dict[str, str]:
    """File name -> text of every notebook of the kit in a language."""
    files = [kits_own("notebooks") / f"{name}.ipynb" for name in (*NOTEBOOKS, PLAN)]
    return {file.name: in_one_language(file.read_text(encoding="utf-8"), lang) for file in files}


def init(folder: Path, lang: str) -> list[str]:
    """Makes a working folder, or what is missing of one; the files written. Nothing is overwritten. Raises InputError for a folder that
    cannot be one, or is one in the other language."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder.name}: is a file; allowed: a folder, or a name that is not there yet")
    if (before := language_of(folder)) not in (None, lang):
        raise InputError(f"{folder.name}: is a working folder in {before} already; allowed: --lang {before}, or another folder")
    for name in FOLDERS:
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / KEPT / "notebooks").mkdir(parents=True, exist_ok=True)
    tutorial = in_one_language((kits_own("tutorial") / TUTORIAL).read_text(encoding="utf-8"), lang)
    wanted = {"README.md": Words(lang)("bench.readme"), f"{KEPT}/lang": lang + "\n", TUTORIAL: tutorial}
    for name, text in made(lang).items():
        wanted |= {f"notebooks/{name}": text}
        if not (folder / "notebooks" / name).exists():
            wanted |= {f"{KEPT}/notebooks/{name}": text}
    written = [name for name in wanted if not (folder / name).exists()]
    for name in written:
        write_text(folder / name, wanted[name])
    return [name for name in written if not name.startswith(KEPT)]


def language_of(folder: Path) -> str | None:
    """The language of a working folder; None of any other."""
    try:
        return (folder / KEPT / "lang").read_text(encoding="utf-8").strip() or None
    except OSError:
        return None


def update(folder: Path) -> dict[str, list[str]]:
    """Brings the kit's newer notebooks into a working folder; state -> notebooks: `new` (brought in), `same` (nothing newer, or changed by
    the user alone), `conflict` (changed on both sides: the user's stays, the newer one is written beside it as NAME.new.ipynb).

    Raises InputError where the folder is no working folder.
    """
    if (lang := language_of(folder)) is None:
        raise InputError(f"{folder.name or '.'}: is no working folder; make one: hgdx-eval init FOLDER")
    told: dict[str, list[str]] = {"new": [], "same": [], "conflict": []}
    for name, text in made(lang).items():
        mine, base = folder / "notebooks" / name, folder / KEPT / "notebooks" / name
        own, came = (file.read_text(encoding="utf-8") if file.is_file() else None for file in (mine, base))
        if text in (own, came):
            told["same"].append(name)
        elif own is None or cells_of(own) == cells_of(came):
            write_text(mine, text)
            told["new"].append(name)
        else:
            write_text(mine.with_suffix(".new.ipynb"), text)
            told["conflict"].append(name)
        if text != came:
            write_text(base, text)
    return told


def open_lab(folder: Path) -> int:
    """JupyterLab on a folder, until it is closed; its exit code. Raises InputError where JupyterLab is not installed."""
    if importlib.util.find_spec("jupyterlab") is None:
        raise InputError("JupyterLab is not installed here: pip install jupyterlab")
    return subprocess.call(lab_command(folder), cwd=folder, env={**os.environ, **lab_environment()})


def lab_command(folder: Path) -> list[str]:
    """JupyterLab with the folder in view."""
    root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []  # in a container there may be no other user
    return [sys.executable, "-m", "jupyterlab", *root, f"--ServerApp.root_dir={folder.resolve()}"]


def lab_environment() -> dict[str, str]:
    """Variables by which JupyterLab finds the kit's defaults, which the user's own settings change: it asks no other machine for news."""
    before = os.environ.get("JUPYTER_CONFIG_PATH")
    return {"JUPYTER_CONFIG_PATH": os.pathsep.join([str(PACKAGE / "run" / "lab"), *([before] if before else [])])}


def cells_of(text: str | None) -> list[tuple[str, str]] | None:
    """What a notebook says, without what running and saving it leaves."""
    if text is None:
        return None
    return [(cell["cell_type"], "".join(cell["source"])) for cell in json.loads(text)["cells"]]


def language_here() -> str | None:
    """The language of the working folder that commands given here use; None elsewhere."""
    return language_of(own_folders("notebooks")[0].parent)


def spoken(langs: list[str]) -> list[str]:
    """Those of the languages in which the notebooks at hand are written. Raises InputError where that is none."""
    own = language_here()
    if own is None or own in langs:
        return langs if own is None else [own]
    raise InputError(f"--lang {','.join(langs)}: the notebooks of this working folder are in {own}; allowed: {own}")
