"""Sweeps: every point is the assessment of that point, named, in any order of work."""

import json
import threading
import tracemalloc

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from hamodel import sweep
from hamodel._fields import replaced
from hamodel.architectures import (
    ActiveActive,
    ActivePassive,
    Failure,
    Leaderless,
    Majority,
    Node,
    SinglePrimary,
    Site,
    Tier,
)
from hamodel.assessment import MEASURES, Measure, assess
from hamodel.failover import Failover, Heartbeat
from hamodel.sweeping import _evaluate, _work
from hamodel.units import DAY, HOUR, YEAR
from hamodel.workload import Workload
from tests.support import processes

NODE = Node(mttf=2000 * HOUR, mttr=4 * HOUR)
PAIR = ActivePassive(
    database=NODE,
    failover=Failover(detection=Heartbeat(interval=1), promotion=20, coverage=0.99),
)
FAMILY = (
    SinglePrimary(database=NODE),
    PAIR,
    ActiveActive(database=NODE, failover=Failover(detection=10, redirection=20)),
    Majority(database=NODE, failover=Failover(detection=10, redirection=20)),
    Leaderless(database=NODE, failover=Failover(detection=10, redirection=20)),
)
BUDGETS = ("write_downtime_by_cause", "read_downtime_by_cause")


# ---- every point is its own assessment ---------------------------------------------


@pytest.mark.parametrize("spec", FAMILY, ids=lambda spec: type(spec).__name__)
def test_each_point_is_the_assessment_of_that_point(spec):
    mttf, mttr = [100 * HOUR, 5000 * HOUR], [HOUR, 4 * HOUR, 30 * DAY]
    found = sweep(spec, database__mttf=mttf, database__mttr=mttr)
    for i, fail in enumerate(mttf):
        for k, repair in enumerate(mttr):
            node = {"database.mttf": fail, "database.mttr": repair}
            alone = assess(replaced(spec, node))
            point = found.isel(database__mttf=i, database__mttr=k)
            for name in set(found) - set(BUDGETS):
                expected = float(MEASURES[name].of(alone))
                assert float(point[name]) == pytest.approx(expected, rel=1e-12), name
            budget = point.write_downtime_by_cause.to_series().to_dict()
            causes = {c: s for c, s in budget.items() if s}
            assert causes == pytest.approx(
                {c: s for c, s in alone.write.downtime_by_cause.items() if s}
            )


def test_the_causes_add_up_to_the_whole():
    found = sweep(PAIR, promotion=[0, 30, 300.0], coverage=[0.5, 1])
    for operation in ("read", "write"):
        causes = found[f"{operation}_downtime_by_cause"].sum("cause")
        np.testing.assert_allclose(causes, found[f"{operation}_unavailability"])


def test_the_classic_formula_is_the_second_road():
    fail, promotion, cover = np.array([1e5, 1e7]), np.array([10.0, 60]), [0.9, 1]
    pair = ActivePassive(database=NODE, failover=Failover())
    found = sweep(
        pair, database__mttf=fail, promotion=promotion, failover__coverage=cover
    ).write_unavailability
    load = xr.DataArray(NODE.mttr / fail, dims="database__mttf")
    time = xr.DataArray(promotion, dims="promotion")
    c = xr.DataArray(cover, dims="failover__coverage")
    down = c * load * time / NODE.mttr + (1 - c) * load + 2 * load**2
    xr.testing.assert_allclose(
        found.drop_vars(found.coords),
        (down / (1 + 2 * load + down)).transpose(*found.dims),
        rtol=1e-12,
    )


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.floats(1e3, 1e9), min_size=1, max_size=4),
    st.lists(st.floats(0, 1), min_size=1, max_size=3),
    st.lists(st.sampled_from([1, 2]), min_size=1, max_size=2, unique=True),
)
def test_any_grid_agrees_with_its_points(mttf, coverage, crews):
    found = sweep(
        PAIR,
        quantities="write_unavailability",
        database__mttf=mttf,
        coverage=coverage,
        crews=crews,
    ).write_unavailability
    i, j, k = len(mttf) - 1, 0, len(crews) - 1
    values = {
        "database.mttf": mttf[i],
        "failover.coverage": coverage[j],
        "crews": crews[k],
    }
    alone = assess(replaced(PAIR, values)).write.unavailability
    assert float(found[i, j, k]) == pytest.approx(alone, rel=1e-9, abs=1e-300)


