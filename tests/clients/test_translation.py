from __future__ import annotations

import json
from typing import Any

import pytest

from audit.clients import CallError, Client, Limits, Message, NotReplayableError, Prompt, Tool, ToolCall
from audit.plugins import find

CLIENTS: dict[str, Client] = {client.name: client for client in find("clients", "CLIENT")}
LIMITS = Limits(500)
SCHEMA = {
    "type": "object",
    "properties": {"label": {"enum": ["a", "b"]}},
    "required": ["label"],
    "additionalProperties": False,
}
WEATHER = Tool("weather", "Weather of a city", {"type": "object", "properties": {"city": {"type": "string"}}})
CONVERSATION = Prompt(
    messages=(
        Message("user", ("How warm is it in Bern?",)),
        Message("assistant", (), (ToolCall("weather", {"city": "Bern"}, "call_1"),)),
        Message("tool", ("12 degrees",), call_id="call_1"),
        Message("user", ("And in Thun?", "Answer in Celsius.")),
    ),
    system=("You are a weather bot.",),
    tools=(WEATHER,),
)


def body(flavour: str, prompt: Prompt, model: str = "some-model") -> dict[str, Any]:
    return CLIENTS[flavour].translate(prompt, model, LIMITS).body


def lossy(flavour: str, prompt: Prompt, model: str = "some-model") -> tuple[str, ...]:
    return CLIENTS[flavour].translate(prompt, model, LIMITS).lossy


def test_every_flavour_declares_its_own_name_and_translates_a_plain_question() -> None:
    assert set(CLIENTS) >= {"openai_chat", "openai_responses", "anthropic_messages", "local"}
    for client in CLIENTS.values():
        made = client.translate(Prompt((Message("user", ("Hi",)),)), "m", LIMITS)
        assert json.loads(json.dumps(made.body))["model"] == "m"
        assert made.lossy == ()
        assert 500 in made.body.values(), "the token limit is always sent"


def test_chat_keeps_tools_results_and_parts() -> None:
    made = body("openai_chat", CONVERSATION)
    system, user, call, result, parts = made["messages"]
    assert system == {"role": "system", "content": "You are a weather bot."}
    assert user == {"role": "user", "content": "How warm is it in Bern?"}
    assert call["content"] is None
    assert json.loads(call["tool_calls"][0]["function"]["arguments"]) == {"city": "Bern"}
    assert result == {"role": "tool", "tool_call_id": "call_1", "content": "12 degrees"}
    assert [part["text"] for part in parts["content"]] == ["And in Thun?", "Answer in Celsius."]
    assert made["tools"][0]["function"]["parameters"] == WEATHER.schema


def test_messages_put_results_into_the_users_turn() -> None:
    made = body("anthropic_messages", CONVERSATION)
    assert [turn["role"] for turn in made["messages"]] == ["user", "assistant", "user"]
    assert made["messages"][1]["content"] == [
        {"type": "tool_use", "id": "call_1", "name": "weather", "input": {"city": "Bern"}}
    ]
    result, first, second = made["messages"][2]["content"]
    assert (result["type"], result["tool_use_id"], result["content"]) == ("tool_result", "call_1", "12 degrees")
    assert (first["text"], second["text"]) == ("And in Thun?", "Answer in Celsius.")
    assert made["system"] == [{"type": "text", "text": "You are a weather bot."}]
    assert made["tools"][0]["input_schema"] == WEATHER.schema


def test_responses_are_stateless_items() -> None:
    made = body("openai_responses", CONVERSATION)
    assert made["store"] is False
    kinds = [item.get("type") or item["role"] for item in made["input"]]
    assert kinds == ["system", "user", "function_call", "function_call_output", "user"]
    assert made["tools"][0] == {
        "type": "function",
        "name": "weather",
        "description": "Weather of a city",
        "parameters": WEATHER.schema,
        "strict": False,
    }


@pytest.mark.parametrize(
    ("choice", "chat", "responses", "messages"),
    [
        ("auto", "auto", "auto", {"type": "auto"}),
        ("required", "required", "required", {"type": "any"}),
        ("none", "none", "none", {"type": "none"}),
        (
            "tool:weather",
            {"type": "function", "function": {"name": "weather"}},
            {"type": "function", "name": "weather"},
            {"type": "tool", "name": "weather"},
        ),
    ],
)
def test_tool_choice_is_carried_over(choice: str, chat: Any, responses: Any, messages: Any) -> None:
    prompt = Prompt((Message("user", ("x",)),), tools=(WEATHER,), tool_choice=choice)
    assert body("openai_chat", prompt)["tool_choice"] == chat
    assert body("openai_responses", prompt)["tool_choice"] == responses
    assert body("anthropic_messages", prompt)["tool_choice"] == messages


