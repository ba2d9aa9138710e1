"""One call made ready: the flavour it is spoken in, its limits, its body, and the most tokens it can be billed for."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from audit.clients import Client, Limits, NotReplayableError, Translation
from audit.replay.prompts import Logged
from audit.replay.redaction import Redacted, Redactor
from audit.replay.routes import Route

SMALLEST_OWN_LIMIT = 256
LARGEST_OWN_LIMIT = 32_000
THINKING_ROOM = {"none": 1024, "minimal": 4096, "low": 8192, "medium": 16_384, "high": 32_768}
USUAL_THINKING_ROOM = 16_384
SLOWEST_TOKENS_PER_SECOND = 40
SMALLEST_LOCAL_LIMIT = 96
LOCAL_ROOM = 4
LOCAL_SECONDS = 600.0
FRAMING_TOKENS = 64
TOOL_FRAMING_TOKENS = 1024
TOKENS_PER_PART = 16
IMAGE_PARTS = ("image_url", "input_image", "image")
IMAGE_TOKENS = 25_000
"""More than any model is billed for one picture: 10,000 patches at the largest factor (2.46)."""
COARSE_IMAGE_TOKENS = 50_000
"""The same for gpt-4o-mini, whose eight tiles count 48,169."""


@dataclass(frozen=True, slots=True)
class Call:
    """What `Lane.send` needs; `translation.lossy` names every loss between the log and the wire.

    `originals` are to be put back in place of their placeholders, `redacted` counts them by kind.
    """

    client: Client
    translation: Translation
    limits: Limits
    originals: Mapping[str, str] = field(default_factory=dict)
    redacted: Counter[str] = field(default_factory=Counter)


NO_RESPONSES = "asked through chat completions, since the server has no Responses API"


def prepare(
    logged: Logged,
    route: Route,
    idempotency_key: str = "",
    *,
    redactor: Redactor | None = None,
    chat: bool = False,
    whole: bool = False,
) -> Call:
    """Make a logged request ready for a route; raises NotReplayableError.

    `redactor` replaces personal data, except where content stays in this process. `chat` says that the endpoint was
    found to have no Responses API. What was streamed is asked for as a stream, unless the answer is wanted `whole`.
    """
    if logged.prompt is None:
        raise NotReplayableError(logged.reason)
    prompt = route.variant.change(logged.prompt) if route.variant else logged.prompt
    if prompt is None:
        raise NotReplayableError("the variant changes nothing of it")
    client = route.responses if route.responses is not None and logged.responses_api and not chat else route.client
    limits, lifted = _limits(logged, route, idempotency_key)
    hide = redactor is not None and not client.in_process
    safe = redactor.redact(prompt) if redactor and hide else Redacted(prompt, {}, Counter())
    made = client.translate(safe.prompt, route.sends, limits)
    instead = (NO_RESPONSES,) if chat and logged.responses_api else ()
    lossy = (*instead, *safe.prompt.lossy, *lifted, *made.lossy)
    body = {**made.body, **client.streaming} if logged.streamed and not whole else made.body
    return Call(client, Translation(body, lossy), limits, safe.originals, safe.counts)


def _limits(logged: Logged, route: Route, idempotency_key: str) -> tuple[Limits, tuple[str, ...]]:
    """Limits of one call, and what they change against the log.

    The caller's own limit is kept; without one the answer may be four times as long as the logged one. A model that
    thinks unasked gets room for that on top, since thinking counts against the limit. In this process the
    same room bounds every answer.
    """
    prompt = logged.prompt
    asked = prompt.max_output_tokens if prompt else None
    said = max(0, logged.output_tokens - logged.reasoning_tokens)
    most = asked or min(LARGEST_OWN_LIMIT, max(SMALLEST_OWN_LIMIT, 4 * said))
    lossy: tuple[str, ...] = ()
    if route.client.computes:
        # a small model that rambles far beyond the logged answer has failed already
        most = min(most, max(SMALLEST_LOCAL_LIMIT, LOCAL_ROOM * said))
        return Limits(most, LOCAL_SECONDS, idempotency_key), ()
    if route.client.thinks(route.sends) and not (route.same_model and asked):
        effort = (prompt.reasoning_effort if prompt else None) or ""
        lifted = most + THINKING_ROOM.get(effort, USUAL_THINKING_ROOM)
        if asked:
            lossy = (f"output limit lifted from {asked} to {lifted} tokens, to leave room for thinking",)
        most = lifted
    return Limits(most, min(600.0, 30 + most / SLOWEST_TOKENS_PER_SECOND), idempotency_key), lossy


def most_input_tokens(body: Mapping[str, Any]) -> int:
    """A bound on billed input tokens that holds for every byte-level tokenizer: no token is shorter than a byte."""
    plain, images = _without_images(body)
    text = json.dumps(plain, ensure_ascii=False)
    parts = len(body.get("messages") or body.get("input") or ()) + len(body.get("tools") or ())
    # what providers put around tools and schemas is billed as well
    guided = any(key in body for key in ("tools", "response_format", "text", "output_config"))
    framing = TOOL_FRAMING_TOKENS if guided else FRAMING_TOKENS
    seen = images * (COARSE_IMAGE_TOKENS if "4o-mini" in str(body.get("model")) else IMAGE_TOKENS)
    return len(text.encode("utf-8", "surrogatepass")) + framing + TOKENS_PER_PART * parts + seen


def _without_images(value: Any) -> tuple[Any, int]:
    """A body without its pictures, and how many there are: they are billed by their size in pixels."""
    if isinstance(value, Mapping):
        if value.get("type") in IMAGE_PARTS and any(key in value for key in ("image_url", "source")):
            return None, 1
        made = {key: _without_images(item) for key, item in value.items()}
        return {key: item for key, (item, _) in made.items()}, sum(count for _, count in made.values())
    if isinstance(value, list):
        items = [_without_images(item) for item in value]
        return [item for item, _ in items], sum(count for _, count in items)
    return value, 0
