"""The architecture: import contracts (pyproject.toml), no language before the report, functions of a screen."""

import ast
import importlib.util
import tomllib
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "hgdx_eval"
ROOMS = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"][0]["layers"]


def modules():
    """(module below the package, file)."""
    for file in sorted(PACKAGE.rglob("*.py")):
        parts = file.relative_to(PACKAGE).with_suffix("").parts
        yield ".".join(part for part in parts if part != "__init__"), file


def imports(name, file):
    """The modules below the package that a file imports, wherever in it."""
    above = name.split(".") if file.name == "__init__.py" else name.split(".")[:-1]
    known = {other for other, _ in modules()}
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = [*above[: len(above) + 1 - node.level], *(node.module or "").split(".")]
            base = ".".join(part for part in base if part)
            for alias in node.names:
                inner = f"{base}.{alias.name}".strip(".")
                yield inner if inner in known else base


def test_the_import_contracts_are_kept(monkeypatch, capsys):
    """A room imports only those below it, nothing but the command line the domain, no circle: what is only for type checkers counts too."""
    from importlinter.cli import lint_imports

    monkeypatch.chdir(PACKAGE.parent)
    assert lint_imports(no_cache=True) == 0, capsys.readouterr().out


def test_the_picture_of_the_house_is_what_the_imports_say():
    spec = importlib.util.spec_from_file_location("draw_house", PACKAGE.parent / "docs" / "draw_house.py")
    drawing = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(drawing)
    assert drawing.picture() == (PACKAGE.parent / "docs" / "house.svg").read_text(encoding="utf-8"), "stale: python docs/draw_house.py"


def test_what_comes_before_the_report_knows_no_language():
    wordless = ROOMS[ROOMS.index("report") + 1 :]
    speaking = [(name, other) for name, file in modules() if name.partition(".")[0] in wordless and not name.startswith("study.")
                for other in imports(name, file) if other == "study.words"]  # fmt: skip
    assert speaking == []


def test_functions_fit_on_a_screen():
    lengths = []
    for _, file in modules():
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                lengths.append((node.end_lineno - node.lineno + 1, f"{file.name}:{node.name}"))
    lengths.sort()
    assert lengths[int(0.9 * len(lengths))][0] <= 40
    assert lengths[-1][0] <= 70, lengths[-1]


def test_public_functions_of_the_package_say_what_they_do():
    silent = []
    for name, file in modules():
        tree = ast.parse(file.read_text(encoding="utf-8"))
        if not ast.get_docstring(tree) and name not in ("__main__", "locale") and file.stat().st_size:
            silent.append(file.name)
    assert silent == []


def test_no_verb_of_the_notebooks_hides_behind_a_module_of_its_name():
    from hgdx_eval import VERBS

    assert not {verb for verbs in VERBS.values() for verb in verbs} & set(
        ROOMS
    )  # a room that was imported stands under its name in the package
    assert set(VERBS) <= {name for name, _ in modules()}
