"""Codex CLI: rollout files of sessions, and the event lines of `codex exec --json`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from audit.call import Call, Outcome, Skip
from audit.readers import Reader, Record
from audit.wire.counts import count
from audit.wire.messages import transcript
from audit.wire.tags import tag
from audit.wire.text import canonical, label, maybe_json
from audit.wire.times import to_us
from audit.wire.usage import Usage, from_openai, service_tier

_ROLLOUT = frozenset(
    {"session_meta", "turn_context", "response_item", "event_msg", "compacted", "token_usage_record", "world_state"}
    | {"inter_agent_communication_metadata", "inter_agent_communication"}
)
_EXEC = frozenset(
    {
        "thread.started",
        "turn.started",
        "turn.completed",
        "turn.failed",
        "item.started",
        "item.updated",
        "item.completed",
    }
)
_COUNTS = (
    "input_tokens",
    "cached_input_tokens",
    "cache_write_input_tokens",
    "output_tokens",
    "reasoning_output_tokens",
)
_BURST_US = 1_000_000
"""Copied history is written at once, at the moment of the fork; a session's own turns are seconds apart."""

Counts = dict[str, int]


def _detect(record: Record) -> int:
    kind = str(record.get("type"))
    if kind in _ROLLOUT and isinstance(record.get("payload"), Mapping):
        return 30
    return 30 if kind in _EXEC else 0


def _read(record: Record) -> Iterable[Outcome]:
    return _read_group([record])


@dataclass(slots=True)
class _Session:
    """What the lines so far say about the lines to come."""

    name: str | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    forked: bool = False
    model: str | None = None
    effort: str | None = None
    tier: str | None = None
    totals: Counts | None = None
    position: int = 0
    written_us: int | None = None
    opened_us: int | None = None
    output: list[Any] = field(default_factory=list)
    calls: list[tuple[int, Call]] = field(default_factory=list)
    own_from: int | None = None
    task_at: int = 0
    compactions: set[str] = field(default_factory=set)
    records: dict[str, Call] = field(default_factory=dict)
    latest_record: str | None = None


def _read_group(records: list[Record]) -> Iterator[Outcome]:
    """All lines of one session file: one call per advance of its token counter."""
    session = _Session()
    for position, record in enumerate(records):
        session.position, session.written_us = position, to_us(record.get("timestamp"))
        handler = _HANDLERS.get(str(record.get("type")))
        payload = record.get("payload")
        if handler is not None:
            handler(session, payload if isinstance(payload, Mapping) else record, record)
    calls = [*_own(session), *_compactions(session)]
    yield from calls
    yield from (Skip("not_an_llm_call") for _ in range(max(0, len(records) - len(calls))))


def _session_meta(session: _Session, payload: Mapping[str, Any], record: Record) -> None:
    if session.name is not None:
        return  # copied history repeats the parent's own head
    session.name = label(payload.get("id") or payload.get("session_id"))
    session.meta, session.opened_us = payload, session.written_us
    source = maybe_json(payload.get("source"))
    spawned = isinstance(source, Mapping) and "thread_spawn" in canonical(source)
    session.forked = bool(payload.get("forked_from_id")) or spawned


def _turn_context(session: _Session, payload: Mapping[str, Any], record: Record) -> None:
    session.model = label(payload.get("model")) or session.model
    session.effort = label(payload.get("effort") or payload.get("reasoning_effort"))


def _response_item(session: _Session, payload: Mapping[str, Any], record: Record) -> None:
    if payload.get("role") not in ("user", "developer", "system") and not str(payload.get("type")).endswith("_output"):
        session.output.append(payload)


def _event(session: _Session, payload: Mapping[str, Any], record: Record) -> None:
    kind = payload.get("type")
    if kind == "thread_settings_applied":
        settings = payload.get("thread_settings")
        if isinstance(settings, Mapping) and "service_tier" in settings:
            session.tier = service_tier(settings["service_tier"])
    elif kind == "task_started":
        session.task_at = session.position
    elif kind == "token_count":
        info = payload.get("info")
        if isinstance(info, Mapping):
            _token_count(session, info, payload)


def _token_count(session: _Session, info: Mapping[str, Any], payload: Mapping[str, Any]) -> None:
    totals, last = _counts(info.get("total_token_usage")), _counts(info.get("last_token_usage"))
    before = session.totals
    if totals is not None:
        if totals == before:
            return  # the counter is shown again, with rate limits for instance
        session.totals = totals
        if last is None:
            last = _less(totals, before)
    if last is None or not any(last.values()):
        return
    if session.latest_record is not None:
        # a compaction that advances the counter is counted by it
        known = session.records.get(session.latest_record)
        if known is not None and _usage(last) == known.usage:
            session.records.pop(session.latest_record)
    model = label(info.get("model") or payload.get("model")) or session.model
    session.calls.append((session.position, _call(session, last, totals, model)))


def _counts(value: Any) -> Counts | None:
    if not isinstance(value, Mapping):
        return None
    return {name: count(value.get(name), name, []) or 0 for name in _COUNTS}


def _less(totals: Counts, before: Counts | None) -> Counts:
    """The counts of one turn from two cumulative ones; a counter that fell was started anew."""
    if before is None or any(totals[name] < before[name] for name in _COUNTS):
        return totals
    return {name: totals[name] - before[name] for name in _COUNTS}


def _usage(counts: Counts) -> Usage:
    return from_openai({**counts, "total_tokens": counts["input_tokens"] + counts["output_tokens"]})


