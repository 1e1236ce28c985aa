"""A replicated log with a leader: majorities, elections and leases (Raft, Paxos)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hamodel import _check, _html, duration
from hamodel.chain import Chain
from hamodel.quorum._availability import majority

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hamodel._types import Quantity
    from hamodel.duration import Duration

_LEADING, _ELECTING, _LOST = "leader", "election", "no majority"


@dataclass(frozen=True, kw_only=True, eq=False)
class Consensus:
    """Long-run answers about a group with a leader.

    Attributes
    ----------
    by_cause : dict of str to float, array or expression
        Share of time without writes: during an "election", with "no majority".
    elections : float, array or expression
        Elections per second.
    all_down : float, array or expression
        Share of time in which no replica could serve even a stale read.
    chain : Chain
        States (replicas up, what they do).
    """

    by_cause: dict[str, Quantity]
    elections: Quantity
    all_down: Quantity
    chain: Chain

    @property
    def write_unavailability(self) -> Quantity:
        """Share of time without writes or fresh reads; the causes add up to it."""
        return self.by_cause[_ELECTING] + self.by_cause[_LOST]

    def _repr_html_(self) -> str:
        rows = [(f"down: {cause}", share) for cause, share in self.by_cause.items()]
        rows += [("elections per second", self.elections), ("all down", self.all_down)]
        return _html.table(rows, caption="Group with a leader")


def consensus(
    replicas: int, *, mttf: Quantity, mttr: Quantity, election: Quantity
) -> Consensus:
    """Return how available a group with an elected leader is.

    Parameters
    ----------
    replicas : int
        Voting members.
    mttf, mttr : float, array or expression
        Mean time to failure and to repair of one of them in s.
    election : float, array or expression
        Mean time from the loss of the leader to the first write of the next in s; with
        leases see `takeover`.

    Returns
    -------
    Consensus
        Shares of time, elections per second, and the chain.

    Raises
    ------
    ValueError
        If a number is out of range.

    Notes
    -----
    Each member is repaired on its own.  The leader leads while a majority is up; when
    it fails, or when a majority comes back, there is an election.  To first order
    U = election / mttf + P(no majority): more members make the second term vanish and
    leave the first as it is.

    Examples
    --------
    Nodes that fail every 1000 h and are back in 2 h; a leader missed for Consul's 1 s
    (fact FO-058) and elected within another:

    >>> from hamodel.units import HOUR
    >>> for n in (3, 5, 7):
    ...     group = consensus(n, mttf=1000 * HOUR, mttr=2 * HOUR, election=2.0)
    ...     print(n, f"{group.write_unavailability:.2e}", end="; ")
    3 1.25e-05; 5 6.35e-07; 7 5.56e-07;
    """
    _check.whole(1, replicas=replicas)
    _check.mean_time(mttf=mttf)
    _check.positive(mttr=mttr, election=election)
    needed, fail, repair = majority(replicas), 1 / mttf, 1 / mttr
    moves = _moves(replicas, fail, repair, 1 / election)
    chain = Chain.explore((replicas, _LEADING), moves, up=_leads)
    share: dict[Any, Quantity] = dict(chain.steady_state())
    down = {
        cause: sum(p for (_, mode), p in share.items() if mode == cause)
        for cause in (_ELECTING, _LOST)
    }
    led = sum(p for state, p in share.items() if _leads(state) and state[0] > needed)
    regained = share[needed - 1, _LOST] * (replicas - needed + 1) * repair
    return Consensus(
        by_cause=down,
        elections=led * fail + regained,
        all_down=share[0, _LOST],
        chain=chain,
    )


def _leads(state: Any) -> bool:  # noqa: ANN401  a state is any hashable to a chain
    return bool(state[1] == _LEADING)


def _moves(
    replicas: int, fail: Quantity, repair: Quantity, elected: Quantity
) -> Callable[[tuple[int, str]], Iterator[tuple[tuple[int, str], Quantity]]]:
    """Return what may happen next, by rate, in a state of the group."""
    needed = majority(replicas)

    def after(up: int, mode: str) -> tuple[int, str]:
        return (up, mode if up >= needed else _LOST)

    def moves(state: tuple[int, str]) -> Iterator[tuple[tuple[int, str], Quantity]]:
        up, mode = state
        if mode == _ELECTING:
            yield (up, _LEADING), elected
        if up:
            alone = 1 if mode == _LEADING else up
            yield after(up - 1, _ELECTING), alone * fail  # the leader, or anyone
        if mode == _LEADING and up > 1:
            yield after(up - 1, _LEADING), (up - 1) * fail  # a follower
        if up < replicas:
            back = _ELECTING if mode == _LOST else mode
            yield after(up + 1, back), (replicas - up) * repair

    return moves


def takeover(
    election: Duration, *, lease: float, renewal: float, drift: float = 0.0
) -> Duration:
    """Return how long a group is without a leader when leaders hold a lease.

    A leader with a lease answers reads alone, in a local hop.  The price is paid when
    it dies: whoever is elected must wait until the dead one's lease is over.

    Parameters
    ----------
    election : Duration
        From the leader's death to the election of the next.
    lease : float
        Length of the lease in s.
    renewal : float
        Time between renewals in s, at most the lease; its phase at the death is
        uniform.
    drift : float
        Share by which clocks may differ in speed; the new leader waits so much longer.

    Returns
    -------
    Duration
        The later of election and end of lease.

    Raises
    ------
    ValueError
        If a number is out of range, or renewals are rarer than the lease lasts.

    Examples
    --------
    Spanner's leases last 10 s (fact FO-084); renewed every 5 s they hide the election:

    >>> from hamodel.duration import uniform
    >>> found = takeover(uniform(1, 2), lease=10, renewal=5)
    >>> round(found.mean, 6), found.support
    (7.5, (5.0, 10.0))
    """
    _check.instance(duration.Duration, election=election)
    _check.positive(lease=lease, renewal=renewal)
    _check.between(0, 1, drift=drift)
    if renewal > lease:
        raise ValueError(
            f"renewal must be <= the lease of {lease:g} s, got {renewal:g}"
        )
    slow = 1 + drift
    left = duration.uniform((lease - renewal) * slow, lease * slow)
    return duration.maximum(election, left)
