"""Logs into the audit file: each call once, each text once, each dollar with its price row."""

from audit.ingest.result import FileResult, IngestResult
from audit.ingest.sniffing import SniffRow, sniff
from audit.ingest.stage import Progress, ingest, reprice

__all__ = ["FileResult", "IngestResult", "Progress", "SniffRow", "ingest", "reprice", "sniff"]
