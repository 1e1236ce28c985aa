"""Failover: what the mechanisms must give, and the second road to each."""

import itertools
import warnings

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from hamodel import catalogue, duration
from hamodel.failover import (
    Dns,
    Driver,
    Failback,
    Failover,
    Heartbeat,
    Lease,
    Promotion,
    ProxyCheck,
    SplitBrain,
    Switchover,
    VirtualIp,
)
from hamodel.units import YEAR
from tests.support.reference import answer

GRID = np.linspace(0, 1, 101)


def close(expected, rel=1e-12):
    return pytest.approx(expected, rel=rel, abs=0)


def uniform_on(law, low, high):
    """Tell whether a law is uniform, from its distribution function."""
    t = low + GRID * (high - low)
    return np.allclose(law.cdf(t), GRID, rtol=0, atol=1e-9)


# --- mechanisms -------------------------------------------------------------------


@given(st.floats(0.1, 100), st.integers(1, 20), st.floats(0, 5))
def test_watchdog(interval, misses, timeout):
    law = Heartbeat(interval=interval, misses=misses, timeout=timeout).duration
    low = (misses - 1) * interval + timeout
    assert uniform_on(law, low, low + interval)
    assert law.mean == close((misses - 0.5) * interval + timeout, 1e-9)


def beats_until_noticed(rng, heartbeat, runs):
    """Play beats, lose some, crash at a random moment; times to the k-th miss.

    A false alarm on the way is a failover, after which the count begins anew.
    """
    k, loss = heartbeat.misses, heartbeat.loss
    found = []
    for _ in range(runs):
        crash = rng.uniform(50, 51)
        lost = rng.random(51) < loss
        count = 0
        for beat in range(1, 51):
            count = count + 1 if lost[beat] else 0
            count = 0 if count == k else count
        found.append((50 + k - count - crash) * heartbeat.interval)
    return np.array(found)


def test_watchdog_that_loses_beats():
    heartbeat = Heartbeat(interval=2.0, misses=3, loss=0.4)
    drawn = beats_until_noticed(np.random.default_rng(3), heartbeat, 20_000)
    law = heartbeat.duration
    assert law.mean == pytest.approx(drawn.mean(), abs=4 * drawn.std() / 141)
    for t in (1, 2, 3, 4, 5):
        assert law.cdf(t) == pytest.approx(np.mean(drawn <= t), abs=4 * 0.5 / 141)
    plain = Heartbeat(interval=2.0, misses=3).duration.mean
    assert abs(plain - drawn.mean()) > 20 * drawn.std() / 141


def test_patroni_loses_its_lease():
    ttl, loop = (catalogue.fact(f).in_base() for f in ("FO-001", "FO-002"))
    assert uniform_on(Lease(ttl=ttl, loop_wait=loop, tick=0).duration, 20, 30)
    polled = Lease(watch=False, tick=0).duration
    assert polled.mean == close(30)
    assert polled.support == (20, 40)
    whole = Failover(detection=Lease(tick=0), promotion=2)
    assert whole.outage == catalogue.fact("FO-008").value


def test_the_store_sees_an_expired_lease_at_its_next_look():
    rng = np.random.default_rng(8)
    renewed, phase = rng.uniform(0, 10, 50_000), rng.uniform(0, 0.5, 50_000)
    expiry = 30 - renewed
    seen = phase + np.ceil((expiry - phase) / 0.5) * 0.5
    law = Lease().duration
    assert law.support == (20, 30.5)
    assert law.mean == pytest.approx(seen.mean(), abs=0.05)
    for t in (20.2, 21, 25, 30, 30.3):
        assert law.cdf(t) == pytest.approx(np.mean(seen <= t), abs=0.01)


