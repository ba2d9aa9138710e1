"""Logs into the audit file: each call once, each text once, each dollar with its price row."""

from audit.ingest.result import FileResult, IngestResult
from audit.ingest.stage import Progress, ingest

__all__ = ["FileResult", "IngestResult", "Progress", "ingest"]
