"""Lesson 03, what redundancy cannot buy: copies that share a cause go down together.

The surprising number is the floor: however many replicas there are, the downtime that
they share stays.
"""

import itertools
import math
from dataclasses import dataclass, replace
from functools import lru_cache

from hamodel import catalogue, structure, text
from hamodel import course as kit
from hamodel.architectures import ActiveActive, Node
from hamodel.failover import Failover
from hamodel.units import HOUR, MINUTE, YEAR

# ---- the model ---------------------------------------------------------------------

MOST = 8  # replicas in the picture


@lru_cache
def replicas(number, needed=1):
    """Return a service that some of a number of replicas keep up."""
    names = ", ".join(f"r{k}" for k in range(1, number + 1))
    return structure.parse(f"atleast({needed}, {names})")


@dataclass(frozen=True)
class Group:
    """Alike replicas, of which some are needed, and which share some failures."""

    number: int
    needed: int
    down: float
    shared: float

    @property
    def enough(self):
        return self.number >= self.needed

    @property
    def unavailability(self):
        if not self.enough:
            return 1.0
        service = replicas(self.number, self.needed)
        down = dict.fromkeys(service.components, self.down)
        shared = {service.components: self.shared}
        common = shared if self.number > 1 and self.shared else None
        return float(service.unavailability(down, common_cause=common))

    @property
    def naive(self):
        return replace(self, shared=0.0).unavailability

    @property
    def floor(self):
        return self.shared * self.down

    @property
    def nines(self):
        return nines(self.unavailability)

    @property
    def minutes(self):
        return self.unavailability * YEAR / MINUTE


def nines(unavailability):
    return abs(math.log10(unavailability)) if unavailability else math.inf


def group(number=2, up=99.9, shared=5, needed=1):
    """Return a group of replicas in the units of the controls."""
    down = round(1 - up / 100, 12)  # 0.001, where 1 - 0.999 has a tail of digits
    return Group(round(number), round(needed), down, shared / 100)


def sites(failover=0):
    """Return the shop at several sites at once, to be swept."""
    return ActiveActive(
        database=Node(mttf=999 * HOUR, mttr=HOUR),
        failover=Failover(detection=failover),
        everywhere=Node(mttf=20_000 * HOUR, mttr=HOUR),
    )


# ---- the picture: downtime against the number of replicas, and the floor -----------

ACROSS = kit.Scale(1, MOST, 90, 410)
DOWN = kit.Scale(1e-6, YEAR / MINUTE, 286, 26, log=True)
MARKS = [(float(f"1e{k}"), text.number(float(f"1e{k}"))) for k in range(-5, 6, 2)]
BETA = (0.05, 0.48)  # what 26 months of a pair have shown, in exercise 1


def height(unavailability):
    return DOWN(max(unavailability * YEAR / MINUTE, DOWN.low))


def picture(sheet, values, found, guess):  # noqa: ARG001
    """Draw how far down more replicas bring the downtime."""
    sheet.text((112, 16), "minutes down a year", size=13, bold=True)
    marks = [(n, str(n)) for n in range(1, MOST + 1)]
    sheet.axis(ACROSS, 286, "replicas", top=26, marks=marks)
    sheet.upright(DOWN, 90, 410, MARKS)
    notes = _curves(sheet, found) if sheet.known else []
    at = (ACROSS(found.number), height(found.unavailability))
    sheet.circle(at, 7, "orange", weight=1.5)
    for case, n in (("two", 2), ("three", 3)):
        if case in guess:
            place = (ACROSS(n), height(10 ** -guess[case]))
            sheet.circle(place, 8, "none", weight=2)
    if guess:
        sheet.circle((434, 282), 7, "none", weight=2)
        sheet.text((448, 286), "your guess", size=12)
    down = text.short(found.minutes) if found.enough else "all"
    sheet.text((424, 40), _counted(found), size=13, bold=True)
    sheet.text((424, 62), f"{down} min, {found.nines:.1f} nines", size=12)
    for row, words in enumerate(notes):
        colour = "red" if words.startswith("floor") else "grey"
        sheet.text((424, 96 + 24 * row), words, size=12, colour=colour)


