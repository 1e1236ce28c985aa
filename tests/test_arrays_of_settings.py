"""Arrays of settings: each number of an array answers as it does alone.

All numbers of a specification are arrays at once, so whatever looks at an array as a
whole, or at its first number, gives another answer somewhere.
"""

import dataclasses
from dataclasses import replace

import numpy as np
import pytest

import hamodel as ha
from hamodel._fields import replaced
from hamodel.failover import MECHANISMS, Lease
from hamodel.fields import described
from tests.test_fields_effect import BASES, NEEDED, fields_of

NUMBERS = {"time", "mean time", "share", "rate", "number"}


def two(spec):
    """The numbers of a specification as they are, and as they might be, by paths."""
    found = {}
    for path, value, about in fields_of(spec):
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if number and about.kind in NUMBERS and np.isfinite(value):
            other = 0.9 * value if about.kind == "share" else 1.05 * value
            found[path] = np.array([value, other])
    return found


@pytest.mark.parametrize("name", BASES)
def test_an_architecture(name):
    both = two(BASES[name])
    assert len(both) >= 17
    many = ha.assess(replaced(BASES[name], both))
    for k in (0, 1):
        alone = replaced(BASES[name], {path: float(x[k]) for path, x in both.items()})
        one = ha.assess(alone)
        for fares, alike in ((many.read, one.read), (many.write, one.write)):
            shares = {c: x[k] for c, x in fares.downtime_by_cause.items() if np.any(x)}
            assert shares == pytest.approx(alike.downtime_by_cause, rel=1e-12)
            sites = {site: x[k] for site, x in fares.by_site.items()}
            assert sites == pytest.approx(dict(alike.by_site), rel=1e-12)
        assert many.cost.total[k] == one.cost.total


TAKES = [  # settings that say they take arrays
    (word, field.name)
    for word, made in MECHANISMS.items()
    for field in dataclasses.fields(made)
    if field.type == "Quantity" and field.name in described(made)
]


SOME = np.array([0.01, 0.0125])  # of what is 0 by default


@pytest.mark.filterwarnings("ignore:ttl should be")
@pytest.mark.parametrize(("word", "setting"), TAKES)
def test_a_mechanism(word, setting):
    usual = MECHANISMS[word](**NEEDED.get(word, {}))
    usual = replace(usual, version=2.0) if word == "lease" else usual
    value = getattr(usual, setting)
    both = (
        [value, value + 1]
        if setting in {"misses", "rise", "fall", "tries"}
        else [1, 1.25]
    )
    both = np.array(both) * (1 if value in both else value or 0.01)
    many = replace(usual, **{setting: both})
    for k, one in enumerate(replace(usual, **{setting: x}) for x in both):
        for p in (0.1, 0.9):
            laws = (many.duration.quantile(p), one.duration.quantile(p))
            found = [np.broadcast_to(law, 2)[k] for law in laws]
            assert found[0] == pytest.approx(found[1], rel=1e-12)


def test_a_lease_of_several_settings():
    """One that is too short among others is told, and so is one that cannot be."""
    with pytest.warns(UserWarning, match="ttl should be"):
        Lease(ttl=np.array([25.0, 40.0]))
    with pytest.raises(ValueError, match="loop_wait must be <="):
        Lease(ttl=np.array([5.0, 40.0]))
    with pytest.raises(ValueError, match="low must be < high in every element"):
        _ = Lease(tick=np.array([0.0, 2.0])).duration
