"""Systems for other tools: what is written is read again, by other means."""

import itertools
import re
from dataclasses import replace

import networkx as nx
import numpy as np
import pytest
from click.testing import CliRunner

import hamodel as ha
from hamodel.chain import Chain
from hamodel.cli import main
from hamodel.cli._export import mermaid
from hamodel.markov import steady_state
from hamodel.specfile import preset
from hamodel.structure import parse
from hamodel.units import HOUR


def run(*arguments):
    done = CliRunner().invoke(main, ["export", *arguments], catch_exceptions=False)
    return done.stdout, done.stderr, done.exit_code


# ---- PRISM -------------------------------------------------------------------------


def read_prism(text):
    """Return the joint rates of all modules, and the rewards of each joint state.

    A small reader of the language of PRISM: modules, formulas and rewards.
    """
    sizes, moves = {}, []
    for name, most in re.findall(
        r"^  (s\d+) : \[0\.\.(\d+)\] init 0;", text, re.MULTILINE
    ):
        sizes[name] = int(most) + 1
    arrow = r"^  \[\] (s\d+)=(\d+) -> (\S+) : \(\1'=(\d+)\);"
    for name, start, rate, end in re.findall(arrow, text, re.MULTILINE):
        moves.append((name, int(start), float(rate), int(end)))
    names = list(sizes)
    states = list(itertools.product(*(range(sizes[n]) for n in names)))
    index = {state: k for k, state in enumerate(states)}
    rates = np.zeros((len(states), len(states)))
    for k, state in enumerate(states):
        for name, start, rate, end in moves:
            place = names.index(name)
            if state[place] == start:
                rates[k, index[(*state[:place], end, *state[place + 1 :])]] += rate
    formulas = dict(re.findall(r"^formula (v\d+_\d+) = (.*);", text, re.MULTILINE))
    rewards = {}
    for name, body in re.findall(r'rewards "(\w+)"\n(.*?)endrewards', text, re.DOTALL):
        rows = re.findall(r"^  (.*) : (\S+);", body, re.MULTILINE)
        rewards[name] = np.array(
            [_reward(dict(zip(names, s, strict=True)), rows, formulas) for s in states]
        )
    return rates, rewards


def _reward(state, rows, formulas):
    known = {name: _holds(body, state) for name, body in formulas.items()}
    return sum(float(share) for where, share in rows if _all(where, known))


def _holds(body, state):
    parts = (part.split("=") for part in body.split(" | ") if "=" in part)
    return any(state[name] == int(value) for name, value in parts)


def _all(where, known):
    return where == "true" or all(known[w.strip("()")] for w in where.split(" & "))


PAIR = ha.ActivePassive(
    sites=("a", "b"),
    database=ha.Node(mttf=500 * HOUR, mttr=3 * HOUR),
    failover=ha.Failover(detection=ha.duration.uniform(10, 20), coverage=0.9),
    everywhere=ha.Node(mttf=3000 * HOUR, mttr=HOUR),
    site=ha.Site(
        apps=ha.Tier(node=ha.Node(mttf=100 * HOUR, mttr=0.5 * HOUR), servers=2)
    ),
)


@pytest.mark.parametrize(
    "system", ["pair", "postgresql-patroni", "etcd", "couchbase-xdcr", "cassandra"]
)
def test_prism_s_joint_chain_has_the_unavailability_of_the_assessment(system):
    spec = PAIR if system == "pair" else preset(system).architecture
    workload = ha.Workload(reads=90, writes=10)
    if system == "pair":
        workload = ha.Workload(reads=90, writes=10, clients={"a": 0.7, "b": 0.3})
    found = ha.assess(spec, workload)
    rates, rewards = read_prism(found.to_prism())
    used = np.flatnonzero(rates.sum(axis=0) + rates.sum(axis=1))
    law = np.zeros(len(rates))
    law[used] = steady_state(rates[np.ix_(used, used)])
    for operation in ("read", "write"):
        down = float(getattr(found, operation).unavailability)
        assert law @ rewards[operation] == pytest.approx(down, rel=1e-8)
    if system == "pair":  # several modules, and shares between none and all
        assert len(rates) > 50
        assert len(set(np.round(rewards["write"], 9))) > 2


def test_a_planted_rate_would_be_seen():
    found = ha.assess(PAIR)
    text = found.to_prism()
    rate = re.search(r"s0=0 -> (\S+) :", text)[1]
    rates, rewards = read_prism(text.replace(rate, repr(2 * float(rate)), 1))
    law = steady_state(rates)
    down = float(found.write.unavailability)
    assert abs(law @ rewards["write"] / down - 1) > 0.01