def test_what_takes_no_arrays_is_taken_one_by_one():
    names = ["rto_p95", "lag_mean", "write_unavailability"]
    found = sweep(PAIR, promotion=[10, 20.0, 30], misses=[2, 5], quantities=names)
    for i, promotion in enumerate([10, 20, 30]):
        for k, misses in enumerate([2, 5]):
            # uniform over one beat: its 95th percentile lies at 0.95 of the beat
            exact = misses - 1 + 0.95 + promotion
            assert float(found.rto_p95[i, k]) == pytest.approx(exact)
    assert list(found) == names
    np.testing.assert_array_equal(found.lag_mean, np.full((3, 2), found.lag_mean[0, 0]))


def test_a_number_of_crews_is_taken_by_itself_and_the_rest_at_once():
    found = sweep(PAIR, crews=[1, 2], promotion=[10, 20], coverage=[0.9, 1.0])
    for crews in (1, 2):
        for promotion in (10, 20):
            values = {"crews": crews, "failover.promotion": promotion}
            alone = assess(replaced(PAIR, values | {"failover.coverage": 1.0}))
            point = found.sel(crews=crews, promotion=promotion, coverage=1.0)
            assert float(point.write_unavailability) == pytest.approx(
                alone.write.unavailability, rel=1e-12
            )
    grid = _grid(crews=[1, 2], promotion=[10, 20])
    crews, promotion = grid.along("crews"), grid.along("promotion")
    names = ["write_unavailability"]
    assert _evaluate.take_arrays(grid.question, crews, names) == []
    assert _evaluate.take_arrays(grid.question, promotion, names) == names


def _misreads(of):
    """Answer arrays, but wrongly, as a comparison inside a model would."""
    return np.max(of.architecture.failover.promotion)


def test_an_array_that_would_be_misread_is_taken_one_by_one(monkeypatch):
    planted = Measure(
        name="planted", unit="s", label="planted", of=_misreads, arrays=True
    )
    monkeypatch.setattr(_evaluate, "MEASURES", {"planted": planted})
    ask = {"promotion": [10, 20], "quantities": "planted"}
    assert sweep(PAIR, **ask).planted.values.tolist() == [10, 20]
    monkeypatch.setattr(_evaluate, "_same", lambda *_: True)
    assert sweep(PAIR, **ask).planted.values.tolist() == [20, 20]


def _grid(**grids):
    from hamodel.sweeping._parameters import Case, read

    question = Case(architecture=PAIR, workload=Workload())
    parameters = tuple(read(question, name, grid) for name, grid in grids.items())
    return _work.Grid(
        question=question, parameters=parameters, quantities=("write_unavailability",)
    )


# ---- names, units, kinds of values -------------------------------------------------


def test_dimensions_are_named_as_given_and_say_what_they_are():
    found = sweep(
        PAIR,
        Workload(reads=90, writes=10),
        failover__misses=[2, 3],
        database__mtbf=[100 * DAY, YEAR],
        workload__writes=[10.0, 20.0],
    )
    assert found.write_unavailability.dims == (
        "failover__misses",
        "database__mtbf",
        "workload__writes",
    )
    assert found.failover__misses.dtype.kind == "i"
    assert found.failover__misses.attrs == {
        "long_name": "failover detection: "
        "missed beats in a row that count as a failure",
        "units": "1",
    }
    assert found.database__mtbf.attrs == {
        "long_name": "database: mean time between failures",
        "units": "s",
    }
    assert found.workload__writes.units == "1/s"
    assert found.write_unavailability.units == "1"
    assert found.write_minutes_per_year.units == "min"
    assert found.attrs["title"].startswith("ActivePassive over failover.detection.miss")
    assert "failover.coverage = 0.99" in found.attrs["fixed"]
    assert "mttf" not in found.attrs["fixed"].replace("takeover_mttf", "").replace(
        "site.mttf", ""
    )


