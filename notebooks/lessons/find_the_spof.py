"""Lesson 02, find the single point of failure: which box hurts most, and what to buy.

The surprising box is the load balancer, which was bought to remove a single point of
failure and is one.
"""

import math
from dataclasses import dataclass

from hamodel import catalogue, structure, text
from hamodel import course as kit
from hamodel.units import HOUR, YEAR

# ---- the model ---------------------------------------------------------------------

MOST = 5  # app servers in the diagram
APPS = tuple(f"app{k}" for k in range(1, MOST + 1))
#: The first box of each tier, what it is called, and its look.
TIERS = {
    "balancer": ("load balancer", "failing over"),
    "app1": ("app servers", "degraded"),
    "database": ("database", "both nodes down"),
}
#: What the bars can show.
CAUSED = "hours it causes"
SAVED = "hours one more saves"
DECIDES = "how often it decides"
BARS = (CAUSED, SAVED, DECIDES)


def path(servers=3):
    apps = ", ".join(APPS[:servers])
    return structure.parse(f"client > balancer > any({apps}) > database")


@dataclass(frozen=True, eq=False)
class Shop:
    """The shop: how often each box is down, and which of them are down now."""

    structure: structure.Structure
    down: dict[str, float]
    failed: frozenset[str]

    @property
    def works(self):
        return self.structure.works(self.failed)

    @property
    def alone(self):
        """The boxes that would stop the shop if they failed next."""
        left = [n for n in self.structure.components if n not in self.failed]
        fatal = (n for n in left if not self.structure.works(self.failed | {n}))
        return tuple(fatal) if self.works else ()

    @property
    def unavailability(self):
        return float(self.structure.unavailability(self.down))

    @property
    def hours(self):
        return self.unavailability * YEAR / HOUR

    def shares(self, bars=CAUSED):
        """Return how much a box of each tier matters, between 0 and 1."""
        if bars == SAVED:
            bought = {p.part: p.saved for p in self.structure.purchases(self.down)}
            whole = self.unavailability or 1.0  # no downtime, nothing to save
            return {name: bought[name] / whole for name in TIERS}
        measure = "criticality" if bars == CAUSED else "birnbaum"
        found = self.structure.importance(self.down).by(measure)
        return {name: float(found[name]) for name in TIERS}


def shop(servers=3, balancer=99.95, app=99.9, database=99.95, failed=(), **_):
    """Return the lesson's shop, in the units of its controls."""
    whole = path(round(servers))
    up = {"balancer": balancer, "database": database}
    down = {name: (100 - up.get(name, app)) / 100 for name in whole.components}
    return Shop(whole, down, frozenset(failed) & frozenset(down))


# ---- the picture: the diagram, and whose downtime it is ----------------------------

SIZE = (640, 345)
WIDE, HIGH = 104, 28
HOURS = kit.Scale(0, 40, 170, 530)
PERCENT = kit.Scale(0, 100, 170, 530)
PLACES = {
    "balancer": (130, 43, WIDE, HIGH),
    **{name: (300, 10 + 33 * k, WIDE, HIGH) for k, name in enumerate(APPS)},
    "database": (470, 43, WIDE, HIGH),
}
TITLES = {CAUSED: "hours down a year", SAVED: "hours a year that one more would save"}


def picture(sheet, values, found, guess):
    """Draw the path of the requests, and under it the hours of a year."""
    apps = [name for name in APPS if name in found.down]
    passes = "balancer" not in found.failed
    sheet.text((20, 48), "clients", size=13)
    _wire(sheet, (20, 57), (128, 57), good=passes)
    for name in apps:
        y, good = PLACES[name][1] + HIGH / 2, passes and name not in found.failed
        _wire(sheet, (236, 57), (298, y), good=good)
        _wire(sheet, (406, y), (468, 57), good=good and "database" not in found.failed)
    for name in ("balancer", *apps, "database"):
        x, y, wide, high = PLACES[name]
        sheet.rect(PLACES[name], "paper", weight=4 if name in found.alone else 1)
        if name in found.failed:
            sheet.rect((x + 2, y + 2, 16, high - 4), "failover did not work", weight=0)
        words = f"{name} ✗" if name in found.failed else name
        sheet.text((x + wide / 2 + 6, y + 19), words, size=13, anchor="middle")
    state = "requests pass" if found.works else "the shop is down"
    sheet.text((632, 130), state, size=13, anchor="end", bold=True)
    sheet.text((20, 130), "heavy frame: stops the shop alone", size=12, colour="grey")
    _bars(sheet, values["bars"], found, guess)


