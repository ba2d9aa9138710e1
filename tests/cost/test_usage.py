from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import wire
from audit.wire.usage import (
    INPUT_METERS,
    MAX_TOKENS,
    OUTPUT_METERS,
    Usage,
    charges,
    from_anthropic,
    from_bedrock,
    from_gemini,
    from_langfuse,
    from_mapping,
    from_openai,
    service_tier,
)

READERS: list[Callable[[Mapping[str, Any]], Usage]] = [
    from_openai,
    from_anthropic,
    from_gemini,
    from_bedrock,
    from_langfuse,
    from_mapping,
]

# every key the readers look at, so that random payloads meet the code
NAMES = sorted(
    {
        word
        for path in Path(wire.__file__).parent.glob("usage*.py")
        for word in path.read_text(encoding="utf-8").split('"')
        if word and all(sign.isalnum() or sign in "._" for sign in word)
    }
)


def sums(usage: Usage) -> tuple[int, int]:
    parts = charges(usage)
    return (
        sum(quantity for meter, quantity in parts if meter in INPUT_METERS),
        sum(quantity for meter, quantity in parts if meter in OUTPUT_METERS),
    )


class TestNumbers:
    @pytest.mark.parametrize(("value", "count"), [("340", 340), (12.0, 12), (" 7 ", 7), ("1e3", 1000), (0, 0)])
    def test_numbers_in_other_clothes_are_counts(self, value: object, count: int) -> None:
        usage = from_openai({"prompt_tokens": value, "completion_tokens": 1})
        assert (usage.input_tokens, usage.flags) == (count, ())

    @pytest.mark.parametrize(
        "value", [-5, 1e12, 10**12, True, math.nan, math.inf, "many", 12.5, [], {}, "9" * 400, MAX_TOKENS + 1]
    )
    def test_impossible_numbers_are_unknown_and_flagged(self, value: object) -> None:
        usage = from_openai({"prompt_tokens": value, "completion_tokens": 10})
        assert usage.input_tokens is None
        assert usage.flags == ("implausible_input_tokens",)
        assert charges(usage) == [("output", 10)]

    @pytest.mark.parametrize("value", [None, "", "  "])
    def test_nothing_is_unknown_without_a_flag(self, value: object) -> None:
        usage = from_openai({"prompt_tokens": value, "completion_tokens": 10})
        assert (usage.input_tokens, usage.flags) == (None, ())

    def test_an_impossible_cache_count_leaves_the_input_in_place(self) -> None:
        usage = from_openai(
            {"prompt_tokens": 100, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": -3}}
        )
        assert usage.input_tokens == 100
        assert usage.cache_read_input_tokens is None
        assert usage.flags == ("implausible_cache_read_input_tokens",)


class TestConventions:
    def test_what_the_record_cannot_tell_stays_unknown(self) -> None:
        usage = from_openai({"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12})
        assert usage.cache_read_input_tokens is None
        assert usage.reasoning_output_tokens is None

    def test_what_the_record_says_is_zero_is_zero(self) -> None:
        details = {"prompt_tokens_details": {"cached_tokens": 0}, "completion_tokens_details": {"reasoning_tokens": 0}}
        usage = from_openai({"prompt_tokens": 10, "completion_tokens": 2, **details})
        assert (usage.cache_read_input_tokens, usage.reasoning_output_tokens) == (0, 0)

    @pytest.mark.parametrize(
        ("payload", "convention", "total_in"),
        [
            (
                {"prompt_tokens": 100, "completion_tokens": 5, "total_tokens": 105, "cached_tokens": 80},
                "inclusive",
                100,
            ),
            (
                {"prompt_tokens": 100, "completion_tokens": 5, "total_tokens": 185, "cached_tokens": 80},
                "exclusive",
                180,
            ),
            ({"prompt_tokens": 100, "completion_tokens": 5, "cached_tokens": 101}, "exclusive", 201),
            ({"input_tokens": 7, "output_tokens": 5, "cache_read_input_tokens": 80}, "exclusive", 87),
            ({"inputTokens": 7, "outputTokens": 5, "cacheReadInputTokens": 80}, "exclusive", 87),
            ({"input": 20, "input_cached_tokens": 80, "output": 5}, "disjoint", 100),
            ({"input": 100, "input_cached_tokens": 80, "output": 5, "total": 105}, "inclusive", 100),
        ],
    )
    def test_sums_and_keys_decide(self, payload: dict[str, Any], convention: str, total_in: int) -> None:
        usage = from_mapping(payload)
        assert (usage.convention, usage.input_tokens) == (convention, total_in)

    def test_an_embedding_has_no_output(self) -> None:
        assert from_openai({"prompt_tokens": 9, "total_tokens": 9}).output_tokens == 0

    def test_a_blocked_gemini_prompt_has_no_output(self) -> None:
        assert from_gemini({"promptTokenCount": 9, "totalTokenCount": 9}).output_tokens == 0

    def test_null_details_are_no_details(self) -> None:
        usage = from_openai({"prompt_tokens": 10, "completion_tokens": 2, "prompt_tokens_details": None})
        assert (usage.input_tokens, usage.flags) == (10, ())

    def test_an_advisor_is_not_counted_at_the_wrong_price(self) -> None:
        iterations = [{"type": "advisor_message", "model": "claude-opus-5", "input_tokens": 9, "output_tokens": 9}]
        usage = from_anthropic({"input_tokens": 1, "output_tokens": 1, "iterations": iterations})
        assert (usage.input_tokens, usage.flags) == (1, ("advisor_tokens_not_counted",))

    def test_a_split_larger_than_its_sum_is_flagged(self) -> None:
        split = {"ephemeral_5m_input_tokens": 70, "ephemeral_1h_input_tokens": 40}
        usage = from_anthropic(
            {"input_tokens": 1, "output_tokens": 1, "cache_creation_input_tokens": 100, "cache_creation": split}
        )
        assert usage.flags == ("cache_write_split_exceeds_total",)
        assert usage.input_tokens == 111

    def test_the_twelve_hour_cache_has_no_known_price(self) -> None:
        details = {"cache_write_tokens": 50, "cache_write_tokens_details": {"ttl_12h_tokens": 50, "ttl_30m_tokens": 0}}
        usage = from_openai({"input_tokens": 100, "output_tokens": 1, "input_tokens_details": details})
        assert usage.flags == ("cache_write_12h_price_unknown",)

    def test_transcription_by_the_second(self) -> None:
        assert charges(from_openai({"type": "duration", "seconds": 61.4})) == [("audio_second", 61)]


class TestTiers:
    @pytest.mark.parametrize(
        ("word", "tier"),
        [
            ("default", "standard"),
            ("auto", None),
            ("fast", "priority"),
            ("ON_DEMAND", "standard"),
            ("flex", "flex"),
            ("SERVICE_TIER_FLEX", "flex"),
            (None, None),
            (3, None),
            ("PROVISIONED_THROUGHPUT", "provisioned_throughput"),
        ],
    )
    def test_words_of_responses(self, word: object, tier: str | None) -> None:
        assert service_tier(word) == tier

    def test_gemini_says_its_tier_in_either_of_two_words(self) -> None:
        counts = {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}
        assert from_gemini({**counts, "trafficType": "ON_DEMAND_FLEX"}).service_tier == "flex"
        assert from_gemini({**counts, "serviceTier": "priority"}).service_tier == "priority"

    @pytest.mark.parametrize(
        ("fields", "tier"),
        [
            ({}, None),
            ({"service_tier": "standard"}, "standard"),
            ({"service_tier": "standard", "speed": "fast"}, "fast"),
            ({"service_tier": "standard", "speed": "fast", "inference_geo": "us"}, "fast+us"),
            ({"inference_geo": "us"}, "standard+us"),
            ({"service_tier": "batch", "inference_geo": "global"}, "batch"),
            ({"inference_geo": "not_available"}, None),
        ],
    )
    def test_anthropic_tier_speed_and_place(self, fields: dict[str, str], tier: str | None) -> None:
        assert from_anthropic({"input_tokens": 1, "output_tokens": 1, **fields}).service_tier == tier


numbers = st.one_of(
    st.integers(0, 5000),
    st.integers(),
    st.floats(allow_nan=True),
    st.none(),
    st.booleans(),
    st.text(max_size=4),
)
payloads = st.dictionaries(
    st.sampled_from(NAMES),
    st.one_of(
        numbers,
        st.dictionaries(st.sampled_from(NAMES), numbers, max_size=4),
        st.lists(st.dictionaries(st.sampled_from(NAMES), numbers, max_size=3), max_size=2),
    ),
    max_size=8,
)
counts = st.integers(0, 2000)


class TestProperties:
    @given(payload=payloads, reader=st.sampled_from(READERS))
    def test_any_payload_is_read_and_its_charges_add_up(
        self, payload: dict[str, Any], reader: Callable[[Mapping[str, Any]], Usage]
    ) -> None:
        usage = reader(payload)
        assert sums(usage) == (usage.input_tokens or 0, usage.output_tokens or 0)
        meters = [meter for meter, _ in charges(usage)]
        assert len(set(meters)) == len(meters)
        assert all(quantity > 0 for _, quantity in charges(usage))

    @given(fresh=counts, read=counts, short=counts, long=counts, output=counts)
    def test_anthropic_and_openai_say_the_same_of_one_call(
        self, fresh: int, read: int, short: int, long: int, output: int
    ) -> None:
        split = {"ephemeral_5m_input_tokens": short, "ephemeral_1h_input_tokens": long}
        native = from_anthropic(
            {
                "input_tokens": fresh,
                "cache_read_input_tokens": read,
                "cache_creation_input_tokens": short + long,
                "cache_creation": split,
                "output_tokens": output,
            }
        )
        total = fresh + read + short + long
        proxied = from_openai(
            {
                "prompt_tokens": total,
                "completion_tokens": output,
                "total_tokens": total + output,
                "prompt_tokens_details": {
                    "cached_tokens": read,
                    "cache_creation_tokens": short + long,
                    "cache_creation_token_details": split,
                },
            }
        )
        assert charges(native) == charges(proxied)

    @given(fresh=counts, read=counts, write=counts, output=counts)
    def test_bedrock_and_anthropic_say_the_same_of_one_call(
        self, fresh: int, read: int, write: int, output: int
    ) -> None:
        native = from_anthropic(
            {
                "input_tokens": fresh,
                "cache_read_input_tokens": read,
                "cache_creation_input_tokens": write,
                "output_tokens": output,
            }
        )
        bedrock = from_bedrock(
            {
                "inputTokens": fresh,
                "outputTokens": output,
                "totalTokens": fresh + read + write + output,
                "cacheReadInputTokens": read,
                "cacheWriteInputTokens": write,
            }
        )
        assert charges(native) == charges(bedrock)
        assert bedrock.flags == ()

    @given(prompt=counts, cached=st.integers(0, 500), thoughts=counts, answer=counts)
    def test_gemini_spellings_agree(self, prompt: int, cached: int, thoughts: int, answer: int) -> None:
        camel = {
            "promptTokenCount": prompt + cached,
            "cachedContentTokenCount": cached,
            "candidatesTokenCount": answer,
            "thoughtsTokenCount": thoughts,
            "totalTokenCount": prompt + cached + answer + thoughts,
        }
        snake = {
            "prompt_token_count": prompt + cached,
            "cached_content_token_count": cached,
            "candidates_token_count": answer,
            "thoughts_token_count": thoughts,
            "total_token_count": prompt + cached + answer + thoughts,
        }
        assert from_gemini(camel) == from_gemini(snake)
        assert from_gemini(camel).output_tokens == answer + thoughts

    @given(payload=payloads)
    def test_reading_leaves_the_record_as_it_was(self, payload: dict[str, Any]) -> None:
        before = json.dumps(payload, default=str)
        from_mapping(payload)
        assert json.dumps(payload, default=str) == before
