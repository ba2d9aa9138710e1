"""The support team: frequent questions, intent classification on a flagship model, and chats that grow."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from random import Random
from typing import Any

from audit.samples.calls import RATE_LIMIT, SERVER_ERROR, Call
from audit.samples.texts import support as words
from audit.samples.timetable import NOVEMBER, OFFICE_HOURS, SHOP_HOURS, day_of
from audit.samples.workflows._desk import (
    Desk,
    chat_parts,
    chat_request,
    enum_format,
    environment,
    finish_call,
    turn,
)

SOURCE = "support-openai-chat"
_ZIPF = list(accumulate(1 / rank**1.05 for rank in range(1, len(words.FAQS) + 1)))


def calls(desk: Desk) -> Iterator[Call]:
    """Yield every call of the support team."""
    yield from _faq(desk)
    yield from _intents(desk)
    yield from _chats(desk)


def _chat(workflow: str, moment: int, body: dict[str, Any], answer: str, **values: Any) -> Call:
    return Call(
        workflow,
        SOURCE,
        "chat",
        moment,
        body["model"],
        body,
        chat_parts(body),
        answer,
        team="support",
        feature=workflow,
        **values,
    )


def _surface(rng: Random, question: str) -> tuple[str, str]:
    """Return the question as a customer types it, and how it differs from the plain form."""
    roll = rng.random()
    if roll < 0.70:
        return question, "plain"
    if roll < 0.80:
        return question.lower(), "case"
    if roll < 0.84:
        return question.upper(), "case"
    if roll < 0.90:
        return question.replace(" ", "  ", 1) + " ", "whitespace"
    return question.rstrip("?.") + rng.choice(("", "??", " ?")), "punctuation"


def _faq(desk: Desk) -> Iterator[Call]:
    rng = desk.rng("support-faq")
    total = desk.calendar.scale(940)
    for moment in desk.calendar.moments(rng, total, SHOP_HOURS, weekend=1.1):
        faq = rng.choices(words.FAQS, cum_weights=_ZIPF)[0]
        plants: dict[str, str] = {}
        if rng.random() < 0.015:
            question, answer = rng.choice(words.GIBBERISH), words.UNKNOWN_ANSWER
            plants["gibberish"] = "gibberish"
        else:
            question, surface = _surface(rng, faq.question)
            if faq.paraphrases and rng.random() < 0.07:
                question, surface = rng.choice(faq.paraphrases), "paraphrase"
            plants["faq_surface"] = surface
            answer = faq.answer + (words.FAQ_CLOSING if rng.random() < 0.012 else "")
        body = chat_request(
            "gpt-5.5",
            [turn("system", words.FAQ_SYSTEM), turn("user", question)],
            temperature=0,
            reasoning_effort="none",
            max_completion_tokens=200,
        )
        failure = RATE_LIMIT if rng.random() < 0.006 else None
        call = _chat(
            "support-faq",
            moment,
            body,
            answer,
            environment=environment(rng),
            failure=failure,
            user=desk.calendar.user(rng, moment),
            plants=plants,
        )
        yield finish_call(call, rng)


def _intents(desk: Desk) -> Iterator[Call]:
    rng = desk.rng("intent-classification")
    labels = tuple(words.INTENTS)
    for moment in desk.calendar.moments(rng, desk.calendar.scale(420), SHOP_HOURS, weekend=0.9):
        label = rng.choice(labels)
        message = rng.choice(words.INTENTS[label]).format(item=rng.choice(words.ITEMS), day=rng.choice(words.WEEKDAYS))
        body = chat_request(
            "gpt-5.5",
            [turn("system", words.INTENT_SYSTEM), turn("user", message)],
            response_format=enum_format("intent", labels),
            reasoning_effort="low",
            max_completion_tokens=400,
        )
        call = _chat(
            "intent-classification",
            moment,
            body,
            f'{{"intent":"{label}"}}',
            environment=environment(rng),
            user=desk.calendar.user(rng, moment),
            reasoning_tokens=rng.choice((0, 0, 64)),
            failure=SERVER_ERROR if rng.random() < 0.004 else None,
        )
        yield finish_call(call, rng)


def _chats(desk: Desk) -> Iterator[Call]:
    rng = desk.rng("support-chat")
    starts = desk.calendar.moments(rng, desk.calendar.scale(46), OFFICE_HOURS, weekend=0.5)
    for number, start in enumerate(starts):
        longer = 3 if day_of(start) >= NOVEMBER else 0
        yield from _conversation(desk, rng, number, start, rng.randint(5, 12) + longer)


def _fill(rng: Random, template: str, facts: dict[str, Any]) -> str:
    return template.format(n=rng.randint(3, 14), **facts)


def _advice(rng: Random, facts: dict[str, Any]) -> str:
    """Return an answer of several sentences, in an order that reads well."""
    chosen = sorted(rng.sample(range(len(words.CHAT_SENTENCES)), rng.randint(7, 14)))
    return " ".join(_fill(rng, words.CHAT_SENTENCES[index], facts) for index in chosen)


def _conversation(desk: Desk, rng: Random, number: int, start: int, turns: int) -> Iterator[Call]:
    user = desk.calendar.user(rng, start)
    item, other = rng.sample(words.CHAT_ITEMS, 2)
    facts = {"order": 400_000 + rng.randrange(90_000), "item": item, "other": other}
    history = [turn("system", words.CHAT_SYSTEM)]
    moment = start
    for index in range(turns):
        templates = words.CHAT_OPENERS if index == 0 else words.CHAT_FOLLOW_UPS
        history.append(turn("user", _fill(rng, rng.choice(templates), facts)))
        answer = _advice(rng, facts)
        body = chat_request(
            "gpt-5-mini",
            list(history),
            reasoning_effort="minimal",
            stream=True,
            stream_options={"include_usage": True},
            max_completion_tokens=800,
        )
        metadata: dict[str, Any] = {"conversation_id": f"conv-{number:04d}"}
        plants: dict[str, str] = {}
        if index == turns - 1:
            metadata["outcome"] = "resolved" if rng.random() < 0.8 else "handed_over"
        call = _chat("support-chat", moment, body, answer, user=user, metadata=metadata, plants=plants)
        yield finish_call(call, rng, streamed=True)
        if rng.random() < 0.03:
            yield _double_click(rng, call, number)
        history.append(turn("assistant", answer))
        moment += call.latency_ms + round(1000 * rng.uniform(25, 200))


def _double_click(rng: Random, first: Call, number: int) -> Call:
    """Send the same prompt again while the first answer is still being written; both are billed."""
    first.plants["in_flight"] = f"chat-{number:04d}-{first.started_ms}"
    again = _chat(
        first.workflow,
        first.started_ms + rng.randint(150, 900),
        first.request,
        str(first.answer),
        user=first.user,
        metadata=first.metadata,
        plants=dict(first.plants),
    )
    return finish_call(again, rng, streamed=True)
