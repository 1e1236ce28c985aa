"""The explorer of lesson 11: nodes and sites to take away, votes, and an election.

A site is a box, a node in it a circle; the bars say how many minutes of a year too few
nodes are up.
"""

from dataclasses import dataclass

import numpy as np

from hamodel import course as kit
from hamodel import quorum, text
from hamodel.units import MINUTE, YEAR

# ---- the model ---------------------------------------------------------------------

LAYOUTS = {
    "3 nodes, 3 sites": (1, 1, 1),
    "2 nodes, 2 sites": (1, 1),
    "4 nodes, 2 sites": (2, 2),
    "5 nodes, 2 sites": (3, 2),
    "5 nodes, 3 sites": (2, 2, 1),
}
THREE, TWO, FOUR, FIVE, SPREAD = LAYOUTS
DOWN = 0.01  # of the time, each node by itself
LOW, HIGH, ONE_WAY = 150, 300, 10  # ms: timeouts of an election, and a message


def members(layout):
    """Return the nodes of a layout: a1, a2 in the first site, b1 in the second."""
    counts = LAYOUTS[layout]
    return [f"{'abc'[k]}{n + 1}" for k, many in enumerate(counts) for n in range(many)]


@dataclass(frozen=True)
class Votes:
    """Who is left, and what that is enough for."""

    nodes: tuple[str, ...]
    left: tuple[str, ...]
    read: int
    write: int
    timeouts: dict[str, int]

    @property
    def majority(self):
        return quorum.majority(len(self.nodes))

    def minutes(self, needed):
        """Return the minutes of a year in which fewer nodes than needed are up."""
        if needed > len(self.nodes):
            return YEAR / MINUTE
        down = quorum.unavailability(needed, [DOWN] * len(self.nodes))
        return down * YEAR / MINUTE

    @property
    def first(self):
        """The node that stands first, or nothing if none is left."""
        return min(self.left, key=lambda name: self.timeouts[name], default="")

    @property
    def rivals(self):
        """The nodes that stand before they have heard of the first."""
        until = self.timeouts[self.first] + ONE_WAY if self.left else 0
        return [n for n in self.left if n != self.first and self.timeouts[n] < until]

    @property
    def votes(self):
        """The votes that the first gets, its own among them."""
        return len(self.left) - len(self.rivals)


def model(layout, gone, read, write, sample):
    """Take nodes and sites away; the sample seeds the timeouts of the election."""
    nodes = members(layout)
    sites = {name[-1] for name in gone if name.startswith("site")}
    left = [n for n in nodes if n not in gone and n[0] not in sites]
    rng = np.random.default_rng(sample)
    drawn = dict(zip(NODES, map(int, rng.integers(LOW, HIGH, len(NODES))), strict=True))
    return Votes(tuple(nodes), tuple(left), round(read), round(write), drawn)


def stale_read(writes_to, reads):
    """Return what reads see of a write that has reached some nodes: new or old.

    Parameters
    ----------
    writes_to : collection of str
        The nodes that have the new value so far.
    reads : sequence of collections of str
        The nodes that each read asks, one after the other.
    """
    return ["new" if set(asked) & set(writes_to) else "old" for asked in reads]


# ---- the picture: sites and nodes, then what they may do ---------------------------

NODES = ("a1", "a2", "a3", "b1", "b2", "c1")
SITES = ("site a", "site b", "site c")
LEFTS = dict(zip("abc", (12, 222, 432), strict=True))
WIDE, TOP, HIGH_BOX = 196, 8, 122
SPOTS = {n: (LEFTS[n[0]] + 34 + 62 * (int(n[1]) - 1), TOP + 72) for n in NODES}
PLACES = {name: (LEFTS[name[-1]], TOP, WIDE, 36) for name in SITES}
PLACES |= {name: (x - 24, y - 26, 48, 56) for name, (x, y) in SPOTS.items()}
SIZE = (640, 336)
MINUTES = kit.Scale(0.01, 1_000_000, 320, 560, log=True)
GHOSTS = {"four": "you: 4 nodes", "two": "you: 2 nodes"}


def picture(sheet, values, found, guess):
    """Draw the nodes that are there, what they may do, and the minutes without it."""
    for name in SITES[: len(LAYOUTS[values["layout"]])]:
        _site(sheet, name, away=name in values["gone"])
    for name in found.nodes:
        _node(sheet, name, found, away=name not in found.left)
    _election(sheet, found)
    marks = [(0.01, "0.01"), (1, "1"), (100, "100"), (10_000, "10,000")]
    sheet.axis(MINUTES, 288, "minutes a year with too few", top=142, marks=marks)
    there, n = len(found.left), len(found.nodes)
    rows = (
        ("elect a leader", found.majority),
        ("read", found.read),
        ("write", found.write),
    )
    for row, (what, needed) in enumerate(rows):
        y = 160 + 26 * row
        sheet.text((12, y), what, size=12.5, bold=True)
        sheet.text((124, y), f"takes {needed} of {n}", size=12)
        verdict = "✓ may" if there >= needed else "✗ may not"
        sheet.text((222, y), verdict, colour="ink" if there >= needed else "red")
    bars = [
        ("", found.minutes(needed) if sheet.known else None, look)
        for (_, needed), look in zip(rows, LOOKED, strict=True)
    ]
    bars += [(GHOSTS[case], guess[case], "guess") for case in GHOSTS if guess]
    sheet.bars(MINUTES, 145, bars, 26)


