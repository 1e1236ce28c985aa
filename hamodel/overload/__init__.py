"""Overload: retries that feed themselves, and what takes the fuel away.

The surprising idea: a service at half its capacity can have two steady states at once.
In one, nobody retries.  In the other, a past spike has left a queue so long that every
answer comes after its client has given up; each client asks again, the retries keep
the queue full, and the service works at full speed on answers that nobody reads.  The
trigger may be long gone.  Which budget, which queue limit, which share of shed load
removes the second state is a matter of arithmetic, done here.

Assumptions: an attempt fails if its response exceeds the timeout, and the server does
not notice that its client left; attempts form a Poisson stream (many clients, jitter);
exponential service in order of arrival.  Left out: the way from one steady state to the
other, retries that fail for other reasons than slowness, adaptive clients, priorities,
caches.

Sources: Bronson, Aghayev, Charapko and Zhu (2021), Metastable failures in distributed
systems, HotOS; Huang et al. (2022), Metastable failures in the wild, OSDI; Beyer et al.
(2016), Site Reliability Engineering, chapters 21 and 22.
"""

from hamodel.overload._retries import Retries, SteadyState, amplification, budgeted

__all__ = ["Retries", "SteadyState", "amplification", "budgeted"]
