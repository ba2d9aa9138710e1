"""Parts of answers, read without trusting them, and what a refusal says of a limit."""

from __future__ import annotations

import re
from typing import Any

from audit.wire.text import read_json, repaired


def text_of(content: object) -> str:
    """The text of a message's content: a string, or the text parts of a list; anything else is empty."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    parts = (part.get("text") for part in content if isinstance(part, dict))
    return "".join(part for part in parts if isinstance(part, str))


def arguments_of(value: object) -> Any:
    """Decoded arguments of a tool call; text that is no JSON stays text."""
    if not isinstance(value, str):
        return value if value is not None else {}
    try:
        return read_json(value) if value.strip() else {}
    except ValueError:
        return value


def string(value: object) -> str | None:
    """The value when it is a string, cut to what an id can be and fit to be stored; else None."""
    return repaired(value[:200]) if isinstance(value, str) and value else None


def lower_limit(body: dict[str, Any], key: str, message: str) -> str | None:
    """Lower a token limit to the largest one the refusal names below the present value; says what was done."""
    present = body.get(key)
    if not isinstance(present, int):
        return None
    named = [int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*", message)]
    fitting = [number for number in named if 256 <= number < present]
    if not fitting:
        return None
    body[key] = max(fitting)
    return f"output limited to {body[key]} tokens, the most this model allows"
