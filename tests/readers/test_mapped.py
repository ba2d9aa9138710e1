from __future__ import annotations

import shlex

import pytest

from audit.call import Call, Reject
from audit.errors import ConfigError
from audit.readers._mapped import columns_of, mapped, suggest

RECORD = {
    "when": "2026-10-05T08:00:00Z",
    "info": {"llm": "gpt-4o", "who": "ann"},
    "n": {"in": 5, "out": "6"},
    "q": "hello",
    "answers": [{"t": "hi"}],
    "dotted.key": "eu",
}
MAP = {
    "timestamp": "when",
    "model": "info.llm",
    "user": "info.who",
    "input_tokens": "n.in",
    "output_tokens": "n.out",
    "prompt": "q",
    "response": "answers[0].t",
    "tag.region": "dotted.key",
}


def test_a_map_reads_what_no_reader_knows() -> None:
    reader = mapped(MAP)
    assert reader.detect(RECORD) > 30
    (call,) = reader.read(RECORD)
    assert isinstance(call, Call)
    assert call.usage is not None
    assert (call.request_model, call.usage.input_tokens, call.usage.output_tokens) == ("gpt-4o", 5, 6)
    assert (call.started_at_us, call.user, call.tags) == (1_791_187_200_000_000, "ann", {"region": "eu"})
    assert [(s.kind, s.text) for s in call.segments] == [("user", "hello"), ("answer", "hi")]


def test_a_map_may_point_at_whole_bodies() -> None:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
    answer = {"object": "chat.completion", "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 1}}
    reader = mapped({"request": "event.in", "response": "event.out"})
    (call,) = reader.read({"event": {"in": body, "out": answer}})
    assert isinstance(call, Call)
    assert call.usage is not None
    assert call.usage.input_tokens == 3


def test_records_without_the_mapped_fields_are_not_claimed() -> None:
    reader = mapped(MAP)
    assert reader.detect({"msg": "started"}) == 0
    assert [type(outcome) for outcome in reader.read({"msg": "started"})] == [Reject]


@pytest.mark.parametrize(("field", "near"), [("modle", "model"), ("output_tokn", "output_tokens")])
def test_an_unknown_field_names_its_neighbour(field: str, near: str) -> None:
    with pytest.raises(ConfigError) as caught:
        mapped({field: "x", "model": "m"})
    assert near in str(caught.value.hint)


def test_a_map_must_say_what_was_asked_or_counted() -> None:
    with pytest.raises(ConfigError):
        mapped({"timestamp": "when", "user": "who"})


def test_the_suggestion_can_be_pasted_into_a_shell() -> None:
    words = shlex.split(
        suggest({"when": "2026-10-05T08:00:00Z", "engine": "g", "tok in": 3, "tok'out; rm -rf": 4, "x\x1b[2J": 1})
    )
    assert words[0::2] == ["--map"] * 7
    assert words[1::2][:4] == ["timestamp=when", "model=engine", "input_tokens=tok in", "output_tokens=tok'out; rm -rf"]
    assert "\x1b" not in " ".join(words)


def test_the_suggestion_of_nested_columns_is_a_map_that_works() -> None:
    record = {
        "meta": {"modelName": "gpt-4o"},
        "counts": {"promptTokens": 7, "completionTokens": 2},
        "at": "2026-10-05T08:00:00Z",
    }
    words = shlex.split(suggest(record))
    pairs = dict(word.split("=", 1) for word in words if word != "--map" and not word.endswith("=<column>"))
    (call,) = mapped(pairs).read(record)
    assert isinstance(call, Call)
    assert call.usage is not None
    assert (call.request_model, call.usage.input_tokens, call.started_at_us) == ("gpt-4o", 7, 1_791_187_200_000_000)
    assert columns_of(record) == ["meta.modelName", "counts.promptTokens", "counts.completionTokens", "at"]
