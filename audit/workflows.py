"""Names and task kinds of workflows, from a few requests of each."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

import pyarrow as pa

from audit.openings import split_by_opening
from audit.patterns import join_by_pattern
from audit.store import Store
from audit.taskkind import Features, difficulty, kind, vote

_VOTES = 24
_MOST_VOTES = 24_000
_WORDS = 6
_PARTING = 3
_MINED = ("prompt", "opening", "pattern")
_HEAD, _TAIL = 1_500, 500

_SIZES = """
SELECT r.workflow_id, COUNT(*) AS requests, COUNT(DISTINCT r.output_normalised_hash) AS outputs,
       MIN(r.request_id) AS first_request
FROM request AS r WHERE r.workflow_id IS NOT NULL GROUP BY r.workflow_id
"""
# identities are hashes, so the smallest ones are a sample that stays the same
_CHOSEN = """
CREATE OR REPLACE TEMP TABLE voting_request AS
SELECT workflow_id, request_id FROM (
    SELECT workflow_id, request_id, ROW_NUMBER() OVER (PARTITION BY workflow_id ORDER BY identity, request_id) AS place
    FROM request WHERE status = 'billable' AND text_status IN ('full', 'truncated') AND workflow_id IS NOT NULL
) AS ordered WHERE place <= $votes
"""
_FACTS = """
SELECT v.workflow_id, v.request_id, r.parameters, r.input_tokens, r.output_tokens, r.reasoning_output_tokens
FROM voting_request AS v JOIN request AS r ON r.request_id = v.request_id ORDER BY v.workflow_id, v.request_id
"""
_TEXTS = """
SELECT v.request_id, s.kind, s.direction, c.text
FROM voting_request AS v JOIN segment AS s ON s.request_id = v.request_id
LEFT JOIN content AS c ON c.content_hash = s.content_hash
WHERE s.kind IN ('system', 'user', 'answer', 'tool_call', 'tools')
ORDER BY v.request_id, s.position
"""
_UNTAGGED = (
    "SELECT name FROM workflow WHERE origin IN ('prompt', 'opening', 'pattern') AND name IS NOT NULL ORDER BY name"
)
_NAMED = "SELECT workflow_id, origin, title, ending, name, task_kind, kind_confidence, difficulty FROM workflow"
_DESCRIBE = """
UPDATE workflow SET name = d.name, task_kind = d.task_kind, kind_confidence = d.kind_confidence,
    difficulty = d.difficulty
