"""Replayed answers for programs and spreadsheets: the documents of `audit answers`."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from audit.answers import Answer, lossy
from audit.export.values import Document, inert, usd, utc
from audit.hashes import hexed

_LISTED = ("deciders", "lossy", "scores", "ratings", "texts")
"""Keys of an answer that hold more than one value; in CSV deciders stand in one cell, and texts in three."""
_TEXTS = ("asked", "logged_answer", "answer")


def answers_document(counted: Sequence[Answer], shown: Iterable[Answer]) -> Document:
    """`audit answers --json`: how many there are, and each of those shown."""
    return {
        "answers_listed": len(counted),
        "by_verdict": dict(Counter(answer.outcome for answer in counted)),
        "by_decider": dict(Counter(answer.by for answer in counted)),
        "answers": [answer_row(answer) for answer in shown],
    }


def answer_row(answer: Answer) -> Document:
    """One answer."""
    key, unit, row = answer.key, answer.unit, answer.row
    return {
        "request": answer.request,
        "prompt_key": hexed(unit.prompt_key),
        "replay_id": unit.replay_id,
        "workflow": row["workflow"],
        "task_kind": row["task_kind"],
        "current_model": key.current_model,
        "endpoint": key.endpoint,
        "model": key.model,
        "variant": key.variant,
        "todays_model_again": answer.own,
        "origin": unit.origin,
        "verdict": answer.outcome,
        "decided_by": answer.by,
        "deciders": list(answer.deciders),
        "doubtful": unit.doubtful,
        "before_people": answer.before_people,
        "reason": answer.reason,
        "requests": unit.requests,
        "weight": unit.weight,
        "cost_usd": usd(unit.cost),
        "logged_cost_usd": usd(unit.current_cost),
        "input_tokens": unit.input_tokens,
        "logged_input_tokens": unit.logged_input_tokens,
        "output_tokens": unit.output_tokens,
        "logged_output_tokens": unit.logged_output_tokens,
        "reasoning_output_tokens": row["reasoning_output_tokens"],
        "seconds": unit.duration,
        "logged_seconds": unit.logged_duration,
        "first_chunk_seconds": unit.first_chunk,
        "logged_first_chunk_seconds": unit.logged_first_chunk,
        "finish_reason": row["finish_reason"],
        "asked_at": utc(row["started_at_us"]),
        "lossy": lossy(answer),
        "scores": [_score(each, answer.unfit) for each in answer.scores],
        "ratings": [
            {"rater": each["rater"], "verdict": each["verdict"], "note": each["note"], "at": utc(each["rated_at_us"])}
            for each in answer.ratings
        ],
    } | _texts(answer)


def _score(each: Mapping[str, Any], unfit: frozenset[str]) -> Document:
    return {
        "scorer": each["scorer"], "version": each["scorer_version"], "acceptable": each["passed"],
        "score": each["score"], "reason": each["reason"], "counts": each["scorer"] not in unfit,
        "at": utc(each["scored_at_us"]),
    }  # fmt: skip


def _texts(answer: Answer) -> Document:
    if answer.texts is None:
        return {}
    turns = [{"role": role, "text": text} for role, text in answer.texts.turns]
    return {"texts": {"turns": turns, "logged_answer": answer.texts.logged, "answer": answer.texts.answer}}


def write_csv(listed: Iterable[Answer], path: Path) -> int:
    """Write one line for each answer and return how many; no text of a log becomes a formula.

    Where texts are there, they are the last three columns.
    """
    number, writer = 0, None
    with path.open("w", encoding="utf-8", newline="") as file:
        for answer in listed:
            cells = _cells(answer)
            if writer is None:
                writer = csv.DictWriter(file, list(cells), lineterminator="\n")
                writer.writeheader()
            writer.writerow(cells)
            number += 1
    return number


def _cells(answer: Answer) -> Document:
    row = answer_row(answer)
    cells = {name: value for name, value in row.items() if name not in _LISTED}
    cells["deciders"] = ", ".join(answer.deciders)
    if answer.texts is not None:
        turns = answer.texts.turns
        asked = turns[-1][1] if turns else ""
        cells |= {"asked": asked, "logged_answer": answer.texts.logged, "answer": answer.texts.answer}
    return {
        name: inert(value, lines=name in _TEXTS) if isinstance(value, str) else value for name, value in cells.items()
    }
