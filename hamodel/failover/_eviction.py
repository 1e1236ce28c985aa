"""Kubernetes: a pod that waits for its node, or leaves it."""

from __future__ import annotations

import numpy as np

from hamodel import _check, fields
from hamodel._types import Quantity
from hamodel.duration import Duration, minimum, uniform
from hamodel.failover._parts import SAME, as_duration


@fields.specification
class Eviction:
    """Kubernetes: a pod leaves a dead node, unless the node is back before.

    Parameters
    ----------
    grace : float
        Time in s without a word from the kubelet before the node counts as not ready
        (node-monitor-grace-period).
    heartbeat : Quantity
        Time in s between the kubelet's words (nodeStatusUpdateFrequency).
    monitor : float
        Time in s between the controller's looks (node-monitor-period).
    toleration : Quantity
        Time in s that the pod may stay on a node that is not ready
        (tolerationSeconds).
    reboot : float, Duration or None
        Time in s until the node itself is back; None for never.

    Raises
    ------
    ValueError
        If a time is negative or `heartbeat` is above `grace`.

    Notes
    -----
    The controller counts the grace period by its own looks: from the one that saw the
    last word, to the first that is a whole period later (node_lifecycle_controller.go).
    A pod of a StatefulSet is not replaced while its node may still run it: there only
    the reboot counts (or the taint out-of-service that a person sets).

    Examples
    --------
    >>> Eviction(monitor=0, start=20).duration.support
    (350.0, 360.0)
    """

    grace: float = fields.span("grace period of a node", default=40.0)
    heartbeat: Quantity = fields.span("time between a node's reports", default=10.0)
    monitor: float = fields.time("time between looks at the reports", default=5.0)
    toleration: Quantity = fields.time("time for which a pod stays", default=300.0)
    start: Duration | float = fields.time(
        "time to start elsewhere", law=True, default=0.0
    )
    reboot: Duration | float | None = fields.time(
        "time of a reboot", law=True, default=None
    )

    def __post_init__(self) -> None:
        fields.check(self)
        _check.between(0, self.grace, heartbeat=self.heartbeat)

    @property
    def not_ready(self) -> Duration:
        """Time in s from the failure until the node counts as not ready."""
        if not self.monitor:
            return uniform(self.grace - self.heartbeat, self.grace)
        looks = np.ceil(self.grace / self.monitor - 1e-9)
        grace = float(looks * self.monitor)
        return uniform(grace - self.heartbeat, grace) + uniform(0, self.monitor)

    @property
    def evicted(self) -> Duration:
        """Time in s until a new pod on another node is ready."""
        moved: Duration = self.not_ready + self.toleration
        return moved + as_duration("start", self.start)

    @property
    def duration(self) -> Duration:
        """Time in s until the pod serves again: on its node or on another."""
        if self.reboot is None:
            return self.evicted
        return minimum(self.evicted, as_duration("reboot", self.reboot))

    detection = SAME