def _wire(sheet, start, stop, *, good):
    colour, dash = ("green", "") if good else ("grey", "3 4")
    sheet.line([start, stop], colour, weight=2.5 if good else 1.5, dash=dash)


def _bars(sheet, bars, found, guess):
    scale, part = (PERCENT, 100) if bars == DECIDES else (HOURS, found.hours)
    marks = [
        (k, str(k)) for k in range(0, round(scale.high) + 1, round(scale.high / 4))
    ]
    sheet.axis(
        scale, 300, TITLES.get(bars, "per cent of the time"), top=190, marks=marks
    )
    amounts = {name: part * share for name, share in found.shares(bars).items()}
    rows = [
        (words, amounts[name] if sheet.known else None, look)
        for name, (words, look) in TIERS.items()
    ]
    if bars == CAUSED:
        whole = [(amount, look) for _, amount, look in rows if sheet.known]
        rows.append(("the whole shop", whole or [(found.hours, "up")], "ink"))
    write = _percent if bars == DECIDES else _time
    sheet.bars(scale, 194, rows, 26, write=write)
    if guess and bars == CAUSED:
        for row, name in enumerate(TIERS):
            x, y = HOURS(guess[name] / 100 * shop().hours), 194 + 26 * row
            sheet.line([(x, y - 3), (x, y + 23)], weight=2, dash="3 2", role="ground")
        sheet.text((632, 182), "- - your guess", size=12, anchor="end")


def _time(hours):
    return text.time(hours * HOUR) if hours * HOUR >= 1e-3 else "under 1 ms"


def _percent(value):
    return f"{text.number(value, 4)} %" if value >= 1e-3 else "under 0.001 %"


def sentence(values, found):
    """Say what has failed, what would stop the shop, and what a year brings."""
    boxes = [words for name, words in SAID.items() if name in found.failed]
    gone = kit.listed(boxes) or "Nothing"
    state = "up" if found.works else "down"
    said = f"{gone[0].upper()}{gone[1:]} {'have' if len(boxes) > 1 else 'has'} failed"
    said += f" and the shop is {state}"
    if found.alone:
        fatal = [words for name, words in SAID.items() if name in found.alone]
        said += f"; {kit.listed(fatal, 'or')} alone would stop it"
    said += f". In a year it is down {_time(found.hours)}"
    return f"{said}{_year(values['bars'], found)}."


SAID = {"balancer": "the balancer", **{a: a for a in APPS}, "database": "the database"}
#: What the bars say, in words.
SAYS = {
    CAUSED: ": {0} for the balancer, {1} for the app servers, {2} for the database",
    SAVED: "; a second balancer would save {0} of it, one more app server {1}, a "
    "second database {2}",
    DECIDES: ". The balancer alone decides {0} of the time, an app server {1}, the "
    "database {2}",
}


def _year(bars, found):
    shares = found.shares(bars).values()
    if bars == DECIDES:
        return SAYS[bars].format(*(_percent(100 * share) for share in shares))
    return SAYS[bars].format(*(_time(found.hours * share) for share in shares))


# ---- the guess ---------------------------------------------------------------------


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

_SEARCH = structure.parse("client > dns > any(web1, web2) > any(cache, database)")

ask_cut_sets = kit.exercise(
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
    _SEARCH.minimal_cut_sets,
    lambda: [{name} for name in _SEARCH.single_points_of_failure()],
    lambda: [{name} for name in _SEARCH.components],
    _SEARCH.minimal_path_sets,
    lambda: [*_SEARCH.minimal_cut_sets(), {"dns", "web1"}],
    same=kit.sets("cut set"),
)


