"""Game day: cards play as the design's own events say, and the chain grades them."""

from dataclasses import replace

import numpy as np
import pytest

from hamodel import markov
from hamodel.architectures import Node, SinglePrimary
from hamodel.chain import Chain
from hamodel.simulation import play
from hamodel.units import DAY, HOUR, MINUTE
from lessons import deck, game_day, grading, incident
from lessons.deck import DECK, HAND, KINDS, Design
from lessons.grading import Game, bills
from lessons.incident import ACTS, FAIL_OVER, FENCE, SHED, WAIT

NAMED = {card.name: card for card in DECK}
PAIR = Design()


@pytest.fixture
def explorer():
    return game_day.lesson.explore()


# ---- the deck ----------------------------------------------------------------------


def test_the_same_seed_deals_the_same():
    assert deck.deal(5) == deck.deal(5)
    assert deck.deal(5) != deck.deal(6)
    assert len(set(deck.deal(5))) == 10
    assert deck.deal(deck.SEED) == HAND


@pytest.mark.parametrize("name", NAMED)
def test_every_card_plays_otherwise_on_another_design(name):
    """What a card costs is a matter of the design, not a number of the card."""
    others = [
        replace(PAIR, **change)
        for change in (
            {"kind": "majority"},
            {"rollback": 10},
            {"apps": 2},
            {"balancers": 1},
            {"kind": "majority", "apps": 2, "balancers": 1},
        )
    ]
    costs = {bills(design, NAMED[name])[WAIT] for design in (PAIR, *others)}
    assert len(costs) > 1


# ---- two roads ---------------------------------------------------------------------


PLAYED = [
    *(("pair", name) for name in NAMED),
    *((kind, card.name) for kind in KINDS[1:] for card in HAND[::3]),
]


@pytest.mark.parametrize(("kind", "name"), PLAYED)
def test_the_plays_agree_with_the_chain(kind, name):
    """The mean of 80 plays lies within four standard errors and a fiftieth."""
    design, card = Design(kind=kind, coverage=0.7), NAMED[name]
    runs = [incident.played(design, card, seed=k)[0].write for k in range(80)]
    error = 4 * np.std(runs) / np.sqrt(len(runs))
    mean = incident.expected(design, card).write
    # What happens less than once in 80 plays may not have happened.
    assert np.mean(runs) == pytest.approx(mean, abs=error + 0.02 * mean + 0.06)


def test_a_planted_error_is_seen():
    design, card = Design(coverage=0.7), NAMED["A host at 3 a.m."]
    runs = [incident.played(design, card, seed=k)[0].write for k in range(80)]
    error = 4 * np.std(runs) / np.sqrt(len(runs))
    wrong = incident.expected(replace(design, coverage=0.3), card).write
    assert abs(np.mean(runs) - wrong) > error + 0.02 * wrong + 0.06


@pytest.mark.parametrize("coverage", [0.0, 0.9, 0.99])
def test_the_host_at_night_by_another_reading_of_the_chain(coverage):
    """Down time of a day, by the integral of the exponential, for each outcome."""
    design = Design(coverage=coverage)
    part = design.architecture().model().parts[0]
    (clock,) = {
        e.clock for e in part.events(part.start) if e.clock.startswith("primary")
    }
    minutes = 0.0
    for event in part.events(part.start):
        if event.clock == clock and event.share:
            chain = Chain.explore(event.to, part.moves, up=lambda _: True)
            states = list(chain.states)
            rates = np.zeros((len(states),) * 2)
            for (a, b), rate in chain.rates.items():
                rates[states.index(a), states.index(b)] = rate
            down = [k for k, s in enumerate(states) if part.view(s).stopped]
            start = np.eye(len(states))[states.index(event.to)]
            share = markov.interval_unavailability(rates, start, down, [DAY])[0]
            minutes += event.share * share * DAY / MINUTE
    assert game_day.at_night(coverage) == pytest.approx(minutes, rel=0.01)


def test_the_host_at_night_on_paper():
    """Half a minute, the pager for the rest, and the other host in four hours."""
    second = 4 / 2000 * 4 * 60  # it fails meanwhile, and the crew mends one by one
    for coverage in (0.5, 0.9, 0.99):
        paper = game_day.on_paper(coverage, 30) + second
        assert game_day.at_night(coverage) == pytest.approx(paper, rel=0.05)


def test_a_hand_is_quicker_by_day_than_at_night_on_paper():
    """By day somebody acts within five minutes; at night as soon as the pager wakes."""
    design, second = Design(coverage=0.5), 4 / 2000 * 4 * 60
    by_day = bills(design, NAMED["A host in the rush"])[FAIL_OVER].write
    at_night = bills(design, NAMED["A host at 3 a.m."])[FAIL_OVER].write
    assert by_day == pytest.approx(game_day.on_paper(0.5, 5) + second, rel=0.05)
    assert at_night == pytest.approx(game_day.on_paper(0.5, 30) + second, rel=0.05)


