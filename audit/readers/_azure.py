"""Azure diagnostic records: the same fields as Event Hub, storage account and Log Analytics spell them."""

from __future__ import annotations

from typing import Any

from audit.readers import Record
from audit.wire.text import label, maybe_json
from audit.wire.times import to_us

Fields = dict[str, Any]


def fields(record: Record) -> Fields:
    """All fields of a record under lower-case names, those inside `properties` first; suffixes removed."""
    found: Fields = {}
    for key, value in record.items():
        name = key.lower()
        if name in ("properties", "properties_s", "additionalproperties"):
            inner = maybe_json(value)
            if isinstance(inner, dict):
                found.update((inner_key.lower(), item) for inner_key, item in inner.items())
    for key, value in record.items():
        name = key.lower().removesuffix(" [utc]")
        if name[-2:] in ("_s", "_d", "_g", "_b", "_t"):
            name = name[:-2]
        if found.get(name) is None and value != "":
            found[name] = value
    return found


def text(found: Fields, *names: str) -> str | None:
    """The first of `names` that holds a name or a number."""
    return next((value for name in names if (value := label(found.get(name))) is not None), None)


def first(found: Fields, *names: str) -> Any:
    """The first value of `names` that is not None."""
    return next((found[name] for name in names if found.get(name) is not None), None)


def time_us(found: Fields, *names: str) -> int | None:
    """The first of `names` that is a point in time."""
    return next((value for name in names if (value := to_us(found.get(name))) is not None), None)


def deployment_of(url: Any) -> str | None:
    """The deployment (or model) that a request URL names."""
    parts = str(url or "").partition("?")[0].split("/")
    for word in ("deployments", "models"):
        if word in parts[:-1]:
            return parts[parts.index(word) + 1].partition(":")[0] or None
    return None


def provider_of(model: str | None) -> str | None:
    """`azure` for models sold under Azure OpenAI; None for those a gateway merely passes on to their own vendor."""
    name = (model or "").lower()
    return None if any(word in name for word in ("claude", "gemini", "mistral", "command")) else "azure"
