from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from audit.errors import PriceError
from audit.prices.catalogue import Catalogue, load

NOW_US = int(datetime(2026, 11, 20, tzinfo=UTC).timestamp()) * 1_000_000


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load()


class TestCandidates:
    def test_cheaper_models_of_the_house_come_first(self, catalogue: Catalogue) -> None:
        found = catalogue.cheaper_candidates("openai", "gpt-4o", NOW_US)
        assert {candidate.model for candidate in found} >= {"gpt-4o-mini", "gpt-5-mini", "gpt-4.1-mini", "gpt-6-luna"}
        assert all(candidate.price_ratio < 1 for candidate in found)
        assert all(candidate.provider_name == "openai" for candidate in found)
        keys = [(not candidate.same_family, candidate.price_ratio) for candidate in found]
        assert keys == sorted(keys)

    def test_only_models_that_can_do_the_work_and_stay(self, catalogue: Catalogue) -> None:
        for provider, model in (
            ("openai", "gpt-5.5"),
            ("anthropic", "claude-opus-4-1"),
            ("google", "gemini-2.5-pro"),
            ("aws", "regional.anthropic.claude-opus-4-1-20250805-v1:0"),
            ("mistral", "mistral-medium-latest"),
        ):
            names = [candidate.model for candidate in catalogue.cheaper_candidates(provider, model, NOW_US)]
            assert names, model
            unfit = ("embed", "audio", "image", "tts", "realtime", "claude-3", "gpt-3.5", "ft:", "whisper", "2.0-flash")
            assert not [name for name in names if any(word in name for word in unfit)]
            assert all(candidate.context_window for candidate in catalogue.cheaper_candidates(provider, model, NOW_US))

    def test_the_mix_of_input_and_output_matters(self, catalogue: Catalogue) -> None:
        # 2.5 Flash against 3 Flash preview: cheaper input by far, output closer
        def ratio(share: float) -> float:
            found = catalogue.cheaper_candidates("google", "gemini-3-flash-preview", NOW_US, output_share=share)
            return next(candidate.price_ratio for candidate in found if candidate.model == "gemini-2.5-flash")

        assert ratio(0.0) == pytest.approx(0.3 / 0.5)
        assert ratio(1.0) == pytest.approx(2.5 / 3)

    def test_the_price_of_the_day_counts(self, catalogue: Catalogue) -> None:
        later = int(datetime(2027, 1, 2, tzinfo=UTC).timestamp()) * 1_000_000
        now = {c.model: c.price_ratio for c in catalogue.cheaper_candidates("google", "gemini-2.5-pro", NOW_US)}
        then = {c.model: c.price_ratio for c in catalogue.cheaper_candidates("google", "gemini-2.5-pro", later)}
        assert then["gemini-3.8-flash"] == pytest.approx(2 * now["gemini-3.8-flash"])

    def test_the_price_table_can_hold_models_with_their_candidates(self, catalogue: Catalogue) -> None:
        keys = catalogue.with_candidates([("openai", "gpt-4o"), ("vllm", "private")], NOW_US)
        candidates = catalogue.cheaper_candidates("openai", "gpt-4o", NOW_US)
        assert set(keys) == {
            ("openai", "gpt-4o"),
            ("vllm", "private"),
            *(("openai", found.model) for found in candidates),
        }

    def test_unknown_models_have_no_candidates(self, catalogue: Catalogue) -> None:
        assert catalogue.cheaper_candidates("openai", "no-such-model", NOW_US) == []


