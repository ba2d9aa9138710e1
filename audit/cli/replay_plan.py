"""A replay's plan on the terminal, before anything is sent: cost, data flow, what it can certify; and the question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.cli.options import print_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from audit.config import Config
    from audit.judging import JudgePlan
    from audit.replay import CandidatePlan, Destination, Plan
    from audit.replay.plans import Unreplayable
    from audit.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the flags of `audit replay` ask for; None where the configuration decides."""

    sample: int | None
    models: Sequence[str]
    max_cost: float | None
    seed: int | None
    variants: Sequence[str]
    floor: bool
    evalset: str | None
    again: bool
    dry_run: bool
    batch: bool
    redact: bool
    workflows: Sequence[str]
    excluded: Sequence[str]
    yes: bool
    as_json: bool

    def cap(self, settings: Config) -> float:
        """The most the run may cost, in USD."""
        return settings.replay.max_cost_usd if self.max_cost is None else self.max_cost


def planned(store: Store, settings: Config, wish: Wish, only: Mapping[int, float] | None) -> Plan:
    """What the flags and the configuration come to; `only` are the prompts of an evaluation set with their chances."""
    from audit.cli.pricing import catalogue
    from audit.deciding import looks
    from audit.replay import LocalLimits, plan

    return plan(
        store,
        catalogue(settings),
        sample=wish.sample or settings.replay.sample,
        models=wish.models,
        endpoints=settings.endpoint,
        seed=settings.replay.seed if wish.seed is None else wish.seed,
        floor=wish.floor,
        left_out=(*settings.replay.exclude_workflows, *named_workflows(store, wish.excluded)),
        wanted=named_workflows(store, wish.workflows),
        local=LocalLimits(prompt_tokens=settings.replay.max_prompt_tokens_local),
        variants=wish.variants,
        unready=wish.dry_run,
        only=only,
        batch=wish.batch,
        redact=wish.redact,
        look=looks(store).count + 1,
        again=wish.again,
    )


def show_plan(plan: Plan, wish: Wish, settings: Config) -> None:
    """The plan on the terminal, or with `--json` as a document where it is all that was asked for."""
    from audit.export.quality import plan_document

    if not wish.as_json:
        print_plan(plan, wish.cap(settings))
    elif wish.dry_run:
        print_json(plan_document(plan, wish.cap(settings)))


def agreed(plan: Plan, cap: float) -> bool:
    """Ask when money would be spent or content would leave; ConsentError without anybody to ask."""
    import sys

    from audit import console
    from audit.errors import ConsentError

    if not plan.needs_consent and plan.expected_usd == 0:
        return True
    if not sys.stdin.isatty():
        raise ConsentError(
            "this replay sends prompts or spends money, and there is nobody to ask",
            "agree with --yes; nothing was sent",
        )
    if not console.ask(f"Send {len(plan.jobs)} requests, at most ${cap:g}?"):
        raise ConsentError("not agreed; nothing was sent", "use --dry-run to see the plan")
    return True


def named_workflows(store: Store, named: Sequence[str]) -> tuple[str, ...]:
    """Workflows named by a flag; ConfigError for one the audit file does not have.

    A slip of the pen must neither send what was to stay nor leave out what was to be tested.
    """
    from difflib import get_close_matches

    from audit.errors import ConfigError
    from audit.ledger import workflow_names

    known = sorted(set(workflow_names(store).values()))
    for name in named:
        if name not in known:
            near = get_close_matches(name, known, n=3, cutoff=0.0)
            raise ConfigError(f"no workflow is called {name!r}", f"there are {', '.join(near)}; see audit workflows")
    return tuple(named)


def print_plan(plan: Plan, cap: float | None) -> None:
    """What would be asked of whom, what it costs, where content goes, what it can certify."""
    from audit import console, figures

    console.table(
        f"Replay of {figures.things(plan.sampled, 'prompt')}",
        ("Today", "Candidate", "Role", "Calls", "On file", "Expected", "At most"),
        [
            (each.current_model, candidate(each), _role(plan, each),
             figures.count(each.calls), figures.count(each.reused), usd(each.expected_usd), usd(each.worst_usd))
            for each in plan.candidates
        ],
        left=3,
        footer=f"expected {usd(plan.expected_usd)}, at most {usd(plan.worst_usd)}"
        + (f", hard cap {usd(cap)}" if cap is not None else "")
        + (f"; the sample speaks for {figures.share(plan.coverage)} of the spend" if plan.coverage is not None else ""),
    )  # fmt: skip
    for place in plan.destinations:
        console.say(destination(place))
    if plan.image_prompts:
        hold = "prompt holds" if plan.image_prompts == 1 else "prompts hold"
        console.say(f"{plan.image_prompts} {hold} images, which are read from the log and sent with it")
    if plan.redactor is not None:
        kinds = ", ".join(f"{count} {name}" for name, count in sorted(plan.redacted.items()))
        console.say(
            f"personal data is replaced in {plan.redacted_prompts} prompts: {kinds or 'none found'}; names of people "
            "and places are not recognised"
        )
    if plan.batch and plan.jobs:
        console.say("batches are kept by the provider until they are collected, then deleted there")
    if plan.pending:
        console.say(f"{plan.pending} calls wait in batches that are not collected: audit replay --collect")
    _print_promise(plan)
    _print_left_out(plan)
    _print_prices(plan)
    if cap is not None:
        warn_of_cap(plan, len(plan.jobs), cap, "lower --sample")
    for lack in plan.missing:
        console.warn(f"to send, {lack.endpoint} lacks something: {lack.reason}; {lack.hint}")
    console.say("")


