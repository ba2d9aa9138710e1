"""Send traffic nobody waits for through the provider's batch tier."""

from __future__ import annotations

import json
import re
from difflib import get_close_matches
from typing import Any

import pyarrow as pa

from audit.errors import ConfigError
from audit.figures import money, things
from audit.levers import Lever, Settings
from audit.levers._batch_tier import rewrite
from audit.levers._places import spared
from audit.levers._probe import fresh, remember
from audit.store import Store
from audit.store.ranges import request_ranges

_WORDS = ("batch", "offline", "nightly", "cron", "backfill", "bulk", "async", "background")
_OFFLINE_WORD = re.compile(r"(?:^|[^a-z])(batch|offline|nightly|cron|backfill|bulk)(?:[^a-z]|$)")
_OFFLINE_KEYS = frozenset({"batch", "offline", "async", "background", "is_batch", "is_offline"})


def says_offline(environment: str | None, tags: str | None) -> bool:
    """Whether the environment or a tag (JSON object) of a request says that nobody waits for its answer."""
    if environment and _OFFLINE_WORD.search(environment.lower()):
        return True
    if not tags:
        return False
    values: Any = json.loads(tags)
    if not isinstance(values, dict):
        return False
    for key, value in values.items():
        if isinstance(value, str) and _OFFLINE_WORD.search(value.lower()):
            return True
        if key.rsplit(".", 1)[-1].lower() in _OFFLINE_KEYS and value in (True, 1, "true", "True", "1", "yes"):
            return True
        if isinstance(value, list) and any(isinstance(v, str) and _OFFLINE_WORD.search(v.lower()) for v in value):
            return True
    return False


_SAID = """
SELECT DISTINCT COALESCE(environment, '') AS environment, COALESCE(tags, '') AS tags FROM request
WHERE status = 'billable' AND request_id >= $first AND request_id < $last AND ({words})
""".format(words=" OR ".join(
    f"LOWER(COALESCE(environment, '') || ' ' || COALESCE(tags, '')) LIKE '%{word}%'" for word in _WORDS
))  # fmt: skip
_SCHEMA = pa.schema([("environment", pa.string()), ("tags", pa.string())])
_REQUESTS = """
CREATE OR REPLACE TEMP TABLE batch_request AS
WITH said AS (SELECT DISTINCT environment, tags FROM batch_offline)
SELECT r.request_id FROM request AS r
LEFT JOIN said AS s ON s.environment = COALESCE(r.environment, '') AND s.tags = COALESCE(r.tags, '')
LEFT JOIN batch_workflow AS w ON w.workflow_id = r.workflow_id
WHERE r.status = 'billable' AND (w.workflow_id IS NOT NULL
    OR (s.tags IS NOT NULL AND COALESCE(r.request_stream, FALSE) = FALSE))
"""


def _prepare(store: Store, settings: Settings) -> None:
    if fresh(store, "batch", settings):
        return
    store.run("CREATE OR REPLACE TEMP TABLE batch_offline (environment VARCHAR, tags VARCHAR)")
    for first, last in request_ranges(store):
        kinds = store.rows(_SAID, first=first, last=last)
        offline = [kind for kind in kinds if says_offline(kind["environment"], kind["tags"])]
        store.write("batch_offline", pa.Table.from_pylist(offline, schema=_SCHEMA))
    store.run("CREATE OR REPLACE TEMP TABLE batch_workflow (workflow_id BIGINT)")
    store.write_rows("batch_workflow", [{"workflow_id": each} for each in _named(store, settings)])
    store.run(_REQUESTS)
    remember(store, "batch", settings)


def _named(store: Store, settings: Settings) -> list[int]:
    """Workflows the user says nobody waits for; ConfigError for one the log does not have."""
    known = {row["name"]: row["workflow_id"] for row in store.rows("SELECT name, workflow_id FROM workflow")}
    for name in settings["workflows"]:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else "see `audit workflows`"
            raise ConfigError(f"[levers.batch] workflows: no workflow is called {name!r}", hint)
    return [known[name] for name in settings["workflows"]]


def _blocked(store: Store, settings: Settings) -> str | None:
    _prepare(store, settings)
    if store.value("SELECT COUNT(*) FROM batch_request"):
        return None
    return (
        "no request is tagged as offline work: add a tag such as job=nightly or environment=batch at the gateway, "
        "map an existing one with [tags] environment in audit.toml, or name workflows under [levers.batch]"
    )


def _findings(store: Store, settings: Settings) -> list[str]:
    named = set(settings["workflows"])
    return [
        f"{place.workflow}: {things(place.requests, 'request')} "
        f"{'of a workflow you named' if place.workflow in named else 'tagged as offline work'} would cost "
        f"{money(place.saving_pico)} less in the batch tier; for instance {place.example}"
        for place in spared(store, "batch_request")[:6]
    ]


LEVER = Lever(
    name="batch",
    title="Batch tier for offline traffic",
    stage="REPRICE",
    order=20,
    evidence="A",
    rewrite=rewrite("batch_request"),
    effort_days=4,
    risk="low",
    needs=("usage",),
    settings={"workflows": []},
    prepare=_prepare,
    blocked=_blocked,
    findings=_findings,
    conditions=(
        "only requests tagged as offline work (batch, nightly, offline, cron, backfill, bulk) that do not stream, and "
        "workflows named under [levers.batch] workflows",
        "the tag is taken at its word; answers may take up to 24 hours",
    ),
    fix="Collect these requests and submit them through the provider's batch interface.",
    never_costs=True,
)
