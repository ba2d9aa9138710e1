from __future__ import annotations

from typing import Any

import pytest

from audit.scorers import Answer, Context, ToolCall
from audit.scorers._verifier import CHECKS, accepts, check_of

SCHEMA = {"type": "object", "properties": {"order": {"type": "integer"}}, "required": ["order"]}
TOOLS = {"find": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}


@pytest.mark.parametrize(
    ("kind", "context", "check"),
    [
        ("extraction", Context(schema=SCHEMA), "json_schema"),
        ("extraction", Context(), "json"),
        ("short_answer", Context(json_required=True), "json"),
        ("classification", Context(labels=frozenset({"refund"})), "label"),
        ("classification", Context(), None),
        ("tool_call", Context(tools=TOOLS), "tool_call"),
        ("tool_call", Context(), None),
        ("short_answer", Context(), None),
        ("open", Context(), None),
    ],
)
def test_a_check_exists_where_request_or_workflow_say_what_form_an_answer_has(
    kind: str, context: Context, check: str | None
) -> None:
    assert check_of(kind, context) == check
    assert check is None or check in CHECKS


def called(name: str, arguments: Any) -> Answer:
    return Answer(tool_calls=(ToolCall(name, arguments),))


@pytest.mark.parametrize(
    ("check", "answer", "accepted"),
    [
        ("json", Answer('{"a": 1}'), True),
        ("json", Answer('```json\n[1]\n```'), True),
        ("json", Answer('Here it is: {"a": 1}'), False),
        ("json", Answer("7"), False),
        ("json", Answer(""), False),
        ("json_schema", Answer('{"order": 7}'), True),
        ("json_schema", Answer('{"order": "7"}'), False),
        ("json_schema", Answer('{"order": 7'), False),
        ("label", Answer(" Refund. "), True),
        ("label", Answer("complaint"), False),
        ("label", called("refund", {}), False),
        ("tool_call", called("find", {"city": "Rome"}), True),
        ("tool_call", called("find", {}), False),
        ("tool_call", called("delete", {"city": "Rome"}), False),
        ("tool_call", called("find", "{broken"), False),
        ("tool_call", Answer("Rome"), False),
    ],
)  # fmt: skip
def test_an_answer_is_accepted_by_its_form_alone(check: str, answer: Answer, accepted: bool) -> None:
    context = Context(schema=SCHEMA, labels=frozenset({"refund"}), tools=TOOLS)
    assert accepts(check, answer, context) is accepted
