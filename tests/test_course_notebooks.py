"""What the notebooks promise to a learner: solutions that pass, numbers that are true.

The cells run in this process, without a kernel.
"""

import contextlib
import os
import re
from html import unescape
from pathlib import Path

import nbformat
import pytest

from hamodel.course import Exercise, Feedback, Prediction, Quiz

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
LESSONS = [path for path in NOTEBOOKS if not path.name.startswith("00_")]
STUB = re.compile(r"(?m)^(answer_\d+) = None\b.*$")
FOLD = re.compile(r"(?s)<details>.*?```python\n(.*?)```.*?</details>")
TABLE = re.compile(r"(?s)<!-- numbers\n(.*?)-->")
SHOWN = re.compile(r"(?<![\w.,])\d+(?:,\d{3})*(?:\.\d+)?(?![\w])")


def read(path):
    return nbformat.read(path, as_version=4).cells


def prose(text):
    """Return what a reader reads: no code, formulas, folds, tags, links or comments."""
    text = re.sub(r"(?s)<details>.*?</details>|<!--.*?-->|```.*?```", " ", text)
    return unescape(re.sub(r"<[^>]+>|\]\([^)]*\)|`[^`]*`|\$[^$]*\$", " ", text))


def of_note(text):
    """Return the numbers of a text that need a source: decimals, and from 1,000 on."""
    found = SHOWN.findall(prose(text))
    years = {n for n in found if re.fullmatch(r"(?:19|20)\d\d", n)}
    return {n for n in found if "." in n or len(n) > 3} - years


def table(text):
    """Return the (number, expression) pairs that a cell's prose declares."""
    lines = "\n".join(TABLE.findall(text)).splitlines()
    pairs = [line.partition(" = ") for line in lines if line.strip()]
    return [(number, expression) for number, _, expression in pairs]


def agrees(number, value):
    """Tell whether a value, rounded to the digits of a number in prose, is that."""
    digits = len(number.partition(".")[2])
    return (
        f"{float(value):,.{digits}f}" == f"{float(number.replace(',', '')):,.{digits}f}"
    )


def execute(cells, names, replace=None):
    """Run code cells; return the value of the last line of each."""
    import ast

    shown = []
    with (
        Path(os.devnull).open("w") as nowhere,
        contextlib.redirect_stdout(nowhere),
    ):
        for cell in cells:
            source = cell.source if replace is None else replace(cell.source)
            tree = ast.parse(source)
            last = None
            if tree.body and isinstance(tree.body[-1], ast.Expr):
                last = ast.Expression(tree.body.pop().value)
            exec(compile(tree, "cell", "exec"), names)
            shown.append(last and eval(compile(last, "cell", "eval"), names))
    return shown


def code(cells):
    return [cell for cell in cells if cell.cell_type == "code"]


