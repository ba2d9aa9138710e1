"""Draw the answers people are to rate: half of what passed, half of what did not, so that few ratings tell much."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import numpy as np

from audit.deciding import TrialKey, Unit, evidence
from audit.errors import ReplayError
from audit.statistics.sampling import allocate, keyed_uniform, keyed_uniforms, sequential_poisson
from audit.store import Store

TWICE = 0.2
"""Share of the drawn answers that a second person rates as well."""

_NAMES = "SELECT workflow_id, name FROM workflow"
_KNOWN = "SELECT item, replay_id, request_id, inclusion_probability, twice FROM review_item WHERE review = $review"

# distinct prompts with an answer and its text; a prompt stands for all its repetitions
_LOGGED = """
WITH prompt AS (
    SELECT r.prompt_key, MIN(r.request_id) AS request_id, COUNT(*) AS requests
    FROM request AS r
    WHERE r.status = 'billable' AND r.text_status = 'full' AND r.prompt_key IS NOT NULL AND r.output_hash IS NOT NULL
    GROUP BY r.prompt_key
)
SELECT p.request_id, p.requests, r.workflow_id
FROM prompt AS p JOIN request AS r ON r.request_id = p.request_id
WHERE EXISTS (
    SELECT 1 FROM segment AS s JOIN content AS c ON c.content_hash = s.content_hash
    WHERE s.request_id = p.request_id AND s.direction = 'output' AND s.kind = 'answer' AND c.text IS NOT NULL
)
ORDER BY p.prompt_key
"""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A draw: its name, and how many answers were drawn by what had been said of them; `fresh` are new today."""

    review: str
    said: Mapping[str, int]
    fresh: int
    twice: int

    @property
    def size(self) -> int:
        """Answers to rate."""
        return sum(self.said.values())


@dataclass(slots=True)
class _Draft:
    """Rows of one draw while it is made; `known` are those drawn before."""

    review: str
    seed: int
    known: Mapping[str, Mapping[str, Any]]
    rows: list[dict[str, Any]] = field(default_factory=list)

    def add(self, replay_id: int | None, request_id: int, workflow_id: int | None, said: str, chance: float) -> None:
        """Take one answer."""
        item = _item(self.review, replay_id, request_id)
        before = self.known.get(item)
        self.rows.append(
            {
                "review": self.review, "item": item, "replay_id": replay_id, "request_id": request_id,
                "workflow_id": workflow_id, "said": said,
                "inclusion_probability": max(chance, before["inclusion_probability"] if before else 0.0),
                "candidate_first": keyed_uniform(self.seed, f"{item} order") < 0.5,
                "twice": bool(before and before["twice"]),
                "seed": self.seed, "drawn_at_us": time.time_ns() // 1000,
            }
        )  # fmt: skip

    def name_twice(self) -> None:
        """Choose the answers for a second person by chance; those chosen before stay."""
        left = math.ceil(TWICE * len(self.rows)) - sum(row["twice"] for row in self.rows)
        single = sorted(
            (row for row in self.rows if not row["twice"]),
            key=lambda row: keyed_uniform(self.seed, f"{row['item']} twice"),
        )
        for row in single[: max(0, left)]:
            row["twice"] = True


def draw_review(
    store: Store,
    *,
    n: int = 60,
    logged: int = 0,
    seed: int = 1,
    workflows: Sequence[str] = (),
    models: Sequence[str] = (),
) -> Drawn:
    """Draw `n` replayed answers and `logged` logged ones, and keep the draw in `review_item`.

    Replayed answers: half of `n` goes to what passed, half to what failed or is open (all of it where it is fewer).
    Each half is split over candidates and workflows by the dollars at stake (house-monotone) and drawn by
    sequential-Poisson sampling with the weight of each prompt as its size. A fifth is for a second person. Answers that
    are the logged text word for word need no rating. Logged answers are drawn by requests. The same seed and names
    draw the same; a larger n only adds, a smaller one takes nothing back.
    Raises ReplayError where nothing can be drawn.
    """
    drawn_from = f"{seed} {sorted(workflows)} {sorted(models)}"
    review = blake2b(f"{store.meta('review_salt') or _salt(store)} {drawn_from}".encode(), digest_size=5).hexdigest()
    known = {row["item"]: row for row in store.rows(_KNOWN, review=review)}
    draft = _Draft(review, seed, known)
    names = {row["workflow_id"]: row["name"] or "" for row in store.rows(_NAMES)}
    _check_names(workflows, set(names.values()))
    replayed = _named(evidence(store).trials, {key for key, name in names.items() if name in workflows}, models)
    _draw_replayed(draft, n, replayed)
    _draw_logged(store, draft, logged, {key for key, name in names.items() if name in workflows} if workflows else None)
    if not draft.rows:
        raise _nothing(replayed, n)
    draft.name_twice()
    with store.transaction():
        store.run("DELETE FROM review_item WHERE review = $review", review=review)
        store.write_rows("review_item", draft.rows)
    said: dict[str, int] = {}
    for row in draft.rows:
        said[row["said"]] = said.get(row["said"], 0) + 1
    found = Drawn(
        review, said, sum(row["item"] not in known for row in draft.rows), sum(row["twice"] for row in draft.rows)
    )
    settings = {"review": review, "seed": seed, "n": n, "logged": logged, "workflows": list(workflows)}
    store.log_event("review", settings | {"models": list(models)}, {"drawn": said, "new": found.fresh})
    return found


