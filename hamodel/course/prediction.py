"""A prediction that is committed before the answer shows.

Predicting works through surprise, and only a prediction that was committed can
surprise.  So the answer stays hidden until the button is pressed; then the guess
stands beside the answer, and an explorer draws it as a dashed ghost.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from html import escape
from types import SimpleNamespace
from typing import TYPE_CHECKING

from hamodel import text
from hamodel.course import progress
from hamodel.course._svg import image
from hamodel.course._widgets import Skin, bundle, paragraph, skin_of
from hamodel.course.drawing import Scale, Sheet

if TYPE_CHECKING:
    import ipywidgets as widgets

    from hamodel.course.controls import Slider

Guess = Mapping[str, float]


@dataclass(frozen=True, kw_only=True, eq=False)
class View:
    """What a guess shows about how somebody sees the matter.

    Attributes
    ----------
    name : str
        The view, or the misconception.
    when : callable
        `when(guess, truth)` tells whether a guess shows it.
    says : str
        What to say to it: `{g.two:g}` writes the number of the field "two" in the
        guess, `{t.two:.1f}` the right one.
    example : mapping
        A guess that shows it, for the test.
    """

    name: str
    when: Callable[[Guess, Guess], bool]
    says: str
    example: Guess

    def words(self, guess: Guess, truth: Guess) -> str:
        """Return what to say to a guess."""
        return self.says.format(g=SimpleNamespace(**guess), t=SimpleNamespace(**truth))


def views(
    words: str, *cases: tuple[Callable[[Guess, Guess], bool], Guess]
) -> tuple[View, ...]:
    r"""Return the views of a prediction from a table: a line for each.

    Parameters
    ----------
    words : str
        Lines `name: what to say`; what is indented goes on with the line before.
    *cases : (callable, mapping)
        For each line `when(guess, truth)`, and a guess that shows it.

    Examples
    --------
    >>> much, _ = views(
    ...     "too much: You said {g.it:g}; it is {t.it:g}.\nfine: Well.",
    ...     (lambda g, t: g["it"] > t["it"], {"it": 9}),
    ...     (lambda *_: True, {"it": 1}),
    ... )
    >>> much.words({"it": 9}, {"it": 2})
    'You said 9; it is 2.'
    """
    lines = re.sub(r"\n +", " ", inspect.cleandoc(words)).splitlines()
    return tuple(
        View(name=name, when=when, says=says, example=example)
        for (name, says), (when, example) in zip(
            (line.split(": ", 1) for line in lines), cases, strict=True
        )
    )


def near(guess: float, value: float, within: float = 0.1) -> bool:
    """Return whether a guess comes near a value, `within` so many times that.

    Examples
    --------
    >>> near(5.5, 16.8 / 3), near(9, 16.8 / 3)
    (True, False)
    """
    return abs(guess - value) <= within * abs(value)


@dataclass(frozen=True, kw_only=True, eq=False)
class Line:
    """Axes on which a guess is drawn: a handle for each field, dragged up and down.

    Attributes
    ----------
    size : (float, float)
        Width and height of the picture in pixels; the page scales it.
    across : mapping of str to float
        How far from the left the handle of each field stands, in pixels.
    low, high : float
        How far from the top the ends of the fields' grids are, in pixels.
    draw : callable
        `draw(sheet, points)` draws the axes, and the line through the points that were
        set so far: pixels, from left to right.
    """

    size: tuple[float, float]
    across: Mapping[str, float]
    low: float
    high: float
    draw: Callable[[Sheet, Sequence[tuple[float, float]]], None]

    def picture(self, fields: Mapping[str, Slider]) -> str:
        """Return the axes and the line as it is now."""
        sheet = Sheet(*self.size)
        given = {name: c for name, c in fields.items() if not c.empty}
        points = [(self.across[name], self._up(c)) for name, c in given.items()]
        self.draw(sheet, sorted(points))
        said = "; ".join(control.text for control in given.values())
        alt = f"Your line: {said}." if given else "Axes for a line, still to be drawn."
        return image(sheet.svg(), alt)

    def _up(self, control: Slider) -> float:
        share = control.nearest(control.value) / (len(control.grid) - 1)
        return self.low + share * (self.high - self.low)


@dataclass(kw_only=True, eq=False, repr=False)
class Prediction:
    """A question whose answer is one or more numbers, to be guessed first.

    Attributes
    ----------
    key : str
        Names lesson and question: "04 failover".
    question : str
        The question.
    fields : mapping of str to Slider
        What is to be guessed; the keys name the numbers.
    truth : callable
        `truth()` returns `{key: the right number}`, computed when it is needed.
    views : sequence of View
        What guesses show; the first that fits is said, and one must fit.
    rule : callable, optional
        `rule(guess)` returns why a guess is impossible, or nothing.
    total : float
        What the numbers always add up to, as shares of one bar; 0 if they need not.
    line : Line, optional
        Axes on which the fields are handles, so that the guess is drawn by hand.
    says : str
        What is said now, as HTML: what is missing, or how the guess did.
    """

    key: str
    question: str
    fields: Mapping[str, Slider]
    truth: Callable[[], Guess]
    views: Sequence[View]
    rule: Callable[[Guess], str] = lambda _: ""
    total: float = 0
    line: Line | None = None
    guess: dict[str, float] | None = field(default=None, init=False)
    says: str = field(default="", init=False)

    def __post_init__(self) -> None:
        self._watchers: list[Callable[[], None]] = []
        self._sharing = False
        for name, control in self.fields.items() if self.total else ():
            control.watch(partial(self._share, name))
        self._say(_NOTHING)
        self._restore()

    @cached_property
    def skin(self) -> Skin:
        """What a notebook shows; it follows from then on."""
        return skin_of(self, "_panels")

    @property
    def commit_button(self) -> widgets.Button:
        """The button that commits."""
        return self.skin.commit

    @property
    def again_button(self) -> widgets.Button:
        """The button that takes the guess back."""
        return self.skin.again

    @property
    def feedback(self) -> widgets.HTML:
        """What is said to the guess."""
        return self.skin.feedback

    @property
    def box(self) -> widgets.VBox:
        """The outermost widget."""
        return self.skin.box

    def commit(self) -> None:
        """Fix the guess, show the answer and tell those who watch.

        A guess that lacks a number, or that is impossible, is told so instead.
        """
        missing = [c.label for c in self.fields.values() if c.empty]
        if missing:
            self._say(f"Not yet: guess {escape(' and '.join(missing))} too.")
            return
        guess = {name: control.value for name, control in self.fields.items()}
        if impossible := self.rule(guess):
            self._say(f"That cannot be: {escape(impossible)}")
            return
        self.guess = guess
        first = self._recorded("first") or self.guess
        kept = progress.record(self.key, {"first": first, "guess": self.guess})
        self._answer("" if kept else "This folder is read-only, so it was not saved.")

    def _share(self, moved: str, _: object) -> None:
        """Let the other shares take what is left, in the ratio that they had."""
        if self._sharing:
            return
        others = [c for name, c in self.fields.items() if name != moved]
        left = self.total - self.fields[moved].value
        parts = [0.0 if control.empty else control.value for control in others]
        parts = parts if sum(parts) else [1.0] * len(others)
        self._sharing = True
        for control, part in zip(others[:-1], parts[:-1], strict=True):
            control.value = round(left * part / sum(parts))
        rest = left - sum(control.value for control in others[:-1])
        others[-1].value = rest
        self._sharing = False
        if "skin" in self.__dict__:  # it has been asked for
            self.skin.follow()

    @property
    def bar(self) -> str:
        """The shares as one bar, as HTML; nothing if there are none, or none yet."""
        if not self.total or any(control.empty for control in self.fields.values()):
            return ""
        sheet, scale = Sheet(640, 56), Scale(0, self.total, 10, 630)
        values = [control.value for control in self.fields.values()]
        sheet.bar(scale, 6, 24, list(zip(values, _SHARES, strict=False)))
        for k, (control, look) in enumerate(
            zip(self.fields.values(), _SHARES, strict=False)
        ):
            sheet.rect((10 + 210 * k, 38, 12, 10), look, weight=0.8)
            sheet.text((27 + 210 * k, 48), control.text, size=12)
        texts = "; ".join(control.text for control in self.fields.values())
        return image(sheet.svg(), f"One bar, shared out: {texts}.")

    @property
    def first(self) -> dict[str, float] | None:
        """The first guess ever committed; later lessons return to it."""
        return self._recorded("first")

    def _recorded(self, which: str) -> dict[str, float] | None:
        """Return a guess that was kept, if every control can still take it."""
        kept = progress.recall().get(self.key)
        guess = kept.get(which) if isinstance(kept, dict) else None
        if not isinstance(guess, dict) or guess.keys() != self.fields.keys():
            return None
        try:
            for name, control in self.fields.items():
                control.check(guess[name])
        except (TypeError, ValueError):
            return None
        return guess

    def _restore(self) -> None:
        """Return to the guess of an earlier run of the cell, or an earlier day."""
        guess = self._recorded("guess")
        if guess is not None:
            self._sharing = True  # the shares are what they were
            for name, control in self.fields.items():
                control.value = guess[name]
            self._sharing = False
            self.guess = dict(guess)
            self._answer("This is your guess of an earlier run.")

    def _answer(self, note: str) -> None:
        """Lock the guess, and set the answer beside it."""
        guess = self.guess or {}
        truth = {name: float(value) for name, value in self.truth().items()}
        parts = [
            f"{escape(control.label)}: you said {guess[name]:,g}, the model says "
            f"<b>{_short(truth[name])}</b>{_apart(guess[name], truth[name])}."
            for name, control in self.fields.items()
        ]
        parts.append(escape(self.comment(guess, truth)))
        self._lock(on=True)
        self._say("<br>".join([*parts, *([f"<i>{note}</i>"] if note else [])]))

    def comment(self, guess: Guess, truth: Guess) -> str:
        """Return what to say to a guess: the words of the first view that fits.

        Raises
        ------
        ValueError
            If no view fits.
        """
        for view in self.views:
            if view.when(guess, truth):
                return view.words(guess, truth)
        raise ValueError(f"no view of {self.key} fits {dict(guess)}")

    def clear(self) -> None:
        """Take the guess back; the first that was ever committed stays on record."""
        self.guess = None
        self._lock(on=False)
        self._say(_NOTHING)

    def watch(self, changed: Callable[[], None]) -> None:
        """Call a function whenever a guess is committed or taken back."""
        self._watchers.append(changed)

    def _lock(self, *, on: bool) -> None:
        for control in self.fields.values():
            control.enable(on=not on)

    def _say(self, html: str) -> None:
        self.says = html
        if "skin" in self.__dict__:  # it has been asked for
            self.skin.follow()
        for changed in self._watchers:
            changed()

    def __repr__(self) -> str:
        return f"Prediction {self.key}: {self.guess or 'not committed'}"

    def _repr_mimebundle_(self, **_: object) -> dict[str, object]:
        labels = "".join(f"<li>{escape(c.label)}</li>" for c in self.fields.values())
        html = (
            f"{paragraph(escape(self.question))}<ul>{labels}</ul>"
            "<p><i>Run this cell to commit your prediction.</i></p>"
        )
        return bundle(self, html, repr(self))


_SHARES = ("failing over", "degraded", "both nodes down")
_NOTHING = "Nothing is committed yet. A guess is enough."


def _short(value: float) -> str:
    """Write an answer with the digits that a reader can use."""
    return "0" if abs(value) < 5e-4 else text.number(value)


def _apart(guess: float, truth: float) -> str:
    """Say how far a guess is from the truth."""
    if not guess or abs(truth) < 5e-4 or guess * truth < 0:
        return ""
    ratio = max(guess / truth, truth / guess)
    way = "too much" if guess > truth else "too little"
    if ratio < 1.05:
        return ": spot on"
    if ratio < 2:
        return f": {100 * (ratio - 1):.0f} % {way}"
    return f": {text.number(ratio)} times {way}"
