"""Spend by the model that answered, as logged."""

from audit.measures._spend import spend_by

MEASURE = spend_by("by_model", "Model", "COALESCE(r.response_model, r.request_model, 'unknown')", place=10)
