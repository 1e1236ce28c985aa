"""The slips that everybody makes: units, rounding, the complement, a missing element.

One layer serves all exercises: it looks at an answer that is none of an exercise's own
named mistakes, and says what kind of slip would lead from the right answer to it.  It
never says the right answer, only how far off this one is.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


class Slip(ValueError):  # noqa: N818  it is no error of the program
    """An answer that can be read, with one thing wrong: the words name it."""


#: How many times too large an answer is, and what that may come from.
FACTORS = {
    60: "minutes and seconds, or hours and minutes",
    3600: "hours and seconds",
    24: "days and hours",
    1440: "days and minutes",
    7: "weeks and days",
    12: "years and months",
    100: "a percentage and a share",
    1000: "seconds and milliseconds, or a thousand too many",
    10: "a nine too many or too few",
    2: "a factor of two, such as counting one side only or both",
    8760: "years and hours",
    525_600: "years and minutes",
    31_536_000: "years and seconds",
}


def of_numbers(answer: Sequence[float], right: Sequence[float]) -> str:
    """Say what slip leads from some numbers to others, if it is a usual one.

    Parameters
    ----------
    answer, right : sequence of float
        The numbers given, and those wanted.

    Returns
    -------
    str
        A sentence, or nothing.

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
    for says, slip in _SHAPES:
        if pairs and all(_near(given, slip(wanted), 1e-2) for given, wanted in pairs):
            return says
    if all(_near(given, wanted, 0.05) for given, wanted in pairs):
        return "Very close: you have rounded on the way. Keep all digits until the end."
    for factor, between in FACTORS.items():
        for times, size in ((factor, "large"), (1 / factor, "small")):
            if all(_near(given, times * wanted, 0.03) for given, wanted in pairs):
                return f"{_words(factor)} times too {size}: look at {between}."
    if all(0.7 < abs(g / w) < 1.4 for g, w in pairs if w):
        much = "large" if sum(g - w for g, w in pairs) > 0 else "small"
        return f"Not far off, but too {much}: one part of it is missing or doubled."
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
    >>> [words for value, within, words in table(0.2) if value == 0.8]
    ['That is what is left of 1: the other side of the same coin.']
    """
    shapes = [(slip(right), 1e-2, says) for says, slip in _SHAPES]
    found = [*shapes, (right, 0.05, of_numbers([1.02], [1.0]))]
    for factor, between in FACTORS.items():
        for times, size in ((factor, "large"), (1 / factor, "small")):
            says = f"{_words(factor)} times too {size}: look at {between}."
            found.append((times * right, 0.03, says))
    return [(v, within, says) for v, within, says in found if math.isfinite(v)]


def _opposite(x: float) -> float:
    return 1 / x if x else math.inf


_SHAPES = (
    ("Only the sign is wrong.", lambda x: -x),
    ("That is what is left of 1: the other side of the same coin.", lambda x: 1 - x),
    ("That is what is left of 100: the other side of the coin.", lambda x: 100 - x),
    ("Upside down: that is one divided by it.", _opposite),
    ("That is its square root.", lambda x: math.sqrt(x) if x > 0 else math.inf),
    ("That is its square.", lambda x: x * x),
)


def of_sets(answer: Any, right: Any) -> str:  # noqa: ANN401  a learner's answer
    """Say how many elements of a collection are missing, or too many.

    Parameters
    ----------
    answer, right : iterable
        What was given and what is wanted; sets within them are compared as sets.

    Returns
    -------
    str
        A sentence, or nothing if the answer is no collection.

    Examples
    --------
    >>> of_sets(["a"], ["a", "b"])
    'All of yours are right, and 1 is missing.'
    """
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


def _frozen(element: Any) -> Any:  # noqa: ANN401
    listed = isinstance(element, (set, frozenset, list, tuple))
    return frozenset(element) if listed else element


def _is(number: int) -> str:
    return "is" if number == 1 else "are"


def _near(given: float, wanted: float, within: float) -> bool:
    return math.isfinite(wanted) and math.isclose(given, wanted, rel_tol=within)


def _words(factor: float) -> str:
    spelled = {60: "Sixty", 10: "Ten", 2: "Two", 100: "A hundred", 1000: "A thousand"}
    spelled |= {24: "Twenty-four", 7: "Seven", 12: "Twelve"}
    return spelled.get(int(factor), f"{factor:,}")
