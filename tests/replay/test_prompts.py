from __future__ import annotations

import json
from typing import Any

import pytest

from audit.call import Call
from audit.clients import Limits, Message, NotReplayableError, Prompt, ToolCall
from audit.plugins import find
from audit.replay.prompts import rebuild, tool
from audit.wire.messages import read_request
from audit.wire.parameters import parameters
from audit.wire.transcript import Transcript


def round_trip(body: dict[str, Any]) -> Prompt:
    """A logged request body through the readers' segments and back."""
    out = Transcript()
    read_request(body, out)
    call = Call("test")
    out.apply(call)
    segments = [{"role": each.role, "kind": each.kind, "text": each.text} for each in call.segments]
    return rebuild(segments, json.dumps(parameters(body)))


def client(flavour: str) -> Any:
    return next(each for each in find("clients", "CLIENT") if each.name == flavour)


SCHEMA = {"type": "object", "properties": {"label": {"type": "string"}}}


def test_a_chat_body_comes_back_with_its_tools_and_turns() -> None:
    prompt = round_trip(
        {
            "model": "gpt-4o",
            "temperature": 0.2,
            "max_completion_tokens": 64,
            "stop": "END",
            "seed": 3,
            "tool_choice": {"type": "function", "function": {"name": "weather"}},
            "parallel_tool_calls": False,
            "tools": [
                {"type": "function", "function": {"name": "weather", "parameters": SCHEMA, "strict": True}},
            ],
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Bern and Thun?"},
                {
                    "role": "assistant",
                    "content": "Let me look.",
                    "tool_calls": [
                        {"id": "x1", "type": "function", "function": {"name": "weather", "arguments": '{"c": "Bern"}'}},
                        {"id": "x2", "type": "function", "function": {"name": "weather", "arguments": '{"c": "Thun"}'}},
                    ],
                },
                {"role": "tool", "tool_call_id": "x1", "content": "12"},
                {"role": "tool", "tool_call_id": "x2", "content": "14"},
                {"role": "user", "content": [{"type": "text", "text": "Thanks."}, {"text": "And Basel?"}]},
            ],
        }
    )  # fmt: skip
    assert prompt.system == ("Be brief.",)
    assert prompt.messages == (
        Message("user", ("Bern and Thun?",)),
        Message(
            "assistant",
            ("Let me look.",),
            (ToolCall("weather", {"c": "Bern"}, "call_1"), ToolCall("weather", {"c": "Thun"}, "call_2")),
        ),
        Message("tool", ("12",), call_id="call_1"),
        Message("tool", ("14",), call_id="call_2"),
        Message("user", ("Thanks.", "And Basel?")),
    )
    assert prompt.tools[0].strict is True
    assert (prompt.tools[0].name, prompt.tools[0].schema) == ("weather", SCHEMA)
    assert (prompt.temperature, prompt.max_output_tokens, prompt.stop, prompt.seed) == (0.2, 64, ("END",), 3)
    assert (prompt.tool_choice, prompt.parallel_tool_calls) == ("tool:weather", False)
    assert prompt.lossy == ()


CHAT_CALLS = [{"id": name, "type": "function", "function": {"name": name, "arguments": "{}"}} for name in ("rm", "ls")]
NOTHING = {
    "chat": [
        {"role": "assistant", "content": None, "tool_calls": CHAT_CALLS},
        {"role": "tool", "tool_call_id": "rm", "content": ""},
        {"role": "tool", "tool_call_id": "ls", "content": "a.txt"},
    ],
    "chat, out of order": [
        {"role": "assistant", "content": None, "tool_calls": CHAT_CALLS},
        {"role": "tool", "tool_call_id": "ls", "content": [{"type": "text", "text": "a.txt"}]},
        {"role": "tool", "tool_call_id": "rm", "content": []},
    ],
    "messages": [
        {"role": "assistant", "content": [{"type": "tool_use", "id": n, "name": n, "input": {}} for n in ("rm", "ls")]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "rm"},
                                     {"type": "tool_result", "tool_use_id": "ls", "content": "a.txt"}]},
    ],
    "responses": [
        *({"type": "function_call", "call_id": name, "name": name, "arguments": "{}"} for name in ("rm", "ls")),
        {"type": "function_call_output", "call_id": "rm", "output": ""},
        {"type": "function_call_output", "call_id": "ls", "output": "a.txt"},
    ],
}  # fmt: skip


