"""Run a notebook here, in this process, and keep what each cell shows as HTML."""

from __future__ import annotations

import ast
import contextlib
import io
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path

import nbformat

from hamodel._types import Value
from hamodel.course.exercise import Exercise
from hamodel.course.lesson import Lesson
from hamodel.course.lessons import LessonError

Show = Callable[[object], str]


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A cell of a notebook that has run.

    Attributes
    ----------
    source : str
        Its Markdown or its code.
    code : bool
        Whether it is code.
    html : str
        What the code shows.
    live : bool
        Whether it shows something to look at or to answer, so that the code is only
        the way there.
    """

    source: str
    code: bool = False
    html: str = ""
    live: bool = False


class Stage:
    """The names that the cells of one notebook share, and what a cell has shown.

    Parameters
    ----------
    path : Path
        The notebook.
    show : callable
        Turns an object that is shown into HTML.
    """

    def __init__(self, path: Path, show: Show) -> None:
        self.path, self._show = path, show
        self.names: dict[str, object] = {
            "__name__": "__main__",
            "display": self.display,
        }
        self._parts: list[str] = []
        self._printed = io.StringIO()
        self._live = False

    def display(self, *shown: object) -> None:
        """Show objects, as IPython's function of this name does."""
        for each in shown:
            self._flush()
            html = self._show(each)
            self._live |= any(mark in html for mark in _LIVE)
            self._parts.append(html)

    def run(self, source: str, number: int) -> Cell:
        """Run a code cell."""
        self._parts, self._printed, self._live = [], io.StringIO(), False
        try:
            with contextlib.redirect_stdout(self._printed):
                self._execute(source, f"{self.path.name}, code cell {number}")
        except Exception as error:
            problem = f"raised {type(error).__name__}: {error}"
            raise LessonError(self.path, number, problem) from error
        self._flush()
        return Cell(
            source=source, code=True, html="".join(self._parts), live=self._live
        )

    def _execute(self, source: str, name: str) -> None:
        tree = ast.parse(source, name)
        last = tree.body[-1]
        if not isinstance(last, ast.Expr):
            exec(compile(tree, name, "exec"), self.names)
            return
        tree.body.pop()
        exec(compile(tree, name, "exec"), self.names)
        value = self._value(last.value, name)
        if value is not None:
            self.display(value)

    def _value(self, expression: ast.expr, name: str) -> object:
        """Return what is to be shown: for a check, the exercise that it belongs to."""
        if checked := _checked(expression):
            owner = self._eval(checked.value, name)
            if isinstance(owner, Exercise):
                return owner
            if isinstance(owner, Lesson):
                which: Value = self._eval(expression.args[0], name)  # type: ignore[attr-defined]
                return owner.exercises[which - 1]
        return self._eval(expression, name)

    def _eval(self, expression: ast.expr, name: str) -> object:
        code = compile(ast.Expression(expression), name, "eval")
        return eval(code, self.names)

    def _flush(self) -> None:
        if text := self._printed.getvalue():
            self._parts.append(f"<pre>{escape(text.rstrip())}</pre>")
            self._printed.seek(0)
            self._printed.truncate()


def _checked(expression: ast.expr) -> ast.Attribute | None:
    """Return the `….check` of an expression, if that is what it calls."""
    if isinstance(expression, ast.Call) and isinstance(expression.func, ast.Attribute):
        return expression.func if expression.func.attr == "check" else None
    return None


def play(path: Path, show: Show) -> tuple[Cell, ...]:
    """Run a notebook from top to bottom.

    Parameters
    ----------
    path : Path
        The notebook.
    show : callable
        Turns an object that is shown into HTML; called as soon as it is shown.

    Returns
    -------
    tuple of Cell
        The cells in their order.

    Raises
    ------
    LessonError
        If a cell raises.
    """
    notebook = nbformat.read(path, as_version=4)
    stage, played, number = Stage(path, show), [], 0
    with aside(), _within(path.parent), contextlib.chdir(path.parent):
        for cell in notebook.cells:
            if cell.cell_type == "code":
                number += 1
                played.append(stage.run(cell.source, number))
            else:
                played.append(Cell(source=cell.source))
    return tuple(played)


@contextlib.contextmanager
def _within(folder: Path) -> Iterator[None]:
    """Let cells import what lies beside their notebook, as a kernel started there."""
    place = str(folder.resolve())
    sys.path.insert(0, place)
    try:
        yield
    finally:
        sys.path.remove(place)


@contextlib.contextmanager
def aside() -> Iterator[None]:
    """Keep the learner's own record of answers out of it."""
    name = "HAMODEL_PROGRESS"
    kept = os.environ.get(name)
    with tempfile.TemporaryDirectory(prefix="hamodel-site-") as folder:
        os.environ[name] = str(Path(folder) / "my_course.json")
        try:
            yield
        finally:
            del os.environ[name]
            if kept is not None:
                os.environ[name] = kept


_LIVE = ("<figure", "<form", "<img", '<div class="exercise"')
