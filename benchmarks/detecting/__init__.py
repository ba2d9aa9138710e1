"""Planted logs with known truth, and how many of the planted findings each detector finds."""
