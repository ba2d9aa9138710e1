"""Measurements of speed and accuracy; each module says how to run it."""
