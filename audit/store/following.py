"""What goes along when requests move to another workflow."""

FOLLOW = (
    "UPDATE sample SET workflow_id = r.workflow_id FROM request AS r WHERE r.request_id = sample.request_id",
    "UPDATE replay SET workflow_id = r.workflow_id FROM request AS r WHERE r.request_id = replay.request_id",
)
"""Statements after which what was drawn and asked belongs to the workflow its request belongs to now."""
