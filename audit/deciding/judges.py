"""Is a judge awake, consistent and incorruptible: what its canaries and both presentation orders say of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from audit.statistics.agreement import aggregate_swapped
from audit.statistics.distributions import binomial_cdf
from audit.statistics.intervals import upper_bound
from audit.store import Store

LEAST_CONSISTENCY = 0.80
MUST_PASS = 0.80
MUST_FAIL = {"other": 0.95, "injected": 0.95, "number": 0.90, "astray": 0.95}
"""Shares of planted answers a judge has to get right, by sort; it is held to fall short where chance explains that in
fewer than `SURPRISE` of cases. What must pass are logged answers, and some of those are bad. How many a judge rejects
is in intervals and verdicts, whichever of the two it is; one that rejects more than this decides nothing."""
SURPRISE = 0.10
LEAST_CANARIES = 5
MOST_UNREAD = 0.05
"""Share of a judge's answers that may be unreadable."""
MISS_DELTA = 0.10

_JUDGEMENTS = """
SELECT judge, replay_id, canary, request_id, task_kind, candidate_first, verdict, response_model
FROM judgement WHERE status = 'ok' ORDER BY judgement_id
"""


@dataclass(frozen=True, slots=True)
class Canaries:
    """Planted answers: how many, and how many were judged as they had to be."""

    n: int
    right: int

    @property
    def share(self) -> float:
        """Share judged rightly; 1 where none was planted."""
        return self.right / self.n if self.n else 1.0

    @property
    def wrong_at_most(self) -> float:
        """Upper 90 % bound of the share judged wrongly; 1 where none was planted."""
        return upper_bound(self.n - self.right, self.n, MISS_DELTA) if self.n else 1.0

    def short_of(self, share: float) -> bool:
        """Whether fewer were judged rightly than chance explains in a judge that gets this share right (binomial)."""
        return self.right < self.n and binomial_cdf(self.right, self.n, share) < SURPRISE


class Doubt(NamedTuple):
    """What may be wrong in a judge's word on one task kind.

    `must_fail` and `must_pass` are the planted answers of that kind it met; `miss` bounds the share of unacceptable
    answers it lets pass, at its worst task kind.
    """

    miss: float
    must_fail: Canaries
    must_pass: Canaries


@dataclass(frozen=True, slots=True)
class Fitness:
    """What is known of a judge on one task kind.

    Planted answers and others it gave no readable verdict on are in `unread`, and nowhere else.
    `faults` say why its verdicts count for nothing; empty = fit. `consistency` is the share of answers it judged
    alike in both orders, None without any.
    """

    judge: str
    task_kind: str
    canaries: Mapping[str, Canaries]
    consistency: float | None
    answers: int
    faults: tuple[str, ...]
    models: tuple[str, ...] = field(default=())
    unread: int = 0

    @property
    def must_fail(self) -> Canaries:
        """Planted answers it had to fail, of all sorts."""
        sorts = [each for name, each in self.canaries.items() if name in MUST_FAIL]
        return Canaries(sum(each.n for each in sorts), sum(each.right for each in sorts))

    @property
    def must_pass(self) -> Canaries:
        """Planted answers it had to pass: the logged ones themselves."""
        return self.canaries.get("same", Canaries(0, 0))

    @property
    def miss(self) -> float:
        """Upper 90 % bound of the share of unacceptable answers it lets pass."""
        return self.must_fail.wrong_at_most

    @property
    def harsh(self) -> float:
        """Upper 90 % bound of the share of acceptable answers it fails."""
        return self.must_pass.wrong_at_most

    @property
    def fit(self) -> bool:
        """Whether its verdicts count."""
        return not self.faults


