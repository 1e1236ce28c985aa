"""Lesson 02 shows what the package computes, and what was worked out on paper."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hamodel.units import HOUR, YEAR
from lessons import find_the_spof as lesson
from lessons.find_the_spof import APPS
from tests.support.svg_pictures import texts

PER_YEAR = YEAR / HOUR
UP = st.floats(99, 99.999)


@pytest.fixture(scope="module")
def explorer():
    return lesson.lesson.explore()


@pytest.fixture(autouse=True)
def _progress(tmp_path, monkeypatch):
    monkeypatch.setenv("HAMODEL_PROGRESS", str(tmp_path / "progress.json"))


def by_hand(servers, app, balancer, database):
    """Return the shop's unavailability: a product, and a power."""
    up = balancer / 100 * database / 100
    return 1 - up * (1 - (1 - app / 100) ** servers)


# ---- the model ---------------------------------------------------------------------


@given(st.integers(1, 5), UP, UP, UP)
def test_the_model_is_what_paper_says(servers, app, balancer, database):
    found = lesson.shop(servers, balancer, app, database)
    paper = by_hand(servers, app, balancer, database)
    assert found.unavailability == pytest.approx(paper, rel=1e-9, abs=1e-14)


@given(st.integers(1, 5), UP, UP, UP)
def test_shares_by_taking_boxes_away(servers, app, balancer, database):
    """What a perfect box, or a second one, takes away, by the formula on paper."""
    found = lesson.shop(servers, balancer, app, database)
    settings = (servers, app, balancer, database)
    total = by_hand(*settings)
    perfect = (
        by_hand(servers, app, 100, database),
        by_hand(servers, 100, balancer, database),
        by_hand(servers, app, balancer, 100),
    )
    caused = [(total - without) / total for without in perfect]
    assert list(found.shares().values()) == pytest.approx(caused, rel=1e-7, abs=1e-9)

    def twice(up):
        return 100 - (100 - up) ** 2 / 100

    second = (
        by_hand(servers, app, twice(balancer), database),
        by_hand(servers + 1, app, balancer, database),
        by_hand(servers, app, balancer, twice(database)),
    )
    saved = [(total - after) / total for after in second]
    shares = found.shares(lesson.SAVED)
    assert list(shares.values()) == pytest.approx(saved, rel=1e-7, abs=1e-9)


@given(st.integers(1, 5), UP, UP, UP)
def test_birnbaum_is_a_slope(servers, app, balancer, database):
    """The unavailability is linear in each box, so two points give its slope."""
    found = lesson.shop(servers, balancer, app, database)
    whole, slopes = found.structure, found.shares(lesson.DECIDES)
    for name, slope in slopes.items():
        down, up = (whole.unavailability(found.down | {name: q}) for q in (1.0, 0.0))
        assert slope == pytest.approx(down - up, rel=1e-9, abs=1e-13)


def test_a_perfect_shop_has_nothing_to_share():
    perfect = lesson.shop(2, 100, 100, 100)
    for bars in (lesson.CAUSED, lesson.SAVED):
        assert set(perfect.shares(bars).values()) == {0}


def test_what_would_stop_the_shop_now_by_trying_all():
    for servers in (1, 3):
        names = lesson.path(servers).components
        for size in range(len(names) + 1):
            for failed in itertools.combinations(names, size):
                found = lesson.shop(servers, failed=failed)
                assert found.works is serves(servers, failed)
                left = [n for n in names if n not in failed] if found.works else []
                fatal = tuple(n for n in left if not serves(servers, {*failed, n}))
                assert found.alone == fatal


def serves(servers, failed):
    """Return whether requests get through, in words and not by the package."""
    apps = [name for name in APPS[:servers] if name not in failed]
    return bool(apps) and not {"balancer", "database"} & set(failed)


def test_what_is_not_bought_cannot_fail():
    assert lesson.shop(1, failed=("app2", "app3")).failed == frozenset()


def test_the_shop_of_the_course_has_three_servers():
    assert lesson.path().components == ("balancer", *APPS[:3], "database")
    assert lesson.shop().structure.components == lesson.path().components


def test_boxes_that_are_never_up():
    assert lesson.shop(2, 0, 0, 0).unavailability == 1


# ---- the sentence ------------------------------------------------------------------


UP_OF = "the balancer or the database alone would stop it."


