"""Start a lesson that passes its guards: `python -m hamodel.course.starter NAME`.

What comes out is a whole small lesson, one file and one notebook, which a teacher then
fills.  It is the example of CONTRIBUTING too, so the two cannot drift apart.
"""

# ruff: noqa: E501  the braces of a template are doubled, and so are its lines longer
from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import nbformat

MODULE = '''"""Lesson {number}: {title}."""

from hamodel import course as kit
from hamodel import text
from hamodel.units import MINUTE, YEAR


def model(life, repair):
    """Return the share of time that one node is down, for hours up and hours down."""
    return repair / (life + repair)


SCALE = kit.Scale(0.1, 300_000, 150, 560, log=True)


def picture(sheet, values, found, guess):  # noqa: ARG001
    """Draw the minutes of a year, and the guess as a dashed line."""
    minutes = found * YEAR / MINUTE
    sheet.axis(SCALE, 90, "minutes a year, to powers of ten", top=20)
    rows = [("down", minutes if sheet.known else None, "both nodes down")]
    if guess:
        rows.append(("you", guess["minutes"], "guess"))
    sheet.bars(SCALE, 26, rows, 28)


def sentence(values, found):
    """Say what the picture shows."""
    minutes = text.short(found * YEAR / MINUTE)
    repair = f"{{values['repair']:g}} h"
    return f"Repaired in {{repair}}, it is down {{minutes}} minutes a year."


def truth():
    """Return the answer to the prediction."""
    return {{"minutes": model(1000, 4) * YEAR / MINUTE}}


lesson = kit.Lesson(
    number="{number}",
    guess={{
        "question": "A node fails once in 1,000 hours and takes four to repair. How "
        "many minutes a year is it down?",
        "fields": kit.sliders(minutes=("Down (min)", kit.decades(1, 20_000))),
        "truth": truth,
        "views": kit.views(
            """
            one repair a year: That is one repair. How many does a year have?
            anything else: It is {{t.minutes:,.0f}} minutes a year.
            """,
            (lambda g, _: kit.near(g["minutes"], 240), {{"minutes": 240}}),
            (lambda *_: True, {{"minutes": 1000}}),
        ),
    }},
    see={{
        "title": "How much does a quick repair buy?",
        "controls": kit.sliders(
            life=("Fails once in (h)", kit.decades(10, 1e5), 1000),
            repair=("Repair (h)", kit.decades(0.5, 48), 4),
        ),
        "model": model,
        "picture": picture,
        "size": (640, 134),
        "describe": sentence,
        "before": "How long it is down shows once you have guessed.",
        "after": {{}},
        "presets": {{
            "Quick": {{"repair": 0.5}},
            "Slow": {{"repair": 24}},
            "Robust": {{"life": 10_000}},
        }},
    }},
    exercises=(
        kit.exercise(
            """a number of minutes a year
            right: Rare or quick: only the ratio counts.
            hint: How often does it fail in a year, and how long does each take?
            one failure: That is one failure of many.
            """,
            lambda: model(500, 1) * YEAR / MINUTE,
            60,
        ),
    ),
)
'''
CELLS = (
    (
        "markdown",
        """# {number} · {title}

*20 minutes* · [map of the course](00_start_here.ipynb#Map)

What is the flaw that the lesson before has found?

## Question

Which question does this lesson answer, and **why does it matter**?""",
    ),
    (
        "code",
        "from hamodel.units import MINUTE, YEAR\nfrom lessons.{name} import lesson, model",
    ),
    (
        "markdown",
        "## You will be able to\n\n- do one thing that you could not do before",
    ),
    ("markdown", "## Predict\n\nGuess, and press *Commit*."),
    ("code", "prediction = lesson.predict()\nprediction"),
    ("markdown", "## See\n\nWhat the picture shows, and what to move."),
    ("code", "explorer = lesson.explore(prediction)\nexplorer"),
    (
        "markdown",
        "**Try this**\n\n1. *Quick*, then *Slow*. What has changed?\n\n"
        "<details><summary>What you saw</summary>\n\nThe bar.\n</details>",
    ),
    ("markdown", "## Derive\n\nFrom a balance in words to the formula."),
    ("code", 'print(f"{{model(1000, 4) * YEAR / MINUTE:,.0f}} minutes a year")'),
    (
        "markdown",
        "## Check\n\n**1.** It fails once in 500 h and is repaired in one. How many "
        "minutes a year is it down?",
    ),
    (
        "code",
        "answer_1 = None\nlesson.check(1, answer_1)  # minutes a year, within 1 %",
    ),
    (
        "markdown",
        "<details><summary>Solution</summary>\n\n```python\n"
        "answer_1 = model(500, 1) * YEAR / MINUTE\n```\n</details>",
    ),
    ("markdown", "## But I thought…\n\n**…a common error.** Why it is one."),
    (
        "markdown",
        "## Key point\n\n**One sentence.** What the classic text says: *holds if* so.\n\n"
        "**What this model leaves out.** All the rest.",
    ),
    ("markdown", "## Next\n\nThe flaw of this lesson, and who repairs it."),
)


def start(name: str, folder: Path) -> tuple[Path, Path]:
    """Write a small lesson, to be filled.

    Parameters
    ----------
    name : str
        Its number and its name: "08_latency_of_the_passive_side".
    folder : Path
        The folder of the notebooks.

    Returns
    -------
    tuple of Path
        The module, and the notebook, whose cells have yet to run.

    Raises
    ------
    ValueError
        If the name has another form, or the lesson is there.
    """
    parts = re.fullmatch(r"(\d\d)_([a-z][a-z0-9_]+)", name)
    if parts is None:
        raise ValueError(f"name must be like 08_latency_of_the_far_side, got {name!r}")
    words = {"number": parts[1], "name": parts[2]}
    words["title"] = parts[2].replace("_", " ").capitalize()
    module = folder / "lessons" / f"{parts[2]}.py"
    notebook = folder / f"{name}.ipynb"
    for path in (module, notebook):
        if path.exists():
            raise ValueError(f"{path} is there already")
    cells = [_cell(kind, source.format(**words)) for kind, source in CELLS]
    made = nbformat.v4.new_notebook(cells=cells)
    module.parent.mkdir(exist_ok=True)
    module.write_text(MODULE.format(**words), encoding="utf-8")
    notebook.write_text(nbformat.writes(made) + "\n", encoding="utf-8")
    return module, notebook


def _cell(kind: str, source: str) -> nbformat.NotebookNode:
    made = {
        "code": nbformat.v4.new_code_cell,
        "markdown": nbformat.v4.new_markdown_cell,
    }
    return made[kind](source)


def main(arguments: Sequence[str] | None = None) -> int:
    """Start a lesson and say where it is.

    Returns
    -------
    int
        The exit status: 1 if the name is no name, or taken.
    """
    parser = argparse.ArgumentParser(prog="python -m hamodel.course.starter")
    parser.add_argument("name", help="such as 08_latency_of_the_passive_side")
    parser.add_argument("--folder", type=Path, default=Path("notebooks"))
    options = parser.parse_args(arguments)
    try:
        made = start(options.name, options.folder)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write("".join(f"{path}\n" for path in made))
    return 0


if __name__ == "__main__":
    sys.exit(main())
