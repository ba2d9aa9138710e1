"""What a container yields: decoded records, and parts that can't be decoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(slots=True, frozen=True)
class Unreadable:
    """A part of a file that is no record: a stable reason code and a detail."""

    reason: str
    detail: str = ""


Item = tuple[int, int, Any, bytes, bool]
"""Line (1-based; record number where there are no lines), byte offset in the decompressed text, the decoded record
or an `Unreadable`, the bytes it was decoded from (empty where there are none), whether its text had to be repaired."""

EXCERPT_BYTES = 500
"""How much of a rejected record is kept."""
