"""The one public type: a law with arithmetic, questions and a readable face."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from hamodel import _check, _html, text
from hamodel._types import FloatArray, Quantity
from hamodel.duration import _algebra
from hamodel.duration.law import Law

if TYPE_CHECKING:
    from types import ModuleType


@dataclass(frozen=True, eq=False, repr=False)
class Duration:
    """A random time that is never negative.

    Made by the functions of `hamodel.duration`, not by hand.  Durations are
    independent of each other, immutable, and add: `d1 + d2` is the law of the sum,
    `d + 3` comes 3 s later, `2 * d` takes twice as long.

    Notes
    -----
    Parameters may be arrays: the duration is then a stack of laws of shape
    `d.shape`, and the arguments of `cdf`, `sf`, `quantile`, `lst` are broadcast
    against that shape by NumPy's rules.  For k times of each law of a stack of
    shape (n,), ask with times of shape (k, 1).

    Examples
    --------
    >>> from hamodel import duration
    >>> rto = duration.uniform(0, 10) + duration.constant(30)
    >>> rto.mean, rto.quantile(0.95)
    (35.0, 39.5)
    >>> rto.sf([35, 39])
    array([0.5, 0.1])
    """

    law: Law

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the stack; () for one law."""
        return self.law.shape

    @property
    def mean(self) -> Quantity:
        """Mean in s; inf if the tail is that heavy."""
        return _out(self.law.mean)

    @property
    def var(self) -> Quantity:
        """Variance in s^2."""
        return _out(self.law.var)

    @property
    def std(self) -> Quantity:
        """Standard deviation in s."""
        return self.var**0.5

    @property
    def cv(self) -> Quantity:
        """Coefficient of variation: standard deviation over mean, 0 if both are."""
        if _check.is_symbolic(self.mean):
            return self.std / self.mean
        mean, std = np.asarray(self.mean), np.asarray(self.std)
        with np.errstate(invalid="ignore"):
            ratio = np.where(np.isinf(std), np.inf, std / np.where(mean == 0, 1, mean))
            return _out(np.where(std == 0, 0.0, ratio))

    @property
    def support(self) -> tuple[Quantity, Quantity]:
        """Least and greatest possible time in s."""
        low, high = self.law.support
        return _out(low), _out(high)

    @property
    def phases(self) -> tuple[FloatArray, FloatArray] | None:
        """Start probabilities and rates of a phase-type form; None if it has none.

        What the start lacks to 1 is the probability of no time at all.
        """
        law = _algebra.as_phase(self.law)
        return None if law is None else (law.alpha, law.T)

    def moment(self, order: int) -> Quantity:
        """Return the raw moment E X^order in s^order; inf if it does not exist."""
        _check.whole(0, order=order)
        return _out(self.law.moment(order)) if order else 1.0

    def cdf(self, t: ArrayLike) -> FloatArray:
        """Return P(X <= t)."""
        return _out(self.law.cdf(_times(t)))  # type: ignore[no-any-return]

    def sf(self, t: Quantity) -> Quantity:
        """Return P(X > t), computed as a tail, never as 1 - cdf; or a formula."""
        if _check.is_symbolic(t) or _algebra.is_formula(self.law):
            rate, shift = _algebra.exponential_form(self.law)
            return _sympy().exp(-rate * (t - shift))
        return _out(self.law.sf(_times(t)))

    def quantile(self, p: Quantity) -> Quantity:
        """Return the least time t in s with P(X <= t) >= p, or a formula of it."""
        if _check.is_symbolic(p) or _algebra.is_formula(self.law):
            rate, shift = _algebra.exponential_form(self.law)
            return shift - _sympy().log(1 - p) / rate
        _check.probability(p=p)
        share = np.asarray(p, float)
        return _out(self.law.quantile(share, 1 - share))

    def upper_quantile(self, q: ArrayLike) -> FloatArray:
        """Return the time that is exceeded with probability q, however small q is."""
        _check.probability(q=q)
        share = np.asarray(q, float)
        return _out(self.law.quantile(1 - share, share))  # type: ignore[no-any-return]

    def sample(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw independent times.

        Parameters
        ----------
        n : int
            How many of each law of the stack.
        rng : numpy.random.Generator
            Source of randomness.

        Returns
        -------
        ndarray, shape (n, *shape)
            Times in s.
        """
        _check.whole(0, n=n)
        _check.instance(np.random.Generator, rng=rng)
        return self.law.sample((int(n), *self.shape), rng)

    def lst(self, s: ArrayLike) -> Quantity:
        """Return the Laplace-Stieltjes transform E exp(-s X).

        Parameters
        ----------
        s : array_like
            Rates in 1/s, real or complex, with real part >= 0.

        Raises
        ------
        ValueError
            If a real part is negative, or an imaginary part so large that the integral
            of a law without a closed form cannot follow its turns.
        """
        s = np.asarray(s)
        _check.non_negative(s=s.real)
        s = s if s.dtype.kind == "c" else s.astype(float)
        return _out(np.where(s == 0, 1.0, self.law.lst(np.where(s == 0, 1.0, s))))

    def mean_excess(self, t: ArrayLike) -> FloatArray:
        """Return E(X - t | X > t): how long it still takes if it has taken t."""
        at = _times(t)
        beyond, share = self.law.excess(at), self.law.sf(at)
        with np.errstate(invalid="ignore", divide="ignore"):
            return _out(np.where(share > 0, beyond / share, 0.0))  # type: ignore[no-any-return]

    def residual(self) -> Duration:
        """Return what is left of X at a random moment of a renewal process.

        Returns
        -------
        Duration
            The equilibrium law, of density P(X > t) / E X.

        Raises
        ------
        ValueError
            If the mean is 0 or infinite.

        Notes
        -----
        Its mean is E X^2 / (2 E X): more than half of E X, because a random moment
        falls more often into a long interval.  Source: Feller (1971), volume II,
        section XI.4.

        Examples
        --------
        >>> from hamodel import duration
        >>> duration.constant(10).residual().mean
        5.0
        >>> round(duration.hyperexponential([0.9, 0.1], [1, 21]).residual().mean, 9)
        15.0
        """
        _check.positive(mean=self.mean)
        return Duration(_algebra.residual(self.law))

    def __add__(self, other: object) -> Duration:
        if isinstance(other, Duration):
            return Duration(_algebra.plus(self.law, other.law))
        if isinstance(other, (int, float, np.ndarray, np.number)):
            _check.non_negative(shift=other)
            return Duration(_algebra.affine(self.law, 1.0, _algebra.plain(other)))
        return NotImplemented

    __radd__ = __add__
    __array_ufunc__ = None  # so that array + Duration comes here

    def __mul__(self, factor: object) -> Duration:
        if isinstance(factor, (int, float, np.ndarray, np.number)):
            _check.non_negative(factor=factor)
            return Duration(_algebra.affine(self.law, _algebra.plain(factor), 0.0))
        return NotImplemented

    __rmul__ = __mul__

    def __repr__(self) -> str:
        return f"<Duration {self.law.name}{self._summary()}>"

    def _summary(self) -> str:
        if self.shape:
            return f", shape {self.shape}"
        if _check.is_symbolic(self.law.mean):
            return ""
        mean, std = self.mean, self.std
        cv = (
            std / mean if 0 < mean < np.inf else float(std > 0) * np.inf if std else 0.0
        )
        return f": mean {_time(mean)}, cv {cv:.3g}"

    def _repr_html_(self) -> str:
        if self.shape or _check.is_symbolic(self.law.mean):
            return _html.table([("duration", repr(self))])
        rows = [("mean", _time(self.mean)), ("standard deviation", _time(self.std))]
        points = self.quantile([0.5, 0.95, 0.99, 0.999])
        names = ("median", "95 %", "99 %", "99.9 %")
        rows += [(n, text.time(float(x))) for n, x in zip(names, points, strict=True)]
        return _html.table(rows, caption=self.law.name)


def _time(seconds: float) -> str:
    return "infinite" if seconds == np.inf else text.time(seconds)


def _sympy() -> ModuleType:  # imported when a symbol asks for it
    sympy: ModuleType = import_module("sympy")
    return sympy


def _times(t: ArrayLike) -> FloatArray:
    times = np.asarray(t, float)
    if np.isnan(times).any():
        raise ValueError("t must be a number, got nan")
    return times


def _out(value: Quantity) -> Quantity:
    """Return a plain float for a single number."""
    if isinstance(value, (np.ndarray, np.generic)) and np.ndim(value) == 0:
        return value.item()
    return value