FROM described_workflow AS d WHERE d.workflow_id = workflow.workflow_id
"""
_MARK = """
UPDATE request SET task_kind = w.task_kind FROM workflow AS w
WHERE w.workflow_id = request.workflow_id AND w.task_kind IS NOT NULL
AND (request.task_kind IS NULL OR request.task_kind <> w.task_kind)
"""
_OPENING = re.compile(
    r"^\W*(?P<role>(?:you are|you're|act as|as|du bist|sie sind|tu es|vous êtes|eres|sei|você é)\s+)?"
    r"(?:(?:an?|the|ein|eine|der|die|das|un|une|una|um|uma)\s+)?",
    re.IGNORECASE,
)
# what stands before the instructions and changes with every request: a clock, a user, a session
_CONTEXT = re.compile(
    r"^[^.!?‹]{0,60}\b(?:dates?|times?|today|now|id|user|session|workspace|locale|version|customer|tenant)\b[^.!?‹]{0,20}"
    r"‹\w+›[\s.,;:|)\]-]*",
    re.IGNORECASE,
)
_LEADING = re.compile(r"^(?:[^\w‹]*‹\w+›)+\W*")
_ADDRESS = re.compile(
    r"^(?:please|you(?: must| should| will| can)?|your (?:task|job|role|goal) is(?: to)?|(?:i want|we need) you to)\s+",
    re.IGNORECASE,
)
# "sales assistant of an online shop": the role is name enough, unless any assistant could be called so
_EMPLOYER = re.compile(
    r"(?<=\w)\s+(?:of|for|at|in|by|from|with|on|who|that|which|whose|für|bei|de|du|des|para)\b.*", re.DOTALL
)
_ANYBODY = frozenset(
    {"ai", "agent", "an", "assistant", "assistent", "bot", "chatbot", "expert", "experienced", "friendly", "helpful"}
    | {"hilfreicher", "intelligent", "language", "large", "model", "polite", "powerful", "professional", "senior"}
    | {"smart", "useful", "world-class"}
)
_TRAILING = frozenset(
    {"a", "an", "and", "are", "as", "at", "before", "after", "by", "each", "every", "for", "from", "go", "if", "in"}
    | {
        "into",
        "is",
        "it",
        "of",
        "on",
        "or",
        "that",
        "the",
        "then",
        "they",
        "this",
        "to",
        "when",
        "which",
        "who",
        "will",
    }
    | {"with", "you", "your"}
)
_MARKS = re.compile(r"‹\w+›|[^\w\s-]")


@dataclass(slots=True)
class _Sampled:
    """One request that votes, as its texts come in."""

    facts: dict[str, Any]
    system: str = ""
    user: str = ""
    answer: str = ""
    calls: int = 0
    tools: int = 0

    def take(self, kind_: str, direction: str, text: str | None) -> None:
        """Add one segment."""
        text = text or ""
        if kind_ == "tool_call" and direction == "output":
            self.calls += 1
        elif kind_ == "tools":
            self.tools += 1
        elif kind_ == "system":
            self.system = f"{self.system} {_ends(text)}".strip()
        elif kind_ == "user":
            self.user = f"{self.user} {_ends(text)}".strip()
        elif kind_ == "answer":
            self.answer += text

    def features(self, distinct_outputs: int) -> Features:
        """What the rules look at."""
        return Features(
            system=self.system,
            user=self.user,
            answer=self.answer,
            tool_calls=self.calls,
            response_format=_format(self.facts["parameters"]),
            output_tokens=self.facts["output_tokens"],
            input_tokens=self.facts["input_tokens"] or 0,
            reasoning_tokens=self.facts["reasoning_output_tokens"] or 0,
            distinct_outputs=distinct_outputs,
        )


@dataclass(slots=True)
class _Workflow:
    """One workflow while its requests vote."""

    requests: int
    outputs: int
    first_request: int
    voters: list[_Sampled] = field(default_factory=list)


def workflows(store: Store) -> None:
    """Name every workflow and settle its task kind; run again on the same log, it changes nothing.

    The kind is a vote over up to 24 requests with text, those with the smallest identity hashes; names once given
    stay. `request.task_kind` follows the workflow's. Requests without instructions whose messages open alike are first
    given a workflow of their own, and instructions that follow one pattern one together.
    """
    split_by_opening(store)
    join_by_pattern(store)
    found = {
        row["workflow_id"]: _Workflow(row["requests"], row["outputs"], row["first_request"])
        for row in store.rows(_SIZES)
    }
    if not found:
        return
    _sample(store, found)
    stored = {row["workflow_id"]: row for row in store.rows(_NAMED) if row["workflow_id"] in found}
    names = _names(stored, found)
    output_ranks = _ranks({key: _mean(each, "output_tokens") for key, each in found.items()})
    context_ranks = _ranks({key: _mean(each, "input_tokens") for key, each in found.items()})
    rows = []
    for key, row in stored.items():
        new = {"name": names[key], **_judged(found[key], output_ranks[key], context_ranks[key])}
        if any(row[name] != value for name, value in new.items()):
            rows.append({"workflow_id": key, **new})
    _write(store, rows)


def mined(store: Store) -> list[str]:
    """Names of workflows nobody tagged, taken from how their prompts begin."""
    return [row["name"] for row in store.rows(_UNTAGGED)]


def _judged(each: _Workflow, output_rank: float, context_rank: float) -> dict[str, Any]:
    features = [voter.features(each.outputs) for voter in each.voters]
    winner, share = vote([kind(one) for one in features])
    hard = [
        difficulty(one, output_rank, context_rank, voter.tools)
        for one, voter in zip(features, each.voters, strict=True)
    ]
    return {
        "task_kind": winner,
        "kind_confidence": round(share, 4) if winner else None,
        "difficulty": round(sum(hard) / len(hard), 4) if hard else None,
    }


def _sample(store: Store, found: dict[int, _Workflow]) -> None:
    votes = max(3, min(_VOTES, _MOST_VOTES // len(found)))
    store.run(_CHOSEN, votes=votes)
    voters: dict[int, _Sampled] = {}
    for row in store.rows(_FACTS):
        voters[row["request_id"]] = _Sampled(row)
        found[row["workflow_id"]].voters.append(voters[row["request_id"]])
    for row in store.rows(_TEXTS):
        voters[row["request_id"]].take(row["kind"], row["direction"], row["text"])
    store.run("DROP TABLE voting_request")


def _write(store: Store, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    schema = store.schema("workflow", rows[0])
    with store.transaction():
        store.replace("described_workflow", pa.Table.from_pylist(rows, schema))
        store.run(_DESCRIBE)
        store.run(_MARK)
        store.run("DROP TABLE described_workflow")


def _names(stored: dict[int, dict[str, Any]], found: dict[int, _Workflow]) -> dict[int, str]:
    """A name for each workflow, no two alike; names that would be are told apart by where their prompts part."""
    names = {key: row["name"] for key, row in stored.items() if row["name"]}
    taken = set(names.values())
    fresh = sorted(stored.keys() - names.keys(), key=lambda each: found[each].first_request)
    bases = {key: _base_name(stored[key]["origin"], _text(stored[key])) for key in fresh}
    alike = Counter(bases.values())
    for key in fresh:
        name = base = bases[key]
        if stored[key]["origin"] in _MINED and (alike[base] > 1 or base in taken):
            others = [_text(stored[other]) for other in stored if other != key and _named_like(stored[other], base)]
            name = "-".join((base, *_parting(_text(stored[key]), others))) if others else base
        number = 2
        while name in taken:
            name, number = f"{base}-{number}", number + 1
        names[key] = name
        taken.add(name)
    return names


def _text(workflow: dict[str, Any]) -> str:
    """What a workflow is named after: how its prompts begin, of some patterns how they end."""
    return workflow["title"] or workflow["ending"] or ""


def _named_like(workflow: dict[str, Any], base: str) -> bool:
    return _base_name(workflow["origin"], _text(workflow)) == base


def _parting(title: str, others: list[str]) -> list[str]:
    """The first words of a prompt's beginning that stand where none of the others goes on in the same way."""
    words = title.split()
    shared = max(sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(words, other.split(), strict=False)))
                 for other in others)  # fmt: skip
    return _MARKS.sub(" ", " ".join(words[shared:])).lower().split()[:_PARTING]


