"""Lesson 03, what redundancy cannot buy: copies that share a cause go down together.

The surprising number is the floor: however many replicas there are, the downtime that
they share stays.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, lru_cache
from math import inf, log10
from typing import TYPE_CHECKING

from hamodel import calibration, catalogue, structure, text
from hamodel import course as kit
from hamodel.architectures import ActiveActive, Node
from hamodel.course import function, matrix, number
from hamodel.failover import Failover
from hamodel.units import HOUR, MINUTE, YEAR

if TYPE_CHECKING:
    from pathlib import Path

    from hamodel.calibration import Calibration
    from hamodel.structure import Structure

# ---- the model ---------------------------------------------------------------------

MOST = 8  # replicas in the picture


@lru_cache
def replicas(number: int, needed: int = 1) -> Structure:
    """Return a service that some of a number of replicas keep up."""
    names = ", ".join(f"r{k}" for k in range(1, number + 1))
    return structure.parse(f"atleast({needed}, {names})")


@dataclass(frozen=True, kw_only=True)
class Group:
    """Alike replicas, of which some are needed, and which share some failures."""

    number: int
    needed: int
    down: float
    shared: float

    def with_number(self, number: int) -> Group:
        """Return the same with another number of replicas."""
        return Group(
            number=number, needed=self.needed, down=self.down, shared=self.shared
        )

    @property
    def enough(self) -> bool:
        return self.number >= self.needed

    @property
    def unavailability(self) -> float:
        return self._down(self.shared)

    @property
    def naive(self) -> float:
        return self._down(0.0)

    @property
    def floor(self) -> float:
        return self.shared * self.down

    @property
    def nines(self) -> float:
        return nines(self.unavailability)

    @property
    def minutes(self) -> float:
        return self.unavailability * YEAR / MINUTE

    def _down(self, shared: float) -> float:
        if not self.enough:
            return 1.0
        service = replicas(self.number, self.needed)
        down = dict.fromkeys(service.components, self.down)
        common = {service.components: shared} if self.number > 1 and shared else None
        return float(service.unavailability(down, common_cause=common))


def nines(unavailability: float) -> float:
    """Return how many nines an unavailability leaves."""
    return abs(log10(unavailability)) if unavailability else inf


def group(
    number: float = 2, up: float = 99.9, shared: float = 5, needed: float = 1
) -> Group:
    """Return a group of replicas in the units of the controls."""
    return Group(
        number=round(number),
        needed=round(needed),
        down=round(1 - up / 100, 12),  # 0.001, where 1 - 0.999 has a tail of digits
        shared=shared / 100,
    )


# ---- the picture: downtime against the number of replicas, and the floor -----------

ACROSS = kit.Scale(1, MOST, 90, 470)
DOWN = kit.Scale(1e-6, YEAR / MINUTE, 286, 26, log=True)
MARKS = (
    (1e-5, "0.00001"),
    (1e-3, "0.001"),
    (0.1, "0.1"),
    (10, "10"),
    (1e3, "1,000"),
    (1e5, "100,000"),
)
BETA = (0.05, 0.48)  # what 26 months of a pair have shown, in exercise 1


def height(unavailability):
    return DOWN(max(unavailability * YEAR / MINUTE, DOWN.low))


def picture(sheet, values, found, guess):  # noqa: ARG001
    """Draw how far down more replicas bring the downtime."""
    sheet.text((112, 16), "minutes down a year", size=13, bold=True)
    counts = range(1, MOST + 1)
    marks = [(n, str(n)) for n in counts]
    sheet.axis(ACROSS, 286, "replicas", top=26, marks=marks)
    sheet.upright(DOWN, 90, 470, MARKS)
    if sheet.known:
        _curves(sheet, found, counts)
    at = (ACROSS(found.number), height(found.unavailability))
    sheet.circle(at, 7, "orange", weight=1.5)
    down = text.short(found.minutes) if found.enough else "all"
    many = "s" if found.number > 1 else ""
    sheet.text((484, 60), f"{found.number} replica{many}", size=13, bold=True)
    sheet.text((484, 78), f"{down} min", size=12)
    sheet.text((484, 94), f"{found.nines:.1f} nines", size=12)
    for case, n in (("two", 2), ("three", 3)):
        if case in guess:
            y = height(10 ** -guess[case])
            sheet.circle((ACROSS(n), y), 8, "none", weight=2)
    if guess:
        sheet.circle((492, 268), 7, "none", weight=2)
        sheet.text((506, 272), "your guess", size=12)


def _curves(sheet, found, counts):
    whole = [found.with_number(n) for n in counts]
    there = [each for each in whole if each.enough]
    naive = [(ACROSS(each.number), height(each.naive)) for each in there]
    true = [(ACROSS(each.number), height(each.unavailability)) for each in there]
    if found.shared:
        low, high = (height(beta * found.down) for beta in BETA)
        box = (90, high, 380, low - high)
        sheet.rect(box, "faint", stroke="faint", weight=0.5, role="ground")
        sheet.text((484, 232), "band: β of the log,", size=12, colour="grey")
        sheet.text((484, 248), "0.05 to 0.48", size=12, colour="grey")
        y = height(found.floor)
        sheet.line([(90, y), (470, y)], "red", dash="2 3", role="ground")
        floor = text.short(found.floor * YEAR / MINUTE)
        sheet.text((484, 118), f"floor (red): {floor} min", size=12, colour="red")
    if len(there) > 1:
        sheet.line(naive, "grey", dash="4 4", weight=2)
        sheet.line(true, "blue", weight=2.5)
    alone = f"{nines(found.naive):.1f} nines" if found.enough else "none"
    sheet.text((484, 150), "dashed: if failures", size=12, colour="grey")
    sheet.text((484, 166), f"came alone, {alone}", size=12, colour="grey")
    if naive and naive[-1][1] >= DOWN.start:
        sheet.text((484, 190), "bottom: a millionth of", size=12, colour="grey")
        sheet.text((484, 206), "a minute, and below", size=12, colour="grey")


def sentence(values, result):  # noqa: ARG001
    n, k = result.number, result.needed
    if not result.enough:
        return (
            f"The service needs {k} replicas and has {n}: it is down all the time, "
            "shared failures or not."
        )
    have = f"With {n} replica{'s' if n > 1 else ''}, of which {k} must work,"
    said = (
        f"{have} the service is down {text.short(result.minutes)} minutes a year: "
        f"{result.nines:.1f} nines."
    )
    if not result.shared:
        return f"{said} Nothing is shared, so every replica more brings it down."
    floor = text.short(result.floor * YEAR / MINUTE)
    if n == 1:
        return f"{said} No number of replicas would bring it below {floor}."
    naive = text.short(result.naive * YEAR / MINUTE)
    return (
        f"{said} If failures came alone it would be {naive} minutes, "
        f"{nines(result.naive):.1f} nines; but no number of replicas brings it below "
        f"{floor}."
    )


def sites(failover: float = 0) -> ActiveActive:
    """Return the shop at several sites at once, to be swept."""
    return ActiveActive(
        database=Node(mttf=999 * HOUR, mttr=HOUR),
        failover=Failover(detection=failover),
        everywhere=Node(mttf=20_000 * HOUR, mttr=HOUR),
    )


# ---- the guess ---------------------------------------------------------------------


def truth():
    return {"two": group(2).nines, "three": group(3).nines}


VIEWS = (
    kit.View(
        name="nines multiply",
        when=lambda g, _: g["two"] >= 5.3,
        says=lambda g, t: (
            f"You multiplied: {g['two']:g} nines. So it would be if failures came "
            f"alone. One in twenty does not, and that leaves {t['two']:.1f}: 51 times "
            "the downtime of the product."
        ),
        example={"two": 6, "three": 9},
    ),
    kit.View(
        name="each one adds as much",
        when=lambda g, _: g["three"] - g["two"] > 0.6,
        says=lambda g, t: (
            f"You let the third replica add {g['three'] - g['two']:g} nines; it adds "
            f"{t['three'] - t['two']:.2f}. After the second, nearly all that is left "
            "is shared."
        ),
        example={"two": 4, "three": 5},
    ),
    kit.View(
        name="redundancy is worth nothing",
        when=lambda g, _: g["two"] < 3.7,
        says=lambda g, t: (
            f"You gave the second replica next to nothing, {g['two']:g} nines. It "
            f"removes nineteen failures of twenty: {t['two']:.1f}."
        ),
        example={"two": 3, "three": 3},
    ),
    kit.View(
        name="the floor",
        when=lambda *_: True,
        says="You saw the floor: what is shared has never heard of the third replica.",
        example={"two": 4.5, "three": 4.5},
    ),
)

# ---- the exercises -----------------------------------------------------------------

#: From when to when the log of the pair of databases was kept, and its nodes.
KEPT = ("2024-01-01T00:00Z", "2026-03-01T00:00Z")
NODES = {"database": ("db-1", "db-2")}


def log() -> Path:
    """Return where the incident log of the pair of databases is."""
    return catalogue.folder() / "incidents" / "database_pair.csv"


@cache
def _calibrated() -> Calibration:
    return calibration.calibrate(incidents=log(), during=KEPT, nodes=NODES)


def _events() -> tuple[int, int]:
    evidence = _calibrated()["database.beta"].evidence
    return round(evidence["successes"]), round(evidence["trials"])


def _rows() -> int:
    return len(log().read_text(encoding="utf-8").splitlines()) - 1


def _struck(*, both: int = 2) -> int:
    shared, events = _events()
    return events - shared + both * shared


beta_exercise = kit.exercise(
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
    """,
    lambda: _calibrated()["database.beta"].value,
    lambda: _events()[0] / _events()[1],
    lambda: 2 * _events()[0] / _rows(),
    lambda: _events()[0] / _struck(),
    lambda: 100 * _calibrated()["database.beta"].value,
)

