"""Spend by environment."""

from audit.measures._spend import spend_by

MEASURE = spend_by("by_environment", "Environment", "COALESCE(r.environment, '(untagged)')", place=60)
