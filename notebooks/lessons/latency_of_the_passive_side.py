"""Lesson 08, the latency of the passive side: two laws, and an average that is neither.

What it shows is in `two_sites`; here is what it asks.
"""

from __future__ import annotations

from hamodel import assess, text
from hamodel import course as kit
from hamodel.units import MS
from lessons.two_sites import EVERY, ONCE, TRIP, WAYS, asked, model, pair, picture


def sentence(values, found):  # noqa: ARG001
    said = []
    for site, (mean, half, _, late) in found.shown.items():
        mean, half, late = (text.short(ms) for ms in (mean, half, late))
        said.append(
            f"At {site} the mean is {mean} ms; half of the requests take at most "
            f"{half} ms, and one in a hundred more than {late} ms."
        )
    return " ".join(said)


# ---- the guess ---------------------------------------------------------------------


def truth():
    """Return mean, median and 99th percentile at DC-2, in ms."""
    mean, half, _, late = model().shown["DC-2"]
    return {"mean": mean, "half": half, "late": late}


VIEWS = kit.views(
    """
    one way: Your mean is that of the way there. The answer travels as well.
    half of them write: You gave reads and writes the same weight. Of a hundred
      requests, eighty read and never leave the site.
    everybody travels: You let all requests travel. The eighty reads in a hundred are
      answered by the replica next door.
    half wait the mean: You put the middle request at {g.half:g} ms, near the mean. It
      takes {t.half:.2f}: eighty in a hundred read, and the middle one is a read.
    the tail is a little above the mean: You said that one in a hundred takes more than
      {g.late:g} ms. Twenty in a hundred write, and each of those travels: it is
      {t.late:.0f}.
    the tail has no end: You expected the slowest to wait {g.late:g} ms. A journey takes
      what it takes, and little comes on top: {t.late:.0f}.
    two kinds of requests: You saw two kinds of requests, and a mean that is neither.
    """,
    (
        lambda g, _: kit.near(g["mean"], 9) and g["half"] < 5,
        {"mean": 9, "half": 1, "late": 41},
    ),
    (lambda g, _: kit.near(g["mean"], 41), {"mean": 41, "half": 41, "late": 81}),
    (lambda g, _: g["mean"] >= 60, {"mean": 80, "half": 80, "late": 100}),
    (lambda g, _: g["half"] >= 5, {"mean": 15, "half": 15, "late": 82}),
    (lambda g, t: g["late"] < 0.6 * t["late"], {"mean": 17, "half": 1, "late": 30}),
    (lambda g, t: g["late"] > 1.6 * t["late"], {"mean": 17, "half": 1, "late": 200}),
    (lambda *_: True, {"mean": 17, "half": 1, "late": 82}),
)

# ---- the exercises -----------------------------------------------------------------


def _mean(trip, writes):
    return model(trip, writes).shown["DC-2"][0]


def slowest(writes, trip):
    """Return the 99th percentile at DC-2 in ms; a share of writes, and ms."""
    return float(model(trip, 100 * writes).shown["DC-2"][3])


def averaged(writes, trip):
    """Return the average of the 99th percentiles of reads and of writes, in ms."""
    both = model(trip, 100 * writes)
    read, write = (law.quantile(0.99) / MS for law in (both.read, both.write))
    return float((1 - writes) * read + writes * write)


def everybody(primary, near=0.6):
    """Return the mean over all users in ms; `near` is the share at DC-1."""
    shares = {"DC-1": near, "DC-2": 1 - near}
    means = assess(pair(primary), asked(clients=shares)).latency
    return sum(
        share * (0.8 * means[site, "read"].mean + 0.2 * means[site, "write"].mean)
        for site, share in shares.items()
    ) / float(MS)


