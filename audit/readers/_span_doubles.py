"""Spans that tell of the same model call: wrappers around a call, and two instrumentations of one call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from audit.call import Call, Outcome, Skip
from audit.wire.otlp import Span


def drop_doubles(spans: list[Span], outcomes: list[Outcome]) -> None:
    """Replace calls that other spans tell again by skips: same response id, or a wrapper around its own calls."""
    calls = {position: outcome for position, outcome in enumerate(outcomes) if isinstance(outcome, Call)}
    if len(calls) < 2:
        return
    by_span = {(span.trace_id, span.span_id): position for position, span in enumerate(spans) if span.span_id}
    inner: dict[int, list[int]] = {}
    for position in calls:
        for ancestor in _ancestors(position, spans, by_span):
            if ancestor in calls:
                inner.setdefault(ancestor, []).append(position)
                break
    for outer, positions in inner.items():
        if _repeats(calls[outer], [calls[position] for position in positions]):
            _absorb(outcomes, outer, positions[0])
    _keep_richest(outcomes)


def _ancestors(position: int, spans: list[Span], by_span: dict[Any, int]) -> Iterator[int]:
    seen = {position}
    while (found := by_span.get((spans[position].trace_id, spans[position].parent_id))) is not None:
        if found in seen:
            return
        seen.add(found)
        yield found
        position = found


def _repeats(outer: Call, inner: list[Call]) -> bool:
    """Whether a call around other calls only repeats them: same counts (or none), and no id of its own."""
    if outer.response_id is not None and all(call.response_id not in (None, outer.response_id) for call in inner):
        return False
    if any(call.response_id == outer.response_id is not None for call in inner):
        return False  # settled by the richer of the two
    totals = _counts([outer])
    return totals == (0, 0) or totals == _counts(inner) or any(totals == _counts([call]) for call in inner)


def _counts(calls: list[Call]) -> tuple[int, int]:
    usages = [call.usage for call in calls if call.usage is not None]
    return sum(usage.input_tokens or 0 for usage in usages), sum(usage.output_tokens or 0 for usage in usages)


def _absorb(outcomes: list[Outcome], dropped: int, kept: int) -> None:
    lost, winner = outcomes[dropped], outcomes[kept]
    if isinstance(lost, Call) and isinstance(winner, Call):
        _complete(winner, lost)
    outcomes[dropped] = Skip("same_call")


def _complete(winner: Call, other: Call) -> None:
    """Take over what only the dropped record of the same call knows."""
    for name in ("conversation_id", "user", "team", "feature", "environment", "time_to_first_chunk", "prompt_template"):
        if getattr(winner, name) is None:
            setattr(winner, name, getattr(other, name))
    if winner.usage is None:
        winner.usage = other.usage
    if winner.text_status == "absent" and other.segments:
        winner.segments, winner.text_status = other.segments, other.text_status
        winner.identifiers = other.identifiers
    winner.tags = {**other.tags, **winner.tags}


def _keep_richest(outcomes: list[Outcome]) -> None:
    best: dict[str, int] = {}
    for position, outcome in enumerate(outcomes):
        if not isinstance(outcome, Call) or outcome.response_id is None:
            continue
        held = best.setdefault(outcome.response_id, position)
        if held == position:
            continue
        holder = outcomes[held]
        if isinstance(holder, Call) and outcome.rank >= holder.rank:
            best[outcome.response_id] = position
            _absorb(outcomes, held, position)
        else:
            _absorb(outcomes, position, held)