@pytest.mark.parametrize(
    ("given", "runs"),
    [
        ((5, 1, 3), (20, 1, 3)),
        ((30, 10, 10), (30, 10, 10)),
        ((30, 10, 12), (30, 6, 12)),
        ((20, 10, 20), (20, 1, 9)),
        ((25, 0.5, 1), (25, 1, 3)),
        ((10.5, 10, 0.2), (20, 10, 3)),
    ],
)
def test_a_release_that_adjusts_its_settings(given, runs):
    """The examples follow config.py of Patroni 4.1 by hand."""
    names = ("ttl", "loop_wait", "retry_timeout")
    fields = dict(zip(names, given, strict=True))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        new, old = Lease(**fields, version=4.1), Lease(**fields, version=3.0)
    assert new.effective == runs
    assert old.effective == given
    assert new.duration.support == (runs[0] - runs[1], runs[0] + 0.5)
    if given[0] < given[1] + 2 * given[2]:
        with pytest.warns(UserWarning, match=r"Patroni takes .* = \(\d+, \d+, \d+\)"):
            Lease(**fields, version=4.1)
        with pytest.warns(UserWarning, match="may lose the lock in a retry") as told:
            Lease(**fields)
        assert told[0].filename == __file__


def test_a_leader_that_is_asked_to_stop_gives_a_second_more_from_some_release_on():
    """Half a second of its API, one of PostgreSQL, and one more from 3.2.1 on."""
    for lease, most in (
        (Lease(stopped=True, version=3.1), 1.5),
        (Lease(stopped=True, version=4.1), 2.5),
        (Lease(stopped=True, ttl=29, loop_wait=9), 2.5),
        (Lease(stopped=True, loop_wait=0.5, retry_timeout=10), 1.5),  # 4.1 has 1 s
    ):
        assert lease.duration.support == (most - 0.5, most)


def given_up(limit, stores, opens, rng):
    """Play Patroni's tries of a store that does not answer (etcd.py of 4.1)."""

    def shared(count, left):
        most, tries = 4 - min(count, 3), 1
        while count > 0:
            each = left / count
            if each >= 1:
                while tries < most and each / (tries + 1) >= 1:
                    tries += 1
                return count, each / tries, tries
            count, most = count - 1, 1
        return 0, 0.0, 0

    now, delay, first = 0.0, 0.1, True
    count, each, tries = shared(stores, limit)
    while count:
        connect = max(1.0, each / 2)
        for _ in range(count):
            now += each if first or opens else min(connect, each) * tries
            first = False
        pause = delay + rng.integers(0, 81) / 100
        count, each, tries = shared(stores, limit - pause - now)
        if count:
            now, delay = now + pause, min(2 * delay, 1.0)
    return now


@pytest.mark.parametrize(
    ("limit", "stores", "opens"), [(5, 1, True), (10, 4, False), (4, 2, False)]
)
def test_a_leader_that_is_cut_off_gives_up_before_its_time_is_over(
    limit, stores, opens
):
    rng = np.random.default_rng(11)
    drawn = [
        rng.uniform(0, 4) + given_up(limit, stores, opens, rng) for _ in range(4000)
    ]
    lease = Lease(ttl=40, loop_wait=4, retry_timeout=limit)
    law = lease.demotion(stores, opens=opens)
    assert law.quantile([0.05, 0.5, 0.95]) == pytest.approx(
        np.quantile(drawn, [0.05, 0.5, 0.95]), rel=0.03
    )
    assert law.support[1] <= 4 + limit


def test_a_leader_that_is_cut_off_pauses_for_a_tenth_to_nine_tenths_of_a_second():
    """Three stores leave 1.9 s of 5.85 s, or a hair less: one more may be asked."""
    for limit, asked in ((5.8501, 1.0), (5.8485, 1 - 1 / 81), (4.6575, 1 / 81)):
        lease = Lease(ttl=40, loop_wait=1e-9, retry_timeout=limit)
        law = lease.demotion()
        again = 1 - law.cdf(limit / 3 + 2 + 0.02)
        assert again == pytest.approx(asked, abs=0.006)
    assert law.mean == lease.demotion(3, opens=False).mean