class TestCacheRules:
    @pytest.mark.parametrize(
        ("provider", "model", "minimum", "match", "premium"),
        [
            ("openai", "gpt-4o", 1024, "longest_prefix", False),
            ("openai", "gpt-5-mini", 1024, "longest_prefix", False),
            ("openai", "gpt-5.4", 2048, "longest_prefix", False),
            ("openai", "gpt-5.6-sol", 1024, "exact_breakpoint", True),
            ("azure", "gpt-6.1-sol", 1024, "exact_breakpoint", True),
            ("anthropic", "claude-opus-5-5", 512, "breakpoints", True),
            ("anthropic", "claude-sonnet-4-5", 1024, "breakpoints", True),
            ("anthropic", "claude-opus-4-7", 2048, "breakpoints", True),
            ("anthropic", "claude-haiku-4-5", 4096, "breakpoints", True),
            ("aws", "regional.anthropic.claude-haiku-4-5-20251001-v1:0", 4096, "breakpoints", True),
            ("google", "gemini-2.5-pro", 2048, "longest_prefix", False),
            ("google", "gemini-3.8-flash", 4096, "longest_prefix", False),
        ],
    )
    def test_minimum_match_and_premium(
        self, catalogue: Catalogue, provider: str, model: str, minimum: int, match: str, premium: bool
    ) -> None:
        rule = catalogue.cache_rule(provider, model, NOW_US)
        assert rule is not None
        assert (rule.min_tokens, rule.match, rule.write_premium) == (minimum, match, premium)
        assert rule.source
        assert 0 < rule.reliability <= 1

    def test_a_premium_in_the_rule_is_a_premium_in_the_prices(self, catalogue: Catalogue) -> None:
        for provider, model in catalogue.models():
            rule = (
                catalogue.cache_rule(provider, model, NOW_US) if provider in ("openai", "anthropic", "google") else None
            )
            rows = {
                row.sku_meter: row
                for row in catalogue.rows_for(provider, model)
                if row.service_tier == "standard" and row.valid_from_us <= NOW_US < row.valid_to_us
            }
            if rule is None or "cache_write_5m" not in rows:
                continue
            dearer = rows["cache_write_5m"].unit_price_pico > rows["input"].unit_price_pico
            assert dearer == rule.write_premium, model

    def test_nothing_is_assumed_where_nothing_is_known(self, catalogue: Catalogue) -> None:
        assert catalogue.cache_rule("openai", "gpt-3.5-turbo", NOW_US) is None
        assert catalogue.cache_rule("vllm", "qwen", NOW_US) is None
        before_caching = int(datetime(2024, 6, 1, tzinfo=UTC).timestamp()) * 1_000_000
        assert catalogue.cache_rule("openai", "gpt-4o", before_caching) is None


def test_meters_a_model_lists(catalogue: Catalogue) -> None:
    assert catalogue.has_meter("perplexity", "sonar", "request")
    assert catalogue.has_meter("perplexity", "sonar-deep-research", "output_reasoning")
    assert not catalogue.has_meter("openai", "gpt-4o", "request")
    assert not catalogue.has_meter("openai", "no-such-model", "input")


def test_known_disagreements_are_kept(catalogue: Catalogue) -> None:
    conflicts = catalogue.uncertainty("deepseek", "deepseek-v4-pro")
    assert {conflict.sku_meter for conflict in conflicts} == {"input", "output"}
    assert all(conflict.other_unit_price_pico > 0 and conflict.note for conflict in conflicts)
    assert catalogue.uncertainty("openai", "gpt-4o") == []


class TestOwnOverlay:
    def test_its_prices_come_on_top_and_its_rules_first(self, tmp_path: Path) -> None:
        path = tmp_path / "prices.toml"
        path.write_text(
            """
            checked_on = "2026-11-20"
            [provider_names]
            azure = ["corp-gateway"]
            [[model]]
            provider = "openai"
            model = "gpt-private"
            prices = { input = 7, output = [9, [100000, 18]] }
            source = "a letter"
            [[tier]]
            provider = "anthropic"
            models = ["claude-2"]
            tier = "batch"
            factor = 0.25
            source = "a letter"
            """,
            encoding="utf-8",
        )
        catalogue = load(path)
        assert catalogue.snapshot_hash != load().snapshot_hash
        gateway = catalogue.resolve("corp-gateway", "gpt-4o")
        assert gateway is not None
        assert gateway.provider_name == "azure"
        rows = [row for row in catalogue.rows_for("openai", "gpt-private") if row.service_tier == "standard"]
        output = sorted((row.input_threshold, row.unit_price_pico) for row in rows if row.sku_meter == "output")
        assert output == [(-1, 9_000_000), (100_000, 18_000_000)]
        assert {row.checked_on for row in rows if row.sku_meter == "output"} == {"2026-11-20"}
        batch = [row for row in catalogue.rows_for("anthropic", "claude-2") if row.service_tier == "batch"]
        assert {row.unit_price_pico for row in batch if row.sku_meter == "input"} == {2_000_000}

    @pytest.mark.parametrize(
        "text", ["[[tier]\n", "[[tier]]\nprovider = 'x'\n", "[[model]]\nprovider='x'\nmodel='y'\n"]
    )
    def test_a_broken_file_is_named(self, tmp_path: Path, text: str) -> None:
        path = tmp_path / "broken.toml"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(PriceError, match=r"broken\.toml"):
            load(path)

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(PriceError, match=r"nowhere\.toml"):
            load(tmp_path / "nowhere.toml")
