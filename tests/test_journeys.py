"""Journeys over shared parts: alone by hand, together by two other roads."""

import itertools
import json
import math

import jsonschema
import numpy as np
import pytest
from click.testing import CliRunner
from ruamel.yaml import YAML

import hamodel as ha
from hamodel import text
from hamodel.assessment import Journey, OtherPart, assess_journeys
from hamodel.cli import main
from hamodel.cli._schema import of_assessment
from hamodel.markov import downtime_cdf
from hamodel.specfile import SpecError, schema
from hamodel.units import HOUR, MONTH

DATABASE = ha.Node(mttf=400 * HOUR, mttr=0.5 * HOUR)
IDENTITY = OtherPart(mttf=700 * HOUR, mttr=0.3 * HOUR)
CARD = OtherPart(mttf=300 * HOUR, mttr=0.4 * HOUR)
INVOICE = OtherPart(mttf=100 * HOUR, mttr=2 * HOUR)
ONE = ha.SinglePrimary(database=DATABASE)


def share(node):
    return node.mttr / (node.mttf + node.mttr)


def of(system=ONE, *, parts=None, **journeys):
    made = {
        name.replace("_", " "): Journey(path=path, objective=objective)
        for name, (path, objective) in journeys.items()
    }
    return assess_journeys(system, journeys=made, parts=parts or {})


# ---- one by one --------------------------------------------------------------------


def test_a_journey_by_hand():
    shop = of(
        log_in=("identity > read", None),
        pay=("write > any(card, invoice)", None),
        parts={"identity": IDENTITY, "card": CARD, "invoice": INVOICE},
    )
    d, i, c, v = map(share, (DATABASE, IDENTITY, CARD, INVOICE))
    assert shop["log in"].unavailability == pytest.approx(d + i - d * i, rel=1e-12)
    both = c * v
    assert shop["pay"].unavailability == pytest.approx(d + both - d * both, rel=1e-12)
    causes = shop["log in"].downtime_by_cause
    assert causes["identity"] == pytest.approx(i)  # it comes first, and takes the blame
    assert causes["database down"] == pytest.approx(d * (1 - i))
    causes = shop["pay"].downtime_by_cause
    assert causes["database down"] == pytest.approx(d)
    assert causes["card"] == causes["invoice"] == pytest.approx(both * (1 - d) / 2)


def test_reads_and_writes_alone_are_those_of_the_assessment():
    pair = ha.load(ha.specfile.preset("postgresql-patroni").path).architecture
    shop = of(pair, look=("read", None), order=("write", None))
    found = ha.assess(pair)
    for name, operation in (("look", found.read), ("order", found.write)):
        assert shop[name].unavailability == pytest.approx(
            float(operation.unavailability), rel=1e-12
        )
        for cause, down in operation.downtime_by_cause.items():
            known = shop[name].downtime_by_cause.get(cause, 0.0)
            assert known == pytest.approx(float(down), rel=1e-9, abs=1e-18)
        assert shop[name].by_site == pytest.approx(
            {site: float(u) for site, u in operation.by_site.items()}
        )


def test_a_read_and_a_write_share_what_fails():
    pair = ha.ActivePassive(
        database=ha.Node(mttf=2000 * HOUR, mttr=4 * HOUR),
        failover=ha.Failover(promotion=30, coverage=0.99),
    )
    shop = of(pair, order=("read > write", None), either=("any(read, write)", None))
    found = ha.assess(pair)
    whole = float(found.write.unavailability)
    assert shop["order"].unavailability == pytest.approx(whole, rel=1e-9)
    together = float(found.read.unavailability)
    assert shop["either"].unavailability == pytest.approx(together, rel=1e-9)


# ---- a month -----------------------------------------------------------------------


