"""Plan a replay: draw, choose candidates, check what each can be asked, count the cost. Sends and writes nothing."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from audit.clients import NotReplayableError
from audit.clients.local import NO_IMAGES
from audit.config import EndpointConfig
from audit.errors import ReplayError
from audit.figures import things
from audit.prices.catalogue import Catalogue
from audit.replay.asking import lacking, routes, unfloored
from audit.replay.calls import Call, most_input_tokens, prepare
from audit.replay.counting import Counts, candidate_plans, candidates_by_model, unreplayable
from audit.replay.drawing import draw, drawn_before, exactly
from audit.replay.frame import Frame, Shapes, frame, shapes
from audit.replay.plans import Destination, Job, LocalLimits, Plan
from audit.replay.promises import grown_promise, promise
from audit.replay.prompts import Logged, chunks, gather, load
from audit.replay.redaction import Redactor
from audit.replay.routes import Directory, Route, Skipped, address_of, currents, host_of, is_loopback, serves
from audit.replay.runs import finished_at_us, spent_unfinished
from audit.replay.strata import stratify
from audit.replay.variants import Variant, variant
from audit.statistics.arrays import BoolArray
from audit.statistics.verdicts import whole_error
from audit.store import Store

EXPECTED_THINKING = 800
"""Output tokens a thinking model is expected to add; only steers the estimate, never the cap."""

_FINISHED = """
SELECT prompt_key, endpoint, model, COALESCE(variant, '') AS variant, MAX(COALESCE(attempt, 1)) AS attempts,
       MAX(started_at_us) AS last_us
