"""The cases of the set: real prompts with the answer to come up to."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from audit.clients import Limits, NotReplayableError
from audit.clients.openai_chat import translate
from audit.deciding import TrialKey, Unit, evidence
from audit.hashes import set_name
from audit.replay.prompts import gather, load
from audit.scoring import Transcript, answer_text, transcripts
from audit.store import Store
from audit.wire.text import read_json

FORMAT = "audit-evalset/1"
_CHUNK = 256

_WORKFLOWS = "SELECT workflow_id, name, task_kind FROM workflow"
_TEXTS = "SELECT replay_id, text, tool_calls FROM replay WHERE status = 'ok'"
_MODELS = """
SELECT request_id, COALESCE(response_model, request_model, '') AS model FROM request
WHERE request_id IN (SELECT request_id FROM replay)
"""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: what it says, and the tools it calls as (name, arguments)."""

    text: str = ""
    calls: tuple[tuple[str, Any], ...] = ()
    written: str = ""

    @classmethod
    def of(cls, texts: Sequence[str], calls: Sequence[Any]) -> Reply:
        """Build from texts and tool calls as they are kept; `written` is all of it as people read it."""
        text, found = "\n".join(filter(None, texts)), [each for each in calls if isinstance(each, dict)]
        named = tuple((str(each.get("name") or ""), each.get("arguments")) for each in found)
        return cls(text, named, answer_text(text, json.dumps(found)))


@dataclass(frozen=True, slots=True)
class Decided:
    """What is known of one candidate's answer: acceptable or not, and who said so (scorer, judge, person)."""

    model: str
    reply: Reply
    acceptable: bool
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class EvalCase:
    """One prompt of the set: the request in OpenAI's words, and the answer to come up to.

    `expected_by` says whose answer that is: `logged`, or a candidate's where people rejected the logged one. `weight`
    is how many requests of the log the prompt stands for.
    """

    prompt_key: int
    workflow: str
    task_kind: str
    model: str
    body: Mapping[str, Any]
    reply: Reply
    expected_by: str
    weight: float
    requests: int
    decided: tuple[Decided, ...]

    @property
    def expected(self) -> str:
        """The answer to come up to, as people read it."""
        return self.reply.written

    @property
    def name(self) -> str:
        """Name of the case."""
        return set_name(self.prompt_key)


@dataclass(frozen=True, slots=True)
class EvalSet:
    """The cases, and why prompts were left out (reason to count)."""

    cases: tuple[EvalCase, ...]
    left_out: Mapping[str, int] = field(default_factory=dict)


def evalset(store: Store, *, workflows: Sequence[str] = (), rated_only: bool = False) -> EvalSet:
    """Every replayed prompt with at least one decided answer, of all workflows or the named ones.

    `rated_only` keeps prompts of which people rated an answer. A prompt without any acceptable answer is left out: it
    has nothing to come up to.
    """
    known = {row["workflow_id"]: (row["name"] or "", row["task_kind"] or "") for row in store.rows(_WORKFLOWS)}
    prompts: dict[int, list[tuple[str, Unit]]] = {}
    others: dict[int, str] = {}
    for key, units in evidence(store).trials.items():
        name = known.get(key.workflow_id, ("", ""))[0]
        if workflows and name not in workflows:
            continue
        reason = _elsewhere(key)
        for unit in units:
            if unit.state not in ("passed", "failed"):
                others.setdefault(unit.prompt_key, "no answer is decided")
            elif reason:
                others[unit.prompt_key] = reason
            else:
                prompts.setdefault(unit.prompt_key, []).append((f"{key.endpoint}/{key.model}", unit))
    left = Counter(reason for key, reason in others.items() if key not in prompts)
    if rated_only:
        rated = {key: units for key, units in prompts.items() if any(unit.rated is not None for _, unit in units)}
        left["people rated no answer"] += 0 if rated else len(prompts)
        prompts = rated
    cases = tuple(_cases(store, prompts, known, left))
    return EvalSet(cases, dict(+left))


def _elsewhere(key: TrialKey) -> str:
    """Why answers of a candidate decide nothing about the prompt as it was logged; empty where they do."""
    if key.endpoint == "log":
        return "only answers found in the log are decided"
    return "only answers to a changed prompt are decided (--variant)" if key.variant else ""


def _cases(
    store: Store,
    prompts: Mapping[int, Sequence[tuple[str, Unit]]],
    known: Mapping[int, tuple[str, str]],
    left: Counter[str],
) -> Iterator[EvalCase]:
    replies = {
        row["replay_id"]: Reply.of([row["text"] or ""], json.loads(row["tool_calls"] or "[]"))
        for row in store.rows(_TEXTS)
    }
    models = {row["request_id"]: row["model"] for row in store.rows(_MODELS)}
    keys = sorted(prompts)
    gather(store, (prompts[key][0][1].request_id for key in keys))
    for start in range(0, len(keys), _CHUNK):
        part = keys[start : start + _CHUNK]
        requests = [prompts[key][0][1].request_id for key in part]
        logged, spoken = load(store, requests), transcripts(store, requests)
        for key, request in zip(part, requests, strict=True):
            units = prompts[key]
            decided = tuple(_decided(model, unit, replies[unit.replay_id]) for model, unit in units)
            expected, by = _expected(_logged(spoken[request]), units[0][1], decided)
            try:
                body = _body(logged[request].prompt, logged[request].reason, models.get(request, ""))
            except NotReplayableError as error:
                left[error.reason] += 1
                continue
            if not expected.written:
                left["no acceptable answer is known"] += 1
                continue
            workflow, kind = known.get(units[0][1].workflow_id, ("", ""))
            unit = units[0][1]
            yield EvalCase(
                key, workflow, kind, models.get(request, ""), body, expected, by, unit.weight, unit.requests, decided
            )


def _decided(model: str, unit: Unit, reply: Reply) -> Decided:
    by = "person" if unit.rated is not None else "judge" if unit.judge else "scorer"
    return Decided(model, reply, unit.state == "passed", by, unit.reason)


def _logged(transcript: Transcript) -> Reply:
    """The logged answer; a call that can't be read is taken for text."""
    texts, calls = list(transcript.texts), []
    for each in transcript.calls:
        call = _parsed(each)
        if call is None:
            texts.append(each)
        else:
            calls.append(call)
    return Reply.of(texts, calls)


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        call = read_json(text)
    except ValueError:
        return None
    return call if isinstance(call, dict) else None


def _expected(logged: Reply, unit: Unit, decided: Sequence[Decided]) -> tuple[Reply, str]:
    """The answer to come up to: the logged one, unless people rejected it; then one they accepted."""
    if unit.logged_ok is not False:
        return logged, "logged"
    found = next((each for each in decided if each.acceptable and each.by == "person"), None)
    return (found.reply, found.model) if found else (Reply(), "")


def _body(prompt: Any, reason: str, model: str) -> dict[str, Any]:
    if prompt is None:
        raise NotReplayableError(reason)
    body = dict(translate(prompt, model, Limits(prompt.max_output_tokens or 1)).body)
    if prompt.max_output_tokens is None:
        body.pop("max_tokens", None)
        body.pop("max_completion_tokens", None)
    return body


def record(case: EvalCase) -> dict[str, Any]:
    """One line of the set: a request and response pair like any log's, with what is known of it beside."""
    return {
        "request": dict(case.body),
        "response": {
            "id": case.name,
            "object": "chat.completion",
            "model": case.model,
            "choices": [
                {
                    "index": 0,
                    "finish_reason": "tool_calls" if case.reply.calls else "stop",
                    "message": _message(case.reply),
                }
            ],
        },
        "metadata": {"feature": case.workflow},
        "audit": {
            "format": FORMAT,
            "name": case.name,
            "workflow": case.workflow,
            "task_kind": case.task_kind,
            "expected_by": case.expected_by,
            "weight": case.weight,
            "requests": case.requests,
            "answers": [
                {"model": each.model, "text": each.reply.written, "acceptable": each.acceptable, "by": each.by,
                 "reason": each.reason}
                for each in case.decided
            ],
        },
    }  # fmt: skip


def _message(reply: Reply) -> dict[str, Any]:
    if not reply.calls:
        return {"role": "assistant", "content": reply.text}
    return {
        "role": "assistant",
        "content": reply.text or None,
        "tool_calls": [
            {"id": f"call_{place}", "type": "function", "function": {"name": name, "arguments": _said(arguments)}}
            for place, (name, arguments) in enumerate(reply.calls, 1)
        ],
    }


def _said(arguments: Any) -> str:
    """Arguments as the API writes them: JSON in a string; what a model wrote that is none stays as it is."""
    return arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
