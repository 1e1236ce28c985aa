"""Quorums: who may read and write when nodes and sites are away, how fast, how fresh.

A read or write that needs k of n answers trades three things: it works while n - k
replicas are down, it takes as long as the k-th fastest, and it may miss what the others
know.  The surprising idea: more nodes are not more available.  Four nodes need three
for a majority and are down more often than three that need two; two data centres can
never elect a leader that survives the loss of the larger one, whatever stands in them;
and R + W > N is not yet what programmers call consistent.

Assumptions: replicas fail and answer independently of each other except through their
site; a request goes to all replicas and takes the first answers; nothing repairs a
replica in the background unless the numbers say so; a minority does not serve.
"""

from hamodel.quorum._availability import Quorum, majority, unavailability
from hamodel.quorum._latency import NoQuorumError, latency
from hamodel.quorum._load import load
from hamodel.quorum._staleness import older_than, stale_probability
from hamodel.quorum._wars import Delays

__all__ = [
    "Delays",
    "NoQuorumError",
    "Quorum",
    "latency",
    "load",
    "majority",
    "older_than",
    "stale_probability",
    "unavailability",
]
