"""Last write wins: what the rule throws away, and what skewed clocks add to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hamodel import _check, _html
from hamodel._quadrature import panels
from hamodel._types import FloatArray, Quantity
from hamodel.conflicts._sites import (
    Delays,
    at_least_zero,
    chance,
    delays_between,
    larger,
    plain,
    rates_of,
)
from hamodel.duration import Duration
from hamodel.duration.integrals import edges
from hamodel.units import DAY


@dataclass(frozen=True, kw_only=True, eq=False)
class LastWriteWins:
    """What last write wins does to one key.

    Attributes
    ----------
    lost : float, array or expression
        Acknowledged writes per second that a write which had not seen them, or one
        that they had seen, puts out of the way.
    shares : tuple of float, array or expression
        P(a write is lost) at each site.
    silent : float, array or expression
        Of the lost, those per second that came after the winner and had seen it: the
        writer read the new value, changed it, and the change never happened.
    reversed : float, array or expression
        Pairs of writes per second of which the earlier one wins.
    """

    lost: Quantity
    shares: tuple[Quantity, ...]
    silent: Quantity
    reversed: Quantity

    @property
    def lost_per_day(self) -> Quantity:
        """Acknowledged writes lost in a day."""
        return self.lost * DAY

    def _repr_html_(self) -> str:
        rows = [
            ("lost per day", self.lost_per_day),
            ("of these silent, per day", self.silent * DAY),
            ("pairs won by the earlier, per day", self.reversed * DAY),
        ]
        return _html.table(rows, caption="Last write wins")


def last_write_wins(
    rates: Sequence[Quantity],
    delays: Delays,
    offsets: Sequence[Quantity] | None = None,
    *,
    hybrid: bool = False,
) -> LastWriteWins:
    """Return how many writes to one key last write wins loses.

    Parameters
    ----------
    rates : sequence of float, array or expression
        Writes to the key per second at each site (Poisson).
    delays : float, Duration, or square of them
        One-way delay from site i (row) to site j (column) in s; one value for all.
    offsets : sequence of float, array or expression, optional
        How far each site's clock is ahead of true time in s; all right if not given.
        Single numbers where a delay is random.
    hybrid : bool
        Whether timestamps come from hybrid logical clocks, which never fall behind a
        value that the site has seen.

    Raises
    ------
    ValueError
        If a number is out of range, or the lengths differ.

    Notes
    -----
    With δ the lead of j's clock over i's, a write at i loses to those at j from δ
    before it to d_ij after it.  While -d_ij < δ < d_ji the winner is a concurrent
    write; with δ > d_ji it may be one that the loser had read.  Perfect clocks lose as
    many writes as there are rivals after them: the rule keeps the last write and loses
    the others, skewed or not.  With random delays d_ij is one draw for each write, and
    d_ji one for each of its rivals, whatever delayed the writes beside them.

    Examples
    --------
    Two sites, one write a second each, 40 ms one way: with perfect clocks, then with
    the second clock 100 ms ahead:

    >>> round(last_write_wins([1, 1], 0.040).lost_per_day)
    6776
    >>> skewed = last_write_wins([1, 1], 0.040, [0, 0.100])
    >>> round(skewed.lost_per_day), round(skewed.silent * 86400)
    (11287, 5032)
    """
    rates = rates_of(rates)
    rows = delays_between(delays, len(rates))
    leads = _leads(len(rates), offsets)
    lost: Quantity = 0
    silent: Quantity = 0
    turned: Quantity = 0
    shares = []
    for i, rate in enumerate(rates):
        beaten: Quantity = 0
        hidden: Quantity = 0
        for j, other in enumerate(rates):
            if i == j:
                continue
            lead, back = leads[i][j], rows[j][i]
            over = _lag_below(back, lead)  # how long ahead of what has arrived
            if hybrid:  # no lead over a value that has arrived
                lead, over = lead - over, 0
            beaten = _either(beaten, _rivals(other, rows[i][j], lead))
            hidden = hidden + other * over
            turned = turned + rate * other * larger(lead, 0)
        shares.append(beaten)
        lost = lost + rate * beaten
        silent = silent + rate * chance(hidden)
    whole = {"lost": lost, "silent": silent, "reversed": turned}
    return LastWriteWins(
        shares=tuple(shares), **{k: plain(v) for k, v in whole.items()}
    )


def _rivals(rate: Quantity, delay: Quantity | Duration, lead: Quantity) -> Quantity:
    """Return P(a rival writes from the lead before a write until it has arrived)."""
    if not hasattr(delay, "lst"):
        return chance(rate * at_least_zero(delay + lead))
    rate, behind = np.asarray(rate), max(-lead, 0)  # a clock that is behind wins late
    soon = behind + 2.0 ** np.arange(20) / max(float(rate.max()), 1e-300)
    beyond, weights = _pieces(delay, soon, (behind, np.inf))
    falls = np.exp(-rate[..., None] * (beyond - behind)) * weights * delay.sf(beyond)
    return _either(chance(rate * max(lead, 0)), plain(rate * falls.sum(axis=-1)))


def _lag_below(delay: Quantity | Duration, lead: Quantity) -> Quantity:
    """Return by how much a delay is shorter than a lead, on average."""
    if not hasattr(delay, "lst"):
        return at_least_zero(lead - delay)
    if lead <= 0:
        return 0
    below, weights = _pieces(delay, np.array([lead]), (0, lead))
    return float(weights @ delay.cdf(below))


def _pieces(
    delay: Duration, cuts: FloatArray, ends: tuple[float, float]
) -> tuple[FloatArray, FloatArray]:
    """Return points and weights of an integral over times between two ends."""
    found = np.concatenate([edges(delay.law), cuts])
    top = found.max() if np.isinf(ends[1]) else ends[1]
    return panels(np.unique(np.clip(found, ends[0], top)), 24)


def _either(one: Quantity, other: Quantity) -> Quantity:
    """Return P(one or the other), of two that are independent."""
    return one + (1 - one) * other


def _leads(sites: int, offsets: Sequence[Quantity] | None) -> list[list[Quantity]]:
    """Return how far the clock of each column is ahead of that of the row."""
    ahead = [0] * sites if offsets is None else list(offsets)
    if len(ahead) != sites:
        raise ValueError(f"offsets must hold {sites} values, got {len(ahead)}")
    _check.finite(**{f"offsets[{i}]": value for i, value in enumerate(ahead)})
    return [[other - mine for other in ahead] for mine in ahead]
