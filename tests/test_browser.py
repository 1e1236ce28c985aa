"""A learner's first quarter of an hour with lesson 04, in a real browser.

What only a browser shows: that stored pictures are visible before anything runs, that
the arrow keys move a slider and the picture follows, that number boxes have names, that
an exercise answers back, and that nothing is fetched from elsewhere.  Screenshots go
to `test-output/`.
"""

import os
import re
import shutil
import time
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.support import jupyterlab
from tests.support.notebook_stage import ALL, NOTEBOOKS, STUB, cells, solved, staged

pytestmark = pytest.mark.browser
LESSON = jupyterlab.ROOT / "notebooks" / "04_failover_maths.ipynb"
LINE = jupyterlab.ROOT / "notebooks" / "05_anatomy_of_a_failover.ipynb"
DIAGRAM = jupyterlab.ROOT / "notebooks" / "02_find_the_spof.ipynb"
expect.set_options(timeout=jupyterlab.PATIENCE * 1000)


def needed_browser():
    """Return the browser's path; without one skip, or fail if it is required."""
    found = jupyterlab.chromium()
    if found is None:
        reason = "no Chromium here; on Debian or Ubuntu: apt install chromium"
        if os.environ.get("HAMODEL_REQUIRE_BROWSER") == "1":
            pytest.fail(f"HAMODEL_REQUIRE_BROWSER=1, but {reason}")
        pytest.skip(reason)
    return found


@pytest.fixture(scope="module")
def browser():
    path = needed_browser()
    jupyterlab.SHOTS.mkdir(exist_ok=True)
    # No name is found, so that what is not on this machine cannot be reached.
    flags = ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
    if not os.geteuid():
        flags += ["--no-sandbox"]  # refused to root, which is who runs a container
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=flags)
        yield started
        started.close()


@pytest.fixture(scope="module")
def served(browser, tmp_path_factory):  # noqa: ARG001  no server without a browser
    with jupyterlab.server(tmp_path_factory.mktemp("lab")) as place:
        yield place


@pytest.fixture
def page(browser, served):
    jupyterlab.renew(*served)
    context = browser.new_context(viewport={"width": 1280, "height": 1100})
    opened = context.new_page()
    opened.set_default_timeout(jupyterlab.PATIENCE * 1000)
    opened.outside, opened.faults = [], []
    opened.on("request", lambda request: _note(request, opened.outside))
    opened.on("pageerror", lambda error: opened.faults.append(str(error)))
    yield opened
    context.close()


def _note(request, outside):
    place = urlsplit(request.url)
    if place.scheme.startswith("http") and place.hostname != "127.0.0.1":
        outside.append(request.url)


def shot(page, name):
    page.screenshot(path=jupyterlab.SHOTS / f"{name}.png")


def explorer_of(page):
    """Return the output that holds the explorer: live sliders and a picture."""
    outputs = page.locator(".jp-OutputArea-child:has(.noUi-handle)")
    return outputs.filter(has=page.locator("img[src^='data:image/svg']")).first


def picture_and_sentence(explorer):
    image = explorer.locator("img[src^='data:image/svg']").first
    return image.get_attribute("src"), image.get_attribute("alt")


def lift(explorer):
    """Lift the veil without a guess, and return what an explorer shows at its start."""
    veiled = picture_and_sentence(explorer)
    explorer.get_by_role("button", name="Show me").click()
    answer = until_changed(explorer, veiled)
    explorer.get_by_role("button", name="Reset").click()
    return until_changed(explorer, answer)


def until_changed(explorer, before):
    """Wait until picture and sentence differ from what they were; return the new."""
    until = time.monotonic() + jupyterlab.PATIENCE
    while time.monotonic() < until:
        now = picture_and_sentence(explorer)
        if now[0] != before[0] and now[1] != before[1]:
            return now
        time.sleep(0.02)
    raise AssertionError(f"nothing changed; it still says {before[1]!r}")


