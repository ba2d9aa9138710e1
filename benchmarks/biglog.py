"""Write a large request log with a fixed seed: OpenAI chat pairs of about 5 kB with seven messages.

python benchmarks/biglog.py big.jsonl --requests 1000000 [--unique-answers] [--start-day 0] [--cached]

With --cached every application has a system prompt of some 1,500 tokens that its provider reads from cache after the
first call of five minutes, and calls are spread evenly over 25 days.
"""

from __future__ import annotations

import argparse
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

_WORDS = (
    "account answer billing cancel change charge customer date delivery discount email error export feature filter "
    "help import invoice issue item limit login message month number offer option order page password payment phone "
    "plan price product profile question quota rate receipt refund region renew report request return review rule "
    "search section service setting shipping status step store subscription support system table team ticket time "
    "total update upgrade usage user value version warranty week window year the of to and in is for on with that it "
    "as be this by are or from at an if not have can will your you we our they has was were when which do does please"
).split()
_MODELS = (
    ("gpt-4o-mini", "gpt-4o-mini-2024-07-18"),
    ("gpt-4o", "gpt-4o-2024-08-06"),
    ("gpt-5-mini", "gpt-5-mini-2025-08-07"),
)
_TEAMS = ("support", "search", "growth", "catalog", "finance")
_FEATURES = ("faq", "triage", "summary", "reply", "extract", None, None, None)
_DAY = 86_400
_EPOCH = 1_790_000_000


def _text(random_: random.Random, words: int) -> str:
    out = []
    for sentence in range(max(1, words // 12)):
        chosen = random_.choices(_WORDS, k=12)
        if sentence % 3 == 0:
            chosen[5] = str(random_.randrange(10_000))
        out.append(" ".join(chosen).capitalize() + ".")
    return " ".join(out)


def write(
    path: Path, requests: int, unique_answers: bool, start_day: int = 0, seed: int = 7, cached: bool = False
) -> int:
    """Write the log; returns its size in bytes."""
    random_ = random.Random(seed)
    system = [_text(random_, (1300 if cached else 60) + 12 * number) for number in range(24)]
    questions = [_text(random_, random_.choice((12, 36, 72, 120))) for _ in range(20_000)]
    answers = [_text(random_, random_.choice((12, 48, 96, 160))) for _ in range(20_000)]
    own = random.Random(f"{seed} {start_day}")
    with path.open("wb") as file:
        called: dict[str, float] = {}
        for number in range(requests):
            record = _record(own, number, start_day, system, questions, answers, unique_answers)
            if cached:
                _from_cache(record, called, _EPOCH + start_day * _DAY + number * 25 * _DAY / requests)
            file.write(orjson.dumps(record))
            file.write(b"\n")
    return path.stat().st_size


def _from_cache(record: dict[str, Any], called: dict[str, float], at: float) -> None:
    """Move a call to its time, and read its system prompt from cache if the last call with it is not long ago."""
    system = record["request"]["messages"][0]["content"]
    record["timestamp"] = datetime.fromtimestamp(at, UTC).isoformat()
    if at - called.get(system, 0.0) < 300:
        record["response"]["usage"]["prompt_tokens_details"]["cached_tokens"] = len(system) // 5 // 128 * 128
    called[system] = at


def _record(
    own: random.Random,
    number: int,
    start_day: int,
    system: list[str],
    questions: list[str],
    answers: list[str],
    unique_answers: bool,
) -> dict[str, Any]:
    app = own.randrange(24)
    model, served = _MODELS[app % 3]
    messages = [{"role": "system", "content": system[app]}]
    for _ in range(own.choice((1, 2, 2, 3, 4))):
        messages.append({"role": "user", "content": own.choice(questions)})
        messages.append({"role": "assistant", "content": own.choice(answers)})
    messages.append({"role": "user", "content": own.choice(questions)})
    answer = own.choice(answers)
    if unique_answers:
        answer = f"{answer} Reference {start_day}-{number}."
    prompt = sum(len(each["content"]) for each in messages) // 5 + 4 * len(messages)
    started = _EPOCH + start_day * _DAY + number * 25 * _DAY // 1_000_000
    return {
        "timestamp": f"2026-{9 + (start_day // 30) % 3:02d}-{1 + number % 28:02d}T{number % 24:02d}:{number % 60:02d}:07.{number % 1000:03d}Z",
        "latency_ms": 200 + number % 4000,
        "user_id": f"u-{own.randrange(5000)}",
        "metadata": {"team": _TEAMS[app % 5], "feature": _FEATURES[app % 8], "environment": "production"},
        "request": {"model": model, "messages": messages, "temperature": 0.2, "max_tokens": 800},
        "response": {
            "id": f"chatcmpl-{start_day:04d}{number:012d}",
            "object": "chat.completion",
            "created": started,
            "model": served,
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": answer, "refusal": None, "annotations": []},
                    "logprobs": None,
                    "finish_reason": "stop",
                }
            ],
            "usage": {
                "prompt_tokens": prompt,
                "completion_tokens": len(answer) // 5,
                "total_tokens": prompt + len(answer) // 5,
                "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
            },
            "service_tier": "default",
            "system_fingerprint": "fp_a1b2c3d4e5",
        },
    }


def main() -> None:
    """Parse arguments and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--unique-answers", action="store_true")
    parser.add_argument("--start-day", type=int, default=0)
    parser.add_argument("--cached", action="store_true")
    given = parser.parse_args()
    size = write(given.path, given.requests, given.unique_answers, given.start_day, cached=given.cached)
    print(f"{given.path}: {given.requests} requests, {size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
