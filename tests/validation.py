"""Every number against other roads to it, as a page: `make validate`.

Each row has our number, the other one and the relative error between them; nothing is
left out because it is worse.  The page and the exported models stand in
`docs/validation`.
"""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hamodel import Chain, catalogue, duration
from hamodel.architectures import (
    ActiveActive,
    ActivePassive,
    Leaderless,
    Node,
    SinglePrimary,
    Site,
    Tier,
)
from hamodel.assessment import assess
from hamodel.failover import Failover
from hamodel.recordings import Pairs, predictions
from hamodel.units import HOUR, MINUTE, MONTH, YEAR
from hamodel.workload import Workload
from tests import test_active_passive_nodes as nodes
from tests import test_assessment_budget as periods
from tests import test_joint_chains as joints
from tests import test_markov_reference as tables
from tests import test_second_road as road
from tests.support import lives, messages, roads, served
from tests.support.joint_nodes import Joint

FOLDER = Path(__file__).parents[1] / "docs" / "validation"
CALM = Workload(reads=90, writes=10)  # nothing is overloaded, whatever is away
LOADS = (0.1, 0.3, 0.5, 0.7, 0.9)
HORIZONS = {"minute": MINUTE, "hour": HOUR, "month": MONTH, "year": YEAR}


@dataclass
class Row:
    """One number, twice."""

    system: str
    quantity: str
    ours: float
    other: float
    noise: float = 0.0  # relative standard error of the other one

    @property
    def error(self):
        if self.other == 0:
            return 0.0 if self.ours == 0 else float("inf")
        return self.ours / self.other - 1


def played(system, quantity, ours, batches):
    batches = np.asarray(batches, float)
    mean = float(batches.mean())
    noise = float(batches.std(ddof=1) / np.sqrt(len(batches)) / mean) if mean else 0.0
    return Row(system, quantity, float(ours), mean, noise)


BLOCK = Node(mttf=2000 * HOUR, mttr=4 * HOUR)
PLACE = Site(mttf=20_000 * HOUR, mttr=12 * HOUR)
SHOCK = Node(mttf=50_000 * HOUR, mttr=1 * HOUR)
SERVERS = Site(
    mttf=PLACE.mttf,
    mttr=PLACE.mttr,
    balancers=Tier(node=BLOCK, servers=2, needed=1),
    apps=Tier(node=BLOCK, servers=4, needed=3),
)
BLOCKS = {  # a system; its blocks in series: (node, how many, how many are needed)
    "one database": (SinglePrimary(database=BLOCK), [(BLOCK, 1, 1)], None),
    "one site with servers": (
        SinglePrimary(database=BLOCK, site=SERVERS, everywhere=SHOCK),
        [(SHOCK, 1, 1), (PLACE, 1, 1), (BLOCK, 2, 1), (BLOCK, 4, 3), (BLOCK, 1, 1)],
        None,
    ),
    "2 of 3 copies": (
        Leaderless(database=BLOCK, site=PLACE, everywhere=SHOCK),
        [(SHOCK, 1, 1), (PLACE, 1, 1), (BLOCK, 3, 2)],
        None,
    ),
    "4 of 5 copies": (
        Leaderless(database=BLOCK, copies={"DC-1": 5}, write_quorum=4),
        [(BLOCK, 5, 4)],
        None,
    ),
    "two sites, clients led away at once": (
        ActiveActive(database=BLOCK, failover=Failover()),
        [(BLOCK, 2, 1)],
        None,
    ),
    "a pair, one crew, failovers at once": (
        ActivePassive(database=BLOCK, failover=Failover(), sites=("DC-1",)),
        [(BLOCK, 2, 1)],
        1,
    ),
}


# ---- roads -------------------------------------------------------------------------


def joint_chains():
    """Downtime by cause against the whole product space, written out and solved."""
    for name, (spec, start, follows, cause, _) in joints.SYSTEMS.items():
        states, edges = joints.explored(start, follows)
        exact = joints.long_run(states, edges)
        found = assess(spec)
        for operation in (found.read, found.write):
            other = joints.budget(states, exact, cause, operation.name)
            for why, share in other.items():
                ours = float(operation.downtime_by_cause.get(why, 0.0))
                yield Row(name, f"{operation.name}: {why}", ours, share)


def joint_nodes():
    """Pairs and more nodes, against chains in which each node has its condition."""
    for name, some in nodes.JOINT.items():
        p = nodes.NODE | nodes.SWIFT | some
        exact, _ = Joint(**p).downtime()
        ours = nodes.stopped(nodes.spec_of(p))
        for why, share in exact.items():
            yield Row(name, str(why), float(ours.get(why, 0.0)), float(share))


