"""Bodies that only one vendor writes, inside the logs of a cloud, and objects as a data frame spells them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from audit.call import Call
from audit.readers.bedrock import READER as BEDROCK
from audit.readers.litellm_spendlogs import READER as LITELLM
from audit.readers.otel_genai import READER as GENAI

METRICS = {"amazon-bedrock-invocationMetrics": {"inputTokenCount": 10, "outputTokenCount": 2, "invocationLatency": 900}}


def logged(model: str, request: Any, response: Any, counted: tuple[int | None, int | None]) -> Call:
    record = {
        "schemaType": "ModelInvocationLog", "timestamp": "2026-09-01T10:00:00Z", "accountId": "123456789012",
        "requestId": "b-1", "operation": "InvokeModel", "modelId": model,
        "input": {"inputBodyJson": request, "inputTokenCount": counted[0]},
        "output": {"outputBodyJson": response, "outputTokenCount": counted[1]},
    }  # fmt: skip
    (call,) = BEDROCK.read(record)
    assert isinstance(call, Call)
    return call


def said(call: Call) -> list[tuple[str, str]]:
    return [(segment.kind, segment.text) for segment in call.segments]


LLAMA = [
    {"generation": "h", "prompt_token_count": 10, "generation_token_count": 1, "stop_reason": None},
    {"generation": "i", "prompt_token_count": None, "generation_token_count": 2, "stop_reason": "stop", **METRICS},
]


@pytest.mark.parametrize(
    ("model", "request_body", "response", "counted"),
    [
        ("meta.llama3-1-70b-instruct-v1:0", {"prompt": "hello"}, LLAMA, (None, None)),
        ("meta.llama3-1-70b-instruct-v1:0", {"prompt": "hello"}, LLAMA, (10, 2)),
        ("cohere.command-r-v1:0", {"message": "hello"}, {"text": "hi", "finish_reason": "COMPLETE"}, (10, 2)),
        ("amazon.titan-text-express-v1", {"inputText": "hello"},
         {"inputTextTokenCount": 10, "results": [{"tokenCount": 2, "outputText": "hi"}]}, (None, None)),
        ("mistral.mistral-7b-instruct-v0:2", {"prompt": "hello"}, {"outputs": [{"text": "hi"}]}, (10, 2)),
        ("anthropic.claude-v2:1", {"prompt": "hello"}, {"completion": "hi", "stop_reason": "stop_sequence"}, (10, 2)),
    ],
)  # fmt: skip
def test_a_vendors_body_gives_text_and_counts(
    model: str, request_body: Any, response: Any, counted: tuple[int | None, int | None]
) -> None:
    call = logged(model, request_body, response, counted)
    assert call.usage is not None
    assert (call.usage.input_tokens, call.usage.output_tokens, call.text_status) == (10, 2, "full")
    assert said(call) == [("user", "hello"), ("answer", "hi")]


def test_cohere_keeps_the_conversation_before_the_question() -> None:
    history = [{"role": "USER", "message": "one"}, {"role": "CHATBOT", "message": "two"}]
    call = logged("cohere.command-r-v1:0", {"message": "three", "chat_history": history}, {"text": "four"}, (9, 1))
    assert said(call) == [("history", "one"), ("history", "two"), ("user", "three"), ("answer", "four")]


def test_images_are_counted_by_the_piece() -> None:
    body = {"taskType": "TEXT_IMAGE", "textToImageParams": {"text": "a cat"}}
    call = logged("amazon.nova-canvas-v1:0", body, {"images": ["aGk=", "aGk="], "error": None}, (0, 0))
    assert call.usage is not None
    assert call.usage.tool_calls == {"image": 2}


def test_objects_spelled_by_python_are_objects() -> None:
    metadata = {
        "user_api_key_team_alias": "Support",
        "spend_logs_metadata": {"feature": "it's"},
        "status": None,
        "additional_usage_values": {"prompt_tokens_details": {"cached_tokens": 20, "audio_tokens": None}},
    }
    row = {
        "request_id": "r-1", "call_type": "acompletion", "spend": "0.1", "startTime": "2026-09-01 10:00:00",
        "endTime": "2026-09-01 10:00:01", "model": "gpt-4o", "prompt_tokens": "100", "completion_tokens": "10",
        "total_tokens": "110", "metadata": repr(metadata), "request_tags": repr(["env:prod"]),
        "messages": repr([{"role": "user", "content": "it's \n me"}]), "response": "{}", "status": "success",
        "cache_hit": "False",
    }  # fmt: skip
    (call,) = LITELLM.read(row)
    assert isinstance(call, Call)
    assert call.usage is not None
    assert (call.usage.cache_read_input_tokens, call.team, call.feature) == (20, "Support", "it's")
    assert said(call) == [("user", "it's \n me")]


def test_the_answers_of_an_old_completion_event_are_messages() -> None:
    completion = json.dumps([{"role": "assistant", "content": "hi"}])
    span = {
        "traceId": "1", "spanId": "2", "name": "chat", "startTimeUnixNano": "1788256800000000000",
        "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in
                       (("gen_ai.system", "openai"), ("gen_ai.request.model", "gpt-4o"))],
        "events": [{"name": "gen_ai.content.completion",
                    "attributes": [{"key": "gen_ai.completion", "value": {"stringValue": completion}}]}],
    }  # fmt: skip
    (call,) = GENAI.read({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]})
    assert isinstance(call, Call)
    assert said(call) == [("answer", "hi")]
