"""Logs into the audit file: each call once, each text once, each dollar with its price row."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from audit.ingest.result import FileResult, IngestResult
    from audit.ingest.sniffing import SniffRow, absent, sniff
    from audit.ingest.stage import Progress, ingest, reprice

__all__ = ["FileResult", "IngestResult", "Progress", "SniffRow", "absent", "ingest", "reprice", "sniff"]

_HOMES = {
    "FileResult": "result",
    "IngestResult": "result",
    "Progress": "stage",
    "SniffRow": "sniffing",
    "absent": "sniffing",
    "ingest": "stage",
    "reprice": "stage",
    "sniff": "sniffing",
}


def __getattr__(name: str) -> Any:
    """Load what is asked for: worker processes need neither the engine nor the prices."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"audit.ingest.{_HOMES[name]}"), name)
