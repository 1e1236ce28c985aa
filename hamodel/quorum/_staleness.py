"""How stale a read from a partial quorum may be, by time and by versions.

Reads and writes go to all replicas and return with the first R or W answers.  A read
that starts t after a write's commit is stale if none of its first R answers comes from
a replica that the write had reached before the read did (WARS: Bailis et al. 2012,
PVLDB 5(8), 776-787).  The authors simulate; here the probability is an integral, which
has no noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb

import numpy as np
from numpy.typing import ArrayLike

from hamodel import _check
from hamodel._types import FloatArray, Quantity
from hamodel.quorum._availability import Quorum
from hamodel.quorum._wars import Delays, Race


def stale_probability(
    delays: Delays | Sequence[Delays],
    times: ArrayLike,
    *,
    quorum: Quorum,
    missed: float = 0.0,
    down: float = 0.0,
) -> FloatArray:
    """Return the probability that a read misses a write which was committed before.

    Parameters
    ----------
    delays : Delays or sequence of Delays
        Of every replica, or of each of the N replicas.
    times : array_like
        How long after the commit the read starts, in s.
    quorum : Quorum
        N, R and W.
    missed : float
        P(a replica never got the write): it was down at the time, or the message was
        lost, and nothing has repaired it yet.
    down : float
        P(a replica does not answer the read); independent of what it has.

    Returns
    -------
    ndarray or float
        P(stale), given that W replicas acknowledged and R answer; shape of `times`.

    Raises
    ------
    ValueError
        If a number is out of range or there are not N delays.
    NoQuorumError
        If W replicas never get a write, or R never answer a read.

    Notes
    -----
    Source: Bailis et al. (2012), section 4.1; integrated over the moment of the commit,
    the first answer not used, and the read's delay, in panels that end where a delay
    jumps or bends.  The relative error is below 1e-9 above a probability of 1e-6; of
    moments that are equal each order is as likely.  A sum of delays that has no formula
    is known to 1e-6 only: then so is this.  The first answer takes about a tenth of a
    second, a second where R is 2 or more and writes have a least delay above 0, further
    times milliseconds.

    Examples
    --------
    Exponential delays, 0.25 ms for the write and 1 ms for the others: 94 % of reads are
    fresh at once and 99.9 % after 1 ms (section 5.3):

    >>> from hamodel.duration import exponential
    >>> from hamodel.units import MS
    >>> quick, other = exponential(0.25 * MS), exponential(1 * MS)
    >>> one = Delays(write=quick, ack=other, read=other, response=other)
    >>> read_one = Quorum(replicas=3, read=1, write=1)
    >>> np.round(1 - stale_probability(one, [0, 1 * MS], quorum=read_one), 6)
    array([0.942947, 0.998955])
    """
    _check.non_negative(times=times)
    _check.probability(missed=missed, down=down)
    race = Race(_each(delays, quorum), quorum, missed, down)
    when = np.asarray(times, float)
    answer = np.array([race.stale(float(t)) for t in when.flat]).reshape(when.shape)
    return answer if when.ndim else answer.item()


def _each(delays: Delays | Sequence[Delays], quorum: Quorum) -> tuple[Delays, ...]:
    """Return the delays of each replica."""
    _check.instance(Quorum, quorum=quorum)
    if isinstance(delays, Delays):
        return (delays,) * quorum.replicas
    each = tuple(delays)
    _check.instance(Delays, **{f"delays[{i}]": d for i, d in enumerate(each)})
    if len(each) != quorum.replicas:
        raise ValueError(f"delays must hold {quorum.replicas}, got {len(each)}")
    return each


def older_than(quorum: Quorum, versions: Quantity = 1) -> Quantity:
    """Return the probability that a read returns none of the last versions.

    Parameters
    ----------
    quorum : Quorum
        N, R and W.
    versions : int, array or expression
        How many of the last versions would do; the letter k.

    Returns
    -------
    float, array or expression
        P(k-staleness), for writes that nothing spreads beyond their quorum.

    Raises
    ------
    ValueError
        If the number of versions is not positive.

    Notes
    -----
    (C(N - W, R) / C(N, R))^k: Bailis et al. (2012), equation 2.

    Examples
    --------
    >>> three = Quorum(replicas=3, read=1, write=1)
    >>> [round(1 - older_than(three, k), 3) for k in (1, 2, 3, 5, 10)]
    [0.333, 0.556, 0.704, 0.868, 0.983]
    """
    _check.positive(versions=versions)
    return _missing(quorum) ** versions


def _missing(quorum: Quorum) -> float:
    """Return P(a random read quorum misses a random write quorum), equation 1."""
    _check.instance(Quorum, quorum=quorum)
    behind = quorum.replicas - quorum.write
    return comb(behind, quorum.read) / comb(quorum.replicas, quorum.read)
