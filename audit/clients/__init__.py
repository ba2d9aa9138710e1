"""API flavours: one module per flavour, each declaring one `CLIENT`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from audit.config import EndpointConfig
from audit.wire.usage import Usage

FailureKind = Literal[
    "rate_limited",  # 429: wait and ask again
    "overloaded",  # 529, 503: the whole endpoint should slow down
    "server_error",  # 5xx
    "connection",  # refused, reset, cut
    "timeout",  # no full answer within the time given
    "bad_answer",  # 200 with something that is no answer
    "unsupported",  # 400 naming a parameter this model does not take
    "too_long",  # 400: the prompt does not fit the context window
    "rejected",  # any other 4xx: this request will never work
    "unauthorised",  # 401, 403: no call of this endpoint will work
    "not_found",  # 404, 405, 501: no such model, or the server does not speak this API
    "quota",  # 429 or 402 for want of money: waiting does not help
]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call of a tool, with the id that ties its result to it; arguments are decoded JSON or the text as it came."""

    name: str
    arguments: Any
    call_id: str = ""


@dataclass(frozen=True, slots=True)
class Image:
    """A picture in a message, behind its first `place` texts: base64 `data` of a media type, or the address `url`.

    Both are empty where nothing but the digest of it is at hand, as in a plan. `detail` is how closely a model was
    asked to look at it (low, high, auto, original).
    """

    digest: str
    place: int = 0
    media_type: str = ""
    data: str = ""
    url: str = ""
    detail: str = ""

    @property
    def address(self) -> str:
        """Where it is: its address, or itself as a `data:` URL."""
        return self.url or f"data:{self.media_type};base64,{self.data}"


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation: its texts, the tools an assistant called, or the result of a tool (`call_id`).

    A user's turn may hold `images`.
    """

    role: Literal["user", "assistant", "tool"]
    texts: tuple[str, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    call_id: str = ""
    images: tuple[Image, ...] = ()

    def parts(self) -> Iterator[str | Image]:
        """Texts and images in the order the model saw them."""
        waiting = list(self.images)
        for place, text in enumerate(self.texts):
            while waiting and waiting[0].place <= place:
                yield waiting.pop(0)
            yield text
        yield from waiting


@dataclass(frozen=True, slots=True)
class Tool:
    """A function the model may call; `schema` is the JSON schema of its arguments."""

    name: str
    description: str = ""
    schema: Mapping[str, Any] = field(default_factory=dict)
    strict: bool | None = None


@dataclass(frozen=True, slots=True)
class Prompt:
    """A request in no API's words: what was asked, and the settings that can change the answer.

    `tool_choice` is auto, none, required or the name of a tool behind `tool:`. `json_schema` is the schema the answer
    must satisfy, `json_object` asks for any JSON object. `max_output_tokens` is the caller's own limit, None when the
    log names none. `lossy` lists what was lost between the log and here.
    """

    messages: tuple[Message, ...]
    system: tuple[str, ...] = ()
    tools: tuple[Tool, ...] = ()
    tool_choice: str | None = None
    parallel_tool_calls: bool | None = None
    json_schema: Mapping[str, Any] | None = None
    json_schema_name: str = "answer"
    json_schema_strict: bool | None = None
    json_object: bool = False
    stop: tuple[str, ...] = ()
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    max_output_tokens: int | None = None
    reasoning_effort: str | None = None
    thinking: Mapping[str, Any] | None = None
    verbosity: str | None = None
    lossy: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """What one call may cost in tokens: `max_output_tokens` is sent with the request and bounds what is billed."""

    max_output_tokens: int
    timeout: float = 120.0
    idempotency_key: str = ""


@dataclass(frozen=True, slots=True)
class Translation:
    """A prompt in the words of one API: the JSON body, and what could not be carried over faithfully."""

    body: dict[str, Any]
    lossy: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model answered; durations are seconds, `headers` holds the rate-limit headers in lower case.

    `usage` is inclusive (see `audit.wire.usage`); None when the endpoint reported none. `finish_reason` is in
    OpenAI's words: stop, length, tool_calls, content_filter, refusal. `duration` is None where it could not be
    measured. `time_to_first_chunk` is the time until the first piece of text, thinking, a refusal or a call had come;
    None when the answer was no stream, or said nothing.
    """

    text: str
    tool_calls: tuple[ToolCall, ...]
    finish_reason: str | None
    usage: Usage | None
    response_model: str | None
    response_id: str | None
    duration: float | None
    time_to_first_chunk: float | None = None
    lossy: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


