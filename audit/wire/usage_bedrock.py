"""The usage object of Amazon Bedrock: Converse, invocation metrics, and the counters of invocation logs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit.wire.counts import Usage, count, first_of, part


def from_bedrock(usage: Mapping[str, Any]) -> Usage:
    """camelCase counts; input excludes cache reads and writes, as in Anthropic's own API."""
    flags: list[str] = []
    result = Usage(convention="exclusive")
    fresh = count(first_of(usage, ("inputTokens", "inputTokenCount")), "input_tokens", flags)
    result.output_tokens = count(first_of(usage, ("outputTokens", "outputTokenCount")), "output_tokens", flags)
    result.cache_read_input_tokens = count(
        first_of(usage, ("cacheReadInputTokens", "cacheReadInputTokenCount", "cacheReadInputTokensCount")),
        "cache_read_input_tokens",
        flags,
    )
    written = count(
        first_of(usage, ("cacheWriteInputTokens", "cacheWriteInputTokenCount", "cacheWriteInputTokensCount")),
        "cache_write_input_tokens",
        flags,
    )
    _split_by_life(written, usage.get("cacheDetails"), result, flags)
    if fresh is not None:
        result.input_tokens = fresh + (result.cache_read_input_tokens or 0) + (written or 0)
        total = count(usage.get("totalTokens"), "total_tokens", flags)
        parts = result.input_tokens + (result.output_tokens or 0)
        if total is not None and total not in (parts, fresh + (result.output_tokens or 0)):
            flags.append("total_mismatch" if total < parts else "total_exceeds_parts")
    result.flags = tuple(flags)
    return result


def _split_by_life(written: int | None, details: object, result: Usage, flags: list[str]) -> None:
    result.cache_write_5m_input_tokens = written
    if not written or not isinstance(details, list):
        return
    long = 0
    for entry in details:
        if part(entry).get("ttl") == "1h":
            long += count(part(entry).get("inputTokens"), "cache_write_1h_input_tokens", flags) or 0
    if long > written:
        flags.append("cache_write_split_exceeds_total")
        long = written
    result.cache_write_5m_input_tokens = written - long
    result.cache_write_1h_input_tokens = long