_SPOT = {"up": 95.0, "shared": 2.0}


def _last_useful(*, absolute: bool = False) -> int:
    whole = group(1, **_SPOT)
    for n in range(1, 30):
        now, more = (whole.with_number(k).unavailability for k in (n, n + 1))
        if (now - more) / (1 if absolute else now) < 0.01:
            return n
    raise RuntimeError("thirty replicas must be enough")  # pragma: no cover


gain_exercise = kit.exercise(
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
    _last_useful,
    lambda: _last_useful() + 1,
    lambda: _last_useful(absolute=True),
    lambda: math.inf,
    same=number(1e-6),
)


def _promised(fact: str) -> float:
    return 1 - catalogue.fact(fact).in_base()


def _implied(together: str) -> float:
    from scipy.optimize import brentq

    one, two = _promised("SLA-022"), _promised(together)

    def gap(beta: float) -> float:
        pair = Group(number=2, needed=1, down=one, shared=beta)
        return pair.unavailability - two

    return float(brentq(gap, 0, 1, xtol=1e-14))


def _places() -> list[float]:
    return [_implied("SLA-021"), _implied("SLA-023")]


places_exercise = kit.exercise(
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
    same=matrix(0.02),
)


def _evening(needed: int = 2, shared: float = 5) -> float:
    return group(3, shared=shared, needed=needed).minutes


