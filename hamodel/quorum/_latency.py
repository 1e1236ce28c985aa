"""How long until enough replicas have answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import product
from math import comb

from hamodel import _check, duration
from hamodel.duration import Duration

_MOST = 4096  # cases of who is up


class NoQuorumError(ValueError):
    """So many replicas are down that there is never a quorum.

    Attributes
    ----------
    needed, replicas : int
        Answers needed, and replicas that can ever answer.
    """

    def __init__(self, needed: int, replicas: int) -> None:
        self.needed, self.replicas = needed, replicas
        super().__init__(f"needed must be <= {replicas}, the replicas up, got {needed}")


def latency(
    replies: Sequence[Duration],
    needed: int,
    *,
    unavailability: Sequence[float] | None = None,
    votes: Sequence[int] | None = None,
) -> Duration:
    """Return how long it takes until replies with `needed` votes are there.

    Parameters
    ----------
    replies : sequence of Duration
        Time until each replica's answer, near and far ones alike.  A leader's own disk
        is one of them.
    needed : int
        Votes of a quorum.
    unavailability : sequence of float, optional
        Share of time that each replica is down and does not answer; 0 if not given.
    votes : sequence of int, optional
        Votes of each replica; 1 each if not given.

    Returns
    -------
    Duration
        Law of the k-th fastest reply, given that there is a quorum.

    Raises
    ------
    ValueError
        If the lengths differ or a number is out of range.
    NoQuorumError
        If fewer than `needed` replicas are ever up.

    Notes
    -----
    All up: the k-th order statistic of different laws.  Otherwise a mixture of such
    laws over who is up, conditional on enough of them: one down replica turns the
    second fastest of three into the slower of two.

    Examples
    --------
    Three replicas alike; the second of them; and with one down 10 % of the time:

    >>> from hamodel.duration import exponential
    >>> round(latency([exponential(1)] * 3, 2).mean, 6)
    0.833333
    >>> far = exponential(1)
    >>> round(latency([far] * 3, 2, unavailability=[0.1, 0, 0]).mean, 6)
    0.9
    """
    _check.whole(1, needed=needed)
    count = len(replies)
    cast = [1] * count if votes is None else list(votes)
    if len(cast) != count:
        raise ValueError(f"votes must hold {count} numbers, got {len(cast)}")
    _check.whole(0, **{f"votes[{i}]": v for i, v in enumerate(cast)})
    if needed > sum(cast):
        raise NoQuorumError(needed, sum(cast))
    q = [0.0] * count if unavailability is None else list(unavailability)
    if len(q) != count:
        raise ValueError(f"unavailability must hold {count} numbers, got {len(q)}")
    _check.probability(**{f"unavailability[{i}]": x for i, x in enumerate(q)})
    # replicas with one law and one q are told apart by their number only
    kinds = Counter(zip(map(id, replies), cast, q, strict=True))
    law = {id(reply): reply for reply in replies}
    cases = _cases(kinds, needed)
    total = sum(cases.values())
    if total <= 0:
        able = (v for v, x in zip(cast, q, strict=True) if x < 1)
        raise NoQuorumError(needed, sum(able))
    parts = []
    for case in cases:
        up = [(law[key], vote) for key, vote, number in case for _ in range(number)]
        answers, each = zip(*up, strict=True)
        parts.append(
            duration.order_statistic(answers, needed, votes=each)
            if len(up) > 1
            else answers[0]
        )
    if len(parts) == 1:
        return parts[0]
    return duration.mixture([p / total for p in cases.values()], parts)


def _cases(
    kinds: Counter[tuple[int, int, float]], needed: int
) -> dict[tuple[tuple[int, int, int], ...], float]:
    """Return who may be up, as numbers of each kind, with probabilities."""
    ranges = [range(n + 1) for n in kinds.values()]
    cases: dict[tuple[tuple[int, int, int], ...], float] = {}
    for numbers in product(*ranges):
        cast = (v * up for (_, v, _), up in zip(kinds, numbers, strict=True))
        if sum(cast) < needed:
            continue
        chance = 1.0
        for ((_, _, q), n), up in zip(kinds.items(), numbers, strict=True):
            chance *= comb(n, up) * (1 - q) ** up * q ** (n - up)
        if chance > 0:
            case = tuple(
                (key, vote, up)
                for (key, vote, _), up in zip(kinds, numbers, strict=True)
            )
            cases[case] = cases.get(case, 0.0) + chance
    if len(cases) > _MOST:
        raise ValueError(
            f"replies must have <= {_MOST} cases of who is up, got {len(cases)}"
        )
    return cases