def test_schemas_are_carried_over() -> None:
    prompt = Prompt((Message("user", ("x",)),), json_schema=SCHEMA, json_schema_name="label", json_schema_strict=True)
    chat = body("openai_chat", prompt)["response_format"]["json_schema"]
    assert chat == {"name": "label", "schema": SCHEMA, "strict": True}
    assert body("openai_responses", prompt)["text"]["format"]["schema"] == SCHEMA
    assert body("anthropic_messages", prompt)["output_config"]["format"] == {"type": "json_schema", "schema": SCHEMA}
    local = body("local", prompt)["response_format"]["json_schema"]
    assert local["schema"]["properties"] == SCHEMA["properties"]
    assert local["schema"]["additionalProperties"] is False


def test_settings_without_a_counterpart_are_named_as_lost() -> None:
    prompt = Prompt(
        (Message("user", ("x",)),),
        seed=7,
        temperature=1.4,
        top_k=3,
        stop=("\n", "END"),
        presence_penalty=0.5,
        reasoning_effort="minimal",
        json_object=True,
    )
    anthropic = lossy("anthropic_messages", prompt, "claude-haiku-4-5")
    for word in ("seed", "presence_penalty", "temperature above 1", "white space", "JSON mode", "effort"):
        assert any(word in each for each in anthropic), word
    assert body("anthropic_messages", prompt)["stop_sequences"] == ["END"]
    assert body("anthropic_messages", prompt)["temperature"] == 1.0
    responses = lossy("openai_responses", prompt)
    for word in ("seed", "stop", "presence_penalty", "top_k"):
        assert any(word in each for each in responses), word


def test_reasoning_models_get_their_own_limit_and_no_temperature() -> None:
    prompt = Prompt((Message("user", ("x",)),), temperature=0.2, stop=("END",), reasoning_effort="low")
    made = CLIENTS["openai_chat"].translate(prompt, "gpt-5-mini", LIMITS)
    assert made.body["max_completion_tokens"] == 500
    assert not {"temperature", "stop", "max_tokens"} & made.body.keys()
    assert made.body["reasoning_effort"] == "low"
    assert len(made.lossy) == 2
    plain = CLIENTS["openai_chat"].translate(prompt, "gpt-4o-mini", LIMITS)
    assert plain.body["max_tokens"] == 500
    assert plain.body["temperature"] == 0.2
    assert any("effort" in each for each in plain.lossy)


@pytest.mark.parametrize(
    ("flavour", "model", "expected"),
    [
        ("openai_chat", "gpt-5-mini", True),
        ("openai_chat", "openai/o4-mini-2025-04-16", True),
        ("openai_chat", "gpt-5-chat-latest", False),
        ("openai_chat", "gpt-4o", False),
        ("openai_chat", "deepseek-reasoner", True),
        ("anthropic_messages", "claude-opus-4-8", True),
        ("anthropic_messages", "claude-haiku-5-5", True),
        ("anthropic_messages", "claude-haiku-4-5-20251001", False),
        ("anthropic_messages", "claude-3-5-haiku-20241022", False),
    ],
)
def test_thinking_models_are_known_by_name(flavour: str, model: str, expected: bool) -> None:
    assert CLIENTS[flavour].thinks(model) is expected


def test_the_embedded_model_takes_no_tools() -> None:
    with pytest.raises(NotReplayableError, match="no tools"):
        body("local", CONVERSATION)


def refusal(parameter: str, message: str) -> CallError:
    return CallError("unsupported", message, parameter=parameter)


def test_a_refused_parameter_is_left_out_and_told() -> None:
    made = {"model": "m", "temperature": 0.0, "max_tokens": 9}
    said = CLIENTS["anthropic_messages"].adapt(made, refusal("temperature", "`temperature` is deprecated"))
    assert said == "temperature is not taken by this model"
    assert "temperature" not in made
    assert CLIENTS["anthropic_messages"].adapt(made, refusal("temperature", "again")) is None, "nothing left to change"


def test_a_token_limit_is_renamed_or_lowered() -> None:
    adapt = CLIENTS["openai_chat"].adapt
    renamed = {"max_tokens": 9000}
    assert adapt(renamed, refusal("max_tokens", "Use 'max_completion_tokens' instead.")) == ""
    assert renamed == {"max_completion_tokens": 9000}
    lowered = {"max_tokens": 90_000}
    said = adapt(lowered, refusal("max_tokens", "max_tokens is too large: 90000. At most 16384 completion tokens"))
    assert lowered == {"max_tokens": 16384}
    assert said is not None
    assert "16384" in said


def test_a_model_that_cannot_be_forced_to_call_a_tool_may_choose() -> None:
    made = {"tool_choice": {"type": "any"}}
    assert CLIENTS["anthropic_messages"].adapt(made, refusal("tool_choice", "forced tool use")) is not None
    assert made["tool_choice"] == {"type": "auto"}


