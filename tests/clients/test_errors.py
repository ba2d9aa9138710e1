"""Refusals as providers, gateways and servers word them: the same failure whether a stream was asked for or not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from audit.clients import CallError
from tests.clients.asking import attempt
from tests.peer import Peer, Wire


@pytest.fixture(scope="module")
def peer() -> Iterator[Peer]:
    with Peer() as peer:
        yield peer


def openai(message: str, kind: str = "invalid_request_error", **rest: Any) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": None, "code": None, **rest}}


def claude(kind: str, message: str = "no luck") -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}


UNVERIFIED = openai(
    "Your organization must be verified to stream this model.", param="stream", code="unsupported_value"
)
FILTERED = openai("The response was filtered due to the prompt", code="content_filter", param="prompt", status=400,
                  innererror={"code": "ResponsibleAIPolicyViolation", "content_filter_result": {}})  # fmt: skip
EXTRA = {"object": "error", "message": {"detail": [{"type": "extra_forbidden", "loc": ["body", "stream_options"]}]}}
DETAIL = {"detail": [{"type": "extra_forbidden", "loc": ["body", "stream_options"], "msg": "Extra inputs"}]}
TOO_LONG = openai("This model's maximum context length is 8192 tokens.", code="context_length_exceeded")


@pytest.mark.parametrize(
    ("flavour", "status", "body", "kind", "parameter"),
    [
        ("openai_chat", 400, UNVERIFIED, "unsupported", "stream"),
        ("openai_chat", 400, openai("Unsupported parameter: 'top_p'", param="top_p"), "unsupported", "top_p"),
        ("openai_chat", 400, FILTERED, "rejected", None),
        ("openai_chat", 422, EXTRA, "unsupported", "stream_options"),
        ("openai_chat", 422, DETAIL, "unsupported", "stream_options"),
        ("openai_chat", 400, TOO_LONG, "too_long", None),
        (
            "openai_chat",
            429,
            openai("Rate limit reached", "requests", code="rate_limit_exceeded"),
            "rate_limited",
            None,
        ),
        ("openai_chat", 429, openai("Check your plan", code="insufficient_quota"), "quota", None),
        ("openai_chat", 503, "<html>overloaded</html>", "overloaded", None),
        ("openai_chat", 500, openai("The server had an error", "server_error"), "server_error", None),
        ("openai_chat", 404, {"error": "model not found"}, "not_found", None),
        (
            "openai_responses",
            400,
            openai("Invalid value: 'effort'", param="reasoning.effort"),
            "unsupported",
            "reasoning",
        ),
        ("openai_responses", 401, openai("Incorrect API key"), "unauthorised", None),
        ("anthropic_messages", 400, claude("invalid_request_error", "prompt is too long: 9 tokens"), "too_long", None),
        ("anthropic_messages", 400, claude("invalid_request_error", "thinking: not here"), "unsupported", "thinking"),
        ("anthropic_messages", 403, claude("permission_error"), "unauthorised", None),
        ("anthropic_messages", 429, claude("rate_limit_error"), "rate_limited", None),
        ("anthropic_messages", 500, claude("api_error"), "server_error", None),
        ("anthropic_messages", 529, claude("overloaded_error"), "overloaded", None),
        ("anthropic_messages", 504, "", "server_error", None),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_refusal_has_one_name(
    peer: Peer, flavour: str, status: int, body: Any, kind: str, parameter: str | None, stream: bool
) -> None:
    content = body if isinstance(body, str) else json.dumps(body)
    peer.wire = lambda path, sent: Wire([content.encode()], "application/json", status)
    with pytest.raises(CallError) as caught:
        attempt(peer, flavour, stream=stream)
    assert (caught.value.kind, caught.value.parameter) == (kind, parameter), caught.value.message