def _counted(found):
    return f"{found.number} replica{'s' if found.number > 1 else ''}"


def _curves(sheet, found):
    """Draw both curves, the floor and its band; return what is said of them."""
    whole = [replace(found, number=n) for n in range(1, MOST + 1)]
    there, said = [each for each in whole if each.enough], []
    if found.shared:
        low, high = (height(beta * found.down) for beta in BETA)
        box = (90, high, 320, low - high)
        sheet.rect(box, "faint", stroke="faint", weight=0.5, role="ground")
        y = height(found.floor)
        sheet.line([(90, y), (410, y)], "red", dash="2 3", role="ground")
        said += [f"floor: {text.short(found.floor * YEAR / MINUTE)} min"]
        said += ["band: floors for β of", "0.05 to 0.48"]
    naive = [(ACROSS(each.number), height(each.naive)) for each in there]
    if len(there) > 1:
        true = [(ACROSS(each.number), height(each.unavailability)) for each in there]
        sheet.line(naive, "grey", dash="4 4", weight=2)
        sheet.line(true, "blue", weight=2.5)
    alone = f"{nines(found.naive):.1f} nines" if found.enough else "none"
    said += ["dashed: if failures", f"came alone, {alone}"]
    if naive and naive[-1][1] >= DOWN.start:
        said += ["bottom: a millionth", "of a minute, or less"]
    return said


def sentence(values, found):  # noqa: ARG001
    n, k = found.number, found.needed
    if not found.enough:
        return (
            f"The service needs {k} replicas and has {n}: it is down all the time, "
            "shared failures or not."
        )
    said = (
        f"With {_counted(found)}, of which {k} must work, the service is down "
        f"{text.short(found.minutes)} minutes a year: {found.nines:.1f} nines."
    )
    if not found.shared:
        return f"{said} Nothing is shared, so every replica more brings it down."
    floor = text.short(found.floor * YEAR / MINUTE)
    if n == 1:
        return f"{said} No number of replicas would bring it below {floor}."
    naive = text.short(found.naive * YEAR / MINUTE)
    return (
        f"{said} If failures came alone it would be {naive} minutes, "
        f"{nines(found.naive):.1f} nines; but no number of replicas brings it below "
        f"{floor}."
    )


# ---- the guess ---------------------------------------------------------------------

VIEWS = kit.views(
    """
    nines multiply: You said {g.two:g} nines for two, as if their failures came alone.
      One in twenty does not, and that leaves {t.two:.1f}: 51 times the downtime.
    each one adds as much: You let the third replica add more than half a nine. It adds
      a hundredth: after the second, nearly all that is left is shared.
    redundancy is worth nothing: You gave the second replica next to nothing, {g.two:g}
      nines. It removes nineteen failures of twenty: {t.two:.1f}.
    the floor, too deep: You saw that the third replica hardly helps. But two do not
      reach {g.two:g} nines: what is shared stops them at {t.two:.1f}.
    the floor: You saw the floor: the third replica does nothing against what is shared.
    """,
    (lambda g, _: g["two"] >= 5.3, {"two": 6, "three": 9}),
    (lambda g, _: g["three"] - g["two"] > 0.6, {"two": 4, "three": 5}),
    (lambda g, _: g["two"] < 3.7, {"two": 3, "three": 3}),
    (lambda g, _: g["two"] > 4.6, {"two": 5, "three": 5}),
    (lambda *_: True, {"two": 4.5, "three": 4.5}),
)

# ---- the exercises -----------------------------------------------------------------

#: From when to when the log of the pair of databases was kept, and its nodes.
KEPT = ("2024-01-01T00:00Z", "2026-03-01T00:00Z")
NODES = {"database": ("db-1", "db-2")}
SPOT = {"up": 95, "shared": 2}  # the cheap machines of exercise 2


def log():
    return catalogue.folder() / "incidents" / "database_pair.csv"


@lru_cache
def _beta():
    from hamodel.calibration import calibrate

    found = calibrate(incidents=log(), during=KEPT, nodes=NODES)
    return found["database.beta"]


