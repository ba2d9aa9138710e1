"""Dated prices: genai-prices' data, an overlay for its gaps, a customer's contracts, and the join that applies them."""
