"""Replayed units as the decision needs them: one per candidate and prompt, with its weight and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from audit.deciding.judges import Doubt, Fitness, doubts, fitness
from audit.deciding.words import State, Word, Words, words
from audit.hashes import content_hash, folded
from audit.store import Store
from audit.store.naming import RESPONSE_NAME
from audit.store.tasks import DISPUTED

_ENDPOINT_FAULTS = frozenset(
    {"rate_limited", "overloaded", "server_error", "connection", "timeout", "unauthorised", "not_found", "quota"}
)
_REPLAYS = """
SELECT p.replay_id, p.prompt_key, p.workflow_id, p.current_model, p.endpoint, p.model,
       COALESCE(p.variant, '') AS variant, p.status, p.error, p.origin, p.cost_pico,
       p.output_cost_pico,
       p.duration, p.input_tokens, p.output_tokens, p.cache_read_input_tokens AS cached_tokens, p.request_id,
       r.input_tokens AS logged_input_tokens, r.output_tokens AS logged_output_tokens,
       r.cache_read_input_tokens AS logged_cached_tokens,
       r.duration AS logged_duration, p.time_to_first_chunk AS first_chunk,
       CASE WHEN r.time_to_first_chunk >= 0 THEN r.time_to_first_chunk ELSE NULL END AS logged_first_chunk,
       r.output_normalised_hash AS logged_answer, r.outcome AS logged_outcome,
       COALESCE(p.text, '') || COALESCE(p.tool_calls, '') AS answer
FROM replay AS p
JOIN request AS r ON r.request_id = p.request_id
ORDER BY p.replay_id
"""

_SAMPLES = """
SELECT s.seed, s.prompt_key, s.inclusion_probability, s.requests, s.cost_pico, s.cluster, s.batch, s.drawn_at_us,
       s.stratum
FROM sample AS s
WHERE s.prompt_key IN (SELECT prompt_key FROM replay)
ORDER BY s.prompt_key, s.seed, s.drawn_at_us, s.batch
"""

_DRAWN_PROMPTS = """
SELECT workflow_id, model, COUNT(DISTINCT prompt_key) AS prompts FROM sample GROUP BY workflow_id, model
"""

_LOGGED = """
SELECT r.prompt_key, COUNT(*) AS requests, MIN(r.conversation_id) AS cluster
FROM request AS r
WHERE r.status = 'billable' AND r.prompt_key IN (SELECT prompt_key FROM replay)
GROUP BY r.prompt_key
"""

_COSTS = """
SELECT c.request_id, CAST(SUM(c.cost_pico) AS DECIMAL(38,0)) AS cost_pico
FROM charge AS c
WHERE c.cost_pico IS NOT NULL AND c.request_id IN (SELECT request_id FROM replay)
GROUP BY c.request_id
"""

_OBSERVED_COSTS = f"""
SELECT p.replay_id, CAST(SUM(c.cost_pico) AS DECIMAL(38,0)) AS cost_pico
FROM replay AS p
JOIN request AS r ON {RESPONSE_NAME} = p.response_id
    AND COALESCE(r.response_model, r.request_model) = p.model
