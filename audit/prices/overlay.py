"""The overlay file: what the public price data lacks, read into typed rules."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from audit.errors import PriceError
from audit.prices.genai import EVERY_DAY, to_pico
from audit.prices.rows import ANY_SIZE, EVER_US, OPEN_US, CacheRule
from audit.prices.timeline import Rate, Rates, Steps, Window, is_token_meter

SHIPPED = Path(__file__).with_name("overlay.toml")
"""The overlay that comes with the package."""

_FURTHER = Path(__file__).with_name("further_models.toml")


@dataclass(frozen=True, slots=True)
class Split:
    """Names of a model that get price rows of their own, copied from the model they were listed under."""

    provider_name: str
    model: str
    origin: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Patch:
    """Rates for models of a provider: a window's whole prices (`history`), or extra meters (`rates`)."""

    provider_name: str
    models: tuple[str, ...]
    window: Window
    rates: Rates


@dataclass(frozen=True, slots=True)
class TierRule:
    """A tier as a fraction of the standard token prices; `exceptions` by meter."""

    provider_name: str
    models: tuple[str, ...]
    tier: str
    factor: Decimal
    exceptions: Mapping[str, Decimal]
    inferred: bool
    source: str


@dataclass(frozen=True, slots=True)
class Surcharge:
    """A fraction on every token price of every tier, under the tier's name with a suffix."""

    provider_name: str
    models: tuple[str, ...]
    suffix: str
    factor: Decimal
    source: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """Another source's price for a meter: what the price row says is not certain."""

    provider_name: str
    model: str
    sku_meter: str
    valid_from_us: int
    other_unit_price_pico: int
    note: str


@dataclass(frozen=True, slots=True)
class Overlay:
    """Everything the overlay file says."""

    provider_names: Mapping[str, str]
    unpriced_providers: frozenset[str]
    unpriced_prefixes: tuple[str, ...]
    retired: tuple[str, ...]
    splits: Sequence[Split]
    history: Sequence[Patch]
    extra_rates: Sequence[Patch]
    models: Sequence[Patch]
    peak_days: Sequence[tuple[str, tuple[str, ...], frozenset[int]]]
    tiers: Sequence[TierRule]
    surcharges: Sequence[Surcharge]
    conflicts: Sequence[Conflict]
    cache_rules: Sequence[CacheRule]
    digest: str

    def weekdays(self, provider_name: str, model: str) -> frozenset[int]:
        """The days of the week on which a model's peak hours hold."""
        for provider, patterns, days in self.peak_days:
            if provider == provider_name and covers(patterns, model):
                return days
        return EVERY_DAY


def covers(patterns: Sequence[str], model: str) -> bool:
    """Whether one of the shell-style patterns covers a model."""
    return any(fnmatchcase(model, pattern) for pattern in patterns)


@cache
def shipped() -> Overlay:
    """The overlay that comes with the package, with the models no list of their provider holds."""
    return merge(read(_FURTHER), read(SHIPPED))


def read(path: Path) -> Overlay:
    """An overlay file; PriceError names the file and what is wrong."""
    try:
        text = path.read_text(encoding="utf-8")
        digest = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
        return _parse(tomllib.loads(text, parse_float=Decimal), digest)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PriceError(f"price overlay {path.name} can't be read: {error!r}") from error


def merge(first: Overlay, second: Overlay) -> Overlay:
    """Two overlays as one: names and rules of the second are looked at before the first's, its prices after them."""
    return Overlay(
        provider_names={**first.provider_names, **second.provider_names},
        unpriced_providers=first.unpriced_providers | second.unpriced_providers,
        unpriced_prefixes=(*second.unpriced_prefixes, *first.unpriced_prefixes),
        retired=(*first.retired, *second.retired),
        splits=(*first.splits, *second.splits),
        history=(*first.history, *second.history),
        extra_rates=(*first.extra_rates, *second.extra_rates),
        models=(*first.models, *second.models),
        peak_days=(*second.peak_days, *first.peak_days),
        tiers=(*second.tiers, *first.tiers),
        surcharges=(*first.surcharges, *second.surcharges),
        conflicts=(*first.conflicts, *second.conflicts),
        cache_rules=(*second.cache_rules, *first.cache_rules),
        digest=f"{first.digest}+{second.digest}",
    )


