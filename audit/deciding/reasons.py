"""The words beside a verdict: what it rests on, and what holds it back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from audit import figures
from audit.clients._families import family
from audit.deciding import people, rule
from audit.deciding.behaviour import Behaviour
from audit.deciding.floor import Floor
from audit.deciding.judges import Canaries, Fitness
from audit.deciding.parts import Policy
from audit.deciding.units import Unit
from audit.statistics.verdicts import FAMILY_DELTA, look_error

SLIPS = 0.02
"""Share of good answers a judge may reject before that is worth a word."""


def because(trial: rule.Trial, judged: rule.Judged) -> str:
    """Why the rule says what it says."""
    undecided = sum(unit.state == "undecided" for unit in trial.units)
    limit = f"{100 * trial.alpha:.1f} %"
    low, high = (_beside(trial.alpha, share) for share in (judged.loss_low, judged.loss_high))
    if judged.verdict == "safe":
        return f"loss at most {high}, limit {limit}"
    if judged.verdict == "not_safe":
        return f"loss at least {low}, limit {limit}"
    if not trial.units:
        return "no answer to judge"
    if _needs_judge(judged, undecided):
        return f"{_count(undecided, 'answer needs', 'answers need')} a judge or a person"
    if judged.held_back_by == "floor":
        return "not shown to be as good as the current model's own replay"
    return f"loss between {low} and {high}, limit {limit}"


def _beside(limit: float, share: float) -> str:
    """A share with as many digits as tell it from a limit it does not meet exactly."""
    texts = ((f"{100 * share:.{digits}f} %", f"{100 * limit:.{digits}f} %") for digits in (1, 2, 3))
    return next((text for text, other in texts if text != other or share == limit), f"{100 * share:.4f} %")


def needs(trial: rule.Trial, judged: rule.Judged, left: int) -> list[str]:
    """How many more answers would settle it if shares stay as they are, and as what; nothing where none would.

    `left` prompts of the log were not asked yet: what needs more than these can't be settled on it.
    """
    if judged.verdict != "unknown" or not judged.n_more:
        return []
    word = "not safe" if judged.loss is not None and judged.loss > trial.alpha else "safe"
    short = f", and this log has {f'only {figures.count(left)}' if left else 'none'} left"
    return [f"needs {figures.count(judged.n_more)} more to be found {word}{short if judged.n_more > left else ''}"]


def _needs_judge(judged: rule.Judged, undecided: int) -> bool:
    """Whether more units of the same kind would not settle it."""
    return judged.verdict == "unknown" and undecided > 0 and judged.n_more is None


def notes(trial: rule.Trial, judged: rule.Judged, units: Sequence[Unit], measured: Floor | None) -> list[str]:
    """What a reader has to know beside the figure."""
    states = Counter(unit.state for unit in units)
    fenced = sum("code fence)" in unit.reason for unit in trial.units if unit.state == "passed")
    undecided = states["undecided"]
    found = {
        _reading(judged, undecided): undecided and not _needs_judge(judged, undecided),
        f"{_count(states['no_answer'], 'prompt', 'prompts')} the candidate could not answer": states["no_answer"],
        f"{_count(states['not_reached'], 'call', 'calls')} lost to the endpoint, left out": states["not_reached"],
        f"{_count(fenced, 'answer stands', 'answers stand')} in a code fence to strip": fenced,
        "today's model was answered in the candidate's very words, so its replay is no floor": trial.echoed,
        "floor not measured: every unacceptable answer counts": measured is None,
        "floor from repeated prompts of the log: every unacceptable answer counts": measured and not measured.paired,
        "found safe at an earlier look, and nothing that came since speaks against it": judged.stands,
        _look(trial): trial.look > 1 and trial.able and not judged.stands,
        "observed in the log, not assigned by chance": any(unit.origin == "observed" for unit in units),
    }
    return [note for note, holds in found.items() if holds] + _doubtful(trial) + _rated(trial)


def _reading(judged: rule.Judged, undecided: int) -> str:
    """How undecided answers were read: always against what the verdict says."""
    if judged.verdict == "not_safe":
        return f"{undecided} undecided taken as acceptable"
    return f"{_count(undecided, 'undecided counts', 'undecided count')} against it"


def _look(trial: rule.Trial) -> str:
    """Why more is asked of what was looked at, tried, rated or judged after a verdict had been seen."""
    return (
        f"look {trial.look} at new evidence, which has {100 * look_error(trial.look) / FAMILY_DELTA:.2g} % of the error"
    )


def _doubtful(trial: rule.Trial) -> list[str]:
    """Fails of programs that others may overrule, and did."""
    doubtful = [unit for unit in trial.units if unit.doubtful]
    alone = sum(unit.in_doubt and unit.rated is None for unit in doubtful)
    others, right = len(doubtful) - alone, sum(unit.state == "passed" for unit in doubtful)
    return [
        note
        for note, holds in (
            (f"of {others} programs failed with doubt {right} accepted by a judge or people", others),
            (f"{_count(alone, 'fail', 'fails')} of programs in doubt: a judge or people may say otherwise", alone),
        )
        if holds
    ]


def _rated(trial: rule.Trial) -> list[str]:
    rated = [unit for unit in trial.units if unit.rated is not None]
    if not rated:
        return []
    wrong = sum(unit.said == "passed" and not unit.rated for unit in rated)
    right = sum(unit.said == "failed" and bool(unit.rated) for unit in rated)
    said = [f"people rated {len(rated)}"]
    if wrong:
        said.append(f"rejected {wrong} that had passed")
    if right:
        said.append(f"accepted {right} that had failed")
    found = [", ".join(said)]
    if trial.voices.unheard:
        few = (f"{len(group.rated)} that {_spoke(group)}" for group in trial.voices.unheard)
        found.append(f"{' and '.join(few)} are too few to correct the others' share, which takes {people.LEAST}")
    if trial.voices.overruled_passes():
        found.append("the passes they did not see count no more: the rated ones speak for them")
    return found


def _spoke(group: people.Alike) -> str:
    """What had been said of a group's answers before people rated any, and by whom."""
    if group.said == "undecided":
        return "nobody could decide"
    return f"{'a judge' if group.judged else 'programs'} had {group.said}"