two_of_three_exercise = kit.exercise(
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
    _evening,
    lambda: _evening(needed=1),
    lambda: _evening(shared=0),
    lambda: _evening(needed=3),
    lambda: _evening() * MINUTE / YEAR,
)


def _minutes(copies: float, beta: float, *, needed: int = 2) -> float:
    return group(copies, shared=100 * beta, needed=needed).minutes


code_exercise = kit.exercise(
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
    lambda: _minutes,
    lambda: lambda n, beta: _minutes(n, beta, needed=1),
    lambda: lambda n, _: _minutes(n, 0.0),
    lambda: lambda n, beta: _minutes(n, beta) * MINUTE / YEAR,
    lambda: lambda _, beta: beta * 1e-3 * YEAR / MINUTE,
    same=function([3, 0.05], [5, 0.05], [2, 0.2], [4, 0.0]),
)


def own(alone, together):
    """Return β of a pair's incidents, with its interval."""
    from scipy.stats import binomtest

    if alone < 0 or together < 0 or alone + together < 1:
        raise ValueError("count failures: of one copy alone, and of both together")
    share = 2 * together / (alone + 2 * together)
    events = binomtest(together, alone + together).proportion_ci(0.95)
    low, high = (2 * p / (1 + p) for p in (events.low, events.high))
    return {"beta": share, "at least": low, "at most": high}


# ---- the lesson --------------------------------------------------------------------

UPS = (90, 95, 98, 99, 99.5, 99.8, 99.9, 99.95, 99.99, 99.999)
SHARES = (0, 0.1, 0.2, 0.5, 1, 2, 2.5, 5, 10, 20, 30, 50, 100)
NINES = tuple(k / 4 if k % 4 else k // 4 for k in range(8, 41))
COUNTS = tuple(range(1, MOST + 1))
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
        "fields": {
            "two": kit.Slider(label="Two replicas (nines)", grid=NINES),
            "three": kit.Slider(label="Three replicas (nines)", grid=NINES),
        },
        "truth": truth,
        "views": VIEWS,
        "rule": lambda guess: (
            "a third replica, of which one is enough, does not make it worse."
            if guess["three"] < guess["two"]
            else ""
        ),
    },
    see={
        "title": "How far down does one more replica bring the downtime?",
        "controls": {
            "number": kit.Slider(label="Replicas", grid=COUNTS, start=1, whole=True),
            "up": kit.Slider(label="Each is up (%)", grid=UPS, start=99.9),
            "shared": kit.Slider(label="Failures shared (%)", grid=SHARES, start=5),
            "needed": kit.Slider(
                label="Must work", grid=COUNTS[:4], start=1, whole=True
            ),
        },
        "model": group,
        "picture": picture,
        "size": (640, 326),
        "describe": sentence,
        "before": "One replica: down 526 minutes a year, three nines. How far more of "
        "them go shows once you have guessed.",
        "after": {"number": 2},
        "presets": {
            "Two replicas": {"number": 2},
            "Eight replicas": {"number": MOST},
            "Nothing shared": {"number": 2, "shared": 0},
            "Half as much shared": {"number": 2, "shared": 2.5},
            "Better replicas": {"number": 2, "up": 99.99},
            "Two of three": {"number": 3, "needed": 2},
            "Google's storage": {
                "number": 3,
                "shared": catalogue.fact("FAIL-005").value,
            },
        },
    },
    exercises=(
        beta_exercise,
        gain_exercise,
        places_exercise,
        two_of_three_exercise,
        code_exercise,
    ),
    own=own,
)
