"""Traffic through a LiteLLM proxy: translations with the proxy's own cache, newsletter lines, fallbacks."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from audit.samples.calls import OVERLOADED, Call, Failure
from audit.samples.texts import catalog
from audit.samples.timetable import ALL_HOURS, OFFICE_HOURS
from audit.samples.workflows._desk import Desk, chat_parts, chat_request, environment, finish_call, turn

SOURCE = "gateway-litellm"


def calls(desk: Desk) -> Iterator[Call]:
    """Yield every call that went through the proxy."""
    yield from _translations(desk)
    yield from _newsletters(desk)


def _translations(desk: Desk) -> Iterator[Call]:
    rng = desk.rng("listing-translation")
    number = 0
    for start in desk.calendar.moments(rng, desk.calendar.scale(56), ALL_HOURS, weekend=0.6):
        moment, cached, listing = start, set[str](), _listing(rng)
        for _ in range(rng.randint(2, 5)):
            # an editor who presses the button twice is served from the proxy's cache
            listing = listing if rng.random() < 0.12 else _listing(rng)
            title, language, answer = listing
            system = catalog.TRANSLATION_SYSTEM.format(language=language)
            body = chat_request(
                "claude-haiku-4-5", [turn("system", system), turn("user", title)], max_tokens=60, temperature=0
            )
            key = f"{language}/{title}"
            hit = key in cached
            failed = not hit and rng.random() < 0.03
            trace = {"trace_id": f"gw-{number:04d}"}
            call = _call("listing-translation", moment, body, answer, rng, trace, OVERLOADED if failed else None)
            call.gateway_hit = hit
            if hit:
                call.latency_ms, call.plants = rng.randint(3, 12), {"gateway_hit": "hit"}
            yield call
            if failed:
                yield _fallback(call, rng, trace)
            else:
                cached.add(key)
            number += 1
            moment += round(1000 * rng.uniform(2, 40))


def _listing(rng: Random) -> tuple[str, str, str]:
    noun = rng.choice(tuple(catalog.LISTING_NOUNS)[:6])
    traits = sorted(rng.sample(tuple(catalog.LISTING_TRAITS), 2))[: rng.randint(1, 2)]
    which = rng.randrange(2)
    translated = ", ".join(catalog.LISTING_TRAITS[trait][which] for trait in traits)
    return (
        f"{noun}: {', '.join(traits)}",
        catalog.LANGUAGES[which],
        f"{catalog.LISTING_NOUNS[noun][which]}: {translated}",
    )


def _fallback(failed: Call, rng: Random, trace: dict[str, str]) -> Call:
    """Return the proxy's second try on another provider, under the same trace."""
    failed.plants["fallback_group"] = trace["trace_id"]
    body = chat_request(
        "gpt-5.4-mini", failed.request["messages"], max_completion_tokens=60, temperature=0, reasoning_effort="none"
    )
    moment = failed.started_ms + failed.latency_ms + rng.randint(20, 200)
    call = _call(failed.workflow, moment, body, str(failed.answer), rng, trace, None)
    call.environment, call.plants = failed.environment, {"fallback_group": trace["trace_id"]}
    return call


def _newsletters(desk: Desk) -> Iterator[Call]:
    rng = desk.rng("newsletter-subjects")
    for number, moment in enumerate(desk.calendar.moments(rng, desk.calendar.scale(80), OFFICE_HOURS, weekend=0.1)):
        theme = rng.choice(catalog.NEWSLETTER_THEMES)
        body = chat_request(
            "gpt-4.1-mini",
            [turn("system", catalog.NEWSLETTER_SYSTEM), turn("user", f"Theme: {theme}")],
            temperature=0.9,
            max_tokens=120,
        )
        lines = "\n".join(line.format(theme=theme) for line in rng.sample(catalog.NEWSLETTER_LINES, 3))
        trace = {"trace_id": f"nl-{number:04d}"}
        yield _call("newsletter-subjects", moment, body, lines, rng, trace, None)


def _call(
    workflow: str,
    moment: int,
    body: dict[str, Any],
    answer: str,
    rng: Random,
    trace: dict[str, str],
    failure: Failure | None,
) -> Call:
    call = Call(
        workflow,
        SOURCE,
        "litellm",
        moment,
        body["model"],
        body,
        chat_parts(body),
        answer,
        team="growth",
        feature=workflow,
        environment=environment(rng),
        metadata=dict(trace),
        failure=failure,
        user="svc-listings",
    )
    return finish_call(call, rng)