def simulated(parts, journeys, months, rng):
    """Return P(any misses): each part a life of its own, a journey down if any is.

    `journeys` are (names of parts in series, budget in s); vectorised over months.
    """
    most = 40
    lives = {}
    for name, node in parts.items():
        ups = rng.exponential(node.mttf, (months, most))
        downs = rng.exponential(node.mttr, (months, most))
        down_first = rng.random(months) < share(node)
        ups[down_first, 0] = 0.0
        ends = np.cumsum(ups + downs, axis=1)
        lives[name] = np.minimum(np.stack([ends - downs, ends]), MONTH)
        assert ends[:, -1].min() > MONTH
    missed = np.zeros(months, bool)
    for names, budget in journeys:
        starts = np.concatenate([lives[n][0] for n in names], axis=1)
        ends = np.concatenate([lives[n][1] for n in names], axis=1)
        order = np.argsort(starts, axis=1)
        starts = np.take_along_axis(starts, order, axis=1)
        ends = np.take_along_axis(ends, order, axis=1)
        until = np.maximum.accumulate(ends, axis=1)
        before = np.column_stack([np.zeros(months), until[:, :-1]])
        down = np.clip(ends - np.maximum(starts, before), 0, None).sum(axis=1)
        missed |= down > budget
    return missed.mean()


def by_hand(first, second, budgets):
    """Return P(any misses) of journeys over {first} and {first, second}, apart.

    D1 = X and D2 = X + Y, X and Y the downtimes of two nodes of their own, whose laws
    come from uniformised chains; what overlaps is left out.
    """

    def law(node, times):
        rates = [[0, 1 / node.mttf], [1 / node.mttr, 0]]
        down = share(node)
        return downtime_cdf(rates, [1 - down, down], [1], MONTH, times)

    grid = np.linspace(0, min(budgets), 301)
    steps = np.diff(law(first, grid), prepend=0.0)
    rest = budgets[1] - grid
    mass = law(second, rest)
    middle = np.append(mass[0], (mass[1:] + mass[:-1]) / 2)
    return 1 - float(steps @ middle)


SHOP = {
    "look": ("read", 0.9985),
    "log_in": ("identity > read", 0.998),
    "pay": ("read > write > card", 0.997),
}
PARTS = {"identity": IDENTITY, "card": CARD}


@pytest.mark.parametrize(
    "objectives", [(0.999, 0.998), (0.999, 0.999), (0.998, 0.9985)]
)
def test_two_journeys_together_by_hand(objectives):
    shop = of(
        look=("read", objectives[0]),
        pay=("write > card", objectives[1]),
        parts={"card": CARD},
    )
    hand = by_hand(DATABASE, CARD, [(1 - o) * MONTH for o in objectives])
    found = shop.chance_of_missing_any(MONTH)
    assert found.error < 0.02
    assert found.probability == pytest.approx(hand, rel=max(2e-3, found.error))
    alone = [shop.chance_of_missing(n).probability for n in ("look", "pay")]
    assert max(alone) - 1e-9 <= found.probability < sum(alone)


def test_three_journeys_together_as_they_are_lived():
    shop = of(**SHOP, parts=PARTS)
    found = shop.chance_of_missing_any(MONTH)
    months = 60_000
    budgets = [(1 - objective) * MONTH for _, objective in SHOP.values()]
    names = (("db",), ("identity", "db"), ("db", "card"))
    lived = simulated(
        {"db": DATABASE, **PARTS},
        list(zip(names, budgets, strict=True)),
        months,
        np.random.default_rng(7),
    )
    spread = 3.3 * math.sqrt(lived * (1 - lived) / months)  # 99.9 %
    assert abs(found.probability - lived) < spread + found.error * lived
    product = math.prod(shop.probability_of_meeting(n) for n in shop.journeys)
    assert 1 - found.probability > product + 10 * spread  # they share: no product


def test_more_journeys_than_are_inverted_lie_between_bounds():
    more = {**SHOP, "refund": ("write > invoice", 0.98)}
    parts = {**PARTS, "invoice": INVOICE}
    shop = of(**more, parts=parts)
    found = shop.chance_of_missing_any(MONTH)
    months = 40_000
    names = (("db",), ("identity", "db"), ("db", "card"), ("db", "invoice"))
    budgets = [(1 - objective) * MONTH for _, objective in more.values()]
    lived = simulated(
        {"db": DATABASE, **parts},
        list(zip(names, budgets, strict=True)),
        months,
        np.random.default_rng(8),
    )
    spread = 3.3 * math.sqrt(lived * (1 - lived) / months)
    half = found.error * found.probability
    assert half < 0.2 * found.probability
    assert abs(found.probability - lived) < spread + half


