"""What a lane has been through: attempts, answers, refusals and pauses, and how to say it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Tally:
    """What a lane has seen so far: attempts of all calls, calls answered and given up, pauses."""

    attempts: int = 0
    answered: int = 0
    failed: int = 0
    rate_limited: int = 0
    retried: int = 0
    paused_seconds: float = 0.0

    @property
    def trouble(self) -> str:
        """What had to be asked again, empty where nothing had."""
        limits = f", {self.rate_limited:,} of them by rate limits" if self.rate_limited else ""
        held = f"; all calls were held back for {self.paused_seconds:.0f} s" if self.paused_seconds >= 0.5 else ""
        return f"{self.retried:,} attempts were refused or failed{limits}, and made again{held}" if self.retried else ""
