"""Records that tell of the same model call: wrappers around a call, and two instrumentations of one call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from audit.call import Call, Outcome, Skip

_SLACK_US = 50_000
"""How much later than its wrapper an inner call may end, for clocks and for the writing of the record."""


def walk_up(start: str | None, parents: Mapping[str, str | None]) -> list[str]:
    """The ids above `start`, nearest first, by a map from id to parent id."""
    found: list[str] = []
    while start is not None and start not in found:
        found.append(start)
        start = parents.get(start)
    return found


def drop_doubles(ids: Sequence[str | None], ancestors: Sequence[Iterable[str]], outcomes: list[Outcome]) -> None:
    """Replace calls that other records tell again by skips: wrappers of their own calls, and equal response ids.

    `ids` and `ancestors` (nearest first) are those of the records the outcomes came from, position by position.
    """
    calls = {position: outcome for position, outcome in enumerate(outcomes) if isinstance(outcome, Call)}
    if len(calls) < 2:
        return
    positions_of: dict[str, list[int]] = {}
    for position in calls:
        name = ids[position]
        if name is not None:
            positions_of.setdefault(name, []).append(position)
    inner: dict[str, list[int]] = {}
    for position in calls:
        outer = next((name for name in ancestors[position] if name in positions_of), None)
        if outer is not None and outer != ids[position]:
            inner.setdefault(outer, []).append(position)
    for name, positions in inner.items():
        for outer_position in positions_of[name]:
            wrapper = calls[outer_position]
            within = [position for position in positions if _contains(wrapper, calls[position])]
            if within and _repeats(wrapper, [calls[position] for position in within]):
                _absorb(outcomes, outer_position, within[0])
    _keep_richest(ids, outcomes)


def _contains(outer: Call, inner: Call) -> bool:
    """Whether the outer call was still open; a call that began after it ended only inherited its context."""
    if outer.started_at_us is None or inner.started_at_us is None or outer.duration is None:
        return True
    ended = outer.started_at_us + round(outer.duration * 1e6) + _SLACK_US
    return outer.started_at_us - _SLACK_US <= inner.started_at_us <= ended


def _repeats(outer: Call, inner: list[Call]) -> bool:
    """Whether a call around other calls only repeats them: their counts or none, and no response id of its own."""
    if outer.response_id is not None:
        # calls of one response id are settled by which record tells more
        return False
    totals = _counts([outer])
    if totals == (0, 0) or totals == _counts(inner):
        return True
    return any(totals == _counts([call]) or _resembles(outer, call) for call in inner)


def _counts(calls: list[Call]) -> tuple[int, int]:
    usages = [call.usage for call in calls if call.usage is not None]
    return sum(usage.input_tokens or 0 for usage in usages), sum(usage.output_tokens or 0 for usage in usages)


def _resembles(outer: Call, inner: Call) -> bool:
    """Counts of one model that differ by a tenth at most: the tracer counted the wrapper's text itself."""
    names = {call.response_model or call.request_model for call in (outer, inner)} | {None}
    if len(names) > 2:
        return False
    return all(
        abs(one - other) <= max(16, other // 10) for one, other in zip(_counts([outer]), _counts([inner]), strict=True)
    )


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
    if winner.usage is None and winner.status == "ok":
        winner.usage = other.usage
    if winner.text_status == "absent" and other.segments:
        winner.segments, winner.text_status = other.segments, other.text_status
        winner.identifiers = other.identifiers
    winner.tags = {**other.tags, **winner.tags}


def _keep_richest(ids: Sequence[str | None], outcomes: list[Outcome]) -> None:
    """Of several records with one response id the one that tells most; a record written twice is left to the ingest."""
    best: dict[str, int] = {}
    for position, outcome in enumerate(outcomes):
        if not isinstance(outcome, Call) or outcome.response_id is None:
            continue
        held = best.setdefault(outcome.response_id, position)
        if held == position or (ids[held] is not None and ids[held] == ids[position]):
            continue
        holder = outcomes[held]
        if isinstance(holder, Call) and outcome.rank >= holder.rank:
            best[outcome.response_id] = position
            _absorb(outcomes, held, position)
        else:
            _absorb(outcomes, position, held)