JOIN charge AS c ON c.request_id = r.request_id
WHERE p.origin = 'observed' AND c.cost_pico IS NOT NULL
GROUP BY p.replay_id
"""


class TrialKey(NamedTuple):
    """One candidate on one workflow; an empty variant is the plain request."""

    workflow_id: int
    current_model: str
    endpoint: str
    model: str
    variant: str


@dataclass(slots=True)
class Unit:
    """One prompt answered by one candidate.

    `state` is what became of it, `said` the same without people's word; `judge` decided where scorers could not.
    `rated`, `chance`, `by`, `judges`, `ratings` and `doubtful` as in `Word`; `same` when the candidate's text is the
    logged one, `logged_ok` what people said of the logged answer, `disputed` that the log marks it as bad. `weight` is
    requests over `included`, the chance to be in the sample; that is 0, and the weight that of its own requests, for
    what nobody drew. `stratum` is where it was drawn, `doubt` what its judge may get wrong, None without a judge. Costs
    are pico-USD per request, None where unpriced; `output_cost` is what of the candidate's is for its answer.
    """

    replay_id: int
    request_id: int
    workflow_id: int
    endpoint: str
    prompt_key: int
    requests: int
    state: State
    said: State
    judge: str
    rated: bool | None
    chance: float | None
    same: bool
    logged_ok: bool | None
    reason: str
    answer: str
    logged_answer: int | None
    weight: float
    cluster: str
    batch: int
    origin: str
    duration: float | None
    logged_duration: float | None
    cost: float | None
    current_cost: float | None
    input_tokens: int | None
    output_tokens: int | None
    logged_input_tokens: int | None
    logged_output_tokens: int | None
    included: float = 0.0
    stratum: str = ""
    doubt: Doubt | None = None
    first_chunk: float | None = None
    logged_first_chunk: float | None = None
    output_cost: float | None = None
    cached_tokens: int | None = None
    logged_cached_tokens: int | None = None
    disputed: bool = False
    by: tuple[str, ...] = ()
    judges: frozenset[str] = frozenset()
    ratings: int = 0
    doubtful: bool = False

    @property
    def in_doubt(self) -> bool:
        """Whether nothing but a doubtful fail of programs was said of it."""
        return self.doubtful and self.said == "failed" and not self.judge

    @property
    def drawn_with(self) -> float:
        """The chance to be among the units that count: ratings of a draw may have raised the weight of a few."""
        return min(self.included, self.requests / self.weight) if self.weight else self.included

    def good(self, lenient: bool) -> bool:
        """Whether it is no worse than today's answer; an undecided one counts so in the lenient reading."""
        return self.state == "passed" or (self.state == "undecided" and lenient)

    def acceptable(self, lenient: bool) -> bool:
        """As `good`; but what programs found the same as an answer the log marks as bad is not acceptable for that."""
        repeated = self.disputed and self.state == "passed" and not self.judge and self.rated is None
        return self.good(lenient) and not repeated


@dataclass(slots=True)
class Evidence:
    """Everything replayed: candidates, and the current models' own replays by workflow, model and prompt."""

    trials: dict[TrialKey, list[Unit]] = field(default_factory=dict)
    floors: dict[tuple[int, str], dict[int, Unit]] = field(default_factory=dict)
    seeds: list[int] = field(default_factory=list)
    judges: dict[tuple[str, str], Fitness] = field(default_factory=dict)


def clusters(units: Sequence[Unit]) -> list[str] | None:
    """Conversations of the units, None where every one is in a conversation of its own."""
    names = [unit.cluster for unit in units]
    return names if len(set(names)) < len(names) else None


@dataclass(slots=True)
class _Drawn:
    """A prompt's place in the sample; drawn with two seeds, it had two chances to be included."""

    missed: float = 1.0
    requests: int = 1
    cost_pico: int | None = None
    cluster: str = ""
    batch: int = 1
    stratum: str = ""

    @property
    def included(self) -> float:
        return 1 - self.missed if self.stratum else 0.0

    @property
    def weight(self) -> float:
        included = 1 - self.missed
        return self.requests / included if included > 0 else float(self.requests)


def evidence(store: Store, *, newest: bool = False) -> Evidence:
    """Read every replayed unit: the first answer to each prompt, else the last failure.

    What was asked again counts only with `newest`, where each prompt's latest outcome takes the place of all before: it
    tells what a model does today, and no verdict may rest on what was asked until it pleased.
    """
    found = Evidence(seeds=[row["seed"] for row in store.rows("SELECT DISTINCT seed FROM sample ORDER BY seed")])
    found.judges = fitness(store)
    unfit = frozenset(key for key, judge in found.judges.items() if not judge.fit)
    drawn, costs, said = _drawn(store), _costs(store), words(store, unfit)
    doubt = doubts(found.judges)
    for row in store.rows(_REPLAYS):
        key = TrialKey(row["workflow_id"], row["current_model"], row["endpoint"], row["model"], row["variant"])
        unit = _unit(row, drawn.get(row["prompt_key"], _Drawn(missed=0.0)), costs, said, doubt)
        if key.model == key.current_model and not key.variant:
            _keep(found.floors.setdefault((key.workflow_id, key.current_model), {}), unit, newest)
        else:
            found.trials.setdefault(key, []).append(unit)
    for key, units in found.trials.items():
        kept: dict[int, Unit] = {}
        for unit in units:
            _keep(kept, unit, newest)
        found.trials[key] = sorted(kept.values(), key=lambda unit: (unit.batch, unit.prompt_key))
    _reach(found, store)
    return found