@pytest.mark.parametrize(
    ("setting", "start"),
    [
        ({}, f"Nothing has failed and the shop is up; {UP_OF}"),
        (
            {"servers": 1},
            "Nothing has failed and the shop is up; the balancer, app1 or the database "
            "alone would stop it.",
        ),
        ({"servers": 1, "failed": ("app1",)}, "App1 has failed and the shop is down."),
        ({"failed": ("app2",)}, f"App2 has failed and the shop is up; {UP_OF}"),
        (
            {"failed": ("app1", "app3")},
            "App1 and app3 have failed and the shop is up; the balancer, app2 or the "
            "database alone would stop it.",
        ),
        (
            {"failed": ("database", "balancer")},
            "The balancer and the database have failed and the shop is down.",
        ),
        (
            {"failed": ("database", "app5")},
            "The database has failed and the shop is down.",
        ),
    ],
)
def test_sentence_says_what_is_the_case_now(explorer, setting, start):
    explorer.reset()
    explorer.set(**{"servers": 3} | setting)
    assert explorer.sentence.startswith(start)
    down = "the shop is down" in start
    assert (">the shop is down<" in explorer.svg) is down


def test_the_servers_are_named_where_no_bar_can_show_them(explorer):
    """Three at once are down for milliseconds; each setting of theirs is told."""
    explorer.reset()
    told = set()
    for servers in range(1, 6):
        explorer.set(servers=servers)
        told.add(
            explorer.sentence.rpartition(" for the app servers")[0].split(", ")[-1]
        )
    assert len(told) >= 4


# ---- the picture -------------------------------------------------------------------


def test_the_boxes_are_the_control(explorer):
    explorer.reset()
    explorer.set(servers=3)
    failed = explorer.controls["failed"]
    assert set(failed.places) == {"balancer", "database", *APPS}
    named = {
        words: box
        for words, box in reversed(texts(explorer.svg))
        if words in failed.places
    }
    for name, (x0, y0, x1, y1) in named.items():
        left, top, width, height = failed.places[name]
        assert left <= x0 < x1 <= left + width
        assert top <= y0 < y1 <= top + height
        assert min(width, height) >= 24, "large enough to be hit"
    failed.buttons["database"].click()
    assert "The database has failed and the shop is down." in explorer.sentence
    failed.buttons["database"].click()
    assert "Nothing has failed" in explorer.sentence


def test_only_bought_servers_can_be_pressed(explorer):
    explorer.reset()
    buttons = explorer.controls["failed"].buttons
    hidden = {n for n, b in buttons.items() if b.layout.visibility == "hidden"}
    assert hidden == set(APPS[1:])
    explorer.set(servers=3)
    hidden = {n for n, b in buttons.items() if b.layout.visibility == "hidden"}
    assert hidden == set(APPS[3:])


def test_no_green_wire_leads_into_what_has_failed(explorer):
    explorer.reset()
    explorer.set(servers=3)
    whole = explorer.svg.count('stroke="#009e73"')
    assert whole == 7
    explorer.set(failed=("app1",))
    assert explorer.svg.count('stroke="#009e73"') == whole - 2
    explorer.set(failed=("balancer",))
    assert explorer.svg.count('stroke="#009e73"') == 0
    explorer.reset()


def bars(svg):
    """Return (start, width) of each bar, from the top down and from left to right."""
    found = re.findall(r'<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)"[^>]*url', svg)
    return [(float(x), float(w)) for x, y, w in found if float(y) > 190]


def test_bars_end_where_their_hours_are(explorer):
    explorer.reset()
    for setting in ({"servers": 1}, {"servers": 1, "app": 99.8, "database": 99.9}):
        explorer.set(**setting)
        found = explorer.result
        hours = [found.hours * share for share in found.shares().values()]
        wide = [lesson.HOURS(h) - 170 for h in hours]
        drawn = bars(explorer.svg)
        assert [w for _, w in drawn[:3]] == pytest.approx(wide, abs=0.06)
        assert [w for _, w in drawn[3:]] == pytest.approx(wide, abs=0.06), "stacked"
        ends = [170, lesson.HOURS(hours[0]), lesson.HOURS(hours[0] + hours[1])]
        assert [x for x, _ in drawn[3:]] == pytest.approx(ends, abs=0.06)
    explorer.set(servers=1, app=99.8, balancer=99.9, database=99.9)
    assert explorer.result.hours < lesson.HOURS.high, "the axis holds every setting"
    explorer.reset()


