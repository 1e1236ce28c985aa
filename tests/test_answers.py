"""Numbers, exercises and predictions of every notebook answer as the package does."""

import ast
import re
from types import SimpleNamespace

import pytest

from hamodel.course import Exercise, Mistake, number
from tests.support import notebook_stage
from tests.support.notebook_stage import (
    LESSONS,
    NOTEBOOKS,
    STUB,
    agrees,
    cells,
    solved,
    staged,
)

TABLE = re.compile(r"(?s)<!-- numbers\n(.*?)-->")
ROW = re.compile(r"^\s*([-+\d.,]+)(\s*%)? = (.+)$")


def claims(markdown):
    """Return (number as written, expression) of the tables of a markdown cell."""
    found = []
    for table in TABLE.findall(markdown):
        for line in table.strip().splitlines():
            match = ROW.match(line)
            assert match, (
                f"a row of numbers must read `16.8 = expression`, got {line!r}"
            )
            found.append((match[1], match[3]))
    return found


def wrong_numbers(found, names):
    """Return what is wrong with the numbers of a notebook's prose."""
    wrong = []
    for kind, source in found:
        if kind != "markdown":
            continue
        shown = TABLE.sub(" ", source)
        for written, expression in claims(source):
            value = eval(expression, names)
            if not agrees(written, value):
                wrong.append(f"{written} is written, {expression} is {value}")
            if not re.search(rf"(?<![\d.,]){re.escape(written)}(?![\d])", shown):
                wrong.append(f"{written} is computed and not written")
    return wrong


def leaks(exercise):
    """Return the hints that show the reference, if that is a number."""
    reference = exercise.reference()
    if not isinstance(reference, int | float):
        return []
    hints = [exercise.hint, *(m.hint for m in exercise.mistakes)]
    said = [(h, n) for h in hints for n in re.findall(r"\d[\d,]*\.?\d*", h)]
    return [h for h, n in said if agrees(n.rstrip(".,"), reference) and len(n) > 1]


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def played(request):
    found = staged(request.param)
    found.reset()
    return found


def test_numbers_of_the_prose(played):
    assert wrong_numbers(cells(played.path), played.names) == []


def test_running_writes_nothing(played):
    assert not played.wrote


def test_stubs_are_unanswered(played):
    assert all(feedback.verdict == "unanswered" for _, _, feedback in played.stubs)


def test_solutions_are_right(played):
    finished = notebook_stage.finished(played.path)
    assert len(finished.stubs) == len(played.stubs) == len(played.exercises)
    assert all(feedback.verdict == "right" for _, _, feedback in finished.stubs)


HINTED = re.compile(
    r"`([^`]+)`"
    r"|((?:[A-Za-z_]\w*\.)+[a-z_]\w*(?:\[[^\]]+\])?|[A-Za-z_]\w*\[[^\]]+\])"
)


def unknown(hint, names):
    """Return what of a hint's code does not run among a notebook's names."""
    faulty, seen = [], []
    for match in HINTED.finditer(hint):
        source = match[1] or match[2]
        root = ast.parse(source, mode="eval").body
        if any(isinstance(n, ast.Constant) and n.value is ... for n in ast.walk(root)):
            calls = [n.func for n in ast.walk(root) if isinstance(n, ast.Call)]
            source = ast.unparse(
                calls[-1]
            )  # what is called: the dots are the learner's
        try:
            seen.append(eval(source, dict(names)))
        except NameError:  # a name that something before it is said to have
            bare = source.isidentifier()
            rows = [row for x in seen if isinstance(x, dict) for row in x.values()]
            near = [*seen, *rows, *names.values()]
            if not (bare and any(hasattr(each, source) for each in near)):
                faulty.append(source)
        except Exception as error:
            faulty.append(f"{source}: {type(error).__name__}")
    return faulty


def test_the_code_of_a_hint_runs_where_it_is_read(played):
    names = notebook_stage.finished(played.path).names
    for exercise in played.exercises:
        known = [mistake.hint for mistake in exercise.mistakes]
        for hint in (exercise.hint, exercise.then, *known):
            assert unknown(hint, names) == [], hint


def test_a_hint_that_would_raise_is_seen():
    import hamodel as ha

    names = {"found": {"a": 1}, "ha": ha}
    assert unknown("Take found['a'] and `ha.assess`.", names) == []
    assert unknown("Take found['b'].", names) == ["found['b']: KeyError"]
    assert unknown("Call `ha.nowhere(...)`.", names) == ["ha.nowhere: AttributeError"]
    assert unknown("Ask `nothing_has_this`.", names) == ["nothing_has_this"]


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_asks(path):
    played = staged(path)
    stubs = [source for kind, source in cells(path) if kind == "code"]
    assert sum(bool(STUB.search(source)) for source in stubs) == len(played.stubs)
    assert len(played.exercises) >= 3
    assert len(played.predictions) >= 1
    assert len(played.explorers) >= 1