def candidate(each: CandidatePlan | Unreplayable) -> str:
    """A candidate's name, with the change made to its prompts."""
    return f"{each.endpoint}/{each.model}" + (f" {each.variant}" if each.variant else "")


def _role(plan: Plan, each: CandidatePlan) -> str:
    recorded = {route.endpoint.name for route in plan.routes if route.client.recorded}
    return ("noise floor" if each.floor else "candidate") + (", recorded" if each.endpoint in recorded else "")


def destination(place: Destination) -> str:
    """Where prompts go, and whether whoever is there had them before."""
    from audit import figures

    prompts = f"{place.endpoint}: {figures.things(place.prompts, 'prompt')}"
    if not place.host:
        return f"{prompts} stay on this machine, in this process"
    if not place.leaves_machine:
        return f"{prompts} to {place.address} (on this machine; whether a proxy there sends them on is not known)"
    known = "served these prompts before" if place.serves_already else "has NOT had these prompts before"
    return f"{prompts} to {place.address} ({known})"


def _print_promise(plan: Plan) -> None:
    from audit import console

    promise = plan.promise
    console.say(
        f"{promise.n} prompts would certify {promise.certificates} of {promise.tests} workflow and model pairs with a "
        f"chance of 80 % or more at a true loss of 1 %, {promise.if_clean} if no answer is lost"
        + (f"; {plan.larger.n} prompts {plan.larger.certificates} and {plan.larger.if_clean}" if plan.larger else "")
    )
    if promise.unchecked:
        wants = "1 of the pairs wants" if promise.unchecked == 1 else f"{promise.unchecked} of the pairs want"
        console.say(f"{wants} a judge or people to compare the answers: audit judge, audit review")


def _print_left_out(plan: Plan) -> None:
    from audit import console, figures

    for excluded in plan.excluded:
        console.note(
            f"not replayable: {figures.things(excluded.requests, 'request')} ({figures.money(excluded.cost_pico)}): "
            f"{excluded.reason}"
        )
    for refused in plan.not_replayable:
        asked = figures.things(refused.count, "prompt")
        console.note(f"not asked of {candidate(refused)}: {asked}: {refused.reason}")
    for skipped in plan.skipped:
        console.note(f"not proposed: {skipped.model}: {skipped.reason}; {skipped.hint}")
    if plan.skipped and all(route.client.in_process for route in plan.routes if not route.same_model):
        console.warn(
            "none of the proposed models can be reached, only the embedded one is asked: that proves the machinery, "
            "not your business case; name a --model you have a key or a server for"
        )
    for why in dict.fromkeys((each.reason, each.hint) for each in plan.unfloored):
        models = ", ".join(console.clean(each.model) for each in plan.unfloored if (each.reason, each.hint) == why)
        console.warn(f"the noise floor of {models} is not measured: {'; '.join(filter(None, why))}")


def _print_prices(plan: Plan) -> None:
    from audit import console

    prices = {
        f"{each.endpoint}/{each.model}": (each.input_usd_per_million, each.output_usd_per_million)
        for each in plan.candidates
    }
    for name, (given, said) in prices.items():
        if given is not None and said is not None:
            console.note(f"price of {name}: ${given:g} a million input tokens, ${said:g} a million output tokens")


def warn_of_cap(plan: Plan | JudgePlan, calls: int, cap: float, instead: str) -> None:
    """Say how far a cap goes that is lower than what the plan costs, and what to do `instead` of raising it."""
    from audit import console, figures

    room = plan.affordable(cap)
    gone = f", of which unfinished runs may have cost {figures.money(plan.spent_pico)}," if plan.spent_pico else ""
    if room < calls:
        console.warn(
            f"the plan is expected to cost {usd(plan.expected_usd)}, and the cap of ${cap:g}{gone} leaves room for "
            f"about {room} of {calls} calls ({figures.share(room / calls)}); raise --max-cost or {instead}"
        )


def usd(value: float | None) -> str:
    """Dollars, or that there is no price."""
    from audit import figures

    return "no price" if value is None else figures.money(value * 1e12)
