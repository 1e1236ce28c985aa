"""Every stored notebook holds what it promises, and runs again to the same outputs."""

import re
from collections import defaultdict
from xml.etree import ElementTree

import nbformat
import pytest

from hamodel.course import lessons
from tests.support import notebook_guards as guards
from tests.support import prose_guards
from tests.support.notebook_stage import ALL, LESSONS, NOTEBOOKS
from tests.support.processes import nbval

MOST_BYTES = 300_000
SIDE = [path for path in ALL if path not in NOTEBOOKS]
#: What asks for cells that run, or for short cells; a glossary is a list of words.
OF_CELLS = (
    guards.executed_in_order,
    guards.something_to_see,
    prose_guards.short_prose,
    prose_guards.numbers_shown,
)
ALL_GUARDS = (*guards.GUARDS, *prose_guards.GUARDS)


@pytest.fixture(scope="session")
def stored():
    """Return {path: notebook}, read once; a test must not change them."""
    return {path: nbformat.read(path, as_version=4) for path in ALL}


def test_the_lessons_are_there():
    names = {path.name for path in ALL}
    assert {"00_start_here.ipynb", "04_failover_maths.ipynb"} <= names


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
@pytest.mark.parametrize("guard", ALL_GUARDS, ids=lambda g: g.__name__)
def test_guard(guard, path, stored):
    assert guard(stored[path]) == []


@pytest.mark.parametrize("path", SIDE, ids=lambda p: p.stem)
def test_side_notebooks_are_guarded_as_lessons_are(path, stored):
    runs = bool(guards.code(stored[path]))
    for guard in (*ALL_GUARDS, prose_guards.few_prints):
        if runs or guard not in OF_CELLS:
            assert guard(stored[path]) == [], guard.__name__


@pytest.mark.parametrize("path", LESSONS, ids=lambda p: p.stem)
@pytest.mark.parametrize("guard", prose_guards.LESSON_GUARDS, ids=lambda g: g.__name__)
def test_lesson_guard(guard, path, stored):
    assert guard(stored[path]) == []


@pytest.mark.parametrize("path", ALL, ids=lambda p: p.stem)
def test_links_resolve(path, stored):
    assert prose_guards.links(stored[path], path.parent) == []


@pytest.mark.parametrize("path", ALL, ids=lambda p: p.stem)
def test_a_word_of_the_glossary_is_explained_on_hover(path, stored):
    assert prose_guards.hovers(stored[path], path.parent) == []


def test_a_link_without_its_meaning_is_noticed():
    for title in ("", ' "something else"'):
        cell = nbformat.v4.new_markdown_cell(f"[so](glossary.ipynb#RPO{title})")
        notebook = nbformat.v4.new_notebook(cells=[cell])
        (complaint,) = prose_guards.hovers(notebook, LESSONS[0].parent)
        assert "RPO must say" in complaint


@pytest.mark.parametrize("path", ALL, ids=lambda p: p.stem)
def test_file_is_small(path):
    assert path.stat().st_size <= MOST_BYTES


def test_few_outputs_are_ignored(stored):
    ignored = [
        f"{p.name}: {c}" for p in stored for c in guards.ignored_outputs(stored[p])
    ]
    assert len(ignored) <= 2, ignored


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_executed_again_is_stored(path):
    built = lessons.build(path)
    assert not built.changed, built.difference()
    assert max(built.seconds) < 30, "a cell should take 2 s on a quiet machine"


EXECUTED = (*NOTEBOOKS, SIDE[-1])


@pytest.fixture(scope="session")
def validated(tmp_path_factory):
    """Return what strict nbval says of each cell, by notebook: one run for all."""
    report, cells = tmp_path_factory.mktemp("nbval") / "cells.xml", defaultdict(list)
    nbval(*EXECUTED, f"--junitxml={report}")
    for case in ElementTree.parse(report).iter("testcase"):
        name = case.get("classname").removesuffix(".ipynb").rpartition(".")[2]
        cells[name].append([f"{part.tag}: {part.text}" for part in case])
    return cells


@pytest.mark.parametrize("path", EXECUTED, ids=lambda p: p.stem)
def test_strict_nbval(path, stored, validated):
    assert validated[path.stem] == [[] for _ in guards.code(stored[path])]


def minutes(notebook):
    """Return how long a lesson says that it takes."""
    return int(re.search(r"(\d+) min", notebook.cells[0].source)[1])


def estimate(notebook):
    """Return what its parts take: reading, exercises, cells, and the explorer."""
    seen = (c.source for _, c in guards.prose(notebook))
    text = re.sub(r"(?s)<details>.*?</details>", " ", "\n".join(seen))
    cells = [c.source for _, c in guards.code(notebook)]
    exercises = sum("lesson.check(" in source for source in cells)
    return len(prose_guards.words(text)) / 160 + 2.5 * exercises + 0.4 * len(cells) + 4


def test_minutes_are_honest_and_add_up(stored):
    """Eight hours and a half with the capstone, and three on the shortest path."""
    said = {path.name[:2]: minutes(stored[path]) for path in NOTEBOOKS}
    start = "\n".join(cell.source for cell in stored[NOTEBOOKS[0]].cells)
    listed = re.findall(r"(?m)^\| \[?(\d\d) .*\| (\d+) \|$", start)
    assert {number: int(m) for number, m in listed} == said
    shortest = re.search(r"In three hours: (.*)\.", start)[1]
    assert sum(said[n] for n in re.findall(r"\d\d", shortest)) in range(165, 196)
    assert sum(said.values()) in range(450, 541)
    for path in LESSONS[:-1]:  # the capstone takes as long as one's own design does
        assert minutes(stored[path]) == pytest.approx(estimate(stored[path]), rel=0.3)
