"""Synthetic request logs of an invented company, with the truth about what was planted in them.

`generate(folder)` or `python -m audit.samples --out sample_logs --seed 7 --days 30` writes gzip JSONL files, one per
exporting service, and `truth.json`. The same arguments give the same bytes. Nothing here depends on the rest of the
package.
"""

from __future__ import annotations

from audit.samples.logs import generate

__all__ = ["generate"]
