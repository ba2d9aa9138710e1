"""The price catalogue of one run: immutable rows, and the model a logged name is priced as."""

from __future__ import annotations

from audit.prices.rows import CacheRule, Candidate, Contract, Match, PriceRow

__all__ = ["CacheRule", "Candidate", "Contract", "Match", "PriceRow"]
