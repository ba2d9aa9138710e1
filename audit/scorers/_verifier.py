"""Whether an answer can be used as it stands, told by a program that has no other answer to compare it with.

This is what a cascade asks before it keeps the cheap answer: does it have the form that the request or the workflow
wants. It says nothing of whether the answer is right, and knows nothing of the logged one.
"""

from __future__ import annotations

from audit.scorers import Answer, Context
from audit.scorers._normalise import find_json, is_document, normalise
from audit.scorers._schema import violation

CHECKS = {
    "json": "it is a JSON object or list, bare or as the only thing in a code fence",
    "json_schema": "it is JSON that keeps to the schema of the request",
    "label": "it is one of the labels, but for case, punctuation and white space around it",
    "tool_call": "it calls tools, each one that the request offers, with arguments that keep to that tool's schema",
}
"""Checks by name, in the words of somebody who has to write them."""


def check_of(kind: str, context: Context) -> str | None:
    """The check there is for answers to this request; None where no program could tell."""
    if kind == "tool_call":
        return "tool_call" if context.tools else None
    if context.schema:
        return "json_schema"
    if kind == "classification":
        return "label" if context.labels else None
    return "json" if kind == "extraction" or context.json_required else None


def accepts(check: str, answer: Answer, context: Context) -> bool:
    """Whether an answer passes a check."""
    if check == "tool_call":
        return bool(answer.tool_calls) and all(
            call.name in context.tools and violation(context.tools[call.name], call.arguments) is None
            for call in answer.tool_calls
        )
    if answer.tool_calls:
        return False
    if check == "label":
        return normalise(answer.text) in (context.labels or ())
    found = find_json(answer.text)
    if found is None or not is_document(found.value) or found.wrapped == "text":
        return False
    return check == "json" or violation(context.schema or {}, found.value) is None
