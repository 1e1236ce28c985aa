"""When two answers agree: numbers, tables, words, names, functions.

Each comparison is a function `same(answer, other)`, which raises a `Slip` if an answer
can be read and has one thing wrong, and another exception if it cannot be read.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from hamodel._types import FloatArray
from hamodel.course import slips

#: What a learner gives, or what is right: anything at all.
Answer: TypeAlias = Any
Compare = Callable[[Answer, Answer], bool]


def _comparing(
    same: Compare,
    numbers: Callable[[Answer], Sequence[float]],
    within: float | None = None,
) -> Compare:
    """Let a comparison say which numbers an answer amounts to, for the slips.

    `within` is how far apart single numbers may be, for a page that checks by itself.
    """
    same.numbers = numbers  # type: ignore[attr-defined]
    same.within = within  # type: ignore[attr-defined]
    return same


def number(relative: float = 0.01) -> Compare:
    """Return a comparison of numbers.

    Parameters
    ----------
    relative : float
        How far two answers that agree may be apart.
    """

    def _same(answer: Answer, other: Answer) -> bool:
        return math.isclose(slips.read(answer), float(other), rel_tol=relative)

    return _comparing(_same, lambda answer: [float(answer)], relative)


def matrix(relative: float = 0.01, rows: float | None = None) -> Compare:
    """Return a comparison of tables of numbers, entry by entry.

    Parameters
    ----------
    relative : float
        How far two entries that agree may be apart, in units of the larger; a zero
        must be a zero.
    rows : float, optional
        What each row must add up to; the first that does not is named.

    Returns
    -------
    callable
        `same(answer, other)`; it raises a `Slip` if the shapes differ.
    """

    def _same(answer: Answer, other: Answer) -> bool:
        given, wanted = np.asarray(answer, float), np.asarray(other, float)
        if given.shape != wanted.shape:
            shape = f"Its shape is {given.shape}; it must be {wanted.shape}."
            raise slips.Slip(shape)
        near = bool(np.allclose(given, wanted, rtol=relative, atol=0))
        astray = _astray(given, rows)
        if astray and not (near and _astray(wanted, rows)):
            raise slips.Slip(astray)
        return near

    return _comparing(_same, lambda answer: np.asarray(answer, float).ravel().tolist())


def _astray(table: FloatArray, rows: float | None) -> str:
    """Say which row of a table is the first that does not add up, if one must."""
    if rows is None:
        return ""
    for k, total in enumerate(table.sum(axis=1), 1):
        if abs(total - rows) > 1e-6 * np.abs(table).max():
            return f"Row {k} adds up to {total:.6g}; each row must add up to {rows:g}."
    return ""


def word(*options: str) -> Compare:
    """Return a comparison of words out of a list.

    Returns
    -------
    callable
        `same(answer, other)`; it raises a `Slip` if the answer is none of them.
    """

    def _same(answer: Answer, other: Answer) -> bool:
        said = str(answer).strip()
        known = {option.lower(): option for option in options}
        if said.lower() not in known:
            raise slips.Slip(f"{answer!r} is none of {', '.join(options)}.")
        return bool(known[said.lower()] == other)

    return _same


def sets(kind: str = "") -> Compare:
    """Return a comparison of collections of names, or of sets of names, in any order.

    Parameters
    ----------
    kind : str
        What each element is if it is a set itself: "cut set".

    Returns
    -------
    callable
        `same(answer, other)`; it raises a `Slip` if a name stands where a set should.
    """

    def _same(answer: Answer, other: Answer) -> bool:
        if isinstance(answer, dict):
            raise TypeError("a list is wanted, not a mapping")
        given = [answer] if isinstance(answer, str) else list(answer)
        if kind and any(isinstance(each, str) for each in given):
            wanted = f"Each {kind} is a set of names: write {{'a'}}, with braces."
            raise slips.Slip(wanted)
        if not kind:
            return set(map(str, given)) == set(other)
        return {frozenset(map(str, each)) for each in given} == set(
            map(frozenset, other)
        )

    return _same


def function(
    *arguments: Sequence[float], relative: float = 1e-3, options: Sequence[str] = ()
) -> Compare:
    """Return a comparison of functions, by what they return.

    Parameters
    ----------
    *arguments : sequence of float
        Arguments to try, one sequence for each call.
    relative : float
        How far two results that agree may be apart.
    options : sequence of str
        The words that a result may be, if it is a word.

    Returns
    -------
    callable
        `same(answer, other)`; it raises if the answer is no function, and a `Slip` if
        the function fails.
    """
    near = word(*options) if options else number(relative)

    def _same(answer: Answer, other: Answer) -> bool:
        wanted = [other(*given) for given in arguments]
        return all(map(near, _results(answer, arguments), wanted))

    def _numbers(answer: Answer) -> list[float]:
        results = [float(r) for r in _results(answer, arguments)]
        if len(results) > 1 and len(set(results)) == 1:
            raise slips.Slip("Your function returns the same, whatever it is given.")
        return results

    return _same if options else _comparing(_same, _numbers)


def _results(answer: Answer, arguments: Sequence[Sequence[float]]) -> list[Answer]:
    """Return what a function returns; raise a `Slip` if it fails, or is none."""
    if isinstance(answer, (int, float, str)):
        example = "answer = lambda x: 2 * x"
        raise slips.Slip(f"A function is wanted, such as `{example}`.")
    if not callable(answer):
        raise TypeError(f"{answer!r} is not a function")
    try:
        results = [answer(*given) for given in arguments]
    except Exception as error:
        raise slips.Slip(f"Your function stops: {error}.") from error
    if any(result is None for result in results):
        raise slips.Slip("Your function returns nothing: is there a `return`?")
    return results
