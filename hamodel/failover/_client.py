"""How a client lets go of a dead server: by its driver, its kernel, its pooler."""

from __future__ import annotations

import numpy as np

from hamodel import _check, fields
from hamodel._types import Quantity
from hamodel.duration import Duration, constant, empirical, maximum, mixture, uniform
from hamodel.failover._parts import SAME, as_duration

#: Time in s after which Linux gives up on unanswered data (tcp_retries2 = 15).
KERNEL_GIVES_UP = 924.6
_NOTICE = 0.4  # s: a probe and a first repetition, 0.2 s each, start the kernel's clock
_JIFFY = 0.004  # s: the kernel's clock at HZ = 250
_POINTS, _SEED, _ROUNDS = 4096, 7, 100_000


@fields.specification
class Driver:
    """A client's database driver: how it lets go of the old primary and finds the new.

    Parameters
    ----------
    tcp_user_timeout : float or None
        Time in s after which unanswered data end a connection; None where nothing is
        set, and the kernel tries for some 15 minutes.
    reset : float
        Probability that the old host says at once that the connection is gone, as it
        does when only the process has died.
    connect_timeout : float or None
        Time in s after which an attempt to connect is given up; None where nothing is
        set.
    dead_first : float
        Probability that the list of hosts has the dead one before the new primary.
    longest_retry : float
        Greatest such time in s: it doubles from round to round up to here.
    syn_timeout : float
        Time in s after which the kernel gives up an attempt that nothing else limits:
        131 s by default in Linux 6.5 and later, 127 s before.

    Notes
    -----
    On Linux the user timeout runs from the first repetition of the data, some 0.4 s
    after they were sent (tcp_timer.c), and it limits an attempt to connect as well.
    The last wait is what is left of the timeout after waits of 0.4, 0.8, ... s, and the
    kernel's timer wheel lets it end late by up to 8, 64 or 512 jiffies, the more the
    longer it is.  (libpq takes a `connect_timeout` of 1 s as 2 s.)  Where nothing
    limits an attempt to connect, Linux repeats it six times (tcp_syn_retries), after
    1, 2, 4, ... s before 6.5, and since then the first four times after 1 s each
    (tcp_syn_linear_timeouts).  Once it has
    noticed, the client goes round the hosts until it meets the new primary; dead hosts
    cost their timeout in each round.

    Examples
    --------
    >>> driver = Driver(tcp_user_timeout=3, connect_timeout=2, dead_first=1)
    >>> round(driver.after(constant(1.6)).mean, 2)  # noticed after 3.4 s, then 2 s more
    5.4
    >>> driver.patience
    2
    """

    tcp_user_timeout: float | None = fields.time(
        "time until a silent connection is given up", optional=True
    )
    reset: float = fields.share("connections that the old host resets", default=0.0)
    connect_timeout: float | None = fields.time(
        "longest attempt to connect", optional=True, default=2.0
    )
    dead_first: float = fields.share(
        "clients that try the dead host first", default=0.5
    )
    retry: float = fields.time("wait between rounds of attempts", default=0.0)
    longest_retry: float | None = fields.time(
        "longest wait between rounds", default=None
    )
    jitter: bool = fields.flag("waits are drawn at random", default=False)
    connect: Duration | float = fields.time("time to connect", law=True, default=0.0)
    syn_timeout: float = fields.span(
        "kernel's longest attempt to connect", default=131.0
    )

    def __post_init__(self) -> None:
        fields.check(self)
        if self.longest_retry is not None and self.longest_retry < self.retry:
            raise ValueError(
                f"longest_retry must be >= retry = {self.retry:g},"
                f" got {self.longest_retry:g}"
            )

    @property
    def silent(self) -> Duration:
        """Time in s until the client notices a server that has vanished."""
        return _silent(self.tcp_user_timeout)

    @property
    def noticed(self) -> Duration:
        """Time in s from the failure until the client has noticed."""
        if not self.reset:
            return self.silent
        parts = [constant(0), self.silent]
        return mixture([self.reset, 1 - self.reset], parts)

    @property
    def patience(self) -> float:
        """Time in s that an attempt to connect to a dead host takes."""
        limits = (self.connect_timeout, self.tcp_user_timeout, self.syn_timeout)
        return min(limit for limit in limits if limit is not None)

    def after(self, ready: Duration) -> Duration:
        """Return the time from the failure until this client is served again.

        Parameters
        ----------
        ready : Duration
            Time in s from the failure until the new primary can be reached.

        Returns
        -------
        Duration
            Time in s: the end of the first round that meets the new primary.
        """
        parts, weights = [], []
        for dead, share in ((True, self.dead_first), (False, 1 - self.dead_first)):
            for told, chance in ((True, self.reset), (False, 1 - self.reset)):
                if share * chance:
                    start = constant(0) if told else self.silent
                    parts.append(self._served(ready, start, self.patience * dead))
                    weights.append(share * chance)
        found = parts[0] if len(parts) == 1 else mixture(weights, parts)
        return found + as_duration("connect", self.connect)

    def _served(self, ready: Duration, start: Duration, dead: float) -> Duration:
        """Return when a round meets the new primary; rounds begin at `start`."""
        if not dead and not self.retry:  # it asks all the time
            return maximum(ready, start)
        rng = np.random.default_rng(_SEED)
        shares = (np.arange(_POINTS) + 0.5) / _POINTS
        need = ready.quantile(shares)
        met = rng.permutation(start.quantile(shares)) + dead
        wait, most = self.retry, self.longest_retry or self.retry
        for _ in range(_ROUNDS):
            early = met < need
            if not early.any():
                return empirical(met)
            waits = rng.uniform(0, wait, _POINTS) if self.jitter else wait
            met = np.where(early, met + waits + dead, met)
            wait = min(2 * wait, most)
        raise ValueError(
            f"retry must be long enough for the new primary to be met in {_ROUNDS}"
            f" rounds, got {self.retry:g}"
        )