def test_too_many_combinations_are_refused():
    sites = tuple("abcdefghij")
    tier = ha.Tier(node=ha.Node(mttf=1e6, mttr=1e3), servers=9)
    many = ha.ActiveActive(
        sites=sites,
        database=ha.Node(mttf=1e6, mttr=1e3),
        failover=ha.Failover(),
        site=ha.Site(apps=tier, balancers=tier),
    )
    with pytest.raises(ValueError, match="at most 50,000 combinations"):
        ha.assess(many).to_prism()


# ---- Graphviz ----------------------------------------------------------------------


def test_a_state_graph_has_every_state_and_move():
    chain = Chain({("up", 'a "b"'): 1e-3, ('a "b"', "up"): 2.0}, {"up"})
    text = chain.to_dot()
    assert text.startswith("digraph")
    assert len(re.findall(r"^  \d+ \[label", text, re.MULTILINE)) == 2
    assert len(re.findall(r"^  \d+ -> \d+ \[label", text, re.MULTILINE)) == 2
    assert r'label="a \"b\"\n0.05 %"' in text
    assert text.count("{") == text.count("}")


@pytest.mark.parametrize(
    "path",
    ["lb > any(a, b) > db", "any(a > b, c > d) > e", "a > any(b, any(c, d) > a)"],
)
def test_a_block_diagram_is_up_while_a_path_leads_through(path):
    structure = parse(path)
    text = structure.to_dot()
    labels = dict(re.findall(r'^  (n\d+) \[label="(\w+)"', text, re.MULTILINE))
    edges = re.findall(r"^  (\w+) -> (\w+);", text, re.MULTILINE)
    parts = structure.components
    for size in range(len(parts) + 1):
        for failed in itertools.combinations(parts, size):
            graph = nx.DiGraph(edges)
            graph.remove_nodes_from([n for n, of in labels.items() if of in failed])
            assert nx.has_path(graph, "request", "answer") == structure.works(failed)
    alone = set(structure.single_points_of_failure())
    heavy = {labels[n] for n in re.findall(r"(n\d+) \[[^\]]*penwidth", text)}
    assert heavy == alone


def test_a_vote_says_how_many_it_takes():
    assert 'label="2 of 3"' in parse("atleast(2, a, b, c)").to_dot()


# ---- Mermaid and the command -------------------------------------------------------

LINE = re.compile(
    r"flowchart TB|  end|(?:  |    )n\d+(?:\(\".*\"\)|\[\(\".*\"\)\]|\[\".*\"\])"
    r"|  subgraph n\d+\[\".*\"\]|  n\d+(?: & n\d+)* --> n\d+(?: & n\d+)*"
    r"|  n\d+ <?-\. replication \.-> n\d+|  classDef alone stroke-width:4px"
    r"|  class n\d+(?:,n\d+)* alone"
)


@pytest.mark.parametrize(
    "name", ["postgresql-patroni", "etcd", "dynamodb-global-tables"]
)
def test_a_topology_shows_every_part_once(name):
    spec = preset(name)
    out, _, code = run(name, "--to", "mermaid")
    lines = out.splitlines()
    assert code == 0
    assert [line for line in lines if not LINE.fullmatch(line)] == []
    sites = spec.architecture.all_sites
    assert len(re.findall("subgraph", out)) == len(sites) == out.count("  end\n")
    drawn = [
        p for p in spec.architecture.diagram().drawn if p not in ("client", *sites)
    ]
    boxes = re.findall(r"^ +(n\d+)[\[(]", out, re.MULTILINE)
    assert len(boxes) == len(set(boxes)) == len(drawn) + 1  # and the clients
    pair = isinstance(spec.architecture, ha.SinglePrimary | ha.ActivePassive)
    arrow = " -. replication" if pair else "<-. replication"
    assert arrow in out


def test_names_that_mean_something_to_mermaid_stay_names():
    odd = replace(PAIR, sites=('x"<b>', "y #1"), site=ha.Site())
    text = mermaid(odd)
    assert all(LINE.fullmatch(line) for line in text.splitlines())
    assert '["x#34;#60;b#62;"]' in text


def test_the_command_exports_each_form():
    for form, start in (
        ("prism", "// The availability"),
        ("states", "digraph chain"),
        ("blocks", "digraph blocks"),
        ("mermaid", "flowchart TB"),
    ):
        out, _, code = run("postgresql-patroni", "--to", form)
        assert code == 0
        assert out.startswith(start)
    chosen, _, _ = run("etcd", "--to", "states", "--part", "zone-2 copies")
    assert chosen.count("[label=") == 4
    _, err, code = run("etcd", "--to", "states", "--part", "zone-9 copies")
    assert code == 2
    assert "did you mean zone-" in err
    assert run("etcd", "--to", "prism", "--part", "zone-2 copies")[2] == 2
    read, _, _ = run("postgresql-patroni", "--to", "blocks", "--operation", "read")
    assert read.startswith("digraph blocks")