def test_a_journey_that_another_implies_changes_nothing():
    alone = of(pay=("read > card", 0.998), parts={"card": CARD})
    both = of(look=("read", 0.997), pay=("read > card", 0.998), parts={"card": CARD})
    twice = of(a=("read > card", 0.998), b=("card > read", 0.998), parts={"card": CARD})
    one = alone.chance_of_missing("pay").probability
    assert alone.probability_of_keeping("pay", 0.998) == pytest.approx(1 - one)
    assert alone.chance_of_missing_any().probability == one
    assert both.chance_of_missing_any().probability == one
    assert twice.chance_of_missing_any().probability == one


def test_the_order_of_journeys_changes_nothing():
    chances = [
        of(**dict(order), parts=PARTS).chance_of_missing_any().probability
        for order in itertools.islice(itertools.permutations(SHOP.items()), 0, 6, 2)
    ]
    assert chances == pytest.approx([chances[0]] * len(chances), rel=1e-3)


def test_a_pair_with_laws_and_a_common_cause_is_between_its_bounds():
    pair = ha.ActivePassive(
        database=ha.Node(mttf=300 * HOUR, mttr=2 * HOUR),
        failover=ha.Failover(detection=10, promotion=20, coverage=0.9, manual=1800),
        everywhere=ha.Node(mttf=1000 * HOUR, mttr=0.5 * HOUR),
    )
    shop = of(
        pair, look=("read", 0.9995), pay=("write > card", 0.999), parts={"card": CARD}
    )
    alone = [shop.chance_of_missing(n).probability for n in shop.journeys]
    found = shop.chance_of_missing_any()
    assert max(alone) <= found.probability <= sum(alone)
    assert found.error < 0.05


def test_no_objective_is_never_missed():
    shop = of(look=("read", None))
    assert shop.chance_of_missing_any() == (0, 0)
    with pytest.raises(ValueError, match=r"journeys.look must have an objective"):
        shop.chance_of_missing("look")


@pytest.mark.parametrize(
    ("journeys", "parts", "said"),
    [
        ({}, {}, "journeys must name at least one, got none"),
        (
            {"a": "read > card"},
            {},
            "journeys.a.path passes 'card', which is none of read, write",
        ),
        ({"a": "read"}, {"card": CARD}, "parts.card is passed by no journey"),
        ({"a": "read > write"}, {"write": CARD}, "parts.write has the name of what"),
        ({"a": "read"}, {"card": 3}, "parts.card must be"),
    ],
)
def test_what_cannot_be_is_refused(journeys, parts, said):
    made = {name: Journey(path=path) for name, path in journeys.items()}
    with pytest.raises(ValueError, match=said):
        assess_journeys(ONE, journeys=made, parts=parts)


def test_a_journey_may_pass_ten_parts():
    nine = {f"p{k}": CARD for k in range(9)}
    ten = of(long=(" > ".join([*nine, "read"]), None), parts=nine)
    left = (1 - share(CARD)) ** 9 * (1 - share(DATABASE))
    assert ten["long"].unavailability == pytest.approx(1 - left, rel=1e-9)
    more = {**nine, "p9": CARD}
    with pytest.raises(ValueError, match="must pass at most 10 parts, got 11"):
        of(long=(" > ".join([*more, "read"]), None), parts=more)


def test_a_path_that_cannot_be_read_is_refused():
    with pytest.raises(ValueError, match="path cannot be read"):
        Journey(path="read > any(")
    with pytest.raises(ValueError, match=r"objective must be in \[0, 1\]"):
        Journey(path="read", objective=1.2)


def test_the_data_hold_all_of_it():
    shop = of(**SHOP, parts=PARTS)
    data = shop.to_dict()
    assert data["period_s"] == MONTH
    assert data["chance_of_all"] == shop.probability_of_meeting_all()
    look = data["journeys"]["look"]
    minutes = share(DATABASE) * 365 * 24 * 60
    assert look["minutes_per_year"] == pytest.approx(minutes)
    assert sum(look["downtime_by_cause"].values()) == pytest.approx(
        look["unavailability"]
    )
    assert repr(shop).startswith("<Journeys: look 656 min/yr, log in")


# ---- files and pages ---------------------------------------------------------------

FILE = """\
title: Shop
architecture: single-primary
database: {mttf: 60 d, mttr: 20 min}
workload: {reads: 90/s, writes: 10/s}
parts:
  identity: {mttf: 60 d, mttr: 20 min}
  card: {mttf: 3/yr, mttr: "lognormal(mean=1 h, cv=1)"}
journeys:
  log in: {path: identity > read, objective: 99.9 %}
  pay: {path: write > card, objective: 99.99 %}
  look: {path: read}
"""


