"""Providers' prompt caches played over a log in time order, by dated rules, and calibrated against billed tokens."""

from audit.promptcache.calibration import Calibrated, Calibration, calibrate, today
from audit.promptcache.policies import OTHERS, TODAY, Behaviour, Played, Policy, play
from audit.promptcache.traffic import Rule, Traffic, traffic

__all__ = [
    "OTHERS", "TODAY", "Behaviour", "Calibrated", "Calibration", "Played", "Policy", "Rule", "Traffic", "calibrate",
    "play", "today", "traffic",
]  # fmt: skip
