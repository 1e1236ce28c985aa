"""The first page says what is true."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

import hamodel as ha
from hamodel.cli import main
from hamodel.units import HOUR
from lessons.failover_maths import lesson

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def minutes(promotion=30, coverage=0.99):
    """Return the downtime of the page's pair in minutes a year."""
    node = ha.Node(mttf=2000 * HOUR, mttr=4 * HOUR)
    failover = ha.Failover(promotion=promotion, coverage=coverage)
    return ha.ActivePassive(database=node, failover=failover).minutes_per_year


def test_the_surprising_numbers_are_the_model_s():
    assert f"down {minutes():.1f} minutes a year" in " ".join(README.split())
    assert minutes() - minutes(promotion=10) == pytest.approx(1.5, abs=0.1)
    assert minutes() - minutes(coverage=0.999) == pytest.approx(9, abs=0.5)


def test_the_picture_is_the_explorer_s():
    stored = (ROOT / "notebooks" / "images" / "failover.svg").read_text(
        encoding="utf-8"
    )
    assert stored == lesson.explore().svg


def test_every_name_that_it_offers_is_there():
    names = set(re.findall(r"`ha\.(\w+)", README))
    assert len(names) > 15
    for name in names:
        assert getattr(ha, name) is not None


def test_the_map_links_exactly_the_lessons_that_exist():
    linked = set(re.findall(r"\((notebooks/\d\d_\w+\.ipynb)\)", README))
    there = {f"notebooks/{p.name}" for p in (ROOT / "notebooks").glob("[0-9]*.ipynb")}
    assert linked == there


def test_the_file_is_a_system_that_keeps_its_limits(tmp_path):
    text, _, _ = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    (tmp_path / "my.yaml").write_text(text, encoding="utf-8")
    spec = ha.load(tmp_path / "my.yaml")
    found = ha.assess(spec.architecture, spec.workload)
    assert spec.architecture.sites == ("fra", "dub")
    assert all(finding.met for finding in spec.requirements.judge(found))


def test_the_structure_is_one(tmp_path):
    _, text, _ = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    path = tmp_path / "sla.yaml"
    path.write_text(text, encoding="utf-8")
    done = CliRunner().invoke(main, ["assess", str(path)])
    assert (done.exit_code, "99.95 %" in done.output) == (0, True)


def test_the_journeys_are_a_file(tmp_path):
    _, _, text = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    path = tmp_path / "shop.yaml"
    path.write_text(text, encoding="utf-8")
    done = CliRunner().invoke(main, ["assess", str(path)])
    assert done.exit_code == 0
    assert "that all of them keep their objectives in a month" in done.output
