"""Send less history: old turns that answers do not come back to."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from audit.anatomy.drawing import drawn_on
from audit.figures import count, money, share, things
from audit.levers import Lever, Settings
from audit.levers._places import instance
from audit.levers._probe import Piece, Prompt, fresh, prompts, remember
from audit.levers._trims import cut, found, rewrite, unmeasured
from audit.statistics.intervals import wilson
from audit.store import Store

_NAME = "history_tail"
_KINDS = frozenset({"history", "tool_call", "tool_result"})
_LEAST_OLD = 30
# turns of every request as `turns` below tells them apart
_SPAN = """
CREATE OR REPLACE TEMP TABLE history_tail_span AS
WITH pieces AS (
    SELECT s.request_id, s.position, s.role, s.kind, f.kept,
           LAG(s.kind) OVER (PARTITION BY s.request_id ORDER BY s.position) AS kind_before
    FROM history_tail_fact AS f
    JOIN request AS r ON r.workflow_id = f.workflow_id
    JOIN segment AS s ON s.request_id = r.request_id
    WHERE r.status = 'billable' AND s.direction = 'input' AND s.kind IN ('history', 'tool_call', 'tool_result')
),
opened AS (
    SELECT request_id, position, kept,
           CASE WHEN kind_before IS NULL OR (role = 'user' AND kind = 'history') THEN 1
                WHEN kind <> 'tool_result' AND kind_before = 'tool_result' THEN 1 ELSE 0 END AS opens
    FROM pieces
),
numbered AS (
    SELECT request_id, position, kept,
           SUM(opens) OVER (PARTITION BY request_id ORDER BY position
                            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS turn,
           SUM(opens) OVER (PARTITION BY request_id) AS turns
    FROM opened
)
SELECT request_id, position, 0.0 AS since, 1.0 AS until, 1.0 AS share FROM numbered WHERE turns - turn >= kept
"""
_SAMPLE = 200


@dataclass(slots=True)
class Turns:
    """The exchanges before the question of one prompt, newest first, and whether the answer draws on each."""

    prompt: Prompt
    turns: list[list[Piece]]
    used: list[bool]


@dataclass(slots=True)
class _Workflow:
    """How often answers come back to a turn, by its age; age 0 is the newest."""

    seen: list[Turns] = field(default_factory=list)

    def horizon(self, most_used: float, least_kept: int) -> tuple[int, int, int] | None:
        """The fewest turns to keep (and how many older ones were looked at, how many of those used) such that older
        turns are drawn on in at most this share of cases, at the upper 90 % bound; None when no age qualifies."""
        longest = max((len(each.turns) for each in self.seen), default=0)
        for kept in range(least_kept, longest):
            old = [used for each in self.seen for used in each.used[kept:]]
            if len(old) < _LEAST_OLD:
                return None
            if wilson(sum(old), len(old)).high <= most_used:
                return kept, len(old), sum(old)
        return None


def turns(prompt: Prompt) -> Turns | None:
    """The turns of a prompt: a user's message with what follows it, a tool call with its result.

    None for prompts without history. What stands in an earlier answer of the model counts as a turn's text, too.
    """
    groups: list[list[Piece]] = []
    rest: list[str] = []
    for piece in prompt.pieces:
        if piece.direction != "input":
            continue
        if piece.kind not in _KINDS:
            rest.append(piece.text)
        elif not groups or _opens(piece, groups[-1][-1]):
            groups.append([piece])
        else:
            groups[-1].append(piece)
    answer = prompt.answer
    if len(groups) < 2 or not answer.strip():
        return None
    groups.reverse()
    texts = ["\n".join(piece.text for piece in group) for group in groups]
    return Turns(prompt, groups, drawn_on(answer, texts, rest="\n".join(rest)))


def _opens(piece: Piece, before: Piece) -> bool:
    """A user's message opens a turn, and so does what the model says after a tool's result."""
    if piece.role == "user" and piece.kind == "history":
        return True
    return piece.kind != "tool_result" and before.kind == "tool_result"


def _prepare(store: Store, settings: Settings) -> None:
    if not fresh(store, _NAME, settings):
        _look(store, settings)
        remember(store, _NAME, settings)
    cut(store, _NAME, breaks_prefix=True)


def _look(store: Store, settings: Settings) -> None:
    workflows: dict[int, _Workflow] = defaultdict(_Workflow)
    for prompt in prompts(store, _SAMPLE):
        each = turns(prompt)
        if each is not None:
            workflows[prompt.workflow_id].seen.append(each)
    rows = []
    for workflow, one in workflows.items():
        horizon = one.horizon(float(settings["most_used"]), int(settings["least_kept"]))
        if horizon:
            rows.append({"workflow_id": workflow, "kept": horizon[0], "old": horizon[1], "used": horizon[2]})
    store.run(
        "CREATE OR REPLACE TEMP TABLE history_tail_fact (workflow_id BIGINT, kept BIGINT, old BIGINT, used BIGINT)"
    )
    store.write_rows("history_tail_fact", rows)
    store.run(_SPAN)


def _findings(store: Store, settings: Settings) -> list[str]:
    del settings
    facts = {row["workflow_id"]: row for row in store.rows("SELECT * FROM history_tail_fact")}
    lines = []
    for row in found(store, _NAME)[:6]:
        fact = facts.get(row["workflow_id"])
        if fact is None:
            continue
        what = (
            f"{row['workflow']}: answers draw on {share(fact['used'] / fact['old'])} of {count(fact['old'])} turns "
            f"older than the last {fact['kept']}; without them {things(row['tokens'], 'token')} less in "
            f"{things(row['requests'], 'request')}"
        )
        if row["saving_pico"] > 0:
            lines.append(f"{what} ({money(row['saving_pico'])}){instance(row['example'])}")
        else:
            lost = count(row["lost_tokens"])
            lines.append(f"{what}, but {lost} tokens now read from cache would pay in full: leave it")
    return lines


LEVER = Lever(
    name=_NAME,
    title="History no answer comes back to",
    stage="SCENARIO",
    order=20,
    evidence="D",
    rewrite=rewrite(_NAME),
    effort_days=4,
    risk="medium",
    needs=("text", "usage"),
    settings={"most_used": 0.05, "least_kept": 3},
    prepare=_prepare,
    blocked=unmeasured,
    findings=_findings,
    conditions=(
        "assumed, not measured: answers stay as good; never in the sum",
        "so many turns are kept that answers draw on at most {most_used} of the older ones (upper 90 % bound), never "
        "fewer than {least_kept}; nothing is paid for a summary in their place",
        "dropping old turns moves the start of the history with every request: nothing behind it is read from cache",
    ),
    fix="Keep the last turns and a short summary; cut in large steps, so that the prefix stays cached in between.",
)
