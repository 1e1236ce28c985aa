"""Lesson 02, find the single point of failure: which box hurts most, and what to buy.

The surprising box is the load balancer, which was bought to remove a single point of
failure and is one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hamodel import catalogue, plots, structure
from hamodel import course as kit
from hamodel.units import HOUR, YEAR

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from hamodel.structure import Structure

    Choose = Callable[[float], str]

# ---- the model ---------------------------------------------------------------------

MOST = 5  # app servers in the diagram
APPS = tuple(f"app{k}" for k in range(1, MOST + 1))
#: What a tier is called, and the first of its boxes.
TIERS = {"balancer": "load balancer", "app1": "app server", "database": "database"}
#: What the bars can show.
CAUSED = "downtime that a box causes"
SAVED = "what one more would save"
DECIDES = "how often it alone decides"
BARS = (CAUSED, SAVED, DECIDES)


def path(servers: int = 3) -> Structure:
    """Return the path of a request through the shop."""
    apps = ", ".join(APPS[:servers])
    return structure.parse(f"client > balancer > any({apps}) > database")


@dataclass(frozen=True, kw_only=True, eq=False)
class Shop:
    """The shop, how often each box is down, and which of them are down now."""

    servers: int
    down: dict[str, float]
    failed: frozenset[str] = frozenset()

    @property
    def structure(self) -> Structure:
        return path(self.servers)

    @property
    def works(self) -> bool:
        return self.structure.works(self.failed)

    @property
    def alone(self) -> tuple[str, ...]:
        if not self.works:
            return ()
        whole = self.structure
        left = (name for name in whole.components if name not in self.failed)
        return tuple(name for name in left if not whole.works(self.failed | {name}))

    @property
    def unavailability(self) -> float:
        return float(self.structure.unavailability(self.down))

    @property
    def hours(self) -> float:
        return self.unavailability * YEAR / HOUR

    def shares(self, bars: str = CAUSED) -> dict[str, float]:
        """Return how much a box of each tier matters, between 0 and 1."""
        if bars == SAVED:
            bought = {p.part: p.saved for p in self.structure.purchases(self.down)}
            whole = self.unavailability or 1.0  # no downtime, nothing to save
            return {name: bought[name] / whole for name in TIERS}
        measure = "criticality" if bars == CAUSED else "birnbaum"
        found = self.structure.importance(self.down).by(measure)
        return {name: float(found[name]) for name in TIERS}


def shop(
    servers: float = 3,
    balancer: float = 99.95,
    app: float = 99.9,
    database: float = 99.95,
    failed: Sequence[str] = (),
) -> Shop:
    """Return the lesson's shop, in the units of its controls."""
    names = path(round(servers)).components
    up = {"balancer": balancer, "database": database}
    down = {name: (100 - up.get(name, app)) / 100 for name in names}
    gone = frozenset(failed) & frozenset(names)
    return Shop(servers=round(servers), down=down, failed=gone)


def model(bars, **values):
    del bars
    return shop(**values)


# ---- the picture: the diagram, and whose downtime it is ----------------------------

SIZE = (640, 362)
WIDE, HIGH = 104, 28
HOURS = kit.Scale(1e-7, 400, 170, 570, log=True)
MARKS = ((1e-6, "0.000001"), (1e-4, "0.0001"), (0.01, "0.01"), (1, "1"), (100, "100"))
COLUMNS = {"balancer": 130, "apps": 300, "database": 470}
PLACES = {
    "balancer": (130, 76, WIDE, HIGH),
    **{name: (300, 10 + 33 * k, WIDE, HIGH) for k, name in enumerate(APPS)},
    "database": (470, 76, WIDE, HIGH),
}


