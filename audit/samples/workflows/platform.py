"""The platform team: alert severities in a closed schema, and a health check that calls a model."""

from __future__ import annotations

from collections.abc import Iterator

from audit.samples.calls import Call
from audit.samples.texts import operations as words
from audit.samples.timetable import ALL_HOURS, midnight_ms
from audit.samples.workflows._desk import Desk, chat_parts, chat_request, enum_format, finish_call, turn

SOURCE = "platform-openai-chat"
HEALTH_CHECK_HOURS = (6, 18)


def calls(desk: Desk) -> Iterator[Call]:
    """Yield every chat call of the platform team."""
    yield from _alerts(desk)
    yield from _health_checks(desk)


def _alerts(desk: Desk) -> Iterator[Call]:
    rng = desk.rng("alert-severity")
    for moment in desk.calendar.moments(rng, desk.calendar.scale(230), ALL_HOURS, weekend=0.9):
        severity = rng.choices(words.SEVERITIES, weights=(2, 3, 4, 3))[0]
        text = rng.choice(words.ALERT_TEXTS[severity]).format(n=rng.randint(2, 900))
        alert = rng.choice(words.ALERT_LAYOUTS).format(
            severity=severity.capitalize(),
            service=rng.choice(words.ALERT_SERVICES),
            text=text,
            host=f"node-{rng.randint(1, 40):02d}",
        )
        body = chat_request(
            "gpt-5.5",
            [turn("system", words.ALERT_SYSTEM), turn("user", alert)],
            response_format=enum_format("severity", words.SEVERITIES),
            reasoning_effort="medium",
            max_completion_tokens=1000,
        )
        call = Call(
            "alert-severity",
            SOURCE,
            "chat",
            moment,
            "gpt-5.5",
            body,
            chat_parts(body),
            f'{{"severity":"{severity}"}}',
            team="platform",
            feature="alert-severity",
            reasoning_tokens=64 * rng.randint(1, 4),
        )
        yield finish_call(call, rng)


def _health_checks(desk: Desk) -> Iterator[Call]:
    rng = desk.rng("health-check")
    for day in desk.calendar.days:
        for hour in HEALTH_CHECK_HOURS:
            body = chat_request("gpt-5-mini", [turn("user", words.HEALTH_PROMPT)], max_completion_tokens=16)
            call = Call(
                "health-check",
                SOURCE,
                "chat",
                midnight_ms(day) + hour * 3_600_000 + rng.randrange(2000),
                "gpt-5-mini",
                body,
                chat_parts(body),
                words.HEALTH_ANSWER,
                team="platform",
            )
            yield finish_call(call, rng)
