"""Cheaper models to try in place of a present one."""

from __future__ import annotations

import re
from collections.abc import Sequence

from audit.prices.genai import ModelPrices
from audit.prices.rows import WEEK_US, Candidate
from audit.prices.timeline import Rates

# models that answer in another form than text, or that only make sense behind one product
_OTHER = re.compile(
    r"image|audio|realtime|transcri|whisper|tts|live|embed|moderation|search|deep-research|computer-use|robotics"
    r"|ft:|ft-|instruct|codex|cyber|rosalind|vision|guard|omni|nano-banana|preview-tts|rerank|translate|ocr|:free$"
)
_FAMILY = re.compile(r"(?:[a-z]{2,6}\.|regional\.|global\.)?(?:[a-z0-9-]+[./])?([a-z]+)")


def rank(present: ModelPrices, others: Sequence[ModelPrices], on_us: int, output_share: float) -> list[Candidate]:
    """Candidates that cost less than the present model, the same family first, then the cheapest."""
    today = blended(present, on_us, output_share)
    if not today:
        return []
    family = family_of(present.model)
    # where a provider's tier list marks what is current, a model off that list is on its way out
    marks_current = any(other.listed for other in others)
    found: list[Candidate] = []
    for other in others:
        if other.model == present.model or other.deprecated or _OTHER.search(other.model):
            continue
        if (marks_current and not other.listed) or other.context_window is None:
            continue
        price = blended(other, on_us, output_share)
        if price and price < today:
            found.append(
                Candidate(
                    provider_name=other.provider_name,
                    model=other.model,
                    price_ratio=price / today,
                    same_family=family_of(other.model) == family,
                    context_window=other.context_window,
                )
            )
    return sorted(found, key=lambda candidate: (not candidate.same_family, candidate.price_ratio, candidate.model))


def family_of(model: str) -> str:
    """The first word of a model's own name: gpt, claude, gemini, o."""
    found = _FAMILY.match(model.lower())
    return found[1] if found else model


def blended(model: ModelPrices, at_us: int, output_share: float) -> float:
    """Pico-USD per token at a share of output tokens, smallest size step; 0 when input or output has no price."""
    rates = _at(model, at_us)
    if rates is None or "input" not in rates or "output" not in rates:
        return 0.0
    return rates["input"].base * (1 - output_share) + rates["output"].base * output_share


def _at(model: ModelPrices, at_us: int) -> Rates | None:
    week = at_us % WEEK_US
    for window, rates in model.standard:
        if window.from_us <= at_us < window.to_us and window.week_from_us <= week < window.week_to_us:
            return rates
    return None