@pytest.mark.parametrize("kind", KINDS)
def test_a_bad_deploy_on_paper(kind):
    found = bills(Design(kind=kind, rollback=20), NAMED["A bad deploy"])[WAIT]
    assert found.write == pytest.approx(20, rel=0.01)
    assert found.away == pytest.approx(1000 * 20 * 60, rel=0.01)


def test_writes_lost_on_paper():
    card = NAMED["A slow link"]
    costs = bills(PAIR, card)
    assert costs[FAIL_OVER].lost == 100 * 0.5 * 600
    assert costs[FENCE].lost == costs[WAIT].lost == 0
    assert bills(Design(fenced=0.9), card)[FAIL_OVER].lost == pytest.approx(3000)
    # A crash takes what is on the way: 100 writes a second, half of 20 ms.
    host = bills(PAIR, NAMED["A host at 3 a.m."])[WAIT]
    assert host.lost == pytest.approx(100 * 0.010, rel=0.01)


def test_shedding_turns_half_away_for_as_long_as_the_rush():
    card = NAMED["The sale opens"]
    costs = bills(Design(kind="majority"), card)
    assert costs[SHED].away == 0.5 * 1000 * card.load * card.lasts * MINUTE
    assert costs[SHED].write == 0
    # The rush lasts half an hour on average, and all are turned away meanwhile.
    wait = 1000 * card.load * card.lasts * MINUTE
    assert costs[WAIT].away == pytest.approx(wait, rel=0.01)


def test_what_a_card_does_not_touch_holds_still():
    model = incident.situation(PAIR, NAMED["A bad deploy"])
    moving = [p.name for p in model.leaves() if list(p.events(p.start))]
    assert moving == ["everywhere"]


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"coverage": 0.999}, NAMED),
        ({"on_call": 10}, NAMED),
        ({"rollback": 10}, NAMED),
        ({"apps": 4}, NAMED),
        ({"fail_safe": True}, ["An ill lease store"]),
    ],
)
def test_a_better_design_is_never_worse(change, names):
    for name in names:
        for act in ACTS:
            mine = bills(PAIR, NAMED[name])[act]
            better = bills(replace(PAIR, **change), NAMED[name])[act]
            # A race of a repair with the clients' way is exact for each state alone.
            assert better.write <= mine.write * (1 + 1e-5) + 1e-9, (name, act)
            assert better.away <= mine.away * (1 + 1e-5) + 1e-6, (name, act)


# ---- a run from a struck state -----------------------------------------------------


def test_a_run_counts_what_its_outages_say():
    model = incident.situation(PAIR, NAMED["A site at 3 a.m."])
    run = play(model, DAY, rng=4)
    for operation, causes in run.down.items():
        spells = [o.length for o in run.outages if o.operation == operation]
        assert sum(causes.values()) == pytest.approx(sum(spells) / 2)
    assert play(model, DAY, rng=4) == run
    assert [time for time, *_ in run.moves] == sorted(time for time, *_ in run.moves)


def test_an_outage_that_goes_on_is_cut():
    one = SinglePrimary(database=Node(mttf=1.0, mttr=1e9))
    run = play(one.model(), 100.0, rng=1)
    (write, read) = run.outages
    assert write.start + write.length == read.start + read.length == 100.0
    assert sum(run.down["write"].values()) == pytest.approx(write.length)


def test_a_run_takes_time():
    with pytest.raises(ValueError, match="seconds must be > 0"):
        play(PAIR.architecture().model(), 0)


# ---- the game ----------------------------------------------------------------------


def test_the_report_is_marked_by_the_models():
    acts = tuple(grading.best(PAIR, card) for card in HAND)
    means = tuple(bills(PAIR, c)[a].write for c, a in zip(HAND, acts, strict=True))
    game = Game(PAIR, acts=acts, guesses=means)
    assert game.scores() == (10, 10, 10)
    text = repr(game.report())
    assert text.count("| ✓ ") == 10
    assert "10 of 10 acts were right; of 10 guesses 10 came within" in text
    unsaid = Game(PAIR, acts=acts, guesses=(1.0, *(None,) * 9))
    assert "of 1 guesses 1 came within" in repr(unsaid.report())
    assert "no minutes were guessed" in repr(Game(PAIR).report())
    worst = Game(PAIR, acts=(SHED,) * 10, guesses=(1e4,) * 10)
    assert worst.scores() == (1, 0, 10)  # half of the rush is all that one site takes


def test_the_record_holds_what_was_chosen(tmp_path):
    design = replace(PAIR, coverage=0.98, on_call=12)
    page = Game(design).record("Tickets")
    for words in ("# Tickets", "98 % of the", "after 12 minutes", "12 nodes", "pair"):
        assert words in page.text
    assert all(kind in page.text for kind in KINDS)
    assert "majority: 18 nodes, which is over the budget" in page.text
    assert page.text.count("over the budget") == 1
    assert "if we wait, which is the best that a hand can do" in page.text
    shed = Game(design, acts=(SHED,) * 10).record().text
    assert "if we shed half; we should" in shed
    page.save(tmp_path / "decision.md")
    assert (tmp_path / "decision.md").read_text(encoding="utf-8") == page.text
    assert page._repr_markdown_() == page.text


