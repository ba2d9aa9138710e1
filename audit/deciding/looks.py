"""Looks: how often answers were judged that nobody had seen judged before.

Every verdict that was shown may have been the reason to ask more, to ask another candidate, or to stop. So each time
new answers are judged spends an error of its own, whatever brought them: a larger sample, another seed, another
candidate, a batch that came late, the rest of a run that met its cap. Judging the same answers again is no new look,
and neither is completing a sample by up to a tenth. A pair found safe at its look is tested no more: it stays safe
while all its answers, the later ones with them, would pass as a single test.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from audit.deciding.rule import Trial
from audit.deciding.units import TrialKey
from audit.store import Store

COMPLETED = 1.1
"""Growth up to which a sample is the one that was looked at: calls that failed are made again."""

_DECIDED = "SELECT settings FROM event WHERE command = 'decide' ORDER BY event_id"


@dataclass(slots=True)
class Looks:
    """`count` looks so far; by pair the look that judged its answers first and how many there were; by look its pairs.

    `won` are the pairs found safe.
    """

    count: int = 0
    of: dict[TrialKey, tuple[int, int]] = field(default_factory=dict)
    families: dict[int, int] = field(default_factory=dict)
    won: set[TrialKey] = field(default_factory=set)

    def take(self, seen: Mapping[TrialKey, int]) -> None:
        """Judge so many answers of each pair; a look if any of them are new."""
        fresh = {
            key: answers
            for key, answers in seen.items()
            if key not in self.won and answers > COMPLETED * self.of.get(key, (0, 0))[1]
        }
        if fresh:
            self.count += 1
            self.families[self.count] = len(fresh)
            self.of |= {key: (self.count, answers) for key, answers in fresh.items()}


def looks(store: Store) -> Looks:
    """The looks taken so far, from the chain of events."""
    found = Looks()
    for event in store.rows(_DECIDED):
        rows = json.loads(event["settings"]).get("trials", ())
        found.take({_key(row): row["answers"] for row in rows if row.get("answers")})
        found.won |= {_key(row) for row in rows if row.get("safe")}
    return found


def looked(found: Looks, trials: Sequence[Trial]) -> list[Trial]:
    """Take a look at these trials; each with the look at which its answers are, or were, judged first."""
    found.take({trial.key: answers(trial) for trial in trials})
    return [
        replace(trial, look=look, family=found.families.get(look, 0), won=trial.key in found.won)
        for trial in trials
        for look, _ in [found.of.get(trial.key, (found.count + 1, 0))]
    ]


def answers(trial: Trial) -> int:
    """Answers of the candidate and of today's model, asked again, that its verdict rests on."""
    own = sum(unit.prompt_key in trial.self_replay for unit in trial.units)
    return own + sum(unit.state != "no_answer" for unit in trial.units)


def _key(row: Mapping[str, Any]) -> TrialKey:
    return TrialKey(*(row[name] for name in TrialKey._fields))
