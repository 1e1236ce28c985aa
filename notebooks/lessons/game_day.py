"""The capstone: ten incident cards on a design of one's own, graded by the models.

The surprising part is how often the best act is to wait: most of what a hand can do in
the first minutes the design does already, and some of what it does is not undone.
"""

from dataclasses import dataclass
from typing import Any

from hamodel import course as kit
from hamodel import text
from hamodel.units import DAY, HOUR, MINUTE
from lessons.deck import DECK, HAND, KINDS, Design
from lessons.grading import best, bills, right
from lessons.incident import ACTS, FAIL_OVER, LENGTH, WAIT, played

NIGHT = DECK[0]  # a host at 3 a.m.

# ---- the explorer: one card, event by event ----------------------------------------


@dataclass(frozen=True)
class Night:
    """One card on one design: how it was played, and what each act costs."""

    design: Design
    card: Any
    act: str
    bill: Any
    run: Any

    @property
    def costs(self):
        return bills(self.design, self.card)


def model(kind, coverage, on_call, card, act, sample):
    design = Design(kind=kind, coverage=coverage / 100, on_call=on_call)
    bill, run = played(design, HAND[card - 1], act, seed=sample)
    return Night(design, HAND[card - 1], act, bill, run)


CLOCK = kit.Scale(1, LENGTH, 110, 620, log=True)
MARKS = ((1, "1 s"), (MINUTE, "1 min"), (HOUR, "1 h"), (DAY, "1 d"))


def picture(sheet, values, found, guess):
    """Draw the parts and who is served, over a day from the strike on."""
    sheet.text((8, 18), f"{values['card']}. {found.card.name}", size=14, bold=True)
    sheet.text((8, 38), found.card.story, size=12, colour="grey")
    _parts(sheet, found.run.moves)
    sites = found.design.architecture().sites
    for k, site in enumerate(sites):
        y = 132 + 22 * k
        sheet.text((8, y + 13), f"clients {site}", size=12)
        sheet.rect((110, y, 510, 16), "up" if sheet.known else "paper", weight=0.8)
        if sheet.known:
            _spells(sheet, found.run.outages, site, y)
    foot = 132 + 22 * len(sites) + 4
    sheet.axis(CLOCK, foot, "", top=128, marks=MARKS)
    if sheet.known:
        for time, *_ in found.run.moves:
            x = CLOCK(max(time, 1.0))
            sheet.line([(x, foot - 7), (x, foot)], "red", weight=1.5, role="ground")
        keys = [(sheet.seconds * k / 20, 510 * k / 20, 0, 1) for k in range(21)]
        with sheet.moving(keys):
            sheet.circle((110, foot), 6, "orange", weight=1.5)
    _acts(sheet, found, guess)


def _spells(sheet, outages, site, y):
    """Draw the outages of a site: writes above, reads below."""
    for one in outages:
        if one.site == site:
            left, right_end = CLOCK(one.start), CLOCK(one.start + one.length)
            top = y if one.operation == "write" else y + 8
            box = (left, top, max(right_end - left, 1.5), 8)
            sheet.rect(box, "failover did not work", weight=0)


def _parts(sheet, moves):
    """Draw every part as a box, lit while it is not as it was."""
    well: dict[str, object] = {}
    for _, name, view in moves:
        well.setdefault(name, view)
    for k, name in enumerate(well):
        row, column = divmod(k, 6)
        x, y = 8 + 105 * column, 50 + 36 * row
        sheet.rect((x, y, 98, 26), "paper", weight=1.2)
        if sheet.known:
            with sheet.moving(_lit(sheet, moves, name, well[name])):
                sheet.rect((x, y, 98, 26), "none", stroke="orange", weight=6)
        sheet.text((x + 49, y + 17), name, size=11, anchor="middle")


def _lit(sheet, moves, name, well):
    """Return when a part is lit, in seconds of the play, on the axis of the clock."""
    keys = [(0.0, 0, 0, 0.0)]
    for time, part, view in moves:
        if part == name and time > 0:
            share = (CLOCK(max(time, 1.0)) - CLOCK.start) / (CLOCK.stop - CLOCK.start)
            at, on = sheet.seconds * share, float(view != well)
            at = max(at, keys[-1][0])
            keys += [(at, 0, 0, keys[-1][3]), (at, 0, 0, on)]
    return [*keys, (sheet.seconds, 0, 0, keys[-1][3])]


