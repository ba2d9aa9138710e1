"""Decide which candidate may take over which workflow."""

from audit.deciding.stage import Verdict, deciding

__all__ = ["Verdict", "deciding"]
