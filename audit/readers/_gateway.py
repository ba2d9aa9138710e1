"""What readers of gateways and tracers share: bodies of any API inside their records, counts in their columns."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from audit.call import Call
from audit.wire import bodies, exchange
from audit.wire.columns import normal
from audit.wire.counts import count
from audit.wire.dialect import of_pair
from audit.wire.messages import transcript
from audit.wire.stream import join
from audit.wire.text import maybe_json
from audit.wire.times import first_time

MISSING = (None, "", "null", "None", "NULL", "nan", "NaN", "\\N")
"""How exports write an empty cell."""


def first(record: Mapping[str, Any], *names: str) -> Any:
    """The first value under `names` that is there; empty cells of exports and NaN count as missing."""
    for name in names:
        value = record.get(name)
        if value is None or (type(value) is str and value in MISSING) or value != value:
            continue
        return value
    return None


@lru_cache(maxsize=1024)
def _snake(keys: tuple[Any, ...]) -> tuple[str, ...]:
    return tuple(normal(str(key)) for key in keys)


def snake_case(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record under snake_case names, however its export spells them."""
    return dict(zip(_snake(tuple(record)), record.values(), strict=True))


def body(value: Any) -> Any:
    """A request or response body: decoded (also with doubled quotes of a twice-quoted CSV), streams joined."""
    found = maybe_json(value)
    if type(found) is str and '""' in found:
        unquoted = found.strip()
        if unquoted[:2] in ('"{', '"['):
            unquoted = unquoted[1:-1]
        again = maybe_json(unquoted.replace('""', '"'))
        found = again if not isinstance(again, str) else found
    joined = join(found)
    return found if joined is None else joined


def fill_bodies(call: Call, request: Any, response: Any) -> None:
    """Fill `call` from the two bodies whatever API they speak; bodies of no known API give their text alone."""
    dialect = of_pair(request, response)
    if dialect is None:
        transcript(request, response).apply(call)
    else:
        exchange.fill(call, dialect, request, response)


def put_time(call: Call, *values: Any) -> None:
    """Set the start from the first value that is a time; a time without a zone is read as UTC and flagged."""
    call.started_at_us = first_time(call.flags, *values) or call.started_at_us


def column_usage(call: Call, counts: Mapping[str, Any], exclusive: bool = False) -> None:
    """Set usage from columns `prompt`, `completion`, `total`, `read`, `write`, `reasoning`, `audio_in`, `audio_out`.

    `exclusive` says that the prompt column leaves cached tokens out for certain; else the sums decide. An answered call
    of no tokens at all was not counted: its usage stays unknown.
    """
    counted = {name: count(counts.get(name), "", []) for name in ("prompt", "completion", "read", "write")}
    if not any(counted.values()) and call.status == "ok":
        return
    named = {
        "prompt": counts.get("prompt"),
        "completion": counts.get("completion"),
        "total": counts.get("total"),
        "prompt_token_details": {
            "cache_read": counts.get("read"),
            "cache_creation": counts.get("write"),
            "audio": counts.get("audio_in"),
        },
        "completion_token_details": {"reasoning": counts.get("reasoning"), "audio": counts.get("audio_out")},
    }
    if exclusive:
        # the total that such parts have makes the rule plain to the reader of counts
        named["total"] = sum(number or 0 for number in counted.values())
    bodies.take_usage(call, named)


def settle(call: Call, native_id: str | None) -> None:
    """Last step: the record's own id, and a failure after the answer began counts as billed."""
    if call.status == "failed":
        if call.usage is not None and call.usage.output_tokens:
            call.status = "ok"
        else:
            call.usage = None
    elif call.status == "cache_hit":
        # the id is that of the answer that was cached, which has its own record
        call.response_id = None
    exchange.settle_model(call)
    call.native_id = native_id or call.response_id


_WITHHELD = ("@@@langfuseMedia:", "<helicone-asset-id")


def mark_withheld(call: Call, request: Any) -> None:
    """Media that a gateway keeps elsewhere make a prompt that can be compared but not sent again: `redacted`."""
    if call.text_status == "full" and any(segment.kind == "media" for segment in call.segments) and _withheld(request):
        call.text_status = "redacted"


def _withheld(value: Any, depth: int = 0) -> bool:
    if isinstance(value, str):
        return value.startswith(_WITHHELD)
    if depth > 12:
        return False
    items = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return any(_withheld(item, depth + 1) for item in items)
