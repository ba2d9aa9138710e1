"""Claude Code session files: one API answer stands in several lines, and sessions copy each other's lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from audit.call import Call, Outcome, Skip
from audit.readers import Reader, Record
from audit.wire.messages import transcript
from audit.wire.tags import tag
from audit.wire.text import label
from audit.wire.times import number, to_us
from audit.wire.usage import from_anthropic

_LINE_TYPES = frozenset(
    {"user", "assistant", "system", "summary", "file-history-snapshot", "queue-operation", "progress", "attachment"}
)
_MARKS = ("sessionId", "session_id", "leafUuid", "snapshot", "parentUuid")
_SYNTHETIC = "<synthetic>"


def _detect(record: Record) -> int:
    kind = str(record.get("type"))
    if kind in ("user", "assistant") and isinstance(record.get("message"), Mapping):
        return 30 if any(key in record for key in (*_MARKS, "requestId", "isSidechain")) else 0
    if kind == "result" and "total_cost_usd" in record:
        return 30
    if kind == "system" and "subtype" in record:
        return 30
    return 30 if kind in _LINE_TYPES and any(key in record for key in _MARKS) else 0


def _answer(record: Record) -> tuple[Record, Mapping[str, Any]] | None:
    """The line and the API message of an assistant line, also where a progress line wraps one of a sub-agent."""
    if record.get("type") == "progress":
        inner = record.get("data")
        nested = inner.get("message") if isinstance(inner, Mapping) else None
        if not isinstance(nested, Mapping) or nested.get("type") != "assistant":
            return None
        record = {**record, **nested, "isSidechain": True}
    message = record.get("message")
    if record.get("type") != "assistant" or not isinstance(message, Mapping) or "usage" not in message:
        return None
    return record, message


def _group(record: Record) -> str | None:
    answer = _answer(record)
    return None if answer is None or _is_error(*answer) else _identity(*answer)


def _identity(line: Record, message: Mapping[str, Any]) -> str | None:
    """The message id; the ids of other gateways may come again in another session, so the session joins them."""
    found = label(message.get("id"))
    if found is None or found.startswith("msg_") or line.get("requestId"):
        return found
    return f"{found}:{line.get('sessionId', line.get('session_id'))}"


def _is_error(record: Record, message: Mapping[str, Any]) -> bool:
    return record.get("isApiErrorMessage") is True or message.get("model") == _SYNTHETIC


def _read(record: Record) -> Iterable[Outcome]:
    answer = _answer(record)
    if answer is None:
        return (Skip("not_an_llm_call"),) if record.get("type") != "result" else (Skip("aggregate_row"),)
    line, message = answer
    if _is_error(line, message):
        return (_error(line, message),)
    return _read_group([record])


def _error(line: Record, message: Mapping[str, Any]) -> Call:
    text = _first_text(message)
    failed = line.get("isApiErrorMessage") is True or text.startswith("API Error")
    call = _describe(Call(system="claude_code", native_id=label(line.get("uuid"))), line)
    call.status = "failed" if failed else "not_billable"
    call.error_type = label(line.get("error")) or (text[:40] or "error") if failed else None
    call.request_model = label(message.get("model"))
    return call


def _first_text(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, list) and content and isinstance(content[0], Mapping):
        content = content[0].get("text")
    return content if isinstance(content, str) else ""


def _describe(call: Call, line: Record) -> Call:
    call.started_at_us = to_us(line.get("timestamp"))
    call.provider_name = "anthropic"
    call.conversation_id = label(line.get("sessionId", line.get("session_id")))
    call.parent_id = label(line.get("parentUuid"))
    tag(call, {key: line[key] for key in ("cwd", "gitBranch", "version", "userType", "agentId") if line.get(key)})
    if line.get("isSidechain") is True:
        call.tags["sidechain"] = True
    return call


def _read_group(records: list[Record]) -> Iterator[Outcome]:
    """Lines of one message id: one call per request, sidechain replays of a parent's answer dropped."""
    answers = [answer for record in records if (answer := _answer(record)) is not None]
    parents = [answer for answer in answers if answer[0].get("isSidechain") is not True]
    kept = parents or answers
    requests: dict[str | None, list[tuple[Record, Mapping[str, Any]]]] = {}
    for line, message in kept:
        requests.setdefault(label(line.get("requestId")), []).append((line, message))
    unnamed = requests.pop(None, None) if len(requests) > 1 else None
    for position, lines in enumerate(requests.values()):
        call = _call(lines if position else [*lines, *(unnamed or ())])
        if position:
            call.native_id = f"{call.native_id}:{label(lines[0][0].get('requestId'))}"
        yield call
    for _ in range(len(records) - len(requests)):
        yield Skip("same_message")


def _total(message: Mapping[str, Any]) -> int:
    usage = message.get("usage")
    if not isinstance(usage, Mapping):
        return 0
    names = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")
    return sum(int(number(usage.get(name)) or 0) for name in names)


def _call(lines: list[tuple[Record, Mapping[str, Any]]]) -> Call:
    # early lines of a stream count one output token; the last complete one counts them all
    line, message = max(lines, key=lambda answer: _total(answer[1]))
    call = _describe(Call(system="claude_code", native_id=_identity(line, message) or label(line.get("uuid"))), line)
    times = [found for part, _ in lines if (found := to_us(part.get("timestamp"))) is not None]
    call.started_at_us = min(times, default=None)
    call.response_id = label(message.get("id"))
    call.request_model = call.response_model = label(message.get("model"))
    usage = message.get("usage")
    call.usage = from_anthropic(usage) if isinstance(usage, Mapping) and usage else None
    call.service_tier = call.usage.service_tier if call.usage else None
    call.finish_reason = label(message.get("stop_reason"))
    call.logged_cost_usd = number(line.get("costUSD"))
    text = transcript(None, {"role": "assistant", "content": _content(lines)})
    # the system prompt, the tools and the context are not in the session file
    text.partial = True
    text.apply(call)
    call.rank = 2 * _total(message) + (line.get("isSidechain") is not True)
    return call


def _content(lines: list[tuple[Record, Mapping[str, Any]]]) -> list[Any]:
    """The content blocks of an answer, each once: every line holds one of them, copies of a session hold them again."""
    blocks: list[Any] = []
    for _, message in lines:
        content = message.get("content")
        for block in content if isinstance(content, list) else [content]:
            if block is not None and block not in blocks:
                blocks.append(block)
    return blocks


READER = Reader(
    name="claude_code",
    title="Claude Code session files",
    signatures=tuple(
        frozenset(keys)
        for keys in (
            ("type", "message", "sessionId"),
            ("type", "message", "uuid"),
            ("type", "message", "session_id"),
            ("type", "message", "requestId"),
            ("type", "sessionId"),
            ("type", "summary", "leafUuid"),
            ("type", "messageId", "snapshot"),
            ("type", "total_cost_usd", "session_id"),
            ("type", "subtype", "session_id"),
        )
    ),
    detect=_detect,
    read=_read,
    group=_group,
    read_group=_read_group,
    unlock={
        "text": "session files hold no system prompt and no tools: send Claude Code through a logging gateway "
        "(ANTHROPIC_BASE_URL)",
        "user": "OTEL_RESOURCE_ATTRIBUTES=user=…,team=… with CLAUDE_CODE_ENABLE_TELEMETRY=1",
    },
)
