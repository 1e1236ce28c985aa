"""What a learner moves or answers, as plain HTML forms.

Everything is a native element with a label: ranges, radio buttons, folds.  The
surprising part is how little needs a script: a quiz answers back by its style sheet
alone, a reveal is a fold, and only the frames of an explorer are put in by JavaScript.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Callable, Mapping
from html import escape
from urllib.parse import quote

from hamodel._types import Value
from hamodel.course import slips
from hamodel.course.exercise import Exercise
from hamodel.course.explorer import Explorer
from hamodel.course.prediction import Prediction
from hamodel.course.quiz import Quiz
from hamodel.course.site._film import Axis, Film, film
from hamodel.course.site._ghost import grids
from hamodel.course.site._markdown import Markdown, latex


class Forms:
    """Turns the objects that one notebook shows into HTML; counts them for their ids.

    Parameters
    ----------
    rich : callable
        `rich(object)` returns the mapping of formats that IPython would show.
    """

    def __init__(self, rich: Callable[[object], Mapping[str, str]]) -> None:
        self._rich = rich
        self._ids = itertools.count(1)

    def __call__(self, shown: object) -> str:
        """Return the HTML of an object."""
        for kind, form in _FORMS.items():
            if isinstance(shown, kind):
                return form(shown, f"p{next(self._ids)}")
        return self._plain(shown)

    def _plain(self, shown: object) -> str:
        data = self._rich(shown)
        if html := data.get("text/html"):
            return f'<div class="output">{html}</div>'
        if formula := data.get("text/latex"):
            return latex(formula)
        if source := data.get("text/markdown"):  # its headings stand below the cell's
            page = re.sub(r"(?m)^(#+ )", r"##\1", source)
            return f'<div class="output">{Markdown(str)(page)}</div>'
        return f"<pre>{escape(data.get('text/plain', repr(shown)))}</pre>"


# ---- explorers ---------------------------------------------------------------------


def _explorer(explorer: Explorer, key: str) -> str:
    taken = film(explorer)
    _, sentence, settings, _ = taken.frames[taken.start]
    width, height = taken.size
    picture = (
        f'<img alt="{escape(sentence)}" width="{width}" height="{height}" '
        f'src="data:image/svg+xml,{quote(taken.svg(taken.start), safe=_SAFE)}">'
    )
    over = "".join(_boxes(axis, taken.size) for axis in taken.axes)
    return (
        f'<figure class="explorer" id="{key}"><figcaption>{escape(taken.title)}'
        f'</figcaption><form class="controls" hidden>{_controls(taken, key)}</form>'
        f'<div class="picture" style="max-width:{width}px">{picture}'
        f'{over}</div><p class="says" aria-live="polite">{escape(sentence)}</p>'
        f'<p class="shown">Shown: <span>{escape(settings)}</span>.</p>{_lift(taken)}'
        f'<script type="application/json">{_json(_packed(taken))}</script></figure>'
    )


def _lift(taken: Film) -> str:
    if taken.veil is None:
        return ""
    return (
        '<p class="veil"><b>Commit your guess above</b>, or '
        '<button type="button" data-open>Show me</button></p>'
    )


def _controls(taken: Film, key: str) -> str:
    axes = [
        _CONTROLS[axis.kind](axis, number, f"{key}-{number}")
        for number, axis in enumerate(taken.axes)
        if len(axis.values) > 1
    ]
    buttons = "".join(
        f'<button type="button" data-preset="{number}">{escape(name)}</button>'
        for number, name in enumerate((*taken.presets, "Reset"))
    )
    if taken.play is not None:
        buttons += '<button type="button" data-play>▶ Play</button>'
    return f'{"".join(axes)}<div class="presets">{buttons}</div>'


def _range(axis: Axis, number: int, key: str) -> str:
    text = escape(axis.texts[axis.start])
    return (
        f'<div class="control"><label for="{key}">{escape(axis.label)}</label>'
        f'<input type="range" id="{key}" data-axis="{number}" min="0" '
        f'max="{len(axis.values) - 1}" value="{axis.start}" aria-valuetext="{text}" '
        f'autocomplete="off"><span class="value" aria-hidden="true">{text}</span></div>'
    )


def _choice(axis: Axis, number: int, key: str) -> str:
    options = "".join(
        f'<option value="{place}"{" selected" if place == axis.start else ""}>'
        f"{escape(text)}</option>"
        for place, text in enumerate(axis.texts)
    )
    return (
        f'<div class="control"><label for="{key}">{escape(axis.label)}</label>'
        f'<select id="{key}" data-axis="{number}" autocomplete="off">{options}'
        "</select></div>"
    )


def _pressing(axis: Axis, *_: object) -> str:
    return f'<p class="note">{axis.note}</p>'


def _scenes(axis: Axis, number: int, key: str) -> str:
    """Return a list for each of the controls that make the scenes."""
    lists = (_choice(part, number, f"{key}-{n}") for n, part in enumerate(axis.parts))
    return "".join(
        made.replace("data-axis", f'data-part="{n}" data-axis', 1)
        for n, made in enumerate(lists)
    )


_CONTROLS: dict[str, Callable[[Axis, int, str], str]] = {
    "range": _range,
    "choice": _choice,
    "scenes": _scenes,
    "boxes": _pressing,
}


def _boxes(axis: Axis, size: tuple[int, int]) -> str:
    """Return the buttons that lie over the boxes of a picture."""
    failed = axis.values[axis.start] if axis.places else ()
    buttons = []
    for name, place in axis.places.items():
        shares = [100 * part / size[k % 2] for k, part in enumerate(place)]
        sides = zip(("left", "top", "width", "height"), shares, strict=True)
        style = ";".join(f"{side}:{share:.2f}%" for side, share in sides)
        buttons.append(
            f'<button type="button" class="box" data-box="{escape(name)}" hidden '
            f'aria-label="{escape(f"{axis.label}: {name}")}" '
            f'aria-pressed="{str(name in failed).lower()}" style="{style}"></button>'
        )
    return "".join(buttons)


def _packed(taken: Film) -> dict[str, object]:
    axes = [
        {
            "texts": axis.texts,
            "start": axis.start,
            **({"sets": axis.values} if axis.kind == "boxes" else {}),
            **({"scenes": _scenes_of(axis)} if axis.parts else {}),
        }
        for axis in taken.axes
    ]
    return {
        "groups": taken.groups,
        "frames": taken.frames,
        "ghosts": taken.ghosts,
        "axes": axes,
        "table": taken.table,
        "presets": [*taken.presets.values(), None],  # None: all to their start
        "veil": taken.veil,
        "play": taken.play,
    }


def _scenes_of(axis: Axis) -> list[list[int]]:
    """Return the place of each control in each scene."""
    return [
        [p.values.index(scene.get(p.name, p.values[p.start])) for p in axis.parts]
        for scene in axis.values
    ]


def _json(data: object) -> str:
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")


# ---- predictions, exercises, quizzes -----------------------------------------------


def _prediction(prediction: Prediction, key: str) -> str:
    truth = prediction.truth()
    fields, answers = [], []
    for number, (name, control) in enumerate(prediction.fields.items()):
        at = f"{key}-{number}"
        fields.append(
            f'<div class="control"><label for="{at}">{escape(control.label)}</label>'
            f'<input type="number" id="{at}" min="{control.low:g}" required '
            f'max="{control.high:g}" step="{1 if control.whole else "any"}" '
            'autocomplete="off" placeholder="your guess"></div>'
        )
        answers.append(
            f'<li>{escape(control.label)}: <span data-said="{at}"></span>'
            f"the model says <b>{float(truth[name]):,.1f}</b>.</li>"
        )
    return (
        f'<form class="prediction" id="{key}"><p>{escape(prediction.question)}</p>'
        f"{''.join(fields)}<details><summary>Commit my prediction and show the answer"
        f"</summary><ul>{''.join(answers)}</ul><p class='comment'></p></details>"
        f"{_views(prediction)}</form>"
    )


def _views(prediction: Prediction) -> str:
    """Return what is said to each guess on the marks of the scales."""
    marks = grids(prediction)
    truth = {name: float(value) for name, value in prediction.truth().items()}
    said: dict[str, int] = {}
    places = []
    for values in itertools.product(*marks):
        guess = dict(zip(prediction.fields, values, strict=True))
        if wrong := _impossible(prediction, guess):
            words = f"That cannot be: {wrong}"
        else:
            words = prediction.comment(guess, truth)
        places.append(said.setdefault(words, len(said)))
    data = {"grids": marks, "said": list(said), "at": places}
    return f'<script type="application/views">{_json(data)}</script>'


def _impossible(prediction: Prediction, guess: dict[str, float]) -> str:
    """Return why a guess is none; sliders share a whole out, boxes may not."""
    whole = prediction.total
    if whole and abs(sum(guess.values()) - whole) > 1e-9 * whole:
        return f"together they are {whole:g}."
    return prediction.rule(guess)


def _exercise(exercise: Exercise, key: str) -> str:
    known = "".join(
        f"<dt>{escape(mistake.name[:1].upper() + mistake.name[1:])}</dt>"
        f"<dd>{escape(mistake.hint)}</dd>"
        for mistake in exercise.mistakes
    )
    usual = f"{_fold('The usual mistakes', f'<dl>{known}</dl>')}" if known else ""
    hint = _fold("A hint", f"<p>{escape(exercise.hint)}</p>")
    if exercise.then:
        hint += _fold("A second hint", f"<p>{escape(exercise.then)}</p>")
    right = _fold("When you have it", f"<p>{escape(exercise.right)}</p>")
    return (
        f'<div class="exercise" id="{key}"><p>Give '
        f"{escape(exercise.form)}.</p>{_asked(exercise, key)}{hint}{usual}{right}</div>"
    )


def _asked(exercise: Exercise, key: str) -> str:
    """Return a box that is checked in the page, where an answer is a plain number."""
    within, right = getattr(exercise.same, "within", None), exercise.reference()
    if within is None:
        return ""
    known = [(float(m.answer()), within, m.hint) for m in exercise.mistakes]
    data = {
        "right": [float(right), within, exercise.right],
        "known": [k for k in known if math.isfinite(k[0])] + slips.table(float(right)),
        "hints": [exercise.hint, exercise.then or exercise.hint],
    }
    return (
        f'<form class="check" autocomplete="off"><label for="{key}-a">Your answer'
        f'</label> <input id="{key}-a" inputmode="decimal" required> '
        '<button type="submit">Check</button><p role="status"></p>'
        f'<script type="application/check">{_json(data)}</script></form>'
    )


def _fold(summary: str, html: str) -> str:
    return f"<details><summary>{summary}</summary>{html}</details>"


def _quiz(quiz: Quiz, key: str) -> str:
    sets = []
    for number, question in enumerate(quiz.questions, 1):
        options = "".join(
            _option(f"{key}-{number}", place, text, repr(question.feedback(text)))
            for place, text in enumerate(question.options)
        )
        before = f"{number}. " if len(quiz.questions) > 1 else ""
        asked = escape(before + question.text)
        sets.append(f"<fieldset><legend>{asked}</legend>{options}</fieldset>")
    return (
        f'<form class="quiz" id="{key}" autocomplete="off">'
        f'<p class="title">{escape(quiz.title)}</p>{"".join(sets)}</form>'
    )


def _option(name: str, place: int, text: str, says: str) -> str:
    at = f"{name}-{place}"
    return (
        f'<div class="option"><input type="radio" name="{name}" id="{at}">'
        f'<label for="{at}">{escape(text)}</label>'
        f'<div class="answer" aria-live="polite"><p>{escape(says)}</p></div></div>'
    )


_FORMS: dict[type, Callable[[Value, str], str]] = {
    Explorer: _explorer,
    Prediction: _prediction,
    Exercise: _exercise,
    Quiz: _quiz,
}
_SAFE = " ='/:;,.()!*+?&$@~"
