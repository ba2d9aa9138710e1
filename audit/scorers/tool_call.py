"""Tool calls: the same tools, with equal arguments wherever the tool requires them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audit.scorers import Answer, Context, Score, Scorer, ToolCall
from audit.scorers._doubt import unsaid
from audit.scorers._schema import violation
from audit.scorers._trees import Difference, difference, leaf_match, same_multiset


def _judge(reference: Answer, candidate: Answer, context: Context) -> Score:
    if not reference.tool_calls:
        return Score(0.0, None, "the logged answer calls no tool")
    if not candidate.tool_calls:
        return Score(0.0, False, "calls no tool")
    value = _argument_f1(reference, candidate)
    if not same_multiset([call.name for call in reference.tool_calls], [call.name for call in candidate.tool_calls]):
        return Score(value, False, "calls other tools")
    pairs = _paired(list(reference.tool_calls), list(candidate.tool_calls), context)
    broken = _first_violation([theirs for _, theirs in pairs], context)
    if broken:
        return Score(value, False, f"breaks the tool's schema: {broken}")
    return _decide(value, [_parts(ours, theirs, context) for ours, theirs in pairs], context)


def _decide(value: float, parts: list[Difference], context: Context) -> Score:
    wrong = sum(len(part.wrong) for part in parts)
    worded = sum(len(part.free_text) for part in parts)
    extra, missing = sum(len(part.extra) for part in parts), sum(len(part.missing) for part in parts)
    if wrong:
        chosen = [each for part in parts for each in part.values if unsaid(each, context)]
        return Score(value, False, f"{wrong} arguments differ", doubtful=len(chosen) == wrong)
    if worded:
        return Score(value, None, f"{worded} free-text arguments are worded differently")
    if extra:
        return Score(value, None, f"{extra} optional arguments added")
    if missing:
        return Score(value, None, f"{missing} optional arguments left out")
    return Score(value, True, "same calls")


def _argument_f1(reference: Answer, candidate: Answer) -> float:
    ours = [{call.name: call.arguments} for call in reference.tool_calls]
    theirs = [{call.name: call.arguments} for call in candidate.tool_calls]
    return leaf_match(ours, theirs).f1


def _parts(ours: ToolCall, theirs: ToolCall, context: Context) -> Difference:
    return difference(ours.arguments, theirs.arguments, context.tools.get(ours.name))


def _paired(reference: list[ToolCall], candidate: list[ToolCall], context: Context) -> list[tuple[ToolCall, ToolCall]]:
    """Each logged call with the call of the same tool that differs least from it."""
    pairs = []
    for ours in reference:
        same_tool = [at for at, call in enumerate(candidate) if call.name == ours.name]
        at = min(same_tool, key=lambda at: _weight(_parts(ours, candidate[at], context)))
        pairs.append((ours, candidate.pop(at)))
    return pairs


def _weight(parts: Difference) -> tuple[int, int, int]:
    return len(parts.wrong), len(parts.extra) + len(parts.missing), len(parts.free_text)


def _first_violation(calls: list[ToolCall], context: Context) -> str | None:
    for call in calls:
        schema: Mapping[str, Any] | None = context.tools.get(call.name)
        broken = violation(schema, call.arguments) if schema else None
        if broken:
            return broken
    return None


SCORER = Scorer("tool_call", "3", ("tool_call",), _judge)
