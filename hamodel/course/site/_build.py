"""From notebooks to pages: links, shells, the index with the map."""

from __future__ import annotations

import argparse
import gzip
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from html import escape, unescape
from importlib.resources import files
from pathlib import Path
from urllib.parse import quote, unquote

import nbformat

from hamodel.course.lessons import LessonError, lessons
from hamodel.course.site import _pages
from hamodel.course.site._forms import Forms
from hamodel.course.site._markdown import Markdown, anchor, code
from hamodel.course.site._stage import Cell, play

MOST_BYTES = 150_000  # of a page, compressed as servers do: all that is fetched


@dataclass(frozen=True, kw_only=True)
class Head:
    """What the head of a notebook says: its title, and how long it takes."""

    path: Path
    title: str
    minutes: str

    @property
    def page(self) -> str:
        """The name of its page."""
        return f"{self.path.stem}.html"

    @property
    def number(self) -> str:
        """The number of the lesson; empty if it is none."""
        return number[0] if (number := re.match(r"\d\d(?=_)", self.path.name)) else ""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A row of the map: a lesson that is there, or is to come."""

    title: str
    asks: str
    minutes: str
    page: str = ""


def build(paths: Sequence[Path], output: Path) -> tuple[Path, ...]:
    """Write an index, a page for each notebook, and what they link to.

    Parameters
    ----------
    paths : sequence of Path
        Notebooks, or folders of notebooks.
    output : Path
        The folder to write to; it is made if need be.

    Raises
    ------
    LessonError
        If a cell raises, or what it shows cannot be put on a page.
    ValueError
        If there is no notebook, a link leads nowhere, or a page is too large.
    """
    heads = [head(path) for path in lessons(paths)]
    output = output.resolve()  # cells run in the folder of their notebook
    output.mkdir(parents=True, exist_ok=True)
    papers = _pages.documents(heads[0].path.resolve().parents[1] / "docs")
    site = _Site(heads=heads, output=output, papers=papers)
    lead = [site.lesson(each) for each in heads]
    beside = [site.document(path) for path in papers]
    facts = site.write("facts.html", "Facts and their sources", _pages.facts())
    return (site.index(), *lead, *beside, facts)


def head(path: Path) -> Head:
    """Return what the first cell of a notebook says."""
    first = nbformat.read(path, as_version=4).cells[0].source
    title = re.match(r"# (.+)", first)
    if title is None:
        raise ValueError(f"{path}: the first cell must begin with '# ', a title")
    minutes = re.search(r"\*(\d+) minutes\*", first)
    return Head(path=path, title=title[1], minutes=minutes[1] if minutes else "")


@dataclass(kw_only=True)
class _Site:
    """The pages of one build, which know of each other."""

    heads: Sequence[Head]
    output: Path
    papers: Sequence[Path] = ()
    _found: list[tuple[str, str, str]] = field(default_factory=list)
    _files: dict[Path, str] = field(default_factory=dict)  # linked to: under what name

    def __post_init__(self) -> None:
        for path in self.papers:
            self._files[path] = self._name(path)

    def document(self, path: Path) -> Path:
        """Write the page of a document."""
        markdown = Markdown(partial(self._link, path))
        body = _pages.body(path, markdown, Forms(_formatter()))
        return self.write(self._files[path], _pages.heading(path), body)

    def lesson(self, each: Head) -> Path:
        """Write the page of a notebook."""
        markdown = Markdown(partial(self._link, each.path))
        cells = play(each.path, Forms(_formatter()))
        try:
            parts = [_part(cell, markdown) for cell in cells]
        except ValueError as error:
            raise ValueError(f"{each.path}: {error}") from error
        lab = self.output / "lab" / "lab" / "index.html"
        run = _RUN.format(name=quote(each.path.name)) if lab.is_file() else ""
        body = "".join(parts).replace("<h2", _contents(cells) + run + "<h2", 1)
        place = self.heads.index(each)
        around = (self._beside(place - 1, "←"), self._beside(place + 1, "→"))
        return self.write(each.page, each.title, body, around)

    def index(self) -> Path:
        """Write the page with the map."""
        lead = "".join(_row(entry) for entry in _map(self.heads))
        rest = "".join(_row(_entry(each)) for each in self.heads if not each.number)
        beside = f'<h2>Beside the lessons</h2><ul class="map">{rest}</ul>'
        asked = "".join(
            _LINK.format(page=self._files[path], name=escape(_pages.heading(path)))
            for path in self.papers
        )
        made = (self.output / "api" / "index.html").is_file()
        asked += _LINK.format(page="facts.html", name="Facts and their sources")
        asked += _LINK.format(page="api/index.html", name="API reference") * made
        listed = "".join(
            f'<li><a href="{page}#{quote(part)}">{escape(name)}</a>'
            f" <small>{escape(title)}</small></li>"
            for page, part, name, title in self._sections()
        )
        search = _SEARCH.format(listed=listed)
        body = (
            f"{_asset('landing.html')}<h2>How do I …</h2><ul>{asked}</ul>{search}"
            f'<h2 id="Lessons">The course</h2>{_WELCOME}<ul class="map">{lead}</ul>'
        ) + (beside if rest else "")
        return self.write("index.html", "How long will a failover take?", body)

    def _sections(self) -> list[tuple[str, str, str, str]]:
        """Return page, anchor, heading and title of every section written so far."""
        return [
            (page, unescape(part), unescape(re.sub("<[^>]*>", "", name)), title)
            for page, title, body in self._found
            for part, name in _HEADING.findall(body)
        ]

    def write(
        self, name: str, title: str, body: str, around: Iterable[str] = ()
    ) -> Path:
        """Write a page and return its path."""
        text = _SHELL.format(
            title=escape(title),
            style=_asset("page.css"),
            script=_asset("page.js"),
            body=body,
            around="".join(around),
        )
        if (size := len(gzip.compress(text.encode(), 6))) > MOST_BYTES:
            most = f"at most {MOST_BYTES:,} bytes when compressed"
            raise ValueError(f"{name} must be {most}, got {size:,}")
        self._found.append((name, title, body))
        path = self.output / name
        path.write_text(text, encoding="utf-8")
        return path

    def _beside(self, place: int, arrow: str) -> str:
        if not 0 <= place < len(self.heads):
            return "<span></span>"
        each = self.heads[place]
        title = escape(each.title)
        text = f"{arrow} {title}" if arrow == "←" else f"{title} {arrow}"
        return f'<a href="{each.page}">{text}</a>'

    def _link(self, notebook: Path, target: str) -> str:
        """Return where a link of a notebook leads on the site."""
        if re.match(r"[a-z]+:|#|$", target):
            return target
        name, _, part = target.partition("#")
        part = f"#{part}" if part else ""
        path = (notebook.parent / unquote(name)).resolve()
        if page := self._page(path):
            return page + part
        if not path.is_file():
            raise ValueError(f"link must lead to a file, got {target!r}")
        if path.suffix == ".svg":
            return "data:image/svg+xml," + quote(path.read_text(encoding="utf-8"))
        if path not in self._files:
            self._files[path] = self._name(path)
            self._bring(path)
        return quote(self._files[path]) + part

    def _page(self, path: Path) -> str:
        there = (each.page for each in self.heads if each.path.resolve() == path)
        return next(there, "")

    def _name(self, path: Path) -> str:
        """Return a name, not yet taken, for a file that is linked to."""
        stem, folder, suffix = path.stem, "files/", path.suffix
        if suffix == ".md":
            stem, folder, suffix = f"{path.parent.name}-{stem}".lower(), "", ".html"
        stems = (stem, *(f"{stem}-{number}" for number in range(2, 1000)))
        names = (f"{folder}{each}{suffix}" for each in stems)
        return next(name for name in names if name not in self._files.values())

    def _bring(self, path: Path) -> None:
        """Copy a file that is linked to; Markdown becomes a page."""
        place = self.output / self._files[path]
        if path.suffix != ".md":
            place.parent.mkdir(exist_ok=True)
            shutil.copyfile(path, place)
            return
        text = path.read_text(encoding="utf-8")
        title = re.search(r"(?m)^# (.+)", text)
        name = title[1] if title else path.stem
        self.write(place.name, name, Markdown(partial(self._link, path))(text))


def _part(cell: Cell, markdown: Markdown) -> str:
    """Return a cell as HTML: code that only leads to something to move is folded."""
    if not cell.code:
        return markdown(_TO_RUN.sub("Type your answer and press *Check*", cell.source))
    shown = code(cell.source)
    if cell.live:
        folded = f"<summary>Code</summary>{shown}"
        return f'{cell.html}<details class="fold">{folded}</details>'
    return shown + cell.html


def _contents(cells: Iterable[Cell]) -> str:
    """Return links to the sections of a page."""
    text = "\n".join(cell.source for cell in cells if not cell.code)
    names = re.findall(r"(?m)^## (.+)$", text)
    items = "".join(
        f'<li><a href="#{quote(anchor(name))}">{escape(name)}</a></li>'
        for name in names
    )
    if not items:
        return ""
    return f'<nav class="contents" aria-label="On this page"><ul>{items}</ul></nav>'


def _map(heads: Sequence[Head]) -> list[Entry]:
    """Return the rows of the map that a notebook holds, and lessons that it lacks."""
    found, entries = {each.number: each for each in heads if each.number}, {}
    for number, title, asks, minutes in _rows(heads):
        there = found.get(number)
        entries[number] = Entry(
            title=there.title if there else f"{number} · {title}",
            asks=asks,
            minutes=minutes,
            page=there.page if there else "",
        )
    more = {number: _entry(each) for number, each in found.items()}
    return [entry for _, entry in sorted((more | entries).items())]


def _entry(each: Head) -> Entry:
    return Entry(title=each.title, asks="", minutes=each.minutes, page=each.page)


def _rows(heads: Sequence[Head]) -> list[tuple[str, str, str, str]]:
    """Return number, title, question and minutes of each row of the map's table."""
    for each in heads:
        for cell in nbformat.read(each.path, as_version=4).cells:
            if cell.cell_type == "markdown" and cell.source.startswith("## Map"):
                return _ROW.findall(re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", cell.source))
    return []


def _row(entry: Entry) -> str:
    title = escape(entry.title)
    name = f'<a href="{entry.page}">{title}</a>' if entry.page else title
    time = f"{entry.minutes} min" if entry.minutes else ""
    asks = escape(entry.asks) if entry.page else f"{escape(entry.asks)} (to come)"
    return (
        f'<li><span class="name">{name}</span>'
        f'<span class="minutes">{time}</span>'
        f'<span class="asks">{asks} <b data-page="{entry.page}"></b></span></li>'
    )


def _formatter() -> Callable[[object], Mapping[str, str]]:
    from IPython.core.formatters import DisplayFormatter

    display = DisplayFormatter()
    return lambda shown: display.format(shown)[0]


def _asset(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the site and say where it is.

    Parameters
    ----------
    arguments : sequence of str, optional
        Command-line arguments; those of the process by default.

    Returns
    -------
    int
        The exit status: 1 if a notebook is at fault.
    """
    parser = argparse.ArgumentParser(prog="python -m hamodel.course.site")
    parser.add_argument("paths", nargs="*", type=Path, default=[Path("notebooks")])
    parser.add_argument("--output", type=Path, default=Path("site"))
    options = parser.parse_args(arguments)
    try:
        _pages.reference(Path("docs/api"), options.output)
        pages = build(options.paths, options.output)
    except (LessonError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for page in pages:
        sys.stdout.write(f"{page}: {page.stat().st_size / 1000:,.0f} kB\n")
    sys.stdout.write(f"Open {pages[0].resolve().as_uri()}\n")
    return 0


_ROW = re.compile(r"(?m)^\| (?:○ )?(\d\d) ([^|]+?) \| ([^|]+?) \| (\d+) \|$")
_LINK = '<li><a href="{page}">{name}</a></li>'
_TO_RUN = re.compile(r"Replace `None` and run the cell")  # said where cells can run
_RUN = """<p class="run"><a href="lab/lab/index.html?path={name}">Run this lesson
here</a>, in the browser; a Python of 20 MB and more is loaded then.</p>"""
_HEADING = re.compile(r'(?s)<h2 id="([^"]+)">(.*?)</h2>')
_SEARCH = """<h2 id="search">Search</h2><p><label for="find">A word of a heading</label>
<input type="search" id="find" autocomplete="off"></p>
<ul class="found" hidden>{listed}</ul>"""
_WELCOME = """<p>What redundancy buys, in minutes, in lost writes and in milliseconds.
Each lesson asks a question, takes your guess, and then lets you move the model.</p>
<p>Nothing is fetched: pictures move by their sliders, guesses and answers are kept by
your browser alone. To run the code: <code>make lab</code>.</p>"""
_SHELL = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>{title} · hamodel</title>
<style>
{style}</style>
</head>
<body>
<a class="skip" href="#content">To the content</a>
<header class="top"><a class="home" href="index.html">hamodel · the course</a>
<nav class="how" aria-label="Site">
<a href="index.html#Lessons">Lessons</a> <a href="index.html#search">Search</a></nav>
</header>
<main id="content">
{body}
</main><footer class="bottom">{around}</footer>
<script>
{script}</script>
</body>
</html>
"""
