"""The price catalogue of one run: dated rows, cache rules, and the model a logged name is priced as."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from audit.prices import contracts as agreed
from audit.prices import genai, overlay
from audit.prices.candidates import rank
from audit.prices.names import NOT_BILLABLE, Names
from audit.prices.overlay import Conflict, Overlay, Patch, covers
from audit.prices.rows import CacheRule, Candidate, Contract, Match, PriceRow
from audit.prices.table import SCHEMA, rows_of, to_arrow
from audit.prices.timeline import overwrite

__all__ = [
    "NOT_BILLABLE",
    "SCHEMA",
    "CacheRule",
    "Candidate",
    "Catalogue",
    "Conflict",
    "Contract",
    "Match",
    "PriceRow",
    "load",
]

Key = tuple[str, str]
"""(provider, price model)."""


def load(
    overlay_path: Path | None = None, contracts: Sequence[Contract] = (), aliases: Mapping[str, str] | None = None
) -> Catalogue:
    """The catalogue from the installed price data, the shipped overlay, a further overlay file, and contracts.

    `aliases` maps logged names (Azure deployments, private names) to `model` or `provider/model`.
    """
    rules = overlay.shipped()
    if overlay_path is not None:
        rules = overlay.merge(rules, overlay.read(overlay_path))
    return Catalogue(rules, tuple(contracts), dict(aliases or {}))


class Catalogue:
    """Prices and cache rules of every model, immutable; models are worked out when they are first asked for."""

    def __init__(self, rules: Overlay, contracts: Sequence[Contract], aliases: Mapping[str, str]) -> None:
        from genai_prices.data_snapshot import get_snapshot

        self._providers = {provider.id: provider for provider in get_snapshot().providers}
        self._overlay = rules
        self._aliases = aliases
        self._sources: dict[Key, tuple[str, Any]] = {}
        self._models: dict[Key, genai.ModelPrices] = {}
        self._rows: dict[Key, list[PriceRow]] = {}
        self._splits = {(split.provider_name, name): split.model for split in rules.splits for name in split.names}
        self._added = {
            (patch.provider_name, model): genai.ModelPrices(patch.provider_name, model, [(patch.window, patch.rates)])
            for patch in rules.models
            for model in patch.models
        }
        self._collect()
        self._names = Names(self._find, rules, aliases, self._listed_without_price)
        self._contracts = tuple(self._settle(contract) for contract in contracts)
        # a contract can know models that no list does: names are looked up afresh once they are in
        for model in agreed.private_models(self._contracts):
            if (model.provider_name, model.model) not in self._sources:
                self._added.setdefault((model.provider_name, model.model), model)
        self._names = Names(self._find, rules, aliases, self._listed_without_price)

    def _settle(self, contract: Contract) -> Contract:
        """A contract in the list's own words: its provider's id and, for a plain name, the price model it means."""
        provider = self._names.provider(contract.provider_name) or contract.provider_name
        model = contract.model.strip().lower()
        found = None if any(sign in model for sign in "*?[") else self.resolve(provider, model)
        if found is not None and found.provider_name == provider:
            model = found.model
        return replace(contract, provider_name=provider, model=model)

    def _collect(self) -> None:
        for provider in self._providers.values():
            for model in provider.models:
                self._sources[provider.id, model.id] = (provider.id, model)
        for split in self._overlay.splits:
            origin = self._sources.get((split.provider_name, split.origin))
            if origin:
                self._sources[split.provider_name, split.model] = origin
        # a cloud that sells another's models at list gets rows of its own, so that contracts can tell them apart
        for provider in self._providers.values():
            for sold in provider.fallback_model_providers or ():
                for (owner, model_id), source in list(self._sources.items()):
                    if owner == sold:
                        self._sources.setdefault((provider.id, model_id), source)

    @property
    def version(self) -> str:
        """The price data this catalogue is made of."""
        return genai.source()

    @cached_property
    def rows(self) -> Sequence[PriceRow]:
        """Every row of every model."""
        return [row for key in self.models() for row in self.rows_for(*key)]

    @property
    def cache_rules(self) -> Sequence[CacheRule]:
        """Every cache rule, in the order they are looked at."""
        return self._overlay.cache_rules

    @cached_property
    def snapshot_hash(self) -> str:
        """A hash over everything the rows are made from: price data, overlays, contracts, aliases."""
        digest = hashlib.blake2b(genai.data(), digest_size=16)
        digest.update(
            repr((self.version, self._overlay.digest, self._contracts, sorted(self._aliases.items()))).encode()
        )
        return digest.hexdigest()

    def models(self) -> list[Key]:
        """(provider, price model) of everything listed."""
        return sorted({*self._sources, *self._added})

    def resolve(self, provider_name: str | None, model: str) -> Match | None:
        """The price model a logged name stands for; None when nothing is known about its price.

        Names in NOT_BILLABLE also give None: they were never billed.
        """
        return self._names.resolve(provider_name, model)

    def rows_for(self, provider_name: str, model: str) -> list[PriceRow]:
        """The price rows of one price model."""
        key = provider_name, model
        if key not in self._rows:
            prices = self.model(provider_name, model)
            self._rows[key] = rows_of(prices, self._overlay, self._contracts) if prices else []
        return self._rows[key]

    def model(self, provider_name: str, model: str) -> genai.ModelPrices | None:
        """List prices of one price model over time, before tiers and contracts."""
        key = provider_name, model
        if key not in self._models:
            prices = self._added.get(key) or self._from_source(key)
            if prices is None:
                return None
            self._models[key] = prices
        return self._models[key]

    def _from_source(self, key: Key) -> genai.ModelPrices | None:
        source = self._sources.get(key)
        if source is None:
            return None
        owner, info = source
        provider_name, model = key
        prices = genai.from_model(provider_name, info, self._overlay.weekdays(owner, model))
        standard = prices.standard
        for patch in self._overlay.extra_rates:
            if _patches(patch, owner, model):
                standard = [(window, {**patch.rates, **rates}) for window, rates in standard]
        for patch in self._overlay.history:
            if _patches(patch, owner, model):
                standard = overwrite(standard, patch.window, patch.rates)
        return replace(prices, model=model, standard=standard)

    def _find(self, provider_name: str, name: str) -> str | None:
        for spelling in (name, name.removesuffix("-latest")):
            if (provider_name, spelling) in self._added:
                return spelling
        provider = self._providers.get(provider_name)
        if provider is None:
            return None
        split = self._splits.get((provider_name, name))
        if split is None and provider.fallback_model_providers:
            split = next(
                (
                    self._splits[owner, name]
                    for owner in provider.fallback_model_providers
                    if (owner, name) in self._splits
                ),
                None,
            )
        if split is not None:
            return split
        found = provider.find_model(name, all_providers=list(self._providers.values()))
        return found.id if found is not None and self._has_price(provider_name, found.id) else None

    def _has_price(self, provider_name: str, model: str) -> bool:
        prices = self.model(provider_name, model)
        return prices is not None and any(rates for _, rates in prices.standard)

    def _listed_without_price(self, path: str) -> bool:
        provider_name, name = path.split("/", 1)
        provider = self._providers.get(provider_name)
        return provider is not None and any(model.is_match(name) for model in provider.models)

    def arrow(self, keys: Iterable[Key] | None = None) -> pa.Table:
        """The `price` table: rows of the given price models, or of all."""
        return to_arrow([row for key in (self.models() if keys is None else keys) for row in self.rows_for(*key)])

    def with_candidates(self, keys: Iterable[Key], on_us: int) -> list[Key]:
        """The given price models and every model they could be replaced by: what a `price` table has to hold."""
        wanted = set(keys)
        for provider_name, model in list(wanted):
            found = self.cheaper_candidates(provider_name, model, on_us)
            wanted.update((candidate.provider_name, candidate.model) for candidate in found)
        return sorted(wanted)

    def idle_contracts(self) -> list[Contract]:
        """Contracts that cover no model of the list: a provider or a name that is spelt in another way."""
        keys = self.models() if self._contracts else []
        return [
            contract
            for contract in self._contracts
            if not any(owner == contract.provider_name and covers([contract.model], name) for owner, name in keys)
        ]

    def has_meter(self, provider_name: str, model: str, sku_meter: str) -> bool:
        """Whether a price model lists a meter of its own (`request`, `output_reasoning`)."""
        prices = self.model(provider_name, model)
        return prices is not None and any(sku_meter in rates for _, rates in prices.standard)

    def cache_rule(self, provider_name: str, model: str, at_us: int) -> CacheRule | None:
        """How the provider's prompt cache treats a model at a moment; None when nothing is known."""
        for rule in self._overlay.cache_rules:
            if (
                rule.provider_name == provider_name
                and covers([rule.model_pattern], model)
                and rule.valid_from_us <= at_us < rule.valid_to_us
            ):
                return rule
        return None

    def uncertainty(self, provider_name: str, model: str) -> list[Conflict]:
        """Prices another source gives for a model's meters: known disagreements, kept beside the row in use."""
        return [
            conflict
            for conflict in self._overlay.conflicts
            if (conflict.provider_name, conflict.model) == (provider_name, model)
        ]

    def cheaper_candidates(
        self, provider_name: str, model: str, on_us: int, output_share: float = 0.2
    ) -> list[Candidate]:
        """Cheaper current models of the same provider, the same family first, then by price.

        Prices are blended at `output_share` output tokens per token; models without a context window, for other
        modalities, retired, or (where the provider lists tiers) no longer on its price list are left out.
        """
        present = self.model(provider_name, model)
        if present is None:
            return []
        others = [
            other
            for owner, name in self.models()
            if owner == provider_name and not covers(self._overlay.retired, name)
            if (other := self.model(owner, name)) is not None
        ]
        return rank(present, others, on_us, output_share)


def _patches(patch: Patch, provider_name: str, model: str) -> bool:
    return patch.provider_name == provider_name and covers(patch.models, model)
