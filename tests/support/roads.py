"""Every number of an assessment, and the second road that it is held against.

A field is written as it is reached: `write.by_site.*` stands for any site.  A row holds
for some architectures, says what the other road is, how near the two must be, and
which tests hold them.  `SAME` are fields that are others written otherwise: what they
must equal is computed here, from those others, and compared.
"""

import dataclasses
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from hamodel.assessment.results import Assessment
from hamodel.duration import Duration

ALL = ("SinglePrimary", "ActivePassive", "ActiveActive", "Majority", "Leaderless")
SINGLE, PAIR, ACTIVE, MAJORITY, COPIES = ((kind,) for kind in ALL)
SITES = ACTIVE + MAJORITY + COPIES
TESTS = Path(__file__).parents[1]
DAY, YEAR = 86_400.0, 365 * 86_400.0


class Road(NamedTuple):
    """Fields, the architectures they are meant of, the other road, width, tests."""

    fields: tuple
    kinds: tuple
    road: str
    width: str
    tests: tuple

    def holds(self, kind, path):
        return kind in self.kinds and any(fnmatchcase(path, f) for f in self.fields)


CHAIN = "test_joint_chains::test_downtime_by_cause_is_that_of_the_joint_chain"
JOINT = "test_joint_chains::test_"
WITH_A_SITE = "an_election_that_begins_with_a_lost_site_runs_beside_the_way_out"
LIVES = "test_second_road::test_a_preset_is_down_as_often_as_its_nodes_live"
NODES = "test_active_passive_nodes::test_nodes_one_by_one_say_the_same"
FALSE = (
    "test_active_passive_nodes::test_no_beats_lost_and_no_stalls_are_no_false_failovers"
)
PRESET = "test_second_road::test_each_number_of_a_preset"
WORK = "test_second_road::test_latency_and_load"
QUORUM = "test_second_road::test_latency_of_a_quorum"
AT_COPIES = "test_second_road::test_each_write_at_each_copy"
TAKEN = "test_pair_losses::test_failures_take_what_the_one_that_is_promoted_lacks"
OLDEST = "test_pair_losses::test_the_oldest_lost_write_is_of_those_that_may_be_promoted"
CRASH = "test_second_road::test_what_a_crash_of_the_primary_takes"
SITE = "test_second_road::test_what_a_crash_of_an_active_site_takes"
STALE = "test_second_road::test_reads_of_a_standby_are_stale_as_often"
SETTINGS = "test_second_road::test_recovery_of_a_preset_is_what_its_settings_add_up_to"
SUM = "test_second_road::test_recovery_is_the_sum_of_what_happens"
CLASH = "test_second_road::test_conflicts_of_active_sites"
SHAKEN = "test_second_road::test_conflicts_where_each_write_takes_its_own_time"
RAFT = "test_second_road_copies::test_a_majority_by_its_messages"
SCOPES = "test_second_road_copies::test_whose_answers_count"
LOST = "test_second_road_copies::test_clients_of_a_lost_site"
HINTS = "test_second_road_copies::test_hints_that_are_kept_for_too_short"
BESIDE = "test_assessment_second_road::test_"
REGIONS = "test_regions::test_an_outage_ends_inside_or_at_another_site"
LED = BESIDE + "an_outage_is_over_when_clients_were_led_away_or_the_site_is_back"
REPLAY = BESIDE + "active_sites_replay_what_the_others_write"
#: Causes for which a primary takes no writes, and answers reads.
WAITS = ("failing back", "standby down", "waiting for the standby")
CLIENTS = "test_second_road_clients"
LEFT = "test_second_roads::test_what_is_left_to_do_without_a_site"
SENT = "test_second_roads::test_what_is_sent_to_other_sites"


def causes(*names, of=("read", "write")):
    """A cause is a field of both operations, but where it stops writes alone."""
    return tuple(f"{o}.downtime_by_cause.{n}" for o in of for n in names)


