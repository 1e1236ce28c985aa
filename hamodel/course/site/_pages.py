"""Pages beside the lessons: how-tos, pictures with their code, facts, the reference.

A how-to is Markdown whose Python is run when the site is built, so that what a page
shows is what the package says today.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from html import escape
from pathlib import Path

from hamodel import catalogue
from hamodel.course.site._markdown import Markdown, code
from hamodel.course.site._stage import Stage, aside

_BLOCK = re.compile(r"(?ms)^```python\n(.*?)^```\n")
#: What each degree of confidence in `data/facts.csv` says to a reader.
CONFIDENCE = {
    "read": "read there",
    "read-secondary": "read in another work that names it",
    "derived": "derived from it",
    "recalled": "from memory, unchecked",
}


def documents(folder: Path) -> tuple[Path, ...]:
    """Return the documents that have a page of their own, if there is a folder."""
    beside = (folder / "gallery.md", folder / "validation" / "README.md")
    return (*sorted((folder / "howto").glob("*.md")), *filter(_is_file, beside))


def _is_file(path: Path) -> bool:
    return path.is_file()


def heading(path: Path) -> str:
    """Return the title of a document."""
    title = re.search(r"(?m)^# (.+)", path.read_text(encoding="utf-8"))
    return title[1] if title else path.stem


def body(path: Path, markdown: Markdown, show: Callable[[object], str]) -> str:
    """Return a document as HTML, with what its Python shows."""
    stage, parts = Stage(path, show), []
    with aside():
        for k, part in enumerate(_BLOCK.split(path.read_text(encoding="utf-8"))):
            if k % 2:
                parts.append(code(part) + stage.run(part, k // 2 + 1).html)
            else:
                parts.append(markdown(part))
    return "".join(parts)


def facts() -> str:
    """Return all facts with their sources, as HTML."""
    rows = "".join(_fact(fact) for fact in catalogue.facts())
    head = "<tr><th>Fact</th><th>What</th><th>Value</th><th>Source</th></tr>"
    return (
        "<h1>Facts and their sources</h1><p>Every number that a preset or a lesson "
        "takes from the world, and whether somebody has read it at its source."
        f'</p><div class="wide"><table class="facts"><thead>{head}</thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _fact(fact: catalogue.Fact) -> str:
    ends = [f"{end:g}" for end in (fact.low, fact.high) if end is not None]
    spread = f" ({' to '.join(ends)})" if ends else ""
    value = f"{fact.value:g}{spread} {fact.unit}" if fact.value is not None else ""
    source = f"{fact.source_org}: {fact.source_title} ({fact.year})"
    said = CONFIDENCE[fact.confidence]
    linked = (
        f'<a href="{escape(fact.url)}">{escape(source)}</a>'
        if fact.url.startswith("http")
        else escape(source)
    )
    return (
        f'<tr id="{fact.id}"><td>{fact.id}</td><td>{escape(fact.system)}: '
        f"{escape(fact.quantity)}<br><small>{escape(fact.conditions)}</small></td>"
        f"<td>{escape(value)}</td><td>{linked}<br><small>{escape(said)}</small></td></tr>"
    )


def reference(source: Path, output: Path) -> Path | None:
    """Write the API reference, from the docstrings, by Sphinx."""
    if not (source / "conf.py").is_file():
        return None
    try:
        from sphinx.cmd.build import build_main
    except ModuleNotFoundError:
        return None
    with tempfile.TemporaryDirectory(prefix="hamodel-api-") as folder:
        pages = ["-q", "-b", "html", "-c", str(source), "-d", f"{folder}/made"]
        texts = Path(folder) / "texts"
        texts.mkdir()
        status = build_main([*pages, str(texts), str(output / "api")])
    if status:
        raise ValueError(f"reference must build, got status {status} of Sphinx")
    return output / "api" / "index.html"
