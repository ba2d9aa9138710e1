"""Small audit files built row by row, for tests of the stages that read them."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from audit import store as stores
from audit.store import Store

MINUTE = 60_000_000
DAY = 24 * 60 * MINUTE
START = 20_000 * DAY

PRICES = {"input": 2_000_000, "cache_read": 500_000, "output": 8_000_000}
"""pico-USD per token: $2, $0.50 and $8 per million."""


@dataclass
class Plant:
    """An audit file in memory; `call` adds a request with its charges and segments, `store` writes what was added."""

    opened: Store = field(default_factory=lambda: stores.open(":memory:", create=True))
    calls: int = 0
    charges: int = 0
    added: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    contents: set[int] = field(default_factory=set)

    @property
    def store(self) -> Store:
        """The audit file with everything added so far."""
        for table, rows in self.added.items():
            columns = list(dict.fromkeys(name for row in rows for name in row))
            self.opened.write_rows(table, [{name: row.get(name) for name in columns} for row in rows])
        self.added.clear()
        return self.opened

    def add(self, table: str, *rows: dict[str, Any]) -> None:
        """Add rows to a table."""
        self.added.setdefault(table, []).extend(rows)

    def __post_init__(self) -> None:
        rows = [
            {
                "provider_name": "openai", "model": "big", "sku_meter": meter, "service_tier": tier,
                "valid_from_us": 0, "valid_to_us": 2**62, "week_from_us": 0, "week_to_us": 7 * DAY,
                "input_threshold": -1, "input_ceiling": 2**62,
                "unit_price_pico": price // (2 if tier == "batch" else 1),
                "list_unit_price_pico": price, "inferred": False, "source": "test", "checked_on": "",
            }
            for meter, price in PRICES.items() for tier in ("standard", "batch")
        ]  # fmt: skip
        self.add("price", *rows)
        self.add("workflow", {"workflow_id": 1, "name": "support"}, {"workflow_id": 2, "name": "search"})

    def call(
        self, *, at_us: int, key: int | None = None, input_tokens: int = 1000, cached: int = 0,
        output_tokens: int = 100, texts: tuple[tuple[str, int], ...] = (), estimated: bool = False, **columns: Any,
    ) -> int:  # fmt: skip
        """Add one billable request; `texts` are (text, tokens) of its input segments. Returns its id."""
        self.calls += 1
        request = {
            "request_id": self.calls, "status": "billable", "started_at_us": at_us, "day": at_us // DAY,
            "prompt_key": key, "normalised_key": key, "question_key": key, "input_tokens": input_tokens,
            "cache_read_input_tokens": cached, "output_tokens": output_tokens, "request_model": "big",
            "price_provider": "openai", "price_model": "big", "workflow_id": 1, "text_status": "full",
            "usage_source": "estimated" if estimated else "logged", "finish_reason": "stop", "reader": "test",
        }  # fmt: skip
        self.add("request", {**request, **columns})
        for meter, quantity in (
            ("input", input_tokens - cached), ("cache_read", cached), ("output", output_tokens),
        ):  # fmt: skip
            if quantity:
                self.charge(self.calls, meter, quantity, estimated=estimated)
        for position, (text, tokens) in enumerate(texts):
            self.segment(self.calls, position, text, tokens)
        return self.calls

    def charge(self, request_id: int, meter: str, quantity: int, *, estimated: bool = False) -> None:
        """Add one priced charge."""
        self.charges += 1
        self.add(
            "charge",
            {
                "charge_id": self.charges, "request_id": request_id, "sku_meter": meter, "provider_name": "openai",
                "model": "big", "service_tier": "standard", "consumed_quantity": quantity, "estimated": estimated,
                "unit_price_pico": PRICES[meter], "cost_pico": quantity * PRICES[meter], "tier_fallback": False,
            },
        )  # fmt: skip

    def segment(
        self, request_id: int, position: int, text: str, tokens: int, kind: str = "user", direction: str = "input"
    ) -> None:
        """Add one segment, of the prompt unless told otherwise, and its text."""
        content = int.from_bytes(blake2b(text.encode(), digest_size=7).digest(), "big")
        self.add(
            "segment",
            {
                "request_id": request_id, "position": position, "direction": direction, "role": kind, "kind": kind,
                "content_hash": content, "chain_hash": content, "tokens": tokens,
            },
        )  # fmt: skip
        if content not in self.contents:
            self.contents.add(content)
            self.add("content", {"content_hash": content, "text": text, "characters": len(text), "tokens": tokens})