def test_time_between_failures_is_time_to_failure_and_repair():
    found = sweep(PAIR, database__mtbf=[1e6, 1e7], database__mttr=[1e3, 1e4])
    for between in (1e6, 1e7):
        for repair in (1e3, 1e4):
            node = Node(mttf=between - repair, mttr=repair)
            alone = assess(replaced(PAIR, {"database": node}))
            point = found.sel(database__mtbf=between, database__mttr=repair)
            assert float(point.write_unavailability) == pytest.approx(
                alone.write.unavailability
            )


def test_choices_make_dimensions_of_words():
    found = sweep(
        PAIR,
        replication__mode=["async", "sync"],
        sites=[("A",), ("A", "B")],
        failover__manual=[None, 600.0],
        quantities=["write_unavailability", "write_downtime_by_cause"],
    )
    assert found.replication__mode.values.tolist() == ["async", "sync"]
    assert found.sites.values.tolist() == ["A", "A, B"]
    assert found.failover__manual.values.tolist() == ["none", "600"]
    assert "units" not in found.sites.attrs
    by_hand = found.write_unavailability.sel(sites="A, B", failover__manual="600")
    never = found.write_unavailability.sel(sites="A, B", failover__manual="none")
    assert (by_hand < never).all()


def test_truth_values_stay_truth_values():
    votes = FAMILY[3]
    found = sweep(votes, local_reads=[False, True], election=[1, 5.0])
    assert found.local_reads.dtype == bool
    reads = found.read_unavailability
    assert (reads.sel(local_reads=True) <= reads.sel(local_reads=False)).all()


def test_numbers_of_servers_are_counted():
    spec = ActivePassive(
        database=NODE, failover=Failover(), site=Site(apps=Tier(node=NODE))
    )
    found = sweep(spec, apps__servers=[1, 2, 3], apps__needed=[1])
    assert found.apps__servers.dtype.kind == "i"
    down = found.write_unavailability.values[:, 0]
    assert down[0] > down[1] > down[2]


def test_parameters_may_vary_together():
    rng = np.random.default_rng(0)
    draws = {
        "database__mttf": xr.DataArray(rng.uniform(1e6, 1e8, 50), dims="draw"),
        "failover__coverage": xr.DataArray(rng.uniform(0.9, 1, 50), dims="draw"),
    }
    found = sweep(PAIR, **draws, promotion=[10, 60])
    assert found.write_unavailability.dims == ("draw", "promotion")
    assert found.database__mttf.dims == ("draw",)
    for k in (0, 49):
        values = {name: grid.values[k] for name, grid in draws.items()}
        alone = assess(replaced(PAIR, values | {"promotion": 60}))
        assert float(found.write_unavailability[k, 1]) == pytest.approx(
            alone.write.unavailability
        )


def test_overload_and_never_are_answers():
    found = sweep(PAIR, workload__reads=[100.0, 1e6], database__mttf=[1e6, np.inf])
    assert found.write_unavailability.sel(workload__reads=1e6).min() > 0.99
    calm = found.write_unavailability.sel(workload__reads=100.0)
    assert float(calm.sel(database__mttf=np.inf)) == 0
    assert not any(bool(values.isnull().any()) for values in found.values())


# ---- files -------------------------------------------------------------------------


def test_netcdf_and_csv_hold_the_same(tmp_path):
    import pandas as pd

    found = sweep(
        PAIR,
        failover__promotion=[10.0, 20.0],
        failover__misses=[2, 3],
        replication__mode=["async", "sync"],
    )
    file = tmp_path / "pair.nc"
    found.to_netcdf(file, engine="scipy")
    with xr.open_dataset(file, engine="scipy") as again:
        xr.testing.assert_identical(again.load(), found)
    table = tmp_path / "pair.csv"
    found.drop_dims("cause").to_dataframe().to_csv(table)
    rows = pd.read_csv(table)
    assert len(rows) == 8
    dims = ["failover__promotion", "failover__misses", "replication__mode"]
    back = rows.set_index(dims).to_xarray()
    for name in back:
        np.testing.assert_allclose(back[name], found[name], rtol=1e-12)


