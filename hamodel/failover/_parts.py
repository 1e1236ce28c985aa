"""A stage given as a number, a distribution, or a mechanism that has one."""

from __future__ import annotations

from hamodel import _check
from hamodel._types import Quantity
from hamodel.duration import Duration, constant

#: The stages of a failover, in their order.
STAGES = ("detection", "fencing", "promotion", "redirection")

#: The one law of a mechanism, under the name of the stage that it stands for.
SAME = property(
    lambda mechanism: mechanism.duration, doc="The same time, as a stage of a failover."
)


def as_stage(name: str, value: Quantity) -> Quantity:
    """Return a number or a Duration; a mechanism becomes the law of this stage.

    Raises ValueError if it is none of them, if it is a mechanism without a law of this
    stage, or a number that is negative or infinite.
    """
    found = value
    if isinstance(value, Duration):
        return value
    if name in STAGES:
        laws = [stage for stage in STAGES if hasattr(type(value), stage)]
        if laws and name not in laws:
            raise ValueError(
                f"{name} must be a time or have a law of {name},"
                f" got {type(value).__name__}, which has one of {' and '.join(laws)}"
            )
        found = getattr(value, name, value)
    if not isinstance(found, Duration):
        found = getattr(value, "duration", value)
    if not isinstance(found, Duration):
        _check.non_negative(**{name: found})
    return found


def as_duration(name: str, value: Quantity) -> Duration:
    """Return a Duration; a number becomes a constant."""
    found = as_stage(name, value)
    return found if isinstance(found, Duration) else constant(found)


def mean_of(stage: Quantity) -> Quantity:
    """Return the mean of a stage in s."""
    return stage.mean if isinstance(stage, Duration) else stage


def total(parts: list[Duration]) -> Duration:
    """Return the sum of independent durations."""
    first, *others = parts
    for part in others:
        first = first + part
    return first
