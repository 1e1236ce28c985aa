"""What is piped into a command: standard input, and a shell's <(…)."""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from hamodel.cli import main
from hamodel.facts import folder

SYSTEM = "title: Orders\nextends: postgresql-patroni\n"
NEW = f"{SYSTEM}failover: {{coverage: 90 %}}\n"
STRUCTURE = "title: Shop\nstructure: web > sql\nparts: {web: 99.9 %, sql: 99.9 %}\n"
SLOTH = folder() / "objectives" / "sloth.yaml"

pytestmark = pytest.mark.skipif(
    not Path("/dev/fd").is_dir(), reason="there are no /dev/fd here"
)


@pytest.fixture
def piped():
    """Return the name of a pipe with some words in it, as <(…) makes one."""
    opened = []

    def made(words):
        out, into = os.pipe()
        opened.append(out)
        os.write(into, words.encode())
        os.close(into)
        return f"/dev/fd/{out}"

    yield made
    for one in opened:
        os.close(one)


@pytest.fixture
def here(tmp_path, monkeypatch):
    (tmp_path / "new.yaml").write_text(NEW)
    (tmp_path / "old.yaml").write_text(SYSTEM)
    (tmp_path / "shop.yaml").write_text(STRUCTURE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words, given=None):
    return CliRunner().invoke(main, words, input=given)


@pytest.mark.parametrize(
    ("words", "files"),
    [
        (["assess"], ["new.yaml"]),
        (["assess", "--set", "database.mttr=1h"], ["new.yaml"]),
        (["assess"], ["shop.yaml"]),
        (["spof"], ["shop.yaml"]),
        (["compare", "etcd"], ["new.yaml"]),
        (["export", "--to", "prism"], ["new.yaml"]),
    ],
)
def test_a_pipe_says_what_the_file_says(here, piped, words, files):
    (file,) = files
    wanted = run(*words, file)
    held = (here / file).read_text()
    assert wanted.exit_code == 0
    assert run(*words, piped(held)).stdout == wanted.stdout
    assert run(*words, "-", given=held).stdout == wanted.stdout


@pytest.mark.usefixtures("here")
def test_a_change_against_a_pipe(piped):
    told = run("assess", "new.yaml", "--against", "old.yaml").stdout
    name = piped(SYSTEM)
    found = run("assess", "new.yaml", "--against", name)
    assert found.exit_code == 0
    assert found.stdout == told.replace("Against old.yaml", f"Against {name[5:]}")
    both = run("assess", piped(NEW), "--against", piped(SYSTEM)).stdout
    assert both.partition("Against")[0] == told.partition("Against")[0]


def test_objectives_and_queries_are_piped_as_well(piped):
    told = run("slo", "etcd", str(SLOTH), "--json").stdout.replace(str(SLOTH), "{}")
    for name in (piped(SLOTH.read_text()), "-"):
        found = run("slo", "etcd", name, "--json", given=SLOTH.read_text()).stdout
        shown = "standard input" if name == "-" else name
        assert found == told.replace("{}", shown)
    short = '{"status": "success", "data": {"resultType": "vector"}}'
    said = "standard input: ask query_range, whose resultType is matrix, got 'vector'"
    refused = run("calibrate", "-", given=short)
    assert (refused.exit_code, refused.stderr.strip()) == (2, said)
    drills = "worked,seconds\n" + "yes,30\n" * 20
    assert "failover" in run("calibrate", piped(drills)).stdout


def test_mistakes_name_the_pipe(piped):
    name = piped("title: Orders\nextends: etc\n")
    for given in (name, "-"):
        found = run("assess", given, given="title: Orders\nextends: etc\n")
        shown = "standard input" if given == "-" else name
        assert found.exit_code == 2
        assert found.stderr.startswith(f"{shown}:2:")


def test_a_folder_is_no_file(tmp_path):
    found = run("assess", str(tmp_path))
    assert found.exit_code == 2
    assert found.stderr == f"{tmp_path} is a folder; name the files in it\n"