ROADS = (
    Road(
        ("read.unavailability", "write.unavailability"),
        ALL,
        "whole product space, solved; lives of nodes, weighed",
        "1e-9; 5 %",
        (CHAIN, LIVES),
    ),
    Road(
        (*causes("failing over", "failover did not work"), "*.by_site.*"),
        ALL,
        "whole product space, solved",
        "1e-9",
        (CHAIN,),
    ),
    Road(
        causes("failing over"),
        SITES,
        "whole product space, solved, where servers can fail",
        "the share of the time in which servers keep a site from serving",
        (JOINT + "servers_and_database_lead_clients_away_each_by_itself",),
    ),
    Road(
        causes("failing over"),
        SITES,
        "losses drawn one by one, where repairs have a law, at any way out",
        "0.2 % and four standard errors",
        (JOINT + "a_repair_of_any_law_races_the_way_to_another_site",),
    ),
    Road(
        causes("failing over"),
        MAJORITY,
        "whole product space, solved, where sites can be lost",
        "1 %",
        (JOINT + WITH_A_SITE,),
    ),
    Road(
        causes("failing over", "no majority"),
        MAJORITY,
        "Raft, message by message, while nodes fail",
        "10 %; 20 %",
        (RAFT,),
    ),
    Road(
        (
            *causes("all nodes down", "both nodes down", "common cause"),
            *causes("standby behind", "standby failed unseen"),
            *causes(*WAITS, of=("write",)),
        ),
        PAIR,
        "chain in which each node has its condition; lives of nodes, weighed",
        "1e-9; 5 % often, 20 % seldom",
        (NODES, LIVES),
    ),
    Road(
        causes("false failover", of=("write",)),
        PAIR,
        "by hand: how often beats are missed, times how long it lasts",
        "6 %",
        (FALSE,),
    ),
    Road(
        causes(
            "database down",
            "site down",
            "all sites down",
            "no majority",
            "no quorum",
            "everywhere",
            "load balancer down",
            "app servers down",
            "both nodes down",
        ),
        ALL,
        "whole product space, solved",
        "1e-9",
        (CHAIN,),
    ),
    Road(
        causes("common cause"),
        SITES,
        "whole product space, solved",
        "the share of the time in which some database is down by itself",
        (
            JOINT + "a_common_cause_takes_all_databases",
            JOINT + "clients_astray_after_a_common_cause_wait_for_their_own_site",
        ),
    ),
    Road(
        causes("planned maintenance"),
        ALL,
        "by hand: length over time between",
        "1e-12",
        (
            "test_architectures_waiting::test_planned_work_stops_a_single_database",
            "test_architectures_waiting::test_planned_work_costs_a_pair_a_change_of_roles",
            "test_architectures_waiting::test_a_rolling_restart_costs_a_majority_its_slack_and_one_election",
        ),
    ),
    Road(
        causes("overload", "queue full", "too slow"),
        ALL,
        "queues of M/M/c/K by hand; attempts followed one by one",
        "1e-6; 25 %",
        (
            "test_assessment::test_a_full_queue_refuses_some_instead_of_all",
            "test_assessment::test_slow_counts_as_down",
            BESIDE + "retries_add_load_and_lose_what_always_comes_too_late",
            BESIDE + "retries_that_never_let_it_rise_are_named",
        ),
    ),
    Road(
        (*causes("kept down by retries"), "metastability.*"),
        ALL,
        "attempts followed one by one through a queue, after an outage and without",
        "5 %",
        (
            BESIDE + "an_outage_leaves_a_service_that_retries_keep_down",
            BESIDE + "retries_that_never_let_it_rise_are_named",
        ),
    ),
    # ---- recovery
    Road(
        ("rto.law", "outage.law"),
        PAIR,
        "stages drawn and added, by hand where a failover does not work",
        "5 %; 20 %; of presets 5 %",
        (
            SUM,
            SETTINGS,
            "test_active_passive_nodes::test_attempts_are_made_again_until_one_works",
        ),
    ),
    Road(
        ("rto_by_kind.*.law",),
        PAIR,
        "rules of products, added by hand; recordings of real failures",
        "1e-6 s to 1 %; 10 % at median and 95 %",
        (
            "test_presets::test_a_preset_has_a_law_for_each_kind_of_failure",
            "test_recordings::test_the_page_of_verdicts",
        ),
    ),
    Road(
        ("rto.law", "outage.law"),
        SINGLE,
        "the law of a repair itself",
        "1e-9",
        ("test_second_roads::test_one_database_is_back_when_it_is_repaired", SETTINGS),
    ),
    Road(
        ("rto.law", "outage.law"),
        ACTIVE,
        "redirection, a person and the repair raced in draws, and what a region does",
        "3 %; of presets 5 %",
        (LED, SETTINGS, REGIONS),
    ),
    Road(
        ("rto.law", "outage.law"),
        MAJORITY,
        "Raft, message by message, while nodes fail",
        "5 % to p75, 20 % at p95",
        (
            RAFT,
            SETTINGS,
            "test_failover_election::test_etcd_against_elections_played_one_by_one",
        ),
    ),
    Road(
        ("rto.law", "outage.law"),
        COPIES,
        "redirection, a person and the repair raced in draws",
        "5 %",
        (LOST, SETTINGS),
    ),
    # ---- data
    Road(
        ("rpo.law", "lost_writes.by_failure.*.writes"),
        PAIR,
        "each write followed to its fate at random crashes",
        "5 %; 20 % in presets",
        (TAKEN, OLDEST, CRASH, PRESET),
    ),
    Road(
        ("rpo.law", "lost_writes.by_failure.*.writes"),
        ACTIVE,
        "each write of a site followed to its fate",
        "5 %; 20 % in presets",
        (SITE, PRESET),
    ),
    Road(
        ("rpo.law", "lost_writes.by_failure.*.writes"),
        COPIES,
        "each write followed to each copy; whose answers count, drawn",
        "5 %; 20 %; the age of the oldest 15 % (one run is off by 3 to 6)",
        (AT_COPIES, SCOPES),
    ),
    Road(
        ("rpo.law", "lost_writes.by_failure.*.writes"),
        MAJORITY,
        "Raft's log after thousands of elections: nothing is lost",
        "0",
        (RAFT, PRESET),
    ),
    Road(
        ("rpo.law", "lost_writes.by_failure.*.writes"),
        SINGLE,
        "the age of a backup at random moments, by hand",
        "1e-9",
        ("test_assessment::test_a_backup_is_as_old_as_it_is",),
    ),
    Road(
        ("lost_writes.by_failure.all nodes lost.*",),
        PAIR,
        "nodes that live, and what each has when it is back; one crew by hand; events "
        "in the joint chain of nodes and sites",
        "5 %; 1e-9; 1e-7",
        (
            "test_pair_losses::test_standbys_serve_first_after_sites_and_nodes_were_"
            "lost",
            "test_pair_losses::test_a_standby_that_is_back_first_lacks_what_it_missed",
            "test_pair_losses::test_a_standby_that_is_back_first_lacks_what_it_missed_"
            "by_hand",
        ),
    ),
    Road(
        ("lost_writes.by_failure.*.events", "lost_writes.by_failure.*.kept"),
        ALL,
        "counted in the joint chain of nodes; by hand; nodes played",
        "1e-9; 2 %",
        (
            "test_pair_losses::test_what_is_down_does_not_fail",
            "test_active_passive_old_primary::test_causes_and_lost_writes_are_those_of_"
            "the_joint_chain",
            "test_assessment::test_what_is_under_way_is_what_is_lost",
        ),
    ),
    Road(
        ("replication_lag.law", "stale_read_probability", "*.stale"),
        PAIR,
        "each write followed to the standby, read by read",
        "5 %; 20 %",
        (
            "test_pair_losses::test_each_site_reads_the_copy_that_it_has",
            "test_pair_losses::test_a_read_is_stale_if_it_lacks_what_was_answered",
            STALE,
            PRESET,
        ),
    ),
    Road(
        ("replication_lag.law", "stale_read_probability", "*.stale"),
        ACTIVE,
        "each write followed to each site, where one worker replays",
        "5 %",
        (REPLAY, PRESET),
    ),
    Road(
        ("replication_lag.law", "stale_read_probability", "*.stale"),
        MAJORITY,
        "Raft's commits as each copy hears of them",
        "5 %; 20 %",
        (RAFT, PRESET),
    ),
    Road(
        ("replication_lag.law", "stale_read_probability", "*.stale"),
        COPIES,
        "each write and read at each copy; hints that expire, lived",
        "5 %; 20 %",
        (AT_COPIES, SCOPES, HINTS, PRESET),
    ),
    Road(
        ("replication_lag.law", "stale_read_probability", "*.stale"),
        SINGLE,
        "no copy is read: 0",
        "0",
        ("test_second_roads::test_one_database_is_back_when_it_is_repaired",),
    ),
    Road(
        ("conflicts.pairs", "conflicts.share", "conflicts.lost"),
        ACTIVE,
        "each pair of writes to a key looked at, delays constant and random",
        "5 %; 20 %",
        (CLASH, SHAKEN, REPLAY),
    ),
    Road(
        ("conflicts.siblings",),
        ACTIVE,
        "registers with vector clocks, run; delays constant and random",
        "3 %",
        (
            "test_second_roads::test_two_sites_hold_the_siblings_of_what_travels_at_once",
            "test_conflicts_rates::test_siblings_by_running_registers",
            "test_conflicts_rates::test_siblings_by_running_registers_whose_news_take_"
            "random_times",
        ),
    ),
    Road(
        ("conflicts.*",),
        COPIES,
        "each pair of writes to a key looked at",
        "20 %",
        (AT_COPIES, PRESET),
    ),
    Road(
        ("conflicts.*",),
        SINGLE + PAIR + MAJORITY,
        "one place orders all writes: none",
        "0",
        ("test_second_roads::test_who_orders_all_writes_knows_no_conflicts",),
    ),
    # ---- load
    Road(
        ("latency.law", "utilisation.*"),
        SINGLE + PAIR + ACTIVE + MAJORITY,
        "requests played one by one, loads .1 to .9",
        "5 % at p25 to p99; up to 10 % too long behind app servers with few places to "
        "wait, 32 % behind a single core without any",
        (
            WORK,
            f"{CLIENTS}::test_copies_of_a_majority_answer_the_reads_of_their_own_site",
            f"{CLIENTS}::test_home_sites_have_the_queues_of_their_own_reads",
            f"{CLIENTS}::test_a_commit_travels_there_and_back_once",
            f"{CLIENTS}::test_what_app_servers_refuse_reaches_no_database",
            f"{CLIENTS}::test_one_core_without_a_place_to_wait_lets_through_a_smooth_stream",
            PRESET,
        ),
    ),
    Road(
        ("latency.law", "utilisation.*"),
        COPIES,
        "requests played one by one at all asked copies, loads .1 to .9, clients and "
        "ways uneven",
        "5 % at p50 to p99; 7 % at p99 with one core",
        (
            QUORUM,
            f"{CLIENTS}::test_a_quorum_waits_for_busier_and_farther_copies",
            PRESET,
        ),
    ),
    Road(
        ("utilisation_after_site_loss.*", "headroom_after_site_loss"),
        ALL,
        "by hand: who serves whom without the site",
        "1e-9",
        (
            LEFT,
            f"{CLIENTS}::test_clients_of_a_lost_site_go_where_there_are_copies",
            "test_assessment::test_the_standby_answers_the_reads_of_its_own_clients",
        ),
    ),
    Road(
        ("survives_site_loss.*",),
        ALL,
        "the diagram, and what is left to do without the site",
        "equal",
        (
            LEFT,
            "test_architectures_diagram::test_a_lost_site_stops_the_service_where_the_"
            "diagram_says",
        ),
    ),
    Road(("transfers",), ALL, "counted by hand", "1e-12", (SENT,)),
    Road(
        ("cost.*",),
        ALL,
        "counted by hand",
        "1e-12",
        ("test_assessment::test_cost_is_counted_in_nodes", SENT),
    ),
    Road(
        ("single_points_of_failure",),
        ALL,
        "named by hand; all of a kind dead: the model and the diagram agree; "
        "enumeration",
        "equal",
        (
            "test_architectures_diagram::test_one_site_around_two_nodes",
            "test_architectures_diagram::test_all_of_a_kind_dead_is_down_in_model_and_"
            "diagram",
            "test_structure_exact::test_minimal_sets_by_enumeration",
        ),
    ),
    # ---- periods, and the rest of what may be asked
    Road(
        ("chance_of_missing()", "downtime_quantile()"),
        ALL,
        "written-out chains; periods played; another inversion",
        "2 %, or the error that is said",
        (
            "test_assessment_budget::test_copies_agree_with_a_written_out_chain",
            "test_assessment_budget::test_a_pair_agrees_with_a_written_out_chain",
            "test_assessment_budget::test_streams_are_as_near_to_the_joint_chain_as_"
            "they_say",
            "test_assessment_budget::test_constant_failovers_agree_with_periods_played",
            "test_joint_chains::test_the_law_of_the_downtime_is_that_of_the_joint_chain",
        ),
    ),
    Road(
        ("alert_rate()",),
        ALL,
        "outages lived, windows slid over them",
        "5 to 10 %",
        ("test_objectives::test_frequent_outages_as_they_are_lived",),
    ),
    Road(
        ("to_prism()",),
        ALL,
        "the exported chain, solved by itself; Storm on the page of validation",
        "1e-9",
        (
            "test_export::test_prism_s_joint_chain_has_the_unavailability_of_the_"
            "assessment",
        ),
    ),
)


