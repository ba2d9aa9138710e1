"""Plan a judgement: whom to ask what, what it costs, where content goes. Sends nothing."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from audit.clients import Limits, Translation
from audit.config import EndpointConfig
from audit.errors import ReplayError
from audit.judging.canaries import plant
from audit.judging.cases import Case, cases, given
from audit.judging.known import Known, spent_unfinished
from audit.judging.protocol import MAX_OUTPUT_TOKENS, Question, prompt, version
from audit.judging.screening import addresses_the_judge, constant
from audit.prices.catalogue import Catalogue
from audit.replay.budget import affordable
from audit.replay.calls import USUAL_THINKING_ROOM, most_input_tokens
from audit.replay.plans import PICO, Destination
from audit.replay.routes import Current, Directory, Route, address_of, host_of, is_loopback, serves
from audit.store import Store

EXPECTED_OUTPUT = 150
SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Ask:
    """One question to the judge: about a case, or about a planted answer (`canary`) in its place; pico-USD."""

    case: Case
    canary: str
    question: Question
    protocol: str
    expected_pico: int | None
    worst_pico: int | None


@dataclass(frozen=True, eq=False)
class JudgePlan:
    """A judgement that has not happened. `screened` answers fail without being asked about, with the reason.

    `again` of the questions were asked before, and the answer could not be read. `spent_pico` is what unfinished
    judgements spent of a cap.
    """

    judge: str
    route: Route
    cases: tuple[Case, ...]
    asks: tuple[Ask, ...]
    canaries: int
    reused: int
    again: int
    screened: Mapping[int, str]
    destination: Destination
    spent_pico: int = 0

    @property
    def doubtful(self) -> int:
        """Answers programs had failed with doubt."""
        return sum(case.doubtful for case in self.cases)

    @property
    def scorer(self) -> str:
        """Name its verdicts carry in the table `score`."""
        return f"judge:{self.judge}"

    @property
    def expected_usd(self) -> float | None:
        """Expected cost; None without a price."""
        return None if self.unpriced else sum(ask.expected_pico or 0 for ask in self.asks) / PICO

    @property
    def worst_usd(self) -> float | None:
        """Most it can cost; None without a price."""
        return None if self.unpriced else sum(ask.worst_pico or 0 for ask in self.asks) / PICO

    def affordable(self, cap_usd: float) -> int:
        """Questions a cap leaves room for, as `audit.replay.budget.affordable` counts."""
        return affordable(self.asks, self.spent_pico, round(cap_usd * PICO))

    @property
    def unpriced(self) -> bool:
        """Whether some call has no price."""
        return any(ask.worst_pico is None for ask in self.asks)


def plan_judging(
    store: Store,
    catalogue: Catalogue,
    model: str,
    *,
    endpoints: Sequence[EndpointConfig] = (),
    rubrics: Mapping[str, str] | None = None,
    workflows: Sequence[str] = (),
    seed: int = 1,
) -> JudgePlan:
    """Plan to let `model` (a name or ENDPOINT/NAME) judge every open answer, canaries among them, in both orders.

    Answers that programs failed with doubt come last: a cap that ends the run leaves those at the programs' word.
    What it was asked before is not asked again, save once where its answer could not be read. Raises ReplayError where
    no answer is open or doubtful, and ConfigError for a model without an endpoint.
    """
    directory = Directory(catalogue, endpoints, time.time_ns() // 1000)
    endpoint, name = directory.find(model)
    route = directory.route(Current("", "", None, 0), endpoint, name)
    found = cases(store, rubrics or {}, workflows)
    if not found:
        raise ReplayError("no answer waits for a judge", "replay some with `audit replay`; `audit review` asks people")
    judge = f"{endpoint.name}/{name}"
    screened = _screened(store, found)
    known = Known(store, judge)
    put = _questions(found, screened, seed, known)
    asks = tuple(_ask(each, route) for each in put if not known.settled(each.canary, each.case, each.first))
    return JudgePlan(
        judge,
        route,
        tuple(found),
        asks,
        canaries=sum(bool(ask.canary) for ask in asks),
        reused=len(put) - len(asks),
        again=sum(known.unread(ask.canary, ask.case, ask.question.candidate_first) for ask in asks),
        screened=screened,
        destination=_destination(route, found, asks),
        spent_pico=spent_unfinished(store, judge),
    )


class _Put(NamedTuple):
    """A question: the sort of a planted answer, the case, the text, and whether that stands first."""

    canary: str
    case: Case
    candidate: str
    first: bool


def _ask(put: _Put, route: Route) -> Ask:
    question = Question(put.case.turns, put.case.logged, put.candidate, put.first, put.case.rubric)
    return Ask(put.case, put.canary, question, version(put.case.rubric), *_costs(question, route))


def _screened(store: Store, found: Sequence[Case]) -> dict[int, str]:
    reasons = {
        key: f"one text stands for {100 * share:.0f} % of its answers, whatever was asked"
        for key, share in constant(
            {case.replay_id: case.candidate for case in found},
            {case.replay_id: case.logged for case in found},
            {case.replay_id: case.candidate_key for case in found},
            given(store),
        ).items()
    }
    for case in found:
        if addresses_the_judge(case.candidate, case.logged, "\n".join(text for _, text in case.turns)):
            reasons[case.replay_id] = "speaks to its judge instead of answering"
    return reasons


def _questions(found: Sequence[Case], screened: Mapping[int, str], seed: int, known: Known) -> list[_Put]:
    """What the judge has to answer; canaries first: where it is asleep, that should be known before the rest is paid.

    Those of task kinds with nothing but doubtful answers come with these, behind all that is open.
    """
    kinds: dict[str, list[Case]] = {}
    for case in found:
        kinds.setdefault(case.task_kind, []).append(case)
    put: list[_Put] = []
    for doubtful in (False, True):
        for kind in sorted(kinds):
            if all(case.doubtful for case in kinds[kind]) == doubtful:
                put += _planted(kind, kinds[kind], screened, seed, known)
        asked = [case for case in found if case.doubtful == doubtful and case.replay_id not in screened]
        put += _both_ways([("", case, case.candidate) for case in asked])
    return put


def _planted(kind: str, cases: Sequence[Case], screened: Mapping[int, str], seed: int, known: Known) -> Iterator[_Put]:
    """The planted answers of a task kind: none where the judge has no question of it, and where all of these are
    answered none beyond those that prove it."""
    judged = [case for case in cases if case.replay_id not in screened]
    planted = list(_both_ways(plant(cases, seed))) if judged else []
    left = any(not known.settled("", case, first) for case in judged for first in (True, False))
    enough = Counter(each.canary for each in planted)
    for each in planted:
        settled = known.settled(each.canary, each.case, each.first)
        if left or settled or known.planted(kind, each.canary) < enough[each.canary]:
            yield each


def _both_ways(put: Sequence[tuple[str, Case, str]]) -> Iterator[_Put]:
    """Questions in both orders; two equal texts are the same question both ways round."""
    for canary, case, candidate in put:
        for first in (True,) if canary == "same" else (True, False):
            yield _Put(canary, case, candidate, first)


def limits(route: Route, key: str = "") -> Limits:
    """Room for a verdict, and for the thinking a model does unasked."""
    room = USUAL_THINKING_ROOM if route.client.thinks(route.sends) else 0
    return Limits(MAX_OUTPUT_TOKENS + room, SECONDS + room / 40, key)


def translated(question: Question, route: Route, key: str = "") -> tuple[Translation, Limits]:
    """The question in the words of the judge's API."""
    bound = limits(route, key)
    return route.client.translate(prompt(question), route.sends, bound), bound


def _costs(question: Question, route: Route) -> tuple[int | None, int | None]:
    if route.client.in_process:
        return 0, 0
    if route.rates is None:
        return None, None
    translation, bound = translated(question, route)
    most = most_input_tokens(translation.body)
    thinking = 800 if route.client.thinks(route.sends) else 0
    return (
        route.rates.expected(most // 4, EXPECTED_OUTPUT + thinking),
        route.rates.worst(most, bound.max_output_tokens),
    )


def _destination(route: Route, found: Sequence[Case], asks: Sequence[Ask]) -> Destination:
    host = host_of(route)
    leaves = bool(host) and not is_loopback(host)
    known = all(serves(route, case.provider_name) for case in found)
    prompts = len({ask.case.request_id for ask in asks})
    return Destination(route.endpoint.name, host, address_of(route), prompts, leaves, known)
