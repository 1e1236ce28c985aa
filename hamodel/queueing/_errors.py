"""Errors that carry what went wrong."""

from __future__ import annotations


class OverloadError(ValueError):
    """A queue without a steady state was asked for its distribution.

    Parameters
    ----------
    utilisation : float
        The load that is 1 or more.

    Attributes
    ----------
    utilisation : float
        The load that is 1 or more.
    """

    def __init__(self, utilisation: float) -> None:
        super().__init__(
            f"no steady state: utilisation must be < 1, got {utilisation:g}"
        )
        self.utilisation = utilisation