def picture(sheet, values, found, guess):
    there = found.structure.components
    apps = [name for name in APPS if name in there]
    passes = "balancer" not in found.failed
    alive = [name for name in apps if name not in found.failed]
    sheet.text((20, 94), "clients", size=13)
    _wire(sheet, (70, 90), (128, 90), good=passes)
    for name in apps:
        y = PLACES[name][1] + HIGH / 2
        good = passes and name in alive
        _wire(sheet, (236, 90), (298, y), good=good)
        _wire(sheet, (406, y), (468, 90), good=good and "database" not in found.failed)
    for name in ("balancer", *apps, "database"):
        x, y, wide, high = PLACES[name]
        failed = name in found.failed
        heavy = 4 if name in found.alone else 1
        sheet.rect((x, y, wide, high), "paper", weight=heavy)
        if failed:
            sheet.rect((x + 2, y + 2, 16, high - 4), "failover did not work", weight=0)
        words = f"{name} ✗" if failed else name
        sheet.text((x + wide / 2 + 6, y + 19), words, size=13, anchor="middle")
    state = "requests pass" if found.works else "the shop is down"
    sheet.text((632, 40), state, size=13, anchor="end", bold=True)
    _hours(sheet, values["bars"], found, guess)


def _wire(sheet, start, stop, *, good):
    colour, dash = ("green", "") if good else ("grey", "3 4")
    sheet.line([start, stop], colour, weight=2.5 if good else 1.5, dash=dash)


def _hours(sheet, bars, found, guess):
    part = 100.0 if bars == DECIDES else found.hours
    amounts = [part * share for share in found.shares(bars).values()]
    titles = {CAUSED: "hours down a year", SAVED: "hours saved by one more"}
    title = titles.get(bars, "per cent of the time")
    sheet.axis(HOURS, 316, f"{title}, to powers of ten", top=196, marks=MARKS)
    names = ("load balancer", "app servers", "database")
    looks = ("failing over", "degraded", "both nodes down")
    shown = amounts if sheet.known else [None] * 3
    rows = list(zip(names, shown, looks, strict=True))
    if bars == CAUSED:
        rows.append(("the whole shop", found.hours, "ink"))
    sheet.bars(HOURS, 200, rows, 27)
    if guess and bars == CAUSED:
        for row, share in enumerate(guess[name] for name in TIERS):
            x, y = HOURS(max(share / 100 * shop().hours, 1e-7)), 200 + 27 * row
            ghost = [(x, y - 3), (x, y + 25)]
            sheet.line(ghost, weight=2, dash="3 2", role="ground")
        sheet.text((632, 190), "- - your guess", size=12, anchor="end")


def hours(value: float) -> str:
    if value >= 99.95:
        return f"{value:,.0f}"
    if value >= 9.995:
        return f"{value:.1f}"
    if value >= 0.005:
        return f"{value:.2f}"
    return "under 0.01" if value else "0"


def percent(share: float) -> str:
    if share >= 5e-5:
        return f"{100 * share:.2f}"
    return "under 0.01" if share else "0"


def sentence(values, result):
    return f"{_now(result)} {_year(values['bars'], result)}"


def _now(shop: Shop) -> str:
    gone = {
        "balancer": "the load balancer",
        "app1": _gone(len(shop.failed.intersection(APPS)), shop.servers),
        "database": "the database",
    }
    failed = [
        words for tier, words in gone.items() if tier == "app1" or tier in shop.failed
    ]
    failed = [words for words in failed if words]
    subject = _listed(failed, "and") or "nothing"
    many = len(failed) > 1 or subject[0] in "2345"
    state = "up" if shop.works else "down"
    said = f"{subject} {'have' if many else 'has'} failed and the shop is {state}"
    said = said[0].upper() + said[1:]
    if not shop.alone:
        return f"{said}."
    last = "the last app server" if shop.servers > 1 else "the app server"
    threats = [
        last if name in APPS else gone[name]
        for name in ("balancer", *APPS, "database")
        if name in shop.alone
    ]
    return f"{said}; {_listed(threats, 'or')} alone would stop it."


def _gone(apps: int, servers: int) -> str:
    if servers == 1 and apps:
        return "the app server"
    return f"{apps} of {servers} app servers" if apps else ""


