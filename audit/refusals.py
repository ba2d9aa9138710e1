"""Answers that decline to answer, known by how they open."""

from __future__ import annotations

import re

LEAD = 300
"""Characters of an answer in which a refusal stands."""

LONGEST = 600
"""Characters of the longest answer that is nothing but a refusal; longer ones go on and answer something."""

REFUSAL = (
    r"(?i)\bas an ai\b|\b(?:i['’]m|i am) (?:sorry|afraid),? (?:but )?(?:i )?"
    r"(?:can(?:no|['’])t|am unable|['’]m unable|won['’]t)"
    r"|\bi (?:can(?:not|['’]t)|won['’]t|will not|am (?:unable|not able) to)"
    r" (?:help|assist|comply|fulfil|answer|respond|do that|engage|participate|continue with|provide (?:that|this|you))"
    r"|\bi['’]m (?:unable|not able) to (?:help|assist|comply|fulfil|answer|respond|do that|engage|participate"
    r"|continue with|provide (?:that|this|you))"
    r"|\b(?:es tut mir leid|tut mir leid|entschuldigung),? aber ich kann|\bich kann (?:dabei|dir|ihnen)? ?nicht helfen"
    r"|\bje suis désolée?,? mais je ne peux|\bje ne peux pas (?:vous |t['’])?(?:aider|répondre)"
    r"|\blo siento,? pero no puedo|\bno puedo (?:ayudar|responder)"
    r"|\b(?:desculpe|sinto muito),? mas não (?:posso|consigo)|\bmi dispiace,? ma non posso"
    r"|(?:抱歉|对不起|對不起)[，,]?(?:但)?我?(?:无法|無法|不能)"
    r"|申し訳(?:ありません|ございません|ないのですが)[^。]{0,40}(?:できません|出来ません|いたしかねます|お答えできかねます)"
)
"""A regular expression that both engines in use read."""

_REFUSAL = re.compile(REFUSAL)


def refuses(text: str) -> bool:
    """Whether an answer opens with a refusal, in one of eight languages."""
    return _REFUSAL.search(text[:LEAD]) is not None
