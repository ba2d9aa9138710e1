"""A lever is one file: dropped into the folder, it is in the savings, the report and the configuration."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent))
from planting import DAY, START, Plant

from audit import levers, plugins
from audit.config import Config
from audit.projection import projection
from audit.report import gather, render

LEVER = '''
from audit.levers import Lever

LEVER = Lever(
    name="no_weekends", title="Closed on day zero", stage="WASTE", order=90, evidence="A", effort_days=1, risk="low",
    rewrite="""
SELECT m.* FROM remaining AS m JOIN request AS r ON r.request_id = m.request_id WHERE r.day <> $closed
""",
    settings={"closed": 20000},
)
'''


@pytest.fixture
def dropped_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "no_weekends.py").write_text(LEVER)
    monkeypatch.setattr(levers, "__path__", [*levers.__path__, str(tmp_path)])
    plugins.find.cache_clear()
    yield
    plugins.find.cache_clear()
    sys.modules.pop("audit.levers.no_weekends", None)


@pytest.mark.usefixtures("dropped_in")
def test_new_lever_is_simulated_shown_and_configurable() -> None:
    plant = Plant()
    for day in range(6):
        plant.call(at_us=START + day * DAY, key=day)
    cost = 1000 * 2_000_000 + 100 * 8_000_000
    result = projection(plant.store, Config())
    found = next(lever for lever in result.levers if lever.name == "no_weekends")
    assert found.attributed_pico == cost
    assert found.requests == 1
    assert result.joint.saving_pico == cost
    moved = projection(plant.store, Config(levers={"no_weekends": {"closed": 1}}))
    assert moved.joint.saving_pico == 0
    assert "Closed on day zero" in render(gather(plant.store, Config()))
