"""`my.cnf` of MySQL or MariaDB: Group Replication, Galera, or semi-synchronous.

Which of them it is the options tell.  A pair that is only replicated has no failover in
its file: the preset with orchestrator stands in for whatever does it.  Names are read
with dashes or underscores, with `loose_` before them or not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from hamodel.reading._core import Default, Draft, Entry, Field, File, Format, Stated
from hamodel.reading._texts import ini
from hamodel.reading._units import bare, flag, iso, shown, whole, word
from hamodel.reading.etcd import place_copies

_GROUP = "MySQL 8.4 Reference Manual: Group Replication System Variables, 2024"
_GALERA = "Galera Cluster documentation: MySQL wsrep Options, 2025"
_SEMI = "MySQL 8.4 Reference Manual: Replication Source Options and Variables, 2024"
_SUSPICION = 5.0  # s, FO-032: before a silent member is suspected
_READ_WAITS = 1  # the bit of wsrep_sync_wait that is for reads
_SERVERS = frozenset({"mysqld", "server", "mariadb", "galera", "mariadbd"})
_ms, _second = bare(1e-3), bare(1)
_DURABLE = "what a server that crashes and restarts loses; here it is repaired in full"

FIELDS = (
    Field(
        "group_replication_member_expel_timeout",
        "election",
        _second,
        (Default("0", f"{_GROUP}; fact FO-033"), Default("5", "FO-033", "8.0.21")),
    ),
    Field("group_replication_group_seeds", "copies"),
    Field(
        "group_replication_consistency",
        "local_reads",
        word(
            *("eventual", "before", "after", "before_and_after"),
            "before_on_primary_failover",
        ),
        (
            Default("eventual", _GROUP),
            Default("before_on_primary_failover", _GROUP, "8.4"),
        ),
    ),
    Field(
        "!includedir|!include",
        why="more option files, which are not opened here; give them as well",
    ),
    Field(
        "group_replication_single_primary_mode",
        read=flag,
        why="with several primaries writes may conflict; here one takes them all",
    ),
    Field(
        "group_replication_unreachable_majority_timeout",
        read=_second,
        why="how long a minority waits before it gives up; it serves nothing anyway",
    ),
    Field(
        "group_replication_autorejoin_tries",
        read=whole(),
        why="whether an expelled member comes back by itself; `database.mttr` has it",
    ),
    Field(
        "group_replication_exit_state_action",
        why="what an expelled member still answers",
    ),
    Field("group_replication_member_weight", why="which member is next primary"),
    Field("evs.suspect_timeout", "settings.suspect_timeout", iso, ("PT5S", "FO-037")),
    Field(
        "evs.inactive_check_period",
        "election.group change.check",
        iso,
        ("PT0.5S", "FO-106"),
    ),
    Field(
        "evs.join_retrans_period",
        "election.group change.join_retrans",
        iso,
        ("PT1S", "FO-107"),
    ),
    Field(
        "evs.inactive_timeout",
        read=iso,
        defaults=("PT15S", "FO-038"),
        why="when a member is put out without the consent of others",
    ),
    Field(
        "evs.keepalive_period",
        read=iso,
        defaults=("PT1S", "FO-039"),
        why="how often members say that they live; a message of data does as well",
    ),
    Field("wsrep_cluster_address", "copies"),
    Field("wsrep_sync_wait", "local_reads", whole(), ("0", _GALERA)),
    Field("pc.weight", read=whole(), why="a member's weight in the quorum"),
    Field("gcache.size", why="whether a member that comes back copies all data"),
    Field("wsrep_sst_method", why="how a member copies all data"),
    Field(
        "rpl_semi_sync_source_enabled|rpl_semi_sync_master_enabled",
        "replication.mode",
        flag,
        ("off", _SEMI),
    ),
    Field(
        "rpl_semi_sync_source_timeout|rpl_semi_sync_master_timeout",
        "replication.timeout",
        _ms,
        ("10000", "FO-035"),
    ),
    Field(
        "rpl_semi_sync_source_wait_for_replica_count"
        "|rpl_semi_sync_master_wait_for_slave_count",
        "replication.acknowledgements, sites",
        whole(1),
        ("1", _SEMI),
    ),
    Field(
        "replica_net_timeout|slave_net_timeout",
        "standby.probe",
        _second,
        ("60", "FO-036"),
    ),
    Field(
        "rpl_semi_sync_source_wait_point|rpl_semi_sync_master_wait_point",
        why="whether others see a commit before a replica has it",
    ),
    Field("sync_binlog", read=whole(), why=_DURABLE),
    Field("innodb_flush_log_at_trx_commit", read=whole(), why=_DURABLE),
    Field(
        "replica_parallel_workers|slave_parallel_workers",
        read=whole(),
        why="how fast a replica applies; `replication.apply` says it",
    ),
)


def knows(_: str, text: str) -> bool:
    """Tell whether a text is an option file of a server."""
    return bool(re.search(r"(?m)^\[(mysqld|server|mariadb|mariadbd|galera)\b", text))


def parse(file: File) -> Iterator[Entry]:
    """Yield the server's options; those of Galera's provider one by one."""
    for line, words in enumerate(file.text.splitlines(), 1):
        if words.lstrip().startswith("!include"):
            name, _, raw = words.strip().partition(" ")
            yield Entry(name, raw.strip(), line)
    for entry in ini(file):
        group, _, name = entry.name.partition(".")
        name = name.removeprefix("loose_")
        if group.partition("-")[0] not in _SERVERS:
            yield entry
        elif name == "wsrep_provider_options":
            for pair in entry.raw.strip("\"'").split(";"):
                key, equals, raw = pair.partition("=")
                if equals:
                    yield entry._replace(name=key.strip(), raw=raw.strip())
        else:
            yield entry._replace(name=name)


def compose(stated: Stated, draft: Draft) -> None:
    """Write what the option files say of the way they replicate."""
    draft.differ(stated, *(field.names[0] for field in FIELDS if field.to))
    more = stated.all("!includedir")
    for value in more:
        said = "names more option files, which are not opened; give them as well"
        draft.warn(value, said)
    for begins, make in _KINDS.items():
        if any(name.startswith(begins) for name in stated.names):
            make(stated, draft)
            return
    name = stated.files[0].name
    said = "must set Group Replication (group_replication_...), Galera (wsrep_...) or"
    said += " replication (rpl_semi_sync_..., replica_...)"
    hint = f"; {more[0].where} names more files: give them as well" if more else ""
    raise ValueError(f"{name} {said}{hint}")


def _group(stated: Stated, draft: Draft) -> None:
    draft.base = draft.base or "mysql-group-replication"
    expel = stated["group_replication_member_expel_timeout"]
    because = f"{shown(_SUSPICION)} until a silent member is suspected (FO-032)"
    whole_time = shown(_SUSPICION + expel.seconds)
    draft.put("election", whole_time, expel, because=f"{because}, then expelled")
    seeds = stated.given("group_replication_group_seeds")
    if seeds:
        place_copies(draft, _hosts(str(seeds.value)), [seeds])
    level = stated["group_replication_consistency"]
    local = not str(level.value).startswith("before") or "failover" in str(level.value)
    draft.put("local_reads", local, level)
    single = stated.given("group_replication_single_primary_mode")
    if single and not single.value:
        draft.warn(single, "several primaries are read as one, without their conflicts")


def _galera(stated: Stated, draft: Draft) -> None:
    draft.base = draft.base or "galera"
    suspect, inactive = stated["evs.suspect_timeout"], stated["evs.inactive_timeout"]
    alive, look = stated["evs.keepalive_period"], stated["evs.inactive_check_period"]
    given = suspect if suspect.where else inactive
    if suspect.seconds > inactive.seconds:
        said = f"must be <= evs.inactive_timeout = {shown(inactive.seconds)}"
        raise stated.refuse(given, said)
    if alive.seconds >= suspect.seconds:
        said = f"must be < evs.suspect_timeout = {shown(suspect.seconds)}"
        raise stated.refuse(alive if alive.where else suspect, said)
    if suspect.seconds < 3 * alive.seconds:
        said = f"is below three keepalives of {shown(alive.seconds)}"
        draft.warn(given, f"{said}: two lost messages put a member out")
    again = stated["evs.join_retrans_period"]
    draft.put("settings.suspect_timeout", shown(suspect.seconds), suspect)
    draft.put("election.group change.check", shown(look.seconds), look)
    draft.put("election.group change.join_retrans", shown(again.seconds), again)
    address = stated.given("wsrep_cluster_address")
    if address:
        hosts = _hosts(str(address.value).partition("://")[2].partition("?")[0])
        place_copies(draft, hosts, [address])
    wait = stated["wsrep_sync_wait"]
    draft.put("local_reads", not wait.count & _READ_WAITS, wait)


def _hosts(listed: str) -> list[str]:
    """Return the hosts of a list, without their ports; dots would be paths."""
    hosts = (re.sub(r":\d+$", "", host.strip()) for host in listed.split(","))
    return list(dict.fromkeys(host.replace(".", "-") for host in hosts if host))


def _pair(stated: Stated, draft: Draft) -> None:
    draft.base = draft.base or "mysql-orchestrator"
    enabled = stated["rpl_semi_sync_source_enabled"]
    probe = stated["replica_net_timeout"]
    draft.put("standby.probe", shown(probe.seconds), probe)
    draft.warn(None, "the file does not tell what fails over; orchestrator is assumed")
    if not enabled.value:
        draft.put("replication.mode", "async", enabled)
        return
    limit = stated["rpl_semi_sync_source_timeout"]
    count = stated["rpl_semi_sync_source_wait_for_replica_count"]
    draft.put("replication.mode", "semi-sync", enabled)
    draft.put("replication.timeout", shown(limit.seconds), limit)
    draft.put("replication.acknowledgements", count.count, count)
    if count.count > 1:
        because = "at least as many replicas as a commit waits for"
        sites = [f"zone-{place}" for place in range(1, count.count + 2)]
        draft.put("sites", sites, count, because=because)
        draft.put("replication.standbys", count.count, count, because=because)
    for name in ("sync_binlog", "innodb_flush_log_at_trx_commit"):
        durable = stated.given(name)
        if durable and durable.value != 1:
            said = "is not 1: a primary that restarts has lost what replicas have"
            draft.warn(durable, said)


_KINDS: dict[str, Callable[[Stated, Draft], None]] = {
    "group_replication_": _group,
    "wsrep_": _galera,
    "evs.": _galera,
    "rpl_semi_sync_": _pair,
    "replica_": _pair,
    "slave_": _pair,
}

MYSQL = Format("mysql", "MySQL", "8.0.36", FIELDS, knows, parse, compose, last=True)
