"""Spend by feature."""

from audit.measures._spend import spend_by

MEASURE = spend_by("by_feature", "Feature", "COALESCE(r.feature, '(untagged)')", place=40)
