from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.statistics.noninferiority import (
    noninferiority_units,
    tango,
)


@pytest.mark.parametrize(("key", "margin"), [("delta05", 0.05), ("delta07", 0.07), ("delta10", 0.10)])
def test_score_matches_the_worked_example(oracles: dict[str, Any], key: str, margin: float) -> None:
    both, lost, gained, neither = oracles["tango_ni"]["cells_11_10_01_00"]
    z, p = oracles["tango_ni"][key]
    result = tango(gained, lost, both + lost + gained + neither, margin)
    assert result.z == pytest.approx(z, abs=5e-6)
    assert result.p_value == pytest.approx(p, abs=5e-6 if margin < 0.1 else 5e-8)


@pytest.mark.parametrize(
    ("discordant", "margin", "n"), [(0.1, 0.05, 248), (0.1, 0.1, 62), (0.2, 0.05, 495), (0.2, 0.1, 124)]
)
def test_sizes_to_plan_with(discordant: float, margin: float, n: int) -> None:
    assert noninferiority_units(discordant, margin) == n


def test_a_worse_candidate_needs_more_pairs() -> None:
    assert noninferiority_units(0.1, 0.05, difference=-0.02) > noninferiority_units(0.1, 0.05)


counts = st.tuples(*[st.integers(0, 80)] * 3).filter(lambda c: sum(c) > 0)


@given(counts, st.floats(0.01, 0.3))
def test_more_gains_and_wider_margins_help(cells: tuple[int, int, int], margin: float) -> None:
    gains, losses, same = cells
    n = gains + losses + same
    p = tango(gains, losses, n, margin).p_value
    assert 0 <= p <= 1
    assert tango(gains, losses, n, margin + 0.05).p_value <= p + 1e-12
    assert tango(gains + 1, losses, n + 1, margin).p_value <= p + 1e-9
    assert tango(gains, losses + 1, n + 1, margin).p_value >= p - 1e-9


def test_no_pairs_prove_nothing() -> None:
    assert tango(0, 0, 0, 0.05).p_value == 1


def test_a_candidate_worse_by_the_margin_passes_at_the_stated_error_only() -> None:
    rng = np.random.default_rng(12)
    cells = rng.multinomial(300, [0.05, 0.10, 0.85], size=4000)
    passed = np.mean([tango(b, c, 300, 0.05).p_value <= 0.05 for b, c, _ in cells])
    assert 0.03 <= passed <= 0.065
