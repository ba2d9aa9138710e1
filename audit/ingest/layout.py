"""The segments of many calls at once as a table, and the keys that say when two prompts or answers are the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audit.call import Call, Segment
from audit.hashes import digest
from audit.ingest import columns
from audit.ingest.keys import Words, chained, mixed, texts_hashed
from audit.ingest.texts import ENCODINGS, Ints, Texts
from audit.tokens import encoding_name

Flags = npt.NDArray[np.bool_]
_FOLDED = frozenset({("user", "user"), ("user", "history")})
_OUTSIDE = "reasoning"


@dataclass(slots=True)
class Layout:
    """Calls laid out: their segments as table rows, their keys as columns, and per call where its segments begin in
    `hashes` and how many tokens its own texts have (`asked`, `answered`; `inputs` and `outputs` count segments)."""

    segments: pa.Table
    keys: pa.Table
    hashes: list[int]
    starts: list[int]
    asked: Ints
    answered: Ints
    inputs: Ints
    outputs: Ints


def lay_out(calls: Sequence[Call], parameters: Sequence[str], texts: Texts) -> Layout:
    """Hash, count and key the texts of calls; `parameters` are their canonical parameters."""
    for call in calls:
        _put_answers_last(call)
    segments = list(chain.from_iterable([call.segments for call in calls]))
    lengths = np.array([len(call.segments) for call in calls], dtype=np.int64)
    ends = np.cumsum(lengths)
    starts = ends - lengths
    shapes = _Shapes(segments)
    written = texts_hashed([each.text for each in segments])
    hashes = written.view(np.int64)
    encodings = np.repeat([_encoding(call.response_model or call.request_model) for call in calls], lengths)
    tokens, spaced, folded = _facts(segments, hashes, encodings, texts)
    is_input = shapes.is_input
    inputs = _per_call(is_input, starts, ends)
    asked = _per_call(np.where(is_input, tokens, 0), starts, ends)
    all_tokens = _per_call(tokens, starts, ends)
    wording = np.where(shapes.is_folded, folded, spaced).view(np.uint64)
    links, keys = _keys(calls, parameters, shapes, written, wording, starts, inputs, ends)
    table = _table(shapes, lengths, starts, hashes, links, tokens)
    return Layout(table, keys, hashes.tolist(), starts.tolist(), asked, all_tokens - asked, inputs, lengths - inputs)


class _Shapes:
    """What segments are apart from their text, each combination once: direction, role, kind, cache mark."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        numbers: dict[tuple[Any, ...], int] = {}
        codes = [
            numbers.setdefault(
                (each.direction, each.role, each.kind, each.cache_breakpoint or None, each.cache_ttl), len(numbers)
            )
            for each in segments
        ]
        self._codes = np.array(codes, dtype=np.int32)
        self._distinct = list(numbers)
        self.is_input = self._which(lambda direction, role, kind: direction == "input")
        self.is_folded = self._which(lambda direction, role, kind: (role, kind) in _FOLDED or kind == "answer")
        self.is_answer = self._which(lambda direction, role, kind: direction != "input" and kind != _OUTSIDE)

    def column(self, place: int, kind: pa.DataType) -> pa.Array[Any]:
        """One property of every segment: 0 direction, 1 role, 2 kind, 3 cache mark, 4 its life."""
        return columns.array([each[place] for each in self._distinct], kind).take(pa.array(self._codes, pa.int32()))

    def roles(self) -> Words:
        """Hashes of the roles."""
        return texts_hashed([each[1] for each in self._distinct])[self._codes]

    def _which(self, matches: Callable[[str, str, str], bool]) -> Flags:
        found: Flags = np.array([matches(*each[:3]) for each in self._distinct], dtype=np.bool_)[self._codes]
        return found


def _put_answers_last(call: Call) -> None:
    """A prompt's segments come before its answer's; the order inside each stays."""
    answered = False
    for segment in call.segments:
        if segment.direction == "output":
            answered = True
        elif answered:
            call.segments.sort(key=lambda each: each.direction == "output")
            return


@lru_cache(maxsize=4096)
def _encoding(model: str | None) -> int:
    return ENCODINGS.index(encoding_name(model)[0])