def laws_of_periods():
    """The chance of missing a target, against written-out chains."""
    for needed in (1, 2, 3):
        store = Leaderless(database=periods.NODE, write_quorum=needed)
        chain = periods.copies_and_leader(3, periods.NODE, 1.0)[::2, ::2]
        down = [k for k in range(4) if 3 - k < needed]
        yield from _missed(f"{needed} of 3 copies", assess(store), chain, down)
    for mttr in (4 * HOUR, 72 * HOUR):
        node = Node(mttf=2000 * HOUR, mttr=mttr)
        failover = Failover(promotion=duration.exponential(300), coverage=0.95)
        pair = ActivePassive(database=node, failover=failover, sites=("DC-1",))
        chain = periods.pair_chain(node, 300, 0.95)
        name = f"pair, repaired in {mttr / HOUR:g} h"
        yield from _missed(name, assess(pair), chain, [1, 3])


def _missed(system, found, chain, down):
    for length, horizon in HORIZONS.items():
        for target in (0.9, 0.99, 0.999, 0.9999, 0.99999):
            exact = periods.missing(chain, down, horizon, target)
            if exact > 1e-9:
                ours = found.chance_of_missing(target, horizon).probability
                what = f"a {length} misses {100 * target:g} %"
                yield Row(system, what, ours, exact)


def presets():
    """Downtime of every preset by cause, against lives of its nodes."""
    for key in catalogue.systems():
        spec = catalogue.system(key).architecture()
        rows = lives.downtime(spec, 40_000, np.random.default_rng(11))
        found = assess(spec, CALM)
        for operation in (found.read, found.write):
            for why, share in operation.downtime_by_cause.items():
                row = rows.get((operation.name, str(why)))
                if float(share) > 0 and row is not None:
                    yield played(key, f"{operation.name}: {why}", share, row)


def presets_in_time():
    """Recoveries of every preset, and its months and years, lived one after another.

    A period is held against one hundredth more than what so many periods do not exceed:
    many presets are down for the same time again and again.
    """
    for key in catalogue.systems():
        spec, rng = catalogue.system(key).architecture(), np.random.default_rng(12)
        found = assess(spec, CALM)
        draws = road.recovered(spec, 200_000, rng)
        for name, times in zip(("rto", "outage"), draws, strict=True):
            law = getattr(found, name)
            for p in (0.5, 0.95):
                parts = [np.quantile(part, p) for part in road.batches(times)]
                yield played(key, f"{name}, {p:.0%}", law.quantile(p), parts)
        at, down = lives.lived(spec, 40_000, rng)
        for length, p in (("month", 0.99), ("year", 0.5), ("year", 0.9)):
            horizon = HORIZONS[length]
            most = 1.01 * found.downtime_quantile(p, horizon)
            marks = np.arange(0, at[-1], horizon)
            more = np.diff(np.interp(marks, at, down)) > most
            ours = found.chance_of_missing(1 - most / horizon, horizon).probability
            what = f"a {length} is down for more than {most:.4g} s"
            yield played(key, what, ours, [part.mean() for part in road.batches(more)])


def presets_at_work():
    """Load, latency, lag, losses and conflicts of every preset, played one by one."""
    for key in catalogue.systems():
        spec = catalogue.system(key).architecture()
        for load in LOADS:
            for x in served.again(spec, load, np.random.default_rng(24)):
                yield played(f"{key}, load {load:g}", x.name, x.said, x.parts)


def requests():
    """Latency, load, losses and conflicts, against requests played one by one."""
    for name in road.CASES:
        for load in LOADS:
            found, _, runs, rng = road.play(name, load, seed=21)
            yield from _of_requests(f"{name}, load {load:g}", found, runs, rng)
    for load in (0.1, 0.5, 0.9):
        yield from _of_quorums(load)
        for name in road.COPIES:
            yield from _of_copies(name, load)


def _of_requests(system, found, runs, rng):
    for tier in ("app", "database"):
        busy = float(np.mean([run.busy[tier] for run in runs]))
        yield Row(system, f"utilisation: {tier}", float(found.utilisation[tier]), busy)
    yield from _latencies(system, found, runs)
    if "passive" in system:
        lost, oldest = road.crash(runs[0], road.TRIP / 2, rng)
        ours = found.lost_writes.by_failure["database"].writes
        parts = [part.mean() for part in road.batches(lost)]
        yield played(system, "writes lost at a crash", ours, parts)
        for p in (0.5, 0.99):
            parts = [np.quantile(part, p) for part in road.batches(oldest)]
            yield played(system, f"rpo, {p:.0%}", found.rpo.quantile(p), parts)
    if "active" in system:
        yield from _conflicts(system, found, runs[0])


