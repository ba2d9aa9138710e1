from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.statistics.certificates import certificate_power, clean_units, units_for_power
from audit.statistics.intervals import upper_bound
from audit.statistics.verdicts import Trial, Verdict, decide, futile, look_error, whole_error


def trial(failures: int, n: int, key: str = "t", **settings: Any) -> Trial:
    return Trial.of_answers(key, np.arange(n) >= failures, **settings)


def only(verdicts: list[Verdict]) -> Verdict:
    (verdict,) = verdicts
    return verdict


def test_one_clean_trial_is_safe_from_the_stated_size_on() -> None:
    n = clean_units(0.05, 0.05)
    assert only(decide([trial(0, n)])).verdict == "safe"
    short = only(decide([trial(0, n - 1)]))
    assert (short.verdict, short.n_more, short.held_back_by) == ("unknown", 1, "loss")


def test_every_trial_in_the_family_raises_the_size() -> None:
    n = clean_units(0.05, 0.05, tests=8)
    assert {v.verdict for v in decide([trial(0, n)] * 8)} == {"safe"}
    assert {v.verdict for v in decide([trial(0, n - 1)] * 8)} == {"unknown"}
    assert only(decide([trial(0, n)], tried=7)).verdict == "safe"
    assert only(decide([trial(0, n)], tried=8)).verdict == "unknown"


def test_the_second_best_is_judged_more_mildly_than_by_bonferroni() -> None:
    first, second = decide([trial(0, 300, "a"), trial(0, 73, "b")])
    assert (first.verdict, second.verdict) == ("safe", "safe") or second.n_more is not None
    alone = clean_units(0.05, 0.05)
    verdicts = decide([trial(0, 300, "a"), trial(0, alone, "b")])
    assert [v.verdict for v in verdicts] == ["safe", "safe"]
    assert [v.level for v in verdicts] == pytest.approx([0.025, 0.05])


def test_bounds_and_words_agree() -> None:
    for v, k in zip(decide([trial(k, 200, str(k)) for k in (0, 4, 9, 14, 60)]), (0, 4, 9, 14, 60), strict=True):
        assert v.loss_rate == k / 200
        assert v.lower <= v.loss_rate <= v.upper
        assert v.upper == upper_bound(k, 200, v.level)
        assert (v.verdict == "safe") == (v.upper <= 0.05) == (v.p_value <= 0.05)
        assert (v.verdict == "not_safe") == (v.lower > 0.05)
        assert (v.n_more == 0) == (v.verdict != "unknown")
    assert only(decide([trial(60, 200)])).verdict == "not_safe"


def test_a_stricter_kind_needs_more() -> None:
    assert only(decide([trial(0, 60, alpha=0.05)])).verdict == "safe"
    strict = only(decide([trial(0, 60, alpha=0.02)]))
    assert strict.verdict == "unknown"
    assert 60 + (strict.n_more or 0) == clean_units(0.02, 0.05)


@pytest.mark.parametrize(("failures", "n"), [(0, 20), (1, 40), (3, 90), (4, 40), (6, 60)])
def test_the_units_asked_for_do_settle_it(failures: int, n: int) -> None:
    asked = only(decide([trial(failures, n)]))
    assert asked.verdict == "unknown"
    assert asked.n_more is not None
    total = n + asked.n_more
    rate = failures / n
    settled = {
        only(decide([trial(round(rate * total) + d, total)])).verdict for d in (-1, 0, 1) if rate * total + d >= 0
    }
    assert settled & {"safe", "not_safe"}
    too_few = n + asked.n_more // 2
    assert only(decide([trial(math.ceil(rate * too_few), too_few)])).verdict == "unknown"


def test_a_loss_at_alpha_asks_for_no_number() -> None:
    assert only(decide([trial(10, 200)])).n_more is None


def test_no_units_are_unknown() -> None:
    v = only(decide([trial(0, 0)]))
    assert (v.verdict, v.n, v.lower, v.upper, v.n_more) == ("unknown", 0, 0, 1, clean_units(0.05, 0.05))
    assert math.isnan(v.loss_rate)
    floored = only(decide([Trial.of_answers("t", [], [])]))
    assert floored.verdict == "unknown"
    assert decide([]) == []


def test_without_a_floor_every_unacceptable_answer_is_a_loss() -> None:
    candidate, current = np.arange(400) >= 40, np.arange(400) >= 38
    assert only(decide([Trial.of_answers("t", candidate)])).verdict == "not_safe"
    v = only(decide([Trial.of_answers("t", candidate, current)]))
    assert (v.verdict, v.loss_rate) == ("safe", 2 / 400)


def test_a_floor_must_be_held_too() -> None:
    # 2 losses in 400 stay under alpha, yet 2 in 60 do not show non-inferiority by one point.
    stricter = only(decide([trial(0, 70, floor=np.ones(70, dtype=bool), margin=0.01)]))
    assert stricter.verdict == "unknown"
    assert stricter.held_back_by == "floor"
    assert stricter.n_more is not None
    total = 70 + stricter.n_more
    assert only(decide([trial(0, total, floor=np.ones(total, dtype=bool), margin=0.01)])).verdict == "safe"