def answer(page, name, source):
    """Type a new source into the cell of a stub, run it, and return what it says."""
    cell = page.locator(".jp-CodeCell", has_text=re.compile(rf"{name} ="))
    cell = cell.filter(has_text="check").first
    cell.locator(".cm-content").click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text(source)
    output = cell.locator(".jp-OutputArea-output").first
    output.evaluate("element => element.dataset.stale = '1'")
    page.keyboard.press("Shift+Enter")
    fresh = cell.locator(".jp-OutputArea-output:not([data-stale])").first
    fresh.wait_for()
    return " ".join(fresh.inner_text().split())


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_pictures_show_before_anything_runs_and_all_cells_run(path, page, served):
    jupyterlab.open_notebook(page, served, path.name)
    stored = page.locator(".jp-OutputArea img[src^='data:image/svg']")
    for image in stored.all():
        image.scroll_into_view_if_needed()
        assert image.evaluate("element => element.naturalWidth") > 100
        assert image.get_attribute("alt")
    assert stored.count() > 0
    shot(page, f"{path.stem}-stored")
    jupyterlab.run_all(page)
    count = len([kind for kind, _ in cells(path) if kind == "code"])
    assert [p.strip("[]: ") for p in jupyterlab.prompts(page)] == [
        str(number) for number in range(1, count + 1)
    ]
    assert jupyterlab.errors(page) == []
    assert page.outside == []
    assert page.faults == []


def test_a_learner_moves_the_explorer_and_answers(page, served):
    jupyterlab.open_notebook(page, served, LESSON.name)
    jupyterlab.run_all(page)
    explorer = explorer_of(page)
    explorer.scroll_into_view_if_needed()
    shot(page, "lesson-04-veiled")
    first = lift(explorer)
    expect(explorer).to_contain_text(first[1])  # is shown, and is the alt text
    shot(page, "lesson-04-explorer")

    handle = explorer.locator(".noUi-handle").first
    assert handle.get_attribute("aria-label") == "A node fails once in (h)"
    assert handle.get_attribute("aria-valuetext") == "2,000 h", "not its index"
    handle.focus()
    since = time.monotonic()
    page.keyboard.press("ArrowRight")
    moved = until_changed(explorer, first)
    took = time.monotonic() - since
    expect(explorer).to_contain_text(moved[1])
    shot(page, "lesson-04-explorer-moved")
    assert took < 60, f"{took:.1f} s from key to picture; a quiet machine takes 0.1 s"
    page.keyboard.press("ArrowLeft")
    assert until_changed(explorer, moved) == first
    assert handle.get_attribute("aria-valuetext") == "2,000 h"
    page.keyboard.press("Tab")
    second = explorer.locator(".noUi-handle").nth(1)
    assert second.evaluate("e => e === document.activeElement"), "one stop a control"
    page.keyboard.press("Enter")
    typing = explorer.locator("input[type=text]").nth(1)
    assert typing.evaluate("e => e === document.activeElement"), "a number is typed"

    box = explorer.locator("input[type=text]").first
    label = explorer.locator("label", has_text=re.compile(r"\w")).first.inner_text()
    assert page.get_by_label(label, exact=True).count() >= 1, "the box has a name"
    box.fill("1,000")
    box.press("Enter")
    typed = until_changed(explorer, first)
    explorer.get_by_role("button", name="Reset").press("Enter")
    assert until_changed(explorer, typed) == first
    assert stays_in_sight(page, explorer)

    played = staged(LESSON)
    _, name, _ = played.stubs[0]
    exercise = played.exercises[0]
    mistake = exercise.mistakes[0]
    stub, solution = _stub_and_solution()
    wrong = STUB.sub(f"{name} = {_literal(mistake.answer())}", stub)
    said = answer(page, name, wrong)
    assert mistake.hint in said, "a wrong answer is told its misconception"
    assert exercise.right not in said
    shot(page, "lesson-04-answer-wrong")
    said = answer(page, name, solution)
    assert exercise.right in said
    shot(page, "lesson-04-answer-right")
    assert page.outside == []
    assert page.faults == []


