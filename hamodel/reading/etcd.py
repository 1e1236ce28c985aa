"""Files of etcd: its YAML file, its environment (ETCD_HEARTBEAT_INTERVAL=...), flags.

Flags are read wherever a command of etcd stands: a script, a unit of systemd, a Pod.

Elections run in whole ticks: etcd divides the election timeout by the heartbeat and
leaves the rest out, and so does the system that is made of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hamodel.reading._core import (
    Default,
    Draft,
    Entry,
    Field,
    File,
    Format,
    Stated,
    Value,
    number,
)
from hamodel.reading._texts import yaml
from hamodel.reading._units import bare, flag, shown, whole

_MOST = 50.0  # s, as etcd allows
_TIMES = 5  # heartbeats at least in an election timeout, as etcd demands
_ROUND_TRIPS = 10  # in an election timeout, as its documentation advises
_ROUND_TRIP = 1.025e-3  # s, RTT-004, as the preset has it
_CHANGES = "etcd changelog, Raft pre-vote enabled by default from 3.5 on, 2021"
_ms = bare(1e-3)

FIELDS = (
    Field("heartbeat-interval", "settings.heartbeat", _ms, ("100", "FO-047")),
    Field("election-timeout", "settings.election_timeout", _ms, ("1000", "FO-048")),
    Field("initial-cluster", "copies"),
    Field(
        "pre-vote",
        "election.pre_vote",
        flag,
        (Default("false", _CHANGES), Default("true", _CHANGES, "3.5")),
    ),
    Field("quota-backend-bytes", read=whole(), why="when the room for data ends"),
    Field("snapshot-count", read=whole(), why="how far a slow member may lag"),
    Field("auto-compaction-retention", why="what old versions are kept for"),
    Field("auto-compaction-mode", why="what old versions are kept for"),
    Field("max-request-bytes", read=whole(), why="the largest write"),
    Field("strict-reconfig-check", why="guards changes of the membership"),
    Field("initial-election-tick-advance", why="when a restarted member votes"),
)

_SET = re.compile(r"^\s*(?:export\s+)?ETCD_([A-Z_]+)=(.*)")
_FLAG = re.compile(r"(?<!\S)[\"']?--([a-z][a-z-]+)(?:=|[ \t]+(?!-))([^\s\\]*)")
_COMMAND = re.compile(
    r"(?<!\S)[\"']?--(heartbeat-interval|election-timeout|initial-cluster)\b"
)


def knows(_: str, text: str) -> bool:
    """Tell whether a text is of etcd."""
    if re.search(r"(?m)^kind:[ \t]+(?!Pod\b)\S", text):  # a manifest of something else
        return False
    if _COMMAND.search(text):
        return True
    own = "(heartbeat-interval|election-timeout|initial-(cluster|advertise-peer-urls))"
    return bool(re.search(rf"(?m)^{own}\s*:", text)) or bool(
        re.search(r"(?m)^\s*(export\s+)?ETCD_[A-Z_]+=", text)
    )


def parse(file: File) -> Iterator[Entry]:
    """Yield the options by their names in the YAML file."""
    lines = list(enumerate(file.text.splitlines(), 1))
    if not _COMMAND.search(file.text) and not any(_SET.match(w) for _, w in lines):
        yield from yaml(file)
        return
    for line, words in lines:
        match = _SET.match(words)
        if match:
            name = match[1].lower().replace("_", "-")
            yield Entry(name, match[2].strip().strip("'\""), line)
        elif not words.lstrip().startswith("#"):
            for flagged in _FLAG.finditer(words):
                yield Entry(flagged[1], flagged[2].strip("'\""), line)


def compose(stated: Stated, draft: Draft) -> None:
    """Write what the files of etcd say."""
    draft.base = draft.base or "etcd"
    draft.alike(stated, "heartbeat-interval", "election-timeout", "pre-vote")
    beat, limit = stated["heartbeat-interval"], stated["election-timeout"]
    if not beat.value:
        raise stated.refuse(beat, "must be above 0 ms")
    given = limit if limit.where else beat
    if limit.seconds < _TIMES * beat.seconds - 1e-9:
        rule = f"election-timeout must be >= {_TIMES} heartbeats"
        raise stated.refuse(given, f"{rule} = {shown(_TIMES * beat.seconds)}")
    if limit.seconds > _MOST:
        raise stated.refuse(limit, f"must be <= {shown(_MOST)}")
    if limit.seconds < _ROUND_TRIPS * _ROUND_TRIP:
        said = f"is below {_ROUND_TRIPS} round trips of {shown(_ROUND_TRIP)}"
        draft.warn(given, f"{said}: a slow message is an election")
    ticks = int(limit.seconds / beat.seconds + 1e-9)
    real = ticks * beat.seconds
    because = ""
    if abs(real - limit.seconds) > 1e-9:
        because = f"{ticks} whole heartbeats of {shown(beat.seconds)}"
        draft.warn(given, f"etcd takes {because}: {shown(real)}")
    draft.put("settings.heartbeat", shown(beat.seconds), beat)
    of = (limit, beat) if because else (limit,)
    draft.put("settings.election_timeout", shown(real), *of, because=because)
    vote = stated["pre-vote"]
    draft.put("election.election.pre_vote", bool(vote.value), vote)
    _members(stated, draft)
    if number(stated.version) < (3, 5) and not vote.value:
        draft.warn(vote, "without pre-vote a member that comes back upsets its leader")


def _members(stated: Stated, draft: Draft) -> None:
    cluster = stated.given("initial-cluster")
    if cluster is None:
        return
    names = re.findall(r"([^,=\s]+)=", str(cluster.value))
    place_copies(
        draft, list(dict.fromkeys(names)), [cluster], "election.election.nodes"
    )


def place_copies(
    draft: Draft, names: list[str], of: list[Value], nodes: str = ""
) -> None:
    """Write one copy for each name, in a zone of its own, and warn of what is odd."""
    if not names:
        return
    because = "each member in a zone of its own"
    draft.put("copies", dict.fromkeys(names, 1), *of, because=because)
    if len(names) < 3:
        draft.warn(of[0], f"{len(names)} members have no majority without one")
    elif nodes:
        draft.put(nodes, len(names), *of)
    if len(names) % 2 == 0:
        said = f"{len(names)} members bear no more losses than {len(names) - 1}"
        draft.warn(of[0], said)


ETCD = Format("etcd", "etcd", "3.5", FIELDS, knows, parse, compose, last=True)
