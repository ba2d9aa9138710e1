from __future__ import annotations

from typing import Any

import pytest

from audit.wire.messages import transcript
from audit.wire.parameters import parameters

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="


def pieces(request: Any, response: Any = None) -> list[tuple[str, str, str, str]]:
    return [(s.direction, s.role, s.kind, s.text) for s in transcript(request, response).segments]


def test_the_order_is_tools_system_messages_answer() -> None:
    request = {
        "messages": [
            {"role": "user", "content": "first"},
            {
                "role": "assistant",
                "content": "reply",
                "tool_calls": [{"id": "c1", "function": {"name": "f", "arguments": '{"b":1,"a":2}'}}],
            },
            {"role": "tool", "tool_call_id": "c1", "content": "42"},
            {"role": "user", "content": "last"},
        ],
        "system": "rules",
        "tools": [{"name": "f", "description": "d"}],
    }
    found = transcript(request, {"choices": [{"message": {"content": "done"}}]})
    assert [(s.kind, s.text) for s in found.segments] == [
        ("tools", '{"description":"d","name":"f"}'),
        ("system", "rules"),
        ("history", "first"),
        ("history", "reply"),
        ("tool_call", '{"arguments":{"a":2,"b":1},"name":"f"}'),
        ("tool_result", "42"),
        ("user", "last"),
        ("answer", "done"),
    ]
    assert found.identifiers == ["c1", "c1"]
    assert found.text_status() == "full"


def test_the_last_user_message_is_not_a_tool_result() -> None:
    request = {
        "messages": [
            {"role": "user", "content": "question"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {}}]},
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "r"}]}],
            },
        ]
    }
    assert [kind for _, _, kind, _ in pieces(request)] == ["user", "tool_call", "tool_result"]


OPENAI = {"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]}
SAME_CONVERSATION = [
    OPENAI,
    {"instructions": "s", "input": "u"},
    {"instructions": "s", "input": [{"role": "user", "content": [{"type": "input_text", "text": "u"}]}]},
    {
        "system": [{"type": "text", "text": "s"}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "u"}]}],
    },
    {"systemInstruction": {"parts": [{"text": "s"}]}, "contents": [{"role": "user", "parts": [{"text": "u"}]}]},
    {"config": {"system_instruction": "s"}, "contents": "u"},
    {"system": [{"text": "s"}], "messages": [{"role": "user", "content": [{"text": "u"}]}]},
    [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}],
    '[{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]',
    [
        {"role": "system", "parts": [{"type": "text", "content": "s"}]},
        {"role": "user", "parts": [{"type": "text", "content": "u"}]},
    ],
    [[{"type": "system", "content": "s"}, {"type": "human", "content": "u"}]],
    {
        "messages": [
            {"lc": 1, "type": "constructor", "id": ["x", "SystemMessage"], "kwargs": {"content": "s"}},
            {"lc": 1, "type": "constructor", "id": ["x", "HumanMessage"], "kwargs": {"content": "u"}},
        ]
    },
]


@pytest.mark.parametrize("request_body", SAME_CONVERSATION, ids=lambda body: str(body)[:40])
def test_one_conversation_in_every_dialect(request_body: Any) -> None:
    assert pieces(request_body) == [("input", "system", "system", "s"), ("input", "user", "user", "u")]


SAME_ANSWER = [
    {
        "choices": [
            {
                "message": {
                    "role": "assistant",
                    "content": "a",
                    "tool_calls": [{"id": "x", "function": {"name": "f", "arguments": "{}"}}],
                }
            }
        ]
    },
    {
        "type": "message",
        "content": [{"type": "text", "text": "a"}, {"type": "tool_use", "id": "x", "name": "f", "input": {}}],
    },
    {
        "output": [
            {"type": "message", "content": [{"type": "output_text", "text": "a"}]},
            {"type": "function_call", "name": "f", "arguments": "{}"},
        ]
    },
    {"candidates": [{"content": {"parts": [{"text": "a"}, {"functionCall": {"name": "f", "args": {}}}]}}]},
    {"output": {"message": {"content": [{"text": "a"}, {"toolUse": {"toolUseId": "x", "name": "f", "input": {}}}]}}},
    {"message": {"role": "assistant", "content": "a", "tool_calls": [{"function": {"name": "f", "arguments": {}}}]}},
    [
        {
            "role": "assistant",
            "parts": [{"type": "text", "content": "a"}, {"type": "tool_call", "name": "f", "arguments": {}}],
        }
    ],
    {"generations": [[{"message": {"kwargs": {"content": "a", "tool_calls": [{"name": "f", "args": {}}]}}}]]},
]


@pytest.mark.parametrize("response", SAME_ANSWER, ids=lambda body: str(body)[:40])
def test_one_answer_in_every_dialect(response: Any) -> None:
    assert pieces(None, response) == [
        ("output", "assistant", "answer", "a"),
        ("output", "assistant", "tool_call", '{"arguments":{},"name":"f"}'),
    ]


