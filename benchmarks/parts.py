"""Parts of workflows: how often a certificate is false where nothing tells good prompts from bad, and how often one is won.

Run `python -m benchmarks.parts [audits] [seed]`. Every world is synthetic: prompts of one workflow, a candidate that loses
some of them, costs lognormal (sigma 1), a tenth of today's price for the candidate. Policies come from
`audit.deciding.parts`, as in `audit replay`. True losses of a certified policy are measured on 2,000 fresh prompts, a router applied by the code in docs/replay.md.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from audit.deciding import rule
from audit.deciding.parts.policy import Policy
from audit.deciding.parts.prompts import Prompt
from audit.deciding.parts.stage import Offer, chosen, tried
from audit.deciding.units import TrialKey
from audit.scoring.verifying import Verified
from audit.statistics.arrays import BoolArray, FloatArray
from audit.statistics.verdicts import alpha_of, look_error, whole_error
from benchmarks.deciding import Random, share, show, unit

FRESH = 2_000
WORDS = [
    f"{first}{second}"
    for first in ("ba", "ke", "lo", "mi", "nu", "ra", "se")
    for second in ("dan", "fel", "gor", "lim", "pat", "rin", "sol", "tek")
]


@dataclass(frozen=True)
class World:
    """How a candidate fails: on a share of the prompts, told by `cue` (nothing, their words, or their length).

    `caught` is the share of lost answers a verifier sends back (None: there is no verifier), `alarms` that of good ones.
    """

    cue: str
    bad: float = 0.5
    loss_elsewhere: float = 0.0
    caught: float | None = None
    alarms: float = 0.0
    cost: float = 0.1
    kind: str = "short_answer"
    pairs: int = 1


@dataclass(frozen=True, eq=False)
class Traffic:
    prompts: list[Prompt]
    tokens: np.ndarray
    lost: BoolArray
    cost: FloatArray


def traffic(rng: Random, world: World, n: int) -> Traffic:
    """Prompts drawn from the world, with what becomes of each."""
    hard = rng.random(n) < world.bad
    tokens = rng.lognormal(5.0, 0.6, n)
    if world.cue == "length":
        tokens = np.where(hard, 400 + tokens, 40 + tokens % 300)
    texts = []
    for each in hard.tolist():
        words = list(rng.choice(WORDS, 12))
        if world.cue == "words":
            words[:3] = rng.choice(
                ["refund", "invoice", "charge", "payment"] if each else ["login", "password", "account", "email"], 3
            )
        texts.append(" ".join(words))
    risk = np.where(hard, 1.0, world.loss_elsewhere) if world.cue else np.full(n, world.bad)
    return Traffic(
        [Prompt(text) for text in texts], tokens.astype(np.int64), rng.random(n) < risk, rng.lognormal(0.0, 1.0, n)
    )


def audit(rng: Random, world: World, n: int) -> list[Policy]:
    """Every policy of a replay of n prompts."""
    drawn = traffic(rng, world, n)
    units = tuple(
        unit(number, "failed" if bad else "passed", 1.0, cost=world.cost * float(cost), current_cost=float(cost), logged_input_tokens=int(tokens))
        for number, (bad, cost, tokens) in enumerate(zip(drawn.lost, drawn.cost, drawn.tokens, strict=True))
    )  # fmt: skip
    error = (look_error(1) - whole_error(1)) / world.pairs
    offer = Offer(rule.Trial(TrialKey(1, "big", "e", "small", ""), world.kind, units, {}), error)
    checked = {}
    if world.caught is not None:
        sent_back = np.where(drawn.lost, rng.random(n) < world.caught, rng.random(n) < world.alarms)
        checked = {number: Verified("json", not back) for number, back in enumerate(sent_back.tolist())}
    return tried(offer, dict(enumerate(drawn.prompts)), checked)


def true_loss(rng: Random, world: World, policy: Policy, prompts: int = FRESH) -> float:
    """Share of fresh requests a certified policy loses."""
    if policy.step == "cascade":
        every = world.bad + (1 - world.bad) * world.loss_elsewhere if world.cue else world.bad
        return every * (1 - (world.caught or 0.0))
    fresh = traffic(rng, world, prompts)
    return float((fresh.lost & sent(json.loads(policy.apply or "{}"), fresh)).mean())


def sent(data: dict[str, Any], fresh: Traffic) -> BoolArray:
    """Which prompts an exported rule or router sends to the candidate; a router is applied as docs/replay.md says."""
    if "when" in data:
        when = data["when"]
        return (fresh.tokens <= when.get("input_tokens_to", np.inf)) & (
            fresh.tokens >= when.get("input_tokens_from", 0)
        )
    sends = documented()
    asked = zip(fresh.prompts, fresh.tokens.tolist(), strict=True)
    return np.array([sends(data["router"], prompt.text, tokens, prompt.tools) for prompt, tokens in asked])


@cache
def documented() -> Callable[..., bool]:
    """The function `sends` of the code in docs/replay.md."""
    (code,) = re.findall(
        r"```python\n(.*?)```", (Path(__file__).parent.parent / "docs/replay.md").read_text("utf-8"), re.S
    )
    names: dict[str, Any] = {}
    exec(code, names)
    return names["sends"]


def false_part(rng: Random, world: World, n: int, prompts: int = FRESH) -> bool:
    """Whether any certified policy, offered or not, loses more than it may."""
    found = [policy for policy in audit(rng, world, n) if policy.certified]
    return any(true_loss(rng, world, policy, prompts) > alpha_of(world.kind) for policy in found)


def offers(rng: Random, world: World, n: int, step: str) -> bool:
    """Whether the offered policy is of this step."""
    return any(policy.outcome == "offered" and policy.step == step for policy in chosen(audit(rng, world, n), {}))


def offers_any(rng: Random, world: World, n: int) -> bool:
    """Whether any part is offered; where losses fall on any prompt, each part loses on its own what the whole does."""
    return any(policy.outcome == "offered" for policy in chosen(audit(rng, world, n), {}))


def main(audits: int, seed: int) -> None:
    print(f"{audits} audits each, seed {seed}")
    for name, world, n in (
        ("loses 30 % whatever the prompt, n=200", World("", 0.3), 200),
        ("loses 8 % whatever the prompt, n=400", World("", 0.08), 400),
        ("loses 6 %, verifier of no use, n=400", World("", 0.06, caught=0.05), 400),
        ("loses a half told by words and 10 % of the rest, n=400", World("words", 0.5, 0.10), 400),
        ("loses a half told by length and 10 % of the rest, n=400", World("length", 0.5, 0.10), 400),
    ):
        show(f"any false certificate, {name}", share(audits, seed, lambda rng, w=world, n=n: false_part(rng, w, n)))
    for bad in (0.06, 0.08, 0.10):
        name = f"a part offered that loses {100 * bad:.0f} % on its own, n=300"
        show(name, share(audits, seed, lambda rng, w=World("", bad): offers_any(rng, w, 300)))
    for step, name, world, n in (
        ("rule", "a half told by length, n=200", World("length", 0.5), 200),
        ("router", "a half told by words, n=200", World("words", 0.5), 200),
        ("router", "a half told by words, n=300, 5 pairs", World("words", 0.5, pairs=5), 300),
        ("cascade", "a half, the verifier sees all, n=200", World("", 0.5, caught=1.0), 200),
        ("cascade", "a half told by words, the verifier sees all, n=200", World("words", 0.5, caught=1.0), 200),
        (
            "cascade",
            "half sent back at 60 % of the price (above break-even), n=200",
            World("", 0.5, caught=1.0, cost=0.6),
            200,
        ),
    ):
        show(f"{step} offered, {name}", share(audits, seed, lambda rng, w=world, n=n, s=step: offers(rng, w, n, s)))


if __name__ == "__main__":
    run: Callable[[int, int], None] = main
    run(int(sys.argv[1]) if len(sys.argv) > 1 else 400, int(sys.argv[2]) if len(sys.argv) > 2 else 20261128)
