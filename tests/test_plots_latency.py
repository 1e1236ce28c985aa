"""Latency curves: heights, percentiles and words."""

import numpy as np
import pytest

from hamodel import assess, plots
from hamodel.architectures import ActivePassive, Node, SinglePrimary
from hamodel.duration import exponential
from hamodel.failover import Failover
from hamodel.workload import Workload
from tests.support import svg_pictures

NODE = Node(mttf=7.2e6, mttr=14400)


def drawn(latency, **fields):
    with plots.styled():
        ax = plots.figure().add_subplot()
        return ax, plots.draw_latency(ax, latency, **fields)


def test_a_curve_is_the_distribution_in_nines():
    ax, shown = drawn({"read": exponential(0.01)})
    line = shown.lines["read"]
    times, nines = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
    # closed form: P(later than t) = exp(-t / 10 ms)
    assert nines == pytest.approx(times / 0.01 / np.log(10), rel=1e-9)
    assert shown.marks["read"].get_xdata()[0] == pytest.approx(0.01 * np.log(2))
    assert "99 % 46.1 ms" in shown.text
    assert svg_pictures.faults(plots.svg(ax.figure)) == []


def test_equal_laws_share_a_line_and_nothing_collides():
    sites = ["DC-1", "A very long name of a site somewhere"]
    pair = ActivePassive(database=NODE, failover=Failover(), sites=sites)
    ax, shown = drawn(assess(pair))
    assert sum("read" in name for name in shown.lines) == 1
    picture = plots.svg(ax.figure)
    assert svg_pictures.faults(picture) == []
    assert svg_pictures.collisions(picture) == []
    assert sites[1] in shown.text


def test_overload_has_words_and_no_line():
    ax, shown = drawn(assess(SinglePrimary(database=NODE), Workload(reads=1e6)))
    assert shown.lines == {}
    assert "DC-1 read: overload" in shown.text
    assert svg_pictures.faults(plots.svg(ax.figure)) == []


def test_bad_input():
    with pytest.raises(ValueError, match="at least one law, got none"):
        drawn({})
    with pytest.raises(ValueError, match=r"point must be in \(0, 1\), got 1"):
        drawn({"read": exponential(1)}, points=(1,))
