"""What a judgement needs, read from the audit file: logged answers, candidate answers, and what the request says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from audit.scorers import Answer, Context, ToolCall
from audit.scorers._normalise import normalise
from audit.store import Store
from audit.store.tasks import DISPUTED
from audit.wire.text import read_json

_USER_CHARACTERS = 20_000
_MIN_REQUESTS = 20
_MAX_LABELS = 100
_UNSEEN_LABELS = 0.02

_CANDIDATES = """
SELECT p.replay_id, p.request_id, p.workflow_id, p.text, p.tool_calls, p.finish_reason, r.request_model,
       r.finish_reason AS logged_finish_reason, r.parameters, r.outcome,
       COALESCE(w.task_kind, r.task_kind) AS task_kind
FROM scoring_unit AS u
JOIN replay AS p ON p.replay_id = u.replay_id
JOIN request AS r ON r.request_id = p.request_id
LEFT JOIN workflow AS w ON w.workflow_id = p.workflow_id
WHERE u.place BETWEEN $low AND $high
ORDER BY u.place
"""

_SEGMENTS = """
SELECT s.request_id, s.direction, s.kind, c.text
FROM segment AS s
JOIN content AS c ON c.content_hash = s.content_hash
WHERE s.request_id IN (SELECT request_id FROM scoring_unit WHERE place BETWEEN $low AND $high)
  AND (s.direction = 'output' OR s.kind IN ('system', 'tools', 'user')) AND c.text IS NOT NULL
ORDER BY s.request_id, s.position
"""

# A label set is closed when the chance that the next answer is a new one is small (Good 1953: singletons / requests).
# Of each model and of the whole workflow: one model's answers in sentences leave the labels of another a closed set.
_LABELS = """
WITH label AS (
    SELECT r.workflow_id, r.request_model, GROUPING(r.request_model) AS of_all, r.output_normalised_hash,
           COUNT(*) AS requests, MIN(r.request_id) AS request_id
    FROM request AS r
    LEFT JOIN workflow AS w ON w.workflow_id = r.workflow_id
    WHERE r.status = 'billable' AND r.output_normalised_hash IS NOT NULL
      AND COALESCE(w.task_kind, r.task_kind) = 'classification'
      AND r.workflow_id IN (SELECT workflow_id FROM replay)
    GROUP BY GROUPING SETS (
        (r.workflow_id, r.request_model, r.output_normalised_hash), (r.workflow_id, r.output_normalised_hash)
    )
),
known AS (
    SELECT workflow_id, request_model, of_all,
           SUM(requests) >= $least
               AND SUM(CASE WHEN requests = 1 THEN 1 ELSE 0 END) <= $unseen * SUM(requests) AS closed
    FROM label
    GROUP BY workflow_id, request_model, of_all
    HAVING COUNT(*) <= $most
)
SELECT l.workflow_id, CASE WHEN l.of_all = 1 THEN NULL ELSE COALESCE(l.request_model, '') END AS model, l.request_id,
       k.closed, c.text
FROM label AS l
JOIN known AS k ON k.workflow_id = l.workflow_id AND k.request_model IS NOT DISTINCT FROM l.request_model
    AND k.of_all = l.of_all
