"""What both Batch APIs share: one request to the provider, its lines of results, and an answer or a failure of each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

from audit.clients import Answer, CallError
from audit.clients._bodies import decode
from audit.clients._failures import failure_of, status_failure
from audit.wire.text import read_json

MINUTES = 600.0
"""Seconds of silence in one request: a batch of large prompts takes long to upload and its results long to prepare."""
LONGEST = 3600.0
"""Seconds for one request, however much it brings."""


async def fetch(client: Any, method: Literal["get", "post", "delete"], path: str, body: Any = None) -> bytes:
    """One request of a Batch API, made by an SDK's client; raises CallError and never retries."""
    import httpx2

    options = {"timeout": httpx2.Timeout(MINUTES, connect=10.0)}
    given = {} if body is None else {"body": body}
    try:
        async with asyncio.timeout(LONGEST):
            response = await getattr(client, method)(path, cast_to=httpx2.Response, options=options, **given)
    except Exception as error:  # both SDKs have trees of their own
        raise failure_of(error) from error
    content: bytes = response.content
    return content


async def fetch_object(client: Any, method: Literal["get", "post", "delete"], path: str, body: Any = None) -> Any:
    """The JSON object of one request of a Batch API; raises CallError."""
    return decode(await fetch(client, method, path, body))


def lines(content: bytes) -> Iterator[Mapping[str, Any]]:
    """The JSON objects of a file of results; lines that are none are passed over, their requests count as missing."""
    for line in content.splitlines():
        try:
            data = read_json(line)
        except ValueError:
            continue
        if isinstance(data, dict) and isinstance(data.get("custom_id"), str):
            yield data


def settled(read: Callable[[], Answer]) -> Answer | CallError:
    """An answer, or the failure that reading it raised."""
    try:
        return read()
    except CallError as failure:
        return failure


def refused(status: int, wrong: object) -> CallError:
    """The named failure of one request of a batch."""
    given = wrong if isinstance(wrong, dict) else {"message": str(wrong or "no reason given")}
    return status_failure(status, given, {})


EXPIRED = "the batch expired before this request was answered"
CANCELLED = "the batch was cancelled before this request was answered"


def not_reached(reason: str) -> CallError:
    """A request of a batch that the provider did not work on; it is not billed."""
    return CallError("timeout" if reason == EXPIRED else "rejected", reason)