def _listed(words: list[str], last: str) -> str:
    *first, end = words or [""]
    return f"{', '.join(first)} {last} {end}" if first else end


def _year(bars: str, shop: Shop) -> str:
    lead = f"In a year it is down {hours(shop.hours)} h"
    shares = shop.shares(bars)
    if bars == DECIDES:
        one, app, other = (percent(share) for share in shares.values())
        return (
            f"{lead}. The load balancer alone decides {one} % of the time, an app "
            f"server {app} %, the database {other} %."
        )
    one, app, other = (hours(share * shop.hours) for share in shares.values())
    if bars == SAVED:
        return (
            f"{lead}; a second load balancer would save {one} of them, one more app "
            f"server {app}, a second database {other}."
        )
    return (
        f"{lead}: {one} for the load balancer, {app} for the app servers, {other} for "
        "the database."
    )


def draw_sites(whole: Structure) -> plots.Shown:
    figure = plots.figure(7.2, 2.3)
    with plots.styled():
        axes = figure.add_axes((0.02, 0.08, 0.96, 0.8))
        drawing = plots.draw_diagram(axes, whole)
    drawing.status.set_visible(False)
    count = len(whole.single_points_of_failure())
    return plots.show(
        figure,
        alt=f"Two rows of three boxes side by side, {', '.join(whole.components)}; "
        f"either row is enough, so the diagram has {count or 'no'} single points of "
        "failure.",
    )


# ---- the guess ---------------------------------------------------------------------


def truth():
    return {name: 100 * share for name, share in shop().shares().items()}


VIEWS = kit.views(
    """
    still the app servers: You left {g.app1:g} % with the app servers. Three at once are
      down a thousandth of a thousandth of a thousandth of the time: 31.5 ms a year.
    the database: You point at the database, as the classic text does. The load balancer
      is in the path of every request too, and is down as often.
    the balancer: You point at the load balancer, which the classic text overlooks. But
      the database is down as often, and as much in the path.
    a tie: You saw the tie: balancer and database each cost 4.38 hours a year.
    """,
    (lambda g, _: g["app1"] > 20, {"balancer": 30, "app1": 40, "database": 30}),
    (
        lambda g, _: g["database"] - g["balancer"] > 10,
        {"balancer": 20, "app1": 0, "database": 80},
    ),
    (
        lambda g, _: g["balancer"] - g["database"] > 10,
        {"balancer": 80, "app1": 0, "database": 20},
    ),
    (lambda *_: True, {"balancer": 50, "app1": 0, "database": 50}),
)

# ---- the exercises -----------------------------------------------------------------

_SEARCH = "client > dns > any(web1, web2) > any(cache, database)"


def _search() -> Structure:
    return structure.parse(_SEARCH)


def _sets(answer: Any) -> frozenset[frozenset[str]]:
    inner = list(answer)
    if isinstance(answer, str | dict) or any(isinstance(x, str | dict) for x in inner):
        raise TypeError("each cut set must be a set of names, such as {'dns'}")
    return frozenset(frozenset(map(str, names)) for names in inner)


def _padded() -> list[set[str]]:
    return [*map(set, _search().minimal_cut_sets()), {"dns", "web1"}]


cut_sets_exercise = kit.exercise(
    """a list of sets of names, such as [{'a'}, {'b', 'c'}]
    right: One set of one box: that is what a single point of failure is. The other
      two take two failures at once.
    hint: Go along the path. At each stage ask: which boxes must all fail so that no
      request gets past?
    then: Four stages lie on the path. One of them is a single box, two are pairs; the
      clients are no box.
    single points only: Those are the sets of one box. Some sets of two stop it too.
    every box alone: Fail web1 alone: web2 still serves. Not every box is a cut set.
    path sets: Those are sets that keep the service up: path sets. A cut set is what
      stops it.
    not minimal: One of your sets holds a smaller one that already stops the service.
    """,
    lambda: _search().minimal_cut_sets(),
    lambda: [{n} for n in _search().single_points_of_failure()],
    lambda: [{name} for name in _search().components],
    lambda: _search().minimal_path_sets(),
    _padded,
    same=lambda answer, other: _sets(answer) == _sets(other),
)

