"""Lesson 12, when recovery makes it worse: retries that keep a service down.

The surprising part is the load: half of the capacity, nothing broken, and it stays down
for as long as its clients go on asking again.
"""

from hamodel import course as kit
from hamodel.course import slips
from hamodel.overload import amplification
from lessons.overloads import (
    BREAKER,
    BUDGET,
    CURES,
    EARLY,
    JITTER,
    NONE,
    SHED,
    SHORT,
    SIZE,
    model,
    picture,
    sentence,
    service,
)

# ---- the guess ---------------------------------------------------------------------


def truth():
    """Return the attempts a second that last, and the least load where they can."""
    half = service(50, 3)
    return {"attempts": half.states[-1].offered, "load": 100 * half.critical_load}


VIEWS = kit.views(
    """
    it ends with its cause: You expected {g.attempts:,g}: the cause is gone, so it
      heals. But the queue makes all answers late, late answers make {t.attempts:,.0f}
      attempts, and these keep up the queue.
    only full load is too much: You saw the retries, but put the limit at {g.load:g} %.
      Count the load with all of them: four times {t.load:.0f} % is full.
    no more comes than can be served: You stopped at the capacity. Clients do not know
      it: each asks up to four times, whatever the service can do.
    retries feed themselves: You said {g.attempts:,g} a second and {g.load:g} %; it is
      {t.attempts:,.0f} and {t.load:.0f} %. All four attempts of each request come too
      late.
    """,
    (lambda g, _: g["attempts"] <= 700, {"attempts": 500, "load": 90}),
    (lambda g, _: g["load"] >= 80, {"attempts": 2000, "load": 100}),
    (lambda g, _: kit.near(g["attempts"], 1000), {"attempts": 1000, "load": 40}),
    (lambda *_: True, {"attempts": 2000, "load": 30}),
)

# ---- the exercises -----------------------------------------------------------------

OFFERED = {
    "budget": BUDGET,
    "jitter": JITTER,
    "breaker": BREAKER,
    "short queue": SHORT,
    "waiting": NONE,
}


def _cures():
    return {n for n, cure in OFFERED.items() if model(50, 3, 100, cure).recovers}


def _named(answer, other):
    given = {str(name).strip().lower() for name in answer}
    if unknown := given - OFFERED.keys():
        raise slips.Slip(f"{min(unknown)!r} is none of {', '.join(OFFERED)}.")
    return given == set(other)


EXERCISES = (
    kit.exercise(
        """a number of attempts
        right: Retry in one layer, the outermost that knows what is worth a retry.
        hint: What does one layer make of one request? And the next, of each of those?
        then: One layer makes three of one. Five layers do so one after the other.
        the layers add up: Each attempt of a layer is a request to the next.
        two retries are two attempts: Two retries make three attempts.
        sums of retries: Each layer multiplies what it gets; none adds.
        """,
        lambda: amplification(1.0, 2) ** 5,
        15,
        32,
        11,
        same=kit.number(1e-6),
    ),
    kit.exercise(
        """a load in percent
        right: With fewer retries the trap begins later. With none there is no trap.
        hint: How many attempts does a request make if none is answered in time?
        then: The load times those attempts must be the capacity.
        retries without the first: Two retries make three attempts: the first one counts
          too.
        three retries: That is with three retries.
        full load: Load counts with its retries.
        """,
        lambda: 100 * service(50, 2).critical_load,
        50,
        25,
        100,
        same=kit.number(0.01),
    ),
    kit.exercise(
        """retries per request, two digits
        right: The usual tenth is safe here, with room to spare.
        hint: `critical_budget` of the service at 70 %.
        then: `service(70, 3)` makes the service with its clients.
        up to the capacity: That fills the capacity. Answers are late a little before
          that.
        at half load: That is at 50 %: there was more room.
        """,
        lambda: service(70, 3).critical_budget,
        1 / 0.7 - 1,
        lambda: service(50, 3).critical_budget,
        same=kit.number(0.02),
    ),
    kit.exercise(
        """a function of a probability of failure and a number of retries
        right: One, and one more for each attempt that fails before the last.
        hint: The second attempt is made with probability f. The third?
        then: Add up the powers of f, from the zeroth to the last retry.
        each retry alike: The third attempt is made only if the second failed too.
        without end: That is for clients who never give up.
        all of them: That is if every attempt fails.
        """,
        lambda: lambda failure, retries: amplification(failure, retries),
        lambda: lambda failure, retries: 1 + retries * failure,
        lambda: lambda failure, _: 1 / (1 - min(failure, 0.999)),
        lambda: lambda _, retries: 1 + retries,
        same=kit.function([0.5, 3], [1, 3], [0, 3], [0.9, 5], [0.2, 0]),
    ),
    kit.exercise(
        """a list of the cures that bring it back
        right: Each of them lets fewer attempts in than are served, so the queue ends.
        hint: Try each of them in the explorer: at 50 %, 3 retries, a spike of 100 ms.
        then: What makes attempts fewer, and what only spreads them?
        jitter too: Jitter spreads the retries. How many of them are there afterwards?
        only the service can: The service can, and so can its clients.
        all: Does waiting help at all?
        """,
        _cures,
        ["budget", "jitter", "breaker", "short queue"],
        ["short queue"],
        list(OFFERED),
        same=_named,
    ),
)


