"""What the repository says already: its Markdown as it stands, the README by its parts, links made to fit."""

import os
import re
from pathlib import Path, PurePosixPath

PARTS = ("Your own data", "How sure")  # parts of the README that are pages of their own; the others stand on the first page
WHOLE = ("ARCHITECTURE", "GLOSSARY", "CONTRIBUTING", "CHANGELOG", "SECURITY")
LINK = re.compile(r"(!?\[(?:[^\[\]]|\[[^\]]*\])*\])\(([^)\s]+)\)")
LEAD = re.compile(r"(?<!\n)\n(?=\*\*[A-Z])")  # where a part of a decision begins
FENCED = re.compile(r"^(```+|~~~+).*?^\1[ ]*$", re.M | re.S)
CODE = re.compile(r"(?<![\[`])`([^`\n]+)`(?![`\]])")
TUTORIAL = "* [Bài thực hành](tutorial/tutorial.vi.md) · [Tutorial](tutorial/tutorial.en.md)\n"
VIETNAMESE = "---\nlang: vi\n---\n\n"


def pages(home: Path) -> dict[str, str]:
    """Page -> Markdown of everything that the repository has in Markdown."""
    found = readme_parts((home / "README.md").read_text(encoding="utf-8"))
    found |= {name: (home / f"{name}.md").read_text(encoding="utf-8") for name in WHOLE}
    for file in sorted([*home.glob("docs/*.md"), *home.glob("docs/decisions/*.md"), *home.glob("docs/guides/*.md")]):
        text = in_both(file, file.read_text(encoding="utf-8"))
        if file.parent.name == "decisions":
            text = LEAD.sub("\n\n", text)
        found[file.relative_to(home).with_suffix("").as_posix()] = (VIETNAMESE if file.stem.endswith(".vi") else "") + text
    found["docs/decisions/index"] = listed("Decisions", "What was chosen, what it costs, and when to look again.", found, "docs/decisions/")
    found["index"] = found["index"] + "\n## Cho ai · For whom\n\n" + TUTORIAL + guides(found) + "\n".join([
        "* [For whom keeps the scheduler](docs/scheduling.md)", "* [Every method, with its formula and source](methods/index.md)",
        "* [Charts that the kit draws](gallery/index.md), and a whole report of made-up data: "
        '<a href="demonstration/report.vi.html">tiếng Việt</a>, <a href="demonstration/report.en.html">English</a>', ""])  # fmt: skip
    return found


def readme_parts(text: str) -> dict[str, str]:
    """The README's parts: `index` and those that are pages of their own."""
    first, *parts = re.split(r"^## (?=\S)", text, flags=re.M)
    found = {"index": first}
    for part in parts:
        title, _, body = part.partition("\n")
        if title in PARTS:
            found[slug(title)] = f"# {title}\n{body}"
        elif "studies" in title:
            found["studies/more"] = f"# {title}\n{body}"
        else:
            found["index"] += f"## {part}"
    return found


def slug(text: str) -> str:
    """As the anchors of headings are named: letters and digits, the rest a hyphen."""
    return re.sub(r"[^\w]+", "-", text.lower()).strip("-")


def title_of(text: str) -> str:
    found = re.search(r"^# (.+)$", text, re.M)
    return found[1] if found else ""


def bullets(found: dict[str, str], folder: str) -> str:
    return "".join(
        f"* [{title_of(text)}]({name}.md)\n"
        for name, text in sorted(found.items())
        if name.startswith(folder) and not name.endswith("/index")
    )


def in_both(file: Path, text: str) -> str:
    """A page in one language, with a way to the other below its title."""
    stem, _, lang = file.stem.partition(".")
    other = file.with_name(f"{stem}.{'en' if lang == 'vi' else 'vi'}.md")
    if not lang or not other.exists():
        return text
    return re.sub(r"^(# .+\n)", rf"\1\n[{'English' if lang == 'vi' else 'Tiếng Việt'}]({other.name})\n", text, count=1, flags=re.M)


