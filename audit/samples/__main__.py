"""Command line of the sample generator: `python -m audit.samples [--out DIR] [--seed N] [--days N]`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from audit.samples import generate


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the sample logs and print what was written; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m audit.samples", description="Write synthetic request logs.")
    parser.add_argument(
        "--out", type=Path, default=Path("sample_logs"), help="folder to write to (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=7, help="the same seed writes the same logs (default: %(default)s)")
    parser.add_argument("--days", type=int, default=30, help="days up to 2026-11-14 (default: %(default)s)")
    options = parser.parse_args(arguments)
    if options.days < 1:
        parser.error("--days must be at least 1")
    for path in generate(options.out, options.seed, options.days):
        sys.stdout.write(f"{path}  {path.stat().st_size:,} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
