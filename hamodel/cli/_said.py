"""Sentences of the page: what people say of a number, and what was assumed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isinf
from typing import TYPE_CHECKING

from hamodel import text
from hamodel._fields import value_at
from hamodel._quantity import mean_of
from hamodel.fields import described
from hamodel.workload import Workload

if TYPE_CHECKING:
    from hamodel.assessment import Assessment
    from hamodel.specfile import Spec

_SHARES = ("coverage", "hit_ratio", "destroyed", "beta")
#: Times of the workload that a latency is made of.
_TIMES = ("app_time", "read_time", "write_time", "hop", "round_trip")


def chances(p: float) -> str:
    """Return a probability as people say it.

    Examples
    --------
    >>> chances(0.95), chances(0.3), chances(0.9996), chances(0.002)
    ('95 chances in 100', '3 chances in 10', 'more than 99 chances in 100', \
'less than 1 chance in 100')
    """
    if p > 0.995:
        return "more than 99 chances in 100" if p < 1 else "10 chances in 10"
    if p < 0.005:
        return "less than 1 chance in 100" if p > 0 else "no chance"
    tenths = round(10 * p, 6)
    count, of = (
        (round(10 * p), 10) if tenths == round(tenths) else (round(100 * p), 100)
    )
    return f"{count} {'chance' if count == 1 else 'chances'} in {of}"


def objective(of: Mapping[str, object]) -> str:
    """Return the objective of a month in people's words, with its error budget."""
    chance, target = float(str(of["chance_of_a_month"])), float(str(of["availability"]))
    budget = float(str(of["budget_of_a_month_s"]))
    used = float(str(of["expected_of_a_month_s"])) / budget
    left = (
        f"on average {text.share(used)} of it is used"
        if used <= 1
        else f"on average {text.number(used)} times as much is used"
    )
    return (
        f"{of['operation']}s: {chances(chance)} to keep {text.share(target)} in a "
        f"month; its error budget is {text.time(budget)}, {left}"
    )


def dependent(found: Assessment) -> tuple[str, dict[str, float]]:
    """Return what is so once failures have a common cause, and the minutes by then.

    Independence is the first assumption of every architecture, and weighs most.
    """
    without, other = next(iter(found.flipped.items()), ("", found))
    return without.rstrip("."), {
        operation: float(getattr(other, operation).minutes_per_year)
        for operation in ("write", "read")
    }


def failed(found: Assessment) -> str:
    """Return how often a failover does not work, and how long that takes."""
    failover = getattr(found.architecture, "failover", None)
    share = 1.0 - float(getattr(failover, "coverage", 1.0))
    if not 0 < share < 1:
        return ""
    region = getattr(found.architecture, "region", None)
    if region is not None:  # a failover inside races that between sites
        return _neither(1.0 - float(region.failover.coverage), share)
    whole, good = float(found.outage.mean), float(found.rto.mean)
    takes = (whole - (1 - share) * good) / share
    if takes < 2 * good:  # such as a majority, which elects all the same
        return ""
    return (
        f"1 failover in {text.number(1 / share, 2)} does not work; "
        f"that takes {text.time(takes)} on average."
    )


def mended(found: Assessment) -> str:
    """Return that most failures are over before anybody is led elsewhere, if so."""
    if float(found.outage.quantile(0.5)) >= float(found.rto.quantile(0.05)):
        return ""  # half of them are not over before one failover in twenty is
    return (
        "Most outages end before a failover would: what failed is back, or mended, "
        "before clients are led away."
    )


def backed_up(found: Assessment) -> str:
    """Return when a write is as old as a backup, where that is all there is."""
    share = getattr(found.architecture, "destroyed", None)
    if share is None:
        return ""
    many = text.share(mean_of(share)) if mean_of(share) > 0 else "none"
    return (
        "A write is lost only if a failure destroys the data, for then the last backup "
        f"is all there is: of the failures {many} (destroyed)."
    )


def replayed(found: Assessment) -> str:
    """Return that a standby that is waited for shows what it has at once, if so."""
    replication = getattr(found.architecture, "replication", None)
    if (
        replication is None
        or replication.mode == "async"
        or replication.apply is not None
        or replication.wait_for == "applied"
        or not found.read.stale
    ):
        return ""
    return (
        "No time for the replay is stated (replication.apply), so a standby shows a "
        "write as soon as it has it."
    )


def _neither(inside: float, between: float) -> str:
    """Return how often clients of a region are served neither inside nor elsewhere."""
    if not inside:
        return ""
    one, other, both = (
        text.number(1 / p, 2) for p in (inside, between, inside * between)
    )
    return (
        f"1 failover in {one} inside a site does not work, nor 1 in {other} to another "
        f"site; clients wait for a repair where neither does, 1 time in {both}."
    )


def assumed_lag(spec: Spec) -> str:
    """Return that the delay of replication is assumed constant, where it is."""
    replication = getattr(spec.architecture, "replication", None)
    if replication is None or replication.mode not in ("async", "semi-sync"):
        return ""
    if hasattr(replication.delay, "quantile"):
        return ""
    given = {path: source for path, _, source in spec.parameters}
    source = given.get("replication.delay", "default")
    return (
        f"Lag and lost writes: the delay of replication is assumed constant "
        f"({text.time(float(replication.delay))}, {source}), without bursts."
    )


def unrated(spec: Spec) -> str:
    """Return which kinds of failure have no rate, where a page tells their recovery."""
    kinds = getattr(spec.architecture, "failures", ())
    names = [repr(kind.name) for kind in kinds if kind.name and isinf(kind.mttf)]
    if not names:
        return ""
    return (
        f"No rate is given for {', '.join(names)} (failures.mttf): such a row says how "
        "long one would take, and nothing else counts it."
    )


