"""One call as a row of `columns.REQUEST`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import orjson

from audit.call import Call
from audit.hashes import bytes_hash, content_hash, digest
from audit.prices.names import surcharge_of

DAY_US = 86_400_000_000
_FIRST_US, _LAST_US = 0, 7_258_118_400_000_000
_MOST_USD = 1e6
_STATUS = {"ok": "billable", "failed": "failed", "cache_hit": "gateway_cache_hit", "not_billable": "not_billable"}
_FORMATS = ("response_format", "text", "response_mime_type", "response_schema", "format", "output_config")
_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS
_KEPT = 20_000
_as_they_are = attrgetter(
    "system", "rank", "response_id", "error_type", "operation_name", "request_model", "response_model", "organization",
    "api_key_hash", "request_stream", "finish_reason", "logged_cost_billed", "text_status", "conversation_id",
    "trace_id", "parent_id", "prompt_template", "outcome", "user", "team", "feature", "environment", "sample_rate",
)  # fmt: skip


@dataclass(slots=True, frozen=True)
class Parameters:
    """The parameters of a request as canonical JSON, and what is read from them."""

    text: str
    max_tokens: Any
    temperature: Any
    effort: str | None
    response_format: str


class ParameterMemory:
    """Parameters by their JSON: equal ones are common and are taken apart once."""

    def __init__(self) -> None:
        self._known: dict[bytes, Parameters] = {}

    def of(self, call: Call) -> Parameters:
        """The parameters of a call."""
        data = canonical(call.parameters)
        found = self._known.get(data)
        if found is None:
            if len(self._known) >= _KEPT:
                self._known.clear()
            found = self._known[data] = _take_apart(data, call.parameters)
        return found


def _take_apart(data: bytes, given: Mapping[str, Any]) -> Parameters:
    effort = given.get("reasoning_effort")
    shape = {name: given[name] for name in _FORMATS if given.get(name)}
    return Parameters(
        data.decode("utf-8", "replace"),
        given.get("max_tokens"),
        given.get("temperature"),
        effort if isinstance(effort, str) else None,
        canonical(shape).decode() if shape else "",
    )


def canonical(value: Any) -> bytes:
    """A value as JSON with sorted keys; what JSON has no word for as its text."""
    try:
        return orjson.dumps(value, default=str, option=_OPTIONS)
    except (TypeError, ValueError, RecursionError):
        pass
    try:
        # whole numbers of any length, and halves of characters
        return json.dumps(value, default=str, sort_keys=True, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError):
        return repr(value).encode("utf-8", "replace")


def identity(call: Call, record: Any, ordinal: int) -> int:
    """Hash of the emitting system and its id of the call; without an id, of the whole record."""
    if call.native_id:
        return content_hash(f"{call.system}\x1f{call.native_id}")
    return digest("record", bytes_hash(canonical(record)), ordinal)


def apply_tags(call: Call, wanted: Mapping[str, str]) -> None:
    """Take user, team, feature and environment from the tags the user named for them."""
    for field, path in wanted.items():
        value = call.tags.get(path)
        if value is None:
            value = call.tags.get(path.removeprefix("metadata."))
        if value is not None and value != "":
            setattr(call, field, str(value))


def request_row(
    call: Call, reader: str, source: int, line: int, identity: int, parameters: Parameters, workflow_id: int
) -> tuple[Any, ...]:
    """The columns of one call, in the order of `columns.REQUEST`."""
    _leave_out_impossible_cost(call)
    started = call.started_at_us
    if started is not None and not _FIRST_US < started < _LAST_US:
        started = None
    usage = call.usage
    flags = call.flags if usage is None or not usage.flags else list(dict.fromkeys((*call.flags, *usage.flags)))
    provider = call.provider_name
    return (
        source,
        line,
        reader,
        identity,
        call.native_id or call.response_id or call.row_id,
        _STATUS[call.status],
        provider.strip().lower() if provider else None,
        _tier(call),
        parameters.text,
        parameters.max_tokens,
        parameters.temperature,
        parameters.effort,
        started,
        None if started is None else started // DAY_US,
        _seconds(call.duration),
        _seconds(call.time_to_first_chunk),
        _pico(call.logged_cost_usd),
        canonical(call.tags).decode("utf-8", "replace") if call.tags else None,
        canonical(flags).decode("utf-8", "replace") if flags else None,
        workflow_id,
        *_as_they_are(call),
    )


def _tier(call: Call) -> str | None:
    """The tier that was served, with the surcharge of the place that the model's spelling names."""
    tier = call.service_tier or (call.usage.service_tier if call.usage is not None else None)
    place = surcharge_of(call.request_model) or surcharge_of(call.response_model)
    return tier if not place or "+" in (tier or "") else f"{tier or 'standard'}{place}"


def _seconds(value: float | None) -> float | None:
    return value if value is not None and 0 <= value < 1e7 else None


def _leave_out_impossible_cost(call: Call) -> None:
    """No request costs less than nothing, nor millions: such a report is a mistake, and the list prices it."""
    if call.logged_cost_usd is not None and not 0 <= call.logged_cost_usd <= _MOST_USD:
        call.logged_cost_usd, call.logged_cost_billed = None, False
        call.flags.append("implausible_cost")


def _pico(usd: float | None) -> int | None:
    return None if usd is None else round(usd * 1e12)
