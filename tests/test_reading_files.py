"""Files as people keep them: one for each node, several things in one, with slips."""

import json
import re

import pytest

from hamodel.chain import Chain
from hamodel.reading import read_files
from hamodel.units import YEAR

NODE = """\
scope: orders
name: {name}
etcd3: {{hosts: "a:2379"}}
bootstrap:
  dcs:
    ttl: 30
    synchronous_mode: {mode}
postgresql: {{listen: "0.0.0.0:5432"}}
tags:
  nofailover: {barred}
  failover_priority: {priority}
"""
PROXY = "listen primary\n option httpchk GET /primary\n"


def written(folder, **files):
    """Write files, their dots as two underscores; return where they are."""
    for name, words in files.items():
        (folder / name.replace("__", ".")).write_text(words, encoding="utf-8")
    return [folder / name.replace("__", ".") for name in files]


def node(name, mode="on", barred="false", priority=1):
    return NODE.format(name=name, mode=mode, barred=barred, priority=priority)


def warned(found, place):
    """Return what is warned of a place."""
    return " ".join(n.said for n in found.warnings if n.where == place)


def used(found):
    return {(note.where, note.name) for note in found.used}


# ---- Patroni: a file for each node -------------------------------------------------


def test_nodes_of_patroni_are_counted_and_named_by_their_names(tmp_path):
    proxy = PROXY + "".join(f" server {n} {n}:5432 check\n" for n in "abcd")
    nodes = {f"{n}__yml": node(n) for n in "abc"}
    found = read_files(written(tmp_path, **nodes, h__cfg=proxy))
    assert found.spec.architecture.replication.standbys == 2
    place = found.spec.sources["replication.standbys"].origin
    assert place == "a.yml:2 name; b.yml:2 name; c.yml:2 name"
    assert "4 servers" in warned(found, "h.cfg:3")
    assert "3 nodes are given" in warned(found, "h.cfg:3")
    agreed = proxy.replace(" server d d:5432 check\n", "")
    again = read_files(written(tmp_path, **nodes, h__cfg=agreed))
    assert "nodes are given" not in warned(again, "h.cfg:3")


def test_a_node_that_is_given_twice_is_warned_of(tmp_path):
    found = read_files(
        written(tmp_path, a__yml=node("a"), b__yml=node("b"), c__yml=node("b"))
    )
    assert "is the name at b.yml:2 too" in warned(found, "c.yml:2")


def test_nodes_that_disagree_are_warned_of(tmp_path):
    found = read_files(written(tmp_path, a__yml=node("a"), b__yml=node("b", "off")))
    said = "is not that of a.yml:7, which is taken"
    assert warned(found, "b.yml:7") == said
    assert ("b.yml:7", "bootstrap.dcs.synchronous_mode") not in used(found)
    assert ("b.yml:6", "bootstrap.dcs.ttl") in used(found)


def test_nofailover_wins_over_a_priority_as_patroni_has_it(tmp_path):
    for barred, priority, promotable in (
        *(("true", 5, False), ("true", 0, False)),
        *(("false", 0, True), ("false", 5, True)),
    ):
        b = node("b", barred=barred, priority=priority)
        found = read_files(written(tmp_path, a__yml=node("a"), b__yml=b))
        assert found.spec.architecture.replicas[1].promotable is promotable
        holds = barred == "false" and priority == 0
        assert ("nofailover is said too" in warned(found, "b.yml:11")) is holds
    alone = node("b", priority=0).replace("  nofailover: false\n", "")
    found = read_files(written(tmp_path, a__yml=node("a"), b__yml=alone))
    assert not found.spec.architecture.replicas[1].promotable


# ---- Kubernetes: many objects in one file ------------------------------------------

TIER = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  replicas: {count}
  template:
    metadata: {{labels: {{app: {name}, tier: front}}}}
    spec:
      terminationGracePeriodSeconds: {grace}
      tolerations:
        - {{key: node.kubernetes.io/not-ready, tolerationSeconds: 7}}
        - {{key: node.kubernetes.io/unreachable, tolerationSeconds: {stays}}}
      containers:
        - livenessProbe: {{periodSeconds: 20, failureThreshold: 3}}
"""
BUDGET = """\
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {{name: {app}}}
spec:
  minAvailable: {least}
  selector: {{matchLabels: {{app: {app}}}}}
