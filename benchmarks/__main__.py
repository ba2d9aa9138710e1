"""List the benchmarks, one line each."""

from __future__ import annotations

import ast
from pathlib import Path


def main() -> None:
    """Print how to run each benchmark and the first line of what it says about itself."""
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if not path.stem.startswith("_"):
            said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
            print(f"python -m benchmarks.{path.stem:14} {said.splitlines()[0] if said else ''}")


if __name__ == "__main__":
    main()
