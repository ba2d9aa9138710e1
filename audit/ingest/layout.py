"""The segments of many calls at once as a table, and the keys that say when two prompts or answers are the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audit.call import Call, Segment
from audit.hashes import digest
from audit.ingest import columns
from audit.ingest.texts import ENCODINGS, Ints, Texts
from audit.tokens import encoding_name

_START = bytes(8)
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
    segments = list(chain.from_iterable(call.segments for call in calls))
    lengths = np.array([len(call.segments) for call in calls], dtype=np.int64)
    ends = np.cumsum(lengths)
    starts = ends - lengths
    written = [_digest(each.text.encode("utf-8", "surrogatepass")) for each in segments]
    hashes = _integers(written)
    is_input = np.array([each.direction == "input" for each in segments], dtype=np.bool_)
    encodings = np.repeat([_encoding(call.response_model or call.request_model) for call in calls], lengths)
    tokens, spaced, folded = _facts(segments, hashes, encodings, texts)
    fold = np.array([(each.role, each.kind) in _FOLDED or each.kind == "answer" for each in segments], dtype=np.bool_)
    inputs = _per_call(is_input, starts, ends)
    asked = _per_call(np.where(is_input, tokens, 0), starts, ends)
    all_tokens = _per_call(tokens, starts, ends)
    chains, keys = _keys(calls, parameters, segments, written, np.where(fold, folded, spaced), starts, inputs)
    links = np.zeros(len(segments), dtype=np.int64)
    links[is_input] = _integers(chains)
    table = _table(segments, lengths, starts, hashes, links, is_input, tokens)
    return Layout(table, keys, hashes.tolist(), starts.tolist(), asked, all_tokens - asked, inputs, lengths - inputs)


def _digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=8).digest()


def _integers(digests: list[bytes]) -> Ints:
    return np.frombuffer(b"".join(digests), dtype=">i8").astype(np.int64)


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
    spaced = np.array([each.spaced_hash for each in known], dtype=np.int64)[place]
    folded = np.array([each.folded_hash for each in known], dtype=np.int64)[place]
    return counts, spaced, folded


@lru_cache(maxsize=65_536)
def _frame(model: str | None, parameters: str) -> bytes:
    """What stands around the text of a request, as 8 bytes; equal ones are common."""
    return digest(model, parameters).to_bytes(8, "big", signed=True)


def _keys(
    calls: Sequence[Call],
    parameters: Sequence[str],
    segments: list[Segment],
    written: list[bytes],
    wording: Ints,
    starts: Ints,
    inputs: Ints,
) -> tuple[list[bytes], pa.Table]:
    """The chain of every prompt segment, and the keys of every call; NULL where the log lacks the full text."""
    worded = wording.astype(">i8").tobytes()
    roles: dict[str, bytes] = {}
    chains: list[bytes] = []
    rows: list[tuple[bytes | None, ...]] = []
    for call, settings, start, asked in zip(calls, parameters, starts.tolist(), inputs.tolist(), strict=True):
        link = _START
        middle, end = start + asked, start + len(call.segments)
        for at in range(start, middle):
            role = segments[at].role
            data = roles.get(role) or roles.setdefault(role, role.encode("utf-8", "surrogatepass"))
            link = blake2b(link + written[at] + data, digest_size=8).digest()
            chains.append(link)
        if call.text_status != "full":
            rows.append(_NO_KEYS)
            continue
        answer = [at for at in range(middle, end) if segments[at].kind != _OUTSIDE]
        output = _joint([written[at] for at in answer])
        output_wording = _joint([worded[8 * at : 8 * at + 8] for at in answer])
        if not asked:
            rows.append((None, None, None, output, output_wording))
            continue
        frame = _frame(call.request_model or call.response_model, settings)
        ids = digest(*call.identifiers).to_bytes(8, "big", signed=True) if call.identifiers else b""
        exact, loose = _digest(link + frame + ids), _digest(worded[8 * start : 8 * middle] + frame)
        rows.append((exact, loose, link, output, output_wording))
    names = columns.KEYS.names
    return chains, pa.table({name: _nullable([row[place] for row in rows]) for place, name in enumerate(names)})


_NO_KEYS: tuple[bytes | None, ...] = (None,) * 5


def _joint(parts: list[bytes]) -> bytes | None:
    """The hash of several, of a single one that one itself."""
    if len(parts) == 1:
        return parts[0]
    return _digest(b"".join(parts)) if parts else None


def _nullable(values: list[bytes | None]) -> Any:
    missing = np.array([value is None for value in values], dtype=np.bool_)
    return pa.array(_integers([value or _START for value in values]), mask=missing)


def _table(
    segments: list[Segment],
    lengths: Ints,
    starts: Ints,
    hashes: Ints,
    links: Ints,
    is_input: npt.NDArray[np.bool_],
    tokens: Ints,
) -> pa.Table:
    requests = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    positions = (np.arange(len(segments)) - np.repeat(starts, lengths)).astype(np.int32)
    marks = [each.cache_breakpoint or None for each in segments]
    arrays = [
        pa.array(requests),
        pa.array(positions),
        columns.array([each.direction for each in segments], pa.string()),
        columns.array([each.role for each in segments], pa.string()),
        columns.array([each.kind for each in segments], pa.string()),
        pa.array(hashes),
        pa.array(links, mask=~is_input),
        pa.array(tokens.astype(np.int32)),
        columns.array(marks, pa.bool_()),
        columns.array([each.cache_ttl for each in segments], pa.string()),
    ]
    return pa.Table.from_arrays(arrays, schema=columns.SEGMENT)