def _silent(limit: float | None) -> Duration:
    """Return the time in s until a kernel with this user timeout gives up."""
    if limit is None or limit + _NOTICE >= KERNEL_GIVES_UP:
        return constant(KERNEL_GIVES_UP)
    if not limit:
        return constant(_NOTICE)
    waits = 0.4 * (2 ** np.arange(13) - 1)
    last = (limit - waits[waits < limit].max()) / _JIFFY
    level = max(0, int(np.floor(np.log2(last / 64) / 3)) + 1)
    return uniform(0, _JIFFY * 8**level) + (limit + _NOTICE)


@fields.specification
class PgBouncer:
    """A pooler between clients and PostgreSQL, which must find the new primary.

    Parameters
    ----------
    dns_max_ttl : float
        Time in s for which a name's address is kept; 0 for a fixed address that moves.
    server_lifetime : Quantity
        Time in s after which a connection to a server that still answers is closed.
    tcp_user_timeout : float or None
        Time in s after which unanswered data end a connection; None where nothing is
        set, and the kernel tries for some 15 minutes.
    answers : float
        Probability that the old server goes on answering, as in a change by DNS alone.

    Raises
    ------
    ValueError
        If a time is negative, or a probability or their sum is outside [0, 1].

    Notes
    -----
    Rules of PgBouncer 1.22 to 1.25 (objects.c, dnslookup.c, janitor.c).  A pool whose
    last login has failed tries again after `server_login_retry`, and the new primary
    comes at any moment between two tries.  A name is asked for anew only at a login,
    if its address is older than `dns_max_ttl`: so at each login while that is no longer
    than the wait between two, else at each second, third, ....  A server that vanishes
    without a word keeps the connections that wait for its answer until the kernel gives
    them up; one that goes on answering keeps them until their lifetime is over.

    Examples
    --------
    >>> PgBouncer().duration.support, PgBouncer(dns_max_ttl=20).duration.support
    ((0.0, 15.0), (0.0, 30.0))
    """

    server_login_retry: float = fields.span("wait after a failed login", default=15.0)
    dns_max_ttl: float = fields.time("longest age of a name", default=15.0)
    server_lifetime: Quantity = fields.span("longest age of a connection", default=3600)
    tcp_user_timeout: float | None = fields.time(
        "time until a silent connection is given up", default=None
    )
    reset: float = fields.share("connections that the old host resets", default=1.0)
    answers: float = fields.share("connections whose old server answers", default=0.0)

    def __post_init__(self) -> None:
        fields.check(self)
        _check.between(0, 1, reset_and_answers=self.reset + self.answers)

    @property
    def duration(self) -> Duration:
        """Time in s from the promotion until clients reach the new primary."""
        logins = max(1, int(np.ceil(self.dns_max_ttl / self.server_login_retry)))
        laws = {
            "told": (self.reset, uniform(0, logins * self.server_login_retry)),
            "answers": (self.answers, uniform(0, self.server_lifetime)),
            "silent": (1 - self.reset - self.answers, _silent(self.tcp_user_timeout)),
        }
        parts = [(share, law) for share, law in laws.values() if share > 0]
        if len(parts) == 1:
            return parts[0][1]
        shares, kinds = zip(*parts, strict=True)
        return mixture(list(shares), list(kinds))

    redirection = SAME
