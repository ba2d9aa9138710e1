"""A customer's negotiated prices, put over list prices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from difflib import get_close_matches

from audit.config import ContractConfig
from audit.errors import ConfigError
from audit.prices.genai import METERS, ModelPrices, to_pico
from audit.prices.overlay import covers, epoch_us
from audit.prices.rows import ANY_SIZE, EVER_US, OPEN_US, Contract
from audit.prices.tiers import STANDARD
from audit.prices.timeline import Rate, Rates, Timeline, Window, is_token_meter, split

SOURCE = "contract"
"""Where a discounted list price comes from."""

AGREED = "contract price"
"""Where a price comes from that was agreed in dollars, whatever the list says."""


def from_config(configs: Sequence[ContractConfig], file: str = "") -> tuple[Contract, ...]:
    """The prices of the `[[contract]]` blocks of a configuration; ConfigError says which block of `file` is wrong."""
    lead = f"{file}: " if file else ""
    found = [_contract(f"{lead}[[contract]] number {number}", config) for number, config in enumerate(configs, start=1)]
    return tuple(each for each in found if each.discount_percent is not None or each.usd_per_million)


def _contract(where: str, config: ContractConfig) -> Contract:
    where = f"{where} ({config.provider} {config.model})"
    committed = config.commitment_usd_per_month
    if config.discount_percent is None and not config.prices_per_million and committed is None:
        raise ConfigError(
            f"{where} says no price",
            "give discount_percent, prices_per_million by meter, or commitment_usd_per_month",
        )
    if config.discount_percent is not None and config.prices_per_million:
        raise ConfigError(
            f"{where} gives both discount_percent and prices_per_million",
            "keep one, or write two [[contract]] blocks: of the same model the later one wins",
        )
    if committed is not None and not 0 <= committed < 1e12:
        raise ConfigError(f"{where}: commitment_usd_per_month must not be negative")
    if config.discount_percent is not None and not -100 <= config.discount_percent <= 100:
        raise ConfigError(f"{where}: discount_percent must lie between -100 (a surcharge) and 100")
    for meter, price in config.prices_per_million.items():
        if meter not in METERS:
            near = get_close_matches(meter, METERS, 1)
            raise ConfigError(f"{where}: unknown meter {meter!r}", f"did you mean {near[0]!r}?" if near else None)
        if isinstance(price, bool) or not isinstance(price, int | float) or not 0 <= price < 1e9:
            raise ConfigError(f"{where}: the price of {meter} must be a finite number, 0 or more; it is {price!r}")
    try:
        start, end = epoch_us(config.valid_from, EVER_US), epoch_us(config.valid_to, OPEN_US)
    except ValueError as error:
        raise ConfigError(f"{where}: {error}", "dates look like 2026-03-01") from error
    if start >= end:
        raise ConfigError(f"{where}: valid_from must be before valid_to")
    return Contract(config.provider, config.model, start, end, config.discount_percent, config.prices_per_million)


def private_models(contracts: Sequence[Contract]) -> list[ModelPrices]:
    """Models that only a contract knows (self-hosted, private): one per contract with prices and a plain name."""
    return [
        ModelPrices(
            provider_name=contract.provider_name,
            model=contract.model,
            standard=[(Window(contract.valid_from_us, contract.valid_to_us), _agreed(contract, {}))],
        )
        for contract in contracts
        if contract.usd_per_million and not any(sign in contract.model for sign in "*?[")
    ]


def apply(tier: str, line: Timeline, provider_name: str, model: str, contracts: Sequence[Contract]) -> Timeline:
    """A tier's timeline under the contracts that cover the model: the closest name wins, of equals the later one.

    A percentage is off the list price, never off another contract's.
    """
    for contract in sorted(contracts, key=_closeness):
        if contract.provider_name != provider_name or not covers([contract.model], model):
            continue
        line = [
            (window, _under(contract, tier, rates) if _inside(window, contract) else rates)
            for window, rates in split(line, (contract.valid_from_us, contract.valid_to_us))
        ]
    return line


def _closeness(contract: Contract) -> tuple[bool, int]:
    """A plain name is closer than any pattern, a pattern the more of the name it spells."""
    plain = not any(sign in contract.model for sign in "*?[")
    return plain, len(contract.model.replace("*", "").replace("?", ""))


def _inside(window: Window, contract: Contract) -> bool:
    return contract.valid_from_us <= window.from_us and window.to_us <= contract.valid_to_us


def _under(contract: Contract, tier: str, rates: Rates) -> Rates:
    if contract.discount_percent is not None:
        kept = 1 - Decimal(str(contract.discount_percent)) / 100
        numerator, denominator = kept.as_integer_ratio()
        return {meter: _discounted(rate, numerator, denominator) for meter, rate in rates.items()}
    if contract.usd_per_million and tier == STANDARD:
        rates = {**rates, **_agreed(contract, rates)}
    return rates


def _discounted(rate: Rate, numerator: int, denominator: int) -> Rate:
    listed = rate.list_steps or rate.steps
    paid = replace(rate, steps=listed).scaled(numerator, denominator, SOURCE, rate.inferred)
    return Rate(paid.steps, SOURCE, rate.checked_on, listed, rate.inferred)


def _agreed(contract: Contract, listed: Rates) -> Rates:
    result: dict[str, Rate] = {}
    for meter, price in contract.usd_per_million.items():
        units = 1_000_000 if is_token_meter(meter) else 1_000
        steps = ((ANY_SIZE, to_pico(Decimal(str(price)), units)),)
        before = listed.get(meter)
        result[meter] = Rate(steps, AGREED, "", (before.list_steps or before.steps) if before else ())
    return result
