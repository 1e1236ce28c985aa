"""PgBouncer: `pgbouncer.ini`, of which the way to a new primary matters.

Its connections are taken to be told that the old primary is gone, as HAProxy's or a
dying process' are; then logins are tried again every `server_login_retry`, and a name
is looked up once its kept address is older than `dns_max_ttl`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hamodel._fields import nested
from hamodel.reading._core import Draft, Entry, Field, File, Format, Stated
from hamodel.reading._texts import ini
from hamodel.reading._units import shown, time, whole

_CONFIG = "PgBouncer configuration, https://www.pgbouncer.org/config.html, 2024"
_PATH = "failover.redirection"
_second = time(1)
_LOAD = "connections and their queues; load is in workload"

FIELDS = (
    Field(
        "pgbouncer.server_login_retry",
        "failover.redirection",
        _second,
        ("15", "FO-115"),
    ),
    Field(
        "pgbouncer.dns_max_ttl",
        "failover.redirection",
        _second,
        ("15", f"{_CONFIG}; fact FO-115"),
    ),
    Field("host", "failover.redirection"),
    Field(
        "pgbouncer.server_lifetime",
        read=_second,
        why="limits a connection to a host that vanished without a word",
    ),
    Field(
        "pgbouncer.server_connect_timeout",
        read=_second,
        why="a login's longest wait; it delays the next try only to a silent host",
    ),
    Field(
        "pgbouncer.query_wait_timeout",
        read=_second,
        why="how long a client waits in a failover before its error",
    ),
    Field("pgbouncer.query_timeout", why="a query's longest time"),
    Field("pgbouncer.tcp_user_timeout", why="as server_lifetime, by the kernel"),
    Field("pgbouncer.server_fast_close", why="how soon a switchover is followed"),
    Field("pgbouncer.pool_mode", why=_LOAD),
    Field("pgbouncer.default_pool_size", read=whole(), why=_LOAD),
    Field("pgbouncer.reserve_pool_size", read=whole(), why=_LOAD),
    Field("pgbouncer.max_client_conn", read=whole(), why=_LOAD),
    Field("pgbouncer.max_db_connections", read=whole(), why=_LOAD),
)


def knows(_: str, text: str) -> bool:
    """Tell whether a text is of PgBouncer."""
    return re.search(r"(?m)^\[pgbouncer\]", text) is not None


def parse(file: File) -> Iterator[Entry]:
    """Yield the settings; of each database only its host, for it holds passwords."""
    for entry in ini(file):
        if entry.group != "databases":
            yield entry
            continue
        host = re.search(r"\bhost\s*=\s*'?([^\s']+)", entry.raw)
        if host:
            yield entry._replace(name="host", raw=host[1])


def compose(stated: Stated, draft: Draft) -> None:
    """Write how soon the pooler finds a new primary, behind a proxy or without."""
    retry, ttl = stated["pgbouncer.server_login_retry"], stated["pgbouncer.dns_max_ttl"]
    hosts = stated.all("host")
    for value in hosts:
        draft.take(value)
    fixed = bool(hosts) and all(_is_address(str(value.value)) for value in hosts)
    kept = 0.0 if fixed else ttl.seconds
    because = "hosts are addresses, which are not looked up" if fixed else ""
    of = (retry, *hosts) if fixed else (retry, ttl, *hosts)
    proxy = {
        path: draft.leaves.pop(path)
        for path in list(draft.leaves)
        if path.startswith(_PATH)
    }
    pooler = {
        "pgbouncer": {
            "server_login_retry": shown(retry.seconds),
            "dns_max_ttl": shown(kept),
        }
    }
    if not proxy:
        draft.put(_PATH, pooler, *of, because=because)
        return
    # the law of the proxy before the pooler, as one value
    inner = {path.removeprefix(_PATH).lstrip("."): v for path, (v, _) in proxy.items()}
    first = inner.get("") or nested(inner)
    draft.put(_PATH, {"sum": [first, pooler]}, *of, because=because)
    shown_law, carried = draft.leaves[_PATH]
    for _, told in proxy.values():
        for key in ("from", "fact", "assumed", "because"):
            if key in told:
                word = "because" if key in ("fact", "assumed") else key
                if key == "assumed" and "from" not in carried:
                    word = key
                parts = (told[key], carried.get(word, ""))
                carried[word] = "; ".join(filter(None, dict.fromkeys(parts)))
    draft.leaves[_PATH] = (shown_law, carried)


def _is_address(host: str) -> bool:
    return bool(re.fullmatch(r"[0-9.]+|\[?[0-9a-fA-F:]+:[0-9a-fA-F:]+\]?|/.*", host))


PGBOUNCER = Format(
    "pgbouncer", "PgBouncer", "1.22", FIELDS, knows, parse, compose, later=True
)