def stays_in_sight(page, explorer):
    """Return whether a narrow page shows the picture and the last slider at once."""
    usual = page.viewport_size
    page.set_viewport_size({"width": 590, "height": 620})
    last = explorer.locator(".noUi-handle").last
    last.evaluate("e => e.scrollIntoView({block: 'end'})")
    page.wait_for_timeout(300)
    shot(page, "lesson-04-narrow")
    notebook = page.locator(".jp-WindowedPanel-outer").first.bounding_box()
    picture = explorer.locator("img.ha-sheet").first.bounding_box()
    inside = picture["y"] >= notebook["y"] - 1
    assert last.bounding_box()["y"] < notebook["y"] + notebook["height"]
    page.set_viewport_size(usual)
    return inside


def save(page, folder, name):
    """Save the notebook and wait until the file says so; return what it holds."""
    stored = folder / name
    before = stored.stat().st_mtime_ns
    page.keyboard.press("Escape")
    page.get_by_role("menuitem", name="File", exact=True).click()
    page.get_by_text("Save Notebook", exact=True).click()
    until = time.monotonic() + jupyterlab.PATIENCE
    while time.monotonic() < until:
        written = stored.stat().st_mtime_ns != before and stored.read_bytes()
        if written and written.endswith(b"}\n"):  # whole: the file is emptied first
            return written
        time.sleep(0.1)
    raise AssertionError(f"{name} was not saved")


def test_a_notebook_survives_the_second_day(page, served):
    """Run, save, end the kernel, open again: the picture is there, then it is live."""
    folder = served[0]
    jupyterlab.open_notebook(page, served, LESSON.name)
    assert save(page, folder, LESSON.name) == LESSON.read_bytes(), "only opened"
    jupyterlab.run_all(page)
    explorer = explorer_of(page)
    explorer.locator(".noUi-handle").first.wait_for()
    assert b"widget-view" not in save(page, folder, LESSON.name)
    assert explorer.locator(".noUi-handle").first.is_visible(), "live after the save"
    jupyterlab.end_kernels(served[1], served[2])
    jupyterlab.open_notebook(page, served, LESSON.name)
    pictures = page.locator(".jp-OutputArea img[src^='data:image/svg']")
    pictures.first.wait_for()
    assert page.get_by_text("Error displaying widget").count() == 0
    assert pictures.first.evaluate("element => element.naturalWidth") > 100
    jupyterlab.run_all(page)
    live = explorer_of(page)
    first = lift(live)
    live.locator(".noUi-handle").first.focus()
    page.keyboard.press("ArrowRight")
    until_changed(live, first)


def test_every_link_leads_somewhere_as_make_lab_serves_it(page, served):
    """The notebooks' folder is the root; a link's heading is on the page it opens."""
    there, wanted = {}, []
    for path in ALL:
        jupyterlab.open_notebook(page, served, path.name, kernel=False)
        prose = sum(kind == "markdown" for kind, _ in cells(path))
        written = page.locator(".jp-MarkdownCell .jp-RenderedMarkdown:not(:empty)")
        expect(written).to_have_count(prose)  # cells are drawn when there is leisure
        there[path.name] = page.evaluate(
            "() => [...document.querySelectorAll('.jp-Notebook [id],"
            " .jp-Notebook [data-jupyter-id]')]"
            ".map(e => e.dataset.jupyterId || e.id)"
        )
        for link in page.locator(".jp-RenderedMarkdown a[href]").all():
            wanted.append((path.name, link.get_attribute("href")))
    assert len(wanted) > 20
    for source, target in wanted:
        if target.startswith("http") and "127.0.0.1" not in target:
            continue  # another site's
        name, _, heading = unquote(target).partition("#")
        name = name.partition("?")[0].rpartition("/")[2] or source
        if not name.endswith(".ipynb"):
            assert (served[0] / name).is_file(), (source, target)
        elif heading:
            assert heading in there[name], (source, target)
        else:
            assert name in there, (source, target)


