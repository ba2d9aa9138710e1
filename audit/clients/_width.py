"""How many requests a lane has in flight: as few as give its full throughput."""

from __future__ import annotations

from math import ceil

FIRST = 8
SMALLEST_STEP = 1.5
REST = 3
"""Rounds between two trials once more places brought nothing."""
WORTH = 0.4
"""Share of what new places would bring at an endpoint without a queue; what brings less is not worth having."""


class Width:
    """Places for requests in flight, between 1 and `most`.

    It grows while growing pays: a trial must bring a fair share (`WORTH`) of the answers per second that the new places
    would bring at an endpoint without a queue, otherwise the old width comes back and a smaller step is tried. What is
    in flight when a run is killed may be paid for again, so places that only queue are not worth having. A round is
    two answers for each place and eight more, counted after those that were under way when the width changed; in
    simulation so many keep chance from deciding, with times as uneven as exponential ones.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.places = min(most, FIRST)
        self._step = 2.0
        self._rest = 0
        self._trial: tuple[int, float] | None = None
        self._seen = 0
        self._since = 0.0

    def answered(self, now: float) -> None:
        """Count an answer at a moment, seconds of any clock; at the end of a round the width may change."""
        self._seen += 1
        if self._seen <= self.places:
            self._since = now
        elif self._seen >= 8 + 3 * self.places:
            self._judge((self._seen - self.places) / max(1e-6, now - self._since))
            self.restart()

    def restart(self) -> None:
        """Measure anew: what was seen of the present round says nothing, as after a pause."""
        self._seen = 0

    def refused(self) -> None:
        """Halve, because the endpoint said that it is too much; grow carefully from there."""
        self.places = max(1, self.places // 2)
        self._step, self._rest, self._trial = SMALLEST_STEP, 0, None
        self.restart()

    def _judge(self, rate: float) -> None:
        trial, self._trial = self._trial, None
        if trial is not None and rate < trial[1] * (1 + WORTH * (self.places / trial[0] - 1)):
            self.places = trial[0]
            self._rest = 0 if self._step > SMALLEST_STEP else REST
            self._step = max(SMALLEST_STEP, (1 + self._step) / 2)
        elif self._rest:
            self._rest -= 1
        elif self.places < self.most:
            self._trial = self.places, rate
            self.places = min(self.most, ceil(self.places * self._step))
