"""Offer only tools that get called: definitions that were sent hundreds of times and never used."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from audit.figures import count, listing, money, share
from audit.levers import Lever, Settings
from audit.levers._places import instance
from audit.levers._probe import fresh, remember
from audit.levers._trims import cut, found, rewrite, unmeasured
from audit.store import Store
from audit.wire.text import read_json

_NAME = "unused_tools"
_OFFERED = """
SELECT r.workflow_id, s.content_hash, MIN(c.text) AS text, COUNT(DISTINCT s.request_id) AS requests
FROM segment AS s
JOIN request AS r ON r.request_id = s.request_id
JOIN content AS c ON c.content_hash = s.content_hash
WHERE s.kind = 'tools' AND s.direction = 'input' AND r.status = 'billable' AND r.output_hash IS NOT NULL
  AND r.workflow_id IS NOT NULL
GROUP BY r.workflow_id, s.content_hash
"""
# a call ends with its name, because its canonical JSON is sorted
_CALLED = """
SELECT DISTINCT r.workflow_id,
       SUBSTR(c.text, CASE WHEN LENGTH(c.text) > 300 THEN LENGTH(c.text) - 299 ELSE 1 END) AS text
FROM segment AS s
JOIN request AS r ON r.request_id = s.request_id
JOIN content AS c ON c.content_hash = s.content_hash
WHERE s.kind = 'tool_call' AND r.workflow_id IS NOT NULL AND c.text IS NOT NULL
"""
_CALL_NAME = r'"name":\s*"(?P<name>(?:[^"\\]|\\.)*)"\s*\}\s*$'
_SPAN = """
CREATE OR REPLACE TEMP TABLE unused_tools_span AS
SELECT s.request_id, s.position, 0.0 AS since, 1.0 AS until, 1.0 AS share
FROM segment AS s
JOIN request AS r ON r.request_id = s.request_id
JOIN unused_tools_definition AS d ON d.workflow_id = r.workflow_id AND d.content_hash = s.content_hash
WHERE s.kind = 'tools' AND s.direction = 'input' AND r.status = 'billable'
"""
_DEFINITION_COLUMNS: dict[str, pa.DataType] = {
    "workflow_id": pa.int64(), "content_hash": pa.int64(), "name": pa.string(), "requests": pa.int64(),
    "offered": pa.int64(),
}  # fmt: skip
_DEFINITION = pa.schema(_DEFINITION_COLUMNS)


def _prepare(store: Store, settings: Settings) -> None:
    if not fresh(store, _NAME, settings):
        rows = unused(store, int(settings["least_requests"]))
        store.replace("unused_tools_definition", pa.Table.from_pylist(rows, schema=_DEFINITION))
        store.run(_SPAN)
        remember(store, _NAME, settings)
    cut(store, _NAME)


def unused(store: Store, least: int) -> list[dict[str, Any]]:
    """Tool definitions no request of their workflow called, offered in at least `least` answered requests.

    A tool whose definition changed is one tool: its requests are counted over all versions. `offered` is how many
    tools the workflow has.
    """
    versions: dict[tuple[int, str], list[dict[str, Any]]] = {}
    for row in store.rows(_OFFERED):
        name = tool_name(row["text"])
        if name:
            versions.setdefault((row["workflow_id"], name), []).append(row)
    called = _called(store)
    tools: dict[int, int] = {}
    for workflow, _ in versions:
        tools[workflow] = tools.get(workflow, 0) + 1
    return [
        {"workflow_id": workflow, "content_hash": row["content_hash"], "name": name,
         "requests": sum(each["requests"] for each in rows), "offered": tools[workflow]}
        for (workflow, name), rows in sorted(versions.items())
        if (workflow, name) not in called and sum(each["requests"] for each in rows) >= least
        for row in rows
    ]  # fmt: skip


def tool_name(text: str | None) -> str:
    """Name of a tool that the caller runs; empty for tools of the provider, whose use is logged nowhere."""
    try:
        tool = read_json(text or "")
        inner = tool.get("function") or tool.get("toolSpec") or tool
        runs_here = any(key in inner for key in ("parameters", "input_schema", "inputSchema", "parametersJsonSchema"))
        return str(inner.get("name") or "") if runs_here or "function" in tool else ""
    except (ValueError, AttributeError, TypeError):
        return ""


def _called(store: Store) -> set[tuple[int, str]]:
    calls = store.query(_CALLED)
    names = pc.struct_field(pc.extract_regex(calls["text"], _CALL_NAME), "name")
    table = pa.table({"workflow_id": calls["workflow_id"], "name": names}).group_by(["workflow_id", "name"])
    return {
        (row["workflow_id"], json.loads(f'"{row["name"]}"'))
        for row in table.aggregate([]).to_pylist()
        if row["name"] is not None
    }


def _findings(store: Store, settings: Settings) -> list[str]:
    del settings
    names: dict[int, dict[str, int]] = {}
    offered: dict[int, int] = {}
    for row in store.rows("SELECT * FROM unused_tools_definition ORDER BY workflow_id, name"):
        names.setdefault(row["workflow_id"], {})[row["name"]] = row["requests"]
        offered[row["workflow_id"]] = row["offered"]
    lines = []
    for row in found(store, _NAME)[:6]:
        mine = names.get(row["workflow_id"], {})
        if row["saving_pico"] <= 0 or not mine:
            continue
        shown = [*sorted(mine)[:5], *([f"{len(mine) - 5} more"] if len(mine) > 5 else [])]
        lines.append(
            f"{row['workflow']}: {len(mine)} of {offered[row['workflow_id']]} tools were never called in "
            f"{count(min(mine.values()))} requests or more (use below {share(3 / min(mine.values()))}): "
            f"{listing(shown)}; {count(row['tokens'] / max(1, row['requests']))} tokens a request, "
            f"{money(row['saving_pico'])}{instance(row['example'])}"
        )
    return lines


LEVER = Lever(
    name=_NAME,
    title="Tools never called",
    stage="SHRINK",
    order=20,
    evidence="B",
    rewrite=rewrite(_NAME),
    effort_days=1,
    risk="low",
    needs=("text", "usage"),
    settings={"least_requests": 500},
    prepare=_prepare,
    blocked=unmeasured,
    findings=_findings,
    conditions=(
        "offered in {least_requests} requests of a workflow or more and called in none, so used in fewer than 3 in as "
        "many (95 % bound); tools the provider runs itself are left alone",
        "a definition that is never called may still steer an answer: compare answers once before you drop it",
    ),
    fix="Take the definitions out of the request, or offer them only where a first cheap step asks for them.",
)
