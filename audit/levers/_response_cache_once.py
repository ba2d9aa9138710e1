"""Work that all cache levers share and that does not change while levers are tried out: done once per audit file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from audit.store import Store

T = TypeVar("T")

_STATE = """
SELECT COUNT(*) AS requests, MAX(request_id) AS last_id, COUNT(DISTINCT workflow_id) AS workflows,
       COUNT(DISTINCT task_kind) AS kinds, COUNT(prompt_key) AS prompts,
       (SELECT COUNT(*) FROM pair) AS pairs, (SELECT COUNT(agree) FROM pair) AS compared,
       (SELECT CAST(SUM(COALESCE(cost_pico, 0)) AS DECIMAL(38, 0)) FROM charge) AS cost
FROM request
"""
_known: WeakKeyDictionary[Store, dict[str, tuple[str, Any]]] = WeakKeyDictionary()


def once(store: Store, name: str, settings: Mapping[str, Any], make: Callable[[], T]) -> T:
    """What `make` returned for the same requests and settings before, else what it returns now.

    `make` may also write temporary tables; they live as long as the store is open, as does what is remembered.
    """
    state = json.dumps([store.rows(_STATE)[0], dict(settings)], sort_keys=True, default=str)
    remembered = _known.setdefault(store, {})
    if name in remembered and remembered[name][0] == state:
        found: T = remembered[name][1]
        return found
    made = make()
    remembered[name] = (state, made)
    return made