_BOXES = 7


def _chain(boxes: int = _BOXES) -> float:
    names = [f"b{k}" for k in range(boxes)]
    whole = structure.parse(" > ".join(names))
    return float(whole.unavailability(dict.fromkeys(names, 1e-3)))


chain_exercise = kit.exercise(
    """a number of hours a year
    right: A chain is weaker than its weakest link: nearly, the gaps add up.
    hint: All seven must be up at once. Multiply what is up; then ask what is down.
    then: 0.999 to the power of 7 is what is up. What is left of 1, in hours of a
      year?
    it stays 99.9 %: That is one box alone. A request needs all of them at once.
    a share, not hours: That is the share of time. How many hours has a year?
    time up: That is how long the chain is up.
    as if one were enough: That multiplies what is down, as if any one box were
      enough.
    """,
    lambda: _chain() * YEAR / HOUR,
    lambda: _chain(1) * YEAR / HOUR,
    _chain,
    lambda: (1 - _chain()) * YEAR / HOUR,
    lambda: 1e-3**_BOXES * YEAR / HOUR,
)


def _promised(fact: str) -> float:
    value = catalogue.fact(fact).value
    if value is None:
        raise ValueError(f"fact must have a value, got {fact}")
    return float(value)


def _rented(servers: int = 3, database: str = "SLA-004") -> float:
    promised = _promised("SLA-002"), _promised(database)
    return shop(servers, app=promised[0], database=promised[1]).hours


contract_exercise = kit.exercise(
    """a number of hours a year
    right: A day and more of it is the one database, which no app server helps. Take
      SLA-003, a database in two zones, and look again.
    hint: Three tiers in a row. Give shop() the two promises as app and database.
    then: Give shop() app= and database= as percentages, and read its hours.
    the weakest box only: That is the database alone. The load balancer is in the path
      too.
    one app server: That is with one app server. The shop rents three.
    the database in two zones: That is the promise for a database in two zones. It
      rents one.
    all boxes in a row: You put the app servers in a row. One of the three is enough.
    """,
    _rented,
    lambda: (1 - _promised("SLA-004") / 100) * YEAR / HOUR,
    lambda: _rented(servers=1),
    lambda: _rented(database="SLA-003"),
    lambda: _in_a_row() * YEAR / HOUR,
)


def _in_a_row() -> float:
    app, database = _promised("SLA-002") / 100, _promised("SLA-004") / 100
    return 1 - 0.9995 * app**3 * database


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


code_exercise = kit.exercise(
    """a function of a budget that returns the name of a box
    right: Three budgets, three answers: what to buy depends on what you can pay.
    hint: purchases takes prices= and budget=, and puts the best first.
    then: In the function: weak.structure.purchases(weak.down, prices=...,
      budget=...), and the first one's part.
    the budget does not count: It always buys the same, even what costs more than the
      budget.
    most for a euro: That is the most for each euro. You want what saves the most.
    the cheapest: That is the cheapest, whatever it saves.
    """,
    lambda: _choose,
    lambda: lambda _: _choose(float("inf")),
    lambda: _per_euro,
    lambda: lambda _: min(EUROS, key=lambda name: EUROS[name]),
    same=_same_choices,
)

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
    known = {name: NOTES[name] for name in names}
    both = structure.parse("any(east, west)", where=SITES)
    return both.share(known).single_points_of_failure()


def _same_names(answer: Any, other: Iterable[str]) -> bool:
    names = {answer} if isinstance(answer, str) else set(map(str, answer))
    return bool(names == set(other))


