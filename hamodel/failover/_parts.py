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


def laws_of(mechanism: type) -> list[str]:
    """Return the stages that a mechanism has a law of; none: one law for any."""
    return [stage for stage in STAGES if hasattr(mechanism, stage)]


def stands_for(mechanism: type, stage: str) -> bool:
    """Tell whether a mechanism has the law that a stage, or an election, asks for.

    Whoever is elected is elected by what notices that the old leader is gone, and by
    nothing that leads clients.
    """
    laws = laws_of(mechanism)
    if stage == "election":
        return not laws or ("detection" in laws and "redirection" not in laws)
    return not laws or stage in laws or stage not in STAGES


def as_stage(name: str, value: Quantity) -> Quantity:
    """Return a number or a Duration; a mechanism becomes the law of this stage.

    Parameters
    ----------
    name : str
        One of `STAGES`, or "election".
    value : float, array, SymPy expression, Duration or mechanism
        What stands for it.

    Raises
    ------
    ValueError
        If it is none of them, a mechanism without a law of this stage, or a number
        that is negative or infinite.
    """
    if isinstance(value, Duration):
        return value
    if not stands_for(type(value), name):
        raise ValueError(
            f"{name} must be a time or have a law of {name}, got "
            f"{type(value).__name__}, which has one of "
            f"{' and '.join(laws_of(type(value)))}"
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


def check_majority(nodes: int, failed: int) -> None:
    """Raise unless a majority of some servers is left."""
    needed = nodes // 2 + 1
    if nodes - failed < needed:
        raise ValueError(
            f"failed must leave a majority of {needed} of {nodes}, got {failed}"
        )
