"""Lesson 09, headroom: what is left of a service when one of its sites is gone.

What it shows is in `site_loss`; here is what it asks.
"""

from __future__ import annotations

import math

from hamodel import assess, text
from hamodel import course as kit
from hamodel.queueing import MMc
from hamodel.units import MS
from lessons.site_loss import SERVICE, active, model, picture, site


def sentence(values, found):  # noqa: ARG001
    (mean, late), (then, last) = found.shown
    start = (
        f"Before, a request takes {text.short(mean)} ms on average, and one in a "
        f"hundred more than {text.short(late)}."
    )
    load = text.short(100 * found.after)
    if found.after < 1:
        return (
            f"{start} With a site gone, the others run at {load} %: "
            f"{text.short(then)} ms, and one in a hundred more than {text.short(last)}."
        )
    if not found.growth:
        return f"{start} With a site gone, the others run at {load} %: no end to it."
    return (
        f"{start} With a site gone, the others would have to run at {load} %: each "
        f"second {text.short(found.growth)} more requests wait at each of them."
    )


# ---- the guess ---------------------------------------------------------------------


def most(limit=100):
    """Return the per cent at which each of two may run to answer in time alone."""
    return 50 * (1 - SERVICE / limit)


def truth():
    """Return the survivor's mean in ms, and the load that keeps it below 100 ms."""
    return {"after": model().shown[1][0], "most": most()}


VIEWS = kit.views(
    """
    twice the load, twice the time: You doubled the time with the load. Time goes by
      what is left free, and that fell from 51 in 100 to 2: it is {t.after:.0f} ms.
    half free is half free: At 50 % each, the survivor is full. Half free is just what
      the other site needs, and nothing is left to absorb a busy second.
    it gets a little slower: You expected {g.after:g} ms. Two in a hundred of the
      capacity are left, so it takes fifty service times, {t.after:.0f}.
    it never recovers: You expected worse, {g.after:g} ms. At 49 % there is a last bit
      of room, and it comes to {t.after:.0f}; one per cent more, and it has no end.
    up to the wall: You saw the wall, and went too near. The time grows long before it.
    time goes by what is left: You saw that the time goes by what is left free, not by
      the load.
    """,
    (lambda g, _: kit.near(g["after"], 39.2, 0.15), {"after": 40, "most": 48}),
    (lambda g, _: g["most"] >= 50, {"after": 200, "most": 60}),
    (lambda g, t: g["after"] < 0.6 * t["after"], {"after": 100, "most": 47}),
    (lambda g, t: g["after"] > 1.6 * t["after"], {"after": 5000, "most": 45}),
    (lambda g, t: g["most"] > t["most"] * 1.03, {"after": 480, "most": 49}),
    (lambda *_: True, {"after": 500, "most": 45}),
)

# ---- the exercises -----------------------------------------------------------------


def needed(arrival, limit=0.05):
    """Return the servers of each of two sites for a 99th percentile after a loss."""
    servers = math.ceil(2 * arrival * SERVICE * MS) or 1
    while True:
        queue = MMc(2 * arrival, SERVICE * MS, servers)
        if queue.utilisation < 1 and queue.response.quantile(0.99) <= limit:
            return servers
        servers += 1


def _without_loss(arrival, limit=0.05):
    return needed(arrival / 2, limit)


def money(sites, needed=12, price=100):
    """Return what servers cost a month if any one of the sites may be lost."""
    each = math.ceil(needed / (sites - 1))
    spec, asked = active(0.5, sites, each)
    return price * float(assess(spec, asked).cost.total)