IMAGES = [
    {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
    {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}"},
    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
    {"inlineData": {"mimeType": "image/png", "data": PNG}},
    {"type": "blob", "mime_type": "image/png", "content": PNG},
]


@pytest.mark.parametrize("part", IMAGES, ids=lambda part: str(part)[:30])
def test_one_image_has_one_digest_and_is_never_kept(part: dict[str, Any]) -> None:
    (found,) = transcript([{"role": "user", "content": [part]}]).segments
    assert found.kind == "media"
    assert found.text == "<media image/png 610dd5dabc3d2f94a7944582776dfc5b>"


def test_no_base64_survives_in_parts_of_unknown_shape() -> None:
    strange = [
        {"type": "hologram", "data": "A" * 5000},
        {"type": "input_audio", "input_audio": {"data": "B" * 5000, "format": "wav"}},
    ]
    for segment in transcript([{"role": "user", "content": strange}]).segments:
        assert len(segment.text) < 300


def test_breakpoints_stand_at_the_marked_block() -> None:
    request = {
        "tools": [{"name": "f", "cache_control": {"type": "ephemeral"}}],
        "system": [
            {"type": "text", "text": "a"},
            {"type": "text", "text": "b", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
        ],
        "messages": [{"role": "user", "content": "u"}],
    }
    found = [(s.text, s.cache_breakpoint, s.cache_ttl) for s in transcript(request).segments]
    assert found == [('{"name":"f"}', True, "5m"), ("a", False, None), ("b", True, "1h"), ("u", False, None)]
    converse = {
        "messages": [
            {"role": "user", "content": [{"text": "long"}, {"cachePoint": {"type": "default"}}, {"text": "q"}]}
        ]
    }
    assert [s.cache_breakpoint for s in transcript(converse).segments] == [True, False]
    automatic = {"cache_control": {"type": "ephemeral"}, "messages": [{"role": "user", "content": "u"}]}
    assert [s.cache_breakpoint for s in transcript(automatic).segments] == [True]


@pytest.mark.parametrize(
    ("request_body", "status"),
    [
        ({}, "absent"),
        (None, "absent"),
        (OPENAI, "full"),
        ([{"role": "user", "content": "redacted-by-litellm"}], "redacted"),
        ([{"role": "user", "content": "a (litellm_truncated skipped 9 chars. x) b"}], "truncated"),
        ([{"role": "user", "content": "see @@@langfuseMedia:type=image/png|id=1|source=bytes@@@"}], "redacted"),
        ([{"role": "user", "content": '<helicone-asset-id key="x"/>'}], "redacted"),
        ([{"role": "user", "content": "[REDACTED]"}], "redacted"),
        (
            [
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "image_url",
                            "image_url": {"url": "data:image/png;base64,iV (litellm_truncated skipped 9 chars.) A="},
                        }
                    ],
                }
            ],
            "truncated",
        ),
        ({"input": "u", "previous_response_id": "resp_0"}, "truncated"),
        ({"input": "u", "prompt": {"id": "pmpt_1", "variables": {"city": "Oslo"}}}, "truncated"),
        ({"contents": "u", "cachedContent": "cachedContents/1"}, "truncated"),
        ([{"role": "user", "content": "Why was litellm truncated?"}], "full"),
    ],
)
def test_text_status(request_body: Any, status: str) -> None:
    assert transcript(request_body).text_status() == status


def test_text_no_database_takes_is_repaired_and_marked() -> None:
    found = transcript([{"role": "user", "content": "a\0b\ud800c"}])
    assert found.segments[0].text == "ab\ufffdc"
    assert found.flags == ["repaired_text"]
    found.segments[0].text.encode()


def test_reasoning_is_its_own_kind() -> None:
    response = {
        "content": [
            {"type": "thinking", "thinking": "hm", "signature": "x"},
            {"type": "redacted_thinking", "data": "z" * 900},
            {"type": "text", "text": "a"},
        ]
    }
    found = pieces(None, response)
    assert [kind for _, _, kind, _ in found] == ["reasoning", "reasoning", "answer"]
    assert all(len(text) < 100 for _, _, _, text in found)


def test_parameters_have_one_name_each_and_no_text() -> None:
    assert parameters(
        {
            "model": "m",
            "messages": [],
            "max_completion_tokens": 5,
            "temperature": 0,
            "user": "u",
            "stream": True,
            "metadata": {},
            "seed": None,
        }
    ) == {"max_tokens": 5, "temperature": 0}
    assert parameters({"input": "x", "reasoning": {"effort": "low", "summary": None}, "max_output_tokens": 9}) == {
        "reasoning_effort": "low",
        "max_tokens": 9,
    }
    assert parameters({"contents": "x", "generationConfig": {"maxOutputTokens": 7, "topP": 0.5}}) == {
        "max_tokens": 7,
        "top_p": 0.5,
    }
    assert parameters({"messages": [], "inferenceConfig": {"maxTokens": 3, "stopSequences": ["."]}}) == {
        "max_tokens": 3,
        "stop": ["."],
    }
    assert parameters({"model": "m", "temperature": 1, "latency_ms": 5}, only={"temperature"}) == {"temperature": 1}
