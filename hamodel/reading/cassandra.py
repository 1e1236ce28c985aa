"""Cassandra: `cassandra.yaml`, keyspace statements, `nodetool ring` or `status`.

A keyspace says how many copies of a row there are in each data centre; with one data
centre they are taken to stand in zones (racks) of their own.  Which consistency level
the statements use is the clients' and in no file: LOCAL_QUORUM is assumed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hamodel.reading._core import Draft, Entry, Field, File, Format, Stated, Value, flat
from hamodel.reading._texts import documents
from hamodel.reading._units import flag, plain, shown, time, whole

_CONF = "Apache Cassandra conf/cassandra.yaml of 4.1, 2022"
_ms = time(1e-3)
_KEYSPACE = re.compile(
    r"(?is)\b(?:CREATE|ALTER)\s+KEYSPACE\s+(?:IF\s+NOT\s+EXISTS\s+)?\"?(\w+)\"?\s+"
    r"WITH\s+REPLICATION\s*=\s*\{([^}]*)\}"
)
_PAIR = re.compile(r"'([^']+)'\s*:\s*'?([\w.]+)'?")
_DATACENTER = re.compile(r"^\s*Datacenter:\s*(\S+)")
_MEMBER = re.compile(r"^\s*(?:[UD][NLJM]\s+)?(\d{1,3}(?:\.\d{1,3}){3})\s")
_REPAIR = "how long missed writes are kept for a node; copies are alike when it is back"

FIELDS = (
    Field(
        "write_request_timeout|write_request_timeout_in_ms",
        "failover.detection",
        _ms,
        ("2000ms", _CONF),
    ),
    Field("replication", "copies, read_quorum, write_quorum", whole(1)),
    Field("node", "copies"),
    Field(
        "read_request_timeout|read_request_timeout_in_ms",
        read=_ms,
        why="how long a read waits for its copies; a driver gives up after a write's",
    ),
    Field(
        "phi_convict_threshold",
        read=plain,
        defaults=("8", "FO-062"),
        why="when nodes stop to ask a silent one; until then they wait for the others",
    ),
    Field("hinted_handoff_enabled", read=flag, why=_REPAIR),
    Field("max_hint_window|max_hint_window_in_ms", read=_ms, why=_REPAIR),
    Field("num_tokens", read=whole(1), why="how evenly rows are spread"),
    Field("endpoint_snitch", why="which node is in which zone"),
    Field("concurrent_reads", read=whole(1), why="`database.cores` says it"),
    Field("concurrent_writes", read=whole(1), why="`database.cores` says it"),
    Field("strategy", why="how copies are placed; each in a zone of its own here"),
    Field("durable_writes", why="whether a write outlives a crash of all copies"),
)


def knows(_: str, text: str) -> bool:
    """Tell whether a text is of Cassandra."""
    options = (
        r"(?m)^(num_tokens|endpoint_snitch|seed_provider|phi_convict_threshold)\s*:"
    )
    return bool(
        _KEYSPACE.search(text)
        or re.search(options, text)
        or re.search(r"(?m)^\s*Datacenter:\s", text)
    )


def parse(file: File) -> Iterator[Entry]:
    """Yield options, copies by data centre, or nodes by data centre."""
    if _KEYSPACE.search(file.text):
        yield from _keyspaces(file)
    elif re.search(r"(?m)^\s*Datacenter:\s", file.text):
        yield from _ring(file)
    else:
        for node in documents(file):
            yield from flat(node)


def _keyspaces(file: File) -> Iterator[Entry]:
    for match in _KEYSPACE.finditer(file.text):
        for pair in _PAIR.finditer(match[2]):
            line = file.text.count("\n", 0, match.start(2) + pair.start()) + 1
            name, raw = pair[1], pair[2]
            if name == "class":
                yield Entry("strategy", raw, line, group=match[1])
            else:
                place = "" if name == "replication_factor" else name
                yield Entry("replication", raw, line, group=f"{match[1]} {place}")


def _ring(file: File) -> Iterator[Entry]:
    centre, seen = "", set()
    for line, words in enumerate(file.text.splitlines(), 1):
        head = _DATACENTER.match(words)
        centre = head[1] if head else centre
        member = _MEMBER.match(words)
        if member and member[1] not in seen:
            seen.add(member[1])
            yield Entry("node", centre, line, group=centre)


def compose(stated: Stated, draft: Draft) -> None:
    """Write what the files of Cassandra say."""
    draft.base = draft.base or "cassandra"
    limit = stated["write_request_timeout"]
    because = "a driver gives up on a coordinator after the time of a write"
    draft.put("failover.detection", shown(limit.seconds), limit, because=because)
    nodes: dict[str, list[Value]] = {}
    for value in stated.all("node"):
        nodes.setdefault(str(value.value), []).append(value)
    _copies(stated, draft, nodes)
    handoff = stated.given("hinted_handoff_enabled")
    if handoff and not handoff.value:
        draft.warn(handoff, "without hints a node that was away lacks what it missed")
    for value in stated.all("endpoint_snitch"):
        if str(value.value).endswith("SimpleSnitch"):
            said = "knows no zones: all copies of a row may stand in one"
            draft.warn(value, said)


def _keyspace(stated: Stated, draft: Draft) -> dict[str, Value]:
    """Return the copies that the first keyspace has in each data centre."""
    spaces: dict[str, dict[str, Value]] = {}
    for file, entry in stated.entries("replication"):
        space, _, centre = entry.group.partition(" ")
        if not space.startswith("system"):
            spaces.setdefault(space, {})[centre] = stated.read(file, entry)
    chosen = next(iter(spaces.values()), {})
    if len(spaces) > 1:
        first, *others = spaces
        said = f"keyspace {first} is read, and {', '.join(others)} left out"
        draft.warn(next(iter(chosen.values())), said)
    return chosen


def _copies(stated: Stated, draft: Draft, nodes: dict[str, list[Value]]) -> None:
    """Write the copies by data centre, or by zone where there is one."""
    space = _keyspace(stated, draft)
    if not space:
        said = "no keyspace statement is given: the copies are those of the preset"
        draft.warn(None, said)
        return
    of = list(space.values())
    members = [value for values in nodes.values() for value in values]
    counts = {
        centre: _bounded(draft, value, len(nodes.get(centre, members)))
        for centre, value in space.items()
    }
    fewest = min(counts.values())
    if fewest < 3:
        said = f"a quorum of {fewest} is all of them: none may be lost"
        draft.warn(of[0], said)
    local = "LOCAL_QUORUM assumed, for clients say which level they use"
    placed = counts
    if len(counts) == 1:
        placed = {f"zone-{place}": 1 for place in range(1, fewest + 1)}
    else:
        draft.assume("read_from", "local", local)
        draft.assume("write_to", "local", local)
    draft.put("copies", placed, *of, *members)
    for name in ("read_quorum", "write_quorum"):
        draft.put(name, fewest // 2 + 1, *of, because=local)


def _bounded(draft: Draft, value: Value, nodes: int) -> int:
    """Return how many copies there are; no more than nodes, where these are known."""
    if not nodes or value.count <= nodes:
        return value.count
    said = f"is above the {nodes} nodes that there are, which are taken"
    draft.warn(value, said)
    return nodes


CASSANDRA = Format(
    "cassandra", "Apache Cassandra", "4.1", FIELDS, knows, parse, compose
)
