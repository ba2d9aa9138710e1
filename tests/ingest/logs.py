"""Request/response records for tests of the ingest."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Record = dict[str, Any]


def pair(number: int, *, question: str = "Where is my order?", answer: str = "On its way.", **changes: Any) -> Record:
    """An OpenAI chat pair with 100 input and 10 output tokens; `changes` replace top-level fields."""
    record: Record = {
        "timestamp": f"2026-10-05T08:{number // 60 % 60:02d}:{number % 60:02d}Z",
        "latency_ms": 800,
        "user_id": f"u-{number % 3}",
        "metadata": {"team": "support", "feature": "faq"},
        "request": {
            "model": "gpt-4o-mini",
            "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": question}],
            "temperature": 0,
        },
        "response": {
            "id": f"chatcmpl-{number}",
            "object": "chat.completion",
            "created": 1_791_187_200 + number,
            "model": "gpt-4o-mini-2024-07-18",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": answer}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
        },
    }
    record.update(changes)
    return record


def litellm(number: int, **changes: Any) -> Record:
    """A LiteLLM payload of the same call as `pair(number)`, without its text."""
    started = 1_791_187_200 + number
    record: Record = {
        "id": f"chatcmpl-{number}",
        "litellm_call_id": f"call-{number}",
        "call_type": "acompletion",
        "status": "success",
        "model": "gpt-4o-mini",
        "custom_llm_provider": "openai",
        "model_map_information": {},
        "startTime": started,
        "endTime": started + 0.8,
        "prompt_tokens": 100,
        "completion_tokens": 10,
        "total_tokens": 110,
        "response_cost": 0.000021,
        "metadata": {"user_api_key_team_alias": "growth", "user_api_key_hash": "h1"},
        "messages": {},
        "response": {},
    }
    record.update(changes)
    return record


def write(path: Path, records: Iterable[Record | str]) -> Path:
    """The records as lines; a string stands as it is."""
    lines = (each if isinstance(each, str) else json.dumps(each) for each in records)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path
