"""What a plan would have saved on a planted log: every request's own counterfactual cost."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audit import store as stores
from benchmarks.parts import documented
from benchmarks.spending.flows import STRONG, WEAK, Log, Prompt, Usage

_TESTED = """
SELECT w.name, MAX(r.input_tokens) AS tokens FROM verdict AS v JOIN workflow AS w ON w.workflow_id = v.workflow_id
JOIN replay AS p ON p.workflow_id = v.workflow_id AND p.variant = v.variant AND p.status = 'ok'
JOIN request AS r ON r.request_id = p.request_id
WHERE v.verdict = 'safe' AND v.variant <> '' AND v.cost_ratio < 1 GROUP BY w.name
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """Routes by workflow, and the longest prompt a certified variant was tried on by workflow."""

    routes: Mapping[str, Mapping[str, Any]]
    variants: Mapping[str, int]

    @property
    def steps(self) -> str:
        """In words."""
        return ", ".join(sorted({each["step"] for each in self.routes.values()}))

    @classmethod
    def of(cls, path: Path, routes: list[dict[str, Any]]) -> Plan:
        """What an audit offers."""
        with stores.open(path) as store:
            variants = {row["name"]: row["tokens"] for row in store.rows(_TESTED)}
        return cls({each["workflow"]: each for each in routes}, variants)


@dataclass(slots=True)
class Truth:
    """USD by lever: alone on the whole bill, and in the plan after what comes before it."""

    baseline: float = 0.0
    alone: dict[str, float] = field(default_factory=dict)
    steps: dict[str, float] = field(default_factory=dict)


def truth(log: Log, plan: Plan, caches: Mapping[str, Collection[int]]) -> Truth:
    """What the plan saves on this log: repeats are answered from a cache, paragraphs said once, the rest as offered.

    `caches` are the numbers of calls each cache answers where that is not just every repeat: of questions in many wordings.
    """
    found, decided = Truth(), {}
    for number, call in enumerate(log.calls):
        prompt, now = call.prompt, call.prompt.today.cost(STRONG)
        key = id(prompt)
        if key not in decided:
            decided[key] = _levers(prompt, plan)
        found.baseline += now
        left = now
        if prompt.flow.asked:
            for name, numbers in caches.items():
                if number in numbers:
                    _count(found.steps, name, now)
                    _count(found.alone, name, now)
                    left = 0.0
        for name, after in decided[key].items():
            gone = name == "exact_cache"
            if gone and call.first:
                continue
            _count(found.alone, name, now - (0.0 if gone else after(prompt.today)))
            _count(found.steps, name, left - (0.0 if gone else after(_trimmed(prompt, name))) if left else 0.0)
            left = 0.0 if gone or not left else after(_trimmed(prompt, name))
    return found


def _count(where: dict[str, float], name: str, usd: float) -> None:
    where[name] = where.get(name, 0.0) + usd


def _trimmed(prompt: Prompt, name: str) -> Usage:
    cut = prompt.repeated_tokens if name == "routing" else 0
    return Usage(prompt.today.input - cut, prompt.today.output)


def _levers(prompt: Prompt, plan: Plan) -> dict[str, Callable[[Usage], float]]:
    """The levers that change a request, in rollout order, each with what is paid then of what is asked today."""
    flow = prompt.flow
    made: dict[str, Callable[[Usage], float]] = {}
    if flow.pings:
        return {"filtered": lambda asked: 0.0}
    if flow.repeats > 1:
        made["exact_cache"] = lambda asked: 0.0
    if flow.noticed:
        made["repeated_text"] = lambda asked: Usage(asked.input - prompt.repeated_tokens, asked.output).cost(STRONG)
    route = plan.routes.get(flow.name)
    if route is None and prompt.today.input <= plan.variants.get(flow.name, -1):
        made["certified_variants"] = lambda asked: prompt.briefly.cost(STRONG)
    if route is not None and prompt.today.input <= (route["max_input_tokens"] or 1 << 60):
        sent, kept = _fate(prompt, route)
        if sent:
            made["routing"] = lambda asked: _routed(prompt, asked, kept)
    return made


def _routed(prompt: Prompt, asked: Usage, kept: bool) -> float:
    """The cheap model's tokens shrink with the prompt; an answer that is sent back is paid twice."""
    theirs = Usage(round(prompt.candidate.input * asked.input / prompt.today.input), prompt.candidate.output)
    return theirs.cost(WEAK) + (0.0 if kept else asked.cost(STRONG))


def _fate(prompt: Prompt, route: Mapping[str, Any]) -> tuple[bool, bool]:
    """Whether the cheap model is asked, and whether its answer is kept."""
    how = route["apply"]
    if route["step"] == "whole":
        return True, True
    if route["step"] == "cascade":
        return True, not prompt.sent_back
    if "router" in how:
        sent = bool(documented()(how["router"], prompt.text, prompt.today.input))
        return sent, True
    when = how["when"]
    inside = when.get("input_tokens_from", 0) <= prompt.today.input <= when.get("input_tokens_to", 1 << 60)
    return inside, True
