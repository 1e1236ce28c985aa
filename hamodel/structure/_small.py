"""Cut sets of a few parts, from the circuit as written: no decision diagram is needed.

Every node of the circuit gets the minimal sets of at most so many parts that fail it;
a gate puts those of its inputs together, and what grew too large is dropped at once.
So the pairs that take down a ring of a thousand token ranges can be had, though no
diagram of the ring fits any memory.  They bound the unavailability from both sides.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, combinations

import numpy as np

from hamodel._types import FloatArray
from hamodel.structure._circuit import Circuit, Leaf
from hamodel.structure._errors import TooManySetsError

Sets = set[frozenset[str]]

_LISTED = 200_000
_PAIRED = 3000  # likeliest sets of which all pairs are looked at
_NOTHING: frozenset[str] = frozenset()


def cut_sets(circuit: Circuit, perfect: frozenset[str], most: int) -> Sets:
    """Return the minimal sets of at most `most` parts that fail the whole."""
    return _sets(circuit, {name: set() for name in perfect}, most, paths=False)


def path_sets(circuit: Circuit, perfect: frozenset[str], most: int) -> Sets:
    """Return the minimal sets of at most `most` parts that keep the whole up."""
    return _sets(circuit, {name: {_NOTHING} for name in perfect}, most, paths=True)


def _sets(circuit: Circuit, known: Mapping[str, Sets], most: int, paths: bool) -> Sets:
    made: list[Sets] = []
    for node in circuit:
        if isinstance(node, Leaf):
            made.append(known.get(node.name, {frozenset((node.name,))}))
        else:
            inputs = [made[i] for i in node.inputs]
            count = node.needed if paths else node.tolerated + 1
            made.append(_some(inputs, count, most))
    return made[-1]


def _some(inputs: Sequence[Sets], count: int, most: int) -> Sets:
    """Return the minimal sets that make at least `count` of the inputs happen."""
    if count == 1:
        return _minimal(set().union(*inputs))
    rows: list[Sets] = [{_NOTHING}, *(set() for _ in range(count))]
    for one in inputs:
        for have in range(count, 0, -1):
            more = _both(rows[have - 1], one, most)
            rows[have] = _minimal(rows[have] | more) if more else rows[have]
    return rows[count]


def _both(first: Sets, second: Sets, most: int) -> Sets:
    """Return the unions of a set of each that are small enough."""
    by_size: dict[int, list[frozenset[str]]] = defaultdict(list)
    holding: dict[str, list[frozenset[str]]] = defaultdict(list)
    for other in second:
        by_size[len(other)].append(other)
        for name in other:
            holding[name].append(other)
    found: Sets = set()
    for one in first:
        room = most - len(one)
        found.update(one | o for size in range(room + 1) for o in by_size.get(size, ()))
        # larger ones fit only where they share parts
        for name in one:
            found.update(one | o for o in holding.get(name, ()) if len(o - one) <= room)
        if len(found) > 4 * _LISTED:
            raise TooManySetsError(len(found), _LISTED)
    return found


def _minimal(sets: Iterable[frozenset[str]]) -> Sets:
    """Drop what contains another set."""
    kept: Sets = set()
    sizes: set[int] = set()
    for one in sorted(sets, key=len):
        smaller = (combinations(one, size) for size in sizes if size < len(one))
        if kept.isdisjoint(map(frozenset, chain.from_iterable(smaller))):
            kept.add(one)
            sizes.add(len(one))
    if len(kept) > _LISTED:
        raise TooManySetsError(len(kept), _LISTED)
    return kept


def bounds(
    sets: Sequence[frozenset[str]], q: Mapping[str, float], most: int
) -> tuple[float, float]:
    """Bound the probability that some cut set fails, given all of at most `most` parts.

    From above: the listed ones as if independent (Esary and Proschan 1963, J. Am.
    Stat. Assoc. 58, for minimal cut sets of independent parts), and more than `most`
    parts failed at once.  From below: each listed one less its overlaps with others
    (Bonferroni), of the likeliest ones.
    """
    chance = np.array([np.prod([q[name] for name in cut]) for cut in sets])
    with np.errstate(divide="ignore"):
        listed = -np.expm1(np.sum(np.log1p(-chance)))
    high = min(float(listed) + _more_than(most, list(q.values())), 1.0)
    if not len(chance):
        return 0.0, high
    likely = np.argsort(-chance)[:_PAIRED]
    overlap = _overlaps([sets[i] for i in likely], q)
    sums = np.cumsum(chance[likely]) - np.cumsum(np.sum(np.tril(overlap, -1), axis=1))
    return float(min(max(sums.max(), chance.max()), high)), high


def _overlaps(sets: Sequence[frozenset[str]], q: Mapping[str, float]) -> FloatArray:
    """Return P(both fail) for each pair."""
    names = sorted(set().union(*sets))
    place = {name: i for i, name in enumerate(names)}
    held = np.zeros((len(sets), len(names)))
    for row, members in enumerate(sets):
        held[row, [place[name] for name in members]] = 1
    with np.errstate(divide="ignore"):
        logs = np.maximum(np.log([q[name] for name in names]), -1e6)
    own = held @ logs
    return np.asarray(np.exp(own[:, None] + own - (held * logs) @ held.T))


def _more_than(most: int, chances: Sequence[float]) -> float:
    """P(more than so many parts failed): a sum of positive terms."""
    exact = np.zeros(most + 2)  # the last: more than that
    exact[0] = 1.0
    for chance in chances:
        over = exact[-1] + chance * exact[-2]
        exact[1:] = exact[1:] * (1 - chance) + chance * exact[:-1]
        exact[0] *= 1 - chance
        exact[-1] = over
    return float(exact[-1])
