from tests.cli.conftest import audit
from tests.replay.conftest import peer

__all__ = ["audit", "peer"]