LOOSE = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "minLength": 1, "description": "a city"},
        "days": {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "integer", "maximum": 9}}}},
    },
    "required": ["city"],
}


def test_a_schema_is_made_what_messages_enforce_and_the_change_is_told() -> None:
    prompt = Prompt((Message("user", ("x",)),), json_schema=LOOSE)
    schema = body("anthropic_messages", prompt)["output_config"]["format"]["schema"]
    day = {"type": "object", "properties": {"n": {"type": "integer", "description": "(maximum: 9)"}}}
    assert schema == {
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "a city (minLength: 1)"},
            "days": {"type": "array", "items": {**day, "additionalProperties": False}},
        },
        "required": ["city"],
        "additionalProperties": False,
    }
    assert lossy("anthropic_messages", prompt) == (
        "objects of the JSON schema take no other fields in this API",
        "limits of the JSON schema are told and not enforced in this API: maximum, minLength",
    )
    assert LOOSE["required"] == ["city"]


@pytest.mark.parametrize("flavour", ["openai_chat", "openai_responses"])
def test_a_schema_openai_cannot_enforce_is_sent_as_a_wish_and_told(flavour: str) -> None:
    def sent(schema: dict[str, Any]) -> tuple[Any, tuple[str, ...]]:
        prompt = Prompt((Message("user", ("x",)),), json_schema=schema, json_schema_strict=True)
        made = body(flavour, prompt)
        shape = made["response_format"]["json_schema"] if flavour == "openai_chat" else made["text"]["format"]
        return shape["strict"], lossy(flavour, prompt)

    assert sent(SCHEMA) == (True, ())
    strict, (told,) = sent(LOOSE)
    assert strict is False
    assert "not enforced" in told


def test_a_conversation_begins_with_the_user_and_holds_no_empty_text() -> None:
    prompt = Prompt(
        (Message("assistant", ("Hello!",)), Message("user", ("  ", "Hi")), Message("assistant", ("",))),
        system=(" ", "Be kind."),
    )
    made = body("anthropic_messages", prompt)
    assert [turn["role"] for turn in made["messages"]] == ["user", "assistant", "user"]
    assert made["messages"][2]["content"] == [{"type": "text", "text": "Hi"}]
    assert made["system"] == [{"type": "text", "text": "Be kind."}]
    assert any("before the assistant's first" in each for each in lossy("anthropic_messages", prompt))
    with pytest.raises(NotReplayableError, match="white space"):
        body("anthropic_messages", Prompt((Message("user", ("\n",)),)))


@pytest.mark.parametrize("flavour", ["openai_chat", "openai_responses"])
def test_words_put_into_the_assistants_mouth_are_told_as_lost(flavour: str) -> None:
    prompt = Prompt((Message("user", ("Answer in JSON",)), Message("assistant", ('{"answer":',))))
    assert any("is not continued" in each for each in lossy(flavour, prompt))
    assert lossy("anthropic_messages", prompt) == ()


def test_thinking_is_left_off_amid_calls_of_tools() -> None:
    thinking = {"type": "enabled", "budget_tokens": 1024}
    limits = Limits(4000)
    plain = Prompt((Message("user", ("x",)),), thinking=thinking)
    assert CLIENTS["anthropic_messages"].translate(plain, "m", limits).body["thinking"] == thinking
    amid = Prompt(CONVERSATION.messages, tools=(WEATHER,), thinking=thinking)
    made = CLIENTS["anthropic_messages"].translate(amid, "m", limits)
    assert "thinking" not in made.body
    assert any("amid calls of tools" in each for each in made.lossy)


def test_arguments_of_tools_are_objects_everywhere() -> None:
    bare = Tool("now", schema={"properties": {}})
    prompt = Prompt((Message("user", ("x",)),), tools=(bare,))
    assert body("openai_chat", prompt)["tools"][0]["function"]["parameters"]["type"] == "object"
    assert body("openai_responses", prompt)["tools"][0]["parameters"]["type"] == "object"
    assert body("anthropic_messages", prompt)["tools"][0]["input_schema"]["type"] == "object"


def test_a_refused_schema_is_kept_as_a_wish_and_costs_no_other_setting() -> None:
    chat = {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": LOOSE, "strict": True}}}
    adapt = CLIENTS["openai_chat"].adapt
    said = adapt(chat, refusal("response_format", "Invalid schema for response_format 'a'"))
    assert said == "the JSON schema is not enforced by this model"
    assert chat["response_format"]["json_schema"]["strict"] is False
    messages = {"output_config": {"format": {"type": "json_schema", "schema": LOOSE}, "effort": "low"}}
    assert (
        CLIENTS["anthropic_messages"].adapt(messages, refusal("output_config", "output_config.format: no")) is not None
    )
    assert messages == {"output_config": {"effort": "low"}}