def _acts(sheet, found, guess):
    top, chosen = 256, found.act
    for x, words in ((200, "minutes"), (330, "turned away"), (450, "writes lost")):
        sheet.text((x, top), words, size=12, anchor="end", colour="grey")
    leader = best(found.design, found.card) if sheet.known else ""
    for k, act in enumerate(ACTS):
        y, bold = top + 18 * (k + 1), act == chosen
        sheet.text((8, y), act, size=12, bold=bold)
        if not sheet.known:
            sheet.text((200, y), "?", size=12, anchor="end")
            continue
        cost = found.costs[act]
        cells = (text.short(cost.write), f"{cost.away:,.0f}", f"{cost.lost:,.0f}")
        for x, words in zip((200, 330, 450), cells, strict=True):
            sheet.text((x, y), words, size=12, anchor="end", bold=bold)
        if act == leader:
            sheet.text((470, y), "✓ best", size=12, bold=True)
    if guess:
        words = f"you, at 3 a.m.: {guess['auto']:g} and {guess['hand']:g} min"
        sheet.text((632, top), words, size=11, anchor="end", colour="grey")


def sentence(values, found):  # noqa: ARG001
    cost, leader = found.costs[found.act], best(found.design, found.card)
    least = found.costs[leader]
    more = (
        "There is no better act."
        if right(found.design, found.card, found.act)
        else f"To {leader} leaves {text.short(least.write)} minutes, "
        f"{least.away:,.0f} requests and loses {least.lost:,.0f}."
    )
    return (
        f"Without writes for {text.short(found.bill.write)} minutes tonight and "
        f"{text.short(cost.write)} on average; {cost.away:,.0f} requests without an "
        f"answer; writes lost: {cost.lost:,.0f}. {more}"
    )


# ---- the guess ---------------------------------------------------------------------


def at_night(coverage, on_call=30):
    """Return the mean minutes that a host at 3 a.m. costs a pair."""
    return bills(Design(coverage=coverage, on_call=on_call), NIGHT)[WAIT].write


def truth():
    """Return the minutes with failovers that work, and with none but a person."""
    return {"auto": at_night(0.99), "hand": at_night(0.0)}


VIEWS = kit.views(
    """
    automation costs nothing: Nothing is instant: it is {t.auto:.1f} minutes. Noticing
      alone takes 10 seconds.
    only the usual night: Half a minute is the usual night. One in a hundred waits for a
      person, and now and then the other host follows before the repair: {t.auto:.1f} on
      average.
    the repair: You waited for the repair. A person promotes the standby: {t.hand:.1f}
      minutes.
    the person decides: You said {g.auto:g} and {g.hand:g}; it is {t.auto:.1f} and
      {t.hand:.1f}. Play the card and see where the minutes go.
    """,
    (lambda g, _: g["auto"] == 0, {"auto": 0, "hand": 31}),
    (lambda g, _: 0.4 <= g["auto"] <= 0.6, {"auto": 0.5, "hand": 31}),
    (lambda g, _: g["hand"] >= 120, {"auto": 2, "hand": 240}),
    (lambda *_: True, {"auto": 2, "hand": 31}),
)

# ---- the exercises -----------------------------------------------------------------

SALE = next(card for card in DECK if card.name == "A lost site on sale day")
LEASE = next(card for card in DECK if card.name == "An ill lease store")


def on_paper(coverage, minutes):
    """Return the mean minutes of a failed primary: working failovers and the others."""
    return 0.5 + (1 - coverage) * minutes


def without_store(act=WAIT, fail_safe=False):
    return bills(Design(fail_safe=fail_safe), LEASE)[act].write