def test_a_stricter_margin_shares_the_familys_error() -> None:
    n = 300
    settings: dict[str, Any] = {"floor": np.ones(n, dtype=bool), "margin": 0.01}
    alone = only(decide([trial(0, n, **settings)]))
    among = decide([trial(0, n, str(i), **settings) for i in range(40)])
    assert alone.verdict == "safe"
    assert {v.verdict for v in among} == {"unknown"}


def test_weights_make_it_harder_when_losses_may_hide() -> None:
    weights = np.where(np.arange(70) < 35, 1.9, 0.1)
    v = only(decide([trial(0, 70, weights=weights)]))
    assert v.verdict == "unknown"
    assert v.n_eff == pytest.approx(70 / (0.5 * (1.9**2 + 0.1**2)))
    assert v.n_more is not None
    total = 70 + v.n_more
    grown = np.where(np.arange(total) % 2 < 1, 1.9, 0.1)
    assert only(decide([trial(0, total + 1, weights=np.append(grown, 1.0))])).verdict == "safe"


def test_turns_of_one_session_count_once() -> None:
    sessions = np.arange(80) // 2
    v = only(decide([trial(0, 80, clusters=sessions)]))
    assert (v.verdict, v.n, v.n_more) == ("unknown", 40, 19)


def test_looks_and_parts_share_one_error() -> None:
    looks = [look_error(look) for look in range(1, 60)]
    assert sum(looks) == pytest.approx(0.05)
    assert looks == sorted(looks, reverse=True)
    assert 0 < whole_error(3) < look_error(3)


def test_the_units_missing_are_those_of_the_next_look() -> None:
    now, later = whole_error(1), whole_error(2)
    short = only(decide([trial(0, 50)], now, later=later))
    assert short.n_more is not None
    assert 50 + short.n_more == clean_units(0.05, later)
    assert only(decide([trial(0, 50 + short.n_more)], later)).verdict == "safe"


families = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 150)), min_size=1, max_size=6)


@given(families, st.randoms())
def test_the_order_of_trials_does_not_matter(rows: list[tuple[int, int]], random: Any) -> None:
    trials = [trial(min(k, n), n, str(i)) for i, (k, n) in enumerate(rows)]
    shuffled = list(trials)
    random.shuffle(shuffled)
    assert sorted(decide(trials), key=lambda v: v.key) == sorted(decide(shuffled), key=lambda v: v.key)


@given(families)
def test_another_failure_or_trial_never_makes_anything_safe(rows: list[tuple[int, int]]) -> None:
    def safe(pairs: list[tuple[int, int]], tried: int = 0) -> list[bool]:
        return [v.verdict == "safe" for v in decide([trial(min(k, n), n) for k, n in pairs], tried=tried)]

    before = safe(rows)
    worse = safe([(rows[0][0] + 1, rows[0][1]), *rows[1:]])
    assert all(b or not w for b, w in zip(before, worse, strict=True))
    assert all(b or not t for b, t in zip(before, safe(rows, tried=3), strict=True))


def test_false_safe_over_five_candidates_and_ten_workflows() -> None:
    rng = np.random.default_rng(2026)
    repeats, n = 4000, 240
    failures = rng.binomial(n, 0.05, (repeats, 50))
    # Among equal samples any is safe exactly if the best one passes Holm's first step.
    passes = {
        int(k): only(decide([trial(int(k), n)], tried=49)).verdict == "safe" for k in np.unique(failures.min(axis=1))
    }
    false_safe = [passes[int(k)] for k in failures.min(axis=1)]
    assert 0 < np.mean(false_safe) <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / repeats)
    for row, expected in zip(failures[:8], false_safe, strict=False):
        assert any(v.verdict == "safe" for v in decide([trial(int(k), n) for k in row])) == expected


def test_false_safe_where_some_candidates_are_truly_good() -> None:
    rng = np.random.default_rng(7)
    repeats, n = 200, 240
    false_safe = 0
    for _ in range(repeats):
        good, bad = rng.binomial(n, 0.002, 40), rng.binomial(n, 0.05, 10)
        verdicts = decide([trial(int(k), n) for k in (*good, *bad)])
        false_safe += any(v.verdict == "safe" for v in verdicts[40:])
    assert false_safe / repeats <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / repeats)


@pytest.mark.parametrize(("true_loss", "tests"), [(0.0, 50), (0.005, 8), (0.01, 8)])
def test_power_at_the_stated_size(true_loss: float, tests: int) -> None:
    n = units_for_power(true_loss, 0.05, 0.05, tests)
    assert n is not None
    rng = np.random.default_rng(4)
    safe = total = 0
    for failures in rng.binomial(n, true_loss, (40, tests)):
        verdicts = decide([trial(int(k), n) for k in failures])
        safe += sum(v.verdict == "safe" for v in verdicts)
        total += tests
    promised = certificate_power(n, true_loss, 0.05, 0.05, tests)
    assert safe / total >= min(0.8, promised - 0.05)


def test_futility_stops_paying_for_a_lost_candidate() -> None:
    assert futile(8, 60, floor_rate=0.95)
    assert not futile(8, 60, floor_rate=0.50)
    assert not futile(20, 60, floor_rate=0.95)
    assert not futile(0, 0, floor_rate=0.95)
