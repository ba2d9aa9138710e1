"""Spend that was promised to a provider: below it no saving lowers the bill before the promise ends."""

from __future__ import annotations

from audit import figures
from audit.config import Config, ContractConfig
from audit.prices.overlay import covers, shipped
from audit.store import Store

_PICO = 10**12

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
    rows = store.rows(_SPENT)
    found = []
    for contract in promised:
        provider = shipped().provider_names.get(contract.provider.strip().lower(), contract.provider.strip().lower())
        spent = sum(
            int(row["pico"])
            for row in rows
            if row["provider"] == provider and covers([contract.model.strip().lower()], row["model"])
        )
        found.append(_sentence(contract, round(spent * config.projection.month_days / days)))
    return tuple(found)


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
