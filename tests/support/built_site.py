"""The site, built once for all the tests that look at it, in whichever process."""

import atexit
import functools
import os
import shutil
import tempfile
import time
import uuid
from pathlib import Path

from hamodel.course import site
from tests.support.notebook_stage import ALL, ROOT

PATIENCE = 1200  # s


@functools.cache
def built():
    """Return {name: page} of the site of all notebooks, shared by a run's workers."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", uuid.uuid4().hex)
    folder = Path(tempfile.gettempdir()) / f"hamodel-site-{run}"
    listed = folder / "pages.txt"
    reader = folder.with_name(f"{folder.name}.reader-{os.getpid()}")
    reader.touch()
    atexit.register(_leave, folder, reader)
    try:
        folder.mkdir()
    except FileExistsError:  # another worker is at it
        until = time.monotonic() + PATIENCE
        while not listed.exists() and time.monotonic() < until:
            time.sleep(0.2)
    else:
        pages = []
        try:
            pages = [page.name for page in site.build(ALL, folder)]
        finally:  # nobody waits for what went wrong
            part = listed.with_suffix(".part")
            part.write_text("\n".join(pages), encoding="utf-8")
            part.rename(listed)
    names = listed.read_text(encoding="utf-8").splitlines()
    return {name: folder / name for name in names}


def _leave(folder, reader):
    """Let the last worker that reads the site remove it."""
    reader.unlink()
    if not any(folder.parent.glob(f"{folder.name}.reader-*")):
        shutil.rmtree(folder, ignore_errors=True)


BESIDE = [
    *(f"howto-{p.stem}.html" for p in sorted((ROOT / "docs" / "howto").glob("*.md"))),
    "docs-gallery.html",
    "facts.html",
]
NAMES = ["index.html", *(f"{p.stem}.html" for p in ALL), *BESIDE]
