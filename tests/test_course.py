"""The parts of a lesson: explorer, prediction, exercise, quiz, controls, progress.

None of this needs a kernel or a browser.
"""

import json
from types import SimpleNamespace
from urllib.parse import unquote

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hamodel import course, plots
from hamodel.course import (
    Choice,
    Exercise,
    Explorer,
    Mistake,
    Prediction,
    Question,
    Quiz,
    Slider,
    View,
    decades,
    progress,
)
from tests.support import processes
from tests.support.svg_pictures import faults


@pytest.fixture(autouse=True)
def _private_progress(tmp_path, monkeypatch):
    monkeypatch.setenv("HAMODEL_PROGRESS", str(tmp_path / "progress.json"))


class Line:
    """The smallest picture: a line whose height is the result."""

    def __init__(self):
        self.updates = 0

    def __call__(self, sheet, values, result, guess):  # noqa: ARG002
        self.updates += 1
        sheet.line([(0, 150 - result), (300, 150 - result)])
        sheet.text((10, 20), "height")
        if guess:
            sheet.mark(guess["height"], 30, 150, "you")


def model(a, kind):
    if a == 7:
        raise ValueError("a must not be 7, got 7")
    return a * {"once": 1, "twice": 2}[kind]


def explorer(prediction=None, picture=None, **more):
    return Explorer(
        title="How high?",
        controls={
            "a": Slider(label="A (m)", grid=(1, 2, 5, 7, 10), start=2),
            "kind": Choice(label="Kind", options=("once", "twice"), start="once"),
        },
        model=model,
        picture=picture or Line(),
        size=(300, 160),
        describe=lambda _, result: f"The line stands <{result:g}> metres high & still.",
        presets={"High": {"a": 10, "kind": "twice"}, "Low": {"a": 1}},
        prediction=prediction,
        **more,
    )


def prediction():
    return Prediction(
        key="00 height",
        question="How high & why?",
        fields={"height": Slider(label="Height (m)", grid=(0, 5, 10))},
        truth=lambda: {"height": 2},
        views=[
            View(
                name="any",
                when=lambda *_: True,
                says="Off: {g.height:g} for {t.height:g}.",
                example={"height": 5},
            )
        ],
    )


# ---- controls ----------------------------------------------------------------------


def test_slider_and_box_share_a_value():
    moved = []
    slider = Slider(label="Time (s)", grid=(1, 3, 10), start=3)
    slider.watch(lambda _: moved.append(slider.value))
    slider.slider.index = 2
    assert (slider.value, slider.box.value) == (10, "10")
    slider.box.value = "4.5"  # off the grid: kept, and the slider goes near it
    assert (slider.value, slider.slider.index) == (4.5, 1)
    assert moved == [10, 4.5]
    assert slider.text == "Time 4.5 s"
    assert slider.box.description == "Time (s)", "the name that a screen reader says"


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("50,5", "Write 50.5, with a point."),
        ("2.5", "Only a whole number"),
        ("x", "no number"),
        ("", "no number"),
        ("nan", "It can be from 1 to 2,000."),
        ("3000", "It can be from 1 to 2,000."),
    ],
)
def test_what_cannot_be_taken_is_refused_with_a_word(typed, words):
    slider = Slider(label="Misses", grid=(1, 2, 2000), start=2, whole=True)
    slider.box.value = typed
    assert words in slider.note.value
    assert slider.value == 2
    slider.box.value = "1,500"
    assert (slider.value, slider.note.value) == (1500, "")


def test_a_guess_begins_empty():
    slider = Slider(label="Time (s)", grid=(1, 3, 10))
    assert slider.empty
    with pytest.raises(ValueError, match="no value yet"):
        _ = slider.value
    slider.box.value = "0.33"
    assert slider.empty
    slider.slider.index = 1
    assert (slider.value, slider.empty) == (3, False)


