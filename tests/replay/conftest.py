from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import audit.store
from audit.prices.catalogue import Catalogue, load
from audit.store import Store
from tests.peer import peer

__all__ = ["peer"]


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return load()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with audit.store.open(tmp_path / "audit.duckdb", create=True) as opened:
        yield opened
