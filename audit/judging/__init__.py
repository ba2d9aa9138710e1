"""Let a model judge the answers no program can compare, and find out whether it can."""

from audit.judging.planning import JudgePlan, plan_judging
from audit.judging.stage import Judged, judging

__all__ = ["JudgePlan", "Judged", "judging", "plan_judging"]
