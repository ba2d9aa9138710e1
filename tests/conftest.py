"""What every test shares: property tests that a slow machine can't fail."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# The first example pays for loading a library, and a shared machine stalls: no example has a time limit.
settings.register_profile("audit", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("audit")
