"""Every number of note that a learner reads has a row that says where it is from.

That the rows are true is shown in `test_answers.py`.
"""

import re
from html import unescape

import pytest

from hamodel.course import Quiz
from tests.support.notebook_stage import NOTEBOOKS, cells, staged
from tests.test_answers import claims

SHOWN = re.compile(r"(?<![\w.,])\d+(?:,\d{3})*(?:\.\d+)?(?![\w])")


def of_note(markdown):
    """Return the numbers that need a source: decimals, and from 1,000 on.

    A fold's solution, code, formulas, links, comments and years need none.
    """
    text = re.sub(r"(?s)<details>.*?</details>|<!--.*?-->|```.*?```", " ", markdown)
    text = unescape(re.sub(r"<[^>]+>|\]\([^)]*\)|`[^`]*`|\$[^$]*\$", " ", text))
    found = {n for n in SHOWN.findall(text) if "." in n or len(n) > 3}
    return {n for n in found if not re.fullmatch(r"(?:19|20)\d\d", n)}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_number_of_note_has_a_source(path):
    for kind, source in cells(path):
        if kind == "markdown":
            declared = {number for number, _ in claims(source)}
            assert of_note(source) <= declared, source


def test_numbers_of_note_are_found():
    text = (
        "In 2018 it took 16.8 of 1,049 h, 30 s, `x = 1.5`, [two](1.2.md), 3. <!-- 4.5"
    )
    assert of_note(text + " -->") == {"16.8", "1,049"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_option_of_a_quiz_has_its_own_answer(path, tmp_path, monkeypatch):
    monkeypatch.setenv("HAMODEL_PROGRESS", str(tmp_path / "my_course.json"))
    quizzes = [v for v in staged(path).names.values() if isinstance(v, Quiz)]
    for quiz in quizzes:
        for number, question in enumerate(quiz.questions, 1):
            words = [quiz.answer(number, option).words for option in question.options]
            assert len(set(words)) == len(words) >= 2
