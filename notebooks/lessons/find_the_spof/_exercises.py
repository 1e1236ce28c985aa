"""The exercises of lesson 02; every reference is computed when it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hamodel import catalogue, structure
from hamodel.course.exercise import Exercise, Mistake, number
from hamodel.units import HOUR, YEAR
from lessons.find_the_spof._shop import shop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hamodel.structure import Structure

    Choose = Callable[[float], str]

# ---- 1. cut sets -------------------------------------------------------------------

_SEARCH = "client > dns > any(web1, web2) > any(cache, database)"


def _search() -> Structure:
    return structure.parse(_SEARCH)


def _sets(answer: Any) -> frozenset[frozenset[str]]:
    """Return an answer as a set of sets of names."""
    inner = list(answer)
    if isinstance(answer, str | dict) or any(isinstance(x, str | dict) for x in inner):
        raise TypeError("each cut set is to be a set of names, such as {'dns'}")
    return frozenset(frozenset(map(str, names)) for names in inner)


def _padded() -> list[set[str]]:
    """Return the cut sets and one more that holds another within it."""
    return [*map(set, _search().minimal_cut_sets()), {"dns", "web1"}]


cut_sets_exercise = Exercise(
    form="a list of sets of names, such as [{'a'}, {'b', 'c'}]",
    reference=lambda: _search().minimal_cut_sets(),
    same=lambda answer, other: _sets(answer) == _sets(other),
    right="One set of one box: that is what a single point of failure is. The other "
    "two take two failures at once.",
    hint="Go along the path. At each stage ask: which boxes must all fail so that no "
    "request gets past?",
    mistakes=(
        Mistake(
            name="single points only",
            answer=lambda: [{n} for n in _search().single_points_of_failure()],
            hint="Those are the sets of one box. Some sets of two stop it too.",
        ),
        Mistake(
            name="every box alone",
            answer=lambda: [{name} for name in _search().components],
            hint="Fail web1 alone: web2 still serves. Not every box is a cut set.",
        ),
        Mistake(
            name="path sets",
            answer=lambda: _search().minimal_path_sets(),
            hint="Those are sets that keep the service up: path sets. A cut set is "
            "what stops it.",
        ),
        Mistake(
            name="not minimal",
            answer=_padded,
            hint="One of your sets holds a smaller one that already stops the service.",
        ),
    ),
)

# ---- 2. a chain --------------------------------------------------------------------

_BOXES = 7


def _chain(boxes: int = _BOXES) -> float:
    names = [f"b{k}" for k in range(boxes)]
    whole = structure.parse(" > ".join(names))
    return float(whole.unavailability(dict.fromkeys(names, 1e-3)))


chain_exercise = Exercise(
    form="a number of hours a year",
    reference=lambda: _chain() * YEAR / HOUR,
    same=number(),
    right="A chain is weaker than its weakest link: nearly, the gaps add up.",
    hint="All seven must be up at once. Multiply what is up; then ask what is down.",
    mistakes=(
        Mistake(
            name="it stays 99.9 %",
            answer=lambda: _chain(1) * YEAR / HOUR,
            hint="That is one box alone. A request needs all of them at once.",
        ),
        Mistake(
            name="a share, not hours",
            answer=_chain,
            hint="That is the share of time. How many hours has a year?",
        ),
        Mistake(
            name="time up",
            answer=lambda: (1 - _chain()) * YEAR / HOUR,
            hint="That is how long the chain is up.",
        ),
        Mistake(
            name="as if one were enough",
            answer=lambda: 1e-3**_BOXES * YEAR / HOUR,
            hint="That multiplies what is down, as if any one box were enough.",
        ),
    ),
)

# ---- 3. what the contracts promise -------------------------------------------------


def _promised(fact: str) -> float:
    value = catalogue.fact(fact).value
    if value is None:
        raise ValueError(f"fact must have a value, got {fact}")
    return float(value)


def _rented(servers: int = 3, database: str = "SLA-004") -> float:
    """Return the downtime of the shop on rented boxes, in hours a year."""
    promised = _promised("SLA-002"), _promised(database)
    return shop(servers, app=promised[0], database=promised[1]).hours


contract_exercise = Exercise(
    form="a number of hours a year",
    reference=_rented,
    same=number(),
    right="A day and more of it is the one database, which no app server helps. Take "
    "SLA-003, a database in two zones, and look again.",
    hint="Three tiers in a row. Give shop() the two promises as app and database.",
    mistakes=(
        Mistake(
            name="the weakest box only",
            answer=lambda: (1 - _promised("SLA-004") / 100) * YEAR / HOUR,
            hint="That is the database alone. The load balancer is in the path too.",
        ),
        Mistake(
            name="one app server",
            answer=lambda: _rented(servers=1),
            hint="That is with one app server. The shop rents three.",
        ),
        Mistake(
            name="the database in two zones",
            answer=lambda: _rented(database="SLA-003"),
            hint="That is the promise for a database in two zones. It rents one.",
        ),
        Mistake(
            name="all boxes in a row",
            answer=lambda: _in_a_row() * YEAR / HOUR,
            hint="You put the app servers in a row. One of the three is enough.",
        ),
    ),
)


def _in_a_row() -> float:
    app, database = _promised("SLA-002") / 100, _promised("SLA-004") / 100
    return 1 - 0.9995 * app**3 * database


# ---- 4. one purchase, in code ------------------------------------------------------

#: What one more box costs, in euros a month (invented for the exercise).
EUROS = {"balancer": 40, "app1": 25, "database": 160}
_BUDGETS = (30, 60, 200)


def _choose(budget: float) -> str:
    poor = shop(database=99.9)
    return poor.structure.purchases(poor.down, prices=EUROS, budget=budget)[0].part


def _per_euro(budget: float) -> str:
    poor = shop(database=99.9)
    found = poor.structure.purchases(poor.down, prices=EUROS, budget=budget)
    return max(found, key=lambda p: p.saved / p.price).part


def _same_choices(answer: Any, other: Choose) -> bool:
    if not callable(answer):
        raise TypeError(f"{answer!r} is not a function")
    given = [answer(budget) for budget in _BUDGETS]
    strange = [part for part in given if part not in EUROS]
    if strange:
        listed = ", ".join(EUROS)
        raise ValueError(f"it is to return one of {listed}, not {strange[0]!r}")
    return given == [other(budget) for budget in _BUDGETS]


code_exercise = Exercise(
    form="a function of a budget that returns the name of a box",
    reference=lambda: _choose,
    same=_same_choices,
    right="Three budgets, three answers: what to buy depends on what you can pay.",
    hint="purchases takes prices= and budget=, and puts the best first.",
    mistakes=(
        Mistake(
            name="the budget does not count",
            answer=lambda: lambda _: _choose(float("inf")),
            hint="It always buys the same, even what costs more than the budget.",
        ),
        Mistake(
            name="most for a euro",
            answer=lambda: _per_euro,
            hint="That is the most for each euro. Asked is what saves the most.",
        ),
        Mistake(
            name="the cheapest",
            answer=lambda: lambda _: min(EUROS, key=lambda name: EUROS[name]),
            hint="That is the cheapest, whatever it saves.",
        ),
    ),
)

# ---- 5. what nobody has drawn ------------------------------------------------------

#: Two sites, each complete, as the new diagram shows them.
SITES = {"east": "lb1 > app1 > db1", "west": "lb2 > app2 > db2"}
#: What the people who run them know: a dependency, and what stops without it.
NOTES = {
    "dns": ["lb1", "lb2"],
    "config": ["app1", "app2"],
    "power": ["lb1", "app1", "db1"],
    "vault": ["config", "db2"],
}


def _hidden(*names: str) -> tuple[str, ...]:
    """Return the single points of failure if only some dependencies are known."""
    known = {name: NOTES[name] for name in names}
    both = structure.parse("any(east, west)", where=SITES)
    return both.share(known).single_points_of_failure()


def _same_names(answer: Any, other: Iterable[str]) -> bool:
    names = {answer} if isinstance(answer, str) else set(map(str, answer))
    return bool(names == set(other))


hidden_exercise = Exercise(
    form="a list of names",
    reference=lambda: _hidden(*NOTES),
    same=_same_names,
    right="Two sites, six machines, and three single points of failure, none of them "
    "a machine in the diagram.",
    hint="Give the notes to parse, or to share, and ask for the single points.",
    mistakes=(
        Mistake(
            name="the diagram is all there is",
            answer=lambda: _hidden(),
            hint="So says the diagram. The notes say more: shared=lesson.NOTES.",
        ),
        Mistake(
            name="only what both sites need directly",
            answer=lambda: _hidden("dns", "config", "power"),
            hint="A dependency may need another one. Follow the notes to the end.",
        ),
        Mistake(
            name="every dependency",
            answer=lambda: list(NOTES),
            hint="One of these stops one site only, and the other goes on.",
        ),
    ),
)
