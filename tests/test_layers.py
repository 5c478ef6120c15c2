"""The architecture: a module imports only modules to its left, and nothing but `words` and what comes after it speaks."""

import ast
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "hgdx_eval"
LINE = [
    "errors", "telling", "machine", "signals", "printed", "progress", "aside", "deadline", "fetch", "origin", "yaml_strict", "periods", "workdays", "memo", "optional", "workfolder", "hashes", "published", "notebook_files", "workbooks", "files", "spool", "facts", "names", "words", "readers", "procedures", "results",
    "estimators_list", "synth", "synth_export", "params", "data_files", "told", "disclose", "dossiers", "panel", "receipt", "remember", "signs", "designs", "inference", "fixed_effects", "bacon", "synthetic", "estimators",
    "heterogeneity", "bounds", "compare", "fieller", "cost", "payment", "specification", "wild", "randomization", "gate", "sensitivity", "sequential", "warning_signs",
    "verdict", "checks", "fixes", "robustness", "scorecard", "places", "who", "register", "release",
    "formulas", "tables", "figures", "charts", "charts_districts", "charts_methods", "charts_robustness", "charts_cost", "charts_payment", "report", "recording", "story", "threats", "document", "side_by_side", "show_robustness", "show_cost", "show_payment", "show_who", "charts_who", "show_scorecard",
    "check", "office", "ledger", "told_before", "charts_history", "run_history", "differences", "kernel_parent", "forked", "forked_kernel", "execute", "publish", "runs", "verify", "alert", "prune", "cli", "__main__",
]  # fmt: skip
BACK = {("synth", "synth_export"), ("params", "estimators"), ("synth_export", "synth")}  # a list of names; two halves


def modules():
    for file in sorted(PACKAGE.rglob("*.py")):
        parts = file.relative_to(PACKAGE).with_suffix("").parts
        yield parts[0], file


def imports(file):
    depth = len(file.relative_to(PACKAGE).parts)
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == depth:
            yield from [node.module.split(".")[0]] if node.module else [name.name for name in node.names]


def test_every_module_has_its_place_in_the_line():
    assert {name for name, _ in modules()} - {"__init__", "locale", "template"} <= set(LINE)


def test_imports_point_to_the_left():
    wrong = [(name, other) for name, file in modules() if name in LINE for other in imports(file)
             if other in LINE and LINE.index(other) > LINE.index(name) and (name, other) not in BACK]  # fmt: skip
    assert wrong == []


def test_what_comes_before_an_estimate_knows_no_language():
    wordless = LINE[: LINE.index("tables")]
    speaking = [(name, other) for name, file in modules() if name in wordless and name not in ("params", "words")
                for other in imports(file) if other == "words"]  # fmt: skip
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

    assert not {verb for verbs in VERBS.values() for verb in verbs} & {name for name, _ in modules()}
    assert set(VERBS) <= {file.stem for _, file in modules()} | {"estimators"}
