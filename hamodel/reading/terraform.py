"""Output of `terraform show -json`: RDS, Aurora, Route 53, ALB, Traffic Manager.

A plan or a state is one line of JSON, so values are named by their resource's address
in place of a line.  A database of RDS or Aurora is the system; without one, a name that
fails over between two endpoints is: a pair whose detection is that of the health
checks, and whose redirection is the time to live of the name.  Values that Terraform
marks as sensitive are never looked at.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from hamodel.reading._core import Draft, Entry, Field, File, Format, Stated, Value
from hamodel.reading._units import flag, plain, shown, time, whole

_ROUTE53 = (
    "Amazon Route 53 Developer Guide: How Amazon Route 53 determines whether a health "
    "check is healthy, 2023"
)
_AURORA = "Terraform AWS provider documentation: aws_rds_cluster_instance, 2025"
_RDS = "Amazon RDS API Reference: CreateDBInstance, 2024"
_TARGETS = "how soon a target that is lost gets no requests; here it gets none at once"
_BACKUPS = "what is left when the data are lost; `destroyed` says how often that is"
_AZURE = "Azure documentation: Traffic Manager endpoint monitoring, 2024"
_DATABASES = ("aws_rds_cluster", "aws_db_instance")
_CHECK, _TARGET = "aws_route53_health_check", "aws_lb_target_group"
_PROFILE = "azurerm_traffic_manager_profile"
_CLUSTER = "aws_rds_cluster_instance.cluster_identifier"
_TIER = 15  # the last of the promotion tiers
_ANSWERS = {"TCP": 10.0}  # s until a check has failed; else 4 to connect, 2 to answer
_ANSWER = 6.0
_second = time(1)

FIELDS = (
    Field("aws_db_instance.multi_az", "architecture", flag, ("false", _RDS)),
    Field("aws_rds_cluster.engine", "extends"),
    Field(
        "aws_rds_cluster_instance.promotion_tier", "replicas", whole(), ("0", _AURORA)
    ),
    Field(
        f"{_CHECK}.request_interval", "failover.detection", _second, ("30", "FO-078")
    ),
    Field(
        f"{_CHECK}.failure_threshold",
        "failover.detection",
        whole(1),
        ("3", f"{_ROUTE53}; fact FO-082"),
    ),
    Field(f"{_CHECK}.type", "failover.detection"),
    Field("aws_route53_record.ttl", "failover.redirection", _second, ("60", "FO-081")),
    Field(
        f"{_PROFILE}.monitor_config.interval_in_seconds",
        "failover.detection",
        _second,
        ("30", _AZURE),
    ),
    Field(
        f"{_PROFILE}.monitor_config.timeout_in_seconds",
        "failover.detection",
        _second,
        ("10", _AZURE),
    ),
    Field(
        f"{_PROFILE}.monitor_config.tolerated_number_of_failures",
        "failover.detection",
        whole(),
        ("3", _AZURE),
    ),
    Field(f"{_PROFILE}.dns_config.ttl", "failover.redirection", _second),
    Field("aws_db_instance.backup_retention_period", read=whole(), why=_BACKUPS),
    Field("aws_rds_cluster.backup_retention_period", read=whole(), why=_BACKUPS),
    Field(
        "aws_db_instance.availability_zone",
        why="which zone; two nodes stand in two zones",
    ),
    Field(
        "aws_rds_cluster_instance.availability_zone",
        why="which zone; each instance stands in one of its own here",
    ),
    Field("aws_db_instance.replicate_source_db", why="a copy for reads alone"),
    Field("aws_rds_cluster.cluster_identifier", why="tells clusters apart"),
    Field(_CLUSTER, why="tells clusters apart"),
    Field("aws_route53_record.set_identifier", why="what a record is called"),
    Field(
        "aws_route53_record.failover_routing_policy.type",
        why="which record is the first; the pair is alike here",
    ),
    Field(f"{_TARGET}.health_check.interval", read=_second, why=_TARGETS),
    Field(f"{_TARGET}.health_check.timeout", read=_second, why=_TARGETS),
    Field(f"{_TARGET}.health_check.healthy_threshold", read=plain, why=_TARGETS),
    Field(f"{_TARGET}.health_check.unhealthy_threshold", read=plain, why=_TARGETS),
    Field(f"{_TARGET}.deregistration_delay", why="how long a target is drained"),
)
_TYPES = frozenset(name.partition(".")[0] for f in FIELDS for name in f.names)


def knows(_: str, text: str) -> bool:
    """Tell whether a text is what `terraform show -json` prints."""
    return text.lstrip().startswith("{") and bool(
        re.search(r'"(terraform_version|format_version)"\s*:', text[:4000])
        and re.search(r'"(values|planned_values)"\s*:', text)
    )


def parse(file: File) -> Iterator[Entry]:
    """Yield the attributes of known resources; of others only their type."""
    try:
        whole_file = json.loads(file.text)
    except (json.JSONDecodeError, RecursionError):
        raise ValueError(
            f"{file.name} must be JSON of `terraform show -json`"
        ) from None
    values = whole_file.get("planned_values") or whole_file.get("values") or {}
    modules = [values.get("root_module") or {}]
    while modules:
        module = modules.pop()
        modules += module.get("child_modules") or []
        for resource in module.get("resources") or []:
            kind, address = str(resource.get("type")), str(resource.get("address"))
            if kind in _TYPES:
                yield Entry(kind, "", 1, place=address, group=address)
                hidden = resource.get("sensitive_values") or {}
                for name, raw in _attributes(resource.get("values") or {}, hidden):
                    yield Entry(f"{kind}.{name}", raw, 1, place=address, group=address)
            else:
                yield Entry(kind, "", 1, place=address, group=address)


def _attributes(values: dict[str, object], hidden: object) -> Iterator[tuple[str, str]]:
    """Yield scalars by name, blocks of one entry without their place."""
    for name, value in values.items():
        if isinstance(hidden, dict) and hidden.get(name) is True:
            continue
        inner = value[0] if isinstance(value, list) and len(value) == 1 else value
        if isinstance(inner, dict):
            for below, raw in _attributes(inner, {}):
                yield f"{name}.{below}", raw
        elif isinstance(inner, bool):
            yield name, str(inner).lower()
        elif isinstance(inner, (str, int, float)):
            yield name, str(inner)


def compose(stated: Stated, draft: Draft) -> None:
    """Write the database, or the pair behind a name."""
    _check_targets(stated, draft)
    systems = [kind for kind in _SYSTEMS if kind in stated.names]
    if systems:
        first, *others = (
            (kind, place) for kind in systems for place in _primaries(stated, kind)
        )
        for kind, place in others:
            if kind in _DATABASES or kind == _PROFILE:
                file = _of(stated, place).files[0]
                told = Value(value=place, name=kind, where=f"{file.name}:{place}")
                draft.warn(told, f"is left out, for {first[1]} is read")
        _SYSTEMS[first[0]](_one(stated, *first), draft)
        return
    name = stated.files[0].name
    said = "must hold a database of RDS or Aurora, or a name that fails over"
    raise ValueError(f"{name} {said} (Route 53 health checks, Traffic Manager)")


def _aurora(stated: Stated, draft: Draft) -> None:
    engine = stated.given("aws_rds_cluster.engine")
    if engine is None or not str(engine.value).startswith("aurora"):
        _managed(draft, [engine] if engine else [])
        return
    tiers = []
    for place in _addresses(stated, "aws_rds_cluster_instance"):
        own = _of(stated, place)
        tiers.append(own["aws_rds_cluster_instance.promotion_tier"])
    draft.take(engine)
    if len(tiers) < 2:
        recreated = "a writer alone is made anew by the vendor (FO-021)"
        _alone(draft, "10 min", recreated)
        draft.warn(engine, "without a reader nothing takes over")
        return
    draft.base = draft.base or "aurora"
    nodes = [
        {"site": f"zone-{n}", "priority": max(_TIER - tier.count, 0)}
        for n, tier in enumerate(tiers, 1)
    ]
    because = "each instance in a zone of its own, the lowest tier first"
    draft.put("replicas", nodes, *tiers, because=because)
    if len(nodes) > 2:
        draft.put("replication.standbys", len(nodes) - 1, *tiers)


def _instance(stated: Stated, draft: Draft) -> None:
    zones = stated["aws_db_instance.multi_az"]
    if zones.value:
        _managed(draft, [zones])
        return
    draft.take(zones)
    draft.warn(zones if zones.where else None, "one zone: nothing takes over")
    _alone(draft, "1 h", "the vendor restarts it or makes it anew")


def _managed(draft: Draft, of: list[Value]) -> None:
    draft.base = draft.base or "managed-multi-zone"
    for value in of:
        draft.take(value)


def _alone(draft: Draft, mttr: str, because: str) -> None:
    draft.leaves["architecture"] = ("single-primary", {})
    _node(draft, mttr, because)


def _node(draft: Draft, mttr: str, because: str) -> None:
    usual = "restarts of a server from all causes, FAIL-016"
    draft.assume("database.mttf", "2086 h", usual)
    draft.assume("database.mttr", mttr, because)


def _pair(draft: Draft) -> None:
    """Write two endpoints behind a name, of which no file tells more."""
    draft.leaves["architecture"] = ("active-passive", {})
    _node(draft, "3 h", "as servers are, FAIL-017")
    draft.assume("failover.coverage", 0.99, "no source found; drills tell")
    draft.assume("failover.manual", "30 min", "somebody is paged")


def _route53(stated: Stated, draft: Draft) -> None:
    _pair(draft)
    every = stated[f"{_CHECK}.request_interval"]
    misses, kind = stated[f"{_CHECK}.failure_threshold"], stated.given(f"{_CHECK}.type")
    ttl = stated["aws_route53_record.ttl"]
    limit = _ANSWERS.get(str(kind.value), _ANSWER) if kind else _ANSWER
    check = "failover.detection.health checkers"
    draft.put(f"{check}.interval", shown(every.seconds), every)
    draft.put(f"{check}.threshold", misses.count, misses)
    of = [kind] if kind else []
    draft.put(f"{check}.timeout", shown(limit), *of, because="of a check, FO-080")
    because = "of the checkers; more of them healthy keep a name"
    draft.leaves[f"{check}.healthy"] = (0.18, {"fact": "FO-079", "because": because})
    draft.put("failover.redirection.dns.ttl", shown(ttl.seconds), ttl)
    if ttl.seconds > 60:
        draft.warn(ttl, "60 s or less is recommended for records that fail over")


def _azure(stated: Stated, draft: Draft) -> None:
    _pair(draft)
    every = stated[f"{_PROFILE}.monitor_config.interval_in_seconds"]
    limit = stated[f"{_PROFILE}.monitor_config.timeout_in_seconds"]
    failures = stated[f"{_PROFILE}.monitor_config.tolerated_number_of_failures"]
    ttl = stated[f"{_PROFILE}.dns_config.ttl"]
    if limit.seconds > every.seconds:
        raise stated.refuse(limit, f"must be <= the interval of {shown(every.seconds)}")
    probe = "failover.detection.sequential probe"
    draft.put(f"{probe}.pause", shown(every.seconds), every)
    draft.put(f"{probe}.timeout", shown(limit.seconds), limit)
    because = "one more than are tolerated"
    draft.put(f"{probe}.tries", failures.count + 1, failures, because=because)
    draft.put("failover.redirection.dns.ttl", shown(ttl.seconds), ttl)


_SYSTEMS = {
    "aws_rds_cluster": _aurora,
    "aws_db_instance": _instance,
    _CHECK: _route53,
    _PROFILE: _azure,
}


def _primaries(stated: Stated, kind: str) -> list[str]:
    """Return the resources of a kind, those that only copy another at the end."""

    def copies(place: str) -> bool:
        source = _of(stated, place).given("aws_db_instance.replicate_source_db")
        return bool(source and source.value)

    return sorted(_addresses(stated, kind), key=copies)


def _one(stated: Stated, kind: str, place: str) -> Stated:
    """Return what is said, of other databases of the kind nothing."""
    if kind not in _DATABASES:
        return stated
    others = {other for other in _addresses(stated, kind) if other != place}
    own = _of(stated, place).given("aws_rds_cluster.cluster_identifier")
    for address in _addresses(stated, "aws_rds_cluster_instance"):
        of = _of(stated, address).given(_CLUSTER)
        if own and of and of.value != own.value:
            others.add(address)
    return stated.only(lambda entry: entry.group not in others)


def _addresses(stated: Stated, kind: str) -> list[str]:
    entries = [entry for file in stated.files for entry in file.entries]
    return [entry.group for entry in entries if entry.name == kind]


def _of(stated: Stated, address: str) -> Stated:
    """Return what is said of one resource."""
    return stated.only(lambda entry: entry.group == address)


def _check_targets(stated: Stated, draft: Draft) -> None:
    """Warn of checks of targets that last longer than their interval."""
    for address in _addresses(stated, _TARGET):
        own = _of(stated, address)
        every = own.given(f"{_TARGET}.health_check.interval")
        limit = own.given(f"{_TARGET}.health_check.timeout")
        if every and limit and limit.seconds >= every.seconds:
            draft.warn(limit, f"must be below the interval of {shown(every.seconds)}")


TERRAFORM = Format("terraform", "Terraform", "1.9", FIELDS, knows, parse, compose)
