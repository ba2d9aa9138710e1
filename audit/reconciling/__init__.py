"""The stage `reconciling`: does the log explain the bill?"""

from audit.reconciling.contracts import Suggestion, as_toml
from audit.reconciling.result import TOLERANCE, Cause, Reconciliation, Residual
from audit.reconciling.stage import reconciling
from audit.reconciling.stored import Checked, caveat, latest

__all__ = [
    "TOLERANCE",
    "Cause",
    "Checked",
    "Reconciliation",
    "Residual",
    "Suggestion",
    "as_toml",
    "caveat",
    "latest",
    "reconciling",
]
