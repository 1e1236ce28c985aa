"""The rules of the house that no tool knows: no public name that nobody calls."""

import re
import shutil

from tests.support.islands import unreached
from tests.support.processes import ROOT

#: Reached by no road, and kept: by beginning of the name, with the reason.
KEPT = {
    "chain.": "what design promises of a chain, held against published answers",
    "markov.": "the kernels behind them",
    "queueing.Network": "what design promises of the queues",
    "replication.Stream.age_after": "what recordings of a slow link are held against",
    "structure.Structure.bounds": "an answer where no diagram fits",
    "queueing.MMc.mean_": "Little's law, for the stations of a network",
    "queueing.little": "the same",
    "overload.": "the steady states of retries, held against a simulation",
}


def islands(root):
    return [name for name in unreached(root) if not name.startswith(tuple(KEPT))]


def test_every_public_name_is_reached():
    assert islands(ROOT) == []


def test_an_island_is_seen(tmp_path):
    for name in ("hamodel", "notebooks"):
        ignored = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    shutil.copy(ROOT / "README.md", tmp_path)
    planted = tmp_path / "hamodel" / "conflicts" / "_sites.py"
    text = planted.read_text(encoding="utf-8")
    more = (
        '\n\ndef forgotten(lonely):\n    """Return."""\n    return forgotten(lonely)\n'
    )
    planted.write_text(text + more, encoding="utf-8")
    assert islands(tmp_path) == ["conflicts.forgotten"]


#: Files whose numbers are not for a reader's eye alone: YAML, CSV, keys, reprs of laws.
EXACT = (
    *("calibration/_yaml", "lab/", "chain/_rates", "duration/", "queueing/_inorder"),
    "course/comparisons",
)


def test_one_formatter_writes_the_numbers():
    found = [
        f"{path}: {line.strip()}"
        for path in sorted((ROOT / "hamodel").rglob("*.py"))
        if path.name != "text.py"
        and not path.relative_to(ROOT / "hamodel").as_posix().startswith(EXACT)
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(r"\{[^{}]*:[^{}]*\.[0-8]g\}", line)
    ]
    assert found == []
