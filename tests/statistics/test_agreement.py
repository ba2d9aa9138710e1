from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.statistics.agreement import (
    aggregate_swapped,
    cohen_kappa,
    gwet_ac1,
    prediction_powered_mean,
    rogan_gladen,
)
from audit.statistics.intervals import jeffreys, normal
from audit.statistics.two_phase import Group, TwoPhase


def test_agreement_matches_the_worked_examples(oracles: dict[str, Any]) -> None:
    o = oracles["kappa"]
    assert cohen_kappa([[40, 5], [7, 48]]) == pytest.approx(o["[[40,5],[7,48]]"], abs=5e-8)
    lopsided = [[90, 4], [4, 2]]
    assert cohen_kappa(lopsided) == pytest.approx(o["[[90,4],[4,2]]"], abs=5e-8)
    assert gwet_ac1(lopsided) == pytest.approx(o["gwet_ac1_of_second"], abs=5e-8)


@given(st.lists(st.integers(1, 40), min_size=2, max_size=4))
def test_perfect_agreement_is_one_and_independence_nought(counts: list[int]) -> None:
    n = np.array(counts, dtype=float)
    assert cohen_kappa(np.diag(n)) == pytest.approx(1)
    assert gwet_ac1(np.diag(n)) == pytest.approx(1)
    assert cohen_kappa(np.outer(n, n) / n.sum()) == pytest.approx(0, abs=1e-9)


def test_agreement_on_a_single_class_leaves_kappa_undefined() -> None:
    assert math.isnan(cohen_kappa([[10, 0], [0, 0]]))
    assert gwet_ac1([[10, 0], [0, 0]]) == 1


def counts(text: str) -> tuple[float, float]:
    count, n = map(float, text.split("/"))
    return count, n


def test_rogan_gladen_matches_the_worked_example(oracles: dict[str, Any]) -> None:
    o = oracles["rogan_gladen"]
    estimate = rogan_gladen(counts(o["pass"]), counts(o["se"]), counts(o["sp"]))
    assert estimate is not None
    assert estimate.value == pytest.approx(o["theta"], abs=5e-8)
    assert estimate.standard_error == pytest.approx(o["stderr"], abs=5e-8)


def test_a_judge_near_coin_flipping_is_refused() -> None:
    assert rogan_gladen((50, 100), (55, 100), (60, 100)) is None
    certain = rogan_gladen((99, 100), (90, 100), (90, 100))
    assert certain is not None
    assert certain.value == 1


def two_phase(oracles: dict[str, Any]) -> TwoPhase:
    o = oracles["two_phase"]
    passed, judged = counts(o["judge_pass"])
    ok_pass, rated_pass = counts(o["ok_in_pass"])
    ok_fail, rated_fail = counts(o["ok_in_fail"])
    return TwoPhase.of(judged, passed, rated_pass, ok_pass, rated_fail, ok_fail)


def test_two_phase_matches_the_worked_example(oracles: dict[str, Any]) -> None:
    o, sample = oracles["two_phase"], two_phase(oracles)
    assert sample.estimate == pytest.approx(o["theta"])
    assert sample.standard_error == pytest.approx(o["se"], abs=5e-8)
    by_delta = normal(sample.estimate, sample.standard_error, 0.95)
    assert [by_delta.low, by_delta.high] == pytest.approx(o["ci95"], abs=5e-8)
    found = sample.interval(0.95)
    assert [found.low, found.high] == pytest.approx(o["ci95"], abs=0.025)


def test_ratings_that_are_all_alike_leave_only_the_side_they_may_be_wrong_on() -> None:
    mixed = TwoPhase((Group(80, known=1.0), Group(20, 12, 6)))
    certain = TwoPhase((Group(80, known=1.0), Group(20, 12, 12)))
    assert certain.interval().high == certain.estimate == 1.0
    assert 0.9 < certain.interval().low < 1.0
    assert mixed.interval().low < mixed.estimate < mixed.interval().high


def test_groups_that_do_not_differ_leave_nothing_open_but_the_ratings() -> None:
    one = TwoPhase((Group(500, 60, 51), Group(1e-9, 60, 51)))
    rated = jeffreys(51, 60)
    assert [one.interval().low, one.interval().high] == pytest.approx([rated.low, rated.high], abs=1e-6)


def test_two_phase_intervals_cover() -> None:
    rng = np.random.default_rng(2)
    covered = 0
    for _ in range(300):
        ok = rng.random(500) < 0.95
        passed = np.where(ok, rng.random(500) < 0.95, rng.random(500) >= 0.6)
        rated_pass, rated_fail = (np.flatnonzero(passed)[:30], np.flatnonzero(~passed)[:30])
        sample = TwoPhase.of(
            500, passed.sum(), rated_pass.size, ok[rated_pass].sum(), rated_fail.size, ok[rated_fail].sum()
        )
        covered += 0.95 in sample.interval(0.95)
    assert covered / 300 >= 0.92


def test_unrated_verdicts_widen_instead_of_failing() -> None:
    sample = TwoPhase.of(100, 90, 30, 29, 0, 0)
    assert 0.8 < sample.estimate < 0.95
    assert sample.interval().width > TwoPhase.of(100, 90, 30, 29, 30, 15).interval().width


def test_prediction_powered_mean_matches_the_reference_package(oracles: dict[str, Any]) -> None:
    o = oracles["ppi_mean_ppi_py_0.2.3"]
    labels = [1] * 70 + [0] * 30
    scores = [1] * 63 + [0] * 7 + [1] * 5 + [0] * 25
    interval = prediction_powered_mean(labels, scores, [1] * 430 + [0] * 70, 0.95)
    assert interval.estimate == pytest.approx(o["est"], abs=5e-9)
    assert [interval.low, interval.high] == pytest.approx(o["ci95"], abs=5e-9)


def test_a_judge_without_information_leaves_the_labels_alone() -> None:
    labels = [1, 0, 1, 1, 0, 1, 1, 1]
    interval = prediction_powered_mean(labels, [1] * 8, [1] * 50)
    assert interval.estimate == pytest.approx(0.75)
    contrary = prediction_powered_mean(labels, [1 - y for y in labels], [1] * 25 + [0] * 25)
    assert contrary.estimate == pytest.approx(0.75)


def test_swapped_verdicts_match_the_worked_example(oracles: dict[str, Any]) -> None:
    o = oracles["swap_judge"]
    result = aggregate_swapped([(a, b) for a, b in o["verdicts"]])
    assert result.verdicts == o["agg"]
    assert result.consistency == o["consistency"]
    assert math.isnan(aggregate_swapped([]).consistency)
