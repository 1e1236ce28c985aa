"""What the classic text claims, and whether it holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from hamodel import text
from hamodel._fields import replaced, value_at
from hamodel._types import Value
from hamodel.architectures import (
    ActiveActive,
    ActivePassive,
    Node,
    Resolution,
    SinglePrimary,
    Site,
    Tier,
)
from hamodel.assessment import Assessment, assess
from hamodel.decision._rows import complexity
from hamodel.failover import Failover
from hamodel.replication import Replication
from hamodel.units import HOUR, MINUTE, YEAR
from hamodel.workload import Workload

HOLDS, IF, NOT = "holds", "holds if", "does not hold"


class Claim(NamedTuple):
    """A sentence of the classic text, and what the models say of it."""

    claim: str
    verdict: str  # "holds", "holds if" or "does not hold"
    because: str  # with the numbers; after "holds if", the condition first

    def __str__(self) -> str:
        return f"{self.claim}: {self.verdict}. {self.because}"


class Case(NamedTuple):
    """The designs that the claims are judged by, each assessed."""

    single: Assessment
    passive: Assessment
    active: Assessment


def classic_case() -> Case:
    """Return the designs of the classic text with plain parameters.

    Returns
    -------
    Case
        One primary; a pair over two sites; two active sites.  A database fails every
        2,000 h for 4 h, a failover takes 30 s and works 99 times in 100 (a person
        needs half an hour for the rest), a site is lost every 5 years for 4 h, and
        twice in 5 years something strikes all for half an hour.  The workload is the
        usual one.
    """
    node = Node(mttf=2000 * HOUR, mttr=4 * HOUR)
    server = Node(mttf=1000 * HOUR, mttr=HOUR)
    site = Site(
        mttf=5 * YEAR,
        mttr=4 * HOUR,
        balancers=Tier(node=server),
        apps=Tier(node=server, servers=3),
    )
    failover = Failover(
        detection=10, promotion=15, redirection=5, coverage=0.99, manual=30 * MINUTE
    )
    strikes = Node(mttf=2.5 * YEAR, mttr=30 * MINUTE)
    load = Workload()
    one: dict[str, Value] = {"database": node, "site": site, "everywhere": strikes}
    return Case(
        single=assess(SinglePrimary(**one), load),
        passive=assess(ActivePassive(failover=failover, **one), load),
        active=assess(ActiveActive(failover=failover, **one), load),
    )


def classic_claims(case: Case | None = None) -> tuple[Claim, ...]:
    """Return the verdict on each claim of the classic text.

    Parameters
    ----------
    case : Case, optional
        Designs to judge by; by default `classic_case()`.

    Returns
    -------
    tuple of Claim
        In the order of the text, with the numbers.

    Examples
    --------
    >>> for claim in classic_claims()[:2]:
    ...     print(claim.claim, "->", claim.verdict)
    If the primary database fails, the entire service goes down -> holds
    The database is the single point of failure -> does not hold
    """
    case = classic_case() if case is None else case
    return tuple(judge(case) for judge in _JUDGES)


def _database_alone(case: Case) -> Claim:
    found = case.single.write.downtime_by_cause.get("database down", 0.0)
    return Claim(
        "If the primary database fails, the entire service goes down",
        HOLDS,
        f"With one database its failures alone cost {text.downtime(float(found))}.",
    )


def _only_database(case: Case) -> Claim:
    names = case.single.single_points_of_failure
    return Claim(
        "The database is the single point of failure",
        NOT,
        f"The diagram has {len(names)} of them: {', '.join(names)}.",
    )


def _two_sites_suffice(case: Case) -> Claim:
    before, after = case.single.write, case.passive.write
    rest = after.downtime_by_cause.get("everywhere", 0.0)
    share = text.share(float(rest / after.unavailability))
    return Claim(
        "A second data centre removes the single point of failure",
        IF,
        "failures have no common cause: downtime falls from "
        f"{text.downtime(float(before.unavailability))} to "
        f"{text.downtime(float(after.unavailability))}, and {share} of what is left "
        "strikes both sites at once.",
    )


def _reads_go_on(case: Case) -> Claim:
    read, write = (
        float(getattr(case.passive, o).unavailability) for o in ("read", "write")
    )
    lost = text.share(float(case.passive.stale_read_probability))
    return Claim(
        "Replicas can and should be used for reads",
        IF,
        f"readers accept what is behind: reads are down {text.downtime(read)}, writes "
        f"{text.downtime(write)}, and {lost} of the reads lack the last write.",
    )


def _latency_there(case: Case) -> Claim:
    a = case.passive
    read, write = (
        text.time(float(a.latency[a.sites[1], o].quantile(0.5)))
        for o in ("read", "write")
    )
    slow = text.time(float(a.latency[a.sites[1], "write"].quantile(0.99)))
    return Claim(
        "Requests at the passive site have higher latency",
        IF,
        f"they write: at {a.sites[1]} the median read takes {read}, the median write "
        f"{write} and 1 write in 100 more than {slow}.",
    )


def _delay_of_failover(case: Case) -> Claim:
    down = case.passive.write.downtime_by_cause
    moving = float(down.get("failing over", 0.0))
    broken = float(down.get("failover did not work", 0.0))
    return Claim(
        "The delay of a failover is the disadvantage of active-passive",
        NOT if broken > moving else HOLDS,
        f"Failovers that work cost {text.downtime(moving)}, those that do not "
        f"{text.downtime(broken)}, a common cause "
        f"{text.downtime(float(down.get('everywhere', 0.0)))}.",
    )


def _zero_downtime(case: Case) -> Claim:
    down = case.active.write
    return Claim(
        "Active-active ensures zero downtime",
        NOT,
        f"Its writes are down {text.downtime(float(down.unavailability))}; "
        f"{text.downtime(float(down.downtime_by_cause.get('failing over', 0.0)))} of "
        "it while clients still ask a dead site.",
    )


def _without_interruption(case: Case) -> Claim:
    wait = float(case.active.rto.mean)
    return Claim(
        "If one node fails, others take over without interruption",
        NOT,
        f"The clients of the lost site wait {text.time(wait)} on average until they "
        "are led to another; only those of the other sites notice nothing.",
    )


def _no_single_point(case: Case) -> Claim:
    names = case.active.single_points_of_failure
    return Claim(
        "Active-active eliminates the single point of failure",
        IF if names else HOLDS,
        f"nothing strikes all sites at once; here {', '.join(names)} does."
        if names
        else "No single part stops it.",
    )


def _clashes(case: Case) -> Claim:
    found = case.active.conflicts
    return Claim(
        "Active-active requires conflict resolution",
        HOLDS,
        f"{float(found.per_day):,.0f} pairs of writes a day clash "
        f"({text.share(float(found.share))} of the writes), and {found.resolution} "
        f"throws {float(found.lost_per_day):,.0f} acknowledged writes away.",
    )


def _home_site(case: Case) -> Claim:
    homes = replaced(case.active.architecture, {"resolution": Resolution.HOME_SITE})
    found = assess(homes, case.active.workload)
    slow = text.time(float(found.latency[found.sites[0], "write"].quantile(0.99)))
    fast = text.time(
        float(case.active.latency[case.active.sites[0], "write"].quantile(0.99))
    )
    return Claim(
        "Active-active means eventual consistency and conflicts",
        IF,
        "every site writes every key: with a home site for each key there are "
        f"{found.conflicts.per_day:.0f} conflicts, and 1 write in 100 takes {slow} "
        f"instead of {fast}.",
    )


def _four_nines(case: Case) -> Claim:
    pair, active = case.passive, case.active
    reads, writes, both = (
        text.share(float(x.availability)) for x in (pair.read, pair.write, active.write)
    )
    return Claim(
        "99.99 % or more needs active-active",
        NOT if float(pair.write.availability) >= 0.9999 else HOLDS,
        f"The pair reaches {writes} for writes and {reads} for reads, two active sites "
        f"{both}.",
    )


def _strong(case: Case) -> Claim:
    a = case.passive
    asynchronous = value_at(a.architecture, "replication.mode") == "async"
    sync = replaced(a.architecture, {"replication": Replication(mode="sync")})
    other = assess(sync, a.workload)
    late = other.latency[a.sites[0], "write"].mean - a.latency[a.sites[0], "write"].mean
    return Claim(
        "Active-passive gives strong consistency",
        IF if asynchronous else HOLDS,
        "replication is synchronous and reads go to the primary: asynchronous, "
        f"{text.share(float(a.stale_read_probability))} of the reads are stale and "
        f"{float(a.lost_writes.per_year):,.0f} acknowledged writes a year are lost; "
        f"synchronous, a write takes {text.time(float(late))} longer and writes are "
        f"down {text.downtime(float(other.write.unavailability))}.",
    )


def _simpler(case: Case) -> Claim:
    return Claim(
        "Active-passive is simpler, active-active more complex",
        IF,
        "the application must handle conflicts "
        f"({float(case.active.conflicts.per_day):,.0f} pairs of writes a day); counted "
        "by what operators may find, the pair has "
        f"{complexity(case.passive)} states to be in, two active sites "
        f"{complexity(case.active)}.",
    )


def _idle(case: Case) -> Claim:
    a = case.passive
    busy = float(a.utilisation["database"])
    alone = float(a.utilisation_after_site_loss["database"])
    return Claim(
        "The passive node sits idle",
        NOT,
        f"It answers the reads of its own clients; the busier node is at "
        f"{text.share(busy)}, and at {text.share(alone)} when it is alone.",
    )


def _fully_used(case: Case) -> Claim:
    count = len(case.active.sites)
    load = float(np.max(list(case.active.utilisation.values())))
    after = float(np.max(list(case.active.utilisation_after_site_loss.values())))
    return Claim(
        "All nodes of active-active are fully utilised",
        NOT,
        f"{count} sites that must survive the loss of one may use at most "
        f"{text.share((count - 1) / count)} of what scales with their clients; here "
        f"{text.share(load)} now is {text.share(after)} then.",
    )


def _recovery(case: Case) -> Claim:
    passive, active = float(case.passive.rto.mean), float(case.active.rto.mean)
    return Claim(
        "Active-passive has the higher recovery time",
        HOLDS if passive > active else NOT,
        f"{text.time(passive)} against {text.time(active)} on average: promotion is "
        "what active-active saves, not detection nor redirection.",
    )


def _directions(case: Case) -> Claim:
    one, both = (float(a.transfers) for a in (case.passive, case.active))
    return Claim(
        "Replication is unidirectional in one and bidirectional in the other",
        HOLDS,
        f"{one:,.0f} and {both:,.0f} writes a second cross between two sites: the same "
        "traffic, in one direction or in two.",
    )


_JUDGES: tuple[Callable[[Case], Claim], ...] = (
    _database_alone,
    _only_database,
    _two_sites_suffice,
    _reads_go_on,
    _latency_there,
    _delay_of_failover,
    _zero_downtime,
    _without_interruption,
    _no_single_point,
    _clashes,
    _home_site,
    _four_nines,
    _strong,
    _simpler,
    _idle,
    _fully_used,
    _recovery,
    _directions,
)
