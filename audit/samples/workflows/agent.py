"""The platform team's stock agent: tools, retries after errors, double-billed timeouts, and runs that fail."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from audit.samples.calls import OVERLOADED, Call, Failure
from audit.samples.counting import compact
from audit.samples.texts import operations as words
from audit.samples.timetable import OFFICE_HOURS
from audit.samples.workflows._desk import Desk, finish_call

SOURCE = "agent-anthropic-messages"
MODEL = "claude-opus-4-8"
WORKFLOW = "stock-agent"
CLIENT_TIMEOUT_MS = 30_000
GIVE_UP_AFTER = 3
_RATE_LIMITED = Failure(429, "rate_limit_error", "This request would exceed the rate limit of your organization")
_API_ERROR = Failure(500, "api_error", "Internal server error")
_ERRORS = (_RATE_LIMITED, OVERLOADED, _API_ERROR)


@dataclass(slots=True)
class _Run:
    number: int
    rng: Random
    moment: int
    facts: dict[str, Any]
    messages: list[dict[str, Any]] = field(default_factory=list)


def calls(desk: Desk) -> Iterator[Call]:
    """Yield every step of every agent run, retries included."""
    rng = desk.rng(WORKFLOW)
    for number, start in enumerate(desk.calendar.moments(rng, desk.calendar.scale(96), OFFICE_HOURS, weekend=0.4)):
        source, target = rng.sample(words.WAREHOUSES, 2)
        facts = {
            "order": f"SO-{310_000 + rng.randrange(80_000)}",
            "sku": f"SKU-{1000 + rng.randrange(900)}",
            "ticket": f"T-{number + 5200}",
            "source": source,
            "target": target,
            "pieces": rng.randint(1, 20),
        }
        yield from _steps(_Run(number, rng, start, facts))


def _steps(run: _Run) -> Iterator[Call]:
    ticket = "Ticket {ticket}: order {order} cannot be packed in {target}, the stock of {sku} does not add up."
    run.messages.append({"role": "user", "content": ticket.format(**run.facts)})
    for index, (thought, (tool, arguments), result) in enumerate(_plan(run)):
        use = {"type": "tool_use", "id": f"toolu_{run.number:04d}{index:02d}", "name": tool, "input": arguments}
        content: list[dict[str, Any]] = [{"type": "text", "text": thought}, use]
        answered = yield from _attempts(run, content, "tool_use")
        if not answered:
            return
        run.messages.append({"role": "assistant", "content": content})
        back: dict[str, Any] = {"type": "tool_result", "tool_use_id": use["id"], "content": result}
        if result.startswith("Error"):
            back["is_error"] = True
        run.messages.append({"role": "user", "content": [back]})
        run.moment += run.rng.randint(300, 2500)
    closing = f"Order {run.facts['order']} can be packed now; the note is in the ticket."
    yield from _attempts(run, [{"type": "text", "text": closing}], "end_turn")


def _plan(run: _Run) -> list[tuple[str, tuple[str, dict[str, Any]], str]]:
    """Return the steps of one run as (thought, (tool, arguments), result)."""
    rng, facts = run.rng, run.facts
    order = {"order_id": facts["order"]}
    booked, counted = rng.randint(20, 60), rng.randint(1, 19)
    lines = [{"sku": facts["sku"], "pieces": facts["pieces"]}, *({"sku": sku, "pieces": 1} for sku in _skus(rng))]
    read_order = compact({"order": facts["order"], "status": "open", "warehouse": facts["target"], "lines": lines})
    moves = [{"reference": f"MV-{rng.randrange(10_000):04d}", "pieces": rng.randint(-9, 30)} for _ in range(36)]
    stock = compact({"sku": facts["sku"], "booked": booked, "counted": counted, "moves": moves})
    steps = [("I will read the order first.", ("get_order", order), read_order)]
    if rng.random() < 0.25:
        steps.insert(0, ("I will read the order first.", ("get_order", order), "Error: the order service timed out"))
    check = {"sku": facts["sku"], "warehouse": facts["target"]}
    steps.append((f"The order needs {facts['pieces']} pieces. I check the count.", ("get_stock", check), stock))
    if rng.random() < 0.75:
        other = {"sku": facts["sku"], "warehouse": facts["source"]}
        found = compact({"sku": facts["sku"], "booked": booked + 9, "counted": booked + 9, "counted_on": "yesterday"})
        steps.append((f"{counted} pieces are too few. I look at {facts['source']}.", ("get_stock", other), found))
        move = {key: facts[key] for key in ("sku", "source", "target", "pieces")}
        moved = compact({"moved": facts["pieces"], "reference": f"MV-{rng.randrange(10_000):04d}"})
        steps.append(("The move is allowed by the house rules.", ("move_stock", move), moved))
    note = f"Counted {counted} of {booked} pieces of {facts['sku']} in {facts['target']}; order can be packed."
    close = {"ticket": facts["ticket"], "note": note}
    steps.append(("The stock adds up now, I close the ticket.", ("close_ticket", close), "closed"))
    return steps


def _skus(rng: Random) -> list[str]:
    return [f"SKU-{rng.randrange(1000, 1900)}" for _ in range(rng.randint(12, 48))]


def _attempts(run: _Run, content: list[dict[str, Any]], stop: str) -> Generator[Call, None, bool]:
    """Yield the tries of one step until one succeeds; return False when the run gives up."""
    roll = run.rng.random()
    failures = GIVE_UP_AFTER if roll < 0.008 else (run.rng.choice((1, 1, 2)) if roll < 0.06 else 0)
    group = f"run-{run.number:04d}-{len(run.messages):02d}"
    plants = {"retry_group": group} if failures else {}
    for attempt in range(failures):
        outcome = "failed" if attempt + 1 == GIVE_UP_AFTER else None
        failed = _call(run, content, stop, run.rng.choice(_ERRORS), plants, outcome)
        yield failed
        run.moment += failed.latency_ms + round(1000 * (2**attempt) * run.rng.uniform(1.5, 5))
    if failures == GIVE_UP_AFTER:
        return False
    outcome = "done" if stop == "end_turn" else None
    if not failures and run.rng.random() < 0.012:
        plants = {"timeout_retry": group}
        slow = _call(run, content, stop, None, plants, None)
        slow.latency_ms = CLIENT_TIMEOUT_MS + run.rng.randint(2000, 9000)
        yield slow
        run.moment += CLIENT_TIMEOUT_MS + run.rng.randint(100, 400)
    call = _call(run, content, stop, None, plants, outcome)
    yield call
    run.moment += call.latency_ms
    return True


def _call(
    run: _Run,
    content: list[dict[str, Any]],
    stop: str,
    failure: Failure | None,
    plants: dict[str, str],
    outcome: str | None,
) -> Call:
    system = [{"type": "text", "text": words.AGENT_SYSTEM, "cache_control": {"type": "ephemeral"}}]
    request = {
        "model": MODEL,
        "max_tokens": 1024,
        "system": system,
        "tools": list(words.AGENT_TOOLS),
        "messages": list(run.messages),
    }
    tools = [compact(tool) for tool in words.AGENT_TOOLS]
    turns = [m["content"] if isinstance(m["content"], str) else compact(m["content"]) for m in run.messages]
    labels = {"trace_id": f"trace-{run.number:04d}", **({"outcome": outcome} if outcome else {})}
    answer = content if stop == "tool_use" else str(content[0]["text"])
    call = Call(
        WORKFLOW,
        SOURCE,
        "messages",
        run.moment,
        MODEL,
        request,
        [*tools, words.AGENT_SYSTEM, *turns],
        answer,
        team="platform",
        feature=WORKFLOW,
        metadata=labels,
        finish=stop,
        cacheable=len(tools) + 1,
        failure=failure,
        plants=dict(plants),
    )
    return finish_call(call, run.rng)
