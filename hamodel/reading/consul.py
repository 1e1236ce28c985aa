"""Files of a Consul server: JSON, or HCL of attributes and blocks.

HCL is read line by line: names, equal signs, blocks; what else the language has
(functions, heredocs) no server's file needs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hamodel.reading._core import Draft, Entry, Field, File, Format, Stated
from hamodel.reading._texts import json
from hamodel.reading._units import time, whole
from hamodel.reading.etcd import place_copies

_PRODUCTION = 1  # the multiplier that is advised
_MOST = 10  # the multiplier's limit
_AUTOPILOT = "how soon dead servers leave the group; here a lost server is repaired"

FIELDS = (
    Field(
        "performance.raft_multiplier", "settings.multiplier", whole(1), ("5", "FO-111")
    ),
    Field("bootstrap_expect", "copies", whole(1)),
    Field(
        "performance.rpc_hold_timeout",
        read=time(1),
        why="how long a request waits for a leader before its error",
    ),
    Field(
        "performance.leave_drain_time",
        read=time(1),
        why="how long a server that leaves still answers",
    ),
    Field("autopilot.cleanup_dead_servers", why=_AUTOPILOT),
    Field("autopilot.last_contact_threshold", why=_AUTOPILOT),
    Field("autopilot.server_stabilization_time", why=_AUTOPILOT),
    Field("autopilot.min_quorum", why=_AUTOPILOT),
    Field("session_ttl_min", read=time(1), why="sessions of clients, not of Raft"),
    Field("dns_config.allow_stale", why="whether DNS is answered by any server"),
    Field("dns_config.max_stale", why="how old an answer of DNS may be"),
    Field("discovery_max_stale", why="how old an answer of discovery may be"),
    Field("leave_on_terminate", why="whether a stopped server leaves the group"),
)


def knows(name: str, text: str) -> bool:
    """Tell whether a text is of a Consul agent."""
    if not name.endswith((".hcl", ".json")):
        return False
    own = r"(bootstrap_expect|retry_join|raft_multiplier|datacenter|ui_config|rejoin)"
    found = set(re.findall(rf'(?m)(?:^|[{{,])\s*"?{own}"?\s*[=:{{]', text))
    return bool({"raft_multiplier", "bootstrap_expect"} & found) or len(found) > 1


def parse(file: File) -> Iterator[Entry]:
    """Yield the options of JSON or HCL."""
    if file.text.lstrip().startswith("{"):
        yield from json(file)
        return
    owners: list[str] = []
    for line, words in enumerate(file.text.splitlines(), 1):
        words = re.sub(r"(^|\s)(#|//).*", "", words).strip()
        block = re.fullmatch(r'([\w-]+)(?:\s+"[^"]*")?\s*=?\s*\{(.*)', words)
        pairs = words
        if block:
            owners.append(block[1])
            pairs = block[2]
        for name, raw in re.findall(
            r'([\w-]+)\s*=\s*("[^"]*"|\[[^\]]*\]?|[^\s,}]+)', pairs
        ):
            yield Entry(".".join([*owners, name]), raw.strip('"'), line)
        for _ in range(pairs.count("}")):
            if not owners:
                raise ValueError(f"{file.where(line)}: a brace ends what did not begin")
            owners.pop()
    if owners:
        raise ValueError(f"{file.where(line)}: block {owners[-1]} does not end")


def compose(stated: Stated, draft: Draft) -> None:
    """Write what the files of Consul say."""
    draft.base = draft.base or "consul"
    factor, servers = (
        stated["performance.raft_multiplier"],
        stated.given("bootstrap_expect"),
    )
    if factor.count > _MOST:
        raise stated.refuse(factor, f"must be <= {_MOST}, got {factor.value}")
    if factor.count > _PRODUCTION:
        said = f"is {factor.value}; {_PRODUCTION} is advised for production"
        draft.warn(factor, f"raft_multiplier {said}, and elects so many times sooner")
    draft.put("settings.multiplier", factor.count, factor)
    if servers is not None:
        names = [f"zone-{place}" for place in range(1, servers.count + 1)]
        place_copies(draft, names, [servers], "election.consul election.nodes")


CONSUL = Format("consul", "Consul", "1.18", FIELDS, knows, parse, compose)
