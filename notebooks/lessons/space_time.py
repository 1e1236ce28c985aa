"""The explorer of lesson 10: a space-time diagram, and how often writes clash.

Time runs to the right, each site is a line, and the news of a write is an arrow.
"""

import string
from dataclasses import dataclass

import numpy as np

from hamodel import course as kit
from hamodel import text
from hamodel.conflicts import concurrency, last_write_wins
from hamodel.units import DAY, MS
from lessons.replicas import History, replay

# ---- the model ---------------------------------------------------------------------

MOMENTS = ((0, 60, 120), (30, 90, 150))  # ms at which each site may write
RULES = ("last write wins", "vector clocks", "a counter that merges")
LAST, VECTOR, COUNTER = RULES
SLOTS = {
    f"DC-{site + 1} at {at} ms": (site, at)
    for site, moments in enumerate(MOMENTS)
    for at in moments
}


@dataclass(frozen=True)
class Found:
    """What became of the writes, and how often writes clash at such a delay."""

    history: History
    delay: float
    ahead: float

    def rivals(self, rate):
        """Return the share of writes with a rival, at so many a second and site."""
        return concurrency([rate, rate], self.delay).share

    def lost(self, rate):
        """Return the writes per second that last write wins loses."""
        return last_write_wins([rate, rate], self.delay, [0, self.ahead]).lost


def model(writes, delay, ahead, rule):  # noqa: ARG001  the rule only judges
    """Follow writes, by name of their slot; delay and lead of DC-2's clock in ms."""
    made = [(SLOTS[name][0], SLOTS[name][1] * MS) for name in writes]
    return Found(
        replay(made, delay * MS, (0.0, ahead * MS)), delay * MS, float(ahead * MS)
    )


def letters(numbers):
    return ", ".join(string.ascii_uppercase[n] for n in numbers)


# ---- the picture: what became of the writes, and how often -------------------------

TIMES = kit.Scale(0, 300, 70, 434)  # ms
ROWS = (58, 138)  # the two sites
RATES = kit.Scale(0.01, 1000, 88, 434, log=True)
SHARES = kit.Scale(0, 100, 296, 212)
GRID = 0.01 * 10 ** (np.arange(81) / 16)
R = 11


def picture(sheet, values, found, guess):
    """Draw the writes with the news of them, what is left, and how often they clash."""
    for row, y in enumerate(ROWS):
        sheet.text((12, y + 5), f"DC-{row + 1}", bold=True)
        sheet.line([(58, y), (440, y)], "grey", role="ground")
        for at in MOMENTS[row]:
            sheet.circle((TIMES(at), y), 6, "paper", stroke="grey", role="ground")
    words = "300 ms from left to right; an arrow is news of a write"
    sheet.text((58, 20), words, size=12)
    history = found.history
    for number, write in enumerate(history.writes):
        _write(sheet, values, found, number, write)
    span = sheet.seconds
    keys = [(0, 0, 0, 1), (0.9 * span, 364, 0, 1), (span, 364, 0, 1)]
    with sheet.moving(keys):
        sheet.line([(TIMES(0) - 15, 36), (TIMES(0) - 15, 164)], "blue", role="ground")
    _end(sheet, values["rule"], history)
    _rates(sheet, found, guess)


def _write(sheet, values, found, number, write):
    """Draw one write, what it says of itself, and its news on the way."""
    x, y = TIMES(write.time / MS), ROWS[write.site]
    gone = found.delay / MS
    far, there = TIMES(write.time / MS + gone) - x, ROWS[1 - write.site] - y
    down = 1 if there > 0 else -1
    sheet.arrow((x, y + down * R), (x + far, y + there - down * 3))
    pace = 0.9 * sheet.seconds / 300
    start, stop = pace * write.time / MS, pace * (write.time / MS + gone)
    keys = [(0.0, 0.0, 0, 0), (start, 0.0, 0, 0), (start + 0.05, 0.0, 0, 1)]
    keys += [(max(stop, start + 0.1), far, there, 1), (stop + 0.7, far, there, 0)]
    with sheet.moving([*keys, (sheet.seconds, far, there, 0)]):
        sheet.circle((x, y), 5, "orange")
    lost = number in found.history.lost and values["rule"] == LAST and sheet.known
    sheet.circle((x, y), R, "paper", stroke="red" if lost else "ink", weight=2)
    sheet.text((x, y + 5), letters([number]), anchor="middle", bold=True)
    words = f"{write.stamp / MS:g}" + (", lost" if lost else "")
    if values["rule"] != LAST:
        words = f"({write.clock[0]}, {write.clock[1]})"
    colour = "red" if lost else "ink"
    at = (x, y - 16 * down - (0 if down > 0 else -10))
    sheet.text(at, words, size=12, anchor="middle", colour=colour, bold=lost)