def _call(session: _Session, last: Counts, totals: Counts | None, model: str | None) -> Call:
    usage = _usage(last)
    call = Call(system="codex", usage=usage, provider_name=label(session.meta.get("model_provider")) or "openai")
    call.request_model = call.response_model = model
    call.service_tier = session.tier
    # only the end of an answer is written down
    call.started_at_us = session.written_us
    text = transcript(None, [item for item in session.output if isinstance(item, Mapping)])
    # instructions, tools and context are not all in the session file
    text.partial = True
    text.apply(call)
    if session.effort:
        call.parameters = {"reasoning_effort": session.effort}
    call.conversation_id = session.name
    spent = sum((totals or last).values())
    call.native_id = f"{session.name}:{session.written_us}:{spent}" if session.name and session.written_us else None
    tag(call, {name: session.meta.get(name) for name in ("cwd", "originator", "cli_version")})
    git = session.meta.get("git")
    if isinstance(git, Mapping) and git.get("branch"):
        call.tags["gitBranch"] = label(git["branch"])
    session.output = []
    return call


def _usage_record(session: _Session, payload: Mapping[str, Any], record: Record) -> None:
    """The usage of one response by id; only compactions are missing from the counter."""
    counts, name = _counts(payload.get("usage")), label(payload.get("response_id"))
    session.latest_record = name
    if counts is None or name is None or name in session.records or not any(counts.values()):
        return
    output = session.output
    call = _call(session, counts, None, label(payload.get("model")) or session.model)
    session.output = output
    call.segments, call.response_id, call.native_id = [], name, name
    call.tags["compaction"] = True
    session.records[name] = call


def _compacted(session: _Session, payload: Mapping[str, Any], record: Record) -> None:
    name = label(payload.get("compaction_response_id"))
    if name is not None:
        session.compactions.add(name)


def _compactions(session: _Session) -> list[Call]:
    return [call for name, call in session.records.items() if name in session.compactions]


def _communication(session: _Session, payload: Mapping[str, Any], record: Record) -> None:
    if payload.get("trigger_turn") is True and session.own_from is None:
        session.own_from = session.task_at


def _own(session: _Session) -> list[Call]:
    """The calls this session made itself: a sub-agent or a fork begins with a copy of its parent's history."""
    if session.own_from is not None:
        return [call for position, call in session.calls if position >= session.own_from]
    calls = [call for _, call in session.calls]
    if not session.forked:
        return calls
    opened = session.opened_us or 0
    calls = [call for call in calls if call.started_at_us is None or call.started_at_us >= opened]
    if not calls:
        return calls
    times = [call.started_at_us for call in calls]
    burst = _at_once(session.opened_us, times[0]) or (len(times) > 1 and _at_once(times[0], times[1]))
    if not burst:
        return calls
    position = 1
    while position < len(times) and _at_once(times[position - 1], times[position]):
        position += 1
    return calls[position:]


def _at_once(first: int | None, second: int | None) -> bool:
    return first is not None and second is not None and 0 <= second - first <= _BURST_US


def _thread_started(session: _Session, payload: Mapping[str, Any], record: Record) -> None:
    session.name = label(record.get("thread_id")) or session.name


def _item_completed(session: _Session, payload: Mapping[str, Any], record: Record) -> None:
    item = record.get("item")
    if isinstance(item, Mapping) and item.get("type") in ("agent_message", "assistant_message"):
        session.output.append({"type": "message", "role": "assistant", "content": item.get("text")})


def _turn_completed(session: _Session, payload: Mapping[str, Any], record: Record) -> None:
    counts = _counts(record.get("usage"))
    if counts is None:
        return
    session.totals = {name: (session.totals or {}).get(name, 0) + counts[name] for name in _COUNTS}
    call = _call(session, counts, session.totals, label(record.get("model")))
    if session.name is not None:
        call.native_id = f"{session.name}:{len(session.calls)}"
    # one line for all calls of a turn: tokens are right, the number of calls is not known
    call.flags.append("turn_total")
    session.calls.append((session.position, call))


def _turn_failed(session: _Session, payload: Mapping[str, Any], record: Record) -> None:
    call = Call(system="codex", provider_name="openai", status="failed", error_type="turn_failed")
    call.conversation_id = session.name
    if session.name is not None:
        call.native_id = f"{session.name}:{len(session.calls)}"
    session.calls.append((session.position, call))


_HANDLERS = {
    "session_meta": _session_meta,
    "turn_context": _turn_context,
    "response_item": _response_item,
    "event_msg": _event,
    "token_usage_record": _usage_record,
    "compacted": _compacted,
    "inter_agent_communication": _communication,
    "inter_agent_communication_metadata": _communication,
    "thread.started": _thread_started,
    "item.completed": _item_completed,
    "turn.completed": _turn_completed,
    "turn.failed": _turn_failed,
}

READER = Reader(
    name="codex",
    title="Codex CLI sessions (rollout files, exec --json)",
    signatures=(
        frozenset({"timestamp", "type", "payload"}),
        frozenset({"type", "thread_id"}),
        frozenset({"type", "item"}),
        frozenset({"type", "usage"}),
        frozenset({"type"}),
    ),
    detect=_detect,
    read=_read,
    read_group=_read_group,
    unlock={
        "text": "session files hold only part of the prompt: send Codex through a logging gateway (openai_base_url)",
        "user": "[otel] in ~/.codex/config.toml sends events with a user and an environment",
    },
    whole_file=True,
)
