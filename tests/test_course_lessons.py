"""The builder of the lessons: deterministic, and it refuses what may not be stored."""

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from hamodel.course import lessons, saving
from tests.support import notebook_guards as guards
from tests.support.processes import ROOT, nbval


def read(path):
    return nbformat.read(path, as_version=4)


def write(path, *sources):
    notebook = new_notebook(cells=[new_code_cell(s) for s in sources])
    notebook.cells[0].metadata["execution"] = {"iopub.status.busy": "2026-11-23"}
    notebook.metadata["widgets"] = {"state": {}}
    nbformat.write(notebook, path)
    return path


def test_builder_is_deterministic(tmp_path, capsys):
    path = write(
        tmp_path / "a.ipynb",
        "print({'a', 'b', 'c', 'd', 'e'})\nprint('x', flush=True)\nprint('y')",
        "import ipywidgets\nipywidgets.IntSlider(3)",
        "import uuid, os\nprint(os.environ['OMP_NUM_THREADS'])",
    )
    assert lessons.main([str(path)]) == 0
    first = path.read_bytes()
    assert lessons.main([str(tmp_path)]) == 0
    assert path.read_bytes() == first
    assert lessons.main(["--check", str(path)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in said] == [
        "rewritten;",
        "unchanged;",
        "unchanged;",
    ]
    assert guards.no_noise(read(path)) == guards.no_stored_widget(read(path)) == []
    assert guards.executed_in_order(read(path)) == []


def test_check_finds_a_changed_output(tmp_path, capsys):
    path = write(tmp_path / "a.ipynb", "print(1 + 1)")
    lessons.main([str(path)])
    forged = path.read_bytes().replace(b'"2\\n"', b'"3\\n"')
    path.write_bytes(forged)
    assert lessons.main(["--check", str(path)]) == 1
    assert path.read_bytes() == forged, "a check writes nothing"
    assert '+      "2\\n"' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        ("1 / 0", "raised ZeroDivisionError: division by zero"),
        ("import warnings\nwarnings.warn('old')", "raised UserWarning: old"),
        ("import sys\nprint('x', file=sys.stderr)", "wrote to stderr: x"),
        ("import os\nos._exit(1)", "killed the kernel"),
        ("  ", "is empty"),
        (
            "from IPython.display import display\n"
            f"display({{'{saving.WIDGET_VIEW}': {{}}}}, raw=True)",
            "shows only a widget",
        ),
    ],
)
def test_builder_refuses(tmp_path, cell, problem, capsys):
    path = write(tmp_path / "a.ipynb", "1", cell, "2")
    before = path.read_bytes()
    with pytest.raises(lessons.LessonError, match=f"code cell 2 {problem}") as caught:
        lessons.build(path)
    assert caught.value.cell == 2
    assert caught.value.path == path
    assert path.read_bytes() == before
    if cell == "  ":  # costs no kernel
        assert lessons.main([str(path)]) == 1
        assert "code cell 2 is empty" in capsys.readouterr().out


def test_builder_refuses_a_marked_exception(tmp_path):
    path = write(tmp_path / "a.ipynb", "1 / 0")
    notebook = read(path)
    notebook.cells[0].metadata["tags"] = ["raises-exception"]
    nbformat.write(notebook, path)
    with pytest.raises(lessons.LessonError, match="code cell 1 raised ZeroDivision"):
        lessons.build(path)


def test_builder_names_a_hanging_cell(tmp_path, monkeypatch):
    monkeypatch.setattr(lessons, "CELL_TIMEOUT", 1)
    path = write(tmp_path / "a.ipynb", "1", "import time\ntime.sleep(60)")
    with pytest.raises(lessons.LessonError, match="code cell 2 ran for more than 1 s"):
        lessons.build(path)


def test_builder_refuses_paths(tmp_path, capsys):
    for path in (tmp_path, tmp_path / "missing.ipynb", Path(__file__)):
        with pytest.raises(SystemExit):
            lessons.main([str(path)])
        assert "path must be a notebook" in capsys.readouterr().err


def test_nbval_keeps_cells_in_order_and_notices_changes(tmp_path):
    path = write(tmp_path / "a.ipynb", *(f"a{n} = {n}\na{n - 1}" for n in range(1, 9)))
    notebook = read(path)
    notebook.cells[0].source = "a0 = 0\na1 = 1\na0"
    nbformat.write(notebook, path)
    lessons.main([str(path)])
    for name in ("conftest.py", "pyproject.toml"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    done = nbval(path)
    assert "8 passed" in done.stdout, done.stdout
    path.write_bytes(path.read_bytes().replace(b'"6"', b'"7"'))
    done = nbval(path)
    assert "1 failed, 7 passed" in done.stdout, done.stdout