def judges(trial: rule.Trial, known: Mapping[tuple[str, str], Fitness]) -> list[str]:
    """What is to be known of the judges whose verdicts count here, and why those of others don't."""
    used = sorted({unit.judge for unit in trial.units if unit.judge})
    found = []
    for name in used:
        model = name.removeprefix("judge:")
        calibrated = any(unit.rated is not None for unit in trial.units)
        count = sum(unit.judge == name and unit.rated is None for unit in trial.units)
        mark = "" if calibrated else ", a judge no person has checked"
        found.append(f"{_count(count, 'answer', 'answers')} judged by {model}{mark}")
        kin = [
            who for who in (trial.key.model, trial.key.current_model) if family(who) and family(who) == family(model)
        ]
        if kin:
            found.append(f"the judge is of the family of {' and '.join(dict.fromkeys(kin))}")
        found += _rejects_logged(trial, name)
    if trial.trusted < 1:
        found.append(f"bounds widened for a judge that may miss {100 * trial.miss:.0f} % of unacceptable answers")
    waiting = not used and any(unit.state == "undecided" for unit in trial.units)
    for (name, kind), judge in sorted(known.items()):
        if waiting and not judge.fit and kind in ("", trial.kind):
            found.append(f"{name.removeprefix('judge:')} does not count: {judge.faults[0]}")
    return found


def _rejects_logged(trial: rule.Trial, judge: str) -> list[str]:
    """Logged answers the judge rejected as such, where these are more than slips; whose fault that is can't be told."""
    planted = {unit.doubt.must_pass for unit in trial.units if unit.judge == judge and unit.doubt is not None}
    told = Canaries(sum(each.n for each in planted), sum(each.right for each in planted))
    if not told.short_of(1 - SLIPS):
        return []
    wrong = told.n - told.right
    return [f"it rejected {wrong} of {told.n} logged answers: they are bad, or it is harsh; bounds allow for both"]


def behaviour(found: Behaviour) -> list[str]:
    """What changes in refusals and failures, where anything does."""
    said = []
    if found.refused != found.current_refused:
        said.append(f"refuses {_count(found.refused, 'prompt', 'prompts')}, today {found.current_refused}")
    if found.error_share and found.error_share > (found.current_error_share or 0.0):
        today = found.current_error_share
        said.append(
            f"fails on {100 * found.error_share:.1f} % of prompts"
            + (f", today {100 * today:.1f} %" if today is not None else "")
        )
    return said


def part(tried: Sequence[Policy]) -> str | None:
    """Which part a candidate may take where it may not take the whole; None where no part was tried."""
    tested = [policy for policy in tried if policy.outcome != "untested"]
    best = next((policy for policy in tried if policy.outcome == "offered"), None)
    if best is not None:
        return (
            f"certified as a {best.step} ({best.name}) for {100 * (best.routed or 0):.0f} % of requests, loss at most "
            f"{100 * (best.loss_high or 0):.1f} % of all"
        )
    certified = sum(policy.certified for policy in tested)
    if certified:
        return f"{_count(certified, 'part', 'parts')} certified, others save more"
    return f"no part certified, {len(tested)} tried" if tested else None


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
