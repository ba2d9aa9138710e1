"""A corpus of what comes over the wire: streams of each API, and the answer each of them is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from audit.clients import ToolCall
from tests.streams import (
    DONE,
    Event,
    block,
    call_piece,
    chat,
    chunk,
    counts,
    message_item,
    messages,
    response,
    responses,
    text_block,
    text_events,
    used,
)

Tokens = tuple[int, int, int, int]
"""Input, of it from a cache, output, of it reasoning."""


@dataclass(frozen=True)
class Shape:
    """A stream, and the answer it is."""

    name: str
    flavour: str
    events: list[Event | str]
    text: str
    calls: tuple[ToolCall, ...] = ()
    finish: str = "stop"
    tokens: Tokens = (100, 0, 5, 0)

    def __str__(self) -> str:
        return f"{self.flavour}: {self.name}"


WEATHER = ToolCall("weather", {"city": "Zürich"}, "call_a")
CLOCK = ToolCall("clock", {"zone": "CET"}, "call_b")
FILTERED = {"hate": {"filtered": False, "severity": "safe"}}
PROMPT_FILTER: Event = {**chunk(), "object": "", "id": "", "model": "", "created": 0,
                        "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": FILTERED}]}  # fmt: skip


def call_item(call: ToolCall, arguments: str, status: str = "completed") -> Event:
    return {"id": f"fc_{call.call_id}", "type": "function_call", "status": status, "call_id": call.call_id,
            "name": call.name, "arguments": arguments}  # fmt: skip


def call_events(place: int, call: ToolCall, *pieces: str) -> list[Event]:
    item, key = call_item(call, "", "in_progress"), {"item_id": f"fc_{call.call_id}", "output_index": place}
    return [
        {"type": "response.output_item.added", "output_index": place, "item": item},
        *({"type": "response.function_call_arguments.delta", **key, "delta": piece} for piece in pieces),
        {"type": "response.function_call_arguments.done", **key, "arguments": "".join(pieces), "name": call.name},
        {"type": "response.output_item.done", "output_index": place, "item": call_item(call, "".join(pieces))},
    ]


def tool_block(index: int, call: ToolCall, *pieces: str, kind: str = "tool_use") -> list[Event]:
    start = {"type": kind, "id": call.call_id, "name": call.name, "input": {}}
    return block(index, start, *({"type": "input_json_delta", "partial_json": piece} for piece in pieces))


ZURICH = ('{"ci', 'ty": "Zü', 'rich"}')
ZONE = ('{"zone": ', '"CET"}')

CHAT = [
    Shape("a text", "openai_chat", chat({"content": "Ref"}, {"content": "und ✓"}), "Refund ✓"),
    Shape(
        "parallel calls in pieces that alternate",
        "openai_chat",
        chat(
            call_piece(0, "", "call_a", "weather"),
            call_piece(1, "", "call_b", "clock"),
            *(call_piece(0, piece) for piece in ZURICH[:2]),
            call_piece(1, ZONE[0]),
            call_piece(0, ZURICH[2]),
            call_piece(1, ZONE[1]),
            finish="tool_calls",
        ),
        "",
        (WEATHER, CLOCK),
        "tool_calls",
    ),
    Shape(
        "parallel calls in one place, told apart by their ids",
        "openai_chat",
        chat(
            call_piece(0, "".join(ZURICH), "call_a", "weather"),
            call_piece(0, "".join(ZONE), "call_b", "clock"),
            finish="tool_calls",
        ),
        "",
        (WEATHER, CLOCK),
        "tool_calls",
    ),
    Shape(
        "a refusal",
        "openai_chat",
        chat({"refusal": "I can't "}, {"refusal": "help."}),
        "I can't help.",
        finish="refusal",
    ),
    Shape(
        "reasoning before the text, as DeepSeek and vLLM send it",
        "openai_chat",
        chat({"reasoning_content": "They want "}, {"reasoning_content": "money."}, {"content": "refund"},
             usage=counts(100, 40, cached=64, reasoning=32)),
        "refund",
        tokens=(100, 64, 40, 32),
    ),
    Shape(
        "thinking in parts of the content, counts in the last chunk, as Mistral sends it",
        "openai_chat",
        [chunk({"role": "assistant", "content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}]}),
         chunk({"content": [{"type": "text", "text": "re"}]}),
         chunk({"content": "fund"}, "stop", usage=counts()), DONE],
        "refund",
    ),
    Shape(
        "a word on the prompt first and a filter half-way, as Azure sends it",
        "openai_chat",
        [PROMPT_FILTER, *chat({"content": "Half of "}, finish="content_filter")],
        "Half of ",
        finish="content_filter",
    ),
    Shape(
        "counts beside the choices, as Groq sends them",
        "openai_chat",
        [*chat({"content": "refund"})[:-3], chunk({}, "stop", x_groq={"id": "req_1", "usage": counts()}), DONE],
        "refund",
    ),
    Shape("cut at the limit", "openai_chat", chat({"content": "On"}, finish="length"), "On", (), "length"),
    Shape("no word of its end but the reason", "openai_chat", chat({"content": "refund"})[:-1], "refund"),
    Shape("nothing said", "openai_chat", chat(), ""),
]  # fmt: skip

RESPONSES = [
    Shape("a text", "openai_responses", responses(text_events("Ref", "und ✓"), [message_item("Refund ✓")]),
          "Refund ✓"),
    Shape(
        "two calls",
        "openai_responses",
        responses(
            [*call_events(0, WEATHER, *ZURICH), *call_events(1, CLOCK, *ZONE)],
            [call_item(WEATHER, "".join(ZURICH)), call_item(CLOCK, "".join(ZONE))],
        ),
        "",
        (WEATHER, CLOCK),
        "tool_calls",
    ),
    Shape(
        "a refusal",
        "openai_responses",
        responses(text_events("I can't ", "help.", kind="refusal"), [message_item("I can't help.", "refusal")]),
        "I can't help.",
        finish="refusal",
    ),
    Shape(
        "a summary of the reasoning, and an event nobody knows",
        "openai_responses",
        responses(
            [
                {"type": "response.reasoning_summary_text.delta", "item_id": "rs_1", "output_index": 0,
                 "summary_index": 0, "delta": "They want money."},
                {"type": "response.of_next_year", "of": {"what": 1}},
                *text_events("refund"),
            ],
            [{"id": "rs_1", "type": "reasoning", "summary": []}, message_item("refund")],
            usage=used(100, 40, cached=64, reasoning=32),
        ),
        "refund",
        tokens=(100, 64, 40, 32),
    ),
    Shape(
        "cut at the limit",
        "openai_responses",
        responses(text_events("Once upon"), [message_item("Once upon")], end="incomplete",
                  incomplete_details={"reason": "max_output_tokens"}),
        "Once upon",
        finish="length",
    ),
    Shape(
        "filtered half-way",
        "openai_responses",
        responses(text_events("Half of "), [message_item("Half of ")], end="incomplete",
                  incomplete_details={"reason": "content_filter"}),
        "Half of ",
        finish="content_filter",
    ),
    Shape(
        "items only as they were done, and a word of the end",
        "openai_responses",
        [*responses(text_events("refund"), []), DONE],
        "refund",
    ),
]  # fmt: skip

MESSAGES = [
    Shape("a text", "anthropic_messages", messages(text_block(0, "Ref", "und ✓")), "Refund ✓"),
    Shape(
        "thinking, some of it withheld",
        "anthropic_messages",
        messages(
            block(0, {"type": "thinking", "thinking": "", "signature": ""},
                  {"type": "thinking_delta", "thinking": "They want "}, {"type": "thinking_delta", "thinking": "it."},
                  {"type": "signature_delta", "signature": "EqQBCg=="}),
            block(1, {"type": "redacted_thinking", "data": "EmwKAhgB"}),
            text_block(2, "refund"),
            last={"output_tokens": 40, "output_tokens_details": {"thinking_tokens": 32}},
        ),
        "refund",
        tokens=(100, 0, 40, 32),
    ),
    Shape(
        "two calls after a text",
        "anthropic_messages",
        messages(text_block(0, "Let me look."), tool_block(1, WEATHER, "", *ZURICH), tool_block(2, CLOCK, *ZONE),
                 stop="tool_use"),
        "Let me look.",
        (WEATHER, CLOCK),
        "tool_calls",
    ),
    Shape(
        "a call without arguments",
        "anthropic_messages",
        messages(tool_block(0, ToolCall("now", {}, "toolu_1"), ""), stop="tool_use"),
        "",
        (ToolCall("now", {}, "toolu_1"),),
        "tool_calls",
    ),
    Shape(
        "citations",
        "anthropic_messages",
        messages(block(0, {"type": "text", "text": "", "citations": []}, {"type": "text_delta", "text": "refund"},
                       {"type": "citations_delta", "citation": {"type": "char_location", "cited_text": "money",
                        "document_index": 0, "start_char_index": 0, "end_char_index": 5}})),
        "refund",
    ),
    Shape(
        "a tool of the provider, and a turn that pauses",
        "anthropic_messages",
        messages(
            tool_block(0, ToolCall("web_search", {}, "srvtoolu_1"), '{"query": "x"}', kind="server_tool_use"),
            block(1, {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}),
            text_block(2, "So far"),
            stop="pause_turn",
            last={"output_tokens": 9, "server_tool_use": {"web_search_requests": 1}},
        ),
        "So far",
        finish="pause_turn",
        tokens=(100, 0, 9, 0),
    ),
    Shape(
        "cache counts first, cumulative counts last",
        "anthropic_messages",
        messages(text_block(0, "refund"),
                 first={"input_tokens": 4, "cache_read_input_tokens": 900, "cache_creation_input_tokens": 96},
                 last={"input_tokens": 4, "cache_read_input_tokens": 900, "cache_creation_input_tokens": 96,
                       "output_tokens": 7}),
        "refund",
        tokens=(1000, 900, 7, 0),
    ),
    Shape("a refusal", "anthropic_messages", messages(text_block(0, "I"), stop="refusal"), "I", finish="refusal"),
    Shape("cut at the limit", "anthropic_messages", messages(text_block(0, "On"), stop="max_tokens"), "On",
          finish="length"),
    Shape(
        "events and pieces nobody knows",
        "anthropic_messages",
        [{"type": "of_next_year"},
         *messages(block(0, {"type": "text", "text": ""}, {"type": "text_delta", "text": "refund"},
                         {"type": "glow_delta", "glow": 3}))],
        "refund",
    ),
    Shape("without its last event", "anthropic_messages", messages(text_block(0, "refund"))[:-1], "refund"),
]  # fmt: skip

SHAPES = [*CHAT, *RESPONSES, *MESSAGES]


@dataclass(frozen=True)
class Wrong:
    """A stream that tells of a failure, and its name."""

    name: str
    flavour: str
    events: list[Event | str]
    kind: str
    retry: bool = True

    def __str__(self) -> str:
        return f"{self.flavour}: {self.name}"


def error(kind: str, message: str = "no luck", **rest: Any) -> Event:
    return {"error": {"type": kind, "message": message, **rest}}


def half_way(flavour: str) -> list[Event | str]:
    """A stream up to its first words."""
    return {
        "openai_chat": chat({"content": "Ref"})[:2],
        "openai_responses": responses(text_events("Ref"), [])[:5],
        "anthropic_messages": messages(text_block(0, "Ref"))[:4],
    }[flavour]


def failed(code: str) -> Event:
    return {"type": "response.failed", "response": response("failed", error={"code": code, "message": "no luck"})}


def claude(kind: str) -> Event:
    return {"type": "error", **error(kind), "request_id": "req_1"}


WRONG = [
    Wrong("an error first", "openai_chat", [error("server_error", param=None, code=None), DONE], "server_error"),
    Wrong("an error half-way", "openai_chat", [*half_way("openai_chat"), error("server_error")], "server_error"),
    Wrong("a limit of rates", "openai_chat", [error("requests", code="rate_limit_exceeded")], "rate_limited"),
    Wrong("no money", "openai_chat", [error("insufficient_quota", code="insufficient_quota")], "quota", False),
    Wrong(
        "a chunk that ends in an error, as OpenRouter sends it",
        "openai_chat",
        [*half_way("openai_chat"), chunk({"content": ""}, "error", error={"code": 502, "message": "Provider gone"})],
        "server_error",
    ),
    Wrong(
        "an error in the choice", "openai_chat",
        [{**chunk(), "choices": [{"index": 0, "delta": {}, "finish_reason": "error", "error": {"code": 429}}]}, DONE],
        "rate_limited",
    ),
    Wrong("a status as text", "openai_chat", [error("x", code="503")], "overloaded"),
    Wrong("an error that is a text", "openai_chat", [{"error": "the model crashed"}], "server_error"),
    Wrong("a prompt too long", "openai_chat", [error("x", code="context_length_exceeded")], "too_long", False),
    Wrong("an error event", "openai_responses",
          [*half_way("openai_responses"), {"type": "error", "code": "server_error", "message": "no luck"}],
          "server_error"),
    Wrong("failed", "openai_responses", [*half_way("openai_responses"), failed("server_error")], "server_error"),
    Wrong("failed for rates", "openai_responses", [failed("rate_limit_exceeded")], "rate_limited"),
    Wrong("failed for good", "openai_responses", [failed("invalid_prompt")], "rejected", False),
    Wrong("overloaded first", "anthropic_messages", [claude("overloaded_error")], "overloaded"),
    Wrong("overloaded half-way", "anthropic_messages",
          [*half_way("anthropic_messages"), claude("overloaded_error")], "overloaded"),
    Wrong("a limit of rates", "anthropic_messages", [claude("rate_limit_error")], "rate_limited"),
    Wrong("an internal error", "anthropic_messages", [*half_way("anthropic_messages"), claude("api_error")],
          "server_error"),
    Wrong("a time-out", "anthropic_messages", [claude("timeout_error")], "server_error"),
    Wrong("one of next year", "anthropic_messages", [claude("eclipse_error")], "server_error"),
]  # fmt: skip
