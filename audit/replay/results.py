"""What a replay did."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from audit.replay.frame import Excluded
from audit.replay.plans import PICO, Plan, Unreplayable


@dataclass(frozen=True, slots=True)
class Failure:
    """Calls without an answer, or not made, for one reason; `example` is one message of the endpoint."""

    endpoint: str
    model: str
    reason: str
    count: int
    example: str
    sent: bool


@dataclass(frozen=True, slots=True)
class CandidateResult:
    """What one candidate did for one current model in this run; seconds are medians and 95th percentiles."""

    current_model: str
    endpoint: str
    model: str
    variant: str
    floor: bool
    calls: int
    answered: int
    failed: int
    reused: int
    p50_seconds: float | None
    p95_seconds: float | None
    spent_usd: float


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a replay stands: calls done of `total`, and what they cost so far; `skipped` ones are not made at all.

    `stopping` once the user has stopped it and only answers on their way are waited for.
    """

    total: int
    answered: int
    failed: int
    skipped: int
    spent_usd: float
    candidates: tuple[CandidateResult, ...]
    stopping: bool = False


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """A finished replay; `stopped` says why it ended early (empty = it did not), `unmade` how many calls were not made
    because their endpoint was out of use for a time.

    `excluded` are requests nobody could be asked, `not_replayable` drawn prompts a candidate could not be asked.
    `uncertain_usd` bounds what failed attempts may still be billed, beyond `spent_usd`; `spent_before_usd` is what
    unfinished runs before it may have cost, which the cap counts too. `notes` are sentences on what
    was found out about the endpoints.
    """

    sampled: int
    sent: int
    answered: int
    reused: int
    failed: tuple[Failure, ...]
    excluded: tuple[Excluded, ...]
    not_replayable: tuple[Unreplayable, ...]
    spent_usd: float
    uncertain_usd: float
    seconds: float
    by_candidate: tuple[CandidateResult, ...]
    spent_before_usd: float = 0.0
    stopped: str = ""
    unmade: str = ""
    notes: tuple[str, ...] = ()

    @property
    def refused(self) -> Failure | None:
        """The commonest way in which calls that were made gave no answer; None where all that were made did."""
        return next((each for each in self.failed if each.sent), None)


@dataclass(slots=True)
class Tallies:
    """Counts while a replay runs, by route."""

    plan: Plan
    answered: Counter[int] = field(default_factory=Counter)
    failed: Counter[int] = field(default_factory=Counter)
    spent: Counter[int] = field(default_factory=Counter)
    seconds: dict[int, list[float]] = field(default_factory=dict)
    reasons: dict[tuple[int, str, bool], tuple[int, str]] = field(default_factory=dict)

    def answer(self, route: int, seconds: float | None, cost_pico: int) -> None:
        """Count an answer; `seconds` None where its time is not known."""
        self.answered[route] += 1
        self.spent[route] += cost_pico
        if seconds is not None:
            self.seconds.setdefault(route, []).append(seconds)

    def fail(self, route: int, reason: str, message: str, sent: bool) -> None:
        """Count a call that gave no answer, or was not made."""
        if sent:
            self.failed[route] += 1
        count, example = self.reasons.get((route, reason, sent), (0, message))
        self.reasons[route, reason, sent] = count + 1, example

    def progress(self, *, stopping: bool = False) -> Progress:
        """Where things stand."""
        return Progress(
            total=len(self.plan.jobs),
            answered=self.answered.total(),
            failed=self.failed.total(),
            skipped=sum(count for (_, _, sent), (count, _) in self.reasons.items() if not sent),
            spent_usd=self.spent.total() / PICO,
            candidates=self.candidates(),
            stopping=stopping,
        )

    def candidates(self) -> tuple[CandidateResult, ...]:
        """Results by candidate, in the order of the plan."""
        calls = Counter(job.route for job in self.plan.jobs)
        reused = {
            (each.current_model, each.endpoint, each.model, each.variant): each.reused for each in self.plan.candidates
        }
        made = []
        for place, route in enumerate(self.plan.routes):
            key = route.current.model, route.endpoint.name, route.model, route.variant_name
            if not calls[place] and not reused.get(key):
                continue
            ranked = sorted(self.seconds.get(place, []))
            made.append(
                CandidateResult(
                    *key,
                    floor=route.floor,
                    calls=calls[place],
                    answered=self.answered[place],
                    failed=self.failed[place],
                    reused=reused.get(key, 0),
                    p50_seconds=_rank(ranked, 0.5),
                    p95_seconds=_rank(ranked, 0.95),
                    spent_usd=self.spent[place] / PICO,
                )
            )
        return tuple(made)

    def failures(self) -> tuple[Failure, ...]:
        """Failures by candidate and reason, the most frequent first."""
        made: dict[tuple[str, str, str, bool], tuple[int, str]] = {}
        for (place, reason, sent), (count, example) in self.reasons.items():
            route = self.plan.routes[place]
            key = route.endpoint.name, route.model, reason, sent
            before = made.get(key, (0, example))
            made[key] = before[0] + count, before[1]
        found = [Failure(*key[:3], count, example, key[3]) for key, (count, example) in made.items()]
        return tuple(sorted(found, key=lambda each: (-each.count, each.endpoint, each.model, each.reason)))


def _rank(ranked: list[float], share: float) -> float | None:
    """Nearest-rank quantile."""
    return ranked[max(0, -int(-share * len(ranked) // 1) - 1)] if ranked else None
