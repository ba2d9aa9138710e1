"""Would the answer one logged request got have served for another? Judged by the scorers from the log alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from audit.scorers import Answer, Context, Score, ToolCall
from audit.scoring.evidence import decoded, output_format, tool_calls
from audit.scoring.judgement import judge, kind_of
from audit.store import Store

_CHUNK = 500
_USER_CHARACTERS = 20_000

_SEGMENTS = """
WITH wanted AS (
    SELECT request_id AS id FROM logged_pair UNION SELECT other_id AS id FROM logged_pair
)
SELECT s.request_id, s.direction, s.kind, c.text
FROM wanted AS w
JOIN segment AS s ON s.request_id = w.id
JOIN content AS c ON c.content_hash = s.content_hash
WHERE (s.direction = 'output' OR s.kind IN ('system', 'user')) AND c.text IS NOT NULL
ORDER BY s.request_id, s.position
"""

_FACTS = """
SELECT r.request_id, r.finish_reason, r.parameters, COALESCE(w.task_kind, r.task_kind) AS task_kind
FROM (SELECT request_id AS id FROM logged_pair UNION SELECT other_id AS id FROM logged_pair) AS q
JOIN request AS r ON r.request_id = q.id
LEFT JOIN workflow AS w ON w.workflow_id = r.workflow_id
"""


@dataclass(slots=True)
class _Logged:
    """One request as the scorers need it."""

    system: str = ""
    user: str = ""
    answer: str = ""
    calls: list[ToolCall] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    def add(self, direction: str, kind: str, text: str) -> None:
        """Take one segment."""
        if direction == "output":
            if kind == "tool_call":
                self.calls.extend(tool_calls(f"[{text}]"))
            elif kind != "reasoning":
                self.answer += text
        elif kind == "system":
            self.system += text
        else:
            self.user = f"{self.user}\n{text}"[:_USER_CHARACTERS]

    def given(self) -> Answer:
        """The logged answer."""
        return Answer(self.answer, tuple(self.calls), self.facts.get("finish_reason"))


def exchanged(store: Store, pairs: Sequence[tuple[int, int]]) -> Iterator[Score]:
    """One score for each pair of request ids: the first one's answer is the reference, the other's the candidate.

    `passed` is None where only a judge or a person could tell.
    """
    for start in range(0, len(pairs), _CHUNK):
        chunk = pairs[start : start + _CHUNK]
        store.replace("logged_pair", pa.Table.from_pylist([{"request_id": a, "other_id": b} for a, b in chunk]))
        requests = {facts["request_id"]: _Logged(facts=facts) for facts in store.rows(_FACTS)}
        for segment in store.rows(_SEGMENTS):
            requests[segment["request_id"]].add(segment["direction"], segment["kind"], segment["text"])
        for asked, other in chunk:
            yield _score(requests[asked], requests[other])
    store.run("DROP TABLE IF EXISTS logged_pair")


def _score(asked: _Logged, other: _Logged) -> Score:
    reference = asked.given()
    schema, required = output_format(decoded(asked.facts.get("parameters")))
    context = Context(asked.system, asked.user, schema=schema, json_required=required)
    return judge(kind_of(asked.facts.get("task_kind"), reference), reference, other.given(), context)
