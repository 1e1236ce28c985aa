"""Retries in the steady state: fixed points, tipping points, budgets."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hamodel import _check, _html, fields, text
from hamodel._types import FloatArray, Quantity
from hamodel.queueing import MMc

_GRID = 2001  # loads at which the balance of the fixed points is looked at


def amplification(failure: Quantity, retries: int) -> Quantity:
    """Count the attempts per request when each attempt fails with the same probability.

    Parameters
    ----------
    failure : array_like or sympy.Expr
        Probability that an attempt fails.
    retries : int
        Attempts after the first one.

    Returns
    -------
    float, ndarray or sympy.Expr
        1 + f + f^2 + ... + f^retries.

    Raises
    ------
    ValueError
        If failure is no probability or retries no whole number.

    Examples
    --------
    >>> amplification(0.5, 3), amplification(1.0, 3)
    (1.875, 4.0)
    """
    _check.probability(failure=failure)
    _check.whole(0, retries=retries)
    if not _check.is_symbolic(failure):
        failure = np.asarray(failure, float)
    total: Quantity = 1.0 if isinstance(failure, np.ndarray) else 1
    for _ in range(int(retries)):
        total = 1 + failure * total
    return _plain(total + 0 * failure)


def budgeted(failure: float, retries: int, budget: float | None) -> tuple[float, float]:
    """Return the attempts per request under a budget, and P(a request fails).

    Parameters
    ----------
    failure : float
        Probability that an attempt fails.
    retries : int
        Attempts after the first one.
    budget : float or None
        Most retries per request, over all clients; beyond it a request is given up
        when its attempt fails.  None: no limit.

    Examples
    --------
    >>> budgeted(0.5, 3, None)
    (1.875, 0.0625)
    >>> attempts, fails = budgeted(0.5, 3, 0.1)
    >>> round(attempts, 3), round(fails, 3)
    (1.1, 0.45)
    """
    attempts = float(amplification(failure, retries))
    if budget is None or attempts <= 1 + budget:
        return attempts, float(failure) ** (retries + 1)
    return 1 + budget, 1 - (1 + budget) * (1 - failure)


@dataclass(frozen=True, kw_only=True)
class SteadyState:
    """A load at which what the clients send is what makes them send it.

    Parameters
    ----------
    offered : float
        Attempts per second.
    amplification : float
        Attempts per request.
    failure : float
        Probability that an attempt fails.
    goodput : float
        Requests answered in time, in 1/s.
    stable : bool
        Whether the service comes back here after a small push.
    """

    offered: float
    amplification: float
    failure: float
    goodput: float
    stable: bool


@fields.specification
class Retries:
    """A service whose clients ask again when the answer takes too long.

    Parameters
    ----------
    retries : int
        Attempts after the first one: "three attempts" are two retries, and five layers
        of them make 3^5 = 243 attempts where none succeeds.
    capacity : int, optional
        Most attempts in the system; others are turned away at once (and retried).
    shed : float
        Share of the attempts that is turned away unseen, before the queue.

    Examples
    --------
    Half load, three retries, patience for 20 service times: two stable states.

    >>> model = Retries(arrival=0.5, service=1.0, timeout=20.0, retries=3)
    >>> [round(s.amplification, 3) for s in model.states if s.stable]
    [1.0, 4.0]
    >>> round(model.critical_budget, 3)
    0.935
    """

    arrival: float = fields.rate("new requests", above=True)
    service: float = fields.span("mean service time")
    timeout: float = fields.span("time until a client gives an attempt up")
    retries: int = fields.whole("attempts after the first one", 0, default=3)
    servers: int = fields.whole("servers", default=1)
    budget: float | None = fields.number(
        "most retries per new request, over all clients", default=None
    )
    capacity: int | None = fields.whole("most attempts in the system", default=None)
    shed: float = fields.share("attempts turned away unseen", default=0.0)

    def __post_init__(self) -> None:
        fields.check(self)
        MMc(self.arrival, self.service, self.servers, self.capacity)

    @property
    def load(self) -> float:
        """Load per server of the new requests alone."""
        return self.arrival * self.service / self.servers

    def failure(self, offered: Quantity) -> Quantity:
        """Probability that an attempt fails at so many attempts per second.

        Parameters
        ----------
        offered : array_like
            Attempts in 1/s, retries included.

        Returns
        -------
        float or ndarray
            Probability of being turned away or answered too late.

        Examples
        --------
        >>> Retries(arrival=0.5, service=1.0, timeout=20.0).failure([0.5, 0.9, 1.5])
        array([0.000045, 0.135335, 1.      ])
        """
        _check.non_negative(offered=offered)
        rate = np.asarray(offered, float)
        queue = MMc(rate * (1 - self.shed), self.service, self.servers, self.capacity)
        late = np.asarray(queue.response.sf(self.timeout))
        turned = np.asarray(queue.blocking)
        kept = (1 - self.shed) * (1 - turned) * (1 - late)
        lost = self.shed + (1 - self.shed) * (turned + (1 - turned) * late)
        return _plain(np.clip(np.where(kept > 0.5, lost, 1 - kept), 0.0, 1.0))

    def demand(self, offered: Quantity) -> Quantity:
        """Return the attempts that clients send when they see the failures of a load.

        Parameters
        ----------
        offered : array_like
            Attempts in 1/s that the service sees.

        Returns
        -------
        float or ndarray
            Attempts in 1/s that follow; a steady state where both are equal.

        Examples
        --------
        >>> Retries(arrival=0.5, service=1.0, timeout=20.0).demand([0.5, 0.9, 1.5])
        array([0.500023, 0.578065, 2.      ])
        """
        return _plain(self.arrival * self._attempts(self.failure(offered)))

    @property
    def states(self) -> tuple[SteadyState, ...]:
        """Steady states by rising load: stable and unstable ones alternate."""
        top = self.arrival * (self.retries + 1)
        rates = np.linspace(self.arrival, top, _GRID)
        if self.retries:
            excess = np.asarray(self.demand(rates)) - rates
        else:
            rates, excess = np.array([self.arrival]), np.zeros(1)
        answers = [rates[0]] if excess[0] <= 0 else []
        for k in np.flatnonzero((excess[:-1] > 0) != (excess[1:] > 0)):
            answers.append(self._root(float(rates[k]), float(rates[k + 1])))
        if excess[-1] > 0 or (len(rates) > 1 and excess[-1] == 0 and excess[-2] > 0):
            answers.append(float(rates[-1]))
        unique = sorted({round(float(a), 12): float(a) for a in answers}.values())
        return tuple(self._state(a, k % 2 == 0) for k, a in enumerate(unique))

    @property
    def bistable(self) -> bool:
        """Whether the service can stay in trouble at a load that it can carry."""
        return sum(s.stable for s in self.states) > 1

    @property
    def tipping_point(self) -> float:
        """Attempts in 1/s beyond which retries carry the load up by themselves.

        Infinite if the state below is the only one, the new requests alone if there is
        only the state above.
        """
        states = self.states
        unstable = [s.offered for s in states if not s.stable]
        if unstable:
            return unstable[0]
        calm = states[0].amplification < 1 + self.retries / 2 or not self.retries
        return float("inf") if calm else self.arrival

    @property
    def critical_budget(self) -> float:
        """Retries per new request below which the state above does not exist.

        Infinite if no number of retries makes a second state, 0 if even none helps.
        """
        free = replace(self, budget=None)
        point = free.tipping_point
        if point == float("inf"):
            return point
        return max(point / self.arrival - 1, 0.0)

    @property
    def critical_load(self) -> float:
        """Load per server of new requests from which on a second stable state exists.

        Infinite if there is no load with two.
        """
        return self._turns[1]

    @property
    def collapse_load(self) -> float:
        """Load per server of new requests from which on the lower state is gone.

        Infinite if there is no load with two.
        """
        return self._turns[0]

    @property
    def trouble(self) -> bool:
        """Whether a stable state exists in which the queue makes most attempts late."""
        return any(s.stable and self._lateness(s) > 0.5 for s in self.states)

    def _repr_html_(self) -> str:
        rows = [
            (
                "stable" if s.stable else "unstable",
                text.number(s.offered, 4),
                f"{text.number(s.amplification)}x",
                text.number(s.failure),
                text.number(s.goodput, 4),
            )
            for s in self.states
        ]
        head = ("state", "attempts/s", "amplification", "failure", "answered/s")
        return _html.table(rows, header=head, caption="Steady states under retries")

    @property
    def _pace(self) -> float:
        return self.servers / self.service

    def _attempts(self, failure: Quantity) -> Quantity:
        attempts = np.asarray(amplification(failure, self.retries))
        if self.budget is None:
            return attempts
        return np.minimum(attempts, 1 + self.budget)

    def _lateness(self, state: SteadyState) -> float:
        queue = replace(self, shed=0.0)
        return float(queue.failure(state.offered * (1 - self.shed)))

    @property
    def _turns(self) -> tuple[float, float]:
        """Loads at which states appear: first maximum, then least value, of h.

        A steady state is a load x with h(x) = x/attempts(x) equal to the arrivals, so
        that one curve, the same for all arrivals, shows where there are several.
        """
        top = self._pace * (self.retries + 2)
        rates = np.union1d(np.linspace(0, top, _GRID)[1:], self._pace)
        curve = rates / self._attempts(self.failure(rates))
        falls = np.flatnonzero(np.diff(curve) < 0)
        if len(falls) == 0:
            return float("inf"), float("inf")
        peak = int(falls[0])
        valley = peak + int(np.argmin(curve[peak:]))
        ends = (self._extreme(rates, k, sign) for k, sign in ((peak, 1), (valley, -1)))
        high, low = ends
        return high / self._pace, low / self._pace

    def _extreme(self, rates: FloatArray, k: int, sign: int) -> float:
        """Largest (or with sign -1 least) value of h around a grid point."""
        ends = rates[max(k - 1, 0)], rates[min(k + 1, len(rates) - 1)]
        fine = np.union1d(np.linspace(*ends, _GRID), rates[k])
        curve = fine / self._attempts(self.failure(fine))
        return float(sign * np.max(sign * curve))

    def _state(self, offered: float, stable: bool) -> SteadyState:
        failure = float(self.failure(offered))
        return SteadyState(
            offered=offered,
            amplification=offered / self.arrival,
            failure=failure,
            goodput=offered * (1 - failure),
            stable=stable,
        )

    def _root(self, low: float, high: float) -> float:
        """Return where the demand crosses its load; 32 sections a round, by 50 bits."""
        rising = float(self.demand(low)) > low
        for _ in range(10):
            rates = np.linspace(low, high, 33)
            beyond = (np.asarray(self.demand(rates)) > rates) != rising
            beyond[[0, -1]] = False, True
            k = int(np.argmax(beyond))
            low, high = float(rates[k - 1]), float(rates[k])
        return (low + high) / 2


def _plain(value: Quantity) -> Quantity:
    """Return a float for a zero-dimensional array, anything else as it is."""
    array = np.asarray(value)
    return array.item() if array.ndim == 0 else array
