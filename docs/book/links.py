"""Checks a built site: every internal link ends somewhere, nothing loads from the network."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADS = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}
NO_LOAD = {"canonical", "next", "prev", "search", "index", "author", "license"}  # of <link>
REMOTE = r"(?i)(?:https?:)?//"
CSS_REMOTE = r"(?i)(?:url\(\s*['\"]?|@import\s+['\"])((?:https?:)?//[^'\")\s]+)"


@dataclass(slots=True)
class Page(HTMLParser):
    """What one page offers as targets, links to, and loads."""

    ids: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        HTMLParser.__init__(self)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.ids |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        is_hint = tag == "link" and set(given.get("rel", "").split()) & NO_LOAD
        if tag in LOADS and LOADS[tag] in given and not is_hint:
            self.loads.append(given[LOADS[tag]])


def read(file: Path) -> Page:
    """Parse a page."""
    page = Page()
    page.feed(file.read_text(encoding="utf-8"))
    return page


def problems(site: Path) -> list[str]:
    """Every dead internal link and every remote asset of a site, one sentence each."""
    files = sorted(site.resolve().rglob("*.html"))
    pages = {f: read(f) for f in files if "_static" not in f.parts}  # the theme's templates
    found = []
    for file, page in pages.items():
        name = file.relative_to(site.resolve())
        for link in page.links + page.loads:
            if wrong := dead(link, file, pages):
                found.append(f"{name}: {wrong}")
        found += [f"{name}: loads {x} from the network" for x in page.loads if is_remote(x)]
    for file in sorted(site.rglob("*.css")):
        remote = re.findall(CSS_REMOTE, file.read_text(encoding="utf-8"))
        found += [f"{file.relative_to(site)}: loads {url} from the network" for url in remote]
    return found


def is_remote(link: str) -> bool:
    """Whether a link leaves the site."""
    return bool(re.match(REMOTE, link))


def dead(link: str, file: Path, pages: dict[Path, Page]) -> str | None:
    """What is wrong with an internal link on a page, or None."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return None
    target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
    if not target.is_file():
        return f"{link} leads to no file"
    anchor = unquote(parts.fragment)
    if anchor and target in pages and anchor not in pages[target].ids:
        return f"{link} leads to no place on its page"
    return None
