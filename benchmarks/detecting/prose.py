"""Sentences that read like a help centre's, from a seed: many words, few of them shared by two texts."""

from __future__ import annotations

import random

NOUNS = (
    "parcel invoice warranty tent stove jacket voucher refund carrier courier pallet receipt customs label warehouse "
    "locker scanner basket coupon deposit account password profile newsletter sample catalogue shipment bracket zipper "
    "battery charger helmet rope harness lantern backpack compass whistle blanket cushion ladder bicycle saddle brake "
    "pedal tyre pump sensor antenna router modem printer cartridge keyboard monitor tablet adapter cable fuse switch "
    "valve filter kettle freezer oven grill sink faucet mirror drawer hinge shelf carpet curtain mattress pillow quilt "
    "contract clause landlord tenant meter tariff grid boiler radiator insulation gutter chimney roof balcony terrace "
    "passport visa embassy ferry platform ticket luggage gate runway turbine propeller hangar harbour anchor buoy"
).split()
VERBS = (
    "replace inspect confirm cancel deliver collect register return repair exchange extend archive forward approve reject "
    "export import upgrade renew suspend measure assemble disconnect calibrate polish sharpen inflate tighten loosen seal"
).split()
QUALITIES = (
    "green heavy foldable waterproof fragile seasonal domestic refundable prepaid overdue spare broken genuine narrow "
    "reversible adjustable detachable rechargeable insured unopened certified temporary annual quarterly northern coastal"
).split()
_FORMS = (
    "You can {v} the {q} {n} within {k} days at any {n2}.",
    "A {q} {n} needs a {n2} before anyone may {v} it.",
    "Please {v} every {n} that came with the {q} {n2}.",
    "The {n} and the {n2} are {q} until somebody decides to {v} them.",
    "Nobody should {v} a {n} without the {q} {n2} number {k}.",
    "When the {n} is {q}, the desk will {v} the {n2} for {k} euros.",
)
_QUESTIONS = (
    "How do I {v} my {n}?",
    "May I {v} the {q} {n}?",
    "What does it cost to {v} a {n}?",
    "Where is the {q} {n}?",
)


class Prose:
    """Text from one source of chance."""

    def __init__(self, seed: int | str) -> None:
        self.dice = random.Random(seed)

    def sentence(self) -> str:
        return self._filled(self.dice.choice(_FORMS))

    def question(self) -> str:
        return self._filled(self.dice.choice(_QUESTIONS))

    def paragraph(self, sentences: int) -> str:
        return " ".join(self.sentence() for _ in range(sentences))

    def _filled(self, form: str) -> str:
        pick = self.dice.choice
        return form.format(
            v=pick(VERBS), q=pick(QUALITIES), n=pick(NOUNS), n2=pick(NOUNS), k=self.dice.randint(2, 9999)
        )
