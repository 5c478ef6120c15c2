"""The architecture: a room imports only rooms above it, and what comes before the report knows no language."""

import ast
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "hgdx_eval"
ROOMS = ["base", "study", "read", "panel", "design", "estimation", "estimators", "infer", "release", "evaluation", "report", "run", "vietnam",
         "cli"]  # fmt: skip
KNOWN = {  # arrows that point down the list, to be cut
    ("design.design", "vietnam.facts"), ("estimators.interrupted_time_series", "vietnam.calendar"),
    ("evaluation.warning_signs", "vietnam.facts"), ("evaluation.without_threat", "vietnam.facts"), ("panel.panel", "vietnam.calendar"),
    ("panel.panel", "vietnam.count_dossiers"), ("panel.panel", "vietnam.facts"), ("panel.panel", "vietnam.fee_schedule"),
    ("panel.panel", "vietnam.layouts"), ("panel.panel", "vietnam.layouts.opencps_dossiers"), ("panel.panel", "vietnam.unit_names"), ("read.sources", "vietnam.made_up_world"),
    ("read.tidy", "vietnam.layouts"), ("release.release", "vietnam.questions.cost"), ("release.release", "vietnam.questions.payment"),
    ("report.answer", "vietnam.facts"), ("report.answer", "vietnam.layouts"), ("report.answer", "vietnam.unit_names"),
    ("report.charts.groups", "vietnam.facts"), ("report.threats", "vietnam.facts"), ("run.kernels.parent", "vietnam.facts"),
    ("run.receipt", "vietnam.facts"), ("run.run", "vietnam.questions.places"), ("run.run", "vietnam.questions.scorecard"),
    ("study.study", "estimators"), ("study.study", "read.tables"), ("study.study", "vietnam.facts"), ("study.study", "vietnam.layouts"),
}  # fmt: skip


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


def test_every_module_lies_in_a_room():
    assert {name.partition(".")[0] for name, _ in modules()} - {"", "__main__", "locale"} == set(ROOMS)


def test_a_room_imports_only_rooms_above_it():
    def floor(name):
        return ROOMS.index(name.partition(".")[0])

    wrong = {(name, other) for name, file in modules() if name.partition(".")[0] in ROOMS for other in imports(name, file)
             if other.partition(".")[0] in ROOMS and floor(other) > floor(name)}  # fmt: skip
    assert wrong == KNOWN


def test_what_comes_before_the_report_knows_no_language():
    wordless = ROOMS[: ROOMS.index("report")]
    speaking = [(name, other) for name, file in modules() if name.partition(".")[0] in wordless and name not in ("study.study", "study.words")
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

    assert not {verb for verbs in VERBS.values() for verb in verbs} & set(ROOMS)  # a room that was imported stands under its name in the package
    assert set(VERBS) <= {name for name, _ in modules()}
