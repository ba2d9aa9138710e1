"""The Arrow columns a batch of calls becomes, and how doubtful Python values are made to fit them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

_string: pa.DataType = pa.string()
_int: pa.DataType = pa.int64()
_float: pa.DataType = pa.float64()
_bool: pa.DataType = pa.bool_()
_small: pa.DataType = pa.int32()
_bytes: pa.DataType = pa.binary()

REQUEST = pa.schema(
    [
        ("source", _small),
        ("line", _int),
        ("reader", _string),
        ("identity", _int),
        ("external_id", _string),
        ("status", _string),
        ("provider_name", _string),
        ("service_tier", _string),
        ("parameters", _string),
        ("request_max_tokens", _int),
        ("request_temperature", _float),
        ("reasoning_effort", _string),
        ("started_at_us", _int),
        ("day", _small),
        ("duration", _float),
        ("time_to_first_chunk", _float),
        ("logged_cost_pico", _int),
        ("tags", _string),
        ("flags", _string),
        ("workflow_id", _int),
        # as the call has them
        ("system", _string),
        ("record_rank", _int),
        ("response_id", _string),
        ("error_type", _string),
        ("operation_name", _string),
        ("request_model", _string),
        ("response_model", _string),
        ("organization", _string),
        ("api_key_hash", _string),
        ("request_stream", _bool),
        ("finish_reason", _string),
        ("logged_cost_billed", _bool),
        ("text_status", _string),
        ("conversation_id", _string),
        ("trace_id", _string),
        ("parent_id", _string),
        ("prompt_template", _string),
        ("outcome", _string),
        ("user_id", _string),
        ("team", _string),
        ("feature", _string),
        ("environment", _string),
        ("sample_rate", _float),
    ]
)
"""One call; `source` is the number of the input within the run."""

USAGE = pa.schema(
    [
        ("input_tokens", _int),
        ("cache_read_input_tokens", _int),
        ("cache_write_5m_input_tokens", _int),
        ("cache_write_1h_input_tokens", _int),
        ("output_tokens", _int),
        ("reasoning_output_tokens", _int),
        ("usage_source", _string),
        ("token_convention", _string),
    ]
)
"""Further columns of a call, known only after texts were counted."""

KEYS = pa.schema(
    [
        ("prompt_key", _int),
        ("normalised_key", _int),
        ("question_key", _int),
        ("output_hash", _int),
        ("output_normalised_hash", _int),
    ]
)
"""Hashes of a whole prompt and answer; NULL where the log does not hold the full text."""

SEGMENT = pa.schema(
    [
        ("request", _small),
        ("position", _small),
        ("direction", _string),
        ("role", _string),
        ("kind", _string),
        ("content_hash", _int),
        ("chain_hash", _int),
        ("tokens", _small),
        ("cache_breakpoint", _bool),
        ("cache_ttl", _string),
    ]
)
CONTENT = pa.schema(
    [
        ("content_hash", _int),
        ("text", _string),
        ("normalised_hash", _int),
        ("characters", _int),
        ("tokens", _small),
    ]
)
CHARGE = pa.schema([("request", _small), ("sku_meter", _string), ("consumed_quantity", _int), ("estimated", _bool)])
WORKFLOW = pa.schema(
    [("workflow_id", _int), ("origin", _string), ("title", _string), ("ending", _string), ("shape", _int)]
)
REJECT = pa.schema(
    [
        ("source", _small),
        ("line", _int),
        ("byte_offset", _int),
        ("reason", _string),
        ("detail", _string),
        ("excerpt", _string),
    ]
)
PENDING = pa.schema(
    [("reader", _string), ("group_key", _string), ("source", _small), ("line", _int), ("payload", _bytes)]
)
"""A record that is read together with others of its group."""

_surrogates = re.compile("[\ud800-\udfff]")
_MOST = 2**63 - 1
_HUGE = 1.7e308


def table(schema: pa.Schema, rows: Sequence[tuple[Any, ...]]) -> pa.Table:
    """Rows as an Arrow table; a value that does not fit its column becomes what fits nearest, or NULL."""
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema)
    return pa.Table.from_arrays(
        [array(values, field.type) for values, field in zip(columns, schema, strict=True)], schema=schema
    )


def array(values: Sequence[Any], kind: pa.DataType) -> pa.Array[Any]:
    """Values as one Arrow array, repaired where needed."""
    try:
        return pa.array(values, kind)
    except (UnicodeEncodeError, pa.ArrowException, OverflowError, TypeError, ValueError):
        return pa.array([_fitting(value, kind) for value in values], kind)


def _fitting(value: Any, kind: pa.DataType) -> Any:
    if value is None:
        return None
    if kind == _string:
        return _surrogates.sub("\ufffd", value if isinstance(value, str) else str(value))
    if kind == _bool:
        return bool(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # NaN, infinity and integers beyond any float are none of these
    if not -_HUGE <= value <= _HUGE:
        return None
    if kind == _float:
        return float(value)
    limit = _MOST if kind == _int else 2**31 - 1
    return int(value) if abs(value) <= limit else None