def assumed_load(spec: Spec, found: Assessment) -> str:
    """Return what writes at risk, stale reads and conflicts count with, if unstated."""
    names = [] if stated(spec) else ["reads", "writes"]
    if names:
        way = "round_trip" if len(spec.architecture.all_sites) > 1 else "hop"
        names += [way] if _unstated(spec, way) else []
    if float(found.stale_read_probability) or float(found.conflicts.per_day):
        late = ["write_time"] if hasattr(spec.architecture, "write_quorum") else []
        names += [n for n in ("keys", "exponent", *late) if _unstated(spec, n)]
    return _assumed(spec, [f"workload.{n}" for n in names])


def stated(spec: Spec) -> bool:
    """Tell whether the file, or what it extends, says how much is read or written."""
    return not all(_unstated(spec, n) for n in ("reads", "writes"))


def assumed_times(spec: Spec) -> str:
    """Return what latency and load are made of and nobody stated."""
    names = [n for n in _TIMES if _unstated(spec, n)]
    if not has_apps(spec):
        names = [n for n in names if n != "app_time"]
    if len(spec.architecture.sites) == 1:
        names = [n for n in names if n != "round_trip"]
    cores = ["database.cores"] if "database.cores" not in spec.lines else []
    return _assumed(spec, [*(f"workload.{n}" for n in names), *cores])


def _unstated(spec: Spec, name: str) -> bool:
    """Tell whether nobody says a number of the workload."""
    usual = getattr(Workload(), name)
    return (
        f"workload.{name}" not in spec.lines and getattr(spec.workload, name) == usual
    )


def _assumed(spec: Spec, paths: list[str]) -> str:
    """Return the sentence of what was assumed."""
    shown = []
    for path in paths:
        name = path.removeprefix("workload.")
        of = spec.architecture if name == path else spec.workload
        shown.append(f"{name} {value(of, name, value_at(of, name))}")
    return f"Assumed, for not stated: {', '.join(shown)}." if shown else ""


def roaming(spec: Spec) -> str:
    """Return that the site that takes the writes changes, where it does."""
    a = spec.architecture
    near = float(mean_of(spec.workload.round_trip)) == 0
    if not a.one_writer or len(a.sites) == 1 or near or getattr(a, "failback", None):
        return ""
    return (
        "The primary stays where the last failover took it: latencies are over the "
        "times when it is near and those when it is away."
    )


def has_apps(spec: Spec) -> bool:
    """Tell whether a site has application servers."""
    return getattr(getattr(spec.architecture, "site", None), "apps", None) is not None


def unused_time(spec: Spec) -> str:
    """Return that a time of application servers is stated and there are none."""
    place = spec.sources.get("workload.app_time")
    if has_apps(spec) or place is None or spec.workload.app_time == 0:
        return ""
    return (
        f"Left out: app_time {text.time(float(spec.workload.app_time))} ({place}), for "
        "there are no application servers (site.apps)."
    )


def _fitting(found: Assessment) -> str:
    """Return what the stages of replication keep up with, if there are any."""
    replication = getattr(found.architecture, "replication", None)
    stages = [getattr(replication, name, None) for name in ("send", "apply")]
    most = [float(one.capacity) for one in stages if one is not None]
    return f"; they keep up with less than {text.rate(min(most))}" if most else ""


def findings(found: Assessment) -> Iterator[str]:
    """Yield what stands in the way of any answer: overload, a copy left behind."""
    loads = {t: float(u) for t, u in found.utilisation.items()}
    full = {tier: load for tier, load in loads.items() if load >= 1}
    if full:
        w = found.workload
        room = 1 / max(full.values())
        tiers = ", ".join(f"{t} {text.share(load)}" for t, load in full.items())
        yield (
            f"The load is beyond capacity ({tiers}): there is no steady latency. Below "
            f"{text.rate(float(w.reads) * room)} reads and "
            f"{text.rate(float(w.writes) * room)} writes it would fit, or with "
            f"{text.number(1 / room)} times the capacity (workload.reads, "
            "workload.writes, cores, servers)."
        )
    if isinf(float(found.replication_lag.quantile(0.5))):
        yield (
            "The copies do not keep up: more is written than they apply, so that the "
            f"lag and what a failure loses grow without end{_fitting(found)} "
            "(replication.apply, replication.send, workload.writes)."
        )
    if found.metastability:
        said = str(found.metastability)
        yield f"{said[0].upper()}{said[1:]} (workload.retry_budget)."


def value(spec: object, path: str, given: object) -> str:
    """Return the value of a parameter with its unit, as its definition writes it."""
    if hasattr(given, "servers"):
        return f"{given.servers} servers"
    owner, _, last = path.rpartition(".")
    made: type = type(value_at(spec, owner) if owner else spec)
    about = described(made).get(last)
    if about is not None:
        return about.write(given)
    mean = getattr(given, "mean", None)
    if mean is not None:
        return text.time(float(mean))
    if isinstance(given, (int, float)) and not isinstance(given, bool):
        return text.share(float(given)) if last in _SHARES else text.time(float(given))
    return str(given)


def step(before: object, after: object, beside: Mapping[str, int]) -> str:
    """Return a structural change in words, with the quorums that rise with it."""
    said = _step(before, after)
    return ", ".join((said, *(f"{name} {value}" for name, value in beside.items())))


def _step(before: object, after: object) -> str:
    if hasattr(after, "servers"):
        return f"{before.servers} -> {after.servers} servers"  # type: ignore[attr-defined]
    if isinstance(before, dict) and isinstance(after, dict):
        return f"{sum(before.values())} -> {sum(after.values())} copies"
    if isinstance(before, tuple) and isinstance(after, tuple):
        return f"{len(before)} -> {len(after)} nodes"
    return f"{before} -> {after}"
