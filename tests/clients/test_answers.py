"""Real wire shapes of the providers: thinking, tools, refusals, cut answers, streams nobody asked for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from audit.clients import CallError, ToolCall
from audit.clients._bodies import decode
from audit.clients.anthropic_messages import read as read_messages
from audit.clients.openai_chat import read as read_chat
from audit.clients.openai_responses import read as read_responses


def chat(message: dict[str, Any], finish: str = "stop", **rest: Any) -> dict[str, Any]:
    choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", **message}}
    return {"id": "chatcmpl-1", "model": "gpt-5-mini-2025-08-07", "choices": [choice], **rest}


def test_a_chat_answer_with_reasoning_tokens_and_cache() -> None:
    usage = {
        "prompt_tokens": 1200,
        "completion_tokens": 300,
        "total_tokens": 1500,
        "prompt_tokens_details": {"cached_tokens": 1024, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 256, "audio_tokens": 0},
    }
    answer = read_chat(chat({"content": "42", "refusal": None, "annotations": []}, usage=usage), {}, 1.5)
    assert (answer.text, answer.finish_reason, answer.duration) == ("42", "stop", 1.5)
    assert answer.usage is not None
    assert answer.usage.cache_read_input_tokens == 1024
    assert (answer.usage.output_tokens, answer.usage.reasoning_output_tokens) == (300, 256)


def test_chat_tools_refusals_and_odd_shapes() -> None:
    call = {"id": "call_9", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    broken = {"id": "call_8", "type": "function", "function": {"name": "g", "arguments": '{"a": '}}
    answer = read_chat(chat({"content": None, "tool_calls": [call, broken]}, "tool_calls"), {}, 1)
    assert answer.tool_calls == (ToolCall("f", {"a": 1}, "call_9"), ToolCall("g", '{"a": ', "call_8"))
    assert (answer.text, answer.finish_reason) == ("", "tool_calls")
    refused = read_chat(chat({"content": None, "refusal": "I can't help with that."}), {}, 1)
    assert (refused.text, refused.finish_reason) == ("I can't help with that.", "refusal")
    listed = read_chat(
        chat({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}, "length"), {}, 1
    )
    assert (listed.text, listed.finish_reason, listed.usage) == ("ab", "length", None)


@pytest.mark.parametrize(
    "body",
    [{}, {"choices": []}, {"choices": [None]}, {"choices": [{"message": None}]}, {"choices": "x"}, {"choices": [[]]}],
)
def test_a_chat_body_without_an_answer_is_a_failure(body: dict[str, Any]) -> None:
    with pytest.raises(CallError) as caught:
        read_chat(body, {}, 1)
    assert caught.value.kind == "bad_answer"
    assert caught.value.retry


def test_a_messages_answer_with_thinking_and_tools() -> None:
    body = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-opus-4-8",
        "content": [
            {"type": "thinking", "thinking": "They want f.", "signature": "x"},
            {"type": "redacted_thinking", "data": "x"},
            {"type": "text", "text": "Let me look. "},
            {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}},
        ],
        "stop_reason": "tool_use",
        "usage": {
            "input_tokens": 10,
            "cache_creation_input_tokens": 100,
            "cache_read_input_tokens": 1000,
            "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 0},
            "output_tokens": 50,
            "output_tokens_details": {"thinking_tokens": 30},
            "service_tier": "standard",
        },
    }
    answer = read_messages(body, {}, 2)
    assert (answer.text, answer.finish_reason) == ("Let me look. ", "tool_calls")
    assert answer.tool_calls == (ToolCall("f", {"a": 1}, "toolu_1"),)
    assert answer.usage is not None
    assert answer.usage.input_tokens == 1110
    assert answer.usage.reasoning_output_tokens == 30


@pytest.mark.parametrize(
    ("reason", "expected"),
    [("end_turn", "stop"), ("max_tokens", "length"), ("refusal", "refusal"), ("stop_sequence", "stop"), (None, None)],
)
def test_stop_reasons_are_told_in_one_language(reason: str | None, expected: str | None) -> None:
    answer = read_messages({"content": [], "stop_reason": reason}, {}, 1)
    assert (answer.text, answer.finish_reason) == ("", expected)


def test_a_responses_answer_with_reasoning_calls_and_cuts() -> None:
    body = {
        "id": "resp_1",
        "object": "response",
        "status": "completed",
        "model": "gpt-5-mini",
        "output": [
            {"type": "reasoning", "id": "rs_1", "summary": []},
            {"type": "message", "content": [{"type": "output_text", "text": "Hi", "annotations": []}]},
            {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        ],
        "usage": {
            "input_tokens": 10,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 90,
            "output_tokens_details": {"reasoning_tokens": 64},
            "total_tokens": 100,
        },
    }
    answer = read_responses(body, {}, 1)
    assert (answer.text, answer.finish_reason) == ("Hi", "tool_calls")
    assert answer.tool_calls == (ToolCall("f", {}, "c1"),)
    assert answer.usage is not None
    assert answer.usage.reasoning_output_tokens == 64
    cut = {**body, "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
    assert read_responses(cut, {}, 1).finish_reason == "length"
    refused = {
        "status": "completed",
        "output": [{"type": "message", "content": [{"type": "refusal", "refusal": "No."}]}],
    }
    assert read_responses(refused, {}, 1).finish_reason == "refusal"
    with pytest.raises(CallError, match="overloaded"):
        read_responses({"status": "failed", "error": {"code": "server_error", "message": "overloaded"}}, {}, 1)


def test_a_stream_nobody_asked_for_is_joined() -> None:
    chunks: list[dict[str, Any]] = [
        {"id": "c", "object": "chat.completion.chunk", "model": "m",
         "choices": [{"index": 0, "delta": {"content": "Hel"}}]},
        {"id": "c", "object": "chat.completion.chunk", "model": "m",
         "choices": [{"index": 0, "delta": {"content": "lo"}, "finish_reason": "stop"}]},
        {"id": "c", "object": "chat.completion.chunk", "model": "m", "choices": [],
         "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}},
    ]  # fmt: skip
    text = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
    answer = read_chat(decode(text.encode()), {}, 1)
    assert (answer.text, answer.finish_reason) == ("Hello", "stop")
    assert answer.usage is not None
    assert answer.usage.output_tokens == 2


def test_an_error_inside_a_good_status_is_an_error() -> None:
    with pytest.raises(CallError) as caught:
        decode(b'{"error": {"message": "Provider returned error", "code": 429}}')
    assert (caught.value.kind, caught.value.retry) == ("rate_limited", True)
    with pytest.raises(CallError) as caught:
        decode(b"\xff\xfe\x00")
    assert caught.value.kind == "bad_answer"
