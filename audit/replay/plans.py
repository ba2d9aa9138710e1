"""What a replay would do: a plan people read and agree to, and the calls it stands for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from audit.replay.budget import affordable
from audit.replay.drawing import Sample
from audit.replay.frame import Excluded, Frame
from audit.replay.redaction import Redactor
from audit.replay.routes import Route, Skipped
from audit.replay.strata import Strata

PICO = 10**12


@dataclass(frozen=True, slots=True)
class LocalLimits:
    """What the embedded model is asked: tokens of prompt and logged answer; prompts, when it is the only candidate."""

    prompt_tokens: int = 512
    answer_tokens: int = 64
    prompts: int = 130


@dataclass(frozen=True, slots=True)
class Job:
    """One call to make; `route` and `row` index the plan's routes and frame. Costs are pico-USD, None = no price.

    `attempt` is 1 more than the answers to it on file: what was asked again.
    """

    route: int
    row: int
    prompt_key: int
    request_id: int
    expected_pico: int | None
    worst_pico: int | None
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Unreplayable:
    """Drawn prompts a candidate can't be asked, for one reason; cost is what they cost in the log."""

    endpoint: str
    model: str
    reason: str
    count: int
    cost_usd: float
    variant: str = ""


@dataclass(frozen=True, slots=True)
class CandidatePlan:
    """Calls of one candidate for one current model; `reused` answers are on file already.

    `expected_usd` takes the logged answer's length, `worst_usd` bounds every call by its limits; None = no price, also
    of a million tokens.
    """

    current_model: str
    endpoint: str
    model: str
    variant: str
    floor: bool
    calls: int
    reused: int
    expected_usd: float | None
    worst_usd: float | None
    input_usd_per_million: float | None
    output_usd_per_million: float | None


@dataclass(frozen=True, slots=True)
class Destination:
    """Where content goes: `host` is empty when it stays in this process, `address` is the host with its port.

    `serves_already` when every prompt sent there was served by that provider before; `leaves_machine` is false for
    this process and for loopback, though a proxy there may send it on.
    """

    endpoint: str
    host: str
    address: str
    prompts: int
    leaves_machine: bool
    serves_already: bool

    @property
    def needs_consent(self) -> bool:
        """Whether content would reach somebody who has not had it."""
        return self.prompts > 0 and self.leaves_machine and not self.serves_already


@dataclass(frozen=True, slots=True)
class Promise:
    """What a sample of n can certify: workflow × candidate pairs that are likely to get a certificate.

    Likely is a chance of 80 % for a candidate with a true loss of 1 %; `if_clean` counts those that get one if no loss
    is seen, `power` is the mean chance of these at a true loss of 1 %. `tests` is the number of pairs the error is
    shared by. `unchecked` pairs are of kinds no program can compare: they count once a judge or people rate the
    answers.
    """

    n: int
    certificates: int
    workflows: tuple[str, ...]
    tests: int
    power: float
    unchecked: int = 0
    if_clean: int = 0


@dataclass(frozen=True, eq=False)
class Plan:
    """A replay that has not happened: nothing was sent or written. `missing` is what keeps it from being sent.
    `unfloored` are current models whose noise floor was asked for and can't be measured.

    `batch` says that the calls are for the Batch APIs; `pending` calls wait in batches that are not collected yet.
    With a `redactor`, `redacted` counts the values it hides in `redacted_prompts` prompts, by kind.
    `image_prompts` hold images, which are read from the log before they are sent. `spent_pico` is what unfinished runs
    spent on the candidates, which counts against a cap.
    """

    seed: int
    requested: int
    frame: Frame
    strata: Strata
    sample: Sample
    routes: tuple[Route, ...]
    jobs: tuple[Job, ...]
    reused: int
    candidates: tuple[CandidatePlan, ...]
    not_replayable: tuple[Unreplayable, ...]
    destinations: tuple[Destination, ...]
    promise: Promise
    larger: Promise | None
    covered_pico: int
    skipped: tuple[Skipped, ...] = field(default=())
    missing: tuple[Skipped, ...] = field(default=())
    unfloored: tuple[Skipped, ...] = field(default=())
    batch: bool = False
    pending: int = 0
    redactor: Redactor | None = None
    redacted: Mapping[str, int] = field(default_factory=dict)
    redacted_prompts: int = 0
    image_prompts: int = 0
    spent_pico: int = 0

    @property
    def sampled(self) -> int:
        """Prompts drawn."""
        return len(self.sample)

    @property
    def excluded(self) -> tuple[Excluded, ...]:
        """Requests outside the frame, by reason."""
        return self.frame.excluded

    @property
    def coverage(self) -> float | None:
        """Share of the billable dollars the sample speaks for; None where nothing costs anything."""
        total = self.frame.total_pico
        return self.covered_pico / total if total else None

    @property
    def expected_usd(self) -> float:
        """Expected cost of all calls with a price."""
        return sum(job.expected_pico or 0 for job in self.jobs) / PICO

    @property
    def worst_usd(self) -> float:
        """Most that all calls with a price can cost."""
        return sum(job.worst_pico or 0 for job in self.jobs) / PICO

    def affordable(self, cap_usd: float) -> int:
        """Calls a cap leaves room for, if each costs what is expected and its worst case is set aside before.

        What unfinished runs spent is not there any more.
        """
        return affordable(self.jobs, self.spent_pico, round(cap_usd * PICO))

    @property
    def unpriced(self) -> tuple[str, ...]:
        """Candidates off this machine whose calls have no price, as ENDPOINT/MODEL."""
        names = (f"{route.endpoint.name}/{route.model}" for route in self._unpriced_routes())
        return tuple(dict.fromkeys(names))

    def _unpriced_routes(self) -> list[Route]:
        away = {each.endpoint for each in self.destinations if each.leaves_machine}
        used = {job.route for job in self.jobs}
        return [
            route
            for place, route in enumerate(self.routes)
            if place in used and route.rates is None and route.endpoint.name in away
        ]

    @property
    def needs_consent(self) -> bool:
        """Whether somebody has to agree before anything is sent."""
        return any(each.needs_consent for each in self.destinations)
