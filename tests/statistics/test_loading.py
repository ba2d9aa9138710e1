from __future__ import annotations

import subprocess
import sys

import pytest

NUMPY_ONLY = ("sampling", "estimation", "outliers", "attribution", "change_points", "series", "routing_metrics")


@pytest.mark.parametrize("modules", [NUMPY_ONLY, ("verdicts", "agreement", "noninferiority")])
def test_importing_does_not_load_scipy(modules: tuple[str, ...]) -> None:
    lines = [f"import audit.statistics.{module}" for module in modules]
    check = "import sys; sys.exit('scipy' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", "\n".join([*lines, check])], check=False)
    assert result.returncode == 0
