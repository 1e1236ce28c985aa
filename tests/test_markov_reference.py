"""Every published and peer-computed answer on chains, reached by our own models."""

import numpy as np
import pytest

from hamodel import Chain, markov
from hamodel.chain import k_of_n
from tests.support.chains import (
    cluster,
    embedded,
    embedded_down,
    matrix_of,
    polling,
    quality,
    tandem,
)
from tests.support.reference import cases


def given(params, start="OK"):
    rates = {(a, b): r for a, b, r in params["transitions"]}
    return Chain(rates, set(params.get("serving", ())), start=start)


def cold_standby(p):
    fail = p["lam"]
    rates = {
        ("both", "spare"): p["p"] * fail,
        ("both", "failed"): (1 - p["p"]) * fail,
        ("spare", "failed"): fail,
    }
    return Chain(rates, {"both", "spare"})


def warm_standby(p):
    rates = {
        (2, 1): (1 + p["alpha"]) * p["lam"],
        (1, 0): p["lam"],
        (1, 2): p["mu"],
        (0, 1): p["mu"],
    }
    return Chain(rates, {2, 1})


def stripe(p):
    """Chunks lost at `lam` each and recovered one at a time."""
    lost, recovered = p["lam_per_day"], p["rho_per_day"]
    rates = {}
    for i in range(p["r"], p["s"] + 1):
        rates[i, i - 1] = i * lost
        if i < p["s"]:
            rates[i, i + 1] = recovered
    return Chain(rates, range(p["r"], p["s"] + 1), start=p["s"])


def covered_pair(p):
    rates = {
        (2, 1): 2 * p["lam"] * p["c"],
        (2, 0): 2 * p["lam"] * (1 - p["c"]),
        (1, 2): p["mu"],
        (1, 0): p["lam"],
    }
    return Chain(rates, {2, 1})


def two_processors(p):
    rates = {(a, b): r for a, b, r in p["transitions"]}
    return Chain(rates, {"2", "1"}, start="2")


def unit(p):
    return Chain({("up", "down"): p["lam"], ("down", "up"): p["mu"]}, {"up"})


def courtois(p):
    return markov.steady_state(p["P"])[3]


def tandem_customers(p):
    return Chain.explore(*tandem(p["c"]), up=lambda _: True).reward(
        lambda state: state[0] + state[2]
    )


def station_waits(p):
    chain = Chain.explore(*polling(p["N"]), up=lambda _: True)
    return chain.reward(lambda s: s[2][0] and not (s[0] == 0 and s[1]))


def cluster_quality(p):
    return Chain.explore(*cluster(p["N"]), up=quality(p["N"])).availability


