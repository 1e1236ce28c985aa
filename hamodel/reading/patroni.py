"""Patroni: `patroni.yml` of a node, or what `patronictl show-config` prints.

Fields of the dynamic configuration stand under `bootstrap.dcs` in the file of a node,
and at the top in what `patronictl` prints; both are read.  Several files are several
nodes, told apart by their `name`.

From release 3.2 on Patroni corrects times that break its rules; the system is made of
what it really runs with, and a warning says so.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from math import comb

from hamodel.facts import fact
from hamodel.failover import Lease
from hamodel.reading._core import (
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
from hamodel.reading._units import flag, shown, time, whole, word

_DCS = "bootstrap.dcs."
_PARAMETERS = "postgresql.parameters."
_MODES = "Patroni documentation: Replication modes, 2026"
_POSTGRES = "PostgreSQL documentation: Write Ahead Log, 2024"
_PROMOTED = 0.384  # s, REC-001: what a promotion takes beside the retry
_LISTED = re.compile(r"^(etcd3?|zookeeper|exhibitor)\.hosts\[\d+\]$")


def _dynamic(name: str) -> str:
    """Return the spellings of a field of the dynamic configuration."""
    return "|".join(f"{_DCS}{one}|{one}" for one in name.split("|"))


def _mode(raw: str) -> str:
    if raw.strip().lower() == "quorum":
        return "quorum"
    return "on" if flag(raw) else "off"


_second = time(1)
FIELDS = (
    Field(_dynamic("ttl"), "settings.ttl", _second, ("30", "FO-001")),
    Field(_dynamic("loop_wait"), "settings.loop_wait", _second, ("10", "FO-002")),
    Field(
        _dynamic("retry_timeout"), "settings.retry_timeout", _second, ("10", "FO-003")
    ),
    Field(_dynamic("synchronous_mode"), "replication.mode", _mode, ("off", _MODES)),
    Field(
        _dynamic("synchronous_mode_strict"), "replication.mode", flag, ("off", _MODES)
    ),
    Field(
        _dynamic("synchronous_node_count"),
        "replication.acknowledgements",
        whole(1),
        ("1", _MODES),
    ),
    Field(
        _dynamic(_PARAMETERS + "synchronous_commit"),
        "replication.wait_for, replication.mode",
        word("on", "off", "local", "remote_write", "remote_apply"),
        ("on", _POSTGRES),
    ),
    Field(
        _dynamic(_PARAMETERS + "wal_retrieve_retry_interval"),
        "failover.promotion",
        time(1e-3, "us", "ms", "s", "min", "h", "d"),
    ),
    Field("name", "replicas"),
    Field("tags.nofailover", "replicas.promotable", flag),
    Field("tags.failover_priority", "replicas.priority", whole()),
    Field("tags.nosync", "replicas.sync", flag),
    Field("tags.noloadbalance", "replicas.reads", flag),
    Field(
        _dynamic("maximum_lag_on_failover"),
        read=whole(),
        why="a standby further behind is not promoted; every standby may be, here",
    ),
    Field(
        _dynamic("primary_start_timeout|master_start_timeout"),
        read=_second,
        why="how long a crashed PostgreSQL may restart in place before a failover; a "
        "failure of kind `process` under `failures` says how long that takes",
    ),
    Field(
        _dynamic("failsafe_mode"),
        read=flag,
        to="depends_on",
        defaults=("off", "Patroni documentation: DCS Failsafe Mode, 2026"),
    ),
    Field("etcd3.hosts|etcd.hosts|zookeeper.hosts|exhibitor.hosts", "depends_on"),
    Field(
        "etcd3.host|etcd.host|consul.host",
        why="one way to the lock store; `depends_on` says how often the store is lost",
    ),
    Field(
        _dynamic("maximum_lag_on_syncnode"),
        why="a synchronous standby further behind is replaced by another",
    ),
    Field(
        "watchdog.mode",
        why="stops a primary that hangs; here an old primary never lives on unless "
        "`old_primary` says so",
    ),
    Field("watchdog.safety_margin", why="as watchdog.mode"),
    Field(
        _dynamic("postgresql.use_pg_rewind"),
        why="how soon an old primary is a standby again; `database.mttr` has it",
    ),
    Field(
        _dynamic("standby_cluster.host"),
        why="this cluster follows another, which takes the writes",
    ),
)
#: By the lock store: how an expired lock is seen.
_STORES = {
    "etcd": (),
    "etcd3": (),
    "consul": (("tick", "0 s", "Consul ends a session by its own timer"),),
    "zookeeper": (("tick", "2 s", "ZooKeeper looks for lost sessions every tickTime"),),
    "exhibitor": (("tick", "2 s", "ZooKeeper looks for lost sessions every tickTime"),),
    "kubernetes": (
        ("tick", "0 s", "each member compares times by itself"),
        ("watch", False, "nobody is told of an expiry; members look once in a loop"),
    ),
    "raft": (("tick", "0 s", "the members keep the lock themselves"),),
}


def knows(_: str, text: str) -> bool:
    """Tell whether a text is of Patroni."""
    top = set(re.findall(r"(?m)^([a-z_0-9]+)\s*:", text))
    node = bool({"scope", "patroni"} & top) and bool(
        {"bootstrap", "postgresql", "restapi", "ttl", "loop_wait"} & top
    )
    return node or {"ttl", "loop_wait"} <= top


def compose(stated: Stated, draft: Draft) -> None:
    """Write what Patroni's files say."""
    draft.base = draft.base or "postgresql-patroni"
    _times(stated, draft)
    _store(stated, draft)
    _members(stated, draft)
    _nodes(stated, draft)
    _replication(stated, draft)
    retry = stated.given(f"{_PARAMETERS}wal_retrieve_retry_interval")
    if retry:
        draft.put(
            "failover.promotion.promotion.slow",
            shown(retry.seconds + _PROMOTED),
            retry,
            because="a standby that waits for more log does so this long (REC-001)",
        )
    for value in stated.all("standby_cluster.host"):
        draft.warn(value, "this is a standby cluster; read the one that takes writes")