# ---- fields that are others, written otherwise -------------------------------------


def worst(a, operation, p):
    laws = [a.latency[site, operation] for site in a.sites]
    return max(float(law.quantile(p)) for law in laws)


def _same():
    same = {
        "is_overloaded": lambda a: bool(max(a.utilisation.values()) >= 1),
        "headroom": lambda a: 1 / max(a.utilisation.values()),
        "lost_writes.per_year": lambda a: taken(a, kept=False),
        "lost_writes.missing_per_year": lambda a: taken(a, kept=True),
        "lost_writes.per_failure": lambda a: max(
            (x.writes for x in a.lost_writes.by_failure.values()), default=0.0
        ),
        "conflicts.per_day": lambda a: a.conflicts.pairs * DAY,
        "conflicts.lost_per_day": lambda a: a.conflicts.lost * DAY,
        "measures.conflicts_per_day": lambda a: a.conflicts.pairs * DAY,
        "measures.conflicts_lost_per_day": lambda a: a.conflicts.lost * DAY,
        "measures.lost_writes_per_year": lambda a: taken(a, kept=False),
        "measures.missing_writes_per_year": lambda a: taken(a, kept=True),
        "measures.stale_read_probability": lambda a: a.stale_read_probability,
        "measures.cost": lambda a: a.cost.databases + a.cost.servers + a.cost.transfer,
        "cost.total": lambda a: a.cost.databases + a.cost.servers + a.cost.transfer,
        "probability_of_meeting()": lambda a: (
            1 - a.chance_of_missing(0.999, 30 * DAY).probability
        ),
        "survives_site_loss": lambda a: str(a.survives_site_loss),
        "retries": lambda a: str(a.metastability),
    }
    for name in ("utilisation", "utilisation_after_site_loss"):
        same[f"measures.{name}"] = lambda a, n=name: max(getattr(a, n).values())
    for o in ("read", "write"):
        same |= {
            f"{o}.availability": lambda a, o=o: 1 - getattr(a, o).unavailability,
            f"{o}.name": lambda _, o=o: o,
        }
        for path in (f"{o}.minutes_per_year", f"measures.{o}_minutes_per_year"):
            same[path] = lambda a, o=o: getattr(a, o).unavailability * YEAR / 60
        for path in (f"{o}.nines", f"measures.{o}_nines"):
            same[path] = lambda a, o=o: -np.log10(getattr(a, o).unavailability)
        same[f"measures.{o}_unavailability"] = lambda a, o=o: sum(
            getattr(a, o).downtime_by_cause.values()
        )
        for percent in (50, 99):
            same[f"measures.{o}_p{percent}"] = lambda a, o=o, p=percent: (
                np.inf if a.is_overloaded else worst(a, o, p / 100)
            )
    laws = {"rto": "rto", "outage": "outage", "rpo": "rpo", "lag": "replication_lag"}
    for name, field in laws.items():
        same[f"measures.{name}_mean"] = lambda a, f=field: getattr(a, f).mean
        for percent in (50, 95, 99):
            same[f"measures.{name}_p{percent}"] = lambda a, f=field, p=percent: getattr(
                a, f
            ).quantile(p / 100)
    return same


