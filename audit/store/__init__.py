"""The audit file: the only thing the stages share, and the only door to the engine."""

from audit.store.database import Store
from audit.store.opening import SCHEMA_VERSION
from audit.store.opening import open_store as open

__all__ = ["SCHEMA_VERSION", "Store", "open"]
