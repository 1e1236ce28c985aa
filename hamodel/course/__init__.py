"""What a lesson needs beside prose: explorers, predictions, exercises, quizzes.

A lesson is a notebook and one module here.  The module makes the parts, the notebook
shows them: prose, calls and questions, and no plotting.  The surprising part is that
all of it can be tested without a browser or a kernel, because what moves is a pure
function of the package and what shows is a string.

How to make an explorer, in 40 to 80 lines (`failover_maths` is the example):

1. The model: a function of the controls' values, in the units of their labels, that
   calls the package and returns its result.
2. The picture: a class with a `figure` from `hamodel.plots.figure()` and a method
   `update(values, result, guess)`.  Make every artist in `__init__`, with fixed limits
   and ticks and plain-text labels; in `update` set data, text and visibility only.  A
   redraw may take 50 ms, and should take 25.
3. The sentence: a function of values and result that says what the picture says, with
   its numbers.  It stands under the picture and is its alternative text.
4. The controls: at most four, each `Slider` or `Choice` with the unit in its label,
   and at least three presets.  They start where intuition goes wrong.  `Boxes` makes
   the boxes of the picture itself the control.

All of it, for one node, in thirty lines:

    >>> from hamodel import plots
    >>> from hamodel.course import Explorer, Slider, decades
    >>> class Level:
    ...     def __init__(self):
    ...         self.figure = plots.figure(4, 1)
    ...         with plots.styled():
    ...             axes = self.figure.add_axes((0.05, 0.4, 0.9, 0.5))
    ...             axes.set(xlim=(0, 1), xticks=(0, 1), yticks=())
    ...             (self.bar,) = axes.barh(0, 0, **plots.LOOKS["site down"].patch)
    ...             self.label = self.figure.text(0.05, 0.05, "")
    ...
    ...     def update(self, values, result, guess):
    ...         self.bar.set_width(result)
    ...         self.label.set_text(f"{result:.2%} down")
    >>> def sentence(values, result):
    ...     return f"With {values['repair']} h of repair it is down {result:.2%}."
    >>> explorer = Explorer(
    ...     title="How much does a quick repair buy?",
    ...     controls={
    ...         "life": Slider(label="Fails (h)", grid=decades(10, 1000), start=100),
    ...         "repair": Slider(label="Repair (h)", grid=decades(0.5, 48), start=4),
    ...     },
    ...     model=lambda life, repair: repair / (life + repair),
    ...     picture=Level(),
    ...     describe=sentence,
    ...     presets={"Quick": {"repair": 0.5}},
    ... )
    >>> explorer
    With 4 h of repair it is down 3.85%.
    >>> explorer.controls["repair"].slider.index = 0  # as an arrow key does
    >>> explorer.sentence, explorer.svg.count("<text")
    ('With 0.5 h of repair it is down 0.50%.', 3)

Conventions of a notebook: the explorer, the prediction and the quiz are bound to names
(`explorer`, `prediction`, `quiz`), so that tests find and sweep them.  The cell of an
exercise begins with the line `answer_1 = None` and ends with the check; the next cell
is its solution, a fold (`<details>`) with one Python block that begins `answer_1 = `.
Every number of note in prose, one with a decimal point or from 1,000 on, has a row in a
comment of its cell; when the cells have run, tests evaluate the rows and compare at the
digits shown:

    <!-- numbers
    16.8 = base.minutes_per_year
    -->

Assumptions: ipywidgets 8, JupyterLab 4; no `interact` and no `Output` widget, which
neither nbval nor JupyterLite can follow.
"""

from hamodel._extras import brought_by

with brought_by("course"):
    from hamodel.course.boxes import Boxes
    from hamodel.course.controls import Again, Choice, Slider, decades
    from hamodel.course.drawing import Drawn, Scale, Sheet, ticks
    from hamodel.course.exercise import (
        Exercise,
        Feedback,
        Mistake,
        function,
        matrix,
        number,
        word,
    )
    from hamodel.course.explorer import Explorer
    from hamodel.course.lesson import Lesson
    from hamodel.course.maps import sweep_map
    from hamodel.course.prediction import Prediction, View, near
    from hamodel.course.quiz import Question, Quiz, ask

__all__ = [
    "Again",
    "Boxes",
    "Choice",
    "Drawn",
    "Exercise",
    "Explorer",
    "Feedback",
    "Lesson",
    "Mistake",
    "Prediction",
    "Question",
    "Quiz",
    "Scale",
    "Sheet",
    "Slider",
    "View",
    "ask",
    "decades",
    "function",
    "matrix",
    "near",
    "number",
    "sweep_map",
    "ticks",
    "word",
]
