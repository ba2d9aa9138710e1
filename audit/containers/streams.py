"""Byte streams: decompressed member by member, transcoded to UTF-8, with damage told apart from the end."""

from __future__ import annotations

import bz2
import codecs
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

CHUNK_BYTES = 1 << 20


class Damaged(Exception):  # noqa: N818 - what could be read before it was handed over
    """A stream that ends before it should or holds bytes that are not its format; `reason` is a stable code."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


def raw_chunks(file: BinaryIO, size: int = CHUNK_BYTES) -> Iterator[bytes]:
    """The bytes of a file in chunks."""
    while chunk := file.read(size):
        yield chunk


def _gzip() -> Any:
    return zlib.decompressobj(wbits=31)


def _zstd() -> Any:
    import zstandard

    return zstandard.ZstdDecompressor(max_window_size=1 << 31).decompressobj()


_CODECS: dict[str, tuple[Callable[[], Any], tuple[type[Exception], ...]]] = {
    "gzip": (_gzip, (zlib.error,)),
    "zstd": (_zstd, (Exception,)),
    "bzip2": (bz2.BZ2Decompressor, (OSError, EOFError)),
    "xz": (lzma.LZMADecompressor, (lzma.LZMAError, EOFError)),
}


def decompressed(chunks: Iterator[bytes], kind: str) -> Iterator[bytes]:
    """Plain bytes of a compressed stream of one or several members.

    Raises Damaged, after everything readable was yielded, when it is cut off (`truncated_gzip`) or corrupt.
    """
    make, errors = _CODECS[kind]
    member = make()
    started = False
    for chunk in _sliced(chunks):
        while chunk:
            started = True
            try:
                plain = member.decompress(chunk)
            except errors as error:
                raise Damaged(f"corrupt_{kind}") from error
            if plain:
                yield plain
            if not member.eof:
                break
            chunk = member.unused_data.lstrip(b"\x00")
            member, started = make(), False
    if started:
        raise Damaged(f"truncated_{kind}")


def _sliced(chunks: Iterator[bytes], size: int = 1 << 15) -> Iterator[bytes]:
    """Small pieces, so that a file made to expand a thousandfold does so a few megabytes at a time."""
    for chunk in chunks:
        for start in range(0, len(chunk), size):
            yield chunk[start : start + size]


def as_utf8(chunks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """Text bytes of any encoding as UTF-8 without byte order mark; UTF-8 passes through as it is."""
    if encoding == "utf-8":
        yield from chunks
        return
    if encoding == "utf-8-sig":
        first = next(chunks, b"")
        yield first.removeprefix(codecs.BOM_UTF8)
        yield from chunks
        return
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    for chunk in chunks:
        yield decoder.decode(chunk).encode("utf-8", "replace")
    if rest := decoder.decode(b"", final=True):
        yield rest.encode("utf-8", "replace")


class ChunkFile(io.RawIOBase):
    """A readable file over an iterator of chunks; `Damaged` ends it and is kept in `damage`."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._left = b""
        self.damage: str | None = None

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer from the chunk at hand."""
        while not self._left:
            try:
                self._left = next(self._chunks)
            except StopIteration:
                return 0
            except Damaged as damage:
                self.damage = damage.reason
                return 0
        size = min(len(buffer), len(self._left))
        buffer[:size] = self._left[:size]
        self._left = self._left[size:]
        return size


def buffered(chunks: Iterator[bytes]) -> tuple[io.BufferedReader, ChunkFile]:
    """A peekable file over chunks, and the raw file beneath it, which knows about damage."""
    raw = ChunkFile(chunks)
    return io.BufferedReader(raw, buffer_size=CHUNK_BYTES), raw
