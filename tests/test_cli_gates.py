"""Gates: formats for other tools, what a change costs, and how they end."""

import json
from xml.etree import ElementTree

import jsonschema
import pytest
from click.testing import CliRunner
from prometheus_client.parser import text_string_to_metric_families

from hamodel.assessment import assess
from hamodel.cli import main
from hamodel.specfile import load
from hamodel.units import MINUTE, YEAR

BEFORE = """\
title: Orders
extends: postgresql-patroni
failover: {detection: 10 s, coverage: 99 %}
workload: {reads: 900/s, writes: 100/s, round_trip: 20 ms}
requirements:
  availability: 99.99 %
  rto_p95: 1 min
  write_p99: {DC-1: 150 ms, DC-2: 1 ms}
"""
AFTER = BEFORE.replace("10 s", "40 s").replace("99 %}", "95 %}")
FORMATS = ("markdown", "junit", "sarif", "prometheus")
#: What SARIF 2.1.0 requires of what we write (OASIS 2020, sections 3.13 to 3.30).
SARIF = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "$schema": {"type": "string", "format": "uri"},
        "runs": {"type": "array", "items": {"$ref": "#/$defs/run"}},
    },
    "$defs": {
        "message": {"required": ["text"], "properties": {"text": {"type": "string"}}},
        "run": {
            "required": ["tool", "results"],
            "properties": {
                "tool": {
                    "required": ["driver"],
                    "properties": {
                        "driver": {
                            "required": ["name"],
                            "properties": {
                                "rules": {
                                    "type": "array",
                                    "uniqueItems": True,
                                    "items": {
                                        "required": ["id"],
                                        "properties": {
                                            "shortDescription": {
                                                "$ref": "#/$defs/message"
                                            }
                                        },
                                    },
                                }
                            },
                        }
                    },
                },
                "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                "results": {"type": "array", "items": {"$ref": "#/$defs/result"}},
            },
        },
        "result": {
            "required": ["message", "ruleId", "ruleIndex"],
            "properties": {
                "message": {"$ref": "#/$defs/message"},
                "level": {"enum": ["none", "note", "warning", "error"]},
                "ruleIndex": {"type": "integer", "minimum": 0},
                "partialFingerprints": {"additionalProperties": {"type": "string"}},
                "locations": {
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        "required": ["physicalLocation"],
                        "properties": {
                            "physicalLocation": {
                                "required": ["artifactLocation", "region"],
                                "properties": {
                                    "artifactLocation": {
                                        "required": ["uri"],
                                        "properties": {
                                            "uri": {
                                                "type": "string",
                                                "pattern": r"^[^ \\]+$",
                                            }
                                        },
                                    },
                                    "region": {
                                        "required": ["startLine"],
                                        "additionalProperties": {
                                            "type": "integer",
                                            "minimum": 1,
                                        },
                                    },
                                },
                            }
                        },
                    },
                },
            },
        },
    },
}


pytestmark = pytest.mark.usefixtures("files")


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Stand in a folder with a system before and after a change."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "before.yaml").write_text(BEFORE)
    (tmp_path / "after.yaml").write_text(AFTER)
    return tmp_path


def run(*arguments):
    """Call the command; return what it printed, its messages, and its exit code."""
    done = CliRunner().invoke(main, list(arguments), catch_exceptions=False)
    return done.stdout, done.stderr, done.exit_code


def samples(text):
    """Return {(name, labels): value} of Prometheus text, read by its own client."""
    found = {}
    for family in text_string_to_metric_families(text):
        assert family.type == "gauge"
        assert family.documentation
        for one in family.samples:
            key = (one.name, *sorted(one.labels.items()))
            assert key not in found
            found[key] = one.value
    return found


def requirements():
    out, _, _ = run("assess", "before.yaml", "--json")
    return json.loads(out)["requirements"]


# ---- formats -----------------------------------------------------------------------


def test_each_format_ends_as_the_text_does(files):
    for form in ("text", "json", *FORMATS):
        assert run("assess", "before.yaml", "--format", form)[2] == 1, form
    loose = BEFORE.replace("DC-2: 1 ms", "DC-2: 1 s")
    (files / "loose.yaml").write_text(loose)
    for form in FORMATS:
        assert run("assess", "loose.yaml", "--format", form)[2] == 0, form


