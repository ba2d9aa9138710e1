"""A log of streamed requests, replayed on the terminal: asked as streams, and timed to the first chunk."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.peer import Peer, Wire
from tests.streams import said, sse

PROMPTS = 40
APIS = {
    "/v1/chat/completions": ("gpt-4o", "gpt-4o-mini"),
    "/v1/responses": ("gpt-4o", "gpt-4o-mini"),
    "/v1/messages": ("claude-sonnet-4-5", "claude-haiku-4-5"),
}


def logged(path: str, number: int) -> dict[str, Any]:
    """A request and the text of the stream that answered it, as a proxy keeps them."""
    messages = [{"role": "user", "content": f"What is the capital of country {number}?"}]
    asked = {"input": messages} if path.endswith("responses") else {"messages": messages, "max_tokens": 99}
    stream = sse(said(path, f"City {number}")).decode()
    stream = stream.replace("claude-haiku-4-5-20251001", "claude-sonnet-4-5-20250929")
    for name in ("chatcmpl-9", "resp_9", "msg_9"):
        stream = stream.replace(f'"{name}"', f'"{name}x{number}"')
    return {"request": {"model": APIS[path][0], "stream": True, **asked}, "response": stream,
            "timestamp": f"2026-10-05T08:{number:02d}:00Z", "latency_ms": 1500, "ttft_ms": 400}  # fmt: skip


def answered(path: str, body: dict[str, Any]) -> Wire | None:
    """The right answer, its words after the head of the stream."""
    asked = (body.get("input") or body.get("messages"))[-1]["content"]
    text = asked if isinstance(asked, str) else asked[-1]["text"]
    number = int("".join(each for each in text if each.isdigit()))
    return Wire([sse([event]) for event in said(path, f"City {number}")]) if body.get("stream") else None


@pytest.mark.parametrize("path", APIS)
def test_a_streamed_log_is_replayed_as_streams_with_their_first_chunks(
    audit: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    log, places = tmp_path / "log.jsonl", ("--db", tmp_path / "audit.duckdb", "--config", tmp_path / "audit.toml")
    log.write_text("".join(json.dumps(logged(path, number)) + "\n" for number in range(PROMPTS)))
    (tmp_path / "audit.toml").write_text("[first_chunk]\n'*' = 300\n")
    asked = ("replay", "--sample", str(PROMPTS), "--model", APIS[path][1], "--no-floor", "--yes", *places)
    with Peer() as peer:
        peer.wire = answered
        peer.stand_in(monkeypatch)
        monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-test")
        monkeypatch.setenv("ANTHROPIC_BASE_URL", peer.url)
        assert audit("ingest", log, *places).code == 0
        ran = audit(*asked, "--json")
        assert ran.code == 0, ran.err
        assert Counter(body.get("stream") for body in peer.requests) == {True: PROMPTS}
        assert {each.split("?")[0] for each in peer.paths} == {path}
        assert len(peer.served) == PROMPTS
        (verdict,) = ran.document["by_candidate"]
        assert (verdict["n"], verdict["acceptable"], verdict["undecided"]) == (PROMPTS, 1.0, 0)
        first = verdict["first_chunk"]
        # on a busy machine, answers that nobody could read in time keep none
        assert 0 < first["n"] <= PROMPTS
        assert (first["current_n"], first["limit_seconds"]) == (first["n"], 300)
        assert (first["current_p50_seconds"], first["current_p95_seconds"]) == (0.4, 0.4)
        assert 0 < first["p50_seconds"] <= first["p95_seconds"] <= verdict["p95_seconds"]

        (tmp_path / "audit.toml").write_text("[first_chunk]\n'*' = 1e-6\n")
        again = audit(*asked)
        assert again.code == 0, again.err
        assert len(peer.requests) == PROMPTS, "nothing is asked twice"
    told = " ".join(again.out.split())
    assert re.search(r"not safe: p95 until the first chunk of [\d.]+ m?s, limit 1e-06 s", told)
    assert "Latency, p50 / p95" in told
    assert f"400 ms / 400 ms {first['n']}, today {first['n']}" in told
    page = tmp_path / "audit.html"
    assert audit("report", "-o", page, *places).code == 0
    assert "First chunk, p95" in page.read_text(encoding="utf-8")
