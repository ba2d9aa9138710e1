"""Which replayed answer was decided how, by whom and why: the list behind every verdict."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from audit.deciding import Evidence, TrialKey, Unit, evidence
from audit.scoring import answer_text, transcripts
from audit.store import Store

Outcome = Literal["unacceptable", "no_answer", "open", "not_reached", "acceptable"]
"""What became of an answer, the worst first. `open`: nobody could decide; `no_answer`: the candidate could not answer;
`not_reached`: the endpoint or the network failed, which says nothing of the candidate."""
By = Literal["program", "judge", "people", "nobody"]
"""Whose word an outcome is; people's goes before a program's, a program's before a judge's unless it is in doubt."""

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
DECIDERS: tuple[By, ...] = get_args(By)

_OUTCOME: Mapping[str, Outcome] = {"passed": "acceptable", "failed": "unacceptable", "undecided": "open"}
_CHUNK = 256

_REPLAYS = """
SELECT p.replay_id, p.error, p.lossy, p.finish_reason, p.started_at_us, p.reasoning_output_tokens, p.text,
       p.tool_calls, r.external_id, COALESCE(w.name, '') AS workflow, COALESCE(w.task_kind, '') AS task_kind
FROM replay AS p
JOIN request AS r ON r.request_id = p.request_id
LEFT JOIN workflow AS w ON w.workflow_id = p.workflow_id
"""
_SCORES = """
SELECT replay_id, scorer, scorer_version, passed, score, reason, task_kind, scored_at_us FROM score
ORDER BY replay_id, scored_at_us, scorer
"""
_RATINGS = """
SELECT replay_id, rater, verdict, note, rated_at_us FROM rating WHERE replay_id IS NOT NULL
ORDER BY replay_id, rated_at_us, event_id
"""


@dataclass(frozen=True, slots=True)
class Texts:
    """What an answer was an answer to, as (role, text), and both answers."""

    turns: tuple[tuple[str, str], ...]
    logged: str
    answer: str


@dataclass(frozen=True, slots=True)
class Answer:
    """One replayed answer: the one that counts for its candidate and prompt.

    `unit` has its figures, `row` what else is on file. `deciders` are the scorers, judges or raters whose word the
    outcome is; `before_people` is what it was without people's, None where nobody rated. `scores` and `ratings` are all
    that was ever said of it, `unfit` the judges among the scorers that do not count. `own` says that today's model was
    asked again.
    """

    key: TrialKey
    unit: Unit
    row: Mapping[str, Any]
    outcome: Outcome
    by: By
    deciders: tuple[str, ...]
    before_people: Outcome | None
    reason: str
    own: bool
    scores: tuple[Mapping[str, Any], ...]
    unfit: frozenset[str]
    ratings: tuple[Mapping[str, Any], ...]
    texts: Texts | None = None

    @property
    def request(self) -> str:
        """The name `audit show` knows its request by."""
        return str(self.row["external_id"] or f"#{self.unit.request_id}")

    @property
    def candidate(self) -> str:
        """Endpoint, model and variant."""
        name = f"{self.key.endpoint}/{self.key.model}"
        return f"{name} ({self.key.variant})" if self.key.variant else name


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which answers to list; nothing named = all."""

    workflows: Sequence[str] = ()
    models: Sequence[str] = ()
    outcomes: Sequence[str] = ()
    deciders: Sequence[str] = ()

    def has(self, answer: Answer) -> bool:
        """Whether it is one of them; a model goes by its name, or by ENDPOINT/NAME."""
        models = {answer.key.model, f"{answer.key.endpoint}/{answer.key.model}"}
        return (
            (not self.workflows or answer.row["workflow"] in self.workflows)
            and (not self.models or not models.isdisjoint(self.models))
            and (not self.outcomes or answer.outcome in self.outcomes)
            and (not self.deciders or answer.by in self.deciders)
        )


def answers(store: Store) -> list[Answer]:
    """The replayed answers that count, the worst first, and of those alike the ones with most of today's dollars."""
    found = evidence(store)
    rows = {row["replay_id"]: row for row in store.rows(_REPLAYS)}
    said = _by_replay(store.rows(_SCORES)), _by_replay(store.rows(_RATINGS))
    every = [_answer(key, unit, rows[unit.replay_id], said, found, own) for key, unit, own in _units(found)]
    return sorted(every, key=_worst_first)


def with_texts(store: Store, listed: Sequence[Answer]) -> Iterator[Answer]:
    """The same answers with their texts, read a few at a time."""
    for start in range(0, len(listed), _CHUNK):
        part = listed[start : start + _CHUNK]
        spoken = transcripts(store, [answer.unit.request_id for answer in part])
        for answer in part:
            logged = spoken[answer.unit.request_id]
            text = answer_text(answer.row["text"], answer.row["tool_calls"])
            yield replace(answer, texts=Texts(tuple(logged.turns), logged.answer, text))


def _units(found: Evidence) -> Iterator[tuple[TrialKey, Unit, bool]]:
    for key, units in found.trials.items():
        yield from ((key, unit, False) for unit in units)
    for (workflow, model), own in found.floors.items():
        yield from ((TrialKey(workflow, model, unit.endpoint, model, ""), unit, True) for unit in own.values())


def _by_replay(rows: Sequence[Mapping[str, Any]]) -> dict[int, list[Mapping[str, Any]]]:
    found: dict[int, list[Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["replay_id"], []).append(row)
    return found


def _answer(
    key: TrialKey,
    unit: Unit,
    row: Mapping[str, Any],
    said: tuple[Mapping[int, list[Mapping[str, Any]]], Mapping[int, list[Mapping[str, Any]]]],
    found: Evidence,
    own: bool,
) -> Answer:
    scores, ratings = (of.get(unit.replay_id, []) for of in said)
    unfit = {name for name, kind in found.judges if not found.judges[name, kind].fit for each in scores
             if (each["scorer"], each["task_kind"] or "") == (name, kind)}  # fmt: skip
    repeated = unit.good(False) and not unit.acceptable(False)
    outcome: Outcome = "unacceptable" if repeated else _outcome(unit.state)
    by: By = "people" if unit.rated is not None else "judge" if unit.judge else "program" if unit.by else "nobody"
    return Answer(
        key, unit, row, outcome, by, unit.by,
        before_people=None if unit.rated is None else _outcome(unit.said),
        reason="the same as an answer the log marks as bad" if repeated else _reason(unit, row),
        own=own, scores=tuple(scores), unfit=frozenset(unfit), ratings=tuple(ratings),
    )  # fmt: skip


def _outcome(state: str) -> Outcome:
    return _OUTCOME.get(state) or ("not_reached" if state == "not_reached" else "no_answer")


def _reason(unit: Unit, row: Mapping[str, Any]) -> str:
    return str(row["error"] or unit.reason) if unit.state in ("no_answer", "not_reached") else unit.reason


def _worst_first(answer: Answer) -> tuple[int, float, str, int]:
    stake = answer.unit.weight * (answer.unit.current_cost or 0.0)
    return OUTCOMES.index(answer.outcome), -stake, answer.candidate, answer.unit.replay_id


def lossy(answer: Answer) -> list[str]:
    """What could not be carried over faithfully when it was asked."""
    found = json.loads(answer.row["lossy"] or "[]")
    return [str(each) for each in found] if isinstance(found, list) else []