def _last_useful(gain):
    """Return the last number of replicas of which one more still gains something."""
    left = [group(n, **SPOT).unavailability for n in range(1, 30)]
    pairs = enumerate(itertools.pairwise(left), 1)
    return next(n for n, (now, more) in pairs if gain(now, more) < 0.01)


def _promised(fact):
    return 1 - catalogue.fact(fact).in_base()


def _places():
    """Return the β that two commitments imply, nearly, for racks and for zones."""
    return [_promised(two) / _promised("SLA-022") for two in ("SLA-021", "SLA-023")]


ask_beta = kit.exercise(
    """a share between 0 and 1
    right: Now look at its interval. Twenty-six months of a pair tell the order of
      magnitude of β, and no more.
    hint: `ha.calibrate` gives an estimate by name. The value of β's is asked for.
    then: Count failures node by node: an event that strikes both nodes is two
      failures, and both are shared.
    events, not failures: That is the share of events. β is the share of a node's
      failures, and an event that strikes both nodes is a failure of each.
    every row is a failure: You counted every row. Those of the kind failover tell how
      long a failover took; no node failed once more.
    an event above, failures below: Above the line you counted events, below it
      failures of nodes.
    percent: Give it as a fraction, not in percent.
    a count: That is how many were shared. Of how many?
    """,
    lambda: _beta().value,
    3 / 25,  # 3 events of both nodes and 22 of one; 17 more lines are failovers
    6 / 42,
    3 / 28,
    lambda: 100 * _beta().value,
    6,
)

ask_gain = kit.exercise(
    """a whole number of replicas
    right: The next copy would cost as much as each before, and save less than one
      minute in a hundred.
    hint: Take redundancy.group(n, up=95, shared=2).unavailability for n = 1, 2, 3 and
      so on, and divide what each step saves by what there was.
    then: The first step, from one to two, saves 93 %. Go on until a step saves less
      than 1 %.
    the first useless one: That is the copy that gains less than 1 %. After which one
      is it so?
    percentage points: That is where one more gains less than a hundredth of the year.
      You want a hundredth of the downtime that is left.
    as if all came alone: The product says so: each copy divides by twenty, for
      ever. Two in a hundred failures take all copies.
    """,
    lambda: _last_useful(lambda now, more: 1 - more / now),
    lambda: _last_useful(lambda now, more: 1 - more / now) + 1,
    lambda: _last_useful(lambda now, more: now - more),
    math.inf,
    same=kit.number(1e-6),
)

ask_places = kit.exercise(
    """a list of two shares between 0 and 1: two racks, two zones
    right: By contract, half of what stops a machine stops its neighbour in the next
      rack too, and a tenth one in another zone. Distance is what is sold.
    hint: With two machines nearly all that is left is the floor, β times the downtime
      of one. Solve that for β.
    then: One machine may be down 0.5 %, or whatever SLA-022 leaves; divide what two
      may be down by it.
    the wrong way round: The other way round: racks first.
    what is not shared: That is the share of failures that come alone.
    percent: Give them as fractions, not in percent.
    downtime itself: That is how much two may be down. Divide by what one may be.
    """,
    _places,
    lambda: _places()[::-1],
    lambda: [1 - beta for beta in _places()],
    lambda: [100 * beta for beta in _places()],
    lambda: [_promised("SLA-021"), _promised("SLA-023")],
    same=kit.matrix(0.02),
)

ask_two_of_three = kit.exercise(
    """a number of minutes a year
    right: Most of it is the floor, as before. But without a shared failure it would
      be some three thousand times what it is if one of the three is enough.
    hint: redundancy.group takes needed=2.
    then: Three replicas, two needed, 5 % shared: one call, and its minutes.
    one is enough: That is when one server is enough. In the evening two must work.
    nothing is shared: That is without shared failures.
    all three are needed: That is when all three must work. One may fail.
    a share, not minutes: That is the share of time. How many minutes has a year?
    """,
    lambda: group(3, needed=2).minutes,
    lambda: group(3, needed=1).minutes,
    lambda: group(3, needed=2, shared=0).minutes,
    lambda: group(3, needed=3).minutes,
    lambda: group(3, needed=2).unavailability,
)