"""


def tier(name, count=3, grace=10, stays=60):
    return TIER.format(name=name, count=count, grace=grace, stays=stays)


def apps(*objects):
    return "---\n".join(objects)


@pytest.mark.parametrize(("members", "lost"), [(1, 1), (3, 2), (4, 2), (5, 3)])
def test_writes_hang_on_the_lock_store_whose_members_are_listed(
    members, lost, tmp_path
):
    """Beside a chain of members that restart 4.2 times a year (FAIL-016, FAIL-017)."""
    hosts = ", ".join(f"10.0.0.{n}:2379" for n in range(members))
    files = {f"{n}__yml": node(n).replace("a:2379", hosts) for n in "ac"}
    found = read_files(written(tmp_path, **files))
    (store,) = found.spec.architecture.depends_on
    leave, back = 4.2 / YEAR, 1 / 10800
    rates = {(n, n + 1): (members - n) * leave for n in range(members)}
    rates |= {(n + 1, n): (n + 1) * back for n in range(members)}
    chain = Chain(rates=rates, up=frozenset(range(lost)), start=0)
    share = store.mttr / (store.mttf + store.mttr)
    assert share == pytest.approx(chain.unavailability, rel=1e-4)
    assert (store.name, store.effect) == ("etcd", "read-only")
    assert 1 / (store.mttf + store.mttr) == pytest.approx(
        chain.failure_frequency, rel=1e-4
    )
    said = warned(found, "a.yml:3")
    assert ("the loss of one stops" in said) == (lost == 1)
    safe = [text.replace("ttl: 30", "failsafe_mode: on") for text in files.values()]
    again = read_files(written(tmp_path, a__yml=safe[0], c__yml=safe[1]))
    assert again.spec.architecture.depends_on[0].effect == "no failover"


def test_several_deployments_are_not_mixed_and_are_warned_of(tmp_path):
    web, worker = tier("web"), tier("worker", count=7, grace=600)
    budgets = BUDGET.format(app="worker", least=6), BUDGET.format(app="web", least=2)
    alone = written(tmp_path, a__yaml=apps(web, budgets[1]))
    whole = written(tmp_path, b__yaml=apps(web, worker, *budgets))
    alone, whole = read_files(alone), read_files(whole)
    assert str(whole.spec.architecture) == str(alone.spec.architecture)
    assert "Deployment web is read" in warned(whole, "b.yaml:17")
    assert not any("is read" in note.said for note in alone.warnings)
    other = read_files(written(tmp_path, c__yaml=apps(worker, web, *budgets)))
    assert other.spec.architecture.site.apps.servers == 7
    assert other.spec.architecture.site.apps.needed == 6


def test_the_time_of_a_pod_is_the_sum_by_hand(tmp_path):
    """The node's: 40 s less half a heartbeat of 10 s, half a look of 5 s, the pod's
    stay, 10 s to start, half a readiness probe of 10 s.  The container's: 2.5 periods
    on average, a timeout of 1 s, the grace, then the same start."""
    found = read_files(written(tmp_path, a__yaml=tier("web", grace=10, stays=60)))
    node = 35 + 2.5 + 60 + 10 + 5
    container = 2.5 * 20 + 1 + 10 + 10 + 5
    mttr = found.spec.architecture.site.apps.node.mttr
    assert float(mttr.mean) == pytest.approx((node + container) / 2, rel=1e-12)


def test_a_list_of_kubectl_is_its_objects(tmp_path):
    plain = read_files(written(tmp_path, a__yaml=tier("web")))
    items = "".join(f"  {line}\n" for line in tier("web").splitlines())
    listed = f"apiVersion: v1\nkind: List\nitems:\n-{items[1:]}"
    again = read_files(written(tmp_path, b__yaml=listed))
    assert str(again.spec.architecture) == str(plain.spec.architecture)
    assert ("b.yaml:8", "Deployment.replicas") in used(again)


def test_slips_in_manifests_are_refused_at_their_line(tmp_path):
    for old, new, said in (
        ("periodSeconds: 20", "periodSeconds: 20s", "whole number >= 1, got '20s'"),
        ("periodSeconds: 20", "periodSeconds: 0", "whole number >= 1, got '0'"),
        ("replicas: 3", "replicas: 3,", "whole number >= 0, got '3,'"),
        ("replicas: 3", "replicas:", "whole number >= 0, got ''"),
    ):
        path = written(tmp_path, a__yaml=tier("web").replace(old, new))
        line = path[0].read_text().split(new)[0].count("\n") + 1
        with pytest.raises(ValueError, match=rf"a.yaml:{line}: .*{re.escape(said)}"):
            read_files(path)
    with pytest.raises(ValueError, match=r"a.yaml:17: .* at a.yaml:2 too"):
        read_files(written(tmp_path, a__yaml=apps(tier("web"), tier("web"))))


def test_pods_whose_number_follows_the_load_are_warned_of(tmp_path):
    scaler = "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\n"
    scaler += "metadata: {name: web}\nspec: {minReplicas: 2, maxReplicas: 9}\n"
    found = read_files(written(tmp_path, a__yaml=apps(tier("web"), scaler)))
    assert "is not fixed" in warned(found, "a.yaml:19")


# ---- Redis: what Sentinels write into their files ----------------------------------

SENTINEL = """\
sentinel monitor mymaster 10.0.0.1 6379 2
sentinel down-after-milliseconds mymaster 5000
sentinel auth-pass mymaster s3cr3t
# Generated by CONFIG REWRITE
sentinel myid {own}
sentinel known-replica mymaster 10.0.0.2 6379
sentinel known-replica mymaster 10.0.0.3 6379
sentinel known-sentinel mymaster 10.0.0.{one} 26379 aa{one}
sentinel known-sentinel mymaster 10.0.0.{two} 26379 aa{two}
"""


def test_three_sentinels_that_know_each_other_are_three(tmp_path):
    files = {
        f"s{own}__conf": SENTINEL.format(own=own, one=one, two=two)
        for own, one, two in ((1, 2, 3), (2, 1, 3), (3, 1, 2))
    }
    one = read_files(written(tmp_path, s1__conf=files["s1__conf"]))
    found = read_files(written(tmp_path, **files))
    assert str(found.spec.architecture) == str(one.spec.architecture)
    assert len(found.spec.architecture.sites) == 3
    assert "3\n" in found.text.partition("sentinels:\n        value: ")[2][:2]
    files["s2__conf"] = files["s2__conf"].replace("5000", "7000")
    odd = read_files(written(tmp_path, **files))
    assert warned(odd, "s2.conf:2") == "is not that of s1.conf:2, which is taken"


def test_slips_in_the_words_of_a_sentinel_are_refused(tmp_path):
    for old, new, said in (
        ("5000", "5s", "s.conf:2: .*: must be a whole number of ms, got '5s'"),
        ("5000", "", "s.conf:2: .*: must be a whole number of ms, got ''"),
        (" 6379 2", " 6379", "s.conf:1: sentinel monitor: must be NAME HOST PORT"),
    ):
        words = SENTINEL.format(own=1, one=2, two=3).replace(old, new)
        with pytest.raises(ValueError, match=said):
            read_files(written(tmp_path, s__conf=words))


def test_the_last_of_two_lines_holds_as_the_product_has_it(tmp_path):
    words = SENTINEL.format(own=1, one=2, two=3)
    words += "sentinel down-after-milliseconds mymaster 800\n"
    found = read_files(written(tmp_path, s__conf=words))
    assert found.spec.settings["down_after"] == 0.8
    assert "is not that of s.conf:10" in warned(found, "s.conf:2")


# ---- etcd: its command line --------------------------------------------------------

FLAGS = {
    "e__service": """\
