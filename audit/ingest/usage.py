"""Token counts of a call: as logged, else estimated from its text, else unknown; never silently zero."""

from __future__ import annotations

from typing import Any, NamedTuple

from audit.call import Call
from audit.tokens import MESSAGE_OVERHEAD, REPLY_OVERHEAD
from audit.wire.usage import Usage, charges

NOTHING: tuple[Any, ...] = (None,) * 8
ChargeRow = tuple[int, str, int, bool]


class TextTokens(NamedTuple):
    """Tokens of a call's own text: of the prompt and of the answer, None where the log holds none of it."""

    input_tokens: int | None
    output_tokens: int | None

    @classmethod
    def of(cls, asked: int, messages: int, answered: int, answers: int) -> TextTokens:
        """From tokens and numbers of segments, with what a chat template adds around messages."""
        return cls(
            asked + MESSAGE_OVERHEAD * messages + REPLY_OVERHEAD if messages else None, answered if answers else None
        )


def is_whole(call: Call) -> bool:
    """Whether nothing of a call's usage has to be estimated."""
    usage = call.usage
    if call.status != "ok":
        return True
    if usage is None or usage.input_tokens is None:
        return False
    return usage.output_tokens is not None or call.operation_name == "embeddings"


def logged(call: Call, row: int, into: list[ChargeRow]) -> tuple[Any, ...]:
    """Usage columns of a call whose counts are all there, or that is not billed; its charges go to `into`."""
    usage = call.usage
    if usage is None:
        return NOTHING
    if call.status == "ok":
        for meter, quantity in charges(usage):
            into.append((row, meter, quantity, False))
    return _columns(usage, "logged")


def estimated(call: Call, row: int, texts: TextTokens, into: list[ChargeRow]) -> tuple[Any, ...]:
    """Usage columns of a billed call that lacks counts; what its text can't tell either stays NULL."""
    usage = call.usage or Usage(convention="unknown")
    for meter, quantity in charges(usage):
        into.append((row, meter, quantity, False))
    filled = False
    if usage.input_tokens is None and texts.input_tokens is not None:
        usage.input_tokens, filled = texts.input_tokens, True
        into.append((row, "input", texts.input_tokens, True))
    if usage.output_tokens is None and texts.output_tokens is not None and call.operation_name != "embeddings":
        usage.output_tokens, filled = texts.output_tokens, True
        into.append((row, "output", texts.output_tokens, True))
    if filled:
        return _columns(usage, "estimated")
    unknown = usage.input_tokens is None and usage.output_tokens is None
    return _columns(usage, "unknown" if unknown else "logged")


def _columns(usage: Usage, source: str) -> tuple[Any, ...]:
    return (
        usage.input_tokens,
        usage.cache_read_input_tokens,
        usage.cache_write_5m_input_tokens,
        usage.cache_write_1h_input_tokens,
        usage.output_tokens,
        usage.reasoning_output_tokens,
        source,
        usage.convention,
    )
