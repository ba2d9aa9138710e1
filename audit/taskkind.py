"""What a request asks for (classification, extraction, summary, …) and how hard it looks, by rules and without a model.

The rules are tried in a fixed order and the first that fits decides. Words are known in English, German, French,
Spanish, Italian and Portuguese.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from audit.wire.text import read_json

KINDS = (
    "tool_call",
    "classification",
    "extraction",
    "code",
    "rewrite",
    "reasoning",
    "summary",
    "drafting",
    "short_answer",
    "open",
)
CHECKED = frozenset({"classification", "extraction", "tool_call", "short_answer"})
"""Kinds whose answers a program can compare; of the others a judge or people decide."""

MIXED = "mixed"
"""Kind of a workflow whose requests do not agree on one."""

_FENCED = re.compile(r"^```(?:json)?\s*|```$")
_JSON_START = re.compile(r"\s*(?:```(?:json)?)?\s*[\[{]")
_CODE = re.compile(r"def |function |class |import |select |#include|=>", re.IGNORECASE)
_SORTS = re.compile(
    r"classif|categor|label|sentiment|intent|route|moderat"
    r"|klassifi|kategori|einordn|stimmung|absicht|étiquet|catégor|clasific|etiquet|sentimient|intenci|classific|intenzion"
)
_LABELS = re.compile(
    r"classif|categor|label|sentiment|intent|yes or no|true or false|moderat"
    r"|klassifi|kategori|stimmung|ja oder nein|catégor|oui ou non|vrai ou faux|clasific|sí o no|sì o no|sim ou não"
)
_REWRITES = re.compile(
    r"translate|rewrite|paraphras|rephrase|proofread"
    r"|übersetz|umschreib|umformulier|korrekturles|tradui|réécri|reformul|corrige|traduc|traduz|reescri|traduci|riscriv"
)
_REASONS = re.compile(
    r"\b(prove|step by step|derive|plan|strategy|root cause|analy[sz]e|compare"
    r"|beweise|schritt für schritt|leite her|ursache|analysiere|vergleiche"
    r"|démontre|étape par étape|cause profonde|analyse[rz]?|compare[rz]?"
    r"|demuestra|paso a paso|causa raíz|analiza|compara|passo a passo|analizza|confronta|analise)\b"
)
_SUMS_UP = re.compile(
    r"summar|tl;?dr|key points|minutes of|zusammenfass|kernpunkte|résum|points clés|resum|puntos clave|riassum|riepilog"
)
_DRAFTS = re.compile(
    r"\b(draft|write|compose|reply|email|e-mail|post|copy"
    r"|schreibe?|verfasse|entwirf|antworte|rédige[rz]?|écri[st]|réponds"
    r"|redacta|escribe|responde|scrivi|rispondi|escreva|responda)\b"
)
_HARD = re.compile(
    r"\b(step by step|prove|derive|why|trade-?offs?|root cause|analy[sz]e|reason|plan|strategy|multi-step"
    r"|schritt für schritt|warum|étape par étape|pourquoi|paso a paso|por qué|perché)\b"
)
_CONSTRAINT = re.compile(
    r"\b(must|only|never|always|at most|at least|exactly|do not|don't|darf|muss|nur|doit|solo|debe)\b"
)
_DOMAIN = re.compile(
    r"```|\b(contract|clause|liabilit|plaintiff|statute|diagnos|dosage|patient|symptom|theorem|integral|equation"
    r"|function|compile|stack trace|sql)\w*|[∑∫√≤≥±]"
)


@dataclass(frozen=True, slots=True)
class Features:
    """What the rules look at in one request. `distinct_outputs` is counted over its workflow."""

    system: str = ""
    user: str = ""
    answer: str = ""
    tool_calls: int = 0
    response_format: str = ""
    output_tokens: int | None = None
    input_tokens: int = 0
    reasoning_tokens: int = 0
    distinct_outputs: int = 99
    language: str = ""


def kind(features: Features) -> str:
    """The kind of one request: the first rule that fits."""
    if features.tool_calls:
        return "tool_call"
    asked = f"{features.system} {features.user}".lower()
    structured = _structured(features, asked)
    if structured:
        return structured
    if features.language or ("```" in features.answer and _CODE.search(features.answer)):
        return "code"
    return _by_words(features, asked, _length(features))


def _length(features: Features) -> int:
    """Tokens of the answer as its reader sees it: what was thought before it says nothing of the task's kind."""
    if features.output_tokens is None:
        return len(features.answer.split())
    return max(0, features.output_tokens - features.reasoning_tokens)


def _structured(features: Features, asked: str) -> str | None:
    if features.response_format not in ("json_schema", "json_object") and not _JSON_START.match(features.answer):
        return None
    try:
        value = read_json(_FENCED.sub("", features.answer.strip()))
    except ValueError:
        return None
    leaves = list(_leaves(value))
    short = len(leaves) <= 2 and all(len(str(leaf)) <= 40 for leaf in leaves)
    return "classification" if short and _SORTS.search(asked) else "extraction"


def _leaves(value: Any) -> Iterator[Any]:
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            waiting.extend(each.values())
        elif isinstance(each, list):
            waiting.extend(each)
        else:
            yield each


def _by_words(features: Features, asked: str, length: int) -> str:
    if _REWRITES.search(asked):
        return "rewrite"
    if length <= 8 and (features.distinct_outputs <= 25 or _LABELS.search(asked)):
        return "classification"
    if _REASONS.search(asked) and (length >= 200 or features.reasoning_tokens > 0):
        return "reasoning"
    if _SUMS_UP.search(asked) and features.input_tokens >= 3 * length:
        return "summary"
    if length >= 40 and _DRAFTS.search(asked):
        return "drafting"
    return "short_answer" if length <= 60 else "open"


def vote(kinds: list[str]) -> tuple[str | None, float]:
    """The kind most requests of a workflow have and their share of the votes; `mixed` below .6, None without votes."""
    if not kinds:
        return None, 0.0
    counts = {name: kinds.count(name) for name in sorted(set(kinds))}
    best = max(counts, key=lambda name: counts[name])
    share = counts[best] / len(kinds)
    return (best if share >= 0.6 else MIXED), share


def difficulty(features: Features, output_rank: float, context_rank: float, tools: int) -> float:
    """How hard a request looks, 0…1: a prior for where to look first, never a decision.

    .25 reasoning words or tokens + .20 rank of the answer's length + .15 number of constraints + .15 rank of the
    context's length + .15 a demanding domain + .10 more than one tool; ranks are shares of the workflows below.
    """
    asked = f"{features.system} {features.user}".lower()
    constraints = min(1.0, math.log1p(len(_CONSTRAINT.findall(asked))) / math.log(9))
    parts = (
        (0.25, 1.0 if features.reasoning_tokens or _HARD.search(asked) else 0.0),
        (0.20, output_rank),
        (0.15, constraints),
        (0.15, context_rank),
        (0.15, 1.0 if _DOMAIN.search(asked) else 0.0),
        (0.10, 1.0 if tools > 1 else 0.0),
    )
    return round(sum(weight * value for weight, value in parts), 4)