FROM replay
WHERE status = 'ok' AND origin IN ('live', 'local', 'recorded')
GROUP BY prompt_key, endpoint, model, COALESCE(variant, '')
"""
_PENDING = """
SELECT e.prompt_key, b.endpoint, e.model, e.variant FROM replay_batch_entry AS e
JOIN replay_batch AS b ON b.tag = e.tag WHERE b.status <> 'collected'
"""
_WORKFLOWS = "SELECT workflow_id, name, task_kind FROM workflow"
_Finished = Mapping[tuple[object, ...], tuple[int, int]]
"""Answers on file by prompt, endpoint, model and variant: how many, and when the last was asked for."""
_NO_TOOLS = "the embedded model has no tools"


def plan(
    store: Store,
    catalogue: Catalogue,
    *,
    sample: int = 500,
    models: Sequence[str] = (),
    endpoints: Sequence[EndpointConfig] = (),
    seed: int = 1,
    floor: bool = True,
    left_out: Sequence[str] = (),
    wanted: Sequence[str] = (),
    local: LocalLimits | None = None,
    judged: bool = False,
    variants: Sequence[str] = (),
    unready: bool = False,
    only: Mapping[int, float] | None = None,
    batch: bool = False,
    redact: bool = False,
    look: int = 1,
    again: bool = False,
) -> Plan:
    """Plan the replay of `sample` prompts with `models` (proposed from the price table where nothing is named).

    `floor` asks the current models again as well, where they can be reached. `variants` ask them with changed prompts
    (see `audit.replay.variants`). `left_out` names workflows whose content is not to be sent, `wanted` those
    that are to be tested (none = all). `judged` says that a
    judge or people will rate the answers programs can't. `unready` plans for endpoints that lack a key or a package as
    well and lists what is missing: such a plan is for reading. `only` asks exactly these prompts (by key, with the
    chance each had to be among them) instead of drawing any. `batch` plans for the Batch APIs at their prices,
    `redact` hides personal data from every endpoint outside this process. `look` counts at which look at new answers
    these will be judged, for what the sample can certify. With `again` what
    was answered before the last run that came to its end is asked anew. Raises
    ReplayError where nothing can be replayed or a named model's endpoint can't be used, and ConfigError for a model
    without an endpoint or an unknown variant.
    """
    units = frame(store, left_out, wanted)
    if not len(units):
        raise ReplayError("no request of this log can be replayed", _nothing(units))
    directory = Directory(catalogue, endpoints, time.time_ns() // 1000, batch=batch)
    found = _Planner(store, directory, units, local or LocalLimits(), Redactor() if redact else None, again)
    ways = found.ways(models, floor, [variant(each) for each in variants], unready)
    made = found.plan(ways, sample, seed, judged, only, whole_error(look))
    if not floor:
        return made
    asked = {each.current_model for each in made.candidates}
    return replace(made, unfloored=unfloored(directory, [way for way in ways[0] if way.current.model in asked]))


def _nothing(units: Frame) -> str:
    reasons = "; ".join(f"{things(each.requests, 'request')}: {each.reason}" for each in units.excluded[:3])
    return reasons or "ingest a log with billable requests first"


class _Planner:
    def __init__(
        self,
        store: Store,
        directory: Directory,
        units: Frame,
        local: LocalLimits,
        redactor: Redactor | None,
        again: bool,
    ) -> None:
        self._redactor = redactor
        # what an unfinished run asked anew is not asked once more by the next
        self._again_before_us = finished_at_us(store, "replay") if again else -1
        self._store = store
        self._units = units
        self._local = local
        self._directory = directory
        self._shapes: Shapes | None = None
        self._pending: set[tuple[object, ...]] = set()
        rows = store.rows(_WORKFLOWS)
        self._kinds = {row["workflow_id"]: row["task_kind"] or "" for row in rows}
        self._names = {row["workflow_id"]: row["name"] or str(row["workflow_id"]) for row in rows}

    def ways(
        self, models: Sequence[str], floor: bool, variants: Sequence[Variant], unready: bool
    ) -> tuple[list[Route], list[Skipped]]:
        """Whom to ask; raises ReplayError where nobody can be."""
        self._store.run("CREATE OR REPLACE TEMP TABLE replay_picked AS SELECT * FROM replay_unit")
        ways, skipped = routes(self._directory, currents(self._store), models, floor, variants, unready=unready)
        if not ways:
            hints = "; ".join(dict.fromkeys(f"{each.endpoint}: {each.hint}" for each in skipped if each.hint))
            raise ReplayError("no candidate model can be asked", hints or "name one with --model ENDPOINT/MODEL")
        return ways, skipped

    def plan(
        self,
        chosen: tuple[list[Route], list[Skipped]],
        requested: int,
        seed: int,
        judged: bool,
        only: Mapping[int, float] | None,
        error: float,
    ) -> Plan:
        """Draw, and list the calls."""
        units, counts = self._units, Counts()
        ways, skipped = chosen
        strata = stratify(units, self._kinds)
        eligible, size = self._eligible(ways, requested, counts)
        before = drawn_before(self._store, seed)
        if only is None:
            picked = draw(units, strata, eligible, size, seed, before)
        else:
            picked = exactly(units, strata, only, before)
        self._list_jobs(picked.rows.tolist(), ways, counts)
        tried = candidates_by_model(ways)
        now = promise(units, strata, picked, self._kinds, self._names, tried, judged, error)
        return Plan(
            seed=seed,
            requested=requested if only is None else len(only),
            frame=units,
            strata=strata,
            sample=picked,
            routes=tuple(ways),
            jobs=tuple(counts.jobs),
            reused=sum(counts.reused.values()),
            candidates=candidate_plans(ways, counts),
            not_replayable=unreplayable(counts),
            destinations=self._destinations(ways, counts),
            promise=now,
            larger=grown_promise(units, strata, eligible, now, self._kinds, self._names, tried, judged, error),
            covered_pico=int(units.cost_pico[eligible].sum()),
            skipped=tuple(skipped),
            missing=lacking(ways),
            batch=self._directory.batch,
            pending=counts.pending,
            redactor=self._redactor,
            redacted=counts.redacted,
            redacted_prompts=len(counts.hidden),
            image_prompts=len(counts.pictured),
            spent_pico=spent_unfinished(self._store, ways),
        )

    def _eligible(self, ways: Sequence[Route], requested: int, counts: Counts) -> tuple[BoolArray, int]:
        """Which prompts may be drawn: where only an embedded model answers, those it can take, and not too many."""
        everything = np.ones(len(self._units), dtype=np.bool_)
        candidates = [route for route in ways if not route.floor]
        if not all(route.client.computes for route in candidates):
            return everything, requested
        reasons = [self._too_much(row) for row in range(len(self._units))]
        for row, reason in enumerate(reasons):
            if reason:
                counts.refuse(candidates[0], reason, int(self._units.cost_pico[row]))
        mask = np.array([not reason for reason in reasons], dtype=np.bool_)
        if not mask.any():
            raise ReplayError(
                "no prompt of this log is fit for the embedded model",
                f"it takes prompts up to {self._local.prompt_tokens} tokens without tools; name another --model",
            )
        return mask, min(requested, self._local.prompts)

    def _too_much(self, row: int) -> str:
        """Why a prompt is too much for the embedded model; empty when it is not."""
        if self._shapes is None:
            self._shapes = shapes(self._store)
        if self._shapes.tools[row]:
            return _NO_TOOLS
        if self._shapes.images[row]:
            return NO_IMAGES
        if self._shapes.input_tokens[row] > self._local.prompt_tokens:
            return f"the prompt is longer than {self._local.prompt_tokens} tokens"
        if self._shapes.answer_tokens[row] > self._local.answer_tokens:
            return f"the logged answer is longer than {self._local.answer_tokens} tokens"
        return ""

    def _list_jobs(self, rows: Sequence[int], ways: Sequence[Route], counts: Counts) -> None:
        by_current: dict[tuple[str, str], list[int]] = {}
        for place, route in enumerate(ways):
            by_current.setdefault((route.current.model, route.current.provider_name), []).append(place)
        finished = {tuple(row.values())[:4]: (row["attempts"], row["last_us"]) for row in self._store.rows(_FINISHED)}
        self._pending = {tuple(row.values()) for row in self._store.rows(_PENDING)}
        gather(self._store, self._units.request_id[np.array(rows, dtype=np.int64)].tolist())
        for part in chunks(rows):
            logged = load(self._store, self._units.request_id[np.array(part)].tolist())
            for row in part:
                each = logged[int(self._units.request_id[row])]
                for place in by_current.get((self._units.model[row], self._units.provider[row]), ()):
                    self._list_job(row, each, place, ways[place], finished, counts)

    def _list_job(
        self, row: int, logged: Logged, place: int, route: Route, finished: _Finished, counts: Counts
    ) -> None:
        key = int(self._units.prompt_key[row])
        name = (key, route.endpoint.name, route.model, route.variant_name)
        attempts, last_us = finished.get(name, (0, 0))
        if attempts and last_us > self._again_before_us:
            counts.reused[place] = counts.reused.get(place, 0) + 1
            return
        if name in self._pending:
            counts.pending += 1
            return
        try:
            if self._directory.batch and route.client.batches is None:
                raise NotReplayableError("the endpoint has no Batch API")
            if route.client.computes and (reason := self._too_much(row)):
                raise NotReplayableError(reason)
            call = prepare(logged, route, redactor=self._redactor)
            expected, worst = self._costs(logged, route, call)
        except NotReplayableError as error:
            counts.refuse(route, error.reason, int(self._units.cost_pico[row]))
            return
        if call.redacted:
            counts.hidden[key] = call.redacted
        if logged.prompt and any(message.images for message in logged.prompt.messages):
            counts.pictured.add(key)
        counts.jobs.append(Job(place, row, key, logged.request_id, expected, worst, attempts + 1))
        counts.sent.setdefault(route.endpoint.name, set()).add(key)
        if not serves(route, logged.provider_name, logged.price):
            counts.foreign.add(route.endpoint.name)

    def _costs(self, logged: Logged, route: Route, call: Call) -> tuple[int | None, int | None]:
        """Expected and largest cost of a call, pico-USD; raises NotReplayableError where it can't be made."""
        bound = most_input_tokens(call.translation.body)
        if call.client is route.responses:
            # where the server turns out to have only chat completions, the other body is sent
            bound = max(
                bound, most_input_tokens(prepare(logged, route, redactor=self._redactor, chat=True).translation.body)
            )
        given = logged.input_tokens or bound // 4
        if route.variant is not None:
            plain = prepare(logged, replace(route, variant=None), redactor=self._redactor)
            given = round(given * bound / most_input_tokens(plain.translation.body))
        if route.context_window is not None and given > route.context_window:
            raise NotReplayableError("the prompt is longer than the model's context window")
        if route.client.in_process:
            # whatever this machine is said to cost, nobody bills it
            return 0, 0
        if route.billed is None:
            return None, None
        said = logged.output_tokens if route.same_model else logged.output_tokens - logged.reasoning_tokens
        if not route.same_model and route.client.thinks(route.sends):
            said += EXPECTED_THINKING
        expected = route.billed.expected(given, max(1, said))
        return expected, route.billed.worst(bound, call.limits.max_output_tokens)

    def _destinations(self, ways: Sequence[Route], counts: Counts) -> tuple[Destination, ...]:
        made: dict[str, Destination] = {}
        for route in ways:
            name = route.endpoint.name
            if name in made or name not in counts.sent:
                continue
            host = host_of(route)
            leaves = bool(host) and not is_loopback(host)
            served = name not in counts.foreign
            made[name] = Destination(name, host, address_of(route), len(counts.sent[name]), leaves, served)
        return tuple(made.values())
