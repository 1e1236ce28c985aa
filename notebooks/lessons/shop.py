"""The ticket shop from first lesson to last: what it has, and what it is down for.

One contract holds throughout: 99.99 %, 52.6 minutes a year.  Each lesson buys, learns
or repairs one thing; `stand` draws the shop with that part lit, and the score.
"""

from hamodel.course import Drawn, Sheet
from hamodel.units import MINUTE, YEAR
from lessons.pairs import pair

CONTRACT = 1e-4 * YEAR / MINUTE
SHARED = 0.05  # of the failures of copies, from lesson 03 on
#: Where each box begins, and what it is.
BOXES = {
    "balancer": (100, "load balancer"),
    "app": (305, "app servers"),
    "database": (510, "database"),
}


def copies(share, count, common=SHARED):
    """Return the minutes a year of copies of which one is enough."""
    alone = ((1 - common) * share) ** count if count > 1 else share
    return (alone + (common * share if count > 1 else 0)) * YEAR / MINUTE


def minutes(balancers=2, common=SHARED, database=None):
    """Return the minutes a year of a shop with three app servers."""
    last = copies(5e-4, 1) if database is None else database.minutes_per_year
    return copies(5e-4, balancers, common) + copies(1e-3, 3, common) + last


STANDBY = minutes(database=pair(coverage=99.9))  # after lesson 04
WATCHED = minutes(database=pair(coverage=99.9, failover=24.5))  # after lesson 05
#: For each lesson: the part in question, the minutes before and after, what changed.
STAND = {
    "01": ("", None, CONTRACT, "one server; its maker's figure"),
    "02": ("balancer", 1050.9, minutes(1, 0), "three app servers"),
    "03": ("app", minutes(1, 0), minutes(), "a second balancer; what is shared"),
    "04": ("database", minutes(), STANDBY, "a standby"),
    "05": ("database", STANDBY, WATCHED, "a watchdog of 5 misses"),
    **{
        f"{number:02}": ("app" if number in (9, 12) else "database", None, WATCHED, "")
        for number in range(6, 15)
    },
}


def stand(number, *, after=False):
    """Draw the shop as a lesson finds it, or as it leaves it, with the score."""
    lit, before, now, changed = STAND[number]
    score = now if after or before is None else before
    sheet = Sheet(640, 118)
    sheet.text((20, 44), "clients", size=13)
    end = 72
    for name, (x, words) in BOXES.items():
        sheet.arrow((end + 2, 40), (x - 2, 40))
        sheet.rect((x, 20, 110, 40), "paper", weight=4 if name == lit else 1.2)
        sheet.text((x + 55, 44), words, anchor="middle", bold=name == lit)
        end = x + 110
    if number == "01" and not after:  # the minutes are what the lesson asks for
        sheet.text((20, 88), "the shop now: nobody knows", size=14, bold=True)
        sheet.text((20, 108), "the contract: 99.99 %", size=13, colour="grey")
        words = "One shop; what it is down for, nobody knows; the contract: 99.99 %."
        return Drawn(sheet.svg(), words)
    kept = score <= CONTRACT * 1.0001
    words = f"the shop now: {score:,.0f} minutes a year"
    sheet.text((20, 88), words, size=14, bold=True)
    sheet.text((20, 108), f"the contract: {CONTRACT:.1f}", size=13, colour="grey")
    verdict = "within the contract" if kept else "not within the contract"
    sheet.text((620, 88), f"{'✓' if kept else '✗'} {verdict}", anchor="end")
    if after and changed:
        sheet.text((620, 108), f"new: {changed}", size=12, anchor="end", colour="grey")
    part = f" The {BOXES[lit][1]} in question." if lit else ""
    return Drawn(
        sheet.svg(),
        f"The shop now: {score:,.0f} minutes a year; the contract: {CONTRACT:.1f}; "
        f"{verdict}.{part}",
    )
