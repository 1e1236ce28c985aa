"""The slips that everybody makes: units, rounding, the complement, a missing element.

One layer serves all exercises: it looks at an answer that is none of an exercise's own
named mistakes, and says what kind of slip would lead from the right answer to it.  It
never says the right answer, only how far off this one is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from hamodel import text
from hamodel._types import Value


class Slip(ValueError):  # noqa: N818  it is no error of the program
    """An answer that can be read, with one thing wrong: the words name it."""


#: How many times too large an answer is, and what that may come from.
FACTORS: dict[float, str] = {
    60: "minutes and seconds, or hours and minutes",
    3600: "hours and seconds",
    24: "days and hours",
    1440: "days and minutes",
    7: "weeks and days",
    30: "months and days",
    12: "years and months",
    52: "years and weeks",
    365: "years and days",
    100: "a percentage and a share",
    1000: "seconds and milliseconds, or a thousand too many",
    10: "a nine too many or too few",
    2: "a factor of two, such as counting one side only or both",
    math.log(10): "natural logarithms and those to base ten",
    8760: "years and hours",
    525_600: "years and minutes",
    31_536_000: "years and seconds",
    **dict.fromkeys((1e4, 1e5, 1e6), "the zeros: count them"),
    **dict.fromkeys((3, 4, 5), "what is counted more than once, or not at all"),
}


def of_numbers(answer: Sequence[float], right: Sequence[float]) -> str:
    """Say what slip leads from some numbers to others, if it is a usual one.

    Examples
    --------
    >>> of_numbers([3.5], [210])
    'Sixty times too small: look at minutes and seconds, or hours and minutes.'
    >>> of_numbers([0.2], [0.8])
    'That is what is left of 1: the other side of the same coin.'
    >>> of_numbers([209], [210])
    'Very close: you have rounded on the way. Keep all digits until the end.'
    """
    pairs = list(zip(answer, right, strict=True))
    if pairs and all(_near(given, wanted, 0.05) for given, wanted in pairs):
        return _CLOSE
    for says, slip in _SHAPES:
        if pairs and all(_near(given, slip(wanted), 0.02) for given, wanted in pairs):
            return says
    for factor, between in FACTORS.items():
        for times, size in ((factor, "large"), (1 / factor, "small")):
            within = _apart(factor)
            if all(_near(given, times * wanted, within) for given, wanted in pairs):
                return f"{_words(factor)} times too {size}: look at {between}."
    if all(0.7 < abs(g / w) < 1.4 for g, w in pairs if w):
        return _FAR.format("large" if sum(g - w for g, w in pairs) > 0 else "small")
    return _some(pairs)


def _some(pairs: Sequence[tuple[float, float]]) -> str:
    """Say how many of several numbers are right, or that they are out of order."""
    given, wanted = (sorted(numbers) for numbers in zip(*pairs, strict=True))
    if all(_near(g, w, 1e-2) for g, w in zip(given, wanted, strict=True)):
        return "These are the right numbers, in another order."
    right = [_near(g, w, 1e-2) for g, w in pairs]
    if any(right):
        many = f"{sum(right)} of {len(right)} come out right"
        return f"{many}; the first that does not is number {right.index(False) + 1}."
    return ""


def table(right: float) -> list[tuple[float, float, str]]:
    """Return what `of_numbers` would say to single numbers, for a page to look up.

    Parameters
    ----------
    right : float
        The number wanted.

    Returns
    -------
    list of (float, float, str)
        A number, how far from it an answer may be in units of the larger, and what is
        said; the first that fits holds.

    Examples
    --------
    >>> [words for value, within, words in table(0.3) if value == 0.7]
    ['That is what is left of 1: the other side of the same coin.']
    """
    shapes = [(slip(right), 0.02, says) for says, slip in _SHAPES]
    found = [(right, 0.05, _CLOSE), *shapes]
    for factor, between in FACTORS.items():
        for times, size in ((factor, "large"), (1 / factor, "small")):
            says = f"{_words(factor)} times too {size}: look at {between}."
            found.append((times * right, _apart(factor), says))
    found += [(1.2 * right, 0.16, _FAR.format("large"))]
    found += [(0.84 * right, 0.16, _FAR.format("small"))]
    return [(v, within, says) for v, within, says in found if math.isfinite(v)]


def _apart(factor: float) -> float:
    """Return how far from a factor an answer may be: large ones lie far apart."""
    return 0.02 if factor < 50 else 0.08


def _opposite(x: float) -> float:
    return 1 / x if x else math.inf


_CLOSE = "Very close: you have rounded on the way. Keep all digits until the end."
_FAR = "Not far off, but too {}: one part of it is missing or doubled."
_SHAPES = (
    ("Only the sign is wrong.", lambda x: -x),
    ("That is what is left of 1: the other side of the same coin.", lambda x: 1 - x),
    ("That is what is left of 100: the other side of the coin.", lambda x: 100 - x),
    ("Upside down: that is one divided by it.", _opposite),
    ("That is its square root.", lambda x: math.sqrt(x) if x > 0 else math.inf),
    ("That is its square.", lambda x: x * x),
)


def read(answer: Any) -> float:  # noqa: ANN401  a learner's answer
    """Return the number that somebody gave, or say how it is to be written.

    Raises
    ------
    Slip
        If it is a number in another form, in words for the learner.
    TypeError
        If it is none at all.

    Examples
    --------
    >>> read(21.9)
    21.9
    >>> read("21,9 min")
    Traceback (most recent call last):
    hamodel.course.slips.Slip: Give it as a number, without quotes: 21.9.
    """
    if isinstance(answer, bool):
        raise TypeError(f"{answer} is not a number")
    if isinstance(answer, str):
        number = re.search(r"-?\d[\d.,]*", answer)
        if number is None:
            raise TypeError(f"{answer!r} is not a number")
        raise Slip(f"Give it as a number, without quotes: {_pointed(number[0])}.")
    if isinstance(answer, tuple) and [type(x) for x in answer] == [int, int]:
        pointed = f"Write {answer[0]}.{answer[1]}, with a point."
        raise Slip(f"A comma makes two numbers of it. {pointed}")
    if isinstance(answer, (list, tuple, set, dict)) and len(answer) == 1:
        raise Slip("One number is wanted, without brackets around it.")
    if callable(answer):
        raise Slip("That is a function, not yet a number: call it with its arguments.")
    return float(answer)


def _pointed(digits: str) -> str:
    if re.fullmatch(r"-?\d+,\d+", digits) and not re.search(r",\d{3}$", digits):
        return digits.replace(",", ".")
    return digits.replace(",", "").rstrip(".")


def of_sets(answer: Value, right: Value) -> str:
    """Say how many elements of a collection are missing, or too many, if it is one.

    Examples
    --------
    >>> of_sets(["a"], ["a", "b"])
    'All of yours are right, and 1 is missing.'
    """
    answer = [answer] if isinstance(answer, str) else answer
    try:
        given, wanted = ({_frozen(each) for each in x} for x in (answer, right))
    except TypeError:
        return ""
    extra, missing = len(given - wanted), len(wanted - given)
    if not given & wanted:
        return "None of these belongs to it."
    if missing and not extra:
        return f"All of yours are right, and {missing} {_is(missing)} missing."
    if extra and not missing:
        return f"Nothing is missing, but {extra} {_is(extra)} too many."
    return f"{extra} {_is(extra)} too many, and {missing} {_is(missing)} missing."


def _frozen(element: object) -> object:
    if isinstance(element, (set, frozenset, list, tuple)):
        return frozenset(element)
    return element


def _is(number: int) -> str:
    return "is" if number == 1 else "are"


def _near(given: float, wanted: float, within: float) -> bool:
    return math.isfinite(wanted) and math.isclose(given, wanted, rel_tol=within)


def _words(factor: float) -> str:
    spelled: dict[float, str] = {
        60: "Sixty",
        10: "Ten",
        2: "Two",
        100: "A hundred",
        1000: "A thousand",
    }
    spelled |= {24: "Twenty-four", 7: "Seven", 12: "Twelve", 30: "Thirty"}
    spelled |= {3: "Three", 4: "Four", 5: "Five"}
    return spelled.get(factor, text.number(factor))
