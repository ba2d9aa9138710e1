from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelPrice, TieredPrices

from audit.config import ContractConfig
from audit.errors import ConfigError
from audit.prices import genai, overlay
from audit.prices.catalogue import Catalogue, Contract, PriceRow, load
from audit.prices.contracts import from_config
from audit.prices.rows import ANY_SIZE, EVER_US, NO_CEILING, OPEN_US, WEEK_US
from audit.prices.timeline import is_token_meter


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load()


def us(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


def usd(row: PriceRow) -> Decimal:
    return Decimal(row.unit_price_pico) / 10**6


def at(
    catalogue: Catalogue, provider: str, model: str, meter: str, moment: str, tier: str = "standard", size: int = 0
) -> PriceRow:
    """The one row that prices a request."""
    when = us(moment)
    found = [
        row
        for row in catalogue.rows_for(provider, model)
        if (row.sku_meter, row.service_tier) == (meter, tier)
        and row.valid_from_us <= when < row.valid_to_us
        and row.week_from_us <= when % WEEK_US < row.week_to_us
        and row.input_threshold < size <= row.input_ceiling
    ]
    assert len(found) == 1
    return found[0]


class TestPromisesOfTheTable:
    def test_rows_of_one_meter_and_tier_cover_all_time_and_sizes_once(self, catalogue: Catalogue) -> None:
        boxes: dict[tuple[str, ...], list[PriceRow]] = defaultdict(list)
        for row in catalogue.rows:
            boxes[row.provider_name, row.model, row.sku_meter, row.service_tier].append(row)
        everything = (OPEN_US - EVER_US) * WEEK_US
        for key, rows in boxes.items():
            area = sum(
                Fraction(row.valid_to_us - row.valid_from_us) * (row.week_to_us - row.week_from_us)
                for row in rows
                if row.input_threshold == ANY_SIZE
            )
            # a provider may start to charge for searches or pages one day; tokens always had a price
            if is_token_meter(key[2]):
                assert area == everything, key
            spans: dict[tuple[int, int], list[PriceRow]] = defaultdict(list)
            for row in rows:
                spans[row.valid_from_us, row.week_from_us].append(row)
            for steps in spans.values():
                ordered = sorted(steps, key=lambda row: row.input_threshold)
                assert ordered[0].input_threshold == ANY_SIZE, key
                assert ordered[-1].input_ceiling == NO_CEILING, key
                assert all(low.input_ceiling == high.input_threshold for low, high in pairwise(ordered)), key

    def test_no_two_rows_price_the_same_request(self, catalogue: Catalogue) -> None:
        boxes: dict[tuple[str, ...], list[PriceRow]] = defaultdict(list)
        for row in catalogue.rows:
            boxes[row.provider_name, row.model, row.sku_meter, row.service_tier].append(row)
        for key, rows in boxes.items():
            for index, row in enumerate(rows):
                for other in rows[index + 1 :]:
                    apart = (
                        row.valid_to_us <= other.valid_from_us
                        or other.valid_to_us <= row.valid_from_us
                        or row.week_to_us <= other.week_from_us
                        or other.week_to_us <= row.week_from_us
                        or row.input_ceiling <= other.input_threshold
                        or other.input_ceiling <= row.input_threshold
                    )
                    assert apart, key

    def test_every_row_says_where_it_is_from(self, catalogue: Catalogue) -> None:
        assert all(row.source.startswith(("genai-prices ", "overlay: ")) for row in catalogue.rows)
        assert all(row.unit_price_pico >= 0 for row in catalogue.rows)
        assert all(row.list_unit_price_pico == row.unit_price_pico for row in catalogue.rows)

    def test_nothing_is_free_but_what_is_free(self, catalogue: Catalogue) -> None:
        free = {
            (row.provider_name, row.model)
            for row in catalogue.rows
            if row.unit_price_pico == 0 and row.sku_meter in ("input", "output")
        }
        assert ("openrouter", ":free") in free
        assert not {model for provider, model in free if provider in ("openai", "anthropic")} - {"omni-moderation"}

    def test_whole_picodollars_are_exact_enough(self) -> None:
        worst: dict[bool, float] = {True: 0.0, False: 0.0}
        for provider in get_snapshot().providers:
            for model in provider.models:
                entries = model.prices if isinstance(model.prices, list) else [model]
                for entry in entries:
                    for key, error in _roundings(entry.prices):
                        # OpenRouter's cache writes for Gemini are a twelfth of an hourly fee: no decimal is exact
                        endless = provider.id == "openrouter" and key == "cache_write_mtok"
                        worst[endless] = max(worst[endless], error)
        assert worst[False] <= 1e-9
        assert worst[True] <= 1e-5

    def test_the_table_has_the_columns_of_a_row(self, catalogue: Catalogue) -> None:
        table = catalogue.arrow([("openai", "gpt-4o")])
        assert set(table.column_names) == set(PriceRow.__dataclass_fields__)
        assert table.num_rows == len(catalogue.rows_for("openai", "gpt-4o"))


def _roundings(prices: ModelPrice) -> Iterator[tuple[str, float]]:
    """Each token price's key and its relative error in whole pico-USD."""
    for key, value in vars(prices).items():
        if value is None or not key.endswith("_mtok"):
            continue
        listed = [value.base, *(tier.price for tier in value.tiers)] if isinstance(value, TieredPrices) else [value]
        for price in listed:
            exact = Fraction(price) * 10**6
            if exact:
                yield key, float(abs(genai.to_pico(price, 10**6) - exact) / exact)


class TestTiers:
    def test_a_batch_is_half_before_and_after_its_table(self, catalogue: Catalogue) -> None:
        for day in ("2025-03-01", "2026-10-13", "2026-10-14", "2026-12-01"):
            assert usd(at(catalogue, "openai", "gpt-4o", "input", day, "batch")) == Decimal("1.25")

    def test_a_tier_carried_back_follows_the_price_of_the_day(self, catalogue: Catalogue) -> None:
        assert usd(at(catalogue, "openai", "o3", "input", "2025-06-01", "batch")) == 5
        assert usd(at(catalogue, "openai", "o3", "input", "2025-07-01", "batch")) == 1
        high = at(catalogue, "anthropic", "claude-sonnet-4-6", "input", "2026-03-01", "batch", 300_000)
        assert usd(high) == 3
        assert "carried back" in high.source

    def test_openai_priority_and_fast_are_one_tier(self) -> None:
        for provider in get_snapshot().providers:
            for model in provider.models if provider.id == "openai" else ():
                tiers = {
                    variant.when["service_tier"]: vars(variant.prices)
                    for variant in model.price_variants or ()
                    if "service_tier" in variant.when
                }
                assert tiers.get("fast") == tiers.get("priority"), model.id

    def test_a_guess_is_not_an_offer(self, catalogue: Catalogue) -> None:
        assert not at(catalogue, "openai", "gpt-4o", "input", "2026-11-01", "batch").inferred
        assert not at(catalogue, "anthropic", "claude-opus-4-1", "input", "2026-01-01", "batch").inferred
        assert at(catalogue, "openai", "gpt-realtime", "input", "2026-11-01", "batch").inferred
        assert at(catalogue, "google", "gemini-2.5-flash", "input", "2026-11-01", "priority").inferred

    def test_every_tier_prices_every_standard_meter(self, catalogue: Catalogue) -> None:
        for provider, model in catalogue.models():
            meters: dict[str, set[str]] = defaultdict(set)
            for row in catalogue.rows_for(provider, model):
                meters[row.service_tier].add(row.sku_meter)
            assert all(found >= meters["standard"] for found in meters.values()), (provider, model)

    def test_searches_never_get_a_discount_or_a_surcharge(self, catalogue: Catalogue) -> None:
        prices = {
            row.unit_price_pico
            for row in catalogue.rows_for("anthropic", "claude-opus-5")
            if row.sku_meter == "web_search"
        }
        assert prices == {10 * 10**12 // 1000}

    def test_openai_batches_keep_or_halve_the_cache_by_generation(self, catalogue: Catalogue) -> None:
        for model, share in (
            ("gpt-4o", 1),
            ("gpt-4.1", 1),
            ("o4-mini", 1),
            ("gpt-5", 2),
            ("gpt-5.6-sol", 2),
            ("o1-mini", 1),
        ):
            standard = at(catalogue, "openai", model, "cache_read", "2026-11-01").unit_price_pico
            assert (
                at(catalogue, "openai", model, "cache_read", "2026-11-01", "batch").unit_price_pico * share == standard
            )


class TestOverlay:
    def test_every_pattern_of_the_overlay_still_covers_a_model(self, catalogue: Catalogue) -> None:
        rules = overlay.shipped()
        keys = catalogue.models()
        claims = [(rule.provider_name, pattern) for rule in rules.tiers for pattern in rule.models]
        claims += [(rule.provider_name, pattern) for rule in rules.surcharges for pattern in rule.models]
        claims += [(patch.provider_name, pattern) for patch in rules.history for pattern in patch.models]
        claims += [(patch.provider_name, pattern) for patch in rules.extra_rates for pattern in patch.models]
        claims += [(conflict.provider_name, conflict.model) for conflict in rules.conflicts]
        claims += [(provider, pattern) for provider, patterns, _ in rules.peak_days for pattern in patterns]
        for provider, pattern in claims:
            assert any(owner == provider and overlay.covers([pattern], model) for owner, model in keys), pattern

    def test_history(self, catalogue: Catalogue) -> None:
        assert usd(at(catalogue, "openai", "gpt-4o", "output", "2024-10-01")) == 15
        assert usd(at(catalogue, "openai", "gpt-4o", "output", "2024-10-02")) == 10
        assert usd(at(catalogue, "azure", "gpt-4o", "output", "2024-10-01")) == 15
        assert usd(at(catalogue, "openai", "gpt-4o-2024-08-06", "output", "2024-10-01")) == 10

    def test_peak_hours(self, catalogue: Catalogue) -> None:
        def price(model: str, moment: str) -> Decimal:
            return usd(at(catalogue, "deepseek", model, "input", moment))

        assert price("deepseek-flash", "2026-11-02T01:00:00") == Decimal("0.30")  # Monday
        assert price("deepseek-flash", "2026-11-02T00:59:59") == Decimal("0.15")
        assert price("deepseek-flash", "2026-11-02T09:59:59") == Decimal("0.30")
        assert price("deepseek-flash", "2026-11-02T10:00:00") == Decimal("0.15")
        assert price("deepseek-flash", "2026-11-08T02:00:00") == Decimal("0.15")  # Sunday
        # the off-peak discount of 2025 held every day, over midnight
        assert price("deepseek-chat", "2025-06-08T16:30:00") == Decimal("0.135")
        assert price("deepseek-chat", "2025-06-08T00:29:59") == Decimal("0.135")
        assert price("deepseek-chat", "2025-06-08T00:30:00") == Decimal("0.27")

    def test_derived_meters_say_so(self, catalogue: Catalogue) -> None:
        write = at(catalogue, "openai", "gpt-4o", "cache_write_5m", "2026-01-01")
        assert write.unit_price_pico == at(catalogue, "openai", "gpt-4o", "input", "2026-01-01").unit_price_pico
        assert write.source.endswith("input rate, none listed")
        hour = at(catalogue, "openrouter", "anthropic/claude-sonnet-4.5", "cache_write_1h", "2026-01-01")
        assert usd(hour) == 6

    def test_audio_is_never_priced_as_text_by_default(self, catalogue: Catalogue) -> None:
        assert not [row for row in catalogue.rows_for("openai", "gpt-4o") if "audio" in row.sku_meter]


class TestContracts:
    def test_a_discount_holds_for_every_tier_and_only_in_its_time(self) -> None:
        start, end = us("2026-03-01"), us("2026-06-01")
        contract = Contract("openai", "gpt-4*", start, end, discount_percent=20)
        catalogue = load(contracts=[contract])
        before = at(catalogue, "openai", "gpt-4o", "input", "2026-02-28")
        inside = at(catalogue, "openai", "gpt-4o", "input", "2026-03-01")
        batch = at(catalogue, "openai", "gpt-4o", "input", "2026-05-31", "batch")
        after = at(catalogue, "openai", "gpt-4o", "input", "2026-06-01")
        assert [usd(row) for row in (before, inside, batch, after)] == [Decimal("2.5"), 2, 1, Decimal("2.5")]
        assert (inside.source, before.source.split()[0]) == ("contract", "genai-prices")
        assert inside.list_unit_price_pico == before.unit_price_pico
        assert usd(at(catalogue, "openai", "gpt-5", "input", "2026-03-01")) == Decimal("1.25")
        assert usd(at(catalogue, "azure", "gpt-4o", "input", "2026-03-01")) == Decimal("2.5")

    def test_agreed_prices_replace_the_standard_tier_and_its_steps(self) -> None:
        catalogue = load(contracts=[Contract("google", "gemini-2.5-pro", usd_per_million={"input": 1})])
        row = at(catalogue, "google", "gemini-2.5-pro", "input", "2026-03-01", size=300_000)
        assert (usd(row), row.source) == (1, "contract price")
        assert usd(at(catalogue, "google", "gemini-2.5-pro", "output", "2026-03-01", size=300_000)) == 15
        assert usd(at(catalogue, "google", "gemini-2.5-pro", "input", "2026-11-03", "batch", 300_000)) == Decimal(
            "1.25"
        )

    def test_a_contract_may_use_a_dated_name_and_a_gateways_word_for_the_provider(self) -> None:
        catalogue = load(contracts=[Contract("bedrock", "us.anthropic.claude-opus-5", discount_percent=50)])
        row = at(catalogue, "aws", "regional.anthropic.claude-opus-5", "input", "2026-09-01")
        assert (usd(row), row.source) == (Decimal("2.75"), "contract")
        assert usd(at(catalogue, "aws", "global.anthropic.claude-opus-5", "input", "2026-09-01")) == 5

    def test_the_later_contract_wins(self) -> None:
        contracts = [
            Contract("openai", "*", discount_percent=10),
            Contract("openai", "gpt-4o", usd_per_million={"input": 1.5}),
        ]
        row = at(load(contracts=contracts), "openai", "gpt-4o", "input", "2026-03-01")
        assert usd(row) == Decimal("1.5")
        assert row.list_unit_price_pico == 2_500_000

    def test_the_hash_tells_contracts_and_aliases_apart(self, catalogue: Catalogue) -> None:
        assert catalogue.snapshot_hash == load().snapshot_hash
        discounted = load(contracts=[Contract("openai", discount_percent=10)])
        assert (
            len({catalogue.snapshot_hash, discounted.snapshot_hash, load(aliases={"a": "gpt-4o"}).snapshot_hash}) == 3
        )


class TestContractsOfAConfiguration:
    def test_a_block_becomes_a_contract(self) -> None:
        config = ContractConfig("openai", "gpt-4*", "2026-03-01", "2026-06-01", discount_percent=20)
        (contract,) = from_config([config])
        assert contract == Contract("openai", "gpt-4*", us("2026-03-01"), us("2026-06-01"), 20, {})

    @pytest.mark.parametrize(
        ("config", "message"),
        [
            (ContractConfig("openai"), "says no price"),
            (ContractConfig("openai", discount_percent=120), "between -100"),
            (ContractConfig("openai", prices_per_million={"inptu": 1}), "unknown meter 'inptu'"),
            (ContractConfig("openai", prices_per_million={"input": float("nan")}), "finite number"),
            (ContractConfig("openai", discount_percent=1, prices_per_million={"input": 1}), "gives both"),
            (ContractConfig("openai", prices_per_million={"input": -1}), "finite number, 0 or more"),
            (ContractConfig("openai", valid_from="March", discount_percent=1), "March"),
            (ContractConfig("openai", valid_from="2026-03-01", valid_to="2026-03-01", discount_percent=1), "before"),
        ],
    )
    def test_a_wrong_block_is_named(self, config: ContractConfig, message: str) -> None:
        with pytest.raises(ConfigError, match=message) as caught:
            from_config([ContractConfig("openai", discount_percent=1), config])
        assert "number 2" in caught.value.message

    def test_a_misspelt_meter_gets_the_right_word(self) -> None:
        with pytest.raises(ConfigError) as caught:
            from_config([ContractConfig("openai", prices_per_million={"cache_reads": 1})])
        assert caught.value.hint == "did you mean 'cache_read'?"
