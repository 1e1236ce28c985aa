"""The exercises of lesson 03; every reference is computed when it is asked for."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

from hamodel import calibration, catalogue
from hamodel.course.exercise import Exercise, Mistake, function, matrix, number
from hamodel.units import MINUTE, YEAR
from lessons.what_redundancy_cannot_buy._group import Group, group

if TYPE_CHECKING:
    from pathlib import Path

    from hamodel.calibration import Calibration

# ---- 1. beta from a log ------------------------------------------------------------

#: From when to when the log of the pair of databases was kept, and its nodes.
KEPT = ("2024-01-01T00:00Z", "2026-03-01T00:00Z")
NODES = {"database": ("db-1", "db-2")}


def log() -> Path:
    """Return where the incident log of the pair of databases is.

    Returns
    -------
    Path
        A CSV file; the README beside it says how it was made.
    """
    return catalogue.folder() / "incidents" / "database_pair.csv"


@cache
def _calibrated() -> Calibration:
    return calibration.calibrate(incidents=log(), during=KEPT, nodes=NODES)


def _events() -> tuple[int, int]:
    """Return how many events struck both nodes, and how many there were."""
    evidence = _calibrated()["database.beta"].evidence
    return round(evidence["successes"]), round(evidence["trials"])


def _rows() -> int:
    return len(log().read_text(encoding="utf-8").splitlines()) - 1


def _struck(*, both: int = 2) -> int:
    """Return the failures of nodes, those in common counted for each node."""
    shared, events = _events()
    return events - shared + both * shared


beta_exercise = Exercise(
    form="a share between 0 and 1",
    reference=lambda: _calibrated()["database.beta"].value,
    same=number(),
    right="Now look at its interval. Twenty-six months of a pair tell the order of "
    "magnitude of β, and no more.",
    hint="found['database.beta'] is an estimate. Its value is asked for.",
    mistakes=(
        Mistake(
            name="events, not failures",
            answer=lambda: _events()[0] / _events()[1],
            hint="That is the share of events. β is the share of a node's failures, "
            "and an event that strikes both nodes is a failure of each.",
        ),
        Mistake(
            name="every row is a failure",
            answer=lambda: 2 * _events()[0] / _rows(),
            hint="You counted every row. Those of the kind failover tell how long a "
            "failover took; no node failed once more.",
        ),
        Mistake(
            name="an event above, failures below",
            answer=lambda: _events()[0] / _struck(),
            hint="Above the line you counted events, below it failures of nodes.",
        ),
        Mistake(
            name="percent",
            answer=lambda: 100 * _calibrated()["database.beta"].value,
            hint="Give it as a fraction, not in percent.",
        ),
    ),
)

# ---- 2. one more, and one more -----------------------------------------------------

_SPOT = {"up": 95.0, "shared": 2.0}


def _last_useful(*, absolute: bool = False) -> int:
    """Return the number of replicas after which one more gains less than 1 %."""
    whole = group(1, **_SPOT)
    for n in range(1, 30):
        now, more = (whole.with_number(k).unavailability for k in (n, n + 1))
        if (now - more) / (1 if absolute else now) < 0.01:
            return n
    raise RuntimeError("thirty replicas must be enough")  # pragma: no cover


gain_exercise = Exercise(
    form="a whole number of replicas",
    reference=_last_useful,
    same=number(1e-6),
    right="The next copy would cost as much as each before, and save less than one "
    "minute in a hundred.",
    hint="Take lesson.group(n, up=95, shared=2).unavailability for n = 1, 2, 3 and so "
    "on, and divide what each step saves by what there was.",
    mistakes=(
        Mistake(
            name="the first useless one",
            answer=lambda: _last_useful() + 1,
            hint="That is the copy that gains less than 1 %. Asked is after which.",
        ),
        Mistake(
            name="percentage points",
            answer=lambda: _last_useful(absolute=True),
            hint="That is where one more gains less than a hundredth of the year. "
            "Asked is a hundredth of the downtime that is left.",
        ),
        Mistake(
            name="as if all came alone",
            answer=lambda: math.inf,
            hint="So says the product: each copy divides by twenty, for ever. Two in a "
            "hundred failures take all copies.",
        ),
    ),
)

# ---- 3. racks and zones ------------------------------------------------------------


def _promised(fact: str) -> float:
    """Return the share of time that a commitment allows to be down."""
    return 1 - catalogue.fact(fact).in_base()


def _implied(together: str) -> float:
    """Return the β with which two machines just keep the promise, by search."""
    from scipy.optimize import brentq

    one, two = _promised("SLA-022"), _promised(together)

    def gap(beta: float) -> float:
        pair = Group(number=2, needed=1, down=one, shared=beta)
        return pair.unavailability - two

    return float(brentq(gap, 0, 1, xtol=1e-14))


def _places() -> list[float]:
    return [_implied("SLA-021"), _implied("SLA-023")]


places_exercise = Exercise(
    form="a list of two shares between 0 and 1: two racks, two zones",
    reference=_places,
    same=matrix(0.02),
    right="By contract, half of what stops a machine stops its neighbour in the next "
    "rack too, and a tenth one in another zone. Distance is what is sold.",
    hint="With two machines nearly all that is left is the floor, β times the downtime "
    "of one. Solve that for β.",
    mistakes=(
        Mistake(
            name="the wrong way round",
            answer=lambda: _places()[::-1],
            hint="The other way round: racks first.",
        ),
        Mistake(
            name="what is not shared",
            answer=lambda: [1 - beta for beta in _places()],
            hint="That is the share of failures that come alone.",
        ),
        Mistake(
            name="percent",
            answer=lambda: [100 * beta for beta in _places()],
            hint="Give them as fractions, not in percent.",
        ),
        Mistake(
            name="downtime itself",
            answer=lambda: [_promised("SLA-021"), _promised("SLA-023")],
            hint="That is how much two may be down. Divide by what one may be.",
        ),
    ),
)

# ---- 4. two of three ---------------------------------------------------------------


def _evening(needed: int = 2, shared: float = 5) -> float:
    return group(3, shared=shared, needed=needed).minutes


two_of_three_exercise = Exercise(
    form="a number of minutes a year",
    reference=_evening,
    same=number(),
    right="Most of it is the floor, as before. But without a shared failure it would "
    "be some three thousand times what it is if one of the three is enough.",
    hint="lesson.group takes needed=2.",
    mistakes=(
        Mistake(
            name="one is enough",
            answer=lambda: _evening(needed=1),
            hint="That is when one server is enough. In the evening two must work.",
        ),
        Mistake(
            name="nothing is shared",
            answer=lambda: _evening(shared=0),
            hint="That is without shared failures.",
        ),
        Mistake(
            name="all three are needed",
            answer=lambda: _evening(needed=3),
            hint="That is when all three must work. One may fail.",
        ),
        Mistake(
            name="a share, not minutes",
            answer=lambda: _evening() * MINUTE / YEAR,
            hint="That is the share of time. How many minutes has a year?",
        ),
    ),
)

# ---- 5. in code --------------------------------------------------------------------


def _minutes(copies: float, beta: float, *, needed: int = 2) -> float:
    return group(copies, shared=100 * beta, needed=needed).minutes


code_exercise = Exercise(
    form="a function of a number of replicas and of β, a fraction",
    reference=lambda: _minutes,
    same=function([3, 0.05], [5, 0.05], [2, 0.2], [4, 0.0]),
    right="It takes an array of β as well: try np.linspace(0, 0.2, 5).",
    hint="lesson.replicas(n, needed=2) is a structure; its unavailability takes a "
    "mapping from its components, and common_cause={its components: beta}.",
    mistakes=(
        Mistake(
            name="one is enough",
            answer=lambda: lambda n, beta: _minutes(n, beta, needed=1),
            hint="It lets one replica be enough. Two are needed.",
        ),
        Mistake(
            name="nothing is shared",
            answer=lambda: lambda n, _: _minutes(n, 0.0),
            hint="β does not reach the structure.",
        ),
        Mistake(
            name="a share, not minutes",
            answer=lambda: lambda n, beta: _minutes(n, beta) * MINUTE / YEAR,
            hint="It gives the share of time. How many minutes has a year?",
        ),
        Mistake(
            name="only the floor",
            answer=lambda: lambda _, beta: beta * 1e-3 * YEAR / MINUTE,
            hint="That is the floor alone, the same for every number of replicas.",
        ),
    ),
)