def test_json_is_a_format_and_two_formats_are_refused():
    by_option = run("assess", "before.yaml", "--format", "json")
    assert by_option == run("assess", "before.yaml", "--json")
    out, err, code = run("assess", "before.yaml", "--json", "--format", "sarif")
    assert (out, code) == ("", 2)
    assert "--json and --format sarif are two formats" in err


def test_junit_has_a_case_for_each_requirement_at_its_line():
    out, _, _ = run("assess", "before.yaml", "--format", "junit")
    root = ElementTree.fromstring(out)
    assert root.tag == "testsuites"
    cases = root.findall("testsuite/testcase")
    asked = requirements()
    names = [".".join(filter(None, (one["name"], one["site"]))) for one in asked]
    assert [case.get("name") for case in cases] == names
    failed = [case.find("failure") is not None for case in cases]
    assert failed == [not one["met"] for one in asked]
    assert [case.get("line") for case in cases] == ["6", "6", "7", "8", "8"]
    assert {case.get("file") for case in cases} == {"before.yaml"}
    for holder in (root, root[0]):
        assert holder.get("tests") == "5"
        assert holder.get("failures") == "1"


def test_sarif_has_what_the_standard_requires():
    out, _, _ = run("assess", "before.yaml", "--format", "sarif")
    log = json.loads(out)
    jsonschema.validate(log, SARIF)
    (result,) = log["runs"][0]["results"]
    rules = log["runs"][0]["tool"]["driver"]["rules"]
    assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == "write_p99"
    assert rules[-1]["shortDescription"]["text"] == "latency of 99 % of the writes"
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "before.yaml"
    assert place["region"]["startLine"] == 8
    assert "at DC-2" in result["message"]["text"]
    broken = json.loads(out.replace('"startLine": 8', '"startLine": 0'))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, SARIF)


def test_prometheus_text_holds_what_the_package_says():
    out, _, _ = run("assess", "before.yaml", "--format", "prometheus")
    found = samples(out)
    of = assess(load("before.yaml"))
    system = ("system", "Orders")
    for operation in ("read", "write"):
        down = getattr(of, operation)
        labels = (("operation", operation), system)
        whole = found["hamodel_unavailability_ratio", *labels]
        assert whole == pytest.approx(down.unavailability)
        parts = [
            value
            for key, value in found.items()
            if key[0] == "hamodel_unavailability_by_cause_ratio"
            and labels[0] in key[1:]
        ]
        assert sum(parts) == pytest.approx(whole)
        assert len(parts) == len(down.downtime_by_cause)
    quantile = found[
        "hamodel_quantile_seconds", ("of", "outage"), ("p", "0.95"), system
    ]
    assert quantile == pytest.approx(of.outage.quantile(0.95))
    met = {
        dict(key[1:])["requirement"]: value
        for key, value in found.items()
        if key[0] == "hamodel_requirement_met"
    }
    assert met.pop("write_p99.DC-2") == 0
    assert set(met.values()) == {1}


def test_a_summary_says_the_verdict_first_and_what_is_missed_next():
    out, _, _ = run("assess", "before.yaml", "--format", "markdown")
    lines = out.splitlines()
    assert lines[0] == "### ❌ Orders: 1 of 5 requirements missed"
    down = assess(load("before.yaml")).write.minutes_per_year
    assert f"**{down:.3g} min/yr**" in lines[2]
    first = next(k for k, line in enumerate(lines) if line.startswith("| :--")) + 1
    assert lines[first].startswith(
        "| ❌ missed | latency of 99 % of the writes at DC-2"
    )
    assert lines[first + 1].startswith("| ✅ met")
    for table in out.split("\n\n"):
        rows = [line for line in table.splitlines() if line.startswith("|")]
        assert len({row.count("|") - row.count(r"\|") for row in rows}) <= 1, table
    assert "<details><summary>The whole page on <code>before.yaml</code>" in out
    assert "█" not in out
    assert all(len(line) < 400 for line in lines)


def test_names_that_mean_something_to_a_format_stay_names(files):
    odd = 'title: "A <b>|\\"*\\\\x\\u0001"\n' + BEFORE.partition("\n")[2]
    (files / "before.yaml").write_text(odd)
    out, _, _ = run("assess", "before.yaml", "--format", "junit")
    assert ElementTree.fromstring(out)[0].get("name") == 'A <b>|"*\\x?'
    out, _, _ = run("assess", "before.yaml", "--format", "prometheus")
    titles = {dict(key[1:])["system"] for key in samples(out)}
    assert titles == {'A <b>|"*\\x\x01'}
    out, _, _ = run("assess", "before.yaml", "--format", "markdown")
    assert out.splitlines()[0].startswith(r'### ❌ A \<b\>\|"\*\\x')


