"""What copies lack that were away for longer than hints are kept for them.

A copy is away by itself, or with its site while the others go on to be written.  It
lacks what was written after its hints had expired, key by key, until that key is
written again or all copies are repaired.

Assumptions: a read that asks one copy asks one of its own site; the clients of a lost
site write elsewhere at once; being away once more before the next repair counts anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from hamodel._quantity import mean_of
from hamodel._types import FloatArray, Quantity
from hamodel.architectures._events import is_never
from hamodel.architectures._specs import Node, Site
from hamodel.architectures.behaviour import popularity, repair
from hamodel.workload import Workload

_SLICES = (np.arange(512) + 0.5) / 512  # of a law of repair


class Hinted(Protocol):
    """What is said of copies and of hints."""

    @property
    def database(self) -> Node: ...
    @property
    def site(self) -> Site: ...
    @property
    def copies(self) -> Mapping[str, int]: ...
    @property
    def write_quorum(self) -> int: ...
    @property
    def write_to(self) -> str: ...
    @property
    def hints(self) -> Quantity | None: ...
    @property
    def repair_every(self) -> Quantity: ...


def unhinted(
    spec: Hinted, workload: Workload, entering: Mapping[str, Quantity]
) -> Quantity:
    """Return P(the one copy that a read asks lacks a write for want of hints).

    `entering` are the shares of the requests that enter each site.
    """
    if spec.hints is None:
        return 0.0
    found = _lacking(spec, spec.hints, spec.database, workload)
    written = sum(share for site, share in entering.items() if _goes_on(spec, site))
    if not is_never(spec.site.mttf) and np.any(np.asarray(written) > 0):
        found = found + written * _lacking(spec, spec.hints, spec.site, workload)
    return found


def _goes_on(spec: Hinted, site: str) -> bool:
    """Tell whether the other sites take writes while one is lost."""
    left = [count for name, count in spec.copies.items() if name != site]
    many = {"any": sum(left), "local": max(left, default=0), "each": 0}
    return many[spec.write_to] >= spec.write_quorum


def _lacking(
    spec: Hinted, hints: Quantity, one: Node | Site, workload: Workload
) -> Quantity:
    """Return the share of the reads that lack what was written while one was away.

    In the time u since it is back, the key was not written again; before, it was
    written after hints had expired; and the copies were not repaired meanwhile.
    """
    every, law = spec.repair_every, repair(one.mttr)
    deep = max(len(law.shape), np.ndim(hints))
    away = law.quantile(_SLICES.reshape(-1, *(1,) * deep))
    gone = np.maximum(away - hints, 0.0)
    often = 1 / (mean_of(one.mttf) + mean_of(one.mttr))

    def lacks(share: FloatArray) -> Quantity:
        rate = np.asarray(workload.writes)[..., None] * share
        written = np.mean(-np.expm1(-rate * gone[..., None]), axis=0)
        x = rate * np.asarray(every)[..., None]
        small = x < 1e-4
        fresh = np.where(small, 1.0, x)
        since = np.where(small, 0.5 - x / 6, (fresh + np.expm1(-fresh)) / fresh**2)
        return written * since

    return often * every * popularity(workload).mean(lacks)
