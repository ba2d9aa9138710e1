"""The growth team: product tiles summarised over and over, a nightly review job, reports, a sales assistant."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from random import Random
from typing import Any

from audit.samples.calls import RATE_LIMIT, Call
from audit.samples.counting import count, first_tokens
from audit.samples.texts import business, catalog
from audit.samples.timetable import OFFICE_HOURS, SHOP_HOURS, iso, midnight_ms
from audit.samples.workflows._desk import Desk, chat_parts, chat_request, environment, finish_call, turn

CATALOG_SOURCE = "catalog-openai-chat"
SALES_SOURCE = "sales-openai-chat"
HEAVY_USER = "u-0042"
RUNAWAY_TOKENS = 16_000
_POPULARITY = list(accumulate(1 / rank**0.8 for rank in range(1, len(catalog.PRODUCTS) + 1)))


def calls(desk: Desk) -> Iterator[Call]:
    """Yield every call of the growth team that goes to OpenAI directly."""
    yield from _summaries(desk)
    yield from _nightly(desk)
    yield from _reports(desk)
    yield from _sales(desk)


def _chat(workflow: str, source: str, moment: int, body: dict[str, Any], answer: str, **values: Any) -> Call:
    return Call(
        workflow, source, "chat", moment, body["model"], body, chat_parts(body), answer, team="growth", **values
    )


def _product_facts(index: int) -> dict[str, Any]:
    name, kind, use = catalog.PRODUCTS[index]
    rng = Random(f"product/{name}")
    return {
        "name": name,
        "kind": kind,
        "use": use,
        "weight": rng.randint(90, 2900),
        "parts": rng.randint(3, 19),
        "reports": rng.randint(40, 900),
        "years": rng.choice((2, 3, 5)),
        "months": rng.randint(5, 18),
        "tours": rng.randint(12, 90),
        "length": rng.randint(18, 60),
        "width": rng.randint(9, 20),
    }


def _summaries(desk: Desk) -> Iterator[Call]:
    rng = desk.rng("product-summary")
    for moment in desk.calendar.moments(rng, desk.calendar.scale(780), SHOP_HOURS, weekend=1.2):
        facts = _product_facts(rng.choices(range(len(catalog.PRODUCTS)), cum_weights=_POPULARITY)[0])
        page = " ".join(catalog.PRODUCT_SENTENCES).format(**facts)
        body = chat_request(
            "gpt-5.4",
            [turn("system", catalog.SUMMARY_SYSTEM), turn("user", f"Product page\n{page}")],
            temperature=0,
            reasoning_effort="none",
            max_completion_tokens=160,
        )
        answer = catalog.SUMMARY_ANSWER.format(**facts)
        call = _chat(
            "product-summary",
            CATALOG_SOURCE,
            moment,
            body,
            answer,
            feature="product-summary",
            environment=environment(rng, 0.02),
            failure=RATE_LIMIT if rng.random() < 0.004 else None,
        )
        yield finish_call(call, rng)


def _nightly(desk: Desk) -> Iterator[Call]:
    rng = desk.rng("review-tagging")
    for day in desk.calendar.days:
        moment = midnight_ms(day) + 2 * 3_600_000
        for _ in range(64 if day.weekday() == 6 else rng.randint(6, 10)):
            moment += rng.randint(250, 900)
            yield _review(rng, moment)


def _review(rng: Random, moment: int) -> Call:
    name, kind, _ = rng.choice(catalog.PRODUCTS)
    topic = rng.choice(tuple(catalog.REVIEW_TOPICS))
    sentence, rating, action = rng.choice(catalog.REVIEW_TOPICS[topic])
    extras = rng.sample(catalog.REVIEW_EXTRAS, 3)
    review = " ".join([sentence, *extras]).format(kind=kind, name=name, n=rng.randint(2, 60))
    body = chat_request(
        "gpt-5.4-mini",
        [turn("system", catalog.REVIEW_SYSTEM), turn("user", f"Product: {name}\nReview: {review}")],
        response_format={"type": "json_object"},
        temperature=0,
        reasoning_effort="none",
        max_completion_tokens=120,
    )
    answer = f'{{"product":"{name}","rating":{rating},"topic":"{topic}","action":"{action}"}}'
    call = _chat(
        "review-tagging",
        CATALOG_SOURCE,
        moment,
        body,
        answer,
        feature="review-tagging",
        environment="batch",
        metadata={"job": "nightly", "offline": True},
        failure=RATE_LIMIT if rng.random() < 0.01 else None,
    )
    return finish_call(call, rng)


def _reports(desk: Desk) -> Iterator[Call]:
    rng = desk.rng("weekly-report")
    moments = desk.calendar.moments(rng, desk.calendar.scale(110), OFFICE_HOURS, weekend=0.1, growth=0.6)
    chosen = [len(moments) * step // 16 for step in (3, 5, 7, 9, 11, 13, 15)]
    planted = dict(zip(chosen, ("output", "input", "output", "input", "output", "input", "output"), strict=True))
    for index, moment in enumerate(moments):
        yield _report(desk, rng, moment, planted.get(index) if len(moments) >= 16 else None)


def _report(desk: Desk, rng: Random, moment: int, outlier: str | None) -> Call:
    rows, paragraphs = [], []
    for region in catalog.REGIONS:
        units, revenue, rate = rng.randint(400, 6000), rng.randint(20_000, 300_000), rng.randint(3, 19)
        rows.append(f"{region},{units},{revenue},{rate}")
        paragraphs.append(catalog.REPORT_PARAGRAPH.format(region=region, units=units, revenue=revenue, rate=rate))
    if outlier == "input":
        rows += [f"{5_000_000 + 7 * line},{rng.choice(catalog.REGIONS)},{rng.randint(1, 9)}" for line in range(2600)]
    body = chat_request(
        "gpt-5.5",
        [turn("system", catalog.REPORT_SYSTEM), turn("user", "region,units,revenue,returns\n" + "\n".join(rows))],
        reasoning_effort="low",
        stream=True,
        stream_options={"include_usage": True},
        max_completion_tokens=RUNAWAY_TOKENS,
    )
    answer = "\n\n".join([*paragraphs, catalog.REPORT_CLOSING])
    reasoning = 64 * rng.randint(1, 6)
    call = _chat(
        "weekly-report",
        CATALOG_SOURCE,
        moment,
        body,
        answer,
        feature="weekly-report",
        reasoning_tokens=reasoning,
        user=desk.calendar.user(rng, moment),
    )
    if outlier == "output":
        call.answer, call.finish, call.output_tokens = _loop(RUNAWAY_TOKENS - reasoning), "length", RUNAWAY_TOKENS
    if outlier is not None:
        call.plants["outlier"] = outlier
    return finish_call(call, rng, streamed=True)


def _loop(tokens: int) -> str:
    """Return a sentence repeated over and over, cut where the limit fell."""
    return first_tokens(catalog.REPORT_LOOP * -(-tokens // count(catalog.REPORT_LOOP)), tokens)


def _sales(desk: Desk) -> Iterator[Call]:
    rng = desk.rng("sales-assistant")
    for moment in desk.calendar.moments(rng, desk.calendar.scale(270), SHOP_HOURS, weekend=0.9):
        facts = {"a": rng.choice(business.AREAS), "n": rng.randint(2, 9), "season": rng.choice(business.SEASONS)}
        # the service stamps the clock above a manual that never changes
        system = f"Current date and time: {iso(moment)}\n\n{business.SALES_MANUAL}"
        question = rng.choice(business.SALES_QUESTIONS).format(**facts)
        body = chat_request(
            "gpt-5.5",
            [turn("system", system), turn("user", question)],
            reasoning_effort="none",
            stream=True,
            stream_options={"include_usage": True},
            max_completion_tokens=300,
        )
        user = HEAVY_USER if rng.random() < 0.3 else desk.calendar.user(rng, moment)
        call = _chat(
            "sales-assistant",
            SALES_SOURCE,
            moment,
            body,
            rng.choice(business.SALES_ANSWERS).format(**facts),
            user=user,
            environment=environment(rng),
            plants={"clock_in_prefix": "clock"},
            failure=RATE_LIMIT if rng.random() < 0.01 else None,
        )
        yield finish_call(call, rng, streamed=True)