def _chain(boxes=7):
    names = [f"b{k}" for k in range(boxes)]
    return structure.parse(" > ".join(names)).unavailability(dict.fromkeys(names, 1e-3))


ask_chain = kit.exercise(
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
    lambda: 1e-3**7 * YEAR / HOUR,
)


def _promised(name):
    return catalogue.fact(name).value


def _rented(servers=3, database="SLA-004"):
    return shop(servers, app=_promised("SLA-002"), database=_promised(database)).hours


ask_contract = kit.exercise(
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
    the balancer only: That is the balancer alone. What about the boxes behind it?
    all boxes in a row: You put the app servers in a row. One of the three is enough.
    """,
    _rented,
    lambda: (1 - _promised("SLA-004") / 100) * YEAR / HOUR,
    lambda: _rented(servers=1),
    lambda: _rented(database="SLA-003"),
    lambda: 5e-4 * YEAR / HOUR,
    lambda: (1 - 0.9995 * 0.995**4) * YEAR / HOUR,
)

#: What one more box costs, in euros a month (invented for the exercise).
EUROS = {"balancer": 40, "app1": 25, "database": 160}


def _offers(budget):
    poor = shop(database=99.9)
    return poor.structure.purchases(poor.down, prices=EUROS, budget=budget)


ask_code = kit.exercise(
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
    lambda: lambda budget: _offers(budget)[0].part,
    lambda: lambda _: _offers(float("inf"))[0].part,
    lambda: lambda budget: max(_offers(budget), key=lambda p: p.saved / p.price).part,
    lambda: lambda _: "app1",
    same=kit.function([30], [60], [200], options=tuple(EUROS)),
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


def _hidden(*names):
    known = {name: NOTES[name] for name in names}
    both = structure.parse("any(east, west)", where=SITES)
    return both.share(known).single_points_of_failure()


ask_hidden = kit.exercise(
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
    same=kit.sets(),
)


def own(**boxes):
    """Return what a chain of boxes is down for, given each box's percentage up."""
    if not all(0 < up <= 100 for up in boxes.values()):
        raise ValueError("each box is up between 0 and 100 per cent of the time")
    working = math.prod(up / 100 for up in boxes.values())
    return {"hours a year": (1 - working) * YEAR / HOUR}


# ---- the lesson --------------------------------------------------------------------

UPS = (99.9, 99.92, 99.94, 99.95, 99.96, 99.97, 99.98, 99.99, 99.999)
FIVES = tuple(range(0, 101, 5))

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
        "fields": kit.sliders(
            balancer=("Load balancer (%)", FIVES),
            app1=("App servers, all (%)", FIVES),
            database=("Database (%)", FIVES),
        ),
        "truth": lambda: {name: 100 * x for name, x in shop().shares().items()},
        "views": VIEWS,
        "total": 100,
    },
    see={
        "title": "Which box stops the shop, and what does that cost in a year?",
        "controls": {
            **kit.sliders(
                servers=("App servers (boxes)", range(1, MOST + 1), 1),
                app=("App server up (%)", (99.8, 99.85, *UPS), 99.9),
                balancer=("Load balancer up (%)", UPS, 99.95),
                database=("Database up (%)", UPS, 99.95),
            ),
            "bars": kit.Choice(label="Bars", options=BARS, start=CAUSED),
            "failed": kit.Boxes(label="Failed", places=PLACES, size=SIZE),
        },
        "model": shop,
        "picture": picture,
        "size": SIZE,
        "describe": sentence,
        "before": "The shop with one app server: down 17.5 hours a year.",
        "after": {"servers": 3},
        "presets": {
            "Three app servers": {"servers": 3},
            "Five app servers": {"servers": MOST},
            "Two app servers fail": {"failed": APPS[:2]},
            "The balancer fails": {"failed": ("balancer",)},
            "What would you buy?": {"bars": SAVED},
            "Better database": {"database": 99.99},
        },
        "offers": {"failed": ("servers", lambda n: path(round(n)).components)},
    },
    exercises=(ask_cut_sets, ask_chain, ask_contract, ask_code, ask_hidden),
    own=own,
)
