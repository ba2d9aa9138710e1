"""The stage `naming`: workflows renamed or merged as `[workflows]` in `audit.toml` says, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

import pyarrow as pa

from audit.store import Store
from audit.store.following import FOLLOW

_META = "workflow_names"
_MINED = """
SELECT w.workflow_id, COALESCE(n.mined_name, w.name) AS name, f.first_request
FROM workflow AS w
LEFT JOIN renamed_workflow AS n ON n.workflow_id = w.workflow_id
LEFT JOIN (SELECT workflow_id, MIN(request_id) AS first_request FROM request GROUP BY workflow_id) AS f
    ON f.workflow_id = w.workflow_id
WHERE w.name IS NOT NULL
ORDER BY f.first_request NULLS LAST, w.workflow_id
"""
_UNDO = (
    """
UPDATE request SET workflow_id = m.mined_workflow_id
FROM merged_request AS m WHERE m.request_id = request.request_id
""",
    "DELETE FROM merged_request",
    """
UPDATE workflow SET name = n.mined_name FROM renamed_workflow AS n WHERE n.workflow_id = workflow.workflow_id
""",
    "DELETE FROM renamed_workflow",
)
_APPLY = (
    """
INSERT INTO renamed_workflow
SELECT w.workflow_id, w.name FROM workflow AS w
JOIN chosen_name AS c ON c.workflow_id = w.workflow_id WHERE c.workflow_id = c.into_id
""",
    """
UPDATE workflow SET name = c.name FROM chosen_name AS c
WHERE c.workflow_id = workflow.workflow_id AND c.workflow_id = c.into_id
""",
    """
INSERT INTO merged_request
SELECT r.request_id, r.workflow_id FROM request AS r
JOIN chosen_name AS c ON c.workflow_id = r.workflow_id WHERE c.workflow_id <> c.into_id
""",
    """
UPDATE request SET workflow_id = c.into_id FROM chosen_name AS c
WHERE c.workflow_id = request.workflow_id AND c.workflow_id <> c.into_id
""",
)
_WAITING = """
SELECT COUNT(*) FROM request AS r JOIN chosen_name AS c ON c.workflow_id = r.workflow_id
WHERE c.workflow_id <> c.into_id
"""


@dataclass(frozen=True, slots=True)
class Naming:
    """What changed: whether anything did, whether replayed units moved, and configured names no workflow has, each with
    the nearest name there is."""

    changed: bool = False
    moved_replays: bool = False
    unknown: tuple[tuple[str, str], ...] = ()


def naming(store: Store, names: Mapping[str, str]) -> Naming:
    """Show the workflow mined as `key` under the name `value`; several keys with one value become one workflow.

    A value that is itself a mined name merges into that workflow. Requests keep the id they were mined with aside, so
    a name taken out of the configuration is undone. Run again with the same names it changes nothing.
    """
    wanted = json.dumps(dict(sorted(names.items())), ensure_ascii=False)
    if not names and store.meta(_META) in (None, "{}"):
        return Naming()
    mined = store.rows(_MINED)
    ids = {row["name"]: row["workflow_id"] for row in reversed(mined)}
    unknown = tuple((name, next(iter(get_close_matches(name, ids, n=1)), "")) for name in names if name not in ids)
    store.replace("chosen_name", _chosen(names, [row["name"] for row in mined], ids))
    if store.meta(_META) == wanted and not store.value(_WAITING) and not _misnamed(store):
        return Naming(unknown=unknown)
    with store.transaction():
        for statement in (*_UNDO, *_APPLY, *FOLLOW):
            store.run(statement)
        store.set_meta(_META, wanted)
    return Naming(True, bool(store.value("SELECT COUNT(*) FROM replay")), unknown)


def _misnamed(store: Store) -> int:
    """Workflows that stand under another name than chosen, because they were not there when names were last set."""
    return int(
        store.value(
            "SELECT COUNT(*) FROM workflow AS w JOIN chosen_name AS c ON c.workflow_id = w.workflow_id"
            " WHERE c.workflow_id = c.into_id AND w.name <> c.name"
        )
    )


def _chosen(names: Mapping[str, str], order: list[str], ids: Mapping[str, int]) -> pa.Table:
    """Which workflow (`workflow_id`) is shown as part of which (`into_id`), under which name."""
    rows: dict[int, tuple[int, str]] = {}
    target: dict[str, int] = {}
    for name in order:
        shown = names.get(name)
        if shown is None or not shown.strip():
            continue
        shown = shown.strip()
        into = target.setdefault(shown, ids[shown] if shown in ids and shown not in names else ids[name])
        rows[ids[name]] = (into, shown)
    for shown, into in target.items():
        rows.setdefault(into, (into, shown))
    return pa.table(
        {
            "workflow_id": pa.array(list(rows), pa.int64()),
            "into_id": pa.array([into for into, _ in rows.values()], pa.int64()),
            "name": pa.array([name for _, name in rows.values()], pa.string()),
        }
    )
