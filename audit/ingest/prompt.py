"""The segments of a call as rows, and the keys that say when two prompts or two answers are the same."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from audit.call import Call
from audit.hashes import chain_hash, digest
from audit.ingest.texts import ENCODINGS, Text, Texts
from audit.tokens import encoding_name

SegmentRow = tuple[Any, ...]


class Keys(NamedTuple):
    """Hashes of a whole prompt and answer; None where the log does not hold the full text."""

    prompt_key: int | None = None
    normalised_key: int | None = None
    question_key: int | None = None
    output_hash: int | None = None
    output_normalised_hash: int | None = None


@lru_cache(maxsize=4096)
def encoding_index(model: str | None) -> int:
    """Which of `ENCODINGS` a model's tokens are counted in."""
    return ENCODINGS.index(encoding_name(model)[0])


def add_segments(
    call: Call, row: int, texts: Texts, rows: list[SegmentRow], known: list[Text], parameters: str
) -> tuple[list[int], Keys]:
    """Append the segments of a call to `rows` and their texts to `known`; returns their content hashes and the keys."""
    encoding = encoding_index(call.response_model or call.request_model)
    hashes: list[int] = []
    wording: list[int] = []
    answer: list[int] = []
    answer_wording: list[int] = []
    chain = 0
    for position, segment in enumerate(call.segments):
        text = texts.get(segment.text, encoding)
        key = text.content_hash
        role, kind = segment.role, segment.kind
        hashes.append(key)
        known.append(text)
        if segment.direction == "input":
            chain = chain_hash(chain, role, key)
            wording.append(text.folded_hash if role == "user" and kind in ("user", "history") else text.spaced_hash)
            link: int | None = chain
        else:
            link = None
            if kind != "reasoning":
                answer.append(key)
                answer_wording.append(text.folded_hash if kind == "answer" else text.spaced_hash)
        rows.append(
            (row, position, segment.direction, role, kind, key, link, encoding, segment.cache_breakpoint or None,
             segment.cache_ttl)
        )  # fmt: skip
    if call.text_status != "full":
        return hashes, Keys()
    model = call.request_model or call.response_model
    return hashes, Keys(
        digest(model, chain, parameters, *call.identifiers) if wording else None,
        digest(model, *wording, parameters) if wording else None,
        chain if wording else None,
        digest(*answer) if answer else None,
        digest(*answer_wording) if answer else None,
    )
