"""Spend by day (UTC)."""

from audit.measures._spend import spend_by

MEASURE = spend_by("by_day", "Day", "r.day", place=80, by_time=True, limit=100)