def _end(sheet, rule, history):
    sheet.text((456, 40), "In the end", bold=True)
    sold = len(history.writes)
    if not sheet.known:
        lines = ["?"]
    elif not sold:
        lines = ["nothing was written"]
    elif rule == LAST:
        lines = [f"{letters([history.winner])} stays"]
        lines += [f"lost: {letters(history.lost) or 'none'}"]
    elif rule == VECTOR:
        many = len(history.siblings) > 1
        lines = [f"{'siblings' if many else 'one value'}: {letters(history.siblings)}"]
        lines += ["lost: none", *(["you must merge them"] if many else [])]
    else:
        top = [sum(w.site == site for w in history.writes) for site in (0, 1)]
        lines = [f"({top[0]}, {top[1]}) at both sites", "lost: none"]
        lines += [f"the count is {sum(top)}"]
    for row, words in enumerate(lines):
        colour = "red" if words.startswith("lost: ") and "none" not in words else "ink"
        sheet.text((456, 66 + 24 * row), words, colour=colour)


def _rates(sheet, found, guess):
    """Draw the share of writes with a rival, and of those lost, over their rate."""
    title = "writes to one key, per second at each site"
    sheet.axis(RATES, 296, title, top=212)
    sheet.upright(SHARES, 88, 434, [(0, "0 %"), (50, "50 %"), (100, "100 %")])
    rows = [("rivals", "blue", ""), ("lost", "red", "6 3")]
    words = [("have a rival", "?"), ("lost by last write wins", "?")]
    if sheet.known:
        for name, colour, dash in rows:
            if name == "rivals":
                shares = 100 * found.rivals(GRID)
            else:
                shares = 100 * found.lost(GRID) / (2 * GRID)
            points = [(RATES(r), SHARES(s)) for r, s in zip(GRID, shares, strict=True)]
            sheet.line(points, colour, weight=2.5, dash=dash, role="ground")
        at = [text.short(100 * found.rivals(rate)) for rate in (10, 1)]
        words[0] = ("have a rival", f"{at[0]} % at 10/s, {at[1]} % at 1/s")
        day = text.short(found.lost(1) * DAY)
        words[1] = ("lost by last write wins", f"at 1/s: {day} a day")
    if guess:
        y = SHARES(guess["busy"])
        ends = (RATES(10) - 16, RATES(10) + 16)
        sheet.line([(ends[0], y), (ends[1], y)], weight=2.5, dash="4 3", role="ground")
        rows.append(("you", "ink", "4 3"))
        words.append((f"you: {guess['busy']:g} %; {guess['lost']:,g} a day", ""))
    for row, ((_, colour, dash), (what, much)) in enumerate(
        zip(rows, words, strict=True)
    ):
        y = 218 + 40 * row
        sheet.line([(456, y - 4), (478, y - 4)], colour, weight=2.5, dash=dash)
        sheet.text((484, y), what, size=12)
        sheet.text((456, y + 16), much, size=12)


def sentence(values, found):
    history, rule = found.history, values["rule"]
    sold = len(history.writes)
    many = f"{sold} writes" if sold > 1 else "1 write"
    if not sold:
        first = "0 writes: nothing to lose."
    elif rule == LAST:
        gone = letters(history.lost)
        first = (
            f"{many}: {letters([history.winner])} stays and {gone or 'nothing'} "
            f"{'are' if ',' in gone else 'is'} lost."
        )
    elif rule == VECTOR:
        left = len(history.siblings)
        first = (
            f"{many}: {left} {'siblings' if left > 1 else 'value'} left, "
            f"{letters(history.siblings)}; nothing is lost"
            f"{', and you must merge them' if left > 1 else ''}."
        )
    else:
        first = f"{many}, each adding one: merged, the count is {sold} at both sites."
    share = text.short(100 * found.rivals(10))
    return (
        f"{first} With 10 writes a second at each site {share} % of them have a rival; "
        f"with 1, last write wins loses {text.short(found.lost(1) * DAY)} a day."
    )
