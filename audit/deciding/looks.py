"""Looks: how often evidence was judged that nobody had seen judged before.

Every verdict that was shown may have been the reason to ask more, to ask another candidate, to let others rate or
judge, or to stop. So each time new evidence is judged spends an error of its own, whatever brought it: a larger sample,
another seed, another candidate, a batch that came late, the rest of a run that met its cap; a further round of ratings;
another judge, or the same by another rubric. A pair found safe at its look is tested no more: it stays safe while all
its evidence, the later with it, would pass as a single test.

No new look is to judge the same evidence again, as where ratings agree with what had been said; to complete a sample,
or a round of ratings, by up to a tenth; the first ratings of a pair and its first judge, which say what its answers
were worth; and more answers of that judge: what it has not judged counts as lost, so whoever was safe before is so
after. Nor is a look at what could not be found safe had every answer been good: where nothing can be certified, nothing
can be certified falsely.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from audit.deciding.rule import Trial, lost, may_pass
from audit.deciding.units import TrialKey
from audit.hashes import content_hash, hexed
from audit.statistics.verdicts import whole_error
from audit.store import Store

COMPLETED = 1.1
"""Growth up to which a sample, or what people rated, is what was looked at: calls that failed are made again."""

_DECIDED = "SELECT settings FROM event WHERE command = 'decide' ORDER BY event_id"


class Seen(NamedTuple):
    """What a verdict rests on: answers of the candidate and of today's model asked again, ratings of the candidate's
    answers, and the judges whose word counts, each by its rubric. `losses` is a digest of what is tested: which answers
    speak, with which weights, and which of them are lost; ratings that agree with what was said leave it as it was."""

    answers: int
    ratings: int = 0
    judges: tuple[str, ...] = ()
    losses: str = ""

    @classmethod
    def of(cls, trial: Trial) -> Seen:
        """What there is to see of a trial."""
        own = sum(unit.prompt_key in trial.self_replay for unit in trial.units)
        judges: set[str] = set().union(*(unit.judges for unit in trial.units))
        return cls(
            own + sum(unit.state != "no_answer" for unit in trial.units),
            sum(unit.ratings for unit in trial.units),
            tuple(sorted(judges)),
            _losses(trial),
        )

    def beyond(self, before: Seen) -> bool:
        """Whether it holds more than completes what was seen before."""
        rated = before.ratings and self.ratings > COMPLETED * before.ratings
        judged = before.judges and not set(self.judges) <= set(before.judges)
        said_anew = bool(rated or judged) and (not before.losses or self.losses != before.losses)
        return self.answers > COMPLETED * before.answers or said_anew

    def completed(self, now: Seen) -> Seen:
        """The same with the first ratings and the first judge, which belong to the look at what they are of."""
        return Seen(self.answers, self.ratings or now.ratings, self.judges or now.judges, now.losses)


@dataclass(slots=True)
class Looks:
    """`count` looks so far; by pair the look that judged its evidence first and what that was; by look its pairs.

    `won` are the pairs found safe. `waiting` are those that could not have been: at which look that was told, of what.
    """

    count: int = 0
    of: dict[TrialKey, tuple[int, Seen]] = field(default_factory=dict)
    families: dict[int, int] = field(default_factory=dict)
    won: set[TrialKey] = field(default_factory=set)
    waiting: dict[TrialKey, tuple[int, Seen]] = field(default_factory=dict)

    def at(self, key: TrialKey, now: Seen) -> int:
        """The look at which this evidence of a pair was, or will be, judged first."""
        look, before = self.of.get(key, (0, Seen(0)))
        return look if key in self.won or (look and not now.beyond(before)) else self.count + 1

    def take(self, seen: Mapping[TrialKey, Seen]) -> None:
        """Judge so much evidence of each pair that might be found safe; a look if any of it is new."""
        fresh = {key: now for key, now in seen.items() if self.at(key, now) > self.count}
        for key in seen.keys() & self.of.keys() - fresh.keys():
            look, before = self.of[key]
            self.of[key] = look, before.completed(seen[key])
        if fresh:
            self.count += 1
            self.families[self.count] = len(fresh)
            self.of |= {key: (self.count, now) for key, now in fresh.items()}


def looks(store: Store) -> Looks:
    """The looks taken so far, from the chain of events."""
    found = Looks()
    for event in store.rows(_DECIDED):
        rows = json.loads(event["settings"]).get("trials", ())
        found.take({_key(row): _seen(row) for row in rows if row.get("answers") and row.get("may_pass", True)})
        found.won |= {_key(row) for row in rows if row.get("safe")}
        found.waiting |= {_key(row): (row["look"], _seen(row)) for row in rows if not row.get("may_pass", True)}
    return found


def looked(found: Looks, trials: Sequence[Trial]) -> list[Trial]:
    """Take a look at these trials; each with the look at which its evidence is, was or will be judged first.

    What could not be found safe stays where that was told: to decide once more changes nothing.
    """
    seen = {trial.key: Seen.of(trial) for trial in trials}
    placed = [(trial, found.at(trial.key, seen[trial.key])) for trial in trials]
    able = {trial.key for trial, look in placed if may_pass(trial, whole_error(look))}
    found.take({key: seen[key] for key in able})
    made = []
    for trial, look in placed:
        passes = trial.key in able
        place = look if passes else _told(found, trial, seen[trial.key], look)
        family = found.families.get(look, 0) if passes else 0
        made.append(replace(trial, look=place, family=family, able=passes, won=trial.key in found.won))
    return made


def _told(found: Looks, trial: Trial, now: Seen, look: int) -> int:
    """The look at which a trial was told it could not pass, where the same evidence would not there; else this one."""
    before, then = found.waiting.get(trial.key, (0, Seen(0)))
    return before if before and not now.beyond(then) and not may_pass(trial, whole_error(before)) else look


def _key(row: Mapping[str, Any]) -> TrialKey:
    return TrialKey(*(row[name] for name in TrialKey._fields))


def _seen(row: Mapping[str, Any]) -> Seen:
    return Seen(row["answers"], row.get("ratings", 0), tuple(row.get("judges", ())), row.get("losses", ""))


def _losses(trial: Trial) -> str:
    tested = (f"{unit.prompt_key} {lost(trial, unit):d} {unit.weight:.9g}" for unit in trial.evidence)
    return hexed(content_hash(" ".join(tested)))
