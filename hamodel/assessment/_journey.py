"""A journey through a system: what it passes, and what is to blame when it fails."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property

import numpy as np

from hamodel import fields
from hamodel._quantity import mean_of
from hamodel._types import Quantity, State
from hamodel.architectures import (
    OPERATIONS,
    Along,
    Architecture,
    Event,
    Model,
    Part,
    Viewed,
)
from hamodel.structure import Structure, StructureSyntaxError, parse

_MOST_PARTS = 10  # other parts of one journey


@fields.specification
class OtherPart:
    """What journeys pass beside the system, such as a provider of identities.

    Attributes
    ----------
    mttf : float
        Mean time to failure in s; `inf` for never.
    """

    mttf: Quantity = fields.mean_time("mean time to failure")
    mttr: Quantity = fields.mean_time("time to repair", law=True)


@fields.specification
class Journey:
    """A way through a system.

    Attributes
    ----------
    path : str
        What it passes, as `hamodel.structure.parse` reads it: `read`, `write` and
        other parts by name.

    Raises
    ------
    ValueError
        If the path cannot be read.

    Examples
    --------
    >>> Journey(path="identity > read > any(card, invoice)").passes
    ('identity', 'read', 'card', 'invoice')
    """

    path: str = fields.word("what it passes")
    objective: float | None = fields.share(
        "availability that it must keep", default=None
    )

    def __post_init__(self) -> None:
        fields.check(self)
        try:
            parse(self.path)
        except StructureSyntaxError as mistake:
            raise ValueError(f"path cannot be read: {mistake}") from None

    @cached_property
    def structure(self) -> Structure:
        """What can be asked about the path."""
        return parse(self.path)

    @cached_property
    def stops(self) -> tuple[frozenset[str], ...]:
        """The smallest sets of what stops it."""
        return self.structure.minimal_cut_sets()

    @property
    def passes(self) -> tuple[str, ...]:
        """Names of what it passes, in the order of the path."""
        return tuple(self.structure.components)


def share_down(node: OtherPart) -> Quantity:
    """Return the share of time that a part has failed."""
    repair = mean_of(node.mttr)
    return repair / (node.mttf + repair)


def blamed(
    journey: Journey,
    fails: Mapping[str, Mapping[str, Quantity]],
    down: Mapping[str, Quantity],
) -> dict[str, Quantity]:
    """Return the share of a journey that fails, by what is to blame."""
    chances = {
        n: sum(fails[n].values()) if n in fails else down[n] for n in journey.passes
    }
    cuts = _cuts(journey)
    sure = {n for n, p in chances.items() if np.all(p == 1)}
    open_ = [n for n, p in chances.items() if n not in sure and np.any(p)]
    whole = {n: p + (p == 0) for n, p in chances.items()}  # to divide by
    found: dict[str, Quantity] = defaultdict(float)
    for size in range(len(open_) + 1):
        for more in itertools.combinations(open_, size):
            failed = sure | set(more)
            cut = next((c for c in cuts if failed.issuperset(c)), None)
            if cut is None:
                continue
            p = math.prod(chances[n] if n in more else 1 - chances[n] for n in open_)
            for name in cut:
                for cause, share in fails.get(name, {name: chances[name]}).items():
                    found[cause] = found[cause] + p * share / whole[name] / len(cut)
    return found


def _cuts(journey: Journey) -> list[tuple[str, ...]]:
    """Return what stops a journey, the first on its path first."""
    place = {name: k for k, name in enumerate(journey.passes)}
    cuts = (tuple(sorted(c, key=place.__getitem__)) for c in journey.stops)
    return sorted(cuts, key=lambda cut: (max(map(place.__getitem__, cut)), len(cut)))


def beside(model: Model, parts: Mapping[str, OtherPart]) -> Model:
    """Return a model with other parts; a client knows which of them have failed."""

    def absorb(known: State, site: str, name: str, view: State) -> State:
        seen, lost = known
        if name in parts:
            return seen, lost if view else lost | {name}
        return model.absorb(seen, site, name, view), lost

    return replace(
        model,
        parts=(
            *map(_along, model.parts),
            *(_part(name, node) for name, node in parts.items()),
        ),
        nothing=(model.nothing, frozenset()),
        absorb=absorb,
        verdict=lambda known, site, operation: model.verdict(known[0], site, operation),
    )


def _along(part: Viewed) -> Viewed:
    """Return a part whose outages follow what is known among other parts too."""
    if not isinstance(part, Part) or part.along is None:
        return part
    alone = part.along

    def along() -> Along:
        found = alone()
        return replace(
            found,
            after=lambda known: found.after(known[0]),
            voters=lambda known: found.voters(known[0]),
        )

    return replace(part, along=along)


def _part(name: str, node: OtherPart) -> Part:
    def events(works: bool) -> Iterator[Event]:
        yield (
            Event("repair", node.mttr, True)
            if not works
            else Event("failure", node.mttf, False)
        )

    return Part(name=name, start=True, events=events, view=bool)


def journey_problems(
    journeys: Mapping[str, Journey],
    parts: Mapping[str, OtherPart],
    system: Architecture,
) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with journeys through a system: a field, and a sentence.

    Parameters
    ----------
    journeys : mapping of str to Journey
        The journeys by name.
    parts : mapping of str to OtherPart
        What they pass beside the system.
    system : Architecture
        What they pass.

    Yields
    ------
    tuple of str
        Such as "journeys.pay.path" and why it cannot be.
    """
    taken = {*OPERATIONS, *(part.name for part in system.model().leaves())}
    passed = {name for journey in journeys.values() for name in journey.passes}
    for name in parts:
        if name in taken:
            yield f"parts.{name}", "has the name of what the system has itself"
        elif name not in passed:
            yield f"parts.{name}", "is passed by no journey"
    for name, journey in journeys.items():
        where = f"journeys.{name}.path"
        for one in journey.passes:
            if one not in (*OPERATIONS, *parts):
                known = ", ".join((*OPERATIONS, *parts))
                yield where, f"passes {one!r:.60}, which is none of {known}"
        if len(journey.passes) > _MOST_PARTS:
            said = f"must pass at most {_MOST_PARTS} parts, got {len(journey.passes)}"
            yield where, said
