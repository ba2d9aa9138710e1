"""The hash of an input's bytes, made block by block."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import blake2b

PART_BYTES = 16 << 20
"""Size of the parts a large file is read and hashed in."""


class BlockHash:
    """BLAKE2b-128 of a stream, block by block, so that parts of a file can be hashed apart."""

    def __init__(self) -> None:
        self._hash = blake2b(digest_size=16)
        self._filled = 0
        self._digests: list[bytes] = []
        self.bytes = 0

    def through(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """The chunks, hashed as they pass."""
        for chunk in chunks:
            self.update(chunk)
            yield chunk

    def update(self, data: bytes) -> None:
        """Add bytes."""
        view = memoryview(data)
        self.bytes += len(view)
        while len(view):
            taken = view[: PART_BYTES - self._filled]
            self._hash.update(taken)
            self._filled += len(taken)
            view = view[len(taken) :]
            if self._filled == PART_BYTES:
                self._close()

    def digests(self) -> list[bytes]:
        """Hashes of the blocks so far, the last one of what is left."""
        if self._filled:
            self._close()
        return self._digests

    def _close(self) -> None:
        self._digests.append(self._hash.digest())
        self._hash, self._filled = blake2b(digest_size=16), 0


def whole_hash(digests: Iterable[bytes]) -> str:
    """The hash of a file from the hashes of its blocks, hex."""
    return blake2b(b"".join(digests), digest_size=16).hexdigest()