def _latencies(system, found, runs):
    for write, operation in enumerate(("read", "write")):
        law = found.latency[found.sites[0], operation]
        parts = [road.batches(run.latencies(0, bool(write))) for run in runs]
        mixed = [np.concatenate(part) for part in zip(*parts, strict=True)]
        for p in (0.25, 0.75, 0.95, 0.99):
            batches = [np.quantile(part, p) for part in mixed]
            yield played(system, f"{operation}, {p:.0%}", law.quantile(p), batches)


def _conflicts(system, found, run):
    sites = len(found.sites)
    ahead = np.array([0.0, 0.01, 0.0])[:sites]
    rows = []
    for part in road.batches(np.flatnonzero(run.write), 8):
        args = run.committed[part], run.site[part], run.key[part]
        pairs, share, lost = messages.clashes(*args, road.TRIP / 2, ahead)
        span = np.ptp(run.committed[part])
        rows.append((pairs / span, share, lost / span))
    ours = found.conflicts.pairs, found.conflicts.share, found.conflicts.lost
    names = ("conflicts in 1/s", "writes in conflict", "writes thrown away in 1/s")
    for name, said, row in zip(names, ours, zip(*rows, strict=True), strict=True):
        yield played(system, name, float(said), row)


def _of_quorums(load):
    w = road.workload(load, 2 / 3, 1)
    shop = messages.Shop(w, 1, road.APPS, road.CORES)
    rng = np.random.default_rng(22)
    run = messages.play_copies(shop, [0] * 3, (2, 3), (2, 2), road.seconds(w), rng).run
    found = assess(Leaderless(database=road.NODE, site=road.SITE), w)
    yield from _latencies(f"2 of 3 copies, load {load:g}", found, [run])


def _of_copies(name, load):
    rng = np.random.default_rng(23)
    for x in served.merged(_copied(name, load, rng) for _ in range(served.RUNS)):
        yield played(f"copies, {name}, load {load:g}", x.name, x.said, x.parts)


def _copied(name, load, rng):
    copies, read, write = road.COPIES[name]
    total = sum(copies.values())
    w = road.workload(load, read / total, 1, keys=1000)
    shop = messages.Shop(w, len(copies), road.APPS, road.CORES)
    held = [k for k, count in enumerate(copies.values()) for _ in range(count)]
    many = (read, total), (read, write)
    span = road.seconds(w, 2 * road.COUNT if load > 0.8 else road.COUNT)
    played_ = messages.play_copies(shop, held, *many, span, rng)
    spec = Leaderless(
        database=road.NODE,
        site=road.SITE,
        copies=copies,
        read_quorum=read,
        write_quorum=write,
    )
    found, run = assess(spec, w), played_.run

    def number(name, said, parts):
        return served.Number(name, float(said), parts, road.RARE)

    late = played_.back[run.write] - run.committed[run.write][:, None] > 0
    lag = (played_.done[run.write] - run.committed[run.write][:, None])[late]
    parts = road.batches(np.maximum(lag, 0))
    law = found.replication_lag
    yield number("lag, mean", law.mean, [x.mean() for x in parts])
    for p in (0.75, 0.99):
        quantiles = [np.quantile(x, p) for x in parts]
        yield number(f"lag, {p:.0%}", law.quantile(p), quantiles)
    parts = [x.mean() for x in road.batches(messages.unread(played_))]
    yield number("stale reads", found.stale_read_probability, parts)
    kind = "site" if len(copies) > 1 else "database"
    gone = np.array(held) == 0 if kind == "site" else np.arange(total) == 0
    moments = np.sort(rng.uniform(0.1 * run.at[-1], 0.9 * run.at[-1], 40_000))
    lost, oldest = messages.lost_with(played_, gone, moments)
    ours = found.lost_writes.by_failure[kind].writes
    parts = [x.mean() for x in road.batches(lost)]
    yield number(f"writes lost with a {kind}", ours, parts)
    aged = np.quantile(oldest, 0.99)
    yield number("rpo, 99%", found.rpo.quantile(0.99), [aged])
    names = ("conflicts in 1/s", "writes in conflict", "writes thrown away in 1/s")
    clash = found.conflicts
    ours = clash.pairs, clash.share, clash.lost
    others = messages.clashes_of_copies(played_)
    for what, said, other in zip(names, ours, others, strict=True):
        yield number(what, said, [other])


