"""One lever alone on a planted audit file."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from audit.levers import Lever
from audit.projection.bench import Bench, settings_of
from audit.store import Store


def lever(name: str) -> Lever:
    found: Lever = import_module(f"audit.levers.{name}").LEVER
    return found


def saved(store: Store, chosen: Lever, **settings: Any) -> int:
    """What the lever saves alone, in pico-USD; `remaining` is left as the lever made it."""
    bench = Bench(store, settings_of([chosen], {chosen.name: settings}), 2**60)
    bench.start()
    before = int(bench.cost().sum())
    bench.apply(chosen)
    after = int(bench.cost().sum())
    assert store.value("SELECT COUNT(*) FROM remaining WHERE consumed_quantity < 0") == 0
    return before - after


def findings(store: Store, chosen: Lever, **settings: Any) -> list[str]:
    assert chosen.findings
    return chosen.findings(store, {**chosen.settings, **settings})
