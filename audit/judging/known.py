"""What a judge was asked before: what need not be asked again, and which planted answers prove it already."""

from __future__ import annotations

from collections import Counter

from audit.judging.cases import Case
from audit.judging.protocol import version
from audit.replay.runs import finished_at_us, lost_since
from audit.store import Store

MOST_TRIES = 2
"""Times a question is put whose answer can't be read; after that it stays without a verdict."""

_KNOWN = """
SELECT COALESCE(canary, '') AS canary, COALESCE(replay_id, 0) AS replay_id, request_id, candidate_first, protocol,
       MIN(COALESCE(task_kind, '')) AS task_kind, COUNT(*) AS tries, COUNT(verdict) AS verdicts
FROM judgement WHERE judge = $judge AND status = 'ok'
GROUP BY COALESCE(canary, ''), COALESCE(replay_id, 0), request_id, candidate_first, protocol
"""

_SPENT_SINCE = """
SELECT CAST(COALESCE(SUM(cost_pico), 0) AS BIGINT) FROM judgement WHERE judge = $judge AND judged_at_us > $since
"""


def spent_unfinished(store: Store, judge: str) -> int:
    """Pico-USD that judgements stopped or killed since the last one that ran to its end spent, or may have lost."""
    since = finished_at_us(store, "judge")
    return int(store.value(_SPENT_SINCE, judge=judge, since=since) or 0) + lost_since(store, "judge", since)


class Known:
    """The questions a judge has answered."""

    def __init__(self, store: Store, judge: str) -> None:
        self._settled: set[tuple[object, ...]] = set()
        self._unread: set[tuple[object, ...]] = set()
        self._planted: Counter[tuple[str, str]] = Counter()
        for row in store.rows(_KNOWN, judge=judge):
            key = row["canary"], row["replay_id"], row["request_id"], row["candidate_first"], row["protocol"]
            over = row["verdicts"] or row["tries"] >= MOST_TRIES
            (self._settled if over else self._unread).add(key)
            if over and row["canary"]:
                self._planted[row["task_kind"], row["canary"]] += 1

    def settled(self, canary: str, case: Case, candidate_first: bool) -> bool:
        """Whether a question need not be put (again)."""
        return _key(canary, case, candidate_first) in self._settled

    def unread(self, canary: str, case: Case, candidate_first: bool) -> bool:
        """Whether it was put and its answer could not be read."""
        return _key(canary, case, candidate_first) in self._unread

    def planted(self, task_kind: str, canary: str) -> int:
        """Questions about planted answers of one sort that are on file for a task kind."""
        return self._planted[task_kind, canary]


def _key(canary: str, case: Case, candidate_first: bool) -> tuple[object, ...]:
    return canary, 0 if canary else case.replay_id, case.request_id, candidate_first, version(case.rubric)
