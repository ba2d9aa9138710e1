"""One request as the model saw it, or one workflow with everything known of it."""

from audit.showing.finding import Found, find
from audit.showing.request import Charge, Piece, RequestView, request_view
from audit.showing.workflow import WorkflowRow, WorkflowView, workflow_rows, workflow_view

__all__ = [
    "Charge",
    "Found",
    "Piece",
    "RequestView",
    "WorkflowRow",
    "WorkflowView",
    "find",
    "request_view",
    "workflow_rows",
    "workflow_view",
]
