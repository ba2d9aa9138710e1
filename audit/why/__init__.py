"""Why the bill changed between two periods."""

from audit.why.periods import Period, period, usual_periods
from audit.why.stage import Cause, Change, KeyChange, why

__all__ = ["Cause", "Change", "KeyChange", "Period", "period", "usual_periods", "why"]
