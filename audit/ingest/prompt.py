"""The segments of a call as rows, and the keys that say when two prompts or two answers are the same."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from audit.call import Call
from audit.hashes import chain_hash, digest, joint_hash
from audit.ingest.texts import ENCODINGS, Text, Texts
from audit.tokens import encoding_name

SegmentRow = tuple[Any, ...]


_FOLDED = ("user", "history")


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


@lru_cache(maxsize=65_536)
def _frame(model: str | None, parameters: str) -> int:
    """Hash of what stands around the text of a request; equal ones are common."""
    return digest(model, parameters)


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
    link: int | None
    get = texts.get
    for position, segment in enumerate(call.segments):
        text = get(segment.text, encoding)
        key = text.content_hash
        role, kind, direction = segment.role, segment.kind, segment.direction
        hashes.append(key)
        known.append(text)
        if direction == "input":
            link = chain = chain_hash(chain, role, key)
            wording.append(text.folded_hash if role == "user" and kind in _FOLDED else text.spaced_hash)
        else:
            link = None
            if kind != "reasoning":
                answer.append(key)
                answer_wording.append(text.folded_hash if kind == "answer" else text.spaced_hash)
        rows.append(
            (row, position, direction, role, kind, key, link, encoding, segment.cache_breakpoint or None,
             segment.cache_ttl)
        )  # fmt: skip
    if call.text_status != "full":
        return hashes, Keys()
    return hashes, _keys(call, chain, wording, answer, answer_wording, parameters)


def _keys(
    call: Call, chain: int, wording: list[int], answer: list[int], answer_wording: list[int], parameters: str
) -> Keys:
    output = joint_hash(answer) if answer else None
    output_wording = joint_hash(answer_wording) if answer else None
    if not wording:
        return Keys(output_hash=output, output_normalised_hash=output_wording)
    frame = _frame(call.request_model or call.response_model, parameters)
    exact = [chain, frame]
    if call.identifiers:
        exact.append(digest(*call.identifiers))
    return Keys(joint_hash(exact), joint_hash([*wording, frame]), chain, output, output_wording)
