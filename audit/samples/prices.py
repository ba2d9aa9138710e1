"""List prices of the sample's models in October and November 2026, in USD per million tokens."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from audit.samples.calls import Call

PICO_PER_USD = 10**12


class Rates(NamedTuple):
    """Pico-USD per token of each meter; `cache_write` is Anthropic's five-minute write."""

    input: int
    cache_read: int
    cache_write: int
    output: int


def _rates(input_usd: str, output_usd: str, read: str = "0.1", write: str = "1") -> Rates:
    # one USD per million tokens is a million pico-USD per token
    def pico(usd: str, factor: str = "1") -> int:
        return int(Decimal(usd) * Decimal(factor) * 1_000_000)

    return Rates(pico(input_usd), pico(input_usd, read), pico(input_usd, write), pico(output_usd))


RATES: dict[str, Rates] = {
    "gpt-5.5": _rates("5", "30"),
    "gpt-5.4": _rates("2.5", "15"),
    "gpt-5.4-mini": _rates("0.75", "4.5"),
    "gpt-5-mini": _rates("0.25", "2"),
    "gpt-4.1-mini": _rates("0.4", "1.6", read="0.25"),
    "claude-opus-4-8": _rates("5", "25", write="1.25"),
    "claude-sonnet-4-5": _rates("3", "15", write="1.25"),
    "claude-haiku-4-5": _rates("1", "5", write="1.25"),
}
# what the provider calls the model in its answer
RESPONSE_MODELS: dict[str, str] = {
    "gpt-5.5": "gpt-5.5-2026-04-23",
    "gpt-5.4": "gpt-5.4-2026-03-05",
    "gpt-5.4-mini": "gpt-5.4-mini-2026-03-17",
    "gpt-5-mini": "gpt-5-mini-2025-08-07",
    "gpt-4.1-mini": "gpt-4.1-mini-2025-04-14",
    "claude-opus-4-8": "claude-opus-4-8",
    "claude-sonnet-4-5": "claude-sonnet-4-5-20250929",
    "claude-haiku-4-5": "claude-haiku-4-5-20251001",
}


def cost_pico(model: str, input_tokens: int, cache_read: int, cache_write: int, output_tokens: int) -> int:
    """Return what a call costs in pico-USD; `input_tokens` includes cache reads and writes."""
    rates = RATES[model]
    plain = input_tokens - cache_read - cache_write
    return (
        plain * rates.input
        + cache_read * rates.cache_read
        + cache_write * rates.cache_write
        + output_tokens * rates.output
    )


def call_cost(call: Call) -> int:
    """Return what a call cost in pico-USD, nothing if it was not billed."""
    if not call.billable:
        return 0
    return cost_pico(call.model, call.input_tokens, call.cache_read_tokens, call.cache_write_tokens, call.output_tokens)


def usd(pico: int) -> float:
    """Return pico-USD as USD, to the millionth of a cent."""
    return round(pico / PICO_PER_USD, 8)