EXERCISES = (
    kit.exercise(
        """a number of milliseconds
        right: A mean does add up: every request's own time, and a tenth of a journey.
        hint: What does every request take, and what do some take on top?
        then: Add the time at home to the share that travels, times the way.
        the journey only: Everybody takes the millisecond at home too.
        one way: The answer has to come back.
        """,
        lambda: _mean(120, 10),
        12,
        7,
    ),
    kit.exercise(
        """a number of requests in a hundred
        right: A percentile is blind to what is rarer than itself, and sees nothing else
          once it is not.
        hint: The 95th percentile is what five in a hundred exceed. Who are they?
        then: They are the writers, as soon as there are enough of them.
        the median's: That is where the median jumps.
        the 99th's: That is where the 99th percentile jumps.
        """,
        lambda: 5,
        50,
        1,
    ),
    kit.exercise(
        """a number of milliseconds
        right: The same eight calls, next door. Move the request to the data, and not
          the data to the request.
        hint: How often does each of the two cross?
        then: One crosses with each call, the other once. Count the difference.
        all eight: The request itself still has to cross.
        one way: A crossing is there and back.
        nothing left at home: The eight calls still take their time at home, either way.
        """,
        lambda: (model(calls=8).write.mean - model(calls=8, way=ONCE).write.mean) / MS,
        640,
        280,
        lambda: 648 - 80,
    ),
    kit.exercise(
        """a function of the share of writes, a fraction, and the trip in ms
        right: Mix the laws first, then ask for the percentile.
        hint: Mix two laws with `ha.duration.mixture`, and ask the mixture.
        then: The weights are 1 - writes and writes; the second has the trip on top.
        percentiles are averaged: You averaged two percentiles. No request takes that
          long: mix the laws, and ask the mixture.
        writes only: That is the percentile of the writes. Most requests read.
        in seconds: The numbers are right, in seconds.
        """,
        lambda: slowest,
        lambda: averaged,
        lambda: lambda _, trip: slowest(1.0, trip),
        lambda: lambda w, trip: slowest(w, trip) * MS,
        same=kit.function([0.2, 80], [0.05, 80], [0.005, 80], [0.02, 160]),
    ),
    kit.exercise(
        """a number of milliseconds
        right: Six tenths travel in place of four tenths, for a fifth of their requests.
          Where most writers live is where the primary belongs.
        hint: Whose writes travelled before, and whose do now?
        then: First 40 in 100 travelled, then 60, each for a fifth of their requests.
        as if nobody travelled before: That is what they wait now. Others have stopped
          waiting.
        every request: Not all users move from one group to the other: 40 in 100 gain.
        """,
        lambda: everybody("DC-2") - everybody("DC-1"),
        lambda: 0.6 * 0.2 * TRIP,
        lambda: 0.2 * TRIP,
    ),
)


def own(trip, writes, calls):
    """Return what a request of the far side takes, in the units of the controls."""
    if trip < 0 or not 0 <= writes <= 100 or calls < 1 or calls != int(calls):
        raise ValueError("trip >= 0 ms, writes in 0..100 %, calls a whole number >= 1")
    mean, half, _, late = model(trip, writes, calls).shown["DC-2"]
    return {"mean ms": mean, "half within ms": half, "1 in 100 above ms": late}


# ---- the lesson --------------------------------------------------------------------

lesson = kit.Lesson(
    number="08",
    recall=kit.recall(
        """
        Lesson 07: sync, another region. How often a second can one row change?
        + about 12 times: One after the other, a round trip each.
        - 990 times: That is all rows together. One row waits for itself.
        Lesson 06: a read of the replica is quick. What may be wrong with it?
        + it may be old: It shows what has arrived, not what was committed.
        - nothing: The replica is behind, by a little or by a lot.
        """
    ),
    guess={
        "question": "20 in 100 requests write, and the way to the primary and back "
        "takes 80 ms. What do users of DC-2 wait: on average, in the middle (half wait "
        "less), and at the end (one in a hundred waits longer)?",
        "fields": kit.sliders(
            mean=("Mean (ms)", kit.decades(0.5, 500)),
            half=("Half within (ms)", kit.decades(0.5, 500)),
            late=("1 in 100 above (ms)", kit.decades(0.5, 500)),
        ),
        "truth": truth,
        "views": VIEWS,
        "rule": lambda g: (
            "what half exceed cannot be more than what one in a hundred exceeds."
            if g["half"] > g["late"]
            else ""
        ),
    },
    see={
        "title": "How long do the users of each site wait?",
        "controls": {
            **kit.sliders(
                trip=(
                    "There and back (ms)",
                    (0.5, 1, 2, 5, 10, 20, 40, 60, 80, 120, 160, 250),
                    TRIP,
                ),
                writes=(
                    "Requests that write (%)",
                    (0, 0.5, 1, 2, 3, 5, 10, 15, 20, 30, 40, 50, 70, 100),
                    20,
                ),
            ),
            "calls": kit.Slider(
                label="A request makes (calls)",
                grid=(1, 2, 3, 4, 6, 8, 12, 16, 20),
                start=1,
                whole=True,
            ),
            "way": kit.Choice(label="A write:", options=WAYS, start=EVERY),
        },
        "model": model,
        "picture": picture,
        "size": (640, 344),
        "describe": sentence,
        "before": "Users of DC-1, beside the primary, wait a millisecond. What those "
        "of DC-2 wait shows once you have guessed.",
        "presets": {
            "Next door": {"trip": 1},
            "Few writes": {"writes": 0.5},
            "Chatty: 8 calls": {"calls": 8},
            "Cross once": {"way": ONCE},
        },
        "objectives": {
            "8 calls: 99 in 100 within 100 ms": lambda v, found: (
                v["calls"] == 8 and v["trip"] == TRIP and found.shown["DC-2"][3] <= 100
            ),
            "mean below 3 ms, 1 in 100 above 80 ms": lambda _, found: (
                found.shown["DC-2"][0] < 3 and found.shown["DC-2"][3] > 80
            ),
        },
        "seconds": 12,
        "steps": 12,
    },
    exercises=EXERCISES,
    own=own,
)
