"""The rated, decided sample as a regression set, to hold any later change against."""

from audit.evalset.cases import Decided, EvalCase, EvalSet, evalset, record
from audit.evalset.running import Outcome, Resolved, outcomes, resolve

__all__ = ["Decided", "EvalCase", "EvalSet", "Outcome", "Resolved", "evalset", "outcomes", "record", "resolve"]