def fitness(store: Store) -> dict[tuple[str, str], Fitness]:
    """Every judge on every task kind it has judged, from its journal; one without canaries is unproven, so unfit."""
    pairs: dict[tuple[str, str], dict[tuple[object, ...], dict[bool, str | None]]] = {}
    models: dict[tuple[str, str], set[str]] = {}
    for row in store.rows(_JUDGEMENTS):
        key = f"judge:{row['judge']}", row["task_kind"] or ""
        item = row["canary"], row["replay_id"], row["request_id"]
        pairs.setdefault(key, {}).setdefault(item, {})[bool(row["candidate_first"])] = row["verdict"]
        models.setdefault(key, set()).add(row["response_model"] or "")
    found = {key: _fitness(key, items, models[key]) for key, items in pairs.items()}
    for row in store.rows("SELECT DISTINCT scorer, task_kind FROM score WHERE scorer LIKE 'judge%'"):
        key = row["scorer"], row["task_kind"] or ""
        found.setdefault(key, Fitness(*key, {}, None, 0, ("it was given no canaries",)))
    return found


def doubts(judges: Mapping[tuple[str, str], Fitness]) -> dict[tuple[str, str], Doubt]:
    """What may be wrong in the word of each judge on each task kind it is fit for."""
    fit = {key: each for key, each in judges.items() if each.fit}
    worst: dict[str, float] = {}
    for (name, _), each in fit.items():
        worst[name] = max(worst.get(name, 0.0), each.miss)
    return {key: Doubt(worst[key[0]], each.must_fail, each.must_pass) for key, each in fit.items()}


def _fitness(
    key: tuple[str, str], items: Mapping[tuple[object, ...], Mapping[bool, str | None]], models: set[str]
) -> Fitness:
    both: dict[str, list[tuple[str, str]]] = {}
    unread = 0
    for (canary, *_), orders in items.items():
        if canary == "same":
            orders = dict.fromkeys((True, False), next(iter(orders.values())))
        first, second = orders.get(True), orders.get(False)
        if first and second:
            both.setdefault(str(canary or ""), []).append((first, second))
        unread += None in orders.values()
    canaries = {
        name: Canaries(len(verdicts), sum(_passes(each) == (name == "same") for each in verdicts))
        for name, verdicts in both.items()
        if name
    }
    real = both.get("", [])
    alike = aggregate_swapped([(_side(first), _side(second)) for first, second in real]).consistency if real else None
    names = tuple(sorted(models - {""}))
    faults = (*(_unreadable(unread, len(items)) or _faults(canaries, alike)), *_changed(names))
    return Fitness(*key, canaries, alike, len(real), faults, names, unread)


def _unreadable(unread: int, asked: int) -> tuple[str, ...]:
    """A judge that does not answer in the form asked for: what is left of its answers proves nothing."""
    return (f"{unread} of its {asked} verdicts could not be read",) if unread > MOST_UNREAD * asked else ()


def _changed(models: tuple[str, ...]) -> tuple[str, ...]:
    """A judge is one fixed model: verdicts of two are those of two judges."""
    return (f"it answered as {' and as '.join(models)}: name a dated snapshot",) if len(models) > 1 else ()


def _faults(canaries: Mapping[str, Canaries], consistency: float | None) -> tuple[str, ...]:
    faults = []
    if sum(each.n for name, each in canaries.items() if name in MUST_FAIL) < LEAST_CANARIES:
        faults.append("it was given too few canaries")
    same = canaries.get("same", Canaries(0, 0))
    if same.short_of(MUST_PASS):
        faults.append(f"it passed only {same.right} of {same.n} answers that were the logged one itself")
    told = {
        "other": "answers to other questions",
        "injected": "wrong answers that tell the judge what to say",
        "number": "answers with a changed number",
        "astray": "answers the candidate gave to other questions",
    }
    for name, least in MUST_FAIL.items():
        seen = canaries.get(name, Canaries(0, 0))
        if seen.short_of(least):
            faults.append(f"it failed only {seen.right} of {seen.n} {told[name]}")
    if consistency is not None and consistency < LEAST_CONSISTENCY:
        faults.append(f"its verdict changed with the order of the answers in {100 * (1 - consistency):.0f} % of cases")
    return tuple(faults)


def _passes(verdicts: tuple[str, str]) -> bool:
    """Acceptable in both orders."""
    return all(_side(each) == "acceptable" for each in verdicts)


def _side(verdict: str) -> str:
    """Acceptable, unacceptable, or no verdict at all."""
    return "acceptable" if verdict in ("better", "equal", "acceptable_but_worse") else verdict