@pytest.mark.parametrize("turns", NOTHING.values(), ids=NOTHING)
def test_a_tool_that_returned_nothing_is_asked_about_with_an_empty_result(turns: list[dict[str, Any]]) -> None:
    prompt = round_trip({"model": "m", "messages": [{"role": "user", "content": "Clean up."}, *turns]})
    assert [each.name for each in prompt.messages[1].tool_calls] == ["rm", "ls"]
    assert prompt.messages[2:] == (
        Message("tool", ("",), call_id="call_1"),
        Message("tool", ("a.txt",), call_id="call_2"),
    )
    for flavour in ("openai_chat", "anthropic_messages", "openai_responses"):
        body = client(flavour).translate(prompt, "m", Limits(100)).body
        given = json.dumps(body)
        assert ('"content": ""' in given, '"output": ""' in given) == (
            flavour != "openai_responses", flavour == "openai_responses"
        )  # fmt: skip


def test_a_messages_body_comes_back() -> None:
    prompt = round_trip(
        {
            "model": "claude-sonnet-4-5",
            "max_tokens": 300,
            "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
            "thinking": {"type": "enabled", "budget_tokens": 2048},
            "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
            "tools": [{"name": "weather", "input_schema": SCHEMA}],
            "messages": [
                {"role": "user", "content": "Bern?"},
                {
                    "role": "assistant",
                    "content": [{"type": "tool_use", "id": "t", "name": "weather", "input": {"c": 1}}],
                },
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "tool_result",
                            "tool_use_id": "t",
                            "content": [{"type": "text", "text": "12"}, {"type": "text", "text": "rising"}],
                        },
                        {"type": "text", "text": "So?"},
                    ],
                },
            ],
        }
    )
    assert prompt.messages[2] == Message("tool", ("12", "rising"), call_id="call_1")
    assert prompt.messages[3] == Message("user", ("So?",))
    assert prompt.thinking == {"type": "enabled", "budget_tokens": 2048}
    assert (prompt.tool_choice, prompt.parallel_tool_calls, prompt.max_output_tokens) == ("required", False, 300)


@pytest.mark.parametrize(
    "body",
    [
        {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA, "strict": True}}},
        {"text": {"format": {"type": "json_schema", "name": "n", "schema": SCHEMA, "strict": True}}},
        {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
        {"generationConfig": {"responseMimeType": "application/json", "responseSchema": SCHEMA}},
        {"format": SCHEMA},
    ],
)
def test_a_schema_is_found_in_every_api(body: dict[str, Any]) -> None:
    prompt = round_trip({"messages": [{"role": "user", "content": "x"}], **body})
    assert prompt.json_schema == SCHEMA
    assert prompt.lossy == ()


def test_json_mode_and_effort_are_found() -> None:
    body = {"messages": [{"role": "user", "content": "x"}], "response_format": {"type": "json_object"}}
    assert round_trip(body).json_object
    assert round_trip({"input": "x", "reasoning": {"effort": "low"}}).reasoning_effort == "low"
    gemini = {"type": "OBJECT", "properties": {"a": {"type": "ARRAY", "items": {"type": "STRING"}}}}
    found = round_trip(
        {"contents": [{"role": "user", "parts": [{"text": "x"}]}], "generationConfig": {"responseSchema": gemini}}
    )
    assert found.json_schema == {"type": "object", "properties": {"a": {"type": "array", "items": {"type": "string"}}}}


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", "auto"),
        ("required", "required"),
        ({"type": "function", "name": "f"}, "tool:f"),
        ({"type": "tool", "name": "f"}, "tool:f"),
        ({"tool": {"name": "f"}}, "tool:f"),
        ({"any": {}}, "required"),
        ({"mode": "ANY", "allowedFunctionNames": ["f"]}, "tool:f"),
        ({"mode": "NONE"}, "none"),
        ("nonsense", None),
    ],
)
def test_tool_choices_of_every_api(choice: Any, expected: str | None) -> None:
    body = {"messages": [{"role": "user", "content": "x"}], "tools": [{"name": "f"}], "tool_choice": choice}
    assert round_trip(body).tool_choice == expected


@pytest.mark.parametrize(
    "definition",
    [
        {"type": "function", "function": {"name": "f", "description": "d", "parameters": SCHEMA}},
        {"type": "function", "name": "f", "description": "d", "parameters": SCHEMA},
        {"name": "f", "description": "d", "input_schema": SCHEMA},
        {"toolSpec": {"name": "f", "description": "d", "inputSchema": {"json": SCHEMA}}},
        {
            "name": "f",
            "description": "d",
            "parameters": {"type": "OBJECT", "properties": {"label": {"type": "STRING"}}},
        },
    ],
)
def test_tools_of_every_api(definition: dict[str, Any]) -> None:
    made = tool(json.dumps(definition))
    assert (made.name, made.description, made.schema) == ("f", "d", SCHEMA)