def _per_call(values: npt.NDArray[Any], starts: Ints, ends: Ints) -> Ints:
    """Sums over the segments of each call."""
    sums = np.concatenate(([0], np.cumsum(values, dtype=np.int64)))
    result: Ints = sums[ends] - sums[starts]
    return result


def _facts(segments: list[Segment], hashes: Ints, encodings: Ints, texts: Texts) -> tuple[Ints, Ints, Ints]:
    """Tokens, and hashes with equal layout and equal wording, of each segment's text."""
    distinct, first, place = np.unique(hashes, return_index=True, return_inverse=True)
    second = np.zeros(len(distinct), dtype=np.bool_)
    second[place[encodings == 1]] = True
    known = texts.look_up(distinct.tolist(), [segments[at].text for at in first.tolist()], second)
    counts = np.array([each.tokens[0] for each in known], dtype=np.int64)[place]
    if second.any():
        other = np.array([each.tokens[1] or 0 for each in known], dtype=np.int64)[place]
        counts = np.where(encodings == 1, other, counts)
    for at, each in enumerate(segments):
        if each.tokens is not None:
            counts[at] = each.tokens
    spaced = np.array([each.spaced_hash for each in known], dtype=np.int64)[place]
    folded = np.array([each.folded_hash for each in known], dtype=np.int64)[place]
    return counts, spaced, folded


@lru_cache(maxsize=65_536)
def _frame(model: str | None, parameters: str) -> int:
    """What stands around the text of a request; equal ones are common."""
    return digest(model, parameters)


def _keys(
    calls: Sequence[Call],
    parameters: Sequence[str],
    shapes: _Shapes,
    written: Words,
    wording: Words,
    starts: Ints,
    inputs: Ints,
    ends: Ints,
) -> tuple[Words, pa.Table]:
    """The chain of every prompt segment, and the keys of every call; NULL where the log lacks the full text."""
    is_full = np.array([call.text_status == "full" for call in calls], dtype=np.bool_)
    frames = _words(
        [_frame(call.request_model or call.response_model, each) for call, each in zip(calls, parameters, strict=True)]
    )
    ids = _words([digest(*call.identifiers) if call.identifiers else 0 for call in calls])
    question, links = chained(written, starts, inputs, shapes.roles())
    worded, _ = chained(wording, starts, inputs)
    # answers stand last, and reasoning is none
    at = np.flatnonzero(shapes.is_answer)
    before = np.concatenate(([0], np.cumsum(shapes.is_answer)))
    first, answers = before[starts], before[ends] - before[starts]
    has_prompt, has_answer = is_full & (inputs > 0), is_full & (answers > 0)
    found = {
        "prompt_key": (mixed(mixed(question, frames), ids), has_prompt),
        "normalised_key": (mixed(worded, frames), has_prompt),
        "question_key": (question, has_prompt),
        "output_hash": (_joint(written[at], first, answers), has_answer),
        "output_normalised_hash": (_joint(wording[at], first, answers), has_answer),
    }
    table = {name: pa.array(found[name][0].view(np.int64), mask=~found[name][1]) for name in columns.KEYS.names}
    return links, pa.table(table)


def _joint(values: Words, starts: Ints, lengths: Ints) -> Words:
    """The hash of each sequence, of a single value that one itself."""
    joint, _ = chained(values, starts, lengths)
    single = lengths == 1
    joint[single] = values[starts[single]]
    return joint


def _words(hashes: list[int]) -> Words:
    return np.array(hashes, dtype=np.int64).view(np.uint64)


def _table(shapes: _Shapes, lengths: Ints, starts: Ints, hashes: Ints, links: Words, tokens: Ints) -> pa.Table:
    requests = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    positions = (np.arange(len(hashes)) - np.repeat(starts, lengths)).astype(np.int32)
    arrays = [
        pa.array(requests),
        pa.array(positions),
        shapes.column(0, pa.string()),
        shapes.column(1, pa.string()),
        shapes.column(2, pa.string()),
        pa.array(hashes),
        pa.array(links.view(np.int64), mask=~shapes.is_input),
        pa.array(tokens.astype(np.int32)),
        shapes.column(3, pa.bool_()),
        shapes.column(4, pa.string()),
    ]
    return pa.Table.from_arrays(arrays, schema=columns.SEGMENT)
