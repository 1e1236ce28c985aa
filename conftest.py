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
    """Put the cells of a notebook in order again, after the tests were shuffled."""
    cells = [item for item in items if hasattr(item, "cell_num")]
    cells.sort(key=lambda cell: (cell.path, cell.cell_num))
    items[:] = [item for item in items if not hasattr(item, "cell_num")] + cells