def _times(stated: Stated, draft: Draft) -> None:
    names = ("ttl", "loop_wait", "retry_timeout")
    values = [stated[name] for name in names]
    draft.alike(stated, *names)
    ttl, wait, retry = values
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            lease = Lease(
                ttl=ttl.seconds,
                loop_wait=min(wait.seconds, ttl.seconds),
                retry_timeout=retry.seconds,
                version=float("{}.{}".format(*number(f"{stated.version}.0")[:2])),
            )
        except ValueError as refused:
            raise stated.refuse(ttl, str(refused)) from None
    adjusts = number(stated.version) >= (3, 2)
    if wait.seconds > ttl.seconds and not adjusts:
        raise stated.refuse(wait, f"must be <= ttl = {ttl.value:g} s")
    takes = dict(zip(names, lease.effective, strict=True))
    least = wait.seconds + 2 * retry.seconds
    if ttl.seconds < least:
        _warn_rule(stated, draft, values, least)
    for name, value in zip(names, values, strict=True):
        real = float(takes[name])
        because = ""
        if real != value.seconds:
            because = (
                f"{stated.product} takes {shown(real)}, not {shown(value.seconds)}"
            )
            if not ttl.seconds < least:
                draft.warn(value, f"{because}: it is below the least allowed")
        draft.put(f"settings.{name}", shown(real), value, because=because)


def _warn_rule(
    stated: Stated, draft: Draft, values: Sequence[Value], least: float
) -> None:
    ttl = values[0]
    rule = f"ttl should be >= loop_wait + 2 retry_timeout = {least:g} s, and is "
    then = (
        f"{stated.product} corrects the times when it reads them"
        if number(stated.version) >= (3, 2)
        else "a leader may lose its lock while it still retries the store"
    )
    given = next((value for value in values if value.where), ttl)
    draft.warn(given, f"{rule}{ttl.value:g} s: {then}")


def _store(stated: Stated, draft: Draft) -> None:
    """Write how the lock store lets the others know."""
    for file in stated.files:
        for entry in file.entries:
            store = re.split(r"[.\[]", entry.name, maxsplit=1)[0]
            for name, value, why in _STORES.get(store, ()):
                told = f"{file.where(entry)} {store}"
                path = f"failover.detection.lease.{name}"
                draft.leaves[path] = (value, {"from": told, "because": why})


def _members(stated: Stated, draft: Draft) -> None:
    """Write that writes hang on the lock store, and how often it is lost."""
    listed, safe = stated.all("etcd3.hosts"), stated["failsafe_mode"]
    if not listed and safe.default:
        return
    for value in (*listed, safe):
        draft.take(value)
    draft.alike(stated, "failsafe_mode")
    name, mttf, mttr = "lock store", "never", "30 min"
    told = {"assumed": "its members are not listed; give its law and it counts"}
    if listed:
        name = listed[0].name.split(".")[0].rstrip("3")
        hosts = {part.strip() for one in listed for part in str(one.value).split(",")}
        mttf, mttr, told = _majority(draft, listed, len(hosts))
    store = {
        "name": (name, {}),
        "mttf": (mttf, told),
        "mttr": (mttr, told),
        "effect": ("no failover" if safe.value else "read-only", safe.carried),
    }
    draft.leaves["depends_on"] = ([store], {})


def _majority(
    draft: Draft, listed: Sequence[Value], count: int
) -> tuple[str, str, dict[str, str]]:
    """Return how long a majority lives and how long it is then lost, and why."""
    fewest = count - count // 2  # so many down leave no majority
    if fewest == 1:
        draft.warn(listed[0], f"lists {count}: the loss of one stops the writes")
    mttf, mttr = 1 / fact("FAIL-016").in_base(), fact("FAIL-017").in_base()
    down = mttr / (mttf + mttr)
    shares = [
        comb(count, n) * down**n * (1 - down) ** (count - n)
        for n in range(fewest, count + 1)
    ]
    often = shares[0] * fewest / mttr  # it comes back by a repair from the fewest
    lives, lost = (1 - sum(shares)) / often, sum(shares) / often
    told = {
        "from": "; ".join(dict.fromkeys(value.origin for value in listed)),
        "because": f"{count} members bear the loss of {fewest - 1}; they are taken to "
        "fail as servers do (FAIL-016, FAIL-017)",
    }
    return shown(lives), shown(round(lost, 1)), told


