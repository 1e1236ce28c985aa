"""Connection URIs of libpq in a file, such as DATABASE_URL in an `.env`.

A URI of several hosts is a client that looks for the primary itself: with
target_session_attrs=read-write it goes round them until one takes writes.  A host that
is gone and stands first in the list costs `connect_timeout` in each round.  A URI of
one host goes through a proxy, and changes nothing here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl

from hamodel.reading._core import Draft, Entry, Field, File, Format, Stated
from hamodel.reading._units import shown, time, word

_CONNECT = "PostgreSQL documentation: Database Connection Control Functions, 2024"
_URI = re.compile(r"postgres(?:ql)?(?:\+\w+)?://([^\s\"'<>]*)")
_SYN = 131.0  # s, FO-118: where nothing limits an attempt to connect
_LEAST = 2.0  # s: libpq takes a shorter limit as this
_KEPT = "when a silent connection is given up; here clients let go at once"

FIELDS = (
    Field("host", "failover.redirection"),
    Field("connect_timeout", "failover.redirection", time(1), ("0", _CONNECT)),
    Field(
        "target_session_attrs",
        "failover.redirection",
        word(
            *("any", "read-write", "read-only", "primary", "standby"), "prefer-standby"
        ),
        ("any", _CONNECT),
    ),
    Field("tcp_user_timeout", read=time(1e-3), why=_KEPT),
    Field("keepalives", why=_KEPT),
    Field("keepalives_idle", read=time(1), why=_KEPT),
    Field("keepalives_interval", read=time(1), why=_KEPT),
    Field("keepalives_count", why=_KEPT),
    Field("load_balance_hosts", why="in which order hosts are tried"),
)


def knows(_: str, text: str) -> bool:
    """Tell whether a text holds a URI of PostgreSQL and little else."""
    kept = [
        x for x in text.splitlines() if x.strip() and not x.lstrip().startswith("#")
    ]
    return bool(_URI.search(text)) and all(
        _URI.match(x.strip()) or re.match(r"(export\s+)?\w+\s*=", x.strip())
        for x in kept
    )


def parse(file: File) -> Iterator[Entry]:
    """Yield hosts and parameters of each URI; never user, password or database."""
    for line, text in enumerate(file.text.splitlines(), 1):
        if text.lstrip().startswith("#"):
            continue
        for match in _URI.finditer(text):
            whole, _, query = match[1].partition("?")
            authority = whole.split("/", 1)[0].rpartition("@")[2]
            for host in filter(None, authority.split(",")):
                yield Entry("host", re.sub(r":\d+$", "", host), line)
            for name, value in parse_qsl(query, keep_blank_values=True):
                yield Entry(name, value, line)


def compose(stated: Stated, draft: Draft) -> None:
    """Write how long a client looks for the new primary among its hosts."""
    hosts = stated.all("host")
    if len(hosts) < 2:
        return
    wanted, limit = stated["target_session_attrs"], stated["connect_timeout"]
    if wanted.value not in ("read-write", "primary"):
        said = "must be read-write for a client that is to find a new primary itself"
        draft.warn(wanted if wanted.where else hosts[0], f"target_session_attrs {said}")
    if stated.given("tcp_user_timeout") is None:
        said = "without tcp_user_timeout a connection to a host that vanished hangs for"
        draft.warn(hosts[0], f"{said} up to 924.6 s (FO-117)")
    if not limit.value:
        said = "without connect_timeout a host that is gone costs 131 s (FO-118)"
        draft.warn(hosts[0], said)
    if "failover.redirection" in draft.leaves:
        draft.warn(hosts[0], "several hosts and a proxy are given; the proxy is taken")
        return
    patience = max(limit.seconds, _LEAST) if limit.value else _SYN
    law = {
        "mixture": [
            {"share": 0.5, "time": shown(patience)},
            {"share": 0.5, "time": "0 s"},
        ]
    }
    because = "the host that is gone stands before the new primary every other time"
    draft.take(wanted)
    draft.put("failover.redirection", law, *hosts, limit, because=because)


LIBPQ = Format("libpq", "libpq", "16", FIELDS, knows, parse, compose, later=True)
