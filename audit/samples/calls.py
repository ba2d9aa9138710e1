"""One model call of the sample company before it is written in a log's own shape."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Shape = Literal["chat", "responses", "messages", "litellm"]


@dataclass(slots=True)
class Failure:
    """An error a provider answered with before anything was generated."""

    status: int
    code: str
    message: str


@dataclass(slots=True)
class Call:
    """One call: what was sent, what came back, and what it is there to show.

    `prompt` holds the texts of tools, system and messages in provider order; `cacheable` is how many of them stand
    before an Anthropic breakpoint (0: none set). Times are UTC epoch milliseconds, token counts as billed.
    """

    workflow: str
    source: str
    shape: Shape
    started_ms: int
    model: str
    request: dict[str, Any]
    prompt: list[str]
    answer: str | list[dict[str, Any]]
    team: str
    environment: str = "production"
    feature: str | None = None
    user: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    finish: str = "stop"
    reasoning_tokens: int = 0
    output_tokens: int = 0
    cacheable: int = 0
    failure: Failure | None = None
    gateway_hit: bool = False
    latency_ms: int = 0
    first_token_ms: int | None = None
    plants: dict[str, str] = field(default_factory=dict)
    request_id: str = ""
    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0

    @property
    def billable(self) -> bool:
        """Whether the provider generated an answer and charged for it."""
        return self.failure is None and not self.gateway_hit


RATE_LIMIT = Failure(429, "rate_limit_exceeded", "Rate limit reached, please try again later")
SERVER_ERROR = Failure(500, "server_error", "The server had an error while processing your request")
OVERLOADED = Failure(529, "overloaded_error", "Overloaded")