def guides(found: dict[str, str]) -> str:
    """A line for every guide, in both languages where it has both."""
    lines: dict[str, list[str]] = {}
    for name in sorted((name for name in found if name.startswith("docs/guides/")), reverse=True):
        lines.setdefault(name.partition(".")[0], []).append(f"[{title_of(found[name])}]({name}.md)")
    return "".join(f"* {' · '.join(line)}\n" for _, line in sorted(lines.items()))


def listed(title: str, about: str, found: dict[str, str], folder: str) -> str:
    """The index of a folder: a line for each of its pages."""
    own = {name.removeprefix(folder): text for name, text in found.items() if name.startswith(folder)}
    return f"# {title}\n\n{about}\n\n" + bullets(own, "")


class Links:
    """Links of a page as the site needs them. What a page names in backticks and is a page itself (a file, a verb, a command, a method) is
    linked too. `files`: what of the repository must lie beside the pages. Raises ValueError for a link to nothing."""

    def __init__(self, home: Path, pages: dict[str, str], anchors: dict[str, str]):
        self.home, self.names, self.anchors, self.files = home, set(pages), anchors, set()

    def of(self, page: str, text: str) -> str:
        """The text with its links, fenced code and headings left as they are."""
        done, at = [], 0
        for fence in FENCED.finditer(text):
            done += [self.prose(page, text[at : fence.start()]), fence[0]]
            at = fence.end()
        return "".join([*done, self.prose(page, text[at:])])

    def prose(self, page: str, text: str) -> str:
        lines = []
        for line in text.split("\n"):
            line = LINK.sub(lambda found: f"{found[1]}({self.target(page, found[2])})", line)
            lines.append(line if line.startswith("#") else CODE.sub(lambda found: self.code(page, found), line))
        return "\n".join(lines)

    def target(self, page: str, link: str) -> str:
        if re.match(r"[a-z]+:|#", link):
            return link
        path, _, anchor = link.partition("#")
        path = os.path.normpath(PurePosixPath(page).parent / path).replace(os.sep, "/")
        return self.near(page, self.place(path, page)) + (f"#{anchor}" if anchor else "")

    def place(self, path: str, page: str) -> str:
        """Where the site has a path of the repository."""
        name = path.removesuffix(".md")
        if name == "README":
            return "index.md"
        if name in self.names:
            return f"{name}.md"
        lang = "vi" if page.endswith(".vi") else "en"
        if path.endswith(".ipynb") and f"{path[:-6]}.{lang}" in self.names:
            return f"{path[:-6]}.{lang}.md"
        if f"{path}/index" in self.names:
            return f"{path}/index.md"
        if (self.home / path).is_dir():
            for file in sorted((self.home / path).iterdir()):
                self.files.add(file.relative_to(self.home).as_posix())
            return min(file for file in self.files if file.startswith(path + "/"))
        if not (self.home / path).is_file():
            raise ValueError(f"{page}: links to {path}, which is no page and no file of the repository")
        self.files.add(path)
        return path

    def near(self, page: str, place: str) -> str:
        return os.path.relpath(place, PurePosixPath(page).parent.as_posix() or ".").replace(os.sep, "/")

    def code(self, page: str, found: re.Match) -> str:
        """A piece of code, linked where there is a page of it, and not of this page itself."""
        if found[1].startswith("hg.") and (verb := self.anchors.get(known(found[1]))):
            return found[0] if verb.partition("#")[0] == f"{page}.md" else f"{{py:obj}}`{found[1]} <{verb.partition('#')[2]}>`"
        name = found[1].removesuffix(".md")
        place = self.anchors.get(known(found[1])) or (f"{name}.md" if name in self.names and found[1].endswith(".md") else None)
        if place is None or place.partition("#")[0] == f"{page}.md":
            return found[0]
        return f"[`{found[1]}`]({self.near(page, place)})"


def known(code: str) -> str:
    """What a piece of code is about: `hg.evaluate(design, p)` a verb, `hgdx-eval run STUDY` a command."""
    if verb := re.match(r"hg\.\w+", code):
        return verb[0]
    if command := re.match(r"hgdx-eval [a-z]+", code):
        return command[0]
    return code
