"""One request as the model saw it, piece by piece, with the tokens and dollars of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from audit.store import Store
from audit.store.segment_cost import segment_cost

_FACTS = """
SELECT r.*, COALESCE(w.name, '(none)') AS workflow, w.kind_confidence, COALESCE(c.cost_pico, 0) AS cost_pico,
       COALESCE(c.estimated_cost_pico, 0) AS estimated_cost_pico, COALESCE(c.unpriced, 0) AS unpriced,
       COALESCE(o.path, '') AS path
FROM request AS r
LEFT JOIN workflow AS w ON w.workflow_id = r.workflow_id
LEFT JOIN request_cost AS c ON c.request_id = r.request_id
LEFT JOIN source AS o ON o.source_id = r.source_id
WHERE r.request_id = $request_id
"""
_CHARGES = """
SELECT sku_meter, COALESCE(model, '') AS model, COALESCE(service_tier, '') AS service_tier, consumed_quantity,
       unit_price_pico, cost_pico, estimated, COALESCE(tier_fallback, FALSE) AS tier_fallback
FROM charge WHERE request_id = $request_id ORDER BY charge_id
"""
_PIECES = f"""
WITH {segment_cost("AND request_id = $request_id")}
SELECT s.position, s.direction, s.role, s.kind, s.tokens AS counted, c.tokens, c.cache_read_tokens,
       c.cache_write_tokens, c.cost_pico, COALESCE(s.cache_breakpoint, FALSE) AS cache_breakpoint, t.text
FROM segment AS s
LEFT JOIN segment_cost AS c ON c.request_id = s.request_id AND c.position = s.position AND c.direction = s.direction
LEFT JOIN content AS t ON t.content_hash = s.content_hash
WHERE s.request_id = $request_id
UNION ALL
SELECT position, direction, role, kind, NULL, tokens, 0, 0, cost_pico, FALSE, NULL
FROM segment_cost WHERE content_hash IS NULL
ORDER BY position
"""
_SAME = """
SELECT COUNT(*) AS requests, COUNT(DISTINCT output_normalised_hash) AS answers FROM request
WHERE prompt_key = $prompt_key AND status = 'billable'
"""
_OUTLIER = "SELECT meter, tokens, median, z, cause, excess_cost_pico FROM outlier WHERE request_id = $request_id"


@dataclass(frozen=True, slots=True)
class Piece:
    """One segment: `counted` tokens by the tokenizer (None for reasoning that was billed but not logged), billed
    `tokens` and their cost. `text` is None where it was not logged or not kept."""

    position: int
    direction: str
    role: str
    kind: str
    counted: int | None
    tokens: int | None
    cache_read_tokens: int | None
    cache_write_tokens: int | None
    cost_pico: int | None
    cache_breakpoint: bool
    text: str | None


@dataclass(frozen=True, slots=True)
class Charge:
    """One billed quantity; prices in pico-USD a unit, None = no price known."""

    sku_meter: str
    model: str
    service_tier: str
    consumed_quantity: int
    unit_price_pico: int | None
    cost_pico: int | None
    estimated: bool
    tier_fallback: bool


@dataclass(frozen=True, slots=True)
class RequestView:
    """A request: the columns of its row (`facts`), what was charged, its pieces in the order the model saw them.

    `same_prompt` counts requests with this very prompt (this one included), `distinct_answers` their different
    answers; `outliers` says on which side it is far longer than its kind.
    """

    facts: dict[str, Any]
    charges: tuple[Charge, ...]
    pieces: tuple[Piece, ...]
    same_prompt: int
    distinct_answers: int
    outliers: tuple[dict[str, Any], ...]

    @property
    def placed_pico(self) -> int:
        """What the pieces cost together; the rest of the bill is in no logged text."""
        return sum(piece.cost_pico or 0 for piece in self.pieces)


def request_view(store: Store, request_id: int) -> RequestView:
    """Read one request by its number in the audit file."""
    facts = store.rows(_FACTS, request_id=request_id)[0]
    same = store.rows(_SAME, prompt_key=facts["prompt_key"])[0] if facts["prompt_key"] is not None else {}
    return RequestView(
        facts=facts,
        charges=tuple(Charge(**row) for row in store.rows(_CHARGES, request_id=request_id)),
        pieces=tuple(Piece(**row) for row in store.rows(_PIECES, request_id=request_id)),
        same_prompt=same.get("requests", 0),
        distinct_answers=same.get("answers", 0),
        outliers=tuple(store.rows(_OUTLIER, request_id=request_id)),
    )