EXERCISES = (
    kit.exercise(
        """a load in per cent
        right: Two carry what three did. Three sites may each run fuller than two.
        hint: What do three sites at this load do together, and who has to do it then?
        then: Three times the load, shared by two, must come to the limit.
        the limit itself: So much when all are there? Then one goes.
        a third of it off the top: Not minus a third of the whole: two thirds of the
          limit.
        the wall: That fills the survivors. They may run at 80 %.
        two sites: That is for two sites.
        """,
        lambda: 100 * 0.8 * 2 / 3,
        80,
        80 - 100 / 3,
        200 / 3,
        40,
        same=kit.number(0.005),
    ),
    kit.exercise(
        """a share between 0 and 1
        right: With one server it would be 80 in 100, the load itself. A second server
          helps, even when both are busy.
        hint: The survivor's load is what counts, not that of before.
        then: Put the doubled load into the formula that SymPy has found.
        before the loss: That is while both sites are there.
        one server: That is one server: it is busy, and you wait.
        independent servers: You multiplied two servers as if each were busy on its own.
          They take from one queue, so they are busy together.
        """,
        lambda: site(0.8, 2).wait_probability,
        lambda: site(0.4, 2).wait_probability,
        0.8,
        0.64,
        same=kit.number(0.005),
    ),
    kit.exercise(
        """a function of requests a second at each site
        right: Large sites need less room: at 1,000 a second the survivor runs at some
          90 %, at 50 a second at 50 %.
        hint: The survivor gets both streams. Try one server more until it fits.
        then: Begin above twice the arrivals times the service time.
        before the loss: That is enough while both sites are there.
        the wall: That just carries the load. The 99th percentile needs more.
        """,
        lambda: needed,
        lambda: _without_loss,
        lambda: lambda arrival: math.floor(2 * arrival * SERVICE * MS) + 1,
        same=kit.function([50], [200], [300], [1000]),
    ),
    kit.exercise(
        """an amount of money a month
        right: A third of the bill. More sites cost less room, and each one more that
          can fail.
        hint: If one site goes, the others together must have twelve servers.
        then: Divide twelve by the sites left: so many stand at every site.
        three sites: That is for three sites.
        no loss: Without a loss they cost the same: twelve servers.
        per server: That is in servers.
        """,
        lambda: money(2) - money(4),
        lambda: money(2) - money(3),
        0,
        8,
    ),
    kit.exercise(
        """a load in per cent
        right: A fifth of the reads reached the database; of the newcomers' reads all
          do. A cache is capacity that a site loss takes away.
        hint: The newcomers' reads used to be five times as many as reached their
          database.
        then: Divide their load by the share that used to miss, and add the rest.
        caches warm: That is with caches that know the newcomers' keys.
        all caches cold: The survivor's cache still knows the keys of its own users.
        newcomers only: And its own users' misses?
        """,
        lambda: 100 * model(40, hits=80).after,
        80,
        400,
        200,
    ),
)


def own(requests, servers, sites, service):
    """Return what a loss would do to the learner's own service."""
    if min(requests, service) <= 0 or servers < 1 or sites < 2:
        raise ValueError("requests, service ms > 0; servers a site >= 1; sites >= 2")
    load = requests / sites * service * MS / servers
    return {
        "load now %": 100 * load,
        "load after a loss %": 100 * load * sites / (sites - 1),
    }


# ---- the lesson --------------------------------------------------------------------

lesson = kit.Lesson(
    number="09",
    recall=kit.recall(
        """
        Lesson 08: the primary is in DC-1. Who waits for the other region?
        + who writes from DC-2: Reads stay with the replica next door.
        - all users of DC-2: Their reads never leave the site.
        Lesson 06: 900 of 1,000 writes a second become 990. And the lag?
        + ten times as long: A tenth of the room is left. Here it comes again.
        - a tenth longer: Not the load sets it, but the room.
        """
    ),
    guess={
        "question": "Two sites share the work, each with one server that is busy 49 % "
        "of the time; a request takes 10 ms of it, and 19.6 ms with the queue. One "
        "site is lost. What does a request take at the other? And how busy may each "
        "be, at most, for the survivor to answer in 100 ms on average?",
        "fields": kit.sliders(
            after=("At the survivor (ms)", kit.decades(10, 20_000)),
            most=("Busy at most (%)", tuple(range(10, 101))),
        ),
        "truth": truth,
        "views": VIEWS,
    },
    see={
        "title": "What is left when a site is gone?",
        "controls": {
            **kit.sliders(
                load=(
                    "Load of each site (%)",
                    (5, 10, 20, 30, 40, 45, 49, 50, 55, 60, 66, 70, 75, 80, 90, 95),
                    49,
                ),
                sites=("Active (sites)", range(2, 6), 2),
            ),
            "servers": kit.Slider(
                label="Each site (servers)",
                grid=(1, 2, 4, 8, 16, 32),
                start=1,
                whole=True,
            ),
            **kit.sliders(hits=("Reads a cache answers (%)", (0, 20, 50, 80, 90), 0)),
        },
        "model": model,
        "picture": picture,
        "size": (640, 352),
        "describe": sentence,
        "before": "Two sites at 49 %: 19.6 ms. What the survivor takes shows once you "
        "have guessed.",
        "presets": {
            "One per cent more": {"load": 50},
            "Three sites": {"sites": 3},
            "16 servers a site": {"servers": 16},
            "Caches: 80 %": {"hits": 80},
        },
        "objectives": {
            "60 % each, and a loss within 50 ms": lambda v, found: (
                v["load"] >= 60 and found.shown[1][0] <= 50
            ),
            "80 % answered by caches, and a loss settles": lambda v, found: (
                v["hits"] >= 80 and v["load"] >= 20 and found.after < 1
            ),
        },
        "seconds": 10,
        "steps": 10,
    },
    exercises=EXERCISES,
    own=own,
)