def test_pauses_of_a_leader_that_is_cut_off_double_up_to_a_second():
    """What is left unused of 200 s tells: each of some eight rounds takes half."""
    rng = np.random.default_rng(12)
    left = [200 - given_up(200, 1, False, rng) for _ in range(2000)]
    law = Lease(ttl=900, loop_wait=1e-9, retry_timeout=200).demotion(1)
    assert 200 - law.mean == pytest.approx(np.mean(left), abs=0.06)
    assert 200 - law.quantile(0.1) == pytest.approx(np.quantile(left, 0.9), abs=0.06)


def test_lease_and_watchdog_accept_symbols():
    ttl, loop, k = sympy.symbols("ttl loop k", positive=True)
    assert sympy.simplify(
        Lease(ttl=ttl, loop_wait=loop, tick=0).duration.mean - ttl
    ) == (-loop / 2)
    assert Lease(ttl=ttl, version=4.1).effective == (ttl, 10, 10)
    beat = Heartbeat(interval=loop, misses=k)
    assert sympy.simplify(beat.duration.mean - (k - sympy.Rational(1, 2)) * loop) == 0


@given(st.floats(0.1, 60), st.integers(1, 9))
def test_proxy_check(interval, rise):
    law = ProxyCheck(interval=interval, rise=rise).duration
    assert uniform_on(law, (rise - 1) * interval, rise * interval)


def test_proxy_marks_the_old_primary_down():
    f = {n: catalogue.fact(n) for n in ("FO-073", "FO-074", "FO-075")}
    check = ProxyCheck(interval=f["FO-073"].value, fall=int(f["FO-074"].value))
    assert check.marks_down.support == (f["FO-075"].low, f["FO-075"].high)


def test_dns():
    fact = catalogue.fact("FO-082")
    name = Dns(interval=30, threshold=3, ttl=60)
    assert (name.detection + name.duration).support == (60, fact.value)
    fast = Dns(interval=10, threshold=3, ttl=60)
    assert (fast.detection + fast.duration).support[1] == fact.low
    mixed = Dns(ttl=60, ignoring=0.05, kept=1800).duration
    assert mixed.mean == close(0.95 * 30 + 0.05 * 900)
    assert mixed.sf(60) == close(0.05 * (1 - 60 / 1800), 1e-9)
    assert Dns(ttl=60, ignoring=1, kept=100).duration.mean == close(50)


def test_virtual_ip():
    law = VirtualIp(takeover=1, stale=0.2, cache=50).duration
    assert law.mean == close(1 + 0.2 * 25)
    assert law.cdf(1) == close(0.8)
    assert VirtualIp(takeover=1).duration.quantile(1) == 1
    assert VirtualIp(takeover=1, stale=1, cache=50).duration.mean == close(26)


def test_promotion_is_a_mixture():
    lag = duration.exponential(10)
    law = Promotion(
        usual=2, lag=lag, replay_speed=5, slow=300, slow_probability=0.01
    ).duration
    assert law.mean == close(0.99 * 2 + 0.01 * 300 + 10 / 5)
    assert law.sf(100) == pytest.approx(0.01, rel=1e-6)
    assert law.cdf(4) == pytest.approx(0.99 * (1 - np.exp(-1)), rel=1e-6)
    assert Promotion(usual=2, slow=9, slow_probability=1).duration.mean == close(9)


def round_trips(rng, ready, *, start, dead, retry):
    """Play a client that goes round its hosts, the dead one first if there is one."""
    now, wait = start, retry
    while True:
        now += dead
        if now >= ready:
            return now
        now += rng.uniform(0, wait) if wait else 1e-4
        wait = min(2 * wait, 4 * retry)


