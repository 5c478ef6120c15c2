"""What there is: studies, portfolios, layouts of exports, methods, runs."""

from pathlib import Path

from ..base.own_files import own_folders
from ..study.domains import domains
from ..study.load import read_study, study_files, study_words
from ..study.portfolio import portfolio_files, read_portfolio
from ..study.vocabulary import estimator_names
from .run_records import last_good, runs_of
from .run_records import portfolios as portfolios_with_runs
from .run_records import studies as studies_with_runs


def listing(out: Path) -> dict[str, list[dict[str, str]]]:
    """Kind (studies, portfolios, layouts, methods, runs) -> a row each: its name and, of studies and portfolios, titles in both languages;
    of layouts, the domain; of methods, the name in both languages; of runs (below `out`), how many are complete and the newest one."""
    return {"studies": studies(), "portfolios": portfolios(), "layouts": layouts(), "methods": methods(), "runs": runs(out)}


def studies() -> list[dict[str, str]]:
    """Every study of the params folders, the first of a name; one that cannot be read says why."""
    from ..base.errors import InputError

    found = {}
    for folder in own_folders("params"):
        for file in study_files(folder):
            if file.stem in found:
                continue
            try:
                p = read_study(file, {})
                found[file.stem] = {"name": file.stem, **{lang: study_words(p, lang)("study.title") for lang in ("vi", "en")}}
            except InputError as error:
                found[file.stem] = {"name": file.stem, "wrong": str(error)}
    return list(found.values())


def portfolios() -> list[dict[str, str]]:
    """Every portfolio of the params folders, the first of a name; one that cannot be read says why."""
    from ..base.errors import InputError

    found = {}
    for file in [file for folder in own_folders("params")[::-1] for file in portfolio_files(folder)]:
        try:
            found[file.stem] = {"name": file.stem, **read_portfolio(file).title.model_dump()}
        except InputError as error:
            found[file.stem] = {"name": file.stem, "wrong": str(error)}
    return list(found.values())


def layouts() -> list[dict[str, str]]:
    return [{"name": "table"}, *({"name": name, "domain": domain.NAME} for domain in domains() for name in domain.layouts())]


def methods() -> list[dict[str, str]]:
    from ..study.words import Words

    return [{"name": name, **{lang: Words(lang)(f"tables.estimator_{name}") for lang in ("vi", "en")}} for name in estimator_names()]


def runs(out: Path) -> list[dict[str, str]]:
    return [{"name": study, "complete": str(sum(run.complete for run in runs_of(out / study))), "latest": last_good(out / study) or ""}
            for study in [*studies_with_runs(out), *portfolios_with_runs(out)]]  # fmt: skip


def told(found: dict[str, list[dict[str, str]]]) -> str:
    """For a terminal: a heading a kind, a line a row."""
    lines = []
    for kind, rows in found.items():
        width = max((len(row["name"]) for row in rows), default=0)
        lines += [f"{kind}:", *(f"  {row['name']:<{width}}  {' · '.join(list(row.values())[1:])}".rstrip() for row in rows)]
        lines += [] if rows else ["  none"]
    return "\n".join(lines)
