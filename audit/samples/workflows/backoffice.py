"""Back-office work on Anthropic: a cache that is written and hardly read, and a prefix that nobody marked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from audit.samples.calls import OVERLOADED, Call
from audit.samples.texts import business, catalog
from audit.samples.timetable import OFFICE_HOURS
from audit.samples.workflows._desk import Desk, finish_call

SOURCE = "backoffice-anthropic-messages"
REVIEW_MODEL = "claude-opus-4-8"
LISTING_MODEL = "claude-sonnet-4-5"


def calls(desk: Desk) -> Iterator[Call]:
    """Yield the contract reviews and the listing checks."""
    yield from _contracts(desk)
    yield from _listings(desk)


def _contracts(desk: Desk) -> Iterator[Call]:
    rng = desk.rng("contract-review")
    for moment in desk.calendar.moments(rng, desk.calendar.scale(135), OFFICE_HOURS, weekend=0.05, growth=0.5):
        clause = rng.choice(business.CLAUSES)
        facts = {"c": clause, "days": rng.randint(20, 90), "amount": 1000 * rng.randint(2, 90), "n": rng.randint(2, 40)}
        standard = rng.choice((10, 14))
        answer = business.CONTRACT_ANSWER.format(mark=rng.choice(("red", "amber")), standard=standard, **facts)
        system = [{"type": "text", "text": business.CONTRACT_POLICY, "cache_control": {"type": "ephemeral"}}]
        text = business.CONTRACT_CLAUSE.format(**facts)
        request = {
            "model": REVIEW_MODEL,
            "max_tokens": 1024,
            "system": system,
            "messages": [{"role": "user", "content": text}],
        }
        call = _call("contract-review", moment, request, [business.CONTRACT_POLICY, text], answer, rng.random() < 0.01)
        call.user, call.feature, call.cacheable = f"u-{rng.randrange(9):04d}", "contract-review", 1
        call.plants["rarely_read_write"] = "write"
        yield finish_call(call, rng)


def _listings(desk: Desk) -> Iterator[Call]:
    rng = desk.rng("listing-check")
    # a worker drains its queue about once a minute, so the same prefix comes again long before five minutes are over
    for start in desk.calendar.moments(rng, desk.calendar.scale(17), OFFICE_HOURS, weekend=0.2):
        moment = start
        for _ in range(rng.randint(10, 18)):
            index = rng.randrange(len(business.LISTING_BODIES))
            text = business.LISTING_TEXT.format(
                seller=rng.randrange(700),
                title=rng.choice(tuple(catalog.LISTING_NOUNS)),
                body=business.LISTING_BODIES[index],
            )
            request = {
                "model": LISTING_MODEL,
                "max_tokens": 200,
                "temperature": 0,
                "system": business.LISTING_POLICY,
                "messages": [{"role": "user", "content": text}],
            }
            prompt = [business.LISTING_POLICY, text]
            call = _call(
                "listing-check", moment, request, prompt, business.LISTING_VERDICTS[index], rng.random() < 0.008
            )
            call.plants["unmarked_prefix"] = "unmarked"
            yield finish_call(call, rng)
            moment += round(1000 * rng.uniform(40, 75))


def _call(workflow: str, moment: int, request: dict[str, Any], prompt: list[str], answer: str, failed: bool) -> Call:
    return Call(
        workflow,
        SOURCE,
        "messages",
        moment,
        request["model"],
        request,
        prompt,
        answer,
        team="growth",
        finish="end_turn",
        failure=OVERLOADED if failed else None,
    )