def _reach(found: Evidence, store: Store) -> None:
    """Where a candidate was asked only some of the sample's prompts (stopped, or cut short), each stands for more."""
    drawn = {(row["workflow_id"], row["model"]): row["prompts"] for row in store.rows(_DRAWN_PROMPTS)}
    for key, units in found.trials.items():
        told = sum(unit.state != "not_reached" for unit in units)
        part = min(1.0, told / drawn.get((key.workflow_id, key.current_model), told or 1))
        for unit in units:
            unit.included *= part
            unit.weight /= part or 1.0


def _keep(kept: dict[int, Unit], unit: Unit, newest: bool) -> None:
    """An answer is never replaced, unless by the `newest` outcome; a failure gives way to whatever comes later."""
    known = kept.get(unit.prompt_key)
    if newest or known is None or known.state in ("no_answer", "not_reached"):
        kept[unit.prompt_key] = unit


def _unit(
    row: dict[str, Any],
    drawn: _Drawn,
    costs: dict[str, dict[int, int]],
    said: Words,
    doubt: Mapping[tuple[str, str], Doubt],
) -> Unit:
    observed = row["origin"] == "observed"
    cost = costs["observed"].get(row["replay_id"]) if observed else row["cost_pico"]
    logged = costs["logged"].get(row["request_id"])
    current = logged if drawn.cost_pico is None or observed else drawn.cost_pico / drawn.requests
    word = said.answers.get(row["replay_id"], Word()) if row["status"] == "ok" else _failure(row["error"])
    return Unit(
        replay_id=row["replay_id"],
        request_id=row["request_id"],
        workflow_id=row["workflow_id"],
        endpoint=row["endpoint"],
        prompt_key=row["prompt_key"],
        requests=drawn.requests,
        state=word.state,
        said=word.said,
        judge=word.judge,
        rated=word.rated,
        chance=word.chance,
        same=row["logged_answer"] is not None and content_hash(folded(row["answer"])) == row["logged_answer"],
        logged_ok=said.logged.get(row["request_id"]),
        reason=word.reason,
        answer=row["answer"],
        logged_answer=row["logged_answer"],
        by=word.by,
        judges=word.judges,
        ratings=word.ratings,
        disputed=(row["logged_outcome"] or "").strip().casefold() in DISPUTED,
        weight=drawn.weight,
        cluster=drawn.cluster or str(row["prompt_key"]),
        batch=drawn.batch,
        origin=row["origin"],
        duration=row["duration"],
        logged_duration=row["logged_duration"],
        first_chunk=row["first_chunk"],
        logged_first_chunk=row["logged_first_chunk"],
        cost=cost,
        output_cost=None if observed else row["output_cost_pico"],
        current_cost=current,
        input_tokens=row["input_tokens"],
        cached_tokens=row["cached_tokens"],
        logged_cached_tokens=row["logged_cached_tokens"],
        output_tokens=row["output_tokens"],
        logged_input_tokens=row["logged_input_tokens"],
        logged_output_tokens=row["logged_output_tokens"],
        included=0.0 if observed else drawn.included,
        stratum=drawn.stratum,
        doubt=doubt.get((word.judge, word.kind)),
        doubtful=word.doubtful,
    )


def _failure(error: str | None) -> Word:
    kind = str(error or "").split(":")[0].strip()
    state: State = "not_reached" if kind in _ENDPOINT_FAULTS else "no_answer"
    return Word(state, kind, state)


def _drawn(store: Store) -> dict[int, _Drawn]:
    """Weight and cluster of every replayed prompt; one that was never drawn counts for its own requests."""
    found = {row["prompt_key"]: _Drawn(0.0, row["requests"], None, row["cluster"] or "") for row in store.rows(_LOGGED)}
    newest = {(row["prompt_key"], row["seed"]): row for row in store.rows(_SAMPLES)}
    seen: set[int] = set()
    for (prompt_key, _), row in newest.items():
        known = found.setdefault(prompt_key, _Drawn())
        known.missed = (known.missed if prompt_key in seen else 1.0) * (1 - (row["inclusion_probability"] or 0.0))
        known.requests = row["requests"] or known.requests
        known.cost_pico = row["cost_pico"]
        known.cluster = row["cluster"] or ""
        known.stratum = row["stratum"] or "drawn"
        known.batch = max(known.batch, row["batch"] or 1) if prompt_key in seen else row["batch"] or 1
        seen.add(prompt_key)
    return found


def _costs(store: Store) -> dict[str, dict[int, int]]:
    return {
        "logged": {row["request_id"]: int(row["cost_pico"]) for row in store.rows(_COSTS)},
        "observed": {row["replay_id"]: int(row["cost_pico"]) for row in store.rows(_OBSERVED_COSTS)},
    }
