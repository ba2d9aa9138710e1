"""What each lever would save, alone and together, from one simulated bill."""

from audit.projection.by_workflow import WorkflowLever, workflow_levers
from audit.projection.coverage import Coverage, coverage
from audit.projection.projection import projection
from audit.projection.savings import Joint, LeverSaving, Savings, StageSaving

__all__ = [
    "Coverage",
    "Joint",
    "LeverSaving",
    "Savings",
    "StageSaving",
    "WorkflowLever",
    "coverage",
    "projection",
    "workflow_levers",
]
