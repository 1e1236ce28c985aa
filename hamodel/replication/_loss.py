"""What a failure takes: recovery point objective in time and in writes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from hamodel import _check, _html, text
from hamodel._types import FloatArray, Quantity
from hamodel.duration import Duration
from hamodel.replication._integrate import nodes
from hamodel.replication._stage import plain


@dataclass(frozen=True, kw_only=True, eq=False)
class LostCount:
    """How many writes the survivors lack: a count, mixed over the time they take.

    Parameters
    ----------
    rate : float
        Writes per second.
    lag : Duration
        Time from a write's commit until it is safe.
    weight : float
        Probability that this is the case at all; else nothing is lost.
    dispersion : float
        Variance over mean of the writes that come in a given time: 1 for a Poisson
        stream, more for bursts (a negative binomial count).

    Notes
    -----
    Little's law holds for the whole law, not only for the mean, where writes stay in
    order and do not delay those before them: what is under way at a random moment is
    as many as come during one lag.  Keilson and Servi (1988), A distributional form
    of Little's law, Operations Research Letters 7(5).  Behind an M/M/1 sender the
    number is geometric, in a network alone Poisson.

    Examples
    --------
    >>> from hamodel import duration
    >>> lost = LostCount(rate=900, lag=duration.exponential(0.01))
    >>> lost.mean, lost.quantile(0.99), round(lost.sf(0), 12)
    (9.0, 43, 0.9)

    Writes that come some ten at a time are lost less often, but more at once:

    >>> bursts = LostCount(rate=900, lag=duration.exponential(0.01), dispersion=10)
    >>> bursts.mean, bursts.quantile(0.99), round(bursts.sf(0), 2)
    (9.0, 59, 0.7)
    """

    rate: float
    lag: Duration
    weight: float = 1.0
    dispersion: float = 1.0

    def __post_init__(self) -> None:
        _check.non_negative(rate=self.rate)
        _check.probability(weight=self.weight)
        _check.between(1, 1e6, dispersion=self.dispersion)

    @property
    def mean(self) -> float:
        """Mean number of writes."""
        return float(self.weight * self.rate * self.lag.mean)

    @property
    def var(self) -> float:
        """Variance of the number of writes."""
        spread = self.dispersion * self.rate * self.lag.mean
        second = self.rate**2 * self.lag.moment(2) + spread
        return float(self.weight * second - self.mean**2)

    def sf(self, n: ArrayLike) -> Quantity:
        """Return the probability that more than n writes are lost.

        Parameters
        ----------
        n : array_like
            Numbers of writes, at least 0.
        """
        _check.whole(0, n=n)
        counts = np.asarray(n, float)
        answer = [self._above(float(k)) for k in counts.ravel()]
        return plain(np.array(answer).reshape(counts.shape))

    def quantile(self, p: float) -> int:
        """Return the number of writes that is not exceeded with probability p.

        Parameters
        ----------
        p : float
            Probability in [0, 1).

        Returns
        -------
        int
            The least n with P(lost <= n) >= p.
        """
        _check.probability(p=p)
        if p == 1:
            raise ValueError("p must be < 1, got 1: the number has no bound")
        goal = 1 - p
        low, high = -1, 1
        while self._above(high) > goal:
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            if self._above(middle) > goal:
                low = middle
            else:
                high = middle
        return high

    def _above(self, n: float) -> float:
        if self.rate == 0:
            return 0.0
        # width of the step that the count makes along the lag
        width = np.sqrt(self.dispersion * (n + 1))
        cuts = (n + 1 + width * np.arange(-8, 9, 2)) / self.rate
        ends = [e for e in self.lag.support if np.isfinite(e)]
        at, weights = nodes(self.lag, [*np.maximum(cuts, 0.0), *ends])
        return float(self.weight * (weights @ self._more_than(n, self.rate * at)))

    def _more_than(self, n: float, mean: FloatArray) -> FloatArray:
        """Return the probability that a count of some mean is above n."""
        from scipy.special import betainc, gammainc

        if self.dispersion == 1:
            return np.asarray(gammainc(n + 1, mean), float)
        over = self.dispersion - 1
        some = np.maximum(mean / over, 1e-300)
        return np.where(mean > 0, betainc(n + 1, some, over / self.dispersion), 0.0)

    def _repr_html_(self) -> str:
        rows = [
            ("mean", text.number(self.mean, 4)),
            ("none", text.number(1 - self._above(0), 4)),
            ("99 %", str(self.quantile(0.99))),
        ]
        return _html.table(rows, caption="lost writes")


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class LossByFailure:
    """What one kind of failure takes at a random moment.

    Attributes
    ----------
    failure : str
        "process", "network" or "site".
    time : Duration
        Age of the oldest acknowledged write that is lost; 0 if none is.
    writes : LostCount
        Number of acknowledged writes that are lost.
    """

    failure: str
    time: Duration
    writes: LostCount

    @property
    def probability(self) -> float:
        """Probability that anything is lost at all."""
        return float(self.time.sf(0.0))

    @property
    def given(self) -> FloatArray:
        """Mean age in s of the oldest lost write, if any is lost."""
        chance = self.probability
        return np.asarray(self.time.mean / chance if chance > 0 else 0.0)[()]

    def __repr__(self) -> str:
        return (
            f"<Loss by {self.failure}: with probability "
            f"{text.number(self.probability)}, "
            f"mean {text.time(float(self.time.mean))}, "
            f"{text.number(self.writes.mean)} writes>"
        )

    def _repr_html_(self) -> str:
        at = self.time.quantile([0.5, 0.99, 0.999])
        rows = [
            ("anything lost", text.number(self.probability)),
            ("mean age", text.time(float(self.time.mean))),
            *(
                (n, text.time(float(x)))
                for n, x in zip(("50 %", "99 %", "99.9 %"), at, strict=True)
            ),
            ("mean number of writes", text.number(self.writes.mean, 4)),
        ]
        return _html.table(rows, caption=f"loss by {self.failure} failure")
