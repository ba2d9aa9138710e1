"""Try every policy on every pair that may have one, and offer the simplest that is not clearly beaten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from audit.deciding import rule
from audit.deciding.parts.cascades import tested_cascade
from audit.deciding.parts.ground import Ground
from audit.deciding.parts.policy import Policy
from audit.deciding.parts.prompts import Prompt, prompts
from audit.deciding.parts.routers import KINDS, tested_routers
from audit.deciding.parts.rules import rules, tested_rules
from audit.scoring.verifying import Verified, verified
from audit.store import Store

MARGIN = 0.05
"""Share of the workflow's dollars a more involved step has to save beyond the best simpler one."""

_KINDS = ("rule", *KINDS, "cascade")
"""From simple to involved; a later one has to earn its place."""

Place = tuple[int, str]
"""A workflow and the model that answers it today."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A pair that may be taken apart: its trial, the error its parts share, the p95 in seconds it may have, to the last
    chunk and to the first."""

    trial: rule.Trial
    error: float
    latency_limit: float | None = None
    first_chunk_limit: float | None = None


def parts(store: Store, offers: Sequence[Offer], whole: Mapping[Place, float]) -> list[Policy]:
    """Every policy tried, the offered ones marked.

    `whole` is what safe verdicts save already. Variants and pairs observed in the log are left to the verdict on the
    whole.
    """
    able = [offer for offer in offers if _testable(offer.trial)]
    units = [unit for offer in able for unit in offer.trial.evidence]
    seen = prompts(store, {unit.request_id for unit in units})
    checked = verified(store, {unit.replay_id for unit in units})
    found = [policy for offer in able for policy in tried(offer, seen, checked)]
    return chosen(found, whole)


def tried(offer: Offer, seen: Mapping[int, Prompt], checked: Mapping[int, Verified]) -> list[Policy]:
    """Every policy of one pair. How many there are follows from the prompts alone, never from an answer's loss."""
    ground = Ground(offer.trial, offer.error, 0)
    units = ground.trial.evidence
    asked = [seen.get(unit.request_id, Prompt()) for unit in units]
    simple = rules([unit.logged_input_tokens for unit in units], asked)
    routers = len(KINDS) if any(prompt.text for prompt in asked) else 0
    cascades = int(any(unit.replay_id in checked for unit in units))
    ground = replace(ground, tried=len(simple) + routers + cascades)
    return [
        *tested_rules(ground, simple),
        *(tested_routers(ground, asked) if routers else ()),
        *(tested_cascade(ground, checked, offer.latency_limit, offer.first_chunk_limit) if cascades else ()),
    ]


def _testable(trial: rule.Trial) -> bool:
    return bool(trial.evidence) and not trial.key.variant and trial.key.endpoint != "log"


def chosen(found: Sequence[Policy], whole: Mapping[Place, float]) -> list[Policy]:
    """The same policies with their outcome: of each workflow and model the best of the simplest kind is offered.

    A more involved kind is taken only where it saves `MARGIN` more than the best of all simpler ones and the whole, or
    than nothing; a rule only has to save where nothing does.
    """
    winners: dict[Place, Policy] = {}
    for kind in _KINDS:
        for place in {_place(policy) for policy in found}:
            here = [each for each in found if _place(each) == place and each.certified and _kind(each) == kind]
            leader = max(here, key=lambda each: each.saving or 0.0, default=None)
            best = (winners[place].saving or 0.0) if place in winners else whole.get(place, 0.0)
            least = best + (MARGIN if best or kind != _KINDS[0] else 0.0)
            if leader is not None and (leader.saving or 0.0) > least:
                winners[place] = leader
    return [
        _settled(policy, winners.get(_place(policy)), whole.get(_place(policy), 0.0)) if policy.certified else policy
        for policy in found
    ]


def _kind(policy: Policy) -> str:
    return policy.name if policy.step == "router" else policy.step


def _settled(policy: Policy, winner: Policy | None, whole: float) -> Policy:
    """A certified policy with what became of it."""
    saves = f"saves {_percent(policy.saving)} of the workflow's dollars"
    if policy is winner:
        return replace(policy, outcome="offered", reason=saves)
    if winner is None:
        simple = f"a safe switch of the whole saves {_percent(whole)}" if whole else "nothing simpler is certified"
        said = f"{simple}, and {100 * MARGIN:.0f} points more are wanted"
    else:
        said = f"{winner.name} of {winner.endpoint}/{winner.model} saves {_percent(winner.saving)}"
        if _KINDS.index(_kind(winner)) < _KINDS.index(_kind(policy)):
            said += f", and what is more involved has to save {100 * MARGIN:.0f} points more"
    return replace(policy, outcome="beaten", reason=f"certified, {saves}; {said}", apply=None)


def _place(policy: Policy) -> Place:
    return policy.workflow_id, policy.current_model


def _percent(share: float | None) -> str:
    return f"{100 * (share or 0.0):.0f} %"