def test_what_to_try_is_what_happens(explorer):
    explorer.reset()
    explorer.apply("Three app servers")
    explorer.set(failed=APPS[:2])
    assert "app3" in explorer.result.alone
    explorer.reset()
    before = explorer.result
    explorer.apply("Five app servers")
    after = explorer.result
    assert after.hours * after.shares()["app1"] < 1e-9
    kept = after.hours * after.shares()["database"]
    assert kept == pytest.approx(before.hours * before.shares()["database"], rel=2e-3)
    explorer.apply("Three app servers")
    explorer.apply("What would you buy?")
    saved = explorer.result.shares(lesson.SAVED)
    assert saved["balancer"] == pytest.approx(saved["database"], rel=1e-9)
    explorer.apply("Better database")
    saved = explorer.result.shares(lesson.SAVED)
    assert saved["balancer"] == pytest.approx(5 * saved["database"], rel=2e-2)
    explorer.set(bars=lesson.DECIDES)
    slopes = set()
    for up in (99.99, 99.9):
        explorer.set(database=up)
        slopes.add(round(explorer.result.shares(lesson.DECIDES)["database"], 12))
    assert len(slopes) == 1
    explorer.reset()


def test_the_shares_are_one_bar_that_always_adds_up():
    guess = lesson.lesson.predict()
    assert guess.bar == ""
    moves = [
        ("balancer", 50),
        ("app1", 7),
        ("database", 90),
        ("app1", 100),
        ("app1", 3),
    ]
    for name, value in moves:
        guess.fields[name].value = value
        shares = {n: control.value for n, control in guess.fields.items()}
        assert shares[name] == value
        assert sum(shares.values()) == 100
        assert min(shares.values()) >= 0
        assert f"{value:g} %" in guess.bar
    guess.commit()
    assert guess.guess == shares
    assert lesson.lesson.predict().guess == shares, "as it was, not shared anew"


def test_own_chain():
    assert lesson.own(a=99.0, b=99.0)["hours a year"] == pytest.approx(0.0199 * 8760)


# ---- prediction and exercises ------------------------------------------------------


def test_references_on_paper():
    assert lesson.ask_chain.reference() == pytest.approx(
        (1 - 0.999**7) * PER_YEAR, rel=1e-9
    )
    assert lesson.ask_contract.reference() == pytest.approx(
        by_hand(3, 99.5, 99.95, 99.5) * PER_YEAR, rel=1e-9
    )
    found = {frozenset(s) for s in lesson.ask_cut_sets.reference()}
    assert found == {
        frozenset({"dns"}),
        frozenset({"web1", "web2"}),
        frozenset({"cache", "database"}),
    }
    assert lesson.ask_hidden.reference() == ("dns", "config", "vault")


def test_purchases_on_paper():
    """With the database at 99.9 %, a second copy of each saves this many hours."""
    start = by_hand(3, 99.9, 99.95, 99.9)
    after = {
        "balancer": by_hand(3, 99.9, 100 - 0.05**2 / 100, 99.9),
        "app1": by_hand(4, 99.9, 99.95, 99.9),
        "database": by_hand(3, 99.9, 99.95, 100 - 0.1**2 / 100),
    }
    best = lesson.ask_code.reference()
    for budget in (25, 39, 40, 159, 160, 1000):
        within = [name for name, euros in lesson.EUROS.items() if euros <= budget]
        assert best(budget) == max(within, key=lambda name: start - after[name])


@pytest.mark.parametrize(
    ("answer", "verdict", "words"),
    [
        ([["dns"], ["web2", "web1"], ("database", "cache")], "right", ""),
        (["dns", "web1"], "wrong", "Each cut set is a set of names"),
        ([{"dns"}, {"web1", "web2"}], "wrong", "1 is missing"),
        ({"dns": 1}, "unreadable", "not a mapping"),
    ],
)
def test_cut_sets_are_read_in_any_order(answer, verdict, words):
    said = lesson.ask_cut_sets.check(answer)
    assert said.verdict == verdict
    assert words in said.words


def test_a_function_must_name_a_box():
    said = lesson.ask_code.check(lambda _: "lamp")
    assert said.verdict == "wrong"
    assert "'lamp' is none of balancer, app1, database" in said.words
    assert "A function is wanted" in lesson.ask_code.check("database").words


def test_one_name_is_a_list_of_one():
    assert lesson.ask_hidden.check("dns").verdict == "wrong"
    assert lesson.ask_hidden.check({"vault", "dns", "config"}).verdict == "right"
