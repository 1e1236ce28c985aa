"""A lesson that was just started passes the guards of every lesson."""

import importlib
import subprocess
import sys

import nbformat
import pytest

from hamodel.course import lessons, starter
from tests.support import notebook_guards, prose_guards
from tests.support.processes import ROOT
from tests.support.svg_pictures import collisions, faults, over_shapes


def test_a_started_lesson_passes_its_guards(tmp_path, monkeypatch):
    (tmp_path / "00_start_here.ipynb").write_text("{}")
    module, notebook = starter.start("42_planted_example", tmp_path)
    assert lessons.main([str(notebook)]) == 0
    stored = nbformat.read(notebook, as_version=4)
    guards = (*notebook_guards.GUARDS, *prose_guards.GUARDS)
    for guard in (*guards, *prose_guards.LESSON_GUARDS):
        assert guard(stored) == [], guard.__name__
    sound = [sys.executable, "-m", "ruff", "check", "--isolated", "--select=E,F"]
    sound.append(str(module))
    assert subprocess.run(sound, check=False, capture_output=True).returncode == 0
    monkeypatch.syspath_prepend(module.parent)
    monkeypatch.setenv("HAMODEL_PROGRESS", str(tmp_path / "my_course.json"))
    lesson = importlib.import_module("planted_example").lesson
    explorer = lesson.explore(lesson.predict())
    explorer.open()
    for preset in explorer.presets:
        explorer.apply(preset)
        found = (
            faults(explorer.svg),
            collisions(explorer.svg),
            over_shapes(explorer.svg),
        )
        assert found == ([], [], [])
    assert lesson.check(1, 60).words == "That is one failure of many."
    for view in lesson.guess["views"]:
        truth = lesson.guess["truth"]()
        shown = next(v for v in lesson.guess["views"] if v.when(view.example, truth))
        assert shown is view


@pytest.mark.parametrize("name", ["latency", "8_x", "08 x", "08_X", "../08_x"])
def test_a_name_must_have_a_number(tmp_path, name, capsys):
    assert starter.main([name, "--folder", str(tmp_path)]) == 1
    assert "name must be like" in capsys.readouterr().err


def test_a_lesson_is_not_written_over(tmp_path, capsys):
    assert starter.main(["08_x_y", "--folder", str(tmp_path)]) == 0
    assert starter.main(["08_x_y", "--folder", str(tmp_path)]) == 1
    assert "is there already" in capsys.readouterr().err


def test_contributing_names_what_the_starter_writes():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert "make lesson NAME=" in text
    for word in ("kit.Lesson(", "kit.views(", "sheet.known", "kit.exercise("):
        assert word in text
        assert word in starter.MODULE or word in text
