"""The `coverage` key of `--json` documents: what the log cannot show, in dollars, and what would change that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from audit.export.values import usd

if TYPE_CHECKING:
    from audit.projection.coverage import Coverage


def coverage_document(coverage: Coverage) -> dict[str, Any]:
    """The document of one coverage; keys in docs/json.md."""
    return {
        "requests": coverage.requests,
        "cost_usd": usd(coverage.pico),
        "unpriced_requests": coverage.unpriced,
        "days_with_requests": coverage.days,
        "levers": [
            {
                "name": each.name,
                "title": each.title,
                "requests": each.requests,
                "cost_usd": usd(each.pico),
                "unpriced_requests": each.unpriced,
                "lacking": list(each.reasons),
                "blocked": each.blocked,
            }
            for each in coverage.levers
        ],
        "lacking": [
            {
                "field": each.field,
                "reader": each.reader,
                "title": each.title,
                "requests": each.requests,
                "cost_usd": usd(each.pico),
                "unpriced_requests": each.unpriced,
                "unlock": each.unlock or None,
            }
            for each in coverage.lacking
        ],
        "statements": [{"title": each.title, "days": each.days, "enough": each.enough} for each in coverage.statements],
    }
