"""One endpoint's traffic: how many calls at once, when to pause, when to try again, when to give up."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, replace
from typing import Any, Protocol

from audit.clients import Answer, CallError, Client, FailureKind, Limits, Session, Translation
from audit.clients._allowance import exhausted_for
from audit.clients._stalls import Stalls, timed
from audit.clients._tally import Tally
from audit.clients._width import Width

FATAL = ("unauthorised", "not_found", "quota")
MOST_ADAPTATIONS = 16
SHORTEST_TIMEOUT = 20.0
REFUSALS = 64
"""Refusals without an answer between them, after which a short Retry-After is no longer believed."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How patient a lane is; seconds, unless it says otherwise.

    `deadline` bounds one call with all its attempts and pauses; `longest_pause` is the longest Retry-After that is
    waited for, a longer one closes the lane. `attempts` counts tries that failed for a reason other than a rate limit.
    """

    concurrency: int = 32
    attempts: int = 8
    deadline: float = 900.0
    longest_pause: float = 120.0
    first_backoff: float = 0.5
    last_backoff: float = 8.0
    give_up_after: int = 20


@dataclass(slots=True)
class _Call:
    """One call under way: its body and losses so far, who pays, counted tries, and its start."""

    body: dict[str, Any]
    lossy: list[str]
    purse: Purse
    tries: int = 0
    timeouts: int = 0
    started: float = 0.0

    @property
    def model(self) -> str:
        """The model asked for."""
        return str(self.body.get("model", ""))


class Purse(Protocol):
    """Who pays for a call; `uncertain` counts its attempts that may be billed though no answer came of them."""

    uncertain: int

    async def take(self) -> bool:
        """Set money aside for one more attempt that may be billed; False when there is none."""
        ...


class NoRoomError(Exception):
    """There is no money for the call; nothing was sent."""


class LaneClosedError(Exception):
    """The endpoint can't be used any further; nothing was sent for this call. `kind` is the failure that closed it."""

    def __init__(self, reason: str, kind: FailureKind) -> None:
        super().__init__(reason)
        self.kind: FailureKind = kind


