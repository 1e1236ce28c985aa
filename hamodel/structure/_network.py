"""Structures out of networkx graphs: paths that survive, sites that stay connected.

An undirected graph is read link by link; what matters of the links read so far is
only which nodes at the frontier hang together (Hardy, Lucet and Limnios 2007, IEEE
Trans. Reliability 56(3), 506-515).  A directed graph is read node by node: a node is
reached when it works and one of its predecessors is reached.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from hamodel import _check
from hamodel.structure._bdd import DOWN, WORKS, Builder, Diagram, substituted

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    import networkx as nx

Fails: TypeAlias = Literal["nodes", "links", "both"]
Link: TypeAlias = tuple["Hashable", "Hashable", str]


def links(graph: nx.Graph[Hashable]) -> list[Link]:
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
    graph: nx.Graph[Hashable], terminals: Sequence[Hashable], fails: Fails
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


def _ordered(graph: nx.Graph[Hashable], start: Hashable) -> list[Link]:
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
    frontier = _Frontier(order, frozenset(terminals))
    layers: list[dict[_State, tuple[_State | bool, _State | bool]]] = []
    states: set[_State] = {((), ())}
    for i in range(len(order)):
        layers.append({state: frontier.after(i, state) for state in states})
        ends = (end for pair in layers[-1].values() for end in pair)
        states = {end for end in ends if not isinstance(end, bool)}
    builder = Builder([name for _, _, name in order])
    below: dict[_State | bool, int] = {True: WORKS, False: DOWN}
    for level in reversed(range(len(order))):
        here: dict[_State | bool, int] = {True: WORKS, False: DOWN}
        for state, (works, failed) in layers[level].items():
            here[state] = builder.node(level, below[works], below[failed])
        below = here
    return builder.finish(below[(), ()])


# The group of each frontier node, numbered as they come, and which hold a terminal.
_State: TypeAlias = tuple[tuple[int, ...], tuple[bool, ...]]


class _Frontier:
    """How a link changes the groups of connected nodes at the frontier."""

    def __init__(self, order: Sequence[Link], terminals: frozenset[Hashable]) -> None:
        first = {n: i for i, e in reversed(list(enumerate(order))) for n in e[:2]}
        last = {n: i for i, e in enumerate(order) for n in e[:2]}
        self.waiting = [any(first[n] > i for n in terminals) for i in range(len(order))]
        self.new: list[list[bool]] = []  # of the nodes that come: are they terminals
        self.ends: list[tuple[int, int]] = []
        self.kept: list[list[int]] = []  # places of the nodes that stay
        front: list[Hashable] = []
        for i, (start, end, _) in enumerate(order):
            come = [n for n in (start, end) if n not in front]
            front += come
            self.new.append([n in terminals for n in come])
            self.ends.append((front.index(start), front.index(end)))
            self.kept.append([k for k, n in enumerate(front) if last[n] > i])
            front = [n for n in front if last[n] > i]

    def after(self, i: int, state: _State) -> tuple[_State | bool, _State | bool]:
        """Return the state after link i if it works, and if it has failed."""
        groups, held = list(state[0]), list(state[1])
        for terminal in self.new[i]:
            groups.append(len(held))
            held.append(terminal)
        apart = self._closed(i, groups, held)
        start, end = (groups[k] for k in self.ends[i])
        if start == end:
            return apart, apart
        together = [start if group == end else group for group in groups]
        joined = held.copy()
        joined[start] |= joined[end]
        joined[end] = False
        return self._closed(i, together, joined), apart

    def _closed(self, i: int, groups: list[int], held: list[bool]) -> _State | bool:
        """Let go of the nodes that no later link touches; decide when it is decided."""
        if held.count(True) == 1 and not self.waiting[i]:
            return True
        number: dict[int, int] = {}
        kept = tuple(number.setdefault(groups[k], len(number)) for k in self.kept[i])
        if sum(held[group] for group in number) < held.count(True):
            return False  # a terminal that nothing more can reach
        return kept, tuple(held[group] for group in number)


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