class CallError(Exception):
    """One attempt that gave no answer.

    `retry` says whether the same request may work later, `retry_after` how many seconds the endpoint asked to wait,
    `maybe_billed` whether the endpoint may have worked for it all the same, `parameter` which setting it refused, and
    `lasting` whether it will refuse that to other requests of the model too.
    """

    def __init__(
        self,
        kind: FailureKind,
        message: str,
        *,
        retry: bool = False,
        retry_after: float | None = None,
        maybe_billed: bool = False,
        parameter: str | None = None,
        lasting: bool = True,
    ) -> None:
        super().__init__(message)
        self.kind: FailureKind = kind
        self.message = message
        self.retry = retry
        self.retry_after = retry_after
        self.maybe_billed = maybe_billed
        self.parameter = parameter
        self.lasting = lasting


class NotReplayableError(Exception):
    """A prompt this flavour or model can't be asked; `reason` is a short stable sentence to count by."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Session(Protocol):
    """An open endpoint."""

    async def send(self, body: Mapping[str, Any], limits: Limits) -> Answer:
        """Make one attempt with a translated body; raise CallError when no answer came of it."""
        ...

    async def close(self) -> None:
        """Free connections and memory; safe to call twice."""
        ...


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """One request of a batch: a translated body under an id of our own."""

    custom_id: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BatchState:
    """Where a batch stands: whether it ended, requests done, and the provider's word for it."""

    ended: bool
    done: int
    status: str


class Batches(Protocol):
    """An open Batch API: requests handed over together, answered within a day at a lower price.

    Every method raises CallError. `tag` names a batch before it is submitted; `find` looks for one whose submission
    was cut off, so that nothing is submitted twice. `results` holds what came of each request by its custom id,
    `forget` deletes a collected batch at the provider.
    """

    most_requests: int
    most_bytes: int

    async def submit(self, tag: str, requests: Sequence[BatchRequest]) -> str:
        """Start a batch; its id at the provider."""
        ...

    async def find(self, tag: str, since_us: int, requests: int, known: Collection[str]) -> str | None:
        """The id of a batch that may have been started under a name."""
        ...

    async def state(self, batch_id: str) -> BatchState:
        """Where a batch stands."""
        ...

    async def results(self, batch_id: str) -> dict[str, Answer | CallError]:
        """What came of the requests of a batch that ended."""
        ...

    async def why_failed(self, batch_id: str) -> str:
        """What the provider says of a batch without results."""
        ...

    async def forget(self, batch_id: str) -> None:
        """Delete a batch at the provider."""
        ...

    async def close(self) -> None:
        """Free connections; safe to call twice."""
        ...


@dataclass(frozen=True, slots=True)
class Client:
    """How one API flavour is spoken.

    `translate` puts a prompt into the flavour's words without a network, given the model's name and the limits, and
    raises NotReplayableError; `adapt` changes a body the model refused and says what was lost, or returns None when
    nothing can be done. `thinks` says whether a model spends output tokens on reasoning unasked, so that its limit must
    be lifted. `locate` names the base URL content would go to (empty when it stays in this process); `ready` raises
    ReplayError where an endpoint can't be used (a key or package is missing), and so does `open`, which connects.
    `in_process` endpoints compute on this machine and send nothing anywhere; `workers` bounds their requests in flight.
    `batches` opens the flavour's Batch API where it has one. `seller` is the price table's name of the cloud that sells
    models through this flavour; empty where the endpoint's own name says who does. `recorded` answers were given
    earlier: they cost nothing now, and are priced as their model is. `streaming` is what a body says besides to be
    answered as a stream; empty where answers come only as a whole.
    """

    name: str
    title: str
    translate: Callable[[Prompt, str, Limits], Translation]
    adapt: Callable[[dict[str, Any], CallError], str | None]
    thinks: Callable[[str], bool]
    locate: Callable[[EndpointConfig], str]
    ready: Callable[[EndpointConfig], None]
    open: Callable[[EndpointConfig], Session]
    in_process: bool = False
    workers: int = 0
    batches: Callable[[EndpointConfig], Batches] | None = None
    seller: str = ""
    recorded: bool = False
    streaming: Mapping[str, Any] = field(default_factory=dict)

    @property
    def computes(self) -> bool:
        """Whether answers are computed on this machine, so that it can't be asked just anything."""
        return self.in_process and not self.recorded
