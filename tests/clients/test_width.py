from __future__ import annotations

import heapq
import random

import pytest

from audit.clients._width import FIRST, Width


def served(width: Width, at_once: int, answers: int = 1500, seed: int = 1) -> tuple[float, float]:
    """(seconds, mean places later on) of a lane at an endpoint that works on so many requests at once, 1 s each."""
    draw = random.Random(seed)
    now, waiting, under_way, places = 0.0, 0, list[float](), list[int]()
    for _ in range(answers):
        waiting += width.places - waiting - len(under_way)
        while waiting and len(under_way) < at_once:
            heapq.heappush(under_way, now + draw.gammavariate(4, 0.25))
            waiting -= 1
        now = heapq.heappop(under_way)
        width.answered(now)
        places.append(width.places)
    return now, sum(places[500:]) / len(places[500:])


@pytest.mark.parametrize("at_once", [1, 8, 16, 64])
def test_a_lane_is_as_wide_as_its_endpoint_is_quick(at_once: int) -> None:
    runs = [served(Width(32), at_once, seed=seed) for seed in range(20)]
    useful = min(at_once, 32)
    assert sum(seconds for seconds, _ in runs) / 20 <= 1.15 * 1500 / useful
    assert sum(places for _, places in runs) / 20 <= max(2 * FIRST, 1.6 * useful)


def test_a_refusal_halves_and_the_limit_is_kept() -> None:
    width = Width(32)
    served(width, 64)
    assert width.places == 32
    width.refused()
    assert width.places == 16
    for _ in range(10):
        width.refused()
    assert width.places == 1
    served(width, 64)
    assert 1 < width.places <= 32


def test_a_pause_is_not_taken_for_a_slow_endpoint() -> None:
    width = Width(32)
    for second in range(20):
        width.answered(float(second))
    width.restart()
    before = width.places
    for second in range(8 + 3 * before):
        width.answered(1000.0 + second)
    assert width.places > before