def _base_name(origin: str, title: str) -> str:
    """A tag's or template's own name, else the first words of the instructions (`classify-the-intent-of-tickets`)."""
    if origin not in _MINED:
        return title.strip() or "unnamed"
    title = _LEADING.sub("", title) or title
    for _ in range(3):
        title = _CONTEXT.sub("", title, count=1) or title
    sentence = re.split(r"[.!?\n]\s", title, maxsplit=1)[0]
    words = _MARKS.sub(" ", _spoken(sentence)).lower().split()[:_WORDS]
    while words and words[-1] in _TRAILING:
        words.pop()
    return "-".join(words) or "unnamed"


def _spoken(sentence: str) -> str:
    """A sentence without its address to the model; of a role, without whose it is."""
    opening = _OPENING.match(sentence)
    if opening is None or not opening["role"]:
        return _ADDRESS.sub("", sentence[opening.end() :] if opening else sentence, count=1)
    spoken = sentence[opening.end() :]
    role = _EMPLOYER.sub("", spoken)
    own = [word for word in role.lower().split() if word not in _ANYBODY]
    return role if own and len(role.split()) > 1 else spoken


def _format(parameters: str | None) -> str:
    text = parameters or ""
    if '"json_schema"' in text or '"response_schema"' in text:
        return "json_schema"
    return "json_object" if '"json_object"' in text or '"application/json"' in text else ""


def _ends(text: str) -> str:
    """The beginning and the end of a text, where instructions stand."""
    return text if len(text) <= _HEAD + _TAIL else f"{text[:_HEAD]} {text[-_TAIL:]}"


def _mean(each: _Workflow, name: str) -> float:
    values = [voter.facts[name] or 0 for voter in each.voters]
    return sum(values) / len(values) if values else 0.0


def _ranks(values: dict[int, float]) -> dict[int, float]:
    """The share of workflows with a smaller value, ½ for a single one."""
    if len(values) < 2:
        return dict.fromkeys(values, 0.5)
    ordered = sorted(values.values())
    return {key: ordered.index(value) / (len(ordered) - 1) for key, value in values.items()}