def taken(a, *, kept):
    losses = a.lost_writes.by_failure.values()
    return sum(each_year(loss) for loss in losses if loss.kept == kept)


SAME = _same()


def same(path):
    """Return what tells a field from others, or None where it is its own."""
    lost = "lost_writes.by_failure."
    if path.startswith(lost) and path.endswith(".per_year"):
        kind = path.removeprefix(lost).removesuffix(".per_year")
        return lambda a: each_year(a.lost_writes.by_failure[kind])
    return SAME.get(path)


def each_year(loss):
    return loss.events * loss.writes * YEAR if loss.events else 0.0


#: Of the data: the same fields, walked under their own names.
TWICE = ("downtime_by_cause.*", "latency.p*", "single_points_of_failure")
#: Words and ways to them, no numbers.
WORDS = (
    "architecture",
    "latency",  # an empty list, in an overload
    "units.*",
    "latency.site",
    "latency.operation",
    "conflicts.resolution",
)
NO_NUMBERS = {  # of an assessment: what it is made of, and ways to write it
    "architecture",
    "workload",
    "sites",
    "paths",
    "situations",
    "model_under_load",
    "flipped",
    "assumptions",
    "downtime_by_cause",  # that of writes
    "latency",  # walked law by law
    "within",
    "to_dict",
    "to_frame",
}


