"""The action, the hook and the workflows, run as far as they can be here."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from hamodel.cli import main
from hamodel.specfile import load
from tests.support.processes import ROOT

PAIR = """\
title: Orders
extends: postgresql-patroni
failover: {coverage: 99 %}
workload: {reads: 900/s, writes: 100/s, round_trip: 20 ms}
requirements: {availability: 99.9 %, rto_p95: 1 min}
"""

pytestmark = pytest.mark.skipif(
    shutil.which("git") is None or shutil.which("bash") is None,
    reason="needs git and bash",
)


def parsed(name):
    return YAML(typ="safe").load((ROOT / name).read_text(encoding="utf-8"))


def git(*arguments, cwd):
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run(["git", *who, *arguments], cwd=cwd, check=True, capture_output=True)


def with_us():
    """Return variables with which a shell finds the command of this environment."""
    folder = str(Path(sys.executable).parent)
    return {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


@pytest.fixture
def checkout(tmp_path):
    """Return a repository with a change, cloned from one without it."""
    upstream = tmp_path / "upstream"
    (upstream / "systems").mkdir(parents=True)
    (upstream / "systems" / "orders.yaml").write_text(PAIR)
    git("init", "--quiet", "--initial-branch=main", cwd=upstream)
    git("add", ".", cwd=upstream)
    git("commit", "--quiet", "-m", "before", cwd=upstream)
    git("clone", "--quiet", str(upstream), "work", cwd=tmp_path)
    worse = PAIR.replace("99 %", "96 %")
    (tmp_path / "work" / "systems" / "orders.yaml").write_text(worse)
    return tmp_path / "work"


def judged(checkout, **inputs):
    """Run the action's last step as a runner would; return code, summary, outputs."""
    action = parsed("action.yml")
    step = action["runs"]["steps"][-1]
    given = {k: v.get("default", "") for k, v in action["inputs"].items()} | inputs
    files = {name: checkout.parent / name for name in ("summary", "output")}
    variables = {
        name: given[re.fullmatch(r"\$\{\{ inputs\.(\w+) \}\}", value)[1]]
        for name, value in step["env"].items()
    }
    done = subprocess.run(
        # as GitHub runs it: `bash --noprofile --norc -eo pipefail {0}`
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=checkout,
        env=variables
        | with_us()
        | {
            "GITHUB_STEP_SUMMARY": str(files["summary"]),
            "GITHUB_OUTPUT": str(files["output"]),
            "RUNNER_TEMP": str(checkout.parent),
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    outputs = dict(line.split("=", 1) for line in files["output"].read_text().split())
    return done, files["summary"].read_text(encoding="utf-8"), outputs


def test_the_action_compares_with_the_base_of_a_pull_request(checkout):
    done, summary, outputs = judged(
        checkout, file="systems/orders.yaml", against="main", allow="+1 min/yr"
    )
    assert done.returncode == 1, done.stderr
    assert outputs == {"met": "false", "sarif": "hamodel.sarif"}
    assert summary.startswith("### ❌ Orders: 1 of 5 requirements missed")
    assert "**Against systems/orders.yaml**" in summary
    assert "more downtime of writes" in summary
    log = json.loads((checkout / "hamodel.sarif").read_text())
    (result,) = log["runs"][0]["results"]
    assert result["ruleId"] == "write_change"


def test_the_action_holds_a_file_that_is_new_to_its_requirements_alone(checkout):
    (checkout / "systems" / "new.yaml").write_text(PAIR)
    done, summary, outputs = judged(
        checkout, file="systems/new.yaml", against="main", allow="+5 min/yr"
    )
    assert (done.returncode, outputs["met"]) == (0, "true"), done.stderr
    assert summary.startswith("### ✅ Orders: all 3 requirements met")
    assert "Against" not in summary


def test_the_action_reports_a_mistake_where_it_stands(checkout):
    wrong = PAIR.replace("99 %}", "1.2}")
    (checkout / "systems" / "orders.yaml").write_text(wrong)
    done, summary, _ = judged(
        checkout, file="systems/orders.yaml", confidence="0.9", sarif="found.sarif"
    )
    assert done.returncode == 2
    assert done.stderr.startswith("systems/orders.yaml:3:")
    assert "1 mistake in the file" in summary
    log = json.loads((checkout / "found.sarif").read_text())
    place = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert place["region"]["startLine"] == 3


def test_every_input_of_the_action_is_used_and_every_output_is_set():
    action = parsed("action.yml")
    step = action["runs"]["steps"][-1]
    text = json.dumps(action["runs"])
    assert set(re.findall(r"inputs\.(\w+)", text)) == set(action["inputs"])
    for name in step["env"]:
        assert f"${name}" in step["run"] or f'"${name}"' in step["run"], name
    for name in action["outputs"]:
        assert f'echo "{name}=' in step["run"]
    assert all(s.get("shell") == "bash" for s in action["runs"]["steps"] if "run" in s)
    for one in action["inputs"].values():
        assert one["description"].endswith(".")


def test_the_workflow_calls_the_action_as_it_is(checkout):
    workflow = parsed("docs/ci/github.yml")
    action = parsed("action.yml")
    (job,) = workflow["jobs"].values()
    ours = next(s for s in job["steps"] if "/hamodel@" in s.get("uses", ""))
    assert set(ours["with"]) <= set(action["inputs"])
    used = re.findall(rf"steps\.{ours['id']}\.outputs\.(\w+)", json.dumps(job))
    assert used
    assert set(used) <= set(action["outputs"])
    done, _, _ = judged(
        checkout, **{**ours["with"], "against": "main", "allow": "1000 min/yr"}
    )
    assert done.returncode == 0
    assert ours["with"]["allow"] == "+5 min/yr"
    called = [s["run"] for s in job["steps"] if "run" in s]
    called += parsed("docs/ci/gitlab.yml")["design"]["script"]
    for command in called:
        said = subprocess.run(
            ["bash", "-ec", command],
            cwd=checkout,
            env=os.environ
            | {
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert said.returncode == 0, said.stderr
    assert "<testsuites" in (checkout / "design.xml").read_text()


def test_the_hook_is_a_command_and_finds_systems(checkout, monkeypatch):
    (hook,) = parsed(".pre-commit-hooks.yaml")
    program, command = hook["entry"].split()
    assert program == "hamodel"
    assert command in main.commands
    found = re.compile(hook["files"])  # pre-commit searches, as here
    assert found.search("systems/orders.yaml")
    assert found.search("orders-system.yml")
    assert not found.search("data/orders.yaml")
    monkeypatch.chdir(checkout)
    main.main([command, "systems/orders.yaml"], standalone_mode=False)


def test_the_page_on_gates_shows_a_system_that_loads(tmp_path):
    text = (ROOT / "docs" / "gates.md").read_text(encoding="utf-8")
    block = re.search(r"```yaml\n(# systems/orders.*?)```", text, re.DOTALL)[1]
    (tmp_path / "orders.yaml").write_text(block)
    assert load(tmp_path / "orders.yaml").requirements.rto_p95 == 60
