"""What a file is by its first bytes; its name is never asked."""

from __future__ import annotations

import codecs
from typing import Literal

from audit.containers.otlp_proto import is_otlp

Kind = Literal[
    "empty", "text", "gzip", "zstd", "bzip2", "xz", "zip", "tar", "parquet", "sqlite", "duckdb", "otlp", "binary"
]

HEAD_BYTES = 65_536

_MAGIC: tuple[tuple[bytes, Kind], ...] = (
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"PAR1", "parquet"),
    (b"SQLite format 3\x00", "sqlite"),
    (b"\x89PNG", "binary"),
    (b"\xff\xd8\xff", "binary"),
    (b"GIF8", "binary"),
    (b"%PDF", "binary"),
    (b"\x7fELF", "binary"),
    (b"ARROW1", "binary"),
    (b"Obj\x01", "binary"),
)
_BOMS: tuple[tuple[bytes, str], ...] = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROL = bytes(set(range(1, 32)) - {9, 10, 12, 13, 27})
_MOSTLY_TEXT = 0.02
"""Share of control characters up to which bytes are taken for (damaged) text."""


def kind_of(head: bytes) -> Kind:
    """What the file is that begins with these bytes (`HEAD_BYTES` of them, fewer only when it is shorter)."""
    if not head:
        return "empty"
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head[8:12] == b"DUCK":
        return "duckdb"
    if head[257:262] == b"ustar":
        return "tar"
    if is_otlp(head):
        return "otlp"
    if encoding_of(head) != "utf-8":
        return "text"
    # a crash leaves zeros where a log was to go on, before or after whole lines
    written = head.replace(b"\0", b"")
    if len(written) < len(head) * (1 - _MOSTLY_TEXT) and b"\n" not in written:
        return "binary"
    controls = len(written) - len(written.translate(None, _CONTROL))
    return "text" if controls <= _MOSTLY_TEXT * len(written) else "binary"


def encoding_of(head: bytes) -> str:
    """The text encoding by byte order mark, or by the zero bytes UTF-16 leaves in ASCII text; else UTF-8."""
    for mark, encoding in _BOMS:
        if head.startswith(mark):
            return encoding
    sample = head[:1024]
    if len(sample) >= 4 and len(sample) % 2 == 0:
        low, high = sample[0::2].count(0), sample[1::2].count(0)
        half = len(sample) // 2
        if high > 0.7 * half and low == 0:
            return "utf-16-le"
        if low > 0.7 * half and high == 0:
            return "utf-16-be"
    return "utf-8"
