from __future__ import annotations

import json
from typing import Any

import pytest

from audit.call import Call
from audit.wire import pair
from audit.wire.beside import error_name, status_problem
from audit.wire.calls import from_pair
from audit.wire.columns import layout, normal, spellings
from audit.wire.tags import tag
from audit.wire.text import canonical, damage, label, maybe_json, read_json, repaired, scalar

ASK = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]}
ANSWER = {"object": "chat.completion", "model": "gpt-4o-mini", "choices": [{"message": {"content": "yo"}}]}


@pytest.mark.parametrize(
    "name", ["Prompt Tokens", "promptTokens", "prompt-tokens", "prompt_tokens", "PromptTokens", " prompt.tokens "]
)
def test_spellings_of_one_column(name: str) -> None:
    assert normal(name) == "prompt_tokens"
    assert layout((name,)) == {"input_tokens": (name,)}


def test_the_better_name_of_a_role_comes_first() -> None:
    assert layout(("created_at", "start_time"))["started"] == ("start_time", "created_at")
    assert frozenset({"responseBody"}) in spellings("response")


@pytest.mark.parametrize("key", ["request", "input", "body", "kwargs", "prompt", "req", "requestBody", "Request"])
@pytest.mark.parametrize("other", ["response", "output", "completion", "resp", "Response"])
def test_wrappers_of_any_name_are_taken_apart(key: str, other: str) -> None:
    found = pair.of({key: ASK, other: ANSWER, "ts": 1})
    assert (found.request, found.response, found.dialect) == (ASK, ANSWER, "chat")


def test_a_plain_web_log_is_no_pair() -> None:
    for record in (
        {"request": "GET /", "response": 200},
        {"level": "info", "msg": "x"},
        {},
        {"body": {"a": 1}, "result": []},
    ):
        assert pair.of(record).dialect is None


def beside(**fields: Any) -> Call:
    return from_pair(pair.of({"request": ASK, "response": ANSWER, **fields}), "openai")


def test_times_beside_the_pair() -> None:
    call = beside(start_time="2026-10-05T08:00:00Z", end_time="2026-10-05T08:00:01.500Z", ttft_ms=300)
    assert (call.started_at_us, call.duration, call.time_to_first_chunk) == (1_791_187_200_000_000, 1.5, 0.3)
    late = beside(completed_at="2026-10-05T08:00:02Z", latency_ms=2000)
    assert late.started_at_us == 1_791_187_200_000_000
    assert beside(timestamp="2026-10-05T08:00:00").flags == ["naive_time"]


def test_who_and_what_for_beside_the_pair() -> None:
    call = beside(
        user_id="u",
        metadata={"team": "t", "feature": "f", "env": "prod", "deep": {"a": 1}, "list": ["x", "y"]},
        session_id="s",
    )
    assert (call.user, call.team, call.feature, call.environment, call.conversation_id) == ("u", "t", "f", "prod", "s")
    assert call.tags == {"team": "t", "feature": "f", "env": "prod", "deep.a": 1, "list": "x,y"}


def test_an_api_key_is_never_kept() -> None:
    call = beside(api_key="sk-secret-secret")
    assert call.api_key_hash is not None
    assert "secret" not in repr(call)


def test_row_numbers_are_no_identity() -> None:
    assert beside(id=7).native_id is None
    assert beside(id="123456").native_id is None
    assert beside(request_id="req_011A").native_id == "req_011A"


def test_the_response_id_is_the_identity() -> None:
    call = from_pair(
        pair.of({"request_id": "req-1234", "request": ASK, "response": {**ANSWER, "id": "chatcmpl-9"}}), "openai"
    )
    assert (call.native_id, call.response_id) == ("chatcmpl-9", "chatcmpl-9")


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        (200, None),
        ("200", None),
        (429, "429"),
        ("529", "529"),
        ("timeout", "timeout"),
        ("success", None),
        (None, None),
        (True, None),
    ],
)
def test_status_codes_and_words(status: Any, problem: str | None) -> None:
    assert status_problem(status) == problem


@pytest.mark.parametrize(
    ("error", "name"),
    [
        ({"type": "overloaded_error", "message": "x"}, "overloaded_error"),
        ({"type": "requests", "code": "rate_limit_exceeded"}, "rate_limit_exceeded"),
        ({"code": 429, "status": "RESOURCE_EXHAUSTED"}, "429"),
        ({"error": {"type": "inner"}}, "inner"),
        ("Timeout", "Timeout"),
        ("it went wrong somewhere", "error"),
        (None, None),
        ("", None),
        ("None", None),
        (False, None),
        ({}, None),
        (True, "error"),
    ],
)
def test_errors_have_short_names(error: Any, name: str | None) -> None:
    assert error_name(error) == name


def test_tags_as_a_list() -> None:
    call = Call(system="x")
    tag(call, ["team:search", "feature=faq", "prod", {"key": "user", "value": "u"}])
    assert (call.team, call.feature, call.environment, call.user) == ("search", "faq", "prod", "u")
    assert call.tags["prod"] is True


def test_tags_stay_few_and_flat() -> None:
    call = Call(system="x")
    tag(call, {f"k{i}": i for i in range(500)})
    assert len(call.tags) == 64


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1}', {"a": 1}),
        ('"{\\"a\\": 1}"', {"a": 1}),
        (" [1, 2]\n", [1, 2]),
        ('"a word"', '"a word"'),
        ("{not json}", "{not json}"),
        ("[broken", "[broken"),
        ("plain", "plain"),
        ("{'a': None, 'b': [True, 'it\\'s']}", {"a": None, "b": [True, "it's"]}),
        ("{'a': nan, 'b': Decimal('0.5')}", {"a": None, "b": 0.5}),
        ("{'a': __import__('os')}", "{'a': __import__('os')}"),
        ("{'a': " + "-" * 100_000 + "1}", "{'a': " + "-" * 100_000 + "1}"),
        ("{'a': " + "[" * 90 + "]" * 90 + "}", "{'a': " + "[" * 90 + "]" * 90 + "}"),
        ("", ""),
        (5, 5),
    ],
)
def test_json_inside_strings(text: Any, value: Any) -> None:
    assert maybe_json(text) == value


def test_json_that_the_fast_parser_refuses() -> None:
    assert maybe_json('{"a": "\\ud800"}') == {"a": "\ud800"}
    deep = "[" * 5000 + "]" * 5000
    assert maybe_json(deep) == deep
    assert read_json("[" * 100 + "]" * 100) is not None
    for text in (deep, deep.encode(), '{"a":' * 300 + "1" + "}" * 300):
        with pytest.raises(ValueError, match="nested"):
            read_json(text)
    wide = [[{}] for _ in range(1000)]
    assert read_json(json.dumps(wide)) == wide


def test_canonical_json_does_not_depend_on_order() -> None:
    assert canonical({"b": 1, "a": [1, {"d": 1, "c": 2}]}) == canonical({"a": [1, {"c": 2, "d": 1}], "b": 1})
    assert canonical({"a": 10**30, "b": "\ud800"}) == canonical({"b": "\ud800", "a": 10**30})


def test_repair_leaves_good_text_alone() -> None:
    text = "gut – 好"
    assert repaired(text) is text
    assert repaired("\ud83d\ude00") == "😀"
    assert damage("nothing wrong") is None
    assert label("  ") is None
    assert scalar([1]) is None
