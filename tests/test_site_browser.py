"""The static pages in Chromium, opened from their files with the network off.

What only a browser shows: that the script runs under the page's own policy, that the
keyboard moves a picture, that formulas are drawn, that text can be read in the light
and in the dark, and that nothing is asked of a network.  Screenshots go to
`test-output/`.
"""

import re
from urllib.parse import unquote

import numpy as np
import pytest
from playwright.sync_api import expect

from hamodel.course._narrow import plain
from hamodel.course.site._forms import _impossible
from hamodel.course.site._ghost import grids
from tests.support import built_site, jupyterlab
from tests.support.notebook_stage import NOTEBOOKS, staged
from tests.test_browser import browser, needed_browser  # noqa: F401  a fixture
from tests.test_site import whole

pytestmark = pytest.mark.browser
PAGES = [f"{path.stem}.html" for path in NOTEBOOKS]
LOOKS = ((1400, "light"), (900, "dark"), (390, "light"), (390, "dark"))
expect.set_options(timeout=30_000)


@pytest.fixture
def opened(browser):  # noqa: F811
    """Return a function that opens a page, and fails if the page was not well."""
    contexts, faults = [], []

    def _open(name, *, width=1200, scheme="light"):
        size = {"width": width, "height": 900}
        context = browser.new_context(viewport=size, color_scheme=scheme)
        context.set_offline(True)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: faults.append(message.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("requestfailed", lambda request: faults.append(request.url[:200]))
        page.on("request", lambda request: _local(request.url, faults))
        page.goto(built_site.built()[name].as_uri())
        return page

    yield _open
    for context in contexts:
        context.close()
    assert faults == []


def _local(url, faults):
    if not url.startswith(("file:", "data:")):
        faults.append(url)


@pytest.mark.parametrize("name", built_site.NAMES)
def test_a_page_fits_and_can_be_read(opened, name):
    """At three widths and in both palettes, all that is folded in being open."""
    page = opened(name, width=1400)
    for image in page.locator("main img").all():
        assert image.evaluate("e => e.decode().then(() => e.naturalWidth)") > 100
    page.evaluate("document.querySelectorAll('details').forEach(e => e.open = true)")
    page.evaluate("document.querySelectorAll('[type=radio]').forEach(e => e.click())")
    for formula in page.locator("math").all():
        box = formula.bounding_box()
        assert box["width"] > 3, formula.get_attribute("alttext")
        assert box["height"] > 5
        assert formula.evaluate("e => e instanceof MathMLElement")
    assert page.locator("merror").count() == 0
    for width, scheme in (
        (1400, "light"),
        (900, "dark"),
        (390, "light"),
        (390, "dark"),
    ):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(_FAINT) == []
        if (width, scheme) in ((1400, "light"), (390, "dark")):
            place = jupyterlab.SHOTS / f"site-{name}-{width}-{scheme}.png"
            page.screenshot(path=place, full_page=True)


@pytest.mark.parametrize("name", PAGES)
def test_the_keyboard_moves_every_slider_of_every_explorer(opened, name):
    page = opened(name)
    for explorer in page.locator("figure.explorer").all():
        lift(explorer)
        expect(explorer.locator(".controls")).to_be_visible()
        first = shown(explorer)
        for slider in explorer.locator("input[type=range]").all():
            start = slider.input_value(), slider.get_attribute("aria-valuetext")
            slider.focus()
            page.keyboard.press("End" if start[0] == "0" else "Home")
            moved = shown(explorer)
            assert moved[0] != first[0], "the picture changes"
            assert moved[2] != first[2], "and what it says is set"
            text = slider.get_attribute("aria-valuetext")
            assert text != start[1]
            assert text in explorer.locator(".value").all_inner_texts()
            explorer.get_by_role("button", name="Reset", exact=True).press("Enter")
            assert shown(explorer) == first
            assert slider.input_value() == start[0]


def test_the_landing_page_answers_as_the_package_does(opened):
    """The closed form of the page against the law of the sum, by 20 settings."""
    page = opened("index.html")
    rng = np.random.default_rng(5)
    for _ in range(20):
        beat, ttl = (float(x) for x in rng.choice([0.1, 0.5, 2, 10, 60, 300], 2))
        given = {"beat": beat, "misses": int(rng.integers(1, 9)), "ttl": ttl}
        given |= {"fence": float(rng.integers(9)), "promote": float(rng.integers(60))}
        told = page.evaluate("given => failoverTimes(given)", given)
        law = whole(given).duration
        wanted = {"mean": law.mean, "late": law.quantile(0.95)}
        wanted["worst"] = law.quantile(1.0)
        assert told == pytest.approx({k: float(v) for k, v in wanted.items()}, rel=2e-4)
    page.get_by_label("Promotion (s)").fill("112")
    expect(page.locator("#answer")).to_contain_text("On average 152 s")
    for name, given, told in (
        ("Promotion (s)", "", "Promotion (s) must be a number from 0 to 86,400"),
        ("Missed beats until it acts", "2.5", "acts must be a whole number from 1 to"),
        ("Failovers a year", "1e6", "more than a year has room for"),
    ):
        box = page.get_by_label(name)
        before = box.input_value()
        box.fill(given)
        expect(page.locator("#answer")).to_contain_text(told)
        box.fill(before)
    page.get_by_label("A word of a heading").fill("key POINT")
    assert page.locator(".found li:visible").count() >= 8


def lift(explorer):
    """Show what a guess would: the veil of an explorer goes."""
    for button in explorer.locator("[data-open]").all():
        expect(explorer.locator(".controls")).to_be_hidden()
        button.click()


def shown(explorer):
    """Return the picture, what it says, and what is set; the words agree."""
    image = explorer.locator("img")
    says = explorer.locator(".says").inner_text()
    assert image.get_attribute("alt") == says
    source = unquote(image.get_attribute("src").partition(",")[2])
    assert "aria-live" in explorer.locator(".says").evaluate("e => e.outerHTML")
    return source, says, explorer.locator(".shown").inner_text()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_the_page_shows_is_what_the_explorer_shows(opened, path):
    """After each preset the picture in the browser is the explorer's, to the letter."""
    page = opened(f"{path.stem}.html")
    figures = page.locator("figure.explorer")
    for explorer in staged(path).explorers.values():
        explorer.reset()
        title = re.compile(f"^{re.escape(explorer.title)}$")
        figure = figures.filter(has=page.locator("figcaption", has_text=title)).first
        lift(figure)
        for preset in explorer.presets:
            explorer.reset()
            explorer.set(**explorer.after)
            explorer.apply(preset)
            figure.get_by_role("button", name="Reset", exact=True).click()
            figure.get_by_role("button", name=preset, exact=True).click()
            source, says, _ = shown(figure)
            assert source == explorer.svg
            assert says == " ".join(explorer.sentence.split())
        explorer.reset()


def test_no_control_resets_another(opened):
    """Two levers and a setting moved one after the other, against the explorer."""
    path = next(p for p in NOTEBOOKS if p.name.startswith("04"))
    explorer = staged(path).explorers["explorer"]
    figure = opened(f"{path.stem}.html").locator("figure.explorer").first
    lift(figure)
    figure.get_by_label("Failover time (s)").focus()
    figure.page.keyboard.press("Home")
    figure.get_by_label("Failovers that work (%)").focus()
    figure.page.keyboard.press("End")
    figure.get_by_label("Repair time (h)").select_option("48 h")
    explorer.reset()
    explorer.set(failover=1, coverage=100, mttr=48)
    assert shown(figure)[:2] == (explorer.svg, explorer.sentence)
    figure.get_by_role("button", name="Surer: 99.9 %").click()
    explorer.set(coverage=99.9)
    assert shown(figure)[:2] == (explorer.svg, explorer.sentence), "only what it names"
    stuck = figure.get_by_label("When stuck")
    assert stuck.evaluate("e => [...e.options].map((o) => o.disabled)") == [
        *(False, True, True)  # no picture of these with 48 h: offered when it is reset
    ]
    expect(figure.get_by_role("button", name="Person on call")).to_be_disabled()
    figure.get_by_label("Repair time (h)").select_option("4 h")
    stuck.select_option("a person, 5 min later")
    explorer.set(mttr=4, rescue="a person, 5 min later")
    assert shown(figure)[:2] == (explorer.svg, explorer.sentence)
    explorer.reset()


def test_on_a_phone_the_picture_stays_in_sight_while_a_slider_moves(opened):
    figure = (
        opened("04_failover_maths.html", width=390).locator("figure.explorer").first
    )
    lift(figure)
    slider = figure.get_by_label("Failovers that work (%)")
    slider.focus()
    slider.evaluate("e => e.scrollIntoView({block: 'end'})")
    for element in (figure.locator("img"), slider):
        box = element.bounding_box()
        assert box["y"] >= -1
        assert box["y"] + box["height"] <= 901


@pytest.mark.parametrize("name", PAGES)
def test_boxes_of_a_picture_can_be_pressed(opened, name):
    page = opened(name)
    for explorer in page.locator("figure.explorer:has([data-box])").all():
        lift(explorer)
        first = shown(explorer)
        for box in explorer.locator("[data-box]").all():
            box.focus()
            before = box.get_attribute("aria-pressed")
            page.keyboard.press("Space")
            now = box.get_attribute("aria-pressed")
            assert {before, now} == {"true", "false"}
            named = box.get_attribute("data-box") in shown(explorer)[2]
            assert named is (now == "true")
            assert shown(explorer)[0] != first[0]
            box.click()
            assert shown(explorer) == first
        two = explorer.locator("[data-box]").all()[:2]
        for box in two:
            box.click()
        for box in two:
            named = box.get_attribute("data-box") in shown(explorer)[2]
            assert named is (box.get_attribute("aria-pressed") == "true")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_answers_are_checked_in_the_page_as_in_the_notebook(opened, path):
    """Right answers, known mistakes, usual slips and others, word for word."""
    page, rng = opened(f"{path.stem}.html"), np.random.default_rng(3)
    forms, checked = iter(page.locator("form.check").all()), 0
    for exercise in staged(path).exercises:
        if getattr(exercise.same, "within", None) is None:
            continue
        form, right = next(forms), float(exercise.reference())
        answers = [right, *(float(m.answer()) for m in exercise.mistakes), -right]
        answers += [60 * right, 1 - right, 1.03 * right, 1.2 * right, 5e8]
        for value in [*answers, *(right * rng.lognormal(0, 2, 4))]:
            if not np.isfinite(value):
                continue  # nobody writes it into a box for a number
            exercise._wrong.clear()
            told = form.evaluate(
                "(f, x) => answer(JSON.parse(f.querySelector('script').textContent), "
                "x, 0)[1]",
                repr(float(value)),
            )
            wanted = exercise.check(float(value))
            head = {"right": "Right.", "wrong": "Not yet."}[wanted.verdict]
            assert told == f"{head} {wanted.words}", value
            checked += 1
    assert next(forms, None) is None
    assert checked >= 10


def test_guesses_and_answers_survive_a_reload(opened):
    path = next(p for p in NOTEBOOKS if p.name.startswith("04"))
    page = opened(f"{path.stem}.html")
    form = page.locator("form.prediction").first
    for box, value in zip(form.locator("input").all(), ("8", "12"), strict=True):
        box.fill(value)
    form.locator("summary").press("Enter")
    (prediction,) = staged(path).predictions
    truth = {k: float(v) for k, v in prediction.truth().items()}
    words = prediction.comment({"faster": 8, "surer": 12}, truth)
    expect(form).to_contain_text(words)
    check = page.locator("form.check").first
    check.locator("input").fill("3")
    check.get_by_role("button").click()
    said = check.locator("[role=status]").inner_text()
    page.reload()
    expect(page.locator("form.prediction").first).to_contain_text(words)
    expect(page.locator("figure.explorer").first.locator(".controls")).to_be_visible()
    expect(check.locator("[role=status]")).to_contain_text(said[:20])


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_guess_is_answered_and_drawn_as_in_the_notebook(opened, path):
    """The comment and the ghost, for a guess of each view, against kit and picture."""
    page = opened(f"{path.stem}.html")
    forms, played = page.locator("form.prediction").all(), staged(path)
    for form, prediction in zip(forms, played.predictions, strict=True):
        marks = grids(prediction)
        truth = {k: float(v) for k, v in prediction.truth().items()}
        explorers = [e for e in played.explorers.values() if e.prediction is prediction]
        boxes = form.locator("input").all()
        for view in prediction.views[:3]:
            guess = {
                name: min(grid, key=lambda mark, n=name: abs(mark - view.example[n]))
                for (name, grid) in zip(prediction.fields, marks, strict=True)
            }
            if _impossible(prediction, guess):
                continue
            for box, value in zip(boxes, guess.values(), strict=True):
                box.fill(f"{value!r}")
            form.locator("summary").press("Enter")
            said = " ".join(prediction.comment(guess, truth).split())
            expect(form.locator(".comment")).to_have_text(said)
            for explorer in explorers:
                explorer.reset()
                explorer.set(**explorer.after)
                title = re.compile(f"^{re.escape(explorer.title)}$")
                figure = page.locator("figure.explorer").filter(
                    has=page.locator("figcaption", has_text=title)
                )
                drawn = sorted(plain(explorer.drawn(guess)).splitlines())
                assert sorted(plain(shown(figure)[0]).splitlines()) == drawn
                assert drawn != sorted(plain(explorer.svg).splitlines())
                explorer.reset()
            form.locator("summary").press("Enter")
            expect(form.locator(".comment")).to_have_text("")


@pytest.mark.parametrize("name", PAGES)
def test_a_prediction_is_kept_and_answered(opened, name):
    page = opened(name)
    for form in page.locator("form.prediction").all():
        assert "the model says" not in form.inner_text()
        form.locator("summary").press("Enter")
        assert "the model says" not in form.inner_text(), "not without a guess"
        boxes = form.locator("input").all()
        told = form.locator("li b").all_text_contents()
        for box, right in zip(boxes, told, strict=True):
            guess = f"{float(right.replace(',', '')):.0f}"
            box.fill(guess)
        slider = form.locator("input").last
        form.locator("summary").press("Enter")
        expect(form).to_contain_text(re.compile("you said .+, the model says"))
        guess = slider.input_value()
        expect(slider).not_to_be_editable()
        form.locator("summary").press("Enter")
        expect(slider).to_be_editable()


def test_a_quiz_answers_back(opened):
    page = opened("00_start_here.html")
    fieldset = page.locator("form.quiz fieldset").first
    options = fieldset.locator("input")
    options.first.check()
    expect(fieldset.locator(".answer p:visible")).to_have_count(1)
    page.keyboard.press("ArrowDown")
    expect(options.nth(1)).to_be_checked()
    expect(fieldset.locator(".answer p:visible")).to_have_count(1)


def test_without_javascript_the_picture_stands_and_folds_open(browser):  # noqa: F811
    context = browser.new_context(java_script_enabled=False)
    context.set_offline(True)
    page = context.new_page()
    page.goto(built_site.built()["04_failover_maths.html"].as_uri())
    explorer = page.locator("figure.explorer").first
    expect(explorer.locator("img")).to_be_visible()
    expect(explorer.locator(".controls")).to_be_hidden()
    fold = page.locator("details", has_text="Solution").first
    fold.locator("summary").first.click()
    expect(fold.locator("pre")).to_be_visible()
    context.close()


def test_paper_shows_the_solutions(opened):
    page = opened("04_failover_maths.html")
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    for fold in page.locator("details").all():
        assert fold.get_attribute("open") is not None
    expect(page.locator(".controls").first).to_be_hidden()


def test_the_check_of_contrast_sees_faint_text(opened):
    page = opened("index.html")
    page.evaluate("document.querySelector('h1').style.color = '#999'")
    assert len(page.evaluate(_FAINT)) == 1


# Text whose contrast with what is behind it is below 4.5 (WCAG 2.2, 1.4.3).
_FAINT = """() => {
  const channel = (v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * channel(r / 255) + 0.7152 * channel(g / 255)
    + 0.0722 * channel(b / 255);
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const found = parts(getComputedStyle(at).backgroundColor);
      if (found.length === 3 || found[3] > 0) return found;
    }
    return [255, 255, 255];
  };
  const faint = [];
  for (const element of document.body.querySelectorAll("*")) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!own || !element.checkVisibility()) continue;
    if (element.closest("script, style, option")) continue;
    const [a, b] = [parts(getComputedStyle(element).color), behind(element)].map(light);
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) faint.push(`${ratio.toFixed(2)}: ${element.textContent.trim()}`);
  }
  return faint;
}"""
