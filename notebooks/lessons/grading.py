"""The game of lesson 14: ten cards, what the learner does, and the grades.

The surprising part is that a night is graded by its mean, for one night says little.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any

from hamodel.course import Table
from lessons.deck import BUDGET, HAND, KINDS, SEED, Design
from lessons.incident import ACTS, WAIT, expected, played

# ---- the game ----------------------------------------------------------------------


@lru_cache(maxsize=3000)
def bills(design, card):
    """Return what each act costs on average."""
    return {act: expected(design, card, act) for act in ACTS}


def right(design, card, act):
    """Tell whether an act loses no more than any, and turns few more people away."""
    costs = bills(design, card)
    lost = min(round(cost.lost) for cost in costs.values())
    away = min(cost.away for cost in costs.values() if round(cost.lost) == lost)
    return round(costs[act].lost) == lost and costs[act].away <= 1.1 * away + 60


def best(design, card):
    """Return the best act; of those that are as good, the one with least to do."""
    return next(act for act in ACTS if right(design, card, act))


@dataclass(frozen=True, eq=False)
class Page:
    """A page of Markdown, to be read here or saved."""

    text: str

    def _repr_markdown_(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return self.text

    def save(self, path):
        """Write the page to a new file; what stands in another stays."""
        path = Path(path)
        if path.exists() and path.read_text(encoding="utf-8") != self.text:
            raise FileExistsError(f"{path} says something else: take another name")
        path.write_text(self.text, encoding="utf-8")


@dataclass(frozen=True, eq=False)
class Game:
    """A design, the cards in hand, and what was done and guessed at each."""

    design: Design
    acts: tuple[str, ...] = ()
    guesses: tuple[float | None, ...] = ()
    cards: tuple[Any, ...] = field(default=HAND)
    seed: int = SEED

    def __post_init__(self) -> None:
        for act in self.acts:
            if act not in ACTS:
                near = get_close_matches(str(act), ACTS, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                raise ValueError(
                    f"act must be one of {', '.join(ACTS)}, got {act!r}{hint}"
                )
        for name in ("acts", "guesses"):
            given = len(getattr(self, name))
            if given not in (0, len(self.cards)):
                raise ValueError(f"{name} must be {len(self.cards)}, got {given}")
        if not self.design.within:
            raise ValueError(
                f"the design must keep the budget of {BUDGET} nodes, got "
                f"{self.design.nodes:g}"
            )

    def hand(self):
        """Return the cards, before anything is known of how they play."""
        rows = tuple((k, c.name, c.story) for k, c in enumerate(self.cards, 1))
        return Table(("card", "name", "what happens"), rows)

    def turns(self):
        """Yield each card with the act, the bill of tonight and the mean bill."""
        for k, card in enumerate(self.cards):
            act = self.acts[k] if self.acts else WAIT
            tonight, _ = played(self.design, card, act, seed=self.seed + k)
            yield card, act, tonight, bills(self.design, card)[act]

    def scores(self):
        """Return how many acts were right, and how many guesses near, of how many."""
        acts = sum(right(self.design, card, act) for card, act, *_ in self.turns())
        pairs = zip(self.guesses, self.turns(), strict=False)
        near = sum(
            guess is not None and _near(guess, mean.write)
            for guess, (*_, mean) in pairs
        )
        return acts, near, len(self.cards)

    def report(self):
        """Return the report of the day, as Markdown."""
        acts, near, many = self.scores()
        guesses = self.guesses or (None,) * many
        made = sum(guess is not None for guess in guesses)
        said = (
            f"of {made} guesses {near} came within a factor of two"
            if made
            else "no minutes were guessed"
        )
        head = (
            f"# Game day: {self.design.kind}, {self.design.nodes:g} of {BUDGET} nodes\n"
            f"\nSeed {self.seed}. {acts} of {many} acts were right; {said}.\n\n"
            "| card | act | you said, min | tonight | on average | turned away | "
            "writes lost | best act |\n|---|---|---:|---:|---:|---:|---:|---|\n"
        )
        rows = [
            f"| {card.name} | {_mark(right(self.design, card, act))} {act} | "
            f"{'' if guess is None else f'{guess:,.4g}'} | {tonight.write:.1f} | "
            f"{mean.write:.1f} | {mean.away:,.0f} | {mean.lost:,.0f} | "
            f"{best(self.design, card)} |"
            for guess, (card, act, tonight, mean) in zip(
                guesses, self.turns(), strict=True
            )
        ]
        return Page(head + "\n".join(rows) + "\n")

    def record(self, title="How we run the shop"):
        """Return a decision record of one page, as Markdown."""
        worst = max(self.turns(), key=lambda turn: turn[3].away)
        others = {k: total(replace(self.design, kind=k)) for k in KINDS}
        nodes = {kind: replace(self.design, kind=kind).nodes for kind in KINDS}
        listed = "\n".join(
            f"- {kind}: {nodes[kind]:g} nodes"
            f"{', which is over the budget' if nodes[kind] > BUDGET else ''}; "
            f"{minutes:.0f} minutes without writes over these cards and {lost:,.0f} "
            "writes lost, if each is played as well as can be"
            for kind, (minutes, lost) in others.items()
        )
        d, act = self.design, best(self.design, worst[0])
        advice = (
            f"if we {worst[1]}, which is the best that a hand can do"
            if worst[1] == act
            else f"if we {worst[1]}; we should {act}"
        )
        return Page(
            f"# {title}\n\n**Status:** proposed\n\n## Context\n\nA ticket shop, 1,000 "
            f"requests a second, one in ten a write. At most {BUDGET} nodes.\n\n"
            f"## Decision\n\nThe {d.kind}: {d.balancers} balancers and {d.apps} app "
            f"servers at each site: {d.nodes:g} nodes. {100 * d.coverage:g} % of the "
            f"failovers work; a person acts after {d.on_call:g} minutes at night; a "
            f"change is taken back within {d.rollback:g} minutes.\n\n## Considered\n\n"
            f"{listed}\n\n## Consequences\n\nThe dearest card is “{worst[0].name}”: "
            f"{worst[3].write:.0f} minutes and {worst[3].away:,.0f} requests without "
            f"an answer {advice}. We look at this record again when one of its numbers "
            "has changed.\n"
        )


def total(design, cards=HAND):
    """Return minutes without writes and writes lost over cards, each played best."""
    costs = [bills(design, card)[best(design, card)] for card in cards]
    return sum(c.write for c in costs), sum(c.lost for c in costs)


def _near(guess, value):
    return value / 2 - 0.05 <= guess <= 2 * value + 0.05


def _mark(good):
    return "✓" if good else "✗"
