from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# The first example pays for loading scipy, and a shared machine stalls: no example has a time limit.
settings.register_profile("statistics", deadline=None)
settings.load_profile("statistics")


@pytest.fixture(scope="session")
def oracles() -> dict[str, Any]:
    path = Path(__file__).parents[1] / "oracles" / "expected.json"
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded
