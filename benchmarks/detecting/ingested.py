"""Planted logs that go through the readers: repeated prompts by text, and workflows nobody tagged."""

from __future__ import annotations

import json
import random
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import combinations
from pathlib import Path
from typing import Any

from audit import store as stores
from audit.ingest import ingest
from audit.store import Store
from audit.workflows import workflows
from benchmarks.detecting.counting import Counted, compare
from benchmarks.detecting.prose import NOUNS, Prose

_QUESTIONS = 80
_CALLS = 240
_START = "2026-10-05T08:{:02d}:{:02d}Z"


@contextmanager
def ingested(records: Iterable[dict[str, Any]]) -> Iterator[Store]:
    """An audit file of records in the form request and response are logged in."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log.jsonl"
        log.write_text("\n".join(json.dumps(each) for each in records), encoding="utf-8")
        with stores.open(Path(folder) / "audit.duckdb", create=True) as store:
            ingest(store, [log], workers=1)
            yield store


def record(number: int, messages: list[dict[str, str]], answer: str, **request: Any) -> dict[str, Any]:
    """One logged chat completion."""
    return {
        "timestamp": _START.format(number // 60 % 60, number % 60),
        "request": {"model": "gpt-4o-mini-2024-07-18", "messages": messages, **request},
        "response": {
            "id": f"chatcmpl-{number:08d}", "object": "chat.completion", "model": "gpt-4o-mini-2024-07-18",
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": answer}}],
            "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
        },
    }  # fmt: skip


def repeated_prompts(seed: int, key: str) -> Counted:
    """Requests that ask what an earlier one asked, by `prompt_key` or `normalised_key`.

    Copies are exact, or differ in case, white space, Unicode form or closing punctuation; neighbours differ in a digit, a
    word, a temperature or a system prompt.
    """
    prose = Prose(f"repeated {seed}")
    dice = prose.dice
    asked: list[tuple[int, str, list[dict[str, str]], dict[str, Any]]] = []
    for group in range(_QUESTIONS):
        text, system = f"{prose.paragraph(dice.randint(1, 3))} {prose.question()}", prose.sentence()
        asked.append((3 * group, "first", _chat(system, text), {"temperature": 0}))
        copies = [text] * dice.randint(0, 2) + [_dressed(text, dice) for _ in range(dice.randint(0, 2))]
        asked += [(3 * group, "copy", _chat(system, each), {"temperature": 0}) for each in copies]
        if dice.random() < 0.5:
            asked.append((3 * group + 1, "first", *_neighbour(system, text, dice)))
    dice.shuffle(asked)
    found, planted = [], []
    with ingested(record(place, messages, "ok", **more) for place, (_, _, messages, more) in enumerate(asked)) as store:
        rows = store.rows(f"SELECT external_id, {key} AS key FROM request ORDER BY started_at_us, request_id")
        keys = {int(row["external_id"].rsplit("-", 1)[1]): row["key"] for row in rows}
    seen: dict[Any, int] = {}
    texts: set[tuple[int, str]] = set()
    for place, (group, _, messages, _) in enumerate(asked):
        identity = (group, messages[1]["content"] if key == "prompt_key" else "")
        if identity in texts:
            planted.append(place)
        texts.add(identity)
        if keys[place] in seen:
            found.append(place if seen[keys[place]] == group else -place - 1)
        seen.setdefault(keys[place], group)
    return compare(found, planted)


def _chat(system: str, user: str) -> list[dict[str, str]]:
    return [{"role": "system", "content": system}, {"role": "user", "content": user}]


def _dressed(text: str, dice: random.Random) -> str:
    """The same question typed differently."""
    return dice.choice((
        text.upper(), text.lower(), text.replace(" ", "  "), f"\n{text}\n ", text.replace(". ", ".\n"), text.rstrip("?."),
        unicodedata.normalize("NFD", text), text.replace(" ", "\u00a0"), f"  {text.lower()}",
    ))  # fmt: skip


def _neighbour(system: str, text: str, dice: random.Random) -> tuple[list[dict[str, str]], dict[str, Any]]:
    """A question that must not share a key with `text`."""
    kind = dice.randrange(4)
    if kind == 0:
        return _chat(system, f"{text} {dice.randint(2, 99)}"), {"temperature": 0}
    if kind == 1:
        return _chat(system, text), {"temperature": 0.5}
    if kind == 2:
        return _chat(f"{system} Be brief.", text), {"temperature": 0}
    words = text.split(" ")
    words[dice.randrange(len(words))] = dice.choice(NOUNS)
    changed = " ".join(words)
    return _chat(system, changed if changed != text else f"Not {text}"), {"temperature": 0}


def mined_workflows(seed: int) -> Counted:
    """Pairs of requests of one template, in system prompts and in single user messages, with dates, names and ids in them."""
    prose = Prose(f"workflows {seed}")
    dice = prose.dice
    templates = [(prose.paragraph(dice.randint(2, 6)), number % 3, [f"tool_{number}"]) for number in range(8)]
    planted, records = [], []
    for number in range(_CALLS):
        template = dice.randrange(len(templates))
        planted.append(template)
        records.append(record(number, *_of_template(prose, templates[template])))
    with ingested(records) as store:
        workflows(store)
        rows = store.rows("SELECT external_id, workflow_id FROM request")
        mined = {int(row["external_id"].rsplit("-", 1)[1]): row["workflow_id"] for row in rows}
    pairs = list(combinations(range(_CALLS), 2))
    return compare(
        [pair for pair in pairs if mined[pair[0]] is not None and mined[pair[0]] == mined[pair[1]]],
        [pair for pair in pairs if planted[pair[0]] == planted[pair[1]]],
    )


def _of_template(prose: Prose, template: tuple[str, int, list[str]]) -> tuple[list[dict[str, str]], str]:
    text, kind, _ = template
    dice = prose.dice
    clock = f"2026-10-{dice.randint(1, 28):02d}"
    if kind == 0:
        return _chat(text, prose.question()), prose.sentence()
    if kind == 1:
        filled = f"{text}\nToday is {clock}. The ticket is {dice.randint(10**5, 10**6)}."
        return _chat(filled, prose.question()), prose.sentence()
    return [{"role": "user", "content": f"{text}\n\nText:\n{prose.paragraph(dice.randint(1, 4))}"}], prose.sentence()
