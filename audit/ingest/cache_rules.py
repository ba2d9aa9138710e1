"""Cache rules of price models as rows that never overlap in time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields
from itertools import pairwise
from typing import Any

from audit.prices.catalogue import Catalogue
from audit.prices.overlay import covers
from audit.prices.rows import CacheRule

_COLUMNS = [each.name for each in fields(CacheRule) if each.name != "model_pattern"]


def cache_rule_rows(catalogue: Catalogue, keys: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    """Rows of `cache_rule` for price models: of several rules for one moment the first listed holds."""
    rows = []
    for provider_name, model in keys:
        rules = [
            rule
            for rule in catalogue.cache_rules
            if rule.provider_name == provider_name and covers([rule.model_pattern], model)
        ]
        for start, end, rule in _windows(rules):
            row: dict[str, Any] = {name: getattr(rule, name) for name in _COLUMNS}
            rows.append({**row, "model": model, "valid_from_us": start, "valid_to_us": end})
    return rows


def _windows(rules: list[CacheRule]) -> Iterator[tuple[int, int, CacheRule]]:
    edges = sorted({edge for rule in rules for edge in (rule.valid_from_us, rule.valid_to_us)})
    for start, end in pairwise(edges):
        holding = next((rule for rule in rules if rule.valid_from_us <= start < rule.valid_to_us), None)
        if holding is not None:
            yield start, end, holding
