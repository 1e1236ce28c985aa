"""The maths you need: four small pictures, and a question for each.

The surprising part is how little it takes: a rate, what is left after a while, flows
that balance, and a product.
"""

import math

import numpy as np

from hamodel import course as kit
from hamodel.queueing import MMc
from hamodel.units import HOUR, YEAR

MTTF, MTTR = 2000, 4  # hours, the node of the course
A_YEAR = MTTF * HOUR / YEAR  # the mean time between failures, in years


def years(rows=6, seed=4):
    """Return the failures of a node, year by year, at places from 0 to 1."""
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.exponential(A_YEAR, 60 * rows))
    return [times[(times >= k) & (times < k + 1)] - k for k in range(rows)]


def poisson():
    """Draw six years of one node: a ring for each failure."""
    sheet = kit.Sheet(640, 190)
    place = kit.Scale(0, 1, 70, 560)
    for row, times in enumerate(years()):
        y = 30 + 26 * row
        sheet.text((60, y + 4), f"year {row + 1}", size=12, anchor="end")
        sheet.line([(70, y), (560, y)], "grey", weight=1, role="ground")
        for at in times:
            sheet.circle((place(at), y), 5, "red", weight=0.8, role="ground")
        sheet.text((575, y + 4), f"{len(times)}", bold=True)
    counts = [len(times) for times in years()]
    listed = ", ".join(map(str, counts))
    return kit.Drawn(
        sheet.svg(), f"Six years of one node, with {listed} failures: 4.38 on average."
    )


def exponential():
    """Draw what is left of many nodes as time goes by, and again from a later day."""
    sheet = kit.Sheet(640, 240)
    when, left = kit.Scale(0, 5, 60, 600), kit.Scale(0, 100, 190, 20)
    marks = [(k, f"{k * MTTF:,}") for k in range(6)]
    sheet.axis(when, 190, "hours", top=20, marks=marks)
    sheet.upright(left, 60, 600, [(0, "0"), (50, "50"), (100, "100 %")])
    for start, colour, dash in ((0, "blue", ""), (1, "red", "6 3")):
        grid = np.linspace(start, 5, 80)
        curve = [(when(t), left(100 * math.exp(start - t))) for t in grid]
        sheet.line(curve, colour, weight=2.5, dash=dash, role="ground")
    sheet.circle((when(1), left(100 / math.e)), 5, "blue")
    sheet.text((when(1) - 8, left(30)), "37 % are left", size=12, anchor="end")
    sheet.text((when(1) + 12, left(98)), "those, counted anew", size=12)
    return kit.Drawn(
        sheet.svg(),
        "Of many nodes 37 % are left after 2,000 hours, the mean. Counted anew from "
        "there, the curve is the same: what has survived is as good as new.",
    )


def markov():
    """Draw two states with their rates, and let a token live in them."""
    sheet = kit.Sheet(640, 120, clock=None)
    sheet.seconds = 12
    for x, words, look in ((150, "up", "up"), (490, "down", "both nodes down")):
        sheet.rect((x - 60, 34, 120, 52), "paper")
        sheet.rect((x - 60, 34, 12, 52), look)
        sheet.text((x, 65), words, anchor="middle", bold=True)
    sheet.arrow((214, 48), (426, 48))
    sheet.arrow((426, 74), (214, 74))
    sheet.text((320, 38), "λ: once in 2,000 h", size=12, anchor="middle")
    sheet.text((320, 96), "μ: once in 4 h", size=12, anchor="middle")
    up, down = (-36, 0), (304, 0)
    keys = [(0, *up, 1), (4.5, *up, 1), (5, *down, 1), (5.5, *down, 1), (6, *up, 1)]
    keys += [(9, *up, 1), (9.5, *down, 1), (10.2, *down, 1), (10.7, *up, 1)]
    with sheet.moving([*keys, (12, *up, 1)]):
        sheet.circle((150, 60), 8, "orange", weight=1.5)
    return kit.Drawn(
        sheet.svg(),
        "Two states: from up to down once in 2,000 hours, from down to up once in 4.",
    )


def visits(count=7, seed=3):
    """Return when some requests come and go, in seconds, each after the other."""
    rng = np.random.default_rng(seed)
    come = np.sort(rng.uniform(0, 8, count))
    takes, gone, last = rng.uniform(0.8, 1.6, count), [], 0.0
    for start, length in zip(come, takes, strict=True):
        last = max(start, last) + length
        gone.append(last)
    return come, np.array(gone)


def little():
    """Draw each request as a bar from when it comes until it goes."""
    sheet = kit.Sheet(640, 230)
    come, gone = visits()
    when = kit.Scale(0, 12, 60, 600)
    marks = [(k, f"{k}") for k in range(0, 13, 2)]
    sheet.axis(when, 180, "seconds", top=14, marks=marks)
    for k, (start, stop) in enumerate(zip(come, gone, strict=True)):
        box = (when(start), 20 + 22 * k, when(stop) - when(start), 16)
        sheet.rect(box, "blue", weight=0.8, role="ground")
    there = sum((come <= 6) & (gone > 6))
    sheet.line([(when(6), 14), (when(6), 180)], "red", dash="2 3", role="ground")
    return kit.Drawn(
        sheet.svg(),
        f"Seven requests as bars over 12 seconds, {np.sum(gone - come):.1f} seconds of "
        f"bar in all; {there} are there at second 6.",
    )


def queue(rate=49.0, service=0.01):
    """Return the queue of lesson 09 before a site is lost."""
    return MMc(rate, service)


def quiz():
    return kit.Quiz(
        title="Have you got it?",
        questions=kit.recall(
            """
            A node fails once in 2,000 hours, and has not failed for 6,000. When is the
              next failure to be expected?
            + in 2,000 hours: It has no memory: it is as good as new.
            - it is overdue: Nothing has been saved up; the rate is the same.
            Failures come at random, 4 a year on average. Is a year without any a sign
              that something has changed?
            + hardly: One year in 55 is such a year: the 4th power of 1/e.
            - surely: It is rare and no more. Random is lumpier than we think.
            What flows from up to down is 1 an hour. What flows back?
            + 1 an hour: Else one box would fill up, and it never does.
            - less, the repairs take time: Then more and more would be down.
            200 requests a second take 50 ms each. How many are there at once?
            + 10: 200 a second, times 0.05 seconds. No law is needed for it.
            - 4,000: Divided where it takes a product.
            """
        ),
    )
