"""Structures out of networkx graphs: paths that survive, sites that stay connected.

An undirected graph is read link by link; what matters of the links read so far is
only which nodes at the frontier hang together (Hardy, Lucet and Limnios 2007, IEEE
Trans. Reliability 56(3), 506-515).  A directed graph is read node by node: a node is
reached when it works and one of its predecessors is reached.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from hamodel import _check
from hamodel.structure._bdd import DOWN, WORKS, Builder, Diagram, substituted

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    import networkx as nx

Fails: TypeAlias = Literal["nodes", "links", "both"]
Link: TypeAlias = tuple["Hashable", "Hashable", str]


def links(graph: nx.Graph[Any]) -> list[Link]:
    """Return the links as (node, node, name); a link's `name` may be an attribute.

    Raises
    ------
    ValueError
        If two links, or a link and a node, have one name.
    """
    found: list[Link] = []
    seen: set[str] = set()
    for node in graph.nodes:
        if str(node) in seen:
            raise ValueError(f"graph must have one name per part, got {node!s} twice")
        seen.add(str(node))
    for start, end, data in graph.edges(data=True):
        name = str(data.get("name", f"{start}-{end}"))
        if start == end:
            continue
        if name in seen:
            raise ValueError(f"graph must have one name per part, got {name} twice")
        seen.add(name)
        found.append((start, end, name))
    return found


def diagram(
    graph: nx.Graph[Any], terminals: Sequence[Hashable], fails: Fails
) -> Diagram:
    """Return the diagram that is down when the terminals are not connected.

    Of a directed graph there are two terminals, and the first must reach the second.
    """
    _check.one_of(("nodes", "links", "both"), fails=fails)
    for node in terminals:
        if node not in graph:
            raise ValueError(f"graph must contain the node {node!r}")
    if len(set(terminals)) < 2:
        raise ValueError(f"graph must have 2 different terminals, got {terminals!r}")
    import networkx as nx

    walk = nx.descendants(graph, terminals[0])
    if any(node not in walk for node in terminals[1:]):
        raise ValueError(
            f"graph must connect {', '.join(map(repr, terminals))}; it does not even "
            "with every part working"
        )
    order = _ordered(graph, terminals[0])
    if graph.is_directed():
        return _directed(order, terminals, fails)
    over_links = _connected(order, terminals)
    return over_links if fails == "links" else _with_nodes(over_links, order, fails)


def _ordered(graph: nx.Graph[Any], start: Hashable) -> list[Link]:
    """Return the links in breadth-first order from the start."""
    import networkx as nx

    reached = [start, *(end for _, end in nx.bfs_edges(graph, start))]
    rank = {node: i for i, node in enumerate(reached)}
    both = (link for link in links(graph) if link[0] in rank and link[1] in rank)

    def key(link: Link) -> tuple[int, int]:
        a, b = rank[link[0]], rank[link[1]]
        return max(a, b), min(a, b)

    return sorted(both, key=key)


def _connected(order: Sequence[Link], terminals: Sequence[Hashable]) -> Diagram:
    """Return the diagram over undirected links, by the state of the frontier."""
    last = {node: i for i, link in enumerate(order) for node in link[:2]}
    plan = _Frontier(frozenset(terminals), last)
    layers: list[dict[_State, tuple[_State | bool, _State | bool]]] = []
    states: set[_State] = {()}
    for i, (start, end, _) in enumerate(order):
        steps = {}
        for state in states:
            apart = plan.closed(plan.opened(state, start, end), i)
            together = plan.closed(plan.merged(state, start, end), i)
            steps[state] = (together, apart)
        layers.append(steps)
        states = {s for pair in steps.values() for s in pair if not isinstance(s, bool)}
    builder = Builder([name for _, _, name in order])
    below: dict[_State | bool, int] = {True: WORKS, False: DOWN}
    for level in reversed(range(len(order))):
        here: dict[_State | bool, int] = {True: WORKS, False: DOWN}
        for state, (works, failed) in layers[level].items():
            here[state] = builder.node(level, below[works], below[failed])
        below = here
    return builder.finish(below[()])


# A frontier state: groups of connected nodes, each with whether it holds a terminal.
_State: TypeAlias = tuple[tuple[frozenset["Hashable"], bool], ...]


class _Frontier:
    """Rules by which a link changes the groups at the frontier."""

    def __init__(
        self, terminals: frozenset[Hashable], last: Mapping[Hashable, int]
    ) -> None:
        self.terminals, self.last = terminals, last

    def opened(self, state: _State, start: Hashable, end: Hashable) -> _State:
        """Return the state with both nodes present."""
        present = {node for group, _ in state for node in group}
        new = [node for node in (start, end) if node not in present]
        return state + tuple((frozenset([n]), n in self.terminals) for n in new)

    def merged(self, state: _State, start: Hashable, end: Hashable) -> _State:
        """Return the state with the groups of both nodes made one."""
        both = self.opened(state, start, end)
        touched = [g for g in both if start in g[0] or end in g[0]]
        rest = tuple(g for g in both if g not in touched)
        whole = frozenset[Any]().union(*(group for group, _ in touched))
        return (*rest, (whole, any(held for _, held in touched)))

    def closed(self, state: _State, i: int) -> _State | bool:
        """Return the state after link i; True or False once it is decided."""
        waiting = any(
            self.last[node] > i and not any(node in g for g, _ in state)
            for node in self.terminals
        )
        holding = [g for g, held in state if held]
        if len(holding) == 1 and not waiting:
            return True
        kept = []
        for group, held in state:
            alive = frozenset(node for node in group if self.last[node] > i)
            if alive:
                kept.append((alive, held))
            elif held:  # a terminal that nothing more can reach
                return False
        return tuple(sorted(kept, key=lambda g: sorted(map(str, g[0]))))


def _with_nodes(over_links: Diagram, order: Sequence[Link], fails: Fails) -> Diagram:
    """Let a failed node take its links with it."""
    ends = {name: (str(a), str(b)) for a, b, name in order}
    fresh: dict[str, None] = {}
    for a, b, name in order:
        fresh |= dict.fromkeys((str(a), str(b)))
        if fails == "both":
            fresh[name] = None

    def formula(builder: Builder, name: str) -> int:
        causes = [*ends[name], *([name] if fails == "both" else [])]
        return builder.at_least(1, [builder.part(cause) for cause in causes])

    return substituted(over_links, tuple(fresh), formula)


def _directed(
    order: Sequence[Link], terminals: Sequence[Hashable], fails: Fails
) -> Diagram:
    """Return the diagram of reaching the second terminal from the first."""
    source, target = terminals
    parts: dict[str, None] = {}
    for a, b, name in order:
        parts |= dict.fromkeys(() if fails == "links" else (str(a), str(b)))
        if fails != "nodes":
            parts[name] = None
    reach = _Reach(Builder(tuple(parts)), fails)
    # cut[n] is down when n is not reached; nothing but the source is, at first.
    cut: dict[Hashable, int] = dict.fromkeys((n for e in order for n in e[:2]), DOWN)
    cut[source] = reach.own(source)
    inward: dict[Hashable, list[Link]] = {}
    for link in order:
        if link[1] != source:
            inward.setdefault(link[1], []).append(link)
    before: dict[Hashable, int] = {}
    while cut != before:  # each round allows one more hop, until none helps
        before = dict(cut)
        for node, into in inward.items():
            cut[node] = reach.node(node, into, cut)
    return reach.builder.finish(cut[target])


class _Reach:
    """When a node of a directed graph is not reached."""

    def __init__(self, builder: Builder, fails: Fails) -> None:
        self.builder, self.fails = builder, fails

    def own(self, node: Hashable) -> int:
        """Return when the node itself has failed."""
        return WORKS if self.fails == "links" else self.builder.part(str(node))

    def node(
        self, node: Hashable, into: Iterable[Link], cut: Mapping[Hashable, int]
    ) -> int:
        """Return when the node has failed, or no link brings anything to it."""
        ways = []
        for start, _, name in into:
            wire = WORKS if self.fails == "nodes" else self.builder.part(name)
            ways.append(self.builder.at_least(1, [cut[start], wire]))
        blocked = self.builder.at_least(len(ways), ways)
        return self.builder.at_least(1, [self.own(node), blocked])