def test_driver():
    ready = duration.uniform(5, 15)
    quick = Driver(tcp_user_timeout=10, reset=1, dead_first=0).after(ready)
    assert uniform_on(quick, 5, 15)
    patient = Driver(tcp_user_timeout=60, reset=0, connect_timeout=2, dead_first=0.5)
    law = patient.after(ready)
    assert law.mean == pytest.approx(61.4, abs=1.1)  # a jiffy of 60 s is a long one
    assert law.cdf(60.4) == 0
    mixed = Driver(
        tcp_user_timeout=8,
        reset=0.3,
        connect_timeout=4,
        dead_first=0.25,
        retry=1,
        longest_retry=4,
        jitter=True,
    )
    rng = np.random.default_rng(5)
    drawn = np.array(
        [
            round_trips(
                rng,
                rng.uniform(5, 15),
                start=0 if rng.random() < 0.3 else 8.4 + rng.uniform(0, 0.032),
                dead=4 if rng.random() < 0.25 else 0,
                retry=1,
            )
            for _ in range(20_000)
        ]
    )
    law = mixed.after(ready)
    assert law.mean == pytest.approx(drawn.mean(), abs=0.1)
    for p in (0.1, 0.5, 0.9, 0.99):
        assert law.quantile(p) == pytest.approx(np.quantile(drawn, p), rel=0.03)


def test_a_driver_without_settings_waits_for_the_kernel():
    """Repetitions after 0.2, 0.4, ... up to 120 s: 15 of them and the last wait."""
    waits = [min(0.2 * 2**k, 120) for k in range(16)]
    deaf = Driver(tcp_user_timeout=None, connect_timeout=None, dead_first=1)
    assert deaf.noticed.mean == close(sum(waits), 1e-3)
    # a timeout that would end only after those changes nothing
    assert Driver(tcp_user_timeout=sum(waits) - 0.3).silent.std == 0
    assert Driver(tcp_user_timeout=8, reset=1).noticed.mean == 0
    # from Linux 6.5 on four more, after 1 s each, before those after 1, 2, ... 64 s
    linear = [1] * 4 + [1 * 2**k for k in range(7)]
    assert deaf.patience == sum(linear)
    older = Driver(
        tcp_user_timeout=None, connect_timeout=None, dead_first=1, syn_timeout=127
    )
    assert older.patience == sum(2**k for k in range(7))
    assert deaf.after(duration.constant(2)).mean == close(sum(waits) + 131, 1e-3)


def test_waits_between_rounds_double_up_to_the_longest():
    """Rounds 0, 1, 3, 7, 11 and 15 s after the failure; none of them is long."""
    client = Driver(tcp_user_timeout=8, reset=1, dead_first=0, retry=1, longest_retry=4)
    for ready, met in ((0.5, 1), (2, 3), (6, 7), (8, 11), (14, 15)):
        law = client.after(duration.constant(ready))
        assert law.support == pytest.approx((met, met))


def test_the_user_timeout_limits_an_attempt_to_connect():
    hasty = Driver(tcp_user_timeout=1, connect_timeout=2, dead_first=1)
    assert hasty.patience == 1
    # noticed after 1.4 s, and the dead host is asked until 2.4 s
    assert hasty.after(duration.constant(1.6)).mean == pytest.approx(2.416)
    late = hasty.after(duration.constant(3.0))
    assert late.mean == pytest.approx(3.416)  # the second round meets it


# --- the whole failover -----------------------------------------------------------


def test_published_recovery_time():
    record = answer("failover", "pub-rto-01")
    rates = record["params"]["stage_rates"]
    whole = Failover(
        detection=duration.erlang(3, 3 / rates[0]),
        fencing=duration.exponential(1 / rates[3]),
        promotion=duration.exponential(1 / rates[4]),
    )
    assert whole.duration.quantile(0.95) == close(record["value"], record["rtol"])
    assert whole.outage == close(sum(1 / r for r in rates))


