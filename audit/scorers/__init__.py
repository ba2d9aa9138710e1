"""Deterministic scorers: one module per task kind, each declaring one `SCORER`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One tool call of an answer; `arguments` are decoded JSON."""

    name: str
    arguments: Any


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model answered: text without its reasoning, tool calls, and the finish reason as the provider wrote it."""

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """What the request says about a right answer.

    `labels` are the normalised answers a classification may give, None when the set is not closed; `labels_stated`
    is true when the request itself names them (an enum), not only the log; `seen` are those the log holds where the
    set is not closed. `schema` is the JSON schema asked for,
    `json_required` that the request demanded JSON. `tools` maps a tool to the JSON schema of its arguments. `disputed`:
    the log itself marks the logged answer as bad.
    """

    system: str = ""
    user: str = ""
    labels: frozenset[str] | None = None
    labels_stated: bool = False
    seen: frozenset[str] = frozenset()
    schema: Mapping[str, Any] | None = None
    json_required: bool = False
    tools: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    disputed: bool = False


@dataclass(frozen=True, slots=True)
class Score:
    """Judgement of one candidate answer: `value` in [0, 1]; `passed` None means a judge or a person must decide.

    `doubtful`: it fails, but for a reason that has been wrong of real answers; a judge or a person who is asked may say
    otherwise, and where nobody is it stays a fail.
    """

    value: float
    passed: bool | None
    reason: str
    scorer: str = ""
    version: str = ""
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Scorer:
    """How answers of some task kinds are compared with the logged one.

    `judge(reference, candidate, context)` is pure and never raises; the guards that hold for every kind run before
    it. `version` changes whenever a judgement could, so that older scores are made again.
    """

    name: str
    version: str
    kinds: tuple[str, ...]
    judge: Callable[[Answer, Answer, Context], Score]
