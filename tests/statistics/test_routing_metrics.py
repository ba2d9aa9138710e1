from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.statistics.routing_metrics import average_gap_recovered, call_share_for, cascade


def test_cascade_matches_the_worked_example(oracles: dict[str, Any]) -> None:
    o = oracles["cascade"]
    result = cascade(o["c1"], o["c2"], o["cj"], o["f"])
    assert result.cost == pytest.approx(o["cost"])
    assert result.saving_share == pytest.approx(o["saving"], abs=5e-8)
    assert result.break_even_fallback == pytest.approx(o["breakeven_f"], abs=5e-8)


@given(st.floats(0.001, 1), st.floats(0.001, 1), st.floats(0, 0.5))
def test_at_break_even_a_cascade_saves_nothing(cheap: float, strong: float, verifier: float) -> None:
    even = cascade(cheap, strong, verifier, 0).break_even_fallback
    assert cascade(cheap, strong, verifier, even).saving_share == pytest.approx(0, abs=1e-9)


def test_router_curve_matches_the_worked_example(oracles: dict[str, Any]) -> None:
    o = oracles["router_metrics"]
    points = [(share, performance) for share, performance in o["pts"]]
    assert average_gap_recovered(points) == pytest.approx(o["APGR"])
    assert call_share_for(points, 0.5) == pytest.approx(o["CPT50"])
    assert call_share_for(points, 0.8) == pytest.approx(o["CPT80"])
    assert average_gap_recovered(points[::-1]) == pytest.approx(o["APGR"])


def test_random_routing_recovers_half_and_the_ends_are_fixed() -> None:
    line = [(0.0, 0.6), (1.0, 0.9)]
    assert average_gap_recovered(line) == pytest.approx(0.5)
    assert call_share_for(line, 0.3) == pytest.approx(0.3)
    assert call_share_for(line, 0) == 0
    assert call_share_for(line, 1.1) is None