def test_a_mistake_in_a_file_is_reported_in_each_format(files):
    (files / "before.yaml").write_text(
        BEFORE.replace("97 %", "1.2").replace("99 %}", "1.2}")
    )
    for form in FORMATS:
        out, err, code = run("assess", "before.yaml", "--format", form)
        assert code == 2
        assert err.startswith("before.yaml:3:")
        assert "failover.coverage" in err
        if form == "junit":
            case = ElementTree.fromstring(out)[0][0]
            assert case.find("error") is not None
            assert case.get("line") == "3"
        elif form == "sarif":
            log = json.loads(out)
            jsonschema.validate(log, SARIF)
            place = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
            assert place["region"]["startLine"] == 3
        elif form == "markdown":
            assert "1 mistake in the file" in out
            assert "`before.yaml:3:" in out
        else:
            assert samples(out) == {}


def test_a_structure_is_reported_as_well(files):
    (files / "shop.yaml").write_text(
        "title: Shop\nstructure: client > web > sql\n"
        "parts: {web: 99.95 %, sql: 99.99 %}\nrequirements:\n  availability: 99.95 %\n"
    )
    out, _, code = run("assess", "shop.yaml", "--format", "junit")
    (case,) = ElementTree.fromstring(out)[0]
    assert (case.get("name"), case.get("line"), code) == ("availability", "5", 1)
    out, _, _ = run("assess", "shop.yaml", "--format", "prometheus")
    down = samples(out)["hamodel_unavailability_ratio", ("system", "Shop")]
    assert down == pytest.approx(1 - 0.9995 * 0.9999)
    out, _, _ = run("assess", "shop.yaml", "--format", "markdown")
    assert out.startswith("### ❌ Shop: 1 of 1 requirement missed")
    _, err, code = run("assess", "shop.yaml", "--against", "before.yaml")
    assert code == 2
    assert "structure" in err


# ---- a change ----------------------------------------------------------------------


def change(*more):
    out, _, code = run(
        "assess", "after.yaml", "--against", "before.yaml", "--json", *more
    )
    return json.loads(out)["change"], code


def test_a_change_is_the_difference_of_two_assessments_cause_by_cause():
    found, _ = change()
    was, now = (assess(load(f"{name}.yaml")) for name in ("before", "after"))
    for operation in ("read", "write"):
        causes = found["minutes_per_year_by_cause"][operation]
        whole = found["measures"][f"{operation}_minutes_per_year"]
        for side, of in (("before", was), ("after", now)):
            down = getattr(of, operation)
            assert whole[side] == pytest.approx(down.minutes_per_year)
            assert sum(c[side] for c in causes.values()) == pytest.approx(whole[side])
            for cause, share in down.downtime_by_cause.items():
                assert causes[cause][side] == pytest.approx(share * YEAR / MINUTE)
    for name, of in (
        ("rto_p95", lambda a: a.rto.quantile(0.95)),
        ("rpo_p99", lambda a: a.rpo.quantile(0.99)),
        ("cost", lambda a: a.cost.total),
    ):
        sides = found["measures"][name]
        assert sides == pytest.approx({"before": of(was), "after": of(now)})
    assert found["measures"]["rto_p95"]["after"] == pytest.approx(
        found["measures"]["rto_p95"]["before"] + 30
    )


def test_a_change_is_allowed_up_to_its_budget():
    sides = change()[0]["measures"]["write_minutes_per_year"]
    more = sides["after"] - sides["before"]
    assert 5 < more < 60
    for words, met in (
        (f"+{more + 0.01} min/yr", True),
        (f"{(more - 0.01) * 60} s per year", False),
        (f"{(more + 0.1) / 12} min/month", True),
        (f"{(more - 0.1) / 12} min/mo", False),
    ):
        found, _ = change("--allow", words)
        assert found["met"] is met, words
    assert change("--allow", "1 h/yr")[1] == 1  # a requirement is missed all the same
    out, _, code = run(
        *("assess", "before.yaml", "--against", "after.yaml"),
        *("--allow", "0.1 s/yr", "--set", "requirements.write_p99=1 s"),
    )
    assert code == 0  # writes are down less than before, reads no longer
    assert "met    more downtime of writes: -" in out


