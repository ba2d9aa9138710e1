"""Questions of a help desk in many wordings, and questions that look like others and mean something else."""

from __future__ import annotations

from random import Random

from benchmarks.detecting.meanings import INTENTS, OPENINGS

TOWNS = ("Rome", "Oslo", "Lima", "Turin", "Bergen", "Quito")
_THINGS = ("tents", "stoves", "kettles", "ladders", "pillows", "helmets")
_TRAPS = (
    "What does it cost to send {number} {thing} to {town}?",
    "Is it allowed to send {number} {thing} to {town}?",
    "Is it not allowed to send {number} {thing} to {town}?",
    "Can I return {thing} that I bought in {town} after {number} days?",
    "Can I never return {thing} that I bought in {town} after {number} days?",
    "Do the {thing} from {town} come before {number} o'clock?",
    "Do the {thing} from {town} come after {number} o'clock?",
)


def alike(rng: Random) -> tuple[str, str]:
    """One of nine hundred wordings, and which of twelve questions it asks."""
    intent = rng.randrange(len(INTENTS))
    verbs, objects = INTENTS[intent]
    return rng.choice(OPENINGS).format(f"{rng.choice(verbs)} {rng.choice(objects)}"), str(intent)


def trap(rng: Random) -> tuple[str, str]:
    """A question whose neighbours differ in a number, a name, a thing, a negation or an opposite; its own meaning."""
    text = rng.choice(_TRAPS).format(number=rng.randint(2, 20), thing=rng.choice(_THINGS), town=rng.choice(TOWNS))
    return text, text