LOOKED = ("both nodes down", "degraded", "failing over")


def _site(sheet, name, *, away):
    x = LEFTS[name[-1]]
    sheet.rect((x, TOP, WIDE, HIGH_BOX), "paper", weight=1.2)
    if away:
        sheet.rect((x + 2, TOP + 2, 9, HIGH_BOX - 4), "site down", weight=0)
    words = f"{name}, away" if away else name
    sheet.text((x + 24, TOP + 24), words, bold=True, colour="red" if away else "ink")


def _node(sheet, name, found, *, away):
    x, y = SPOTS[name]
    look = "failover did not work" if away else "up"
    sheet.circle((x, y), 20, "paper", weight=1.2)
    sheet.circle((x, y - 27), 5, look, weight=0.8)
    sheet.text((x, y + 5), f"{name} ✗" if away else name, size=12, anchor="middle")
    if not away:
        drawn = f"{found.timeouts[name]} ms"
        sheet.text((x, y + 36), drawn, size=12, anchor="middle", colour="grey")


def _election(sheet, found):
    """Let the first node stand: it asks the others, and those who may vote answer."""
    if not found.left:
        return
    x, y = SPOTS[found.first]
    start, span = 0.3 * sheet.seconds, sheet.seconds
    early = [(0, 0, 0, 0), (start - 0.4, 0, 0, 0), (start - 0.3, 0, 0, 1)]
    with sheet.moving([*early, (span, 0, 0, 1)]):
        sheet.circle((x, y), 23, stroke="orange", weight=3)
    for name in found.left:
        if name == found.first:
            continue
        right, down = SPOTS[name][0] - x, SPOTS[name][1] - y
        there, back = start + 0.15 * span, start + 0.35 * span
        keys = [(0, 0, 0, 0), (start, 0, 0, 0), (start + 0.05, 0, 0, 1)]
        keys += [(there, right, down, 1), (there + 0.05, right, down, 0)]
        with sheet.moving([*keys, (span, right, down, 0)]):
            sheet.circle((x, y), 6, "orange")
        if name in found.rivals:
            with sheet.moving([*early, (span, 0, 0, 1)]):
                sheet.circle(SPOTS[name], 23, stroke="orange", weight=3)
            continue
        keys = [(0, 0, 0, 0), (there, 0, 0, 0), (there + 0.05, 0, 0, 1)]
        keys += [(back, -right, -down, 1), (back + 0.2, -right, -down, 0)]
        with sheet.moving([*keys, (span, -right, -down, 0)]):
            sheet.circle(SPOTS[name], 6, "green")
    wins = found.votes >= found.majority
    won = start + 0.4 * span
    with sheet.moving(
        [(0, 0, 0, 0), (won, 0, 0, 0), (won + 0.1, 0, 0, 1), (span, 0, 0, 1)]
    ):
        sheet.circle((x, y), 23, stroke="green" if wins else "red", weight=4)


def sentence(values, found):  # noqa: ARG001
    n, there, needed = len(found.nodes), len(found.left), found.majority
    if there < needed:
        first = (
            f"{there} of {n} nodes left, and {needed} must agree: nobody is elected."
        )
    else:
        wins = found.votes >= needed
        votes = f"gets {found.votes} votes" + ("" if wins else ", too few")
        first = (
            f"{there} of {n} nodes left, and {needed} must agree: the first stands "
            f"after {found.timeouts[found.first]} ms and {votes}."
        )
    meet = "always meet" if found.read + found.write > n else "may miss"
    asked = f"Reads ask {found.read} and {meet} what {found.write} have written."
    if max(found.read, found.write) > n:
        who = "read" if found.read > n else "write"
        asked = f"A {who} takes {max(found.read, found.write)} of {n} and never ends."
    minutes = [text.short(found.minutes(k)) for k in (needed, found.read, found.write)]
    return (
        f"{first} {asked} At 99 % a node, no leader for {minutes[0]} min a year, no "
        f"read for {minutes[1]}, no write for {minutes[2]}."
    )


# ---- a play of many elections, for the derivation ----------------------------------


def elections(spread, one_way=ONE_WAY, nodes=4, needed=3, tries=4000, seed=11):
    """Return the share of first rounds that elect nobody, played with random timers.

    Parameters
    ----------
    spread : float
        Timers are drawn from `LOW` to `LOW` + spread, in ms.
    one_way : float
        Time of a message in ms.
    nodes, needed : int
        Nodes left, and votes that win.
    """
    drawn = np.random.default_rng(seed).uniform(0, spread, (tries, nodes))
    drawn.sort(axis=1)
    rivals = (drawn[:, 1:] < drawn[:, :1] + one_way).sum(axis=1)
    return float(np.mean(nodes - rivals < needed))
