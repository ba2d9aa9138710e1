"""Planted conversations and block traces with the cached tokens a provider would bill, told by its own documentation.

The simulators here share nothing with the product: they compare tokens (or marked blocks) one by one, request by request.
Records go through the readers with their text, so tokenizing, framing and the rules of each model are tested together.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from audit.promptcache.calibration import models_of
from audit.tokens import reference
from benchmarks.detecting.ingested import ingested
from benchmarks.detecting.prose import Prose

_START = datetime(2026, 10, 5, 8, tzinfo=UTC)
_STEP, _FRAME, _REPLY = 128, 4, 3
_ANSWER_S = 2.0
_BLOCK = 512
Message = tuple[str, str]


@dataclass
class Automatic:
    """A provider that caches by itself: the longest prefix of whole steps used within its life, from a minimum on."""

    minimum: int
    life_s: float
    step: int = _STEP
    entries: dict[tuple[int, int], tuple[float, float]] = field(default_factory=dict)

    def send(self, at: float, tokens: list[int]) -> int:
        """Cached tokens of one request at `at` seconds; its own prefixes can be read once it answers."""
        read, key = 0, 0
        steps = []
        for upto in range(self.step, len(tokens) + 1, self.step):
            key = hash((key, *tokens[upto - self.step : upto]))
            steps.append((upto, key))
        for upto, key in steps:
            used, ready = self.entries.get((upto, key), (-1e18, 1e18))
            alive = at - used <= self.life_s
            if alive and ready <= at and upto < len(tokens):
                read = upto
            self.entries[upto, key] = (at, min(ready, at + _ANSWER_S) if alive else at + _ANSWER_S)
        return read if read >= self.minimum else 0


@dataclass
class Marked:
    """A provider that caches at marks: looks back twenty blocks from each for an entry, and a read begins its life anew."""

    minimum: int
    entries: dict[int, tuple[float, float, float]] = field(default_factory=dict)

    def send(self, at: float, blocks: list[tuple[str, int, float]]) -> tuple[int, int, int]:
        """(read, written for 5 minutes, written for an hour) of one request; blocks are (text, tokens, life of the mark)."""
        upto, key, prefixes = 0, 0, []
        for text, tokens, life in blocks:
            upto, key = upto + tokens, hash((key, text))
            prefixes.append((upto, key, life))
        marks = [place for place, (_, _, life) in enumerate(prefixes) if life]
        read, hit = 0, []
        for place, (upto, key, _) in enumerate(prefixes):
            if upto < self.minimum or not any(0 <= mark - place < 20 for mark in marks):
                continue
            used, ready, life = self.entries.get(key, (-1e18, 1e18, 0.0))
            if at - used <= life and ready <= at:
                read = upto
                hit.append(key)
        for key in hit:
            used, ready, life = self.entries[key]
            self.entries[key] = (at, ready, life)
        written = {300.0: 0, 3600.0: 0}
        before = read
        for place in marks:
            upto, key, life = prefixes[place]
            if upto < self.minimum:
                continue
            used, ready, known = self.entries.get(key, (-1e18, 1e18, 0.0))
            if not (at - used <= known):
                self.entries[key] = (at, at + _ANSWER_S, life)
            if upto > before:
                written[life] += upto - before
                before = upto
        return read, written[300.0], written[3600.0]


@dataclass
class AtMessages:
    """A provider that caches up to the latest message and finds an entry only where an earlier prompt ended."""

    minimum: int = 1024
    life_s: float = 1_800
    entries: dict[int, tuple[float, float]] = field(default_factory=dict)

    def send(self, at: float, messages: list[tuple[str, int]]) -> tuple[int, int]:
        """(read, written); an entry lives half an hour from its write, a message is (text, tokens)."""
        upto, key, read = 0, 0, 0
        for text, tokens in messages:
            upto, key = upto + tokens, hash((key, text))
            written, ready = self.entries.get(key, (-1e18, 1e18))
            if at - written <= self.life_s and ready <= at and upto >= self.minimum:
                read = upto
        if upto < self.minimum:
            return 0, 0
        if not (at - self.entries.get(key, (-1e18, 0.0))[0] <= self.life_s):
            self.entries[key] = (at, at + _ANSWER_S)
        return read, upto - read


def conversations(seed: int, model: str = "gpt-4o-2024-08-06", minimum: int = 1024, life_s: float = 300) -> float:
    """Predicted over billed cached tokens of agents' conversations with a model that caches by itself."""
    cache, encoding = Automatic(minimum, life_s), reference("o200k_base")

    def records() -> Iterator[dict[str, Any]]:
        for number, (at, messages) in enumerate(_sessions(seed)):
            tokens = [-1] * 0
            for role, text in messages:
                tokens += [
                    -1,
                    -2 if role == "system" else -3 if role == "user" else -4,
                    -5,
                    *encoding.encode_ordinary(text),
                    -6,
                ]
            cached = cache.send(at, [*tokens, -7, -4, -8])
            yield openai_record(number, at, model, messages, len(tokens) + _REPLY, cached)

    return _ratio(records())