# ---- what there is to find ---------------------------------------------------------


def public(kind):
    """Public properties and methods of a class, by name."""
    ours = [k for k in reversed(kind.__mro__) if k.__module__.startswith("hamodel")]
    held = [item for k in ours for item in vars(k).items()]
    return {name: what for name, what in held if not name.startswith("_")}


def walked(path, value):
    """Yield the fields below a value, each with what it holds."""
    if isinstance(value, Duration):
        yield f"{path}.law", value
    elif isinstance(value, Mapping):
        for name, one in value.items():
            yield from walked(f"{path}.{name}" if path else str(name), one)
    elif dataclasses.is_dataclass(value):
        names = {f.name for f in dataclasses.fields(value)}
        looks = public(type(value)).items()
        names |= {n for n, x in looks if isinstance(x, (property, cached_property))}
        for name in sorted(names):
            yield from walked(f"{path}.{name}", getattr(value, name))
    elif isinstance(value, list) and value and isinstance(value[0], Mapping):
        for one in value:
            yield from walked(path, one)
    else:
        yield path, value


def fields(a, *, data):
    """Yield every field of an assessment, and of its data if asked, with its value."""
    for name, what in public(Assessment).items():
        if name in NO_NUMBERS or name in {"chance_of_missing", "alert_rate"}:
            continue
        if isinstance(what, (property, cached_property)):
            yield from walked(name, getattr(a, name))
    yield "latency.law", a.latency
    for name in public(Assessment):
        asked = callable(getattr(Assessment, name)) and name not in NO_NUMBERS
        if asked and (name != "probability_of_meeting" or not data):
            yield f"{name}()", None
    if data:
        yield "probability_of_meeting()", a.probability_of_meeting(0.999, 30 * DAY)
        yield from walked("", a.to_dict())


