"""One judgement: the guards first, then the scorer of the task kind."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from audit import plugins
from audit.scorers import Answer, Context, Score, Scorer
from audit.scorers._guards import VERSION, guard
from audit.scorers._normalise import find_json, is_document
from audit.scorers._source import source

LONGEST = 100_000
"""Characters of the longest answer programs compare; comparing takes some microseconds a character, and more where
text is made to be slow to read."""

_SHORT_WORDS = 45
_BY_TEXT = frozenset({"tool_call", "mixed", "unknown", ""})
_NOT_JSON = frozenset({"classification", "extraction", "code", "reasoning"})


@cache
def _scorers() -> dict[str, Scorer]:
    """The scorer of each kind; an installed one takes the place of a built-in one."""
    return {kind: scorer for scorer in plugins.find("scorers", "SCORER") for kind in scorer.kinds}


def versions() -> dict[str, str]:
    """Version of every deterministic scorer, the guards' own included."""
    return {scorer.name: _version(scorer) for scorer in _scorers().values()}


def _version(scorer: Scorer) -> str:
    return f"{scorer.version}.{VERSION}"


def kind_of(kind: str | None, reference: Answer) -> str:
    """Task kind of one answer: its workflow's, unless the logged answer has another shape."""
    if reference.tool_calls:
        return "tool_call"
    found = find_json(reference.text)
    document = found is not None and is_document(found.value)
    if document and kind not in _NOT_JSON:
        return "extraction"
    if not document and source(reference.text) is not None:
        return "code"
    if (kind or "") in _BY_TEXT or (kind == "extraction" and not document):
        return _kind_of_text(reference.text)
    return kind if kind in _scorers() else "open"


def _kind_of_text(text: str) -> str:
    if "```" in text:
        return "code"
    return "short_answer" if len(text.split()) <= _SHORT_WORDS else "open"


def judge(kind: str, reference: Answer, candidate: Answer, context: Context) -> Score:
    """Judge a candidate answer; never raises on any text.

    A logged answer without text (dropped for privacy, or never logged) leaves every candidate undecided, and so does
    one that the log marks as bad every candidate that differs from it. Of answers longer than `LONGEST` only the very
    same text is told; others are undecided.
    """
    scorer = _scorers()[kind]
    long = max(len(reference.text), len(candidate.text)) > LONGEST
    if not reference.text.strip() and not reference.tool_calls:
        found = Score(0.0, None, "the logged answer has no text")
    elif long and (reference.text, reference.tool_calls) == (candidate.text, candidate.tool_calls):
        found = Score(1.0, True, "same text")
    elif long:
        found = Score(0.0, None, f"longer than {LONGEST:,} characters, which programs do not compare")
    else:
        broken = guard(reference, candidate, context)
        found = Score(0.0, False, broken) if broken else _compared(scorer, reference, candidate, context)
    return replace(found, scorer=scorer.name, version=_version(scorer))


def _compared(scorer: Scorer, reference: Answer, candidate: Answer, context: Context) -> Score:
    found = scorer.judge(reference, candidate, context)
    if found.passed is False and context.disputed:
        return replace(
            found, passed=None, doubtful=False, reason=f"{found.reason}, but the log marks the logged answer as bad"
        )
    return found