def patroni(**fields):
    return Failover(
        **(
            {
                "detection": Lease(),
                "fencing": 1,
                "promotion": Promotion(
                    usual=duration.lognormal(mean=2, cv=0.5),
                    slow=60,
                    slow_probability=0.02,
                ),
                "redirection": ProxyCheck(interval=2, rise=2),
            }
            | fields
        )
    )


def test_the_whole_is_the_sum_of_its_stages():
    model = patroni()
    rng = np.random.default_rng(11)
    n = 200_000
    slow = rng.random(n) < 0.02
    sigma = np.sqrt(np.log(1.25))
    usual = rng.lognormal(np.log(2) - sigma**2 / 2, sigma, n)
    drawn = rng.uniform(20, 30, n) + rng.uniform(0, 0.5, n) + 1
    drawn += np.where(slow, 60, usual)
    drawn += rng.uniform(2, 4, n)
    assert model.outage == pytest.approx(drawn.mean(), abs=0.1)
    assert model.outage == close(model.duration.mean, 1e-6)
    assert model.outage - model.ready.mean == close(3, 1e-6)  # until led over
    for t in (25, 30, 35, 60, 90):
        assert model.within(t) == pytest.approx(np.mean(drawn <= t), abs=0.005)
    for p in (0.05, 0.5, 0.95):
        assert model.duration.quantile(p) == pytest.approx(
            np.quantile(drawn, p), abs=0.1
        )


def test_percentiles_of_stages_do_not_add():
    model = patroni()
    apart = sum(law.quantile(0.95) for law in model.by_stage.values())
    assert model.duration.quantile(0.95) < apart - 1


def test_stages_and_sample():
    model = patroni(fencing=0)
    spans = model.sample(np.random.default_rng(2))
    assert [s.stage for s in spans] == ["detection", "promotion", "redirection"]
    assert spans[0].begin == 0
    assert all(a.end == b.begin for a, b in itertools.pairwise(spans))
    assert spans == model.sample(np.random.default_rng(2))
    means = np.mean(
        [model.sample(np.random.default_rng(k))[-1].end for k in range(400)]
    )
    assert means == pytest.approx(model.outage, abs=4 * 9 / 20)


def test_a_notebook_shows_the_stages():
    shown = patroni(manual=1800)._repr_html_()
    assert "<td>25.2 s</td>" in shown
    assert "<td>30 min</td>" in shown
    x = sympy.Symbol("x", positive=True)
    assert "x + 2" in Failover(detection=x, promotion=2)._repr_html_()
    assert "[1. 2.]" in Failover(detection=[1.0, 2.0])._repr_html_()


def test_a_client_that_waits_for_the_kernel():
    model = Failover(detection=10, redirection=Dns(ttl=60))
    driver = Driver(tcp_user_timeout=100, dead_first=0)
    assert model.for_client(driver).quantile(0.9) == pytest.approx(100.4, abs=2.1)


def test_arrays_and_symbols_pass_through():
    grid = np.array([0.0, 5.0, 10.0])
    model = Failover(detection=grid, promotion=2)
    assert model.outage.tolist() == [2, 7, 12]
    assert model.duration.mean.tolist() == [2, 7, 12]
    stack = Failover(detection=Heartbeat(interval=grid + 1, misses=3), promotion=2)
    assert stack.outage.tolist() == [4.5, 17, 29.5]
    x = sympy.Symbol("x", positive=True)
    assert Failover(detection=x, promotion=2).outage == x + 2


def test_the_exponential_assumption_costs_the_tail():
    model = Failover(detection=duration.uniform(20, 40))
    chain = duration.exponential(model.outage)
    assert chain.sf(90) == pytest.approx(0.05, abs=0.001)
    assert model.duration.sf(90) == 0


# --- aftermath --------------------------------------------------------------------


def test_split_brain():
    split = SplitBrain(
        false_failovers=3 / YEAR,
        fencing=0.9,
        write_rate=100,
        astray=0.25,
        mean_length=40,
    )
    assert split.rate * YEAR == close(0.3)
    assert split.writes_lost == close(1000)
    assert split.loss_rate * YEAR == close(300)


