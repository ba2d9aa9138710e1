"""Who made a model: two of one family share habits, so one is no impartial judge of the other."""

from __future__ import annotations

import re

_FAMILIES = (
    ("openai", r"gpt|chatgpt|davinci|(?:^|[/:._-])o[1-9](?:$|[-.:])|codex"),
    ("anthropic", r"claude|opus|sonnet|haiku"),
    ("google", r"gemini|gemma|palm|bison"),
    ("meta", r"llama"),
    ("mistral", r"mi[sx]tral|magistral|codestral|ministral|devstral|pixtral"),
    ("alibaba", r"qwen|qwq"),
    ("deepseek", r"deepseek"),
    ("x-ai", r"grok"),
    ("microsoft", r"(?:^|[/:_-])phi-?\d"),
    ("cohere", r"command|cohere"),
    ("amazon", r"nova|titan"),
    ("huggingface", r"smollm"),
)


def family(model: str) -> str:
    """Family of a model's name, empty for one that is not known."""
    found = next((name for name, pattern in _FAMILIES if re.search(pattern, model, re.IGNORECASE)), "")
    return found
