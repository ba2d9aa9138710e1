"""OpenAI's Batch API: a file of requests, a batch over it, a file of results; half the price within a day."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from audit.clients import Answer, BatchRequest, BatchState, CallError
from audit.clients._batches import CANCELLED, EXPIRED, fetch, fetch_object, lines, not_reached, refused, settled
from audit.clients._failures import failure_of
from audit.clients._openai import connect
from audit.config import EndpointConfig

Read = Callable[[Mapping[str, Any], Mapping[str, str], float], Answer]
ENDED = ("completed", "expired", "cancelled", "failed")
TAG = "audit"
"""Key of the batch's metadata that carries the name it was given before it was submitted."""


class OpenAIBatches:
    """Batches of one endpoint; `path` is the API the requests are made to, `read` reads its bodies."""

    most_requests = 50_000
    most_bytes = 150_000_000

    def __init__(self, config: EndpointConfig, path: str, read: Read) -> None:
        self._client = connect(config)
        self._path = path
        self._read = read

    async def submit(self, tag: str, requests: Sequence[BatchRequest]) -> str:
        """Upload the requests and start a batch over them; its id. Raises CallError."""
        rows = ({"custom_id": each.custom_id, "method": "POST", "url": self._path, "body": dict(each.body)}
                for each in requests)  # fmt: skip
        content = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode("utf-8", "replace")
        try:
            uploaded = await self._client.files.create(file=(f"{tag}.jsonl", content), purpose="batch")
        except Exception as error:  # the SDK's own tree of errors
            failure = failure_of(error)
            failure.maybe_billed = False  # a file alone starts nothing
            raise failure from error
        started = await fetch_object(
            self._client,
            "post",
            "/batches",
            {
                "input_file_id": uploaded.id,
                "endpoint": self._path,
                "completion_window": "24h",
                "metadata": {TAG: tag},
            },
        )
        return str(started.get("id") or "")

    async def find(self, tag: str, since_us: int, requests: int, known: Collection[str]) -> str | None:
        """The batch that was submitted under a name, None when there is none."""
        after = ""
        while True:
            page = await fetch_object(self._client, "get", f"/batches?limit=100{after}")
            listed = [each for each in page.get("data") or () if isinstance(each, dict)]
            for each in listed:
                if isinstance(each.get("metadata"), dict) and each["metadata"].get(TAG) == tag:
                    return str(each["id"])
            older = bool(listed) and int(listed[-1].get("created_at") or 0) * 1_000_000 < since_us - 3_600_000_000
            if not listed or older or not page.get("has_more"):
                return None
            after = f"&after={listed[-1]['id']}"

    async def state(self, batch_id: str) -> BatchState:
        """Where a batch stands; raises CallError."""
        found = await fetch_object(self._client, "get", f"/batches/{batch_id}")
        counts = found.get("request_counts") or {}
        done = int(counts.get("completed") or 0) + int(counts.get("failed") or 0)
        return BatchState(found.get("status") in ENDED, done, str(found.get("status") or ""))

    async def results(self, batch_id: str) -> dict[str, Answer | CallError]:
        """Answers and failures by custom id; requests nothing came of are not in it. Raises CallError."""
        found = await fetch_object(self._client, "get", f"/batches/{batch_id}")
        made: dict[str, Answer | CallError] = {}
        for key in ("output_file_id", "error_file_id"):
            if found.get(key):
                for line in lines(await fetch(self._client, "get", f"/files/{found[key]}/content")):
                    made[line["custom_id"]] = self._settle(line)
        return made

    def _settle(self, line: Mapping[str, Any]) -> Answer | CallError:
        response, wrong = line.get("response"), line.get("error")
        if isinstance(wrong, dict) and not isinstance(response, dict):
            reasons = {"batch_expired": EXPIRED, "batch_cancelled": CANCELLED}
            code = str(wrong.get("code") or "")
            return not_reached(reasons[code]) if code in reasons else refused(400, wrong)
        response = response if isinstance(response, dict) else {}
        body, status = response.get("body"), response.get("status_code")
        body = body if isinstance(body, dict) else {}
        if status != 200:
            return refused(status if isinstance(status, int) else 500, body.get("error") or body)
        return settled(lambda: self._read(body, {}, 0.0))

    async def why_failed(self, batch_id: str) -> str:
        """What the provider says of a batch it refused as a whole."""
        found = await fetch_object(self._client, "get", f"/batches/{batch_id}")
        listed = (found.get("errors") or {}).get("data") or ()
        said = next((each.get("message") for each in listed if isinstance(each, dict)), None)
        return str(said or f"the batch ended as {found.get('status')}")

    async def forget(self, batch_id: str) -> None:
        """Delete the files of a batch at the provider; raises CallError."""
        found = await fetch_object(self._client, "get", f"/batches/{batch_id}")
        for key in ("input_file_id", "output_file_id", "error_file_id"):
            if found.get(key):
                await fetch(self._client, "delete", f"/files/{found[key]}")

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()