def test_split_brain_reads_arrays_and_symbols():
    fencing, rate = sympy.symbols("f r", positive=True)
    formula = SplitBrain(false_failovers=rate, fencing=fencing, write_rate=10)
    assert sympy.simplify(formula.rate - rate * (1 - fencing)) == 0
    swept = SplitBrain(false_failovers=1e-9, fencing=[0.0, 0.5, 1.0], write_rate=10)
    assert swept.rate == pytest.approx([1e-9, 5e-10, 0], rel=1e-12)


def test_switchover_and_failback():
    planned = Switchover(
        drain=duration.uniform(0, 2), catch_up=1, promotion=2, redirection=0.5
    )
    assert uniform_on(planned.duration, 3.5, 5.5)
    back = Failback(resync=duration.exponential(3600), switchover=planned)
    assert back.switchover.duration.mean == close(4.5, 1e-9)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Failover(detection=-1), "detection must be >= 0 and finite, got -1"),
        (lambda: Failover(coverage=1.2), r"coverage must be in \[0, 1\], got 1.2"),
        (lambda: Failover(manual=-3), "manual must be >= 0 and finite, got -3"),
        (lambda: Failover(promotion="2 %"), "promotion must be a time, .*got '2 %'"),
        (lambda: Heartbeat(interval=0), "interval must be > 0 and finite, got 0"),
        (lambda: Heartbeat(interval=1, misses=0), "misses must be a whole number"),
        (lambda: Heartbeat(interval=1, misses=1.5), "misses must be a whole number"),
        (lambda: Heartbeat(interval=1, loss=1), r"loss must be in \[0, 1\), got 1"),
        (lambda: Heartbeat(interval=1, timeout=-1), "timeout must be >= 0"),
        (lambda: Lease(ttl=9), "loop_wait must be <= ttl = 9, got 10"),
        (lambda: Lease(loop_wait=0), "loop_wait must be > 0"),
        (lambda: ProxyCheck(rise=0), "rise must be a whole number >= 1, got 0"),
        (lambda: Dns(ignoring=2), r"ignoring must be in \[0, 1\], got 2"),
        (lambda: Dns(ttl=0), "ttl must be > 0 and finite, got 0"),
        (lambda: VirtualIp(takeover=-1), "takeover must be >= 0"),
        (lambda: Promotion(usual=1, replay_speed=0), "replay_speed must be > 0"),
        (lambda: Promotion(usual=1, slow_probability=2), "slow_probability must be in"),
        (lambda: Driver(tcp_user_timeout=-1), "tcp_user_timeout must be >= 0"),
        (lambda: Driver(tcp_user_timeout=1, reset=2), "reset must be in"),
        (
            lambda: SplitBrain(false_failovers=-1, fencing=1, write_rate=1),
            "false_failovers must be >= 0",
        ),
        (
            lambda: SplitBrain(false_failovers=1, fencing=3, write_rate=1),
            "fencing must be in",
        ),
        (lambda: Switchover(drain=-1), "drain must be >= 0"),
        (lambda: Failback(resync=1, switchover=3), "switchover must be a Switchover"),
    ],
)
def test_bad_input(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_jitter_is_any_part_of_the_pause_between_two_tries():
    """Each try waits for half of two seconds: a random moment is one second off."""
    ready = duration.uniform(100, 200)
    given = {"tcp_user_timeout": 1, "reset": 1, "dead_first": 0, "retry": 2.0}
    whole, part = (Driver(**given, jitter=j).after(ready).mean for j in (False, True))
    # what is left of U(0, 2): E w^2 / (2 E w) = 2/3
    assert whole - 150 == pytest.approx(1.0, abs=0.1)
    assert part - 150 == pytest.approx(2 / 3, abs=0.1)
