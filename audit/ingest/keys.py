"""Hashes of sequences, for many calls at once: what `audit.hashes.mixed` does one by one."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from audit.hashes import MIX

Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]
_FIRST, _SECOND, _THIRD = (np.uint64(each) for each in MIX)
_30, _27, _31 = np.uint64(30), np.uint64(27), np.uint64(31)


def mixed(before: Words, values: Words) -> Words:
    """`audit.hashes.mixed` of each pair."""
    words = before * _FIRST + values + _FIRST
    words = (words ^ (words >> _30)) * _SECOND
    words = (words ^ (words >> _27)) * _THIRD
    return words ^ (words >> _31)


def chained(values: Words, starts: Ints, lengths: Ints, roles: Words | None = None) -> tuple[Words, Words]:
    """The hash of each sequence `values[start : start + length]`, 0 for an empty one, and its hash up to each value.

    With `roles`, hashes of names beside the values, each step is an `audit.hashes.chain_hash`. The second result is
    parallel to `values`, 0 outside the sequences.
    """
    links = np.zeros(len(values), dtype=np.uint64)
    order = np.argsort(-lengths, kind="stable")
    firsts, longest = starts[order], lengths[order]
    joint = np.zeros(len(lengths), dtype=np.uint64)
    for step in range(int(longest[0]) if len(longest) else 0):
        # the longest come first: those that go on are the first so many
        going = int(np.searchsorted(-longest, -step, side="left"))
        at = firsts[:going] + step
        joint[:going] = mixed(joint[:going], values[at])
        if roles is not None:
            joint[:going] = mixed(joint[:going], roles[at])
        links[at] = joint[:going]
    whole = np.empty_like(joint)
    whole[order] = joint
    return whole, links


def texts_hashed(texts: Iterable[str]) -> Words:
    """`audit.hashes.content_hash` of each text."""
    digests = b"".join([blake2b(each.encode("utf-8", "surrogatepass"), digest_size=8).digest() for each in texts])
    return np.frombuffer(digests, dtype=">u8").astype(np.uint64)
