"""The site, built once for all the tests that look at it."""

import functools
import tempfile
from pathlib import Path

from hamodel.course import site
from tests.support.notebook_stage import ALL, ROOT

_FOLDER = tempfile.TemporaryDirectory(prefix="hamodel-site-")


@functools.cache
def built():
    """Return {name: page} of the site of all notebooks."""
    output = Path(_FOLDER.name)
    pages = site.build(ALL, output)
    return {page.name: page for page in pages}


BESIDE = [
    *(f"howto-{p.stem}.html" for p in sorted((ROOT / "docs" / "howto").glob("*.md"))),
    "docs-gallery.html",
    "facts.html",
]
NAMES = ["index.html", *(f"{p.stem}.html" for p in ALL), *BESIDE]
