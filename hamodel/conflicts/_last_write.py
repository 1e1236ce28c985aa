"""Last write wins: what the rule throws away, and what skewed clocks add to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hamodel import _check, _html
from hamodel._types import Quantity
from hamodel.conflicts._sites import (
    Delays,
    at_least_zero,
    chance,
    delays_between,
    larger,
    numbers_only,
    plain,
    rates_of,
    smaller,
)
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
    delays : float or square of them
        One-way delay from site i (row) to site j (column) in s; one value for all.
    offsets : sequence of float, array or expression, optional
        How far each site's clock is ahead of true time in s; all right if not given.
    hybrid : bool
        Whether timestamps come from hybrid logical clocks, which never fall behind a
        value that the site has seen.

    Raises
    ------
    ValueError
        If a number is out of range, a delay random, or the lengths differ.

    Notes
    -----
    With δ the lead of j's clock over i's, a write at i loses to those at j from δ
    before it to d_ij after it.  While -d_ij < δ < d_ji the winner is a concurrent
    write; with δ > d_ji it may be one that the loser had read.  Perfect clocks lose as
    many writes as there are rivals after them: the rule keeps the last write and loses
    the others, skewed or not.

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
    rows = numbers_only(delays_between(delays, len(rates)))
    leads = _leads(len(rates), offsets)
    lost: Quantity = 0
    silent: Quantity = 0
    turned: Quantity = 0
    shares = []
    for i, rate in enumerate(rates):
        beaten: Quantity = 0
        seen: Quantity = 0
        for j, other in enumerate(rates):
            if i == j:
                continue
            lead = leads[i][j]
            if hybrid:  # no lead over a value that has arrived
                lead = smaller(lead, rows[j][i])
            beaten = beaten + other * at_least_zero(rows[i][j] + lead)
            seen = seen + other * at_least_zero(lead - rows[j][i])
            turned = turned + rate * other * larger(lead, 0)
        shares.append(chance(beaten))
        lost = lost + rate * chance(beaten)
        silent = silent + rate * chance(seen)
    whole = {"lost": lost, "silent": silent, "reversed": turned}
    return LastWriteWins(
        shares=tuple(shares), **{k: plain(v) for k, v in whole.items()}
    )


def _leads(sites: int, offsets: Sequence[Quantity] | None) -> list[list[Quantity]]:
    """Return how far the clock of each column is ahead of that of the row."""
    ahead = [0] * sites if offsets is None else list(offsets)
    if len(ahead) != sites:
        raise ValueError(f"offsets must hold {sites} values, got {len(ahead)}")
    _check.finite(**{f"offsets[{i}]": value for i, value in enumerate(ahead)})
    return [[other - mine for other in ahead] for mine in ahead]
