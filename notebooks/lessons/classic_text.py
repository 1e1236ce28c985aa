"""The classic text, claim by claim, and the learner's own answers beside it.

Numbers come from `hamodel.decision.classic_claims`, so they cannot go stale.
"""

import pkgutil
from functools import cache
from importlib import import_module

from hamodel import course as kit
from hamodel.course import Table, progress
from hamodel.decision import classic_claims

HOLDS, IF, NOT = "holds", "holds if", "does not hold"

# ---- eight rows --------------------------------------------------------------------

PASSIVE, ACTIVE, NEITHER = "active-passive", "active-active", "neither"
#: Row, what the text gives to each side, its claim by number or a verdict and why.
ROWS = (
    ("System criticality", "needs zero downtime", ACTIVE, 6),
    (
        "Traffic load",
        "high, or globally distributed",
        ACTIVE,
        (IF, "the requests read: each write is work at every copy, so sites that "
         "write add no room for writes."),
    ),
    ("Consistency needs", "strong consistency preferred", PASSIVE, 12),
    ("Complexity", "simpler to set up and maintain", PASSIVE, 13),
    ("Resource utilization", "a node that sits idle", PASSIVE, 14),
    (
        "Use case examples",
        "failover of a relational database",
        PASSIVE,
        (HOLDS, "PostgreSQL, MySQL and Oracle have one writer; Cassandra and DynamoDB "
         "have many."),
    ),
    ("Recovery time objective (RTO)", "lower", ACTIVE, 16),
    ("Data synchronization", "unidirectional replication", PASSIVE, 17),
)  # fmt: skip


@cache
def judged():
    """Return the verdicts of the package, in the order of the text."""
    return classic_claims()


def verdict(of):
    """Return (verdict, why) of a claim's number, or of what is said here."""
    return judged()[of][1:] if isinstance(of, int) else of


def standing():
    """Return how many of the eight rows hold as they are written."""
    return sum(verdict(of)[0] == HOLDS for *_, of in ROWS)


def remembered():
    """Return the eight rows as a quiz: which side does the text give each to?"""
    words = {
        PASSIVE: "Noted: active-passive. The table below will answer.",
        ACTIVE: "Noted: active-active. The table below will answer.",
        NEITHER: "Noted: neither. The table below will answer.",
    }
    questions = [
        kit.Question(text=f"{row}: which has “{gives}”?", right="", options=words)
        for row, gives, _, _ in ROWS
    ]
    return kit.Quiz(title="The table from memory", questions=questions, key="13 table")


def compared():
    """Return the eight rows: the text, what you said, the verdict and why."""
    said = progress.recall().get("13 table")
    given = said if isinstance(said, list) and len(said) == len(ROWS) else [None] * 8
    rows = [
        (f"{row}: “{gives}”", side, mine or "…", *verdict(of))
        for (row, gives, side, of), mine in zip(ROWS, given, strict=True)
    ]
    return Table(("row", "the text says", "you said", "verdict", "why"), tuple(rows))


# ---- every claim -------------------------------------------------------------------

#: Claim, lesson, and its number in `classic_claims`, or a verdict and why.
CLAIMS = (
    ("If the primary database fails, the entire service goes down", "01, 02", 0),
    ("This is known as the single point of failure", "02", 1),
    (
        "Every production-grade system runs on at least two data centres",
        "03",
        (IF, "a site is lost often enough to pay for the second: here once in five "
         "years, for four hours."),
    ),
    ("A second data centre avoids the single point of failure", "03", 2),
    (
        "Only one can be the primary; relational databases write to one node",
        "06, 11",
        (IF, "no majority elects a writer for each range, and no certification lets "
         "all of them write (Galera)."),
    ),
    (
        "A write at DC-2 is forwarded to DC-1",
        "08",
        (IF, "the application, a proxy or the driver does it; the database refuses."),
    ),
    (
        "Replicas are eventually consistent",
        "06, 07",
        (IF, "commits do not wait until a write is applied, and the reader does not "
         "wait either."),
    ),
    ("Replicas can and should be used for reads", "06", 3),
    (
        "The replica is promoted and both application layers switch",
        "04, 05",
        (IF, "the failover works: how often it does decides more than how fast."),
    ),
    ("~1 ms at DC-1, higher latency at DC-2", "08", 4),
    ("There is a delay during failover", "05", 5),
    (
        "Instant failover strategies keep zero downtime",
        "05, 12",
        (NOT, "noticing takes time, and a detector that is too quick fails over for "
         "nothing; clients that retry hide it."),
    ),
    ("Active-active ensures high availability and zero downtime", "09", 6),
    (
        "Load balancer or DNS round-robin distributes the load",
        "02, 05",
        (IF, "the balancer is doubled, and clients let go of an old DNS answer."),
    ),
    ("If one node fails, others take over without interruption", "05, 09", 7),
    ("Active-active eliminates the single point of failure", "03", 8),
    ("It requires conflict resolution (last-write-wins, vector clocks)", "10", 9),
    ("Its data are eventually consistent", "10", 10),
    (
        "Ideal for stateless services, or state in queues, caches, consensus",
        "09, 11",
        (IF, "the queue or the consensus group is itself spread over three sites."),
    ),
    ("Choose active-active for 99.99 % or more", "04, 13", 11),
    ("Choose active-passive for strong consistency", "07", 12),
    ("Active-passive is simpler, active-active more complex", "10, 13", 13),
    ("The passive node sits idle", "04, 06", 14),
    ("All nodes are fully utilized", "09", 15),
    ("Recovery takes longer in active-passive", "05", 16),
    ("Replication in one direction, or in both", "07, 10", 17),
    (
        "Choose active-passive for conflict-free replication",
        "10",
        (HOLDS, "one writer at a time, one order of writes."),
    ),
    (
        "Choose active-passive with MySQL or PostgreSQL",
        "07, 13",
        (HOLDS, "until far writes must be quick: then the row of latency turns first."),
    ),
    (
        "Choose active-active across regions",
        "08, 13",
        (IF, "far writes must be quick: far reads are quick at a replica too."),
    ),
    (
        "Banks are active-passive; Netflix, Amazon and Cloudflare active-active",
        "13",
        (IF, "it is said of which data: the same company runs both."),
    ),
)  # fmt: skip