@pytest.fixture
def shop_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop.yaml").write_text(FILE)
    return tmp_path / "shop.yaml"


def run(*arguments):
    done = CliRunner().invoke(main, list(arguments), catch_exceptions=False)
    return done.stdout, done.stderr, done.exit_code


def test_a_file_says_journeys_and_python_takes_it(shop_file):
    spec = ha.load(shop_file)
    assert spec.journeys["pay"].objective == pytest.approx(0.9999)
    assert spec.parts["card"].mttr.mean == pytest.approx(HOUR)
    shop = assess_journeys(spec)
    one = share(OtherPart(mttf=60 * 24 * HOUR, mttr=1200))
    assert shop["log in"].unavailability == pytest.approx(1 - (1 - one) ** 2, rel=1e-9)
    shown = {path: (value, place) for path, value, place in spec.parameters}
    assert shown["journeys.pay.objective"] == ("99.99 %", "shop.yaml:10")
    assert shown["parts.identity.mttf"] == ("60 d", "shop.yaml:6")
    out, _, _ = run("explain", "shop.yaml")
    assert "journeys.log in.path" in out


def test_a_file_lays_journeys_over_those_of_another(shop_file):
    more = "extends: shop.yaml\njourneys: {look: {path: read, objective: 90 %}}\n"
    (shop_file.parent / "more.yaml").write_text(more)
    spec = ha.load("more.yaml")
    assert list(spec.journeys) == ["log in", "pay", "look"]
    assert spec.journeys["look"].objective == 0.9


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("write > card", "write > cash", ":10:9: journeys.pay.path: passes 'cash'"),
        ("write > card", "write > (", ":10:9: journeys.pay.path: cannot be read"),
        ("99.99 %", "200 %", ":10:29: journeys.pay.objective: must be in [0, 1]"),
        ("{path: read}", "{way: read}", ":11:10: journeys.look.way: is not"),
        ("{path: read}", "{}", "journeys.look"),
        ("> card", "", ":7:3: parts.card: is passed by no journey"),
        ('mttr: "log', 'cores: "log', "parts.card.cores: "),
    ],
)
def test_a_mistake_is_told_with_its_place(shop_file, old, new, said):
    shop_file.write_text(FILE.replace(old, new, 1))
    with pytest.raises(SpecError) as refused:
        ha.load(shop_file)
    assert said in str(refused.value)


@pytest.mark.usefixtures("shop_file")
def test_the_schema_knows_journeys():
    plain = YAML(typ="safe").load(FILE)
    reads = jsonschema.Draft202012Validator(schema())
    assert reads.is_valid(plain)
    plain["journeys"]["look"] = {"way": "read"}
    assert not reads.is_valid(plain)
    out, _, _ = run("assess", "shop.yaml", "--json")
    jsonschema.validate(json.loads(out), of_assessment())


