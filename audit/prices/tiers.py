"""From a model's standard prices to every tier's, for every window of time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from audit.prices.genai import ModelPrices, Variant
from audit.prices.overlay import Surcharge, TierRule, covers
from audit.prices.timeline import Rate, Rates, Timeline, is_token_meter, split

STANDARD = "standard"


def all_tiers(model: ModelPrices, rules: Sequence[TierRule], surcharges: Sequence[Surcharge]) -> dict[str, Timeline]:
    """Timelines by tier: published variants, variants carried back, rules of the overlay, then surcharges on each."""
    standard = split(model.standard, (variant.from_us for variant in model.variants))
    tiers: dict[str, Timeline] = {STANDARD: standard}
    for name in dict.fromkeys(variant.tier for variant in model.variants):
        tiers[name] = _published(standard, [variant for variant in model.variants if variant.tier == name])
    for rule in rules:
        if rule.provider_name == model.provider_name and rule.tier not in tiers and covers(rule.models, model.model):
            tiers[rule.tier] = [(window, _by_rule(rates, rule)) for window, rates in standard]
    tiers = {name: [(window, _complete(model, rates)) for window, rates in line] for name, line in tiers.items()}
    for surcharge in surcharges:
        if surcharge.provider_name == model.provider_name and covers(surcharge.models, model.model):
            tiers.update(_surcharged(tiers, surcharge))
    return tiers


def _published(standard: Timeline, variants: Sequence[Variant]) -> Timeline:
    first = min(variant.from_us for variant in variants)
    start = next(rates for window, rates in standard if window.to_us > first)
    line: Timeline = []
    for window, rates in standard:
        active = [variant for variant in variants if variant.from_us <= window.from_us]
        if active:
            line.append((window, {**rates, **_first_wins(active)}))
        else:
            opening = _first_wins([variant for variant in variants if variant.from_us == first])
            carried = {meter: _carried(rate, start.get(meter), rates.get(meter)) for meter, rate in opening.items()}
            line.append((window, {**rates, **carried}))
    return line


def _first_wins(variants: Iterable[Variant]) -> Rates:
    rates: dict[str, Rate] = {}
    for variant in variants:
        for meter, rate in variant.rates.items():
            rates.setdefault(meter, rate)
    return rates


def _carried(tier: Rate, standard_then: Rate | None, standard: Rate | None) -> Rate:
    """A tier's price before the day its table begins: in the same proportion to the standard price as on that day."""
    note = f"{tier.source}, carried back in proportion to the standard price"
    if standard_then is None or standard is None or standard_then.base == 0 or standard.steps == standard_then.steps:
        return Rate(tier.steps, note, tier.checked_on)
    if [threshold for threshold, _ in tier.steps] == [threshold for threshold, _ in standard_then.steps]:
        return standard.scaled(tier.base, standard_then.base, note)
    # a tier without the steps of the standard price keeps its own shape
    return tier.scaled(standard.base, standard_then.base, note)


def _by_rule(rates: Rates, rule: TierRule) -> Rates:
    result: dict[str, Rate] = {}
    for meter, rate in rates.items():
        if not is_token_meter(meter):
            result[meter] = replace(rate, inferred=rule.inferred)
            continue
        result[meter] = _times(rate, rule.exceptions.get(meter, rule.factor), rule.source, rule.inferred)
    return result


def _times(rate: Rate, factor: Decimal, source: str, inferred: bool) -> Rate:
    numerator, denominator = factor.as_integer_ratio()
    return rate.scaled(numerator, denominator, source, inferred)


def _surcharged(tiers: Mapping[str, Timeline], surcharge: Surcharge) -> dict[str, Timeline]:
    return {
        name + surcharge.suffix: [(window, _with_surcharge(rates, surcharge)) for window, rates in line]
        for name, line in tiers.items()
        if "+" not in name
    }


def _with_surcharge(rates: Rates, surcharge: Surcharge) -> Rates:
    return {
        meter: _times(rate, surcharge.factor, surcharge.source, rate.inferred) if is_token_meter(meter) else rate
        for meter, rate in rates.items()
    }


def _complete(model: ModelPrices, rates: Rates) -> Rates:
    """Add the meters a provider bills without listing them: the rate they are billed at is another meter's."""
    full = dict(rates)
    if "input" in full:
        # without a cache price a cached token is an input token; images and video are counted in text tokens
        for meter in ("cache_read", "cache_write_5m", "input_image", "input_video"):
            _stand_in(full, meter, "input", 1)
        _stand_in(full, "cache_read_image", "cache_read", 1)
        # Anthropic writes cost twice the input for an hour, wherever Claude is sold
        if "claude" in model.model:
            _stand_in(full, "cache_write_1h", "input", 2)
        else:
            _stand_in(full, "cache_write_1h", "cache_write_5m", 1)
    if model.provider_name == "google" and "gemini" in model.model:
        # Google lists audio apart where it costs more; a single price holds for every kind of input
        _stand_in(full, "input_audio", "input", 1)
        _stand_in(full, "cache_read_audio", "cache_read", 1)
        if "tts" in model.model:
            # speech is all they answer: the one price of output is that of audio
            _stand_in(full, "output_audio", "output", 1)
    if "gpt-image" in model.model:
        _stand_in(full, "output_image", "output", 1)
    return full


def _stand_in(rates: dict[str, Rate], meter: str, origin: str, times: int) -> None:
    if meter not in rates and origin in rates:
        rate = rates[origin]
        factor = "" if times == 1 else f"{times}x "
        rates[meter] = rate.scaled(times, 1, f"{rate.source}; {factor}{origin} rate, none listed", rate.inferred)
