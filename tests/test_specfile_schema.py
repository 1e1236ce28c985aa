"""The schema that editors check by says what the reader takes."""

import json
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from hamodel import specfile
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
