"""Whether spend keeps to the limits of `[budgets]`, and on which days it left its usual level."""

from audit.checking.anomalies import Anomaly, anomalies
from audit.checking.limits import QUANTITIES, Limit, limits
from audit.checking.stage import Breach, Check, checking

__all__ = ["QUANTITIES", "Anomaly", "Breach", "Check", "Limit", "anomalies", "checking", "limits"]
