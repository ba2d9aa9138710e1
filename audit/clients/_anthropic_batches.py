"""Anthropic's Message Batches: requests in one body, results as lines; half the price within a day."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from audit.clients import Answer, BatchRequest, BatchState, CallError
from audit.clients._batches import CANCELLED, EXPIRED, fetch, fetch_object, lines, not_reached, settled
from audit.clients._failures import inner_failure

PATH = "/v1/messages/batches"
COUNTED = ("processing", "succeeded", "errored", "canceled", "expired")
MINUTE_US = 60_000_000


class AnthropicBatches:
    """Batches of one endpoint; `read` reads the bodies of Messages."""

    most_requests = 50_000
    most_bytes = 150_000_000

    def __init__(self, client: Any, read: Callable[[Mapping[str, Any], Mapping[str, str], float], Answer]) -> None:
        self._client = client
        self._read = read

    async def submit(self, tag: str, requests: Sequence[BatchRequest]) -> str:
        """Start a batch; its id. Raises CallError."""
        listed = [{"custom_id": each.custom_id, "params": dict(each.body)} for each in requests]
        started = await fetch_object(self._client, "post", PATH, {"requests": listed})
        return str(started.get("id") or "")

    async def find(self, tag: str, since_us: int, requests: int, known: Collection[str]) -> str | None:
        """The batch that may have been submitted under a name: made since then, as large, and nobody else's known one.

        This API keeps no name, so the custom ids in its results decide; see `results`.
        """
        page = await fetch_object(self._client, "get", f"{PATH}?limit=100")
        listed = [each for each in page.get("data") or () if isinstance(each, dict) and each.get("id") not in known]
        for each in reversed(listed):
            counts = each.get("request_counts") or {}
            total = sum(int(counts.get(name) or 0) for name in COUNTED)
            if total == requests and _created_us(each) >= since_us - MINUTE_US:
                return str(each["id"])
        return None

    async def state(self, batch_id: str) -> BatchState:
        """Where a batch stands; raises CallError."""
        found = await fetch_object(self._client, "get", f"{PATH}/{batch_id}")
        counts = found.get("request_counts") or {}
        done = sum(int(counts.get(name) or 0) for name in COUNTED[1:])
        status = str(found.get("processing_status") or "")
        return BatchState(status == "ended", done, status)

    async def results(self, batch_id: str) -> dict[str, Answer | CallError]:
        """Answers and failures by custom id; raises CallError."""
        content = await fetch(self._client, "get", f"{PATH}/{batch_id}/results")
        return {line["custom_id"]: self._settle(line.get("result")) for line in lines(content)}

    def _settle(self, result: object) -> Answer | CallError:
        given = result if isinstance(result, dict) else {}
        kind, message = given.get("type"), given.get("message")
        if kind == "succeeded" and isinstance(message, dict):
            return settled(lambda: self._read(message, {}, 0.0))
        if kind in ("expired", "canceled"):
            return not_reached(EXPIRED if kind == "expired" else CANCELLED)
        wrong = given.get("error")
        inner = wrong.get("error") if isinstance(wrong, dict) and isinstance(wrong.get("error"), dict) else wrong
        return inner_failure(inner, otherwise=500)

    async def why_failed(self, batch_id: str) -> str:
        """A sentence for a batch that brought nothing."""
        return "the batch ended without results"

    async def forget(self, batch_id: str) -> None:
        """Delete a batch at the provider; raises CallError."""
        await fetch(self._client, "delete", f"{PATH}/{batch_id}")

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


def _created_us(batch: Mapping[str, Any]) -> int:
    try:
        return round(datetime.fromisoformat(str(batch.get("created_at"))).timestamp() * 1e6)
    except ValueError:
        return 0
