"""Planted logs whose every request is known at today's price and at that of any change of it."""
