"""Programs that are stopped or killed while they ask the peer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from tests.peer import Peer


def stopped_by(number: signal.Signals, program: str, *arguments: str, peer: Peer, after: int) -> int:
    """Run a program in a process of its own and send it a signal once the peer has seen `after` requests; its code."""
    running = subprocess.Popen([sys.executable, "-c", program, *arguments], env=os.environ)
    try:
        deadline = time.monotonic() + 60
        while len(peer.requests) < after and running.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        running.send_signal(number)
        return running.wait(60)
    finally:
        running.kill()
