"""The schema that editors check by says what the reader takes."""

import json
import math
import re
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from hamodel import specfile, units
from hamodel.catalogue import folder, systems

STORED = json.loads((folder() / "schema.json").read_text(encoding="utf-8"))
README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def check(text):
    """Validate a file by the schema."""
    content = YAML(typ="safe", pure=True).load(text)
    jsonschema.Draft202012Validator(STORED).validate(content)


def test_the_stored_schema_is_that_of_the_package():
    """After a change: hamodel schema > data/schema.json."""
    assert specfile.schema() == STORED


SAID = (
    *("30 s", "5m", "1h30m", "1h 30min", "2w", "5 mins", "1,5 s", "1,500 s", "-1 h"),
    *("0.5 h", ".5 h", "1e3 s", "1e3", "3", "30 S", "30 Min", "2 hrz", "word", ""),
    *("2/yr", "900/s", "900 req/s", "900 reqs per second", "2 a year", "20 /sec"),
    *("3 events/yr", "rps", "900 rps", "20k/s", "900 RPS", "1/5 s", "inf", "never"),
    *("99.95 %", "99.95%", "50 percent", "0.9995", "101 %", "100 %", "-1 %", "1.01"),
    *("5e-3 %", "1e-3", "0x10", "2:30", "PT2H", "~2 h", "1-2 h", "20_000", "1 000"),
    *("forever", ".inf", "1 month", "3 mo", "3 M", "3 µs", "+3 s", "s", "%", "1.5"),
)


@pytest.mark.parametrize("kind", units.KINDS)
def test_a_string_is_valid_if_it_is_read(kind):
    """Units, commas, signs and limits: the pattern is held against the reader."""
    pattern = re.compile(STORED["$defs"][kind.replace(" ", "-")]["pattern"])
    most = 1 if kind == "share" else math.inf

    def is_read(said):
        try:
            return 0 <= units.quantity(said, kind) <= most
        except ValueError:
            return False

    differing = {s for s in SAID if is_read(s) != bool(pattern.search(s))}
    assert not differing - WHOLE_ONLY.get(kind, set())


#: What limits say beyond the string: a whole number is one, and finite.
WHOLE_ONLY = {"whole": {"0.9995", "1.5", "1e-3", "1.01", ".inf", "inf"}}


def test_it_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(STORED)
    described = STORED["$defs"]["Failover"]["properties"]["coverage"]
    assert "Probability that the failover works" in described["description"]


@pytest.mark.parametrize(
    "text",
    [
        specfile.starter(),
        README.split("```yaml\n")[1].split("```")[0],
        "architecture: single-primary\ndatabase: {mttf: 2/yr, mttr: 3}\n",
        "extends: postgresql-patroni\nfailover: {detection: {lease: {ttl: 9 s}}}\n",
        "extends: x.yaml\nfailover: {promotion: {belief: {uniform: {low: 1}}}}\n",
        "architecture: majority\ncopies: {a: 1, b: 2}\nlocal_reads: true\n",
        "extends: postgresql-patroni\nfailures: {PostgreSQL dies: {mttf: 9 d}}\n",
        "extends: x.yaml\nsite: {apps: null, cache: {hit_ratio: 80 %}}\n",
        "extends: x.yaml\nreplication: {delay: [1 ms, 40 ms], mode: quorum}\n",
        *(f"extends: {name}\n" for name in systems()),
    ],
)
def test_files_that_load_are_valid(text):
    check(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("titles: x\n", "'titles' was unexpected"),
        ("architecture: activ-passive\n", "is not one of"),
        ("database: {mttf: [1]}\n", "is not valid under any of the given"),
        ("database: 3\n", "is not of type 'object'"),
        ("site: {mtf: 3 d}\n", "'mtf' was unexpected"),
        ("failover: {detection: {leese: {}}}\n", "is not valid under any"),
        ("workload: {clients: [a]}\n", "is not valid under any"),
        ("local_reads: perhaps\n", "is not valid under any"),
        ("failover: {coverage: 2}\n", "is not valid under any"),
        ("failover: {coverage: 30 s}\n", "is not valid under any"),
        ("database: {cores: 1.5}\n", "is not valid under any"),
        ("architecture: majority\nsites: [a]\n", "Additional properties"),
        ("title: x\n", "is not valid under any"),
    ],
)
def test_others_are_not(text, said):
    with pytest.raises(jsonschema.ValidationError) as caught:
        check(text)
    assert said in caught.value.message
