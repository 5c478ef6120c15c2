"""Whether a built site holds together: every link inside it leads somewhere, and no page asks anything of another machine.

python docs/site/check_site.py FOLDER
"""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {"src", "srcset", "poster", "data", "action", "background"}  # attributes by which a page asks for something
REMOTE = re.compile(r"\s*(?:https?:)?//", re.I)
IN_STYLE = re.compile(r"(?:url\(\s*|@import\s+)['\"]?\s*((?:https?:)?//[^'\")\s]+)", re.I)


class Page(HTMLParser):
    """What a page links to, what it loads, and the places in it that can be linked to."""

    def __init__(self, text: str):
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = IN_STYLE.findall(text)
        self.places: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        for key, value in attributes:
            if key in ("id", "name") and value:
                self.places.add(value)
            elif key == "href" and value and tag == "a":
                self.links.append(value)
            elif value and (key in LOADED or (key == "href" and tag in ("link", "image", "use"))):
                self.loads.append(value)


def faults(site: Path) -> list[str]:
    """A line for everything that is wrong with the site in a folder."""
    pages = {file: Page(file.read_text(encoding="utf-8")) for file in sorted(site.rglob("*.html"))}
    found = [] if pages else [f"{site.name}: no page"]
    for file, page in pages.items():
        name = file.relative_to(site).as_posix()
        found += [f"{name}: loads {load} from elsewhere" for load in page.loads if REMOTE.match(load)]
        found += [f"{name}: {link}: {why}" for link in dict.fromkeys(page.links + page.loads) if (why := dead(file, link, pages))]
    for style in sorted(site.rglob("*.css")):
        found += [f"{style.relative_to(site)}: loads {load}" for load in IN_STYLE.findall(style.read_text(encoding="utf-8"))]
    return found


def dead(file: Path, link: str, pages: dict[Path, Page]) -> str:
    """Why a link of a file inside the site leads nowhere; "" where it does not, or leads outside."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return ""
    target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
    if not target.is_file():
        return "no such file"
    if parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].places:
        return "no such place in it"
    return ""


if __name__ == "__main__":
    wrong = faults(Path(sys.argv[1]).resolve())
    print("\n".join(wrong), file=sys.stderr, end="\n" if wrong else "")
    sys.exit(bool(wrong))
