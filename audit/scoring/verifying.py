"""What a verifier would say of replayed answers: the gate of a cascade."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import pyarrow as pa

from audit.scorers._verifier import accepts, check_of
from audit.scoring.evidence import label_sets, units
from audit.store import Store

_CHUNK = 256

_UNITS = """
CREATE OR REPLACE TEMP TABLE scoring_unit AS
SELECT p.replay_id, p.request_id, ROW_NUMBER() OVER (ORDER BY p.request_id, p.replay_id) AS place
FROM replay AS p JOIN verifying_wanted AS w ON w.replay_id = p.replay_id
WHERE p.status = 'ok'
"""


@dataclass(frozen=True, slots=True)
class Verified:
    """The check there is for this answer, whether it passes, and the labels it was held against."""

    check: str
    accepted: bool
    labels: frozenset[str] = frozenset()


def verified(store: Store, replay_ids: Collection[int]) -> dict[int, Verified]:
    """Replayed answers by id with what their check says; those no program could check are left out."""
    places = pa.table({"replay_id": pa.array(sorted(set(replay_ids)), pa.int64())})
    store.replace("verifying_wanted", places)
    store.run(_UNITS)
    labels = label_sets(store) if replay_ids else {}
    found: dict[int, Verified] = {}
    for low in range(1, places.num_rows + 1, _CHUNK):
        for unit in units(store, low, low + _CHUNK - 1, labels):
            check = check_of(unit.task_kind or "", unit.context)
            if check is not None:
                accepted = accepts(check, unit.candidate, unit.context)
                found[unit.replay_id] = Verified(check, accepted, unit.context.labels or frozenset())
    return found
