"""Predicted cached tokens are within 2 % of what each kind of provider bills, from records through the readers."""

from __future__ import annotations

import pytest

from benchmarks.detecting import caches


@pytest.mark.parametrize("seed", [11, 12])
@pytest.mark.parametrize("name", caches.FAMILIES)
def test_predicted_tokens_are_billed(name: str, seed: int) -> None:
    assert caches.FAMILIES[name](seed) == pytest.approx(1.0, abs=0.02)