@pytest.mark.parametrize(
    ("segments", "settings", "reason"),
    [
        ([("user", "media", "<media image/png x>")], {}, "images"),
        ([("system", "tools", '{"type": "web_search_preview"}'), ("user", "user", "x")], {}, "only its provider"),
        ([("system", "tools", '{"type": "computer_20250124", "name": "c"}'), ("user", "user", "x")], {}, "only its"),
        ([("user", "user", "x"), ("tool", "tool_result", "12")], {}, "without its call"),
        ([("user", "user", "x"), ("assistant", "tool_call", '{"name": "f"}')], {}, "without its result"),
        ([("system", "system", "Be brief.")], {}, "no message"),
        ([("user", "user", None)], {}, "not kept"),
        ([("user", "user", "x")], {"modalities": ["text", "audio"]}, "not only text"),
        ([("user", "user", "x")], {"web_search_options": {}}, "only its provider"),
    ],
)
def test_what_cannot_be_asked_again_says_why(segments: list[Any], settings: dict[str, Any], reason: str) -> None:
    rows = [dict(zip(("role", "kind", "text"), segment, strict=True)) for segment in segments]
    with pytest.raises(NotReplayableError, match=reason):
        rebuild(rows, json.dumps(settings))


def test_losses_on_the_way_are_named() -> None:
    rows = [
        {"role": "user", "kind": "history", "text": "Hi"},
        {"role": "assistant", "kind": "reasoning", "text": "They greet me."},
        {"role": "assistant", "kind": "history", "text": "Hello!"},
        {"role": "system", "kind": "system", "text": "Now be brief."},
        {"role": "critic", "kind": "user", "text": "Who are you?"},
    ]
    prompt = rebuild(rows, json.dumps({"n": 3, "logit_bias": {"1": 2}, "logprobs": True}))
    assert prompt.lossy == (
        "reasoning of earlier turns is left out",
        "a system message inside the conversation is sent at its start",
        "a message of another role is sent as the user's",
        "one answer is asked for where the log asked for several",
        "the setting logit_bias is not carried over",
    )


@pytest.mark.parametrize(
    "odd", ["[]", '{"temperature": true, "max_tokens": "many", "stop": 7, "seed": 1.5}', "null", None]
)
def test_odd_parameters_are_no_settings(odd: str | None) -> None:
    prompt = rebuild([{"role": "user", "kind": "user", "text": "x"}], odd)
    assert (prompt.temperature, prompt.max_output_tokens, prompt.stop, prompt.seed) == (None, None, (), None)


CALLS = [("b7", "Bern"), ("a1", "Thun"), ("c3", "Basel")]
OUT_OF_ORDER = {
    "chat": [
        {"role": "user", "content": "How warm?"},
        {
            "role": "assistant",
            "tool_calls": [
                {"id": name, "type": "function", "function": {"name": "w", "arguments": json.dumps({"c": city})}}
                for name, city in CALLS
            ],
        },
        *({"role": "tool", "tool_call_id": name, "content": f"{city} result"} for name, city in reversed(CALLS)),
    ],
    "messages": [
        {"role": "user", "content": "How warm?"},
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": name, "name": "w", "input": {"c": city}} for name, city in CALLS],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": name, "content": [{"type": "text", "text": f"{city} result"}]}
                for name, city in reversed(CALLS)
            ],
        },
    ],
    "responses": [
        {"role": "user", "content": "How warm?"},
        *(
            {"type": "function_call", "id": f"fc_{name}", "call_id": name, "name": "w",
             "arguments": json.dumps({"c": city})}
            for name, city in CALLS
        ),
        *(
            {"type": "function_call_output", "call_id": name, "output": f"{city} result"}
            for name, city in reversed(CALLS)
        ),
    ],
}  # fmt: skip


@pytest.mark.parametrize("flavour", sorted(OUT_OF_ORDER))
def test_results_go_to_their_own_calls_in_whatever_order_they_were_logged(flavour: str) -> None:
    prompt = round_trip({"model": "m", "input" if flavour == "responses" else "messages": OUT_OF_ORDER[flavour]})
    _, asked, *results = prompt.messages
    cities = {call.call_id: call.arguments["c"] for call in asked.tool_calls}
    assert list(cities.values()) == ["Bern", "Thun", "Basel"]
    assert [(cities[result.call_id], result.texts) for result in results] == [
        (city, (f"{city} result",)) for _, city in CALLS
    ]


def test_a_choice_among_some_tools_is_told_as_lost() -> None:
    allowed = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "name": "w"}]}}
    prompt = round_trip({"model": "m", "messages": [{"role": "user", "content": "x"}], "tool_choice": allowed})
    assert prompt.tool_choice is None
    assert "the tool choice is not carried over" in prompt.lossy