hidden_exercise = kit.exercise(
    """a list of names
    right: Two sites, six machines, and three single points of failure, none of them a
      machine in the diagram.
    hint: Give the notes to parse, or to share, and ask for the single points.
    then: Look at each note in turn: is there a box of each site that stops without
      it, directly or by way of another note?
    the diagram is all there is: The diagram says so. The notes say
      more: shared=spof.NOTES.
    only what both sites need directly: A dependency may need another one. Follow the
      notes to the end.
    every dependency: One of these stops one site only, and the other goes on.
    """,
    lambda: _hidden(*NOTES),
    _hidden,
    lambda: _hidden("dns", "config", "power"),
    lambda: list(NOTES),
    same=_same_names,
)


def own(**boxes):
    """Return what a chain of boxes is down for, given each box's percentage up."""
    if not all(0 < up <= 100 for up in boxes.values()):
        raise ValueError("each box is up between 0 and 100 per cent of the time")
    working = 1.0
    for up in boxes.values():
        working *= up / 100
    return {"hours a year": (1 - working) * YEAR / HOUR}


# ---- the lesson --------------------------------------------------------------------

UPS = (99, 99.5, 99.7, 99.8, 99.9, 99.95, 99.97, 99.98, 99.99, 99.995, 99.999)


def wire(controls):

    def offer(_):
        there = path(round(controls["servers"].value)).components
        controls["failed"].offer(there)

    controls["servers"].watch(offer)
    offer(None)


lesson = kit.Lesson(
    number="02",
    recall=kit.recall(
        """
        Lesson 01: how many minutes a year does 99.99 % leave?
        + 53: A ten-thousandth of 525,600.
        - 5: That is 99.999 %.
        - 526: That is 99.9 %.
        Lesson 01: a contract is kept on average. Is it kept every year?
        + no: Most years have nothing, and a few have hours.
        - yes: It is a mean. What is a year like?
        """
    ),
    guess={
        "question": "With one app server the shop is down 17.5 hours a year, half of "
        "them for that server. It buys two more; one is enough. Whose is the downtime "
        "that is left? Share out 100 %.",
        "fields": {
            name: kit.Slider(label=f"{words} (%)", grid=tuple(range(0, 101, 5)))
            for name, words in (
                ("balancer", "Load balancer"),
                ("app1", "App servers, all"),
                ("database", "Database"),
            )
        },
        "truth": truth,
        "views": VIEWS,
        "total": 100,
        "rule": lambda guess: (
            f"your shares add up to {sum(guess.values()):g} %, not to 100."
            if abs(sum(guess.values()) - 100) > 0.5
            else ""
        ),
    },
    see={
        "title": "Which box stops the shop, and what does that cost in a year?",
        "controls": {
            "servers": kit.Slider(
                label="App servers (boxes)",
                grid=tuple(range(1, MOST + 1)),
                start=1,
                whole=True,
            ),
            "app": kit.Slider(label="App server up (%)", grid=UPS, start=99.9),
            "balancer": kit.Slider(label="Load balancer up (%)", grid=UPS, start=99.95),
            "database": kit.Slider(label="Database up (%)", grid=UPS, start=99.95),
            "bars": kit.Choice(label="Bars", options=BARS, start=CAUSED),
            "failed": kit.Boxes(label="Failed", places=PLACES, size=SIZE),
        },
        "model": model,
        "picture": picture,
        "size": SIZE,
        "describe": sentence,
        "before": "The shop with one app server: down 17.5 hours a year. Whose they "
        "are with three shows once you have shared them out.",
        "after": {"servers": 3},
        "presets": {
            "Three app servers": {"servers": 3},
            "Five app servers": {"servers": MOST},
            "Two app servers fail": {"servers": 3, "failed": APPS[:2]},
            "The balancer fails": {"failed": ("balancer",)},
            "What would you buy?": {"bars": SAVED},
            "Better database": {"database": 99.99},
        },
        "wire": wire,
    },
    exercises=(
        cut_sets_exercise,
        chain_exercise,
        contract_exercise,
        code_exercise,
        hidden_exercise,
    ),
    own=own,
)