def own(load, retries):
    """Return what a load in percent becomes if every attempt is late."""
    if not 0 < load < 100 or retries < 0 or retries != int(retries):
        raise ValueError("the load must be between 0 and 100, the retries whole")
    tips = 100 / (retries + 1)
    return {"% with all retries": load * (retries + 1), "safe below %": tips}


# ---- the lesson --------------------------------------------------------------------

lesson = kit.Lesson(
    number="12",
    recall=kit.recall(
        """
        Lesson 11: does a fourth node make a majority of three safer?
        + no: It takes three of four then, and two of four fail more easily.
        - yes: It raises the majority as well.
        Lesson 06: what sets how long a queue is?
        + the headroom: What is left between the load and the capacity.
        - the load: The same load can leave much or little room.
        """
    ),
    guess={
        "question": "A service can answer 1,000 a second. 500 new requests come each "
        "second; a client gives up after 20 ms and asks again, three times at most. "
        "For a tenth of a second there are 1,500, then again 500. How many attempts a "
        "second arrive some seconds later? And from which load on can it stay so?",
        "fields": kit.sliders(
            attempts=("Attempts later (1/s)", kit.decades(100, 10_000)),
            load=("Stays from a load of (%)", tuple(range(5, 101, 5))),
        ),
        "truth": truth,
        "views": VIEWS,
    },
    see={
        "title": "The spike is gone. Is the trouble?",
        "controls": {
            **kit.sliders(
                load=(
                    "Load of new requests (%)",
                    (10, 20, 30, 40, 50, 60, 70, 80, 90),
                    50,
                ),
                retries=("Retries (at most)", range(6), 3),
                spike=(
                    "Spike lasts (ms)",
                    (0, 10, 20, 30, 40, 50, 60, 80, 100, 120, 150),
                    100,
                ),
            ),
            "cure": kit.Choice(label="Cure", options=CURES, start=NONE),
        },
        "model": model,
        "picture": picture,
        "size": SIZE,
        "describe": sentence,
        "before": "Half of the capacity is in use, and the red bar marks when the "
        "spike comes. What follows it shows once you have guessed.",
        "presets": {
            "Short spike": {"spike": 30},
            "Long spike": {"spike": 100},
            "No retries": {"retries": 0},
            "Budget from the start": {"cure": EARLY},
            "Budget": {"cure": BUDGET},
            "Jitter": {"cure": JITTER},
            "Breaker": {"cure": BREAKER},
            "Short queue": {"cure": SHORT},
            "Shedding": {"cure": SHED},
        },
        "objectives": {
            "it tips at a load of 30 %": lambda v, f: (
                v["load"] == 30 and not f.recovers
            ),
            "a long spike, 80 % load, and it comes back": lambda v, f: (
                v["load"] == 80
                and v["spike"] >= 100
                and v["retries"] > 0
                and f.recovers
            ),
        },
        "seconds": 8,
        "steps": 12,
    },
    exercises=EXERCISES,
    own=own,
)