def breakpoints(seed: int, model: str = "gpt-5.6") -> float:
    """The same with a model that writes at the latest message and reads only where an earlier prompt ended."""
    cache, encoding = AtMessages(), reference("o200k_base")

    def records() -> Iterator[dict[str, Any]]:
        for number, (at, messages) in enumerate(_sessions(seed)):
            sized = [(f"{role} {text}", len(encoding.encode_ordinary(text)) + _FRAME) for role, text in messages]
            read, written = cache.send(at, sized)
            whole = sum(tokens for _, tokens in sized) + _REPLY
            yield openai_record(number, at, model, messages, whole, read, written)

    return _ratio(records())


def gemini(seed: int, model: str = "gemini-2.5-flash", minimum: int = 2048) -> float:
    """The same with implicit caching that compares token by token, at its best: every prefix used lately hits."""
    cache, encoding = Automatic(minimum, 300, step=1), reference("o200k_base")

    def records() -> Iterator[dict[str, Any]]:
        for number, (at, messages) in enumerate(_sessions(seed)):
            tokens = [token for role, text in messages for token in (-len(role), *encoding.encode_ordinary(text))]
            yield gemini_record(number, at, model, messages, len(tokens), cache.send(at, tokens))

    return _ratio(records())


def blocks(seed: int, model: str = "gpt-4o-2024-08-06") -> float:
    """The same of a trace of 512-token blocks by their ids, as serving clusters publish them, each prompt one text."""
    dice, encoding = random.Random(f"blocks {seed}"), reference("o200k_base")
    cache, words = Automatic(1024, 300), _words(encoding)
    known: dict[int, str] = {}

    def text_of(block: int) -> str:
        if block not in known:
            known[block] = "".join(random.Random(f"{seed} {block}").choices(words, k=_BLOCK))
        return known[block]

    def records() -> Iterator[dict[str, Any]]:
        at, fresh, sessions = 0.0, 1_000, [[place] for place in range(4)]
        for number in range(250):
            at += dice.expovariate(1 / 8)
            trail = dice.choice(sessions)
            if dice.random() < 0.2 or len(trail) > 14:
                trail = sessions[dice.randrange(len(sessions))] = list(trail[: dice.randint(1, 3)])
            fresh += 10
            trail += range(fresh, fresh + dice.randint(1, 3))
            text = "".join(map(text_of, trail))
            tokens = [-1, -3, -5, *encoding.encode_ordinary(text), -6, -7, -4, -8]
            yield openai_record(number, at, model, [("user", text)], len(tokens), cache.send(at, tokens))

    return _ratio(records())


def marked_conversations(seed: int, model: str = "claude-sonnet-4-5-20250929", minimum: int = 1024) -> float:
    """Predicted over billed cache reads of agents that mark tools, instructions and their last turn."""
    cache, dice = Marked(minimum), random.Random(f"marked {seed}")
    chosen = dice.choice((300.0, 3600.0))

    def records() -> Iterator[dict[str, Any]]:
        for number, (at, messages) in enumerate(_sessions(seed)):
            life = chosen
            blocks = [(f"{role} {text}", round(1.13 * len(reference("o200k_base").encode_ordinary(text))) + _FRAME,
                       life if place in (0, len(messages) - 1) else 0.0) for place, (role, text) in enumerate(messages)]  # fmt: skip
            read, short, long = cache.send(at, blocks)
            total = sum(tokens for _, tokens, _ in blocks) + _REPLY
            yield anthropic_record(number, at, model, messages, life, total, read, short, long)

    return _ratio(records())


def _ratio(records: Iterator[dict[str, Any]]) -> float:
    with ingested(records) as store:
        found = models_of(store)
    billed, predicted = sum(each.billed or 0 for each in found), sum(each.predicted for each in found)
    return predicted / billed if billed else 1.0 + predicted


def _sessions(seed: int) -> Iterator[tuple[float, list[Message]]]:
    """Agents with one of three long instructions, whose conversations grow turn by turn; (second, messages)."""
    prose = Prose(f"agents {seed}")
    dice = prose.dice
    instructions = [prose.paragraph(dice.randint(60, 240)) for _ in range(3)]
    events = []
    for _ in range(30):
        at, messages = dice.uniform(0, 8_000), [("system", instructions[dice.randrange(3)])]
        for turn in range(dice.randint(1, 8)):
            messages = [*messages, ("user", f"{prose.question()} {prose.paragraph(dice.randint(1, 25))}")]
            events.append((at, messages))
            messages = [*messages, ("assistant", f"{turn}. {prose.paragraph(dice.randint(1, 6))}")]
            at += _ANSWER_S + dice.choice((5, 30, 120, 400, 2_000)) * dice.uniform(0.5, 1.5)
    yield from sorted(events, key=lambda each: each[0])


