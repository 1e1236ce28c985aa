"""Incident cards, and how each plays on a design, by the design's own events.

A card strikes parts of a model: the state after the strike becomes the start, all other
parts hold still, and the events of `ha.simulate` go on from there.  The surprising part
is that nothing else is needed to grade an act: the same struck model, read as a chain,
says what the act costs on average.

Assumptions: one card at a time, and within a day nothing fails that the card does not
touch.  A person acts once, some time after the strike.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np

import hamodel as ha
from hamodel.architectures import ActivePassive, Cause, Event, Group, Part, Verdict
from hamodel.chain import Chain
from hamodel.failover import SplitBrain
from hamodel.markov import transient
from hamodel.simulation import play
from hamodel.units import DAY, MINUTE, MS
from lessons.deck import Design, workload

# ---- from a card to a struck model -------------------------------------------------

ACTS = ("wait", "fail over", "fence and fail over", "shed half")
WAIT, FAIL_OVER, FENCE, SHED = ACTS
FENCING = 60  # s to make sure that the old primary writes no more
PATIENCE = 1000  # ms until a client gives up

#: How a strike is called in the events of each kind of part, the first that fits.
STRIKES = {
    "primary": ("primary fails", "database fails", "copy fails"),
    "leader": ("leader lost",),
    "standby": ("standby of 1 fails", "database fails", "copy fails"),
    "site": ("site 0 lost", "site fails"),
    "far site": ("site 1 lost", "site fails"),
    "app": ("app server fails",),
    "balancer": ("load balancer fails",),
    "all": ("strikes everywhere",),
    "lease": ("lease store fails", "lost lease store"),
}
FIRST, SECOND = "DC-1", "DC-2"
LENGTH = DAY


def struck(part, hit):
    """Return the states after a strike with their shares; None if it cannot happen."""
    for words in STRIKES[hit]:
        events = [e for e in part.events(part.start) if e.clock.startswith(words)]
        if events:
            clock = events[0].clock
            return [(e.to, float(e.share)) for e in events if e.clock == clock]
    return None


def _mine(part, hit):
    """Tell whether a strike is meant for a part, by its site."""
    if not part.name.startswith("DC-"):
        return True
    second = hit in ("standby", "far site")
    return part.name.startswith(SECOND if second else FIRST)


def _outcomes(part, hits):
    """Return the states that strikes lead to, with probabilities; None: untouched."""
    found, touched = {part.start: 1.0}, False
    for hit in hits:
        after: Counter[Any] = Counter()
        for state, weight in found.items():
            at = replace(part, start=state, seen_from=None)
            outcomes = struck(at, hit) if _mine(part, hit) else None
            touched = touched or outcomes is not None
            for to, share in outcomes or [(state, 1.0)]:
                after[to] += weight * share
        found = dict(after)
    return found if touched else None


@dataclass(frozen=True, kw_only=True, eq=False)
class Struck(Part):
    """A part that begins struck, and what it is otherwise."""

    whole: Part
    outcomes: Mapping[Any, float]


def _start(part, outcomes):
    """Return a part that begins struck; which outcome it is takes no time."""

    def events(state):
        if state == "struck":
            for to, share in outcomes.items():
                yield Event("outcome", 1e-6, to, share)
        else:
            yield from part.events(state)

    def view(state):
        return part.view(part.start if state == "struck" else state)

    return Struck(
        name=part.name,
        start="struck",
        events=events,
        view=view,
        whole=part,
        outcomes=outcomes,
    )


def _passing(name, mean):
    """Return a part that is on at first, and over after some time."""

    def events(state):
        if state == "on":
            yield Event(f"{name} over", mean, "over")

    return Part(name=name, start="on", events=events, view=str)


@dataclass(frozen=True)
class Known:
    """What a client knows: of the design, and of what is unusual or done meanwhile."""

    inner: Any
    unusual: bool = False
    moving: bool = False


@dataclass(frozen=True)
class Learning:
    """How a client learns of one more part; models of one shape learn alike."""

    usual: Any

    def __call__(self, known, site, name, view):
        if name == "unusual":
            return replace(known, unusual=view == "on")
        if name == "switch":
            return replace(known, moving=view == "on")
        return replace(known, inner=self.usual(known.inner, site, name, view))


@dataclass(frozen=True, eq=False)
class Meanwhile:
    """How clients fare: as usual, while it is unusual, and while roles are moved."""

    usual: Any
    tense: Any
    late: frozenset[tuple[str, str]]

    def verdict(self, known, site, operation):
        if known.moving and operation == "write":
            return Verdict(Cause.FAILING_OVER)
        if known.unusual and (site, operation) in self.late:
            return Verdict(Cause.SLOW)
        model = self.tense if known.unusual else self.usual
        return model.verdict(known.inner, site, operation)


@lru_cache(maxsize=64)
def acted(design, card, act):
    """Return the architecture under an act, and the seconds of a needless switch."""
    spec = design.architecture()
    if act not in (FAIL_OVER, FENCE):
        return spec, 0.0
    hand = min(card.awake, design.on_call)
    fencing = FENCING if act == FENCE else 0.0
    spec = design.architecture(on_call=hand)
    spec = replace(spec, failover=replace(spec.failover, fencing=fencing))
    switch = spec.failover.promotion + spec.failover.redirection + fencing
    if not isinstance(spec, ActivePassive):
        return spec, 0.0  # nobody is primary by anybody's hand
    if card.hits == ("lease",):  # a person promotes without the store
        one = spec.depends_on[0]
        back = min(float(one.mttr), hand * MINUTE + switch)
        return replace(spec, depends_on=(replace(one, mttr=back),)), 0.0
    moves_itself = set(card.hits) & {"primary", "site", "far site"}
    return spec, 0.0 if moves_itself else switch


@lru_cache(maxsize=64)
def situation(design, card, act=WAIT):
    """Return the model of a design after a card was played and somebody acted."""
    spec, switch = acted(design, card, act)
    less = 0.5 if act == SHED else 1.0
    rush = ha.assess(spec, workload(card.load * less, card.trip))
    base = ha.assess(spec, workload(less)).model_under_load
    rules = Meanwhile(
        base, rush.model_under_load, _late(design.kind, card.trip, card.load * less)
    )
    spells = {"unusual": card.lasts * MINUTE, "switch": switch}
    return replace(
        base,
        parts=(
            *(_begun(part, card.hits) for part in base.parts),
            *(_passing(name, mean) for name, mean in spells.items() if mean),
        ),
        nothing=Known(base.nothing),
        absorb=Learning(base.absorb),
        verdict=rules.verdict,
    )


def _begun(part, hits):
    """Return a part, or a group of parts, that begins struck or holds still."""
    if isinstance(part, Group):
        return replace(part, parts=tuple(_begun(leaf, hits) for leaf in part.parts))
    outcomes = _outcomes(part, hits)
    return (
        replace(part, events=lambda _: (), seen_from=None)
        if outcomes is None
        else (_start(part, outcomes))
    )


@lru_cache(maxsize=200)
def _late(kind, trip, load):
    """Return the sites and operations that take longer on average than clients wait."""
    if trip < 100:
        return frozenset()
    found = ha.assess(Design(kind=kind).architecture(), workload(load, trip))
    return frozenset(
        (site, operation)
        for site in found.sites
        for operation in ("read", "write")
        if float(found.latency[site, operation].mean) > PATIENCE * MS
    )


# ---- what it costs: played, and on average -----------------------------------------


@dataclass(frozen=True, kw_only=True)
class Bill:
    """What a card and an act cost: minutes, people turned away, writes lost."""

    write: float  # minutes without writes, weighed by clients
    read: float
    away: float  # requests that got no answer
    lost: float  # writes that were confirmed and are gone


def _bill(design, card, act, write, read):
    spell = (card.lasts or 60) * MINUTE
    rush = card.load if card.lasts else 1.0
    less = 0.5 if act == SHED and card.lasts else 1.0
    away = rush * less * (100 * write + 900 * read)
    if act == SHED:
        away += 0.5 * 1000 * rush * spell
    return Bill(
        write=write / MINUTE,
        read=read / MINUTE,
        away=away,
        lost=_lost(design, card, act),
    )


@lru_cache(maxsize=500)
def _lost(design, card, act):
    """Return the confirmed writes that are gone: the lag, or two that both wrote."""
    spec, switch = acted(design, card, act)
    if not isinstance(spec, ActivePassive):
        return 0.0
    gone = ha.assess(spec, workload(card.load)).lost_writes.by_failure
    lost = 0.0
    if set(card.hits) & {"primary", "site"}:
        lost += float(gone["site" if "site" in card.hits else "database"].writes)
    by_hand = act in (FAIL_OVER, FENCE) and (switch or card.hits == ("lease",))
    if by_hand and card.alive and act != FENCE:
        split = SplitBrain(
            false_failovers=1.0,
            fencing=design.fenced,
            write_rate=100 * card.load,
            astray=0.5,
        )
        lost += float(split.rate * split.writes_lost)
    return lost


def played(design, card, act=WAIT, seed=1):
    """Return one play, event by event: the bill, and every move."""
    run = play(situation(design, card, act), LENGTH, rng=seed)
    write, read = (sum(run.down[o].values()) for o in ("write", "read"))
    return _bill(design, card, act, write, read), run


@dataclass(frozen=True)
class _At:
    """A part whose views have probabilities that are known at all times."""

    name: str
    shares: Any

    def views(self):
        return self.shares


#: Moments at which the chain is asked, in s: close together where much happens.
TIMES = np.concatenate([[0.0, 1.0], np.geomspace(2.0, LENGTH, 78)])


def expected(design, card, act=WAIT):
    """Return what the card costs on average, by the chains of the struck parts."""
    model = situation(design, card, act)
    laws = _laws(design, card, WAIT if act == SHED else act)
    here = {name: _At(name, law) for name, law in laws.items()}
    parts = tuple(
        replace(part, parts=tuple(here[leaf.name] for leaf in part.parts))
        if isinstance(part, Group)
        else here[part.name]
        for part in model.parts
    )
    found = replace(model, parts=parts).downtime()
    write, read = (
        float(np.trapezoid(sum(found[o].values()) + np.zeros(len(TIMES)), TIMES))
        for o in ("write", "read")
    )
    return _bill(design, card, act, write, read)


@lru_cache(maxsize=64)
def _laws(design, card, act):
    """Return the views of all parts; who sheds strikes no part but waits."""
    return {leaf.name: _views(leaf) for leaf in situation(design, card, act).leaves()}


def _views(part):
    """Return the probability of each view of a part at each of the times."""
    if not list(part.events(part.start)):
        return {part.view(part.start): np.ones(len(TIMES))}
    if isinstance(part, Struck):
        found = _after(
            part.whole.kind, _Whole(part.whole), tuple(part.outcomes.items())
        )
        if found:
            return found
    chain = Chain.explore(part.start, part.moves, up=bool)
    return _shares(part.view, chain.transient(TIMES).items())


@dataclass(frozen=True)
class _Whole:
    """A part that equals every other: what it is, its kind says."""

    part: Any = field(compare=False)


@lru_cache(maxsize=128)
def _after(kind, whole, outcomes):  # noqa: ARG001  the kind is the key
    """Return the views of a part from some states on; None where it never stays."""
    chain = whole.part.chain()
    place = {state: k for k, state in enumerate(chain.states)}
    if not all(state in place for state, _ in outcomes):
        return None
    start, rates = np.zeros(len(place)), np.zeros((len(place),) * 2)
    for state, share in outcomes:
        start[place[state]] += share
    for (a, b), rate in chain.rates.items():
        rates[place[a], place[b]] = rate
    found = transient(rates, start, TIMES).T
    return _shares(whole.part.view, zip(chain.states, found, strict=True))


def _shares(view, probabilities):
    """Return the probability of each view, of those of the states."""
    law: dict[Any, Any] = {}
    for state, p in probabilities:
        seen = view(state)
        law[seen] = law.get(seen, 0) + np.maximum(p, 0.0)
    return law
