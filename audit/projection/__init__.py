"""What each lever would save, alone and together, from one simulated bill."""

from audit.projection.by_workflow import WorkflowLever, workflow_levers
from audit.projection.projection import projection
from audit.projection.savings import Joint, LeverSaving, Savings, StageSaving

__all__ = ["Joint", "LeverSaving", "Savings", "StageSaving", "WorkflowLever", "projection", "workflow_levers"]
