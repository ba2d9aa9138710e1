"""Which models of an invoice and of a log are the same, whatever each calls them."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

_VENDOR = re.compile(
    r"^((us|eu|apac|ap|jp|au|ca|sa|us-gov|global|regional)\.)?"
    r"(anthropic|amazon|meta|mistral|cohere|ai21|deepseek|openai|qwen|writer|google|nvidia|moonshot|minimax|zai)\."
)
_FINE_TUNED = re.compile(r"^ft[:-]([^:]+).*$")
_VERSION = re.compile(r"-v\d+(:\d+)?$")
_NOISE = re.compile(r"-(latest|default|instruct|mantle|tokens)$")
_DATES = (
    re.compile(r"-20\d{2}-?(\d{2})-?(\d{2})$"),
    re.compile(r"-(\d{2})-20\d{2}$"),
    re.compile(r"-(\d{2})(\d{2})$"),
)
_CLAUDE = re.compile(r"claude-(\d+)(?:-(\d))?-(opus|sonnet|haiku|fable|mythos)")
_ZERO_VERSION = re.compile(r"(?<=-)(\d)-0(?=-|$)")


class Model(NamedTuple):
    """A model as a family without date, and the date of its snapshot (month and day, "" = none named)."""

    family: str
    snapshot: str


@lru_cache(maxsize=65536)
def model(name: str) -> Model:
    """Take a name apart. `Claude Haiku 4.5`, `us.anthropic.claude-haiku-4-5-20251001-v1:0` and
    `claude-haiku-4-5-20251001` are one family, the last two one snapshot."""
    plain = re.sub(r"\s+", "-", name.strip().lower()).rsplit("/", 1)[-1].replace("@", "-")
    tuned = _FINE_TUNED.match(plain)
    plain = _VENDOR.sub("", tuned[1] if tuned else plain)
    snapshot = ""
    for _ in range(3):
        plain = _NOISE.sub("", _VERSION.sub("", plain))
        found = next((match for pattern in _DATES if (match := pattern.search(plain))), None)
        if found:
            snapshot = snapshot or "".join(found.groups())
            plain = plain[: found.start()]
    plain = re.sub(r"[^a-z0-9]+", "-", plain.replace("gpt-35", "gpt-3.5")).strip("-")
    plain = _CLAUDE.sub(lambda each: f"claude-{each[3]}-{each[1]}" + (f"-{each[2]}" if each[2] else ""), plain)
    plain = _ZERO_VERSION.sub(r"\1", plain)
    return Model(f"ft-{plain}" if tuned else plain, snapshot)


def priced(name: str, price_model: str | None) -> Model:
    """A model by the price list's name where it has one (aliases and deployments), its snapshot by its own name."""
    own = model(name)
    if price_model is None or own.family.startswith("ft-"):
        return own
    return Model(model(price_model).family, own.snapshot)
