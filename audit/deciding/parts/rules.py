"""Simple rules: one or two facts a gateway knows of a request, its length first.

Thresholds are the deciles of the prompts' lengths, fixed before any answer is looked at; short prompts first, or long
ones first, among all prompts, among those that offer tools or none, among those of one language. Nothing is learned
from answers, so the rule that is certified is the rule that will run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from audit.deciding.parts.ground import LEAST_ROUTED, Ground, Part, certify
from audit.deciding.parts.policy import Policy
from audit.deciding.parts.prompts import Prompt
from audit.statistics.arrays import BoolArray, IntArray

DECILES = tuple(share / 10 for share in range(1, 10))
MOST_LANGUAGES = 3


@dataclass(frozen=True, eq=False)
class Rule:
    """A sequence of parts told apart by at most two facts."""

    name: str
    parts: Sequence[Part]


def rules(lengths: Sequence[int | None], prompts: Sequence[Prompt]) -> list[Rule]:
    """The rules that can tell these prompts apart; a fact that is the same of nearly all of them makes none."""
    if not lengths or any(length is None for length in lengths):
        return []
    tokens = np.array(lengths, dtype=np.int64)
    everything = np.ones(tokens.size, dtype=np.bool_)
    found = [
        _by_length("short prompts", tokens, everything, {}),
        _by_length("long prompts", tokens, everything, {}, longest=True),
    ]
    for name, fact, holds in _facts(prompts):
        short = _by_length(name, tokens, holds, fact)
        found.append(Rule(name, [*short.parts, Part(holds, _conditions(fact))]))
    return [rule for rule in found if rule.parts]


def tested_rules(ground: Ground, found: Sequence[Rule]) -> list[Policy]:
    """What came of each rule."""
    return [certify(ground, "rule", rule.name, rule.parts) for rule in found]


def _by_length(name: str, tokens: IntArray, within: BoolArray, fact: dict[str, Any], *, longest: bool = False) -> Rule:
    """Ever longer prompts, or ever shorter ones from the longest, of those `within`, but not all of them."""
    cuts = {int(np.quantile(tokens[within], share, method="lower" if not longest else "higher")) for share in DECILES}
    parts = []
    for cut in sorted(cuts, reverse=longest):
        sent = within & (tokens >= cut if longest else tokens <= cut)
        if sent.sum() < within.sum():
            bound = {"input_tokens_from": cut} if longest else {"input_tokens_to": cut}
            only_length = not fact and not longest
            parts.append(Part(sent, _conditions({**fact, **bound}), max_input_tokens=cut if only_length else None))
    return Rule(name, parts)


def _facts(prompts: Sequence[Prompt]) -> Iterator[tuple[str, dict[str, Any], BoolArray]]:
    tools = np.array([prompt.tools > 0 for prompt in prompts])
    yield from _worth("prompts without tools", {"tools_offered": False}, ~tools)
    yield from _worth("prompts with tools", {"tools_offered": True}, tools)
    languages = np.array([prompt.language for prompt in prompts])
    for language, _ in Counter(languages.tolist()).most_common(MOST_LANGUAGES):
        if language:
            yield from _worth(f"prompts in {language}", {"language": language}, languages == language)


def _worth(name: str, fact: dict[str, Any], holds: BoolArray) -> Iterator[tuple[str, dict[str, Any], BoolArray]]:
    """A fact that holds of enough prompts and of enough not."""
    if min(int(holds.sum()), int((~holds).sum())) >= LEAST_ROUTED:
        yield name, fact, holds


def _conditions(facts: dict[str, Any]) -> Callable[[], dict[str, Any]]:
    return lambda: {"when": facts}
