"""Hashes of texts, prompts and records: signed 64-bit integers, as the audit file stores them.

A text's is BLAKE2b cut to 8 bytes. A sequence's is made of those by `mixed`, the steps of SplitMix64 (Steele, Lea and
Flood 2014, "Fast splittable pseudorandom number generators"), which numpy does for many prompts at once
(`audit.ingest.keys`).
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from hashlib import blake2b

SCHEME = "2"
"""Name of these rules; an audit file keeps to those it was begun with."""

MIX = (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
"""Multipliers of `mixed`."""

_WORD = (1 << 64) - 1
_OF_A_SET = re.compile(r"evalset-([0-9a-f]{16})", re.ASCII)
_PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~¡¿…“”‘’«»、。！？：；，．"


def content_hash(text: str) -> int:
    """Hash of a text's UTF-8 bytes; lone surrogates count as they are."""
    return bytes_hash(text.encode("utf-8", "surrogatepass"))


def bytes_hash(data: bytes) -> int:
    """Hash of bytes."""
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "big", signed=True)


def signed(word: int) -> int:
    """An unsigned 64-bit word as the integer of the same bits."""
    return word - (1 << 64) if word >> 63 else word


def hexed(value: int) -> str:
    """A hash as sixteen hexadecimal digits, as names, keys and documents show it."""
    return f"{value & _WORD:016x}"


def set_name(prompt_key: int) -> str:
    """Name of a prompt in an evaluation set: stable, and known again wherever the set is read."""
    return f"evalset-{hexed(prompt_key)}"


def named_prompt(name: str) -> int | None:
    """The prompt key behind a name `set_name` gives; None for any other text."""
    found = _OF_A_SET.fullmatch(name)
    return signed(int(found[1], 16)) if found else None


def mixed(before: int, value: int) -> int:
    """Hash of a sequence that was hashed up to `before`, with one more value."""
    first, second, third = MIX
    word = ((before & _WORD) * first + (value & _WORD) + first) & _WORD
    word = ((word ^ (word >> 30)) * second) & _WORD
    word = ((word ^ (word >> 27)) * third) & _WORD
    return signed(word ^ (word >> 31))


def chain_hash(previous: int, role: str, content: int) -> int:
    """Hash of a prompt up to and with one more segment; `previous` is 0 before the first."""
    return mixed(mixed(previous, content), content_hash(role))


def joint_hash(hashes: Sequence[int]) -> int:
    """Hash of a sequence of hashes; of a single one, that one itself."""
    if len(hashes) == 1:
        return hashes[0]
    joint = 0
    for each in hashes:
        joint = mixed(joint, each)
    return joint


def digest(*parts: str | int | None) -> int:
    """Hash of a sequence of values; no two different sequences are written the same way."""
    text = "\x1f".join("\x00" if part is None else str(part) for part in parts)
    return content_hash(text)


def rows_digest(rows: Sequence[Mapping[str, object]], without: str) -> str:
    """BLAKE2b-128, hex, over rows in any order, by column name; the column `without` is left out."""
    lines = sorted(
        json.dumps({name: row[name] for name in sorted(row) if name != without}, ensure_ascii=False) for row in rows
    )
    return blake2b("\n".join(lines).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


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
