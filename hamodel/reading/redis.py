"""Redis and Sentinel: `sentinel.conf` of one of the Sentinels, `redis.conf` of nodes.

A running Sentinel writes the others and the replicas that it knows into its file, so
one file tells how many there are.  Without those lines three Sentinels and one replica
are assumed, as the preset has them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hamodel.reading._core import (
    Draft,
    Entry,
    Field,
    File,
    Format,
    Scalar,
    Stated,
    Value,
)
from hamodel.reading._texts import words
from hamodel.reading._units import bare, flag, shown, time, whole

_CONF = (
    "redis.conf and sentinel.conf of Redis 7.2, https://github.com/redis/redis, 2023"
)
_OF_ALL = ("sentinel.down-after-milliseconds", "sentinel.failover-timeout")
_STAGES = ("failover.detection.sentinel", "failover.promotion.sentinel")
_MONITOR = 5  # words of `sentinel monitor`, itself counted
_ms = bare(1e-3)
_LOST = "writes that an old primary or a restart loses; a failover's own are counted"

FIELDS = (
    Field(
        "sentinel.down-after-milliseconds",
        "settings.down_after",
        _ms,
        ("30000", "FO-043"),
    ),
    Field(
        "sentinel.failover-timeout",
        "settings.failover_timeout",
        _ms,
        ("180000", "FO-045"),
    ),
    Field(
        "sentinel.quorum",
        "failover.detection, failover.promotion",
        whole(1),
        ("2", f"{_CONF}: the example of its own file"),
    ),
    Field("sentinel.known-sentinel", "failover.detection, failover.promotion"),
    Field("sentinel.known-replica|sentinel.known-slave", "sites"),
    Field("replicaof|slaveof", "sites"),
    Field(
        "replica-priority|slave-priority",
        "replicas.promotable",
        whole(),
        ("100", _CONF),
    ),
    Field(
        "sentinel.parallel-syncs",
        read=whole(),
        why="how many replicas follow the new primary at once",
    ),
    Field(
        "min-replicas-to-write|min-slaves-to-write",
        read=whole(),
        why=f"how soon a primary that is cut off refuses writes: {_LOST}",
    ),
    Field("min-replicas-max-lag|min-slaves-max-lag", read=time(1), why=_LOST),
    Field("appendonly", read=flag, why=_LOST),
    Field("appendfsync", why=_LOST),
    Field("repl-timeout", read=time(1), why="when a silent link is given up"),
    Field("repl-backlog-size", why="whether a replica must copy all data anew"),
    Field("tcp-keepalive", why="when a silent client is given up"),
    Field(
        "cluster-node-timeout",
        read=_ms,
        why="Redis Cluster votes by itself, and no preset has it",
    ),
)


def knows(name: str, text: str) -> bool:
    """Tell whether a text is of Redis or of Sentinel."""
    if re.search(r"(?m)^\s*sentinel\s+(monitor|down-after-milliseconds)\s", text):
        return True
    own = {
        "requirepass",
        "appendonly",
        "replicaof",
        "slaveof",
        "maxmemory",
        "appendfsync",
    }
    own |= {"replica-priority", "min-replicas-to-write", "masterauth"}
    first = set(re.findall(r"(?m)^([a-z-]+)[ \t]+\S", text))
    return len(own & first) >= (1 if "redis" in name else 2)


def parse(file: File) -> Iterator[Entry]:
    """Yield each directive; those of Sentinel without the name of the primary."""
    for line, found in words(file):
        name, rest = found[0].lower(), found[1:]
        if name == "sentinel" and len(rest) > 1:
            option = rest[0].lower()
            if option == "monitor" and len(rest) != _MONITOR:
                said = f"must be NAME HOST PORT QUORUM, got {len(rest) - 1} words"
                raise ValueError(f"{file.where(line)}: sentinel monitor: {said}")
            yield Entry(f"sentinel.{option}", " ".join(rest[2:]), line, group=rest[1])
            if option == "monitor":
                yield Entry("sentinel.quorum", rest[-1], line, group=rest[1])
        else:
            yield Entry(name, " ".join(rest), line)


def compose(stated: Stated, draft: Draft) -> None:
    """Write what the files of Redis and Sentinel say."""
    draft.base = draft.base or "redis-sentinel"
    _one_primary(stated)
    draft.alike(stated, *_OF_ALL)
    down = stated["sentinel.down-after-milliseconds"]
    again = stated["sentinel.failover-timeout"]
    draft.put("settings.down_after", shown(down.seconds), down)
    draft.put("settings.failover_timeout", shown(again.seconds), again)
    if down.seconds < 1:
        said = "is below the second between two pings: a short stall is a failover"
        draft.warn(down, said)
    _votes(stated, draft)
    _nodes(stated, draft)
    for value in stated.all("cluster-node-timeout"):
        draft.warn(value, "Redis Cluster fails over by itself, and is not modelled")
    fewest = stated.given("min-replicas-to-write")
    if fewest is None or not fewest.value:
        said = "without min-replicas-to-write an old primary that is cut off goes on"
        draft.warn(fewest, f"{said} taking writes, which are lost")


def _one_primary(stated: Stated) -> None:
    names = {e.group: (f, e) for f, e in stated.entries("sentinel.quorum")}
    if len(names) > 1:
        file, entry = list(names.values())[1]
        listed = ", ".join(names)
        said = f"a system has one primary, and {listed} are watched; leave one of them"
        raise ValueError(f"{file.where(entry)}: sentinel monitor: {said}")


def _votes(stated: Stated, draft: Draft) -> None:
    """Write how many Sentinels there are and must agree."""
    draft.alike(stated, "sentinel.quorum")
    quorum, others = stated["sentinel.quorum"], _others(stated, draft)
    count = len(others) + 1 if others else 3
    if quorum.count > count:
        said = f"must be <= the {count} Sentinels that there are, got {quorum.value}"
        raise stated.refuse(quorum, said)
    if count < 3:
        said = "no majority is left to vote when one goes, and nobody fails over"
        draft.warn(others[0], f"there are {count} Sentinels: {said}")
    elif quorum.count * 2 <= count:
        draft.warn(quorum, f"fewer than half of {count} Sentinels find a primary down")
    for stage in _STAGES:
        draft.put(f"{stage}.quorum", quorum.count, quorum)
        if others:
            because = "those that are known, and this one"
            draft.put(f"{stage}.sentinels", count, *others, because=because)


def _others(stated: Stated, draft: Draft) -> list[Value]:
    """Return the other Sentinels: as the file knows them that knows most."""
    known: dict[str, dict[Scalar, Value]] = {}
    for file, entry in stated.entries("sentinel.known-sentinel"):
        value = stated.read(file, entry)
        known.setdefault(file.name, {}).setdefault(value.value, value)
        draft.take(value)
    return list(max(known.values(), key=len, default={}).values())


def _nodes(stated: Stated, draft: Draft) -> None:
    """Write the nodes: as a Sentinel knows them, or one for each `redis.conf`."""
    known = stated.all("sentinel.known-replica")
    for value in known:  # by every Sentinel whose file is given
        draft.take(value)
    told = list({v.value: v for v in reversed(known)}.values())[::-1]
    told = told or stated.all("replicaof")
    count = len(told) + 1
    listed: list[dict[str, str | bool]] = [
        {"site": f"zone-{place}"} for place in range(1, count + 1)
    ]
    nodes = [
        own
        for own in stated.apart()
        if not any(name.startswith("sentinel.") for name in own.names)
    ]
    for place, own in enumerate(nodes if len(nodes) == count else ()):
        priority = own.given("replica-priority")
        if priority is not None:
            told.append(priority)
            listed[place]["promotable"] = priority.count > 0
    if told:
        because = "each node in a zone of its own"
        draft.put("replicas", listed, *told, because=because)
        if len(listed) > 2:
            draft.put("replication.standbys", len(listed) - 1, *told)


REDIS = Format("redis", "Redis", "7.2", FIELDS, knows, parse, compose, last=True)