def published():
    """Published and peer-computed answers on chains (`data/reference/markov.json`)."""
    for case in tables.cases("markov"):
        record = case.values[0]
        ours, value = tables.ANSWERS[record["id"]](record["params"]), record["value"]
        if np.ndim(value) == 0 and np.ndim(ours) == 0:
            what = str(record["quantity"]).replace("|", "/")[:70]
            yield Row(record["id"], what, float(ours), float(value))


def recordings():
    """Failures that were recorded on real databases, median and 95 %."""
    for prediction in predictions():
        if isinstance(prediction, Pairs):
            continue
        system = f"{prediction.series}: {prediction.what}"
        for p, error in zip(
            ("50 %", "95 %"), prediction.agreement.errors, strict=False
        ):
            yield Row(system, p, 1.0 + float(error), 1.0)


def blocks():
    """Independent blocks in series, in parallel and k of n, by RePyability."""
    try:
        import surpyval
        from repyability.rbd.repairable_rbd import RepairableRBD
    except ImportError:
        return

    def exponential(mean):
        return surpyval.Exponential.from_params([1 / mean])

    for name, (spec, stages, crews) in BLOCKS.items():
        edges, components, votes, before = [], {}, {}, ["in"]
        for k, (node, count, needed) in enumerate(stages):
            here = [f"{k}.{i}" for i in range(count)]
            gate = f"{k} enough"
            for one in here:
                edges += [(b, one) for b in before] + [(one, gate)]
                components[one] = {
                    "reliability": exponential(node.mttf),
                    "repairability": exponential(node.mttr),
                }
            components[gate] = {
                "reliability": exponential(1e30),
                "repairability": exponential(1e-30),
            }
            votes[gate], before = needed, [gate]
        edges += [(before[0], "out")]
        peer = RepairableRBD(edges, components, k=votes, repair_crews=crews)
        ours = float(assess(spec).write.unavailability)
        yield Row(name, "writes fail", ours, float(peer.mean_unavailability()))


def model_checker():
    """Exported chains, solved by Storm or PRISM where one of them is installed."""
    for name, chain in exported():
        other = checked(FOLDER / "models" / f"{name}.prism")
        if other is None:
            return
        yield Row(
            name, "long-run share of down states", float(chain.unavailability), other
        )


ROADS = {
    "Whole product spaces": joint_chains,
    "Pairs and more nodes, node by node": joint_nodes,
    "The chance of a good period": laws_of_periods,
    "Presets, lives played": presets,
    "Presets, recoveries and periods": presets_in_time,
    "Presets, requests played one by one": presets_at_work,
    "Requests played one by one": requests,
    "Published answers": published,
    "RePyability": blocks,
    "Recordings": recordings,
    "Storm or PRISM": model_checker,
}


# ---- recordings, drawn --------------------------------------------------------------

HEAD = """# Predicted against measured

Failures of real databases and what the models say of them, from settings and constants
of the products' sources. Where a stage depends on the machine, its law comes from
another series. A verdict has three parts: median and 95th percentile within 10 %; a
Kolmogorov-Smirnov test that does not object (from 20 failures on); 85 of 100 points
inside the predicted 95 %. Written by `make validate`; in Python,
`hamodel.recordings.verdicts()`.

"""