def _nodes(stated: Stated, draft: Draft) -> None:
    """Write the nodes one by one, where several files or tags tell them apart."""
    nodes = _named(stated, draft)
    listed, carried = [], []
    for name, own in nodes.items():
        node, told = _node(own, draft, name)
        listed.append(node)
        carried += [own["name"], *told]
    apart = "each node in a zone of its own"
    if len(listed) > 1:
        if draft.sites and len(draft.sites) != len(listed):
            said = f"{len(draft.sites)} servers hold the primary, and {len(listed)}"
            draft.warn(draft.sites[0], f"{said} nodes are given, which are taken")
        draft.sites = [own["name"] for own in nodes.values()]
        draft.put("replicas", listed, *carried, because=apart)
        return
    if draft.sites:
        draft.put("sites", [v.value for v in draft.sites], *draft.sites, because=apart)
    said = "says so of one node; give the files of all nodes to have it used"
    for value in carried[1:]:
        if value.value is not False:
            draft.warn(value, said)


def _named(stated: Stated, draft: Draft) -> dict[str, Stated]:
    """Return what the files say of each node, by its name."""
    nodes: dict[str, Stated] = {}
    for own in stated.apart():
        name = own.given("name")
        if name is None:
            continue
        twin = nodes.setdefault(str(name.value), own)
        if twin is not own:
            said = f"is the name at {twin['name'].where} too"
            draft.warn(name, f"{said}, and both are read as one node")
    return nodes


def _node(
    own: Stated, draft: Draft, name: str
) -> tuple[dict[str, object], list[Value]]:
    """Return what the tags say of a node, and the values that say it."""
    node: dict[str, object] = {"site": name}
    told: list[Value] = []

    def tag(key: str) -> Value | None:
        value = own.given(f"tags.{key}")
        if value is not None:
            told.append(value)
        return value

    nofailover, priority = tag("nofailover"), tag("failover_priority")
    last = priority is not None and not priority.value
    if nofailover.value if nofailover else last:  # nofailover wins, as Patroni has it
        node["promotable"] = False
    elif priority and priority.count:
        node["priority"] = priority.count
    elif priority:
        told.remove(priority)
        draft.warn(priority, "changes nothing: nofailover is said too, and holds")
    nosync, alone = tag("nosync"), tag("noloadbalance")
    if nosync and nosync.value:
        node["sync"] = False
    if alone and alone.value:
        node["reads"] = "never"
    return node, told


def _replication(stated: Stated, draft: Draft) -> None:
    draft.alike(stated, "synchronous_mode")
    mode, strict = stated["synchronous_mode"], stated["synchronous_mode_strict"]
    commit = stated[f"{_PARAMETERS}synchronous_commit"]
    standbys = max(len(draft.sites), 2) - 1
    if standbys > 1:
        draft.put("replication.standbys", standbys, *draft.sites)
    draft.take(mode)
    if mode.value == "off":
        if strict.value:
            draft.warn(strict, "changes nothing without synchronous_mode")
        return
    draft.alike(stated, "synchronous_mode_strict", f"{_PARAMETERS}synchronous_commit")
    draft.take(strict)
    draft.take(commit)
    if commit.value in ("off", "local"):
        draft.warn(commit, "commits wait for nobody, in spite of synchronous_mode")
        return
    _waits(draft, mode, strict, alone=standbys == 1)
    draft.alike(stated, "synchronous_node_count")
    count = stated["synchronous_node_count"]
    if count.count > standbys:
        said = f"is above the {standbys} standbys that there are, which are taken"
        draft.warn(count, said)
    if strict.value and count.count > 1:
        said = "is lowered to the standbys that stream, down to 1; here commits wait"
        draft.warn(count, said)
    draft.put("replication.acknowledgements", min(count.count, standbys), count)
    if commit.value == "remote_apply":
        draft.put("replication.wait_for", "applied", commit)


def _waits(draft: Draft, mode: Value, strict: Value, *, alone: bool) -> None:
    """Write what commits wait for, and how long."""
    if strict.value:
        because = "strict: without a standby that answers, commits wait"
        draft.put("replication.mode", "quorum", mode, strict, because=because)
        if alone:
            draft.warn(strict, "writes stop whenever the only standby is down")
        return
    because = "while there is a standby; without one the primary goes on"
    draft.put("replication.mode", "semi-sync", mode, because=because)
    loop, _ = draft.leaves["settings.loop_wait"]
    because = "a loop, until Patroni lets go of a standby that is gone"
    draft.assume("replication.timeout", loop, because)


def _parsed(file: File) -> Iterator[Entry]:
    """Yield what a file says; what it lists of its lock store under one name."""
    for entry in yaml(file):
        yield entry._replace(name=_LISTED.sub(r"\1.hosts", entry.name))


PATRONI = Format("patroni", "Patroni", "4.0", FIELDS, knows, _parsed, compose)
