from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.statistics.certificates import (
    binomial_p,
    certificate_power,
    clean_units,
    conformal_risk_control,
    fixed_sequence,
    holm,
    holm_levels,
    learn_then_test,
    max_failures,
    units_for_power,
)

p_lists = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def test_ordered_thresholds_match_the_worked_example(oracles: dict[str, Any]) -> None:
    o = oracles["ltt"]
    units = np.arange(o["n"])
    chosen = learn_then_test([units < k for k in o["losses"]], o["alpha"], o["delta"])
    assert chosen.p_values == pytest.approx(o["p"], abs=5.01e-5)
    assert chosen.chosen == o["fixed_sequence_index"]
    assert conformal_risk_control(o["losses"], o["n"], o["alpha"]) == o["crc_last_ok_monotone"]


def test_nothing_certified_is_none_not_the_safest() -> None:
    assert fixed_sequence([0.2, 0.01], 0.1) is None
    assert fixed_sequence([], 0.1) is None
    assert fixed_sequence([0.1, 0.05, 0.2, 0.0], 0.1) == 1


def test_ordered_thresholds_rarely_sign_for_too_much_loss() -> None:
    rng = np.random.default_rng(3)
    grid = np.linspace(0.05, 1, 20)
    true_loss = 0.01 * grid + 0.25 * grid**3 / 3
    wrong = 0
    for _ in range(200):
        score = rng.random(250)
        failed = rng.random(250) < 0.01 + 0.25 * score**2
        chosen = learn_then_test([(score <= t) & failed for t in grid], 0.05, 0.1).chosen
        wrong += chosen is not None and true_loss[chosen] > 0.05
    assert wrong / 200 <= 0.1 + 3 * math.sqrt(0.09 / 200)


def test_certificate_sizes_match_the_worked_examples(oracles: dict[str, Any]) -> None:
    for n, most in oracles["certify_max_failures_alpha05_delta10"].items():
        assert max_failures(int(n), 0.05, 0.1) == most
    for alpha, n in oracles["min_n_zero_fail"].items():
        assert clean_units(float(alpha), 0.1) == n
        assert max_failures(n - 1, float(alpha), 0.1) is None
    assert clean_units(0.05, 0.1, tests=8) == 86


@given(st.integers(1, 400), st.sampled_from([0.02, 0.05, 0.1]), st.sampled_from([0.001, 0.05, 0.1]))
def test_the_failure_allowance_is_the_largest_that_certifies(n: int, alpha: float, delta: float) -> None:
    most = max_failures(n, alpha, delta)
    if most is None:
        assert binomial_p(0, n, alpha) > delta
    else:
        assert binomial_p(most, n, alpha) <= delta < binomial_p(most + 1, n, alpha)


@pytest.mark.parametrize(("true_loss", "tests"), [(0.0, 1), (0.01, 1), (0.01, 50), (0.03, 8)])
def test_planned_units_are_the_least_with_that_power(true_loss: float, tests: int) -> None:
    n = units_for_power(true_loss, 0.05, 0.05, tests)
    assert n is not None
    assert certificate_power(n, true_loss, 0.05, 0.05, tests) >= 0.8
    assert all(certificate_power(m, true_loss, 0.05, 0.05, tests) < 0.8 for m in range(1, n))


def test_power_needs_a_loss_below_alpha_and_units_for_weights() -> None:
    assert units_for_power(0.05, 0.05, 0.05) is None
    plain = units_for_power(0.01, 0.05, 0.05)
    assert plain is not None
    assert units_for_power(0.01, 0.05, 0.05, design_effect=1.5) == math.ceil(1.5 * plain)
    assert certificate_power(20, 0.0, 0.05, 0.05) == 0


@pytest.mark.parametrize(("k", "n", "alpha", "p"), [(1, 120, 0.03, 0.12), (7, 280, 0.03, 0.40)])
def test_rare_disagreement_is_not_yet_a_certificate(k: int, n: int, alpha: float, p: float) -> None:
    assert binomial_p(k, n, alpha) == pytest.approx(p, abs=0.005)


def test_eight_workflows_of_which_one_looks_good_alone() -> None:
    fails, ns = [0, 1, 2, 3, 5, 0, 12, 4], [60, 60, 60, 60, 60, 30, 60, 120]
    p = [binomial_p(k, n, 0.05) for k, n in zip(fails, ns, strict=True)]
    assert sum(x <= 0.1 for x in p) == 1
    assert not (holm(p) <= 0.1).any()


def test_adjusted_p_values_by_hand() -> None:
    p = [0.01, 0.04, 0.03, 0.005]
    assert holm(p) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm(p, family=10) == pytest.approx([0.09, 0.28, 0.24, 0.05])
    assert holm_levels(p, 0.05) == pytest.approx([0.05 / 3, 0.025, 0.025, 0.0125])


@given(p_lists, st.integers(0, 5))
def test_holm_is_monotone_never_below_p_and_grows_with_the_family(p: list[float], tried: int) -> None:
    adjusted, order = holm(p), np.argsort(p, kind="stable")
    assert (np.diff(adjusted[order]) >= 0).all()
    assert (adjusted >= p).all()
    assert (adjusted <= np.minimum(1, np.array(p) * len(p)) + 1e-12)[order[0]]
    assert (holm(p, len(p) + tried) >= adjusted).all()


@given(p_lists, st.sampled_from([0.01, 0.05, 0.5]), st.integers(0, 5))
def test_levels_and_adjusted_p_values_decide_alike(p: list[float], delta: float, tried: int) -> None:
    family = len(p) + tried
    by_level = np.array(p) <= holm_levels(p, delta, family) * (1 + 1e-9)
    assert (by_level == (holm(p, family) <= delta * (1 + 1e-9))).all()


@given(p_lists, st.randoms())
def test_the_order_of_tests_does_not_matter(p: list[float], random: Any) -> None:
    order = list(range(len(p)))
    random.shuffle(order)
    shuffled = [p[i] for i in order]
    for adjust in (holm, lambda x: holm_levels(x, 0.05)):
        assert adjust(shuffled) == pytest.approx(adjust(p)[order])