@pytest.mark.usefixtures("shop_file")
def test_the_page_shows_who_hurts_whom_and_misses_count(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    out, _, code = run("assess", "shop.yaml")
    assert code == 1
    table = out[out.index("Minutes a year that a journey fails for") :].splitlines()
    assert table[1].split() == ["log", "in", "pay", "look"]
    rows = {line.rsplit(maxsplit=3)[0]: line.split()[-3:] for line in table[2:5]}
    assert rows["identity"][1:] == ["·", "·"]
    assert rows["card"][0] == rows["card"][2] == "·"
    assert float(rows["card"][1]) == pytest.approx(180, rel=0.02)
    assert "that all of them keep their objectives in a month" in " ".join(out.split())
    assert "MISSED availability of the journey pay" in out
    assert "met    availability of the journey log in" in out
    missed, _, _ = run("check", "shop.yaml")
    assert missed.startswith("shop.yaml:10: availability of the journey pay")


BELIEVED = """\
title: Shop
extends: postgresql-patroni
failover: {coverage: {beta: {successes: 3, trials: 4}}}
parts:
  card: {mttf: {belief: {uniform: {low: 10 d, high: 300 d}}}, mttr: 15 min}
journeys:
  pay: {path: write, objective: 99.99 %}
  buy: {path: card > read, objective: 99.99 %}
"""


def test_what_is_believed_moves_journeys_as_it_moves_the_headline(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop.yaml").write_text(BELIEVED)
    out, _, code = run("assess", "shop.yaml", "--json")
    found = json.loads(out)
    pay, buy = (found["journeys"]["journeys"][name] for name in ("pay", "buy"))
    writes = found["availability"]["write"]
    assert pay["unavailability"] == pytest.approx(writes["unavailability"], rel=1e-9)
    for cause, down in writes["downtime_by_cause"].items():
        assert pay["downtime_by_cause"][cause] == pytest.approx(down, rel=1e-9)
    # of a uniform mean time to failure the mean of 1 / mttf is ln(high / low) / width
    card = 15 / (24 * 60) * math.log(30) / 290
    assert buy["downtime_by_cause"]["card"] == pytest.approx(card, rel=0.03)
    down = sum(buy["downtime_by_cause"].values())
    assert buy["unavailability"] == pytest.approx(down, rel=1e-12)
    held = {one["site"]: one for one in found["requirements"]}
    assert (code, held["pay"]["met"], held["buy"]["met"]) == (1, True, False)
    assert held["buy"]["value"] == pytest.approx(1 - down, rel=1e-12)
    # 99.99 % is kept by those of over 104.2 d, less what reads fail for
    assert held["buy"]["chance"] == pytest.approx((300 - 108.6) / 290, abs=0.02)


def test_each_format_says_the_same_of_a_journey(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop.yaml").write_text(BELIEVED)
    data = json.loads(run("assess", "shop.yaml", "--json")[0])["journeys"]["journeys"]
    page, gauges, summary = (
        run("assess", "shop.yaml", "--format", form)[0]
        for form in ("text", "prometheus", "markdown")
    )
    for name, one in data.items():
        share = one["unavailability"]
        said = f'hamodel_journey_unavailability_ratio{{system="Shop",journey="{name}"}}'
        assert f"{said} {share!r}\n" in gauges
        minutes = text.number(one["minutes_per_year"])
        long_run = text.availability(share)
        assert " ".join(page.split()).count(f"{name} {long_run} {minutes} ") == 1
        assert f"| {name} | {long_run} | {minutes} |" in summary


@pytest.mark.usefixtures("shop_file")
def test_a_cause_that_no_journey_feels_has_no_row():
    out, _, _ = run("assess", "shop.yaml")
    table = out[out.index("Minutes a year that a journey fails for") :]
    rows = [line.split()[-3:] for line in table.split("\n\n")[0].splitlines()[2:]]
    assert rows
    assert ["·", "·", "·"] not in rows


def test_a_change_of_a_part_counts_against_the_journeys_it_hurts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.yaml").write_text(BELIEVED.replace("mttr: 15 min", "mttr: 5 min"))
    (tmp_path / "new.yaml").write_text(f"{BELIEVED}  new: {{path: read}}\n")
    call = ("assess", "new.yaml", "--against", "old.yaml", "--allow", "20 min/yr")
    out, _, code = run(*call, "--json")
    whole = json.loads(out)
    jsonschema.validate(whole, of_assessment())
    found = whole["change"]["journey_minutes_per_year_by_cause"]
    assert (code, whole["change"]["met"], set(found)) == (1, False, {"pay", "buy"})
    card = found["buy"]["card"]
    assert card["after"] == pytest.approx(3 * card["before"], rel=1e-3)
    after = sum(each["after"] for each in found["buy"].values())
    held = whole["journeys"]["journeys"]["buy"]["minutes_per_year"]
    assert after == pytest.approx(held, rel=1e-12)
    page, _, _ = run(*call)
    more = text.number(card["after"] - card["before"])
    assert f"MISSED more downtime of the journey buy: +{more} min/yr" in page
    assert "met    more downtime of the journey pay: 0 min/yr" in page
    gauges, _, _ = run(*call, "--format", "prometheus")
    said = 'hamodel_requirement_met{system="Shop",requirement="journey_change.'
    assert f'{said}buy"}} 0.0' in gauges
    assert f'{said}pay"}} 1.0' in gauges


def test_no_journey_at_all_is_a_mistake(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop.yaml").write_text("extends: etcd\njourneys: {}\n")
    _, said, code = run("assess", "shop.yaml")
    assert code == 2
    assert said.startswith("shop.yaml:2:1: journeys: must name at least one")
