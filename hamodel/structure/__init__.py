"""What depends on what: the request path, its weak points, and where to spend.

A service is up when enough of the parts of its request path are.  Write the path as
text, and ask which failures it survives, how often it is down, and which part is to
blame.  The surprising idea: redundancy moves the weak point more often than it removes
it.  Behind three application servers stands the balancer that chooses among them, and
the name service, the configuration push and the power feed that nobody draws.

Answers are exact, with parts that stand in several places, hidden dependencies and
common causes included: the structure becomes one binary decision diagram, and every
probability is a sum over its failing paths, in which nothing cancels.

Assumptions: a part works or has failed, nothing between; parts fail independently of
each other except through what is shared or given as a common cause; more failures
never help; capacity does not matter unless `atleast` says so; failover is perfect and
takes no time (for its price see the rooms `failover` and `architectures`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

from hamodel.structure import _circuit, _parse
from hamodel.structure._circuit import Gate, Leaf
from hamodel.structure._errors import (
    StructureSyntaxError,
    StructureTooLargeError,
    TooManySetsError,
    UnknownPartError,
)
from hamodel.structure._model import Structure
from hamodel.structure._results import Importance, Importances, Outages, Purchase

__all__ = [
    "Gate",
    "Importance",
    "Importances",
    "Leaf",
    "Outages",
    "Purchase",
    "Structure",
    "StructureSyntaxError",
    "StructureTooLargeError",
    "TooManySetsError",
    "UnknownPartError",
    "parse",
]


def parse(
    text: str,
    *,
    where: Mapping[str, str] | None = None,
    shared: Mapping[str, Iterable[str]] | None = None,
) -> Structure:
    """Read a request path.

    Parameters
    ----------
    text : str
        `a > b` passes a, then b, and needs both.  `any(a, b)` needs one, `all(a, b)`
        both, `atleast(2, a, b, c)` two; arguments may be paths.  A name used twice is
        one part.  Names start with a letter and may contain `.`, `-`, `:` and `/`;
        any other name goes between double quotes.  `client` cannot fail.
    where : mapping of str to str, optional
        Names in the text that stand for a path of their own.
    shared : mapping of str to iterable of str, optional
        Hidden dependencies: see `Structure.share`.

    Raises
    ------
    StructureSyntaxError
        If the text cannot be read; the message points at the column.
    ValueError
        If `where` or `shared` name something unknown or lead in a circle.

    Examples
    --------
    >>> parse("client > lb > any(app1, app2, app3) > db")
    Structure(5 parts, single points of failure: lb, db)
    >>> parse("any(east, west)", where={"east": "app1 > db", "west": "app2 > db"})
    Structure(3 parts, single points of failure: db)
    >>> parse("any(app1, app2)", shared={"dns": ["app1", "app2"]})
    Structure(3 parts, single points of failure: dns)
    """
    circuit = _parse.circuit(text, where=where or {})
    drawn = _circuit.names(circuit)
    draw = partial(_circuit.diagram, circuit)
    whole = Structure(draw=draw, drawn=drawn, circuit=circuit)
    return whole.share(shared) if shared else whole
