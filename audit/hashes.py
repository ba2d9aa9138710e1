"""Hashes of texts, prompts and records: BLAKE2b cut to 8 bytes, as the signed 64-bit integers the audit file stores."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from hashlib import blake2b
from struct import Struct, pack

_unpack = int.from_bytes
_pair = Struct(">qq").pack
_ROLES = {role: role.encode() for role in ("system", "developer", "user", "assistant", "tool")}
_PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~¡¿…“”‘’«»、。！？：；，．"


def content_hash(text: str) -> int:
    """Hash of a text's UTF-8 bytes; lone surrogates count as they are."""
    return _unpack(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big", signed=True)


def bytes_hash(data: bytes) -> int:
    """Hash of bytes."""
    return _unpack(blake2b(data, digest_size=8).digest(), "big", signed=True)


def chain_hash(previous: int, role: str, content: int) -> int:
    """Hash of a prompt up to and with one more segment; `previous` is 0 before the first."""
    data = _pair(previous, content) + (_ROLES.get(role) or role.encode("utf-8", "surrogatepass"))
    return _unpack(blake2b(data, digest_size=8).digest(), "big", signed=True)


def joint_hash(hashes: Sequence[int]) -> int:
    """Hash of a sequence of hashes; of a single one, that one itself."""
    if len(hashes) == 1:
        return hashes[0]
    return bytes_hash(pack(f">{len(hashes)}q", *hashes))


def digest(*parts: str | int | None) -> int:
    """Hash of a sequence of values; no two different sequences are written the same way."""
    text = "\x1f".join("\x00" if part is None else str(part) for part in parts)
    return content_hash(text)


def spaced(text: str) -> str:
    """The text in Unicode form NFKC with every run of white space as one space: what equal layout leaves."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    elif "  " not in text and text.isprintable():
        return text.strip()
    return " ".join(text.split())


def folded(text: str) -> str:
    """`spaced`, without case and without punctuation at the ends: what people type when they ask the same thing."""
    return worded(spaced(text))


def worded(plain: str) -> str:
    """`folded` of a text that is `spaced` already."""
    lower = plain.casefold()
    return lower.strip(_PUNCTUATION + " ") or lower
