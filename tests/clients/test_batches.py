"""Lines of results as both Batch APIs write them: each an answer or a failure with a name."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from audit.clients import Answer, BatchRequest, CallError, ToolCall
from tests.batch_peer import BatchPeer
from tests.clients.asking import CLIENTS, endpoint
from tests.streams import counts, message_item, response, used

CALL = {"id": "call_a", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Zürich"}'}}
WEATHER = ToolCall("weather", {"city": "Zürich"}, "call_a")
Outcome = tuple[Any, ...]


@pytest.fixture(scope="module")
def peer() -> Iterator[BatchPeer]:
    with BatchPeer() as peer:
        yield peer


def chat(message: dict[str, Any], finish: str = "stop") -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "logprobs": None, "finish_reason": finish}
    return {"id": "chatcmpl-9", "object": "chat.completion", "created": 1790000000, "model": "gpt-5-mini-2025",
            "choices": [choice], "usage": counts(), "service_tier": "batch"}  # fmt: skip


def done(body: Any, status: int = 200) -> dict[str, Any]:
    """What OpenAI writes of a request it worked on."""
    return {"response": {"status_code": status, "request_id": "req_1", "body": body}, "error": None}


def undone(code: str) -> dict[str, Any]:
    return {"response": None, "error": {"code": code, "message": "This request was not executed."}}


def message(*content: dict[str, Any], stop: str = "end_turn") -> dict[str, Any]:
    """What Anthropic writes of a request it answered."""
    usage = {"input_tokens": 100, "output_tokens": 5, "service_tier": "batch"}
    said = {"id": "msg_9", "type": "message", "role": "assistant", "model": "claude-haiku-4-5",
            "content": list(content), "stop_reason": stop, "stop_sequence": None, "usage": usage}  # fmt: skip
    return {"result": {"type": "succeeded", "message": said}}


def errored(kind: str) -> dict[str, Any]:
    wrong = {"type": "error", "error": {"type": kind, "message": "no luck"}, "request_id": "req_1"}
    return {"result": {"type": "errored", "error": wrong}}


OPENAI: list[tuple[dict[str, Any], Outcome]] = [
    (done(chat({"content": "refund", "refusal": None})), ("refund", (), "stop")),
    (done(chat({"content": None, "tool_calls": [CALL]}, "tool_calls")), ("", (WEATHER,), "tool_calls")),
    (done(chat({"content": None, "refusal": "I can't help."})), ("I can't help.", (), "refusal")),
    (done({"error": {"message": "Invalid 'temperature'", "code": "invalid_value", "param": "temperature"}}, 400),
     ("unsupported", False)),
    (done({"error": {"message": "no luck", "type": "server_error"}}, 500), ("server_error", True)),
    (done({"error": {"message": "slow down", "code": "rate_limit_exceeded"}}, 429), ("rate_limited", True)),
    (done("upstream is gone", 502), ("server_error", True)),
    (done({"choices": []}), ("bad_answer", True)),
    (undone("batch_expired"), ("timeout", False)),
    (undone("batch_cancelled"), ("rejected", False)),
    (undone("of_next_year"), ("rejected", False)),
]  # fmt: skip
RESPONSES: list[tuple[dict[str, Any], Outcome]] = [
    (done(response("completed", [message_item("refund")], usage=used())), ("refund", (), "stop")),
    (done(response("incomplete", [message_item("Once")], incomplete_details={"reason": "max_output_tokens"})),
     ("Once", (), "length")),
    (done(response("failed", error={"code": "server_error", "message": "no luck"})), ("server_error", True)),
    (done(response("failed", error={"code": "rate_limit_exceeded", "message": "no luck"})), ("rate_limited", True)),
]  # fmt: skip
ANTHROPIC: list[tuple[dict[str, Any], Outcome]] = [
    (message({"type": "text", "text": "refund"}), ("refund", (), "stop")),
    (message({"type": "thinking", "thinking": "They want it.", "signature": "EqQBCg=="},
             {"type": "redacted_thinking", "data": "EmwKAhgB"}, {"type": "text", "text": "refund"}),
     ("refund", (), "stop")),
    (message({"type": "tool_use", "id": "call_a", "name": "weather", "input": {"city": "Zürich"}}, stop="tool_use"),
     ("", (WEATHER,), "tool_calls")),
    (errored("invalid_request_error"), ("rejected", False)),
    (errored("overloaded_error"), ("overloaded", True)),
    (errored("rate_limit_error"), ("rate_limited", True)),
    (errored("api_error"), ("server_error", True)),
    (errored("eclipse_error"), ("server_error", True)),
    ({"result": {"type": "errored", "error": {"type": "overloaded_error", "message": ""}}}, ("overloaded", True)),
    ({"result": {"type": "canceled"}}, ("rejected", False)),
    ({"result": {"type": "expired"}}, ("timeout", False)),
    ({"result": None}, ("server_error", True)),
]  # fmt: skip


def told(outcome: Answer | CallError) -> Outcome:
    if isinstance(outcome, CallError):
        return outcome.kind, outcome.retry
    return outcome.text, outcome.tool_calls, outcome.finish_reason


@pytest.mark.parametrize(
    ("flavour", "shapes"),
    [("openai_chat", OPENAI), ("openai_responses", RESPONSES), ("anthropic_messages", ANTHROPIC)],
)
def test_every_line_of_results_is_an_answer_or_a_failure_with_a_name(
    peer: BatchPeer, flavour: str, shapes: list[tuple[dict[str, Any], Outcome]]
) -> None:
    lines = [json.dumps({"id": "batch_req_1", "custom_id": f"r{n}", **line}) for n, (line, _) in enumerate(shapes)]
    # what is no line of results is passed over
    peer.damage = lambda written: "\n".join(["", *lines, "[]", '{"custom_id": 7}', '{"custom_id": "cut", "resp'])
    client = CLIENTS[flavour]
    assert client.batches is not None

    async def main() -> dict[str, Answer | CallError]:
        assert client.batches is not None
        batches = client.batches(endpoint(peer, flavour))
        try:
            batch = await batches.submit("audit-1", [BatchRequest("r0", {"model": "m", "messages": [], "input": []})])
            peer.end()
            assert (await batches.state(batch)).ended
            return await batches.results(batch)
        finally:
            await batches.close()

    found = asyncio.run(main())
    assert [told(found[f"r{number}"]) for number in range(len(shapes))] == [expected for _, expected in shapes]
    assert len(found) == len(shapes)
