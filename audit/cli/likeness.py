"""How many requests alike questions would save against how many answers could be wrong, for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_WORKFLOWS = 3
_SAID = {"near": "near copy", "semantic": "meaning", "reworded": "another word"}


def print_curves(workflows: Sequence[dict[str, Any]]) -> None:
    """The curve of each of the workflows with most alike questions, from the strictest likeness to the loosest."""
    from audit import console, figures

    for each in workflows[:_WORKFLOWS]:
        steps = _steps(each["steps"])
        if not steps:
            continue
        console.table(
            f"One answer for questions alike: {each['workflow']}",
            ("Likeness", "At least", "Requests", "Compared", "Disagree", "Undecided", "Wrong at most"),
            [
                (_SAID[step["method"]], f"{step['similarity']:g}", figures.count(step["requests"]),
                 figures.count(step["compared"]), figures.count(step["disagreeing"]), figures.count(step["undecided"]),
                 figures.share(step["bound"]))
                for step in steps
            ],
            footer=_verdict(each),
        )  # fmt: skip
    more = len(workflows) - _WORKFLOWS
    if more > 0:
        console.say(f"and {more} more workflows (--json has all)")


def _steps(steps: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The steps that take in more requests than the one before."""
    before = [0, *(step["requests"] for step in steps)]
    return [step for step, least in zip(steps, before, strict=False) if step["requests"] > least]


def _verdict(each: dict[str, Any]) -> str:
    from audit import figures

    certified = each["certified"]
    if certified is None:
        return f"not certified: {each['reason']}"
    return (
        f"certified down to {_SAID[certified['method']]} {certified['similarity']:g}: at most "
        f"{figures.share(each['allowed'])} of the answers differ"
    )