def test_a_box_of_the_diagram_fails_by_click_and_by_key(page, served):
    """A click goes to the picture, where the box is drawn, not to a named button."""
    jupyterlab.open_notebook(page, served, DIAGRAM.name)
    jupyterlab.run_all(page)
    explorer = explorer_of(page)
    image = explorer.locator("img[src^='data:image/svg']").first
    image.scroll_into_view_if_needed()
    veiled = picture_and_sentence(explorer)
    explorer.get_by_role("button", name="Show me").click()
    until_changed(explorer, veiled)
    control = staged(DIAGRAM).explorers["explorer"].controls["failed"]
    first, seen = picture_and_sentence(explorer), image.bounding_box()
    scale = seen["width"] / control.size[0]
    left, top, width, height = (scale * part for part in control.places["app1"])
    for corner in (0.1, 0.9):  # twice, near opposite corners: failed, and mended
        before = picture_and_sentence(explorer)
        page.mouse.click(
            seen["x"] + left + corner * width, seen["y"] + top + corner * height
        )
        after = until_changed(explorer, before)
    assert after == first
    explorer.get_by_role("button", name="app1, works", exact=True).focus()
    page.keyboard.press("Space")
    failed = until_changed(explorer, first)
    assert failed[1].startswith("App1 has failed and the shop is up")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    both = until_changed(explorer, failed)
    assert both[1].startswith("App1 and app2 have failed and the shop is up")
    assert explorer.get_by_role("button", name="app2, failed", exact=True).count() == 1
    shot(page, "lesson-02-boxes")
    assert page.outside == []
    assert page.faults == []


def test_a_line_is_drawn_by_hand_on_its_axes(page, served):
    """A handle is dragged up; the line meets it, and its box says what it means."""
    jupyterlab.open_notebook(page, served, LINE.name)
    jupyterlab.run_all(page)
    guess = page.locator(".jp-OutputArea-child:has(.noUi-vertical)").first
    guess.scroll_into_view_if_needed()
    handle, image = guess.locator(".noUi-handle").first, guess.locator("img").first
    alt = image.get_attribute("alt")
    at = handle.bounding_box()
    x, y = at["x"] + at["width"] / 2, at["y"] + at["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y - 60, steps=8)
    page.mouse.up()
    said = handle.get_attribute("aria-valuetext")  # where the hand has let go
    expect(guess.locator("input[type=text]").first).to_have_value(said[:-4])
    expect(image).to_have_attribute("alt", f"Your line: 10 misses {said}.")
    assert image.get_attribute("alt") != alt
    picture = unquote(image.get_attribute("src"))
    (line,) = re.findall(r'<path d="M([^"Z]+)" [^>]*stroke-width="2.5"', picture)
    over, held = image.bounding_box(), handle.bounding_box()
    scale = over["width"] / 420
    place = [float(n) * scale for n in line.split()[:2]]
    middle = held["x"] + held["width"] / 2, held["y"] + held["height"] / 2
    assert over["x"] + place[0] == pytest.approx(middle[0], abs=4)
    assert over["y"] + place[1] == pytest.approx(middle[1], abs=4)
    shot(page, "lesson-05-line")
    assert page.faults == []


def _stub_and_solution():
    """Return the first exercise's cell, as it stands and as solved."""
    found = cells(LESSON)
    pairs = zip(found, solved(found), strict=True)
    return next((a, b) for (_, a), (_, b) in pairs if a != b)


def _literal(value):
    """Return Python source for an answer."""
    tolist = getattr(value, "tolist", None)
    return repr(tolist() if tolist else value)


# ---- without a browser -------------------------------------------------------------


def test_a_missing_browser_skips_or_fails(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.delenv("HAMODEL_REQUIRE_BROWSER", raising=False)
    with pytest.raises(pytest.skip.Exception, match="apt install chromium"):
        needed_browser()
    monkeypatch.setenv("HAMODEL_REQUIRE_BROWSER", "1")
    with pytest.raises(pytest.fail.Exception, match="HAMODEL_REQUIRE_BROWSER=1"):
        needed_browser()
