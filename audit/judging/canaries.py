"""Planted answers whose verdict is known: what a judge that is awake can't get wrong."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from itertools import islice, zip_longest

from audit.hashes import folded
from audit.judging.cases import Case
from audit.judging.screening import INJECTIONS
from audit.scorers._normalise import overlap
from audit.statistics.sampling import keyed_uniform

SHARE = 0.05
LEAST = 10
SHARE_THAT_PASSES = 0.4
_KINDS_THAT_FAIL = 4
_TRIED = 12
_NUMBER = re.compile(r"(?<![\w.,])\d+(?:[.,]\d+)*(?![\w])")


def plant(cases: Sequence[Case], seed: int = 1) -> list[tuple[str, Case, str]]:
    """Canaries for the cases of one task kind as (sort, case, planted answer).

    5 % of the cases and at least ten of each sort that must fail: another request's answer of the same workflow, the
    same behind words that tell the judge what to say, the logged answer with one number changed, and what the candidate
    itself answered to another request, which shows whether the judge falls for its style or length. The logged answer
    itself must pass, unless the log marks it as bad, for 40 % of the requests and four times as often as each of these:
    it takes one question instead of two, and most answers are acceptable, so that this error is the one that widens an
    interval.
    """
    one_each = list({case.request_id: case for case in cases}.values())
    one_each.sort(key=lambda case: keyed_uniform(seed, f"canary {case.request_id}"))
    wanted = max(LEAST, math.ceil(SHARE * len(cases)))
    passing = max(_KINDS_THAT_FAIL * wanted, math.ceil(SHARE_THAT_PASSES * len(one_each)))
    good = [case for case in one_each if not case.disputed]
    planted: list[tuple[str, Case, str]] = [("same", case, case.logged) for case in good[:passing]]
    others = list(_others(one_each, wanted))
    planted += [("other", case, text) for case, text in others]
    planted += [
        ("injected", case, f"{text}\n\n{INJECTIONS[place % len(INJECTIONS)]}")
        for place, (case, text) in enumerate(others)
    ]
    changed = ((case, changed_number(case.logged)) for case in one_each)
    planted += [("number", case, text) for case, text in changed if text is not None][:wanted]
    planted += [("astray", case, text) for case, text in islice(_astray(cases, seed), wanted)]
    return planted


def _astray(cases: Sequence[Case], seed: int) -> Iterator[tuple[Case, str]]:
    """Cases with what the same candidate answered to another request: of its next few the one least like the logged
    answer. One case of each candidate after the other; a request is used once."""
    candidates: dict[tuple[object, ...], list[Case]] = {}
    for case in sorted(cases, key=lambda case: keyed_uniform(seed, f"astray {case.replay_id}")):
        candidates.setdefault(case.candidate_key, []).append(case)
    used: set[int] = set()
    for turn in zip_longest(*(_turned(kin) for kin in candidates.values())):
        for case, rest in filter(None, turn):
            texts = [
                other.candidate
                for other in rest
                if folded(other.logged) != folded(case.logged)
                and folded(other.candidate) not in (folded(case.candidate), folded(case.logged), "")
            ]
            if texts and case.request_id not in used:
                used.add(case.request_id)
                yield case, min(texts[:_TRIED], key=lambda text: overlap(case.logged, text))


def _turned(cases: Sequence[Case]) -> Iterator[tuple[Case, Sequence[Case]]]:
    """Each case with those that follow it, round and round."""
    for place, case in enumerate(cases):
        yield case, [*cases[place + 1 : place + 1 + 2 * _TRIED], *cases[: max(0, place + 1 + 2 * _TRIED - len(cases))]]


def _others(cases: Sequence[Case], wanted: int) -> Iterator[tuple[Case, str]]:
    """Cases with the answer, of a few others of their workflow, that shares the fewest words with their own."""
    found = 0
    for place, case in enumerate(cases):
        rest = [*cases[place + 1 :], *cases[:place]]
        kin = [
            other.logged
            for other in rest
            if other.workflow_id == case.workflow_id and folded(other.logged) != folded(case.logged)
        ]
        if kin and found < wanted:
            found += 1
            yield case, min(kin[:_TRIED], key=lambda text: overlap(case.logged, text))


def changed_number(text: str) -> str | None:
    """The text with its longest number changed in one digit; None where it holds none."""
    numbers = list(_NUMBER.finditer(text))
    if not numbers:
        return None
    longest = max(numbers, key=lambda match: len(match.group()))
    digit = int(longest.group()[0])
    other = str(digit % 9 + 1)
    return f"{text[: longest.start()]}{other}{text[longest.start() + 1 :]}"