def matches(path, patterns):
    return any(fnmatchcase(path, pattern) for pattern in patterns)


def there(test):
    """Whether a test exists: a function of that name in the file."""
    file, name = test.split("::")
    path = TESTS / f"{file}.py"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return f"\ndef {name}(" in text


# ---- as a page ---------------------------------------------------------------------

HEAD = """# Fields and their second roads

Every number of an `Assessment`, what it is held against, and how near the two must be.
A test walks all fields of all architectures and presets and fails where one has no row
here, or where a test that is named is gone. Fields that are others written otherwise
(`minutes_per_year`, `nines`, percentiles of a law, totals, everything under `measures`)
are computed from those others there and then.  `python -m tests.support.doubled`
doubles each field in turn and runs the tests of its rows: one of them has to fail.

| Field | Architectures | Second road | Within | Test |
| --- | --- | --- | --- | --- |
"""


def page():
    """Return the table as Markdown."""
    rows = []
    for road in ROADS:
        paths = ", ".join(f"`{f}`" for f in road.fields)
        kinds = "all" if set(road.kinds) == set(ALL) else ", ".join(road.kinds)
        tests = ", ".join(f"`{t}`" for t in road.tests)
        rows.append(f"| {paths} | {kinds} | {road.road} | {road.width} | {tests} |")
    return HEAD + "\n".join(rows) + "\n"
