from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import pytest

from audit import store as stores
from audit.ingest import IngestResult, ingest
from audit.prices.catalogue import Catalogue, load
from audit.store import Store


@cache
def catalogue() -> Catalogue:
    """The price catalogue, loaded once for all tests."""
    return load()


@pytest.fixture
def store() -> Iterator[Store]:
    with stores.open(":memory:", create=True) as opened:
        yield opened


@pytest.fixture
def read(store: Store) -> Callable[..., IngestResult]:
    """Ingest into the test's audit file, in this process."""

    def run(*inputs: object, **settings: object) -> IngestResult:
        return ingest(store, [str(each) for each in inputs], **{"catalogue": catalogue, "workers": 1, **settings})  # type: ignore[arg-type]

    return run
