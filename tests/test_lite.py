"""The lab that runs in a browser: what is staged, the tree that is built, a lesson.

JupyterLite is not in the lock; `make .venv/.lite` brings it, `make .venv/.pyodide` a
Python for the browser, and CI requires both.  `PYODIDE` names another folder of it.
"""

import contextlib
import functools
import http.server
import importlib.util
import json
import os
import re
import tempfile
import threading
import zipfile
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import TimeoutError as NotInTime
from playwright.sync_api import expect

from hamodel.course import lite
from hamodel.course import site as pages
from tests import test_browser
from tests.support import jupyterlab, pyodide
from tests.support.notebook_stage import ALL, ROOT
from tests.test_browser import browser  # noqa: F401  a fixture

FOLDER = tempfile.TemporaryDirectory(prefix="hamodel-lite-")
PYODIDE = Path(os.environ.get("PYODIDE") or ROOT / ".venv" / "pyodide")


@functools.cache
def built():
    """Return the folder of the lab, built once."""
    if importlib.util.find_spec("jupyterlite_core") is None:
        if os.environ.get("HAMODEL_REQUIRE_LITE"):
            pytest.fail("JupyterLite is required: make .venv/.lite")
        pytest.skip("JupyterLite is not installed: make .venv/.lite")
    given = PYODIDE if PYODIDE.is_dir() else None
    return lite.build(ROOT / "notebooks", Path(FOLDER.name) / "lab", given).parents[1]


def read(*parts):
    return json.loads(built().joinpath(*parts).read_text(encoding="utf-8"))


def test_notebooks_are_staged_as_they_are_but_for_a_first_cell(tmp_path):
    copies = lite.stage(ROOT / "notebooks", tmp_path / "contents")
    assert [copy.name for copy in copies] == [path.name for path in ALL]
    for copy, path in zip(copies, ALL, strict=True):
        new, old = (nbformat.read(p, as_version=4).cells for p in (copy, path))
        if any(cell.cell_type == "code" for cell in old):
            assert new.pop(1).source == lite.INSTALL
        assert new == old
    assert (tmp_path / "contents" / "lessons" / "shop.py").is_file()
    assert not list((tmp_path / "contents").rglob("__pycache__"))


def test_a_folder_without_pyodide_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"PYODIDE must hold pyodide\.mjs, got"):
        lite.build(ROOT / "notebooks", tmp_path / "lab", pyodide=tmp_path)
    assert lite.main(["--pyodide", str(tmp_path)]) == 1


def test_the_index_of_wheels_holds_hamodel_and_what_is_pure():
    index = read("pypi", "all.json")
    names = {name.replace("-", "_").replace(".", "_").lower() for name in index}
    wanted = {name.replace("-", "_").replace(".", "_") for name in lite.PURE}
    assert wanted | {"hamodel"} <= names
    for releases in (package["releases"] for package in index.values()):
        for file in (file for files in releases.values() for file in files):
            assert (built() / "pypi" / file["filename"]).is_file()
    (wheel,) = built().glob("pypi/hamodel-*.whl")
    inside = zipfile.ZipFile(wheel).namelist()
    assert "hamodel/course/_skins.py" in inside
    assert "hamodel/_data/facts.csv" in inside


def test_the_kernel_looks_into_that_index_first():
    settings = read("jupyter-lite.json")["jupyter-config-data"]["litePluginSettings"]
    urls = settings["@jupyterlite/pyodide-kernel-extension:kernel"]["pipliteUrls"]
    assert urls[0].startswith("./pypi/all.json")


def test_the_lab_holds_the_course_and_its_widgets():
    listed = {each["path"] for each in read("api", "contents", "all.json")["content"]}
    assert {path.name for path in ALL} <= listed
    assert (built() / "files" / "lessons" / "shop.py").is_file()
    manager = built() / "extensions" / "@jupyter-widgets" / "jupyterlab-manager"
    assert (manager / "package.json").is_file()


def test_every_page_says_where_its_icon_is():
    pages_of_it = list(built().rglob("index.html"))
    assert len(pages_of_it) >= 2
    for page in pages_of_it:
        (place,) = re.findall('rel="icon" href="([^"]+)"', page.read_text("utf-8"))
        assert (page.parent / place).is_file()


def test_pages_are_published_with_the_lab():
    rules = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "-m hamodel.course.lite" in rules
    assert "$(if $(PYODIDE),--pyodide $(PYODIDE))" in rules
    flow = ROOT.joinpath(".github", "workflows", "pages.yml").read_text("utf-8")
    assert "make lite site" in flow
    assert "actions/deploy-pages" in flow