def test_attributes_are_plain():
    found = sweep(PAIR, promotion=[10], sites=[("A", "B")])
    every = [found, *found.values(), *found.coords.values()]
    for holder in every:
        json.dumps(holder.attrs)
        assert all(isinstance(value, str) for value in holder.attrs.values())


# ---- blocks, memory, progress ------------------------------------------------------


def test_blocks_make_no_difference(monkeypatch):
    grid = {
        "promotion": np.linspace(0, 60, 40),
        "database__mttf": np.geomspace(1e5, 1e8),
    }
    whole = sweep(PAIR, **grid)
    for name, size in {"_MOST": 7, "_TRIAL": 5}.items():
        monkeypatch.setattr(_work, name, size)
    found = sweep(PAIR, **grid)
    assert len(_grid(**grid).blocks(1e9)) == 40 * 50 // 7 + 1
    xr.testing.assert_identical(found, whole)


def test_the_memory_is_kept():
    grid = {"promotion": np.linspace(0, 60, 300), "coverage": np.linspace(0.5, 1, 300)}
    ask = {"quantities": "write_unavailability"}
    sweep(PAIR, **grid, **ask)  # what is imported or planned once
    answers, needed = 8 * 300 * 300, {}
    for memory in (2e6, 40e6):
        tracemalloc.start()
        sweep(PAIR, memory=memory, **grid, **ask)
        needed[memory] = tracemalloc.get_traced_memory()[1] - answers
        tracemalloc.stop()
        # the coordinates of one block come on top
        assert needed[memory] < 1.5 * memory + 2e6
    assert needed[40e6] > 2 * needed[2e6]  # so the bound is what limits it


def test_a_bar_is_shown_when_asked(capsys):
    one = "write_unavailability"
    sweep(PAIR, promotion=[10, 20], crews=[1, 2], quantities=one, progress=True)
    assert "4/4" in capsys.readouterr().err
    sweep(PAIR, promotion=[10, 20])
    assert capsys.readouterr().err == ""


# ---- errors ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("grids", "said"),
    [
        ({}, "grids must name at least one parameter, got none"),
        ({"failover__promotoin": [1]}, "did you mean 'failover.promotion'"),
        ({"workload__writs": [1]}, "workload__writs is no parameter of Workload; did"),
        ({"mttf": [1]}, "mttf is ambiguous: it may mean database.mttf, standby.mttf"),
        ({"promotion": []}, "promotion must have at least one value, got none"),
        ({"promotion": 3}, "promotion must be a list or an array of values, got 3"),
        ({"promotion": "fast"}, "must be a list or an array of values, got 'fast'"),
        ({"promotion": np.ones((2, 2))}, "promotion must have one dimension, got 2"),
        (
            {"promotion": xr.DataArray(np.ones((2, 2)))},
            "promotion must have one dimension, got 2",
        ),
        (
            {"failover__coverage": [0.9, 1.2]},
            r"failover__coverage: coverage must be in \[0, 1\], got 1.2",
        ),
        ({"crews": [1, 3]}, r"crews: crews must be in \[1, 2\], got 3"),
        ({"database__mttf": [1e6, np.nan]}, "mttf must be > 0 .*, got nan"),
        (
            {"replication__mode": ["asynch"]},
            "replication__mode: .* did you mean 'async'",
        ),
        (
            {"promotion": [1], "failover__promotion": [2]},
            "both mean failover.promotion",
        ),
        ({"database__mtbf": [1e6], "database__mttf": [1e6]}, "cannot both be given"),
        ({"database__mtbf": [3600.0]}, r"mtbf must be > mttr \(14400\), got 3600"),
        ({"cost": [1.0]}, "the name of a quantity; write .*, database__cost"),
        ({"sites": [("A", "B"), ("A", "B")]}, "different choices, got A, B twice"),
        (
            {
                "promotion": xr.DataArray([1.0, 2.0], dims="draw"),
                "coverage": xr.DataArray([1.0], dims="draw"),
            },
            "coverage must have 2 values along draw, got 1",
        ),
        ({"promotion": [1], "memory": 0}, "memory must be > 0"),
        ({"promotion": [1], "client": 3}, "client must be a dask.distributed.Client"),
        ({"promotion": [1], "quantities": []}, "quantities must name at least one"),
        (
            {"promotion": [1], "quantities": "rto_p59"},
            "quantities must be one of .* got 'rto_p59'; did you mean 'rto_p9",
        ),
    ],
)
def test_bad_grids_are_refused_by_name(grids, said):
    with pytest.raises(ValueError, match=said):
        sweep(PAIR, **grids)


