"""Four worlds people ask about: sentences with slots, and what may fill them. None shares a sentence with another.

The guards were developed against the first three; `docs/accuracy.md` reports the fourth.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class World:
    """Sentences with slots in braces, values of the slots by kind, and small rewordings that change nothing.

    Slots: `name`, `thing`, `number`, `unit`, `date` are refilled, `act` has opposites in pairs, `is` is denied, and `one`
    and `two` are exchanged.
    """

    sentences: tuple[str, ...]
    name: tuple[str, ...]
    thing: tuple[str, ...]
    unit: tuple[str, ...]
    date: tuple[str, ...]
    act: tuple[tuple[str, str], ...]
    denied: tuple[tuple[str, str], ...]
    before: tuple[str, ...]
    after: tuple[str, ...]
    same: tuple[tuple[str, str], ...]


SHOP = World(
    sentences=(
        "How do I {act} the {thing} that I ordered on {date}?",
        "Where can I find the manual of the {thing}?",
        "{name} sent me the {thing} but the parcel weighs {number} {unit} and {is} arrived.",
        "Can I pay {number} {unit} for the {thing} from {one} to {two}?",
        "{name} lives where we want to pick up the {thing}. My account {is} been charged for {number} {unit} since {date}.",
        "I bought a {thing} for my brother on {date}, and the seam at the side {is} held, so please tell me whether I should"
        " {act} the order or wait until {name} has looked at the pictures that I sent in with the form.",
        "Please move the {thing} from the shelf of {one} to the shelf of {two} before {date}, because the label {is} been"
        " printed yet and the customer would like to get all of it in one delivery of {number} {unit}.",
        "What does it cost to {act} a {thing}?",
        "Does the price of the {thing} change when {one} pays {two}?",
    ),
    name=("Alice", "Boris", "Carla", "Deniz", "Elena", "Farid", "Greta", "Hugo", "Ines", "Jonas"),
    thing=("tent", "stove", "jacket", "lantern", "backpack", "kettle", "sleeping bag", "rope", "helmet", "compass", "hammock"),
    unit=("kg", "lb", "euros", "dollars", "days", "weeks", "percent"),
    date=("Monday", "Friday", "3 May", "12 June", "2026-03-01", "Christmas", "the first of July"),
    act=(("cancel", "renew"), ("increase", "reduce"), ("enable", "disable"), ("accept", "reject"), ("open", "close"), ("send", "receive")),
    denied=(("has", "has not"), ("has", "hasn't"), ("has", "has never")),
    before=("Hi, ", "Hello! ", "Good morning, ", "Please: ", "Hey there, ", "Quick question: "),
    after=(" Thanks!", " Thank you", " please", " Many thanks in advance.", " Kind regards", ""),
    same=(("cost", "costs"), ("manual", "manuals"), ("I should", "we should"), ("would like", "want"), ("pictures", "photos")),
)  # fmt: skip
OFFICE = World(
    sentences=(
        "Which train goes from {one} to {two} on {date}?",
        "Summarise what {name} wrote about the {thing} in {number} {unit}.",
        "{name} asked whether the {thing} {is} been approved.",
        "Remind the whole team that the {thing} {is} been signed, and {act} the call with {name} that was planned for {date}"
        " unless somebody from the finance department writes to me before we leave for the airport in the afternoon.",
        "We met in the hotel near the river. {name} is the place where the {thing} should happen on {date}, and I need to know"
        " who can {act} the list of guests so that the kitchen knows about it in time.",
        "Did {one} report the {thing} to {two}?",
        "How do we {act} access to the {thing} for {name}?",
        "Is {number} {unit} enough for the {thing}?",
        "The draft says that {one} owes {two} a share of {number} {unit} from the {thing}, which our lawyers {is} confirmed so"
        " far, and I would be glad to hear from you what that means for the accounts of this quarter.",
    ),
    name=("Oslo", "Lisbon", "Nairobi", "Kyoto", "Quito", "Priya", "Tomas", "Zainab", "Mehmet", "Siobhan"),
    thing=("budget", "contract", "workshop", "invoice", "interview", "audit", "merger", "newsletter", "roadmap", "payroll"),
    unit=("words", "sentences", "hours", "minutes", "pages", "thousand"),
    date=("Tuesday", "Thursday", "9 August", "30 September", "2027-01-15", "Easter", "next week", "last week"),
    act=(("extend", "shorten"), ("grant", "revoke"), ("show", "hide"), ("lock", "unlock"), ("start", "finish"), ("approve", "decline")),
    denied=(("has", "has not"), ("have", "have never"), ("has", "hasn't")),
    before=("Hello, ", "Could you please tell me: ", "Good afternoon. ", "Hi team, ", "Sorry to bother you. "),
    after=(" Thanks a lot!", " Best regards", " Cheers", " Any help is appreciated.", " Please."),
    same=(("enough", "sufficient"), ("wrote", "has written"), ("glad", "happy"), ("planned", "scheduled"), ("need", "want")),
)  # fmt: skip
CLINIC = World(
    sentences=(
        "May I take {thing} together with {name} in the evening?",
        "{name} gave my mother {number} {unit} of {thing} a day since {date}.",
        "How do I {act} the dose of {thing}?",
        "The nurse said that the blood test {is} shown anything, but {name} wrote down {number} {unit} on the card, and now my"
        " family and I wonder whether we ought to {act} the treatment with {thing} when we come back on {date}.",
        "Who signs the form when {one} moves to the ward of {two}?",
        "Should {one} wake {two} at night because of the {thing}?",
        "We are staying near the lake until {date}. {name} is where the {thing} was bought, and I cannot remember if the label"
        " on the box {is} mentioned a limit of {number} {unit} for small patients like our youngest one.",
        "Does insurance cover {thing} after {date}?",
        "Were the {number} {unit} of {thing} given by {one} to {two} recorded in the book that lies at the entrance of the"
        " station, and if so, could somebody read me the line so that I can write it into the diary at home?",
    ),
    name=("Graz", "Tallinn", "Warfarin", "Lomira", "Dr Okafor", "Nadia", "Winnipeg", "Ravi", "Xylophene", "Beatriz"),
    thing=("insulin", "ginger tea", "codeine", "zinc", "iron tablets", "eye drops", "cortisone", "melatonin", "charcoal", "saline"),
    unit=("mg", "ml", "drops", "tablets", "grams", "micrograms"),
    date=("Sunday", "Wednesday", "21 October", "5 November", "2025-12-24", "Ramadan", "tomorrow", "yesterday"),
    act=(("raise", "lower"), ("begin", "end"), ("allow", "forbid"), ("tighten", "loosen"), ("continue", "stop"), ("import", "export")),
    denied=(("has", "has not"), ("has", "hasn't"), ("has", "never has")),
    before=("Dear team, ", "Hello doctor, ", "Good evening, ", "Please help me: ", "Hi, "),
    after=(" Thank you so much", " Kind regards", " Thanks in advance!", " Please advise.", " Looking forward to your reply."),
    same=(("ought to", "should"), ("small", "little"), ("box", "package"), ("signs", "will sign"), ("somebody", "someone")),
)  # fmt: skip
FARM = World(
    sentences=(
        "When should we {act} the {thing}?",
        "{name} rented us the {thing} for {number} {unit} and the fee {is} been paid.",
        "Does a permit for the {thing} run out on {date}?",
        "Which of the two sold the {thing}, {one} or {two}?",
        "Our neighbours say that water flows from the field of {one} into the field of {two} whenever it rains for {number}"
        " {unit}, and they would like us to {act} the gate beside the {thing} before {date} comes round again.",
        "How many {unit} of seed does {name} store behind the {thing}?",
        "The inspector wrote that our {thing} {is} passed. {name} repaired it on {date}, so which office do we call in order to"
        " learn whether the result still counts for the grant that we asked for in winter?",
        "Can {one} lend {two} the {thing} until {date}?",
        "Is it allowed to {act} the {thing} at night?",
    ),
    name=("Agata", "Bruno", "Chipo", "Dmitri", "Svalbard", "Texel", "Uppsala", "Yannick", "Zofia", "Ghent"),
    thing=("tractor", "well", "greenhouse", "silo", "milking robot", "fence", "beehive", "orchard", "barn", "irrigation pump"),
    unit=("acres", "hectares", "tonnes", "hours", "litres", "gallons", "years"),
    date=("Saturday", "Monday", "14 February", "2 April", "2028-09-30", "Pentecost", "today", "tomorrow"),
    act=(("lift", "drop"), ("fill", "empty"), ("heat", "cool"), ("attach", "detach"), ("buy", "sell"), ("lock", "unlock")),
    denied=(("has", "has not"), ("has", "hasn't"), ("has", "has never")),
    before=("Hi, ", "Dear Agata, ", "Good day, ", "Hello everyone, ", "Could you tell me please: ", "Just wondering, "),
    after=(" Thanks again", " Many thanks!", " Best wishes", " Thank you so much in advance.", " please?", " Cheers!"),
    same=(("repaired", "mended"), ("allowed", "permitted"), ("say", "tell us"), ("asked for", "applied for"), ("beside", "next to")),
)  # fmt: skip
WORLDS = {"shop": SHOP, "office": OFFICE, "clinic": CLINIC, "farm": FARM}