def _parse(data: Mapping[str, Any], digest: str) -> Overlay:
    checked_on = str(data.get("checked_on", ""))
    unpriced = data.get("unpriced", {})
    return Overlay(
        provider_names={
            name: provider for provider, names in data.get("provider_names", {}).items() for name in (provider, *names)
        },
        unpriced_providers=frozenset(unpriced.get("providers", ())),
        unpriced_prefixes=tuple(unpriced.get("model_prefixes", ())),
        retired=tuple(data.get("retired", {}).get("models", ())),
        splits=[
            Split(entry["provider"], entry["model"], entry["from"], tuple(entry["names"]))
            for entry in data.get("split", ())
        ],
        history=[_patch(entry, checked_on) for entry in data.get("history", ())],
        extra_rates=[_patch(entry, checked_on) for entry in data.get("rates", ())],
        models=[_patch(entry, checked_on) for entry in data.get("model", ())],
        peak_days=[
            (entry["provider"], tuple(entry["models"]), frozenset(entry["weekdays"]))
            for entry in data.get("peak_days", ())
        ],
        tiers=[_tier(entry) for entry in data.get("tier", ())],
        surcharges=[
            Surcharge(
                entry["provider"],
                tuple(entry["models"]),
                entry["suffix"],
                Decimal(entry["factor"]),
                f"overlay: {entry['source']}",
            )
            for entry in data.get("surcharge", ())
        ],
        conflicts=[conflict(entry) for entry in data.get("conflict", ())],
        cache_rules=[rule for entry in data.get("cache_rule", ()) for rule in _cache_rules(entry)],
        digest=digest,
    )


def _patch(entry: Mapping[str, Any], checked_on: str) -> Patch:
    models = entry.get("models") or [entry["model"]]
    source = f"overlay: {entry['source']}"
    rates = {
        meter: Rate(_steps(meter, price), source, str(entry.get("checked_on", checked_on)))
        for meter, price in entry["prices"].items()
    }
    window = Window(epoch_us(entry.get("from"), EVER_US), epoch_us(entry.get("to"), OPEN_US))
    return Patch(entry["provider"], tuple(models), window, rates)


def _steps(meter: str, price: Any) -> Steps:
    units = 1_000_000 if is_token_meter(meter) else 1_000
    if not isinstance(price, list):
        return ((ANY_SIZE, to_pico(Decimal(price), units)),)
    base, *above = price
    higher = tuple((int(threshold), to_pico(Decimal(value), units)) for threshold, value in above)
    return ((ANY_SIZE, to_pico(Decimal(base), units)), *higher)


def _tier(entry: Mapping[str, Any]) -> TierRule:
    return TierRule(
        provider_name=entry["provider"],
        models=tuple(entry["models"]),
        tier=entry["tier"],
        factor=Decimal(entry["factor"]),
        exceptions={meter: Decimal(factor) for meter, factor in entry.get("except", {}).items()},
        inferred=bool(entry.get("inferred", False)),
        source=f"overlay: {entry['source']}",
    )


def conflict(entry: Mapping[str, Any]) -> Conflict:
    """One `[[conflict]]` block."""
    meter = entry["meter"]
    return Conflict(
        provider_name=entry["provider"],
        model=entry["model"],
        sku_meter=meter,
        valid_from_us=epoch_us(entry.get("from"), EVER_US),
        other_unit_price_pico=_steps(meter, entry["other"])[0][1],
        note=entry["note"],
    )


def _cache_rules(entry: Mapping[str, Any]) -> list[CacheRule]:
    providers = entry["provider"] if isinstance(entry["provider"], list) else [entry["provider"]]
    return [
        CacheRule(
            provider_name=provider,
            model_pattern=pattern,
            valid_from_us=epoch_us(entry.get("from"), EVER_US),
            valid_to_us=epoch_us(entry.get("to"), OPEN_US),
            min_tokens=entry["min_tokens"],
            step=entry["step"],
            match=entry["match"],
            ttl_s=entry["ttl_s"],
            ttl_long_s=entry["ttl_long_s"],
            sliding=entry["sliding"],
            max_breakpoints=entry.get("max_breakpoints", 0),
            lookback=entry.get("lookback", 0),
            write_premium=entry["write_premium"],
            reliability=float(entry["reliability"]),
            batch_stack=entry["batch_stack"],
            source=entry["source"],
        )
        for pattern in entry["models"]
        for provider in providers
    ]


def epoch_us(value: str | None, default: int) -> int:
    """An ISO date or time (UTC unless it says otherwise) as epoch microseconds; `default` when there is none."""
    if not value:
        return default
    moment = datetime.fromisoformat(value)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(moment.timestamp()) * 1_000_000 + moment.microsecond