def _salt(store: Store) -> str:
    """What makes the names of this file's items differ from those of any other."""
    salt = f"{time.time_ns()}"
    store.set_meta("review_salt", salt)
    return salt


def _check_names(wanted: Sequence[str], known: set[str]) -> None:
    missing = sorted(set(wanted) - known)
    if missing:
        raise ReplayError(f"no workflow is called {missing[0]!r}", "`audit workflows` lists their names")


def _item(review: str, replay_id: int | None, request_id: int) -> str:
    return blake2b(f"{review} {replay_id} {request_id}".encode(), digest_size=6).hexdigest()


def _named(
    trials: Mapping[TrialKey, Sequence[Unit]], workflows: set[int], models: Sequence[str]
) -> dict[TrialKey, list[Unit]]:
    """What the named candidates (none named: all) answered in the named workflows."""
    return {
        key: [unit for unit in units if unit.state not in ("no_answer", "not_reached") and unit.answer.strip()]
        for key, units in trials.items()
        if (key.workflow_id in workflows or not workflows)
        and (not models or key.model in models or f"{key.endpoint}/{key.model}" in models)
    }


def _nothing(replayed: Mapping[TrialKey, Sequence[Unit]], n: int) -> ReplayError:
    """Why there is no answer to rate."""
    answers = sum(map(len, replayed.values()))
    if answers and n:
        return ReplayError(
            f"nothing to rate: all {answers} answers are the logged ones word for word",
            "they are decided; rate logged answers alone with --logged 60",
        )
    return ReplayError(
        "no answer to rate", "replay some first (`audit replay`), or rate logged answers alone with --logged 60"
    )


def _draw_replayed(draft: _Draft, n: int, replayed: Mapping[TrialKey, Sequence[Unit]]) -> None:
    """Half of `n` from what passed, half from the rest; where one side has fewer than its half, all of it is drawn."""
    trials = {key: kept for key, units in replayed.items() if (kept := [unit for unit in units if not unit.same])}
    if not trials:
        return
    stakes = [sum(unit.weight * (unit.current_cost or 0.0) for unit in units) for units in trials.values()]
    passed = [[unit for unit in units if unit.said == "passed"] for units in trials.values()]
    others = [[unit for unit in units if unit.said != "passed"] for units in trials.values()]
    half = min(sum(map(len, passed)), max(n - n // 2, n - sum(map(len, others))))
    for side, size in ((passed, half), (others, n - half)):
        for key, group, share in zip(trials, side, _split(stakes, size, list(map(len, side))), strict=True):
            _draw_group(draft, key, group, share)


def _split(stakes: Sequence[float], n: int, capacity: Sequence[int]) -> list[int]:
    """n over candidates and workflows by the dollars at stake; evenly where nothing has a price."""
    total = sum(stakes)
    return allocate([stake / total if total else 1.0 for stake in stakes], [1.0] * len(stakes), n, capacity=capacity)


def _draw_group(draft: _Draft, key: TrialKey, group: Sequence[Unit], size: int) -> None:
    names = [f"{draft.review} {unit.replay_id}" for unit in group]
    drawn_before = [
        place for place, unit in enumerate(group) if _item(draft.review, unit.replay_id, unit.request_id) in draft.known
    ]
    size = max(size, len(drawn_before))
    if not size:
        return
    found = sequential_poisson(
        [unit.weight for unit in group],
        size,
        keyed_uniforms(draft.seed, names),
        keys=np.array([unit.replay_id for unit in group], dtype=np.int64),
        kept=drawn_before,
    )
    for place in found.units.tolist():
        unit = group[place]
        said = "open" if unit.said == "undecided" else "doubtful" if unit.in_doubt else unit.said
        draft.add(unit.replay_id, unit.request_id, key.workflow_id, said, float(found.probabilities[place]))


def _draw_logged(store: Store, draft: _Draft, n: int, workflows: set[int] | None) -> None:
    rows = [row for row in store.rows(_LOGGED) if workflows is None or row["workflow_id"] in workflows]
    names = [f"{draft.review} logged {row['request_id']}" for row in rows]
    kept = [place for place, row in enumerate(rows) if _item(draft.review, None, row["request_id"]) in draft.known]
    if not (n or kept) or not rows:
        return
    found = sequential_poisson(
        [row["requests"] for row in rows], max(n, len(kept)), keyed_uniforms(draft.seed, names), kept=kept
    )
    for place in found.units.tolist():
        row = rows[place]
        draft.add(None, row["request_id"], row["workflow_id"], "logged", float(found.probabilities[place]))
