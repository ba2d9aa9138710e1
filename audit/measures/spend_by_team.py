"""Spend by team."""

from audit.measures._spend import spend_by

MEASURE = spend_by("by_team", "Team", "COALESCE(r.team, '(untagged)')", place=30)
