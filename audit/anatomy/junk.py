"""Messages no model need answer: key mashing, and the words monitors send to see whether something answers."""

from __future__ import annotations

import re

_MOST_CHARACTERS = 80
_MOST_WORDS = 8
_ROWS = ("qwertyuiop", "qwertzuiop", "azertyuiop", "asdfghjkl", "qsdfghjklm", "zxcvbnm", "yxcvbnm", "1234567890")
_FILLER = re.compile(
    "abc|abcd|asd|bar|baz|bla|blabla|blah|blahblah|blubb|dada|eh|foo|foobar|haha|hehe|hihi|ipsum|la|lala|lol|"
    "lorem|meh|na|nana|qwe|rofl|test|testing|tests|tset|uh|xx|xxx|xyz|yo|yy|zz"
)
_WEAK = re.compile("abc|bar|eh|haha|hehe|la|lol|na|test|testing|tests|uh|xyz|yo")
_SHORT_FORMS = re.compile(
    "brb|btw|bzw|cry|css|csv|dry|fly|ggf|gym|hdmi|hmm|html|http|https|hymn|jpg|kmh|lynx|mph|msg|myth|nth|nymph|"
    "pdf|php|pls|plz|png|ppl|psst|rhythm|shh|sky|smth|sql|sth|svg|thx|tks|try|tsk|txt|usw|vgl|why|www|xlsx|xml"
)
_WORD = re.compile(r"[^\W_]+")
_VOWEL = re.compile(r"[aeiouyàâäáãåæèéêëìíîïòóôöõøùúûüýœ]")
_MONITOR = re.compile(
    r"(?:ping|pong|heart ?beat|health ?-?check(?: (?:request|ping|probe))?|keep ?-?alive|liveness(?: probe)?|"
    r"readiness(?: probe)?|warm ?-?up(?: request)?|smoke ?-?test|uptime ?-?(?:check|probe|monitor)|synthetic (?:check|"
    r"monitor|probe)|status ?-?check|probe)",
)


def is_junk(text: str) -> bool:
    """Whether a short message holds no word of any language: mashed keys, one letter again and again, filler.

    Every word must be junk, and one of them beyond doubt or three of them filler. Scripts other than Latin are never
    called junk.
    """
    plain = text.strip()
    if not plain or len(plain) > _MOST_CHARACTERS:
        return False
    words = _WORD.findall(plain)
    if not words:
        return _only_marks(plain)
    if len(words) > _MOST_WORDS or any(char.isalpha() and ord(char) > 0x24F for char in plain):
        return False
    marks = [_junk_word(word) for word in words]
    return all(mark > 0 for mark in marks) and (max(marks) == 2 or sum(marks) > 2)


def _only_marks(plain: str) -> bool:
    """Dots and dashes; a single question mark is a question, and so is an emoji an answer."""
    return len(plain) >= 4 and all(ord(char) < 0x250 for char in plain)


def _junk_word(word: str) -> int:
    """0 a word, 1 may be filler, 2 junk."""
    low = word.lower()
    if _FILLER.fullmatch(low):
        return 1 if _WEAK.fullmatch(low) else 2
    if low.isdigit():
        return 1
    if any(char.isdigit() for char in low) or (word.isupper() and len(word) <= 6) or _SHORT_FORMS.fullmatch(low):
        return 0
    if re.search(r"(.)\1{3,}", low) or re.fullmatch(r"(.)\1{2,}|(..)\2{2,}|(...)\3{2,}", low):
        return 2
    if len(low) >= 3 and _mashed(low) >= (0.75 if len(low) > 4 else 1) * len(low):
        return 2 if len(low) >= 4 else 1
    return 2 if len(low) >= 5 and not _VOWEL.search(low) else 0


def _mashed(word: str) -> int:
    """How many letters stand in runs of three or more keys that lie next to each other, as in `asdf` or `lkj`."""
    inside, place = 0, 0
    while place < len(word) - 2:
        end = place + 3
        if not _is_run(word[place:end]):
            place += 1
            continue
        while end < len(word) and _is_run(word[place : end + 1]):
            end += 1
        inside += end - place
        place = end
    return inside


def _is_run(keys: str) -> bool:
    return any(keys in row or keys[::-1] in row for row in _ROWS)


def is_monitor_word(text: str) -> bool:
    """Whether only a monitor sends such a message: `ping`, `health check`, `heartbeat`."""
    plain = " ".join(text.lower().split()).strip(" .!?\"'`:-")
    return len(plain) <= _MOST_CHARACTERS and _MONITOR.fullmatch(plain) is not None
