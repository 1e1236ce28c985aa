"""The schema that editors check by says what the reader takes."""

import json
import math
import random
import re
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from hamodel import specfile, units
from hamodel.catalogue import folder, systems
from hamodel.specfile import SpecError, _patterns, read
from tests.test_fuzz import SEEDS, mutated

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
    pattern = re.compile(_patterns.pattern(kind, endless=True))
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
        "extends: x.yaml\nstandby: {probe: {uniform: {low: 1, high: 2}}}\n",
        "extends: etcd\ncopies: {a: 1, b: 2}\nlocal_reads: true\n",
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


@pytest.mark.parametrize("name", systems())
def test_a_preset_is_valid_as_it_stands(name):
    """A copy of one is a file that editors check."""
    check((folder() / "systems" / f"{name}.yaml").read_text(encoding="utf-8"))


#: What no JSON schema can say: arithmetic, and names that stand elsewhere.
ARITHMETIC = re.compile(
    r"as its facts say|must quote|which words of its fact|no setting|in any formula"
    r"|formula must be|must be a CSV file|low must be <=|it is too (great|small)"
    r"|must name the sites|there is no fact|(value|low|high) of [A-Z]+-"
    r"|add up to 1|is not known here"
)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_mutated_files_are_valid_if_they_are_read(tmp_path, monkeypatch):
    """Both say the same of a file, up to arithmetic and names that stand elsewhere."""
    monkeypatch.chdir(tmp_path)
    rng, valid = random.Random(5), jsonschema.Draft202012Validator(STORED).is_valid
    judged = 0
    for _ in range(150):
        text = mutated(rng.choice(SEEDS), rng)
        try:
            content = json.loads(json.dumps(YAML(typ="safe", pure=True).load(text)))
        except (YAMLError, TypeError, ValueError):
            continue  # no YAML, or dates and the like
        try:
            read(Path("system.yaml"), text)
            refused = ""
        except SpecError as mistake:
            refused = str(mistake)
        judged += 1
        assert valid(content) != bool(refused) or ARITHMETIC.search(refused), text
    assert judged > 40


PAIR = "architecture: active-passive\ndatabase: {mttf: 9 d, mttr: 1 h}\n"


@pytest.mark.parametrize(
    "text",
    [
        "architecture: active-passive\ndatabase: {mttf: 9 d, mttr: 1 h}\n",
        "architecture: majority\ndatabase: {mttf: 9 d}\nfailover: {}\n",
        PAIR + "failover: {tries: 2}\n",
        PAIR + "failover: {retry: 30 s, coverage: 0}\n",
        PAIR + "failover: {manual: 30 min, retry: 30 s}\n",
        PAIR + "failover: {detection: {promotion: {usual: 3 s}}}\n",
        PAIR + "failover: {fencing: {sum: [{lease: {}}, 2 s]}}\n",
        PAIR + "failover: {detection: {sum: [{heartbeat: {}}, 2 s]}}\n",
        PAIR + "failover: {detection: {ttl: 9 s}}\n",
        PAIR + "failover: {promotion: {uniform: {low: 1, high: 2 s}}}\n",
        PAIR + "failover: {promotion: {lognormal: {mean: 0, cv: 1}}}\n",
        PAIR + "failover: {promotion: {mixture: [{share: 1}]}}\n",
        PAIR + "failover: {promotion: 'uniform(1 s)'}\n",
        PAIR + "failover: {coverage: {beta: {successes: 3}}}\n",
        PAIR + "failover: {coverage: {value: 1, fact: FO-001, assumed: x}}\n",
        PAIR + "failover: {coverage: {value: 1, assumed: true}}\n",
        PAIR + "failover: {coverage: 0.99 %}\n",
        PAIR + "failover: {promotion: never}\n",
        PAIR + "failover: {}\neverywhere: {mttf: 9 d, mttr: 1 h, cores: 3}\n",
        PAIR + "failover: {}\nold_primary: {}\n",
        PAIR + "failover: {}\nreplication: {unclean: true}\n",
        PAIR + "failover: {}\nreplication: {acknowledgements: 2}\n",
        PAIR + "failover: {}\nfailures: [{mttf: 9 d, mttr: 1 h, backup: 1 h}]\n",
        PAIR + "failover: {}\nworkload: {reads: 0, writes: 0}\n",
        PAIR + "failover: {}\nworkload: {retry_budget: 0.1}\n",
        PAIR + "failover: {}\nreplicas: [{site: a, promotable: false}]\n",
        PAIR + "failover: {}\nlocal_reads: true\n",
        "extends: etcd\ncrews: 2\n",
        "extends: etcd\nfailover: {detection: {raft election: {}}}\n",
        "extends: etcd\nelection: {dns: {}}\n",
        "extends: etcd\nmaintenance: {every: 30 d}\n",
        "extends: etcd\nwitnesses: [zone-1, zone-1]\n",
        "extends: couchbase-xdcr\nreplication: {mode: sync}\n",
        "extends: etcds\n",
    ],
)
def test_fields_at_odds_are_neither_valid_nor_read(text):
    with pytest.raises(jsonschema.ValidationError):
        check(text)
    with pytest.raises(SpecError):
        read(Path("system.yaml"), text)