JOIN segment AS s ON s.request_id = l.request_id AND s.direction = 'output' AND s.kind = 'answer'
JOIN content AS c ON c.content_hash = s.content_hash
WHERE c.text IS NOT NULL
ORDER BY l.workflow_id, model, l.request_id, s.position
"""


@dataclass(frozen=True, slots=True)
class Unit:
    """One replayed answer with everything its judgement needs."""

    replay_id: int
    task_kind: str | None
    reference: Answer
    candidate: Answer
    context: Context


@dataclass(slots=True)
class _Request:
    system: str = ""
    user: str = ""
    answer: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tools: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Labels:
    """The distinct logged answers of a classification workflow, normalised, and whether there are no others."""

    names: frozenset[str] = frozenset()
    closed: bool = False


LabelSets: TypeAlias = Mapping[tuple[int, str | None], Labels]


def label_sets(store: Store) -> LabelSets:
    """The labels of the replayed classification workflows: of each model, and of all (None)."""
    answers: dict[tuple[int, str | None, int, bool], str] = {}
    limits = {"most": _MAX_LABELS, "least": _MIN_REQUESTS, "unseen": _UNSEEN_LABELS}
    for row in store.rows(_LABELS, **limits):
        key = (row["workflow_id"], row["model"], row["request_id"], bool(row["closed"]))
        answers[key] = answers.get(key, "") + row["text"]
    sets: dict[tuple[int, str | None, bool], set[str]] = {}
    for (workflow, model, _, closed), text in answers.items():
        sets.setdefault((workflow, model, closed), set()).add(normalise(text))
    return {(workflow, model): Labels(frozenset(names), closed) for (workflow, model, closed), names in sets.items()}


def _labels_of(labels: LabelSets, row: Mapping[str, Any]) -> Labels:
    """The labels of the model that answered, where these are a closed set; else those of the workflow."""
    everyone = labels.get((row["workflow_id"], None), Labels())
    own = labels.get((row["workflow_id"], row["request_model"] or ""), Labels())
    return own if own.closed and not everyone.closed else everyone


def units(store: Store, low: int, high: int, labels: LabelSets) -> Iterator[Unit]:
    """The units of `scoring_unit` from place `low` to `high`, in order."""
    requests: dict[int, _Request] = {}
    for row in store.rows(_SEGMENTS, low=low, high=high):
        _gather(requests.setdefault(row["request_id"], _Request()), row["direction"], row["kind"], row["text"])
    for row in store.rows(_CANDIDATES, low=low, high=high):
        logged = requests.get(row["request_id"], _Request())
        yield Unit(
            row["replay_id"],
            row["task_kind"],
            Answer(logged.answer, logged.tool_calls, row["logged_finish_reason"]),
            Answer(row["text"] or "", tool_calls(row["tool_calls"]), row["finish_reason"]),
            _context(logged, row, _labels_of(labels, row)),
        )


def _gather(request: _Request, direction: str, kind: str, text: str) -> None:
    if direction == "output":
        if kind == "tool_call":
            request.tool_calls += tool_calls(f"[{text}]")
        elif kind != "reasoning":
            request.answer += text
    elif kind == "system":
        request.system += text
    elif kind == "tools":
        request.tools += (text,)
    else:
        request.user = (request.user + "\n" + text)[:_USER_CHARACTERS]


def tool_calls(text: str | None) -> tuple[ToolCall, ...]:
    """Tool calls of a JSON list of {name, arguments}; arguments that are a JSON text themselves are decoded."""
    found = decoded(text)
    calls = found if isinstance(found, list) else []
    return tuple(
        ToolCall(str(call.get("name") or ""), decoded(call.get("arguments")))
        for call in calls
        if isinstance(call, dict)
    )


def decoded(value: Any) -> Any:
    """A value with JSON text decoded once; text that is no JSON stays as it is."""
    if not isinstance(value, str):
        return value
    try:
        return read_json(value)
    except ValueError:
        return value


def _context(request: _Request, row: Mapping[str, Any], labels: Labels) -> Context:
    schema, required = output_format(decoded(row["parameters"]))
    tools = dict(filter(None, (_tool(decoded(text)) for text in request.tools)))
    closed = labels.names if labels.closed else None
    disputed = (row["outcome"] or "").strip().casefold() in DISPUTED
    return Context(request.system, request.user, closed, False, labels.names, schema, required, tools, disputed)


_FORMATS = ("response_format", "text", "output_format", "output_config", "format")
_SCHEMAS = ("response_schema", "responseJsonSchema", "response_json_schema", "json_schema", "guided_json")


def output_format(parameters: Any) -> tuple[dict[str, Any] | None, bool]:
    """JSON schema a request asked for, and whether it demanded JSON at all, in any flavour's parameters."""
    if not isinstance(parameters, dict):
        return None, False
    for key in _SCHEMAS:
        schema = decoded(parameters.get(key))
        if isinstance(schema, dict):
            return _inner_schema(schema), True
    for key in _FORMATS:
        found = decoded(parameters.get(key))
        schema, required = _read_format(found)
        if required:
            return schema, True
    return None, "json" in str(parameters.get("response_mime_type") or "")


def _read_format(found: Any) -> tuple[dict[str, Any] | None, bool]:
    """One format object: OpenAI's, Anthropic's, the Responses API's `text.format`, or Ollama's `json`/schema."""
    if found == "json":
        return None, True
    if not isinstance(found, dict):
        return None, False
    found = found["format"] if isinstance(found.get("format"), dict) else found
    if "json" in str(found.get("type")):
        return _inner_schema(found) if "schema" in found or "json_schema" in found else None, True
    return (found, True) if found.get("type") == "object" and "properties" in found else (None, False)


def _inner_schema(found: dict[str, Any]) -> dict[str, Any] | None:
    for key in ("json_schema", "schema"):
        if isinstance(found.get(key), dict):
            found = found[key]
    return found or None


def _tool(definition: Any) -> tuple[str, dict[str, Any]] | None:
    """Name and argument schema of a tool definition of any flavour, None when it has none."""
    if not isinstance(definition, dict):
        return None
    inner = next(
        (definition[key] for key in ("function", "toolSpec") if isinstance(definition.get(key), dict)), definition
    )
    keys = ("parameters", "input_schema", "inputSchema", "parametersJsonSchema")
    schema = next((inner[key] for key in keys if isinstance(inner.get(key), dict)), None)
    if schema is not None and isinstance(schema.get("json"), dict):
        schema = schema["json"]
    return (str(inner["name"]), schema) if inner.get("name") and schema else None
