"""What was said of each replayed answer: by scorers, by judges that are fit to judge, and by people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from audit.store import Store

State = Literal["passed", "failed", "undecided", "no_answer", "not_reached"]
"""no_answer: the candidate could not answer this prompt; not_reached: the endpoint or the network failed."""

GOOD = frozenset({"acceptable", "better", "equal", "acceptable_but_worse", "acceptable-but-worse", "good", "pass"})
BAD = frozenset({"unacceptable", "bad", "fail"})

_SCORES = """
SELECT replay_id, scorer, scorer_version, passed, COALESCE(doubtful, FALSE) AS doubtful, reason, task_kind
FROM score ORDER BY replay_id, scored_at_us, scorer
"""
_RATINGS = "SELECT replay_id, request_id, rater, verdict, phase, item FROM rating ORDER BY rated_at_us, event_id"
_DRAWN = """
SELECT item, MAX(inclusion_probability) AS inclusion_probability FROM review_item GROUP BY item
"""


@dataclass(slots=True)
class Word:
    """What became of one answer: `state` with people's word, `said` without it.

    `judge` decided where scorers could not, or failed it with doubt (`doubtful`), on the task kind `kind`. `rated` is
    what people found, None without a rating; `chance` that of being drawn for rating, None where the rating did not
    come from a draw and speaks for this answer alone. `by` are those whose word it is: scorers, judges or raters.
    `judges` are all whose verdicts on it count, each by its rubric; `ratings` is how often people rated it, those they
    changed included.
    """

    state: State = "undecided"
    reason: str = "not scored yet"
    said: State = "undecided"
    judge: str = ""
    kind: str = ""
    rated: bool | None = None
    chance: float | None = None
    by: tuple[str, ...] = ()
    judges: frozenset[str] = frozenset()
    ratings: int = 0
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """Words by replayed answer, and what people said of logged answers, by request."""

    answers: Mapping[int, Word]
    logged: Mapping[int, bool]


def words(store: Store, unfit: frozenset[tuple[str, str]]) -> Words:
    """People's word, else the scorers', else that of the judges that are not among `unfit` (judge, task kind)."""
    found: dict[int, Word] = {}
    rows: dict[int, list[dict[str, Any]]] = {}
    for row in store.rows(_SCORES):
        if (row["scorer"], row["task_kind"] or "") not in unfit:
            rows.setdefault(row["replay_id"], []).append(row)
        found[row["replay_id"]] = Word()
    for replay, scores in rows.items():
        found[replay] = _scored(scores)
        found[replay].judges = frozenset(
            f"{row['scorer']} {row['scorer_version']}" for row in scores if is_judge(row["scorer"])
        )
    chances = {row["item"]: row["inclusion_probability"] for row in store.rows(_DRAWN)}
    candidates: dict[int, dict[str, dict[str, Any]]] = {}
    logged: dict[int, dict[str, dict[str, Any]]] = {}
    counts: Counter[int] = Counter()
    for row in store.rows(_RATINGS):
        place = logged.setdefault(row["request_id"], {}) if row["replay_id"] is None else candidates.setdefault(
            row["replay_id"], {}
        )  # fmt: skip
        place[row["rater"]] = row
        if row["replay_id"] is not None:
            counts[row["replay_id"]] += 1
    for replay, by_rater in candidates.items():
        word = found.setdefault(replay, Word())
        word.ratings = counts[replay]
        _rate(word, list(by_rater.values()), chances)
    today = {request: majority(map(_good, by_rater.values())) for request, by_rater in logged.items()}
    return Words(found, {request: ok for request, ok in today.items() if ok is not None})


def _scored(scores: list[dict[str, Any]]) -> Word:
    """The programs' word; that of judges who were asked where programs are open, or failed an answer with doubt.

    A judge that does not agree with itself there leaves the answer open.
    """
    programs = [row for row in scores if not is_judge(row["scorer"])]
    judges = [row for row in scores if is_judge(row["scorer"])]
    passed = majority(row["passed"] for row in programs)
    doubtful = passed is False and all(row["doubtful"] for row in programs if row["passed"] is False)
    if passed is not None and not (doubtful and judges):
        return _decided(passed, programs, doubtful)
    passed = majority(row["passed"] for row in judges)
    if passed is not None:
        return _decided(passed, judges, doubtful)
    said = judges if doubtful else scores
    return Word("undecided", next((row["reason"] or "" for row in said), ""), doubtful=doubtful)


def _decided(passed: bool, rows: list[dict[str, Any]], doubtful: bool) -> Word:
    """What most of programs, or of judges, said; the last of them says why."""
    state: State = "passed" if passed else "failed"
    last = rows[-1]
    judge = last["scorer"] if is_judge(last["scorer"]) else ""
    by = tuple(sorted({row["scorer"] for row in rows if row["passed"] == passed}))
    return Word(state, last["reason"] or "", state, judge, last["task_kind"] or "", by=by, doubtful=doubtful)


def is_judge(scorer: str) -> bool:
    """Whether a score comes from a judge rather than from a program."""
    return scorer.startswith("judge")


def _rate(word: Word, ratings: list[dict[str, Any]], chances: Mapping[str, float]) -> None:
    word.rated = majority(map(_good, ratings))
    if word.rated is None:
        return
    word.state, word.reason = ("passed" if word.rated else "failed"), "rated by a person"
    word.by = tuple(sorted(row["rater"] for row in ratings if _good(row) == word.rated))
    drawn = [chances[row["item"]] for row in ratings if row["phase"] == "two_phase" and row["item"] in chances]
    word.chance = max(drawn, default=None)


def _good(row: dict[str, Any]) -> bool | None:
    return True if row["verdict"] in GOOD else False if row["verdict"] in BAD else None


def majority(votes: Iterable[bool | None]) -> bool | None:
    """What most of the votes say; None on a tie or without votes."""
    counts = Counter(vote for vote in votes if vote is not None)
    return None if counts[True] == counts[False] else counts[True] > counts[False]