def test_every_known_mistake_gets_its_own_hint(played):
    for exercise in played.exercises:
        assert exercise.check(exercise.reference()).verdict == "right"
        assert exercise.mistakes, exercise.form
        hints = [exercise.hint, exercise.right, *(m.hint for m in exercise.mistakes)]
        assert len(set(hints)) == len(hints)
        for mistake in exercise.mistakes:
            feedback = exercise.check(mistake.answer())
            assert (feedback.verdict, feedback.words) == ("wrong", mistake.hint)
        assert leaks(exercise) == []


def test_checks_never_raise(played):
    for exercise in played.exercises:
        for answer in ("", "word", [], {}, object(), float("nan"), lambda *_: None):
            assert exercise.check(answer).verdict in {"wrong", "unreadable"}


def test_prediction_is_drawn_beside_the_truth(played, tmp_path, monkeypatch):
    monkeypatch.setenv("HAMODEL_PROGRESS", str(tmp_path / "my_course.json"))
    for prediction in played.predictions:
        watching = [e for e in played.explorers.values() if e.prediction is prediction]
        for explorer in watching:
            prediction.watch(explorer.reset)
        before = [explorer.svg for explorer in watching]
        prediction.commit_button.click()
        assert prediction.guess is None, "nothing can be committed untouched"
        truth = {name: float(value) for name, value in prediction.truth().items()}
        for name, control in prediction.fields.items():
            value = round(truth[name]) if control.whole else truth[name]
            control.value = min(max(value, control.low), control.high)
        prediction.commit_button.click()
        assert prediction.guess
        assert all(c.box.disabled for c in prediction.fields.values())
        told = re.findall("the model says <b>([^<]+)</b>", prediction.feedback.value)
        assert len(told) == len(truth)
        for written, value in zip(told, truth.values(), strict=True):
            said = float(written.replace(",", ""))
            assert said == pytest.approx(value, rel=6e-3, abs=5e-4)
        after = [explorer.svg for explorer in watching]
        assert all(a != b for a, b in zip(after, before, strict=True))
        assert all(explorer.trouble == "" for explorer in watching)
        prediction.again_button.click()
        for explorer in watching:
            explorer.open()
            explorer.reset()
        assert [explorer.svg for explorer in watching] == before


def test_every_view_of_a_prediction_answers_its_own_guess(played):
    """The table: each named view has a guess that shows it, and some view fits all."""
    for prediction in played.predictions:
        truth = prediction.truth()
        said = set()
        for view in prediction.views:
            if view.example:
                assert prediction.rule(view.example) == ""
                first = next(v for v in prediction.views if v.when(view.example, truth))
                assert first is view, f"{view.name} is told as {first.name}"
                said.add(prediction.comment(view.example, truth))
        assert len(said) == sum(bool(view.example) for view in prediction.views)


# ---- each check fails on a planted fault -------------------------------------------


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("It is 16.9.\n<!-- numbers\n16.9 = a.x\n-->", "is written"),
        ("It is 16.\n<!-- numbers\n16.8 = a.x\n-->", "not written"),
        ("It is 116.8.\n<!-- numbers\n16.8 = a.x\n-->", "not written"),
        ("It is 1,060.\n<!-- numbers\n1,060 = 1052.3\n-->", "is written"),
    ],
)
def test_wrong_number_is_noticed(text, complaint):
    names = {"a": SimpleNamespace(x=16.8123)}
    (found,) = wrong_numbers([("markdown", text)], names)
    assert complaint in found


def test_right_numbers_pass():
    table = "<!-- numbers\n16.8 = x\n1,050 = 1052.3\n7 % = 7.2\n-->"
    cell = ("markdown", f"16.8 and 1,050 and 7 %.\n{table}")
    assert wrong_numbers([cell], {"x": 16.7999}) == []


def test_unreadable_row_is_noticed():
    with pytest.raises(AssertionError, match="a row of numbers"):
        claims("<!-- numbers\nabout 3\n-->")


def test_leaked_answer_is_noticed():
    parts = {"form": "a number", "same": number(), "right": "Yes.", "hint": "Try."}
    mistake = Mistake(name="x", answer=lambda: 1, hint="Is it not 16.8 rather?")
    exercise = Exercise(reference=lambda: 16.81, mistakes=[mistake], **parts)
    assert leaks(exercise) == [mistake.hint]
    assert leaks(Exercise(reference=lambda: 17.3, mistakes=[mistake], **parts)) == []


def test_solved_copy_takes_the_fold(tmp_path):
    fold = (
        "<details><summary>Solution</summary>\n\n```python\n{} = 1 + 1\n```\n</details>"
    )
    found = [
        ("code", "answer_1 = None\nanswer_1"),
        ("markdown", fold.format("answer_1")),
    ]
    done = notebook_stage.play(tmp_path / "a.ipynb", solved(found))
    assert done.stubs == [(1, "answer_1", 2)]
    with pytest.raises(AssertionError, match="one solution for answer_1"):
        solved([found[0], ("markdown", fold.format("answer_2"))])
