"""Machine repair: a finite number of units, a limited number of repair crews."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hamodel import _check
from hamodel._quantity import hold
from hamodel.queueing import _finite, _numeric, _report

if TYPE_CHECKING:
    from collections.abc import Callable

    from hamodel._types import FloatArray, Quantity


@dataclass(frozen=True, eq=False)
class MachineRepair:
    """Units that fail while they work, queueing for repair crews: M/M/c//N.

    Read the other way round it is a service with a fixed set of clients: each thinks
    for `uptime`, sends a request, and waits for its answer of `repair` seconds at one
    of `crews` servers before it thinks again.

    Parameters
    ----------
    units : int
        Number of units (clients).
    uptime : float, array_like or sympy.Expr
        Mean time in s that a repaired unit works before it fails (think time).
    repair : float, array_like or sympy.Expr
        Mean repair (service) time in s.
    crews : int
        Number of repairs that go on at once.

    Raises
    ------
    ValueError
        If a field is out of range.

    Notes
    -----
    A finite source slows down when it waits, so that it is never overloaded.  Gross,
    Shortle, Thompson and Harris (2008), Fundamentals of Queueing Theory, section 2.8.
    A unit that fails sees the state that the others alone would have (the arrival
    theorem), which gives the percentiles.

    Examples
    --------
    >>> shop = MachineRepair(units=10, uptime=10.0, repair=1.0, crews=2)
    >>> round(shop.mean_failed, 6), round(shop.repair_quantile(0.95), 4)
    (1.038638, 3.3372)
    """

    units: int
    uptime: Quantity
    repair: Quantity
    crews: int = 1

    def __post_init__(self) -> None:
        hold(self, "uptime", "repair")
        _check.whole(1, units=self.units, crews=self.crews)
        _check.positive(uptime=self.uptime, repair=self.repair)

    @property
    def failed_pmf(self) -> Quantity:
        """Probabilities of 0..units failed units, along the last axis."""
        if _numeric.symbolic(self.uptime, self.repair):
            return _symbolic_pmf(self)
        return _pmf(self, self.units)

    @property
    def mean_failed(self) -> Quantity:
        """Mean number of failed units, in repair or waiting for it."""
        return self._mean(lambda n: n)

    @property
    def mean_waiting(self) -> Quantity:
        """Mean number of failed units that wait for a crew."""
        return self._mean(lambda n: max(n - self.crews, 0))

    @property
    def utilisation(self) -> Quantity:
        """Fraction of time that a crew is busy."""
        return self._mean(lambda n: min(n, self.crews)) / self.crews

    @property
    def throughput(self) -> Quantity:
        """Failures, and repairs, in 1/s."""
        return self.utilisation * self.crews / self.repair

    @property
    def mean_wait(self) -> Quantity:
        """Mean time in s that a failed unit waits for a crew."""
        return _numeric.ratio(self.mean_waiting, self.throughput)

    @property
    def mean_response(self) -> Quantity:
        """Mean time in s from failure to the end of the repair."""
        return _numeric.ratio(self.mean_failed, self.throughput)

    def too_few(self, needed: int) -> Quantity:
        """Probability that fewer than `needed` units work.

        Parameters
        ----------
        needed : int
            Units that the service needs, from 1 to `units`.

        Returns
        -------
        float, ndarray or sympy.Expr
            Probability, summed over the states that lack units.

        Examples
        --------
        >>> shop = MachineRepair(units=3, uptime=2000.0, repair=4.0, crews=1)
        >>> round(shop.too_few(2) * 1e6, 3)
        23.904
        """
        _check.whole(1, needed=needed)
        if needed > self.units:
            raise ValueError(f"needed must be <= units ({self.units}), got {needed}")
        return self._mean(lambda n: int(n > self.units - needed))

    def wait_sf(self, t: Quantity) -> Quantity:
        """Probability that a failed unit waits longer than t for a crew.

        Parameters
        ----------
        t : array_like
            Time in s, at least 0.

        Returns
        -------
        float or ndarray
            Probability.

        Examples
        --------
        >>> shop = MachineRepair(units=10, uptime=10.0, repair=1.0, crews=2)
        >>> round(shop.wait_sf(0.0), 4)
        0.2199
        """
        _check.non_negative(t=t)
        return _numeric.plain(_finite.wait_sf(self._turns, np.asarray(t, float)))

    def repair_sf(self, t: Quantity) -> Quantity:
        """Probability that it takes longer than t to have a unit back.

        Parameters
        ----------
        t : array_like
            Time in s since the failure, at least 0.

        Returns
        -------
        float or ndarray
            Probability.

        Examples
        --------
        >>> shop = MachineRepair(units=10, uptime=10.0, repair=1.0, crews=2)
        >>> round(shop.repair_sf(3.0), 4)
        0.0691
        """
        _check.non_negative(t=t)
        return _numeric.plain(_finite.response_sf(self._turns, np.asarray(t, float)))

    def wait_quantile(self, p: Quantity) -> Quantity:
        """Wait for a crew that a fraction p of the failures does not exceed.

        Parameters
        ----------
        p : array_like
            Fraction in [0, 1].

        Returns
        -------
        float or ndarray
            Time in s.

        Examples
        --------
        >>> shop = MachineRepair(units=10, uptime=10.0, repair=1.0, crews=2)
        >>> round(shop.wait_quantile(0.99), 4)
        2.2024
        """
        return _numeric.quantile(self.wait_sf, p, self._scale)

    def repair_quantile(self, p: Quantity) -> Quantity:
        """Time to have a unit back that a fraction p does not exceed.

        Parameters
        ----------
        p : array_like
            Fraction in [0, 1].

        Returns
        -------
        float or ndarray
            Time in s.

        Examples
        --------
        >>> shop = MachineRepair(units=10, uptime=10.0, repair=1.0, crews=2)
        >>> round(shop.repair_quantile(0.5), 4)
        0.8412
        """
        return _numeric.quantile(self.repair_sf, p, self._scale)

    def _repr_html_(self) -> str:
        names = ["mean_failed", "utilisation", "mean_wait", "mean_response"]
        return _report.html(self, names)

    def _mean(self, value: Callable[[int], int]) -> Quantity:
        values = [value(n) for n in range(self.units + 1)]
        pmf = self.failed_pmf
        if _numeric.symbolic(self.uptime, self.repair):
            import sympy

            return sympy.cancel(sum(v * p for v, p in zip(values, pmf, strict=True)))
        return _numeric.plain(pmf @ np.array(values, float))

    @property
    def _turns(self) -> _finite.Turns:
        seen = _pmf(self, self.units - 1)[..., self.crews :]
        delayed = seen.sum(axis=-1)
        if seen.shape[-1] == 0:
            seen = np.zeros((*seen.shape[:-1], 1))
        weights = seen / np.where(delayed > 0, delayed, 1.0)[..., None]
        places = np.arange(1.0, seen.shape[-1] + 1)
        return _finite.Turns(delayed, places, weights, self.crews, self.repair)

    @property
    def _scale(self) -> FloatArray:
        return np.asarray(self.mean_response, float)


def _pmf(shop: MachineRepair, units: int) -> FloatArray:
    """State probabilities with this many units, by ratios of neighbours in logs."""
    n = np.arange(1, units + 1)
    ratio = np.asarray(shop.repair, float) / np.asarray(shop.uptime, float)
    steps = (
        np.log((units - n + 1) / np.minimum(n, shop.crews)) + np.log(ratio)[..., None]
    )
    logs = np.concatenate([np.zeros((*ratio.shape, 1)), np.cumsum(steps, axis=-1)], -1)
    weights = np.exp(logs - logs.max(axis=-1, keepdims=True))
    total: FloatArray = weights / weights.sum(axis=-1, keepdims=True)
    return total


def _symbolic_pmf(shop: MachineRepair) -> tuple[Quantity, ...]:
    import sympy

    ratio = sympy.sympify(shop.repair) / shop.uptime
    weights = [sympy.Integer(1)]
    for n in range(1, shop.units + 1):
        factor = sympy.Rational(shop.units - n + 1, min(n, shop.crews))
        weights.append(weights[-1] * factor * ratio)
    total = sum(weights)
    return tuple(sympy.cancel(w / total) for w in weights)
