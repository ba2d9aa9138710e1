from __future__ import annotations

import json
from typing import Any

from audit.wire.stream import is_stream, join


def sse(*events: dict[str, Any]) -> str:
    return "".join(f"event: x\ndata: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"


def chunk(delta: dict[str, Any], index: int = 0, finish: str | None = None) -> dict[str, Any]:
    choice = {"index": index, "delta": delta, "finish_reason": finish}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "m", "choices": [choice]}


def test_chat_chunks_become_one_completion() -> None:
    call = {"index": 0, "id": "c1", "function": {"name": "f", "arguments": '{"a"'}}
    rest = {"index": 0, "function": {"arguments": ": 1}"}}
    usage = {"prompt_tokens": 3, "completion_tokens": 4}
    body = join(
        sse(
            chunk({"role": "assistant", "content": "he"}),
            chunk({"content": "llo", "tool_calls": [call]}),
            chunk({"tool_calls": [rest]}, finish="tool_calls"),
            chunk({"content": "second"}, index=1, finish="stop"),
            {"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": [], "usage": usage},
        )
    )
    first, second = body["choices"]
    assert body["usage"] == usage
    assert first["message"]["content"] == "hello"
    assert first["message"]["tool_calls"][0]["function"] == {"name": "f", "arguments": '{"a": 1}'}
    assert (first["finish_reason"], second["message"]["content"]) == ("tool_calls", "second")


def test_chunks_as_a_list_or_as_texts_are_the_same() -> None:
    events = [chunk({"content": "a"}), chunk({"content": "b"}, finish="stop")]
    texts = [f"data: {json.dumps(event)}" for event in events]
    assert join(events) == join(texts) == join([json.dumps(event) for event in events]) == join(sse(*events))


def test_anthropic_counts_are_cumulative() -> None:
    start = {
        "id": "msg_1",
        "type": "message",
        "model": "claude",
        "content": [],
        "usage": {"input_tokens": 9, "output_tokens": 1},
    }
    body = join(
        sse(
            {"type": "message_start", "message": start},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Yes"}},
            {
                "type": "content_block_start",
                "index": 1,
                "content_block": {"type": "tool_use", "id": "t", "name": "f", "input": {}},
            },
            {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": '{"n":'}},
            {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": "7}"}},
            {
                "type": "message_delta",
                "delta": {"stop_reason": "tool_use"},
                "usage": {"input_tokens": 0, "output_tokens": 15},
            },
        )
    )
    assert body["usage"] == {"input_tokens": 9, "output_tokens": 15}
    assert body["content"][0]["text"] == "Yes"
    assert body["content"][1]["input"] == {"n": 7}
    assert body["stop_reason"] == "tool_use"


def test_the_last_responses_event_holds_the_response() -> None:
    done = {"id": "resp_1", "object": "response", "output": [{"type": "message"}], "usage": {"input_tokens": 1}}
    assert (
        join(
            sse(
                {"type": "response.created", "response": {"id": "resp_1"}},
                {"type": "response.completed", "response": done},
            )
        )
        == done
    )


def test_a_responses_stream_cut_short_keeps_its_text() -> None:
    body = join(
        sse(
            {"type": "response.created", "response": {"id": "r"}},
            {"type": "response.output_text.delta", "delta": "half"},
        )
    )
    assert body["output"][0]["content"][0]["text"] == "half"


def test_gemini_pieces_are_put_together() -> None:
    pieces = [
        {"candidates": [{"content": {"parts": [{"text": "hm", "thought": True}]}}]},
        {"candidates": [{"content": {"parts": [{"text": "A"}]}}], "usageMetadata": {"promptTokenCount": 1}},
        {
            "candidates": [{"content": {"parts": [{"text": "B"}]}, "finishReason": "STOP"}],
            "usageMetadata": {"promptTokenCount": 2},
        },
    ]
    body = join(pieces)
    assert body["candidates"][0]["content"]["parts"] == [{"text": "hm", "thought": True}, {"text": "AB"}]
    assert body["usageMetadata"] == {"promptTokenCount": 2}


def test_converse_and_ollama_streams() -> None:
    body = join(
        [
            {"messageStart": {"role": "assistant"}},
            {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": "a"}}},
            {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": "b"}}},
            {"messageStop": {"stopReason": "end_turn"}},
            {"metadata": {"usage": {"inputTokens": 1}}},
        ]
    )
    assert body["output"]["message"]["content"] == [{"text": "ab"}]
    assert (body["stopReason"], body["usage"]) == ("end_turn", {"inputTokens": 1})
    lines = "\n".join(
        json.dumps({"model": "m", "created_at": "x", "message": {"role": "assistant", "content": text}, "done": done})
        for text, done in (("a", False), ("b", True))
    )
    assert join(lines)["message"]["content"] == "ab"


def test_an_error_inside_a_stream_is_kept() -> None:
    assert join('data: {"error": {"message": "x", "type": "server_error"}}\n\n')["error"]["type"] == "server_error"


def test_what_is_no_stream_comes_back_as_it_is() -> None:
    for value in ("plain text", {"id": 1}, [{"role": "user"}], None, 5, []):
        assert not is_stream(value)
        assert join(value) is value
    assert join("data: nothing\n\n") is None
