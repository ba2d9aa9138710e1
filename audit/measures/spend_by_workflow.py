"""Spend by workflow."""

from audit.measures._spend import spend_by

MEASURE = spend_by(
    "by_workflow",
    "Workflow",
    "COALESCE(w.name, '(none)')",
    joins="LEFT JOIN workflow AS w ON w.workflow_id = r.workflow_id",
    place=20,
)
