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


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the cells of a notebook in order; give what a busy machine delays a retry.

    Real databases and browsers run beside whatever else the machine does, so that a
    test of theirs fails now and then by chance: it may be run again.  What never passes
    fails, and the summary tells how often one was repeated.
    """
    for item in items:
        if item.get_closest_marker("lab") or item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.flaky(reruns=2))
    cells = [item for item in items if hasattr(item, "cell_num")]
    cells.sort(key=lambda cell: (cell.path, cell.cell_num))
    items[:] = [item for item in items if not hasattr(item, "cell_num")] + cells
