"""Counted usage of one span, model and tier as invoice lines that never overlap."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from audit.invoices import InvoiceLine
from audit.wire.usage import Usage, charges


def usage_lines(
    span: tuple[int, int],
    provider_name: str,
    model: str,
    tier: str,
    usage: Usage,
    requests: int | None,
    operation: str = "",
) -> Iterator[InvoiceLine]:
    """One line per kind of token; the first of them carries the number of requests."""
    parts = charges(usage) or ([("input", 0)] if requests else [])
    for place, (meter, quantity) in enumerate(parts):
        yield InvoiceLine(
            *span,
            provider_name=provider_name,
            model=model,
            sku_meter=meter,
            service_tier=tier,
            quantity=Decimal(quantity),
            requests=requests if place == 0 else None,
            operation=operation,
        )
    if not parts:
        yield InvoiceLine(*span, provider_name=provider_name, category="empty")
