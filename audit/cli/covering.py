"""What a log cannot show, printed after it was read."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from audit.projection import Coverage


def print_coverage(coverage: Coverage) -> None:
    """Levers with the dollars they cannot be measured on, the settings that unlock them, and what the days carry."""
    from audit import console, figures
    from audit.projection.coverage import FIELDS

    if not coverage.requests:
        return
    if coverage.levers:
        console.say("Not measurable on this log", style="bold")
    for levers in coverage.grouped:
        first = levers[0]
        share = f", {figures.share(first.pico / coverage.pico)} of the spend" if first.pico and coverage.pico else ""
        console.say(f"  {figures.spend(first.pico, first.unpriced)}{share}: {first.why}")
        console.say(f"      {' · '.join(each.title for each in levers)}")
    settings = [each for each in coverage.lacking if each.unlock]
    if settings:
        console.say("What would log it", style="bold")
    for each in settings:
        console.say(f"  {FIELDS[each.field]}, missing for {figures.spend(each.pico, each.unpriced)}")
        console.say(f"      {each.title}: {each.unlock}")
    console.say(coverage.days_sentence)
    console.say("")
