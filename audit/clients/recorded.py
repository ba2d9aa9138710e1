"""Answers recorded earlier, served from a JSONL file: no network, no bill, and labelled as recorded.

Each line is `{"model", "messages", "answer" or "response", "usage", "duration", "time_to_first_chunk"}`: `messages` as
chat completions have them, `answer` a text, `response` a whole chat completions body, `usage` in OpenAI's words, times
in seconds. Lines without a model answer for any; what is not there is not known.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

from audit.clients import Answer, CallError, Client, Limits
from audit.clients._openai import adapt
from audit.clients.openai_chat import read, translate
from audit.config import EndpointConfig
from audit.errors import ReplayError
from audit.hashes import digest
from audit.wire.usage import from_openai

NOT_RECORDED = "no answer to this prompt is recorded"
RECORDED = "the answer was recorded earlier"


def locate(config: EndpointConfig) -> str:
    """Empty: content stays in this process."""
    return ""


def ready(config: EndpointConfig) -> None:
    """Raises ReplayError when there is no such file."""
    if not config.base_url or not _path(config).is_file():
        raise ReplayError(
            f"endpoint {config.name!r}: no recorded answers at {config.base_url or '(nowhere)'}",
            "base_url names a JSONL file",
        )


def _path(config: EndpointConfig) -> Path:
    return Path(config.base_url.removeprefix("file://")).expanduser()


def key(model: str, messages: object) -> int:
    """What a prompt is found by: its model and texts with their roles, system texts first."""
    parts = list(_parts(messages))
    texts = [*(each for each in parts if each[0] == "system"), *(each for each in parts if each[0] != "system")]
    return digest(model, json.dumps(texts, ensure_ascii=False))


def _parts(messages: object) -> Iterator[tuple[str, str]]:
    for message in messages if isinstance(messages, list) else ():
        role = {"developer": "system"}.get(str(message.get("role")), str(message.get("role")))
        content = message.get("content")
        parts = content if isinstance(content, list) else [content]
        for part in parts:
            text = part.get("text") if isinstance(part, dict) else part
            if isinstance(text, str):
                yield role, text


def _seconds(row: Mapping[str, Any], name: str) -> float | None:
    """A time of a record; raises ValueError for what is none."""
    found = row.get(name)
    if found is None:
        return None
    seconds = float(found)
    if not 0 <= seconds < inf:
        raise ValueError(f"{name} is {found!r}, no time in seconds")
    return seconds


class RecordedSession:
    """A file of answers."""

    def __init__(self, config: EndpointConfig) -> None:
        ready(config)
        self._answers: dict[int, Answer] = {}
        with _path(config).open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    try:
                        self._keep(json.loads(line))
                    except (ValueError, AttributeError, TypeError, CallError) as error:
                        raise ReplayError(
                            f"{config.base_url}: line {number} is no recorded answer: {error}", "see docs/replay.md"
                        ) from error

    def _keep(self, row: Mapping[str, Any]) -> None:
        if isinstance(row.get("response"), dict):
            answer = read(row["response"], {}, 0.0)
        elif isinstance(row.get("answer"), str):
            usage = row.get("usage")
            given = from_openai(usage) if isinstance(usage, dict) else None
            answer = Answer(row["answer"], (), None, given, row.get("model"), None, None)
        else:
            raise ValueError("it has neither answer nor response")
        name = key(str(row.get("model") or ""), row.get("messages"))
        whole, first = _seconds(row, "duration"), _seconds(row, "time_to_first_chunk")
        self._answers[name] = replace(answer, lossy=(RECORDED,), duration=whole, time_to_first_chunk=first)

    async def send(self, body: Mapping[str, Any], limits: Limits) -> Answer:
        """The recorded answer; raises CallError where there is none."""
        names = (str(body.get("model") or ""), "")
        found = next((self._answers[each] for name in names if (each := key(name, body["messages"])) in self._answers),
                     None)  # fmt: skip
        if found is None:
            raise CallError("rejected", NOT_RECORDED)
        return found

    async def close(self) -> None:
        """Forget the answers."""
        self._answers = {}


CLIENT = Client(
    name="recorded",
    title="recorded answers",
    translate=translate,
    adapt=adapt,
    thinks=lambda model: False,
    locate=locate,
    ready=ready,
    open=RecordedSession,
    in_process=True,
    recorded=True,
)
