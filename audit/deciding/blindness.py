"""What an average can hide: a candidate that need not read its prompts, and a floor that is the candidate itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from audit.deciding.units import Unit
from audit.hashes import folded

CONSTANT_N = 10
_LABEL_N = 5
_USUAL = 0.5
"""Share of the logged answers from which one of them is the usual one."""
_TELLING = 0.5
"""Share of the prompts with another answer than the usual one that a candidate has to get right."""
_ECHOES = 20


def constant(units: Sequence[Unit]) -> str | None:
    """Why a candidate gives one answer to everything where the logged answers vary; None where it does not."""
    answered = [unit for unit in units if unit.state != "no_answer"]
    logged = {unit.logged_answer for unit in answered if unit.logged_answer is not None}
    if len(answered) < CONSTANT_N or len(logged) < 2:
        return None
    given = {" ".join(folded(unit.answer).split()) for unit in answered}
    return "gives the same answer to every prompt" if len(given) == 1 else None


def missed_labels(units: Sequence[Unit]) -> int:
    """How many logged labels a candidate never got right, of those seen at least five times."""
    seen = Counter(unit.logged_answer for unit in units if unit.logged_answer is not None)
    right = {unit.logged_answer for unit in units if unit.state in ("passed", "undecided")}
    return sum(count >= _LABEL_N and label not in right for label, count in seen.items())


def uninformed(units: Sequence[Unit]) -> str | None:
    """Why acceptable answers need not come from reading the prompts; None where they do.

    Where one logged answer is the usual one, saying it always looks good on average. What counts are the prompts with
    another answer: at least half of those must be acceptable, and there must be some.
    """
    logged = [unit for unit in units if unit.logged_answer is not None]
    ranked = Counter(unit.logged_answer for unit in logged).most_common(1)
    if len(logged) < CONSTANT_N or ranked[0][1] < _USUAL * len(logged):
        return None
    others = [unit for unit in logged if unit.logged_answer != ranked[0][0]]
    right = sum(unit.state == "passed" for unit in others)
    if others and right >= _TELLING * len(others):
        return None
    if not others:
        return "every logged answer of the sample is the same: nothing shows that it reads the prompts"
    return f"right on only {right} of {len(others)} prompts whose logged answer is not the usual one"


def blind(units: Sequence[Unit], kind: str) -> str | None:
    """Why acceptable answers to these prompts need not come from reading them; None where they do."""
    missed = missed_labels(units) if kind == "classification" else 0
    return f"never right on {missed} of the labels" if missed else uninformed(units)


def echoed(units: Sequence[Unit], self_replay: Mapping[int, Unit]) -> bool:
    """Whether today's model was answered in the candidate's very words throughout, its failures included.

    Then one model stands behind both names, and its failures explain none of the candidate's.
    """
    pairs = [(unit, self_replay[unit.prompt_key]) for unit in units if unit.prompt_key in self_replay]
    pairs = [(ours, own) for ours, own in pairs if "no_answer" not in (ours.state, own.state)]
    alike = all(ours.answer == own.answer for ours, own in pairs)
    return len(pairs) >= _ECHOES and alike and any(own.state != "passed" and own.answer.strip() for _, own in pairs)
