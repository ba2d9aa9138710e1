from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from audit import store as audit_store
from audit.hashes import content_hash, folded
from audit.store import Store

CURRENT = "big-model"
PICO = 10**12


@dataclass
class Plant:
    """Plants logged requests, drawn units and replayed answers in an empty audit file."""

    audit_file: Store
    requests: int = 0
    replays: int = 0
    texts: set[int] = field(default_factory=set)
    known: dict[int, dict[str, Any]] = field(default_factory=dict)
    waiting: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def store(self) -> Store:
        """The audit file with everything planted so far."""
        for table, rows in self.waiting.items():
            self.audit_file.write_rows(table, rows)
        self.waiting.clear()
        return self.audit_file

    def add(self, table: str, *rows: dict[str, Any]) -> None:
        self.waiting.setdefault(table, []).extend(rows)

    def workflow(self, workflow_id: int, kind: str) -> None:
        self.add("workflow", {"workflow_id": workflow_id, "name": f"w{workflow_id}", "task_kind": kind})

    def logged(
        self,
        workflow_id: int,
        answer: str,
        *,
        prompt: str | None = None,
        model: str = CURRENT,
        cost_usd: float = 0.01,
        calls: tuple[dict[str, Any], ...] = (),
        tools: tuple[dict[str, Any], ...] = (),
        parameters: dict[str, Any] | None = None,
        finish_reason: str = "stop",
        conversation: str | None = None,
        keep_text: bool = True,
        outcome: str | None = None,
        first_chunk: float | None = None,
    ) -> int:
        """One billable request; its id is also its prompt key unless the same prompt and model came before."""
        self.requests += 1
        request_id = self.requests
        text = prompt or f"prompt {request_id}"
        key = content_hash(f"{model}|{workflow_id}|{text}")
        pieces = [("input", "system", "You are a helpful model."), *(("input", "tools", json.dumps(t)) for t in tools)]
        pieces += [("input", "user", text)]
        pieces += [("output", "answer", answer)] if answer else []
        pieces += [("output", "tool_call", json.dumps(call)) for call in calls]
        self._segments(request_id, pieces, keep_text)
        self.known[request_id] = {
                    "request_id": request_id, "source_id": 1, "line": request_id, "status": "billable",
                    "identity": content_hash(f"id {request_id}"), "request_model": model, "response_model": model,
                    "prompt_key": key, "parameters": json.dumps(parameters or {}), "started_at_us": request_id * 1000,
                    "finish_reason": finish_reason, "input_tokens": 100, "output_tokens": 10, "text_status": "full",
                    "output_hash": content_hash(answer), "output_normalised_hash": content_hash(folded(answer)),
                    "workflow_id": workflow_id, "conversation_id": conversation, "duration": 1.0,
                    "outcome": outcome,
                    "time_to_first_chunk": first_chunk,
        }  # fmt: skip
        self.add("request", self.known[request_id])
        self.add(
            "charge",
            {"request_id": request_id, "sku_meter": "input", "cost_pico": round(cost_usd * PICO * 0.6)},
            {"request_id": request_id, "sku_meter": "output", "cost_pico": round(cost_usd * PICO * 0.4)},
        )
        return request_id

    def _segments(self, request_id: int, pieces: list[tuple[str, str, str]], keep_text: bool) -> None:
        chain, rows = 0, []
        for position, (direction, kind, text) in enumerate(pieces):
            hashed = content_hash(text)
            chain = content_hash(f"{chain} {hashed}")
            rows.append(
                {
                    "request_id": request_id, "position": position, "direction": direction, "role": kind, "kind": kind,
                    "content_hash": hashed, "chain_hash": chain if direction == "input" else None,
                }
            )  # fmt: skip
            if hashed not in self.texts:
                self.texts.add(hashed)
                self.add("content", {"content_hash": hashed, "text": text if keep_text else None})
        self.add("segment", *rows)

    def drawn(
        self,
        request_id: int,
        *,
        probability: float = 1.0,
        requests: int = 1,
        seed: int = 1,
        batch: int = 1,
        cluster: str | None = None,
        cost_usd: float = 0.01,
    ) -> None:
        row = self.known[request_id]
        self.add("sample", {
                    "seed": seed, "prompt_key": row["prompt_key"], "request_id": request_id,
                    "workflow_id": row["workflow_id"], "model": row["response_model"],
                    "inclusion_probability": probability, "requests": requests,
                    "cost_pico": round(cost_usd * requests * PICO), "cluster": cluster, "batch": batch,
                    "drawn_at_us": 1,
                })  # fmt: skip

    def replayed(
        self,
        request_id: int,
        text: str,
        *,
        model: str = "small-model",
        endpoint: str = "test",
        variant: str = "",
        calls: list[dict[str, Any]] | None = None,
        status: str = "ok",
        error: str | None = None,
        finish_reason: str = "stop",
        cost_usd: float | None = 0.001,
        duration: float = 0.5,
        first_chunk: float | None = None,
        attempt: int = 1,
    ) -> int:
        row = self.known[request_id]
        self.replays += 1
        self.add("replay", {
                    "replay_id": self.replays, "prompt_key": row["prompt_key"], "request_id": request_id,
                    "workflow_id": row["workflow_id"], "current_model": row["response_model"], "endpoint": endpoint,
                    "model": model, "variant": variant, "attempt": attempt, "status": status, "error": error,
                    "text": text, "tool_calls": json.dumps(calls) if calls else None, "finish_reason": finish_reason,
                    "input_tokens": 90, "output_tokens": 20, "duration": duration, "origin": "live",
                    "time_to_first_chunk": first_chunk,
                    "cost_pico": None if cost_usd is None else round(cost_usd * PICO),
                })  # fmt: skip
        return self.replays


@pytest.fixture
def plant() -> Iterator[Plant]:
    with audit_store.open(":memory:", create=True) as store:
        yield Plant(store)
