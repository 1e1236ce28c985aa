"""Files that are wrong in any way end in a short message at a place, never a traceback.

The mutations are those that hands and tools make: a letter, a line, a value or a key
changed, doubled or lost, brackets, aliases, nonsense from other formats.  The depth of
the search is bounded here; `python -m tests.test_fuzz 100000` runs it further.
"""

import os
import random
import sys
import tempfile
import time
from pathlib import Path

import pytest

from hamodel import specfile
from hamodel.facts import folder
from hamodel.specfile import SpecError, load, read

COUNT = 400
SEEDS = [specfile.starter()] + [
    path.read_text(encoding="utf-8")
    for kind in ("systems",)
    for path in sorted((folder() / kind).glob("*.yaml"))
]
NONSENSE = (
    *(
        "30 s",
        "-1",
        "0",
        "1e400",
        ".inf",
        ".nan",
        "null",
        "true",
        "never",
        "5m",
        "1,5 s",
    ),
    *("99.99", "{}", "[]", "{a: 1}", "[1, 2]", "*x", "&x 3", "!!python/object:x {}"),
    *(
        "'",
        '"',
        "{",
        "]",
        "uniform(1 s",
        "uniform(2 s, 1 s)",
        "{lease: {}}",
        "\t",
        "---",
    ),
    *(
        "{value: 3}",
        "{derived: 1/0}",
        "{value: 3, fact: FO-001}",
        "{uniform: {low: 1}}",
    ),
    *("<<: *y", "\u0000", "\ufeff", "é" * 300, "x" * 5000, "9" * 500, "{sum: []}"),
    *("{mixture: [{share: 2, time: 3}]}", "{samples: none.csv}", "? a", "|", ">-"),
)


def mutated(text, rng):
    """Return a text with one to three changes."""
    for _ in range(rng.randint(1, 3)):
        lines = text.split("\n")
        at = rng.randrange(len(lines))
        kind = rng.randrange(7)
        if kind == 0:
            del lines[at]
        elif kind == 1:
            lines.insert(at, lines[rng.randrange(len(lines))])
        elif kind == 2:
            key, colon, _ = lines[at].partition(":")
            lines[at] = f"{key}{colon or ':'} {rng.choice(NONSENSE)}"
        elif kind == 3:
            line = lines[at]
            cut = rng.randrange(len(line) + 1)
            lines[at] = line[:cut] + rng.choice(NONSENSE) + line[cut:]
        elif kind == 4:
            line = lines[at]
            cut = rng.randrange(len(line) + 1)
            lines[at] = line[:cut] + line[cut + 1 :]
        elif kind == 5:
            lines[at] = "  " * rng.randint(0, 3) + lines[at].lstrip()
        else:
            lines[at] = lines[at].replace(
                ":", rng.choice([":", " :", "=", "", "::"]), 1
            )
        text = "\n".join(lines)
    return text


def check(refused, text):
    """Raise AssertionError unless a refusal is short and names places of the text."""
    for line in str(refused).split("\n"):
        assert len(line) < 1000, line
    assert refused.problems
    for problem in refused.problems:
        assert 1 <= problem.line <= max(text.count("\n") + 2, 400)
        assert problem.column >= 1
        assert problem.message


def judge(text):
    """Raise AssertionError unless a text is read, or refused as it should be."""
    path = Path("system.yaml")
    before = time.process_time()  # the clock of a busy machine says nothing of a file
    try:
        read(path, text)
    except SpecError as refused:
        check(refused, text)
    assert time.process_time() - before < 10, "a file must be read in seconds"


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("part", range(4))
def test_mutated_files_are_read_or_refused(part, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    rng = random.Random(1000 + part)
    for _ in range(COUNT // 4):
        text = mutated(rng.choice(SEEDS), rng)
        try:
            judge(text)
        except Exception as failed:
            raise AssertionError(f"{failed!r} on\n{text}") from failed


def bomb(levels=12, wide=10):
    """Return a text whose aliases unfold to 10^12 values."""
    lines = ["a0: &a0 [x, x]"]
    for level in range(1, levels):
        lines.append(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * wide)}]")
    return "\n".join(lines) + "\narchitecture: majority\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: " + "[" * 5000 + "]" * 5000, "nested more than 40 deep"),
        ("a: " + "{a: " * 5000 + "1" + "}" * 5000, "nested more than 40 deep"),
        ("\n".join("  " * i + "a:" for i in range(200)), "nested more than 40 deep"),
        (bomb(), "at most 20000 values, aliases followed"),
        ("a: &a {b: *a}\n", "there is no anchor 'a' before it"),
        ("title: x\ntitle: y\n", "must be given once, got it twice"),
        ("title: x\n---\ntitle: y\n", "must be one document"),
        ("- 1\n- 2\n", "the file must hold fields"),
        ("", "the file must hold fields"),
        ("title: *x\n", "there is no anchor 'x' before it"),
        ("? [a, b]\n: 3\n", "a key must be a word"),
        ("extends: postgresql-patroni\ncrews: .inf\n", "must be a whole number, got"),
        ("extends: postgresql-patroni\ndatabase: {mttf: .nan}\n", "got '.nan'"),
        (
            f"extends: postgresql-patroni\nsettings: {{rise: {'9' * 500}}}\n",
            "rise: must be a whole number, got inf",
        ),
        (
            "extends: postgresql-patroni\nsettings: {rise: 2.5}\n",
            "rise: must be a whole number, got 2.5",
        ),
    ],
)
def test_files_made_to_break_are_refused_at_once(text, message):
    before = time.process_time()
    with pytest.raises(SpecError) as caught:
        read(Path("system.yaml"), text)
    assert time.process_time() - before < 2
    assert message in str(caught.value)
    assert len(str(caught.value)) < 2000


def test_all_mistakes_of_a_file_come_with_their_lines(tmp_path):
    file = tmp_path / "system.yaml"
    file.write_text(
        "extends: postgresql-patroni\n"
        "sites: [a, a, 3 s]\n"
        "database: {mttf: 5m, mttr: 1,5 h, cores: 1.5}\n"
        "failover:\n"
        "  coverage: 99.99\n"
        "  detection: {leese: {}}\n"
        "  fencing: {lease: {tttl: 3 s}}\n"
        "workload: {reads: 900 rq/s, clients: {a: 2}}\n"
        "requirements: {availability: 99.9, rto_p99: 1 s}\n"
    )
    with pytest.raises(SpecError) as caught:
        load(file)
    found = {(p.line, p.field) for p in caught.value.problems}
    assert {
        *((3, "database.mttf"), (3, "database.5 h"), (3, "database.cores")),
        *((5, "failover.coverage"), (6, "failover.detection")),
        *((7, "failover.fencing.tttl"), (8, "workload.reads")),
        *((8, "workload.clients"), (9, "requirements.availability")),
        (9, "requirements.rto_p99"),
    } <= found
    assert "within { } a comma separates fields: write 1.5" in str(caught.value)


def main():
    """Judge many mutated files, and count how they end."""
    count = int(sys.argv[1])
    os.chdir(tempfile.mkdtemp())
    rng = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 7)
    failures = 0
    for number in range(count):
        text = mutated(rng.choice(SEEDS), rng)
        try:
            judge(text)
        except Exception as failed:
            failures += 1
            sys.stdout.write(f"file {number}: {failed!r}\n{text}\n")
    sys.stdout.write(f"{count} files, {failures} failures\n")


if __name__ == "__main__":
    main()
