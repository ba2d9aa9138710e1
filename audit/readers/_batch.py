"""Requests and results of a batch find each other by the id the user gave them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from audit.call import Call, Outcome, Skip
from audit.readers import Record

NO_RESULT = "batch_request_without_result"
Asked = tuple[Any, list[str]]
"""A request body (None when unknown), and flags saying how it was found."""


def read_group(
    records: list[Record],
    is_request: Callable[[Record], bool],
    body_of: Callable[[Record], Any],
    read: Callable[[Record, Asked], Call],
) -> Iterator[Outcome]:
    """The calls of all records under one custom id, each result with its request.

    Custom ids repeat across batches: several requests are matched with as many results in order (flagged), a request
    that is the same each time with every result, and otherwise none.
    """
    requests = [body_of(record) for record in records if is_request(record)]
    results = [record for record in records if not is_request(record)]
    for position, record in enumerate(results):
        yield read(record, _match(requests, len(results), position))
    for _ in range(len(requests) - len(results)):
        # sent and not answered yet, or answered in a file that is not here
        yield Skip(NO_RESULT)


def _match(requests: list[Any], results: int, position: int) -> Asked:
    if not requests:
        return None, []
    if all(request == requests[0] for request in requests):
        return requests[0], []
    if len(requests) == results:
        return requests[position], ["batch_request_matched_by_order"]
    return None, ["batch_request_ambiguous"]
