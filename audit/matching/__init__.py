"""Which requests ask what was asked before: exactly, but for layout, nearly in the same words, or in meaning."""

from audit.matching.similar import looked_for, similar
from audit.matching.tiers import DuplicateTier, matching

__all__ = ["DuplicateTier", "looked_for", "matching", "similar"]
