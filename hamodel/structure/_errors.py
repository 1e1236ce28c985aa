"""What can be wrong with a structure, each with the data that shows it."""

from __future__ import annotations

from collections.abc import Iterable

from hamodel import _check


class StructureSyntaxError(ValueError):
    """The text cannot be read as a structure.

    Attributes
    ----------
    text : str
        The text as given.
    column : int
        Where reading stopped, counted from 1.
    token : str
        What stood there; empty at the end of the text.
    """

    def __init__(self, reason: str, text: str, column: int, token: str = "") -> None:
        self.text, self.column, self.token = text, column, token
        before = text[: column - 1]
        line = text.splitlines()[before.count("\n")] if text.strip() else ""
        indent = len(before) - before.rfind("\n") - 1
        super().__init__(f"column {column}: {reason}\n  {line}\n  {' ' * indent}^")


class UnknownPartError(ValueError):
    """A name that the structure does not have.

    Attributes
    ----------
    name : str
        The name as given.
    """

    def __init__(self, field: str, name: object, known: Iterable[str]) -> None:
        self.name = name
        known = tuple(known)
        listed = ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")
        message = f"{field} names no part {name!r}; the parts are {listed}"
        super().__init__(message + _check.hint(str(name), known))


class StructureTooLargeError(ValueError):
    """No variable order kept the decision diagram within its limit.

    Attributes
    ----------
    parts, limit : int
        Number of parts, and the number of nodes that was not enough.
    """

    def __init__(self, parts: int, limit: int) -> None:
        self.parts, self.limit = parts, limit
        super().__init__(
            f"decision diagram must stay within {limit} nodes, but {parts} parts tied "
            "together in this way need more; ask for `bounds`, or split the structure "
            "into blocks"
        )


class TooManySetsError(ValueError):
    """There are more minimal sets than anyone can list.

    Attributes
    ----------
    count, limit : int
        How many there are, and how many are listed at most.
    """

    def __init__(self, count: int, limit: int) -> None:
        self.count, self.limit = count, limit
        super().__init__(
            f"number of minimal sets must be <= {limit} to be listed, got {count}; "
            "give max_order"
        )
