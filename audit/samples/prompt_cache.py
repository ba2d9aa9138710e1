"""What the providers' own prompt caches would have served: fills the cached tokens of calls in time order.

OpenAI, models up to gpt-5.5: the longest stored prefix, from 1,024 tokens on in steps of 128, without a write price.
Anthropic: the prefix up to a marked breakpoint, kept for five minutes from its last use, written at 1.25 times the
input price. An entry can be read once the call that wrote it has answered.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from random import Random

from audit.samples.calls import Call
from audit.samples.counting import MESSAGE_OVERHEAD, prompt_tokens, token_ids

OPENAI_MINIMUM = 1024
OPENAI_STEP = 128
OPENAI_LIFE_MS = {"gpt-5.5": 24 * 3_600_000}
OPENAI_SHORT_LIFE_MS = 10 * 60_000
OPENAI_MISS_SHARE = 0.05
"""Share of calls that a busy provider routes to a machine without the entry."""
ANTHROPIC_LIFE_MS = 5 * 60_000
ANTHROPIC_MINIMUM = {"claude-opus-4-8": 1024, "claude-sonnet-4-5": 1024, "claude-haiku-4-5": 4096}


class PromptCache:
    """Both providers' caches; feed it calls in the order of their start."""

    def __init__(self, seed: int) -> None:
        self._rng = Random(f"{seed}/prompt-cache")
        self._entries: dict[tuple[str, bytes], tuple[int, int]] = {}

    def fill(self, call: Call) -> None:
        """Set the input, cache read and cache write tokens of one call."""
        if call.failure is not None:
            return
        call.input_tokens = prompt_tokens(call.prompt)
        if call.shape == "messages":
            self._anthropic(call)
        elif call.shape in ("chat", "responses"):
            self._openai(call)

    def _touch(self, key: tuple[str, bytes], call: Call, life_ms: int) -> bool:
        """Use an entry, or begin one where none is alive; return whether it could be read."""
        ready, used = self._entries.get(key, (0, -life_ms))
        alive = call.started_ms <= used + life_ms
        self._entries[key] = (ready if alive else call.started_ms + call.latency_ms, call.started_ms)
        return alive and ready <= call.started_ms

    def _openai(self, call: Call) -> None:
        if call.input_tokens < OPENAI_MINIMUM:
            return
        life = OPENAI_LIFE_MS.get(call.model, OPENAI_SHORT_LIFE_MS)
        missed = self._rng.random() < OPENAI_MISS_SHARE
        for tokens, digest in prefixes(call.prompt):
            # the last token is always computed, so a prompt is never served whole
            if OPENAI_MINIMUM <= tokens < call.input_tokens:
                readable = self._touch((call.model, digest), call, life)
                call.cache_read_tokens = tokens if readable and not missed else call.cache_read_tokens

    def _anthropic(self, call: Call) -> None:
        marked = cacheable_tokens(call)
        if not marked or marked < ANTHROPIC_MINIMUM[call.model]:
            return
        prefix = "\0".join(call.prompt[: call.cacheable]).encode()
        key = (call.model, blake2b(prefix, digest_size=12).digest())
        if self._touch(key, call, ANTHROPIC_LIFE_MS):
            call.cache_read_tokens = marked
        else:
            call.cache_write_tokens = marked


def cacheable_tokens(call: Call) -> int:
    """Return how many tokens stand before the call's breakpoint, 0 without one."""
    return sum(len(token_ids(part)) + MESSAGE_OVERHEAD for part in call.prompt[: call.cacheable])


def prefixes(prompt: list[str]) -> Iterable[tuple[int, bytes]]:
    """Yield each 128-token prefix of a prompt as (tokens, chained digest); four tokens of framing close each part."""
    digest, pending, seen = b"", [], 0
    for part in prompt:
        pending.extend([*token_ids(part), -1, -1, -1, -1])
        while len(pending) >= OPENAI_STEP:
            block, pending = pending[:OPENAI_STEP], pending[OPENAI_STEP:]
            digest = blake2b(digest + repr(block).encode(), digest_size=12).digest()
            seen += OPENAI_STEP
            yield seen, digest
