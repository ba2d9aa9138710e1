"""Texts as vectors of meaning, offline: static token vectors that the package `wordllama` carries in its wheel.

Only the two files are read; the package's own loader could reach the network and is never run. A text's vector is the
mean of its token vectors, each weighted down by how many of the compared texts hold that token (smooth inverse
frequency, Arora, Liang & Ma 2017), so that what a template always says counts for little.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Vectors = NDArray[np.float32]

MISSING = "the optional model is not installed; add it with `pip install 'llm-workload-audit[semantic]'`"
_PACKAGE = "wordllama"
_WEIGHTS = "weights/l2_supercat_256.safetensors"
_TOKENIZER = "tokenizers/l2_supercat_tokenizer_config.json"
_CHUNK = 20_000
_SMOOTH = 0.1
_FEW = 20
_ONE_SIDED = 0.3
_PAIRS_AT_ONCE = 20_000


@dataclass(frozen=True, eq=False)
class Model:
    """Token vectors and the tokenizer they belong to."""

    tokenizer: Any
    vectors: Vectors

    def token_counts(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """How often each token stands in each text."""
        parts = []
        for start in range(0, len(texts), _CHUNK):
            encoded = self.tokenizer.encode_batch_fast(list(texts[start : start + _CHUNK]), add_special_tokens=False)
            lengths = [len(each.ids) for each in encoded]
            ids = np.fromiter((token for each in encoded for token in each.ids), dtype=np.int32, count=sum(lengths))
            starts = np.concatenate(([0], np.cumsum(lengths)))
            ids = np.minimum(ids, self.vectors.shape[0] - 1)
            values = np.ones(ids.size, dtype=np.float32)
            parts.append(sparse.csr_matrix((values, ids, starts), shape=(len(lengths), self.vectors.shape[0])))
        found = sparse.vstack(parts, format="csr") if parts else sparse.csr_matrix((0, self.vectors.shape[0]))
        found.sum_duplicates()
        return found


@cache
def model() -> Model | None:
    """The installed model, None when the optional package (or its files) is missing."""
    spec = find_spec(_PACKAGE)
    folder = Path(spec.origin).parent if spec and spec.origin else None
    if folder is None or not (folder / _WEIGHTS).exists() or not (folder / _TOKENIZER).exists():
        return None
    from safetensors import safe_open
    from tokenizers import Tokenizer

    with safe_open(str(folder / _WEIGHTS), framework="numpy") as weights:
        vectors = weights.get_tensor("embedding.weight").astype(np.float32)
    tokenizer = Tokenizer.from_file(str(folder / _TOKENIZER))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return Model(tokenizer, vectors)


def weighted_tokens(chosen: Model, texts: Sequence[str], groups: NDArray[np.int64]) -> sparse.csr_matrix:
    """The tokens of texts, each weighted down by how many texts of its group hold it."""
    counts = chosen.token_counts(texts)
    row = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    codes = np.unique(groups, return_inverse=True)[1]
    # how many texts of its group hold each token
    pairs = codes[row].astype(np.int64) * counts.shape[1] + counts.indices
    _, inverse, held = np.unique(pairs, return_inverse=True, return_counts=True)
    share = held[inverse] / np.maximum(np.bincount(codes)[codes[row]], _FEW)
    counts.data *= (_SMOOTH / (_SMOOTH + share)).astype(np.float32)
    return counts


def unit_vectors(chosen: Model, tokens: sparse.csr_matrix) -> Vectors:
    """Unit vectors of texts by their weighted tokens; a text without tokens is all zeros."""
    vectors: Vectors = np.asarray(tokens @ chosen.vectors, dtype=np.float32)
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    units: Vectors = np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)
    return units


def likeness_of_differences(
    chosen: Model, tokens: sparse.csr_matrix, left: NDArray[np.int64], right: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Cosine of what only one and what only the other of two texts says; 0.3 where just one of them says more.

    Two questions about the same rare thing are alike as wholes whatever they ask of it; what differs tells them apart.
    """
    found = np.zeros(left.size)
    for low in range(0, left.size, _PAIRS_AT_ONCE):
        part = slice(low, low + _PAIRS_AT_ONCE)
        ours, theirs = tokens[left[part]], tokens[right[part]]
        both = ours.astype(bool).multiply(theirs.astype(bool))
        only = [unit_vectors(chosen, (each - each.multiply(both)).tocsr()) for each in (ours, theirs)]
        says = [np.abs(each).sum(axis=1) > 0 for each in only]
        cosine = np.einsum("ij,ij->i", *only).astype(np.float64)
        found[part] = np.where(says[0] & says[1], cosine, np.where(says[0] | says[1], _ONE_SIDED, 1.0))
    return found
