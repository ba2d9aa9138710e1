"""Ask a sample of the logged prompts again: of cheaper models, and of the current ones for the noise floor."""

from __future__ import annotations

from audit.clients._lane import Policy
from audit.replay.planning import plan
from audit.replay.plans import CandidatePlan, Destination, LocalLimits, Plan, Promise, Unreplayable
from audit.replay.results import CandidateResult, Failure, Progress, ReplayResult
from audit.replay.stage import replay

__all__ = [
    "CandidatePlan",
    "CandidateResult",
    "Destination",
    "Failure",
    "LocalLimits",
    "Plan",
    "Policy",
    "Progress",
    "Promise",
    "ReplayResult",
    "Unreplayable",
    "plan",
    "replay",
]
