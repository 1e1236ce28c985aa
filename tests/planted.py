"""Plant small errors over whole rooms and see which of them no test notices.

Of small rooms every mutant is tried, of the others a sample, spread over their modules;
the same seed takes the same sample.  `make mutants` (some hours) first sees which fast
tests reach which line (kept in `test-output/mutants`; delete it when tests or the
package have changed), then tries each mutant on the tests that reach it, and writes the
scores and the survivors to `benchmarks/mutants.md`.  A reason written there after a
survivor, why it changes nothing, is kept.  `ARGS="quorum 100"` takes a sample of one
room (or of one module: `hamodel.quorum._load`) and only prints; `ARGS="failover 80 4"`
takes that of another seed, for which no test was written.
"""

import os
import random
import sys
from collections import Counter, defaultdict
from pathlib import Path
from textwrap import wrap

import pytest

from tests.support.mutants import FAST, Judge, Reach, Seconds, mutants, slip
from tests.support.slips import SLIPS

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "mutants.md"
KEPT = ROOT / "test-output" / "mutants"
SEED = 3
SEEDS = dict.fromkeys(("architectures", "assessment", "latency"), 34)  # drawn anew
SAMPLE = {"architectures": 40, "assessment": 40, "latency": 30}
SAMPLE |= {"failover": 82, "replication": 130}
JOBS = os.cpu_count() or 1
LATENCY = "assessment/latency.py", "assessment/loads.py", "assessment/retries.py"
ROOMS = {
    "architectures": ("architectures/*.py",),
    "assessment": ("assessment/*.py",),
    "failover": ("failover/*.py",),
    "replication": ("replication/*.py",),
    "conflicts": ("conflicts/*.py",),
    "quorum": ("quorum/*.py",),
    "latency": (*LATENCY, "workload.py"),
}
TESTS = {  # of each room, and of all
    "quorum": "quorum* course_quorums",
    "conflicts": "conflicts* course_conflicts",
    "replication": "replication* course_replication_lag",
    "failover": "failover* course_recoveries",
    "latency": "assessment_latency assessment assessment_answers journeys loaded "
    "assessment_second_road course_headroom overload",
    "assessment": "assessment_budget assessment* objectives journeys loaded",
    "architectures": "architectures* active_passive* regions joint_chains assessment "
    "unclean_elections pair_losses second_road_copies fields_effect assessment_latency "
    "journeys",
    "all": "second_road export kept_answers arrays*",
}
HEAD = (
    "Score: those noticed, of those that change something; its interval is Jeffreys'.",
    "Replication (seed 3), conflicts and quorum (all there are) are shown after tests",
    "for what was seen; the others as a seed drawn anew was, before tests for what it",
    "left: failover 13, architectures, assessment and latency 34. Those three were",
    "tried on a part of the tests first, of architectures what was left on some more:",
    "some may be noticed after all. Two of the three are just below the bar of 95 %",
    "so; each of the eight that 34 left fails a test since, of a whole function where",
    "one could be. Other seeds, each after tests for those before: of architectures 40",
    "of 43 (33), 74 of 83 (3), 343 of 387 (11, 12), 108 of 120 (13), 117 of 128 (17),",
    "69 of 74 (19), on a part of the tests 61 of 72 (23), 59 of 77 (29), 69 of 80",
    "(31), 50 of 55 (32); of assessment 54 of 68 (3), 63 of 70 (11), 74 of 75 (21), 67",
    "of 76 (31); of latency 54 of 58 (31); of failover 73 of 80 (3), 764 of all 802;",
    "of replication 117 of 123 (3), 30 of 31 (17), 29 of 30 (23). Before tests for",
    "them, of all there are: conflicts 137 of 147, latency 185 of 213, quorum 403 of",
    "450. Of 41 planted by hand in sentences of the page, refusals of arrays and races",
    "of restarts 39 are noticed; two change nothing.",
    "",
    "| | Mutants | Tried | Change nothing | Not noticed | Score | 95 % |",
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
)


def modules(room):
    """Return the modules of a room that compute something."""
    others = set(LATENCY) if room == "assessment" else set()
    for pattern in ROOMS[room]:
        for file in sorted((ROOT / "hamodel").glob(pattern)):
            where = file.relative_to(ROOT / "hamodel").as_posix()
            if file.name != "__init__.py" and where not in others:
                yield "hamodel." + where.removesuffix(".py").replace("/", ".")


def sample_of(room, count, seed=SEED):
    """Return how many mutants each module has, and a sample of each by their number."""
    names = [room] if "." in room else list(modules(room))
    found = {name: list(mutants(name)) for name in names}
    every = {name: len(these) for name, these in found.items()}
    whole, chosen = sum(every.values()), []
    for name, these in found.items():
        wanted = min(len(these), max(2, round(count * len(these) / whole)))
        chosen += random.Random(f"{seed} {name}").sample(these, wanted)
    return every, chosen


