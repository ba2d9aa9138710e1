"""Home-made request/response records: whatever the keys are called, the two bodies and what stands beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from audit.wire.columns import layout
from audit.wire.dialect import Dialect, of_request, of_response
from audit.wire.stream import join
from audit.wire.text import maybe_json

_NO_KEYS: tuple[str, ...] = ()
_HTTP_BODIES = ("body", "json", "data", "content", "payload", "postData")


@dataclass(slots=True)
class Pair:
    """A record taken apart: `request` and `response` are decoded and joined, or are the record itself (`flat`, `bare`).

    `known` maps roles (see `audit.wire.columns`) to the keys of the record that play them.
    """

    record: Mapping[str, Any]
    known: Mapping[str, tuple[str, ...]]
    request: Any = None
    response: Any = None
    dialect: Dialect | None = None
    flat: bool = False
    bare: bool = False
    answered: bool = False
    http_status: Any = None

    def values(self, role: str) -> Iterator[Any]:
        """The values of the record's keys of this role, best key first, empty ones left out."""
        for key in self.known.get(role, _NO_KEYS):
            value = self.record[key]
            if value is not None and value != "":
                yield value

    def value(self, role: str) -> Any:
        """The best value of this role, or None."""
        for key in self.known.get(role, _NO_KEYS):
            value = self.record[key]
            if value is not None and value != "":
                return value
        return None


_BODY_KEYS = frozenset({"usage", "model", "stop_reason"})

_last: Pair | None = None


def of(record: Mapping[str, Any]) -> Pair:
    """`record` taken apart. The newest result is kept: every reader that asks about one record shares it."""
    global _last
    newest = _last
    if newest is not None and newest.record is record:
        return newest
    _last = newest = _take_apart(record)
    return newest


def _take_apart(record: Mapping[str, Any]) -> Pair:
    known = layout(tuple(record))
    pair = Pair(record, known)
    pair.dialect = of_response(record)
    if pair.dialect == "anthropic" and record.get("type") == "message" and _BODY_KEYS.isdisjoint(record):
        # one message of a conversation, which no call answered with
        pair.dialect = None
        return pair
    if pair.dialect is not None:
        # a response body standing alone, perhaps with its request's fields mixed in
        pair.response, pair.bare, pair.answered = record, True, True
        pair.flat = "messages" in record or pair.dialect == "responses"
        pair.request = record if pair.flat else _best(record, known.get("request", _NO_KEYS))[1]
        return pair
    request_key, pair.request = _best(record, known.get("request", _NO_KEYS))
    messages = _conversation(pair) if "messages" in known and not isinstance(pair.request, dict) else None
    if messages is not None:
        pair.request, pair.flat, request_key = {**record, "messages": messages}, True, None
    answers = tuple(key for key in known.get("response", _NO_KEYS) if key != request_key)
    pair.answered = bool(answers)
    _, response = _best(record, answers)
    if response is None and messages is not None and not pair.answered:
        response = _split_answer(pair, messages)
    _open_http(pair, response)
    pair.dialect = of_response(pair.response) or of_request(pair.request)
    return pair


_LOGGED = ("model", "response", "usage", "input_tokens", "output_tokens")


def _conversation(pair: Pair) -> list[Any] | None:
    """The messages of a flat record; None for a conversation without any sign of a call (training data)."""
    if not any(role in pair.known for role in _LOGGED):
        return None
    messages = maybe_json(pair.value("messages"))
    return messages if isinstance(messages, list) and messages else None


def _split_answer(pair: Pair, messages: list[Any]) -> Any:
    """The answer of a flat record that has no place for it: a closing assistant message, if anything was counted."""
    last = messages[-1]
    counted = "usage" in pair.known or "output_tokens" in pair.known
    if not counted or len(messages) < 2 or not isinstance(last, dict) or last.get("role") != "assistant":
        return None
    pair.request = {**pair.request, "messages": messages[:-1]}
    return last


def _best(record: Mapping[str, Any], keys: tuple[str, ...]) -> tuple[str | None, Any]:
    """The first structured value under `keys`, else the first text."""
    words: tuple[str | None, Any] = (None, None)
    for key in keys:
        value = record[key]
        if isinstance(value, str):
            if not value.strip():
                continue
            decoded = maybe_json(value)
            if decoded is value:
                words = words if words[0] is not None else (key, value)
                continue
            value = decoded
        if isinstance(value, dict | list) and value:
            return key, value
    return words


def _open_http(pair: Pair, response: Any) -> None:
    """Step into captured HTTP messages (`{"status": 200, "body": {…}}`) and join a streamed response."""
    request = pair.request
    if isinstance(request, dict) and "method" in request and ("url" in request or "headers" in request):
        pair.request = next((_http_body(request[key]) for key in _HTTP_BODIES if request.get(key)), request)
    if isinstance(response, dict) and _is_http(response):
        pair.http_status = response.get("status_code", response.get("status"))
        response = next((_http_body(response[key]) for key in _HTTP_BODIES if response.get(key)), response)
    if isinstance(response, str | list):
        joined = join(response)
        response = response if joined is None else joined
    if isinstance(response, list) and len(response) == 1 and of_response(response[0]) is not None:
        response = response[0]
    pair.response = response


def _http_body(held: Any) -> Any:
    """A captured body; browsers and proxies (HAR) keep it as the text of an object."""
    if isinstance(held, dict) and "mimeType" in held:
        held = held.get("text")
    return maybe_json(held)


def _is_http(response: dict[str, Any]) -> bool:
    coded = type(response.get("status")) is int and ("body" in response or "content" in response)
    return coded or "headers" in response or "status_code" in response


def confidence(record: Mapping[str, Any], dialect: Dialect) -> int:
    """How specific the match of `record` with an API is: 0 none, 10 a bare body, 20 a home-made pair."""
    pair = of(record)
    if pair.dialect != dialect:
        return 0
    return 10 if pair.bare else 20
