"""A cascade: the candidate answers first, a program looks at the form, and today's model answers what is sent back.

Every request pays the candidate, and those sent back pay both: E[c] = c1 + cj + f·c2, with cj = 0 for a program. Lost
is what the verifier accepts although it is unacceptable. Only one part is tested, since a verifier has no threshold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from audit.deciding.parts.ground import Ground, Part, certify, timed
from audit.deciding.parts.policy import Policy
from audit.deciding.timing import passed
from audit.deciding.units import Unit
from audit.scorers._verifier import CHECKS
from audit.scoring.verifying import Verified
from audit.statistics.arrays import BoolArray
from audit.statistics.routing_metrics import cascade


def tested_cascade(
    ground: Ground, checked: Mapping[int, Verified], limit: float | None, first_chunk_limit: float | None
) -> list[Policy]:
    """What came of the cascade; nothing where no program could check the answers. The limits are p95s in seconds."""
    seen = [checked.get(unit.replay_id) for unit in ground.trial.evidence]
    checks = Counter(each.check for each in seen if each is not None)
    if not checks:
        return []
    name = checks.most_common(1)[0][0]
    accepted = np.array([each is not None and each.check == name and each.accepted for each in seen], dtype=np.bool_)
    accepted &= ground.answered
    everything = np.ones_like(accepted)
    part = Part(accepted, lambda: {"cascade": _data(name, [each for each in seen if each is not None])}, everything)
    found = _double_pay(ground, certify(ground, "cascade", name, [part]), part)
    return [_in_time(ground, found, part, limit, first_chunk_limit)]


def _double_pay(ground: Ground, found: Policy, part: Part) -> Policy:
    """With what is paid twice, and from which share of fallbacks on nothing is saved."""
    saving, error = ground.saving(ground.paid(np.ones_like(part.sent), part.sent))
    moved = ground.share(part.sent, ground.current)
    even = None if saving is None else cascade(moved - saving, 1.0, 0.0, 1 - moved).break_even_fallback
    found = replace(found, fallback=1 - ground.share(part.sent), break_even=even, saving=saving, saving_error=error)
    if found.outcome != "untested" and saving is not None and even is not None and saving <= 0:
        twice = f"{100 * (1 - moved):.0f} % of the dollars would be paid a second time"
        return _refused(found, "not_certified", f"{twice}, and from {100 * max(0.0, even):.0f} % on nothing is saved")
    return found


def _in_time(ground: Ground, found: Policy, part: Part, limit: float | None, first_chunk_limit: float | None) -> Policy:
    """With how late the late answers are; nothing of an answer can be shown before all of it has been checked."""
    times = _seconds(ground.trial.evidence, part.sent, lambda unit: unit.logged_duration)
    first = _seconds(ground.trial.evidence, part.sent, lambda unit: unit.logged_first_chunk)
    found, twice = replace(found, **timed(times, first)), " with what is asked twice"
    late = passed("p95 latency", found.p95_duration, limit, twice) or passed(
        "p95 until the first chunk", found.p95_first_chunk, first_chunk_limit, twice
    )
    return _refused(found, "vetoed", late) if found.certified and late else found


def _refused(found: Policy, outcome: str, reason: str) -> Policy:
    return replace(found, outcome=outcome, reason=reason, apply=None)


def _seconds(units: Sequence[Unit], accepted: BoolArray, behind: Callable[[Unit], float | None]) -> list[float]:
    """How long each answer takes: the candidate's time, and today's `behind` it where it is sent back.

    Nothing where the log does not time what is sent back: the quick answers alone would tell a wrong tale.
    """
    times = []
    for unit, keeps in zip(units, accepted.tolist(), strict=True):
        if unit.duration is None or (not keeps and behind(unit) is None):
            if unit.state != "no_answer":
                return []
        else:
            times.append(unit.duration + (0.0 if keeps else behind(unit) or 0.0))
    return times


def _data(name: str, seen: Sequence[Verified]) -> dict[str, Any]:
    labels = sorted({label for each in seen for label in each.labels}) if name == "label" else []
    found: dict[str, Any] = {"check": name, "accept_if": CHECKS[name]}
    return found | ({"labels": labels} if labels else {})
