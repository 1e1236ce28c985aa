"""What waiting for standbys costs when they fail."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

import numpy as np

from hamodel import _check, _html, duration, text
from hamodel._quadrature import panels
from hamodel._types import Quantity
from hamodel.duration import Duration
from hamodel.replication._stage import plain
from hamodel.units import YEAR


@dataclass(frozen=True, kw_only=True, eq=False)
class Protection:
    """How often commits stand still for want of standbys, and go on without them.

    Attributes
    ----------
    blocked : float, array or SymPy expression
        Share of time in which no commit returns, because too few standbys answer.
    unprotected : float, array or SymPy expression
        Share of time in which commits return with fewer copies than asked for.
    stalls : float, array or SymPy expression
        Stalls per second.
    stall : float, array or SymPy expression
        Mean length of a stall in s.
    """

    blocked: Quantity
    unprotected: Quantity
    stalls: Quantity
    stall: Quantity

    def _repr_html_(self) -> str:
        values = (self.blocked, self.unprotected, self.stalls, self.stall)
        if any(np.ndim(v) or _check.is_symbolic(v) for v in values):
            rows = [("blocked", self.blocked), ("unprotected", self.unprotected)]
            return _html.table(rows, caption="Protection")
        rows = [
            ("blocked", f"{text.time(self.blocked * YEAR)} a year"),
            ("unprotected", f"{text.time(self.unprotected * YEAR)} a year"),
            ("stalls", f"{text.number(self.stalls * YEAR)} a year"),
            ("mean stall", text.time(self.stall)),
        ]
        return _html.table(rows, caption="Protection")


@dataclass(frozen=True, kw_only=True, eq=False)
class Standbys:
    """Independent standbys that fail and are repaired, of which k must answer."""

    count: int
    needed: int
    mttf: Quantity
    mttr: Quantity

    def __post_init__(self) -> None:
        _check.positive(mttf=self.mttf)
        _check.positive(mttr=self.mttr)

    def exactly(self, up: int) -> Quantity:
        """Probability that so many are up."""
        n, total = self.count, self.mttf + self.mttr
        share = self.mttf / total
        return comb(n, up) * share**up * (self.mttr / total) ** (n - up)

    @property
    def short(self) -> Quantity:
        """Probability that fewer than needed are up."""
        return sum(self.exactly(j) for j in range(self.needed))

    @property
    def losses(self) -> Quantity:
        """Times per second that one too many goes."""
        return self.exactly(self.needed) * self.needed / self.mttf

    @property
    def shortage(self) -> Duration:
        """How long it then takes until enough are up again."""
        k, n = self.needed, self.count
        mttf, mttr = np.broadcast_arrays(
            np.asarray(self.mttf, float), np.asarray(self.mttr, float)
        )
        rates = np.zeros((*mttf.shape, k, k))
        for j in range(k):  # j standbys are up
            up, down = (n - j) / mttr, j / mttf
            rates[..., j, j] = -(up + down)
            if j + 1 < k:
                rates[..., j, j + 1] = up
            if j:
                rates[..., j, j - 1] = down
        return duration.phase_type(np.eye(k)[-1], rates)

    def shortage_up_to(self, timeout: Quantity) -> Quantity:
        """Mean of the shorter of the shortage and a timeout."""
        if any(map(_check.is_symbolic, (self.mttf, self.mttr, timeout))):
            if self.needed > 1:
                raise ValueError("a formula needs acknowledgements = 1")
            import sympy

            mean = self.mttr / self.count
            return mean * (1 - sympy.exp(-timeout / mean))
        return _mean_up_to(self.shortage, timeout)

    def protection(self, timeout: Quantity | None) -> Protection:
        """Return the price of waiting, without end if there is no timeout."""
        if timeout is None:
            length = self.short / self.losses
            return Protection(
                blocked=self.short, unprotected=0.0, stalls=self.losses, stall=length
            )
        stall = self.shortage_up_to(timeout)
        blocked = self.losses * stall
        rest = self.short - blocked
        if not any(map(_check.is_symbolic, (rest, timeout))):
            beyond = self.shortage.sf(timeout) * self.shortage.mean_excess(timeout)
            rest = plain(self.losses * beyond)
        return Protection(
            blocked=blocked, unprotected=rest, stalls=self.losses, stall=stall
        )

    def dropped_after(self, timeout: Quantity) -> Protection:
        """Return the price of waiting for each standby until it is dropped, or back.

        A standby is up, or down for less than the timeout, or dropped.  Commits return
        where none is waited for and enough are up.
        """
        n, total = self.count, self.mttf + self.mttr
        up, down = self.mttf / total, self.mttr / total
        if any(map(_check.is_symbolic, (self.mttf, self.mttr, timeout))):
            import sympy

            gone = down * sympy.exp(-timeout / self.mttr)
            fresh = down - gone
        else:
            gone = down * np.exp(-np.asarray(timeout, float) / self.mttr)
            fresh = -down * np.expm1(-np.asarray(timeout, float) / self.mttr)
        waiting = sum(
            comb(n, j) * up**j * fresh * down**i * gone ** (n - j - 1 - i)
            for j in range(self.needed, n)
            for i in range(n - j)
        )
        blocked, stalls = self.short + waiting, n / total
        return Protection(
            blocked=plain(blocked),
            unprotected=0.0,
            stalls=stalls,
            stall=plain(blocked / stalls),
        )


def _mean_up_to(law: Duration, timeout: Quantity) -> Quantity:
    """E min(X, timeout): the integral of P(X > t) up to the timeout."""
    end = np.asarray(timeout, float)
    mean = np.asarray(law.mean)
    top = np.minimum(end, 60 * mean)
    t, weight = panels(np.linspace(0, top, 9), 40)
    return plain((weight * law.sf(t)).sum(axis=0))