def test_what_is_no_architecture_is_refused():
    with pytest.raises(ValueError, match="architecture must be an Architecture"):
        sweep(3, promotion=[1])
    with pytest.raises(ValueError, match="workload must be a Workload, got 3"):
        sweep(PAIR, 3, promotion=[1])


def test_values_that_do_not_go_together_are_named():
    spec = ActivePassive(
        database=NODE, failover=Failover(), site=Site(apps=Tier(node=NODE))
    )
    with pytest.raises(
        ValueError, match=r"at .*apps.servers = 1, .*apps.needed = 2: needed must be <="
    ):
        sweep(spec, apps__servers=[1, 2], apps__needed=[1, 2])


def test_labels_load_only_when_a_sweep_is_made():
    code = "import sys, hamodel.sweeping; print({'xarray', 'tqdm'} & set(sys.modules))"
    assert processes.run("-c", code).stdout.strip() == "set()"


def test_a_bar_starts_no_thread():
    """A browser has none to give; tqdm's own would leave a warning in red there."""
    sweep(PAIR, failover__coverage=[0.9, 0.99])
    assert "TMonitor" not in {type(t).__name__ for t in threading.enumerate()}


def test_mechanisms_and_laws_are_choices():
    from hamodel import duration
    from hamodel.failover import Lease

    kinds = [Heartbeat(interval=1), Lease(ttl=30, loop_wait=10), duration.uniform(0, 9)]
    found = sweep(
        PAIR, failover__detection=kinds, promotion=[0.0], quantities="rto_mean"
    )
    means = [kind.duration.mean for kind in kinds[:2]] + [4.5]
    assert found.rto_mean.values[:, 0] == pytest.approx(means)
    assert "uniform" in str(found.failover__detection.values[2])


def test_percentiles_of_many_points_are_those_of_each():
    """Laws are made once where only their weights move, for all points together."""
    trio = ActivePassive(
        database=Node(mttf=2000 * HOUR, mttr=4 * HOUR),
        failover=Failover(promotion=20, coverage=0.9, retry=60),
        sites=("a", "b", "c"),
        site=Site(mttf=9000 * HOUR),
        failures=(Failure(kind="process", mttf=1000 * HOUR, mttr=60),),
    )
    names = ["read_p99", "write_p99", "write_p50", "rto_p95", "outage_p95", "lag_p95"]
    grid = {
        "database__mttf": np.geomspace(2e4, 1e6, 12),
        "failover__coverage": [0.5, 0.9, 0.99],
        "site__mttr": [HOUR, 40 * HOUR],
    }
    found = sweep(trio, quantities=names, **grid)
    for at in ((0, 0, 0), (5, 1, 1), (11, 2, 1)):
        values = [grid[name][k] for name, k in zip(grid, at, strict=True)]
        paths = ("database.mttf", "failover.coverage", "site.mttr")
        alone = assess(replaced(trio, dict(zip(paths, values, strict=True))))
        for name in names:
            exact = MEASURES[name].of(alone)
            assert float(found[name][at]) == pytest.approx(exact, rel=1e-9), name
    assert np.ptp(found.write_p99.values) > 1e-4
