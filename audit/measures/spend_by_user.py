"""Spend by user."""

from audit.measures._spend import spend_by

MEASURE = spend_by("by_user", "User", "COALESCE(r.user_id, '(unknown)')", place=50)