def test_a_second_design_plays_the_same_cards():
    lean = Design(kind="majority", apps=2, balancers=1)
    one, other = Game(PAIR), Game(lean)
    assert one.hand().rows == other.hand().rows
    assert repr(one.report()) != repr(other.report())


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        (lambda: Game(Design(kind="majority")), "budget of 14 nodes, got 18"),
        (lambda: Game(PAIR, acts=("pray",) * 10), "act must be one of .*'pray'"),
        (lambda: Game(PAIR, acts=(WAIT,)), "acts must be 10, got 1"),
        (lambda: Design(kind="cloud"), "kind must be one of .*cloud"),
        (lambda: Design(on_call=0), "on_call must be above 0 minutes, got 0"),
        (lambda: Design(rollback=float("inf")), "rollback must be above 0"),
        (lambda: Design(coverage=1.2), None),
    ],
)
def test_what_cannot_be_is_refused(wrong, match):
    if match is None:
        with pytest.raises(ValueError, match="coverage must be in"):
            wrong().architecture()
    else:
        with pytest.raises(ValueError, match=match):
            wrong()


# ---- what to try, and the exercises ------------------------------------------------


def test_what_to_try_is_what_happens(explorer):
    usual = []
    for sample in range(1, 9):
        explorer.set(sample=sample)
        usual.append(explorer.result.bill.write)
    assert sum(w == pytest.approx(0.5, abs=0.01) for w in usual) >= 6
    mean = explorer.result.costs[WAIT].write
    assert not any(w == pytest.approx(mean, rel=0.2) for w in usual)
    explorer.reset()
    explorer.apply("Slow link")
    assert explorer.result.costs[FAIL_OVER].lost == 30_000
    explorer.set(act=FENCE)
    assert explorer.result.costs[FENCE].lost == 0
    assert explorer.result.costs[FENCE].write == pytest.approx(1.3, abs=0.05)
    explorer.reset()
    explorer.apply("Bad deploy")
    for kind in KINDS:
        explorer.set(kind=kind)
        assert explorer.result.costs[WAIT].write == pytest.approx(30, rel=0.01)
    explorer.reset()
    explorer.apply("Lost site, sale")
    costs = explorer.result.costs
    assert costs[WAIT].write > 70 * costs[SHED].write
    explorer.apply("Ill lease store")
    assert explorer.result.costs[WAIT].write == pytest.approx(60, rel=0.01)
    explorer.set(kind="majority")
    assert explorer.result.costs[WAIT].write == 0


def test_objectives_can_be_reached(explorer):
    explorer.apply("Lost site, sale")
    explorer.set(act=SHED)
    explorer.apply("Ill lease store")
    explorer.set(kind="majority")
    assert explorer.reached == set(explorer.objectives)


def test_presets_name_the_cards_that_they_show(explorer):
    shown = {
        "Slow link": "A slow link",
        "Bad deploy": "A bad deploy",
        "Lost site, sale": "A lost site on sale day",
        "Ill lease store": "An ill lease store",
    }
    for preset, name in shown.items():
        explorer.apply(preset)
        assert explorer.result.card.name == name


def test_drawn_outages_are_those_of_the_run(explorer):
    explorer.set(card=5, kind="majority")
    for one in explorer.result.run.outages:
        left = game_day.CLOCK(one.start)
        wide = max(game_day.CLOCK(one.start + one.length) - left, 1.5)
        assert f'x="{left:.1f}"'.replace(".0", "") in explorer.svg
        assert f'width="{wide:.1f}"'.replace(".0", "") in explorer.svg


def test_own_pager():
    found = game_day.own(12, 20)
    assert list(found.values()) == pytest.approx([240, 2.4])
    assert "above it" in game_day.lesson.mine(pages=3, minutes=0).words


def test_hours_of_the_lease_store_are_its_own():
    store = PAIR.architecture().depends_on[0]
    assert store.mttr == HOUR
    assert bills(PAIR, NAMED["An ill lease store"])[WAIT].write == pytest.approx(
        60, rel=0.01
    )


def test_a_page_that_was_written_on_is_not_overwritten(tmp_path):
    page, path = Game(Design()).report(), tmp_path / "report.md"
    page.save(path)
    page.save(path)  # the same again
    path.write_text("# Ours\n", encoding="utf-8")
    with pytest.raises(FileExistsError, match=r"report\.md says something else"):
        page.save(path)
    assert path.read_text(encoding="utf-8") == "# Ours\n"


def test_an_act_that_is_a_slip_away_is_offered():
    acts = ("wait",) * 9 + ("failover",)
    with pytest.raises(ValueError, match="got 'failover'; did you mean 'fail over'"):
        Game(Design(), acts=acts)