class Lane:
    """Sends translated prompts to one endpoint.

    Concurrency grows while that brings more answers a second and halves on a rate limit or overload (`Width`). A rate
    limit pauses the whole lane, once, until the time the endpoint named. Parameters a model refuses are remembered, so
    that the refusal is met once. Where the process itself was busy, attempts under way get that time back, and answers
    it may have delayed have no duration (`Stalls`).
    """

    def __init__(self, client: Client, session: Session, policy: Policy) -> None:
        self._client = client
        self._session = session
        self._policy = policy
        self._width = Width(min(policy.concurrency, client.workers) if client.workers else policy.concurrency)
        self._active = 0
        self._turn = asyncio.Condition()
        self._resume_at = 0.0
        self._refused: dict[tuple[str, str], CallError] = {}
        self._slowest = 0.0
        self._failures_in_a_row = 0
        self._closed: dict[str, tuple[str, FailureKind]] = {}
        self._refusals = 0
        self._under_way: set[asyncio.Timeout] = set()
        self._stalls = Stalls(self._excuse)
        self.tally = Tally()

    def closed(self, model: str) -> str | None:
        """Why no further call of a model is made; None while the lane is open for it."""
        reason, _ = self._closing(model) or (None, None)
        return reason

    def _closing(self, model: str) -> tuple[str, FailureKind] | None:
        return self._closed.get("") or self._closed.get(model)

    async def send(self, translation: Translation, limits: Limits, purse: Purse) -> Answer:
        """The answer to a call, with all the attempts it takes.

        The purse is asked once there is a place for the call, and again before an attempt that follows one which may
        be billed. Raises CallError when the call is given up; where nothing was sent, LaneClosedError when the
        endpoint is out of use and NoRoomError when there is no money.
        """
        call = _Call(dict(translation.body), list(translation.lossy), purse)
        await self._enter(call)
        try:
            if not await purse.take():
                raise NoRoomError
            for (model, _), known in self._refused.items():
                if model == call.model:
                    self._adapt(call, known)
            answer = await self._try(call, limits)
        except CallError:
            self.tally.failed += 1
            raise
        finally:
            await self._leave()
        return replace(answer, lossy=tuple(dict.fromkeys(each for each in (*call.lossy, *answer.lossy) if each)))

    async def _try(self, call: _Call, limits: Limits) -> Answer:
        """Attempts until one is answered; raises the CallError of the last."""
        while True:
            try:
                answer = await self._attempt(call, limits)
            except CallError as failure:
                call.purse.uncertain += failure.maybe_billed
                await self._after(failure, call)
                if failure.maybe_billed and not await call.purse.take():
                    raise
            else:
                self._answered(answer)
                return answer

    async def _attempt(self, call: _Call, limits: Limits) -> Answer:
        await self._wait_for_pause(call)
        self.tally.attempts += 1
        seconds = self._patience(call, limits)
        deadline = asyncio.timeout(seconds)
        self._under_way.add(deadline)
        before = self._stalls.begin()
        try:
            async with deadline:
                answer = await self._session.send(call.body, limits)
            return answer if self._client.recorded else timed(answer, self._stalls.seconds - before)
        except TimeoutError:
            raise CallError("timeout", f"no answer within {seconds:.0f} s", retry=True, maybe_billed=True) from None
        except asyncio.CancelledError:
            call.purse.uncertain += 1
            raise
        except CallError:
            raise
        except Exception as error:  # whatever an answer provokes is that answer's failure and not the run's
            said = f"{type(error).__name__}: {error}"
            raise CallError("bad_answer", said[:300], retry=True, maybe_billed=True) from error
        finally:
            self._under_way.discard(deadline)
            self._stalls.end()

    @property
    def on_the_wire(self) -> int:
        """Requests whose answer is being waited for."""
        return len(self._under_way)

    def _excuse(self, seconds: float) -> None:
        """Give attempts under way more time: the process did something else, and answers may wait to be read."""
        for deadline in self._under_way:
            # an attempt that is out of time may still be closing its connection
            if (when := deadline.when()) is not None and not deadline.expired():
                deadline.reschedule(when + seconds)

    def _patience(self, call: _Call, limits: Limits) -> float:
        """Seconds an attempt may take: far beyond the slowest answer so far, and longer after each timeout."""
        usual = max(SHORTEST_TIMEOUT, 10 * self._slowest) if self.tally.answered >= 10 else limits.timeout
        return max(1.0, min(limits.timeout, usual * 2.0**call.timeouts, self._left(call)))

    def _left(self, call: _Call) -> float:
        """Seconds this call may still take."""
        return call.started + self._policy.deadline - time.monotonic()

    async def _wait_for_pause(self, call: _Call) -> None:
        while (wait := self._resume_at - time.monotonic()) > 0:
            if wait > self._left(call):
                await self._close(f"no answer for {self._policy.deadline:.0f} s because of rate limits", "rate_limited")
                raise CallError("rate_limited", f"rate limited for {self._policy.deadline:.0f} s")
            await asyncio.sleep(wait)

    async def _enter(self, call: _Call) -> None:
        """Wait for a free place; the call's time starts when it has one."""
        async with self._turn:
            await self._turn.wait_for(lambda: self.closed(call.model) or self._active < self._width.places)
            if closing := self._closing(call.model):
                raise LaneClosedError(*closing)
            self._active += 1
        call.started = time.monotonic()

    async def _leave(self) -> None:
        async with self._turn:
            self._active -= 1
            self._turn.notify_all()

    async def _after(self, failure: CallError, call: _Call) -> None:
        """Do what a failed attempt asks for before the next one; raises when there shall be none."""
        if failure.kind == "unsupported" and len(call.lossy) < MOST_ADAPTATIONS and self._adapt(call, failure):
            if failure.lasting and "schema" not in failure.message.lower():
                # a schema is one request's own, a setting is no longer tried with this model
                self._refused[call.model, failure.parameter or ""] = failure
            return
        if failure.kind in FATAL:
            await self._fatal(failure, call)
        if failure.kind == "rate_limited":
            self.tally.rate_limited += 1
        else:
            call.tries += 1
            call.timeouts += failure.kind == "timeout"
        if failure.kind in ("rate_limited", "overloaded") and failure.retry:
            await self._slow_down(failure, call)
        else:
            await self._try_again(failure, call)
        self.tally.retried += 1

    async def _fatal(self, failure: CallError, call: _Call) -> None:
        """A refused key, an unknown model, an empty account: every other call would meet the same."""
        self._failures_in_a_row += 1
        if not self.tally.answered or self._failures_in_a_row >= 3:
            await self._close(failure.message, failure.kind, call.model if failure.kind == "not_found" else "")
        raise failure

    async def _try_again(self, failure: CallError, call: _Call) -> None:
        self._failures_in_a_row += 1
        unreachable = failure.kind == "connection" and not failure.maybe_billed
        patience = 3 if unreachable else self._policy.give_up_after
        if not self.tally.answered and self._failures_in_a_row >= patience:
            await self._close(f"{self._failures_in_a_row} failures and no answer: {failure.message}", failure.kind)
            raise failure
        if not failure.retry or call.tries >= self._policy.attempts or self._left(call) <= 0:
            raise failure
        await asyncio.sleep(self._backoff(call.tries, failure.retry_after))

    async def _slow_down(self, failure: CallError, call: _Call) -> None:
        asked = failure.retry_after
        if asked is not None and asked > self._policy.longest_pause:
            await self._close(f"the endpoint asks to wait for {asked:.0f} s: {failure.message}", failure.kind)
            raise failure
        if call.tries >= self._policy.attempts:
            raise failure
        if self._resume_at <= time.monotonic():
            # the first of a burst of refusals halves; the others were under way already
            self._width.refused()
        self._refusals += 1
        own = self._backoff(max(call.tries, self._refusals // REFUSALS) + 1, None)
        patient = asked is not None and self._refusals < REFUSALS
        self._pause(asked if asked is not None and patient else max(own, asked or 0.0))

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        if until > self._resume_at:
            self.tally.paused_seconds += until - max(self._resume_at, time.monotonic())
            self._resume_at = until
            self._width.restart()

    def _backoff(self, tries: int, asked: float | None) -> float:
        """Seconds before the next try: what was asked, else exponential with full jitter."""
        if asked is not None:
            return min(asked, self._policy.longest_pause)
        ceiling = min(self._policy.last_backoff, self._policy.first_backoff * 2**tries)
        return random.uniform(ceiling / 2, ceiling)

    def _answered(self, answer: Answer) -> None:
        self.tally.answered += 1
        self._slowest = max(self._slowest, answer.duration or 0.0)
        self._failures_in_a_row = self._refusals = 0
        self._width.answered(time.monotonic())
        wait = exhausted_for(answer.headers)
        if wait is not None:
            self._pause(min(wait, self._policy.longest_pause))

    def _adapt(self, call: _Call, failure: CallError) -> bool:
        said = self._client.adapt(call.body, failure)
        if said is None:
            return False
        call.lossy.append(said)
        return True

    async def _close(self, reason: str, kind: FailureKind, model: str = "") -> None:
        """Let no further call start, of one model or of any; those waiting raise LaneClosedError."""
        async with self._turn:
            self._closed.setdefault(model, (reason, kind))
            self._turn.notify_all()