def verdicts():
    """Return every claim with its verdict, why, and the lesson that shows it."""
    rows = [(claim, lesson, *verdict(of)) for claim, lesson, of in CLAIMS]
    return Table(("the text says", "lesson", "verdict", "why"), tuple(rows))


# ---- what you said on the way ------------------------------------------------------


def first_box():
    """Return the question of lesson 00 again, with what each box is worth."""
    from lessons.shop import copies, minutes

    kept = progress.recall().get("00 first purchase") or [None]
    before = f"In lesson 00 you chose {kept[0]}. " if kept[0] else ""
    alone = minutes(balancers=1)
    saved = {
        "the load balancer": alone - minutes(),
        "the app server": copies(1e-3, 3) - copies(1e-3, 4),
        "the database": copies(5e-4, 1) - copies(5e-4, 2),
    }
    options = {
        box: f"One more of {box} saves {least:,.3g} minutes a year."
        for box, least in saved.items()
    }
    options["none of them yet"] = (
        f"The shop stays down {alone:,.0f} minutes a year, ten times its contract."
    )
    return kit.Quiz(
        title="The first box, once more",
        questions=[
            kit.Question(
                text=f"{before}The shop has one balancer, three app servers and one "
                "database. Which would you buy a second one of, now that you know?",
                right="",
                options=options,
            )
        ],
        key="13 first purchase",
    )


@cache
def lessons():
    folder = import_module("lessons").__path__
    found = [import_module(f"lessons.{m.name}") for m in pkgutil.iter_modules(folder)]
    made = [getattr(module, "lesson", None) for module in found]
    return {each.number: each for each in made if isinstance(each, kit.Lesson)}


def guesses():
    """Return the learner's first guesses beside the truth, and how far each was off."""
    kept, rows = progress.recall(), []
    for key in sorted(k for k in kept if k.endswith(" prediction")):
        lesson = lessons().get(key[:2])
        first = kept[key].get("first") if isinstance(kept[key], dict) else None
        if lesson is None or not isinstance(first, dict):
            continue
        truth, fields = lesson.guess["truth"](), lesson.guess["fields"]
        for name in fields.keys() & first.keys() & truth.keys():
            rows.append((key[:2], fields[name].label, first[name], float(truth[name])))
    shown = tuple(
        (number, label, f"{said:,.4g}", f"{true:,.4g}", _off(said, true))
        for number, label, said, true in sorted(rows)
    )
    empty = ((("…", "no guess is kept in this folder yet", "", "", "")),)
    return Table(("lesson", "asked", "you said", "it is", "off by"), shown or empty)


def _off(said, true):
    if said * true <= 0:
        return "spot on" if said == true else f"{said - true:+.3g}"
    factor = max(said / true, true / said)
    return "spot on" if factor < 1.05 else f"{factor:.3g} times"


def own_numbers():
    """Return what the learner has measured on the way, by lesson."""
    kept = progress.recall()
    rows = tuple(
        (key[:2], name, f"{value:,.4g}")
        for key in sorted(k for k in kept if k.endswith(" own"))
        if isinstance(kept[key], dict)
        for name, value in kept[key].items()
        if isinstance(value, (int, float))
    )
    empty = (("…", "nothing is kept in this folder yet", ""),)
    return Table(("lesson", "what", "yours"), rows or empty)
