"""Near copies: texts that share most of their three-word shingles, found exactly by a prefix-filter join.

Two sets whose Jaccard similarity reaches t share at least one of the rarest ⌊(1-t)·|x|⌋+1 elements of each (Chaudhuri,
Ganti & Kaushik 2006); only texts that meet there are compared, and then exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from audit.similarity.words import Hashes, Ints, Words, mixed, runs

SHINGLE = 3
THRESHOLD = 0.7
_WINDOW = 48
_ANCHORS = 8
_PAIRS_AT_ONCE = 200_000
_PRIMES = (np.uint64(0x9FB21C651E98DF25), np.uint64(0xD6E8FEB86659FD93), np.uint64(0xA0761D6478BD642F))


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of texts by their places, `left` < `right`, with their similarity 0…1."""

    left: Ints
    right: Ints
    similarity: NDArray[np.float64]

    def __getitem__(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> Pairs:
        return Pairs(self.left[chosen], self.right[chosen], self.similarity[chosen])


def together(*parts: Pairs) -> Pairs:
    """Several lists of pairs as one."""
    names = ("left", "right", "similarity")
    return Pairs(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


@dataclass(frozen=True, eq=False)
class _Sets:
    """Shingle sets without the shingles that only one text has: `sizes` still counts those.

    `owners` is sorted, and inside one text `codes` go from the rarest shingle to the commonest.
    """

    owners: Ints
    codes: NDArray[np.int32]
    sizes: Ints


def near_pairs(words: Words, groups: Ints, threshold: float = THRESHOLD) -> Pairs:
    """All pairs of texts of one group whose shingle sets have a Jaccard similarity of at least `threshold`.

    Texts come in time order. A shingle that more than 48 texts have among their rarest leads each of them to the 48
    before it and to the first eight, so that a crowd of copies costs its number and not its square.
    """
    sets = _shared(words, groups, threshold)
    left, right = _candidates(sets, threshold)
    return _verified(sets, left, right, threshold)


def _shared(words: Words, groups: Ints, threshold: float) -> _Sets:
    """Shingle sets of the texts that can reach the threshold with the shingles that others have too."""
    count = words.lengths.size
    bits = np.uint64(max(1, count - 1).bit_length())
    low = (np.uint64(1) << bits) - np.uint64(1)
    # shingle above, text below: one sort of plain numbers orders by both
    packed = _shingles(words, groups) & ~low
    packed |= np.repeat(np.arange(count, dtype=np.uint64), _shingle_counts(words))
    packed.sort()
    packed = packed[np.append(True, packed[1:] != packed[:-1])] if packed.size else packed
    sizes = np.bincount((packed & low).view(np.int64), minlength=count)
    packed = packed[_in_groups(packed >> bits)]
    owners = (packed & low).view(np.int64)
    reachable = np.bincount(owners, minlength=count) >= np.ceil(threshold * sizes - 1e-9)
    kept = reachable[owners]
    return _by_rarity(packed[kept] >> bits, owners[kept], sizes)


def _shingle_counts(words: Words) -> Ints:
    return np.where(words.lengths >= SHINGLE, words.lengths - SHINGLE + 1, np.minimum(words.lengths, 1))


def _shingles(words: Words, groups: Ints) -> Hashes:
    """One hash per shingle, text by text; a text of fewer than three words is one shingle."""
    lengths, counts = words.lengths, _shingle_counts(words)
    with np.errstate(over="ignore"):
        flat = words.hashes * _PRIMES[0]
        for step, prime in enumerate(_PRIMES[1:], start=1):
            flat[:-step] += words.hashes[step:] * prime
        tokens = flat[runs(words.starts[:-1], counts)]
        short = np.flatnonzero((lengths > 0) & (lengths < SHINGLE))
        first = words.starts[:-1][short]
        lone = words.hashes[first] * _PRIMES[0]
        lone += np.where(lengths[short] > 1, words.hashes[np.minimum(first + 1, words.starts[-1] - 1)], 0) * _PRIMES[1]
        tokens[(np.cumsum(counts) - counts)[short]] = lone
        tokens += np.repeat(mixed(groups.view(np.uint64)), counts)
    return mixed(tokens)


def _in_groups(tokens: Hashes) -> NDArray[np.bool_]:
    """Which of sorted tokens have an equal neighbour."""
    found = np.zeros(tokens.size, dtype=np.bool_)
    same = tokens[1:] == tokens[:-1]
    found[1:] |= same
    found[:-1] |= same
    return found


def _by_rarity(tokens: Hashes, owners: Ints, sizes: Ints) -> _Sets:
    """Number the tokens from rare to common and sort each text's by that; tokens come sorted."""
    opens = np.append(True, tokens[1:] != tokens[:-1]) if tokens.size else np.zeros(0, dtype=np.bool_)
    starts = np.flatnonzero(opens)
    frequency = np.diff(np.append(starts, tokens.size))
    rank = np.empty(starts.size, dtype=np.int64)
    rank[np.argsort(frequency, kind="stable")] = np.arange(starts.size)
    packed = np.sort(owners << 32 | rank[np.cumsum(opens) - 1]) if tokens.size else owners
    return _Sets(packed >> 32, (packed & 0xFFFFFFFF).astype(np.int32), sizes)


def _candidates(sets: _Sets, threshold: float) -> tuple[Ints, Ints]:
    """Pairs that meet in one of their rarest shingles and are not too different in size."""
    held = np.bincount(sets.owners, minlength=sets.sizes.size)
    place = np.arange(sets.owners.size) - np.repeat(np.cumsum(held) - held, held)
    prefix = sets.sizes - np.ceil(threshold * sets.sizes - 1e-9).astype(np.int64) + 1
    # the shingles nobody else has are the rarest of all and stand first
    own = prefix - (sets.sizes - held)
    leading = place < own[sets.owners]
    packed = np.sort(sets.codes[leading].astype(np.int64) << 32 | sets.owners[leading])
    codes, owners = packed >> 32, packed & 0xFFFFFFFF
    opens = np.ones(codes.size, dtype=np.bool_)
    opens[1:] = codes[1:] != codes[:-1]
    starts = np.maximum.accumulate(np.where(opens, np.arange(codes.size), 0)) if codes.size else owners
    back = np.arange(codes.size) - starts
    found = [np.zeros(0, dtype=np.int64)]
    for step in range(1, _WINDOW + 1):
        later = np.flatnonzero(back >= step)
        if later.size == 0:
            break
        found.append(_met(sets.sizes, owners[later - step], owners[later], threshold))
    for anchor in range(_ANCHORS):
        later = np.flatnonzero(back - anchor > _WINDOW)
        found.append(_met(sets.sizes, owners[starts[later] + anchor], owners[later], threshold))
    pairs = np.unique(np.concatenate(found))
    return pairs // sets.sizes.size, pairs % sets.sizes.size


def _met(sizes: Ints, left: Ints, right: Ints, threshold: float) -> Ints:
    """Pairs of comparable size as single numbers."""
    small, large = np.minimum(sizes[left], sizes[right]), np.maximum(sizes[left], sizes[right])
    fit = small >= np.ceil(threshold * large - 1e-9)
    packed: Ints = np.unique(left[fit] * sizes.size + right[fit])
    return packed


def _verified(sets: _Sets, left: Ints, right: Ints, threshold: float) -> Pairs:
    """The candidates whose similarity reaches the threshold."""
    width = int(sets.codes.max()) + 1 if sets.codes.size else 1
    starts = np.searchsorted(sets.owners, np.arange(sets.sizes.size + 1))
    matrix = sparse.csr_matrix(
        (np.ones(sets.codes.size, dtype=np.int32), sets.codes, starts), shape=(sets.sizes.size, width)
    )
    similarity = np.zeros(left.size)
    for low in range(0, left.size, _PAIRS_AT_ONCE):
        part = slice(low, low + _PAIRS_AT_ONCE)
        shared = np.asarray(matrix[left[part]].multiply(matrix[right[part]]).sum(axis=1)).ravel()
        similarity[part] = shared / (sets.sizes[left[part]] + sets.sizes[right[part]] - shared)
    kept = similarity >= threshold - 1e-9
    return Pairs(left[kept], right[kept], similarity[kept])
