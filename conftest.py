"""Settings that every test and doctest shares."""

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "hamodel",
    deadline=None,
    derandomize=True,
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("hamodel")


@pytest.fixture(autouse=True)
def _doctest_names(doctest_namespace):
    doctest_namespace["np"] = np
    with np.printoptions(precision=6, suppress=True):
        yield
