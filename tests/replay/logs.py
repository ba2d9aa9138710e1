"""Audit files made by hand for replay tests: a few workflows with known texts, costs and answers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from audit.hashes import content_hash, digest
from audit.store import Store

Segment = tuple[str, str, str]
"""(role, kind, text) of an input segment."""


@dataclass
class Request:
    """One logged request; `prompt` is its user text unless `segments` says more."""

    workflow: str
    prompt: str = ""
    answer: str = "refund"
    model: str = "gpt-4o"
    provider: str = "openai"
    cost_pico: int = 1_000_000_000
    input_tokens: int = 100
    output_tokens: int = 5
    system: str = "You sort messages to a shop."
    segments: Sequence[Segment] = ()
    parameters: dict[str, Any] = field(default_factory=dict)
    text_status: str = "full"
    status: str = "billable"
    conversation: str | None = None
    response_id: str = "chatcmpl-x"
    stream: bool | None = None
    duration: float | None = None
    first_chunk: float | None = None


KINDS = {"sort": "classification", "extract": "extraction", "faq": "short_answer", "draft": "drafting"}


def fill(store: Store, requests: Iterable[Request]) -> None:
    """Write requests with their segments, contents, charges and workflows."""
    rows: dict[str, list[dict[str, Any]]] = {"request": [], "segment": [], "content": [], "charge": [], "workflow": []}
    known: set[int] = set()
    names: dict[str, int] = {}
    for number, each in enumerate(requests, start=1):
        workflow = names.setdefault(each.workflow, digest("workflow", each.workflow))
        texts = each.segments or (("system", "system", each.system), ("user", "user", each.prompt))
        key = digest(each.model, json.dumps(each.parameters), *(text for segment in texts for text in segment))
        _add_segments(rows, known, number, each, texts)
        match = ("openai", each.model) if each.provider == "openai" else (each.provider, each.model)
        rows["request"].append(
            {
                "request_id": number,
                "source_id": 1,
                "line": number,
                "reader": "openai_chat",
                "identity": digest("identity", each.workflow, each.prompt, str(number)),
                "response_id": f"{each.response_id}{number}",
                "status": each.status,
                "operation_name": "chat",
                "provider_name": each.provider,
                "request_model": each.model,
                "response_model": each.model,
                "price_provider": match[0],
                "price_model": match[1],
                "prompt_key": key if each.text_status == "full" else None,
                "parameters": json.dumps(each.parameters, sort_keys=True),
                "started_at_us": 1_790_000_000_000_000 + number * 1_000_000,
                "input_tokens": each.input_tokens,
                "output_tokens": each.output_tokens,
                "text_status": each.text_status,
                "output_hash": content_hash(each.answer),
                "output_normalised_hash": content_hash(each.answer),
                "conversation_id": each.conversation,
                "request_stream": each.stream,
                "duration": each.duration,
                "time_to_first_chunk": each.first_chunk,
                "workflow_id": workflow,
                "task_kind": KINDS.get(each.workflow, "open"),
            }
        )
        rows["charge"].append(
            {
                "charge_id": number,
                "request_id": number,
                "sku_meter": "input",
                "consumed_quantity": each.input_tokens,
                "cost_pico": each.cost_pico,
            }
        )
    for name, workflow in names.items():
        rows["workflow"].append({"workflow_id": workflow, "name": name, "task_kind": KINDS.get(name, "open")})
    for table, content in rows.items():
        store.write_rows(table, content)


def _add_segments(
    rows: dict[str, list[dict[str, Any]]], known: set[int], number: int, each: Request, texts: Sequence[Segment]
) -> None:
    pieces = [("input", *segment) for segment in texts] + [("output", "assistant", "answer", each.answer)]
    for position, (direction, role, kind, text) in enumerate(pieces):
        hashed = content_hash(text)
        rows["segment"].append(
            {
                "request_id": number,
                "position": position,
                "direction": direction,
                "role": role,
                "kind": kind,
                "content_hash": hashed,
                "tokens": max(1, len(text) // 4),
            }
        )
        if hashed not in known:
            known.add(hashed)
            rows["content"].append({"content_hash": hashed, "text": text, "characters": len(text)})


def shop(sizes: dict[str, int], **settings: Any) -> list[Request]:
    """Requests of several workflows, each prompt its own, with costs that differ by a factor of ten."""
    made: list[Request] = []
    for place, (workflow, size) in enumerate(sizes.items()):
        for number in range(size):
            cost = 10**8 * (1 + (number * 7 + place) % 10)
            made.append(
                Request(workflow, f"{workflow} message {number}: where is my order?", cost_pico=cost, **settings)
            )
    return made
