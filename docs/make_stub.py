"""hgdx_eval/__init__.pyi, by which editors and type checkers know the verbs that the lazy package loads when they are first asked for.

    python docs/make_stub.py

It is made from the signatures and docstrings as they stand in the sources; tests/test_verbs.py says when it is stale.
"""

import ast
import builtins
import inspect
import sys
import textwrap
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(HOME))

import hgdx_eval  # noqa: E402

STUB = HOME / "hgdx_eval" / "__init__.pyi"
WIDTH = 140  # as in pyproject.toml
HEAD = "# Made by docs/make_stub.py from the sources; a change here is lost."
Names = dict[str, str]  # a name in an annotation -> the line that imports it


def stub() -> str:
    """The text of the stub."""
    needed: Names = {}
    bodies = []
    for verb in hgdx_eval.__all__:
        module = hgdx_eval.MODULE_OF[verb]
        tree = ast.parse((HOME / "hgdx_eval" / (module.replace(".", "/") + ".py")).read_text(encoding="utf-8"))
        node = next(node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name == verb)
        if isinstance(node, ast.ClassDef):
            add(needed, verb, f"from .{module} import {verb} as {verb}")
            continue
        known = importable(tree, module)
        for name in names_in(node):
            add(needed, name, known[name])
        bodies.append(function(node))
    listed = "\n".join(f'    "{verb}",' for verb in hgdx_eval.__all__)
    own = f"VERBS: dict[str, tuple[str, ...]]\nMODULE_OF: dict[str, str]\n__all__ = [\n{listed}\n]"
    return "\n\n".join([HEAD + "\n" + docstring(hgdx_eval.__doc__, ""), imports(needed), own, *bodies]) + "\n"


def add(needed: Names, name: str, line: str) -> None:
    """Raises ValueError where two verbs mean different things by one name."""
    if needed.setdefault(name, line) != line:
        raise ValueError(f"{name}: both {needed[name]!r} and {line!r}")


def importable(tree: ast.Module, module: str) -> Names:
    """Names of a module -> the lines by which the package itself would import them."""
    above, found = module.split(".")[:-1], {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            base = [*above[: len(above) + 1 - node.level], *filter(None, [node.module])] if node.level else [node.module]
            source = ("." if node.level else "") + ".".join(base)
            found |= {alias.asname or alias.name: f"from {source} import {renamed(alias)}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.asname or alias.name: f"import {renamed(alias)}" for alias in node.names}
    return found | {node.name: f"from .{module} import {node.name}" for node in tree.body if isinstance(node, ast.ClassDef)}


def renamed(alias: ast.alias) -> str:
    return f"{alias.name} as {alias.asname}" if alias.asname else alias.name


def names_in(node: ast.FunctionDef) -> list[str]:
    """Names in a function's annotations that must be imported."""
    annotations = [unquoted(argument) for argument in [*node.args.args, *node.args.kwonlyargs]] + [unquoted(node)]
    names = [part.id for annotation in annotations for part in ast.walk(annotation) if isinstance(part, ast.Name)]
    return [name for name in dict.fromkeys(names) if not hasattr(builtins, name)]


def unquoted(node: ast.arg | ast.FunctionDef) -> ast.expr:
    """An argument's or a function's annotation, which may be written as text."""
    found = node.returns if isinstance(node, ast.FunctionDef) else node.annotation
    if found is None:
        raise ValueError(f"line {node.lineno}: no annotation")
    return ast.parse(found.value, mode="eval").body if isinstance(found, ast.Constant) and isinstance(found.value, str) else found


def function(node: ast.FunctionDef) -> str:
    """Signature and docstring, the signature in one line where it fits."""
    arguments = node.args.args
    defaults = [None] * (len(arguments) - len(node.args.defaults)) + node.args.defaults
    told = [f"{argument.arg}: {ast.unparse(unquoted(argument))}" + (f" = {ast.unparse(default)}" if default is not None else "")
            for argument, default in zip(arguments, defaults, strict=True)]  # fmt: skip
    if (others := node.args.kwarg) is not None:
        told.append(f"**{others.arg}: {ast.unparse(unquoted(others))}")
    end = f") -> {ast.unparse(unquoted(node))}:"
    line = f"def {node.name}({', '.join(told)}{end}"
    if len(line) > WIDTH:
        line = "\n".join([f"def {node.name}(", *(f"    {part}," for part in told), end])
    return line + "\n" + docstring(ast.get_docstring(node), "    ")


def docstring(text: str | None, indent: str) -> str:
    text = inspect.cleandoc(text or "")
    quoted = f'"""{text}\n"""' if "\n" in text else f'"""{text}"""'
    return textwrap.indent(quoted, indent)


def imports(needed: Names) -> str:
    """Sections as ruff sorts them: the standard library, other packages, the package itself."""
    lines = sorted(set(needed.values()), key=lambda line: (not line.startswith("import "), line.split()[1], line))
    sections = ([], [], [])
    for line in lines:
        source = line.split()[1]
        sections[2 if source.startswith(".") else 0 if source.partition(".")[0] in sys.stdlib_module_names else 1].append(line)
    return "\n\n".join("\n".join(joined(section)) for section in sections if section)


def joined(lines: list[str]) -> list[str]:
    """One line per module; what is exported under its own name has its own."""
    found: dict[str, list[str]] = {}
    for line in lines:
        source, _, names = line.partition(" import ")
        found.setdefault(line if " as " in line else source, []).append(names)
    return [line if line.startswith("import ") or " as " in line else f"{line} import {', '.join(names)}" for line, names in found.items()]


if __name__ == "__main__":
    STUB.write_text(stub(), encoding="utf-8", newline="\n")
