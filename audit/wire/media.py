"""Images, audio and files of a message: replaced by a short digest, never kept."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from audit.wire.text import canonical


def placeholder(kind: str, data: Any) -> str:
    """`<media TYPE BLAKE2b-hex>` for media whose data, address or id is `data`; equal data give equal placeholders."""
    if not isinstance(data, str | bytes):
        data = canonical(data)
    raw = data.encode("utf-8", "replace") if isinstance(data, str) else bytes(data)
    return f"<media {_word(kind)} {blake2b(raw, digest_size=16).hexdigest()}>"


def from_url(url: Any, fallback: str) -> str:
    """The placeholder of a `data:` URL (digest of its payload, type from its head) or of an address (digest of it)."""
    if isinstance(url, str) and url[:5].lower() == "data:":
        head, _, payload = url.partition(",")
        return placeholder(head[5:].partition(";")[0] or fallback, payload)
    return placeholder(fallback, url)


def _word(kind: str) -> str:
    # a type is part of a log: it may not break out of the placeholder
    return "".join(c for c in kind[:64] if c.isalnum() or c in "/.+-_").lower() or "media"


_DATA_KEYS = frozenset({"data", "bytes", "b64_json", "file_data", "image", "audio", "encrypted_content", "signature"})


def without_data(value: Any, depth: int = 0) -> Any:
    """A copy of a JSON value with long strings under data-like keys replaced by placeholders."""
    if depth > 12:
        return None
    if isinstance(value, dict):
        return {
            key: placeholder(str(key), item)
            if key in _DATA_KEYS and isinstance(item, str) and len(item) > 200
            else without_data(item, depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [without_data(item, depth + 1) for item in value]
    return value