def _words(encoding: Any) -> list[str]:
    """Words that are one token each, wherever they stand."""
    found = (encoding.decode([token]) for token in range(1_000, 60_000))
    words = [each for each in found if each[:1] == " " and each[1:].isascii() and each[1:].isalpha()]
    return [each for each in words if len(encoding.encode_ordinary(each * 2)) == 2][:4_000]


def _when(at: float) -> str:
    return (_START + timedelta(seconds=at)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def openai_record(
    number: int, at: float, model: str, messages: list[Message], tokens: int, cached: int, written: int = 0
) -> dict[str, Any]:
    """One chat completion with its billed cached tokens."""
    return {
        "timestamp": _when(at), "duration": _ANSWER_S,
        "request": {"model": model, "messages": [{"role": role, "content": text} for role, text in messages]},
        "response": {
            "id": f"chatcmpl-{number:08d}", "object": "chat.completion", "model": model,
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "ok"}}],
            "usage": {"prompt_tokens": tokens, "completion_tokens": 1, "total_tokens": tokens + 1,
                      "prompt_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written}},
        },
    }  # fmt: skip


def gemini_record(
    number: int, at: float, model: str, messages: list[Message], tokens: int, cached: int
) -> dict[str, Any]:
    """One generated content with its billed cached tokens."""
    (_, system), *turns = messages
    roles = {"user": "user", "assistant": "model"}
    return {
        "timestamp": _when(at), "duration": _ANSWER_S, "model": model,
        "request": {
            "systemInstruction": {"parts": [{"text": system}]},
            "contents": [{"role": roles[role], "parts": [{"text": text}]} for role, text in turns],
        },
        "response": {
            "candidates": [{"content": {"role": "model", "parts": [{"text": "ok"}]}, "finishReason": "STOP"}],
            "modelVersion": model, "responseId": f"gem-{number:08d}",
            "usageMetadata": {"promptTokenCount": tokens, "candidatesTokenCount": 1, "totalTokenCount": tokens + 1,
                              "cachedContentTokenCount": cached},
        },
    }  # fmt: skip


def anthropic_record(
    number: int, at: float, model: str, messages: list[Message], life: float, total: int, read: int, short: int, long: int
) -> dict[str, Any]:  # fmt: skip
    """One message with marks on its instructions and its last turn, and what was read and written."""
    mark = {"type": "ephemeral", **({"ttl": "1h"} if life > 300 else {})}
    (_, system), *turns = messages
    content = [
        {"type": "text", "text": text, **({"cache_control": mark} if place == len(turns) - 1 else {})}
        for place, (_, text) in enumerate(turns)
    ]
    return {
        "timestamp": _when(at), "duration": _ANSWER_S,
        "request": {
            "model": model, "max_tokens": 100, "system": [{"type": "text", "text": system, "cache_control": mark}],
            "messages": [{"role": role, "content": [part]} for (role, _), part in zip(turns, content, strict=True)],
        },
        "response": {
            "id": f"msg_{number:08d}", "type": "message", "role": "assistant", "model": model, "stop_reason": "end_turn",
            "content": [{"type": "text", "text": "ok"}],
            "usage": {"input_tokens": total - read - short - long, "output_tokens": 1, "cache_read_input_tokens": read,
                      "cache_creation_input_tokens": short + long,
                      "cache_creation": {"ephemeral_5m_input_tokens": short, "ephemeral_1h_input_tokens": long}},
        },
    }  # fmt: skip


FAMILIES: dict[str, Callable[[int], float]] = {
    "OpenAI automatic (gpt-4o), agents": conversations,
    "OpenAI automatic, 24 h (gpt-5.5), agents": partial(
        conversations, model="gpt-5.5-2026-04-23", minimum=2048, life_s=86_400
    ),
    "OpenAI automatic, block trace": blocks,
    "OpenAI breakpoints (gpt-5.6), agents": breakpoints,
    "Anthropic marks, minimum 1,024 (Sonnet 4.5), agents": marked_conversations,
    "Anthropic marks, minimum 4,096 (Haiku 4.5), agents": partial(
        marked_conversations, model="claude-haiku-4-5-20251001", minimum=4096
    ),
    "Gemini implicit (2.5 Flash), agents": gemini,
}
"""Predicted over billed cached tokens by kind of rule."""
