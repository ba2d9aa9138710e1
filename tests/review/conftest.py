"""Planted answers, as the tests of scoring plant them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import pytest

from audit.scoring import scoring
from tests.scoring.conftest import Plant, plant

__all__ = ["plant"]

# the page is also looked at with a real browser, where there is one
collect_ignore = [] if shutil.which("chromium") else ["test_browser.py"]


@pytest.fixture
def drafted(plant: Plant) -> Callable[..., Plant]:
    """A drafting workflow whose answers no program can compare; `passed` is what a scorer of the house says of each."""

    def plan(n: int = 40, *, kind: str = "drafting", passed: Callable[[int], bool | None] = lambda _: None) -> Plant:
        plant.workflow(1, kind)
        rows: list[dict[str, Any]] = []
        for number in range(n):
            request = plant.logged(1, f"Dear customer {number}, thank you.", prompt=f"Write to customer {number}")
            plant.drawn(request, probability=0.5, requests=1 + number % 3)
            replay = plant.replayed(request, f"Hello {number}, thanks a lot.")
            if passed(number) is not None:
                rows.append(
                    {"replay_id": replay, "scorer": "house", "scorer_version": "1", "passed": passed(number),
                     "score": 1.0, "task_kind": kind}
                )  # fmt: skip
        scoring(plant.store)
        plant.store.write_rows("score", rows)
        return plant

    return plan
