"""A notebook's cells, run in this process, once for all the tests that look at them."""

import ast
import contextlib
import functools
import os
import re
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import numpy as np
import pytest

from hamodel.course import Exercise, Explorer, Prediction, Slider

ROOT = Path(__file__).parents[2]
ALL = sorted((ROOT / "notebooks").glob("*.ipynb"))  # the glossary too
NOTEBOOKS = [path for path in ALL if re.match(r"\d\d_", path.name)]
LESSONS = [path for path in NOTEBOOKS if re.match(r"(?!00_)\d\d_", path.name)]
STUB = re.compile(r"(?m)^(answer\w*) = None\b.*$")
FOLD = re.compile(r"(?s)<details>.*?```python\n(.*?)```.*?</details>")


@dataclass
class Stage:
    """What running a notebook left behind."""

    path: Path
    names: dict
    explorers: dict = field(default_factory=dict)  # by name
    veiled: dict = field(default_factory=dict)  # by name: what each showed unopened
    first: dict = field(default_factory=dict)  # by name: what each showed when new
    predictions: list = field(default_factory=list)
    exercises: list = field(default_factory=list)  # in the order of their checks
    stubs: list = field(default_factory=list)  # (cell number, name, feedback)
    wrote: bool = False

    def reset(self):
        """Return every explorer to its start, and take every prediction back."""
        for prediction in self.predictions:
            prediction.clear()
        for explorer in self.explorers.values():
            explorer.open()
            explorer.reset()


def cells(path):
    """Return (kind, source) of every cell of a notebook."""
    notebook = nbformat.read(path, as_version=4)
    return [(cell.cell_type, cell.source) for cell in notebook.cells]


def solved(found):
    """Return the cells of a notebook, each stub filled in from the fold below it."""
    changed = []
    for place, (kind, source) in enumerate(found):
        if kind == "code" and (stub := STUB.search(source)):
            below = next((s for k, s in found[place + 1 :] if k == "markdown"), "")
            source = source.replace(stub[0], solution(stub[1], below))
        changed.append((kind, source))
    return changed


def solution(name, markdown):
    """Return the code of a fold that gives an answer its value."""
    gives = re.compile(rf"(?m)^(?:{name} = |def {name}\()")
    found = [block for block in FOLD.findall(markdown) if gives.search(block)]
    assert len(found) == 1, f"one solution for {name} in the cell below it"
    return found[0].rstrip()


@functools.cache
def staged(path):
    """Run a notebook, once for all tests; return the stage."""
    return play(path, cells(path))


@functools.cache
def finished(path):
    """Run a notebook with every exercise solved, once for all tests."""
    return play(path, solved(cells(path)))


def play(path, found):
    """Run cells one after the other in a namespace of their own."""
    stage = Stage(path, {"__name__": "__main__", "display": lambda *_: None})
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        kept = Path(folder) / "my_course.json"
        patch.setenv("HAMODEL_PROGRESS", str(kept))
        patch.chdir(path.parent)
        _collect_exercises(patch, stage)
        code = [source for kind, source in found if kind == "code"]
        for number, source in enumerate(code, 1):
            value = _run(source, f"{path.name}, code cell {number}", stage.names)
            if stub := re.match(r"answer\w*", source):
                stage.stubs.append((number, stub[0], value))
            _find(stage)
        stage.wrote = kept.exists()
    return stage


def _run(source, name, names):
    """Run a cell; return the value of its last line, as a notebook shows it."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
        exec(compile(tree, name, "exec"), names)
        if last is None:
            return None
        return eval(compile(ast.Expression(last.value), name, "eval"), names)


def _find(stage):
    """Note the explorers and predictions that a cell has bound to names."""
    for name, value in list(stage.names.items()):
        if isinstance(value, Explorer) and name not in stage.explorers:
            stage.explorers[name] = value
            stage.veiled[name] = (value.known, value.svg, value.sentence)
            value.open()
            stage.first[name] = [shown(value, setting) for setting in sample(value)]
        if isinstance(value, Prediction) and value not in stage.predictions:
            stage.predictions.append(value)


def _collect_exercises(patch, stage):
    """Note each exercise whose check is called."""
    check = Exercise.check

    def noted(exercise, answer):
        if exercise not in stage.exercises:
            stage.exercises.append(exercise)
        return check(exercise, answer)

    patch.setattr(Exercise, "check", noted)


def sample(explorer, n=30, seed=4):
    """Return the start, every preset and settings at random, the same for a seed."""
    rng = np.random.default_rng(seed)
    start = {name: control.start for name, control in explorer.controls.items()}
    presets = [start | dict(preset) for preset in explorer.presets.values()]
    random = [
        {name: _anywhere(control, rng) for name, control in explorer.controls.items()}
        for _ in range(n)
    ]
    return [start, *presets, *random]


def _anywhere(control, rng):
    """Return a value of a control: one of the slider's, or one typed between them."""
    values = control.values()
    if not isinstance(control, Slider) or rng.random() < 0.5:
        return values[rng.integers(len(values))]
    low, high = sorted(rng.choice(len(values), 2, replace=False))
    typed = float(f"{rng.uniform(values[low], values[high]):.4g}")
    typed = round(typed) if control.whole else typed
    return min(max(typed, control.low), control.high)


def shown(explorer, setting):
    """Return the picture and the sentence at a setting."""
    explorer.set(**setting)
    return explorer.svg, explorer.sentence


def agrees(written, value):
    """Return whether a number, written with some digits, is a value rounded to them."""
    plain = written.replace(",", "")
    digits = len(plain.partition(".")[2])
    if abs(float(value) - float(plain)) <= 0.5000001 * 10.0**-digits:
        return True
    whole = plain.rstrip("0") if not digits else plain  # 1,050 for 1,049.7 or 1,052
    step = 10.0 ** (len(plain) - len(whole))
    return not digits and abs(float(value) - float(plain)) <= 0.5 * step
