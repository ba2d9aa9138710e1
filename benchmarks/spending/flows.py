"""Workflows of a dear model with what a cheap one, or a briefer question, would take instead: request by request.

Tokens are billed as they are made here, so what any plan would save is known to the cent. Answers are values, and an
answer serves if it is the logged one: this is about dollars, scorers are tried in `benchmarks.accepting`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from audit.replay.variants import CONCISE
from audit.tokens import count
from benchmarks.spending.wordings import TOWNS, alike, trap

STRONG, WEAK = "gpt-4o", "gpt-4o-mini"
PRICES = {STRONG: (2.5, 10.0), WEAK: (0.15, 0.6)}
"""USD per million tokens of input and output."""

DAYS = 14
_START, _DAY = 1_791_187_200, 86_400
_FORMAT = {"type": "json_schema", "json_schema": {"name": "o", "schema": {
    "type": "object", "properties": {"order": {"type": "integer"}}, "required": ["order"]}}}  # fmt: skip
NOTICE = (
    "The warehouse in the north packs parcels on weekdays between eight and six, hands them to the carrier in the "
    "evening, and keeps whatever the carrier could not deliver for ten working days behind the counter at the main "
    "gate, where whoever shows the slip and a passport may fetch it; furniture, plants and frozen food are never kept "
    "overnight but go back at once to whoever had sent them, at the expense of the shop that took the order."
)


class Usage(NamedTuple):
    """Tokens of one call."""

    input: int
    output: int

    def cost(self, model: str) -> float:
        """USD."""
        dear_in, dear_out = PRICES[model]
        return (self.input * dear_in + self.output * dear_out) / 1e6


@dataclass(frozen=True, slots=True)
class Flow:
    """One workflow of a world.

    Prompts come `repeats` times, about (Pareto), and `most` times at most.
    `cue` is what tells the prompts the cheap model can't answer: nothing (it can), their `length`, their `words`, or
    the `form` of its answer. Tokens are lognormal with sigma `spread`. The cheap model's output is `verbose` times
    today's, times size to the power `growth`, `heads` times that where a prompt comes often, and scatters; `noticed` says
    that every prompt holds one paragraph twice; `brief` is the part of an answer left when asked for a brief one; `pings`
    are health checks, one prompt that comes at even intervals. `asked` says that the requests are twelve questions in nine
    hundred wordings, with one answer to each question (`alike`) or each wording its own (`apart`); of them `traps` are
    questions that only look like others.
    """

    name: str
    prompts: int
    cue: str = ""
    repeats: float = 1.0
    most: int = 30
    spread: float = 0.3
    verbose: float = 1.0
    heads: float = 1.0
    growth: float = 0.0
    noticed: bool = False
    brief: float | None = None
    bad: float = 0.0
    pings: bool = False
    asked: str = ""
    traps: float = 0.0


@dataclass(frozen=True, slots=True)
class Prompt:
    """A distinct prompt: how both models answer it and what each way takes."""

    flow: Flow
    text: str
    logged: str
    weak: str
    lost: bool
    sent_back: bool
    today: Usage
    candidate: Usage
    briefly: Usage
    repeated_tokens: int
    meaning: str = ""

    @property
    def messages(self) -> list[dict[str, str]]:
        """As they were sent."""
        return [{"role": "system", "content": _system(self.flow)}, {"role": "user", "content": self.text}]


class Call(NamedTuple):
    """A request of the log."""

    at: float
    prompt: Prompt
    first: bool


@dataclass(slots=True)
class Log:
    """The requests in order of time."""

    calls: list[Call] = field(default_factory=list)

    def write(self, folder: Path) -> None:
        """The log, the answers a replay gets, and the configuration that names them."""
        log = (json.dumps(_record(number, call)) for number, call in enumerate(self.calls))
        answers = (json.dumps(_answer(call.prompt)) for call in self.calls if call.first)
        (folder / "log.jsonl").write_text("\n".join(log), encoding="utf-8")
        path = folder / "answers.jsonl"
        path.write_text("\n".join(answers), encoding="utf-8")
        (folder / "audit.toml").write_text(
            f"[[endpoint]]\nname = 'earlier'\nflavour = 'recorded'\nbase_url = {json.dumps(str(path))}\n",
            encoding="utf-8",
        )


@cache
def tokens(text: str) -> int:
    """As the dear model counts."""
    return count([text], STRONG)[0]


def build(flows: tuple[Flow, ...], seed: int) -> Log:
    """A log of a seed; as many prompts as chance has it (Poisson) fall evenly over the days, repeats within ten hours."""
    rng, calls, number = Random(seed), [], 0
    for flow in flows:
        if flow.pings:
            check = Prompt(flow, "ping", "pong", "pong", False, False, *[Usage(24, 2)] * 3, 0)
            gap = DAYS * _DAY / flow.prompts
            calls += [Call(_START + place * gap, check, place == 0) for place in range(flow.prompts)]
            continue
        if flow.asked:
            calls += _asked(rng, flow)
            continue
        for _ in range(round(rng.gauss(flow.prompts, flow.prompts**0.5))):
            number += 1
            times = (
                1 if flow.repeats <= 1 else min(flow.most, max(1, int(rng.paretovariate(1.2) * (flow.repeats - 1) / 3)))
            )
            prompt = _prompt(rng, flow, number, times)
            begin = _START + (DAYS - 0.5) * _DAY * rng.random()
            moments = sorted(begin + 0.4 * _DAY * rng.random() for _ in range(times))
            calls += [Call(at, prompt, place == 0) for place, at in enumerate(moments)]
    return Log(sorted(calls, key=lambda call: call.at))


def _asked(rng: Random, flow: Flow) -> list[Call]:
    """Requests at any time, each in a wording that may have been used before."""
    prompts: dict[str, Prompt] = {}
    meanings: dict[str, int] = {}
    calls = []
    for at in sorted(
        _START + DAYS * _DAY * rng.random() for _ in range(round(rng.gauss(flow.prompts, flow.prompts**0.5)))
    ):
        text, meaning = (trap if rng.random() < flow.traps else alike)(rng)
        first = text not in prompts
        if first:
            answer = meanings.setdefault(text if flow.asked == "apart" else meaning, len(meanings) + 1)
            prompts[text] = _prompt(rng, flow, answer, 1, text)
        calls.append(Call(at, prompts[text], first))
    return calls


def _prompt(rng: Random, flow: Flow, number: int, times: int, told: str = "") -> Prompt:
    hard = bool(flow.cue) and rng.random() < (flow.bad or 0.4)
    lost = hard if flow.cue else times == 1 and rng.random() < 0.002
    text = told or _text(rng, flow, number, hard)
    logged = json.dumps({"order": number}) if flow.cue == "form" else f"{number}.5 kg"
    weak = logged if not lost else "I need more details." if flow.cue == "form" else f"{number}.7 kg"
    size = rng.lognormvariate(0.0, flow.spread)
    notice = tokens(NOTICE) if flow.noticed else 0
    asked = tokens(_system(flow)) + tokens(text) + 12 if flow.noticed else int(300 * size) + 20
    if flow.cue == "length":
        asked = 900 + int(500 * size) if hard else 60 + int(200 * size)
    today = Usage(asked, 1 + int(60 * size * rng.lognormvariate(0.0, flow.spread)))
    wordy = flow.verbose * (flow.heads if times > 3 else 1.0) * size**flow.growth
    candidate = Usage(
        int(asked * rng.uniform(1.0, 1.2)),
        1 + int(today.output * wordy * rng.lognormvariate(0.0, 0.2 + 0.4 * flow.spread)),
    )
    kept = today.output * (flow.brief or 1.0) * rng.lognormvariate(0.0, flow.spread)
    briefly = Usage(asked + tokens(CONCISE) + 4, max(1, min(today.output, int(kept))))
    return Prompt(flow, text, logged, weak, lost, hard and flow.cue == "form", today, candidate, briefly, notice,
                  f"{flow.name} {number}")  # fmt: skip


def _text(rng: Random, flow: Flow, number: int, hard: bool) -> str:
    town = rng.choice(TOWNS)
    if flow.cue == "words":
        about = "liability clause of contract" if hard else "delivery status of parcel"
        return f"{flow.name}: {about} p{number} from {town}, please" * 2
    told = f"{flow.name}: weight of crate k{number} from {town}, please"
    return f"{NOTICE}\n\n{told}\n\n{NOTICE}" if flow.noticed else told


def _system(flow: Flow) -> str:
    if flow.pings:
        return "Be brief."
    return (
        "Extract the order." if flow.cue == "form" else f"You are the desk of {flow.name}. Answer with the value only."
    )


def _record(number: int, call: Call) -> dict[str, Any]:
    prompt = call.prompt
    parameters = {"response_format": _FORMAT} if prompt.flow.cue == "form" else {}
    return {
        "timestamp": call.at, "latency_ms": 900, "metadata": {"workflow": prompt.flow.name},
        "request": {"model": STRONG, "messages": prompt.messages, "temperature": 0, **parameters},
        "response": {**completion(prompt.logged, prompt.today), "id": f"chatcmpl-{number:08d}"},
    }  # fmt: skip


def completion(answer: str, used: Usage) -> dict[str, Any]:
    """A chat completion of the dear model."""
    return {
        "id": "chatcmpl-0", "object": "chat.completion", "created": 1, "model": STRONG, "usage": _usage(used),
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": answer}}],
    }  # fmt: skip


def brief(prompt: Prompt) -> list[dict[str, str]]:
    """The messages that ask for a brief answer."""
    system, user = prompt.messages
    return [system, {"role": "system", "content": CONCISE}, user]


def _answer(prompt: Prompt) -> dict[str, Any]:
    """What the cheap model says."""
    return {"model": WEAK, "messages": prompt.messages, "answer": prompt.weak, "usage": _usage(prompt.candidate),
            "duration": 0.5}  # fmt: skip


def _usage(used: Usage) -> dict[str, int]:
    return {"prompt_tokens": used.input, "completion_tokens": used.output, "total_tokens": sum(used)}