def tests_of(rooms):
    """Return the files of tests that are run for some rooms, doctests too."""
    patterns = [t for room in (*rooms, "all") for t in TESTS[room].split()]
    files = [f for t in patterns for f in sorted(ROOT.glob(f"tests/test_{t}.py"))]
    return [*files, *(ROOT / "hamodel" / room for room in rooms if room != "latency")]


def measured(files, folder):
    """Run tests once, each file by itself; return which reach which line."""
    folder.mkdir(parents=True, exist_ok=True)
    running = set()
    for file in dict.fromkeys(files):
        kept = folder / f"{file.stem}.json"
        if kept.exists() and kept.stat().st_mtime > file.stat().st_mtime:
            continue
        if len(running) == JOBS:
            running.discard(os.wait()[0])
        running.add(_measuring(file, folder))
    while running:
        running.discard(os.wait()[0])
    return Reach(folder)


def _measuring(file, folder):
    told("which lines does it reach?", file.name)
    child = os.fork()
    if child == 0:
        kinds = ("ini", "coverage", "txt", "json")
        config, data, said, took = (folder / f"{file.stem}.{kind}" for kind in kinds)
        config.write_text(f"[run]\nsource_pkgs = hamodel\ndata_file = {data}\n")
        written = said.open("w")  # kept: a file that nobody holds is closed
        os.dup2(written.fileno(), 1)
        cov = ["--cov", f"--cov-config={config}", "--cov-context=test", "--cov-report="]
        pytest.main([*FAST, *cov, str(file)], [Seconds(took)])
        os._exit(0)
    return child


def told(*words, sep="  "):
    print(*words, sep=sep, flush=True)  # noqa: T201


def judged(chosen, reach):
    """Return by which test each mutant is noticed."""
    judge = Judge(chosen, reach, jobs=JOBS, said=told)
    if files := judge.files():
        pytest.main([*FAST, *files], [judge])
    return dict.fromkeys(chosen, "") | judge.noticed


def reasons():
    """Return what is written after each survivor."""
    page = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else ""
    entries = " ".join(page.partition("## Survivors")[2].split()).split("- `hamodel")
    parts = (f"`hamodel{entry}".strip().partition(" -- ") for entry in entries[1:])
    return {name: reason for name, _, reason in parts if reason}


def row(name, every, tried, survived, equal):
    """Return a row of the page: the score, and what it may be (95 %)."""
    from hamodel.uncertainty import beta  # not before its lines are followed

    count = tried - equal
    low, high = beta(count - survived, count).quantile([0.025, 0.975])
    share = (count - survived) / count if count else 1.0
    return (
        f"| {name} | {every} | {tried} | {equal} | {survived} "
        f"| {share:.0%} | {low:.0%} - {high:.0%} |"
    )


def rows(room, every, chosen, noticed, known):
    """Yield the rows of a room and of its modules."""
    counts = defaultdict(Counter)
    for mutant in chosen:
        left = "equal" if mutant.name in known else "survived"
        for name in (mutant.module, room):
            counts[name]["noticed" if noticed[mutant] else left] += 1
    for name, number in {room: sum(every.values()), **every}.items():
        these = counts[name]
        title = f"**{name}**" if name == room else f"`{name}`"
        yield row(title, number, these.total(), these["survived"], these["equal"])


def page(samples, slips, noticed):
    """Yield the lines of the page."""
    known = reasons()
    yield from ["# Planted errors", "", *__doc__.strip().splitlines(), "", *HEAD]
    for room, (every, chosen) in samples.items():
        yield from rows(room, every, chosen, noticed, known)
    yield from ["", "## Survivors", ""]
    for mutant in [m for _, chosen in samples.values() for m in chosen]:
        if not noticed[mutant]:
            reason = known.get(mutant.name, "")
            yield from _entry(f"{mutant.name} -- {reason}" if reason else mutant.name)
    yield from ["", "## Slips", "", "Planted by hand, and the test that fails.", ""]
    for mutant in slips:
        yield from _entry(f"{mutant.name}: `{noticed[mutant] or 'NONE'}`")
    yield ""


def _entry(text):
    how = {"subsequent_indent": "  ", "break_on_hyphens": False}
    return wrap(f"- {text}", width=88, break_long_words=False, **how)


def main(room="", count=0, seed=0):
    """Judge one room, or all and write the page."""
    rooms = [room.split(".")[1] if "." in room else room] if room else list(ROOMS)
    reach = measured(tests_of(rooms), KEPT)
    wanted = (room and [room]) or ROOMS
    counts = {name: int(count) or SAMPLE.get(name, 10**6) for name in wanted}
    seeds = {name: seed or SEEDS.get(name, SEED) for name in counts}
    samples = {name: sample_of(name, n, seeds[name]) for name, n in counts.items()}
    slips = [slip(f"hamodel.{module}", old, new) for module, old, new in SLIPS]
    slips = [s for s in slips if s.module.split(".")[1] in rooms and "." not in room]
    chosen = [mutant for _, these in samples.values() for mutant in these]
    lines = list(page(samples, slips, judged([*chosen, *slips], reach)))
    if room:
        told(*lines[lines.index(HEAD[-1]) :], sep="\n")
    else:
        RESULTS.write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
