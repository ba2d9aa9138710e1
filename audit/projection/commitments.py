"""Spend that was promised to a provider: below it no saving lowers the bill before the promise ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from audit import figures
from audit.config import Config, ContractConfig
from audit.prices.overlay import covers, shipped
from audit.store import Store

T = TypeVar("T")
_PICO = 10**12

Spend = Mapping[tuple[str, str], int]
"""pico-USD by provider and model."""

_LEFT = """
SELECT provider_name AS provider, model, CAST(SUM(cost_pico) AS DECIMAL(38, 0)) AS pico
FROM remaining WHERE provider_name IS NOT NULL AND model IS NOT NULL GROUP BY provider_name, model
"""
_SPENT = """
SELECT c.provider_name AS provider, c.model, CAST(SUM(c.cost_pico) AS DECIMAL(38, 0)) AS pico
FROM charge AS c JOIN request AS r ON r.request_id = c.request_id
WHERE r.status = 'billable' AND c.cost_pico IS NOT NULL AND c.provider_name IS NOT NULL AND c.model IS NOT NULL
GROUP BY c.provider_name, c.model
"""


def commitments(store: Store, config: Config, days: float) -> tuple[str, ...]:
    """A sentence for each commitment of `[[contract]]`: how much of it this log's month uses, what that leaves."""
    promised = [each for each in config.contract if each.commitment_usd_per_month]
    if not promised:
        return ()
    spent = _spend(store, _SPENT)
    return tuple(
        _sentence(each, round(sum(_covered(each, spent).values()) * config.projection.month_days / days))
        for each in promised
    )


def spend_left(store: Store) -> Spend:
    """What `remaining` costs at each provider's models."""
    return _spend(store, _LEFT)


def lowering(config: Config, days: float, before: Spend, after: Spend, pico: int) -> int:
    """What of a saving lowers the bill while promises hold, if the bill goes from `before` to `after` in proportion.

    Spend a contract covers can fall to the commitment and no further; of contracts that cover the same models the
    largest commitment counts.
    """
    whole = sum(before.values()) - sum(after.values())
    promised = sorted(
        (each for each in config.contract if each.commitment_usd_per_month),
        key=lambda each: -(each.commitment_usd_per_month or 0),
    )
    if whole <= 0 or not promised:
        return pico
    share, rest, kept = pico / whole, float(whole), 0.0
    free = {key: (before.get(key, 0), after.get(key, 0)) for key in before.keys() | after.keys()}
    for each in promised:
        mine = _covered(each, free)
        free = {key: value for key, value in free.items() if key not in mine}
        spent, saved = sum(old for old, _ in mine.values()), sum(old - new for old, new in mine.values())
        committed = (each.commitment_usd_per_month or 0) * _PICO * days / config.projection.month_days
        rest -= saved
        kept += min(share * saved, max(0.0, spent - committed))
    return max(0, min(pico, round(kept + share * rest)))


def _spend(store: Store, query: str) -> Spend:
    return {(row["provider"], row["model"]): int(row["pico"]) for row in store.rows(query)}


def _covered(contract: ContractConfig, found: Mapping[tuple[str, str], T]) -> dict[tuple[str, str], T]:
    name = contract.provider.strip().lower()
    provider = shipped().provider_names.get(name, name)
    return {
        (whose, model): value
        for (whose, model), value in found.items()
        if whose == provider and covers([contract.model.strip().lower()], model)
    }


def _sentence(contract: ContractConfig, monthly_pico: int) -> str:
    committed = round((contract.commitment_usd_per_month or 0) * _PICO)
    name = contract.provider if contract.model == "*" else f"{contract.provider} {contract.model}"
    until = f" until {contract.valid_to}" if contract.valid_to else ""
    spends = figures.money(monthly_pico)
    text = f"{name}: {figures.money(committed)} a month are committed{until}, this log spends {spends}"
    beyond = figures.money(abs(monthly_pico - committed))
    if monthly_pico <= committed:
        return f"{text}; {beyond} a month is paid for nothing, and no saving there lowers the bill before it ends"
    return f"{text}; at most {beyond} a month of savings there lower the bill before it ends"