def cluster_first_drop(p):
    chain = Chain.explore(*cluster(p["N"]), up=quality(3 * p["N"] // 4))
    return chain.first_passage_cdf(float(p["T"]))


def cluster_repairs(p):
    chain = Chain.explore(*cluster(p["N"]), up=quality(p["N"]))
    finish = 0.0, 2.0, 2.0, 0.25, 0.25, 0.125
    return chain.accumulated_reward(lambda state: finish[state[-1]], float(p["T"]))


def embedded_chain(p):
    cause = embedded_down(p["M"])
    chain = Chain.explore(*embedded(p["M"]), up=lambda state: not cause(state))
    assert len(chain.states) == p["reachable_states"]
    return chain


def io_is_first(p):
    """End in the cause of the first failure, and see in which the chain stays."""
    start, moves = embedded(p["M"])
    cause = embedded_down(p["M"])

    def until_down(state):
        if not isinstance(state, str):
            for goal, rate in moves(state):
                yield cause(goal) or goal, rate

    chain = Chain.explore(start, until_down, up=lambda s: not isinstance(s, str))
    return chain.steady_state()["io"]


def retransmission(p):
    """Attempts are steps; the sender ends with everything sent or with a failure."""
    lost = 1 - 0.98 * 0.99

    def moves(state):
        if state not in ("sent", "failed"):
            chunk, attempt = state
            done = "sent" if chunk == p["N"] else (chunk + 1, 0)
            yield done, 1 - lost
            yield ("failed" if attempt == p["MAX"] else (chunk, attempt + 1)), lost

    return Chain.explore((1, 0), moves, up=lambda s: s != "failed").unavailability


def raid_group(p):
    n = p["n"]
    rates = {(0, 1): n * p["lam"], (1, 0): p["mu"], (1, 2): (n - 1) * p["lam"]}
    return Chain(rates, {0, 1}).mttf


def raid_formula(p):
    """The paper's formula, which is our chain's limit for a quick rebuild.

    One group is (n - 1) / (n lam) of the array; the second failure is ten times as
    likely as the first.
    """
    group, one, two = p["G"], p["MTTF1_h"], p["MTTF2_h"]
    disks = p["data_disks"] * group / (group - 1)
    slow = 1e-6  # rebuilds so much faster, and scaled back: the formula's limit
    rates = {
        (0, 1): disks / one,
        (1, 0): 1 / (slow * p["MTTR_h"]),
        (1, 2): (group - 1) / two,
    }
    return Chain(rates, {0, 1}).mttf * slow / 8760


ANSWERS = {
    "pub-ctmc-ss-01": lambda p: given(p).unavailability,
    "pub-ctmc-ss-02": lambda p: given(p).steady_state()["DOWN"],
    "pub-ctmc-ss-03": courtois,
    "pub-ctmc-ss-04": cluster_quality,
    "pub-ctmc-ss-05": tandem_customers,
    "pub-ctmc-ss-06": station_waits,
    "pub-kofn-01": lambda p: (
        k_of_n(
            p["n"], p["k"], fail=p["lam"], repair=p["mu"], crews=p["r"]
        ).unavailability
    ),
    "pub-kofn-02": lambda p: (
        k_of_n(p["n"], p["k"], fail=p["lam"], repair=p["mu"], crews=p["r"]).mttf
    ),
    "pub-transient-01": cluster_first_drop,
    "pub-transient-02": cluster_repairs,
    "pub-transient-03": lambda p: given(p).unavailability_at(p["t"]),
    "pub-transient-04": lambda p: given(p).interval_unavailability(p["t"]) * p["t"],
    "pub-interval-01": lambda p: 1 - unit(p).interval_unavailability(p["T"]),
    "pub-interval-02": lambda p: unit(p).downtime_cdf(p["T"], p["x"]),
    "pub-absorb-01": io_is_first,
    "pub-absorb-02": lambda p: embedded_chain(p).mttf,
    "pub-mttf-01": lambda p: stripe(p).mttf,
    "pub-mttf-02": lambda p: stripe(p).mttf,
    "pub-raid-01": raid_formula,
    "pub-raid-02": raid_group,
    "pub-coverage-01": lambda p: covered_pair(p).mttf,
    "pub-coverage-02": lambda p: two_processors(p).unavailability,
    "pub-standby-01": lambda p: 1 - cold_standby(p).first_passage_cdf(p["t"]),
    "pub-standby-02": lambda p: warm_standby(p).unavailability,
    "pub-standby-03": lambda p: warm_standby(p).mttf,
    "pub-dtmc-01": retransmission,
}


@pytest.mark.parametrize("case", cases("markov"))
def test_our_model_gives_the_published_answer(case):
    found = ANSWERS[case["id"]](case["params"])
    assert found == pytest.approx(case["value"], rel=case["rtol"], abs=0)


def test_every_record_is_answered():
    assert sorted(ANSWERS) == sorted(c.values[0]["id"] for c in cases("markov"))


def test_the_cluster_has_the_published_number_of_states():
    for size, published in ((2, 276), (4, 820), (8, 2772)):
        assert len(matrix_of(*cluster(size))[0]) == published


def test_a_changed_rate_is_noticed():
    """The negative control: one repair rate in a thousand off, and the answer shows."""
    case = next(c.values[0] for c in cases("markov") if c.id == "pub-ctmc-ss-01")
    wrong = dict(case["params"])
    wrong["transitions"] = [
        [a, b, r * (1.001 if (a, b) == ("MAN", "D1") else 1)]
        for a, b, r in wrong["transitions"]
    ]
    found = given(wrong).unavailability
    assert found != pytest.approx(case["value"], rel=case["rtol"], abs=0)
    assert np.isclose(found, case["value"], rtol=1e-2)