ask_code = kit.exercise(
    """a function of a number of replicas and of β, a fraction
    right: It takes an array of β as well: try np.linspace(0, 0.2, 5).
    hint: redundancy.replicas(n, needed=2) is a structure; its unavailability takes a
      mapping from its components, and common_cause={its components: beta}.
    then: Each name in the structure is down 0.001; common_cause takes {its
      components: beta}.
    one is enough: It lets one replica be enough. Two are needed.
    nothing is shared: β does not reach the structure.
    a share, not minutes: It gives the share of time. How many minutes has a year?
    only the floor: That is the floor alone, the same for every number of replicas.
    """,
    lambda: lambda n, beta: group(n, shared=100 * beta, needed=2).minutes,
    lambda: lambda n, beta: group(n, shared=100 * beta).minutes,
    lambda: lambda n, _: group(n, shared=0, needed=2).minutes,
    lambda: lambda n, beta: group(n, shared=100 * beta, needed=2).unavailability,
    lambda: lambda _, beta: beta * 1e-3 * YEAR / MINUTE,
    same=kit.function([3, 0.05], [5, 0.05], [2, 0.2], [4, 0.0]),
)


def own(alone, together):
    """Return β of a pair's incidents, with its interval."""
    if alone < 0 or together < 0 or alone + together < 1:
        raise ValueError("count failures: of one copy alone, and of both together")
    share = 2 * together / (alone + 2 * together)
    from hamodel.calibration import share_interval

    events = share_interval(together, alone + together)
    low, high = (2 * p / (1 + p) for p in events)
    return {"beta": share, "at least": low, "at most": high}


# ---- the lesson --------------------------------------------------------------------

UPS = (90, 95, 98, 99, 99.5, 99.8, 99.9, 99.95, 99.99, 99.999)
SHARES = (0, 0.1, 0.2, 0.5, 1, 2, 2.5, 5, 10, 20, 30, 50, 100)
NINES = tuple(k / 4 for k in range(8, 41))
lesson = kit.Lesson(
    number="03",
    recall=kit.recall(
        """
        Lesson 02: two boxes in a row, each up 99.9 %. How often are both?
        + 99.8 %: In a row the gaps add up.
        - 99.9 %: A chain is weaker than its links.
        - 99.9999 %: That would be side by side, and independent.
        Lesson 02: which box was bought to remove a single point of failure, and is one?
        + the load balancer: It is in the path of every request.
        - the third app server: It stands beside two others.
        """
    ),
    guess={
        "question": "One replica is up 99.9 % of the time: three nines. Of its "
        "failures, 5 % strike all replicas at once, the others come alone. How many "
        "nines have two replicas, of which one is enough? And three?",
        "fields": kit.sliders(
            two=("Two replicas (nines)", NINES), three=("Three replicas (nines)", NINES)
        ),
        "truth": lambda: {"two": group(2).nines, "three": group(3).nines},
        "views": VIEWS,
        "rule": lambda guess: (
            "a third replica, of which one is enough, does not make it worse."
            if guess["three"] < guess["two"]
            else ""
        ),
    },
    see={
        "title": "How far down does one more replica bring the downtime?",
        "controls": kit.sliders(
            number=("Replicas", range(1, MOST + 1), 1),
            up=("Each is up (%)", UPS, 99.9),
            shared=("Failures shared (%)", SHARES, 5),
            needed=("Must work", range(1, 5), 1),
        ),
        "model": group,
        "picture": picture,
        "size": (640, 332),
        "describe": sentence,
        "before": "One replica: down 526 minutes a year, three nines.",
        "after": {"number": 2},
        "presets": {
            "Two replicas": {"number": 2},
            "Eight replicas": {"number": MOST},
            "Nothing shared": {"shared": 0},
            "Half as much shared": {"shared": 2.5},
            "Better replicas": {"up": 99.99},
            "Two of three": {"number": 3, "needed": 2},
            "Google's storage": {
                "number": 3,
                "shared": catalogue.fact("FAIL-005").value,
            },
        },
    },
    exercises=(ask_beta, ask_gain, ask_places, ask_two_of_three, ask_code),
    own=own,
)
