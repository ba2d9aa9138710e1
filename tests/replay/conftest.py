from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import audit.store
from audit.prices.catalogue import Catalogue, load
from audit.store import Store
from tests.peer import Peer


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return load()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with audit.store.open(tmp_path / "audit.duckdb", create=True) as opened:
        yield opened


@pytest.fixture
def peer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Peer]:
    """A loopback server that stands for OpenAI and Anthropic."""
    with Peer() as running:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
        monkeypatch.setenv("OPENAI_BASE_URL", f"{running.url}/v1")
        monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-test")
        monkeypatch.setenv("ANTHROPIC_BASE_URL", running.url)
        yield running
