"""Files as people keep them: one for each node, several things in one, with slips."""

from hamodel.reading import read_files

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