def test_the_page_shows_a_change_within_its_width(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    out, _, code = run(
        "assess", "after.yaml", "--against", "before.yaml", "--allow", "+5 min/yr"
    )
    assert code == 1
    part = out[out.index("Against before.yaml") :]
    rows = part.splitlines()
    assert rows[1].split() == ["before", "after", "change"]
    assert any(row.startswith("· failover did not work") for row in rows)
    assert "MISSED more downtime of writes: +" in part
    assert max(map(len, rows)) <= 80


def test_a_change_shows_in_every_format():
    more = ("--against", "before.yaml", "--allow", "+5 min/yr")
    out, _, _ = run("assess", "after.yaml", "--format", "junit", *more)
    names = [case.get("name") for case in ElementTree.fromstring(out)[0]]
    assert names[-2:] == ["write_change", "read_change"]
    out, _, _ = run("assess", "after.yaml", "--format", "markdown", *more)
    assert "**Against before.yaml**" in out
    assert "| ❌ missed | more downtime of writes | +" in out
    out, _, _ = run("assess", "after.yaml", "--format", "sarif", *more)
    results = json.loads(out)["runs"][0]["results"]
    assert "write_change" in [one["ruleId"] for one in results]
    out, _, _ = run("assess", "after.yaml", "--format", "prometheus", *more)
    found = samples(out)
    key = ("requirement", "write_change"), ("system", "Orders")
    assert found["hamodel_requirement_met", *key] == 0
    limit = found["hamodel_requirement_limit", *key]
    assert limit == pytest.approx(5 * MINUTE / YEAR)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("5 min", "--allow must be a time of at least 0 a year or a month"),
        ("five/yr", "--allow must be a time of at least 0 a year or a month"),
        ("5 %/yr", "--allow must be a time of at least 0 a year or a month"),
        ("-5 min/yr", "--allow must be a time of at least 0"),
        ("5 min/day", "--allow must be a time of at least 0 a year or a month"),
    ],
)
def test_what_is_allowed_must_be_time_a_year(words, said):
    out, err, code = run(
        "assess", "after.yaml", "--against", "before.yaml", "--allow", words
    )
    assert (out, code) == ("", 2)
    assert said in err
    assert repr(words) in err


def test_an_allowance_needs_something_before_it():
    _, err, code = run("assess", "after.yaml", "--allow", "5 min/yr")
    assert code == 2
    assert "--against" in err


def test_beliefs_have_causes_that_add_up_to_the_headline(files):
    uncertain = BEFORE.replace("99 %}", "{beta: {successes: 39, trials: 40}}}")
    (files / "before.yaml").write_text(uncertain)
    out, _, _ = run("assess", "before.yaml", "--json")
    for shown in json.loads(out)["availability"].values():
        total = sum(shown["downtime_by_cause"].values())
        assert total == pytest.approx(shown["unavailability"], rel=1e-12)
        assert shown["unavailability_interval"] is not None
    spec = load("before.yaml")
    middle = assess(spec.architecture, spec.workload).write.unavailability
    out, _, _ = run("assess", "before.yaml", "--json", "--against", "before.yaml")
    found = json.loads(out)["change"]["measures"]["write_minutes_per_year"]
    assert found["before"] == found["after"]
    assert found["after"] > 1.05 * middle * YEAR / MINUTE  # the mean, not the median


# ---- several files -----------------------------------------------------------------


def test_several_files_are_held_to_their_requirements_a_line_each(files):
    (files / "loose.yaml").write_text(BEFORE.replace("DC-2: 1 ms", "DC-2: 1 s"))
    out, err, code = run("check", "loose.yaml", "before.yaml")
    lines = out.splitlines()
    assert code == 1
    assert lines[0] == "loose.yaml: all 5 requirements met"
    assert lines[1].startswith("before.yaml:8: latency of 99 % of the writes at DC-2")
    assert lines[2] == "before.yaml: 1 of 5 requirements missed"
    assert run("check", "loose.yaml")[2] == 0
    (files / "wrong.yaml").write_text(BEFORE.replace("100/s", "many"))
    out, err, code = run("check", "wrong.yaml", "loose.yaml")
    assert code == 2
    assert out == "loose.yaml: all 5 requirements met\n"
    assert err.startswith("wrong.yaml:4:")