def recorded_page():
    """Write the page of recordings: a picture, the verdicts, and why some fail."""
    from hamodel import plots
    from hamodel.recordings import Verdicts

    found = Verdicts(tuple(predictions()))
    laws = [p for p in found.predictions if not isinstance(p, Pairs)]
    across = 4
    with plots.styled():
        whole = plots.figure(13, 2.5 * -(-len(laws) // across))
        axes = whole.subplots(-(-len(laws) // across), across, squeeze=False).ravel()
        for ax, p in zip(axes, laws, strict=False):
            plots.draw_measured(ax, p.law, p.measured)
            mark = "holds" if p.holds else "does not hold"
            ax.set_title(f"{p.series}\n{p.what}: {mark}", fontsize=8, parse_math=False)
        for ax in axes[len(laws) :]:
            ax.set_axis_off()
        (FOLDER / "recordings.svg").write_text(plots.svg(whole), encoding="utf-8")
    held, asked = found.kept
    lines = [
        f"**{held} of {asked}** predictions hold in all their parts (one more infers",
        "something from its own series and is not counted).",
        "",
        "![Each predicted law as a curve with its 95 % band, the measured times as"
        " points](recordings.svg)",
        "",
        "| Recording | What | n | Median | 95 % | Within 10 % | Same law | Inside |"
        " Stands on, or why it fails |",
        "| --- | --- | ---: | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        "| " + " | ".join((*p.row, p.fails or p.stands_on)) + " |"
        for p in found.predictions
    ]
    page = HEAD + "\n".join(lines) + "\n"
    (FOLDER / "recordings.md").write_text(page, encoding="utf-8")
    return page


# ---- exported models ---------------------------------------------------------------


def exported():
    """Chains whose down states are those in which writes fail for somebody."""
    for name, (_, start, follows, cause, _) in joints.SYSTEMS.items():
        states, edges = joints.explored(start, follows)
        rates = {(states[i], states[j]): rate for (i, j), rate in edges.items()}
        up = {state for state in states if not cause(state, "write")}
        yield name, Chain(rates, up, start=start)
    for key in catalogue.systems():
        spec = catalogue.system(key).architecture()
        if isinstance(spec, ActivePassive):
            yield key, spec.chain()


def checked(model):
    """The share that a model checker finds, or None where there is none."""
    storm, prism = shutil.which("storm"), shutil.which("prism")
    question = 'LRA=? ["down"]' if storm else 'S=? ["down"]'
    if storm:
        command = [
            storm,
            "--prism",
            str(model),
            "--prop",
            question,
            "--precision",
            "1e-9",
        ]
    elif prism:
        command = [prism, str(model), "-pf", question]
    else:
        return _by_stormpy(model)
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    line = next(x for x in said.splitlines() if x.startswith("Result"))
    return float(line.split(":")[1].split()[0])


def _by_stormpy(model):
    """The same from Python's bindings of Storm."""
    try:
        import stormpy
    except ImportError:
        return None
    program = stormpy.parse_prism_program(str(model), prism_compatibility=True)
    (question,) = stormpy.parse_properties('LRA=? ["down"]', program)
    built = stormpy.build_model(program, [question])
    found = stormpy.model_checking(built, question)
    return float(found.get_value(built.initial_states[0]))


# ---- the page ----------------------------------------------------------------------

INTRODUCTION = """# Validation

Our numbers beside those of another road, row by row: {rows} rows in all. It is written
by `make validate`. The error is ours / theirs - 1; where the other road is a
simulation its own standard error is shown, and an error within twice that is no
evidence. The models in `models/` are chains in the language of PRISM, which Storm reads
too: `storm --prism models/room.prism --prop 'LRA=? ["down"]'`.

[Every field of an assessment with its second road](fields.md) is a list of its own;
[recordings](recordings.md) have a page, too, which says why some are farther off. Busy
copies without a leader are, too: `hamodel.architectures.leaderless` says by how much.
"""


def page(found):
    """Return the page as Markdown."""
    lines = [INTRODUCTION.format(rows=sum(map(len, found.values())))]
    lines += ["| Road | Rows | Median error | Worst error | Beyond 5 % and noise |"]
    lines += ["| --- | ---: | ---: | ---: | ---: |"]
    for name, rows in found.items():
        errors = np.abs([row.error for row in rows])
        if len(errors) == 0:
            lines.append(f"| {name} | 0 | not installed | | |")
            continue
        beyond = sum(abs(r.error) > max(0.05, 2 * r.noise) for r in rows)
        lines.append(
            f"| {name} | {len(rows)} | {np.median(errors):.1e} | {errors.max():.1e} "
            f"| {beyond} |"
        )
    for name, rows in found.items():
        lines += ["", f"## {name}", "", ROADS[name].__doc__.strip(), ""]
        if not rows:
            lines.append("Not installed where this page was written: skipped.")
            continue
        lines += ["| System | Number | Ours | Other | Error | Its noise |"]
        lines += ["| --- | --- | ---: | ---: | ---: | ---: |"]
        for row in rows:
            noise = f"{row.noise:.1%}" if row.noise else ""
            lines.append(
                f"| {row.system} | {row.quantity} | {row.ours:.6g} | {row.other:.6g} "
                f"| {row.error:+.1e} | {noise} |"
            )
    return "\n".join(lines) + "\n"


def main():
    (FOLDER / "models").mkdir(parents=True, exist_ok=True)
    for name, chain in exported():
        text = chain.to_prism()
        (FOLDER / "models" / f"{name}.prism").write_text(text, encoding="utf-8")
    found = {name: list(rows()) for name, rows in ROADS.items()}
    (FOLDER / "README.md").write_text(page(found), encoding="utf-8")
    (FOLDER / "fields.md").write_text(roads.page(), encoding="utf-8")
    recorded_page()


if __name__ == "__main__":
    main()
