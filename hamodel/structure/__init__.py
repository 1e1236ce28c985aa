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

from functools import partial
from typing import TYPE_CHECKING

from hamodel.structure import _circuit, _network, _parse
from hamodel.structure._circuit import Gate, Part
from hamodel.structure._errors import (
    StructureSyntaxError,
    StructureTooLargeError,
    TooManySetsError,
    UnknownPartError,
)
from hamodel.structure._model import Structure
from hamodel.structure._results import Importance, Importances, Outages, Purchase

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping

    import networkx as nx

    from hamodel.structure._circuit import Circuit
    from hamodel.structure._network import Fails

__all__ = [
    "Gate",
    "Importance",
    "Importances",
    "Outages",
    "Part",
    "Purchase",
    "Structure",
    "StructureSyntaxError",
    "StructureTooLargeError",
    "TooManySetsError",
    "UnknownPartError",
    "connected",
    "fault_tree",
    "network",
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

    Returns
    -------
    Structure
        What can be asked about it.

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
    circuit = _parse.circuit(text, faults=False, where=where or {})
    whole = _of_circuit(circuit)
    return whole.share(shared) if shared else whole


def fault_tree(text: str, *, where: Mapping[str, str] | None = None) -> Structure:
    """Read a fault tree: what must fail for the service to be down.

    Parameters
    ----------
    text : str
        Failures joined by `and`, `or` (`&`, `|`), brackets and `atleast(k, ...)`; `and`
        binds first.  A name used twice is one failure.
    where : mapping of str to str, optional
        Gates: names in the text that stand for a tree of their own.

    Returns
    -------
    Structure
        The structure that is down exactly when the tree's top event happens.

    Raises
    ------
    StructureSyntaxError
        If the text cannot be read; the message points at the column.
    ValueError
        If `where` names something that is not used or leads in a circle.

    Examples
    --------
    >>> supply = fault_tree("mains and (generator or relay)")
    >>> down = {"mains": 0.03, "generator": 0.02, "relay": 0.05}
    >>> print(f"{supply.unavailability(down):.5f}")
    0.00207
    """
    circuit = _parse.circuit(text, faults=True, where=where or {})
    return _of_circuit(circuit)


def network(
    graph: nx.Graph[Hashable],
    source: Hashable,
    target: Hashable,
    *,
    fails: Fails = "nodes",
) -> Structure:
    """Read a graph: the service is up while the source reaches the target.

    Parameters
    ----------
    graph : networkx.Graph or networkx.DiGraph
        Of a directed graph, links are followed in their direction only.
    source, target : hashable
        Two nodes.  They can fail like any other; a node named `client` cannot.
    fails : {"nodes", "links", "both"}
        What can fail.  A link is named `a-b`, or by its attribute `name`.

    Returns
    -------
    Structure
        What can be asked about it.

    Raises
    ------
    ValueError
        If a node is unknown, a name stands for two parts, or no path exists.

    Examples
    --------
    >>> import networkx as nx
    >>> graph = nx.DiGraph([("client", "lb"), ("lb", "app1"), ("lb", "app2")])
    >>> graph.add_edges_from([("app1", "db"), ("app2", "db")])
    >>> network(graph, "client", "db")
    Structure(4 parts, single points of failure: lb, db)
    """
    return _of_graph(graph, (source, target), fails)


def connected(
    graph: nx.Graph[Hashable],
    sites: Iterable[Hashable] | None = None,
    *,
    fails: Fails = "links",
) -> Structure:
    """Read an undirected graph: the service is up while all sites reach each other.

    Parameters
    ----------
    graph : networkx.Graph
        Sites and the links between them.
    sites : iterable of hashable, optional
        Nodes that must be connected; all of them if not given.
    fails : {"links", "nodes", "both"}
        What can fail.

    Returns
    -------
    Structure
        What can be asked about it.

    Raises
    ------
    ValueError
        If the graph is directed, has no two sites, or is not connected.

    Examples
    --------
    >>> import networkx as nx
    >>> mesh = connected(nx.complete_graph(4))
    >>> print(f"{mesh.unavailability(dict.fromkeys(mesh.components, 0.1)):.6f}")
    0.004186
    """
    if graph.is_directed():
        raise ValueError("graph must be undirected, got a directed one")
    return _of_graph(graph, tuple(graph.nodes if sites is None else sites), fails)


def _of_circuit(circuit: Circuit) -> Structure:
    drawn = _circuit.names(circuit)
    draw = partial(_circuit.diagram, circuit)
    return Structure(draw=draw, drawn=drawn, circuit=circuit)


def _of_graph(
    graph: nx.Graph[Hashable], terminals: tuple[Hashable, ...], fails: Fails
) -> Structure:
    diagram = _network.diagram(graph, terminals, fails)
    links = tuple((str(a), str(b), name) for a, b, name in _network.links(graph))
    return Structure(
        draw=lambda: diagram,
        drawn=diagram.order,
        links=links,
        terminals=tuple(map(str, terminals)),
    )
