"""What makes an answer unusable whatever its task: checked before every scorer."""

from __future__ import annotations

import re

from audit.refusals import refuses
from audit.scorers import Answer, Context
from audit.scorers._language import language
from audit.scorers._normalise import find_json, given_json, is_document, normalise, word_set, words

VERSION = "7"
_TRUNCATED = word_set(
    "length max_tokens max_output_tokens model_context_window_exceeded model_length token_limit incomplete"
)
_BLOCKED = word_set(
    "content_filter content_filtered refusal safety recitation blocklist prohibited_content spii guardrail_intervened"
    " image_safety"
)
# a JSON document or list cut inside a text is no sentence, whatever its last sign
_SENTENCE_END = re.compile(r"(?<![{\[:,\d])[.!?…。！？][\"'”’»)\]]{0,3}$")
_LEAK_WORDS = 12
_OPENING = 8000
_NAMES_INSTRUCTIONS = re.compile(
    r"\b(?:system prompt|(?:my|the|these|initial) instructions|i was told to)\b", re.IGNORECASE
)


def finish_state(answer: Answer) -> str:
    """`empty`, `truncated`, `refused` or `complete`, from the text and the finish reason of any provider."""
    reason = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", answer.finish_reason or "").casefold()
    if reason in _BLOCKED or (not answer.tool_calls and refuses(answer.text)):
        return "refused"
    if reason in _TRUNCATED:
        return "truncated"
    if not answer.tool_calls and not answer.text.strip():
        return "empty"
    return "complete"


def is_whole(reference: Answer, candidate: Answer, context: Context) -> bool:
    """Whether an answer that stopped at the output limit was at its end there.

    A model that needs exactly the tokens it is allowed (a label with `max_tokens` of its length) has no room left to
    say that it is done. Whole is the logged answer's own text, a label of the set, a JSON document, tool calls whose
    arguments can be read, a closed code block, and a text that ends as a sentence does: whether another one was to
    follow is for the scorer, a judge or a person to see.
    """
    if candidate.tool_calls:
        return all(isinstance(call.arguments, dict) for call in candidate.tool_calls)
    text = candidate.text.strip()
    if text and (_worded(text) == _worded(reference.text) or normalise(text) in (context.labels or ())):
        return True
    found = find_json(text)
    if found is not None and is_document(found.value):
        return True
    if "```" in text:
        return text.endswith("```") and text.count("```") % 2 == 0
    return _SENTENCE_END.search(text) is not None


def _worded(text: str) -> str:
    """The text without case, layout and the full stop at its end; brackets stay, since a cut document lacks them."""
    return " ".join(text.casefold().split()).rstrip(".!?。")


_STATES = {"empty": "empty answer", "truncated": "truncated at the output limit", "refused": "refusal"}


def guard(reference: Answer, candidate: Answer, context: Context) -> str | None:
    """Why a candidate answer fails whatever its task, or None.

    A state the logged answer shares (both truncated, both refusals) is no reason; the scorers then compare the texts.
    """
    state = finish_state(candidate)
    if state == "truncated" and is_whole(reference, candidate, context):
        state = "complete"
    if state != "complete" and state != finish_state(reference):
        return _STATES[state]
    if candidate.tool_calls and not reference.tool_calls:
        return "calls a tool where the logged answer is text"
    if reference.tool_calls or state != "complete":
        return None
    return (
        _broken_format(reference, candidate) or _leak(reference, candidate, context) or _language(reference, candidate)
    )


def _broken_format(reference: Answer, candidate: Answer) -> str | None:
    """JSON was logged and the candidate gives none; what stands around one is for the scorer to see."""
    logged = find_json(reference.text)
    expected = logged is not None and logged.wrapped != "text" and is_document(logged.value)
    if not expected:
        return None
    found = given_json(candidate.text)
    return None if found is not None and is_document(found.value) else "broken format: not JSON"


def _runs(text: tuple[str, ...]) -> frozenset[tuple[str, ...]]:
    return frozenset(text[start : start + _LEAK_WORDS] for start in range(len(text) - _LEAK_WORDS + 1))


def _leak(reference: Answer, candidate: Answer, context: Context) -> str | None:
    """The candidate repeats how the system prompt begins, or names its instructions and repeats any part of them.

    Repeating other parts is no leak: system prompts also hold the knowledge an answer is made of.
    """
    instructions = words(context.system[:_OPENING])
    found = _runs(words(candidate.text[:_OPENING]))
    if len(instructions) < _LEAK_WORDS or not found:
        return None
    named = _NAMES_INSTRUCTIONS.search(candidate.text) is not None
    leaked = (_runs(instructions) if named else {instructions[:_LEAK_WORDS]}) & found
    known = _runs(words(reference.text)) | _runs(words(context.user)) if leaked else leaked
    return None if leaked <= known else "leaks the system prompt"


def _language(reference: Answer, candidate: Answer) -> str | None:
    expected, found = language(reference.text), language(candidate.text)
    if expected and found and expected != found:
        return f"wrong language: {found} instead of {expected}"
    return None
