"""The pages of the documentation site, made from the repository: Markdown for Sphinx (conf.py beside this file turns it into HTML).

    python docs/site/make_pages.py FOLDER RUNS

Nothing is written twice: files of the repository are taken as they are (repository_pages.py), studies, methods, keys, commands and verbs
are asked of the code (code_pages.py), charts are drawn by a run of the demonstration (chart_pages.py), the tutorial is executed
(tutorial_pages.py). What comes new joins by existing.
"""

import shutil
import sys
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(HOME), str(Path(__file__).parent)]

import chart_pages  # noqa: E402
import code_pages  # noqa: E402
import repository_pages  # noqa: E402
import tutorial_pages  # noqa: E402

Pages = dict[str, str]  # path without .md, from the site's first folder -> Markdown
MENUS = {  # caption -> pages and folders, in order; a folder stands for all of its pages
    "Bắt đầu · Begin": ["tutorial/", "docs/guides/", "docs/scheduling"],
    "Tra cứu · Reference": [
        "your-own-data", "studies/", "methods/", "keys", "commands/", "verbs/", "gallery/", "GLOSSARY", "docs/scorecard", "docs/places",
        "docs/portfolios",
    ],
    "Độ tin cậy · How sure": ["how-sure", "docs/coverage", "docs/bias", "docs/worlds", "docs/warnings", "docs/faults"],
    "Dự án · Project": ["ARCHITECTURE", "docs/decisions/", "CONTRIBUTING", "CHANGELOG", "SECURITY"],
}  # fmt: skip


def in_menus(pages: Pages) -> dict[str, list[str]]:
    """Caption -> pages, an index standing for its folder; what no menu names comes at the end of the last."""
    heads = {name for name in pages if name.endswith("/index")}
    inside = {name for name in pages for head in heads if name != head and name.startswith(head.removesuffix("index"))}
    found: dict[str, list[str]] = {}
    for caption, wanted in MENUS.items():
        found[caption] = []
        for entry in wanted:
            own = [
                name for name in sorted(pages) if name == entry or (entry.endswith("/") and name.startswith(entry) and name not in inside)
            ]
            found[caption] += own
    named = {name for names in found.values() for name in names}
    found[list(MENUS)[-1]] += [name for name in sorted(pages) if name not in named | inside | {"index"}]
    return found


def with_menus(pages: Pages) -> Pages:
    """The first page with every menu, and the index of a folder with its pages."""
    made = dict(pages)
    for caption, names in in_menus(pages).items():
        made["index"] += f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n" + "\n".join(names) + "\n```\n"
    for head in [name for name in pages if name.endswith("/index")]:
        folder = head.removesuffix("index")
        inside = [name.removeprefix(folder) for name in sorted(pages) if name.startswith(folder) and name != head]
        made[head] += "\n```{toctree}\n:hidden:\n\n" + "\n".join(inside) + "\n```\n"
    return made


def main(target: Path, work: Path) -> None:
    """Writes all pages and what they show into `target`, which is made anew; `work` keeps the run of the demonstration for next time."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    pages = repository_pages.pages(HOME) | code_pages.pages(HOME) | chart_pages.pages(HOME, work, target) | tutorial_pages.pages()
    linked = repository_pages.Links(HOME, pages, code_pages.anchors(pages))
    for name, text in with_menus(pages).items():
        file = target / f"{name}.md"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(linked.of(name, text), encoding="utf-8", newline="\n")
    for file in sorted(linked.files):
        (target / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(HOME / file, target / file)
    for name in ("conf.py", "site.css"):
        shutil.copy(Path(__file__).parent / name, target)
    print(f"{len(pages)} pages, {len(linked.files)} files of the repository", file=sys.stderr)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
