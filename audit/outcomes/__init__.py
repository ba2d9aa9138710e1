"""What tasks cost that succeeded, what was spent in vain, and what a unit of business costs in all."""

from audit.outcomes.correct import CorrectOutcome, correct_outcomes
from audit.outcomes.tasks import Outcomes, Waste, WorkflowOutcome, outcomes
from audit.outcomes.units import OtherCost, UnitCost, UnitCosts, unit_costs

__all__ = [
    "CorrectOutcome",
    "OtherCost",
    "Outcomes",
    "UnitCost",
    "UnitCosts",
    "Waste",
    "WorkflowOutcome",
    "correct_outcomes",
    "outcomes",
    "unit_costs",
]