[Service]
# ExecStart=/usr/bin/etcd --election-timeout=9000
ExecStart=/usr/bin/etcd --name a \\
  --initial-cluster {cluster} \\
  --heartbeat-interval 250 --election-timeout=2500
""",
    "e__yaml": """\
apiVersion: v1
kind: Pod
spec:
  containers:
    - command: [etcd]
      args:
        - --initial-cluster={cluster}
        - --heartbeat-interval=250
        - "--election-timeout=2500"
""",
    "e__yml": """\
initial-cluster: {cluster}
heartbeat-interval: 250
election-timeout: 2500
""",
}


def test_flags_of_etcd_say_what_its_file_says(tmp_path):
    cluster = ",".join(f"{n}=https://10.0.0.{i}:2380" for i, n in enumerate("abc"))
    told = set()
    for name, words in FLAGS.items():
        found = read_files(written(tmp_path, **{name: words.format(cluster=cluster)}))
        told.add(str(found.spec.architecture))
        assert len(used(found)) == 3
    assert len(told) == 1


# ---- MySQL: files that name files --------------------------------------------------


def test_option_files_that_are_not_opened_are_named(tmp_path):
    head = "!includedir /etc/mysql/conf.d/\n[mysqld]\nserver-id = 1\n"
    with pytest.raises(ValueError, match=r"my.cnf:1 names more files"):
        read_files(written(tmp_path, my__cnf=head))
    options = "loose-group_replication_member_expel_timeout = {}\n"
    path = written(tmp_path, my__cnf=head + options.format(9) + options.format(3))
    found = read_files(path)
    assert "give them as well" in warned(found, "my.cnf:1")
    assert warned(found, "my.cnf:4") == "is not that of my.cnf:5, which is taken"
    assert float(found.spec.architecture.election) == 5 + 3  # the last line holds
    with pytest.raises(ValueError, match=r"my.cnf:4: .* whole number of s, got '3s'"):
        read_files(written(tmp_path, my__cnf=head + options.format("3s")))


# ---- Terraform: several databases in one state -------------------------------------


def state(*resources):
    listed = [
        {"address": f"{kind}.{name}", "type": kind, "values": values}
        for kind, name, values in resources
    ]
    root = {"root_module": {"resources": listed}}
    return json.dumps({"format_version": "1.0", "values": root})


def test_a_copy_for_reads_is_not_taken_for_its_source(tmp_path):
    kind = "aws_db_instance"
    main = (kind, "main", {"multi_az": True})
    copy = (kind, "a_reader", {"multi_az": False, "replicate_source_db": "main"})
    other = (kind, "z_other", {"multi_az": False})
    for order in ((main, copy, other), (copy, main, other)):
        found = read_files(written(tmp_path, s__json=state(*order)))
        assert found.spec.base == "managed-multi-zone"
        for name in ("a_reader", "z_other"):
            said = warned(found, f"s.json:{kind}.{name}")
            assert said == f"is left out, for {kind}.main is read"


def test_instances_of_another_cluster_are_not_counted(tmp_path):
    cluster, member = "aws_rds_cluster", "aws_rds_cluster_instance"
    resources = [
        (cluster, name, {"engine": "aurora-mysql", "cluster_identifier": name})
        for name in ("one", "two")
    ] + [
        (member, f"{of}{n}", {"cluster_identifier": of, "promotion_tier": n})
        for of, count in (("one", 2), ("two", 3))
        for n in range(count)
    ]
    found = read_files(written(tmp_path, s__json=state(*resources)))
    assert len(found.spec.architecture.sites) == 2
    assert "aws_rds_cluster.one is read" in warned(found, f"s.json:{cluster}.two")


def test_a_ring_without_its_keyspace_is_warned_of(tmp_path):
    ring = "Datacenter: dc1\n10.0.0.1 rack1 Up Normal 1 GiB 75% 0\n"
    found = read_files(written(tmp_path, r__txt=ring))
    assert "no keyspace" in " ".join(note.said for note in found.warnings)


# ---- names with a slip -------------------------------------------------------------


def test_a_name_with_a_slip_is_not_passed_over_in_silence(tmp_path):
    for slip in ("tll", "ttls", "tl", "ttll"):
        words = node("a").replace("ttl:", f"{slip}:")
        found = read_files(written(tmp_path, a__yml=words))
        said = warned(found, "a.yml:6")
        assert said == "is not known; did you mean bootstrap.dcs.ttl?", slip
    words = node("a").replace("synchronous_mode", "synchronuos_mode")
    found = read_files(written(tmp_path, a__yml=words))
    assert "did you mean bootstrap.dcs.synchronous_mode?" in warned(found, "a.yml:7")
    for other in ("lease", "ttlong"):
        words = node("a").replace("ttl:", f"{other}:")
        found = read_files(written(tmp_path, a__yml=words))
        assert not warned(found, "a.yml:6")


def test_units_are_those_of_the_product(tmp_path):
    proxy = PROXY + " server a a:5432 check inter {}\n"
    files = {"a__yml": node("a"), "h__cfg": proxy.format("2m")}
    found = read_files(written(tmp_path, **files))
    assert found.spec.architecture.failover.mechanisms["redirection"].interval == 120
    for slip in ("3sec", "2min", "fall"):
        files["h__cfg"] = proxy.format(slip)
        with pytest.raises(ValueError, match=rf"h.cfg:3: .* got '{slip}'"):
            read_files(written(tmp_path, **files))
    key = "bootstrap: {dcs: {postgresql: {parameters: "
    key += "{wal_retrieve_retry_interval: %s}}}}\n"
    path = written(tmp_path, a__yml=f"scope: a\n{key % '1min'}")
    slow = read_files(path).spec.architecture.failover.mechanisms["promotion"].slow
    assert float(slow) == pytest.approx(60.384)
    with pytest.raises(ValueError, match=r"a.yml:2: .* got '1m'"):
        read_files(written(tmp_path, a__yml=f"scope: a\n{key % '1m'}"))
