"""One model call as every reader hands it over, in OpenTelemetry `gen_ai` words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from audit.wire.usage import Usage

Status = Literal["ok", "failed", "cache_hit", "not_billable"]
TextStatus = Literal["full", "truncated", "redacted", "hashed", "absent"]
"""`hashed`: the log names the pieces of a prompt, so that what prompts share is known, but not what they say."""
Direction = Literal["input", "output"]


@dataclass(slots=True)
class Segment:
    """One piece of a prompt or an answer, in the order the model sees it (tools, system, messages).

    `kind` is one of system, tools, user, history, tool_result, media, answer, tool_call, reasoning.
    `text` is what is hashed and tokenised; media are replaced by `<media TYPE SHA>` and never kept. `tokens` are given
    where `text` only names the piece and the log says how long it is.
    """

    role: str
    kind: str
    text: str
    direction: Direction = "input"
    cache_breakpoint: bool = False
    cache_ttl: str | None = None
    tokens: int | None = None


@dataclass(slots=True)
class Call:
    """One model call of a log.

    Identity is (`system`, `native_id`): the emitting system and its own id of the call; without an id the ingest
    hashes the whole record. `row_id` is what a log calls the call where that is no identity beyond it (a row number,
    `q17`): people find the call by it. `response_id` is the provider's id of the answer (`chatcmpl-…`, `msg_…`) and
    finds the same call seen by two systems. Times are UTC epoch microseconds, durations seconds. `rank` decides between
    two records of one identity: the larger wins, then the later one. `logged_cost_billed` is true only where the
    emitter itself sends the bill (OpenRouter); any other logged cost is a tool's own estimate and is kept for
    comparison.
    `parameters` holds everything of the request body that can change the answer and is not a message or a tool
    (temperature, top_p, max tokens, stop, seed, n, response_format, tool_choice, reasoning effort, …); never user,
    metadata, stream or cache settings. `identifiers` are ids inside the messages (tool call ids) that belong to the
    exact request body but not to its text.
    """

    system: str
    native_id: str | None = None
    row_id: str | None = None
    response_id: str | None = None
    rank: int = 0
    status: Status = "ok"
    error_type: str | None = None
    operation_name: str = "chat"
    provider_name: str | None = None
    request_model: str | None = None
    response_model: str | None = None
    started_at_us: int | None = None
    duration: float | None = None
    time_to_first_chunk: float | None = None
    usage: Usage | None = None
    service_tier: str | None = None
    logged_cost_usd: float | None = None
    logged_cost_billed: bool = False
    finish_reason: str | None = None
    segments: list[Segment] = field(default_factory=list)
    text_status: TextStatus = "absent"
    parameters: dict[str, Any] = field(default_factory=dict)
    request_stream: bool | None = None
    identifiers: list[str] = field(default_factory=list)
    conversation_id: str | None = None
    trace_id: str | None = None
    parent_id: str | None = None
    organization: str | None = None
    api_key_hash: str | None = None
    user: str | None = None
    team: str | None = None
    feature: str | None = None
    environment: str | None = None
    prompt_template: str | None = None
    outcome: str | None = None
    tags: dict[str, Any] = field(default_factory=dict)
    sample_rate: float | None = None
    flags: list[str] = field(default_factory=list)


@dataclass(slots=True, frozen=True)
class Skip:
    """A record that is understood and rightly not a call (a parent span, an aggregate, a tool run)."""

    reason: str


@dataclass(slots=True, frozen=True)
class Reject:
    """A record, or a part of one, that could not be used, with the reason as a short stable code and a detail."""

    reason: str
    detail: str = ""


Outcome = Call | Skip | Reject
