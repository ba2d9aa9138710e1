"""The audit file: the only thing the stages share, and the only door to the engine."""

from audit.store.database import SCHEMA_VERSION, Store
from audit.store.database import open_store as open

__all__ = ["SCHEMA_VERSION", "Store", "open"]