EXERCISES = (
    kit.exercise(
        f"""one of {", ".join(ACTS)}
        right: Half of the people get an answer. Otherwise nobody does.
        hint: Two sites shared the rush. One is left: how much can it carry?
        then: It carries about half. Which act makes half of the load go away?
        the design will do it: The failover works, and then the survivor drowns.
        move it once more: There is nowhere left to move to, and it is not the role that
          lacks.
        fencing is safe: Nobody else writes: the site is dark. What does the survivor
          lack?
        """,
        lambda: best(Design(), SALE),
        *ACTS[:3],
        same=kit.word(*ACTS),
    ),
    kit.exercise(
        """a number of minutes
        right: Ten nights like that, and one of them waits for the pager.
        hint: `bills(Design(coverage=...), NIGHT)` has the four acts.
        then: Take the act that you would take asleep.
        the usual night: That is a night on which the failover works. One in ten does
          not.
        today's coverage: That is with 99 in 100.
        the nights that fail: That is one of the nights that wait for a person. What is
          the mean?
        """,
        lambda: at_night(0.9),
        0.5,
        lambda: at_night(0.99),
        30.5,
        same=kit.number(0.02),
    ),
    kit.exercise(
        """a function of the coverage and the minutes until a person acts
        right: Coverage and the pager are one product: double one, halve the other.
        hint: Every failover takes half a minute. What does a broken one take beyond?
        then: A broken one waits for the person as well. How often is that?
        coverage upside down: That waits for a person when the failover has worked.
        seconds for minutes: The failover's 30 are seconds.
        either, or: A broken failover has taken its half minute too, before it broke.
        """,
        lambda: on_paper,
        lambda: lambda c, m: 0.5 + c * m,
        lambda: lambda c, m: 30 + (1 - c) * m,
        lambda: lambda c, m: c * 0.5 + (1 - c) * m,
        same=kit.function([0.99, 30], [0.9, 30], [0.5, 10], [1.0, 60]),
    ),
    kit.exercise(
        """a number of minutes
        right: One setting, and the card is gone. Most stores have it; look it up.
        hint: Two designs that differ in one field, the same card, the same act.
        then: `Design(fail_safe=True)` is the other one, `HAND[9]` the card.
        by hand: That is what a person saves, and 30,000 writes go for it.
        in seconds: That is in seconds.
        """,
        lambda: without_store() - without_store(fail_safe=True),
        lambda: without_store() - without_store(FAIL_OVER),
        lambda: 60 * (without_store() - without_store(fail_safe=True)),
        same=kit.number(0.02),
    ),
)


def own(pages, minutes):
    """Return what one's own pager costs a year, by hand and with failovers."""
    if pages < 0 or minutes <= 0:
        raise ValueError("pages a year must not be below 0, and minutes above it")
    return {
        "minutes a year": pages * minutes,
        "at 99 % coverage": 0.01 * pages * minutes,
    }


# ---- the lesson --------------------------------------------------------------------

lesson = kit.Lesson(
    number="14",
    recall=kit.recall(
        """
        Lesson 04: what does a broken failover cost, beside a working one?
        + a person's time: Half an hour against half a minute, 1 in 100.
        - as much: Then coverage would not matter. It is the longer lever.
        Lesson 05: when do two nodes write as primary?
        + when the old one lives, unfenced: Every write that it confirms is lost.
        - never, with a lease: A lease is a fence with a time limit.
        """
    ),
    guess={
        "question": "3 a.m. The host of a pair's primary dies. A failover takes 30 "
        "seconds; at night a person acts after 30 minutes. How many minutes without "
        "writes does this cost on average, first if 99 failovers in 100 work by "
        "themselves, then if none does?",
        "fields": kit.sliders(
            auto=("99 in 100 work (min)", (0, 0.2, 0.5, 1, 1.5, 2, 3, 5, 10, 30)),
            hand=(
                "By hand only (min)",
                (1, 5, 10, 20, 25, 30, 31, 32, 35, 45, 60, 120, 240),
            ),
        ),
        "truth": truth,
        "views": VIEWS,
    },
    see={
        "title": "A card is played: what fails, who is served, and what could you do?",
        "controls": {
            **kit.sliders(
                coverage=(
                    "Failovers that work (%)",
                    (0, 50, 80, 90, 95, 98, 99, 99.5, 99.9, 100),
                    99,
                ),
                on_call=(
                    "A person at night (min)",
                    (5, 10, 15, 20, 30, 45, 60, 120),
                    30,
                ),
            ),
            "kind": kit.Choice(label="Design", options=KINDS, start=KINDS[0]),
            "act": kit.Choice(label="You", options=ACTS, start=WAIT),
            "card": kit.Again(label="Next card", most=len(HAND)),
            "sample": kit.Again(label="Another night", most=8),
        },
        "model": model,
        "picture": picture,
        "size": (640, 336),
        "describe": sentence,
        "before": "The first card of ten. What it costs, and which act is best, shows "
        "once you have guessed.",
        "after": {"coverage": 99},
        "presets": {
            "Slow link": {"card": 3, "act": FAIL_OVER},
            "Bad deploy": {"card": 6},
            "Lost site, sale": {"card": 8},
            "Ill lease store": {"card": 10},
        },
        "objectives": {
            "the lost site on sale day under two minutes": lambda _, f: (
                f.card is SALE and f.costs[f.act].write < 2
            ),
            "the ill lease store under a minute": lambda _, f: (
                f.card is LEASE and f.costs[f.act].write < 1
            ),
        },
        "seconds": 10,
        "steps": 10,
    },
    exercises=EXERCISES,
    own=own,
)