@given(st.lists(st.integers(0, 12), min_size=1, max_size=40))
def test_keyboard_steps_never_drift(steps):
    grid = decades(0.5, 48)
    slider = Slider(label="Time (h)", grid=grid, start=4)
    for step in steps:
        slider.slider.index = step
        assert slider.value == grid[step]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Slider(label="T", grid=(2, 1), start=1), "grid must increase"),
        (lambda: Slider(label="T", grid=(1, 2), start=3), r"T must be in \[1, 2\]"),
        (lambda: Slider(label="T", grid=(1, 2), start=np.nan), "got nan"),
        (lambda: Choice(label="K", options=("a",), start="b"), "K must be one of a"),
        (lambda: decades(0, 1), r"low must be in \(0, 1\), got 0"),
        (lambda: explorer().set(b=1), "control must be one of a, kind, got 'b'"),
        (lambda: explorer().set(a=11), r"A \(m\) must be in \[1, 10\], got 11"),
        (lambda: explorer().set(kind="x"), "Kind must be one of once, twice"),
        (lambda: explorer().apply("Far"), "preset must be one of High, Low, Reset"),
        (lambda: Question(text="?", right="a", options={}), "right must be one of"),
        (lambda: plots.image("<svg viewBox='0 0 1 1'/>", " "), "alt must say"),
        (lambda: plots.image("<svg/>", "A picture."), "view box"),
        (lambda: plots.show(plots.figure(), alt=""), "alt must say"),
    ],
)
def test_bad_input(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_a_preset_must_fit_the_controls():
    with pytest.raises(ValueError, match="got 'c'"):
        Explorer(
            title="",
            controls={"a": Slider(label="A", grid=(1, 2), start=1)},
            model=lambda a: a,
            picture=Line(),
            describe=str,
            presets={"Wrong": {"c": 1}},
        )


# ---- explorer ----------------------------------------------------------------------


def test_explorer_follows_its_controls():
    here = explorer()
    first = here.svg
    here.controls["a"].slider.index = 4
    assert (here.result, here.values) == (10, {"a": 10, "kind": "once"})
    assert here.svg != first
    here.controls["kind"].value = "twice"
    assert here.sentence == "The line stands <20> metres high & still."
    before = here.picture.updates
    here.set(a=1, kind="once")
    assert here.picture.updates == before + 1, "one move, one redraw"
    here.buttons["High"].click()
    assert here.result == 20
    here.apply("Low")  # what a preset leaves out stays as it is
    assert here.values == {"a": 1, "kind": "twice"}
    here.buttons["Reset"].click()
    assert here.svg == first, "the same setting is the same text"


def test_an_exception_in_a_callback_is_shown():
    here = explorer()
    picture = here.svg
    here.controls["a"].slider.index = 3
    assert here.trouble == "ValueError: a must not be 7, got 7"
    assert "must not be 7" in here.skin.status.value
    assert here.svg == picture
    here.controls["a"].slider.index = 4
    assert here.trouble == here.skin.status.value == ""
    with pytest.raises(ValueError, match="must not be 7"):
        here.set(a=7)


def test_explorer_stores_a_described_picture():
    bundle = explorer()._repr_mimebundle_()
    assert bundle["text/plain"] == "The line stands <2> metres high & still."
    html = bundle["text/html"]
    assert 'alt="The line stands &lt;2&gt; metres high &amp; still."' in html
    assert "<svg" not in html
    assert "A 2 m; Kind: once" in html
    source = html.partition("data:image/svg+xml,")[2].partition('"')[0]
    assert faults(unquote(source)) == []
    assert "application/vnd.jupyter.widget-view+json" in bundle


def test_objectives_are_ticked_when_reached_and_stay_so():
    here = explorer(
        before="It stands somewhere.",
        prediction=prediction(),
        objectives={
            "five": lambda values, _: values["a"] == 5,
            "ten < eleven": lambda values, result: values["a"] == 10 and result,
        },
    )
    assert here.reached == set()
    here.set(a=5)
    assert here.reached == set(), "nothing is reached under a veil"
    here.open()
    assert here.reached == {"five"}
    here.set(a=1)
    stored = here._repr_mimebundle_()["text/html"]
    assert "✓ five" in stored
    assert "○ ten &lt; eleven" in stored
    here.set(a=10)
    assert here.reached == {"five", "ten < eleven"}
    assert "Can you reach it?" not in explorer()._repr_mimebundle_()["text/html"]


def test_a_veiled_explorer_waits_for_the_guess():
    guess = prediction()
    here = explorer(guess, before="It stands somewhere.", after={"a": 5})
    assert (here.sentence, here.known) == ("It stands somewhere.", False)
    assert here.controls["a"].slider.disabled
    assert here.buttons["High"].disabled
    assert "It stands somewhere." in here._repr_mimebundle_()["text/html"]
    guess.fields["height"].value = 10
    guess.commit()
    assert here.known
    assert here.values["a"] == 5, "it moves to the answer"
    assert not here.controls["a"].slider.disabled
    guess.clear()
    assert (here.sentence, here.values["a"]) == ("It stands somewhere.", 2)
    here.show_me.click()
    assert here.sentence == "The line stands <5> metres high & still."
    assert here.show_me.layout.display == "none"


def test_what_moves_plays_pauses_and_goes_step_by_step():
    def moving(sheet, values, result, guess):  # noqa: ARG001
        sheet.text((10, 20), "token")
        with sheet.moving([(0, 0, 0, 1), (10, 100, 0, 1)]):
            sheet.circle((10, 50), 5, "orange")

    here = explorer(picture=moving, seconds=10, steps=5)
    still = here.svg
    assert "@keyframes" not in still
    here.players["▶ Play"].click()
    assert "@keyframes" in here.svg
    assert "prefers-reduced-motion" in here.svg
    assert "translate(0 0)" in here.svg, "where nothing may move, its first frame"
    here.players["❚❚ Pause"].click()
    assert "@keyframes" not in here.svg
    here.reset()
    here.players["Step"].click()
    assert "translate(20 0)" in here.svg
    assert faults(here.svg) == []
    here.reset()
    assert here.svg == still


def test_an_explorer_needs_no_notebook():
    """Values, picture, sentence and trouble come without ipywidgets and IPython."""
    done = processes.run(
        "-c",
        "import sys\n"
        "for name in ('ipywidgets', 'IPython'): sys.modules[name] = None\n"
        "from lessons.failover_maths import lesson\n"
        "guess = lesson.predict()\n"
        "explorer = lesson.explore(guess)\n"
        "for field in guess.fields.values(): field.value = 10\n"
        "guess.commit()\n"
        "assert 'the model says' in guess.says\n"
        "explorer.set(failover=10)\n"
        "assert '<svg' in explorer.svg and explorer.trouble == ''\n"
        "print(explorer._repr_mimebundle_()['text/plain'])\n",
        PYTHONPATH=str(processes.ROOT / "notebooks"),
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Down ")


# ---- prediction --------------------------------------------------------------------


def test_prediction_is_committed_before_the_answer_shows():
    guess = prediction()
    here = explorer(guess)
    without = here.svg
    assert "2" not in guess.feedback.value.partition(">")[2]
    guess.commit_button.click()
    assert guess.guess is None
    assert "guess Height (m) too" in guess.feedback.value
    guess.fields["height"].value = 10
    guess.commit_button.click()
    assert guess.guess == {"height": 10}
    assert "you said 10, the model says <b>2</b>: 5 times too much" in (
        guess.feedback.value
    )
    assert "Off: 10 for 2." in guess.feedback.value
    assert here.svg != without, "the ghost"
    assert guess.fields["height"].slider.disabled
    assert guess.commit_button.disabled
    assert progress.recall()["00 height"]["guess"] == {"height": 10}
    guess.again_button.click()
    assert guess.guess is None
    assert here.svg == without
    assert not guess.fields["height"].box.disabled


def test_a_guess_survives_and_the_first_is_kept_for_ever():
    guess = prediction()
    guess.fields["height"].value = 10
    guess.commit()
    again = prediction()  # the cell runs again, or the kernel restarts
    assert again.guess == {"height": 10}
    assert again.fields["height"].value == 10
    assert again.commit_button.disabled
    assert "the model says <b>2</b>" in again.feedback.value
    again.clear()
    again.fields["height"].value = 0
    again.commit()
    assert prediction().guess == {"height": 0}
    assert prediction().first == {"height": 10}


@pytest.mark.parametrize(
    "spoilt",
    [None, 3, {"guess": 3}, {"guess": {"width": 1}}, {"guess": {"height": 99}}],
)
def test_a_guess_that_cannot_be_read_is_forgotten(spoilt):
    progress.record("00 height", spoilt)
    assert prediction().guess is None


def test_prediction_stored_without_an_answer():
    bundle = prediction()._repr_mimebundle_()
    assert bundle["text/plain"] == "Prediction 00 height: not committed"
    assert "How high &amp; why?" in bundle["text/html"]
    assert "Run this cell" in bundle["text/html"]


def test_committing_where_nothing_can_be_written(monkeypatch, tmp_path):
    monkeypatch.setenv("HAMODEL_PROGRESS", str(tmp_path / "no" / "such" / "folder"))
    guess = prediction()
    guess.fields["height"].value = 5
    guess.commit()
    assert "not saved" in guess.feedback.value


# ---- progress ----------------------------------------------------------------------


def test_progress_is_kept_and_forgives_a_spoilt_file():
    assert progress.recall() == {}
    assert progress.record("one", 1)
    assert progress.record("two", {"b": "ü"})
    assert progress.record("one", 3)
    assert progress.recall() == {"one": 3, "two": {"b": "ü"}}
    for spoilt in ("{", "[1]", ""):
        progress.place().write_text(spoilt)
        assert progress.recall() == {}
    assert progress.record("one", 1)
    assert json.loads(progress.place().read_text()) == {"one": 1}


# ---- exercise ----------------------------------------------------------------------

HALF = Exercise(
    form="a number",
    reference=lambda: 0.5,
    same=course.number(),
    right="One in two.",
    hint="Count the sides.",
    mistakes=[Mistake(name="percent", answer=lambda: 50, hint="That is in percent.")],
)


@pytest.mark.parametrize(
    ("answer", "verdict", "words"),
    [
        (None, "unanswered", "a number"),
        (0.5, "right", "One in two."),
        (np.float64(0.5004), "right", "One in two."),
        (0.51, "wrong", "rounded on the way"),
        (0.011, "wrong", "Count the sides."),
        (0.1, "wrong", "Five times too small"),
        ((0, 6), "wrong", "Write 0.6, with a point."),
        ([0.5], "wrong", "without brackets"),
        (lambda: 0.5, "wrong", "a function, not yet a number"),
        (50, "wrong", "That is in percent."),
        (float("nan"), "wrong", "Count the sides."),
        ("0.5", "wrong", "without quotes: 0.5."),
        ("0,5 h", "wrong", "without quotes: 0.5."),
        ("half", "unreadable", "'half' is not a number"),
        (True, "unreadable", "not a number"),
        ([1, 2], "unreadable", "TypeError"),
        (SimpleNamespace(), "unreadable", "TypeError"),
        (..., "unreadable", "a number"),
    ],
)
def test_check_answers_back_whatever_the_answer(answer, verdict, words):
    said = HALF.check(answer)
    assert said.verdict == verdict
    assert words in repr(said)
    given = isinstance(answer, str) and "5" in answer
    assert ("0.5" in repr(said)) == given, "the answer is not given away"
    assert said.words.split()[0] in said._repr_html_()


@given(st.one_of(st.none(), st.floats(), st.text(), st.binary(), st.lists(st.none())))
def test_check_never_raises(answer):
    for same in (course.number(), course.matrix(), course.function([1.0])):
        one = Exercise(
            form="", reference=lambda: abs, same=same, right="", hint="", mistakes=()
        )
        assert one.check(answer).verdict != "right"


def test_matrix_compares_entry_by_entry():
    same = course.matrix()
    assert same([[1, 0], [0, 2.001]], [[1, 0], [0, 2]])
    assert not same([[1, 1e-9], [0, 2]], [[1, 0], [0, 2]])
    assert not same([[1, 0], [0, 2.05]], [[1, 0], [0, 2]])
    with pytest.raises(ValueError, match=r"Its shape is \(2,\); it must be \(1, 2\)"):
        same([1, 2], [[1, 2]])


def test_word_and_function():
    same = course.word("up", "down")
    assert same(" Up ", "up")
    assert not same("down", "up")
    with pytest.raises(ValueError, match="none of up, down"):
        same("sideways", "up")
    same = course.function([1.0], [2.0])
    assert same(lambda x: 2 * x, lambda x: x + x)
    assert not same(lambda x: x + 1, lambda x: 2 * x)
    with pytest.raises(ValueError, match="returns nothing"):
        same(lambda _: None, abs)
    with pytest.raises(ValueError, match="A function is wanted"):
        same(3, abs)
    with pytest.raises(TypeError, match="not a function"):
        same([3], abs)


def test_a_broken_reference_is_our_fault_and_loud():
    broken = Exercise(
        form="", reference=lambda: 1 / 0, same=course.number(), right="", hint=""
    )
    with pytest.raises(ZeroDivisionError):
        broken.check(1)


# ---- quiz --------------------------------------------------------------------------


def quiz(key="", right="b"):
    options = {"a": "No, since.", "b": "Yes, since."}
    questions = [Question(text=t, right=right, options=options) for t in ("1?", "2?")]
    return Quiz(title="Ready?", questions=questions, key=key)


def test_quiz_answers_each_option():
    asked = quiz()
    assert "0 of 2" in asked.score
    asked.choices[0].value = "a"
    assert "No, since." in asked.feedback[0].value
    assert asked.answer(1, "b").verdict == "right"
    assert "Yes, since." in asked.feedback[0].value
    assert "1 of 2" in asked.score
    assert repr(asked) == "Ready?: 1 of 2 answered"
    questions = [part.value for part in asked.box.children[1:-1:3]]
    assert [">1. 1?<" in questions[0], ">2. 2?<" in questions[1]] == [True, True]
    with pytest.raises(ValueError, match="option must be one of a, b, got 'c'"):
        asked.answer(2, "c")
    assert progress.recall() == {}


def test_quiz_of_opinion_is_kept():
    alone = Quiz(title="", questions=quiz().questions[:1])
    assert ">1?<" in alone.box.children[1].value, "a single question has no number"
    asked = quiz(key="00 box", right="")
    assert asked.score == ""
    assert asked.answer(2, "a").verdict == "kept"
    assert progress.recall() == {"00 box": [None, "a"]}
    assert asked.questions[0].feedback(None).verdict == "unanswered"
    assert "1?" in asked._repr_mimebundle_()["text/html"]


# ---- lesson 00 ---------------------------------------------------------------------


def test_self_test_says_what_is_missing_and_what_to_do():
    from lessons import start_here

    good, bad = start_here.self_test(), start_here.self_test(("numpy", "no_such_thing"))
    assert good.passed
    assert repr(good).count("✓") == len(good.lines) == 7
    assert not bad.passed
    assert "✗ no_such_thing: stop, run `make lab`" in repr(bad)
    assert "✗" in bad._repr_html_()


def test_self_test_notices_a_wrong_model(monkeypatch):
    from lessons import start_here

    monkeypatch.setattr(start_here, "_reference_minutes", lambda: 16.7)
    assert "it answers 16.7" in repr(start_here.self_test())


def test_opening_diagram_names_every_box_and_marks_none():
    from lessons import start_here

    shown = start_here.diagram()
    assert faults(shown.svg) == []
    for name in start_here.shop().components:
        assert f">{name}<" in shown.svg
    assert "stroke-width: 3" not in shown.svg


def test_key_shows_every_meaning():
    from lessons import start_here

    shown = start_here.key()
    assert faults(shown.svg) == []
    assert all(f">{meaning}<" in shown.svg for meaning in plots.LOOKS)
    assert all(meaning in shown.alt for meaning in plots.LOOKS)


# ---- look --------------------------------------------------------------------------


@pytest.mark.parametrize("ink", [plots.INK, plots.GREY])
def test_text_reads_on_paper(ink):
    assert plots.contrast(ink, plots.PAPER) >= 4.5


def test_feedback_reads():
    from hamodel.course.exercise import _MARKS

    assert all(plots.contrast(c, "#ffffff") >= 4.5 for *_, c in _MARKS.values())


def test_contrast_of_known_colours():
    assert plots.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)
    assert plots.contrast("#000000", "#000000") == 1


def test_no_meaning_hangs_on_colour_alone():
    looks = list(plots.LOOKS.values())
    assert len({look.colour for look in looks}) == len(looks)
    assert len({look.hatch for look in looks}) == len(looks)


def flat(height):
    """Return a figure of one flat line."""
    figure = plots.figure(3, 2)
    with plots.styled():
        axes = figure.add_subplot(xlim=(0, 1), ylim=(0, 100))
        axes.plot([0, 1], [height, height])
    return figure


def test_svg_is_the_same_text_for_the_same_picture():
    def drawn():
        return plots.svg(flat(41.23456))

    once = drawn()
    assert drawn() == once
    assert once.startswith("<svg")
    for noise in ("<!--", "metadata", "DOCTYPE", "Date"):
        assert noise not in once
    assert faults(once) == []
    assert "'DejaVu Sans', Verdana, sans-serif" in once


def test_svg_rounds_places_and_no_text():
    figure = plots.figure(2, 1)
    figure.text(0.1234, 0.5678, "16.817")
    text = plots.svg(figure)
    assert ">16.817<" in text
    import re

    places = re.findall(r' (?:d|x|y|transform)="([^"]*)"', text)
    assert places
    assert not any(re.search(r"\.\d\d", place) for place in places)


def test_shown_picture():
    shown = plots.show(flat(0), alt='A flat line at "0".')
    assert repr(shown) == 'A flat line at "0".'
    assert 'alt="A flat line at &quot;0&quot;."' in shown._repr_html_()
