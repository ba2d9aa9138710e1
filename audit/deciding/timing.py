"""How long a candidate's answers take and begin to take, beside the log's own, and whether that is too long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from audit.deciding.ratios import quantile
from audit.deciding.units import Unit

FEW = 20
"""Times below which the nearest rank of 95 % is the slowest of them."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The p95 in seconds a candidate may have, by workflow name (`*` = any other): of answers, and of first chunks."""

    latency: Mapping[str, float] = field(default_factory=dict)
    first_chunk: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds, nearest rank; None where nothing was timed, or no limit is stated.

    Durations are of the `duration_n` answers that have a time. The `first_chunk_n` prompts are those whose answer came
    as a stream; the log's own figures are of those among them that it timed as well, `current_first_chunk_n`.
    """

    duration_n: int
    p50_duration: float | None
    p95_duration: float | None
    latency_limit: float | None
    first_chunk_n: int
    p50_first_chunk: float | None
    p95_first_chunk: float | None
    current_first_chunk_n: int
    current_p50_first_chunk: float | None
    current_p95_first_chunk: float | None
    first_chunk_limit: float | None

    @property
    def late(self) -> str | None:
        """Which stated limit is passed, and by how much; None where none is."""
        return passed("p95 latency", self.p95_duration, self.latency_limit) or passed(
            "p95 until the first chunk", self.p95_first_chunk, self.first_chunk_limit
        )

    def notes(self, answered: int) -> list[str]:
        """Of how few of the answers the times are; limits that could not be held against anything."""
        unchecked = []
        if 0 < self.duration_n < min(answered, max(FEW, answered / 2)):
            unchecked.append(f"times of {self.duration_n} of {answered} answers")
        if self.latency_limit is not None and self.p95_duration is None:
            unchecked.append(f"limit of {self.latency_limit:g} s not checked: no answer was timed")
        if self.first_chunk_limit is not None and self.p95_first_chunk is None:
            said = f"limit of {self.first_chunk_limit:g} s until the first chunk not checked"
            unchecked.append(f"{said}: no answer came as a stream")
        return unchecked


def timing(units: Sequence[Unit], workflow: str, limits: Limits) -> Timing:
    """The timing of one candidate on its counted units of a workflow."""
    answered = [unit for unit in units if unit.state != "no_answer"]
    whole = [unit.duration for unit in answered if unit.duration is not None]
    streamed = [unit for unit in answered if unit.first_chunk is not None]
    first = [unit.first_chunk for unit in streamed if unit.first_chunk is not None]
    today = [unit.logged_first_chunk for unit in streamed if unit.logged_first_chunk is not None]
    return Timing(
        duration_n=len(whole),
        p50_duration=quantile(whole, 0.5),
        p95_duration=quantile(whole, 0.95),
        latency_limit=limits.latency.get(workflow, limits.latency.get("*")),
        first_chunk_n=len(first),
        p50_first_chunk=quantile(first, 0.5),
        p95_first_chunk=quantile(first, 0.95),
        current_first_chunk_n=len(today),
        current_p50_first_chunk=quantile(today, 0.5),
        current_p95_first_chunk=quantile(today, 0.95),
        first_chunk_limit=limits.first_chunk.get(workflow, limits.first_chunk.get("*")),
    )


def passed(what: str, seconds: float | None, limit: float | None, why: str = "") -> str | None:
    """A sentence for a limit that is passed; None where it is not, or nothing is known."""
    if seconds is None or limit is None or seconds <= limit:
        return None
    told = f"{seconds:.1f} s" if seconds >= 1 else f"{1000 * seconds:.0f} ms"
    return f"{what} of {told}{why}, limit {limit:g} s"