# ---- a lesson that runs there ------------------------------------------------------


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing about it."""

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture(scope="module")
def served():
    """Yield the address of the lab on loopback; without a Pyodide skip."""
    if not PYODIDE.is_dir():
        if os.environ.get("HAMODEL_REQUIRE_PYODIDE"):
            pytest.fail("a folder with Pyodide is required: make .venv/.pyodide")
        pytest.skip("no lesson was run in the lab: give PYODIDE=a folder, as make does")
    site = built().parent
    pages.build([ROOT / "notebooks" / "04_failover_maths.ipynb"], site)
    handler = functools.partial(Quiet, directory=site)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.browser
@pytest.mark.slow
def test_a_lesson_runs_in_the_browser_with_the_network_off(browser, served):  # noqa: F811
    """From a page and back; cells run, an explorer moves, and all of it is kept."""
    context = browser.new_context(viewport={"width": 1400, "height": 1300})
    page, outside = context.new_page(), []
    page.set_default_timeout(3 * jupyterlab.PATIENCE * 1000)  # all of it is wasm
    context.on("request", lambda request: test_browser._note(request, outside))
    page.goto(f"{served}/04_failover_maths.html")
    page.get_by_role("link", name="Run this lesson here").click()
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    run_all(page)
    assert jupyterlab.errors(page) == []
    page.locator(".jp-WindowedPanel-outer").first.evaluate("e => e.scrollTo(0, 0)")
    explorer = test_browser.explorer_of(page)
    explorer.scroll_into_view_if_needed()
    before = test_browser.lift(explorer)
    explorer.locator(".noUi-handle").first.focus()
    page.keyboard.press("ArrowRight")
    test_browser.until_changed(explorer, before)
    test_browser.shot(page, "lite-04")
    guess = page.locator(".jp-OutputArea-child:has(button:has-text('Commit'))").first
    for box, value in zip(guess.locator("input[type=text]").all(), "89", strict=True):
        box.fill(value)
        box.press("Enter")
    guess.get_by_role("button", name="Commit").click()
    expect(guess).to_contain_text("you said 8,")
    page.locator(".jp-DirListing-item", has_text="my_course.json").wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("ControlOrMeta+s")
    page.wait_for_timeout(3000)  # it says nothing when it has saved
    page.reload()
    page.wait_for_selector(".jp-Notebook .jp-Cell img[src^='data:image/svg']")
    expect(page.get_by_text("Loading widget")).to_have_count(0)
    with context.expect_page() as opened:
        page.get_by_role("link", name="this page of the course").click()
    expect(opened.value).to_have_url(f"{served}/04_failover_maths.html")
    context.close()
    assert outside == []


# Every code cell has run: its prompt has a number, where the page shows it.
def run_all(page):
    """Run all cells: a Run is silently dropped while the kernel is not connected."""
    for _ in range(20):
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_text("Run All Cells", exact=True).click()
        with contextlib.suppress(NotInTime):
            page.wait_for_function(STARTED, timeout=20_000)
            break
    page.wait_for_function(RAN)


STARTED = """() => [...document.querySelectorAll(
    '.jp-Notebook .jp-CodeCell .jp-InputPrompt')].some(
    (e) => /^\\[[*\\d]+\\]:$/.test(e.innerText.trim()))"""
RAN = """() => {
  const prompts = [...document.querySelectorAll(
    '.jp-Notebook .jp-CodeCell .jp-InputPrompt')].map((e) => e.innerText.trim());
  const ran = prompts.some((p) => /^\\[\\d+\\]:$/.test(p));
  return ran && !prompts.some((p) => p === '[*]:')
    && /\\|\\s*Idle/.test(document.querySelector('#jp-main-statusbar').innerText);
}"""


def test_a_newer_micropip_is_fitted_by_one_function(tmp_path):
    wheel, place = tmp_path / "a.whl", "micropip/_compat/_compat_in_pyodide.py"
    with zipfile.ZipFile(wheel, "w") as made:
        made.writestr(place, "class A:\n    install = install\n    b = 1\n")
        made.writestr("other.py", "    install = install\n")
    (tmp_path / "new.whl").write_bytes(pyodide.fitted(wheel))
    with zipfile.ZipFile(tmp_path / "new.whl") as new:
        assert (
            "async def install(data, name, target, notes)" in new.read(place).decode()
        )
        assert new.read("other.py") == b"    install = install\n"
