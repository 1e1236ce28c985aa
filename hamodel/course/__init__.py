"""What a lesson needs beside prose: explorers, predictions, exercises, quizzes.

A lesson is a notebook and one module here.  The module makes the parts, the notebook
shows them: prose, calls and questions, and no plotting.  The surprising part is that
all of it can be tested without a browser or a kernel, because what moves is a pure
function of the package and what shows is a string.

How to make an explorer, in 40 to 80 lines (`failover_maths` is the example):

1. The model: a function of the controls' values, in the units of their labels, that
   calls the package and returns its result.
2. The picture: a function `draw(sheet, values, result, guess)` on a `Sheet`, with fixed
   axes that hold every setting.  While `sheet.known` is false it leaves out what
   answers the question.  A redraw takes a few milliseconds.
3. The sentence: a function of values and result that says what the picture says, with
   its numbers.  It stands under the picture and is its alternative text.
4. The controls: at most four, each `Slider` or `Choice` with the unit in its label,
   and at least three presets.  They start where intuition goes wrong.  `Boxes` makes
   the boxes of the picture itself the control.

All of it, for one node, in thirty lines:

    >>> from hamodel.course import Explorer, Scale, Slider, decades
    >>> def draw(sheet, values, result, guess):
    ...     scale = Scale(0, 1, 20, 380)
    ...     sheet.bar(scale, 20, 30, [(result, "site down")])
    ...     sheet.text((20, 80), f"{result:.2%} down")
    >>> def sentence(values, result):
    ...     return f"With {values['repair']} h of repair it is down {result:.2%}."
    >>> explorer = Explorer(
    ...     title="How much does a quick repair buy?",
    ...     controls={
    ...         "life": Slider(label="Fails (h)", grid=decades(10, 1000), start=100),
    ...         "repair": Slider(label="Repair (h)", grid=decades(0.5, 48), start=4),
    ...     },
    ...     model=lambda life, repair: repair / (life + repair),
    ...     picture=draw,
    ...     size=(400, 100),
    ...     describe=sentence,
    ...     presets={"Quick": {"repair": 0.5}},
    ... )
    >>> explorer
    With 4 h of repair it is down 3.85%.
    >>> explorer.controls["repair"].slider.index = 0  # as an arrow key does
    >>> explorer.sentence, explorer.svg.count("<text")
    ('With 0.5 h of repair it is down 0.50%.', 1)

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
    from hamodel.course.comparisons import function, matrix, number, sets, word
    from hamodel.course.controls import Again, Choice, Slider, decades
    from hamodel.course.drawing import Drawn, Scale, Sheet, ticks
    from hamodel.course.exercise import Exercise, Feedback, Mistake, exercise
    from hamodel.course.explorer import Explorer
    from hamodel.course.lesson import Lesson, journey, sliders
    from hamodel.course.maps import diagram, sweep_map
    from hamodel.course.prediction import Line, Prediction, View, near, views
    from hamodel.course.quiz import Question, Quiz, recall
    from hamodel.course.shown import Table, balance, dots, listed, states

__all__ = [
    "Again",
    "Boxes",
    "Choice",
    "Drawn",
    "Exercise",
    "Explorer",
    "Feedback",
    "Lesson",
    "Line",
    "Mistake",
    "Prediction",
    "Question",
    "Quiz",
    "Scale",
    "Sheet",
    "Slider",
    "Table",
    "View",
    "balance",
    "decades",
    "diagram",
    "dots",
    "exercise",
    "function",
    "journey",
    "listed",
    "matrix",
    "near",
    "number",
    "recall",
    "sets",
    "sliders",
    "states",
    "sweep_map",
    "ticks",
    "views",
    "word",
]