@pytest.fixture(autouse=True)
def _private_progress(tmp_path, monkeypatch):
    monkeypatch.setenv("HAMODEL_PROGRESS", str(tmp_path / "progress.json"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_numbers_in_prose_are_true(path):
    cells, names = read(path), {}
    execute(code(cells), names)
    wrong = [
        f"{number} is not {expression} = {value}"
        for cell in cells
        if cell.cell_type == "markdown"
        for number, expression in table(cell.source)
        if not agrees(number, value := eval(expression, names))
    ]
    assert wrong == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_every_number_of_note_has_a_source(path):
    for cell in read(path):
        if cell.cell_type == "markdown":
            declared = {number for number, _ in table(cell.source)}
            assert of_note(cell.source) <= declared
            assert all(n in prose(cell.source) for n in declared), "declared, not said"


@pytest.mark.parametrize("path", LESSONS, ids=lambda p: p.stem)
def test_solutions_pass_and_stubs_say_so(path):
    cells = read(path)
    stubs = [k for k, cell in enumerate(cells) if STUB.search(cell.source)]
    assert 3 <= len(stubs) <= 5
    for k in stubs:
        (name,) = STUB.findall(cells[k].source)
        (solution,) = FOLD.findall(cells[k + 1].source)
        assert f"{name} =" in solution or f"def {name}(" in solution
        cells[k].solution = solution
    unsolved = execute(code(cells), {})
    solved = execute(code(solve(cells)), {})
    said = [v for v in unsolved if isinstance(v, Feedback)]
    assert [f.verdict for f in said] == ["unanswered"] * len(stubs)
    said = [v for v in solved if isinstance(v, Feedback)]
    assert [f.verdict for f in said] == ["right"] * len(stubs)


def solve(cells):
    """Return the cells with every stub replaced by the solution of its fold."""
    for cell in cells:
        if "solution" in cell:
            solution = cell.pop("solution")
            cell.source = STUB.sub(lambda _, s=solution: s, cell.source)
    return cells


@pytest.mark.parametrize("path", LESSONS, ids=lambda p: p.stem)
def test_each_known_mistake_gets_its_own_hint(path):
    for exercise in exercises(path):
        hints = [mistake.hint for mistake in exercise.mistakes]
        assert len(hints) >= 2
        assert len({*hints, exercise.hint, exercise.right}) == len(hints) + 2
        for mistake in exercise.mistakes:
            said = exercise.check(mistake.answer())
            assert (said.verdict, said.words) == ("wrong", mistake.hint), mistake.name


@pytest.mark.parametrize("path", LESSONS, ids=lambda p: p.stem)
def test_no_hint_gives_the_answer_away(path):
    for exercise in exercises(path):
        reference = exercise.reference()
        if not isinstance(reference, float):
            continue
        words = [m.hint for m in exercise.mistakes] + [exercise.hint, exercise.form]
        for number in SHOWN.findall(" ".join(words)):
            assert not exercise.same(float(number.replace(",", "")), reference)


def exercises(path):
    """Return the exercises that a notebook's cells check."""
    cells, names = code(read(path)), {}
    execute(cells, names)
    asked = [
        eval(found[1], names)
        for cell in cells
        if (found := re.search(r"(?m)^([\w.]+)\.check\(answer", cell.source))
    ]
    assert asked
    assert all(isinstance(exercise, Exercise) for exercise in asked)
    return asked


@pytest.mark.parametrize("path", LESSONS, ids=lambda p: p.stem)
def test_the_prediction_moves_the_explorer(path):
    names = {}
    execute(code(read(path)), names)
    prediction, explorer = names["prediction"], names["explorer"]
    assert isinstance(prediction, Prediction)
    for field in prediction.fields.values():
        explorer.reset()
        before = explorer.svg
        field.value = field.grid[1]
        prediction.commit()
        first = explorer.svg
        prediction.clear()
        field.value = field.grid[-2]
        prediction.commit()
        assert len({before, first, explorer.svg}) == 3
        prediction.clear()
        assert explorer.svg == before


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_every_option_of_a_quiz_answers(path):
    names = {}
    execute(code(read(path)), names)
    for quiz in [value for value in names.values() if isinstance(value, Quiz)]:
        for number, question in enumerate(quiz.questions, 1):
            words = [quiz.answer(number, option).words for option in question.options]
            assert len(set(words)) == len(words) >= 2


# ---- each check can fail -----------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "value", "good"),
    [
        ("16.8", 16.817, True),
        ("16.8", 16.86, False),
        ("1,049", 1049.1, True),
        ("1,050", 1049.1, False),
        ("7.4", 7.36, True),
        ("17", 16.5001, True),
    ],
)
def test_numbers_agree_at_the_digits_shown(number, value, good):
    assert agrees(number, value) is good


def test_numbers_of_note_are_found():
    text = "In 2018 it took 16.8 of 1,049 h, 30 s, `x = 1.5`, [two](1.2.md), 3."
    assert of_note(text) == {"16.8", "1,049"}
    assert table("a <!-- numbers\n1.5 = 3 / 2\n-->") == [("1.5", "3 / 2")]
