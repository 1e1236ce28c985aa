"""How the questions to a structure are answered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from numbers import Real
from typing import TypeVar

from hamodel import _check
from hamodel._types import Quantity
from hamodel.structure import _circuit, _probability, _sets, _shares, _small
from hamodel.structure._bdd import WORKS, Builder, Diagram, dual, substituted
from hamodel.structure._circuit import Circuit
from hamodel.structure._errors import TooManySetsError
from hamodel.structure._results import Importance, Importances, Outages, Purchase
from hamodel.structure._values import (
    common_causes,
    complete,
    is_client,
    known,
    plain,
    probabilities,
    ratio,
)

W = TypeVar("W", bound="Whole")

_LISTED = 200_000  # minimal sets that are still listed
_SMALL = 4  # parts of a set that is found without a diagram


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Whole:
    """What a structure consists of; `Structure` asks it."""

    draw: Callable[[], Diagram]
    drawn: tuple[str, ...]
    circuit: Circuit
    needs: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @cached_property
    def diagram(self) -> Diagram:
        """The exact decision diagram, made when it is first asked for."""
        return self.draw()

    @property
    def components(self) -> tuple[str, ...]:
        """The parts that can fail: all but the client, hidden ones last."""
        return tuple(n for n in (*self.drawn, *self.hidden) if not is_client(n))

    @property
    def hidden(self) -> dict[str, tuple[str, ...]]:
        """The shared dependencies that nobody had drawn, and what needs them."""
        found: dict[str, tuple[str, ...]] = {}
        for name, users in self.needs:
            if name not in self.drawn:
                found[name] = tuple(dict.fromkeys((*found.get(name, ()), *users)))
        return found


def numbers(
    whole: W,
    unavailabilities: Mapping[str, Quantity],
    common_cause: Mapping[tuple[str, ...], Quantity] | None,
) -> tuple[W, dict[str, Quantity]]:
    """Return the structure and the numbers, common causes made parts of both."""
    names = (*whole.drawn, *whole.hidden)
    q = probabilities("unavailabilities", unavailabilities, names)
    if not common_cause:
        return whole, q
    causes, alone = common_causes(q, common_cause)
    return shared(whole, causes), alone


def works(whole: Whole, gone: frozenset[str]) -> bool:
    """Tell whether the service works without some parts."""
    up: list[bool] = []
    for node in _with_needs(whole):
        up.append(
            node.name not in gone
            if isinstance(node, _circuit.Leaf)
            else sum(up[i] for i in node.inputs) >= node.needed
        )
    return up[-1]


def cut_sets(whole: Whole, max_order: int | None) -> tuple[frozenset[str], ...]:
    """Return the minimal cut sets."""
    return _sets_of(whole, max_order, _small.cut_sets, lambda: whole.diagram)


def path_sets(whole: Whole, max_order: int | None) -> tuple[frozenset[str], ...]:
    """Return the minimal path sets."""
    return _sets_of(
        whole, max_order, _small.path_sets, lambda: dual(_perfected(whole.diagram))
    )


def _sets_of(
    whole: Whole,
    max_order: int | None,
    small: Callable[[Circuit, frozenset[str], int], Iterable[frozenset[str]]],
    diagram: Callable[[], Diagram],
) -> tuple[frozenset[str], ...]:
    """Return minimal sets; small ones need no diagram."""
    if max_order is not None:
        _check.whole(1, max_order=max_order)
        if max_order <= _SMALL:
            perfect = frozenset(filter(is_client, whole.drawn))
            return _in_order(whole, small(_with_needs(whole), perfect, max_order))
    return _listed(whole, diagram(), max_order)


def bounds(
    whole: Whole, unavailabilities: Mapping[str, float], max_order: int
) -> tuple[float, float]:
    """Return a lower and an upper bound of the unavailability."""
    names = (*whole.drawn, *whole.hidden)
    q = probabilities("unavailabilities", unavailabilities, names)
    _check_numbers(q)
    cuts = cut_sets(whole, max_order)
    return _small.bounds(cuts, {n: float(v) for n, v in q.items()}, max_order)


def _check_numbers(q: Mapping[str, Quantity]) -> None:
    for name, value in q.items():
        if not isinstance(value, Real):
            said = f"unavailability of {name} must be a number, got {value!r}"
            raise ValueError(said)


def _with_needs(whole: Whole) -> _circuit.Circuit:
    """Return the circuit with the shared dependencies put in."""
    circuit = whole.circuit
    for name, dependents in whole.needs:
        circuit = _circuit.needing(circuit, name, dependents)
    return circuit


def _listed(
    whole: Whole, diagram: Diagram, max_order: int | None
) -> tuple[frozenset[str], ...]:
    """Return the minimal sets that turn a diagram, small ones first."""
    perfect = frozenset(filter(is_client, diagram.order))
    families, found = _sets.minimal(diagram, perfect, max_order)
    count = families.count(found)
    if count > _LISTED:
        raise TooManySetsError(count, _LISTED)
    return _in_order(whole, families.members(found))


def _in_order(
    whole: Whole, sets: Iterable[frozenset[str]]
) -> tuple[frozenset[str], ...]:
    """Return sets by size, then in the order of the parts."""
    place = {name: i for i, name in enumerate(whole.components)}

    def key(members: frozenset[str]) -> tuple[int, list[int]]:
        return len(members), sorted(place[name] for name in members)

    return tuple(sorted(sets, key=key))


def importances(whole: Whole, q: Mapping[str, Quantity]) -> Importances:
    """Return the six measures of every part."""
    total = plain(_probability.down(whole.diagram, q)[-1])
    splits = _probability.splits(whole.diagram, q)
    shares = _shares.of_circuit(_with_needs(whole), q)
    rows = {}
    for name in whole.components:
        split = splits[name]
        rows[name] = Importance(
            birnbaum=plain(split.critical),
            criticality=ratio(q[name] * split.critical, total, 0.0),
            fussell_vesely=ratio(q[name] * shares[name], total, 0.0),
            diagnostic=ratio(q[name] * split.failed, total, 0.0),
            raw=ratio(split.failed, total, 1.0),
            rrw=ratio(total, split.works, 1.0),
        )
    return Importances(unavailability=total, parts=rows)


def purchases(
    whole: Whole, q: Mapping[str, Quantity], cost: Mapping[str, float], budget: float
) -> tuple[Purchase, ...]:
    """Return what a second copy of each part brings, the best first."""
    _check.mean_time(budget=budget)
    parts = whole.components
    for name, price in cost.items():
        known("prices", name, parts)
        _check.non_negative(**{f"price of {name}": price})
    _check_numbers(q)
    splits = _probability.splits(whole.diagram, q)
    found = []
    for name, price in cost.items():
        if price > budget:
            continue
        split, twice = splits[name], q[name] ** 2
        after = twice * split.failed + (1 - twice) * split.works
        saved = (q[name] - twice) * split.critical
        found.append(
            Purchase(part=name, price=float(price), unavailability=after, saved=saved)
        )
    return tuple(sorted(found, key=lambda p: (p.unavailability, p.price)))


def outages(
    whole: Whole, mttf: Mapping[str, Quantity], mttr: Mapping[str, Quantity]
) -> Outages:
    """Return how often the service fails, how long, and who starts it."""
    parts = whole.components
    up, down = complete("mttf", mttf, parts), complete("mttr", mttr, parts)
    _check.mean_time(**{f"mttf of {n}": t for n, t in up.items()})
    _check.positive(**{f"mttr of {n}": t for n, t in down.items()})
    q = dict.fromkeys(whole.diagram.order, 0.0)
    q |= {n: down[n] / (up[n] + down[n]) for n in parts}
    total = plain(_probability.down(whole.diagram, q)[-1])
    splits = _probability.splits(whole.diagram, q)
    starts = {n: plain(splits[n].critical / (up[n] + down[n])) for n in parts}
    frequency = plain(sum(starts.values()))
    return Outages(
        unavailability=total,
        frequency=frequency,
        mean_duration=ratio(total, frequency, 0.0),
        by_part=starts,
    )


def _perfected(diagram: Diagram) -> Diagram:
    """Return the diagram of a client that cannot fail."""
    kept = [name for name in diagram.order if not is_client(name)]

    def formula(builder: Builder, name: str) -> int:
        return WORKS if is_client(name) else builder.part(name)

    return substituted(diagram, kept, formula)


def shared(whole: W, given: Mapping[str, Iterable[str]]) -> W:
    """Return the structure with dependencies added, each after those that need it."""
    needs = {k: (v,) if isinstance(v, str) else tuple(v) for k, v in given.items()}
    uses = {k: [d for d in dependents if d in needs] for k, dependents in needs.items()}
    try:
        order = tuple(TopologicalSorter(uses).static_order())
    except CycleError as error:
        loop = " needs ".join(error.args[1][::-1])
        raise ValueError(f"shared must not lead in a circle, got {loop}") from None
    for name in order:
        dependents = needs[name]
        if not dependents or is_client(name):
            raise ValueError(f"shared must name what needs {name!r}, got {dependents}")
        # what a part needed before now reaches those that need the part
        for cause in (name, *_needed_by(whole, name)):
            whole = _with_need(whole, cause, dependents, f"shared[{name!r}]")
    return whole


def _needed_by(whole: Whole, name: str) -> tuple[str, ...]:
    """Return what a part needs already, through others too."""
    found = {name: None}
    for cause, dependents in whole.needs:
        if not found.keys().isdisjoint(dependents):
            found[cause] = None
    return tuple(found)[1:]


def _with_need(whole: W, name: str, dependents: tuple[str, ...], field: str) -> W:
    """Return the structure in which the dependents also need `name`."""
    for dependent in dependents:
        known(field, dependent, (*whole.drawn, *whole.hidden))

    def formula(builder: Builder, part: str) -> int:
        causes = [part, name] if part in dependents else [part]
        return builder.at_least(1, map(builder.part, causes))

    def draw() -> Diagram:
        order: dict[str, None] = {}
        for part in whole.diagram.order:
            if part in dependents:
                order[name] = None  # asked just before the first that needs it
            order[part] = None
        return substituted(whole.diagram, tuple(order), formula)

    return replace(whole, draw=draw, needs=(*whole.needs, (name, dependents)))
