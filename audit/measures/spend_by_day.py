"""Spend by day (UTC)."""

from audit.measures._spend import spend_by

MEASURE = spend_by("by_day", "Day", "r.day", place=80, unit="day", limit=100)
