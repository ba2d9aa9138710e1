"""OpenTelemetry's protobuf files as the OTLP JSON they stand for: one message, or many, each after its length."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

from audit.containers.items import Item, Unreadable

_LARGEST = 1 << 30
_ZSTD = b"\x28\xb5\x2f\xfd"
_IDS = ("traceId", "spanId", "parentSpanId")
_MISSING = (
    "OTLP as protobuf needs a library: pip install opentelemetry-proto; or write JSON: `format: json` of the "
    "collector's file exporter, `marshaler: otlp_json` of its S3 exporter"
)


def is_otlp(head: bytes) -> bool:
    """Whether bytes begin like spans or log records in protobuf, with or without a length before them."""
    return _framing(head) is not None


def otlp_records(chunks: Iterator[bytes]) -> Iterator[Item]:
    """The messages of a stream as objects with `resourceSpans` or `resourceLogs`.

    Damage costs the message it lies in and what comes after it. A message is held in memory as a whole.
    """
    buffer = _Buffer(chunks)
    framing = _framing(buffer.peek(512))
    number = 0
    while not buffer.ended:
        number += 1
        offset = buffer.offset
        message = buffer.rest() if framing == "bare" else buffer.framed(framing == "varint")
        if message is None:
            yield number, offset, Unreadable("truncated_tail"), b"", False
            return
        value = _decoded(message)
        yield number, offset, value, b"", False
        if isinstance(value, Unreadable):
            return


def _framing(head: bytes) -> str | None:
    if _is_message(head, 0):
        return "bare"
    _, at = _varint(head, 0)
    if _is_message(head, at):
        return "varint"
    return "fixed" if head[4:8] == _ZSTD or _is_message(head, 4) else None


def _is_message(head: bytes, at: int) -> bool:
    """A list of resources: each with a resource, its first attribute's name in plain letters, or with a scope."""
    size, at = _field(head, at, (0x0A,))
    inner, inside = _field(head, at, (0x0A,))
    if inner and inner < size:
        entry, at = _field(head, inside, (0x0A,))
        name, at = _field(head, at, (0x0A,))
        return 0 < name < entry < inner and head[at : at + min(name, 16)].isascii() and head[at : at + 1].isalpha()
    scope, at = _field(head, at + 2 if head[at : at + 2] == b"\x0a\x00" else at, (0x12,))
    return 0 < scope < size and head[at : at + 1] in (b"\x0a", b"\x12")


def _field(head: bytes, at: int, tags: tuple[int, ...]) -> tuple[int, int]:
    """Length and place of the content of a length-delimited field of these tags; (0, at) where there is none."""
    if at >= len(head) or head[at] not in tags:
        return 0, at
    return _varint(head, at + 1)


def _varint(head: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 35, 7):
        if at >= len(head):
            break
        byte = head[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    return 0, at


class _Buffer:
    """Bytes of a stream as they are asked for."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._held = b""
        self.offset = 0

    @property
    def ended(self) -> bool:
        return not self.peek(1)

    def peek(self, size: int) -> bytes:
        parts, got = [self._held], len(self._held)
        while got < size and (chunk := next(self._chunks, None)) is not None:
            parts.append(chunk)
            got += len(chunk)
        self._held = b"".join(parts)
        return self._held[:size]

    def _take(self, size: int) -> bytes | None:
        taken = self.peek(size)
        if len(taken) < size:
            return None
        self._held, self.offset = self._held[size:], self.offset + size
        return taken

    def rest(self) -> bytes:
        found = b"".join((self._held, *self._chunks))
        self._held, self.offset = b"", self.offset + len(found)
        return found

    def framed(self, varint: bool) -> bytes | None:
        """The next message after its length; None when the stream ends inside it."""
        head = self.peek(5)
        size, width = _varint(head, 0) if varint else (int.from_bytes(head[:4], "big"), 4)
        if not 0 < size < _LARGEST or self._take(width) is None:
            self.rest()
            return None
        message = self._take(size)
        if message is None:
            self.rest()
        return message


def _decoded(message: bytes) -> Any:
    if message.startswith(_ZSTD):
        import zstandard

        try:
            message = zstandard.ZstdDecompressor().decompressobj().decompress(message)
        except zstandard.ZstdError:
            return Unreadable("corrupt_zstd")
    if message[:1] == b"{":
        import orjson

        try:
            return orjson.loads(message)
        except ValueError:
            return Unreadable("not_json")
    return _parsed(message)


def _parsed(message: bytes) -> Any:
    try:
        from google.protobuf.json_format import MessageToDict
        from google.protobuf.message import DecodeError
        from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
        from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
    except ImportError:
        return Unreadable("otlp_protobuf", _MISSING)
    for kind, lists, records in (
        (TracesData, ("resource_spans", "scope_spans", "spans"), "span_id"),
        (LogsData, ("resource_logs", "scope_logs", "log_records"), "body"),
    ):
        try:
            data = kind.FromString(message)
        except DecodeError:
            continue
        if _holds(data, lists, records):
            return _with_hex_ids(MessageToDict(data))
    return Unreadable("not_otlp", "neither spans nor log records in protobuf")


def _holds(data: Any, lists: tuple[str, str, str], name: str) -> bool:
    # spans, log records and metrics differ only deep inside: what one has, the others leave empty
    return any(
        bool(record.span_id) if name == "span_id" else bool(record.time_unix_nano or record.observed_time_unix_nano)
        for resource in getattr(data, lists[0])
        for scope in getattr(resource, lists[1])
        for record in getattr(scope, lists[2])
    )


def _with_hex_ids(value: Any) -> Any:
    """Ids as OTLP JSON writes them, in hexadecimal digits and not in base64."""
    if isinstance(value, list):
        return [_with_hex_ids(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: binascii.hexlify(b64decode(item)).decode()
        if key in _IDS and isinstance(item, str)
        else _with_hex_ids(item)
        for key, item in value.items()
    }
