"""Decide which candidate may take over which workflow."""

from audit.deciding.futility import Standing, hopeless, standings
from audit.deciding.judges import Fitness, fitness
from audit.deciding.looks import looks
from audit.deciding.stage import Verdict, deciding
from audit.deciding.totals import Total, totals
from audit.deciding.units import Evidence, TrialKey, Unit, evidence

__all__ = [
    "Evidence",
    "Fitness",
    "Standing",
    "Total",
    "TrialKey",
    "Unit",
    "Verdict",
    "deciding",
    "evidence",
    "fitness",
    "hopeless",
    "looks",
    "standings",
    "totals",
]
